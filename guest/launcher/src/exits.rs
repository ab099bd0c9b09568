// SPDX-License-Identifier: Apache-2.0
//! Facts about sandboxes that ended. They outlive the launcher and wait for the server to read them.

use crate::error::{Failed, LauncherError, Result};
use crate::state_dir::StateDir;
use isola_wire::launcher::SandboxExited;
use std::fs;
use std::path::PathBuf;

/// Whoever removes a sandbox has no question left about its end.
pub fn forget(state: &StateDir, sandbox_id: &str) {
    let _ = fs::remove_file(path(state, sandbox_id));
}

fn path(state: &StateDir, sandbox_id: &str) -> PathBuf {
    state.exits().join(format!("{sandbox_id}.json"))
}

pub fn write(state: &StateDir, fact: &SandboxExited) -> Result<()> {
    let path = path(state, &fact.sandbox_id);
    let new = path.with_extension("new");
    let text =
        serde_json::to_vec(fact).map_err(|error| LauncherError::step("write", path.display(), error.to_string()))?;
    fs::write(&new, text).failed_on("write", &new)?;
    fs::rename(&new, &path).failed_on("rename to", &path)
}
