// SPDX-License-Identifier: Apache-2.0
//! Every frame of generation 1 that both languages must read and write alike.

mod agent;
mod connection;
mod launcher;
pub mod malformed;
mod relay;

use isola_wire::{Frame, FrameType, to_hex};
use serde::Serialize;

pub const EPOCH: u32 = 0x1020_3040;

pub struct Golden {
    pub name: &'static str,
    pub frame: Frame,
}

pub fn all() -> Vec<Golden> {
    let mut list = connection::frames();
    list.extend(agent::frames());
    list.extend(launcher::frames());
    list.extend(relay::frames());
    list
}

pub fn raw(name: &'static str, frame_type: FrameType, channel: u8, flags: u16, id: u32, payload: Vec<u8>) -> Golden {
    Golden { name, frame: Frame { epoch: EPOCH, frame_type, channel, flags, id, payload } }
}

pub fn json<T: Serialize>(name: &'static str, frame_type: FrameType, flags: u16, id: u32, value: &T) -> Golden {
    raw(name, frame_type, 0, flags, id, serde_json::to_vec(value).expect("serialise a golden payload"))
}

pub fn request<T: Serialize>(name: &'static str, op: &str, id: u32, parameters: &T) -> Golden {
    json(name, FrameType::Request, 0, id, &isola_wire::request_payload(op, parameters))
}

pub fn success<T: Serialize>(name: &'static str, id: u32, result: &T) -> Golden {
    json(name, FrameType::Response, 0, id, &isola_wire::success_payload(result))
}

impl Golden {
    pub fn has_json(&self) -> bool {
        use FrameType::{Auth, End, Event, Hello, Request, Response};
        match self.frame.frame_type {
            Hello | Auth | Request | Response | Event => true,
            End => self.frame.flags & isola_wire::FLAG_BROKEN != 0,
            _ => false,
        }
    }

    /// The file's text. The payload's JSON stands in it as it is, key order included.
    pub fn text(&self) -> String {
        let Frame { epoch, frame_type, channel, flags, id, ref payload } = self.frame;
        let payload = if self.has_json() {
            format!("\"json\": {}", String::from_utf8_lossy(payload))
        } else {
            format!("\"payloadHex\": \"{}\"", to_hex(payload))
        };
        format!(
            "{{\n  \"name\": \"{}\",\n  \"hex\": \"{}\",\n  \"frame\": {{ \"epoch\": {epoch}, \"type\": {}, \"channel\": {channel}, \"flags\": {flags}, \"id\": {id}, {payload} }}\n}}\n",
            self.name,
            to_hex(&isola_wire::encode_frame(&self.frame)),
            frame_type as u8,
        )
    }
}
