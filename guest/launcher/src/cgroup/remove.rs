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

    /// Takes away the launcher's directories around this sandbox, where it was the last one in them.
    pub fn remove_roots(&self) {
        for root in self.hierarchies.iter().filter_map(|hierarchy| hierarchy.directory.parent()) {
            directory(root);
        }
    }

    /// Removes every directory of the sandbox, waiting for the last processes to be gone.
    ///
    /// `may_linger`: whether the kernel may keep what it still has pages for, see `CgroupRoots::may_linger`.
    pub fn remove(&self, may_linger: bool) -> Result<()> {
        let mut wait = FIRST_WAIT;
        for attempt in 0..=RETRIES {
            let left: Vec<&Hierarchy> =
                self.hierarchies.iter().filter(|hierarchy| !is_removed(hierarchy, may_linger)).collect();
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

fn is_removed(hierarchy: &Hierarchy, may_linger: bool) -> bool {
    if !may_linger && hierarchy.version == Version::V1 && hierarchy.has(Controller::Memory) {
        release_pages(&hierarchy.directory);
    }
    let children = Child::BOTH.map(|child| hierarchy.directory.join(child.name()));
    for directory in children.iter().chain([&hierarchy.directory]) {
        if !self::directory(directory) {
            return false;
        }
    }
    true
}

/// Reclaims the pages that would keep the removed cgroups in the kernel. Mostly there are none, and then asking,
/// which makes every processor stop by, is spared.
fn release_pages(directory: &Path) {
    let stat = fs::read_to_string(directory.join("memory.stat")).unwrap_or_default();
    if charged_bytes(&stat) > 0 {
        let _ = write_control(&directory.join("memory.force_empty"), "0");
    }
}

/// Cache and memory of the group and its children.
fn charged_bytes(stat: &str) -> u64 {
    let value = |line: &str| {
        let (key, value) = line.split_once(' ')?;
        matches!(key, "total_cache" | "total_rss" | "total_swap").then(|| value.parse::<u64>().ok())?
    };
    stat.lines().filter_map(value).sum()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_charged_anywhere_below_is_counted() {
        assert_eq!(charged_bytes("cache 5\nrss 6\ntotal_cache 4096\ntotal_rss 8192\ntotal_pgfault 9\n"), 12_288);
        assert_eq!(charged_bytes("cache 5\nrss 0\ntotal_cache 0\ntotal_rss 0\n"), 0);
        assert_eq!(charged_bytes(""), 0);
    }
}
