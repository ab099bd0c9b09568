// SPDX-License-Identifier: Apache-2.0
//! Brings the spawner into a sandbox from the `work` cgroup.
//!
//! The spawner must be a child of pid 1, live in `work`, and never be attached anywhere. So a process that
//! lives there already enters the pid namespace, forks a child inside, and that child forks the spawner and
//! ends: an orphan's new parent is the pid 1 of its namespace.

use super::report::Report;
use crate::cgroup::{Child, Placement};
use crate::error::{Failed, LauncherError, Result};
use crate::sys::fork::{CloneRequest, clone_process};
use crate::sys::{capabilities, descriptors, fork, identity, namespace, prctl, socket};
use crate::users::Identity;
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// The seat's view of its entrant.
pub struct Entrant {
    pid: i32,
    channel: UnixStream,
}

/// What the entrant gets when the sandbox's namespaces exist. Its root filesystem may still be under way.
pub struct Entry<'a> {
    pub first_process: BorrowedFd<'a>,
    pub program: BorrowedFd<'a>,
    pub spawner_socket: BorrowedFd<'a>,
    pub status: BorrowedFd<'a>,
    /// Says one byte when the root filesystem stands. Its end means that the sandbox is given up.
    pub mounted: BorrowedFd<'a>,
    pub work_v2: Option<BorrowedFd<'a>>,
    pub inside: Inside,
}

/// What holds for every process that is brought in.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Inside {
    pub identity: Identity,
    pub open_files: (u64, u64),
}

impl Entrant {
    pub fn start(cgroups: &Placement) -> Result<Self> {
        let (channel, theirs) = UnixStream::pair().failed("make", "socket pair")?;
        let seat = std::process::id() as i32;
        let pid = match fork::fork().failed("fork", "entrant")? {
            fork::Side::Child => {
                let _ = prctl::die_with_parent(seat);
                let _ = descriptors::close_all_except(&[theirs.as_raw_fd()]);
                let code = i32::from(wait_and_enter(theirs, cgroups).is_err());
                fork::exit_now(code)
            }
            fork::Side::Parent(pid) => pid,
        };
        drop(theirs);
        let mut attached = [0];
        let entrant = Self { pid, channel };
        let count = (&entrant.channel).read(&mut attached).failed("wait for", "entrant")?;
        if count == 0 {
            return Err(LauncherError::step("attach entrant to", "work cgroup", "it ended without a word"));
        }
        Ok(entrant)
    }

    /// Waits until it is gone, after sending it home if it was not needed. Until then it counts in `work`.
    pub fn dismiss(self) {
        drop(self.channel);
        let _ = fork::wait_for(self.pid);
    }

    pub fn enter(&self, entry: &Entry<'_>) -> Result<()> {
        let always = [entry.first_process, entry.program, entry.spawner_socket, entry.status, entry.mounted];
        let mut descriptors: Vec<i32> = always.iter().map(AsRawFd::as_raw_fd).collect();
        descriptors.extend(entry.work_v2.map(|fd| fd.as_raw_fd()));
        let message = serde_json::to_vec(&entry.inside).unwrap_or_default();
        socket::send_with(&self.channel, &message, &descriptors).failed("tell", "entrant").map(drop)
    }
}

fn wait_and_enter(channel: UnixStream, cgroups: &Placement) -> Result<()> {
    cgroups.attach_self_v1(Child::Work)?;
    socket::send_with(&channel, b"a", &[]).failed("tell", "seat")?;
    let mut message = [0; 256];
    let (count, descriptors) = socket::receive_with(&channel, &mut message).failed("wait for", "seat")?;
    if count == 0 {
        return Ok(());
    }
    // A spawner half-way must not be killed because its seat has done its part.
    prctl::outlive_parent().failed("outlive", "seat")?;
    let inside: Inside = serde_json::from_slice(&message[..count])
        .map_err(|error| LauncherError::step("read", "entry", error.to_string()))?;
    let mut descriptors = descriptors.into_iter();
    let mut next = || descriptors.next().ok_or_else(|| LauncherError::step("read", "entry", "a descriptor is missing"));
    let (first, program, spawner_socket) = (next()?, next()?, next()?);
    let (status, mounted) = (File::from(next()?), File::from(next()?));
    let entered = enter(&first, descriptors.next().as_ref(), || {
        wait_until_mounted(mounted);
        start_spawner(&first, inside, &program, spawner_socket, &status)
    });
    if let Err(error) = &entered {
        Report::Failed(error.clone()).send(&status);
    }
    entered
}

/// Makes a child inside the pid namespace, in the v2 cgroup by birth, and waits for it.
fn enter(first: &OwnedFd, work_v2: Option<&OwnedFd>, inside: impl FnOnce() -> LauncherError) -> Result<()> {
    namespace::enter(first.as_fd(), namespace::PID).failed("enter", "pid namespace of the sandbox")?;
    let request = CloneRequest { namespaces: 0, into_cgroup: work_v2.map(AsFd::as_fd) };
    match clone_process(&request).failed("make process in", "work cgroup")? {
        Some(child) => {
            fork::wait_for(child.pid).failed("wait for", "process in work cgroup")?;
            Ok(())
        }
        None => {
            let _failure = inside();
            fork::exit_now(1)
        }
    }
}

/// The kernel lets only a process from outside enter now: pid 1 is not executed yet. So this one waits outside.
fn wait_until_mounted(mut mounted: File) {
    if mounted.read(&mut [0]).unwrap_or_default() == 0 {
        fork::exit_now(0);
    }
}

/// Enters everything else, forks the spawner, and ends. Returns only with a failure, already reported.
fn start_spawner(
    first: &OwnedFd,
    inside: Inside,
    program: &OwnedFd,
    spawner_socket: OwnedFd,
    status: &File,
) -> LauncherError {
    let started = prepare_inside(first, inside).and_then(|()| {
        match fork::fork().failed("fork", "spawner")? {
            fork::Side::Parent(_) => fork::exit_now(0),
            fork::Side::Child => {
                // Until the parent is gone a process started with CLONE_PARENT would be its sibling's child.
                while fork::parent_pid() != 1 {
                    std::thread::yield_now();
                }
                execute(program, spawner_socket)
            }
        }
    });
    let failure = started.err().unwrap_or_else(|| LauncherError::step("start", "spawner", "it returned"));
    Report::Failed(failure.clone()).send(status);
    failure
}

fn prepare_inside(first: &OwnedFd, inside: Inside) -> Result<()> {
    let kinds = namespace::USER | namespace::MOUNT | namespace::NETWORK | namespace::IPC | namespace::UTS;
    namespace::enter(first.as_fd(), kinds).failed("enter", "namespaces of the sandbox")?;
    super::first::become_inside(inside)?;
    // Seen from inside, `work` is the root of all cgroups.
    namespace::unshare(namespace::CGROUP).failed("unshare", "cgroup namespace")
}

fn execute(program: &OwnedFd, spawner_socket: OwnedFd) -> Result<()> {
    prctl::set_name(c"isola-spawner");
    super::first::standard_streams()?;
    let program = descriptors::duplicate_above(program.as_raw_fd(), 64).failed("move", "agent program")?;
    descriptors::place_from_three(vec![spawner_socket]).failed("place", "spawner's descriptor")?;
    descriptors::close_on_exec_from(4).failed("close", "descriptors")?;
    let argv = [c"isola-agent", c"spawner", c"--fd", c"3"].map(CString::from);
    Err(fork::execute_descriptor(program.as_fd(), &argv, &super::first::environment())).failed("execute", "spawner")
}

/// Opens a file of the sandbox for reading and writing.
pub(super) fn open_both(path: &str) -> Result<File> {
    OpenOptions::new().read(true).write(true).open(path).failed("open", path)
}

/// Keeps the sandbox's rights where exec by an ordinary id would drop them.
pub(super) fn keep_capabilities(identity: Identity) -> Result<()> {
    if identity.first_user() == 0 {
        return Ok(());
    }
    capabilities::keep_through_exec().failed("keep", "capabilities through exec")
}

/// Takes the ids of pid 1.
pub fn take_ids(identity: Identity) -> Result<()> {
    let user = identity.first_user();
    if user == 0 {
        // With a single id the kernel forbids changing the list, and there is nothing in it to gain.
        identity::clear_groups().failed("clear", "groups")?;
    }
    identity::become_user(user, user).failed("become user", user)
}
