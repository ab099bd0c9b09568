// SPDX-License-Identifier: Apache-2.0
//! Attributes of the calling process.

use super::check;
use std::io;

fn prctl(option: i32, argument: u64) -> io::Result<i64> {
    // SAFETY: the options used here take one plain number.
    check(i64::from(unsafe { libc::prctl(option, argument, 0, 0, 0) }))
}

/// Orphans of the create children come to this process and not to the host's init.
pub fn become_subreaper() -> io::Result<()> {
    prctl(libc::PR_SET_CHILD_SUBREAPER, 1).map(drop)
}

/// Nobody but root may trace this process or read its memory through /proc.
pub fn forbid_dump() -> io::Result<()> {
    prctl(libc::PR_SET_DUMPABLE, 0).map(drop)
}

/// The kernel kills this process when its parent ends. The parent may have ended before the call.
pub fn die_with_parent(parent: i32) -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64)?;
    if super::fork::parent_pid() != parent {
        super::fork::exit_now(0);
    }
    Ok(())
}

pub fn outlive_parent() -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, 0).map(drop)
}

pub fn forbid_new_privileges() -> io::Result<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map(drop)
}

/// The name that `ps` shows, for the reader of a process list.
pub fn set_name(name: &std::ffi::CStr) {
    // SAFETY: `name` is NUL-terminated and outlives the call; the kernel copies at most 16 bytes.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) };
}
