// SPDX-License-Identifier: Apache-2.0
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What the server hears without having asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// Somebody inside connects to this address. It waits for a decision.
    Connection { connection: u32, sandbox_id: String, address: IpAddr, port: u16 },
    /// What can be seen of its first bytes now; all that there will be when `complete`.
    FirstBytes { connection: u32, bytes_hex: String, complete: bool },
    /// A connection beyond the sandbox's bound was reset.
    Refused { sandbox_id: String, address: IpAddr, port: u16 },
    /// A question to the resolver; an answer over a stream may be long.
    Dns { query: u32, sandbox_id: String, stream: bool, message_hex: String },
    /// A connection is over.
    Ended { connection: u32, bytes_up: u64, bytes_down: u64, over: Over, detail: String },
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Over {
    Closed,
    /// One side broke off.
    Reset,
    Denied,
    /// The server asked for it, or a bound was reached.
    Cut,
    /// The destination could not be reached.
    Unreachable,
}
