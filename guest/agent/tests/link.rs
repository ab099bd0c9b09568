// SPDX-License-Identifier: Apache-2.0
//! The way to the host: who may speak, what is refused, how a link is replaced.
mod support;

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use isola_wire::{FrameType, HostHello};
use serde_json::json;
use support::{AgentProcess, Host, personality, ready};

#[test]
fn a_wrong_proof_is_hung_up_on_and_leaves_the_link_alone() {
    let (agent, mut host) = ready();
    let mut stranger = Host::greet(&agent.socket());
    stranger.prove(&[8; 32]);
    assert!(stranger.is_hung_up());
    assert_eq!(host.shell("echo still").text(), "still\n");
}

#[test]
fn a_request_before_the_proof_is_hung_up_on() {
    let (agent, mut host) = ready();
    let mut stranger = Host::greet(&agent.socket());
    stranger.request("agent.info", &json!({}));
    assert!(stranger.is_hung_up());
    assert_eq!(host.shell("echo still").text(), "still\n");
}

#[test]
fn a_proof_of_another_connection_proves_nothing() {
    let agent = AgentProcess::start();
    let mut first = Host::greet(&agent.socket());
    let mut second = Host::greet(&agent.socket());
    std::mem::swap(&mut first.challenge, &mut second.challenge);
    first.prove(&support::KEY);
    assert!(first.is_hung_up());
}

#[test]
fn hellos_without_sense_are_hung_up_on() {
    let agent = AgentProcess::start();
    let nonce = Some("9".repeat(64));
    for (epoch, hello) in [
        (0, HostHello { generation: 1, role: "host".into(), nonce: nonce.clone() }),
        (5, HostHello { generation: 0, role: "host".into(), nonce: nonce.clone() }),
        (5, HostHello { generation: 1, role: "agent".into(), nonce }),
        (5, HostHello { generation: 1, role: "host".into(), nonce: Some("12".into()) }),
        (5, HostHello { generation: 1, role: "host".into(), nonce: None }),
    ] {
        let mut stranger = Host::silent(&agent.socket());
        stranger.epoch = epoch;
        stranger.send_json(FrameType::Hello, 0, &hello);
        assert!(stranger.is_hung_up(), "{hello:?} in epoch {epoch}");
    }
}

#[test]
fn malformed_bytes_end_only_the_connection_that_sent_them() {
    let (agent, mut host) = ready();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../protocol/golden/malformed");
    for file in std::fs::read_dir(folder).expect("golden files") {
        let text = std::fs::read_to_string(file.expect("file").path()).expect("read");
        let golden: serde_json::Value = serde_json::from_str(&text).expect("parse");
        // A first frame may be of any epoch.
        if golden["error"] != "epoch" {
            let mut stranger = UnixStream::connect(agent.socket()).expect("connect");
            stranger.write_all(&hex(golden["hex"].as_str().expect("hex"))).expect("write");
            assert!(Host::wrap(stranger).is_hung_up(), "{}", golden["name"]);
        }
    }
    assert_eq!(host.shell("echo still").text(), "still\n");
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn frames_against_the_protocol_end_the_link() {
    let agent = AgentProcess::start();
    type Send = fn(&mut Host);
    let breaches: [(&str, Send); 8] = [
        ("a request without an id", |host| host.send(FrameType::Request, 0, 0, b"{}")),
        ("credit of three bytes", |host| host.send(FrameType::Credit, 1, 1, b"abc")),
        ("data towards the host", |host| host.send(FrameType::Data, 1, 1, b"x")),
        ("a response", |host| host.send(FrameType::Response, 0, 1, b"{}")),
        ("an event", |host| host.send(FrameType::Event, 0, 1, b"{}")),
        ("a second hello", |host| host.send(FrameType::Hello, 0, 0, b"{}")),
        ("a ping of three bytes", |host| host.send(FrameType::Ping, 0, 0, b"abc")),
        ("another epoch", |host| {
            host.epoch += 1;
            host.send(FrameType::Ping, 0, 0, b"12345678");
        }),
    ];
    for (name, send) in breaches {
        let mut host = agent.connect();
        send(&mut host);
        assert!(host.is_hung_up(), "{name}");
    }
}

#[test]
fn requests_without_sense_are_answered_and_do_no_harm() {
    let (_agent, mut host) = ready();
    for payload in
        [&b"{}"[..], b"[]", b"{\"op\":1}", b"not json", b"\xff\xfe", b"{\"op\":\"process.start\",\"argv\":5}"]
    {
        let id = host.new_id();
        host.send(FrameType::Request, 0, id, payload);
        assert_eq!(host.response(id).expect_err("refused").code, "request.invalid");
    }
    assert_eq!(host.call("coffee.make", &json!({})).expect_err("unknown").code, "request.unknown_operation");
    // Frames for operations that do not exist, or exist no longer, are nobody's.
    host.send(FrameType::Data, 0, 4_000_000, b"x");
    host.send(FrameType::End, 0, 4_000_000, &[]);
    host.grant(4_000_000, 1, 5);
    host.send(FrameType::Cancel, 0, 4_000_000, &[]);
    assert_eq!(host.shell("echo still").text(), "still\n");
}

#[test]
fn a_new_link_takes_over_and_processes_live_on() {
    let (agent, mut old) = ready();
    let line = "trap 'exit 4' TERM; head -c 5000000 /dev/zero; touch written; while :; do sleep 0.02; done";
    let id = old.start("lives", &["sh", "-c", line], &json!({}));
    old.response(id).expect("start");
    let mut new = agent.connect();
    let list = new.call("process.list", &json!({})).expect("list");
    assert_eq!(list["processes"][0]["processId"], "lives");
    assert!(old.is_hung_up());
    // Its output has no reader any more: it is drained, so that it does not stand still.
    let written = agent.directory.join("written");
    let deadline = std::time::Instant::now() + support::PATIENCE;
    while !written.exists() {
        assert!(std::time::Instant::now() < deadline, "the process stands still");
        std::thread::sleep(Duration::from_millis(10));
    }
    let wish = json!({"processId": "lives", "signal": "SIGTERM", "target": "process"});
    new.call("process.signal", &wish).expect("signal");
    while new.call("process.list", &json!({})).expect("list")["processes"] != json!([]) {
        assert!(std::time::Instant::now() < deadline, "the process does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Ids of the old link mean nothing on the new one.
    assert_eq!(new.run(&["echo", "new"], &json!({})).text(), "new\n");
}

#[test]
fn a_host_that_comes_back_finds_everything_as_it_was() {
    let (agent, mut host) = ready();
    let id = host.start("stays", &["sleep", "60"], &json!({}));
    host.response(id).expect("start");
    drop(host);
    let mut host = agent.connect();
    let info = host.call("agent.info", &json!({})).expect("info");
    assert_eq!((info["personalised"].as_bool(), info["processes"].as_u64()), (Some(true), Some(1)));
}

#[test]
fn connections_that_prove_nothing_are_few_and_short() {
    let (agent, mut host) = ready();
    let mut silent: Vec<Host> = (0..4).map(|_| Host::silent(&agent.socket())).collect();
    let started = std::time::Instant::now();
    let mut fifth = Host::silent(&agent.socket());
    assert!(fifth.is_hung_up(), "only four may wait");
    assert!(started.elapsed() < Duration::from_millis(1500));
    assert_eq!(host.shell("echo still").text(), "still\n");
    assert!(silent.iter_mut().all(Host::is_hung_up), "and those not for long");
    assert!(started.elapsed() < Duration::from_secs(4));
    drop(host);
    assert_eq!(agent.connect().shell("echo again").text(), "again\n");
}

#[test]
fn a_host_that_asks_and_never_reads_does_not_make_the_agent_grow() {
    let (agent, mut host) = ready();
    host.stream.set_write_timeout(Some(Duration::from_millis(500))).expect("time limit");
    let frame = {
        let payload = serde_json::to_vec(&json!({"op": "agent.info"})).expect("json");
        let header = isola_wire::Header {
            epoch: host.epoch,
            frame_type: FrameType::Request,
            channel: 0,
            flags: 0,
            id: 99,
            length: 0,
        };
        let mut bytes = Vec::new();
        isola_wire::append_frame(&mut bytes, header, &payload);
        bytes.repeat(1000)
    };
    let mut sent = 0;
    while host.stream.write_all(&frame).is_ok() {
        sent += 1;
        assert!(sent < 1000, "the agent listens without end");
    }
    assert!(agent.memory_kb("RssAnon") < 12 * 1024, "{} kB", agent.memory_kb("RssAnon"));
    drop(host);
    assert_eq!(agent.connect().shell("echo well").text(), "well\n");
}

#[test]
fn an_agent_that_dials_comes_back_when_the_connection_is_lost() {
    let path = std::env::temp_dir().join(format!("isola-dial-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let address = format!("unix:{}", path.display());
    // Nobody listens yet.
    let agent = AgentProcess::start_with(json!({"type": "dial", "address": address}), &[]);
    std::thread::sleep(Duration::from_millis(300));
    let listener = UnixListener::bind(&path).expect("listen");
    let mut host = Host::over(listener.accept().expect("dialled").0);
    host.call("personalise", &personality(&agent.workdir())).expect("personalise");
    drop(host);
    let mut host = Host::over(listener.accept().expect("dialled again").0);
    assert_eq!(host.shell("echo dialled").text(), "dialled\n");
    std::fs::remove_file(&path).expect("clean up");
}
