// SPDX-License-Identifier: Apache-2.0
use serde::Serialize;

use crate::header::{FrameType, HEADER_BYTES, Header};

/// A frame that owns its payload. The hot paths use `FrameView` and `append_frame` instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub epoch: u32,
    pub frame_type: FrameType,
    pub channel: u8,
    pub flags: u16,
    pub id: u32,
    pub payload: Vec<u8>,
}

/// Header and payload as one run of bytes.
pub fn encode_frame(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES + frame.payload.len());
    let Frame { epoch, frame_type, channel, flags, id, ref payload } = *frame;
    append_frame(&mut out, Header { epoch, frame_type, channel, flags, id, length: 0 }, payload);
    out
}

/// Appends a frame to `out`; the header's length is taken from the payload.
///
/// Preconditions: the payload is within `frame_type.max_payload_bytes()`.
pub fn append_frame(out: &mut Vec<u8>, header: Header, payload: &[u8]) {
    debug_assert!(payload.len() <= header.frame_type.max_payload_bytes());
    let header = Header { length: payload.len() as u32, ..header };
    out.extend_from_slice(&header.encode());
    out.extend_from_slice(payload);
}

/// Serialises `value` straight behind its header, so that a small message is built without a copy.
/// Returns false, leaving `out` as it was, when the value does not fit a frame.
pub fn append_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, header: Header, value: &T) -> bool {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    let written = serde_json::to_writer(&mut *out, value);
    let length = out.len() - start - HEADER_BYTES;
    if written.is_err() || length > header.frame_type.max_payload_bytes() {
        out.truncate(start);
        return false;
    }
    let header = Header { length: length as u32, ..header };
    out[start..start + HEADER_BYTES].copy_from_slice(&header.encode());
    true
}
