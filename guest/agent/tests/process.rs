// SPDX-License-Identifier: Apache-2.0
//! Starting, ending and signalling processes.
mod support;

use std::time::{Duration, Instant};

use isola_wire::FrameType;
use serde_json::json;
use support::{AgentProcess, exit_of, personality, ready, spec};

#[test]
fn a_process_delivers_its_output_and_exit_code() {
    let (_agent, mut host) = ready();
    let outcome = host.shell("echo out; echo err >&2; exit 3");
    assert_eq!((outcome.text().as_str(), outcome.errors().as_str()), ("out\n", "err\n"));
    assert_eq!((outcome.exit.exit_code, outcome.exit.signal), (Some(3), None));
    assert_eq!((outcome.exit.stdout_bytes, outcome.exit.stderr_bytes, outcome.exit.dropped_bytes), (4, 4, 0));
    assert!(!outcome.exit.timed_out && !outcome.exit.output_capped && !outcome.exit.oom_killed);
}

#[test]
fn a_blank_starts_nothing_and_becomes_somebodys_once() {
    let agent = AgentProcess::start();
    let mut host = agent.connect();
    let refused = host.call("process.start", &spec("a", &["true"], &json!({}))).expect_err("a blank");
    assert_eq!(refused.code, "sandbox.not_personalised");
    let info = host.call("agent.info", &json!({})).expect("info");
    assert_eq!((info["personalised"].as_bool(), info["processes"].as_u64()), (Some(false), Some(0)));
    host.call("personalise", &personality("/tmp")).expect("personalise");
    let again = host.call("personalise", &personality("/tmp")).expect_err("twice");
    assert_eq!(again.code, "sandbox.already_personalised");
    assert_eq!(host.call("agent.info", &json!({})).expect("info")["personalised"], true);
}

#[test]
fn the_environment_is_the_sandboxs_and_then_the_processs() {
    let (agent, mut host) = ready();
    let changes = json!({"env": {"OWN": "1", "PATH": "/usr/bin:/bin"}});
    let outcome = host.run(&["sh", "-c", "echo $SHARED $OWN $PATH $HOME; pwd"], &changes);
    assert_eq!(outcome.text(), format!("yes 1 /usr/bin:/bin /home/user\n{}\n", agent.workdir()));
    let elsewhere = host.run(&["pwd"], &json!({"cwd": "/usr"}));
    assert_eq!(elsewhere.text(), "/usr\n");
    std::fs::create_dir(agent.directory.join("inner")).expect("make a directory");
    let below = host.run(&["pwd"], &json!({"cwd": "inner"}));
    assert_eq!(below.text(), format!("{}/inner\n", agent.workdir()));
}

#[test]
fn what_cannot_be_started_says_why() {
    let (agent, mut host) = ready();
    let plain = agent.directory.join("plain");
    std::fs::write(&plain, "not a program").expect("write");
    let plain = plain.to_string_lossy().into_owned();
    let mut code = |argv: &[&str], changes| host.try_run(argv, &changes).expect_err("refused").code;
    assert_eq!(code(&["no-such-program"], json!({})), "process.program_not_found");
    assert_eq!(code(&["/no/such/program"], json!({})), "process.program_not_found");
    assert_eq!(code(&[""], json!({})), "process.program_not_found");
    assert_eq!(code(&[&plain], json!({})), "process.not_executable");
    assert_eq!(code(&["/usr"], json!({})), "process.not_executable");
    assert_eq!(code(&["true"], json!({"cwd": "/no/such/directory"})), "process.cwd_not_found");
    assert_eq!(code(&["true"], json!({"user": "root"})), "process.root_unavailable");
    assert_eq!(code(&["a\u{0}b"], json!({})), "request.invalid");
    assert_eq!(code(&["true"], json!({"env": {"A=B": "1"}})), "request.invalid");
    assert_eq!(host.shell("echo fine").text(), "fine\n");
}

#[test]
fn a_script_without_an_interpreter_line_is_run_by_the_shell() {
    let (agent, mut host) = ready();
    let script = agent.directory.join("script");
    std::fs::write(&script, "echo \"$0 $1 $2\"\n").expect("write");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    let script = script.to_string_lossy().into_owned();
    assert_eq!(host.run(&[&script, "a", "b"], &json!({})).text(), format!("{script} a b\n"));
}

#[test]
fn arguments_and_variables_too_large_for_a_datagram_arrive() {
    let (_agent, mut host) = ready();
    // One argument may have 128 KiB; together they exceed what a socket takes at once.
    let long = "x".repeat(100_000);
    let argv = ["sh", "-c", "echo $# ${#1} ${#2} ${#3} ${#BIG}", "sh", &long, &long, &long];
    let outcome = host.run(&argv, &json!({"env": {"BIG": long}}));
    assert_eq!(outcome.text(), "3 100000 100000 100000 100000\n");
}

#[test]
fn a_process_id_is_taken_only_while_its_process_lives() {
    let (_agent, mut host) = ready();
    let first = host.start("same", &["sleep", "60"], &json!({}));
    host.response(first).expect("start");
    let second = host.start("same", &["true"], &json!({}));
    assert_eq!(host.response(second).expect_err("taken").code, "process.id_taken");
    host.send(FrameType::Cancel, 0, first, &[]);
    host.finish(first, 0);
    let third = host.start("same", &["true"], &json!({}));
    host.response(third).expect("free again");
}

#[test]
fn a_signal_reaches_the_process_or_its_whole_group() {
    let (_agent, mut host) = ready();
    let line = "trap 'echo caught; exit 7' USR1; echo ready; while :; do sleep 0.05; done";
    let id = host.start("trap", &["sh", "-c", line], &json!({}));
    host.response(id).expect("start");
    let ready_line = host.wait(|frame| frame.id == id && frame.frame_type == FrameType::Data);
    assert_eq!(ready_line.payload, b"ready\n");
    let wish = json!({"processId": "trap", "signal": "SIGUSR1", "target": "process"});
    host.call("process.signal", &wish).expect("signal");
    let outcome = host.finish(id, 0);
    assert_eq!((outcome.text().as_str(), outcome.exit.exit_code), ("caught\n", Some(7)));

    let id = host.start("group", &["sh", "-c", "sleep 60 & echo ready; wait; sleep 60"], &json!({}));
    host.response(id).expect("start");
    host.wait(|frame| frame.id == id && frame.frame_type == FrameType::Data);
    let wish = json!({"processId": "group", "signal": "SIGTERM", "target": "group"});
    host.call("process.signal", &wish).expect("signal");
    assert_eq!(host.finish(id, 0).exit.signal.as_deref(), Some("SIGTERM"));
    let gone = host.call("process.signal", &wish).expect_err("gone");
    assert_eq!(gone.code, "process.not_found");
    let odd = json!({"processId": "group", "signal": "SIGNOTHING", "target": "group"});
    assert_eq!(host.call("process.signal", &odd).expect_err("odd").code, "request.invalid");
}

#[test]
fn cancelling_kills_the_group_even_before_it_is_started() {
    let (_agent, mut host) = ready();
    let id = host.start("cancelled", &["sleep", "60"], &json!({}));
    host.send(FrameType::Cancel, 0, id, &[]);
    host.response(id).expect("start");
    assert_eq!(host.finish(id, 0).exit.signal.as_deref(), Some("SIGKILL"));
}

#[test]
fn a_process_over_its_time_is_asked_and_then_killed() {
    let (_agent, mut host) = ready();
    let polite =
        host.run(&["sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.02; done"], &json!({"timeoutMs": 100}));
    assert_eq!((polite.exit.timed_out, polite.exit.exit_code), (true, Some(9)));
    let started = Instant::now();
    let changes = json!({"timeoutMs": 100, "killGraceMs": 200});
    let stubborn = host.run(&["sh", "-c", "trap '' TERM; while :; do sleep 0.02; done"], &changes);
    assert_eq!((stubborn.exit.timed_out, stubborn.exit.signal.as_deref()), (true, Some("SIGKILL")));
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(3), "took {took:?}");
    let quick = host.run(&["true"], &json!({"timeoutMs": 60_000}));
    assert!(!quick.exit.timed_out);
}

#[test]
fn members_of_the_group_that_outlive_their_leader_are_killed_after_the_grace() {
    let (_agent, mut host) = ready();
    let line = "(trap '' TERM; while :; do date +%N > new; mv new beat; sleep 0.02; done) & wait";
    let outcome = host.run(&["sh", "-c", line], &json!({"timeoutMs": 500, "killGraceMs": 2000}));
    assert_eq!((outcome.exit.timed_out, outcome.exit.signal.as_deref()), (true, Some("SIGTERM")));
    let mut beats = || host.shell("cat beat; sleep 0.15; cat beat").text();
    let (before, after) = {
        let before = beats();
        std::thread::sleep(Duration::from_millis(2500));
        (before, beats())
    };
    let moves = |beats: &str| beats.lines().collect::<std::collections::BTreeSet<_>>().len() > 1;
    assert!(moves(&before), "the grace is not over");
    assert!(!moves(&after), "it lives on");
}

#[test]
fn no_process_leaves_a_core_dump() {
    let (_agent, mut host) = ready();
    assert_eq!(host.shell("ulimit -Hc; ulimit -Sc").text(), "0\n0\n");
}

#[test]
fn the_list_shows_who_runs() {
    let (_agent, mut host) = ready();
    let id = host.start("listed", &["sleep", "60"], &json!({}));
    let pid = host.response(id).expect("start")["pid"].clone();
    let list = host.call("process.list", &json!({})).expect("list");
    let row = &list["processes"][0];
    assert_eq!((&row["processId"], &row["pid"], &row["argv"]), (&json!("listed"), &pid, &json!(["sleep", "60"])));
    assert!(row["startedAtMs"].as_u64().is_some_and(|at| at > 1_600_000_000_000));
    host.send(FrameType::Cancel, 0, id, &[]);
    host.finish(id, 0);
    let list = host.call("process.list", &json!({})).expect("list");
    assert_eq!(list["processes"], json!([]));
}

#[test]
fn what_a_process_wrote_last_is_delivered_though_a_descendant_holds_its_pipes() {
    let (_agent, mut host) = ready();
    let started = Instant::now();
    // The descendant also writes after the end: it must neither block nor die of it.
    let line = "(sleep 1.5; echo late; sleep 0.2; echo survived > survived) & echo last";
    let outcome = host.shell(line);
    assert_eq!((outcome.text().as_str(), outcome.exit.exit_code), ("last\n", Some(0)));
    assert!(started.elapsed() < Duration::from_millis(1200), "the exit does not wait for descendants");
    std::thread::sleep(Duration::from_millis(2000));
    assert_eq!(host.shell("cat survived").text(), "survived\n");
}

#[test]
fn standard_streams_and_signals_are_those_of_a_fresh_process() {
    let (_agent, mut host) = ready();
    let outcome = host.shell("ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/0");
    assert_eq!(outcome.text(), "0 1 2 3 /dev/null\n");
    let status = host.shell("cat /proc/self/status").text();
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"] {
        assert!(status.lines().any(|one| one == line), "{line} is missing in {status}");
    }
}

#[test]
fn a_thousand_starts_leave_nothing_behind() {
    let (agent, mut host) = ready();
    if agent.hides() {
        return;
    }
    host.shell("true");
    let fds = agent.open_fd_count();
    for round in 0..10 {
        let ids: Vec<u32> = (0..100).map(|at| host.start(&format!("{round}-{at}"), &["true"], &json!({}))).collect();
        for id in ids {
            let pid = host.response(id).expect("start")["pid"].as_i64().expect("pid");
            let exit = host.finish(id, pid as i32).exit;
            assert_eq!(exit.exit_code, Some(0));
        }
    }
    assert_eq!(agent.open_fd_count(), fds);
    assert_eq!(agent.children("true"), Vec::<i32>::new());
}

#[test]
fn more_processes_than_the_agent_holds_are_refused_and_no_others_suffer() {
    let (_agent, mut host) = ready();
    let ids: Vec<u32> = (0..1030).map(|at| host.start(&format!("p{at}"), &["sleep", "60"], &json!({}))).collect();
    let refused = ids.iter().filter(|id| host.response(**id).is_err_and(|error| error.code == "process.limit_reached"));
    assert_eq!(refused.count(), 6);
    host.send(FrameType::Cancel, 0, ids[0], &[]);
    let exit = host.wait(|frame| frame.id == ids[0] && frame.frame_type == FrameType::Event);
    assert_eq!(exit_of(&exit).signal.as_deref(), Some("SIGKILL"));
    assert_eq!(host.shell("echo room").text(), "room\n");
}
