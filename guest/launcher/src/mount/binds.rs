// SPDX-License-Identifier: Apache-2.0
use super::plan::BindPlan;
use super::stage::{EMPTY, NEW_USR};
use crate::error::{Failed, LauncherError, Result};
use crate::sys::directory::{self, Lookup};
use crate::sys::mount;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Puts a staged bind at its place inside. Links in the sandbox's own tree are followed inside of it.
pub fn attach_bind(root: BorrowedFd<'_>, bind: &BindPlan, staged: &Path, is_file: bool) -> Result<()> {
    let target = make_target(root, &bind.target, is_file)?;
    if bind.readonly && !is_file && attach_veiled(staged, target.as_fd())? {
        return Ok(());
    }
    let tree = mount::clone_tree(staged).failed_on("clone staged bind of", &bind.source)?;
    mount::attach(tree.as_fd(), target.as_fd()).failed_on("attach bind at", &bind.target)
}

/// Shows a directory through an overlay of its own. A lock or a watch inside is then on the overlay's files, and not
/// on the host's and every other sandbox's.
///
/// False where the kernel cannot: some filesystems may not be below an overlay.
fn attach_veiled(staged: &Path, target: BorrowedFd<'_>) -> Result<bool> {
    // Without a layer to write to an overlay needs two below.
    let options = format!("lowerdir={}:{},userxattr", staged.display(), EMPTY);
    let flags = libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV;
    match mount::mount("overlay", Path::new(NEW_USR), "overlay", flags, &options) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => return Ok(false),
        other => other.failed("mount overlay with", &options)?,
    }
    // The overlay of /usr has left this place.
    mount::move_to(Path::new(NEW_USR), target).failed_on("move overlay of", staged).map(|()| true)
}

/// Opens the place of a mount, making what is missing on the way.
fn make_target(root: BorrowedFd<'_>, path: &Path, is_file: bool) -> Result<OwnedFd> {
    let mut parent = open(root, Path::new(".")).failed_on("open", path)?;
    let mut walked = PathBuf::new();
    let parts: Vec<&OsStr> = path.iter().collect();
    for (index, part) in parts.iter().enumerate() {
        walked.push(part);
        let opened = match open(root, &walked) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(parent.as_fd(), part, is_file && index + 1 == parts.len())
                    .failed_on("make place for bind", &walked)?;
                open(root, &walked)
            }
            other => other,
        };
        parent = opened.failed_on("open place for bind", &walked)?;
    }
    if parts.is_empty() {
        return Err(LauncherError::request("a bind cannot replace the root of the sandbox"));
    }
    Ok(parent)
}

fn open(root: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    directory::open_beneath(root, path.as_os_str(), libc::O_PATH, 0, Lookup::InRoot)
}

fn make(parent: BorrowedFd<'_>, name: &OsStr, is_file: bool) -> io::Result<()> {
    if is_file {
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
        return directory::open_beneath(parent, name, flags, 0o644, Lookup::BeneathNoLinks).map(drop);
    }
    directory::make_directory(parent, name, 0o755)
}
