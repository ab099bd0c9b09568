// SPDX-License-Identifier: Apache-2.0
use super::children::Placement;
use super::hierarchy::{Controller, Hierarchy, Version};
use super::{Child, write_control};
use crate::error::{LauncherError, Result};
use std::fs;
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// Together a little more than two seconds: what is dying in uninterruptible sleep may take that long.
const RETRIES: u32 = 12;
const FIRST_WAIT: Duration = Duration::from_micros(500);

impl Placement {
    /// Kills whatever is still inside, where the kernel can do that for a whole cgroup.
    pub fn kill(&self) {
        for hierarchy in &self.hierarchies {
            let kill = hierarchy.directory.join("cgroup.kill");
            if hierarchy.version == Version::V2 && write_control(&kill, "1").is_ok() {
                continue;
            }
            kill_each(hierarchy);
        }
    }

    /// Removes every directory of the sandbox, waiting for the last processes to be gone.
    pub fn remove(&self) -> Result<()> {
        let mut wait = FIRST_WAIT;
        for attempt in 0..=RETRIES {
            let left: Vec<&Hierarchy> =
                self.hierarchies.iter().filter(|hierarchy| !is_removed(hierarchy)).collect();
            let Some(first) = left.first() else { return Ok(()) };
            if attempt == RETRIES {
                return Err(LauncherError::step("remove cgroup", first.directory.display(), "it is still in use"));
            }
            // Processes that nobody knows about: half-made sandboxes have no pid 1 to kill.
            if attempt == 1 {
                self.kill();
            }
            sleep(wait);
            wait = (wait * 2).min(Duration::from_millis(250));
        }
        Ok(())
    }
}

fn is_removed(hierarchy: &Hierarchy) -> bool {
    let children = Child::BOTH.map(|child| hierarchy.directory.join(child.name()));
    for directory in children.iter().chain([&hierarchy.directory]) {
        if hierarchy.version == Version::V1 && hierarchy.has(Controller::Memory) {
            // Pages still charged would keep the removed group alive, unseen.
            let _ = write_control(&directory.join("memory.force_empty"), "0");
        }
        if !self::directory(directory) {
            return false;
        }
    }
    true
}

/// True when the directory is gone afterwards.
pub fn directory(path: &Path) -> bool {
    match fs::remove_dir(path) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn kill_each(hierarchy: &Hierarchy) {
    for child in Child::BOTH {
        let Ok(text) = fs::read_to_string(hierarchy.directory.join(child.name()).join("cgroup.procs")) else {
            continue;
        };
        // 0 stands for processes of foreign pid namespaces, and would mean our own group to kill.
        for pid in text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 1) {
            let _ = crate::sys::fork::kill(pid, libc::SIGKILL);
        }
    }
}
