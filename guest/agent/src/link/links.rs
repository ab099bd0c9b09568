// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;

use isola_wire::agent::CarrierConfig;
use isola_wire::{Failure, FrameType, Header, Key, Mode, append_frame, append_json, failure_payload, success_payload};
use rustix::io::Errno;
use serde::Serialize;

use super::carrier::{Carrier, open};
use super::connection::Connection;

/// All connections, and which of them is the link.
pub struct Links {
    pub(super) carrier: Box<dyn Carrier>,
    pub(super) key: Key,
    pub(super) connections: BTreeMap<u32, Connection>,
    /// The connection whose host has proven itself last.
    pub(super) live: Option<u32>,
    pub(super) next_key: u32,
}

impl Links {
    pub fn new(config: &CarrierConfig, key: Key) -> Result<Self, Errno> {
        Ok(Self { carrier: open(config)?, key, connections: BTreeMap::new(), live: None, next_key: 0 })
    }

    /// Whether stream bytes may be added now; false also when there is no link.
    pub fn has_data_room(&self) -> bool {
        self.live.and_then(|key| self.connections.get(&key)).is_some_and(|link| link.outbox.has_data_room())
    }

    pub fn succeed<T: Serialize>(&mut self, id: u32, result: &T) {
        self.control_json(FrameType::Response, id, &success_payload(result));
    }

    pub fn fail(&mut self, id: u32, failure: &Failure) {
        self.control_json(FrameType::Response, id, &failure_payload(failure));
    }

    pub fn grant(&mut self, id: u32, channel: u8, bytes: u32) {
        self.control(FrameType::Credit, id, channel, &bytes.to_be_bytes());
    }

    pub fn pong(&mut self, payload: &[u8]) {
        self.control(FrameType::Pong, 0, 0, payload);
    }

    /// A response whose payload is ready.
    pub fn respond(&mut self, id: u32, payload: &[u8]) {
        self.control(FrameType::Response, id, 0, payload);
    }

    /// Sends `frame`: a header's space and behind it the payload. The header is filled in here.
    pub fn data(&mut self, id: u32, channel: u8, flags: u16, frame: &mut [u8]) {
        let Some((epoch, link)) = self.link() else { return };
        let length = (frame.len() - isola_wire::HEADER_BYTES) as u32;
        let header = Header { epoch, frame_type: FrameType::Data, channel, flags, id, length };
        frame[..isola_wire::HEADER_BYTES].copy_from_slice(&header.encode());
        link.broken |= link.outbox.send_data(&link.fd, frame).is_err();
    }

    /// Ends a stream, behind the bytes that were sent on it.
    pub fn end(&mut self, id: u32, channel: u8, failure: Option<&Failure>) {
        let Some((epoch, link)) = self.link() else { return };
        let header = Header { epoch, frame_type: FrameType::End, channel, flags: 0, id, length: 0 };
        match failure {
            None => append_frame(&mut link.outbox.data, header, &[]),
            Some(failure) => {
                let header = Header { flags: isola_wire::FLAG_BROKEN, ..header };
                append_json(&mut link.outbox.data, header, failure);
            }
        }
    }

    /// An event of a stream, behind the bytes that were sent on it.
    pub fn event<T: Serialize>(&mut self, id: u32, event: &T) {
        let Some((epoch, link)) = self.link() else { return };
        let header = Header { epoch, frame_type: FrameType::Event, channel: 0, flags: 0, id, length: 0 };
        append_json(&mut link.outbox.data, header, event);
    }

    pub(super) fn mode(&self) -> Mode {
        self.carrier.mode()
    }

    fn control(&mut self, frame_type: FrameType, id: u32, channel: u8, payload: &[u8]) {
        let Some((epoch, link)) = self.link() else { return };
        let header = Header { epoch, frame_type, channel, flags: 0, id, length: 0 };
        append_frame(&mut link.outbox.control, header, payload);
    }

    fn control_json<T: Serialize>(&mut self, frame_type: FrameType, id: u32, value: &T) {
        let Some((epoch, link)) = self.link() else { return };
        let header = Header { epoch, frame_type, channel: 0, flags: 0, id, length: 0 };
        if !append_json(&mut link.outbox.control, header, value) {
            let failure = Failure::new(isola_wire::code::REQUEST_INVALID, "answer request: the result exceeds a frame");
            append_json(&mut link.outbox.control, header, &failure_payload(&failure));
        }
    }

    fn link(&mut self) -> Option<(u32, &mut Connection)> {
        let link = self.connections.get_mut(&self.live?)?;
        Some((link.live_epoch?, link))
    }
}
