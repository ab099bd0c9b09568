// SPDX-License-Identifier: Apache-2.0
//! What crosses the boundary between the server, the agent inside a sandbox and the launcher:
//! one frame format, one keyed handshake, credit per stream, and the operations of each side.
//! The TypeScript twin is `protocol/`; the files in `protocol/golden/` hold both to the same bytes.
#![deny(unsafe_code)]

pub mod agent;
pub mod code;
mod credit;
mod failure;
mod frame;
mod handshake;
mod header;
mod hex;
pub mod launcher;
mod message;
mod reader;
pub mod relay;

pub use credit::{INITIAL_CREDIT_BYTES, ReceiveWindow, SendWindow};
pub use failure::Failure;
pub use frame::{Frame, append_frame, append_json, encode_frame};
pub use handshake::{
    AgentHello, GENERATION, HostAuth, HostHello, KEY_BYTES, Key, LauncherHello, NONCE_BYTES, Nonce, agent_proof,
    host_proof, is_host_proof,
};
pub use header::{
    FLAG_BROKEN, FLAG_GAP, FrameError, FrameType, HEADER_BYTES, Header, MAX_DATA_BYTES, MAX_PAYLOAD_BYTES, channel,
};
pub use hex::{from_hex, from_hex_bytes, to_hex};
pub use message::{Operation, failure_payload, parse, request_payload, success_payload};
pub use reader::{FrameReader, FrameView, Mode};
