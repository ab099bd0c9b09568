// SPDX-License-Identifier: Apache-2.0
use std::time::Duration;

use rustix::process::{Signal, kill_process_group};

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
                process.kill_timer = Some(self.timers.set(grace, Alarm::ProcessKill(key)));
            }
            _ => self.process_kill(key),
        }
    }

    /// Kills the group at once; also one that is still being started. What an ended process has
    /// left to say is not waited for any longer.
    pub fn process_kill(&mut self, key: u32) {
        let Some(process) = self.processes.table.get_mut(&key) else { return };
        process.killed = true;
        if process.status.is_some() {
            process.discard = true;
            for channel in [OUTPUT, ERROR] {
                self.resume_output(key, channel);
            }
        } else if let Some(pid) = process.pid {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
