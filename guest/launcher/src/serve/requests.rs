// SPDX-License-Identifier: Apache-2.0
use super::connection::Request;
use super::jobs::Purpose;
use super::registry::{Reply, Waiter};
use super::server::Server;
use crate::cgroup::check_enforceable;
use crate::error::{LauncherError, Result};
use crate::layer::LayerStore;
use crate::maskscan;
use crate::mount::MountPlan;
use crate::network::{RelayProcess, open_entrance};
use crate::probe;
use crate::state_dir::check_sandbox_id;
use isola_wire::from_hex;
use isola_wire::launcher::{Limits, LimitsRequest, MaskScan, NetworkOpened, Prepare, SandboxRef, Sweep, op};
use isola_wire::{KEY_BYTES, Operation};
use serde::Serialize;
use serde_json::{Value, json};

impl Server {
    pub(super) fn handle_request(&mut self, connection: u32, request: &Request) {
        let reply = Reply { connection, request: request.id };
        if let Err(error) = self.dispatch(reply, &request.payload) {
            self.answer(reply, Err::<Value, _>(error));
        }
    }

    /// Answers at once, or arranges for the answer to come.
    fn dispatch(&mut self, reply: Reply, payload: &[u8]) -> Result<()> {
        let Operation { op } = parse(payload)?;
        if self.is_ending {
            return Err(LauncherError::step("take", "request", "the launcher is ending"));
        }
        match &*op {
            op::PREPARE => self.prepare(reply, parse(payload)?)?,
            op::DESTROY => {
                let SandboxRef { sandbox_id } = parse(payload)?;
                check_sandbox_id(&sandbox_id)?;
                self.remove_sandbox(&sandbox_id, Waiter::Reply(reply));
            }
            op::STATS => {
                let SandboxRef { sandbox_id } = parse(payload)?;
                let stats = self.registry.live(&sandbox_id)?.cgroups.stats();
                self.answer(reply, Ok(stats));
            }
            op::THAW => {
                let SandboxRef { sandbox_id } = parse(payload)?;
                self.registry.live(&sandbox_id)?.cgroups.thaw()?;
                self.answer(reply, Ok(json!({})));
            }
            op::FREEZE => {
                let SandboxRef { sandbox_id } = parse(payload)?;
                let cgroups = self.registry.live(&sandbox_id)?.cgroups.clone();
                self.in_child(reply, move |_| cgroups.freeze().map(|()| json!({})));
            }
            op::NETWORK => {
                let SandboxRef { sandbox_id } = parse(payload)?;
                self.open_network(reply, &sandbox_id)?;
            }
            op::LIMITS => self.limit(reply, &parse(payload)?)?,
            op::LIST => self.answer(reply, Ok(self.registry.list())),
            op::SWEEP => {
                let Sweep { keep } = parse(payload)?;
                self.sweep(reply, &keep);
            }
            op::PROBE => self.in_child(reply, |host| to_value(&probe::probe_here(host))),
            op::MASKSCAN => {
                let MaskScan { path } = parse(payload)?;
                self.in_child(reply, move |_| maskscan::scan(&path).and_then(|found| to_value(&found)));
            }
            op::SHUTDOWN | op::RETIRE => {
                self.is_ending = true;
                self.answer(reply, Ok(json!({})));
            }
            unknown => return Err(LauncherError::UnknownOperation { op: unknown.to_owned() }),
        }
        Ok(())
    }

    /// Refuses what cannot work before anything is made.
    fn prepare(&mut self, reply: Reply, prepare: Prepare) -> Result<()> {
        check_sandbox_id(&prepare.sandbox_id)?;
        if from_hex::<KEY_BYTES>(&prepare.key_hex).is_none() {
            return Err(LauncherError::request(format!("keyHex must be {KEY_BYTES} bytes in hex")));
        }
        self.host.state.agent_socket(&prepare.sandbox_id)?;
        MountPlan::new(&prepare.rootfs, self.host.identity.users)?;
        self.check_limits(&prepare.limits)?;
        self.queue_create(reply, prepare)
    }

    /// Sets limits in a child: lowering the memory of a sandbox may wait until the kernel has reclaimed it.
    fn limit(&mut self, reply: Reply, request: &LimitsRequest) -> Result<()> {
        self.check_limits(&request.limits)?;
        let record = self.registry.live(&request.sandbox_id)?.clone();
        let limits = request.limits;
        self.in_child(reply, move |_| {
            record.cgroups.limit_work(&limits)?;
            if let Some(bytes) = limits.disk_bytes {
                record.layer.limit_space(bytes)?;
            }
            Ok(json!({}))
        });
        Ok(())
    }

    /// Entering a network and setting it up takes a while, and leaves its process in there: done in a child.
    fn open_network(&mut self, reply: Reply, sandbox_id: &str) -> Result<()> {
        let record = self.registry.live(sandbox_id)?.clone();
        let relay = match self.host.relay.take() {
            Some(relay) => self.host.relay.insert(relay),
            None => self.host.relay.insert(RelayProcess::start(&self.host.state.relay_socket())?),
        };
        let answer = NetworkOpened { relay_socket: relay.socket().display().to_string() };
        // A server that has just started does not know what an earlier one has opened.
        if !relay.opened.insert(sandbox_id.to_owned()) {
            self.answer(reply, Ok(answer));
            return Ok(());
        }
        self.jobs.add(Purpose::Network(reply, sandbox_id.to_owned()), move |host| {
            open_entrance(host, &record).and_then(|()| to_value(&answer))
        });
        Ok(())
    }

    fn check_limits(&self, limits: &Limits) -> Result<()> {
        let layers = &self.host.layers;
        let why_no_disk = match layers {
            LayerStore::Directories { reason } => reason,
            LayerStore::Subvolumes { .. } => "this kernel has no simple quotas on btrfs (Linux 6.7)",
        };
        check_enforceable(limits, &self.host.cgroups.usable(), layers.has_quotas(), why_no_disk)
    }

    fn in_child(&mut self, reply: Reply, work: impl FnOnce(&crate::host::Host) -> Result<Value> + 'static) {
        self.jobs.add(Purpose::Answer(reply), work);
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(payload: &'a [u8]) -> Result<T> {
    serde_json::from_slice(payload).map_err(|error| LauncherError::request(format!("parse request: {error}")))
}

fn to_value(result: &impl Serialize) -> Result<Value> {
    serde_json::to_value(result).map_err(|error| LauncherError::step("write", "answer", error.to_string()))
}
