// SPDX-License-Identifier: Apache-2.0
use std::os::fd::OwnedFd;

use isola_wire::{FrameReader, Nonce};

use super::outbox::Outbox;
use crate::poll::Interest;
use crate::timers::TimerId;

/// The agent's half of a handshake that waits for the host's proof.
pub struct Challenge {
    pub epoch: u32,
    pub host_nonce: Nonce,
    pub agent_nonce: Nonce,
}

/// One open connection. A socket is either greeting or the link; a serial line can be the link and
/// at the same time greet for the next epoch.
pub struct Connection {
    pub fd: OwnedFd,
    pub reader: FrameReader,
    pub outbox: Outbox,
    pub challenge: Option<Challenge>,
    /// The epoch in which the host has proven itself.
    pub live_epoch: Option<u32>,
    pub strict: bool,
    pub interest: Interest,
    pub deadline: Option<TimerId>,
    pub broken: bool,
}

impl Connection {
    pub fn wanted_interest(&self) -> Interest {
        match (self.outbox.has_control_room(), self.outbox.is_empty()) {
            (true, true) => Interest::Read,
            (true, false) => Interest::Both,
            (false, _) => Interest::Write,
        }
    }
}
