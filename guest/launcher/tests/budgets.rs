// SPDX-License-Identifier: Apache-2.0
//! What a sandbox may take of budgets that the kernel counts for a user or for the whole machine.

mod support;

use serde_json::{Value, json};
use std::fs::{self, File};
use std::os::fd::AsFd;
use support::{Launcher, RunAs, is_root, owner_of_user_namespace, prepare_request};

fn prepare(launcher: &Launcher, sandbox_id: &str) -> Value {
    launcher.client().call("prepare", prepare_request(launcher, sandbox_id)).expect_ok()
}

fn number(path: &str) -> u64 {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}")).trim().parse().expect("a number")
}

fn limit(report: &Value, name: &str) -> u64 {
    report["userLimits"][name].as_str().and_then(|text| text.parse().ok()).expect("a limit")
}

#[test]
fn every_sandbox_is_owned_and_charged_by_its_own_id() {
    if !is_root("owner") {
        return;
    }
    let launcher = Launcher::start("owner", RunAs::Root);
    let owners = ["a1", "b1"].map(|sandbox_id| {
        let prepared = prepare(&launcher, sandbox_id);
        let namespace = File::open(format!("/proc/{}/ns/user", prepared["pid"])).expect("open namespace");
        let owner = owner_of_user_namespace(namespace.as_fd()).expect("ask for its owner");
        assert_eq!(Some(u64::from(owner)), prepared["uidBase"].as_u64());
        owner
    });
    assert_ne!(owners[0], owners[1]);
}

#[test]
fn no_namespace_of_users_can_be_made_inside() {
    if !is_root("nesting") {
        return;
    }
    let launcher = Launcher::start("nest", RunAs::Root);
    let report = launcher.ask(&prepare(&launcher, "a1"), "agent");
    assert_eq!(limit(&report, "max_user_namespaces"), 0);
}

#[test]
fn without_root_a_sandbox_has_a_quarter_of_the_operators_watches_and_never_the_last() {
    if !is_root("watches") {
        return;
    }
    let launcher = Launcher::start("watch", RunAs::SingleUser);
    let report = launcher.ask(&prepare(&launcher, "a1"), "agent");
    let all = number("/proc/sys/fs/inotify/max_user_instances");
    assert_eq!(limit(&report, "max_inotify_instances"), (all / 4).max(16));
    assert_eq!(limit(&report, "max_user_namespaces"), 0);
    // As seen from the launcher's own namespace, that all its sandboxes are charged to.
    let seen = std::process::Command::new("nsenter")
        .args(["-U", "-t", &launcher.pid().to_string(), "cat", "/proc/sys/user/max_inotify_instances"])
        .output()
        .expect("run nsenter");
    assert_eq!(String::from_utf8_lossy(&seen.stdout).trim(), (all - all / 4).to_string());
}

#[test]
fn queues_signals_and_terminals_have_a_bound_of_their_own() {
    if !is_root("queues") {
        return;
    }
    let launcher = Launcher::start("queues", RunAs::Root);
    let prepared = prepare(&launcher, "a1");
    for report in ["agent", "spawner"].map(|word| launcher.ask(&prepared, word)) {
        let limits = report["limits"].as_str().expect("text");
        let soft_and_hard = |name: &str| -> Vec<&str> {
            let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("a limit");
            line.split_whitespace().take(2).collect()
        };
        assert_eq!(soft_and_hard("Max msgqueue size"), ["262144", "262144"]);
        assert_eq!(soft_and_hard("Max pending signals"), ["4096", "4096"]);
        assert!(report["mounts"].as_str().expect("text").lines().any(|line| {
            line.contains(" /dev/pts ")
                && line.split(['=', ',', ' ']).collect::<Vec<_>>().windows(2).any(|pair| pair == ["max", "256"])
        }));
    }
}

#[test]
fn shared_memory_is_half_of_the_memory() {
    if !is_root("shared memory") {
        return;
    }
    let launcher = Launcher::start("shm", RunAs::Root);
    let shown = |sandbox_id: &str, limits: Value| {
        let mut request = prepare_request(&launcher, sandbox_id);
        request["limits"] = limits;
        let prepared = launcher.client().call("prepare", request).expect_ok();
        let report = launcher.ask(&prepared, "agent");
        let mounts = report["mounts"].as_str().expect("text");
        let line = mounts.lines().find(|line| line.contains(" /dev/shm ")).expect("it is mounted");
        let size = line.split([',', ' ']).find_map(|option| option.strip_prefix("size=")).expect("it has a size");
        size.trim_end_matches('k').parse::<u64>().expect("kibibytes")
    };
    assert!(shown("a1", json!({})) <= 1 << 20);
    let capabilities = launcher.client().call("probe", json!({})).expect_ok()["capabilities"].clone();
    if capabilities["limits"]["memory"] == "cgroup" {
        assert_eq!(shown("b1", json!({ "memoryBytes": 67_108_864 })), 32 << 10);
    }
}

#[test]
fn sockets_have_a_limit_where_memory_does_not_count_them() {
    if !is_root("sockets") {
        return;
    }
    let launcher = Launcher::start("sockets", RunAs::Root);
    if launcher.client().call("probe", json!({})).expect_ok()["capabilities"]["cgroup"] != "v1" {
        eprintln!("skipped sockets: memory counts them here");
        return;
    }
    let mut request = prepare_request(&launcher, "a1");
    request["limits"] = json!({ "memoryBytes": 67_108_864 });
    launcher.client().call("prepare", request).expect_ok();
    prepare(&launcher, "b1");
    let file = "memory.kmem.tcp.limit_in_bytes";
    let found = |sandbox_id: &str, child: &str| {
        let groups = launcher.cgroups();
        let ending = format!("/{sandbox_id}/{child}");
        let group = groups.iter().find(|path| path.contains("/memory/") && path.ends_with(&ending)).expect("a cgroup");
        number(&format!("{group}/{file}"))
    };
    assert_eq!((found("a1", "work"), found("a1", "agent")), (16 << 20, 16 << 20));
    assert_eq!(found("b1", "work"), 64 << 20);
}
