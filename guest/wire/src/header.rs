// SPDX-License-Identifier: Apache-2.0
//! The 24 bytes in front of every payload, big endian:
//! magic u32, epoch u32, type u8, channel u8, flags u16, id u32, length u32, crc32 of the 20 bytes before.
//!
//! The magic, the header's own checksum and the epoch let a reader of a serial line find the next
//! frame after a restore or a half-written one.

pub const HEADER_BYTES: usize = 24;
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;
pub const MAX_DATA_BYTES: usize = 256 * 1024;
const MAGIC: u32 = 0x4953_4F4C;

/// On `End`: the stream broke off and the payload is the failure as JSON.
pub const FLAG_BROKEN: u16 = 1;
/// On `Data`: bytes were dropped just before this payload.
pub const FLAG_GAP: u16 = 2;

/// Direction of a stream's bytes, seen from the agent.
pub mod channel {
    pub const INPUT: u8 = 0;
    pub const OUTPUT: u8 = 1;
    pub const ERROR: u8 = 2;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameType {
    Hello = 1,
    Auth = 2,
    Request = 3,
    Response = 4,
    Event = 5,
    Data = 6,
    End = 7,
    Credit = 8,
    Cancel = 9,
    Ping = 10,
    Pong = 11,
}

impl FrameType {
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Hello,
            2 => Self::Auth,
            3 => Self::Request,
            4 => Self::Response,
            5 => Self::Event,
            6 => Self::Data,
            7 => Self::End,
            8 => Self::Credit,
            9 => Self::Cancel,
            10 => Self::Ping,
            11 => Self::Pong,
            _ => return None,
        })
    }

    pub fn max_payload_bytes(self) -> usize {
        if self == Self::Data { MAX_DATA_BYTES } else { MAX_PAYLOAD_BYTES }
    }
}

/// Why bytes are not a frame. The names are those of the golden files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    Magic,
    Checksum,
    Type(u8),
    Length(u32),
    Epoch(u32),
}

impl FrameError {
    pub fn kind(self) -> &'static str {
        match self {
            Self::Magic => "magic",
            Self::Checksum => "checksum",
            Self::Type(_) => "type",
            Self::Length(_) => "length",
            Self::Epoch(_) => "epoch",
        }
    }
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Magic => write!(out, "frame does not start with its magic"),
            Self::Checksum => write!(out, "frame header does not match its checksum"),
            Self::Type(byte) => write!(out, "frame type {byte} is unknown"),
            Self::Length(length) => write!(out, "frame payload of {length} bytes exceeds its limit"),
            Self::Epoch(epoch) => write!(out, "frame of epoch {epoch} on a channel of another epoch"),
        }
    }
}

impl std::error::Error for FrameError {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub epoch: u32,
    pub frame_type: FrameType,
    pub channel: u8,
    pub flags: u16,
    pub id: u32,
    pub length: u32,
}

impl Header {
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[8] = self.frame_type as u8;
        bytes[9] = self.channel;
        bytes[10..12].copy_from_slice(&self.flags.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.id.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.length.to_be_bytes());
        let crc = crc32fast::hash(&bytes[..20]);
        bytes[20..24].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, FrameError> {
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if word(0) != MAGIC {
            return Err(FrameError::Magic);
        }
        if word(20) != crc32fast::hash(&bytes[..20]) {
            return Err(FrameError::Checksum);
        }
        let frame_type = FrameType::from_byte(bytes[8]).ok_or(FrameError::Type(bytes[8]))?;
        let length = word(16);
        if length as usize > frame_type.max_payload_bytes() {
            return Err(FrameError::Length(length));
        }
        Ok(Self {
            epoch: word(4),
            frame_type,
            channel: bytes[9],
            flags: u16::from_be_bytes([bytes[10], bytes[11]]),
            id: word(12),
            length,
        })
    }
}
