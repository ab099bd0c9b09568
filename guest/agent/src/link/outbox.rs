// SPDX-License-Identifier: Apache-2.0
use std::io::IoSlice;
use std::os::fd::AsFd;

use rustix::io::{Errno, writev};

/// Frames on their way out. What answers the host goes ahead of stream bytes, but never into the
/// middle of a frame.
#[derive(Default)]
pub struct Outbox {
    /// The rest of a write that the socket took only in part; goes first.
    begun: Vec<u8>,
    begun_at: usize,
    pub control: Vec<u8>,
    pub data: Vec<u8>,
}

/// Streams pause while this much waits. It bounds both memory and the delay of control frames.
const DATA_ROOM_BYTES: usize = 256 * 1024;
/// A host that asks but does not read is not listened to beyond this.
const CONTROL_ROOM_BYTES: usize = 4 * 1024 * 1024;
const KEPT_CAPACITY: usize = 16 * 1024;

impl Outbox {
    pub fn is_empty(&self) -> bool {
        self.begun_at == self.begun.len() && self.control.is_empty() && self.data.is_empty()
    }

    pub fn has_data_room(&self) -> bool {
        self.data.len() + (self.begun.len() - self.begun_at) < DATA_ROOM_BYTES
    }

    pub fn has_control_room(&self) -> bool {
        self.control.len() < CONTROL_ROOM_BYTES
    }

    /// Forgets what has not begun; for a new epoch on the same device.
    pub fn restart(&mut self) {
        self.control.clear();
        self.data.clear();
    }

    /// Sends a data frame that starts at `bytes[0]`, straight away if nothing waits before it.
    pub fn send_data(&mut self, fd: impl AsFd, bytes: &[u8]) -> Result<(), Errno> {
        let mut sent = 0;
        if self.is_empty() {
            match rustix::io::write(fd, bytes) {
                Ok(count) if count == bytes.len() => return Ok(()),
                Ok(count) => sent = count,
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        if sent > 0 {
            self.begun = bytes[sent..].to_vec();
            self.begun_at = 0;
        } else {
            self.data.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Writes as much as the socket takes.
    pub fn flush(&mut self, fd: impl AsFd) -> Result<(), Errno> {
        while !self.is_empty() {
            let parts = [&self.begun[self.begun_at..], &self.control, &self.data];
            match writev(&fd, &parts.map(IoSlice::new)) {
                Ok(count) => self.sent(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(error),
            }
        }
        if self.is_empty() {
            self.shrink();
        }
        Ok(())
    }

    fn sent(&mut self, mut count: usize) {
        let begun = (self.begun.len() - self.begun_at).min(count);
        self.begun_at += begun;
        count -= begun;
        if self.begun_at < self.begun.len() {
            return;
        }
        self.begun.clear();
        self.begun_at = 0;
        for part in [&mut self.control, &mut self.data] {
            if count >= part.len() {
                count -= part.len();
                part.clear();
            } else if count > 0 {
                // The socket stopped inside this part: its rest must not be overtaken.
                self.begun = part.split_off(count);
                part.clear();
                return;
            }
        }
    }

    fn shrink(&mut self) {
        for part in [&mut self.begun, &mut self.control, &mut self.data] {
            if part.capacity() > KEPT_CAPACITY {
                *part = Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_goes_first_but_never_into_a_begun_frame() {
        let mut outbox = Outbox { control: b"cc".to_vec(), data: b"dddd".to_vec(), ..Outbox::default() };
        outbox.sent(4);
        assert_eq!((&outbox.begun[..], outbox.control.len(), outbox.data.len()), (&b"dd"[..], 0, 0));
        outbox.control.extend_from_slice(b"C");
        outbox.sent(1);
        assert_eq!(&outbox.begun[outbox.begun_at..], b"d");
        assert_eq!(outbox.control, b"C");
        outbox.sent(2);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_control_part_cut_in_the_middle_stays_ahead_of_data() {
        let mut outbox = Outbox { control: b"ccc".to_vec(), data: b"d".to_vec(), ..Outbox::default() };
        outbox.sent(1);
        assert_eq!((&outbox.begun[..], &outbox.data[..]), (&b"cc"[..], &b"d"[..]));
    }
}
