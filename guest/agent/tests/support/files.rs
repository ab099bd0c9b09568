// SPDX-License-Identifier: Apache-2.0
use isola_wire::{FLAG_BROKEN, Failure, FrameType, INITIAL_CREDIT_BYTES, MAX_DATA_BYTES};
use serde_json::{Value, json};

use super::host::Host;

impl Host {
    /// Uploads `bytes`, within the credit that is given.
    pub fn write(&mut self, parameters: &Value, bytes: &[u8]) -> Result<Value, Failure> {
        let id = self.request("file.write", parameters);
        let mut credit = INITIAL_CREDIT_BYTES as usize;
        for chunk in bytes.chunks(MAX_DATA_BYTES) {
            while credit < chunk.len() {
                let frame = self.next(id);
                assert_eq!(frame.frame_type, FrameType::Credit, "{}", String::from_utf8_lossy(&frame.payload));
                credit += u32::from_be_bytes(frame.payload[..].try_into().expect("four bytes")) as usize;
            }
            credit -= chunk.len();
            self.send(FrameType::Data, 0, id, chunk);
        }
        self.send(FrameType::End, 0, id, &[]);
        self.response(id)
    }

    /// The response and all bytes of a download or listing.
    pub fn download(&mut self, op: &str, parameters: &Value) -> Result<(Value, Vec<u8>), Failure> {
        let id = self.request(op, parameters);
        let response = self.response(id)?;
        let mut bytes = Vec::new();
        loop {
            let frame = self.next(id);
            match frame.frame_type {
                FrameType::Data => {
                    self.grant(id, 1, frame.payload.len() as u32);
                    bytes.extend_from_slice(&frame.payload);
                }
                FrameType::End if frame.flags & FLAG_BROKEN != 0 => {
                    return Err(serde_json::from_slice(&frame.payload).expect("failure"));
                }
                FrameType::End => return Ok((response, bytes)),
                other => panic!("{other:?} in a download"),
            }
        }
    }

    pub fn read(&mut self, path: &str) -> Result<Vec<u8>, Failure> {
        self.download("file.read", &json!({"path": path})).map(|(_, bytes)| bytes)
    }

    pub fn list(&mut self, parameters: &Value) -> Result<Vec<Value>, Failure> {
        let (_, bytes) = self.download("file.list", parameters)?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.map(|line| serde_json::from_slice(line).expect("a line of JSON")).collect())
    }
}

/// The code of a failure.
pub fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    result.expect_err("refused").code
}
