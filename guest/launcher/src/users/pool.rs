// SPDX-License-Identifier: Apache-2.0
use super::IDS_PER_SANDBOX;
use crate::error::{LauncherError, Result};
use std::collections::BTreeSet;

/// Above every range that systemd, shadow and the distributions give to users, services and containers.
const FIRST: u32 = 0x7000_0000;
/// The last whole range below the two ids that mean "nobody" to the kernel.
const LAST: u32 = 0xfffe_0000;

/// The ranges of ids that live sandboxes have. Nothing on disk carries them: layers are id-mapped.
#[derive(Default)]
pub struct IdPool {
    taken: BTreeSet<u32>,
}

impl IdPool {
    /// The lowest range that no live sandbox has.
    pub fn take(&mut self) -> Result<u32> {
        let mut base = FIRST;
        for taken in &self.taken {
            if *taken != base {
                break;
            }
            if base == LAST {
                let most = u64::from((LAST - FIRST) / IDS_PER_SANDBOX) + 1;
                return Err(LauncherError::Exhausted { resource: "range of user ids".into(), most });
            }
            base += IDS_PER_SANDBOX;
        }
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
