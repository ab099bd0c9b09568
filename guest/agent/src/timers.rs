// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What a timer is for; keys as in `poll::Source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    LinkDeadline(u32),
    Redial,
    ProcessTimeout(u32),
    /// A process by its key, and the group that it leads: that may live on without it.
    GroupKill(u32, i32),
    SpawnerStuck(u64),
    SudoDeadline(u32),
    SudoKill(u32),
}

/// Names a timer for cancelling it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId {
    at: Instant,
    number: u64,
}

#[derive(Default)]
pub struct Timers {
    pending: BTreeMap<TimerId, Alarm>,
    next_number: u64,
}

/// Longer than any sandbox lives; keeps sums of instants from overflowing.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

impl Timers {
    pub fn set(&mut self, after: Duration, alarm: Alarm) -> TimerId {
        self.next_number += 1;
        let id = TimerId { at: Instant::now() + after.min(LONGEST), number: self.next_number };
        self.pending.insert(id, alarm);
        id
    }

    pub fn cancel(&mut self, id: TimerId) {
        self.pending.remove(&id);
    }

    /// How long until the next alarm; None when there is none.
    pub fn until_next(&self) -> Option<Duration> {
        let (id, _) = self.pending.first_key_value()?;
        Some(id.at.saturating_duration_since(Instant::now()))
    }

    pub fn take_due(&mut self) -> Option<Alarm> {
        let entry = self.pending.first_entry()?;
        (entry.key().at <= Instant::now()).then(|| entry.remove())
    }
}
