// SPDX-License-Identifier: Apache-2.0
//! Signals as readable events, and back to normal before an exec.

use super::check;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Blocks these signals and makes them readable.
pub fn as_events(signals: &[i32]) -> io::Result<OwnedFd> {
    let mut set = empty();
    for signal in signals {
        // SAFETY: `set` is an initialised signal set.
        unsafe { libc::sigaddset(&raw mut set, *signal) };
    }
    // SAFETY: `set` is valid for reading; the old mask is not asked for.
    check(i64::from(unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) }))?;
    // SAFETY: -1 asks for a new descriptor; `set` is valid for reading.
    let fd = check(i64::from(unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) }))?;
    // SAFETY: just returned by the kernel, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// The next signal that is waiting, if one is.
pub fn next(events: &OwnedFd) -> Option<i32> {
    use std::os::fd::AsRawFd;
    // SAFETY: plain data, all zeroes is a valid value.
    let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: `info` has room for exactly the record that is asked for.
    let count = unsafe { libc::read(events.as_raw_fd(), (&raw mut info).cast(), size) };
    (count == size as isize).then_some(info.ssi_signo as i32)
}

/// What a fresh program expects: nothing blocked, nothing ignored.
pub fn reset() {
    let set = empty();
    // SAFETY: `set` is valid for reading.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) };
    for signal in 1..=64 {
        // SAFETY: setting the default action has no preconditions; numbers that may not be set are refused.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

fn empty() -> libc::sigset_t {
    // SAFETY: sigemptyset initialises the whole set.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        set
    }
}
