// SPDX-License-Identifier: Apache-2.0
//! Puts the sandbox's root together and makes it the only tree there is. Runs as root of the sandbox.

use super::binds::attach_bind;
use super::devices::attach_devices;
use super::masks::{attach_proc, empty_directory, mask_proc};
use super::overlay::mount_overlay;
use super::plan::MountPlan;
use super::stage::{NEW_ROOT, NEW_USR};
use crate::budgets::Budgets;
use crate::error::{Failed, LauncherError, Result};
use crate::sys::directory::{self, Lookup};
use crate::sys::mount;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Microseconds by step.
pub type RootTimings = BTreeMap<String, u64>;

/// Preconditions: in a mount namespace of the sandbox's own user namespace, with everything staged.
pub fn build_root(plan: &MountPlan, budgets: &Budgets, staged_binds: &[(PathBuf, bool)]) -> Result<RootTimings> {
    let mut timings = RootTimings::new();
    let mut last = Instant::now();
    let mut lap = |name: &str| {
        timings.insert(name.to_owned(), last.elapsed().as_micros() as u64);
        last = Instant::now();
    };
    std::env::set_current_dir("/").failed("enter", "stage")?;
    // Everything the sandbox writes goes to its layer; what lies below is shared and read-only.
    mount_overlay(NEW_ROOT, &plan.root_options)?;
    let root = directory::open(Path::new(NEW_ROOT)).failed("open", NEW_ROOT)?;
    if let Some(options) = &plan.usr_options {
        // The host's userland is a tree of its own below; programs expect to be able to install into it.
        mount_overlay(NEW_USR, options)?;
        let target = place(root.as_fd(), "usr")?;
        mount::move_to(Path::new(NEW_USR), target.as_fd()).failed("move overlay to", "/usr")?;
    }
    lap("overlay");
    let devices = place(root.as_fd(), "dev")?;
    attach_devices(devices.as_fd(), plan.terminal_group, budgets.shared_memory_bytes)?;
    lap("dev");
    // Nothing of the host's hardware: an empty /sys satisfies those who only look whether it is there.
    let (empty, sys) = (empty_directory()?, place(root.as_fd(), "sys")?);
    mount::attach(empty.as_fd(), sys.as_fd()).failed("attach", "/sys")?;
    let proc = attach_proc(place(root.as_fd(), "proc")?.as_fd())?;
    budgets.bound_namespace(proc.as_fd())?;
    mask_proc(proc.as_fd(), empty.as_fd())?;
    lap("proc");
    for (bind, (staged, is_file)) in plan.binds.iter().zip(staged_binds) {
        attach_bind(root.as_fd(), bind, staged, *is_file)?;
    }
    lap("binds");
    std::env::set_current_dir(NEW_ROOT).failed("enter", NEW_ROOT)?;
    // The stage, and with it every way to a mount that is not the sandbox's, goes away.
    mount::pivot_to_working_directory().failed("pivot to", NEW_ROOT)?;
    lap("pivot");
    Ok(timings)
}

/// The directory a mount is put on. A layer may come from an earlier life of the sandbox, so a link here is
/// refused: following it could put the mount elsewhere.
fn place(root: BorrowedFd<'_>, name: &str) -> Result<OwnedFd> {
    let open = || {
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        directory::open_beneath(root, OsStr::new(name), flags, 0, Lookup::BeneathNoLinks)
    };
    let opened = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            directory::make_directory(root, OsStr::new(name), 0o755).failed("make directory", name)?;
            open()
        }
        other => other,
    };
    opened.failed("open", format!("/{name} of the sandbox")).map_err(|error: LauncherError| match error.errno() {
        Some(libc::ELOOP | libc::ENOTDIR) => {
            error.hint("the root filesystem has something else than a directory there")
        }
        _ => error,
    })
}
