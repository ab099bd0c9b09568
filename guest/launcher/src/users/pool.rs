// SPDX-License-Identifier: Apache-2.0
use super::IDS_PER_SANDBOX;
use crate::error::{LauncherError, Result};
use std::collections::BTreeSet;

/// Above every range that systemd, shadow and the distributions give to users, services and containers.
const FIRST: u32 = 0x7000_0000;
/// The last whole range below the two ids that mean "nobody" to the kernel.
const LAST: u32 = 0xfffe_0000;

const RANGES: u32 = (LAST - FIRST) / IDS_PER_SANDBOX + 1;

/// The ranges of ids that live sandboxes have. Nothing on disk carries them: layers are id-mapped.
#[derive(Default)]
pub struct IdPool {
    taken: BTreeSet<u32>,
    /// How many ranges lie before the first that is given.
    offset: u32,
}

impl IdPool {
    /// Two launchers on one host know nothing of each other's sandboxes. Each begins at a place of its own, so that
    /// theirs hardly ever share ids, and with them what the kernel counts for a user.
    pub fn starting_by(tag: &str) -> Self {
        // FNV-1a, as for the tag itself, whose own bits are in hexadecimal.
        let hash = tag.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        Self { taken: BTreeSet::new(), offset: hash % RANGES }
    }

    /// The next range, in a circle from this pool's place on, that no live sandbox has.
    pub fn take(&mut self) -> Result<u32> {
        let bases = (0..RANGES).map(|index| FIRST + (self.offset + index) % RANGES * IDS_PER_SANDBOX);
        let Some(base) = bases.into_iter().find(|base| !self.taken.contains(base)) else {
            let most = u64::from(RANGES);
            return Err(LauncherError::Exhausted { resource: "range of user ids".into(), most });
        };
        self.taken.insert(base);
        Ok(base)
    }

    /// A range that a sandbox of an earlier launcher still has.
    pub fn adopt(&mut self, base: u32) {
        if base >= FIRST {
            self.taken.insert(base);
        }
    }

    pub fn give_back(&mut self, base: u32) {
        self.taken.remove(&base);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_do_not_overlap_and_are_used_again() {
        let mut pool = IdPool::default();
        let (first, second) = (pool.take().unwrap(), pool.take().unwrap());
        assert_eq!(second - first, IDS_PER_SANDBOX);
        pool.give_back(first);
        assert_eq!(pool.take().unwrap(), first);
    }

    #[test]
    fn pools_of_two_directories_begin_apart_and_go_round() {
        let (mut one, mut other) = (IdPool::starting_by("isola-811c9dc5"), IdPool::starting_by("isola-811c9dc6"));
        let first = one.take().unwrap();
        assert_ne!(first, other.take().unwrap());
        assert_eq!(IdPool::starting_by("isola-811c9dc5").take().unwrap(), first, "the place is always the same");
        let mut last = IdPool { offset: RANGES - 1, ..IdPool::default() };
        assert_eq!((last.take().unwrap(), last.take().unwrap()), (LAST, FIRST));
        one.give_back(first);
        one.adopt(first);
        assert_ne!(one.take().unwrap(), first, "an adopted sandbox still has it");
    }

    #[test]
    fn a_range_of_an_adopted_sandbox_is_not_given_twice() {
        let mut pool = IdPool::default();
        pool.adopt(FIRST);
        assert_eq!(pool.take().unwrap(), FIRST + IDS_PER_SANDBOX);
    }

    #[test]
    fn the_last_range_ends_before_the_reserved_ids() {
        let mut pool = IdPool::default();
        let mut base = FIRST;
        while base < LAST {
            pool.adopt(base);
            base += IDS_PER_SANDBOX;
        }
        assert_eq!(pool.take().unwrap(), LAST);
        assert!(u64::from(LAST) + u64::from(IDS_PER_SANDBOX) <= 0xffff_0000);
        assert!(matches!(pool.take(), Err(LauncherError::Exhausted { .. })));
    }
}
