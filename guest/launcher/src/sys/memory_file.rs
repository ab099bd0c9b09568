// SPDX-License-Identifier: Apache-2.0
//! A sealed copy of a program in memory: executable without a path, unchangeable by whoever runs it.

use super::check;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Copies `source` into an executable file in memory and forbids every later change to it.
pub fn sealed_copy(source: &mut File) -> io::Result<OwnedFd> {
    let fd = create()?;
    let mut copy = File::from(fd);
    io::copy(source, &mut copy)?;
    let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    // SAFETY: plain numbers.
    check(i64::from(unsafe { libc::fcntl(copy.as_raw_fd(), libc::F_ADD_SEALS, seals) }))?;
    Ok(OwnedFd::from(copy))
}

fn create() -> io::Result<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    let open = |flags: u32| -> io::Result<OwnedFd> {
        // SAFETY: NUL-terminated name; the result is a fresh descriptor.
        let fd = check(i64::from(unsafe { libc::memfd_create(c"isola-agent".as_ptr(), flags) }))?;
        // SAFETY: just returned by the kernel, owned by nobody else.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
    };
    match open(flags | libc::MFD_EXEC) {
        // Kernels before 6.3 do not know the flag, and every memory file is executable there.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => open(flags),
        other => other,
    }
}
