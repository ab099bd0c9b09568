// SPDX-License-Identifier: Apache-2.0
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::{Value, json};

use super::agent_process::{AgentProcess, BINARY, KEY, boot_pipe, hand_over, new_directory};
use super::host::Host;

/// The first of the ids that stand for 0 to 65535 inside.
const BASE: u32 = 200_000_000;

/// An agent as pid 1 of real namespaces with a range of users. The files are the host's: as much of
/// a sandbox as the agent needs to show what it does with users, capabilities and signals.
pub struct Sandbox {
    pub agent: AgentProcess,
}

impl Sandbox {
    /// None, with a line that says so, where this machine does not let us make namespaces.
    pub fn start(users: &str) -> Option<Self> {
        // SAFETY: reads an integer.
        if unsafe { libc::geteuid() } != 0 {
            println!("skipped: making a range of users needs root");
            return None;
        }
        let directory = new_directory();
        let open = |mode| std::fs::set_permissions(&directory, PermissionsExt::from_mode(mode));
        open(0o777).expect("open the directory to the users inside");
        std::fs::create_dir(directory.join("bin")).expect("make a directory");
        // By another process: a copy that we write ourselves is "busy" while a test beside us forks.
        let copied = Command::new("cp").arg(BINARY).arg(directory.join("bin/sudo")).status().expect("run cp");
        assert!(copied.success(), "copy the agent");
        let listener = UnixListener::bind(directory.join("agent.sock")).expect("bind the agent's socket");
        let boot = boot_pipe(&json!({
            "keyHex": isola_wire::to_hex(&KEY), "users": users, "carrier": {"type": "listen", "fd": 3},
        }));
        let mut command = Command::new(directory.join("bin/sudo"));
        command.arg0("isola-agent").args(["agent", "--boot-fd", "4"]);
        hand_over(&mut command, vec![listener.as_raw_fd(), boot.as_raw_fd()]);
        let map = if users == "single" { format!("1000 {BASE} 1\n") } else { format!("0 {BASE} 65536\n") };
        let id = if users == "single" { 1000 } else { 0 };
        // SAFETY: only system calls and reads of what was made before; the child is alone.
        unsafe { command.pre_exec(move || enter(&map, id)) };
        let child = command.spawn().expect("start the agent in namespaces");
        Some(Self { agent: AgentProcess { child, directory } })
    }

    pub fn personality(&self, sudo: bool) -> Value {
        let mut wish = super::personality("/run/work");
        wish["sudo"] = json!(sudo);
        wish["env"]["PATH"] = json!(format!("{}/bin:/usr/bin:/bin:/usr/sbin:/sbin", self.agent.workdir()));
        wish
    }

    /// Personalised, with sudo.
    pub fn ready(users: &str) -> Option<(Self, Host)> {
        let sandbox = Self::start(users)?;
        let mut host = sandbox.agent.connect();
        host.call("personalise", &sandbox.personality(true)).expect("personalise");
        Some((sandbox, host))
    }
}

fn check(result: libc::c_int) -> std::io::Result<()> {
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes this process pid 1 of new namespaces: what the launcher does, in short.
fn enter(map: &str, id: u32) -> std::io::Result<()> {
    // SAFETY: system calls with valid arguments, in a child that runs nothing else.
    unsafe {
        let mut ready = [0; 2];
        check(libc::pipe2(ready.as_mut_ptr(), libc::O_CLOEXEC))?;
        let me = libc::getpid();
        let writer = libc::fork();
        check(writer)?;
        if writer == 0 {
            let mut byte = 0u8;
            libc::close(ready[1]);
            libc::read(ready[0], (&raw mut byte).cast(), 1);
            let done = std::fs::write(format!("/proc/{me}/uid_map"), map)
                .and_then(|()| std::fs::write(format!("/proc/{me}/gid_map"), map));
            libc::_exit(i32::from(done.is_err()));
        }
        let spaces =
            libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWUTS | libc::CLONE_NEWIPC;
        check(libc::unshare(spaces))?;
        libc::close(ready[1]);
        let mut status = 0;
        check(libc::waitpid(writer, &raw mut status, 0))?;
        if status != 0 {
            return Err(std::io::Error::other("the id map was refused"));
        }
        check(libc::setgroups(0, std::ptr::null()))?;
        // A single id has its capabilities by being ambient, as it is not root.
        libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0);
        check(libc::setresgid(id, id, id))?;
        check(libc::setresuid(id, id, id))?;
        if id != 0 {
            make_ambient()?;
        }
        let first = libc::fork();
        check(first)?;
        if first != 0 {
            // Only there to be killed and to take pid 1 along; whoever spawned us waits for the end
            // of descriptors that are to be pid 1's alone.
            libc::close_range(3, u32::MAX, 0);
            loop {
                let mut status = 0;
                if libc::waitpid(first, &raw mut status, 0) == first {
                    libc::_exit(libc::WEXITSTATUS(status));
                }
            }
        }
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        let none = std::ptr::null();
        check(libc::mount(none, c"/".as_ptr(), none, libc::MS_REC | libc::MS_PRIVATE, none.cast()))?;
        let mount = |kind: &std::ffi::CStr, at: &std::ffi::CStr, options: &std::ffi::CStr| {
            let flags = libc::MS_NOSUID | libc::MS_NODEV;
            check(libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()))
        };
        mount(c"proc", c"/proc", c"")?;
        mount(c"tmpfs", c"/run", c"mode=755")?;
        mount(c"devpts", c"/dev/pts", c"newinstance,ptmxmode=0666,mode=620")
    }
}

fn make_ambient() -> std::io::Result<()> {
    let header: [u32; 2] = [0x2008_0522, 0];
    let all: [u32; 6] = [u32::MAX, u32::MAX, u32::MAX, 0x1ff, 0x1ff, 0x1ff];
    // SAFETY: the kernel's structures, by value.
    unsafe {
        check(libc::syscall(libc::SYS_capset, header.as_ptr(), all.as_ptr()) as libc::c_int)?;
        for capability in 0..=40 {
            let (set, number) = (libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong);
            libc::prctl(set, number, capability as libc::c_ulong, 0, 0);
        }
    }
    Ok(())
}
