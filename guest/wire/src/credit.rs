// SPDX-License-Identifier: Apache-2.0
//! Flow control per (id, channel): a stream may have at most a window of bytes under way, so one
//! that nobody reads stops its own writer and nothing else.

pub const INITIAL_CREDIT_BYTES: u64 = 1024 * 1024;

/// How much the other side may still be sent.
#[derive(Debug)]
pub struct SendWindow {
    available_bytes: u64,
}

impl Default for SendWindow {
    fn default() -> Self {
        Self { available_bytes: INITIAL_CREDIT_BYTES }
    }
}

impl SendWindow {
    pub fn available_bytes(&self) -> u64 {
        self.available_bytes
    }

    pub fn grant(&mut self, bytes: u32) {
        self.available_bytes = self.available_bytes.saturating_add(bytes.into());
    }

    /// Preconditions: `bytes` is at most `available_bytes()`.
    pub fn spend(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.available_bytes);
        self.available_bytes = self.available_bytes.saturating_sub(bytes);
    }
}

/// What the other side was granted. Credit goes back in batches of half a window, so that a fast
/// stream costs one small frame per 512 KiB.
#[derive(Debug)]
pub struct ReceiveWindow {
    outstanding_bytes: u64,
    consumed_bytes: u64,
}

impl Default for ReceiveWindow {
    fn default() -> Self {
        Self { outstanding_bytes: INITIAL_CREDIT_BYTES, consumed_bytes: 0 }
    }
}

impl ReceiveWindow {
    /// False when the sender overran its credit, which is a protocol error.
    #[must_use]
    pub fn receive(&mut self, bytes: u64) -> bool {
        let within = bytes <= self.outstanding_bytes;
        self.outstanding_bytes = self.outstanding_bytes.saturating_sub(bytes);
        within
    }

    /// The credit to grant now that `bytes` were consumed, if it is worth a frame.
    #[must_use]
    pub fn consume(&mut self, bytes: u64) -> Option<u32> {
        self.consumed_bytes += bytes;
        if self.consumed_bytes < INITIAL_CREDIT_BYTES / 2 {
            return None;
        }
        let grant = std::mem::take(&mut self.consumed_bytes);
        self.outstanding_bytes += grant;
        Some(grant as u32)
    }
}
