// SPDX-License-Identifier: Apache-2.0
use isola_wire::{
    Failure, FrameReader, FrameType, Header, HostHello, LauncherHello, MAX_PAYLOAD_BYTES, Mode, append_frame,
    append_json, code, failure_payload,
};
use serde::Serialize;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// A peer that does not read its answers is cut off before it costs more than this.
const MOST_UNSENT_BYTES: usize = 8 << 20;

/// One server (or tool) that talks to the launcher or the relay.
pub struct Connection {
    pub stream: UnixStream,
    reader: FrameReader,
    unsent: Vec<u8>,
    epoch: Option<u32>,
    /// What we are in the greeting.
    me: Me,
}

/// Who answers.
#[derive(Clone, Copy)]
pub struct Me {
    pub role: &'static str,
    pub generation: u32,
}

/// A request as it came: its number and its JSON.
pub struct Request {
    pub id: u32,
    pub payload: Vec<u8>,
}

/// Why a connection is over.
#[derive(Debug)]
pub struct Closed;

fn too_large() -> Failure {
    Failure::new(
        code::REQUEST_TOO_LARGE,
        format!("answer the request: the answer has more than {MAX_PAYLOAD_BYTES} bytes"),
    )
    .with("hint", "ask for less at once")
}

impl From<io::Error> for Closed {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Connection {
    pub fn new(stream: UnixStream, me: Me) -> Self {
        Self { stream, reader: FrameReader::new(Mode::Strict), unsent: Vec::new(), epoch: None, me }
    }

    /// Reads what is there and returns the requests in it.
    pub fn receive(&mut self) -> Result<Vec<Request>, Closed> {
        let mut requests = Vec::new();
        loop {
            match self.stream.read(self.reader.room()) {
                Ok(0) => return Err(Closed),
                Ok(count) => self.reader.filled(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(requests),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(Closed),
            }
            self.take_frames(&mut requests)?;
        }
    }

    fn take_frames(&mut self, requests: &mut Vec<Request>) -> Result<(), Closed> {
        while let Some(frame) = self.reader.next_frame().map_err(|_| Closed)? {
            let (header, payload) = (frame.header, frame.payload.to_vec());
            match (header.frame_type, self.epoch) {
                (FrameType::Hello, None) => self.greet(header.epoch, &payload)?,
                (FrameType::Request, Some(_)) if header.id != 0 => requests.push(Request { id: header.id, payload }),
                (FrameType::Ping, Some(_)) => self.append(FrameType::Pong, 0, &payload),
                // Cancelling is not offered: what was begun on the host is finished.
                (FrameType::Cancel, Some(_)) => {}
                _ => return Err(Closed),
            }
        }
        Ok(())
    }

    fn greet(&mut self, epoch: u32, payload: &[u8]) -> Result<(), Closed> {
        let hello: HostHello = serde_json::from_slice(payload).map_err(|_| Closed)?;
        if hello.role != "host" {
            return Err(Closed);
        }
        self.epoch = Some(epoch);
        self.reader.expect_epoch(epoch);
        self.append_value(
            FrameType::Hello,
            0,
            &LauncherHello {
                generation: self.me.generation.min(hello.generation),
                role: self.me.role.into(),
                version: env!("CARGO_PKG_VERSION").into(),
                pid: std::process::id(),
            },
        );
        Ok(())
    }

    pub fn respond(&mut self, request: u32, payload: &impl Serialize) {
        self.append_value(FrameType::Response, request, payload);
    }

    pub fn announce(&mut self, event: &impl Serialize) {
        if self.epoch.is_some() {
            self.append_value(FrameType::Event, 0, event);
        }
    }

    fn append_value(&mut self, frame_type: FrameType, id: u32, value: &impl Serialize) {
        let header = self.header(frame_type, id);
        if append_json(&mut self.unsent, header, value) {
            return;
        }
        eprintln!("isola-{}: answer to request {id} does not fit a frame", self.me.role);
        if frame_type == FrameType::Response {
            // Without an answer the caller would wait until it gives up.
            append_json(&mut self.unsent, header, &failure_payload(&too_large()));
        }
    }

    fn append(&mut self, frame_type: FrameType, id: u32, payload: &[u8]) {
        let header = self.header(frame_type, id);
        append_frame(&mut self.unsent, header, payload);
    }

    fn header(&self, frame_type: FrameType, id: u32) -> Header {
        Header { epoch: self.epoch.unwrap_or_default(), frame_type, channel: 0, flags: 0, id, length: 0 }
    }

    /// Writes as much as the peer takes. True when something is left.
    pub fn flush(&mut self) -> Result<bool, Closed> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Closed),
            }
        }
        if self.unsent.len() > MOST_UNSENT_BYTES {
            return Err(Closed);
        }
        Ok(!self.unsent.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn an_answer_that_fits_no_frame_is_a_failure_and_not_silence() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut connection = Connection::new(ours, Me { role: "launcher", generation: 1 });
        connection.epoch = Some(7);
        connection.respond(3, &json!({ "ok": true, "rows": "x".repeat(MAX_PAYLOAD_BYTES) }));
        assert!(!connection.flush().unwrap());
        drop(connection);
        let mut reader = FrameReader::new(Mode::Strict);
        let count = theirs.read(reader.room()).unwrap();
        reader.filled(count);
        let frame = reader.next_frame().unwrap().expect("there is an answer");
        assert_eq!((frame.header.frame_type, frame.header.id), (FrameType::Response, 3));
        let answer: Value = serde_json::from_slice(frame.payload).unwrap();
        assert_eq!((&answer["ok"], &answer["error"]["code"]), (&json!(false), &json!("request.too_large")));
    }
}
