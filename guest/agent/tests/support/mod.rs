// SPDX-License-Identifier: Apache-2.0
//! A host for tests: starts the agent as an ordinary process and speaks to it as the server does.
// Each test file uses a part of it.
#![allow(dead_code, unused_imports)]

mod agent_process;
mod files;
mod host;
mod inside;
mod run;

pub use agent_process::{AgentProcess, KEY, private_kb};
pub use files::code;
pub use host::{Host, PATIENCE};
pub use inside::Sandbox;
pub use run::{Outcome, exit_of, spec};

use serde_json::{Value, json};

/// What turns a blank into a sandbox in these tests.
pub fn personality(workdir: &str) -> Value {
    json!({
        "hostname": "box", "machineIdHex": "0123456789abcdef0123456789abcdef", "env": {"SHARED": "yes"},
        "workdir": workdir, "user": "user", "sudo": false, "users": "range", "seedHex": "5".repeat(64),
        "rlimits": {},
    })
}

/// An agent that is personalised already, its working directory, and the link to it.
pub fn ready() -> (AgentProcess, Host) {
    let agent = AgentProcess::start();
    let mut host = agent.connect();
    host.call("personalise", &personality(&agent.workdir())).expect("personalise");
    (agent, host)
}
