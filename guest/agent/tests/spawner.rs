// SPDX-License-Identifier: Apache-2.0
//! What happens when the process that starts processes dies, and what an idle agent costs.
mod support;

use std::time::{Duration, Instant};

use isola_wire::FrameType;
use serde_json::json;
use support::ready;

#[test]
fn a_dead_spawner_is_replaced_and_running_processes_do_not_notice() {
    let (agent, mut host) = ready();
    let id = host.start("lives", &["sh", "-c", "read line; echo got $line"], &json!({"stdin": true}));
    host.response(id).expect("start");
    for _ in 0..3 {
        let spawner = agent.children("spawner");
        assert_eq!(spawner.len(), 1);
        // SAFETY: signals a process that this test's agent has started and not yet reaped.
        assert_eq!(unsafe { libc::kill(spawner[0], libc::SIGKILL) }, 0);
        let deadline = Instant::now() + support::PATIENCE;
        while agent.children("spawner") == spawner || agent.children("spawner").is_empty() {
            assert!(Instant::now() < deadline, "no new spawner");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(host.shell("echo again").text(), "again\n");
    }
    host.send(FrameType::Data, 0, id, b"input\n");
    assert_eq!(host.finish(id, 0).text(), "got input\n");
}

#[test]
fn an_order_that_a_dying_spawner_had_is_answered() {
    let (agent, mut host) = ready();
    let spawner = agent.children("spawner")[0];
    // SAFETY: as above; a stopped spawner takes no orders.
    assert_eq!(unsafe { libc::kill(spawner, libc::SIGSTOP) }, 0);
    let id = host.start("lost", &["true"], &json!({}));
    host.call("agent.info", &json!({})).expect("the agent does not wait for it");
    // SAFETY: as above.
    assert_eq!(unsafe { libc::kill(spawner, libc::SIGKILL) }, 0);
    assert_eq!(host.response(id).expect_err("lost").code, "agent.spawner_lost");
    assert_eq!(host.shell("echo again").text(), "again\n");
}

#[test]
fn an_idle_agent_is_small_and_sleeps() {
    let (agent, mut host) = ready();
    if agent.hides() {
        return;
    }
    // A host that does not read for a while: what waited for it must be given back as well.
    let id = host.start("unread", &["head", "-c", "1000000", "/dev/zero"], &json!({}));
    std::thread::sleep(Duration::from_millis(300));
    host.finish(id, 0);
    host.call("file.stat", &json!({"path": "/"})).expect("stat");
    let deadline = Instant::now() + support::PATIENCE;
    while agent.thread_count() > 1 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let cpu = agent.cpu_ticks();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(agent.cpu_ticks(), cpu);
    let spawner = agent.children("spawner")[0] as u32;
    let (own, its) = (support::private_kb(agent.child.id()), support::private_kb(spawner));
    println!("private memory: agent {own} kB, spawner {its} kB");
    assert!(own <= 512, "the agent has {own} kB of its own");
    assert!(its <= 320, "the spawner has {its} kB of its own");
}
