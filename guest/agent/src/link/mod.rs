// SPDX-License-Identifier: Apache-2.0
//! The way to the host: carriers bring connections, a connection that proves it holds the key
//! becomes the link, and frames of the link become operations.

mod carrier;
mod connection;
mod frames;
mod handshake;
mod links;
mod outbox;

pub use frames::ProtocolError;
pub use links::Links;
