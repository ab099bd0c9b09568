// SPDX-License-Identifier: Apache-2.0
//! What the server orders.

use super::bucket::Bucket;
use super::flow::{Flow, Outer, Question, Resolving, State};
use super::server::Relay;
use crate::error::{Failed, LauncherError, Result};
use crate::serve::Request;
use crate::sys::inet;
use isola_wire::relay::{Action, Answer, Bounds, Cut, Decide, Event, Over, Registered, op};
use isola_wire::{Operation, failure_payload, from_hex_bytes, success_payload};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

/// A destination that does not answer for this long is unreachable.
const CONNECT_PATIENCE: Duration = Duration::from_secs(20);
/// The server asks for time in milliseconds, and never for more than this.
const MOST_WAIT_MS: u32 = 30_000;

impl Relay {
    pub(super) fn handle_request(&mut self, request: &Request) {
        let result = self.dispatch(&request.payload);
        let Some(control) = &mut self.control else { return };
        match result {
            Ok(value) => control.connection.respond(request.id, &success_payload(&value)),
            Err(error) => control.connection.respond(request.id, &failure_payload(&error.to_failure())),
        }
    }

    fn dispatch(&mut self, payload: &[u8]) -> Result<Value> {
        let Operation { op } = parse(payload)?;
        match &*op {
            op::LIST => {
                let sandboxes = self.entrances.values().map(|entrance| entrance.sandbox_id.clone()).collect();
                to_value(&Registered { sandboxes })
            }
            op::DECIDE => self.decide(parse(payload)?),
            op::BOUNDS => self.set_bounds(&parse(payload)?),
            op::CUT => self.cut(&parse(payload)?),
            op::ANSWER => self.answer(&parse(payload)?),
            unknown => Err(LauncherError::UnknownOperation { op: unknown.to_owned() }),
        }
    }

    /// A decision about a connection that is gone by now is no mistake of the server's.
    fn decide(&mut self, Decide { connection, action }: Decide) -> Result<Value> {
        let Some(flow) = self.flows.get_mut(&connection) else { return Ok(json!({ "known": false })) };
        if flow.question == Question::Settled {
            return Err(LauncherError::request(format!("connection {connection} was decided already")));
        }
        let is_begun = !matches!(flow.state, State::Undecided);
        match action {
            Action::Deny => self.end_flow(connection, Over::Denied, ""),
            Action::Wait { have_bytes, wait_ms } => {
                let until = Instant::now() + Duration::from_millis(wait_ms.min(MOST_WAIT_MS).into());
                flow.question = Question::Watching { have_bytes: have_bytes as usize, until: Some(until) };
                self.set_timer(until, connection);
                self.watch_inner(connection);
                self.look(connection, false);
            }
            Action::Tunnel { .. } if is_begun => {
                flow.question = Question::Settled;
                self.pump(connection);
            }
            Action::Tunnel { address, port, guarded } => {
                flow.question =
                    if guarded { Question::Watching { have_bytes: 0, until: None } } else { Question::Settled };
                self.tunnel(connection, SocketAddr::new(address, port));
            }
            // Two sides have talked already, and the proxy would be a third.
            Action::Local { .. } if is_begun && flow.down.moved > 0 => {
                self.end_flow(connection, Over::Cut, "it was answered before it spoke");
            }
            Action::Local { socket_path, preface } => {
                flow.question = Question::Settled;
                self.hand_over(connection, Path::new(&socket_path), &preface);
            }
            Action::Dns => {
                flow.question = Question::Settled;
                flow.state = State::Resolving(Resolving::default());
                self.watch_inner(connection);
                self.resolve_on(connection);
            }
        }
        Ok(json!({ "known": true }))
    }

    fn tunnel(&mut self, connection: u32, address: SocketAddr) {
        match inet::begin_connect(address) {
            Ok(outer) => {
                inet::tune(&outer);
                inet::reset_on_close(&outer);
                let until = Instant::now() + CONNECT_PATIENCE;
                self.open(connection, |_| State::Connecting { outer, until });
                self.set_timer(until, connection);
            }
            Err(error) => self.end_flow(connection, Over::Unreachable, &error.to_string()),
        }
    }

    fn hand_over(&mut self, connection: u32, path: &Path, preface: &str) {
        let connected = inet::connect_unix(path).and_then(|mut stream| {
            stream.write_all(format!("{preface}\n").as_bytes())?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => {
                self.open(connection, |_| State::Open(Outer::Server(stream)));
                self.pump(connection);
            }
            Err(error) => self.end_flow(connection, Over::Unreachable, &error.to_string()),
        }
    }

    fn open(&mut self, connection: u32, state: impl FnOnce(&Flow) -> State) {
        let Some(flow) = self.flows.get_mut(&connection) else { return };
        if let Some(outer) = flow.outer() {
            self.epoll.remove(outer);
        }
        flow.state = state(flow);
        self.watch_outer(connection);
        self.watch_inner(connection);
    }

    fn set_bounds(&mut self, bounds: &Bounds) -> Result<Value> {
        let now = Instant::now();
        let entrance = self.entrance_of(&bounds.sandbox_id)?;
        entrance.max_connections = bounds.max_connections as usize;
        entrance.bucket = bounds.bytes_per_second.map(|bytes| Bucket::new(bytes.max(1), now));
        Ok(json!({}))
    }

    fn cut(&mut self, cut: &Cut) -> Result<Value> {
        let entrance = self.entrance_of(&cut.sandbox_id)?;
        let flows: Vec<u32> = match &cut.connections {
            None => entrance.flows.iter().copied().collect(),
            Some(some) => some.iter().copied().filter(|number| entrance.flows.contains(number)).collect(),
        };
        for number in flows {
            self.end_flow(number, Over::Cut, "the policy changed");
        }
        Ok(json!({}))
    }

    fn answer(&mut self, answer: &Answer) -> Result<Value> {
        let message = from_hex_bytes(&answer.message_hex)
            .filter(|message| message.len() <= usize::from(u16::MAX))
            .ok_or_else(|| LauncherError::request("messageHex is no message in hex"))?;
        self.send_answer(answer.query, &message);
        Ok(json!({}))
    }

    fn entrance_of(&mut self, sandbox_id: &str) -> Result<&mut super::entrance::Entrance> {
        self.entrances
            .values_mut()
            .find(|entrance| entrance.sandbox_id == sandbox_id)
            .ok_or_else(|| LauncherError::SandboxNotFound { sandbox_id: sandbox_id.to_owned() })
    }

    pub(super) fn tell(&mut self, event: &Event) {
        if let Some(control) = &mut self.control {
            control.connection.announce(event);
        }
    }

    /// The address that somebody inside wants to reach, if it leads out at all.
    pub(super) fn destination(address: SocketAddr) -> Option<(IpAddr, u16)> {
        // Whoever connects to our port on the loopback did not mean anybody else.
        (!address.ip().is_loopback()).then_some((address.ip(), address.port()))
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(payload: &'a [u8]) -> Result<T> {
    serde_json::from_slice(payload).map_err(|error| LauncherError::request(format!("parse request: {error}")))
}

fn to_value(result: &impl Serialize) -> Result<Value> {
    serde_json::to_value(result).map_err(std::io::Error::other).failed("write", "answer")
}
