// SPDX-License-Identifier: Apache-2.0
//! What each sandbox has of its own in the place of the host's: six devices, and an empty file to put over others.
//!
//! A lock, a lease or a watch is on an inode, whatever mount it is reached by. On the host's `/dev/null` it would
//! slow down every program of the host, and be a channel from one sandbox to another.

use super::stage::OWN;
use crate::error::{Failed, Result};
use crate::sys::directory::{self, Lookup};
use crate::sys::{device, identity, mount};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// The only devices a sandbox has, besides terminals of its own: names and numbers.
pub const DEVICES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];
/// The empty file, beside the devices.
pub const EMPTY_FILE: &str = "empty";

/// A detached mount, made ahead by the seat. No path of the host leads to it, and it ends with the sandbox.
pub struct OwnNodes {
    tree: OwnedFd,
    pub has_devices: bool,
}

impl OwnNodes {
    /// Preconditions: in the user namespace of the launcher. A device in a filesystem that belongs to the sandbox's
    /// would not open.
    ///
    /// Without root, or in a container that may not, no device can be made; then the host's have to do.
    pub fn make(rootless: bool) -> Result<Self> {
        let options = [("mode", Some("755")), ("size", Some("4k")), ("nr_inodes", Some("16"))];
        // Nobody inside is the owner of anything in here, and the devices hold nothing: so none can be filled,
        // removed or changed, though the mount is not read-only, which `touch /dev/null` would complain about.
        let attributes = mount::NO_SUID | mount::NO_EXEC;
        let tree = mount::create(c"tmpfs", &options, attributes).failed("make", "tmpfs for devices")?;
        directory::open_beneath(
            tree.as_fd(),
            OsStr::new(EMPTY_FILE),
            libc::O_WRONLY | libc::O_CREAT,
            0o444,
            Lookup::BeneathNoLinks,
        )
        .failed("make file", EMPTY_FILE)?;
        let has_devices = !rootless && make_devices(tree.as_fd())?;
        Ok(Self { tree, has_devices })
    }

    /// Puts them on the caller's copy of the stage.
    pub fn attach(&self) -> Result<()> {
        mount::attach_at(self.tree.as_fd(), Path::new(OWN)).failed("attach at", OWN)
    }
}

/// False where the kernel forbids it.
fn make_devices(tree: BorrowedFd<'_>) -> Result<bool> {
    identity::set_umask(0);
    let made =
        DEVICES.iter().try_for_each(|(name, major, minor)| device::make_character_device(tree, name, *major, *minor));
    identity::set_umask(0o022);
    match made {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        other => other.failed("make", "devices").map(|()| true),
    }
}
