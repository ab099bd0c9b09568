// SPDX-License-Identifier: Apache-2.0
//! Ending a sandbox so that nothing of it stays: processes, mounts, cgroups, files.

mod trash;
mod tree;

pub use trash::{clean_trash, has_trash};

use crate::cgroup::Placement;
use crate::error::{Failed, LauncherError, Result};
use crate::exits;
use crate::host::Host;
use crate::record::BootRecord;
use crate::sys::pidfd;
use std::os::fd::AsFd;

/// A process in uninterruptible sleep on a broken disk may never end; that is reported and not waited for.
const DEATH_DEADLINE_MS: i32 = 10_000;

/// Removes the sandbox. Doing it again, or for a sandbox that never was, does nothing.
pub fn destroy(host: &Host, sandbox_id: &str) -> Result<()> {
    let directory = host.state.sandbox(sandbox_id);
    let planned = Placement::plan(&host.cgroups, sandbox_id);
    let record = BootRecord::read(&directory);
    let cgroups = record.as_ref().map_or(&planned, |record| &record.cgroups);
    end_processes(record.as_ref(), cgroups)?;
    // Before the cgroups: pages of deleted files are no longer charged to anybody.
    let layer =
        record.as_ref().map_or_else(|| host.layers.plan(&host.state, sandbox_id), |record| record.layer.clone());
    layer.remove_subvolume()?;
    let may_linger = host.cgroups.may_linger();
    cgroups.remove(may_linger)?;
    if *cgroups != planned {
        planned.remove(may_linger)?;
        // That launcher lived in other cgroups; nothing else of it may be left there.
        cgroups.remove_roots();
    }
    // Last, because the record in it is what a later attempt needs. Its layer, where it is a directory, goes along.
    trash::discard(&host.state, &directory)?;
    exits::forget(&host.state, sandbox_id);
    Ok(())
}

/// The end of pid 1 is the end of all: the kernel kills the whole pid namespace before it lets go of it.
fn end_processes(record: Option<&BootRecord>, cgroups: &Placement) -> Result<()> {
    let Some(pid) = record.and_then(BootRecord::live_pid) else {
        // No pid 1 that we know of: what a killed launcher left half-made is found by its cgroups.
        cgroups.kill();
        return Ok(());
    };
    let Ok(first) = pidfd::open(pid) else { return Ok(()) };
    // Between reading and opening the number may have passed to somebody else.
    if record.and_then(BootRecord::live_pid).is_none() {
        return Ok(());
    }
    pidfd::signal(first.as_fd(), libc::SIGKILL).failed("kill pid 1", pid)?;
    if cgroups.must_thaw_to_kill() {
        cgroups.thaw()?;
    }
    if pidfd::wait_gone(first.as_fd(), DEATH_DEADLINE_MS).failed("wait for the end of", pid)? {
        return Ok(());
    }
    Err(LauncherError::step(
        "wait for the end of",
        format!("pid 1 of the sandbox ({pid})"),
        "it is still there after 10 s",
    ))
}
