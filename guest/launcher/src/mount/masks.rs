// SPDX-License-Identifier: Apache-2.0
//! A fresh /proc without what tells about the host or changes it, and no /sys.

use super::nodes::{EMPTY_FILE, OwnNodes};
use super::stage::{LAYER, NEW_ROOT, OWN};
use crate::error::{Failed, LauncherError, Result};
use crate::sys::directory::{self, Lookup};
use crate::sys::mount;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Facts about the whole host that no ordinary program asks for: its boot parameters (which may hold secrets), disks,
/// modules, memory map, locks. What does not exist on this kernel is skipped. Files that only the host's root may
/// read need no mask, nobody inside is that; those that are the same on all hosts of a kernel are not worth one.
///
/// The last of each list exists everywhere: a copy of the mask that is left over costs a grace period.
const HIDDEN_FILES: [&str; 14] = [
    "cmdline",
    "diskstats",
    "iomem",
    "ioports",
    "kcore",
    "key-users",
    "keys",
    "latency_stats",
    "locks",
    "modules",
    "partitions",
    "sched_debug",
    "timer_list",
    "interrupts",
];
const HIDDEN_DIRECTORIES: [&str; 7] = ["acpi", "asound", "bus", "irq", "pressure", "scsi", "fs"];
/// Knobs of the kernel.
const READ_ONLY: [&str; 2] = ["sys", "sysrq-trigger"];
const PROC: u64 = mount::NO_SUID | mount::NO_DEV | mount::NO_EXEC;

/// An empty read-only directory that can be put over others.
pub fn empty_directory() -> Result<OwnedFd> {
    let options = [("mode", Some("555")), ("size", Some("4k"))];
    mount::create(c"tmpfs", &options, PROC | mount::READ_ONLY).failed("make", "tmpfs for masks")
}

/// A /proc of the sandbox's own processes. A user sees only its own; members of group 0 inside see all.
pub fn attach_proc(target: BorrowedFd<'_>) -> Result<OwnedFd> {
    let options = [("hidepid", Some("invisible")), ("gid", Some("0"))];
    let proc = create_proc(&options)?;
    mount::attach(proc.as_fd(), target).failed("attach", "/proc")?;
    Ok(proc)
}

/// Hides what tells about the host and closes what changes it. `empty` is attached somewhere: not every kernel
/// clones a detached mount.
pub fn mask_proc(proc: BorrowedFd<'_>, empty: BorrowedFd<'_>) -> Result<()> {
    cover(proc, &HIDDEN_DIRECTORIES, empty)?;
    cover(proc, &HIDDEN_FILES, empty_file()?.as_fd())?;
    for name in READ_ONLY {
        let Some(target) = open_if_there(proc, name)? else { continue };
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

/// The sandbox's own empty file, as a mask. It lies over itself: not every kernel clones a detached mount.
fn empty_file() -> Result<OwnedFd> {
    let path = Path::new(OWN).join(EMPTY_FILE);
    let place = directory::open_place(&path).failed_on("open mask", &path)?;
    let file = mount::clone_tree_at(place.as_fd()).failed_on("clone mask", &path)?;
    mount::set_attributes(file.as_fd(), PROC | mount::READ_ONLY, None).failed_on("make read-only", &path)?;
    mount::attach(file.as_fd(), place.as_fd()).failed_on("attach mask at", &path)?;
    Ok(file)
}

/// Puts copies of the mask over those of the names that exist.
fn cover(proc: BorrowedFd<'_>, names: &[&str], mask: BorrowedFd<'_>) -> Result<()> {
    let mut unused = None;
    for name in names {
        let tree = match unused.take() {
            Some(tree) => tree,
            None => mount::clone_tree_at(mask).failed("clone mask for /proc", name)?,
        };
        match mount::attach_below(tree.as_fd(), proc, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => unused = Some(tree),
            other => other.failed("hide /proc", name)?,
        }
    }
    Ok(())
}

fn open_if_there(proc: BorrowedFd<'_>, name: &str) -> Result<Option<OwnedFd>> {
    match directory::open_beneath(proc, OsStr::new(name), libc::O_PATH, 0, Lookup::BeneathNoLinks) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.failed("open /proc", name).map(Some),
    }
}

/// Mounts a masked /proc on the stage, for whoever only wants to know whether it works.
pub fn attach_proc_for_probe() -> Result<()> {
    let open = |path: &str| directory::open(Path::new(path)).failed("open", path);
    let empty = empty_directory()?;
    mount::attach(empty.as_fd(), open(LAYER)?.as_fd()).failed("attach", "empty directory")?;
    OwnNodes::make(true)?.attach()?;
    let proc = attach_proc(open(NEW_ROOT)?.as_fd())?;
    mask_proc(proc.as_fd(), empty.as_fd())
}
