// SPDX-License-Identifier: Apache-2.0
use super::hierarchy::{Controller, Hierarchy, Version};
use super::limits::{self, ControlFile};
use super::roots::{CgroupRoots, pass_controllers_on};
use super::{Child, write_control};
use crate::error::{Failed, Result};
use crate::sys::directory;
use isola_wire::launcher::Limits;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The cgroups of one sandbox: its directory in each hierarchy. Kept in the boot record, because a later
/// launcher may itself live in other cgroups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    pub hierarchies: Vec<Hierarchy>,
}

impl Placement {
    pub fn plan(roots: &CgroupRoots, name: &str) -> Self {
        Self { hierarchies: roots.hierarchies.iter().map(|root| root.below(name)).collect() }
    }

    fn of(&self, version: Version) -> impl Iterator<Item = &Hierarchy> {
        self.hierarchies.iter().filter(move |hierarchy| hierarchy.version == version)
    }

    /// The v1 directories, which are made ahead of use: attaching to them waits for a grace period.
    pub fn make_v1(&self) -> Result<()> {
        self.of(Version::V1).try_for_each(make_children)
    }

    /// The v2 directories. They cannot be renamed, but processes can be born in them at no cost.
    pub fn make_v2(&self) -> Result<()> {
        self.of(Version::V2).try_for_each(make_children)
    }

    /// Attaches the calling process in every v1 hierarchy; what it forks starts there.
    pub fn attach_self_v1(&self, child: Child) -> Result<()> {
        for hierarchy in self.of(Version::V1) {
            let file = hierarchy.directory.join(child.name()).join("cgroup.procs");
            write_control(&file, "0").failed_on("attach to", &file)?;
        }
        Ok(())
    }

    /// Attaches the calling process in every hierarchy.
    pub fn attach_self(&self, child: Child) -> Result<()> {
        self.hierarchies.iter().try_for_each(|hierarchy| {
            let file = hierarchy.directory.join(child.name()).join("cgroup.procs");
            write_control(&file, "0").failed_on("attach to", &file)
        })
    }

    /// Whether the process is in `work` everywhere.
    pub fn holds(&self, pid: i32) -> bool {
        let pid = pid.to_string();
        self.hierarchies.iter().all(|hierarchy| {
            let file = hierarchy.directory.join(Child::Work.name()).join("cgroup.procs");
            fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line == pid))
        })
    }

    /// Gives directories that were made ahead the name of the sandbox. Only v1 can do this.
    pub fn rename_v1(&self, renamed: &Self) -> Result<()> {
        for (from, to) in self.of(Version::V1).zip(renamed.of(Version::V1)) {
            fs::rename(&from.directory, &to.directory).failed_on("rename cgroup to", &to.directory)?;
        }
        Ok(())
    }

    /// The v2 directory that a process can be born in.
    pub fn open_v2(&self, child: Child) -> Result<Option<OwnedFd>> {
        let Some(hierarchy) = self.of(Version::V2).next() else { return Ok(None) };
        let path = hierarchy.directory.join(child.name());
        directory::open(&path).failed_on("open cgroup", &path).map(Some)
    }

    /// Sets what holds for every sandbox. May be done ahead of use, and again for v2 directories.
    pub fn limit_always(&self, version: Version) -> Result<()> {
        self.of(version).try_for_each(|hierarchy| apply(hierarchy, &limits::standing_files(version)))
    }

    /// Sets the limits that are given; what is not given stays as it is.
    pub fn limit_work(&self, limits: &Limits) -> Result<()> {
        self.hierarchies
            .iter()
            .try_for_each(|hierarchy| apply(hierarchy, &limits::work_files(hierarchy.version, limits)))
    }

    /// The file that counts out-of-memory kills among the tenant's processes.
    pub fn open_oom_counter(&self) -> Result<Option<File>> {
        let Some(path) = self.oom_counter() else { return Ok(None) };
        File::open(&path).failed_on("open", &path).map(Some)
    }

    pub(super) fn oom_counter(&self) -> Option<PathBuf> {
        let hierarchy = self.hierarchies.iter().find(|hierarchy| hierarchy.has(Controller::Memory))?;
        let file = match hierarchy.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        Some(hierarchy.directory.join(Child::Work.name()).join(file))
    }

    pub(super) fn first_v2(&self) -> Option<&Hierarchy> {
        self.of(Version::V2).next()
    }
}

fn make_children(hierarchy: &Hierarchy) -> Result<()> {
    let make = |path: &Path| match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.failed_on("make cgroup", path),
    };
    make(&hierarchy.directory)?;
    if hierarchy.version == Version::V2 && !hierarchy.controllers.is_empty() {
        pass_controllers_on(&hierarchy.directory);
    }
    Child::BOTH.iter().try_for_each(|child| make(&hierarchy.directory.join(child.name())))
}

fn apply(hierarchy: &Hierarchy, files: &[ControlFile]) -> Result<()> {
    let mut refused: Vec<&ControlFile> = Vec::new();
    for file in files.iter().filter(|file| hierarchy.has(file.controller)) {
        match write(hierarchy, file) {
            // v1 wants memory <= memory with swap at every moment: when the limit grows, the second goes first.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => refused.push(file),
            Err(error) if file.optional && error.kind() == io::ErrorKind::NotFound => {}
            other => other.failed("set", describe(hierarchy, file))?,
        }
    }
    for file in refused {
        write(hierarchy, file).failed("set", describe(hierarchy, file))?;
    }
    Ok(())
}

fn write(hierarchy: &Hierarchy, file: &ControlFile) -> io::Result<()> {
    write_control(&hierarchy.directory.join(file.child.name()).join(file.file), &file.value)
}

fn describe(hierarchy: &Hierarchy, file: &ControlFile) -> String {
    format!("{}/{}/{} to {}", hierarchy.directory.display(), file.child.name(), file.file, file.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hierarchy(version: Version, controllers: &[Controller], directory: &str) -> Hierarchy {
        Hierarchy { version, controllers: controllers.to_vec(), directory: directory.into() }
    }

    #[test]
    fn every_sandbox_has_a_directory_of_its_name_in_every_hierarchy() {
        let roots = CgroupRoots {
            hierarchies: vec![
                hierarchy(Version::V1, &[Controller::Memory], "/cg/memory/isola-1"),
                hierarchy(Version::V2, &[], "/cg/unified/isola-1"),
            ],
            ..CgroupRoots::default()
        };
        let placement = Placement::plan(&roots, "a1");
        assert_eq!(placement.hierarchies[0].directory, Path::new("/cg/memory/isola-1/a1"));
        assert_eq!(placement.hierarchies[1].directory, Path::new("/cg/unified/isola-1/a1"));
        assert_eq!(placement.oom_counter().unwrap(), Path::new("/cg/memory/isola-1/a1/work/memory.oom_control"));
    }

    #[test]
    fn in_v2_the_events_file_counts_out_of_memory_kills() {
        let placement = Placement { hierarchies: vec![hierarchy(Version::V2, &[Controller::Memory], "/cg/a1")] };
        assert_eq!(placement.oom_counter().unwrap(), Path::new("/cg/a1/work/memory.events"));
        assert_eq!(Placement::default().oom_counter(), None);
    }
}
