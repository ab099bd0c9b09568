// SPDX-License-Identifier: Apache-2.0
//! Requests, results and events of the namespace driver's launcher, generation 1.

mod probe;
mod sandbox;

pub use probe::{
    CgroupLimit, CgroupSupport, DiskLimit, FreezeSupport, LayerSupport, LimitSupport, NamespaceCapabilities,
    OpenFilesLimit, PidsLimit, ProbeCheck, ProbeResult, UserNamespaceSupport,
};
pub use sandbox::{
    Bind, Limits, LimitsRequest, MaskEntry, MaskScan, MaskScanResult, Prepare, Prepared, RootfsStack, SandboxExited,
    SandboxList, SandboxRef, SandboxRow, Stack, Stats, Sweep, Swept,
};

/// Names of the operations, as they stand in `op`.
pub mod op {
    pub const PROBE: &str = "probe";
    pub const PREPARE: &str = "prepare";
    pub const LIMITS: &str = "limits";
    pub const FREEZE: &str = "freeze";
    pub const THAW: &str = "thaw";
    pub const STATS: &str = "stats";
    pub const DESTROY: &str = "destroy";
    pub const LIST: &str = "list";
    pub const SWEEP: &str = "sweep";
    pub const MASKSCAN: &str = "maskscan";
    pub const SHUTDOWN: &str = "shutdown";
    pub const RETIRE: &str = "retire";
}
