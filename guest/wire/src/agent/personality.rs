// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::boot::Users;

/// Turns a blank into somebody's sandbox; accepted once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Personality {
    pub hostname: String,
    pub machine_id_hex: String,
    pub env: BTreeMap<String, String>,
    pub workdir: String,
    pub user: String,
    pub sudo: bool,
    pub users: Users,
    pub seed_hex: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ms: Option<f64>,
    #[serde(default)]
    pub rlimits: Rlimits,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rlimits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
}
