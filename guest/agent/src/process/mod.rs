// SPDX-License-Identifier: Apache-2.0
//! Processes that the host started: from request to exit event.

mod drain;
mod environment;
mod exit;
mod input;
mod list;
mod output;
mod overflow;
mod resize;
mod signal;
mod start;
mod stop;
mod streams;
mod table;

pub use environment::environment;
pub use start::start_failure;
pub use streams::terminal;
pub use table::Processes;
