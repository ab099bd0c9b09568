// SPDX-License-Identifier: Apache-2.0
//! From limits to control files. Pure, and pinned by tests: v2 cannot be exercised on every machine.

use super::{Child, Controller, Version};
use crate::error::{LauncherError, Result};
use isola_wire::launcher::Limits;

/// One value for one control file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlFile {
    pub controller: Controller,
    pub child: Child,
    pub file: &'static str,
    pub value: String,
    /// Kernels that do not count this do not have the file, and then there is nothing to limit.
    pub optional: bool,
}

/// The agent is ours but hears the workload: it gets enough for its buffers and no more.
const AGENT_MEMORY_BYTES: u64 = 64 * 1024 * 1024;
const AGENT_PIDS: u64 = 64;
const MOST_SOCKET_BYTES: u64 = 64 * 1024 * 1024;
/// The spawner lives in `work` and is not the tenant's.
const SPAWNER_PIDS: u64 = 1;
const CPU_PERIOD_US: u64 = 100_000;
/// The agent is made to work by the workload: what that gets has to bind it, too, but never so that it falls silent.
const LEAST_AGENT_CPU_MILLIS: u64 = 250;
/// The kernel refuses a quota below a millisecond per period.
const LEAST_CPU_MILLIS: u64 = 10;

/// What holds for every sandbox, whatever the tenant's limits are.
pub fn standing_files(version: Version) -> Vec<ControlFile> {
    let mut files = memory_files(version, Child::Agent, AGENT_MEMORY_BYTES);
    files.push(control(Controller::Pids, Child::Agent, "pids.max", AGENT_PIDS.to_string()));
    // Also without a limit of memory: what sockets hold comes out of one budget of the host.
    files.extend(socket_files(version, Child::Work, u64::MAX));
    files
}

/// The control files for the limits that are given; what is not given stays as it is.
pub fn work_files(version: Version, limits: &Limits) -> Vec<ControlFile> {
    let mut files = Vec::new();
    if let Some(bytes) = limits.memory_bytes {
        files.extend(memory_files(version, Child::Work, bytes));
    }
    if let Some(millis) = limits.cpu_millis {
        files.extend(cpu_files(version, Child::Work, millis.max(LEAST_CPU_MILLIS)));
        files.extend(cpu_files(version, Child::Agent, millis.max(LEAST_AGENT_CPU_MILLIS)));
    }
    if let Some(pids) = limits.pids {
        files.push(control(Controller::Pids, Child::Work, "pids.max", (pids + SPAWNER_PIDS).to_string()));
    }
    files
}

/// Memory without swap: a limit that spills to disk would be no limit, and would leave the tenant's data there.
fn memory_files(version: Version, child: Child, bytes: u64) -> Vec<ControlFile> {
    let (limit, swap, swap_value) = match version {
        // v1 limits memory and swap together, so the same figure leaves no swap.
        Version::V1 => ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", bytes),
        Version::V2 => ("memory.max", "memory.swap.max", 0),
    };
    let swap = control(Controller::Memory, child, swap, swap_value.to_string());
    let mut files =
        vec![control(Controller::Memory, child, limit, bytes.to_string()), ControlFile { optional: true, ..swap }];
    files.extend(socket_files(version, child, bytes));
    files
}

/// v1 counts the buffers of TCP and UDP sockets apart from memory; v2 counts them in.
fn socket_files(version: Version, child: Child, memory_bytes: u64) -> Option<ControlFile> {
    let bytes = (memory_bytes / 4).min(MOST_SOCKET_BYTES);
    let file = control(Controller::Memory, child, "memory.kmem.tcp.limit_in_bytes", bytes.to_string());
    (version == Version::V1).then_some(ControlFile { optional: true, ..file })
}

fn cpu_files(version: Version, child: Child, millis: u64) -> Vec<ControlFile> {
    let quota_us = millis * CPU_PERIOD_US / 1000;
    let file = |name, value: String| control(Controller::Cpu, child, name, value);
    match version {
        Version::V1 => {
            vec![file("cpu.cfs_period_us", CPU_PERIOD_US.to_string()), file("cpu.cfs_quota_us", quota_us.to_string())]
        }
        Version::V2 => vec![file("cpu.max", format!("{quota_us} {CPU_PERIOD_US}"))],
    }
}

fn control(controller: Controller, child: Child, file: &'static str, value: String) -> ControlFile {
    ControlFile { controller, child, file, value, optional: false }
}

/// While the spawner is brought in, three processes are in `work` for a moment.
const LEAST_PIDS: u64 = 2;

/// Refuses a limit that no controller here can hold: a limit that is silently ignored is worse than none.
pub fn check_enforceable(limits: &Limits, usable: &[Controller], disk: bool, why_no_disk: &str) -> Result<()> {
    if limits.pids.is_some_and(|pids| pids < LEAST_PIDS) {
        return Err(LauncherError::request(format!("limit pids must be at least {LEAST_PIDS}")));
    }
    let missing = [
        ("memory", limits.memory_bytes.is_some(), Controller::Memory),
        ("cpu", limits.cpu_millis.is_some(), Controller::Cpu),
    ];
    for (limit, wanted, controller) in missing {
        if wanted && !usable.contains(&controller) {
            return Err(LauncherError::LimitUnenforceable {
                limit: limit.into(),
                reason: format!("the launcher may not use the {} cgroup controller", controller.name()),
            });
        }
    }
    if limits.disk_bytes.is_some() && !disk {
        return Err(LauncherError::LimitUnenforceable { limit: "disk".into(), reason: why_no_disk.into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Limits =
        Limits { memory_bytes: Some(67_108_864), cpu_millis: Some(1500), pids: Some(100), disk_bytes: Some(1) };

    fn lines(files: &[ControlFile]) -> Vec<String> {
        let mark = |file: &ControlFile| if file.optional { " (where it exists)" } else { "" };
        files.iter().map(|file| format!("{}/{} = {}{}", file.child.name(), file.file, file.value, mark(file))).collect()
    }

    #[test]
    fn v1_limits_are_these_files() {
        assert_eq!(
            lines(&work_files(Version::V1, &ALL)),
            [
                "work/memory.limit_in_bytes = 67108864",
                "work/memory.memsw.limit_in_bytes = 67108864 (where it exists)",
                "work/memory.kmem.tcp.limit_in_bytes = 16777216 (where it exists)",
                "work/cpu.cfs_period_us = 100000",
                "work/cpu.cfs_quota_us = 150000",
                "agent/cpu.cfs_period_us = 100000",
                "agent/cpu.cfs_quota_us = 150000",
                "work/pids.max = 101",
            ]
        );
    }

    #[test]
    fn v2_limits_are_these_files() {
        assert_eq!(
            lines(&work_files(Version::V2, &ALL)),
            [
                "work/memory.max = 67108864",
                "work/memory.swap.max = 0 (where it exists)",
                "work/cpu.max = 150000 100000",
                "agent/cpu.max = 150000 100000",
                "work/pids.max = 101",
            ]
        );
    }

    #[test]
    fn the_agent_keeps_a_quarter_of_a_core_however_little_the_workload_has() {
        let little = Limits { cpu_millis: Some(1), ..Limits::default() };
        assert_eq!(
            lines(&work_files(Version::V2, &little)),
            ["work/cpu.max = 1000 100000", "agent/cpu.max = 25000 100000"]
        );
    }

    #[test]
    fn the_agent_has_a_memory_limit_of_its_own() {
        assert_eq!(
            lines(&standing_files(Version::V2)),
            ["agent/memory.max = 67108864", "agent/memory.swap.max = 0 (where it exists)", "agent/pids.max = 64",]
        );
        assert_eq!(lines(&standing_files(Version::V1))[0], "agent/memory.limit_in_bytes = 67108864");
    }

    #[test]
    fn v1_bounds_what_sockets_hold_even_without_a_limit_of_memory() {
        let files = lines(&standing_files(Version::V1));
        for (child, bytes) in [("agent", 16 << 20), ("work", 64 << 20)] {
            let line = format!("{child}/memory.kmem.tcp.limit_in_bytes = {bytes} (where it exists)");
            assert!(files.contains(&line), "{line} in {files:?}");
        }
    }

    #[test]
    fn what_is_not_asked_for_is_not_touched() {
        assert!(work_files(Version::V1, &Limits::default()).is_empty());
    }

    #[test]
    fn a_limit_nobody_can_enforce_is_refused_with_the_reason() {
        let memory = Limits { memory_bytes: Some(1), ..Limits::default() };
        let refused = check_enforceable(&memory, &[Controller::Pids], true, "").unwrap_err();
        assert_eq!(refused.to_failure().code, "limit.unenforceable");
        let disk = Limits { disk_bytes: Some(1), ..Limits::default() };
        assert!(check_enforceable(&disk, &[], false, "no quota").unwrap_err().to_string().contains("no quota"));
        let none = Limits { pids: Some(1), ..Limits::default() };
        assert_eq!(check_enforceable(&none, &[], true, "").unwrap_err().to_failure().code, "request.invalid");
        assert!(check_enforceable(&ALL, &[Controller::Memory, Controller::Cpu], true, "").is_ok());
    }
}
