// SPDX-License-Identifier: Apache-2.0
//! Files inside the sandbox. The work is done on short-lived threads with the identity of the
//! caller's user, so that a slow disk never stops the agent and a link leads nowhere that the user
//! could not go.

mod caller;
mod copy;
mod entry;
mod failure;
mod list;
mod mkdir;
mod open;
mod path;
mod pool;
mod read;
mod remove;
mod rename;
mod service;
mod stat;
mod task;
mod write;

pub use service::Files;
pub use task::Task;
