// SPDX-License-Identifier: Apache-2.0
use isola_wire::{FrameReader, FrameType, FrameView};
use rustix::io::{Errno, read};

use super::handshake::REDIAL;
use crate::agent::Agent;
use crate::poll::{Interest, Source};
use crate::timers::Alarm;

/// Something arrived that no host following the protocol sends.
pub struct ProtocolError;

impl Agent {
    pub fn link_ready(&mut self, key: u32, readable: bool) {
        if readable && !self.read_link(key) {
            self.close_connection(key);
        }
    }

    /// Reads once and handles every whole frame. False: the connection is over.
    fn read_link(&mut self, key: u32) -> bool {
        let mode = self.links.mode();
        let Some(connection) = self.links.connections.get_mut(&key) else { return true };
        match read(&connection.fd, connection.reader.room()) {
            Ok(0) => return false,
            Ok(count) => connection.reader.filled(count),
            Err(Errno::AGAIN | Errno::INTR) => return true,
            Err(_) => return false,
        }
        // Out of the table while its frames are handled, because handling needs all of the agent.
        let mut reader = std::mem::replace(&mut connection.reader, FrameReader::new(mode));
        let kept = loop {
            match reader.next_frame() {
                Ok(Some(frame)) => match self.connection_frame(key, frame) {
                    Ok(Some(epoch)) => reader.expect_epoch(epoch),
                    Ok(None) => {}
                    Err(ProtocolError) => break false,
                },
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        if let Some(connection) = self.links.connections.get_mut(&key) {
            connection.reader = reader;
        }
        kept
    }

    /// Handles one frame; returns the epoch that the reader is to insist on from now on.
    fn connection_frame(&mut self, key: u32, frame: FrameView<'_>) -> Result<Option<u32>, ProtocolError> {
        let Some(connection) = self.links.connections.get_mut(&key) else { return Ok(None) };
        let (epoch, strict) = (frame.header.epoch, connection.strict);
        let verdict = |good: bool| if good || !strict { Ok(None) } else { Err(ProtocolError) };
        if frame.header.frame_type == FrameType::Hello {
            let first = connection.challenge.is_none() && connection.live_epoch.is_none();
            if strict && !first {
                return Err(ProtocolError);
            }
            let answered = Self::greet(connection, &self.links.key, epoch, frame.payload);
            return verdict(answered).map(|_| (answered && strict).then_some(epoch));
        }
        if connection.challenge.as_ref().is_some_and(|challenge| challenge.epoch == epoch) {
            let proven = frame.header.frame_type == FrameType::Auth && self.authenticate(key, epoch, frame.payload);
            return verdict(proven);
        }
        if connection.live_epoch != Some(epoch) || self.links.live != Some(key) {
            return verdict(false);
        }
        match self.link_frame(frame) {
            Ok(()) => Ok(None),
            // A serial line cannot be closed: the host notices by its own deadlines.
            Err(ProtocolError) => verdict(false),
        }
    }

    fn link_frame(&mut self, frame: FrameView<'_>) -> Result<(), ProtocolError> {
        let id = frame.header.id;
        let on_stream = |good: bool| if id != 0 && good { Ok(()) } else { Err(ProtocolError) };
        match frame.header.frame_type {
            FrameType::Request => {
                on_stream(!self.streams.contains_key(&id))?;
                self.dispatch(id, frame.payload);
                Ok(())
            }
            FrameType::Data => {
                on_stream(frame.header.channel == isola_wire::channel::INPUT)?;
                self.stream_data(id, frame.payload)
            }
            FrameType::End => {
                on_stream(frame.header.channel == isola_wire::channel::INPUT)?;
                self.stream_end(id, frame.header.flags & isola_wire::FLAG_BROKEN != 0);
                Ok(())
            }
            FrameType::Credit => {
                let bytes = frame.payload.try_into().map_err(|_| ProtocolError)?;
                on_stream(true)?;
                self.stream_credit(id, frame.header.channel, u32::from_be_bytes(bytes));
                Ok(())
            }
            FrameType::Cancel => {
                on_stream(true)?;
                self.stream_cancel(id);
                Ok(())
            }
            FrameType::Ping if frame.payload.len() == 8 => {
                self.links.pong(frame.payload);
                Ok(())
            }
            FrameType::Pong => Ok(()),
            _ => Err(ProtocolError),
        }
    }

    /// Writes what has gathered, once per round of the loop, and resumes streams that waited for room.
    pub fn flush_links(&mut self) {
        for connection in self.links.connections.values_mut().filter(|one| !one.outbox.is_empty()) {
            connection.broken |= connection.outbox.flush(&connection.fd).is_err();
        }
        if self.links.has_data_room() {
            self.resume_waiting();
        }
        let mut gone = Vec::new();
        for (key, connection) in &mut self.links.connections {
            let wanted = connection.wanted_interest();
            if connection.broken {
                gone.push(*key);
            } else if wanted != connection.interest {
                connection.interest = wanted;
                self.poll.set(&connection.fd, Source::Link(*key), wanted);
            }
        }
        for key in gone {
            self.close_connection(key);
        }
    }

    pub(super) fn close_connection(&mut self, key: u32) {
        let Some(connection) = self.links.connections.remove(&key) else { return };
        if let Some(deadline) = connection.deadline {
            self.timers.cancel(deadline);
        }
        if self.links.live == Some(key) {
            self.links.live = None;
            self.end_streams();
        }
        if self.links.carrier.redials() {
            self.timers.set(REDIAL, Alarm::Redial);
        }
    }

    pub fn watch_carrier(&self) -> Result<(), Errno> {
        match self.links.carrier.listener() {
            Some(listener) => self.poll.add(listener, Source::Carrier, Interest::Read),
            None => Ok(()),
        }
    }
}
