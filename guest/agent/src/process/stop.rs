// SPDX-License-Identifier: Apache-2.0
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use isola_wire::channel::{ERROR, OUTPUT};

use crate::agent::Agent;
use crate::timers::Alarm;

impl Agent {
    /// Its time is up: asked to end, and killed when it does not within the grace.
    pub fn process_timeout(&mut self, key: u32) {
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        process.timer = None;
        if process.status.is_some() {
            return;
        }
        process.timed_out = true;
        let grace = Duration::from_millis(process.kill_grace_ms);
        match process.pid {
            Some(pid) if !grace.is_zero() => {
                // It may have ended this moment.
                let _ = kill_process_group(pid, Signal::TERM);
                self.timers.set(grace, Alarm::GroupKill(key, pid.as_raw_nonzero().get()));
            }
            _ => self.process_kill(key),
        }
    }

    /// The grace is over, also for members of the group that have outlived their leader.
    pub fn group_kill(&mut self, key: u32, group: i32) {
        if let Some(process) = self.processes.table.get_mut(&key) {
            process.killed |= process.status.is_none();
        }
        if let Some(group) = Pid::from_raw(group) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// The host wants it no longer: the group is killed, and of its output only what credit allows
    /// at its end is still sent.
    pub fn process_cancel(&mut self, key: u32) {
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        process.cancelled = true;
        if process.status.is_none() {
            return self.process_kill(key);
        }
        process.discard = true;
        for channel in [OUTPUT, ERROR] {
            self.resume_output(key, channel);
        }
    }

    /// Kills the group at once; also one that is still being started.
    pub fn process_kill(&mut self, key: u32) {
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        process.killed = true;
        if let Some(pid) = process.pid.filter(|_| process.status.is_none()) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
