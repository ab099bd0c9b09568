// SPDX-License-Identifier: Apache-2.0
//! Reads from /proc which hierarchies exist and where in them this process is. Pure: text in, values out.

use super::hierarchy::{Controller, Hierarchy, Version};
use std::path::{Path, PathBuf};

/// The directories of this process's own cgroups that are useful to Isola.
///
/// The v1 freezer is used only where there is no v2 mount, which freezes without a controller.
pub fn own_directories(mountinfo: &str, own_cgroups: &str) -> Vec<Hierarchy> {
    let mounts: Vec<MountedHierarchy> = mountinfo.lines().filter_map(parse_mount).collect();
    let has_v2 = mounts.iter().any(|mount| mount.version == Version::V2);
    let mut found: Vec<Hierarchy> = Vec::new();
    for mount in mounts {
        let Some(own) = own_path(own_cgroups, &mount) else { continue };
        let controllers: Vec<Controller> = mount
            .controllers
            .iter()
            .copied()
            .filter(|controller| *controller != Controller::Freezer || !has_v2)
            .collect();
        let known = found.iter().any(|other| other.version == mount.version && other.controllers == controllers);
        if known || (mount.version == Version::V1 && controllers.is_empty()) {
            continue;
        }
        found.push(Hierarchy { version: mount.version, controllers, directory: mount.directory(&own) });
    }
    found
}

struct MountedHierarchy {
    version: Version,
    controllers: Vec<Controller>,
    /// The names as they stand in /proc/self/cgroup, to find the line.
    names: Vec<String>,
    root: PathBuf,
    target: PathBuf,
}

impl MountedHierarchy {
    /// Inside of a container the mount may show only a part of the hierarchy.
    fn directory(&self, own: &Path) -> PathBuf {
        let below = own.strip_prefix(&self.root).or_else(|_| own.strip_prefix("/")).unwrap_or(Path::new(""));
        self.target.join(below)
    }
}

fn parse_mount(line: &str) -> Option<MountedHierarchy> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let (root, target) = (left.next()?.into(), left.next()?.into());
    let mut right = right.split(' ');
    let kind = right.next()?;
    let options = right.nth(1)?;
    match kind {
        "cgroup2" => Some(MountedHierarchy { version: Version::V2, controllers: vec![], names: vec![], root, target }),
        "cgroup" => {
            let names: Vec<String> = options.split(',').map(str::to_owned).collect();
            let controllers = names.iter().filter_map(|name| Controller::parse(name)).collect();
            Some(MountedHierarchy { version: Version::V1, controllers, names, root, target })
        }
        _ => None,
    }
}

fn own_path(own_cgroups: &str, mount: &MountedHierarchy) -> Option<PathBuf> {
    own_cgroups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (names, path) = (fields.next()?, fields.next()?);
        let fits = match mount.version {
            Version::V2 => names.is_empty(),
            Version::V1 => names
                .split(',')
                .any(|name| Controller::parse(name).is_some() && mount.names.iter().any(|other| other == name)),
        };
        fits.then(|| path.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
40 36 0:33 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
44 36 0:37 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
46 36 0:39 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
48 36 0:41 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
49 36 0:42 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
    const OWN: &str = "6:freezer:/\n4:memory:/job/1\n1:cpu:/\n9:name=systemd:/\n0::/";

    #[test]
    fn a_hybrid_host_gives_v1_for_limits_and_v2_for_freezing() {
        let found = own_directories(HYBRID, OWN);
        let row = |version, controllers: &[Controller], directory: &str| Hierarchy {
            version,
            controllers: controllers.to_vec(),
            directory: directory.into(),
        };
        assert_eq!(
            found,
            [
                row(Version::V1, &[Controller::Cpu], "/sys/fs/cgroup/cpu"),
                row(Version::V1, &[Controller::Memory], "/sys/fs/cgroup/memory/job/1"),
                row(Version::V2, &[], "/sys/fs/cgroup/unified"),
            ]
        );
    }

    #[test]
    fn without_v2_the_v1_freezer_is_used() {
        let v1_only: String = HYBRID.lines().filter(|line| !line.contains("cgroup2")).collect::<Vec<_>>().join("\n");
        let found = own_directories(&v1_only, OWN);
        assert!(found.iter().any(|hierarchy| hierarchy.has(Controller::Freezer)));
    }

    #[test]
    fn controllers_mounted_together_are_one_hierarchy() {
        let mountinfo = "1 2 0:3 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct";
        let found = own_directories(mountinfo, "3:cpu,cpuacct:/user");
        assert_eq!(found[0].directory, Path::new("/sys/fs/cgroup/cpu,cpuacct/user"));
    }

    #[test]
    fn a_mount_that_shows_a_part_is_entered_below_that_part() {
        let mountinfo = "1 2 0:3 /docker/c1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
        let found = own_directories(mountinfo, "4:memory:/docker/c1/inner");
        assert_eq!(found[0].directory, Path::new("/sys/fs/cgroup/memory/inner"));
    }

    #[test]
    fn a_host_without_cgroups_has_none() {
        assert!(own_directories("1 2 0:3 / / rw - ext4 /dev/vda rw", "").is_empty());
    }
}
