// SPDX-License-Identifier: Apache-2.0
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use isola_wire::{Failure, HEADER_BYTES, MAX_DATA_BYTES, code, failure_payload, success_payload};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Errno, read, write};
use serde::Serialize;

/// What a worker tells the event loop.
pub enum Note {
    /// The payload of a response.
    Response(Vec<u8>),
    /// The space of a header and behind it the bytes.
    Data(Vec<u8>),
    End(Option<Failure>),
    /// Bytes of the host's input that were used up.
    Consumed(u64),
    /// Nothing follows.
    Done,
}

/// Notes of all workers, and the descriptor that wakes the event loop for them.
pub struct Notes {
    list: Mutex<Vec<(u32, Note)>>,
    wake: OwnedFd,
}

impl Notes {
    pub fn new() -> Result<Self, Errno> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { list: Mutex::new(Vec::new()), wake })
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    pub fn take(&self) -> Vec<(u32, Note)> {
        let mut count = [0; 8];
        let _ = read(&self.wake, &mut count);
        std::mem::take(&mut *lock(&self.list))
    }

    fn post(&self, key: u32, notes: &mut Vec<Note>) {
        let mut list = lock(&self.list);
        let sleeping = list.is_empty();
        list.extend(notes.drain(..).map(|note| (key, note)));
        if sleeping {
            // Fails only when the counter is full, and then the loop is awake.
            let _ = write(&self.wake, &1u64.to_ne_bytes());
        }
    }
}

#[derive(Default)]
struct State {
    cancelled: bool,
    input: VecDeque<Vec<u8>>,
    input_ended: bool,
    /// Chunks that the event loop has not sent yet.
    under_way: usize,
    /// Buffers of chunks that were sent.
    spare: Vec<Vec<u8>>,
}

/// What the event loop and one worker share about an operation.
#[derive(Default)]
pub struct Exchange {
    state: Mutex<State>,
    changed: Condvar,
}

/// So much of a download is read ahead of the link.
const MAX_UNDER_WAY: usize = 2;

impl Exchange {
    pub fn cancel(&self) {
        self.change(|state| {
            state.cancelled = true;
            state.input.clear();
        });
    }

    pub fn add_input(&self, chunk: Vec<u8>) {
        self.change(|state| state.input.push_back(chunk));
    }

    pub fn end_input(&self) {
        self.change(|state| state.input_ended = true);
    }

    /// A chunk is on its way to the host; its buffer can be used again.
    pub fn delivered(&self, buffer: Vec<u8>) {
        self.change(|state| {
            state.under_way -= 1;
            state.spare.push(buffer);
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.state));
        self.changed.notify_one();
    }

    fn wait_until<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> Result<T, Failure> {
        let mut state = lock(&self.state);
        loop {
            if state.cancelled {
                return Err(cancelled());
            }
            if let Some(value) = ready(&mut state) {
                return Ok(value);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The one who asked, as a worker sees it.
pub struct Caller {
    key: u32,
    exchange: Arc<Exchange>,
    notes: Arc<Notes>,
    /// Not posted yet, so that a small answer wakes the event loop once.
    pending: Vec<Note>,
    responded: bool,
    streams: bool,
}

impl Caller {
    pub fn new(key: u32, exchange: Arc<Exchange>, notes: Arc<Notes>) -> Self {
        Self { key, exchange, notes, pending: Vec::new(), responded: false, streams: false }
    }

    /// Answers; for operations without output this is all.
    pub fn respond<T: Serialize>(&mut self, result: &T) {
        self.responded = true;
        self.pending.push(Note::Response(serde_json::to_vec(&success_payload(result)).unwrap_or_default()));
    }

    /// Answers; `send` follows.
    pub fn respond_and_stream<T: Serialize>(&mut self, result: &T) {
        self.respond(result);
        self.streams = true;
    }

    /// An error when the caller is no longer there.
    pub fn check(&self) -> Result<(), Failure> {
        if lock(&self.exchange.state).cancelled { Err(cancelled()) } else { Ok(()) }
    }

    /// An empty chunk to fill behind the header's space, for `send`.
    pub fn buffer(&self, bytes: usize) -> Vec<u8> {
        let size = HEADER_BYTES + bytes.clamp(1, MAX_DATA_BYTES);
        let spare = lock(&self.exchange.state).spare.pop();
        let mut buffer = spare.unwrap_or_default();
        buffer.resize(size, 0);
        buffer
    }

    /// Sends a chunk; waits while enough is under way.
    pub fn send(&mut self, chunk: Vec<u8>) -> Result<(), Failure> {
        let last = chunk.len() < HEADER_BYTES + MAX_DATA_BYTES;
        // What is not posted cannot be delivered, and would be waited for in vain.
        if !last || lock(&self.exchange.state).under_way >= MAX_UNDER_WAY {
            self.post();
        }
        self.exchange.wait_until(|state| (state.under_way < MAX_UNDER_WAY).then(|| state.under_way += 1))?;
        self.pending.push(Note::Data(chunk));
        if !last {
            self.post();
        }
        Ok(())
    }

    /// The next bytes from the host; None at their end.
    pub fn next_input(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        self.exchange.wait_until(|state| match state.input.pop_front() {
            Some(chunk) => Some(Some(chunk)),
            None => state.input_ended.then_some(None),
        })
    }

    pub fn consumed(&mut self, bytes: usize) {
        self.pending.push(Note::Consumed(bytes as u64));
        self.post();
    }

    pub fn finish(mut self, result: Result<(), Failure>) {
        match result {
            Ok(()) if self.streams => self.pending.push(Note::End(None)),
            Ok(()) => {}
            Err(failure) if self.responded => self.pending.push(Note::End(Some(failure))),
            Err(failure) => {
                let payload = serde_json::to_vec(&failure_payload(&failure)).unwrap_or_default();
                self.pending.push(Note::Response(payload));
            }
        }
        self.pending.push(Note::Done);
        self.post();
    }

    fn post(&mut self) {
        if !self.pending.is_empty() {
            self.notes.post(self.key, &mut self.pending);
        }
    }
}

fn cancelled() -> Failure {
    Failure::new(code::REQUEST_CANCELLED, "file operation: cancelled by the host")
}

/// A thread that panics ends the process, so there is no poison to mind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
