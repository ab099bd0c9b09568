// SPDX-License-Identifier: Apache-2.0
use isola_wire::{FrameType, HEADER_BYTES, Header, MAX_DATA_BYTES, MAX_PAYLOAD_BYTES, to_hex};

use super::EPOCH;

/// Bytes that a strict reader of `EPOCH` refuses, with the kind of its error.
pub struct Malformed {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub error: &'static str,
}

impl Malformed {
    pub fn text(&self) -> String {
        let Self { name, bytes, error } = self;
        let hex = to_hex(bytes);
        format!(
            "{{\n  \"name\": \"{name}\",\n  \"epoch\": {EPOCH},\n  \"hex\": \"{hex}\",\n  \"error\": \"{error}\"\n}}\n"
        )
    }
}

fn header() -> Header {
    Header { epoch: EPOCH, frame_type: FrameType::Data, channel: 1, flags: 0, id: 7, length: 0 }
}

/// A header with `patch` applied and a checksum that fits again.
fn patched(header: Header, patch: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = header.encode().to_vec();
    patch(&mut bytes);
    let crc = crc32fast::hash(&bytes[..HEADER_BYTES - 4]);
    bytes[HEADER_BYTES - 4..].copy_from_slice(&crc.to_be_bytes());
    bytes
}

pub fn all() -> Vec<Malformed> {
    let wrong_checksum = {
        let mut bytes = header().encode().to_vec();
        bytes[15] ^= 1;
        bytes
    };
    let over = |frame_type, length: usize| {
        let length = length as u32 + 1;
        patched(Header { frame_type, length, ..header() }, |_| ())
    };
    vec![
        Malformed { name: "wrong-magic", bytes: patched(header(), |bytes| bytes[0] = b'X'), error: "magic" },
        Malformed {
            name: "http-request",
            bytes: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            error: "magic",
        },
        Malformed { name: "zeroes", bytes: vec![0; HEADER_BYTES], error: "magic" },
        Malformed { name: "wrong-checksum", bytes: wrong_checksum, error: "checksum" },
        Malformed { name: "type-zero", bytes: patched(header(), |bytes| bytes[8] = 0), error: "type" },
        Malformed { name: "type-unknown", bytes: patched(header(), |bytes| bytes[8] = 12), error: "type" },
        Malformed { name: "data-too-long", bytes: over(FrameType::Data, MAX_DATA_BYTES), error: "length" },
        Malformed { name: "request-too-long", bytes: over(FrameType::Request, MAX_PAYLOAD_BYTES), error: "length" },
        Malformed {
            name: "length-of-4-gib",
            bytes: patched(Header { length: u32::MAX, ..header() }, |_| ()),
            error: "length",
        },
        Malformed {
            name: "other-epoch",
            bytes: patched(Header { epoch: EPOCH + 1, ..header() }, |_| ()),
            error: "epoch",
        },
    ]
}
