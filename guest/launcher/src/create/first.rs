// SPDX-License-Identifier: Apache-2.0
//! Pid 1 of a sandbox, from its birth to the moment it becomes the agent.

use super::entrant::{Inside, keep_capabilities, open_both, take_ids};
use super::report::Report;
use crate::budgets::Budgets;
use crate::error::{Failed, LauncherError, Result};
use crate::mount::{MountPlan, build_root};
use crate::sys::{descriptors, fork, identity, namespace, prctl, signals};
use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// Everything pid 1 is born with.
pub struct First<'a> {
    pub inside: Inside,
    pub plan: &'a MountPlan,
    pub budgets: Budgets,
    pub staged_binds: &'a [(PathBuf, bool)],
    pub program: BorrowedFd<'a>,
    /// Says one byte when ids, cgroups and mounts are staged. Its end means that the sandbox is given up.
    pub release: std::io::PipeReader,
    pub status: File,
    /// In the order of their numbers inside, from 3 on.
    pub inherited: Vec<OwnedFd>,
}

/// For each user inside. Where sandboxes have no ids of their own they all draw from one budget of the operator's.
const MESSAGE_QUEUES_BYTES: u64 = 256 * 1024;
const PENDING_SIGNALS: u64 = 4096;
const HOST_NAME: &str = "isola";

/// Never returns: becomes the agent, or says why not and ends.
pub fn become_first(first: First<'_>) -> ! {
    let status = first.status.try_clone();
    let failure = match run(first) {
        Ok(()) => LauncherError::step("start", "agent", "it returned"),
        Err(error) => error,
    };
    if let Ok(status) = status {
        Report::Failed(failure).send(&status);
    }
    fork::exit_now(1)
}

fn run(mut first: First<'_>) -> Result<()> {
    let mut byte = [0];
    if first.release.read(&mut byte).failed("wait for", "seat")? == 0 {
        fork::exit_now(0);
    }
    prctl::set_name(c"isola-agent");
    become_inside(first.inside)?;
    // The copy belongs to the sandbox's user namespace: whatever was staged is locked as it is.
    namespace::unshare(namespace::MOUNT).failed("unshare", "mount namespace")?;
    let timings = build_root(first.plan, &first.budgets, first.staged_binds)?;
    identity::set_host_name(HOST_NAME).failed("set host name", HOST_NAME)?;
    Report::Mounted(timings).send(&first.status);
    execute(first)
}

/// Takes the ids inside and a clean slate of everything that is inherited.
pub(super) fn become_inside(inside: Inside) -> Result<()> {
    take_ids(inside.identity)?;
    identity::new_session();
    identity::set_umask(0o022);
    identity::forbid_core_files().failed("limit", "core files")?;
    let (soft, hard) = inside.open_files;
    identity::limit_open_files(soft, hard).failed("limit open files to", soft)?;
    identity::limit_message_queues(MESSAGE_QUEUES_BYTES).failed("limit", "message queues")?;
    identity::limit_pending_signals(PENDING_SIGNALS).failed("limit", "pending signals")?;
    keep_capabilities(inside.identity)
}

/// The sandbox's own null device: a stream of the launcher's would lead out of the sandbox.
pub(super) fn standard_streams() -> Result<()> {
    let null = open_both("/dev/null")?;
    for target in 0..3 {
        descriptors::replace_standard(null.as_fd(), target).failed("replace standard stream", target)?;
    }
    Ok(())
}

pub(super) fn environment() -> [CString; 1] {
    [c"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].map(CString::from)
}

fn execute(first: First<'_>) -> Result<()> {
    signals::reset();
    standard_streams()?;
    let next = 3 + first.inherited.len() as u32;
    let program = descriptors::duplicate_above(first.program.as_raw_fd(), 64).failed("move", "agent program")?;
    // Above the numbers that are about to be taken, and closed by the exec: that is how the seat learns of it.
    let status = descriptors::duplicate_above(first.status.as_raw_fd(), 64).failed("move", "status pipe")?;
    descriptors::place_from_three(first.inherited).failed("place", "agent's descriptors")?;
    descriptors::close_on_exec_from(next).failed("close", "descriptors")?;
    let argv = [c"isola-agent", c"agent", c"--boot-fd", c"4"].map(CString::from);
    let failed = Err(fork::execute_descriptor(program.as_fd(), &argv, &environment())).failed("execute", "agent");
    if let Err(error) = &failed {
        Report::Failed(error.clone()).send(&File::from(status));
        fork::exit_now(1);
    }
    failed
}
