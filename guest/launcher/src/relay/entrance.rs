// SPDX-License-Identifier: Apache-2.0
use super::bucket::Bucket;
use crate::error::{LauncherError, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// What the launcher tells; the descriptors come with it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Notice {
    /// Listeners of a sandbox: IPv4, IPv6 where there is one, and the resolver's socket. Replaces earlier ones.
    Open(String),
    Close(String),
}

/// The ends of one sandbox's network that are ours.
pub struct Entrance {
    pub sandbox_id: String,
    pub ipv4: TcpListener,
    pub ipv6: Option<TcpListener>,
    pub resolver: UdpSocket,
    pub max_connections: usize,
    pub bucket: Option<Bucket>,
    pub flows: BTreeSet<u32>,
    /// Questions that the server has not answered yet.
    pub questions: usize,
    refusal_told: Option<Instant>,
}

/// Until the server says otherwise: enough for nobody to notice, too few to hurt.
const FIRST_MAX_CONNECTIONS: usize = 64;
/// Refusals are made by whoever is inside, as fast as it likes; the server hears of them at this pace.
const REFUSAL_PACE: Duration = Duration::from_millis(100);

impl Entrance {
    pub fn new(sandbox_id: String, descriptors: Vec<OwnedFd>) -> Result<Self> {
        let count = descriptors.len();
        let mut ends = descriptors.into_iter();
        let (Some(ipv4), 2 | 3) = (ends.next(), count) else {
            return Err(LauncherError::request(format!("{count} descriptors are no entrance")));
        };
        let ipv6 = if count == 3 { ends.next() } else { None };
        let Some(resolver) = ends.next() else { return Err(LauncherError::request("no resolver's socket")) };
        Ok(Self {
            sandbox_id,
            ipv4: ipv4.into(),
            ipv6: ipv6.map(Into::into),
            resolver: resolver.into(),
            max_connections: FIRST_MAX_CONNECTIONS,
            bucket: None,
            flows: BTreeSet::new(),
            questions: 0,
            refusal_told: None,
        })
    }

    /// Whether a refusal is to be told now.
    pub fn tells_refusal(&mut self, now: Instant) -> bool {
        if self.refusal_told.is_some_and(|told| now.saturating_duration_since(told) < REFUSAL_PACE) {
            return false;
        }
        self.refusal_told = Some(now);
        true
    }
}
