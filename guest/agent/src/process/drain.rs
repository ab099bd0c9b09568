// SPDX-License-Identifier: Apache-2.0
use std::os::fd::OwnedFd;

use rustix::io::{Errno, read};

use crate::agent::Agent;
use crate::poll::{Interest, Source};

const MAX_DRAINS: usize = 1024;
const READ_BYTES: usize = 64 * 1024;

impl Agent {
    /// Keeps reading a pipe that descendants of an ended process still write to.
    pub(super) fn drain(&mut self, fd: OwnedFd) {
        if self.processes.drains.len() >= MAX_DRAINS {
            self.processes.drains.pop_first();
        }
        self.processes.next_key += 1;
        let key = self.processes.next_key;
        if self.poll.add(&fd, Source::Drain(key), Interest::Read).is_ok() {
            self.processes.drains.insert(key, fd);
        }
    }

    pub fn drain_ready(&mut self, key: u32) {
        let Some(fd) = self.processes.drains.get(&key) else { return };
        if self.processes.scratch.len() < READ_BYTES {
            self.processes.scratch = vec![0; isola_wire::HEADER_BYTES + READ_BYTES];
        }
        match read(fd, &mut self.processes.scratch[..READ_BYTES]) {
            Ok(count) if count > 0 => {}
            Err(Errno::AGAIN | Errno::INTR) => {}
            Ok(_) | Err(_) => {
                self.processes.drains.remove(&key);
                self.rest_if_idle();
            }
        }
    }
}
