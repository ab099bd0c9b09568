// SPDX-License-Identifier: Apache-2.0
use std::time::Duration;

use isola_wire::{
    AgentHello, FrameReader, FrameType, GENERATION, Header, HostAuth, HostHello, NONCE_BYTES, agent_proof, append_json,
    from_hex, is_host_proof, to_hex,
};

use super::connection::{Challenge, Connection};
use crate::agent::{Agent, VERSION};
use crate::poll::{Interest, Source};
use crate::timers::Alarm;

/// A connection must prove itself within this.
const DEADLINE: Duration = Duration::from_secs(2);
/// More connections than these do not wait for proof at once.
const MAX_GREETING: usize = 4;
/// Between attempts of a carrier that cannot connect.
pub(super) const REDIAL: Duration = Duration::from_millis(200);

impl Agent {
    /// Takes every connection that the carrier has. Those that have not proven themselves never
    /// touch the link.
    pub fn take_connections(&mut self) {
        loop {
            match self.links.carrier.connect() {
                Ok(Some(fd)) if self.greeting_count() < MAX_GREETING => self.open_connection(fd),
                Ok(Some(_one_too_many)) => {}
                Ok(None) => return,
                Err(_) => return self.pause_carrier(),
            }
            if self.links.carrier.redials() {
                return;
            }
        }
    }

    fn greeting_count(&self) -> usize {
        self.links.connections.values().filter(|one| one.live_epoch.is_none()).count()
    }

    /// Nobody answers, or we are out of descriptors: not watched for a while, so that the loop rests.
    fn pause_carrier(&mut self) {
        if let Some(listener) = self.links.carrier.listener() {
            self.poll.set(listener, Source::Carrier, Interest::Nothing);
        }
        self.timers.set(REDIAL, Alarm::Redial);
    }

    pub fn resume_carrier(&mut self) {
        if let Some(listener) = self.links.carrier.listener() {
            self.poll.set(listener, Source::Carrier, Interest::Read);
        }
        self.take_connections();
    }

    fn open_connection(&mut self, fd: std::os::fd::OwnedFd) {
        self.links.next_key += 1;
        let key = self.links.next_key;
        let mode = self.links.mode();
        let strict = mode == isola_wire::Mode::Strict;
        if self.poll.add(&fd, Source::Link(key), Interest::Read).is_err() {
            return;
        }
        // Nobody may be at the other end of a serial line yet.
        let deadline = strict.then(|| self.timers.set(DEADLINE, Alarm::LinkDeadline(key)));
        let connection = Connection {
            fd,
            reader: FrameReader::new(mode),
            outbox: super::outbox::Outbox::default(),
            challenge: None,
            live_epoch: None,
            strict,
            interest: Interest::Read,
            deadline,
            broken: false,
        };
        self.links.connections.insert(key, connection);
    }

    pub fn link_deadline(&mut self, key: u32) {
        if self.links.connections.get(&key).is_some_and(|one| one.live_epoch.is_none()) {
            self.close_connection(key);
        }
    }

    /// Answers a host's hello with our proof. False: not a hello that can be answered.
    pub(super) fn greet(connection: &mut Connection, key: &isola_wire::Key, epoch: u32, payload: &[u8]) -> bool {
        let Ok(hello) = serde_json::from_slice::<HostHello>(payload) else { return false };
        let host_nonce = hello.nonce.as_deref().and_then(from_hex::<NONCE_BYTES>);
        let (Some(host_nonce), "host", true) = (host_nonce, hello.role.as_str(), hello.generation > 0) else {
            return false;
        };
        if epoch == 0 {
            return false;
        }
        let mut agent_nonce = [0; NONCE_BYTES];
        if rustix::rand::getrandom(&mut agent_nonce, rustix::rand::GetRandomFlags::empty()) != Ok(NONCE_BYTES) {
            return false;
        }
        let answer = AgentHello {
            generation: GENERATION,
            role: "agent".to_owned(),
            nonce: to_hex(&agent_nonce),
            version: VERSION.to_owned(),
            proof: agent_proof(key, epoch, &host_nonce, &agent_nonce),
        };
        let header = Header { epoch, frame_type: FrameType::Hello, channel: 0, flags: 0, id: 0, length: 0 };
        append_json(&mut connection.outbox.control, header, &answer);
        connection.challenge = Some(Challenge { epoch, host_nonce, agent_nonce });
        if connection.strict {
            connection.reader.expect_epoch(epoch);
        }
        true
    }

    /// Checks the host's proof; a connection that holds becomes the link.
    pub(super) fn authenticate(&mut self, key: u32, epoch: u32, payload: &[u8]) -> bool {
        let Some(connection) = self.links.connections.get_mut(&key) else { return false };
        let Some(challenge) = connection.challenge.take() else { return false };
        let holds = serde_json::from_slice::<HostAuth>(payload).is_ok_and(|auth| {
            let Challenge { host_nonce, agent_nonce, .. } = &challenge;
            is_host_proof(&auth.proof, &self.links.key, epoch, host_nonce, agent_nonce)
        });
        if !holds || challenge.epoch != epoch {
            return false;
        }
        if connection.live_epoch.is_some() {
            connection.outbox.restart();
        }
        connection.live_epoch = Some(epoch);
        if let Some(deadline) = connection.deadline.take() {
            self.timers.cancel(deadline);
        }
        self.replace_link(key);
        true
    }

    fn replace_link(&mut self, key: u32) {
        let old = self.links.live.take();
        self.end_streams();
        self.links.live = Some(key);
        if let Some(old) = old.filter(|old| *old != key) {
            self.close_connection(old);
        }
    }
}
