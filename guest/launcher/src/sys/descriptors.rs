// SPDX-License-Identifier: Apache-2.0
//! Descriptors: closing what must not be inherited, moving what must, waiting.

use super::check;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

/// Closes everything from 3 up but the given ones, so that a child holds only what it was meant to.
pub fn close_all_except(keep: &[RawFd]) -> io::Result<()> {
    let mut kept: Vec<u32> = keep.iter().filter(|fd| **fd > 2).map(|fd| *fd as u32).collect();
    kept.sort_unstable();
    kept.dedup();
    let mut next = 3;
    for fd in kept {
        if fd > next {
            close_range(next, fd - 1, 0)?;
        }
        next = fd + 1;
    }
    close_range(next, u32::MAX, 0)
}

/// Marks everything from `first` up to be closed by the next exec.
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    close_range(first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
}

fn close_range(first: u32, last: u32, flags: u32) -> io::Result<()> {
    // SAFETY: the callers own every descriptor of this freshly forked process.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) })?;
    Ok(())
}

/// Puts the descriptors at 3, 4, 5, ... without the close-on-exec mark, whatever numbers they had.
pub fn place_from_three(descriptors: Vec<OwnedFd>) -> io::Result<()> {
    // First out of the way, so that no target overwrites a source that is still needed.
    let moved: Vec<OwnedFd> =
        descriptors.iter().map(|fd| duplicate_above(fd.as_raw_fd(), 64)).collect::<io::Result<_>>()?;
    for (target, fd) in (3..).zip(moved) {
        // SAFETY: plain numbers; whatever was open at `target` is meant to be replaced.
        check(i64::from(unsafe { libc::dup2(fd.as_raw_fd(), target) }))?;
    }
    // The originals may have sat on the target numbers: closing them now would close the targets.
    for fd in descriptors {
        let _ = fd.into_raw_fd();
    }
    Ok(())
}

/// A close-on-exec duplicate with a number of at least `lowest`.
pub fn duplicate_above(fd: RawFd, lowest: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers; the result is a fresh descriptor.
    let copy = check(i64::from(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, lowest) }))?;
    // SAFETY: just returned by the kernel, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(copy as RawFd) })
}

/// Replaces descriptor 0, 1 or 2.
pub fn replace_standard(fd: BorrowedFd<'_>, target: RawFd) -> io::Result<()> {
    // SAFETY: plain numbers.
    check(i64::from(unsafe { libc::dup2(fd.as_raw_fd(), target) }))?;
    Ok(())
}

/// Waits until reading would not block. False when the time ran out; a negative time waits for ever.
pub fn wait_readable(fd: BorrowedFd<'_>, timeout_ms: i32) -> io::Result<bool> {
    wait_events(fd, libc::POLLIN, timeout_ms)
}

/// Waits for a change of a cgroup file, which the kernel announces as an exceptional condition.
pub fn wait_changed(fd: BorrowedFd<'_>, timeout_ms: i32) -> io::Result<bool> {
    wait_events(fd, libc::POLLPRI, timeout_ms)
}

fn wait_events(fd: BorrowedFd<'_>, events: i16, timeout_ms: i32) -> io::Result<bool> {
    loop {
        let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
        // SAFETY: one valid pollfd, count 1.
        match check(i64::from(unsafe { libc::poll(&raw mut entry, 1, timeout_ms) })) {
            Ok(count) => return Ok(count > 0),
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Takes an exclusive lock that ends with this process, and is not shared by the children that it forks: a
/// child that outlives its parent by a moment would otherwise keep the next one out. False when it is taken.
pub fn try_lock(fd: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: all zeroes, with the type set, means the whole file.
    let mut whole: libc::flock = unsafe { std::mem::zeroed() };
    whole.l_type = libc::F_WRLCK as i16;
    // SAFETY: `whole` is valid for reading.
    match check(i64::from(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETLK, &raw const whole) })) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Raises the soft limit of open files to the hard one: one handle is held per live sandbox.
pub fn raise_open_file_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for both calls.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

/// The soft limit of open files a new process would start with.
pub fn open_file_limit() -> (u64, u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for writing.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    (limit.rlim_cur, limit.rlim_max)
}

/// Reading and writing never wait any more.
pub fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: plain numbers.
    let flags = check(i64::from(unsafe { libc::fcntl(fd, libc::F_GETFL) }))? as i32;
    // SAFETY: plain numbers.
    check(i64::from(unsafe { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) }))?;
    Ok(())
}

/// Takes over a descriptor that was inherited by number. From now on it is closed by an exec.
pub fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers; fails on a number that is not open.
    check(i64::from(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) }))?;
    // SAFETY: it is open, and was named to us as ours.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Gives a descriptor away to the next program of this process, under the same number.
pub fn inherit(fd: OwnedFd) -> io::Result<()> {
    // SAFETY: plain numbers.
    check(i64::from(unsafe { libc::fcntl(fd.into_raw_fd(), libc::F_SETFD, 0) }))?;
    Ok(())
}
