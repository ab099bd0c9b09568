// SPDX-License-Identifier: Apache-2.0
use super::entrance::{Entrance, Notice};
use super::flow::{Flow, State};
use super::names::Questions;
use super::token::Token;
use super::transfer::Pipes;
use crate::error::{Failed, Result};
use crate::serve::{Connection, Me};
use crate::sys::epoll::Epoll;
use crate::sys::{identity, socket};
use isola_wire::relay::{self, Over};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::time::Instant;

/// The server's connection, of which there is one: a new one takes the place of the old.
pub struct Control {
    pub number: u32,
    pub connection: Connection,
}

/// Everything the loop knows.
pub struct Relay {
    pub epoll: Epoll,
    pub launcher: OwnedFd,
    pub listener: UnixListener,
    pub control: Option<Control>,
    pub next_control: u32,
    pub entrances: BTreeMap<u32, Entrance>,
    pub next_entrance: u32,
    pub flows: BTreeMap<u32, Flow>,
    pub next_flow: u32,
    pub questions: Questions,
    pub pipes: Pipes,
    /// Flows with more to move, each of which had its turn.
    pub again: VecDeque<u32>,
    /// Moments at which a flow has to be looked at; a flow may be gone or changed by then.
    pub timers: BinaryHeap<Reverse<(Instant, u32)>>,
    /// Held so that a connection can be refused when no descriptor is left.
    pub spare: Option<File>,
}

const RELAY: Me = Me { role: "relay", generation: relay::GENERATION };
/// Accepted, or questions read, before others have their turn.
pub const MOST_IN_A_ROW: usize = 64;

impl Relay {
    /// Runs until the launcher is gone.
    pub fn run(&mut self) -> Result<()> {
        loop {
            self.flush_control();
            let patience = if self.again.is_empty() { self.until_timer() } else { 0 };
            for event in self.epoll.wait(patience).failed("wait for", "events")? {
                let Some(token) = Token::decode(event.token) else { continue };
                if token == Token::Launcher {
                    if !self.receive_notices()? {
                        return Ok(());
                    }
                } else {
                    self.handle(token, event.hung_up);
                }
            }
            self.ring_due();
            for number in std::mem::take(&mut self.again) {
                self.pump(number);
            }
        }
    }

    fn handle(&mut self, token: Token, has_hung_up: bool) {
        match token {
            Token::Launcher => {}
            Token::Listener => self.accept_server(),
            Token::Control(number) => self.receive_requests(number),
            Token::Ipv4(entrance) | Token::Ipv6(entrance) => self.accept_flows(entrance, token),
            Token::Resolver(entrance) => self.receive_questions(entrance),
            Token::Inner(number) | Token::Outer(number) => self.flow_ready(number, token, has_hung_up),
        }
    }

    /// Takes in entrances. False when the launcher has ended.
    fn receive_notices(&mut self) -> Result<bool> {
        loop {
            let mut bytes = [0; 256];
            let (count, descriptors) = match socket::receive_with(&self.launcher, &mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.raw_os_error() == Some(libc::ECONNRESET) => return Ok(false),
                other => other.failed("receive from", "launcher")?,
            };
            if count == 0 {
                return Ok(false);
            }
            match serde_json::from_slice(&bytes[..count]) {
                Ok(Notice::Open(sandbox_id)) => {
                    self.close_entrance(&sandbox_id);
                    match Entrance::new(sandbox_id, descriptors).and_then(|entrance| self.add_entrance(entrance)) {
                        Ok(()) => {}
                        Err(error) => eprintln!("isola-relay: {error}"),
                    }
                }
                Ok(Notice::Close(sandbox_id)) => self.close_entrance(&sandbox_id),
                Err(error) => eprintln!("isola-relay: parse notice: {error}"),
            }
        }
    }

    fn add_entrance(&mut self, entrance: Entrance) -> Result<()> {
        let number = self.next_entrance;
        self.next_entrance = self.next_entrance.wrapping_add(1);
        self.epoll.add(&entrance.ipv4, Token::Ipv4(number).encode()).failed("watch", "entrance")?;
        if let Some(listener) = &entrance.ipv6 {
            self.epoll.add(listener, Token::Ipv6(number).encode()).failed("watch", "entrance")?;
        }
        self.epoll.add(&entrance.resolver, Token::Resolver(number).encode()).failed("watch", "resolver")?;
        self.entrances.insert(number, entrance);
        Ok(())
    }

    fn close_entrance(&mut self, sandbox_id: &str) {
        let Some(number) =
            self.entrances.iter().find(|(_, entrance)| entrance.sandbox_id == sandbox_id).map(|(number, _)| *number)
        else {
            return;
        };
        let flows: Vec<u32> = self.entrances[&number].flows.iter().copied().collect();
        for flow in flows {
            self.end_flow(flow, Over::Cut, "the sandbox is gone");
        }
        self.questions.forget_entrance(number);
        if let Some(entrance) = self.entrances.remove(&number) {
            self.epoll.remove(&entrance.ipv4);
            if let Some(listener) = &entrance.ipv6 {
                self.epoll.remove(listener);
            }
            self.epoll.remove(&entrance.resolver);
        }
    }

    fn accept_server(&mut self) {
        let Ok((stream, _)) = self.listener.accept() else { return };
        let is_ours = socket::peer_user_id(&stream).is_ok_and(|peer| peer == 0 || peer == identity::user_id());
        if !is_ours || stream.set_nonblocking(true).is_err() {
            return;
        }
        self.drop_control("another server took over");
        let number = self.next_control;
        self.next_control = self.next_control.wrapping_add(1);
        if self.epoll.add(&stream, Token::Control(number).encode()).is_ok() {
            self.control = Some(Control { number, connection: Connection::new(stream, RELAY) });
        }
    }

    /// Without a server nobody can decide, and nobody can take a decision back: nothing passes any more.
    fn drop_control(&mut self, why: &str) {
        let Some(control) = self.control.take() else { return };
        self.epoll.remove(&control.connection.stream);
        for number in self.flows.keys().copied().collect::<Vec<_>>() {
            self.end_flow(number, Over::Cut, why);
        }
        self.questions.forget_all();
        for entrance in self.entrances.values_mut() {
            entrance.questions = 0;
        }
    }

    fn receive_requests(&mut self, number: u32) {
        let Some(control) = self.control.as_mut().filter(|control| control.number == number) else { return };
        match control.connection.receive() {
            Ok(requests) => {
                for request in &requests {
                    self.handle_request(request);
                }
            }
            Err(_) => self.drop_control("the server is gone"),
        }
    }

    fn flush_control(&mut self) {
        let Some(control) = &mut self.control else { return };
        let token = Token::Control(control.number).encode();
        match control.connection.flush() {
            Ok(has_more) => drop(self.epoll.watch_writable(&control.connection.stream, token, has_more)),
            Err(_) => self.drop_control("the server is gone"),
        }
    }

    pub(super) fn set_timer(&mut self, at: Instant, number: u32) {
        self.timers.push(Reverse((at, number)));
    }

    fn until_timer(&self) -> i32 {
        self.timers.peek().map_or(-1, |Reverse((at, _))| {
            let left = at.saturating_duration_since(Instant::now());
            i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
        })
    }

    fn ring_due(&mut self) {
        let now = Instant::now();
        while self.timers.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((_, number))) = self.timers.pop() else { return };
            let Some(flow) = self.flows.get(&number) else { continue };
            let is_due = flow.deadline().is_some_and(|until| until <= now);
            match flow.state {
                State::Connecting { .. } if is_due => {
                    self.end_flow(number, Over::Unreachable, "it did not answer in time");
                }
                State::Resolving(_) => {
                    self.forget_old_questions(now);
                    self.resolve_on(number);
                }
                State::Open(_) if !is_due => self.pump(number),
                _ if is_due => self.look(number, true),
                _ => {}
            }
        }
    }
}
