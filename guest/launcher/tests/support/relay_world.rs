// SPDX-License-Identifier: Apache-2.0
//! A network of a sandbox with the relay at its end, and the test as the server that decides.

use super::{Client, Launcher, RunAs, inside, is_root, prepare_request};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

pub const PATIENCE: Duration = Duration::from_secs(20);

/// A sandbox whose connections arrive at the relay, and the test as the server that decides.
pub struct World {
    pub launcher: Launcher,
    pub sandbox: Value,
    pub server: Client,
}

impl World {
    fn new(name: &str, run_as: RunAs) -> Self {
        let launcher = Launcher::start(name, run_as);
        let sandbox = launcher.client().call("prepare", prepare_request(&launcher, "a1")).expect_ok();
        launcher.client().call("network", json!({ "sandboxId": "a1" })).expect_ok();
        let server = launcher.relay_client();
        Self { launcher, sandbox, server }
    }

    pub fn connect(&self, address: &str) -> TcpStream {
        let address: SocketAddr = address.parse().expect("an address");
        let stream = inside(&self.sandbox, || TcpStream::connect(address)).expect("the relay accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("set a time limit");
        stream
    }

    /// The next event, which is of this kind.
    pub fn event(&mut self, kind: &str) -> Value {
        let event = self.server.next_event();
        assert_eq!(event["event"], kind, "{event}");
        event
    }

    /// Decides about the connection that the next event tells of.
    pub fn decide(&mut self, decision: Value) -> u64 {
        let connection = self.event("connection")["connection"].as_u64().expect("a number");
        self.decide_on(connection, decision);
        connection
    }

    pub fn decide_on(&mut self, connection: u64, mut decision: Value) {
        decision["connection"] = json!(connection);
        self.server.call("decide", decision).expect_ok();
    }

    pub fn tunnel_to(&mut self, listener: &TcpListener) -> TcpStream {
        let address = listener.local_addr().expect("own address");
        self.decide(json!({ "action": "tunnel", "address": address.ip(), "port": address.port(), "guarded": false }));
        let (outer, _) = listener.accept().expect("the relay connects");
        outer.set_read_timeout(Some(PATIENCE)).expect("set a time limit");
        outer
    }
}

pub fn local_listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("listen")
}

pub fn is_broken_off(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::ConnectionReset)
}

/// As root and without: the same promises.
pub fn everywhere(name: &str, test: impl Fn(World)) {
    if !is_root(name) {
        return;
    }
    test(World::new(&format!("{name}r"), RunAs::Root));
    test(World::new(&format!("{name}u"), RunAs::SingleUser));
}

/// The process beside the launcher that is called with `relay`.
pub fn relay_pid(launcher: &Launcher) -> Option<i32> {
    let children = format!("/proc/{0}/task/{0}/children", launcher.pid());
    let text = std::fs::read_to_string(children).ok()?;
    text.split_whitespace().find_map(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        line.split(|byte| *byte == 0).nth(1).filter(|word| *word == b"relay")?;
        pid.parse().ok()
    })
}
