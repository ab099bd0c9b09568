// SPDX-License-Identifier: Apache-2.0
//! What a seat does with an order, from the first directory to a running agent.

use super::birth::clone_owned;
use super::entrant::{Entry, Inside};
use super::first::{First, become_first};
use super::identity_maps;
use super::order::Order;
use super::report::Reports;
use super::seat::Warm;
use crate::budgets::Budgets;
use crate::cgroup::{Child, Placement, Version};
use crate::error::{Failed, LauncherError, Result};
use crate::host::Host;
use crate::mount::{MountPlan, Staged, open_sources};
use crate::record::{BootRecord, start_time_ticks};
use crate::sys::fork::{CloneRequest, Cloned};
use crate::sys::{identity, namespace, socket};
use isola_wire::agent::{BootConfig, CarrierConfig};
use isola_wire::launcher::Prepared;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, PipeReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::time::Instant;

/// Descriptor numbers inside, which the agent is told in its boot configuration.
const LISTENER_FD: i32 = 3;
const SPAWNER_FD: i32 = 5;
const OOM_FD: i32 = 6;

/// Makes the sandbox. On failure what was made stays for the launcher to remove.
pub fn make(host: &Host, seat: &str, warm: Warm, order: &Order, network: &OwnedFd) -> Result<Prepared> {
    let mut clock = StageClock::start();
    let plan = MountPlan::new(&order.prepare.rootfs, host.identity.users)?;
    let mut record = intend(host, order)?;
    let Warm { entrant, files, nodes } = warm;
    let (kept, layer) = files.rename(host, seat, &record)?;
    if let Some(bytes) = order.prepare.limits.disk_bytes {
        record.layer.limit_opened(layer.as_fd(), bytes)?;
    }
    clock.lap("files");
    let groups = settle_cgroups(host, seat, &record.cgroups, order)?;
    clock.lap("cgroup");
    // The host's tree is visible for the last time: after this only the stage is.
    let staged = open_sources(&plan, layer.as_fd())?;
    clock.lap("sources");
    let listener = listen(host, order, network)?;
    clock.lap("listen");

    namespace::enter(host.stage.namespace(), namespace::MOUNT).failed("enter", "stage")?;
    namespace::unshare(namespace::MOUNT).failed("unshare", "mount namespace")?;
    clock.lap("stage");
    let mut birth = Birth::new(host, order, listener, groups.oom_counter)?;
    let first = birth.clone_first(host, &plan, &staged, groups.agent_v2.as_ref())?;
    clock.lap("clone");
    identity_maps::write(first.pid, &host.identity.maps(order.uid_base))?;
    record.pid = Some(first.pid);
    record.start_time_ticks = start_time_ticks(first.pid);
    record.write(&kept)?;
    clock.lap("maps");
    attach_staged(host, &plan, &staged, first.pid)?;
    nodes.attach()?;
    clock.lap("idmap");
    birth.release()?;
    let (mounted, tell_mounted) = io::pipe().failed("make", "pipe")?;
    entrant.enter(&Entry {
        first_process: first.pidfd.as_fd(),
        program: host.program(),
        spawner_socket: birth.spawner_socket.as_fd(),
        status: birth.status.as_fd(),
        mounted: mounted.as_fd(),
        work_v2: groups.work_v2.as_ref().map(AsFd::as_fd),
        inside: inside(host),
    })?;
    let inside_us = birth.reports.mounted()?;
    (&tell_mounted).write_all(b"m").failed("tell", "entrant")?;
    clock.lap("mount");
    birth.wait_executed()?;
    entrant.dismiss();
    clock.lap("execute");
    Ok(Prepared {
        pid: first.pid as u32,
        start_time_ticks: record.start_time_ticks.unwrap_or_default(),
        agent_socket: host.state.agent_socket(&order.prepare.sandbox_id)?,
        users: host.identity.users,
        uid_base: order.uid_base,
        cgroup: host.cgroups.support(),
        timings_us: clock.finish(inside_us),
    })
}

fn inside(host: &Host) -> Inside {
    Inside { identity: host.identity, open_files: host.open_files }
}

/// Everything that will exist of the sandbox, before any of it does.
fn intend(host: &Host, order: &Order) -> Result<BootRecord> {
    let id = &order.prepare.sandbox_id;
    Ok(BootRecord {
        sandbox_id: id.clone(),
        uid_base: order.uid_base,
        cgroups: Placement::plan(&host.cgroups, id),
        layer: host.layers.plan(&host.state, id),
        pid: None,
        start_time_ticks: None,
    })
}

/// What is needed of the cgroups after the host's tree, and with it their paths, is out of sight.
struct Groups {
    agent_v2: Option<OwnedFd>,
    work_v2: Option<OwnedFd>,
    oom_counter: Option<File>,
}

/// Gives the seat's cgroups the sandbox's name and limits.
fn settle_cgroups(host: &Host, seat: &str, cgroups: &Placement, order: &Order) -> Result<Groups> {
    Placement::plan(&host.cgroups, seat).rename_v1(cgroups)?;
    cgroups.make_v2()?;
    cgroups.limit_always(Version::V2)?;
    cgroups.limit_work(&order.prepare.limits)?;
    Ok(Groups {
        agent_v2: cgroups.open_v2(Child::Agent)?,
        work_v2: cgroups.open_v2(Child::Work)?,
        oom_counter: cgroups.open_oom_counter()?,
    })
}

/// The agent's socket: its name lies on the host, the socket itself belongs to the sandbox's network.
fn listen(host: &Host, order: &Order, network: &OwnedFd) -> Result<UnixListener> {
    // First the network: a socket of the host's, inherited, would answer questions about the host's interfaces.
    namespace::enter(network.as_fd(), namespace::NETWORK).failed("enter", "network namespace")?;
    let path = host.state.sandbox(&order.prepare.sandbox_id);
    std::env::set_current_dir(&path).failed_on("enter", &path)?;
    identity::set_umask(0o177);
    let listener = UnixListener::bind("agent.sock").failed_on("bind agent.sock in", &path);
    identity::set_umask(0o022);
    listener
}

/// Puts the clones on the seat's own copy of the stage, from which pid 1 takes its copy.
fn attach_staged(host: &Host, plan: &MountPlan, staged: &Staged, first: i32) -> Result<()> {
    if !host.identity.has_own_ids() {
        return staged.attach(plan, None);
    }
    let path = format!("/proc/{first}/ns/user");
    let mapping = File::open(&path).failed("open", &path)?;
    staged.attach(plan, Some(mapping.as_fd()))
}

/// The descriptors around the birth of pid 1.
struct Birth {
    boot: Option<PipeReader>,
    listener: Option<UnixListener>,
    oom_counter: Option<File>,
    agent_socket: OwnedFd,
    spawner_socket: OwnedFd,
    status: File,
    reports: Reports,
    release: Option<io::PipeWriter>,
    /// Whose the sandbox's user namespace is, where sandboxes have ids of their own.
    owner: Option<u32>,
    budgets: Budgets,
}

impl Birth {
    fn new(host: &Host, order: &Order, listener: UnixListener, oom_counter: Option<File>) -> Result<Self> {
        let (reports, status) = io::pipe().failed("make", "pipe")?;
        let (agent_socket, spawner_socket) = socket::packet_pair().failed("make", "socket pair")?;
        let boot = boot_pipe(&BootConfig {
            key_hex: order.prepare.key_hex.clone(),
            users: host.identity.users,
            carrier: CarrierConfig::Listen { fd: LISTENER_FD },
            spawner_fd: Some(SPAWNER_FD),
            // A new one would be the agent's child, and with cgroups outside of `work`.
            spawner_restart: host.cgroups.hierarchies.is_empty(),
            oom_fd: oom_counter.is_some().then_some(OOM_FD),
        })?;
        Ok(Self {
            boot: Some(boot),
            listener: Some(listener),
            oom_counter,
            agent_socket,
            spawner_socket,
            status: File::from(OwnedFd::from(status)),
            reports: Reports::new(OwnedFd::from(reports)),
            release: None,
            owner: host.identity.has_own_ids().then_some(order.uid_base),
            budgets: Budgets::new(host.identity, order.prepare.limits.memory_bytes, host.memory_bytes),
        })
    }

    /// The parent's side returns; the child's side becomes pid 1.
    fn clone_first(
        &mut self,
        host: &Host,
        plan: &MountPlan,
        staged: &Staged,
        cgroup: Option<&OwnedFd>,
    ) -> Result<Cloned> {
        let (release, tell_release) = io::pipe().failed("make", "pipe")?;
        let kinds = namespace::USER | namespace::PID | namespace::IPC | namespace::UTS | namespace::CGROUP;
        let request = CloneRequest { namespaces: kinds, into_cgroup: cgroup.map(AsFd::as_fd) };
        let Some(cloned) = clone_owned(self.owner, &request)? else {
            // Held here, the pipe would never end when the seat dies.
            drop(tell_release);
            become_first(First {
                inside: inside(host),
                plan,
                budgets: self.budgets,
                staged_binds: &staged.bind_paths(),
                program: host.program(),
                release,
                status: self.status.try_clone().unwrap_or_else(|_| crate::sys::fork::exit_now(1)),
                inherited: self.inherited(),
            });
        };
        self.release = Some(tell_release);
        (self.boot, self.listener) = (None, None);
        Ok(cloned)
    }

    /// In the order of the numbers that the agent is told: 3, 4, 5 and, where there is one, 6.
    fn inherited(&mut self) -> Vec<OwnedFd> {
        let agent_socket = self.agent_socket.try_clone().ok();
        [
            self.listener.take().map(OwnedFd::from),
            self.boot.take().map(OwnedFd::from),
            agent_socket,
            self.oom_counter.take().map(OwnedFd::from),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn release(&mut self) -> Result<()> {
        let Some(mut release) = self.release.take() else {
            return Err(LauncherError::step("release", "pid 1", "it was not made"));
        };
        release.write_all(b"g").failed("release", "pid 1")
    }

    /// Waits until agent and spawner are both running their program.
    fn wait_executed(self) -> Result<()> {
        let Self { status, spawner_socket, mut reports, .. } = self;
        drop((status, spawner_socket));
        reports.all_executed()
    }
}

/// The key goes through a pipe: it is gone as soon as the agent has read it.
fn boot_pipe(configuration: &BootConfig) -> Result<PipeReader> {
    let (reader, mut writer) = io::pipe().failed("make", "pipe")?;
    let text = serde_json::to_vec(configuration)
        .map_err(|error| LauncherError::step("write", "boot configuration", error.to_string()))?;
    writer.write_all(&text).failed("write", "boot configuration")?;
    Ok(reader)
}

/// Microseconds by stage, for whoever asks where the time of a create goes.
struct StageClock {
    started: Instant,
    last: Instant,
    laps: BTreeMap<String, u64>,
}

impl StageClock {
    fn start() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, laps: BTreeMap::new() }
    }

    fn lap(&mut self, name: &str) {
        let now = Instant::now();
        self.laps.insert(name.to_owned(), (now - self.last).as_micros() as u64);
        self.last = now;
    }

    /// Adds what pid 1 measured itself, as parts of the stage `mount`.
    fn finish(mut self, inside: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        self.laps.extend(inside.into_iter().map(|(name, value)| (format!("mount.{name}"), value)));
        self.laps.insert("total".into(), self.started.elapsed().as_micros() as u64);
        self.laps
    }
}
