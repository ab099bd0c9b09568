// SPDX-License-Identifier: Apache-2.0
//! What a sandbox sees as its filesystem, built so that forgetting something fails closed: the mount
//! namespace it starts from holds nothing of the host's but what was staged for it.

mod binds;
mod devices;
mod masks;
mod nodes;
mod overlay;
mod plan;
mod root;
mod stage;
mod staging;

pub use masks::attach_proc_for_probe;
pub use nodes::OwnNodes;
pub use overlay::mount_root_overlay;
pub use plan::MountPlan;
pub use root::{RootTimings, build_root};
pub use stage::{Stage, make_stage};
pub use staging::{Staged, open_sources};
