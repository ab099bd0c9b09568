// SPDX-License-Identifier: Apache-2.0
//! Requests, results and events of the agent, generation 1.

mod boot;
mod file;
mod info;
mod personality;
mod process;

pub use boot::{BootConfig, CarrierConfig, Users};
pub use file::{
    FileEntry, FileKind, FileList, FileMkdir, FileMove, FileRead, FileReadResult, FileRemove, FileStat, FileStatResult,
    FileWrite, FileWriteResult, Truncated,
};
pub use info::{AgentInfo, Empty};
pub use personality::{Personality, Rlimits};
pub use process::{
    Overflow, ProcessExit, ProcessInfo, ProcessList, ProcessResize, ProcessSignal, ProcessSpec, ProcessStarted,
    SignalTarget, TerminalSize,
};

/// Names of the operations, as they stand in `op`.
pub mod op {
    pub const INFO: &str = "agent.info";
    pub const PERSONALISE: &str = "personalise";
    pub const PROCESS_START: &str = "process.start";
    pub const PROCESS_SIGNAL: &str = "process.signal";
    pub const PROCESS_RESIZE: &str = "process.resize";
    pub const PROCESS_LIST: &str = "process.list";
    pub const FILE_READ: &str = "file.read";
    pub const FILE_WRITE: &str = "file.write";
    pub const FILE_LIST: &str = "file.list";
    pub const FILE_STAT: &str = "file.stat";
    pub const FILE_MKDIR: &str = "file.mkdir";
    pub const FILE_REMOVE: &str = "file.remove";
    pub const FILE_MOVE: &str = "file.move";
}
