// SPDX-License-Identifier: Apache-2.0
use crate::frame::Frame;
use crate::header::{FrameError, FrameType, HEADER_BYTES, Header};

/// How a reader treats bytes that are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Sockets: anything that is not a frame is an error and the stream is over.
    Strict,
    /// Serial lines: bytes are skipped until a header fits; frames of another epoch are dropped,
    /// except `Hello`, with which a new epoch begins.
    Resync,
}

/// A frame whose payload lies in the reader's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameView<'a> {
    pub header: Header,
    pub payload: &'a [u8],
}

impl FrameView<'_> {
    pub fn to_frame(&self) -> Frame {
        let Header { epoch, frame_type, channel, flags, id, .. } = self.header;
        Frame { epoch, frame_type, channel, flags, id, payload: self.payload.to_vec() }
    }
}

const FIRST_CAPACITY: usize = 16 * 1024;
/// An empty buffer above this size is given back, so that an idle reader costs little.
const KEPT_CAPACITY: usize = 64 * 1024;
/// Room for one whole frame and a good part of the next one.
const MAX_READ_BYTES: usize = 256 * 1024;

/// Turns a byte stream into frames. Its memory is bounded by one frame and one read.
#[derive(Debug)]
pub struct FrameReader {
    mode: Mode,
    epoch: Option<u32>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    skipped_bytes: u64,
}

impl FrameReader {
    pub fn new(mode: Mode) -> Self {
        Self { mode, epoch: None, buffer: Vec::new(), start: 0, end: 0, skipped_bytes: 0 }
    }

    /// From now on frames of another epoch are an error (strict) or dropped (resync).
    pub fn expect_epoch(&mut self, epoch: u32) {
        self.epoch = Some(epoch);
    }

    /// Bytes that were thrown away while looking for a frame (resync only).
    pub fn skipped_bytes(&self) -> u64 {
        self.skipped_bytes
    }

    /// Where the next read goes: never empty. Follow with `filled`.
    pub fn room(&mut self) -> &mut [u8] {
        let wanted = self.missing_bytes().clamp(FIRST_CAPACITY / 4, MAX_READ_BYTES);
        if self.buffer.len() - self.end < wanted {
            self.make_room(wanted);
        }
        &mut self.buffer[self.end..]
    }

    /// Tells how many bytes of `room` the read has filled.
    pub fn filled(&mut self, bytes: usize) {
        self.end = (self.end + bytes).min(self.buffer.len());
    }

    /// Copies bytes in; for callers that do not read straight into `room`.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.room();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            self.filled(count);
            bytes = &bytes[count..];
        }
    }

    /// The next whole frame, or None until more bytes have come.
    pub fn next_frame(&mut self) -> Result<Option<FrameView<'_>>, FrameError> {
        let Some(header) = self.next_accepted()? else {
            self.rest();
            return Ok(None);
        };
        let from = self.start + HEADER_BYTES;
        let to = from + header.length as usize;
        self.start = to;
        Ok(Some(FrameView { header, payload: &self.buffer[from..to] }))
    }

    /// The header at `start` once its payload is complete and its epoch is the right one.
    fn next_accepted(&mut self) -> Result<Option<Header>, FrameError> {
        loop {
            let Some(bytes) = self.buffer[self.start..self.end].first_chunk::<HEADER_BYTES>() else {
                return Ok(None);
            };
            let header = match Header::decode(bytes) {
                Ok(header) => header,
                Err(error) if self.mode == Mode::Strict => return Err(error),
                Err(_) => {
                    self.skip_to_candidate();
                    continue;
                }
            };
            let foreign = self.epoch.is_some_and(|epoch| header.epoch != epoch);
            if foreign && header.frame_type != FrameType::Hello && self.mode == Mode::Strict {
                return Err(FrameError::Epoch(header.epoch));
            }
            let whole = HEADER_BYTES + header.length as usize;
            if self.end - self.start < whole {
                return Ok(None);
            }
            if foreign && header.frame_type != FrameType::Hello {
                self.start += whole;
                continue;
            }
            return Ok(Some(header));
        }
    }

    /// Skips at least one byte, up to the next one that could begin a frame.
    fn skip_to_candidate(&mut self) {
        let from = self.start + 1;
        let next = self.buffer[from..self.end].iter().position(|byte| *byte == b'I');
        let to = next.map_or(self.end, |offset| from + offset);
        self.skipped_bytes += (to - self.start) as u64;
        self.start = to;
    }

    fn missing_bytes(&self) -> usize {
        let pending = &self.buffer[self.start..self.end];
        let Some(Ok(header)) = pending.first_chunk::<HEADER_BYTES>().map(Header::decode) else {
            return 0;
        };
        (HEADER_BYTES + header.length as usize).saturating_sub(pending.len())
    }

    fn make_room(&mut self, wanted: usize) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let needed = (self.end + wanted).max(FIRST_CAPACITY);
        if self.buffer.len() < needed {
            self.buffer.resize(needed, 0);
        }
    }

    /// Called when nothing whole is left: an empty buffer starts over, a large one is given back.
    fn rest(&mut self) {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            if self.buffer.len() > KEPT_CAPACITY {
                self.buffer = Vec::new();
            }
        }
    }
}
