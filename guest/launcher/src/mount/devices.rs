// SPDX-License-Identifier: Apache-2.0
//! A private /dev: six harmless devices, terminals of its own, shared memory with a size.

use super::nodes::DEVICES;
use super::stage::{HOSTS, OWN};
use crate::error::{Failed, Result};
use crate::sys::directory::{self, Lookup};
use crate::sys::mount;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];
/// The host has 4096 of them in all, as the kernel comes.
const MOST_TERMINALS: &str = "256";
/// Each costs the kernel memory, with its attributes up to 130 KB, whatever the size of the filesystem is.
const MOST_FILES: &str = "4k";

/// Puts /dev together, detached, and attaches it as a whole.
pub fn attach_devices(target: BorrowedFd<'_>, terminal_group: Option<u32>, shared_memory_bytes: u64) -> Result<()> {
    let options = [("mode", Some("755")), ("size", Some("1m")), ("nr_inodes", Some("128"))];
    // No device made in here works; the six are mounts of their own.
    let attributes = mount::NO_SUID | mount::NO_DEV | mount::NO_EXEC;
    let devices = mount::create(c"tmpfs", &options, attributes).failed("make", "tmpfs for /dev")?;
    mount::attach(devices.as_fd(), target).failed("attach", "/dev")?;
    for (name, ..) in DEVICES {
        attach_device(devices.as_fd(), name)?;
    }
    for (name, destination) in LINKS {
        directory::link_symbolically(destination, devices.as_fd(), OsStr::new(name)).failed("make link /dev", name)?;
    }
    attach_terminals(devices.as_fd(), terminal_group)?;
    attach_shared_memory(devices.as_fd(), shared_memory_bytes)
}

fn attach_device(devices: BorrowedFd<'_>, name: &str) -> Result<()> {
    let flags = libc::O_WRONLY | libc::O_CREAT;
    let file = directory::open_beneath(devices, OsStr::new(name), flags, 0o666, Lookup::BeneathNoLinks)
        .failed("make file /dev", name)?;
    let device = clone_device(name)?;
    mount::attach(device.as_fd(), file.as_fd()).failed("attach device", name)
}

/// The sandbox's own, or the host's where it has none.
fn clone_device(name: &str) -> Result<OwnedFd> {
    let own = Path::new(OWN).join(name);
    match mount::clone_tree(&own) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let hosts = Path::new(HOSTS).join(name);
            mount::clone_tree(&hosts).failed_on("clone staged device", &hosts)
        }
        other => other.failed_on("clone device", &own),
    }
}

/// A devpts instance of its own: terminals of other sandboxes and of the host do not exist here.
fn attach_terminals(devices: BorrowedFd<'_>, group: Option<u32>) -> Result<()> {
    let group = group.map(|group| group.to_string());
    let mut options = vec![("ptmxmode", Some("0666")), ("mode", Some("0620")), ("max", Some(MOST_TERMINALS))];
    if let Some(group) = &group {
        options.push(("gid", Some(group)));
    }
    let attributes = mount::NO_SUID | mount::NO_EXEC;
    let terminals = mount::create(c"devpts", &options, attributes).failed("make", "devpts")?;
    attach_below(devices, "pts", &terminals)
}

fn attach_shared_memory(devices: BorrowedFd<'_>, bytes: u64) -> Result<()> {
    let size = bytes.to_string();
    let options = [("mode", Some("1777")), ("size", Some(size.as_str())), ("nr_inodes", Some(MOST_FILES))];
    let attributes = mount::NO_SUID | mount::NO_DEV | mount::NO_EXEC;
    let memory = mount::create(c"tmpfs", &options, attributes).failed("make", "tmpfs for /dev/shm")?;
    attach_below(devices, "shm", &memory)
}

fn attach_below(devices: BorrowedFd<'_>, name: &str, tree: &OwnedFd) -> Result<()> {
    directory::make_directory(devices, OsStr::new(name), 0o755).failed("make directory /dev", name)?;
    let flags = libc::O_PATH | libc::O_DIRECTORY;
    let target = directory::open_beneath(devices, OsStr::new(name), flags, 0, Lookup::BeneathNoLinks)
        .failed("open /dev", name)?;
    mount::attach(tree.as_fd(), target.as_fd()).failed("attach /dev", name)
}
