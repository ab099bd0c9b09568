// SPDX-License-Identifier: Apache-2.0
//! A fresh /proc without what tells about the host or changes it, and no /sys.

use crate::error::{Failed, LauncherError, Result};
use crate::sys::directory::{self, Lookup};
use crate::sys::mount;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Facts about the whole host. What does not exist on this kernel is skipped.
const HIDDEN_FILES: [&str; 7] =
    ["kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "interrupts"];
const HIDDEN_DIRECTORIES: [&str; 3] = ["acpi", "asound", "scsi"];
/// Knobs of the kernel.
const READ_ONLY: [&str; 5] = ["bus", "fs", "irq", "sys", "sysrq-trigger"];
const PROC: u64 = mount::NO_SUID | mount::NO_DEV | mount::NO_EXEC;

/// An empty read-only directory that can be put over others.
pub fn empty_directory() -> Result<OwnedFd> {
    let options = [("mode", Some("555")), ("size", Some("4k"))];
    mount::create(c"tmpfs", &options, PROC | mount::READ_ONLY).failed("make", "tmpfs for masks")
}

/// A /proc of the sandbox's own processes. A user sees only its own; members of group 0 inside see all.
pub fn attach_proc(target: BorrowedFd<'_>, empty: BorrowedFd<'_>) -> Result<()> {
    let options = [("hidepid", Some("invisible")), ("gid", Some("0"))];
    let proc = create_proc(&options)?;
    mount::attach(proc.as_fd(), target).failed("attach", "/proc")?;
    for name in HIDDEN_DIRECTORIES {
        cover(proc.as_fd(), name, || mount::clone_tree_at(empty))?;
    }
    for name in HIDDEN_FILES {
        cover(proc.as_fd(), name, || mount::clone_tree(Path::new("/dev/null")))?;
    }
    for name in READ_ONLY {
        let Some(target) = open_if_there(proc.as_fd(), name)? else { continue };
        let copy = mount::clone_tree_at(target.as_fd()).failed("clone mount of /proc", name)?;
        mount::set_attributes(copy.as_fd(), PROC | mount::READ_ONLY, None).failed("make read-only /proc", name)?;
        mount::attach(copy.as_fd(), target.as_fd()).failed("attach read-only /proc", name)?;
    }
    Ok(())
}

fn create_proc(options: &[(&str, Option<&str>)]) -> Result<OwnedFd> {
    match mount::create(c"proc", options, PROC) {
        // In `single` mode no group 0 exists inside; there the one id owns every process anyway.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            mount::create(c"proc", &[], PROC).failed("make", "proc").map_err(explain)
        }
        other => other.failed("make", "proc").map_err(explain),
    }
}

fn explain(error: LauncherError) -> LauncherError {
    match error.errno() {
        Some(libc::EPERM) => error.hint(
            "parts of /proc are hidden here, as in most containers: run Isola outside, or with an unmasked /proc",
        ),
        _ => error,
    }
}

fn cover(proc: BorrowedFd<'_>, name: &str, tree: impl FnOnce() -> io::Result<OwnedFd>) -> Result<()> {
    let Some(target) = open_if_there(proc, name)? else { return Ok(()) };
    let tree = tree().failed("clone mask for /proc", name)?;
    mount::attach(tree.as_fd(), target.as_fd()).failed("hide /proc", name)
}

fn open_if_there(proc: BorrowedFd<'_>, name: &str) -> Result<Option<OwnedFd>> {
    match directory::open_beneath(proc, OsStr::new(name), libc::O_PATH, 0, Lookup::BeneathNoLinks) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.failed("open /proc", name).map(Some),
    }
}

/// Mounts a masked /proc on the stage, for whoever only wants to know whether it works.
pub fn attach_proc_for_probe() -> Result<()> {
    let target = directory::open(Path::new(super::stage::NEW_ROOT)).failed("open", "stage")?;
    attach_proc(target.as_fd(), empty_directory()?.as_fd())
}
