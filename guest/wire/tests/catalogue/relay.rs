// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::Empty;
use isola_wire::relay::{Action, Answer, Bounds, Cut, Decide, Event, Over, Registered, op};
use isola_wire::{FrameType, LauncherHello, relay};

use super::{Golden, json, request, success};

const ID: &str = "sb0123456789abcdefgh";

pub fn frames() -> Vec<Golden> {
    let hello =
        LauncherHello { generation: relay::GENERATION, role: "relay".into(), version: "0.1.0".into(), pid: 4243 };
    let mut frames = vec![
        json("hello-relay", FrameType::Hello, 0, 0, &hello),
        request("request-relay-list", op::LIST, 40, &Empty {}),
        success("response-relay-list", 40, &Registered { sandboxes: vec![ID.into()] }),
        request("request-relay-cut", op::CUT, 42, &Cut { sandbox_id: ID.into(), connections: Some(vec![1, 2]) }),
        request("request-relay-cut-all", op::CUT, 43, &Cut { sandbox_id: ID.into(), connections: None }),
        request("request-relay-answer", op::ANSWER, 44, &Answer { query: 7, message_hex: "0001".into() }),
    ];
    let bounds = Bounds { sandbox_id: ID.into(), max_connections: 256, bytes_per_second: Some(1 << 20) };
    frames.push(request("request-relay-bounds", op::BOUNDS, 41, &bounds));
    frames.extend(decisions());
    frames.extend(events());
    frames
}

fn decisions() -> Vec<Golden> {
    let actions = [
        ("request-relay-decide-deny", Action::Deny),
        ("request-relay-decide-wait", Action::Wait { have_bytes: 5, wait_ms: 250 }),
        ("request-relay-decide-tunnel", Action::Tunnel { address: [203, 0, 113, 7].into(), port: 443, guarded: false }),
        (
            "request-relay-decide-local",
            Action::Local { socket_path: "/data/egress.sock".into(), preface: "token".into() },
        ),
        ("request-relay-decide-dns", Action::Dns),
    ];
    actions.into_iter().map(|(name, action)| request(name, op::DECIDE, 45, &Decide { connection: 9, action })).collect()
}

fn events() -> Vec<Golden> {
    let address = [203, 0, 113, 7].into();
    let list = [
        ("event-relay-connection", Event::Connection { connection: 9, sandbox_id: ID.into(), address, port: 443 }),
        ("event-relay-first-bytes", Event::FirstBytes { connection: 9, bytes_hex: "1603".into(), complete: false }),
        ("event-relay-refused", Event::Refused { sandbox_id: ID.into(), address, port: 443 }),
        ("event-relay-dns", Event::Dns { query: 7, sandbox_id: ID.into(), stream: false, message_hex: "0001".into() }),
        (
            "event-relay-ended",
            Event::Ended { connection: 9, bytes_up: 10, bytes_down: 20, over: Over::Closed, detail: String::new() },
        ),
    ];
    list.into_iter().map(|(name, event)| json(name, FrameType::Event, 0, 0, &event)).collect()
}
