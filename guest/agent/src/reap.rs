// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, pread, read};
use rustix::process::{Pid, WaitOptions, WaitStatus, wait, waitpid};

use crate::agent::Agent;
use crate::sys::signal;
use crate::timers::TimerId;

/// Whose child a pid is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child {
    Process(u32),
    Sudo(u32),
}

/// The children of pid 1: those we started, and orphans that came to us.
pub struct Children {
    signals: OwnedFd,
    known: BTreeMap<i32, Child>,
    /// Orders under way. While there are any, a pid that we do not know may be the one of an answer
    /// that has not been read yet.
    pub expected: BTreeMap<u64, (Child, TimerId)>,
    early: BTreeMap<i32, WaitStatus>,
    oom_counter: Option<OwnedFd>,
}

impl Children {
    pub fn new(oom_counter: Option<OwnedFd>) -> Result<Self, Errno> {
        let signals = signal::descriptor(&[libc::SIGCHLD])?;
        Ok(Self { signals, known: BTreeMap::new(), expected: BTreeMap::new(), early: BTreeMap::new(), oom_counter })
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }

    /// How many out-of-memory kills the `work` cgroup has had; 0 where nobody counts.
    pub fn oom_kills(&self) -> u64 {
        let mut text = [0; 512];
        let count = self.oom_counter.as_ref().map_or(0, |file| pread(file, &mut text, 0).unwrap_or(0));
        parse_oom_kills(&text[..count])
    }

    /// Remembers a started child. Returns its status if it has ended already.
    pub fn add(&mut self, pid: i32, child: Child) -> Option<WaitStatus> {
        let ended = self.early.remove(&pid).and_then(|status| still_ended(pid, status));
        self.forget_early();
        if ended.is_none() {
            self.known.insert(pid, child);
        }
        ended
    }

    pub fn forget_early(&mut self) {
        if self.expected.is_empty() {
            self.early.clear();
        }
    }
}

impl Agent {
    pub fn reap_children(&mut self) {
        // The siginfo says nothing that waiting does not say better; signals merge anyway.
        let mut siginfo = [0; 128];
        let _ = read(&self.children.signals, &mut siginfo);
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let pid = pid.as_raw_nonzero().get();
            match self.children.known.remove(&pid) {
                Some(child) => self.child_ended(child, status),
                None if self.children.expected.is_empty() => {}
                None => drop(self.children.early.insert(pid, status)),
            }
        }
    }

    pub fn child_ended(&mut self, child: Child, status: WaitStatus) {
        match child {
            Child::Process(key) => self.process_ended(key, status),
            Child::Sudo(key) => self.sudo_ended(key, status),
        }
    }
}

/// The early end of `pid`, unless the number was given anew since and names a live child.
fn still_ended(pid: i32, status: WaitStatus) -> Option<WaitStatus> {
    match waitpid(Pid::from_raw(pid), WaitOptions::NOHANG) {
        Ok(None) => None,
        Ok(Some((_, newer))) => Some(newer),
        Err(_) => Some(status),
    }
}

/// v1 `memory.oom_control` and v2 `memory.events` both have a line `oom_kill N`.
fn parse_oom_kills(text: &[u8]) -> u64 {
    String::from_utf8_lossy(text)
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::parse_oom_kills;

    #[test]
    fn the_counter_is_found_in_both_generations_of_the_file() {
        assert_eq!(parse_oom_kills(b"oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 3);
        assert_eq!(parse_oom_kills(b"low 0\nhigh 0\nmax 4\noom 2\noom_kill 2\noom_group_kill 0\n"), 2);
        assert_eq!(parse_oom_kills(b""), 0);
    }
}
