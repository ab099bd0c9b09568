// SPDX-License-Identifier: Apache-2.0
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use isola_wire::{
    AgentHello, Failure, Frame, FrameReader, FrameType, HostAuth, HostHello, Mode, agent_proof, encode_frame, from_hex,
    host_proof, to_hex,
};
use serde::Serialize;
use serde_json::Value;

use super::agent_process::KEY;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);
static EPOCHS: AtomicU32 = AtomicU32::new(1000);

/// The server's end of a link.
pub struct Host {
    pub stream: UnixStream,
    pub epoch: u32,
    reader: FrameReader,
    inbox: VecDeque<Frame>,
    next_id: u32,
    pub challenge: ([u8; 32], [u8; 32]),
}

impl Host {
    pub fn connect(path: &Path) -> Self {
        let mut host = Self::greet(path);
        host.prove(&KEY);
        host
    }

    pub fn over(stream: UnixStream) -> Self {
        let mut host = Self::greet_over(stream);
        host.prove(&KEY);
        host
    }

    /// Connects and exchanges hellos, but proves nothing yet.
    pub fn greet(path: &Path) -> Self {
        Self::greet_over(UnixStream::connect(path).expect("connect to the agent"))
    }

    /// Connects and says nothing.
    pub fn silent(path: &Path) -> Self {
        Self::wrap(UnixStream::connect(path).expect("connect to the agent"))
    }

    pub fn wrap(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_millis(50))).expect("set a time limit");
        Self {
            stream,
            epoch: EPOCHS.fetch_add(1, Ordering::Relaxed),
            reader: FrameReader::new(Mode::Strict),
            inbox: VecDeque::new(),
            next_id: 0,
            challenge: ([9; 32], [0; 32]),
        }
    }

    pub fn greet_over(stream: UnixStream) -> Self {
        let mut host = Self::wrap(stream);
        let (epoch, host_nonce) = (host.epoch, host.challenge.0);
        let hello = HostHello { generation: 1, role: "host".into(), nonce: Some(to_hex(&host_nonce)) };
        host.send_json(FrameType::Hello, 0, &hello);
        let answer = host.receive(PATIENCE).expect("the agent says hello");
        let hello: AgentHello = serde_json::from_slice(&answer.payload).expect("parse the agent's hello");
        let agent_nonce = from_hex(&hello.nonce).expect("the agent's nonce");
        assert_eq!(hello.proof, agent_proof(&KEY, epoch, &host_nonce, &agent_nonce), "the agent holds the key");
        host.challenge.1 = agent_nonce;
        host
    }

    pub fn prove(&mut self, key: &[u8; 32]) {
        let (host_nonce, agent_nonce) = self.challenge;
        let auth = HostAuth { proof: host_proof(key, self.epoch, &host_nonce, &agent_nonce) };
        self.send_json(FrameType::Auth, 0, &auth);
    }

    pub fn send(&mut self, frame_type: FrameType, channel: u8, id: u32, payload: &[u8]) {
        let frame = Frame { epoch: self.epoch, frame_type, channel, flags: 0, id, payload: payload.to_vec() };
        self.stream.write_all(&encode_frame(&frame)).expect("send a frame");
    }

    pub fn send_flagged(&mut self, frame_type: FrameType, flags: u16, id: u32, payload: &[u8]) {
        let frame = Frame { epoch: self.epoch, frame_type, channel: 0, flags, id, payload: payload.to_vec() };
        self.stream.write_all(&encode_frame(&frame)).expect("send a frame");
    }

    pub fn send_json<T: Serialize>(&mut self, frame_type: FrameType, id: u32, value: &T) {
        self.send(frame_type, 0, id, &serde_json::to_vec(value).expect("serialise"));
    }

    pub fn new_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// Sends a request and returns its id.
    pub fn request(&mut self, op: &str, parameters: &Value) -> u32 {
        let id = self.new_id();
        self.send_json(FrameType::Request, id, &isola_wire::request_payload(op, parameters));
        id
    }

    /// Sends a request and waits for its response.
    pub fn call(&mut self, op: &str, parameters: &Value) -> Result<Value, Failure> {
        let id = self.request(op, parameters);
        self.response(id)
    }

    pub fn response(&mut self, id: u32) -> Result<Value, Failure> {
        let frame = self.wait(|frame| frame.id == id && frame.frame_type == FrameType::Response);
        let mut value: Value = serde_json::from_slice(&frame.payload).expect("parse a response");
        if value["ok"] == true {
            Ok(value)
        } else {
            Err(serde_json::from_value(value["error"].take()).expect("failure"))
        }
    }

    pub fn grant(&mut self, id: u32, channel: u8, bytes: u32) {
        self.send(FrameType::Credit, channel, id, &bytes.to_be_bytes());
    }

    /// The next frame of an operation.
    pub fn next(&mut self, id: u32) -> Frame {
        self.wait(|frame| frame.id == id)
    }

    /// The first frame that `fits`; others are kept for later.
    pub fn wait(&mut self, fits: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(at) = self.inbox.iter().position(&fits) {
            return self.inbox.remove(at).expect("a frame that was found");
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let frame = self.receive(left).expect("a frame within the test's patience");
            if fits(&frame) {
                return frame;
            }
            self.inbox.push_back(frame);
        }
    }

    /// What is there within `time`, at most one frame; None also when the agent has hung up.
    pub fn receive(&mut self, time: Duration) -> Option<Frame> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(frame) = self.reader.next_frame().expect("the agent sends whole frames") {
                return Some(frame.to_frame());
            }
            match self.stream.read(self.reader.room()) {
                Ok(0) => return None,
                Ok(count) => self.reader.filled(count),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(_) if Instant::now() < deadline => {}
                Err(_) => return None,
            }
        }
    }

    /// True when the agent closes the connection.
    pub fn is_hung_up(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut sink = [0; 65536];
        while Instant::now() < deadline {
            match self.stream.read(&mut sink) {
                Ok(0) => return true,
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return true,
                Ok(_) | Err(_) => {}
            }
        }
        false
    }
}
