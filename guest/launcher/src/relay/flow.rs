// SPDX-License-Identifier: Apache-2.0
use super::transfer::Transfer;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

/// One connection out of a sandbox.
pub struct Flow {
    pub entrance: u32,
    pub inner: TcpStream,
    /// Its inner end is watched.
    pub is_watched: bool,
    pub state: State,
    pub up: Transfer,
    pub down: Transfer,
}

pub enum State {
    /// The server was asked and has not answered.
    Asked,
    /// The server wants to see more than it has.
    Watching {
        have_bytes: usize,
        until: Instant,
    },
    Connecting {
        outer: TcpStream,
        until: Instant,
    },
    Open(Outer),
    Resolving(Resolving),
}

/// The end that does not lead inside.
pub enum Outer {
    Network(TcpStream),
    Server(UnixStream),
}

/// Questions over a stream: what is not whole yet, and answers that wait for room.
#[derive(Default)]
pub struct Resolving {
    pub input: Vec<u8>,
    pub output: Vec<u8>,
    pub has_ended: bool,
    pub open_questions: usize,
}

impl Flow {
    pub fn new(entrance: u32, inner: TcpStream) -> Self {
        Self {
            entrance,
            inner,
            is_watched: false,
            state: State::Asked,
            up: Transfer::default(),
            down: Transfer::default(),
        }
    }

    /// When something has to be done although nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Watching { until, .. } | State::Connecting { until, .. } => Some(until),
            State::Asked | State::Open(_) | State::Resolving(_) => None,
        }
    }

    pub fn outer(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            State::Connecting { outer, .. } => Some(outer.as_fd()),
            State::Open(outer) => Some(outer.as_fd()),
            State::Asked | State::Watching { .. } | State::Resolving(_) => None,
        }
    }
}

impl AsFd for Outer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Network(stream) => stream.as_fd(),
            Self::Server(stream) => stream.as_fd(),
        }
    }
}
