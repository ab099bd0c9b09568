// SPDX-License-Identifier: Apache-2.0
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

/// What a watched descriptor belongs to. The number is a key that is never used twice, so an event
/// for something that is gone finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Carrier,
    Link(u32),
    Children,
    Spawner,
    Files,
    Input(u32),
    Output(u32),
    Error(u32),
    Drain(u32),
    SudoListener,
    SudoClient(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    Nothing,
    Read,
    Write,
    Both,
}

#[derive(Clone, Copy, Debug)]
pub struct Ready {
    pub source: Source,
    /// Also when the other side is gone: reading tells.
    pub readable: bool,
}

pub struct Poll {
    epoll: OwnedFd,
}

const EVENTS_AT_ONCE: usize = 64;

impl Poll {
    pub fn new() -> Result<Self, Errno> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)? })
    }

    pub fn add(&self, fd: impl AsFd, source: Source, interest: Interest) -> Result<(), Errno> {
        epoll::add(&self.epoll, fd, EventData::new_u64(encode(source)), flags(interest))
    }

    pub fn set(&self, fd: impl AsFd, source: Source, interest: Interest) {
        // Fails only for descriptors that are not watched, of which there is nothing to set.
        let _ = epoll::modify(&self.epoll, fd, EventData::new_u64(encode(source)), flags(interest));
    }

    /// For descriptors of which a duplicate stays open; closing the last one removes by itself.
    pub fn remove(&self, fd: impl AsFd) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    pub fn wait(&self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> Result<(), Errno> {
        ready.clear();
        let mut events = [MaybeUninit::<epoll::Event>::uninit(); EVENTS_AT_ONCE];
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let filled = match epoll::wait(&self.epoll, &mut events, timeout.as_ref()) {
            Ok((filled, _)) => filled,
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error),
        };
        for event in filled {
            let Some(source) = decode(event.data.u64()) else { continue };
            let flags = event.flags;
            let readable = flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR);
            ready.push(Ready { source, readable });
        }
        Ok(())
    }
}

fn flags(interest: Interest) -> EventFlags {
    match interest {
        Interest::Nothing => EventFlags::empty(),
        Interest::Read => EventFlags::IN,
        Interest::Write => EventFlags::OUT,
        Interest::Both => EventFlags::IN | EventFlags::OUT,
    }
}

fn encode(source: Source) -> u64 {
    let (kind, key) = match source {
        Source::Carrier => (0, 0),
        Source::Link(key) => (1, key),
        Source::Children => (2, 0),
        Source::Spawner => (3, 0),
        Source::Files => (4, 0),
        Source::Input(key) => (5, key),
        Source::Output(key) => (6, key),
        Source::Error(key) => (7, key),
        Source::Drain(key) => (8, key),
        Source::SudoListener => (9, 0),
        Source::SudoClient(key) => (10, key),
    };
    kind << 32 | u64::from(key)
}

fn decode(data: u64) -> Option<Source> {
    let key = data as u32;
    Some(match data >> 32 {
        0 => Source::Carrier,
        1 => Source::Link(key),
        2 => Source::Children,
        3 => Source::Spawner,
        4 => Source::Files,
        5 => Source::Input(key),
        6 => Source::Output(key),
        7 => Source::Error(key),
        8 => Source::Drain(key),
        9 => Source::SudoListener,
        10 => Source::SudoClient(key),
        _ => return None,
    })
}
