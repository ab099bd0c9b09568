// SPDX-License-Identifier: Apache-2.0
//! Requests, results and events of the namespace driver's launcher. Generation 2 added `network`.

/// Of this protocol; the lower of both ends is used.
pub const GENERATION: u32 = 2;

mod probe;
mod sandbox;

pub use probe::{
    CgroupLimit, CgroupSupport, DiskLimit, FreezeSupport, LayerSupport, LimitSupport, NamespaceCapabilities,
    OpenFilesLimit, PidsLimit, ProbeCheck, ProbeResult, UserNamespaceSupport,
};
pub use sandbox::{
    Bind, Limits, LimitsRequest, MaskEntry, MaskScan, MaskScanResult, NetworkOpened, Prepare, Prepared, RootfsStack,
    SandboxExited, SandboxList, SandboxRef, SandboxRow, Stack, Stats, Sweep, Swept,
};

/// Names of the operations, as they stand in `op`.
pub mod op {
    pub const PROBE: &str = "probe";
    pub const PREPARE: &str = "prepare";
    pub const LIMITS: &str = "limits";
    pub const NETWORK: &str = "network";
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
