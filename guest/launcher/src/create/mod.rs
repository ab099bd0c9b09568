// SPDX-License-Identifier: Apache-2.0
//! Making a sandbox.
//!
//! Three processes share the work, because a cgroup is cheap to be born in and expensive to move to:
//! the *seat* lives in the sandbox's `agent` cgroup, stays outside of it, and makes the *first process*
//! (pid 1 inside); the *entrant* lives in the `work` cgroup and brings the spawner in from there. Seats
//! and entrants are started ahead, so that nobody waits for the attach.

mod birth;
mod builder;
mod entrant;
mod files;
mod first;
mod identity_maps;
mod order;
mod report;
mod seat;

pub use entrant::take_ids;
pub use identity_maps::write as write_id_maps;
pub use order::{Answer, Order};
pub use seat::{Seat, WARM};
