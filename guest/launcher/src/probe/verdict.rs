// SPDX-License-Identifier: Apache-2.0
//! From checks to what the driver may promise.

use super::Probe;
use super::attempt::Check;
use super::kernel::apparmor_when_blocked;
use crate::cgroup::FreezeKind;
use crate::error::LauncherError;
use crate::sys::seccomp;
use isola_wire::agent::Users;
use isola_wire::launcher::{
    CgroupLimit, CgroupSupport, DiskLimit, FreezeSupport, LayerSupport, LimitSupport, NamespaceCapabilities,
    OpenFilesLimit, PidsLimit, ProbeResult, UserNamespaceSupport,
};

const ALL: [&str; 18] = [
    "user-namespace",
    "uid-range",
    "mount-namespace",
    "proc-mount",
    "network-namespace",
    "egress",
    "overlay",
    "idmapped-mount",
    "seccomp",
    "memfd-exec",
    "pidfd",
    "apparmor-userns",
    "cgroup-memory",
    "cgroup-cpu",
    "cgroup-pids",
    "cgroup-freeze",
    "subvolume",
    "disk-quota",
];

pub fn capabilities(probe: &Probe<'_>, checks: &[Check]) -> NamespaceCapabilities {
    let works = |id: &str| checks.iter().any(|check| check.id == id && check.is_ok());
    let limited = |id: &str| if works(id) { CgroupLimit::Cgroup } else { CgroupLimit::None };
    NamespaceCapabilities {
        userns: match (works("user-namespace"), probe.identity.users) {
            (false, _) | (_, Users::None) => UserNamespaceSupport::None,
            (true, Users::Range) => UserNamespaceSupport::Range,
            (true, Users::Single) => UserNamespaceSupport::Single,
        },
        cgroup: probe.cgroups.support(),
        limits: LimitSupport {
            memory: limited("cgroup-memory"),
            cpu: limited("cgroup-cpu"),
            // Per user and user namespace, so it binds a sandbox's user even without cgroups.
            pids: match (works("cgroup-pids"), works("user-namespace")) {
                (true, _) => PidsLimit::Cgroup,
                (false, true) => PidsLimit::Rlimit,
                (false, false) => PidsLimit::None,
            },
            disk: if works("disk-quota") { DiskLimit::Quota } else { DiskLimit::None },
            open_files: OpenFilesLimit::Rlimit,
        },
        layer: if works("subvolume") { LayerSupport::Cow } else { LayerSupport::Copy },
        freeze: match (works("cgroup-freeze"), probe.cgroups.freeze_kind()) {
            (true, Some(FreezeKind::V2)) => FreezeSupport::V2,
            (true, Some(FreezeKind::V1)) => FreezeSupport::V1,
            _ => FreezeSupport::None,
        },
        idmap: works("idmapped-mount"),
        netns: works("network-namespace"),
        egress: works("egress"),
        overlay: works("overlay"),
        seccomp: works("seccomp"),
        landlock_abi: seccomp::landlock_version(),
        rootless: probe.identity.rootless,
    }
}

/// The verdict when not even the first step was possible: everything else depends on it.
pub fn nothing_works(reason: &LauncherError) -> ProbeResult {
    let checks = ALL.map(|id| Check {
        id,
        result: match id {
            "user-namespace" => Err(reason.clone()),
            "apparmor-userns" => apparmor_when_blocked(),
            _ => Err(LauncherError::step("try", id, "not tried, because user namespaces do not work")),
        },
    });
    ProbeResult {
        checks: checks.into_iter().map(Check::into_wire).collect(),
        capabilities: NamespaceCapabilities {
            userns: UserNamespaceSupport::None,
            cgroup: CgroupSupport::None,
            limits: LimitSupport {
                memory: CgroupLimit::None,
                cpu: CgroupLimit::None,
                pids: PidsLimit::None,
                disk: DiskLimit::None,
                open_files: OpenFilesLimit::Rlimit,
            },
            layer: LayerSupport::Copy,
            freeze: FreezeSupport::None,
            idmap: false,
            netns: false,
            egress: false,
            overlay: false,
            seccomp: false,
            landlock_abi: 0,
            rootless: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_user_namespaces_promises_nothing() {
        let reason = LauncherError::step("unshare", "user namespace", "forbidden").hint("allow it");
        let result = nothing_works(&reason);
        assert!(result.checks.iter().filter(|check| check.id != "apparmor-userns").all(|check| !check.ok));
        assert_eq!(result.checks[0].hint.as_deref(), Some("allow it"));
        assert_eq!(result.capabilities.userns, UserNamespaceSupport::None);
    }
}
