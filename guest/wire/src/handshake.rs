// SPDX-License-Identifier: Apache-2.0
//! Both ends prove that they hold the sandbox's key without sending it, so that a workload can
//! neither speak as the agent nor to it. The nonces of both make every proof good for one link only.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::hex::{from_hex, to_hex};

/// The generation of the operations that this code speaks; the lower of both sides is used.
pub const GENERATION: u32 = 1;
pub const KEY_BYTES: usize = 32;
pub const NONCE_BYTES: usize = 32;

pub type Key = [u8; KEY_BYTES];
pub type Nonce = [u8; NONCE_BYTES];

const AGENT_LABEL: &[u8] = b"isola-agent-v1";
const HOST_LABEL: &[u8] = b"isola-host-v1";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostHello {
    pub generation: u32,
    pub role: String,
    /// Absent towards the launcher, which knows its peer by the socket's credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentHello {
    pub generation: u32,
    pub role: String,
    pub nonce: String,
    pub version: String,
    pub proof: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAuth {
    pub proof: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LauncherHello {
    pub generation: u32,
    pub role: String,
    pub version: String,
    pub pid: u32,
}

/// The agent's proof, in hex.
pub fn agent_proof(key: &Key, epoch: u32, host_nonce: &Nonce, agent_nonce: &Nonce) -> String {
    to_hex(&keyed(key, AGENT_LABEL, epoch, host_nonce, agent_nonce).finalize().into_bytes())
}

/// The host's proof, in hex.
pub fn host_proof(key: &Key, epoch: u32, host_nonce: &Nonce, agent_nonce: &Nonce) -> String {
    to_hex(&keyed(key, HOST_LABEL, epoch, agent_nonce, host_nonce).finalize().into_bytes())
}

/// Compares in constant time.
pub fn is_host_proof(proof: &str, key: &Key, epoch: u32, host_nonce: &Nonce, agent_nonce: &Nonce) -> bool {
    let Some(given) = from_hex::<32>(proof) else {
        return false;
    };
    keyed(key, HOST_LABEL, epoch, agent_nonce, host_nonce).verify_slice(&given).is_ok()
}

fn keyed(key: &Key, label: &[u8], epoch: u32, first: &Nonce, second: &Nonce) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(label);
    mac.update(&epoch.to_be_bytes());
    mac.update(first);
    mac.update(second);
    mac
}
