// SPDX-License-Identifier: Apache-2.0
use isola_wire::FrameType;
use isola_wire::agent::{Empty, Users};
use isola_wire::launcher::{
    Bind, CgroupLimit, CgroupSupport, DiskLimit, FreezeSupport, LayerSupport, LimitSupport, Limits, LimitsRequest,
    MaskEntry, MaskScan, MaskScanResult, NamespaceCapabilities, NetworkOpened, OpenFilesLimit, PidsLimit, Prepare,
    Prepared, ProbeCheck, ProbeResult, RootfsStack, SandboxExited, SandboxList, SandboxRef, SandboxRow, Stack, Stats,
    Sweep, Swept, UserNamespaceSupport, op,
};

use super::{Golden, json, request, success};

const ID: &str = "sb0123456789abcdefgh";

pub fn frames() -> Vec<Golden> {
    let one = SandboxRef { sandbox_id: ID.into() };
    let limits = Limits { memory_bytes: Some(1 << 29), cpu_millis: Some(1500), pids: None, disk_bytes: None };
    let stats = Stats { memory_bytes: Some(4096), cpu_usec: Some(12), pids: Some(2), ..Stats::default() };
    let row = SandboxRow { sandbox_id: ID.into(), pid: Some(4242), start_time_ticks: Some(99), alive: true };
    let entry = MaskEntry { path: "/usr/lib/secret".into(), kind: "file".into() };
    vec![
        request("request-launcher-probe", op::PROBE, 20, &Empty {}),
        success("response-launcher-probe", 20, &probe()),
        request("request-launcher-prepare", op::PREPARE, 21, &prepare(limits)),
        success("response-launcher-prepare", 21, &prepared()),
        request("request-launcher-limits", op::LIMITS, 22, &LimitsRequest { sandbox_id: ID.into(), limits }),
        request("request-launcher-network", op::NETWORK, 31, &one),
        success("response-launcher-network", 31, &NetworkOpened { relay_socket: "/data/relay.sock".into() }),
        request("request-launcher-freeze", op::FREEZE, 23, &one),
        request("request-launcher-thaw", op::THAW, 24, &one),
        request("request-launcher-stats", op::STATS, 25, &one),
        success("response-launcher-stats", 25, &stats),
        request("request-launcher-destroy", op::DESTROY, 26, &one),
        request("request-launcher-list", op::LIST, 27, &Empty {}),
        success("response-launcher-list", 27, &SandboxList { sandboxes: vec![row] }),
        request("request-launcher-sweep", op::SWEEP, 28, &Sweep { keep: vec![ID.into()] }),
        success("response-launcher-sweep", 28, &Swept { removed: Vec::new() }),
        request("request-launcher-maskscan", op::MASKSCAN, 29, &MaskScan { path: "/usr".into() }),
        success("response-launcher-maskscan", 29, &MaskScanResult { entries: vec![entry] }),
        request("request-launcher-shutdown", op::SHUTDOWN, 30, &Empty {}),
        json("event-sandbox-exited", FrameType::Event, 0, 0, &SandboxExited { sandbox_id: ID.into(), status: 9 }),
    ]
}

fn prepare(limits: Limits) -> Prepare {
    Prepare {
        sandbox_id: ID.into(),
        key_hex: "11".repeat(32),
        rootfs: RootfsStack {
            root: Stack { lowers: vec!["/data/skeleton".into()] },
            usr: Some(Stack { lowers: vec!["/data/mask".into(), "/usr".into()] }),
            binds: vec![Bind { source: "/opt/node".into(), target: "/opt/node".into(), readonly: true }],
            volatile: true,
        },
        limits,
    }
}

fn prepared() -> Prepared {
    Prepared {
        pid: 4242,
        start_time_ticks: 99,
        agent_socket: "/data/sandboxes/a/agent.sock".into(),
        users: Users::Range,
        uid_base: 1_000_000,
        cgroup: CgroupSupport::V1,
        timings_us: [("total".into(), 3700)].into(),
    }
}

fn probe() -> ProbeResult {
    ProbeResult {
        checks: vec![ProbeCheck {
            id: "overlay".into(),
            ok: false,
            detail: "mount: EPERM".into(),
            hint: Some("x".into()),
        }],
        capabilities: NamespaceCapabilities {
            userns: UserNamespaceSupport::Range,
            cgroup: CgroupSupport::V1,
            limits: LimitSupport {
                memory: CgroupLimit::Cgroup,
                cpu: CgroupLimit::Cgroup,
                pids: PidsLimit::Rlimit,
                disk: DiskLimit::Quota,
                open_files: OpenFilesLimit::Rlimit,
            },
            layer: LayerSupport::Cow,
            freeze: FreezeSupport::V2,
            idmap: true,
            netns: true,
            egress: true,
            overlay: false,
            seccomp: true,
            landlock_abi: 6,
            rootless: false,
        },
    }
}
