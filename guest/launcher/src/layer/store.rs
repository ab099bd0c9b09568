// SPDX-License-Identifier: Apache-2.0
use super::{UPPERS, WORKS, filesystem};
use crate::error::{Failed, LauncherError, Result};
use crate::state_dir::StateDir;
use crate::sys::directory::{self, Lookup};
use crate::sys::{btrfs, mount, statfs};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How this launcher makes layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerStore {
    /// One btrfs subvolume per sandbox: made, copied and removed at a cost that does not grow with its size.
    Subvolumes { directory: PathBuf, quotas: bool },
    /// A directory below the sandbox's own, and the reason why it is no subvolume.
    Directories { reason: String },
}

/// Where the layer of one sandbox is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "path", rename_all = "lowercase")]
pub enum Layer {
    Subvolume(PathBuf),
    Directory(PathBuf),
}

impl LayerStore {
    /// Uses subvolumes when the state directory lies on btrfs or a btrfs file can be mounted in it.
    pub fn open(state: &StateDir, rootless: bool) -> Self {
        if rootless {
            return Self::Directories { reason: "mounting and subvolumes need root".into() };
        }
        match filesystem::ensure(state) {
            Ok(directory) => {
                let quotas = directory::open(&directory)
                    .is_ok_and(|directory| btrfs::enable_simple_quotas(directory.as_fd()).is_ok());
                Self::Subvolumes { directory, quotas }
            }
            Err(error) => Self::Directories { reason: error.to_string() },
        }
    }

    pub fn has_quotas(&self) -> bool {
        matches!(self, Self::Subvolumes { quotas: true, .. })
    }

    pub fn plan(&self, state: &StateDir, sandbox_id: &str) -> Layer {
        match self {
            Self::Subvolumes { directory, .. } => Layer::Subvolume(directory.join(sandbox_id)),
            Self::Directories { .. } => Layer::Directory(state.sandbox(sandbox_id).join("layer")),
        }
    }

    /// Takes the mounted file away when nothing lies in it any more.
    pub fn close(&self, state: &StateDir) {
        let Self::Subvolumes { directory, .. } = self else { return };
        let is_empty = fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none());
        if is_empty && filesystem::is_mounted(state) {
            // A busy mount stays for the next launcher, which finds and uses it.
            let _ = mount::unmount(directory);
        }
    }
}

impl Layer {
    pub fn path(&self) -> &Path {
        match self {
            Self::Subvolume(path) | Self::Directory(path) => path,
        }
    }

    /// Makes an empty layer. Its directories belong to root inside, which is id 0 on disk.
    pub fn create(&self) -> Result<OwnedFd> {
        let path = self.path();
        match self {
            Self::Subvolume(_) => {
                let (parent, name) = self.parent_and_name()?;
                btrfs::create_subvolume(parent.as_fd(), &name).failed_on("make subvolume", path)?;
            }
            Self::Directory(_) => fs::create_dir(path).failed_on("make directory", path)?,
        }
        let layer = directory::open(path).failed_on("open", path)?;
        for name in UPPERS.iter().chain(&WORKS) {
            directory::make_directory(layer.as_fd(), OsStr::new(name), 0o755).failed("make layer directory", name)?;
        }
        Ok(layer)
    }

    pub fn limit_space(&self, bytes: u64) -> Result<()> {
        let layer = directory::open(self.path()).failed_on("open", self.path())?;
        self.limit_opened(layer.as_fd(), bytes)
    }

    pub fn limit_opened(&self, layer: BorrowedFd<'_>, bytes: u64) -> Result<()> {
        btrfs::limit_space(layer, bytes).failed_on("limit space of", self.path())
    }

    /// Gives the ordinary user its home directory. Where disk ids are the caller's, the template cannot.
    pub fn give_home(&self, layer: BorrowedFd<'_>, home_owner: u32) -> Result<()> {
        let root = open_directory(layer, UPPERS[0])?;
        directory::make_directory(root.as_fd(), OsStr::new("home"), 0o755).failed("make layer directory", "home")?;
        let home = open_directory(root.as_fd(), "home")?;
        let user = OsStr::new("user");
        directory::make_directory(home.as_fd(), user, 0o755).failed("make layer directory", "home/user")?;
        directory::change_owner(home.as_fd(), user, home_owner, home_owner).failed("change owner of", "home/user")
    }

    /// Removes a subvolume at once. Directories are moved away by the caller and removed in the background.
    pub fn remove_subvolume(&self) -> Result<()> {
        let Self::Subvolume(path) = self else { return Ok(()) };
        let (parent, name) = self.parent_and_name()?;
        let Ok(layer) = directory::open(path) else { return Ok(()) };
        let group = btrfs::subvolume_id(layer.as_fd()).ok();
        drop(layer);
        match btrfs::remove_subvolume(parent.as_fd(), &name) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(()),
            Err(error) => return Err(error).failed_on("remove subvolume", path),
        }
        if let Some(group) = group {
            // Newer kernels drop the group with its subvolume; a group that is busy goes with the next commit.
            let _ = btrfs::remove_space_group(parent.as_fd(), group);
        }
        Ok(())
    }

    fn parent_and_name(&self) -> Result<(OwnedFd, String)> {
        let path = self.path();
        let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str)) else {
            return Err(LauncherError::step("use layer", path.display(), "it has no name"));
        };
        Ok((directory::open(parent).failed_on("open", parent)?, name.to_owned()))
    }
}

fn open_directory(parent: BorrowedFd<'_>, name: &str) -> Result<OwnedFd> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY;
    directory::open_beneath(parent, OsStr::new(name), flags, 0, Lookup::BeneathNoLinks).failed("open", name)
}

/// Whether the path is on btrfs at all.
pub fn is_btrfs(path: &Path) -> bool {
    statfs::of(path).is_ok_and(|filesystem| filesystem.magic == statfs::BTRFS)
}

/// Whether something is mounted on the directory.
pub fn is_mount_point(path: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
    match (device(path), path.parent().map(device)) {
        (Ok(own), Some(Ok(parent))) => own != parent,
        _ => false,
    }
}
