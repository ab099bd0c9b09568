// SPDX-License-Identifier: Apache-2.0
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use super::client::Reply;
use super::message::Failed;
use crate::agent::Agent;
use crate::poll::{Interest, Source};
use crate::reap::Child;

impl Agent {
    pub fn watch_spawner(&self) -> Result<(), Errno> {
        match self.spawner.socket() {
            Some(socket) => self.poll.add(socket, Source::Spawner, Interest::Read),
            None => Ok(()),
        }
    }

    /// Waits for room in the spawner's socket only while something waits for it.
    pub fn watch_spawner_writes(&self) {
        if self.spawner.has_waiting()
            && let Some(socket) = self.spawner.socket()
        {
            self.poll.set(socket, Source::Spawner, Interest::Both);
        }
    }

    pub fn spawner_ready(&mut self) {
        if self.spawner.has_waiting()
            && self.spawner.flush().is_ok()
            && !self.spawner.has_waiting()
            && let Some(socket) = self.spawner.socket()
        {
            self.poll.set(socket, Source::Spawner, Interest::Read);
        }
        loop {
            match self.spawner.receive() {
                Reply::Started { token, pid } => self.spawned(token, pid),
                Reply::Failed { token, failed } => self.not_spawned(token, Some(failed)),
                Reply::Idle => return,
                Reply::Lost => return self.spawner_lost(),
            }
            // Usually there is one, and asking again costs as much as the answer did.
            if self.children.expected.is_empty() {
                return;
            }
        }
    }

    fn answered(&mut self, token: u64) -> Option<Child> {
        let (child, deadline) = self.children.expected.remove(&token)?;
        self.timers.cancel(deadline);
        Some(child)
    }

    fn spawned(&mut self, token: u64, pid: i32) {
        let Some(child) = self.answered(token) else {
            // Given up on long ago: nobody would ever end it.
            if let Some(pid) = Pid::from_raw(pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
            return;
        };
        let ended = self.children.add(pid, child);
        match child {
            Child::Process(key) => self.process_started(key, pid),
            Child::Sudo(key) => self.sudo_started(key, pid),
        }
        if let Some(status) = ended {
            self.child_ended(child, status);
        }
    }

    fn not_spawned(&mut self, token: u64, failed: Option<Failed>) {
        let child = self.answered(token);
        self.children.forget_early();
        match child {
            Some(Child::Process(key)) => self.process_not_started(key, failed),
            Some(Child::Sudo(key)) => self.sudo_not_started(key, failed),
            None => {}
        }
    }

    fn spawner_lost(&mut self) {
        for token in self.children.expected.keys().copied().collect::<Vec<_>>() {
            self.not_spawned(token, None);
        }
        // A new one, where we may start it; if watching it fails, starts will time out.
        let _ = self.watch_spawner();
    }

    pub fn spawner_stuck(&mut self, token: u64) {
        self.not_spawned(token, None);
    }
}
