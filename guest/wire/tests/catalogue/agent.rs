// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::{
    AgentInfo, Empty, FileEntry, FileKind, FileList, FileMkdir, FileMove, FileRead, FileReadResult, FileRemove,
    FileStat, FileStatResult, FileWrite, FileWriteResult, Overflow, Personality, ProcessExit, ProcessInfo, ProcessList,
    ProcessResize, ProcessSignal, ProcessSpec, ProcessStarted, Rlimits, SignalTarget, TerminalSize, Users, op,
};
use isola_wire::{Failure, FrameType, code, failure_payload};

use super::{Golden, json, request, success};

pub fn frames() -> Vec<Golden> {
    let mut list = lifecycle();
    list.extend(processes());
    list.extend(files());
    list
}

fn lifecycle() -> Vec<Golden> {
    let personality = Personality {
        hostname: "box".into(),
        machine_id_hex: "0123456789abcdef0123456789abcdef".into(),
        env: [("LANG".into(), "C.UTF-8".into())].into(),
        workdir: "/home/user".into(),
        user: "user".into(),
        sudo: true,
        users: Users::Range,
        seed_hex: "5".repeat(64),
        clock_ms: None,
        rlimits: Rlimits { open_files: Some(4096), processes: None },
    };
    let info = AgentInfo { version: "0.1.0".into(), generation: 1, personalised: true, processes: 2 };
    let refused = Failure::new(code::SANDBOX_ALREADY_PERSONALISED, "personalise sandbox: it already is");
    vec![
        request("request-agent-info", op::INFO, 1, &Empty {}),
        success("response-agent-info", 1, &info),
        request("request-personalise", op::PERSONALISE, 2, &personality),
        success("response-empty", 2, &Empty {}),
        json("response-failure", FrameType::Response, 0, 2, &failure_payload(&refused)),
    ]
}

fn processes() -> Vec<Golden> {
    let plain = ProcessSpec {
        process_id: "pr1".into(),
        argv: vec!["sh".into(), "-c".into(), "echo \u{e9}".into()],
        cwd: None,
        env: [("A".into(), "1".into())].into(),
        user: None,
        tty: None,
        stdin: false,
        timeout_ms: None,
        kill_grace_ms: 500,
        output_limit_bytes: None,
        overflow: Overflow::Block,
    };
    let tty = ProcessSpec {
        process_id: "pr2".into(),
        argv: vec!["bash".into()],
        cwd: Some("/tmp".into()),
        env: [].into(),
        user: Some("root".into()),
        tty: Some(TerminalSize { cols: 80, rows: 24 }),
        stdin: true,
        timeout_ms: Some(60_000),
        output_limit_bytes: Some(1_048_576),
        overflow: Overflow::DropOldest,
        ..plain.clone()
    };
    let signal = ProcessSignal { process_id: "pr1".into(), signal: "SIGTERM".into(), target: SignalTarget::Group };
    let resize = ProcessResize { process_id: "pr2".into(), size: TerminalSize { cols: 132, rows: 43 } };
    let row = ProcessInfo {
        process_id: "pr1".into(),
        pid: 17,
        argv: vec!["sleep".into(), "9".into()],
        user: "user".into(),
        started_at_ms: 1_700_000_000_000,
    };
    let exit = ProcessExit {
        exit_code: Some(3),
        signal: None,
        timed_out: false,
        oom_killed: false,
        output_capped: false,
        duration_ms: 12.5,
        stdout_bytes: 5,
        stderr_bytes: 0,
        dropped_bytes: 0,
    };
    let killed = ProcessExit {
        exit_code: None,
        signal: Some("SIGKILL".into()),
        timed_out: true,
        duration_ms: 1000.25,
        dropped_bytes: 9_007_199_254_740_991,
        ..exit.clone()
    };
    vec![
        request("request-process-start", op::PROCESS_START, 3, &plain),
        request("request-process-start-tty", op::PROCESS_START, 4, &tty),
        success("response-process-start", 3, &ProcessStarted { pid: 17 }),
        json("event-exited", FrameType::Event, 0, 3, &exit),
        json("event-exited-killed", FrameType::Event, 0, 4, &killed),
        request("request-process-signal", op::PROCESS_SIGNAL, 5, &signal),
        request("request-process-resize", op::PROCESS_RESIZE, 6, &resize),
        request("request-process-list", op::PROCESS_LIST, 7, &Empty {}),
        success("response-process-list", 7, &ProcessList { processes: vec![row] }),
    ]
}

fn files() -> Vec<Golden> {
    let path = || "notes/a.txt".to_owned();
    let entry = FileEntry {
        name: "a.txt".into(),
        path: "/home/user/notes/a.txt".into(),
        kind: FileKind::Symlink,
        size: 7,
        mode: 0o777,
        uid: 1000,
        gid: 1000,
        mtime_ms: 1_700_000_000_000.5,
        target: Some("b.txt".into()),
    };
    let read = FileRead { path: path(), user: None, offset: Some(10), length: Some(20) };
    let write = FileWrite { path: path(), user: Some("root".into()), mode: Some(0o640), parents: true, append: false };
    vec![
        request("request-file-read", op::FILE_READ, 10, &read),
        success("response-file-read", 10, &FileReadResult { size: 7, mode: 0o644, mtime_ms: 1_700_000_000_000.5 }),
        request("request-file-write", op::FILE_WRITE, 11, &write),
        success("response-file-write", 11, &FileWriteResult { size: 7 }),
        request("request-file-list", op::FILE_LIST, 12, &FileList { path: path(), user: None, depth: 2, limit: 100 }),
        request("request-file-stat", op::FILE_STAT, 13, &FileStat { path: path(), user: None, follow: true }),
        success("response-file-stat", 13, &FileStatResult { entry }),
        request(
            "request-file-mkdir",
            op::FILE_MKDIR,
            14,
            &FileMkdir { path: path(), user: None, parents: true, mode: None },
        ),
        request("request-file-remove", op::FILE_REMOVE, 15, &FileRemove { path: path(), user: None, recursive: true }),
        request(
            "request-file-move",
            op::FILE_MOVE,
            16,
            &FileMove { from: path(), to: "b.txt".into(), user: None, overwrite: true },
        ),
    ]
}
