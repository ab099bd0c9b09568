// SPDX-License-Identifier: Apache-2.0
//! The writable layer of a sandbox: one subvolume where the host can have them, else a plain directory.

mod filesystem;
mod store;

pub use filesystem::{format, mount_file};
pub use store::{Layer, LayerStore};

/// What lies in a layer: upper and work directory of the two overlays.
pub const UPPERS: [&str; 2] = ["root", "usr"];
pub const WORKS: [&str; 2] = ["work-root", "work-usr"];
