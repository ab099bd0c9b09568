// SPDX-License-Identifier: Apache-2.0
//! Operations that go on after their request: what arrives for their id finds its way here.

use isola_wire::Failure;

use crate::agent::Agent;
use crate::link::ProtocolError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Process(u32),
    File(u32),
}

impl Agent {
    /// Bytes for a stream's input. Those of a stream that has just ended are dropped.
    pub fn stream_data(&mut self, id: u32, payload: &[u8]) -> Result<(), ProtocolError> {
        match self.streams.get(&id) {
            Some(Stream::Process(key)) => self.process_input(*key, payload),
            Some(Stream::File(key)) => self.file_input(*key, payload),
            None => Ok(()),
        }
    }

    pub fn stream_end(&mut self, id: u32, broken: bool) {
        match self.streams.get(&id) {
            Some(Stream::Process(key)) => self.process_input_end(*key),
            // An upload that broke off must not become a file.
            Some(Stream::File(key)) if broken => self.cancel_file(*key),
            Some(Stream::File(key)) => self.file_input_end(*key),
            None => {}
        }
    }

    pub fn stream_credit(&mut self, id: u32, channel: u8, bytes: u32) {
        match self.streams.get(&id) {
            Some(Stream::Process(key)) => self.process_credit(*key, channel, bytes),
            Some(Stream::File(key)) => self.file_credit(*key, bytes),
            None => {}
        }
    }

    pub fn stream_cancel(&mut self, id: u32) {
        match self.streams.get(&id) {
            Some(Stream::Process(key)) => self.process_cancel(*key),
            Some(Stream::File(key)) => self.cancel_file(*key),
            None => {}
        }
    }

    /// The link is gone: uploads and downloads end, processes live on and are drained.
    pub fn end_streams(&mut self) {
        for stream in std::mem::take(&mut self.streams).into_values() {
            match stream {
                Stream::Process(key) => self.detach_process(key),
                Stream::File(key) => self.abandon_file(key),
            }
        }
    }

    /// There is room on the link again: streams that waited for it go on.
    pub fn resume_waiting(&mut self) {
        self.resume_outputs();
        self.resume_files();
    }

    pub fn answer<T: serde::Serialize>(&mut self, id: u32, result: Result<T, Failure>) {
        match result {
            Ok(result) => self.links.succeed(id, &result),
            Err(failure) => self.links.fail(id, &failure),
        }
    }
}
