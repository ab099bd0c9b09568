// SPDX-License-Identifier: Apache-2.0
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::host::Host;

pub const KEY: [u8; 32] = [7; 32];
pub(super) const BINARY: &str = env!("CARGO_BIN_EXE_isola-agent");
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running agent and the directory that it works in; both go when this is dropped.
pub struct AgentProcess {
    pub child: Child,
    pub directory: PathBuf,
}

impl AgentProcess {
    pub fn start() -> Self {
        Self::start_with(json!({"type": "listen", "fd": 3}), &[])
    }

    /// With a carrier of the test's choice; `extra` descriptors get the numbers from 5 on.
    pub fn start_with(carrier: Value, extra: &[OwnedFd]) -> Self {
        let directory = new_directory();
        let listener = UnixListener::bind(directory.join("agent.sock")).expect("bind the agent's socket");
        let boot = boot_pipe(&json!({"keyHex": isola_wire::to_hex(&KEY), "users": "none", "carrier": carrier}));
        let mut command = Command::new(BINARY);
        command.args(["agent", "--boot-fd", "4"]);
        let fds: Vec<RawFd> =
            [listener.as_raw_fd(), boot.as_raw_fd()].into_iter().chain(extra.iter().map(AsRawFd::as_raw_fd)).collect();
        hand_over(&mut command, fds);
        let child = command.spawn().expect("start the agent");
        Self { child, directory }
    }

    pub fn workdir(&self) -> String {
        self.directory.to_string_lossy().into_owned()
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("agent.sock")
    }

    pub fn connect(&self) -> Host {
        Host::connect(&self.socket())
    }

    /// A field of /proc/pid/status in kB, e.g. `RssAnon`.
    pub fn memory_kb(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("read status");
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).expect("field");
        line.trim().trim_end_matches(" kB").parse().expect("number")
    }

    /// Processor time used so far, in hundredths of a second.
    pub fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("read stat");
        let fields: Vec<&str> = stat.rsplit_once(')').expect("name").1.split_whitespace().collect();
        fields[11].parse::<u64>().expect("user") + fields[12].parse::<u64>().expect("system")
    }

    /// The agent hides its descriptors and memory from processes of its own user; only root sees them.
    pub fn hides(&self) -> bool {
        let hidden = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).is_err();
        if hidden {
            println!("skipped: only root may look into an agent");
        }
        hidden
    }

    pub fn open_fd_count(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("list descriptors").count()
    }

    pub fn thread_count(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("list threads").count()
    }

    /// Pids of the agent's children with `word` in their command line.
    pub fn children(&self, word: &str) -> Vec<i32> {
        let all = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.child.id())).expect("children");
        let pids = all.split_whitespace().map(|pid| pid.parse().expect("pid"));
        pids.filter(|pid: &i32| {
            std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(word))
        })
        .collect()
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Memory that is a process's own, in kB.
pub fn private_kb(pid: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("read smaps");
    let field = |name: &str| -> u64 {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name)).expect("field");
        line.trim().trim_end_matches(" kB").parse().expect("number")
    };
    // `Private_Dirty` would count pages of the program itself while what the linker wrote is not on disk yet.
    field("Anonymous:")
}

pub(super) fn new_directory() -> PathBuf {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let directory = Path::new("/tmp").join(format!("isola-agent-test-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("make the test's directory");
    directory
}

/// A pipe that holds the boot configuration.
pub(super) fn boot_pipe(config: &Value) -> OwnedFd {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for both numbers.
    let made = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) };
    assert_eq!(made, 0, "make a pipe");
    // SAFETY: pipe2 has just opened both, and nobody else owns them.
    let (read, write) = unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
    let mut write = std::fs::File::from(write);
    std::io::Write::write_all(&mut write, config.to_string().as_bytes()).expect("write the boot configuration");
    read
}

/// Gives `fds` to the command under the numbers 3, 4, 5, …
pub(super) fn hand_over(command: &mut Command, fds: Vec<RawFd>) {
    const ASIDE: RawFd = 100;
    // SAFETY: dup2 is async-signal-safe; the descriptors stay open in the parent until the spawn.
    unsafe {
        command.pre_exec(move || {
            // First aside, because a source may have one of the target's numbers.
            for (at, fd) in fds.iter().enumerate() {
                libc::dup2(*fd, ASIDE + at as RawFd);
            }
            for at in 0..fds.len() as RawFd {
                libc::dup2(ASIDE + at, 3 + at);
                libc::close(ASIDE + at);
            }
            Ok(())
        });
    }
}
