// SPDX-License-Identifier: Apache-2.0
use super::hierarchy::{Controller, Hierarchy, Version};
use super::mounts::own_directories;
use super::{remove, write_control};
use isola_wire::launcher::CgroupSupport;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where this launcher's sandboxes live: one directory per usable hierarchy.
#[derive(Clone, Debug, Default)]
pub struct CgroupRoots {
    pub hierarchies: Vec<Hierarchy>,
    /// What could not be used, and why: for the reader of the probe.
    pub refused: Vec<String>,
    /// Memory cgroups of others when this launcher started, as the kernel counted them.
    pub(super) foreign: u64,
}

/// Removed memory cgroups that may stay in the kernel because of pages that are still charged to them.
const MOST_LINGERING: u64 = 32;

impl CgroupRoots {
    /// Makes the launcher's directory in every hierarchy where that is allowed.
    pub fn open(tag: &str) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let own = own_directories(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"));
        let mut roots = Self::default();
        for hierarchy in own {
            let opened = match hierarchy.version {
                Version::V1 => open_v1(&hierarchy, tag),
                Version::V2 => open_v2(&hierarchy, tag),
            };
            match opened {
                Ok(hierarchy) => roots.hierarchies.push(hierarchy),
                Err(reason) => roots.refused.push(reason),
            }
        }
        roots.foreign = memory_cgroups().saturating_sub(roots.own_memory_cgroups());
        roots
    }

    /// Whether a v1 memory cgroup may be removed while pages of shared files are charged to it.
    ///
    /// Such pages keep the removed cgroup in the kernel until they are reclaimed. Reclaiming them at once keeps
    /// the count down, but throws the host's programs out of the page cache, where the next sandbox would read
    /// them from disk and be charged for them again. So a few cgroups may linger, and not more.
    pub fn may_linger(&self) -> bool {
        memory_cgroups().saturating_sub(self.foreign + self.own_memory_cgroups()) < MOST_LINGERING
    }

    /// The launcher's own, and three for each sandbox and seat: a directory's links count those below.
    fn own_memory_cgroups(&self) -> u64 {
        let is_it = |hierarchy: &&Hierarchy| hierarchy.version == Version::V1 && hierarchy.has(Controller::Memory);
        let directory = self.hierarchies.iter().find(is_it).map(|hierarchy| &hierarchy.directory);
        directory.and_then(|path| fs::metadata(path).ok()).map_or(0, |own| 1 + 3 * own.nlink().saturating_sub(2))
    }

    pub fn usable(&self) -> Vec<Controller> {
        self.hierarchies.iter().flat_map(|hierarchy| hierarchy.controllers.iter().copied()).collect()
    }

    /// The version that holds the limits; a v2 mount that can only freeze does not count.
    pub fn support(&self) -> CgroupSupport {
        let has = |version| {
            self.hierarchies.iter().any(|hierarchy| hierarchy.version == version && !hierarchy.controllers.is_empty())
        };
        if has(Version::V2) {
            CgroupSupport::V2
        } else if has(Version::V1) {
            CgroupSupport::V1
        } else {
            CgroupSupport::None
        }
    }

    /// The names of the sandboxes and seats that have a directory in any hierarchy.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .hierarchies
            .iter()
            .filter_map(|hierarchy| fs::read_dir(&hierarchy.directory).ok())
            .flatten()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Takes the launcher's own directories away; those that still hold sandboxes stay.
    pub fn close(&self) {
        for hierarchy in &self.hierarchies {
            remove::directory(&hierarchy.directory);
        }
    }
}

fn open_v1(own: &Hierarchy, tag: &str) -> Result<Hierarchy, String> {
    let root = own.below(tag);
    make(&root.directory)?;
    Ok(root)
}

/// In v2 a cgroup that holds processes cannot pass controllers on, so the place is looked for upwards.
fn open_v2(own: &Hierarchy, tag: &str) -> Result<Hierarchy, String> {
    let mut best: Option<Hierarchy> = None;
    let mut refused = String::new();
    for candidate in candidates(&own.directory) {
        let controllers = pass_controllers_on(&candidate);
        if best.as_ref().is_some_and(|best| best.controllers.len() >= controllers.len()) {
            continue;
        }
        let directory = candidate.join(tag);
        if let Err(reason) = make(&directory) {
            refused = reason;
            continue;
        }
        if let Some(previous) = best.take() {
            let _ = fs::remove_dir(previous.directory);
        }
        let _ = pass_controllers_on(&directory);
        best = Some(Hierarchy { version: Version::V2, controllers, directory });
    }
    best.ok_or(refused)
}

/// The own cgroup first, then its ancestors up to the root of the mount.
fn candidates(own: &Path) -> Vec<PathBuf> {
    own.ancestors().take_while(|path| path.join("cgroup.procs").exists()).map(Path::to_owned).collect()
}

/// Enables for children what is available here; returns what is enabled afterwards.
pub(super) fn pass_controllers_on(directory: &Path) -> Vec<Controller> {
    let words = |file: &str| fs::read_to_string(directory.join(file)).unwrap_or_default();
    let available = parse_controllers(&words("cgroup.controllers"));
    let file = directory.join("cgroup.subtree_control");
    for controller in available {
        let _ = write_control(&file, &format!("+{}", controller.name()));
    }
    parse_controllers(&words("cgroup.subtree_control"))
}

fn parse_controllers(words: &str) -> Vec<Controller> {
    words
        .split_whitespace()
        .filter_map(Controller::parse)
        .filter(|controller| *controller != Controller::Freezer)
        .collect()
}

/// All of the host's, removed ones that linger included.
fn memory_cgroups() -> u64 {
    fs::read_to_string("/proc/cgroups").ok().and_then(|text| parse_memory_cgroups(&text)).unwrap_or_default()
}

fn parse_memory_cgroups(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("memory\t"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn make(directory: &Path) -> Result<(), String> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(format!("make cgroup {}: {error}", directory.display())),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_controllers_that_isola_uses_are_passed_on() {
        let words = "cpuset cpu io memory hugetlb pids rdma freezer\n";
        assert_eq!(parse_controllers(words), [Controller::Cpu, Controller::Memory, Controller::Pids]);
    }

    #[test]
    fn the_kernels_count_of_memory_cgroups_is_read() {
        let text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t7\t1\nmemory\t4\t325\t1\n";
        assert_eq!(parse_memory_cgroups(text), Some(325));
        assert_eq!(parse_memory_cgroups(""), None);
    }

    #[test]
    fn a_v2_mount_that_can_only_freeze_is_not_a_cgroup_for_limits() {
        let hierarchy = |version, controllers: &[Controller]| Hierarchy {
            version,
            controllers: controllers.to_vec(),
            directory: "/x".into(),
        };
        let freezing = hierarchy(Version::V2, &[]);
        let limiting = hierarchy(Version::V1, &[Controller::Memory]);
        let roots = |hierarchies| CgroupRoots { hierarchies, ..CgroupRoots::default() };
        assert_eq!(roots(vec![freezing.clone()]).support(), CgroupSupport::None);
        assert_eq!(roots(vec![freezing, limiting]).support(), CgroupSupport::V1);
        assert_eq!(roots(vec![hierarchy(Version::V2, &[Controller::Memory])]).support(), CgroupSupport::V2);
    }
}
