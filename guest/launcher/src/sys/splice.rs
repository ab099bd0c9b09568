// SPDX-License-Identifier: Apache-2.0
//! Bytes from one socket to another without a copy into this process.

use super::check;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// A pipe in the kernel, through which bytes pass.
pub struct Pipe {
    pub out: OwnedFd,
    pub into: OwnedFd,
}

/// How much one pipe may hold. A user has a share of 64 MiB for all pipes; beyond that the kernel gives less.
pub const PIPE_BYTES: usize = 256 * 1024;

impl Pipe {
    pub fn new() -> io::Result<Self> {
        let mut ends = [0; 2];
        // SAFETY: `ends` has room for both numbers.
        check(i64::from(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) }))?;
        // SAFETY: just returned by the kernel, owned by nobody else.
        let pipe = unsafe { Self { out: OwnedFd::from_raw_fd(ends[0]), into: OwnedFd::from_raw_fd(ends[1]) } };
        // SAFETY: plain numbers. A smaller pipe works as well.
        unsafe { libc::fcntl(pipe.into.as_raw_fd(), libc::F_SETPIPE_SZ, PIPE_BYTES as i32) };
        Ok(pipe)
    }
}

/// Moves at most `most` bytes; 0 is the end of the source, `WouldBlock` that nothing can move now.
pub fn splice(from: impl AsFd, to: impl AsFd, most: usize) -> io::Result<usize> {
    let flags = libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK;
    let (from, to) = (from.as_fd().as_raw_fd(), to.as_fd().as_raw_fd());
    // SAFETY: no offsets are passed; descriptors are borrowed through the call.
    let moved =
        check(unsafe { libc::splice(from, std::ptr::null_mut(), to, std::ptr::null_mut(), most, flags) as i64 })?;
    Ok(moved as usize)
}
