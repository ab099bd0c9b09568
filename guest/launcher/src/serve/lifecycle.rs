// SPDX-License-Identifier: Apache-2.0
//! Sandboxes coming and going, as the loop sees it.

use super::creates::{Underway, Waiting};
use super::jobs::Purpose;
use super::registry::{Reply, State, Waiter};
use super::server::Server;
use crate::create::{Answer, Order};
use crate::destroy;
use crate::error::{LauncherError, Result};
use crate::exits;
use crate::record::BootRecord;
use crate::relay::Notice;
use crate::sys::fork;
use isola_wire::launcher::{Prepare, Prepared, SandboxExited};
use serde_json::{Value, json};
use std::os::fd::OwnedFd;
use std::time::Instant;

/// What is told of a sandbox whose parent was an earlier launcher: the kernel told nobody its status.
const STATUS_UNKNOWN: i32 = -1;

impl Server {
    pub(super) fn queue_create(&mut self, reply: Reply, prepare: Prepare) -> Result<()> {
        self.registry.begin(&prepare.sandbox_id)?;
        self.creates.waiting.push_back(Waiting { reply, prepare, since: Instant::now() });
        Ok(())
    }

    /// Hands waiting creates to seats, as long as there are networks for them.
    pub(super) fn start_creates(&mut self) {
        while self.creates.may_start() {
            let Some(network) = self.networks.take() else { break };
            let Some(waiting) = self.creates.waiting.pop_front() else { break };
            let (reply, sandbox_id) = (waiting.reply, waiting.prepare.sandbox_id.clone());
            if let Err(error) = self.start_create(waiting, &network) {
                self.create_failed(reply, &sandbox_id, error);
            }
        }
        if !self.creates.waiting.is_empty()
            && let Err(error) = self.networks.order(self.creates.waiting.len())
        {
            self.fail_waiting(&error);
        }
    }

    fn start_create(&mut self, waiting: Waiting, network: &OwnedFd) -> Result<()> {
        let Waiting { reply, prepare, since } = waiting;
        let sandbox_id = prepare.sandbox_id.clone();
        let uid_base = if self.host.identity.has_own_ids() { self.ids.take()? } else { 0 };
        if let Some(entry) = self.registry.get_mut(&sandbox_id) {
            entry.uid_base = Some(uid_base);
        }
        let order = Order { prepare, uid_base };
        loop {
            let Some(number) = self.creates.idle_seat() else {
                self.add_seat()?;
                continue;
            };
            let underway = Underway { reply, sandbox_id: sandbox_id.clone(), since };
            match self.creates.send_order(number, &order, network, underway) {
                Ok(()) => return Ok(()),
                // A seat that died while idle; its end of the channel tells the loop, which removes its cgroups.
                Err(error) if error.errno() == Some(libc::EPIPE) => self.creates.forget_order(number),
                Err(error) => {
                    self.creates.forget_order(number);
                    return Err(error);
                }
            }
        }
    }

    pub(super) fn create_ended(&mut self, underway: Underway, result: Result<Answer>) {
        let Underway { reply, sandbox_id, since } = underway;
        match result {
            Ok(Answer::Made(mut prepared)) => {
                let whole = since.elapsed().as_micros() as u64;
                let inside = prepared.timings_us.get("total").copied().unwrap_or_default();
                prepared.timings_us.insert("wait".into(), whole.saturating_sub(inside));
                self.create_succeeded(reply, &sandbox_id, prepared);
            }
            Ok(Answer::Failed(error)) | Err(error) => self.create_failed(reply, &sandbox_id, error),
        }
    }

    fn create_succeeded(&mut self, reply: Reply, sandbox_id: &str, prepared: Prepared) {
        let record = BootRecord::read(&self.host.state.sandbox(sandbox_id));
        let Some(entry) = self.registry.get_mut(sandbox_id) else { return };
        let has_ended = record.as_ref().is_none_or(|record| record.live_pid().is_none());
        entry.record = record;
        let waiters = match std::mem::replace(&mut entry.state, State::Live) {
            State::Creating(waiters) => waiters,
            State::Live | State::Removing(_) => vec![],
        };
        let pid = prepared.pid as i32;
        self.answer(reply, Ok(prepared));
        if has_ended {
            let known = self.strangers.iter().find(|(stranger, _)| *stranger == pid).copied();
            // Without a status its end is still on the way to us, as a signal.
            if let Some((_, status)) = known {
                self.sandbox_ended(sandbox_id, status);
            }
        }
        for waiter in waiters {
            self.remove_sandbox(sandbox_id, waiter);
        }
    }

    /// What the failed create left is removed first, so that the caller can try again at once.
    fn create_failed(&mut self, reply: Reply, sandbox_id: &str, error: LauncherError) {
        let Some(entry) = self.registry.get_mut(sandbox_id) else { return };
        let waiters = match std::mem::replace(&mut entry.state, State::Live) {
            State::Creating(waiters) => waiters,
            State::Live | State::Removing(_) => vec![],
        };
        self.remove_sandbox(sandbox_id, Waiter::FailedPrepare(reply, error));
        for waiter in waiters {
            self.remove_sandbox(sandbox_id, waiter);
        }
    }

    /// No network can be had: creates that wait for one fail with the reason.
    pub(super) fn fail_waiting(&mut self, error: &LauncherError) {
        for waiting in std::mem::take(&mut self.creates.waiting) {
            self.create_failed(waiting.reply, &waiting.prepare.sandbox_id, error.clone());
        }
    }

    pub(super) fn remove_sandbox(&mut self, sandbox_id: &str, waiter: Waiter) {
        if self.registry.begin_removal(sandbox_id, waiter) {
            self.close_network(sandbox_id);
            let id = sandbox_id.to_owned();
            self.jobs.add(Purpose::Destroy(id.clone()), move |host| destroy::destroy(host, &id).map(|()| json!({})));
        }
    }

    /// The relay's sockets would keep the network alive.
    fn close_network(&mut self, sandbox_id: &str) {
        let Some(relay) = &mut self.host.relay else { return };
        if !relay.opened.remove(sandbox_id) {
            return;
        }
        if let Err(error) = relay.send(&Notice::Close(sandbox_id.to_owned()), &[]) {
            eprintln!("isola-launcher: {error}");
            self.end_relay();
        }
    }

    /// A relay that does not listen is of no use; without one nothing leaves a sandbox.
    fn end_relay(&mut self) {
        if let Some(relay) = self.host.relay.take() {
            let _ = fork::kill(relay.pid, libc::SIGKILL);
        }
    }

    pub(super) fn removal_ended(&mut self, sandbox_id: &str, result: Result<Value>) {
        let Some(mut entry) = self.registry.remove(sandbox_id) else { return };
        if let Some(watch) = entry.watch.take() {
            self.epoll.remove(&watch);
        }
        let waiters = match std::mem::replace(&mut entry.state, State::Live) {
            State::Removing(waiters) | State::Creating(waiters) => waiters,
            State::Live => vec![],
        };
        match &result {
            Ok(_) => {
                if let Some(base) = entry.uid_base {
                    self.ids.give_back(base);
                }
            }
            // It stays known, and its ids taken: the next attempt goes on from here.
            Err(_) => self.registry.put_back(sandbox_id, entry),
        }
        for waiter in waiters {
            match waiter {
                Waiter::Reply(reply) => self.answer(reply, result.clone()),
                Waiter::FailedPrepare(reply, error) => self.answer(reply, Err::<Value, _>(error)),
                Waiter::Sweep(number) => self.sweep_progress(number, sandbox_id, result.as_ref().err()),
            }
        }
        self.clean_trash();
    }

    pub(super) fn adopted_ended(&mut self, number: u32) {
        let Some(sandbox_id) = self.registry.by_watch(number) else { return };
        if let Some(watch) = self.registry.get_mut(&sandbox_id).and_then(|entry| entry.watch.take()) {
            self.epoll.remove(&watch);
        }
        self.sandbox_ended(&sandbox_id, STATUS_UNKNOWN);
    }

    /// Pid 1 of a sandbox is gone. An end that somebody asked for is no news.
    pub(super) fn sandbox_ended(&mut self, sandbox_id: &str, status: i32) {
        let Some(entry) = self.registry.get_mut(sandbox_id) else { return };
        if std::mem::replace(&mut entry.has_exited, true) || !matches!(entry.state, State::Live) {
            return;
        }
        let fact = SandboxExited { sandbox_id: sandbox_id.to_owned(), status };
        if let Err(error) = exits::write(&self.host.state, &fact) {
            eprintln!("isola-launcher: {error}");
        }
        for connection in self.connections.values_mut() {
            connection.announce(&fact);
        }
    }
}
