// SPDX-License-Identifier: Apache-2.0
//! Many sandboxes, and launchers killed at bad moments: nothing may stay behind.

mod support;

use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::time::Duration;
use support::{Client, Footprint, Launcher, RunAs, is_root, prepare_request};

const CYCLES: usize = 200;

/// Live cgroups by controller, as the kernel counts them: removed ones that linger are counted, too.
fn kernel_cgroups() -> BTreeMap<String, usize> {
    let text = fs::read_to_string("/proc/cgroups").unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            Some(((*fields.first()?).to_owned(), fields.get(2)?.parse().ok()?))
        })
        .collect()
}

/// `None` where the kernel does not count them apart: it may merge caches, or hide them.
fn kernel_networks() -> Option<usize> {
    let text = fs::read_to_string("/proc/slabinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("net_namespace "))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn cycle(name: &str, run_as: RunAs) {
    let mut launcher = Launcher::start(name, run_as);
    let before_any = Footprint::of(&launcher.state());
    let mut client = launcher.client();
    // The first rounds fill the launcher's stocks and the kernel's caches.
    rounds(&launcher, &mut client, 0..10);
    let (cgroups, networks) = (kernel_cgroups(), kernel_networks());
    rounds(&launcher, &mut client, 10..CYCLES);
    assert!(fs::read_dir(launcher.state().join("sandboxes")).expect("list").next().is_none());
    let descriptors = fs::read_dir(format!("/proc/{}/fd", launcher.pid())).expect("list").count();
    assert!(descriptors < 60, "the launcher holds {descriptors} descriptors after {CYCLES} cycles");
    // The kernel frees both in the background, and other programs of this machine make some, too.
    let few = CYCLES / 4;
    match networks {
        Some(before) => wait_for("network namespaces", || kernel_networks().is_some_and(|now| now < before + few)),
        None => eprintln!("skipped network namespaces of {name}: /proc/slabinfo has no line for them"),
    }
    assert!(!cgroups.is_empty(), "the kernel tells nothing of its cgroups");
    wait_for("cgroups", || {
        kernel_cgroups().iter().all(|(name, count)| *count < cgroups.get(name).copied().unwrap_or(0) + few)
    });
    drop(client);
    launcher.end();
    let after = Footprint::of(&launcher.state());
    assert_eq!(after.processes.len(), 0, "{after:?}");
    assert_eq!((after.mounts, after.cgroups.len()), (0, 0), "{after:?}");
    assert!(after.files.difference(&before_any.files).next().is_none(), "{after:?}");
}

fn rounds(launcher: &Launcher, client: &mut Client, range: std::ops::Range<usize>) {
    for index in range {
        let sandbox_id = format!("c{index}");
        client.call("prepare", prepare_request(launcher, &sandbox_id)).expect_ok();
        client.destroy(&sandbox_id);
    }
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what} grew with the number of sandboxes");
}

#[test]
fn two_hundred_sandboxes_leave_nothing_as_root() {
    if is_root("leaks") {
        cycle("leak", RunAs::Root);
    }
}

#[test]
fn two_hundred_sandboxes_leave_nothing_without_root() {
    if is_root("leaks without root") {
        cycle("rleak", RunAs::SingleUser);
    }
}

fn survive_a_kill(name: &str, run_as: RunAs) {
    let mut launcher = Launcher::start(name, run_as);
    let mut client = launcher.client();
    let prepared: Vec<_> = (0..10)
        .map(|index| client.call("prepare", prepare_request(&launcher, &format!("k{index}"))).expect_ok())
        .collect();
    launcher.replace();
    for one in &prepared {
        assert_eq!(launcher.ask(one, "agent")["pid"], 1, "a sandbox outlives its launcher");
    }
    let mut client = launcher.client();
    let list = client.call("list", json!({})).expect_ok();
    let rows = list["sandboxes"].as_array().expect("rows");
    assert!(rows.len() == 10 && rows.iter().all(|row| row["alive"] == true), "{rows:?}");
    // New ones do not get the ids of the old ones.
    let fresh = client.call("prepare", prepare_request(&launcher, "fresh")).expect_ok();
    let is_shared = prepared.iter().any(|one| one["uidBase"] == fresh["uidBase"]);
    assert!(run_as != RunAs::Root || !is_shared);
    // The end of one that is not its child is noticed as well.
    assert!(
        std::process::Command::new("kill")
            .args(["-9", &prepared[0]["pid"].to_string()])
            .status()
            .expect("kill")
            .success()
    );
    assert_eq!(client.next_event()["sandboxId"], "k0");
    for index in 0..10 {
        client.destroy(&format!("k{index}"));
    }
    client.destroy("fresh");
    drop(client);
    launcher.end();
    let after = Footprint::of(&launcher.state());
    assert_eq!((after.mounts, after.cgroups.len(), after.processes.len()), (0, 0, 0), "{after:?}");
}

#[test]
fn sandboxes_outlive_a_killed_launcher_and_the_next_one_removes_them() {
    if is_root("kill") {
        survive_a_kill("kill", RunAs::Root);
    }
}

#[test]
fn without_root_sandboxes_outlive_a_killed_launcher_as_well() {
    if is_root("kill without root") {
        survive_a_kill("rkill", RunAs::SingleUser);
    }
}

fn kill_half_way(name: &str, run_as: RunAs) {
    let mut launcher = Launcher::start(name, run_as);
    for round in 0..15_u64 {
        let mut client = launcher.client();
        for index in 0..4 {
            client.send("prepare", prepare_request(&launcher, &format!("h{round}x{index}")));
        }
        // A different moment of the creates each time.
        std::thread::sleep(Duration::from_micros(round * 700));
        launcher.replace();
    }
    let mut client = launcher.client();
    client.call("sweep", json!({ "keep": [] })).expect_ok();
    assert_eq!(client.call("list", json!({})).expect_ok()["sandboxes"], json!([]));
    client.call("prepare", prepare_request(&launcher, "h1x1")).expect_ok();
    client.destroy("h1x1");
    drop(client);
    launcher.end();
    let mut nothing = Footprint::of(&launcher.state());
    (nothing.mounts, nothing.cgroups, nothing.processes) = Default::default();
    Footprint::wait_until_equal(&launcher.state(), &nothing);
    let left: Vec<&String> =
        nothing.files.iter().filter(|file| file.matches('/').count() == 1 && !file.starts_with('/')).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_launcher_killed_half_way_leaves_nothing_that_a_sweep_does_not_find() {
    if is_root("half-way") {
        kill_half_way("half", RunAs::Root);
    }
}

#[test]
fn without_root_a_launcher_killed_half_way_leaves_nothing_either() {
    if is_root("half-way without root") {
        kill_half_way("rhalf", RunAs::SingleUser);
    }
}

#[test]
fn a_directory_that_says_nothing_is_listed_and_swept() {
    if !is_root("no record") {
        return;
    }
    let mut launcher = Launcher::start("norec", RunAs::Root);
    launcher.kill();
    fs::create_dir(launcher.state().join("sandboxes/half")).expect("make directory");
    launcher.replace();
    let rows = launcher.client().call("list", json!({})).expect_ok()["sandboxes"].clone();
    assert_eq!(rows, json!([{ "sandboxId": "half", "alive": false }]));
    let swept = launcher.client().call("sweep", json!({ "keep": [] })).expect_ok();
    assert_eq!(swept["removed"], json!(["half"]));
    assert!(!launcher.state().join("sandboxes/half").exists());
}

/// The mounts that a process sees, by where they are.
fn mounted_for(pid: u32, place: &str) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/mountinfo")).expect("mounts of a process");
    text.lines().any(|line| line.split(' ').nth(4) == Some(place))
}

#[test]
fn without_root_a_launcher_keeps_no_disk_that_the_host_unmounts() {
    if !is_root("mounts of the host") {
        return;
    }
    let disk = format!("/tmp/isola-disk-{}", std::process::id());
    fs::create_dir_all(&disk).expect("make directory");
    // A mount namespace in which mounts are shared, as on hosts with systemd.
    let script = format!("mount -t tmpfs disk {disk} && echo && exec sleep 60");
    let mut holder = std::process::Command::new("unshare")
        .args(["--mount", "--propagation", "shared", "sh", "-c", &script])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("start holder");
    holder.stdout.take().expect("its output").read_exact(&mut [0]).expect("the disk is mounted");
    let mut launcher = Launcher::start_in("slave", RunAs::SingleUser, Some(holder.id()));
    assert!(mounted_for(launcher.pid(), &disk));
    let pid = holder.id().to_string();
    let unmounted = std::process::Command::new("nsenter").args(["-m", "-t", &pid, "umount", &disk]).status();
    assert!(unmounted.expect("run nsenter").success());
    assert!(!mounted_for(launcher.pid(), &disk), "the launcher holds the disk");
    launcher.end();
    holder.kill().expect("end holder");
    holder.wait().expect("holder ends");
    fs::remove_dir(&disk).expect("remove directory");
}
