// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::Duration;

use isola_wire::Key;
use isola_wire::agent::{BootConfig, Users};
use rustix::io::Errno;

use crate::account::Accounts;
use crate::chores::Chores;
use crate::file::Files;
use crate::link::Links;
use crate::personalise::Identity;
use crate::poll::{Interest, Poll, Ready, Source};
use crate::process::Processes;
use crate::reap::Children;
use crate::spawner::Spawner;
use crate::streams::Stream;
use crate::sudo::SudoService;
use crate::timers::{Alarm, Timers};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Pid 1 of a sandbox: one thread that never blocks, and short-lived ones for the file system.
pub struct Agent {
    pub users: Users,
    pub poll: Poll,
    pub timers: Timers,
    pub links: Links,
    /// Operations of the link that are under way, by request id.
    pub streams: BTreeMap<u32, Stream>,
    pub spawner: Spawner,
    pub children: Children,
    pub processes: Processes,
    pub files: Files,
    pub sudo: SudoService,
    pub accounts: Accounts,
    pub chores: Chores,
    /// None while this is a blank.
    pub identity: Option<Identity>,
}

impl Agent {
    pub fn new(config: &BootConfig, key: Key, spawner: Spawner, oom: Option<OwnedFd>) -> Result<Self, Errno> {
        Ok(Self {
            users: config.users,
            poll: Poll::new()?,
            timers: Timers::default(),
            links: Links::new(&config.carrier, key)?,
            streams: BTreeMap::new(),
            spawner,
            children: Children::new(oom)?,
            processes: Processes::default(),
            files: Files::new()?,
            sudo: SudoService::default(),
            accounts: Accounts::default(),
            chores: Chores::of_blank(config.users),
            identity: None,
        })
    }

    /// The event loop. Ends only when waiting itself fails.
    pub fn run(&mut self) -> Result<(), Errno> {
        self.watch_carrier()?;
        self.watch_spawner()?;
        self.poll.add(self.children.descriptor(), Source::Children, Interest::Read)?;
        self.poll.add(self.files.descriptor(), Source::Files, Interest::Read)?;
        self.take_connections();
        let mut ready = Vec::new();
        loop {
            self.flush_links();
            let patience = if self.chores.is_empty() { self.timers.until_next() } else { Some(Duration::ZERO) };
            self.poll.wait(patience, &mut ready)?;
            if ready.is_empty() {
                self.do_chore();
            }
            for one in &ready {
                self.handle(*one);
            }
            while let Some(alarm) = self.timers.take_due() {
                self.ring(alarm);
            }
        }
    }

    fn handle(&mut self, ready: Ready) {
        match ready.source {
            Source::Carrier => self.take_connections(),
            Source::Link(key) => self.link_ready(key, ready.readable),
            Source::Children => self.reap_children(),
            Source::Spawner => self.spawner_ready(),
            Source::Files => self.files_ready(),
            Source::Input(key) => self.feed(key),
            Source::Output(key) => self.output_ready(key, isola_wire::channel::OUTPUT),
            Source::Error(key) => self.output_ready(key, isola_wire::channel::ERROR),
            Source::Drain(key) => self.drain_ready(key),
            Source::SudoListener => self.take_sudo_clients(),
            Source::SudoClient(key) => self.sudo_client_ready(key),
        }
    }

    fn ring(&mut self, alarm: Alarm) {
        match alarm {
            Alarm::LinkDeadline(key) => self.link_deadline(key),
            Alarm::Redial => self.resume_carrier(),
            Alarm::ProcessTimeout(key) => self.process_timeout(key),
            Alarm::GroupKill(key, group) => self.group_kill(key, group),
            Alarm::SpawnerStuck(token) => self.spawner_stuck(token),
            Alarm::SudoDeadline(key) => self.sudo_deadline(key),
            Alarm::SudoKill(key) => self.sudo_kill(key),
        }
    }
}

/// An order must be answered within this; longer, and something holds the spawner.
pub const SPAWN_DEADLINE: Duration = Duration::from_secs(30);
