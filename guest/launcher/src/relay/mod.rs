// SPDX-License-Identifier: Apache-2.0
//! The egress relay: a process beside the launcher that owns the entrances of every sandbox which may reach
//! anything, and moves bytes. It decides nothing: for each connection it asks the server, and without an answer
//! nothing passes. When the server goes away every connection is reset.
//!
//! An attacker inside chooses when to connect, to which address, and every byte. Addresses come from the kernel;
//! bytes are passed on and never looked into; numbers of connections, questions and buffered bytes are bounded.

mod bucket;
mod control;
mod entrance;
mod flow;
mod flows;
mod names;
mod resolve;
mod server;
mod start;
mod token;
mod transfer;

pub use entrance::Notice;
pub use start::{RelayOptions, serve};
