// SPDX-License-Identifier: Apache-2.0
//! Directories: listing, making, moving and removing.
mod support;

use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::{Value, json};
use support::{code, ready};

#[test]
fn stat_tells_what_is_there() {
    let (agent, mut host) = ready();
    std::fs::write(agent.directory.join("file"), "12345").expect("write");
    symlink("file", agent.directory.join("link")).expect("link");
    let mut stat = |path: &str, follow| host.call("file.stat", &json!({"path": path, "follow": follow}));
    let file = stat("file", false).expect("stat")["entry"].clone();
    assert_eq!((&file["name"], &file["type"], &file["size"]), (&json!("file"), &json!("file"), &json!(5)));
    assert_eq!(file["path"], json!(agent.directory.join("file")));
    let link = stat("link", false).expect("stat")["entry"].clone();
    assert_eq!((&link["type"], &link["target"]), (&json!("symlink"), &json!("file")));
    assert_eq!(stat("link", true).expect("stat")["entry"]["type"], "file");
    assert_eq!(stat("/", false).expect("stat")["entry"]["name"], "/");
    assert_eq!(stat("/dev/null", false).expect("stat")["entry"]["type"], "other");
    assert_eq!(code(stat("missing", false)), "file.not_found");
}

#[test]
fn a_listing_goes_as_deep_and_as_far_as_asked() {
    let (_agent, mut host) = ready();
    host.shell("mkdir -p d/e/f; touch d/1 d/e/2 d/e/f/3; ln -s /usr d/link; mkdir d/closed; touch d/closed/x");
    let mut names = |depth, limit| {
        let mut names: Vec<String> = host
            .list(&json!({"path": "d", "depth": depth, "limit": limit}))
            .expect("list")
            .iter()
            .map(|entry| {
                entry["path"]
                    .as_str()
                    .map_or("truncated".to_owned(), |path| path.rsplit_once("/d/").expect("below d").1.to_owned())
            })
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(1, 100), ["1", "closed", "e", "link"]);
    assert_eq!(names(3, 100), ["1", "closed", "closed/x", "e", "e/2", "e/f", "e/f/3", "link"]);
    assert_eq!(names(9, 3).len(), 4);
    assert!(names(9, 3).contains(&"truncated".to_owned()));
    assert!(!names(1, 4).contains(&"truncated".to_owned()));
    assert_eq!(code(host.list(&json!({"path": "d/1", "depth": 1, "limit": 9}))), "file.not_directory");
    assert_eq!(code(host.list(&json!({"path": "none", "depth": 1, "limit": 9}))), "file.not_found");
}

#[test]
fn a_huge_directory_is_listed_through_little_memory() {
    let (agent, mut host) = ready();
    host.shell("mkdir many; cd many; seq -f 'file-with-a-rather-long-name-%05.0f' 1 20000 | xargs touch");
    let entries = host.list(&json!({"path": "many", "depth": 1, "limit": 1_000_000})).expect("list");
    assert_eq!(entries.len(), 20_000);
    assert!(agent.memory_kb("RssAnon") < 2048, "{} kB", agent.memory_kb("RssAnon"));
}

#[test]
fn directories_are_made_and_removed() {
    let (agent, mut host) = ready();
    let mut call = |op: &str, parameters: Value| host.call(op, &parameters);
    call("file.mkdir", json!({"path": "a", "mode": 0o700})).expect("mkdir");
    assert_eq!(std::fs::metadata(agent.directory.join("a")).expect("stat").permissions().mode() & 0o777, 0o700);
    assert_eq!(code(call("file.mkdir", json!({"path": "a"}))), "file.exists");
    assert_eq!(code(call("file.mkdir", json!({"path": "x/y/z"}))), "file.not_found");
    call("file.mkdir", json!({"path": "a/b/c", "parents": true})).expect("mkdir");
    call("file.mkdir", json!({"path": "a/b/c", "parents": true})).expect("mkdir again");
    assert_eq!(code(call("file.remove", json!({"path": "a"}))), "file.not_empty");
    assert_eq!(code(call("file.remove", json!({"path": "/", "recursive": true}))), "file.permission_denied");
    call("file.remove", json!({"path": "a", "recursive": true})).expect("remove");
    assert!(!agent.directory.join("a").exists());
    assert_eq!(code(call("file.remove", json!({"path": "a"}))), "file.not_found");
}

#[test]
fn removing_a_tree_touches_nothing_that_its_links_point_to() {
    let (agent, mut host) = ready();
    host.shell(
        "mkdir -p safe tree/in; echo x > safe/file; ln -s ../safe tree/link; ln -s ../../safe/file tree/in/link",
    );
    host.call("file.remove", &json!({"path": "tree", "recursive": true})).expect("remove");
    assert!(agent.directory.join("safe/file").exists() && !agent.directory.join("tree").exists());
    symlink("safe", agent.directory.join("top")).expect("link");
    host.call("file.remove", &json!({"path": "top", "recursive": true})).expect("remove");
    assert!(agent.directory.join("safe/file").exists());
}

#[test]
fn a_tree_too_deep_to_walk_is_refused_and_not_a_crash() {
    let (_agent, mut host) = ready();
    host.shell("for i in $(seq 600); do mkdir d; cd d; done");
    assert_eq!(code(host.call("file.remove", &json!({"path": "d", "recursive": true}))), "file.io");
    let entries = host.list(&json!({"path": ".", "depth": 64, "limit": 1000})).expect("list");
    assert_eq!(entries.iter().filter(|entry| entry["type"] == "directory").count(), 64);
    host.shell("rm -rf d");
}

#[test]
fn moving_replaces_only_when_asked_and_crosses_file_systems() {
    let (agent, mut host) = ready();
    host.shell("echo 1 > a; echo 2 > b; mkdir -p tree/in; echo 3 > tree/in/file; ln -s file tree/in/link; chmod 640 tree/in/file");
    let mut call = |from: &str, to: &str, overwrite: bool| {
        host.call("file.move", &json!({"from": from, "to": to, "overwrite": overwrite}))
    };
    assert_eq!(code(call("a", "b", false)), "file.exists");
    call("a", "b", true).expect("move");
    assert_eq!(std::fs::read(agent.directory.join("b")).expect("read"), b"1\n");
    assert_eq!(code(call("a", "c", false)), "file.not_found");
    assert_eq!(code(call("b", "no/such/place", false)), "file.not_found");
    let elsewhere = format!("/dev/shm/isola-move-{}", std::process::id());
    call("tree", &elsewhere, false).expect("move to another file system");
    assert!(!agent.directory.join("tree").exists());
    let moved = std::path::Path::new(&elsewhere);
    assert_eq!(std::fs::read(moved.join("in/link")).expect("read"), b"3\n");
    assert_eq!(std::fs::metadata(moved.join("in/file")).expect("stat").permissions().mode() & 0o777, 0o640);
    assert_eq!(code(call(&elsewhere, "b", false)), "file.exists");
    call(&elsewhere, "back", false).expect("move back");
    assert!(agent.directory.join("back/in/file").exists() && !moved.exists());
}
