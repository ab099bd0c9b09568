// SPDX-License-Identifier: Apache-2.0
//! Control groups: v1, v2 and none behind one set of operations.
//!
//! Every sandbox has two children per hierarchy: `agent` for pid 1, `work` for everything that runs for
//! the tenant. Freezing and out-of-memory kills concern `work` alone, so the agent stays reachable.

mod children;
mod freeze;
mod hierarchy;
mod limits;
mod mounts;
mod remove;
mod roots;
mod stats;

pub use children::Placement;
pub use freeze::FreezeKind;
pub use hierarchy::{Controller, Hierarchy, Version};
pub use limits::check_enforceable;
pub use roots::CgroupRoots;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// The child of a sandbox's cgroup that something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child {
    Agent,
    Work,
}

impl Child {
    pub const BOTH: [Self; 2] = [Self::Agent, Self::Work];

    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Work => "work",
        }
    }
}

/// Control files take one value per write and must never be created by mistake.
fn write_control(path: &Path, value: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes())
}
