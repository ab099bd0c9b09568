// SPDX-License-Identifier: Apache-2.0
//! Random and mutated frames from a host that holds the key: the agent answers or hangs up, and is
//! there for the next one. 10^4 frames by default, 10^6 with ISOLA_LONG=1.
mod support;

use std::io::Write;
use std::time::{Duration, Instant};

use isola_wire::{Frame, FrameType, encode_frame};
use serde_json::json;
use support::{Host, ready};

const SPOILERS: &[u8] = b"{}[]\",:0129nul-eE \xff";

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Requests that are right, to be spoilt; none of them can harm the machine that the test runs on.
fn requests() -> Vec<Vec<u8>> {
    let all = [
        json!({"op": "agent.info"}),
        json!({"op": "process.start", "processId": "f", "argv": ["true"], "stdin": true, "env": {"A": "b"}}),
        json!({"op": "process.start", "processId": "t", "argv": ["cat"], "tty": {"cols": 9, "rows": 9}, "stdin": true,
               "timeoutMs": 50, "outputLimitBytes": 9}),
        json!({"op": "process.signal", "processId": "f", "signal": "SIGTERM", "target": "group"}),
        json!({"op": "process.resize", "processId": "t", "cols": 5, "rows": 5}),
        json!({"op": "process.list"}),
        json!({"op": "file.read", "path": "x", "offset": 0, "length": 10}),
        json!({"op": "file.write", "path": "x", "mode": 420}),
        json!({"op": "file.list", "path": ".", "depth": 2, "limit": 20}),
        json!({"op": "file.stat", "path": "x"}),
        json!({"op": "file.mkdir", "path": "d", "parents": true}),
        json!({"op": "file.move", "from": "x", "to": "y", "overwrite": true}),
    ];
    all.iter().map(|value| value.to_string().into_bytes()).collect()
}

fn frame(random: &mut Random, requests: &[Vec<u8>], epoch: u32, newest: &mut u32) -> Vec<u8> {
    // Mostly what is allowed, so that a link lives long enough to get somewhere.
    let frame_type = match random.below(100) {
        0..60 => FrameType::Request,
        60..75 => FrameType::Data,
        75..85 => FrameType::Credit,
        85..95 => FrameType::Cancel,
        95..99 => FrameType::End,
        _ => FrameType::from_byte(random.below(11) as u8 + 1).expect("types 1 to 11"),
    };
    let mut payload = match frame_type {
        FrameType::Request => requests[random.below(requests.len())].clone(),
        FrameType::Credit => 4096u32.to_be_bytes().to_vec(),
        FrameType::Cancel | FrameType::End => Vec::new(),
        _ => vec![b'x'; random.below(300)],
    };
    let spoilt = random.below(3) == 0 && !payload.is_empty();
    for _ in 0..if spoilt { random.below(3) + 1 } else { 0 } {
        let at = random.below(payload.len());
        // A changed letter of an operation, a number or a bracket; never one of a path that would leave the directory.
        if payload[at] != b'/' {
            payload[at] = SPOILERS[random.below(SPOILERS.len())];
        }
    }
    // A request of its own id, or something for one of the latest.
    *newest += u32::from(frame_type == FrameType::Request && random.below(300) != 0);
    let id =
        if frame_type == FrameType::Request { *newest } else { newest.saturating_sub(random.below(20) as u32).max(1) };
    let channel = if random.below(300) == 0 { random.below(256) as u8 } else { 0 };
    let flags = if random.below(10) == 0 { random.next() as u16 } else { 0 };
    let mut bytes = encode_frame(&Frame { epoch, frame_type, channel, flags, id, payload });
    if random.below(1000) == 0 {
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
    }
    bytes
}

#[test]
fn no_sequence_of_frames_brings_the_agent_down() {
    let (agent, mut host) = ready();
    let total = if std::env::var_os("ISOLA_LONG").is_some() { 1_000_000 } else { 10_000 };
    let (requests, mut random, mut sent, mut answered) = (requests(), Random(0x1501a), 0, 0);
    while sent < total {
        host.stream.set_write_timeout(Some(Duration::from_secs(5))).expect("time limit");
        let mut newest = 1;
        for _ in 0..random.below(200) {
            sent += 1;
            if host.stream.write_all(&frame(&mut random, &requests, host.epoch, &mut newest)).is_err() {
                break;
            }
        }
        answered += settle(&mut host);
        // Hung up on or not, another host is served, and the sandbox is what it was.
        host = reconnect(&agent);
    }
    assert!(answered > total / 10, "only {answered} of {total} frames were answered: the links die too early");
    assert_eq!(host.shell("echo well").text(), "well\n");
    assert!(agent.memory_kb("RssAnon") < 16 * 1024, "{} kB", agent.memory_kb("RssAnon"));
}

/// Waits until the agent has gone through all that was sent, or has hung up; counts its responses.
fn settle(host: &mut Host) -> usize {
    let mut responses = 0;
    let ping =
        Frame { epoch: host.epoch, frame_type: FrameType::Ping, channel: 0, flags: 0, id: 0, payload: vec![9; 8] };
    if host.stream.write_all(&encode_frame(&ping)).is_err() {
        return responses;
    }
    let deadline = Instant::now() + support::PATIENCE;
    while let Some(frame) = host.receive(support::PATIENCE) {
        assert!(Instant::now() < deadline, "no answer and no end");
        if frame.frame_type == FrameType::Pong && frame.payload == [9; 8] {
            break;
        }
        responses += usize::from(frame.frame_type == FrameType::Response);
    }
    assert!(Instant::now() < deadline, "no answer and no end");
    responses
}

fn reconnect(agent: &support::AgentProcess) -> Host {
    let mut host = agent.connect();
    assert_eq!(host.call("agent.info", &json!({})).expect("info")["personalised"], true);
    host
}
