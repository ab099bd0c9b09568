// SPDX-License-Identifier: Apache-2.0
//! Users, capabilities and attacks, with the agent as pid 1 of real namespaces.
mod support;

use std::time::{Duration, Instant};

use isola_wire::FrameType;
use serde_json::json;
use support::Sandbox;

#[test]
fn a_user_has_its_ids_and_no_capabilities() {
    let Some((_sandbox, mut host)) = Sandbox::ready("range") else { return };
    let status = host.shell("id -u; id -g; id -G; grep -E '^Cap' /proc/self/status; hostname; pwd; ls -ldn .");
    let text = status.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(&lines[..3], ["1000", "1000", "1000"], "{text}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert!(lines.contains(&format!("{set}:\t0000000000000000").as_str()), "{set} in {text}");
    }
    assert_eq!((lines[8], lines[9]), ("box", "/run/work"));
    assert!(lines[10].contains(" 1000 1000 "), "{text}");
}

#[test]
fn root_has_the_container_set_and_nothing_more() {
    let Some((_sandbox, mut host)) = Sandbox::ready("range") else { return };
    let outcome =
        host.run(&["sh", "-c", "id -u; echo $HOME; grep -E '^Cap' /proc/self/status"], &json!({"user": "root"}));
    // CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT
    let set = "00000000000405fb";
    let text = outcome.text();
    assert!(text.starts_with("0\n/root\n"), "{text}");
    for line in [format!("CapPrm:\t{set}"), format!("CapEff:\t{set}"), format!("CapBnd:\t{set}")] {
        assert!(text.contains(&line), "{line} in {text}");
    }
    assert!(text.contains("CapInh:\t0000000000000000") && text.contains("CapAmb:\t0000000000000000"));
    let other = host.run(&["sh", "-c", "id -u; id -g"], &json!({"user": "33:44"}));
    assert_eq!(other.text(), "33\n44\n");
    let outside = host.try_run(&["true"], &json!({"user": "70000"})).expect_err("not mapped");
    assert_eq!(outside.code, "process.user_unknown");
}

#[test]
fn root_inside_cannot_end_stop_trace_or_read_the_agent() {
    let Some((_sandbox, mut host)) = Sandbox::ready("range") else { return };
    for attack in [
        "kill -KILL 1; kill -STOP 1; kill -TERM 1; kill -CHLD 1; sleep 0.2",
        "cat /proc/1/environ",
        "cat /proc/1/maps",
        "head -c 1 /proc/1/mem",
        "readlink /proc/1/fd/3",
        "cat < /proc/1/fd/3",
        "ls -l /proc/1/cwd/",
        "cat /proc/2/maps",
        "readlink /proc/2/fd/3",
        "nsenter -t 1 -m true",
        "chroot /proc/1/root true",
        "unshare -n true",
        "unshare -U true",
        "mount -t tmpfs none /mnt",
        "umount /proc",
        "hostname other",
    ] {
        let outcome = host.run(&["sh", "-c", attack], &json!({"user": "root"}));
        let survived = host.run(&["true"], &json!({"user": "root"}));
        assert_eq!(survived.exit.exit_code, Some(0), "after {attack}");
        if !attack.starts_with("kill") {
            assert_ne!(outcome.exit.exit_code, Some(0), "{attack}: {}", outcome.text());
        }
    }
}

#[test]
fn files_are_reached_with_the_rights_of_the_user_who_asks() {
    let Some((_sandbox, mut host)) = Sandbox::ready("range") else { return };
    let prepare = "echo secret > /run/secret; chmod 600 /run/secret; ln -s /run/secret /run/work/link; mkdir /run/closed; \
                   chmod 700 /run/closed; ln -s /run/closed /run/work/closed; echo own > /run/work/readonly; chmod 444 /run/work/readonly";
    assert_eq!(host.run(&["sh", "-c", prepare], &json!({"user": "root"})).exit.exit_code, Some(0));
    let mut code = |op: &str, parameters| {
        let id = host.request(op, &parameters);
        host.send(FrameType::End, 0, id, &[]);
        host.response(id).map_or_else(|error| error.code, |_| "done".to_owned())
    };
    for path in ["/run/secret", "link"] {
        assert_eq!(code("file.read", json!({"path": path})), "file.permission_denied");
        assert_eq!(code("file.write", json!({"path": path})), "file.permission_denied");
        assert_eq!(code("file.read", json!({"path": path, "user": "33:33"})), "file.permission_denied");
        assert_eq!(code("file.read", json!({"path": path, "user": "root"})), "done");
    }
    assert_eq!(code("file.write", json!({"path": "readonly"})), "file.permission_denied");
    assert_eq!(code("file.list", json!({"path": "closed", "depth": 1, "limit": 9})), "file.permission_denied");
    assert_eq!(code("file.remove", json!({"path": "/run/secret"})), "file.permission_denied");
    assert_eq!(code("file.mkdir", json!({"path": "/run/new"})), "file.permission_denied");
    assert_eq!(code("file.move", json!({"from": "/run/secret", "to": "stolen"})), "file.permission_denied");
    assert_eq!(code("file.write", json!({"path": "mine"})), "done");
    assert_eq!(code("file.write", json!({"path": "roots", "user": "root"})), "done");
    assert_eq!(code("file.write", json!({"path": "mine", "user": "root"})), "done");
    let owners = host.shell("stat -c '%n %u:%g' mine roots").text();
    assert_eq!(owners, "mine 1000:1000\nroots 0:0\n", "what root replaces stays its owner's");
}

#[test]
fn sudo_runs_a_command_as_root_with_the_streams_of_its_caller() {
    let Some((_sandbox, mut host)) = Sandbox::ready("range") else { return };
    let outcome = host.shell("echo input | sudo sh -c 'cat; id -u; echo err >&2; exit 7'; echo code $?");
    assert_eq!(outcome.text(), "input\n0\ncode 7\n", "{}", outcome.errors());
    assert_eq!(outcome.errors(), "err\n");
    assert_eq!(host.shell("sudo -u 33:33 id -u").text(), "33\n");
    assert_eq!(
        host.shell("A=1 sudo B=2 sh -c 'echo [$A] $B $USER $HOME $SUDO_USER $SUDO_UID'").text(),
        "[] 2 root /root user 1000\n"
    );
    assert_eq!(host.shell("A=1 sudo -E sh -c 'echo $A'").text(), "1\n");
    assert_eq!(host.shell("cd /usr; sudo pwd; sudo -s pwd; sudo $(command -v sudo) id -u").text(), "/usr\n/usr\n0\n");
    let missing = host.shell("sudo no-such-command; echo $?");
    assert_eq!(
        (missing.text().as_str(), missing.errors().as_str()),
        ("1\n", "sudo: no-such-command: command not found\n")
    );
    let killed = host.shell("sudo sh -c 'kill -TERM $$'; echo $?");
    assert_eq!(killed.text(), "143\n");
}

#[test]
fn sudo_on_a_terminal_gives_root_a_terminal_of_its_own() {
    let Some((_sandbox, mut host)) = Sandbox::ready("range") else { return };
    let terminal = json!({"tty": {"cols": 77, "rows": 22}, "stdin": true});
    let outcome =
        host.run(&["sh", "-c", "tty; sudo sh -c 'tty; stty size; id -u'; stty -a | grep -o ' icanon'"], &terminal);
    let text = outcome.text();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    assert!(lines[0].starts_with("/dev/pts/") && lines[1].starts_with("/dev/pts/") && lines[0] != lines[1], "{text}");
    assert_eq!(&lines[2..], ["22 77", "0", "icanon"], "{text}");

    let line = "sudo sh -c 'trap \"echo caught; exit 3\" INT; trap \"stty size\" WINCH; echo ready; while :; do sleep 0.05; done'; echo code $?";
    let id = host.start("pty", &["sh", "-c", line], &terminal);
    host.response(id).expect("start");
    let mut seen = String::new();
    let mut read_until = |host: &mut support::Host, word: &str| {
        while !seen.contains(word) {
            let frame = host.wait(|frame| frame.id == id && frame.frame_type == FrameType::Data);
            seen.push_str(&String::from_utf8_lossy(&frame.payload));
        }
    };
    read_until(&mut host, "ready");
    host.call("process.resize", &json!({"processId": "pty", "cols": 99, "rows": 33})).expect("resize");
    read_until(&mut host, "33 99");
    host.send(FrameType::Data, 0, id, b"\x03");
    let outcome = host.finish(id, 0);
    assert!(outcome.text().contains("caught") && outcome.text().contains("code 3"), "{}", outcome.text());
}

#[test]
fn a_root_process_does_not_outlive_the_sudo_that_asked_for_it() {
    let Some((_sandbox, mut host)) = Sandbox::ready("range") else { return };
    let line = "sudo sh -c 'trap \"\" HUP; echo $$ > /run/work/pid; while :; do sleep 0.05; done'";
    let id = host.start("stubborn", &["sh", "-c", line], &json!({}));
    host.response(id).expect("start");
    let alive = "test -s pid && sudo kill -0 $(cat pid)";
    let deadline = Instant::now() + support::PATIENCE;
    while host.shell(alive).exit.exit_code != Some(0) {
        assert!(Instant::now() < deadline);
    }
    host.send(FrameType::Cancel, 0, id, &[]);
    host.finish(id, 0);
    while host.shell(alive).exit.exit_code == Some(0) {
        assert!(Instant::now() < deadline, "it lives on");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn sudo_answers_only_the_sandboxs_user_and_survives_a_flood() {
    let Some((_sandbox, mut host)) = Sandbox::ready("range") else { return };
    let other = host.run(&["sh", "-c", "sudo id -u"], &json!({"user": "33:33"}));
    assert_eq!((other.exit.exit_code, other.text().as_str()), (Some(1), ""));
    let flood = "import socket, time\nheld = []\nfor i in range(2000):\n  s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n  \
                 s.settimeout(1)\n  try:\n    s.connect('/run/isola/sudo.sock')\n    s.send(b'nonsense' if i % 2 else b'{\"Signal\":9}')\n  \
                 except OSError: pass\n  held.append(s) if len(held) < 500 else s.close()\nprint('held', len(held))\ntime.sleep(0.5)\n";
    let outcome = host.run(&["python3", "-c", flood], &json!({}));
    assert_eq!(outcome.text(), "held 500\n", "{}", outcome.errors());
    let deadline = Instant::now() + support::PATIENCE;
    while host.shell("sudo id -u").text() != "0\n" {
        assert!(Instant::now() < deadline, "sudo is closed for good");
    }
}

#[test]
fn without_a_range_of_users_root_is_refused_with_a_reason() {
    let Some((_sandbox, mut host)) = Sandbox::ready("single") else { return };
    let outcome = host.shell("id -u; grep -E '^Cap(Prm|Bnd|Amb)' /proc/self/status; sudo id -u; echo $?");
    let text = outcome.text();
    assert!(text.starts_with("1000\n") && text.ends_with("1\n"), "{text}");
    assert_eq!(text.matches("0000000000000000").count(), 3, "{text}");
    assert!(outcome.errors().contains("root is not available in this sandbox"), "{}", outcome.errors());
    let refused = host.try_run(&["true"], &json!({"user": "root"})).expect_err("root");
    assert_eq!(refused.code, "process.root_unavailable");
    let id = host.request("file.write", &json!({"path": "file"}));
    host.send(FrameType::Data, 0, id, b"x");
    host.send(FrameType::End, 0, id, &[]);
    host.response(id).expect("write");
    assert_eq!(host.shell("stat -c %u file").text(), "1000\n");
    for attack in ["kill -KILL 1", "cat /proc/1/environ", "head -c 1 /proc/1/mem", "ls /proc/1/fd/", "ls /proc/2/fd/"] {
        let outcome = host.shell(attack);
        assert!(attack.starts_with("kill") || outcome.exit.exit_code != Some(0), "{attack}: {}", outcome.text());
        assert_eq!(host.shell("echo alive").text(), "alive\n", "after {attack}");
    }
}

#[test]
fn kernel_doors_that_others_share_are_shut() {
    let Some((_sandbox, mut host)) = Sandbox::ready("range") else { return };
    let probe = "import ctypes, socket, sys\nlibc = ctypes.CDLL(None, use_errno=True)\n\
                 def errno(*call):\n  ctypes.set_errno(0)\n  libc.syscall(*call)\n  return ctypes.get_errno()\n\
                 def family(make, *of):\n  try: make(*of)\n  except OSError as error: return error.errno\n  return 0\n\
                 context = ctypes.c_ulong(0)\n\
                 print(errno(206, 8, ctypes.byref(context)), errno(425, 1, 0), errno(101, 0, 0), errno(321, 0, 0, 0))\n\
                 print(family(socket.socketpair, 40, socket.SOCK_DGRAM), family(socket.socket, 38, 5), \
                 family(socket.socket, 2, 1, 132), family(socket.socketpair))\n";
    for user in ["user", "root"] {
        let outcome = host.run(&["python3", "-c", probe], &json!({"user": user}));
        // io_setup, io_uring_setup, ptrace, bpf; then AF_VSOCK, AF_ALG, SCTP and an ordinary pair.
        assert_eq!(outcome.text(), "38 1 1 1\n97 97 93 0\n", "{user}: {}", outcome.errors());
    }
}

#[test]
fn orphans_are_reaped_by_pid_1() {
    let Some((_sandbox, mut host)) = Sandbox::ready("range") else { return };
    host.shell("for i in $(seq 50); do (sleep 0.1 &); done");
    std::thread::sleep(Duration::from_millis(400));
    let zombies = host.shell("grep -l '^State:.Z' /proc/[0-9]*/status | wc -l").text();
    assert_eq!(zombies.trim(), "0");
}

#[test]
fn a_blank_without_sudo_has_no_socket_to_ask() {
    let Some(sandbox) = Sandbox::start("range") else { return };
    let mut host = sandbox.agent.connect();
    host.call("personalise", &sandbox.personality(false)).expect("personalise");
    let outcome = host.shell("ls /run/isola; sudo id -u; echo $?");
    assert_eq!(outcome.text(), "1\n");
    assert!(outcome.errors().contains("root is not available"));
}

#[test]
fn what_a_blank_prepares_never_overtakes_its_tenant() {
    for wait_ms in [0, 1, 2, 5, 50] {
        let Some(sandbox) = Sandbox::start("range") else { return };
        let mut host = sandbox.agent.connect();
        std::thread::sleep(Duration::from_millis(wait_ms));
        host.call("personalise", &sandbox.personality(true)).expect("personalise");
        assert_eq!(host.shell("hostname; sudo id -u").text(), "box\n0\n", "after {wait_ms} ms");
    }
}
