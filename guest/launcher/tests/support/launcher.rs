// SPDX-License-Identifier: Apache-2.0
use super::client::{Client, ask_inside};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// As whom a launcher is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunAs {
    Root,
    /// An ordinary user with one id only.
    SingleUser,
    /// An ordinary user with a range of subordinate ids. They are put over /etc/subuid for this process alone.
    RangeUser,
}

impl RunAs {
    fn user(self) -> Option<u32> {
        match self {
            Self::Root => None,
            Self::SingleUser => Some(54_321),
            Self::RangeUser => Some(65_534),
        }
    }
}

/// A launcher in a directory of its own, which is removed with it.
pub struct Launcher {
    directory: PathBuf,
    run_as: RunAs,
    /// The process in whose mount namespace it is started, where that is not the test's own.
    among: Option<u32>,
    child: Child,
}

impl Launcher {
    pub fn start(name: &str, run_as: RunAs) -> Self {
        Self::start_in(name, run_as, None)
    }

    /// Starts one that sees the mounts of another process.
    pub fn start_in(name: &str, run_as: RunAs, among: Option<u32>) -> Self {
        // Short: the path of a socket below it has to fit an address.
        let directory = PathBuf::from(format!("/tmp/isola-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        make_files(&directory, run_as);
        let child = serve(&directory, run_as, among);
        Self { directory, run_as, among, child }
    }

    pub fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    pub fn state(&self) -> PathBuf {
        self.directory.join("s")
    }

    /// Its cgroups, with everything below.
    pub fn cgroups(&self) -> Vec<String> {
        super::Footprint::of(&self.state()).cgroups
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client of the launcher's own user, the only one it lets in.
    pub fn client(&self) -> Client {
        as_user(self.run_as.user(), || Client::connect(&self.state().join("launcher.sock")))
    }

    /// A server of the launcher's relay.
    pub fn relay_client(&self) -> Client {
        as_user(self.run_as.user(), || Client::connect_to(&self.state().join("relay.sock"), "relay"))
    }

    /// Asks the reporting agent of a sandbox.
    pub fn ask(&self, prepared: &Value, word: &str) -> Value {
        as_user(self.run_as.user(), || ask_inside(prepared, word))
    }

    /// Kills it without any warning, and starts another one in its place.
    pub fn replace(&mut self) {
        self.kill();
        self.child = serve(&self.directory, self.run_as, self.among);
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("the launcher can be killed");
        self.child.wait().expect("the launcher ends");
    }

    /// Ends it politely and checks that it was content.
    pub fn end(&mut self) {
        self.client().call("shutdown", json!({})).expect_ok();
        assert!(self.child.wait().expect("the launcher ends").success());
    }

    /// Starts a second one beside it: its exit code, and what it said on the ready descriptor.
    pub fn start_rival(&self) -> (Option<i32>, String) {
        let (child, line) = start(&self.directory, self.run_as, self.among);
        (child.wait_with_output().expect("the rival ends").status.code(), line)
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            // A test that has failed already must not fail to clean up as well.
            let cleaned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let _ = self.client().call("sweep", json!({ "keep": [] }));
                self.end();
            }));
            assert!(cleaned.is_ok() || std::thread::panicking(), "the launcher ends politely");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Does something with the rights of another user, in this thread only.
fn as_user<T>(user: Option<u32>, work: impl FnOnce() -> T) -> T {
    let set = |user: u32| {
        // SAFETY: plain numbers; the raw call changes this thread alone, and the saved id lets it change back.
        let result = unsafe { libc::syscall(libc::SYS_setresuid, u32::MAX, user, u32::MAX) };
        assert_eq!(result, 0, "become user {user}");
    };
    let Some(user) = user else { return work() };
    set(user);
    let result = work();
    set(0);
    result
}

fn make_files(directory: &Path, run_as: RunAs) {
    for name in ["s", "tool", "skeleton/usr", "skeleton/home/user", "skeleton/opt", "skeleton/tmp"] {
        fs::create_dir_all(directory.join(name)).expect("make directory");
    }
    fs::write(directory.join("skeleton/marker"), "below").expect("write marker");
    fs::write(directory.join("tool/hello"), "hello").expect("write tool");
    let built = std::env::current_exe().expect("own path");
    let agent = built.ancestors().nth(2).expect("target directory").join("examples/reporting-agent");
    // A plain `cargo test` builds it, a run of one test alone does not.
    assert!(agent.exists(), "run `cargo build -p isola-launcher --example reporting-agent` first");
    for (from, to) in [(Path::new(env!("CARGO_BIN_EXE_isola-launcher")), "isola-launcher"), (&agent, "agent")] {
        // By another process: a descriptor for writing here would be inherited by what other tests start
        // just then, and a program that is open for writing cannot be executed.
        let copied = Command::new("cp").arg(from).arg(directory.join(to)).status().expect("run cp");
        assert!(copied.success(), "copy {}", from.display());
    }
    if let Some(user) = run_as.user() {
        fs::write(directory.join("subid"), format!("{user}:300000:65536\n")).expect("write subid");
        let owner = format!("{user}:{user}");
        let changed = Command::new("chown").arg("-R").arg(owner).arg(directory).status().expect("run chown");
        assert!(changed.success());
    }
}

fn serve(directory: &Path, run_as: RunAs, among: Option<u32>) -> Child {
    let (child, line) = start(directory, run_as, among);
    assert_eq!(line, "ready\n", "the launcher starts; its log: {}", log(directory));
    child
}

/// Starts a launcher and waits for its line on the ready descriptor.
fn start(directory: &Path, run_as: RunAs, among: Option<u32>) -> (Child, String) {
    let (reader, writer) = std::io::pipe().expect("make pipe");
    let log = fs::OpenOptions::new().create(true).append(true).open(directory.join("log")).expect("open log");
    let serve = "exec ./isola-launcher serve --state \"$PWD/s\" --agent \"$PWD/agent\" --ready-fd 3 3>&1 >/dev/null";
    let script = match run_as.user() {
        None => serve.to_owned(),
        Some(user) => {
            let as_user =
                format!("exec setpriv --reuid {user} --regid {user} --clear-groups env -u HOME sh -c '{serve}'");
            match run_as {
                RunAs::RangeUser => format!(
                    "exec unshare --mount sh -c \"mount --bind subid /etc/subuid && mount --bind subid /etc/subgid && {}\"",
                    as_user.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$")
                ),
                _ => as_user,
            }
        }
    };
    let mut command = match among {
        None => Command::new("sh"),
        Some(pid) => {
            let mut command = Command::new("nsenter");
            command.args(["--target", &pid.to_string(), "--mount", "sh"]);
            command
        }
    };
    let child = command
        .args(["-c", &format!("cd {} && {script}", directory.display())])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(log)
        .spawn()
        .expect("start launcher");
    // It holds our copy of the writing end, without which there is no end of reading.
    drop(command);
    let mut line = String::new();
    BufReader::new(reader).read_line(&mut line).expect("read ready line");
    (child, line)
}

fn log(directory: &Path) -> String {
    fs::read_to_string(directory.join("log")).unwrap_or_default()
}
