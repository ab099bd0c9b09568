// SPDX-License-Identifier: Apache-2.0
use isola_wire::{FrameReader, FrameType, Header, Mode, append_json};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

const EPOCH: u32 = 7;

/// Speaks the launcher's protocol, one request at a time or several at once.
pub struct Client {
    stream: UnixStream,
    reader: FrameReader,
    next: u32,
    pub events: Vec<Value>,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer(pub Value);

impl Answer {
    /// The result, or a panic with the error that came instead.
    pub fn expect_ok(self) -> Value {
        assert_eq!(self.0["ok"], true, "the launcher answered {}", self.0);
        self.0
    }

    pub fn error_code(&self) -> &str {
        self.0["error"]["code"].as_str().unwrap_or("no error")
    }
}

impl Client {
    pub fn connect(socket: &Path) -> Self {
        Self::connect_to(socket, "launcher")
    }

    /// Connects to whoever answers with this role.
    pub fn connect_to(socket: &Path, role: &str) -> Self {
        let stream = UnixStream::connect(socket).expect("the launcher listens");
        let mut client = Self { stream, reader: FrameReader::new(Mode::Strict), next: 1, events: Vec::new() };
        client.write(FrameType::Hello, 0, &json!({ "generation": 1, "role": "host" }));
        let (frame_type, _, hello) = client.read();
        assert_eq!((frame_type, &hello["role"]), (FrameType::Hello, &json!(role)));
        client
    }

    fn write(&mut self, frame_type: FrameType, id: u32, value: &Value) {
        let mut bytes = Vec::new();
        let header = Header { epoch: EPOCH, frame_type, channel: 0, flags: 0, id, length: 0 };
        assert!(append_json(&mut bytes, header, value), "the request fits a frame");
        self.stream.write_all(&bytes).expect("the launcher reads");
    }

    fn read(&mut self) -> (FrameType, u32, Value) {
        loop {
            if let Some(frame) = self.reader.next_frame().expect("the launcher sends frames") {
                assert_eq!(frame.header.epoch, EPOCH, "answers carry the epoch of the host's hello");
                let value = serde_json::from_slice(frame.payload).expect("the payload is JSON");
                return (frame.header.frame_type, frame.header.id, value);
            }
            let count = self.stream.read(self.reader.room()).expect("the launcher answers");
            assert!(count > 0, "the launcher closed the connection");
            self.reader.filled(count);
        }
    }

    /// Sends a request without waiting.
    pub fn send(&mut self, op: &str, parameters: Value) -> u32 {
        let id = self.next;
        self.next += 1;
        let mut request = parameters;
        request["op"] = json!(op);
        self.write(FrameType::Request, id, &request);
        id
    }

    /// Waits for the next answer to anything.
    pub fn receive(&mut self) -> (u32, Answer) {
        loop {
            match self.read() {
                (FrameType::Response, id, value) => return (id, Answer(value)),
                (FrameType::Event, 0, value) => self.events.push(value),
                other => panic!("unexpected frame {other:?}"),
            }
        }
    }

    /// Waits until something is announced.
    pub fn next_event(&mut self) -> Value {
        while self.events.is_empty() {
            match self.read() {
                (FrameType::Event, 0, value) => self.events.push(value),
                other => panic!("unexpected frame {other:?}"),
            }
        }
        self.events.remove(0)
    }

    pub fn call(&mut self, op: &str, parameters: Value) -> Answer {
        let id = self.send(op, parameters);
        let (answered, answer) = self.receive();
        assert_eq!(answered, id);
        answer
    }

    pub fn destroy(&mut self, sandbox_id: &str) {
        self.call("destroy", json!({ "sandboxId": sandbox_id })).expect_ok();
    }
}

/// Asks the reporting agent in a sandbox for one of its reports.
pub fn ask_inside(prepared: &Value, word: &str) -> Value {
    let socket = prepared["agentSocket"].as_str().expect("a socket path");
    let mut stream = UnixStream::connect(socket).expect("the agent listens");
    writeln!(stream, "{word}").expect("the agent reads");
    let mut text = String::new();
    BufReader::new(stream).read_line(&mut text).expect("the agent answers");
    serde_json::from_str(&text).expect("the agent answers in JSON")
}
