// SPDX-License-Identifier: Apache-2.0
//! Without root the launcher lives in a user namespace of its own, in which it is root.

use super::{IDS_PER_SANDBOX, subordinate};
use crate::budgets;
use crate::error::{Failed, LauncherError, Result};
use crate::sys::{capabilities, fork, identity, mount, namespace};
use isola_wire::agent::Users;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::Command;

/// How the outer namespace was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OuterMode {
    pub users: Users,
    /// Why there is no range, when there is none.
    pub why_single: Option<String>,
}

/// False for real root: it needs no outer namespace, and id mapping of mounts works only outside of one.
pub fn is_outer_needed() -> bool {
    let initial =
        fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]));
    !(initial && identity::user_id() == 0 && capabilities::has(capabilities::SYS_ADMIN))
}

/// Moves the calling process into a user namespace where it is root, with a mount namespace of its own.
///
/// A child stays outside, because only a process outside may run `newuidmap`.
pub fn enter_outer() -> Result<OuterMode> {
    let (user_id, group_id) = (identity::user_id(), identity::group_id());
    let ranges = subordinate::ranges(user_id);
    let (mut entered, tell_entered) = io::pipe().failed("make", "pipe")?;
    let (mut result, tell_result) = io::pipe().failed("make", "pipe")?;
    let parent = std::process::id();
    let helper = match fork::fork().failed("fork", "helper for id maps")? {
        fork::Side::Child => {
            drop((tell_entered, result));
            let mapped = entered.read(&mut [0]).is_ok_and(|count| count == 1)
                && ranges.is_ok_and(|ranges| map_ranges(parent, user_id, group_id, ranges));
            let _ = (&tell_result).write_all(&[u8::from(mapped)]);
            fork::exit_now(0)
        }
        fork::Side::Parent(pid) => pid,
    };
    drop((entered, tell_result));
    namespace::unshare(namespace::USER | namespace::MOUNT)
        .failed("unshare", "user and mount namespace")
        .map_err(|error| error.hint(user_namespace_hint()))?;
    (&tell_entered).write_all(b"m").failed("tell", "helper for id maps")?;
    let mut mapped = [0];
    let answered = result.read(&mut mapped).failed("ask", "helper for id maps")?;
    fork::wait_for(helper).failed("wait for", "helper for id maps")?;
    let users = if answered == 1 && mapped[0] == 1 { Users::Range } else { Users::Single };
    if users == Users::Single {
        map_single(user_id, group_id)?;
    }
    identity::become_user(0, 0).failed("become", "root of the outer namespace")?;
    mount::make_all_slave().failed("make slave", "/")?;
    budgets::reserve_for_operator();
    let why_single = (users == Users::Single).then(|| {
        subordinate::ranges(user_id).err().unwrap_or_else(|| "newuidmap or newgidmap failed or is missing".into())
    });
    Ok(OuterMode { users, why_single })
}

/// Moves the calling process into the user namespace that a living sandbox was made in, by an earlier launcher of
/// the same user: only from there can its network be entered.
pub fn join_outer_of(sandbox_pid: i32) -> Result<OuterMode> {
    let path = format!("/proc/{sandbox_pid}/ns/user");
    if !has_same_ids(sandbox_pid) {
        return Err(LauncherError::step("join", &path, "the caller's subordinate ids have changed since"));
    }
    let own = File::open(&path).failed("open", &path)?;
    let outer = namespace::parent_of_user_namespace(own.as_fd()).failed("find the parent of", &path)?;
    namespace::enter(outer.as_fd(), namespace::USER).failed("enter", "user namespace of an earlier launcher")?;
    namespace::unshare(namespace::MOUNT).failed("unshare", "mount namespace")?;
    identity::become_user(0, 0).failed("become", "root of the outer namespace")?;
    mount::make_all_slave().failed("make slave", "/")?;
    let map = fs::read_to_string("/proc/self/uid_map").failed("read", "/proc/self/uid_map")?;
    let users = if map.lines().count() > 1 { Users::Range } else { Users::Single };
    Ok(OuterMode { users, why_single: None })
}

/// Whether a living sandbox has the ids that a new one would get: a range that was taken away is not used any more.
fn has_same_ids(sandbox_pid: i32) -> bool {
    let own = identity::user_id();
    let Ok(map) = fs::read_to_string(format!("/proc/{sandbox_pid}/uid_map")) else { return false };
    let foreign: Vec<(u32, u32)> = map.lines().filter_map(outside_ids).filter(|(start, _)| *start != own).collect();
    match subordinate::ranges(own) {
        Err(_) => foreign.is_empty(),
        Ok((users, _)) => {
            let is_ours = |(start, count): &(u32, u32)| {
                *start >= users.start && start.saturating_add(*count) <= users.start.saturating_add(users.count)
            };
            !foreign.is_empty() && foreign.iter().all(is_ours)
        }
    }
}

/// First id and number of ids outside, from a line of an id map.
fn outside_ids(line: &str) -> Option<(u32, u32)> {
    let mut numbers = line.split_whitespace().skip(1).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The caller is 0, its subordinate ids follow.
fn map_ranges(
    pid: u32,
    user_id: u32,
    group_id: u32,
    (users, groups): (subordinate::Range, subordinate::Range),
) -> bool {
    let run = |program: &str, own: u32, range: subordinate::Range| {
        let count = range.count.min(IDS_PER_SANDBOX);
        let numbers = [pid, 0, own, 1, 1, range.start, count].map(|number| number.to_string());
        Command::new(program).args(numbers).env("PATH", SYSTEM_PATH).status().is_ok_and(|status| status.success())
    };
    run("newuidmap", user_id, users) && run("newgidmap", group_id, groups)
}

const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// Without help only the caller's own id can be mapped, and group lists can then not be changed.
fn map_single(user_id: u32, group_id: u32) -> Result<()> {
    let write = |file: &str, text: String| {
        fs::write(file, text).failed("write", file).map_err(|error| error.hint(user_namespace_hint()))
    };
    write("/proc/self/setgroups", "deny".into())?;
    write("/proc/self/uid_map", format!("0 {user_id} 1"))?;
    write("/proc/self/gid_map", format!("0 {group_id} 1"))
}

/// What stands in the way of user namespaces on this host, as far as the kernel tells.
pub fn user_namespace_hint() -> &'static str {
    let is = |file: &str, value: &str| fs::read_to_string(file).is_ok_and(|text| text.trim() == value);
    if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor restricts user namespaces: run `isola doctor --fix` once as root to install a profile for the launcher"
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "user namespaces are off: as root set `sysctl kernel.unprivileged_userns_clone=1`"
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "user namespaces are off: as root set `sysctl user.max_user_namespaces=65536`"
    } else {
        "inside of a container its seccomp profile may forbid user namespaces: run Isola on the host or loosen the profile"
    }
}

impl OuterMode {
    /// As `--outer` wants it.
    pub fn name(&self) -> &'static str {
        if self.users == Users::Range { "range" } else { "single" }
    }
}

impl std::str::FromStr for OuterMode {
    type Err = LauncherError;

    fn from_str(text: &str) -> Result<Self> {
        let users = match text {
            "range" => Users::Range,
            "single" => Users::Single,
            _ => return Err(LauncherError::request(format!("--outer wants range or single, not {text:?}"))),
        };
        Ok(Self { users, why_single: None })
    }
}
