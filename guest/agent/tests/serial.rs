// SPDX-License-Identifier: Apache-2.0
//! A serial line: one device that is always open, and hosts that follow each other on it.
mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use isola_wire::{
    AgentHello, Frame, FrameReader, FrameType, HostAuth, HostHello, Mode, encode_frame, from_hex, host_proof, to_hex,
};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use support::{AgentProcess, KEY};

struct Line {
    file: File,
    reader: FrameReader,
    epoch: u32,
}

impl Line {
    fn send(&mut self, frame_type: FrameType, id: u32, payload: &[u8]) {
        let frame = Frame { epoch: self.epoch, frame_type, channel: 0, flags: 0, id, payload: payload.to_vec() };
        self.file.write_all(&encode_frame(&frame)).expect("write to the line");
    }

    fn receive(&mut self) -> Frame {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match self.reader.next_frame().expect("resync never fails") {
                Some(frame) if frame.header.epoch == self.epoch => return frame.to_frame(),
                Some(_) => continue,
                None => {}
            }
            assert!(Instant::now() < deadline, "nothing came");
            match self.file.read(self.reader.room()) {
                Ok(count) => self.reader.filled(count),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn begin(&mut self, epoch: u32) {
        self.epoch = epoch;
        let nonce = [3; 32];
        let hello = HostHello { generation: 1, role: "host".into(), nonce: Some(to_hex(&nonce)) };
        self.send(FrameType::Hello, 0, &serde_json::to_vec(&hello).expect("json"));
        let answer: AgentHello = serde_json::from_slice(&self.receive().payload).expect("hello");
        let proof = host_proof(&KEY, epoch, &nonce, &from_hex(&answer.nonce).expect("nonce"));
        self.send(FrameType::Auth, 0, &serde_json::to_vec(&HostAuth { proof }).expect("json"));
    }

    fn info(&mut self, id: u32) -> Value {
        self.send(FrameType::Request, id, b"{\"op\":\"agent.info\"}");
        let frame = self.receive();
        assert_eq!((frame.frame_type, frame.id), (FrameType::Response, id));
        serde_json::from_slice(&frame.payload).expect("json")
    }
}

#[test]
fn a_serial_line_survives_noise_half_frames_and_new_epochs() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("open a terminal");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("unlock");
    let path = ptsname(&master, Vec::new()).expect("name").into_string().expect("text");
    let _agent = AgentProcess::start_with(json!({"type": "serial", "path": path}), &[]);
    // The agent makes the line raw when it opens it.
    std::thread::sleep(Duration::from_millis(300));
    rustix::io::ioctl_fionbio(&master, true).expect("non-blocking");
    let mut line = Line { file: File::from(master), reader: FrameReader::new(Mode::Resync), epoch: 0 };
    line.begin(11);
    assert_eq!(line.info(1)["personalised"], false);
    line.file.write_all(b"noise IIISOL noise").expect("noise");
    assert_eq!(line.info(2)["ok"], true);
    let half =
        encode_frame(&Frame { epoch: 11, frame_type: FrameType::Ping, channel: 0, flags: 0, id: 0, payload: vec![] });
    line.file.write_all(&half[..10]).expect("half a frame");
    // Another host, or the same one after a restore; the old epoch is over once it has proven itself.
    line.begin(12);
    assert_eq!(line.info(3)["ok"], true);
    line.epoch = 11;
    line.send(FrameType::Request, 4, b"{\"op\":\"agent.info\"}");
    line.epoch = 12;
    assert_eq!(line.info(5)["ok"], true, "a frame of the old epoch is not answered");
}
