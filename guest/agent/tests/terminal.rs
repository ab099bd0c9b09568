// SPDX-License-Identifier: Apache-2.0
//! Processes on a terminal.
mod support;

use isola_wire::FrameType;
use serde_json::{Value, json};
use support::{Host, ready};

fn on_terminal() -> Value {
    json!({"tty": {"cols": 91, "rows": 31}, "stdin": true})
}

/// Reads a terminal's output until it holds `word`.
fn read_until(host: &mut Host, id: u32, word: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(word) {
        let frame = host.wait(|frame| frame.id == id && frame.frame_type == FrameType::Data);
        assert_eq!(frame.channel, 1, "a terminal has one output");
        seen.push_str(&String::from_utf8_lossy(&frame.payload));
    }
    seen
}

#[test]
fn a_process_on_a_terminal_sees_one_of_the_right_size_and_controls_it() {
    let (_agent, mut host) = ready();
    let outcome = host.run(&["sh", "-c", "stty size; tty < /dev/tty; echo $TERM; echo err >&2"], &on_terminal());
    let text = outcome.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[2], lines[3]), ("31 91", "xterm-256color", "err"));
    assert!(lines[1].starts_with("/dev/"), "{text}");
    assert_eq!(outcome.exit.exit_code, Some(0));
}

#[test]
fn a_terminal_echoes_takes_control_characters_and_can_be_resized() {
    let (_agent, mut host) = ready();
    let line = "trap 'stty size' WINCH; trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.02; done";
    let id = host.start("tty", &["sh", "-c", line], &on_terminal());
    host.response(id).expect("start");
    read_until(&mut host, id, "ready");
    host.send(FrameType::Data, 0, id, b"typed");
    read_until(&mut host, id, "typed");
    host.call("process.resize", &json!({"processId": "tty", "cols": 120, "rows": 40})).expect("resize");
    read_until(&mut host, id, "40 120");
    host.send(FrameType::Data, 0, id, b"\x03");
    let outcome = host.finish(id, 0);
    assert!(outcome.text().contains("interrupted"));
    assert_eq!(outcome.exit.exit_code, Some(5));
}

#[test]
fn the_end_of_input_is_the_terminals_own() {
    let (_agent, mut host) = ready();
    let id = host.start("cat", &["cat"], &on_terminal());
    host.response(id).expect("start");
    host.send(FrameType::Data, 0, id, b"line\n");
    host.send(FrameType::End, 0, id, &[]);
    let outcome = host.finish(id, 0);
    assert_eq!((outcome.text().as_str(), outcome.exit.exit_code), ("line\r\nline\r\n", Some(0)));
}

#[test]
fn all_that_was_written_before_the_end_arrives() {
    let (_agent, mut host) = ready();
    for _ in 0..20 {
        let outcome = host.run(&["sh", "-c", "seq 1 500; echo end"], &json!({"tty": {"cols": 80, "rows": 24}}));
        assert!(outcome.text().ends_with("500\r\nend\r\n"), "{:?}", outcome.text());
    }
}

#[test]
fn a_process_without_a_terminal_has_none_to_resize() {
    let (_agent, mut host) = ready();
    let id = host.start("plain", &["sleep", "60"], &json!({}));
    host.response(id).expect("start");
    let wish = |id| json!({"processId": id, "cols": 1, "rows": 1});
    assert_eq!(host.call("process.resize", &wish("plain")).expect_err("plain").code, "process.no_tty");
    assert_eq!(host.call("process.resize", &wish("nobody")).expect_err("nobody").code, "process.not_found");
}

#[test]
fn terminals_leave_no_descriptors_behind() {
    let (agent, mut host) = ready();
    if agent.hides() {
        return;
    }
    host.run(&["true"], &on_terminal());
    let before = agent.open_fd_count();
    for _ in 0..30 {
        host.run(&["true"], &on_terminal());
    }
    assert_eq!(agent.open_fd_count(), before);
}
