// SPDX-License-Identifier: Apache-2.0
//! The stage: a mount namespace that holds an empty tmpfs and /proc, where no others can be made six devices, and
//! nothing else of the host's. Every sandbox starts from a copy of it, so a mount that is forgotten is simply not
//! there.

use super::nodes::{DEVICES, OwnNodes};
use crate::error::{Failed, LauncherError, Result};
use crate::sys::{descriptors, fork, mount, namespace, prctl, socket};
use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Where the overlays are put together.
pub const NEW_ROOT: &str = "/new";
pub const NEW_USR: &str = "/usr";
pub const LAYER: &str = "/layer";
/// Stays empty.
pub const EMPTY: &str = "/empty";
/// Where each sandbox's own nodes are attached, and where the host's are, which only those without devices use.
pub const OWN: &str = "/own";
pub const HOSTS: &str = "/dev";

pub struct Stage {
    namespace: OwnedFd,
}

impl Stage {
    pub fn namespace(&self) -> BorrowedFd<'_> {
        self.namespace.as_fd()
    }
}

/// Makes the stage in a child, because the caller must stay where the host's files are.
pub fn make_stage(scratch: &Path, rootless: bool) -> Result<Stage> {
    let (ours, theirs) = UnixStream::pair().failed("make", "socket pair")?;
    let child = match fork::fork().failed("fork", "maker of the stage")? {
        fork::Side::Child => {
            prctl::set_name(c"isola-stage");
            let _ = descriptors::close_all_except(&[theirs.as_raw_fd()]);
            let sent = match build(scratch, rootless) {
                Ok(namespace) => socket::send_with(&theirs, b"ok", &[namespace.as_raw_fd()]),
                Err(error) => {
                    let text = serde_json::to_vec(&error).unwrap_or_default();
                    socket::send_with(&theirs, &text, &[])
                }
            };
            fork::exit_now(i32::from(sent.is_err()))
        }
        fork::Side::Parent(pid) => pid,
    };
    drop(theirs);
    let mut answer = vec![0; 4096];
    let received = socket::receive_with(&ours, &mut answer).failed("receive", "stage");
    fork::wait_for(child).failed("wait for", "maker of the stage")?;
    let (count, mut descriptors) = received?;
    match descriptors.pop() {
        Some(namespace) => Ok(Stage { namespace }),
        None => Err(serde_json::from_slice(&answer[..count])
            .unwrap_or_else(|_| LauncherError::step("make", "stage", "its maker ended without an answer"))),
    }
}

fn build(scratch: &Path, rootless: bool) -> Result<File> {
    namespace::unshare(namespace::MOUNT).failed("unshare", "mount namespace")?;
    // What is mounted here must not show on the host, nor the other way round.
    mount::make_all_private().failed("make private", "/")?;
    // The root of the stage. Mounted over a directory of ours, in this namespace only.
    mount::mount("isola", scratch, "tmpfs", libc::MS_NOSUID | libc::MS_NODEV, "mode=755,size=4m")
        .failed("mount tmpfs on", scratch.display())?;
    for directory in ["proc", "dev", "new", "usr", "layer", "empty", "own"] {
        let path = scratch.join(directory);
        fs::create_dir(&path).failed_on("make directory", &path)?;
    }
    stage_proc(&scratch.join("proc"), rootless)?;
    // What cannot be made now cannot be made for a sandbox either.
    if !OwnNodes::make(rootless)?.has_devices {
        for (device, ..) in DEVICES {
            stage_device(device, &scratch.join("dev").join(device))?;
        }
    }
    std::env::set_current_dir(scratch).failed_on("enter", scratch)?;
    // From here on nothing of the host's tree is reachable.
    mount::pivot_to_working_directory().failed("pivot to", "stage")?;
    let path = "/proc/self/ns/mnt";
    File::open(path).failed("open", path)
}

/// The kernel lets a user namespace mount its own /proc only where a complete one is visible already.
fn stage_proc(target: &Path, rootless: bool) -> Result<()> {
    if !rootless {
        let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        return mount::mount("proc", target, "proc", flags, "").failed("mount proc on", target.display());
    }
    let tree = mount::clone_tree_recursive(Path::new("/proc")).failed("clone mounts of", "/proc")?;
    mount::attach_at(tree.as_fd(), target).failed("attach /proc at", target.display())
}

/// The host's own node: who is not root of the host cannot make one that works.
fn stage_device(name: &str, target: &Path) -> Result<()> {
    let source = Path::new("/dev").join(name);
    File::create(target).failed_on("make file", target)?;
    let device = mount::clone_tree(&source).failed_on("clone mount of", &source)?;
    mount::set_attributes(device.as_fd(), mount::NO_SUID | mount::NO_EXEC, None)
        .failed_on("set attributes of", &source)?;
    mount::attach_at(device.as_fd(), target).failed_on("attach device at", target)
}
