// SPDX-License-Identifier: Apache-2.0
//! The launcher as a service: one thread, one loop, nothing in it that waits. What takes time happens in
//! children, each with a pipe that the loop listens to.

mod connection;
mod creates;
mod jobs;
mod lifecycle;
mod registry;
mod requests;
mod server;
mod start;
mod sweeps;
mod token;

pub use connection::{Connection, Me, Request};
pub use start::{Ready, ServeOptions, Served, listen_at, serve};
