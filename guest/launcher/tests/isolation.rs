// SPDX-License-Identifier: Apache-2.0
//! What the first two processes of a sandbox see and hold, before the agent has dropped anything.

mod support;

use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use support::{Launcher, RunAs, is_root, prepare_request};

fn reports(name: &str, run_as: RunAs) -> [Value; 2] {
    let launcher = Launcher::start(name, run_as);
    let prepared = launcher.client().call("prepare", prepare_request(&launcher, "a1")).expect_ok();
    ["agent", "spawner"].map(|word| launcher.ask(&prepared, word))
}

fn text<'a>(report: &'a Value, key: &str) -> &'a str {
    report[key].as_str().unwrap_or_else(|| panic!("{key} is text in {report}"))
}

/// Mount points with their options, as mountinfo tells them.
fn mounts(report: &Value) -> Vec<(String, String, String)> {
    text(report, "mounts")
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            (fields[4].to_owned(), fields[5].to_owned(), fields[3].to_owned())
        })
        .collect()
}

#[test]
fn only_the_boot_descriptors_are_inherited() {
    if !is_root("descriptors") {
        return;
    }
    let [agent, spawner] = reports("fds", RunAs::Root);
    let numbers = |report: &Value| -> Vec<String> {
        report["inherited"].as_object().expect("descriptors").keys().cloned().collect()
    };
    let agents = numbers(&agent);
    assert!(agents == ["0", "1", "2", "3", "4", "5"] || agents == ["0", "1", "2", "3", "4", "5", "6"], "{agents:?}");
    assert_eq!(numbers(&spawner), ["0", "1", "2", "3"]);
    for report in [&agent, &spawner] {
        for fd in ["0", "1", "2"] {
            assert_eq!(report["inherited"][fd], "/dev/null");
        }
    }
}

#[test]
fn every_mount_is_nosuid_and_only_six_devices_work() {
    if !is_root("mounts") {
        return;
    }
    let [agent, spawner] = reports("mounts", RunAs::Root);
    assert_eq!(text(&agent, "mounts"), text(&spawner, "mounts"), "both live in one mount namespace");
    for (point, options, _) in mounts(&agent) {
        assert!(options.split(',').any(|option| option == "nosuid"), "{point} has {options}");
        // The six and the terminals have to be openable; where root inside could make a device, none works.
        let has_devices = point.starts_with("/dev/") && point != "/dev/shm";
        let has_devices = has_devices || options.split(',').any(|option| option == "nodev");
        let is_mask = point.starts_with("/proc/");
        assert!(has_devices || is_mask, "{point} has {options}");
    }
    let devices: Vec<&str> = agent["dev"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    let expected =
        ["fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"];
    assert_eq!(devices, expected);
}

#[test]
fn the_hosts_tree_is_gone_and_what_was_staged_is_read_only() {
    if !is_root("tree") {
        return;
    }
    let [agent, _] = reports("tree", RunAs::Root);
    let root: Vec<&str> = agent["root"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    assert!(root.contains(&"marker") && !root.contains(&"boot") && !root.contains(&"lost+found"), "{root:?}");
    assert_eq!(agent["below"], "below");
    assert_eq!(agent["bindFile"], "hello");
    assert_eq!(agent["bindWrite"], "Err(ReadOnlyFilesystem)");
    assert_eq!(agent["write"], "Ok(())", "the layer can be written");
    assert!(!text(&agent, "mounts").contains("oldroot"));
    assert!(mounts(&agent).iter().all(|(_, _, source)| !source.contains("skeleton")), "lowers leave no path behind");
}

#[test]
fn proc_shows_nothing_of_the_host_and_sys_is_empty() {
    if !is_root("proc") {
        return;
    }
    let [agent, _] = reports("proc", RunAs::Root);
    let mounted = mounts(&agent);
    let options = |point: &str| mounted.iter().find(|(other, _, _)| other == point).map(|(_, options, _)| options);
    assert!(options("/proc/sys").is_some_and(|options| options.starts_with("ro")));
    assert!(options("/proc/keys").is_some() && options("/proc/timer_list").is_some());
    assert!(text(&agent, "mounts").contains("hidepid=invisible"));
    assert_eq!(agent["sys"], serde_json::json!([]));
    assert_eq!(agent["masked"], serde_json::json!([]), "none of these shows anything");
    assert!(text(&agent, "kcore").is_empty() || text(&agent, "kcore").starts_with("error"));
}

#[test]
fn the_network_is_loopback_alone_and_low_ports_are_open() {
    if !is_root("network") {
        return;
    }
    let [agent, spawner] = reports("net", RunAs::Root);
    for report in [&agent, &spawner] {
        let interfaces: Vec<&str> =
            text(report, "network").lines().skip(2).filter_map(|line| line.split(':').next()).collect();
        assert_eq!(interfaces.iter().map(|name| name.trim()).collect::<Vec<_>>(), ["lo"]);
        assert_eq!(text(report, "routes").lines().count(), 1, "there is the heading and no route");
        assert_eq!(report["lowPorts"], "0");
        for buffers in report["tcpBuffers"].as_array().expect("two settings") {
            assert!(buffers.as_str().expect("text").trim().ends_with("\t1048576"), "{buffers}");
        }
    }
}

#[test]
fn root_inside_is_nobody_outside_and_cgroups_start_at_the_sandbox() {
    if !is_root("users") {
        return;
    }
    let [agent, spawner] = reports("users", RunAs::Root);
    for report in [&agent, &spawner] {
        let map: Vec<u64> = text(report, "uidMap").split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert_eq!((map[0], map[2]), (0, 65_536));
        assert!(map[1] >= 0x7000_0000);
        assert!(text(report, "status").contains("Uid:\t0\t0\t0\t0"));
        let shown = text(report, "cgroup");
        assert!(!shown.contains("isola") && !shown.contains(".."), "{shown}");
        assert!(text(report, "limits").lines().any(|line| line.starts_with("Max core file size        1 ")));
        assert_eq!(report["hostname"], "isola");
    }
    assert_eq!((agent["pid"].as_u64(), spawner["pid"].as_u64()), (Some(1), Some(3)));
    assert!(text(&spawner, "status").contains("PPid:\t1\n"), "the spawner is a child of pid 1");
}

#[test]
fn with_a_single_id_capabilities_pass_the_exec() {
    if !is_root("single") {
        return;
    }
    let [agent, spawner] = reports("single", RunAs::SingleUser);
    for report in [&agent, &spawner] {
        assert_eq!(text(report, "uidMap").split_whitespace().collect::<Vec<_>>(), ["1000", "0", "1"]);
        let status = text(report, "status");
        assert!(status.contains("Uid:\t1000\t1000\t1000\t1000"));
        let ambient = status.lines().find_map(|line| line.strip_prefix("CapAmb:\t")).expect("CapAmb");
        assert_ne!(u64::from_str_radix(ambient, 16), Ok(0));
        assert_eq!(report["write"], "Ok(())");
    }
}

#[test]
fn with_a_range_the_caller_is_root_inside() {
    if !is_root("range") {
        return;
    }
    if !std::path::Path::new("/usr/bin/newuidmap").exists() {
        eprintln!("skipped range: newuidmap is not installed");
        return;
    }
    let [agent, spawner] = reports("range", RunAs::RangeUser);
    for report in [&agent, &spawner] {
        let map: Vec<&str> = text(report, "uidMap").split_whitespace().collect();
        assert_eq!(map, ["0", "0", "1", "1", "1", "65535"]);
        assert!(text(report, "status").contains("Uid:\t0\t0\t0\t0"));
    }
}

#[test]
fn a_lock_on_the_hosts_file_is_not_felt_inside() {
    if !is_root("locks") {
        return;
    }
    let launcher = Launcher::start("locks", RunAs::Root);
    let prepared = launcher.client().call("prepare", prepare_request(&launcher, "a1")).expect_ok();
    let host = File::open(launcher.path("tool/hello")).expect("open the host's file");
    host.lock().expect("lock the host's file");
    assert_eq!(launcher.ask(&prepared, "agent")["bindLock"], "Ok(())", "it is another file inside");
}

/// What a process inside has at the place, as the host sees it.
fn seen_by(prepared: &Value, path: &str) -> String {
    format!("/proc/{}/root{path}", prepared["pid"])
}

fn inode(path: &str) -> (u64, u64) {
    let status = fs::metadata(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    (status.dev(), status.ino())
}

#[test]
fn a_lock_on_a_device_or_a_mask_is_felt_in_no_other_sandbox_and_not_on_the_host() {
    if !is_root("locks of devices") {
        return;
    }
    let launcher = Launcher::start("nodes", RunAs::Root);
    let prepare = |id: &str| launcher.client().call("prepare", prepare_request(&launcher, id)).expect_ok();
    let (one, other) = (prepare("a1"), prepare("b1"));
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        let path = format!("/dev/{name}");
        let own = seen_by(&one, &path);
        let (status, host) = (fs::metadata(&own).expect("it is there"), fs::metadata(&path).expect("the host's"));
        assert!(status.file_type().is_char_device() && status.rdev() == host.rdev(), "{own}");
        assert_eq!(
            (status.mode() & 0o777, status.uid(), status.gid()),
            (0o666, 0, 0),
            "{own}: the host's root owns it"
        );
        assert_ne!(inode(&own), inode(&path));
        assert_ne!(inode(&own), inode(&seen_by(&other, &path)));
    }
    for path in ["/dev/null", "/proc/locks", "/proc/interrupts"] {
        let held = File::open(seen_by(&one, path)).expect("open inside");
        held.lock().expect("lock inside");
        File::open(seen_by(&other, path)).expect("open").try_lock().expect("it is another file in another sandbox");
    }
    assert_eq!(fs::write(seen_by(&one, "/dev/null"), "x").map_err(|error| error.kind()), Ok(()));
    assert!(fs::write(seen_by(&one, "/dev/full"), "x").is_err(), "it is full");
    assert!(fs::write(seen_by(&one, "/proc/locks"), "x").is_err(), "a mask is read-only");
}

#[test]
fn without_root_the_masks_are_its_own_and_the_devices_the_hosts() {
    if !is_root("masks without root") {
        return;
    }
    let launcher = Launcher::start("rnodes", RunAs::SingleUser);
    let prepare = |id: &str| launcher.client().call("prepare", prepare_request(&launcher, id)).expect_ok();
    let (one, other) = (prepare("a1"), prepare("b1"));
    assert_eq!(inode(&seen_by(&one, "/dev/null")), inode("/dev/null"));
    let (mask, others) = (seen_by(&one, "/proc/locks"), seen_by(&other, "/proc/locks"));
    assert!(fs::metadata(&mask).expect("a mask").is_file() && inode(&mask) != inode(&others));
}
