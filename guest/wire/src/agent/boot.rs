// SPDX-License-Identifier: Apache-2.0
use serde::{Deserialize, Serialize};

/// Which user ids exist inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Users {
    /// Ids 0..65535 are mapped: root, `user` and system users are different users.
    Range,
    /// One id is mapped: everything runs as `user`, and root is unavailable.
    Single,
    /// No namespace at all: the agent is an ordinary process and switches nothing (tests).
    None,
}

/// How the host reaches the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum CarrierConfig {
    /// An inherited listening unix socket.
    Listen { fd: i32 },
    /// `unix:/path` or `tcp:address:port`; dialled again when the connection is lost.
    Dial { address: String },
    /// A character device that is always open.
    Serial { path: String },
}

/// What the agent reads from its boot descriptor. It holds the key, so it never touches a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootConfig {
    pub key_hex: String,
    pub users: Users,
    pub carrier: CarrierConfig,
    /// One end of a SOCK_SEQPACKET pair to the spawner; without it the agent starts its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spawner_fd: Option<i32>,
    /// Whether the agent may start another spawner when this one dies: true where there are no
    /// cgroups that a new one would be outside of.
    #[serde(default)]
    pub spawner_restart: bool,
    /// The file of the `work` cgroup that counts out-of-memory kills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_fd: Option<i32>,
}
