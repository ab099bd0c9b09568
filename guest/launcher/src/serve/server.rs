// SPDX-License-Identifier: Apache-2.0
use super::connection::{Connection, Me};
use super::creates::{Creates, SeatEvent};
use super::jobs::{Jobs, Purpose};
use super::registry::{Registry, Reply};
use super::sweeps::Sweeps;
use super::token::Token;
use crate::create::Answer;
use crate::destroy;
use crate::error::{Failed, LauncherError, Result};
use crate::host::Host;
use crate::network::NetworkPool;
use crate::sys::epoll::Epoll;
use crate::sys::{fork, identity, signals, socket};
use crate::users::IdPool;
use isola_wire::{failure_payload, launcher, success_payload};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;

/// Stocks are filled up when nothing has happened for this long, so that filling never competes with a create.
const QUIET_MS: i32 = 10;

const LAUNCHER: Me = Me { role: "launcher", generation: launcher::GENERATION };

/// Far more than can end between the birth of a pid 1 and the answer of its seat.
const MOST_STRANGERS: usize = 256;

/// Everything the loop knows. Its methods are spread over this folder by subject.
pub struct Server {
    pub host: Host,
    pub epoll: Epoll,
    pub listener: UnixListener,
    pub signals: OwnedFd,
    pub connections: BTreeMap<u32, Connection>,
    pub next_connection: u32,
    pub creates: Creates,
    pub networks: NetworkPool,
    pub jobs: Jobs,
    pub sweeps: Sweeps,
    pub registry: Registry,
    pub ids: IdPool,
    /// Children that ended before it was known what they were: a sandbox may be shorter-lived than its create.
    pub strangers: VecDeque<(i32, i32)>,
    /// Set once: no new work is taken, and the loop ends when the old is done.
    pub is_ending: bool,
}

impl Server {
    /// Runs until the launcher is told to end and nothing is under way.
    pub fn run(&mut self) -> Result<()> {
        loop {
            self.start_jobs();
            self.start_creates();
            self.flush_all();
            if self.is_ending && self.jobs.is_idle() && self.creates.is_idle() {
                return Ok(());
            }
            let wants_stock = !self.is_ending && (self.creates.missing_seats() > 0 || self.networks.is_short());
            let ready = self.epoll.wait(if wants_stock { QUIET_MS } else { -1 }).failed("wait for", "events")?;
            if ready.is_empty() && wants_stock && self.creates.is_idle() {
                self.fill_stocks();
            }
            for event in ready {
                if let Some(token) = Token::decode(event.token) {
                    self.handle(token, event.readable)?;
                }
            }
        }
    }

    fn handle(&mut self, token: Token, is_readable: bool) -> Result<()> {
        match token {
            Token::Listener => self.accept(),
            Token::Signals => self.receive_signals(),
            Token::Networks => self.receive_networks()?,
            Token::Connection(number) if is_readable => self.receive_requests(number),
            Token::Connection(_) => {}
            Token::Seat(number) => self.receive_from_seat(number),
            Token::Job(number) => self.receive_from_job(number),
            Token::Adopted(number) => self.adopted_ended(number),
        }
        Ok(())
    }

    fn accept(&mut self) {
        let Ok((stream, _)) = self.listener.accept() else { return };
        let is_ours = socket::peer_user_id(&stream).is_ok_and(|peer| peer == 0 || peer == identity::user_id());
        if !is_ours || stream.set_nonblocking(true).is_err() {
            return;
        }
        let number = self.next_connection;
        self.next_connection = self.next_connection.wrapping_add(1);
        if self.epoll.add(&stream, Token::Connection(number).encode()).is_ok() {
            self.connections.insert(number, Connection::new(stream, LAUNCHER));
        }
    }

    fn receive_requests(&mut self, number: u32) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        match connection.receive() {
            Ok(requests) => {
                for request in requests {
                    self.handle_request(number, &request);
                }
            }
            Err(_) => self.close_connection(number),
        }
    }

    fn close_connection(&mut self, number: u32) {
        if let Some(connection) = self.connections.remove(&number) {
            self.epoll.remove(&connection.stream);
        }
    }

    fn flush_all(&mut self) {
        let mut broken = Vec::new();
        for (number, connection) in &mut self.connections {
            let token = Token::Connection(*number).encode();
            match connection.flush() {
                Ok(has_more) => drop(self.epoll.watch_writable(&connection.stream, token, has_more)),
                Err(_) => broken.push(*number),
            }
        }
        for number in broken {
            self.close_connection(number);
        }
    }

    fn receive_signals(&mut self) {
        while let Some(signal) = signals::next(&self.signals) {
            if signal != libc::SIGCHLD {
                self.is_ending = true;
            }
        }
        while let Some((pid, status)) = fork::reap_any() {
            self.host.relay.take_if(|relay| relay.pid == pid);
            match self.registry.by_pid(pid) {
                Some(sandbox_id) => self.sandbox_ended(&sandbox_id, status),
                None => self.remember_stranger(pid, status),
            }
        }
    }

    fn remember_stranger(&mut self, pid: i32, status: i32) {
        if self.strangers.len() == MOST_STRANGERS {
            self.strangers.pop_front();
        }
        self.strangers.push_back((pid, status));
    }

    fn receive_networks(&mut self) -> Result<()> {
        match self.networks.receive() {
            // Without its maker the launcher is of no use; another one can be started in its place.
            Err(error) if self.networks.is_broken() => Err(error),
            Err(error) => {
                self.fail_waiting(&error);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn receive_from_seat(&mut self, number: u32) {
        match self.creates.receive(number) {
            SeatEvent::Nothing => {}
            SeatEvent::Done(underway, result, name) => {
                if !matches!(result, Ok(Answer::Made(_))) {
                    self.remove_seat(name);
                }
                self.create_ended(underway, result);
            }
            SeatEvent::Lost(name) => self.remove_seat(name),
        }
    }

    /// Removes what was made ahead and is of no use any more.
    pub fn remove_seat(&mut self, name: String) {
        self.jobs.add(Purpose::Background, move |host| destroy::destroy(host, &name).map(|()| Value::Null));
    }

    fn start_jobs(&mut self) {
        while let Some((purpose, started)) = self.jobs.start_next(&self.host) {
            match started {
                Ok(number) => {
                    if let Some(pipe) = self.jobs.pipe(number) {
                        let _ = self.epoll.add(pipe, Token::Job(number).encode());
                    }
                }
                Err(error) => self.job_ended(purpose, Err(error)),
            }
        }
    }

    fn receive_from_job(&mut self, number: u32) {
        if let Some((purpose, result)) = self.jobs.receive(number) {
            self.job_ended(purpose, result);
        }
    }

    fn job_ended(&mut self, purpose: Purpose, result: Result<Value>) {
        match purpose {
            Purpose::Answer(reply) => self.answer(reply, result),
            Purpose::Network(reply, sandbox_id) => {
                if let (Err(_), Some(relay)) = (&result, &mut self.host.relay) {
                    relay.opened.remove(&sandbox_id);
                }
                self.answer(reply, result);
            }
            Purpose::Destroy(sandbox_id) => self.removal_ended(&sandbox_id, result),
            Purpose::Background => {
                match result {
                    Ok(_) => self.clean_trash(),
                    // Not tried again until there is new trash: it would fail again.
                    Err(error) => eprintln!("isola-launcher: {error}"),
                }
            }
        }
    }

    /// Removes in the background what was too large to remove at once.
    pub fn clean_trash(&mut self) {
        if destroy::has_trash(&self.host.state) && !self.jobs.has_background() {
            self.jobs.add(Purpose::Background, |host| destroy::clean_trash(&host.state).map(|()| Value::Null));
        }
    }

    pub fn answer(&mut self, reply: Reply, result: Result<impl Serialize>) {
        let Some(connection) = self.connections.get_mut(&reply.connection) else { return };
        match result {
            Ok(result) => connection.respond(reply.request, &success_payload(&result)),
            Err(error) => connection.respond(reply.request, &failure_payload(&error.to_failure())),
        }
    }

    fn fill_stocks(&mut self) {
        if self.networks.order(0).is_err() {
            return;
        }
        for _ in 0..self.creates.missing_seats() {
            if let Err(error) = self.add_seat() {
                eprintln!("isola-launcher: {error}");
                return;
            }
        }
    }

    pub fn add_seat(&mut self) -> Result<(), LauncherError> {
        let number = self.creates.add_seat(&self.host)?;
        match self.creates.channel(number) {
            Some(channel) => self.epoll.add(channel.as_fd(), Token::Seat(number).encode()).failed("watch", "seat"),
            None => Ok(()),
        }
    }
}
