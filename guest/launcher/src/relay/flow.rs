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
    pub question: Question,
    pub up: Transfer,
    pub down: Transfer,
}

pub enum State {
    /// It leads nowhere yet.
    Undecided,
    Connecting {
        outer: TcpStream,
        until: Instant,
    },
    Open(Outer),
    Resolving(Resolving),
}

/// What the server has still to say about a connection. Until it is settled nothing the client says goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The server was asked and has not answered.
    Asked,
    /// The server is shown what there is when that is more than it has, or when the time is over.
    Watching {
        have_bytes: usize,
        until: Option<Instant>,
    },
    Settled,
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
            state: State::Undecided,
            question: Question::Asked,
            up: Transfer::default(),
            down: Transfer::default(),
        }
    }

    /// When something has to be done although nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        match (&self.state, self.question) {
            (State::Connecting { until, .. }, _) => Some(*until),
            (_, Question::Watching { until, .. }) => until,
            _ => None,
        }
    }

    pub fn outer(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            State::Connecting { outer, .. } => Some(outer.as_fd()),
            State::Open(outer) => Some(outer.as_fd()),
            State::Undecided | State::Resolving(_) => None,
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
