// SPDX-License-Identifier: Apache-2.0
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_getfd, fcntl_setfd};

/// Takes ownership of a descriptor that this process was started with and marks it CLOEXEC.
pub fn adopt(number: RawFd) -> Result<OwnedFd, Errno> {
    if number < 0 {
        return Err(Errno::BADF);
    }
    // JUSTIFICATION: inherited descriptors exist only as numbers on the command line or in the boot
    // configuration; no safe constructor takes a number.
    // SAFETY: the numbers are adopted once each at start, before anything else is opened, so nothing
    // else owns them; a number that is not open fails at the fcntl below, before it is used.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    match fcntl_getfd(&fd).and_then(|flags| fcntl_setfd(&fd, flags | FdFlags::CLOEXEC)) {
        Ok(()) => Ok(fd),
        Err(error) => {
            std::mem::forget(fd);
            Err(error)
        }
    }
}

/// The same open file with a number of at least 3, so that it never collides with standard streams.
pub fn above_stdio(fd: impl AsFd) -> Result<OwnedFd, Errno> {
    fcntl_dupfd_cloexec(fd, 3)
}

/// Keeps every inherited descriptor, known or not, from what this process executes.
pub fn seal_inherited() {
    // JUSTIFICATION: rustix has no close_range.
    // SAFETY: marks descriptors; closes none that somebody owns.
    unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}
