// SPDX-License-Identifier: Apache-2.0
use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use isola_wire::{ReceiveWindow, channel};
use rustix::io::{Errno, write};

use super::table::Process;
use crate::agent::Agent;
use crate::link::ProtocolError;
use crate::poll::{Interest, Source};

/// What ends a line-wise terminal's input.
const END_OF_TRANSMISSION: u8 = 4;

/// A process's standard input: what it has not taken yet waits here, at most one window.
pub struct Input {
    /// None once the process has closed its end: the rest is thrown away.
    fd: Option<OwnedFd>,
    window: ReceiveWindow,
    waiting: VecDeque<Vec<u8>>,
    /// How much of the front is written.
    front_at: usize,
    ended: bool,
    watched: bool,
}

impl Input {
    pub fn new(fd: OwnedFd) -> Self {
        let (window, waiting) = (ReceiveWindow::default(), VecDeque::new());
        Self { fd: Some(fd), window, waiting, front_at: 0, ended: false, watched: false }
    }

    pub fn terminal(&self) -> Option<&OwnedFd> {
        self.fd.as_ref()
    }

    /// Writes what fits; returns how many bytes need not be kept any longer.
    fn write_waiting(&mut self) -> u64 {
        let mut done = 0;
        while let (Some(fd), Some(front)) = (&self.fd, self.waiting.front()) {
            match write(fd, &front[self.front_at..]) {
                Ok(count) => {
                    done += count as u64;
                    self.front_at += count;
                    if self.front_at >= front.len() {
                        self.waiting.pop_front();
                        self.front_at = 0;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => self.fd = None,
            }
        }
        if self.fd.is_none() {
            let left: usize = self.waiting.drain(..).map(|chunk| chunk.len()).sum();
            done += (left - std::mem::take(&mut self.front_at)) as u64;
        }
        done
    }
}

impl Agent {
    pub fn process_input(&mut self, key: u32, payload: &[u8]) -> Result<(), ProtocolError> {
        let Some(process) = self.processes.table.get_mut(&key) else { return Ok(()) };
        let Some(input) = process.input.as_mut().filter(|input| !input.ended) else { return Ok(()) };
        if !input.window.receive(payload.len() as u64) {
            return Err(ProtocolError);
        }
        input.waiting.push_back(payload.to_vec());
        self.feed(key);
        Ok(())
    }

    pub fn process_input_end(&mut self, key: u32) {
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        let terminal = process.terminal;
        let Some(input) = process.input.as_mut().filter(|input| !input.ended) else { return };
        input.ended = true;
        if terminal {
            input.waiting.push_back(vec![END_OF_TRANSMISSION]);
        }
        self.feed(key);
    }

    /// Gives the process what it takes now.
    pub fn feed(&mut self, key: u32) {
        let Some(Process { input: Some(input), stream, terminal, .. }) = self.processes.table.get_mut(&key) else {
            return;
        };
        let done = input.write_waiting();
        if let (Some(grant), Some(id)) = (input.window.consume(done), stream) {
            self.links.grant(*id, channel::INPUT, grant);
        }
        let Some(fd) = &input.fd else { return };
        let wait = !input.waiting.is_empty();
        if wait && !input.watched {
            input.watched = self.poll.add(fd, Source::Input(key), Interest::Write).is_ok();
        } else if !wait && input.watched {
            self.poll.remove(fd);
            input.watched = false;
        }
        // A terminal stays: it is closed with the process.
        if !wait && input.ended && !*terminal {
            input.fd = None;
        }
    }

    /// Nobody will take it any more.
    pub fn close_input(&mut self, key: u32) {
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        if let Some(Input { fd: Some(fd), watched: true, .. }) = &process.input {
            self.poll.remove(fd);
        }
        process.input = None;
    }
}
