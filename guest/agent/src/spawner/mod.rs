// SPDX-License-Identifier: Apache-2.0
//! The small process that starts all others. It lives in the `work` cgroup and in the sandbox's
//! namespaces, so that no start has to move anything; what it starts are children of the agent.

pub mod caps;
mod client;
pub mod confine;
mod message;
mod path;
mod program;
mod replies;
mod serve;

pub use client::Spawner;
pub use message::{Failed, Order, Runner, Stdio};
pub use serve::serve;
