// SPDX-License-Identifier: Apache-2.0
//! Requests, results and events of the egress relay, generation 1: the server decides, the relay carries out.

/// Of this protocol; the lower of both ends is used.
pub const GENERATION: u32 = 1;

mod event;
mod request;

pub use event::{Event, Over};
pub use request::{Action, Answer, Bounds, Cut, Decide, Registered};

/// Names of the operations, as they stand in `op`.
pub mod op {
    pub const LIST: &str = "list";
    pub const DECIDE: &str = "decide";
    pub const BOUNDS: &str = "bounds";
    pub const CUT: &str = "cut";
    pub const ANSWER: &str = "answer";
}
