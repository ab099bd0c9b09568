// SPDX-License-Identifier: Apache-2.0
//! User and group ids, host name, session and process limits of the calling process.

use super::check;
use std::io;

pub fn user_id() -> u32 {
    // SAFETY: cannot fail, touches no memory.
    unsafe { libc::getuid() }
}

pub fn group_id() -> u32 {
    // SAFETY: cannot fail, touches no memory.
    unsafe { libc::getgid() }
}

/// Becomes this user and group in all three senses, groups first, while the right to do so lasts.
pub fn become_user(user_id: u32, group_id: u32) -> io::Result<()> {
    // SAFETY: plain numbers.
    check(i64::from(unsafe { libc::setresgid(group_id, group_id, group_id) }))?;
    // SAFETY: plain numbers.
    check(i64::from(unsafe { libc::setresuid(user_id, user_id, user_id) }))?;
    Ok(())
}

pub fn clear_groups() -> io::Result<()> {
    // SAFETY: a length of zero reads no memory.
    check(i64::from(unsafe { libc::setgroups(0, std::ptr::null()) }))?;
    Ok(())
}

pub fn set_host_name(name: &str) -> io::Result<()> {
    // SAFETY: pointer and length describe one string.
    check(i64::from(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }))?;
    Ok(())
}

/// A session of its own, without the launcher's terminal.
pub fn new_session() {
    // SAFETY: no arguments. A process that leads its group already keeps its session, which is as good.
    unsafe { libc::setsid() };
}

pub fn set_umask(mask: u32) {
    // SAFETY: cannot fail.
    unsafe { libc::umask(mask) };
}

/// Acts as another user from here on, and keeps the way back: the real id stays as it is.
pub fn set_effective_user(user_id: u32) -> io::Result<()> {
    // SAFETY: plain numbers; the largest means "as it is".
    check(i64::from(unsafe { libc::setresuid(u32::MAX, user_id, u32::MAX) }))?;
    Ok(())
}

/// No core files: they would hold the workload's memory, and the agent's. The kernel dumps under a limit of 0
/// still, where a program of the host takes dumps through a pipe; 1 is its mark for "never".
pub fn forbid_core_files() -> io::Result<()> {
    set_limit(libc::RLIMIT_CORE, 1, 1)
}

pub fn limit_message_queues(bytes: u64) -> io::Result<()> {
    lower_limit(libc::RLIMIT_MSGQUEUE, bytes)
}

pub fn limit_pending_signals(count: u64) -> io::Result<()> {
    lower_limit(libc::RLIMIT_SIGPENDING, count)
}

pub fn limit_open_files(soft: u64, hard: u64) -> io::Result<()> {
    set_limit(libc::RLIMIT_NOFILE, soft, hard)
}

/// Only ever less: what is lower already stays.
fn lower_limit(resource: libc::__rlimit_resource_t, most: u64) -> io::Result<()> {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `now` is valid for writing.
    check(i64::from(unsafe { libc::getrlimit(resource, &raw mut now) }))?;
    set_limit(resource, now.rlim_cur.min(most), now.rlim_max.min(most))
}

fn set_limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limit` is valid for reading.
    check(i64::from(unsafe { libc::setrlimit(resource, &raw const limit) }))?;
    Ok(())
}
