// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::Instant;

use isola_wire::agent::Overflow;
use rustix::process::{Pid, WaitStatus};

use super::input::Input;
use super::output::Output;
use crate::timers::TimerId;

/// More than these do not run at once; each costs the agent descriptors and some memory.
pub const MAX_PROCESSES: usize = 1024;

#[derive(Default)]
pub struct Processes {
    pub table: BTreeMap<u32, Process>,
    /// Pipes whose process has ended while a descendant still writes: read to nowhere, so that the
    /// descendant neither blocks nor dies of SIGPIPE.
    pub drains: BTreeMap<u32, OwnedFd>,
    /// Where output is read to: the space of a header, then the bytes. Empty while nothing runs.
    pub scratch: Vec<u8>,
    /// Outputs that wait for room on the link.
    pub waiting: Vec<(u32, u8)>,
    /// Bytes that drop-oldest buffers hold altogether.
    pub kept_bytes: usize,
    pub next_key: u32,
}

pub struct Process {
    pub id: String,
    pub argv: Vec<String>,
    pub user: String,
    /// The request that started it; None once its link is gone.
    pub stream: Option<u32>,
    /// None until the spawner has answered.
    pub pid: Option<Pid>,
    pub status: Option<WaitStatus>,
    pub started: Instant,
    pub started_at_ms: u64,
    pub ended: Option<Instant>,
    pub input: Option<Input>,
    /// stdout (or the terminal) and stderr; None when it has ended or never was.
    pub outputs: [Option<Output>; 2],
    pub terminal: bool,
    pub overflow: Overflow,
    pub kill_grace_ms: u64,
    /// Output bytes that may still be produced.
    pub output_left: Option<u64>,
    pub timer: Option<TimerId>,
    pub oom_kills_before: u64,
    pub timed_out: bool,
    pub output_capped: bool,
    /// The host wants it no longer.
    pub cancelled: bool,
    /// Output goes nowhere: it reached its limit, or nobody waits for the rest of it.
    pub discard: bool,
    /// We killed it, so it was not the kernel.
    pub killed: bool,
    pub sent_bytes: [u64; 2],
    pub dropped_bytes: u64,
}

impl Processes {
    pub fn find(&mut self, id: &str) -> Option<(u32, &mut Process)> {
        self.table.iter_mut().find(|(_, process)| process.id == id).map(|(key, process)| (*key, process))
    }

    pub fn running_count(&self) -> usize {
        self.table.values().filter(|process| process.is_running()).count()
    }
}

impl Process {
    pub fn is_running(&self) -> bool {
        self.pid.is_some() && self.status.is_none()
    }
}
