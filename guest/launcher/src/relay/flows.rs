// SPDX-License-Identifier: Apache-2.0
//! Connections from their beginning to their end.

use super::flow::{Flow, Outer, Question, State};
use super::server::{MOST_IN_A_ROW, Relay};
use super::token::Token;
use super::transfer::Stopped;
use crate::sys::inet;
use isola_wire::relay::{Event, Over};
use isola_wire::to_hex;
use std::fs::File;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Instant;

/// One turn of one direction.
const TURN_BYTES: usize = 1 << 20;
/// What a ClientHello may have, and a little more, so that one that is too long can be told.
const FIRST_BYTES: usize = 16 * 1024 + 64;

impl Relay {
    pub(super) fn accept_flows(&mut self, entrance: u32, token: Token) {
        for _ in 0..MOST_IN_A_ROW {
            let Some(found) = self.entrances.get(&entrance) else { return };
            let listener = if matches!(token, Token::Ipv6(_)) { found.ipv6.as_ref() } else { Some(&found.ipv4) };
            match listener.map(TcpListener::accept) {
                Some(Ok((inner, _))) => self.begin_flow(entrance, inner),
                Some(Err(error)) if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                    self.refuse_without_descriptor(entrance, token);
                }
                _ => return,
            }
        }
    }

    /// A connection that cannot be taken would be offered again without end.
    fn refuse_without_descriptor(&mut self, entrance: u32, token: Token) {
        self.spare = None;
        if let Some(found) = self.entrances.get(&entrance) {
            let listener = if matches!(token, Token::Ipv6(_)) { found.ipv6.as_ref() } else { Some(&found.ipv4) };
            if let Some(Ok((inner, _))) = listener.map(TcpListener::accept) {
                inet::reset_on_close(&inner);
            }
        }
        self.spare = File::open("/dev/null").ok();
    }

    fn begin_flow(&mut self, entrance: u32, inner: TcpStream) {
        inet::reset_on_close(&inner);
        let destination = inner.local_addr().ok().and_then(Self::destination);
        let Some(found) = self.entrances.get_mut(&entrance) else { return };
        let (Some((address, port)), true, Ok(())) = (destination, self.control.is_some(), inner.set_nonblocking(true))
        else {
            return;
        };
        let sandbox_id = found.sandbox_id.clone();
        if found.flows.len() >= found.max_connections {
            if found.tells_refusal(Instant::now()) {
                self.tell(&Event::Refused { sandbox_id, address, port });
            }
            return;
        }
        inet::tune(&inner);
        let number = self.next_flow;
        self.next_flow = self.next_flow.wrapping_add(1);
        found.flows.insert(number);
        self.flows.insert(number, Flow::new(entrance, inner));
        self.tell(&Event::Connection { connection: number, sandbox_id, address, port });
    }

    pub(super) fn watch_inner(&mut self, number: u32) {
        let Some(flow) = self.flows.get_mut(&number) else { return };
        if !flow.is_watched {
            flow.is_watched = self.epoll.add_edges(&flow.inner, Token::Inner(number).encode()).is_ok();
        }
    }

    pub(super) fn watch_outer(&mut self, number: u32) {
        let Some(outer) = self.flows.get(&number).and_then(Flow::outer) else { return };
        if let Err(error) = self.epoll.add_edges(outer, Token::Outer(number).encode()) {
            self.end_flow(number, Over::Cut, &error.to_string());
        }
    }

    pub(super) fn flow_ready(&mut self, number: u32, token: Token, has_hung_up: bool) {
        let Some(flow) = self.flows.get(&number) else { return };
        match (&flow.state, token) {
            (State::Connecting { .. }, Token::Outer(_)) => self.connected(number),
            (State::Undecided | State::Connecting { .. }, _) => self.look(number, has_hung_up),
            (State::Open(_), Token::Inner(_)) => {
                self.look(number, has_hung_up);
                self.pump(number);
            }
            (State::Open(_), _) => self.pump(number),
            (State::Resolving(_), _) => self.resolve_on(number),
        }
    }

    /// Tells the server what there is to see, once that is more than it has, or when waiting is over.
    pub(super) fn look(&mut self, number: u32, is_over: bool) {
        let Some(flow) = self.flows.get_mut(&number) else { return };
        let Question::Watching { have_bytes, .. } = flow.question else { return };
        let mut bytes = vec![0; FIRST_BYTES];
        let (count, complete) = match inet::peek(&flow.inner, &mut bytes) {
            // It has nothing to say to whom it was let through already.
            Ok(0) if !matches!(flow.state, State::Undecided) => {
                flow.question = Question::Settled;
                return;
            }
            Ok(0) => (0, true),
            Ok(count) => (count, is_over || count == FIRST_BYTES),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (0, is_over),
            Err(error) => return self.end_flow(number, Over::Reset, &error.to_string()),
        };
        if !complete && count <= have_bytes {
            return;
        }
        flow.question = Question::Asked;
        self.tell(&Event::FirstBytes { connection: number, bytes_hex: to_hex(&bytes[..count]), complete });
    }

    fn connected(&mut self, number: u32) {
        let Some(flow) = self.flows.get_mut(&number) else { return };
        let State::Connecting { outer, .. } = &flow.state else { return };
        match outer.take_error() {
            Ok(Some(error)) | Err(error) => return self.end_flow(number, Over::Unreachable, &error.to_string()),
            Ok(None) if outer.peer_addr().is_err() => return,
            Ok(None) => {}
        }
        if let State::Connecting { outer, .. } = std::mem::replace(&mut flow.state, State::Undecided) {
            flow.state = State::Open(Outer::Network(outer));
        }
        self.pump(number);
    }

    /// Moves what can be moved now, both ways.
    pub(super) fn pump(&mut self, number: u32) {
        let now = Instant::now();
        let Some(flow) = self.flows.get_mut(&number) else { return };
        let Flow { entrance, inner, state: State::Open(outer), question, up, down, .. } = flow else { return };
        let is_settled = *question == Question::Settled;
        let mut bucket = self.entrances.get_mut(entrance).and_then(|entrance| entrance.bucket.as_mut());
        let mut share = bucket.as_mut().map(|bucket| bucket.available(now));
        let before = share;
        let upwards = if is_settled {
            up.pump(inner.as_fd(), outer.as_fd(), &mut { TURN_BYTES }, share.as_mut(), &mut self.pipes)
        } else {
            Ok(Stopped::Waits)
        };
        let moved = upwards.and_then(|first| {
            let second =
                down.pump(outer.as_fd(), inner.as_fd(), &mut { TURN_BYTES }, share.as_mut(), &mut self.pipes)?;
            Ok([first, second])
        });
        let is_over = up.is_over && down.is_over;
        let mut pause = None;
        if let (Some(bucket), Some(before), Some(after)) = (bucket, before, share) {
            bucket.spend(before - after);
            pause = Some(bucket.pause());
        }
        match moved {
            Err(error) => self.end_flow(number, Over::Reset, &error.to_string()),
            Ok(_) if is_over => self.end_flow(number, Over::Closed, ""),
            Ok(stopped) if stopped.contains(&Stopped::Yields) => self.again.push_back(number),
            Ok(stopped) if stopped.contains(&Stopped::Throttled) => {
                self.set_timer(now + pause.unwrap_or_default(), number);
            }
            Ok(_) => {}
        }
    }

    /// Ends a connection. Unless both sides had said all they wanted, both see that it broke off.
    pub(super) fn end_flow(&mut self, number: u32, over: Over, detail: &str) {
        let Some(flow) = self.flows.remove(&number) else { return };
        if flow.is_watched {
            self.epoll.remove(&flow.inner);
        }
        if let Some(outer) = flow.outer() {
            self.epoll.remove(outer);
        }
        if over == Over::Closed {
            inet::end_on_close(&flow.inner);
            if let Some(outer) = flow.outer() {
                inet::end_on_close(outer);
            }
        }
        if let Some(entrance) = self.entrances.get_mut(&flow.entrance) {
            entrance.flows.remove(&number);
        }
        self.tell(&Event::Ended {
            connection: number,
            bytes_up: flow.up.moved,
            bytes_down: flow.down.moved,
            over,
            detail: detail.to_owned(),
        });
    }
}
