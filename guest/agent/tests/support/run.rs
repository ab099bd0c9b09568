// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::ProcessExit;
use isola_wire::{Failure, Frame, FrameType};
use serde_json::{Value, json};

use super::host::Host;

/// What a process did, from start to exit.
#[derive(Debug)]
pub struct Outcome {
    pub pid: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub exit: ProcessExit,
    pub gaps: usize,
}

impl Outcome {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// A process specification with `changes` over the defaults.
pub fn spec(id: &str, argv: &[&str], changes: &Value) -> Value {
    let mut spec = json!({
        "processId": id, "argv": argv, "cwd": null, "env": {}, "tty": null, "stdin": false, "timeoutMs": null,
        "killGraceMs": 500, "outputLimitBytes": null, "overflow": "block",
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        spec[name] = value.clone();
    }
    spec
}

pub fn exit_of(frame: &Frame) -> ProcessExit {
    serde_json::from_slice(&frame.payload).expect("parse the exit event")
}

impl Host {
    /// Runs a shell line to its end.
    pub fn shell(&mut self, line: &str) -> Outcome {
        self.run(&["/bin/sh", "-c", line], &json!({}))
    }

    pub fn run(&mut self, argv: &[&str], changes: &Value) -> Outcome {
        self.try_run(argv, changes).expect("start the process")
    }

    pub fn try_run(&mut self, argv: &[&str], changes: &Value) -> Result<Outcome, Failure> {
        let id = self.start(&format!("run-{}", self.epoch), argv, changes);
        let pid = self.response(id)?["pid"].as_i64().expect("pid") as i32;
        Ok(self.finish(id, pid))
    }

    pub fn start(&mut self, process_id: &str, argv: &[&str], changes: &Value) -> u32 {
        self.request("process.start", &spec(process_id, argv, changes))
    }

    /// Reads a process's streams to their end, granting credit as it goes.
    pub fn finish(&mut self, id: u32, pid: i32) -> Outcome {
        let (mut stdout, mut stderr, mut gaps, mut ends) = (Vec::new(), Vec::new(), 0, Vec::new());
        loop {
            let frame = self.next(id);
            match frame.frame_type {
                FrameType::Data => {
                    gaps += usize::from(frame.flags & isola_wire::FLAG_GAP != 0);
                    self.grant(id, frame.channel, frame.payload.len() as u32);
                    if frame.channel == 2 { &mut stderr } else { &mut stdout }.extend_from_slice(&frame.payload);
                }
                FrameType::End => ends.push(frame.channel),
                FrameType::Event => {
                    ends.sort_unstable();
                    assert!(ends == [1, 2] || ends == [1], "streams end before the exit event: {ends:?}");
                    return Outcome { pid, stdout, stderr, exit: exit_of(&frame), gaps };
                }
                // Credit for stdin.
                _ => {}
            }
        }
    }
}
