// SPDX-License-Identifier: Apache-2.0
//! Stopping and continuing what runs for the tenant; the agent is never stopped.

use super::children::Placement;
use super::hierarchy::{Controller, Hierarchy, Version};
use super::{CgroupRoots, Child, write_control};
use crate::error::{Failed, LauncherError, Result};
use crate::sys::descriptors;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreezeKind {
    V1,
    V2,
}

/// A process in an uninterruptible call freezes only after it; longer than this is reported.
const DEADLINE: Duration = Duration::from_secs(5);

impl CgroupRoots {
    pub fn freeze_kind(&self) -> Option<FreezeKind> {
        kind_of(&self.hierarchies)
    }
}

impl Placement {
    pub fn freeze(&self) -> Result<()> {
        match kind_of(&self.hierarchies) {
            Some(FreezeKind::V2) => self.set_v2("1"),
            Some(FreezeKind::V1) => self.set_v1("FROZEN"),
            None => Err(LauncherError::LimitUnenforceable {
                limit: "freeze".into(),
                reason: "the launcher may not use a freezer cgroup".into(),
            }),
        }
    }

    pub fn thaw(&self) -> Result<()> {
        match kind_of(&self.hierarchies) {
            Some(FreezeKind::V2) => self.set_v2("0"),
            Some(FreezeKind::V1) => self.set_v1("THAWED"),
            None => Ok(()),
        }
    }

    /// v1 delivers no signal to what is frozen, not even SIGKILL.
    pub fn must_thaw_to_kill(&self) -> bool {
        kind_of(&self.hierarchies) == Some(FreezeKind::V1)
    }

    fn set_v2(&self, value: &str) -> Result<()> {
        let Some(hierarchy) = self.first_v2() else { return Ok(()) };
        let work = hierarchy.directory.join(Child::Work.name());
        let (control, events) = (work.join("cgroup.freeze"), work.join("cgroup.events"));
        let watched = File::open(&events).failed_on("open", &events)?;
        write_control(&control, value).failed_on("write", &control)?;
        let wanted = format!("frozen {value}");
        let deadline = Instant::now() + DEADLINE;
        while !fs::read_to_string(&events).failed_on("read", &events)?.lines().any(|line| line == wanted) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(LauncherError::step("wait for", events.display(), format!("not {wanted:?} in time")));
            }
            descriptors::wait_changed(watched.as_fd(), left.as_millis() as i32).failed_on("wait for", &events)?;
        }
        Ok(())
    }

    fn set_v1(&self, value: &str) -> Result<()> {
        let Some(hierarchy) = self.hierarchies.iter().find(|hierarchy| hierarchy.has(Controller::Freezer)) else {
            return Ok(());
        };
        let state = hierarchy.directory.join(Child::Work.name()).join("freezer.state");
        let deadline = Instant::now() + DEADLINE;
        loop {
            // Writing again is how v1 catches processes that were born meanwhile; it has no event to wait for.
            write_control(&state, value).failed_on("write", &state)?;
            if fs::read_to_string(&state).failed_on("read", &state)?.trim() == value {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(LauncherError::step("wait for", state.display(), format!("not {value} in time")));
            }
            sleep(Duration::from_millis(1));
        }
    }
}

fn kind_of(hierarchies: &[Hierarchy]) -> Option<FreezeKind> {
    if hierarchies.iter().any(|hierarchy| hierarchy.version == Version::V2) {
        return Some(FreezeKind::V2);
    }
    hierarchies.iter().any(|hierarchy| hierarchy.has(Controller::Freezer)).then_some(FreezeKind::V1)
}
