// SPDX-License-Identifier: Apache-2.0
//! `sudo` inside: a program without privileges that asks the agent for a root process. Set-user-id
//! programs cannot work, because nothing inside may gain privileges by executing.

mod accepted;
mod arguments;
mod client;
mod closer;
mod message;
mod relay;
mod service;
mod shim;

pub use service::SudoService;
pub use shim::run;
