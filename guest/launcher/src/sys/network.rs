// SPDX-License-Identifier: Apache-2.0
//! The loopback interface of the network namespace the caller is in.

use super::check;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Brings `lo` up; the kernel gives it 127.0.0.1 and ::1. There is no other interface and no route out.
pub fn bring_loopback_up() -> io::Result<()> {
    // SAFETY: plain numbers; the result is a fresh descriptor.
    let fd = check(i64::from(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) }))?;
    // SAFETY: just returned by the kernel, owned by nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(fd as i32) };
    // SAFETY: plain data, all zeroes is the neutral value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = *byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    // SAFETY: `request` is the structure that SIOCSIFFLAGS reads.
    check(i64::from(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }))?;
    Ok(())
}
