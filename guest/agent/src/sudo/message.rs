// SPDX-License-Identifier: Apache-2.0
//! What the shim and the agent say to each other: one datagram each.

use std::collections::BTreeMap;

use isola_wire::agent::TerminalSize;
use serde::{Deserialize, Serialize};

/// In the sandbox; anybody may connect, and the kernel tells the agent who it is.
pub const SOCKET: &str = "/run/isola/sudo.sock";
/// Arguments and environment must fit.
pub const MAX_MESSAGE_BYTES: usize = 128 * 1024;

#[derive(Debug, Serialize, Deserialize)]
pub enum FromShim {
    /// The first message; the shim's standard streams travel with it.
    Ask(Ask),
    Signal(i32),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Ask {
    pub user: String,
    pub program: Program,
    pub directory: String,
    /// What follows the user to root: the terminal, the language, what was assigned.
    pub env: BTreeMap<String, String>,
    pub terminal: TerminalSize,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Program {
    Command(Vec<String>),
    /// The target's login shell in its home, or one command in it.
    Login(Vec<String>),
    /// A shell where we are.
    Shell(Vec<String>),
}

#[derive(Debug, Serialize, Deserialize)]
pub enum ToShim {
    /// It runs. Where the shim is on a terminal, the host side of the new one travels with this.
    Started,
    /// One line for the user.
    Refused(String),
    /// As a shell would report it.
    Exited(u8),
}
