// SPDX-License-Identifier: Apache-2.0
//! Entering and leaving namespaces.

use super::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

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

/// The user namespace that this one was made in.
pub fn parent_of_user_namespace(namespace: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    const NS_GET_PARENT: libc::Ioctl = 0xb702;
    // SAFETY: the request takes no argument; the result is a fresh descriptor.
    let fd = check(i64::from(unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_PARENT) }))?;
    // SAFETY: just returned by the kernel, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Enters the namespace behind the descriptor, or several kinds at once when it is a pidfd.
pub fn enter(namespace: BorrowedFd<'_>, kinds: i32) -> io::Result<()> {
    // SAFETY: the descriptor is borrowed for the call; the process has one thread.
    check(i64::from(unsafe { libc::setns(namespace.as_raw_fd(), kinds) }))?;
    Ok(())
}
