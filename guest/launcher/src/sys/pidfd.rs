// SPDX-License-Identifier: Apache-2.0
//! Handles on processes that survive the reuse of their numbers.

use super::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

pub fn open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers; the result is a fresh descriptor.
    let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: just returned by the kernel, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

pub fn signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    // SAFETY: no siginfo is passed; the descriptor is borrowed for the call.
    check(unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, std::ptr::null::<libc::siginfo_t>(), 0)
    })?;
    Ok(())
}

/// Waits until the process is gone. False when the time ran out first.
pub fn wait_gone(pidfd: BorrowedFd<'_>, timeout_ms: i32) -> io::Result<bool> {
    super::descriptors::wait_readable(pidfd, timeout_ms)
}
