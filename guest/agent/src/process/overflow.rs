// SPDX-License-Identifier: Apache-2.0
use std::collections::VecDeque;

/// One stream keeps at most this much of what nobody takes.
const STREAM_BYTES: usize = 256 * 1024;
/// And all of them together this much.
const TOTAL_BYTES: usize = 16 * 1024 * 1024;

/// The newest output of a drop-oldest stream.
#[derive(Default)]
pub struct Kept {
    bytes: VecDeque<u8>,
    /// Something was dropped since the last byte that was taken out.
    pub gap: bool,
}

impl Kept {
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Keeps the end of `chunk` and of what was there. `total` counts the bytes of all streams.
    /// Returns how many were dropped.
    pub fn push(&mut self, chunk: &[u8], total: &mut usize) -> u64 {
        let own_room = STREAM_BYTES.min(self.bytes.len() + TOTAL_BYTES.saturating_sub(*total));
        let kept = chunk.len().min(own_room);
        let surplus = (self.bytes.len() + kept).saturating_sub(own_room);
        self.bytes.drain(..surplus);
        self.bytes.extend(&chunk[chunk.len() - kept..]);
        *total = *total + kept - surplus;
        let dropped = surplus + chunk.len() - kept;
        self.gap |= dropped > 0;
        dropped as u64
    }

    /// Moves the oldest bytes into `room`; returns how many.
    pub fn take(&mut self, room: &mut [u8], total: &mut usize) -> usize {
        let count = room.len().min(self.bytes.len());
        for (place, byte) in room.iter_mut().zip(self.bytes.drain(..count)) {
            *place = byte;
        }
        *total -= count;
        if self.bytes.is_empty() {
            self.bytes = VecDeque::new();
        }
        count
    }

    pub fn clear(&mut self, total: &mut usize) -> u64 {
        let count = self.bytes.len();
        *total -= count;
        self.bytes = VecDeque::new();
        count as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_bytes_stay_and_the_loss_is_counted() {
        let (mut kept, mut total) = (Kept::default(), 0);
        assert_eq!(kept.push(&vec![1; STREAM_BYTES], &mut total), 0);
        assert_eq!(kept.push(&[2; 10], &mut total), 10);
        assert!(kept.gap);
        let mut room = vec![0; STREAM_BYTES + 1];
        assert_eq!(kept.take(&mut room, &mut total), STREAM_BYTES);
        assert_eq!((room[0], room[STREAM_BYTES - 1], total), (1, 2, 0));
    }

    #[test]
    fn a_chunk_larger_than_the_room_keeps_its_end() {
        let (mut kept, mut total) = (Kept::default(), 0);
        let chunk: Vec<u8> = (0..STREAM_BYTES + 5).map(|at| at as u8).collect();
        assert_eq!(kept.push(&chunk, &mut total), 5);
        let mut room = [0; 1];
        assert_eq!((kept.take(&mut room, &mut total), room[0]), (1, 5));
    }

    #[test]
    fn all_streams_together_stay_within_the_total() {
        let (mut kept, mut total) = (Kept::default(), TOTAL_BYTES);
        assert_eq!(kept.push(&[1; 100], &mut total), 100);
        assert_eq!(total, TOTAL_BYTES);
        assert_eq!(kept.clear(&mut total), 0);
    }
}
