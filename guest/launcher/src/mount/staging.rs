// SPDX-License-Identifier: Apache-2.0
//! Taking the directories a sandbox is made of out of the host's tree and onto its copy of the stage.

use super::plan::MountPlan;
use super::stage::LAYER;
use crate::error::{Failed, LauncherError, Result};
use crate::sys::{directory, mount};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Detached mounts: no path leads to them, and they end with their descriptors.
pub struct Staged {
    lowers: Vec<OwnedFd>,
    layer: OwnedFd,
    binds: Vec<(OwnedFd, bool)>,
}

/// What a sandbox reads of the host can neither be changed, nor raise anybody's rights, nor be a device.
const LOWER: u64 = mount::READ_ONLY | mount::NO_SUID | mount::NO_DEV;
const WRITABLE: u64 = mount::NO_SUID | mount::NO_DEV;

/// Clones the mounts while the caller still sees the host's tree. Mounts below them are left out.
pub fn open_sources(plan: &MountPlan, layer: BorrowedFd<'_>) -> Result<Staged> {
    let clone = |path: &Path| {
        mount::clone_tree(path).failed_on("clone mount of", path).map_err(|error| match error.errno() {
            Some(libc::EINVAL) => error.hint("without root a directory with other mounts below it cannot be used"),
            _ => error,
        })
    };
    Ok(Staged {
        lowers: plan.lowers.iter().map(|path| clone(path)).collect::<Result<_>>()?,
        layer: mount::clone_tree_at(layer).failed("clone mount of", "layer")?,
        binds: plan
            .binds
            .iter()
            .map(|bind| Ok((clone(&bind.source)?, is_file(&bind.source)?)))
            .collect::<Result<_>>()?,
    })
}

fn is_file(path: &Path) -> Result<bool> {
    Ok(!fs::metadata(path).failed_on("look at", path)?.is_dir())
}

impl Staged {
    /// Attaches everything in the stage. With an id mapping, disk ids 0..65535 appear as the sandbox's own.
    ///
    /// Binds are not mapped: what only the host's root may read stays unreadable inside.
    pub fn attach(&self, plan: &MountPlan, id_mapping: Option<BorrowedFd<'_>>) -> Result<()> {
        for (index, lower) in self.lowers.iter().enumerate() {
            let name = plan.lowers[index].display();
            mount::set_attributes(lower.as_fd(), LOWER, id_mapping).failed("map ids of", &name).map_err(idmap_hint)?;
            put(lower, &PathBuf::from(format!("/{index}")), false)?;
        }
        mount::set_attributes(self.layer.as_fd(), WRITABLE, id_mapping)
            .failed("map ids of", "layer")
            .map_err(idmap_hint)?;
        put(&self.layer, Path::new(LAYER), false)?;
        for (index, ((bind, is_file), planned)) in self.binds.iter().zip(&plan.binds).enumerate() {
            let attributes = if planned.readonly { LOWER } else { WRITABLE };
            mount::set_attributes(bind.as_fd(), attributes, None).failed_on("set attributes of", &planned.source)?;
            put(bind, &staged_bind(index, *is_file), *is_file)?;
        }
        Ok(())
    }

    pub fn bind_paths(&self) -> Vec<(PathBuf, bool)> {
        self.binds.iter().enumerate().map(|(index, (_, is_file))| (staged_bind(index, *is_file), *is_file)).collect()
    }
}

fn idmap_hint(error: LauncherError) -> LauncherError {
    match error.errno() {
        Some(libc::EINVAL | libc::EOPNOTSUPP) => error
            .hint("this filesystem or kernel cannot map ids: keep state and templates on ext4, xfs, btrfs or tmpfs"),
        _ => error,
    }
}

/// Files and directories have names of their own, because both kinds may have been made by earlier creates.
fn staged_bind(index: usize, is_file: bool) -> PathBuf {
    PathBuf::from(format!("/{}{index}", if is_file { "f" } else { "d" }))
}

/// The tmpfs of the stage is shared by all creates, so a mount point made by another one is as good.
fn put(tree: &OwnedFd, target: &Path, is_file: bool) -> Result<()> {
    match mount::attach_at(tree.as_fd(), target) {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
        other => return other.failed_on("attach at", target),
    }
    if is_file {
        File::create(target).failed_on("make file", target)?;
    } else {
        let root = directory::open(Path::new("/")).failed("open", "stage")?;
        let name: OsString = target.file_name().unwrap_or_default().to_owned();
        directory::make_directory(root.as_fd(), &name, 0o755).failed_on("make directory", target)?;
    }
    mount::attach_at(tree.as_fd(), target).failed_on("attach at", target)
}
