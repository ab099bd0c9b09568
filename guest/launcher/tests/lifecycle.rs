// SPDX-License-Identifier: Apache-2.0
//! A sandbox from prepare to destroy, as the server drives it.

mod support;

use serde_json::{Value, json};
use std::path::Path;
use support::{Launcher, RunAs, is_root, prepare_request};

fn prepare(launcher: &Launcher, sandbox_id: &str) -> Value {
    launcher.client().call("prepare", prepare_request(launcher, sandbox_id)).expect_ok()
}

fn row(launcher: &Launcher, sandbox_id: &str) -> Option<Value> {
    let list = launcher.client().call("list", json!({})).expect_ok();
    list["sandboxes"].as_array().expect("rows").iter().find(|row| row["sandboxId"] == sandbox_id).cloned()
}

#[test]
fn a_sandbox_is_made_listed_and_removed_without_a_trace() {
    if !is_root("lifecycle") {
        return;
    }
    let launcher = Launcher::start("life", RunAs::Root);
    let prepared = prepare(&launcher, "a1");
    assert_eq!(prepared["users"], "range");
    assert!(prepared["uidBase"].as_u64().expect("a number") >= 0x7000_0000);
    assert!(prepared["timingsUs"]["total"].as_u64().expect("a number") > 0);
    assert_eq!(row(&launcher, "a1").expect("it is listed")["alive"], true);
    assert_eq!(launcher.ask(&prepared, "agent")["pid"], 1);
    launcher.client().destroy("a1");
    assert_eq!(row(&launcher, "a1"), None);
    assert!(!Path::new(prepared["agentSocket"].as_str().expect("a path")).exists());
    assert!(!Path::new(&format!("/proc/{}", prepared["pid"])).exists());
    // Once more, and for one that never was: nothing to do is no error.
    launcher.client().destroy("a1");
    launcher.client().destroy("never");
}

#[test]
fn an_id_in_use_is_refused_and_a_failed_create_leaves_the_id_free() {
    if !is_root("ids") {
        return;
    }
    let launcher = Launcher::start("ids", RunAs::Root);
    prepare(&launcher, "a1");
    let again = launcher.client().call("prepare", prepare_request(&launcher, "a1"));
    assert_eq!(again.error_code(), "sandbox.state_conflict");
    let mut broken = prepare_request(&launcher, "b1");
    broken["rootfs"]["usr"]["lowers"] = json!(["/does/not/exist"]);
    let failed = launcher.client().call("prepare", broken);
    assert_eq!(failed.error_code(), "host.launcher_failed");
    assert!(failed.0["error"]["message"].as_str().expect("a message").contains("/does/not/exist"));
    prepare(&launcher, "b1");
}

#[test]
fn limits_bind_and_one_that_cannot_is_refused() {
    if !is_root("limits") {
        return;
    }
    let launcher = Launcher::start("limits", RunAs::Root);
    let capabilities = launcher.client().call("probe", json!({})).expect_ok()["capabilities"].clone();
    if capabilities["limits"]["memory"] != "cgroup" {
        eprintln!("skipped limits: no memory cgroup here");
        return;
    }
    let mut request = prepare_request(&launcher, "a1");
    request["limits"] = json!({ "memoryBytes": 67_108_864, "cpuMillis": 500, "pids": 20 });
    let prepared = launcher.client().call("prepare", request).expect_ok();
    let oom = launcher.ask(&prepared, "oom");
    assert!(oom.as_str().expect("text").contains("oom_kill 0"), "the agent can read the counter of `work`");
    // Growing and shrinking: with swap accounting the order of the two files matters.
    for bytes in [134_217_728_u64, 33_554_432] {
        let limits = json!({ "sandboxId": "a1", "limits": { "memoryBytes": bytes } });
        launcher.client().call("limits", limits).expect_ok();
    }
    let stats = launcher.client().call("stats", json!({ "sandboxId": "a1" })).expect_ok();
    assert!(stats["memoryBytes"].as_u64().expect("memory is counted") > 0);
    assert_eq!(stats["oomKills"], 0);
    assert_eq!(stats["pids"], 0, "the spawner is not the tenant's");
    launcher.client().call("freeze", json!({ "sandboxId": "a1" })).expect_ok();
    assert_eq!(launcher.ask(&prepared, "boot")["users"], "range", "the agent answers while `work` is frozen");
    launcher.client().call("thaw", json!({ "sandboxId": "a1" })).expect_ok();
    assert_eq!(launcher.ask(&prepared, "spawner")["pid"], 3);
    launcher.client().call("freeze", json!({ "sandboxId": "a1" })).expect_ok();
    launcher.client().destroy("a1");
}

#[test]
fn the_death_of_pid_1_is_announced_and_kept_for_later() {
    if !is_root("exits") {
        return;
    }
    let launcher = Launcher::start("exits", RunAs::Root);
    let prepared = prepare(&launcher, "a1");
    let mut watcher = launcher.client();
    let killed = std::process::Command::new("kill").args(["-9", &prepared["pid"].to_string()]).status();
    assert!(killed.expect("run kill").success());
    let event = watcher.next_event();
    assert_eq!(event, json!({ "event": "sandbox-exited", "sandboxId": "a1", "status": 9 }));
    let kept = std::fs::read_to_string(launcher.state().join("exits/a1.json")).expect("the fact is kept");
    assert_eq!(serde_json::from_str::<Value>(&kept).expect("JSON"), event);
    assert_eq!(row(&launcher, "a1").expect("its files are still there")["alive"], false);
    launcher.client().destroy("a1");
}

#[test]
fn requests_that_make_no_sense_are_refused_by_name() {
    if !is_root("requests") {
        return;
    }
    let launcher = Launcher::start("bad", RunAs::Root);
    let mut client = launcher.client();
    assert_eq!(client.call("dance", json!({})).error_code(), "request.unknown_operation");
    assert_eq!(client.call("destroy", json!({ "sandboxId": "../etc" })).error_code(), "request.invalid");
    assert_eq!(client.call("stats", json!({ "sandboxId": "ghost" })).error_code(), "sandbox.not_found");
    let mut request = prepare_request(&launcher, "a1");
    request["keyHex"] = json!("short");
    assert_eq!(client.call("prepare", request).error_code(), "request.invalid");
    let mut request = prepare_request(&launcher, "a1");
    request["rootfs"]["binds"][0]["target"] = json!("/opt/../../etc");
    assert_eq!(client.call("prepare", request).error_code(), "request.invalid");
}

#[test]
fn a_second_launcher_on_the_same_directory_says_busy() {
    if !is_root("busy") {
        return;
    }
    let launcher = Launcher::start("busy", RunAs::Root);
    assert_eq!(launcher.start_rival(), (Some(3), "busy\n".to_owned()));
}

/// The processes that wait to become creates.
fn seats(launcher: &Launcher) -> Vec<u32> {
    let children = format!("/proc/{0}/task/{0}/children", launcher.pid());
    let text = std::fs::read_to_string(children).expect("children of the launcher");
    let name = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    text.split_whitespace()
        .filter(|pid| name(pid) == "isola-seat\n")
        .map(|pid| pid.parse().expect("a number"))
        .collect()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("never: {what}");
}

#[test]
fn a_failure_that_is_over_fails_no_later_create() {
    if !is_root("seats") {
        return;
    }
    let launcher = Launcher::start("seats", RunAs::Root);
    wait_until("four seats wait", || seats(&launcher).len() == 4);
    let (place, away) = (launcher.state().join("seats"), launcher.state().join("away"));
    std::fs::rename(&place, &away).expect("take the place of seats away");
    let ready = seats(&launcher);
    for pid in &ready {
        let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
        assert!(killed.expect("run kill").success());
    }
    wait_until("the killed seats are gone", || seats(&launcher).iter().all(|pid| !ready.contains(pid)));
    // What is refilled now cannot get ready; and a create meanwhile is told the reason.
    let refused = launcher.client().call("prepare", prepare_request(&launcher, "a1"));
    assert!(refused.0["error"]["message"].as_str().expect("a message").contains("seats/"), "{refused:?}");
    wait_until("no seat waits", || seats(&launcher).is_empty());
    std::fs::rename(&away, &place).expect("give the place back");
    for index in 0..6 {
        prepare(&launcher, &format!("b{index}"));
    }
}

#[test]
fn many_creates_at_once_all_succeed() {
    if !is_root("burst") {
        return;
    }
    let launcher = Launcher::start("burst", RunAs::Root);
    let mut client = launcher.client();
    for index in 0..60 {
        client.send("prepare", prepare_request(&launcher, &format!("b{index}")));
    }
    let mut bases = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let prepared = client.receive().1.expect_ok();
        assert!(bases.insert(prepared["uidBase"].as_u64()), "no two sandboxes share their ids");
    }
    let swept = client.call("sweep", json!({ "keep": ["b0"] })).expect_ok();
    assert_eq!(swept["removed"].as_array().expect("ids").len(), 59);
    assert!(row(&launcher, "b0").is_some());
}
