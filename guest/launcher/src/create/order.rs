// SPDX-License-Identifier: Apache-2.0
use crate::error::{Failed, LauncherError, Result};
use crate::sys::socket;
use isola_wire::launcher::{Prepare, Prepared};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// What the launcher tells a seat to make. A network namespace comes with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub prepare: Prepare,
    pub uid_base: u32,
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    Made(Prepared),
    Failed(LauncherError),
}

impl Order {
    pub fn send(&self, channel: &mut UnixStream, network: &OwnedFd) -> Result<()> {
        let text =
            serde_json::to_vec(self).map_err(|error| LauncherError::step("write", "order", error.to_string()))?;
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
        socket::send_with(&*channel, &length, &[network.as_raw_fd()]).failed("send", "order")?;
        channel.write_all(&text).failed("send", "order")
    }

    /// `None` when the launcher is gone or needs this seat no longer.
    pub fn receive(channel: &mut UnixStream) -> Result<Option<(Self, OwnedFd)>> {
        let mut length = [0; 4];
        let (count, mut descriptors) = socket::receive_with(&*channel, &mut length).failed("receive", "order")?;
        if count == 0 {
            return Ok(None);
        }
        channel.read_exact(&mut length[count..]).failed("receive", "order")?;
        let mut text = vec![0; u32::from_be_bytes(length) as usize];
        channel.read_exact(&mut text).failed("receive", "order")?;
        let order =
            serde_json::from_slice(&text).map_err(|error| LauncherError::step("read", "order", error.to_string()))?;
        let network =
            descriptors.pop().ok_or_else(|| LauncherError::step("receive", "order", "it came without a network"))?;
        Ok(Some((order, network)))
    }
}
