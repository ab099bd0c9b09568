// SPDX-License-Identifier: Apache-2.0
//! Which user ids sandboxes have, and how the launcher gets the right to give them.

mod identity;
mod outer;
mod pool;
mod subordinate;

pub use identity::{IDS_PER_SANDBOX, IdMaps, Identity};
pub use outer::{OuterMode, enter_outer, is_outer_needed, join_outer_of, user_namespace_hint};
pub use pool::IdPool;
