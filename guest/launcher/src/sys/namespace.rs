// SPDX-License-Identifier: Apache-2.0
//! Entering and leaving namespaces.

use super::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

pub const USER: i32 = libc::CLONE_NEWUSER;
pub const MOUNT: i32 = libc::CLONE_NEWNS;
pub const PID: i32 = libc::CLONE_NEWPID;
pub const IPC: i32 = libc::CLONE_NEWIPC;
pub const UTS: i32 = libc::CLONE_NEWUTS;
pub const CGROUP: i32 = libc::CLONE_NEWCGROUP;
pub const NETWORK: i32 = libc::CLONE_NEWNET;

/// Leaves the given kinds of namespaces for fresh ones.
pub fn unshare(kinds: i32) -> io::Result<()> {
    // SAFETY: plain number; the process has one thread.
    check(i64::from(unsafe { libc::unshare(kinds) }))?;
    Ok(())
}

/// Enters the namespace behind the descriptor, or several kinds at once when it is a pidfd.
pub fn enter(namespace: BorrowedFd<'_>, kinds: i32) -> io::Result<()> {
    // SAFETY: the descriptor is borrowed for the call; the process has one thread.
    check(i64::from(unsafe { libc::setns(namespace.as_raw_fd(), kinds) }))?;
    Ok(())
}
