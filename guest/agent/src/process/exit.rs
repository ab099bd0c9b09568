// SPDX-License-Identifier: Apache-2.0
use std::time::Instant;

use isola_wire::agent::ProcessExit;
use isola_wire::channel::{ERROR, OUTPUT};
use rustix::io::ioctl_fionread;
use rustix::process::WaitStatus;

use super::signal::signal_name;
use super::table::Process;
use crate::agent::Agent;

/// A terminal does not tell how much it holds; its end is an error, and this bounds a flood.
const TERMINAL_REST_BYTES: u64 = 1024 * 1024;
/// What a shell exits with when a child of it was killed.
const KILLED_CHILD: u8 = 137;

impl Agent {
    /// The main process has ended: what it wrote is still delivered, then the event.
    pub fn process_ended(&mut self, key: u32, status: WaitStatus) {
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        let cancelled = process.cancelled;
        process.status = Some(status);
        process.ended = Some(Instant::now());
        if let Some(timer) = process.timer.take() {
            self.timers.cancel(timer);
        }
        for output in process.outputs.iter_mut().flatten() {
            let Some(fd) = &output.fd else { continue };
            let rest = if process.terminal { TERMINAL_REST_BYTES } else { ioctl_fionread(fd).unwrap_or(0) };
            output.left = Some(rest);
        }
        self.close_input(key);
        for channel in [OUTPUT, ERROR] {
            self.unwatch_output(key, channel);
            self.pump_output(key, channel);
        }
        if cancelled {
            self.process_cancel(key);
        }
        self.finish_process(key);
    }

    /// Ends one stream; the process itself when it was the last.
    pub(super) fn finish_output(&mut self, key: u32, channel: u8) {
        self.unwatch_output(key, channel);
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        let Some(output) = process.outputs[usize::from(channel) - 1].take() else { return };
        let (stream, terminal) = (process.stream, process.terminal);
        if let (Some(fd), false) = (output.fd, terminal) {
            self.drain(fd);
        }
        if let Some(id) = stream {
            self.links.end(id, channel, None);
        }
        self.finish_process(key);
    }

    fn finish_process(&mut self, key: u32) {
        let over = self
            .processes
            .table
            .get(&key)
            .is_some_and(|process| process.status.is_some() && process.outputs.iter().all(Option::is_none));
        if !over {
            return;
        }
        let Some(process) = self.processes.table.remove(&key) else { return };
        if let Some(id) = process.stream {
            let exit = self.exit_of(&process);
            self.links.event(id, &exit);
            self.streams.remove(&id);
        }
        self.rest_if_idle();
    }

    fn exit_of(&self, process: &Process) -> ProcessExit {
        let status = process.status;
        let exit_code = status.and_then(WaitStatus::exit_status).map(|code| code as u8);
        let signal = status.and_then(WaitStatus::terminating_signal);
        let looks_killed = (signal == Some(libc::SIGKILL) && !process.killed) || exit_code == Some(KILLED_CHILD);
        let ended = process.ended.unwrap_or_else(Instant::now);
        ProcessExit {
            exit_code,
            signal: signal.map(signal_name),
            timed_out: process.timed_out,
            oom_killed: looks_killed && self.children.oom_kills() > process.oom_kills_before,
            output_capped: process.output_capped,
            duration_ms: ended.duration_since(process.started).as_micros() as f64 / 1000.0,
            stdout_bytes: process.sent_bytes[0],
            stderr_bytes: process.sent_bytes[1],
            dropped_bytes: process.dropped_bytes,
        }
    }

    /// The link that asked for it is gone: it lives on, and what it writes is counted as dropped.
    pub fn detach_process(&mut self, key: u32) {
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        process.stream = None;
        for channel in [OUTPUT, ERROR] {
            self.resume_output(key, channel);
        }
    }

    /// Gives the buffer back while nothing runs.
    pub fn rest_if_idle(&mut self) {
        if self.processes.table.is_empty() && self.processes.drains.is_empty() {
            self.processes.scratch = Vec::new();
        }
    }
}
