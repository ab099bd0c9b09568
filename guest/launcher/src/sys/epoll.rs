// SPDX-License-Identifier: Apache-2.0
//! Waiting for many descriptors at once, each known by a number of the caller's choice.

use super::check;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

pub struct Epoll {
    fd: OwnedFd,
}

/// What happened: the caller's number, and whether there is something to read (or the end of it).
pub struct Ready {
    pub token: u64,
    pub readable: bool,
    /// The other side will send no more.
    pub hung_up: bool,
}

impl Epoll {
    pub fn new() -> io::Result<Self> {
        // SAFETY: plain number; the result is a fresh descriptor.
        let fd = check(i64::from(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }))?;
        // SAFETY: just returned by the kernel, owned by nobody else.
        Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd as i32) } })
    }

    pub fn add(&self, source: impl AsFd, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, source, token, false)
    }

    /// Asks to be told when writing is possible, too, or no longer.
    pub fn watch_writable(&self, source: impl AsFd, token: u64, wanted: bool) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, source, token, wanted)
    }

    /// Asks to be told once of each change, in whatever direction; the caller goes on until nothing moves.
    pub fn add_edges(&self, source: impl AsFd, token: u64) -> io::Result<()> {
        let events = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET;
        self.set(libc::EPOLL_CTL_ADD, source, token, events)
    }

    /// Must be called before the descriptor is closed: a copy of it may live on in a child.
    pub fn remove(&self, source: impl AsFd) {
        let _ = self.control(libc::EPOLL_CTL_DEL, source, 0, false);
    }

    fn control(&self, command: i32, source: impl AsFd, token: u64, writable: bool) -> io::Result<()> {
        let events = libc::EPOLLIN | if writable { libc::EPOLLOUT } else { 0 };
        self.set(command, source, token, events)
    }

    fn set(&self, command: i32, source: impl AsFd, token: u64, events: i32) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events as u32, u64: token };
        let source = source.as_fd().as_raw_fd();
        // SAFETY: `event` is valid through the call, descriptors are borrowed.
        check(i64::from(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), command, source, &raw mut event) }))?;
        Ok(())
    }

    /// Waits for events; none when the time ran out. A negative time waits for ever.
    pub fn wait(&self, timeout_ms: i32) -> io::Result<Vec<Ready>> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
        // SAFETY: the array has room for the 64 events asked for.
        let count =
            check(i64::from(unsafe { libc::epoll_wait(self.fd.as_raw_fd(), events.as_mut_ptr(), 64, timeout_ms) }));
        let count = match count {
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => 0,
            other => other? as usize,
        };
        let closed = (libc::EPOLLHUP | libc::EPOLLERR) as u32;
        Ok(events[..count]
            .iter()
            .map(|event| Ready {
                token: event.u64,
                readable: event.events & (libc::EPOLLIN as u32 | closed) != 0,
                hung_up: event.events & (libc::EPOLLRDHUP as u32 | closed) != 0,
            })
            .collect())
    }
}
