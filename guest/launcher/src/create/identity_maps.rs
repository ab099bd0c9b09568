// SPDX-License-Identifier: Apache-2.0
use crate::error::{Failed, Result};
use crate::users::IdMaps;
use std::fs;

/// Gives a process in a new user namespace its ids. Before this it has none.
pub fn write(pid: i32, maps: &IdMaps) -> Result<()> {
    for name in ["uid_map", "gid_map"] {
        let path = format!("/proc/{pid}/{name}");
        fs::write(&path, &maps.0).failed("write id map", &path)?;
    }
    Ok(())
}
