// SPDX-License-Identifier: Apache-2.0
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The sandboxes whose connections arrive here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub sandboxes: Vec<String>,
}

/// What becomes of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decide {
    pub connection: u32,
    #[serde(flatten)]
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// The connection is reset.
    Deny,
    /// Tell when there are more than `have_bytes` to see, or when the time is over.
    Wait { have_bytes: u32, wait_ms: u32 },
    /// Bytes go to this address and back. When `guarded`, what comes back passes, and what the client says first is
    /// shown before any of it goes out.
    Tunnel { address: IpAddr, port: u16, guarded: bool },
    /// Bytes go to a unix socket of the server, behind one line that tells whose they are.
    Local { socket_path: String, preface: String },
    /// Bytes are questions to the resolver, each behind its length.
    Dns,
}

/// What a sandbox may have at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    pub sandbox_id: String,
    pub max_connections: u32,
    /// Both directions and all connections together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
}

/// Resets connections of a sandbox: these, or all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cut {
    pub sandbox_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<Vec<u32>>,
}

/// The resolver's answer to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub query: u32,
    pub message_hex: String,
}
