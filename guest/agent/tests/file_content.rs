// SPDX-License-Identifier: Apache-2.0
//! The content of files, both ways, and what hostile content may not do.
mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

use isola_wire::{FLAG_BROKEN, FrameType, INITIAL_CREDIT_BYTES};
use serde_json::json;
use support::{code, ready};

#[test]
fn a_file_comes_back_as_it_was_written() {
    let (agent, mut host) = ready();
    let written = host.write(&json!({"path": "a.txt"}), b"hello").expect("write");
    assert_eq!(written["size"], 5);
    let (response, bytes) = host.download("file.read", &json!({"path": "a.txt"})).expect("read");
    assert_eq!((bytes.as_slice(), &response["size"], &response["mode"]), (&b"hello"[..], &json!(5), &json!(0o644)));
    assert!(response["mtimeMs"].as_f64().is_some_and(|at| at > 1.6e12));
    assert_eq!(std::fs::read(agent.directory.join("a.txt")).expect("on disk"), b"hello");
    host.write(&json!({"path": "empty"}), b"").expect("write nothing");
    assert_eq!(host.read("empty").expect("read nothing"), b"");
}

#[test]
fn a_part_of_a_file_can_be_read() {
    let (_agent, mut host) = ready();
    host.write(&json!({"path": "a"}), b"0123456789").expect("write");
    let mut part = |offset, length| {
        let wish = json!({"path": "a", "offset": offset, "length": length});
        String::from_utf8(host.download("file.read", &wish).expect("read").1).expect("text")
    };
    assert_eq!(part(2, 3), "234");
    assert_eq!(part(8, 100), "89");
    assert_eq!(part(50, 1), "");
    assert_eq!(part(0, 0), "");
}

#[test]
fn a_large_file_streams_both_ways_through_little_memory() {
    let (agent, mut host) = ready();
    let bytes: Vec<u8> = (0..64_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(host.write(&json!({"path": "big"}), &bytes).expect("write")["size"], 64_000_000);
    assert!(host.read("big").expect("read") == bytes);
    assert!(agent.memory_kb("RssAnon") < 4096, "{} kB", agent.memory_kb("RssAnon"));
}

#[test]
fn a_download_that_nobody_reads_stops_nothing_else() {
    let (_agent, mut host) = ready();
    host.write(&json!({"path": "big"}), &vec![1; 8_000_000]).expect("write");
    let id = host.request("file.read", &json!({"path": "big"}));
    host.response(id).expect("read");
    let mut count = 0;
    while count < INITIAL_CREDIT_BYTES as usize {
        count += host.next(id).payload.len();
    }
    assert_eq!((count, host.receive(Duration::from_millis(200))), (INITIAL_CREDIT_BYTES as usize, None));
    assert_eq!(host.shell("echo quick").text(), "quick\n");
    assert_eq!(host.read("/etc/passwd").expect("another").first(), Some(&b'r'));
    host.send(FrameType::Cancel, 0, id, &[]);
    let end = host.next(id);
    assert_eq!((end.frame_type, end.flags & FLAG_BROKEN), (FrameType::End, FLAG_BROKEN));
    assert!(String::from_utf8_lossy(&end.payload).contains("request.cancelled"));
}

#[test]
fn writing_keeps_the_mode_of_what_is_replaced_and_takes_one_that_is_given() {
    let (agent, mut host) = ready();
    let mode = |name: &str| std::fs::metadata(agent.directory.join(name)).expect("stat").permissions().mode() & 0o7777;
    host.write(&json!({"path": "script", "mode": 0o750}), b"1").expect("write");
    assert_eq!(mode("script"), 0o750);
    host.write(&json!({"path": "script"}), b"2").expect("write");
    assert_eq!(mode("script"), 0o750);
    host.write(&json!({"path": "plain"}), b"1").expect("write");
    assert_eq!(mode("plain"), 0o644);
}

#[test]
fn appending_adds_and_parents_are_made_when_asked_for() {
    let (_agent, mut host) = ready();
    assert_eq!(code(host.write(&json!({"path": "x/y/log"}), b"1")), "file.not_found");
    host.write(&json!({"path": "x/y/log", "parents": true}), b"1").expect("write");
    let appended = host.write(&json!({"path": "x/y/log", "append": true}), b"23").expect("append");
    assert_eq!(appended["size"], 3);
    assert_eq!(host.read("x/y/log").expect("read"), b"123");
}

#[test]
fn an_upload_that_breaks_off_leaves_the_old_file_and_no_other() {
    let (agent, mut host) = ready();
    host.write(&json!({"path": "kept"}), b"old").expect("write");
    let names = || {
        let mut names: Vec<String> = std::fs::read_dir(&agent.directory)
            .expect("list")
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    let wait_for_draft = |there: bool| {
        let deadline = Instant::now() + support::PATIENCE;
        while names().iter().any(|name| name.ends_with(".part")) != there {
            assert!(Instant::now() < deadline, "{:?}", names());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    for way in ["cancel", "broken end", "link loss"] {
        let id = host.request("file.write", &json!({"path": "kept"}));
        host.send(FrameType::Data, 0, id, b"half of the new");
        wait_for_draft(true);
        match way {
            "cancel" => {
                host.send(FrameType::Cancel, 0, id, &[]);
                assert_eq!(code(host.response(id)), "request.cancelled");
            }
            "broken end" => {
                host.send_flagged(FrameType::End, FLAG_BROKEN, id, b"{}");
                assert_eq!(code(host.response(id)), "request.cancelled");
            }
            _ => host = agent.connect(),
        }
        wait_for_draft(false);
        assert_eq!(names(), ["agent.sock", "kept"], "{way}");
        assert_eq!(host.read("kept").expect("read"), b"old", "{way}");
    }
}

#[test]
fn a_link_is_written_through_and_not_replaced() {
    let (agent, mut host) = ready();
    std::fs::write(agent.directory.join("real"), "old").expect("write");
    symlink("real", agent.directory.join("link")).expect("link");
    symlink("new", agent.directory.join("dangling")).expect("link");
    symlink("loop", agent.directory.join("loop")).expect("link");
    host.write(&json!({"path": "link"}), b"new").expect("write");
    assert_eq!(std::fs::read(agent.directory.join("real")).expect("read"), b"new");
    host.write(&json!({"path": "dangling"}), b"made").expect("write");
    assert_eq!(std::fs::read(agent.directory.join("new")).expect("read"), b"made");
    assert!(agent.directory.join("link").is_symlink());
    assert_eq!(code(host.write(&json!({"path": "loop"}), b"x")), "file.too_many_links");
    assert_eq!(code(host.read("loop")), "file.too_many_links");
}

#[test]
fn only_regular_files_are_read_and_written_and_a_pipe_blocks_nobody() {
    let (agent, mut host) = ready();
    host.shell("mkfifo pipe; mkdir dir; echo x > file");
    let started = Instant::now();
    for (path, expected) in [
        ("pipe", "file.not_regular"),
        ("agent.sock", "file.not_regular"),
        ("/dev/zero", "file.not_regular"),
        ("/dev/tty", "file.not_regular"),
        ("dir", "file.is_directory"),
        ("file/below", "file.not_directory"),
        ("missing", "file.not_found"),
        ("", "file.name_invalid"),
        ("a\u{0}b", "file.name_invalid"),
    ] {
        assert_eq!(code(host.read(path)), expected, "read {path:?}");
        let wish = json!({"path": path});
        if path != "missing" {
            assert_eq!(code(host.write(&wish, b"x")), expected, "write {path:?}");
        }
    }
    let wish = json!({"path": "pipe", "append": true});
    assert_eq!(code(host.write(&wish, b"x")), "file.not_regular");
    assert_eq!(code(host.write(&json!({"path": "x".repeat(300)}), b"x")), "file.name_invalid");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(agent.directory.join("pipe").exists());
}

#[test]
fn the_agent_itself_cannot_be_read_or_written_through_proc() {
    let (agent, mut host) = ready();
    let thread = host.shell(&format!("ls /proc/{}/task | head -1", agent.child.id())).text();
    symlink("/proc/self/mem", agent.directory.join("innocent")).expect("link");
    for path in [
        "/proc/self/mem".to_owned(),
        "/proc/self/environ".to_owned(),
        "/proc/thread-self/mem".to_owned(),
        format!("/proc/{}/mem", agent.child.id()),
        format!("/proc/{}/maps", thread.trim()),
        "innocent".to_owned(),
        "/proc/self/root/proc/self/mem".to_owned(),
    ] {
        assert_eq!(code(host.read(&path)), "file.permission_denied", "read {path}");
        let wish = json!({"path": path, "append": true});
        let refused = code(host.write(&wish, b"x"));
        assert!(refused == "file.permission_denied" || refused == "file.io", "append to {path}: {refused}");
    }
    // What others have in /proc can be read, though it says that it is empty.
    assert!(host.read("/proc/meminfo").expect("read").starts_with(b"MemTotal"));
}

#[test]
fn hundreds_of_operations_at_once_all_come_to_their_end() {
    let (agent, mut host) = ready();
    let mut ids = BTreeMap::new();
    for at in 0..400 {
        let id = host.request("file.write", &json!({"path": format!("f{at}")}));
        host.send(FrameType::Data, 0, id, format!("{at}").as_bytes());
        ids.insert(id, at);
    }
    for id in ids.keys() {
        host.send(FrameType::End, 0, *id, &[]);
    }
    for id in ids.keys() {
        host.response(*id).expect("write");
    }
    for at in [0, 199, 399] {
        assert_eq!(host.read(&format!("f{at}")).expect("read"), format!("{at}").as_bytes());
    }
    let deadline = Instant::now() + support::PATIENCE;
    while agent.thread_count() > 1 {
        assert!(Instant::now() < deadline, "threads stay: {}", agent.thread_count());
        std::thread::sleep(Duration::from_millis(50));
    }
}
