// SPDX-License-Identifier: Apache-2.0
//! What one sandbox may take of what the kernel counts for a user or a machine, and not for a cgroup.

use crate::error::{Failed, Result};
use crate::sys::directory::{self, Lookup};
use crate::users::Identity;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// The size of /dev/shm. Its pages count as the sandbox's memory; this is the end of it where nothing else is.
    pub shared_memory_bytes: u64,
    /// The operator's budgets are everybody's: each sandbox gets a part.
    pub is_shared: bool,
}

const MOST_SHARED_MEMORY_BYTES: u64 = 1 << 30;
/// The kernel's own figure, by user namespace, and the host's, by user.
const WATCHING: [(&str, &str); 2] = [
    ("sys/user/max_inotify_instances", "sys/fs/inotify/max_user_instances"),
    ("sys/user/max_inotify_watches", "sys/fs/inotify/max_user_watches"),
];
/// Enough for a program that watches its sources, whatever the host has.
const LEAST_WATCHING: u64 = 16;

impl Budgets {
    pub fn new(identity: Identity, memory_limit_bytes: Option<u64>, host_memory_bytes: u64) -> Self {
        // Half, as the kernel does it: a full /dev/shm must leave room for the programs that use it.
        let share = memory_limit_bytes.map_or(host_memory_bytes / 8, |bytes| bytes / 2);
        Self { shared_memory_bytes: share.min(MOST_SHARED_MEMORY_BYTES), is_shared: !identity.has_own_ids() }
    }

    /// Sets what counts for the calling process's user namespace. `proc` may still be written to.
    pub fn bound_namespace(&self, proc: BorrowedFd<'_>) -> Result<()> {
        // The filter forbids it as well; what cannot be counted cannot be had if the filter ever has a hole.
        set(proc, "sys/user/max_user_namespaces", 0)?;
        if self.is_shared {
            for (limit, host) in WATCHING {
                let Some(all) = get(proc, host)? else { continue };
                set(proc, limit, (all / 4).max(LEAST_WATCHING))?;
            }
        }
        Ok(())
    }
}

/// Without root: keeps a quarter of the operator's budgets out of reach of everything below the caller's new user
/// namespace, so that the operator's own programs go on working.
pub fn reserve_for_operator() {
    let Ok(proc) = directory::open(Path::new("/proc")) else { return };
    for (limit, host) in WATCHING {
        // In a container that may not write here its own bounds have to do.
        if let Ok(Some(all)) = get(proc.as_fd(), host) {
            let _ = set(proc.as_fd(), limit, all - all / 4);
        }
    }
}

/// `None` where the kernel does not count this.
fn open(proc: BorrowedFd<'_>, name: &str, flags: i32) -> Result<Option<File>> {
    match directory::open_beneath(proc, OsStr::new(name), flags, 0, Lookup::BeneathNoLinks) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.failed("open /proc", name).map(|fd| Some(File::from(fd))),
    }
}

fn get(proc: BorrowedFd<'_>, name: &str) -> Result<Option<u64>> {
    let Some(mut file) = open(proc, name, libc::O_RDONLY)? else { return Ok(None) };
    let mut text = String::new();
    file.read_to_string(&mut text).failed("read /proc", name)?;
    Ok(text.trim().parse().ok())
}

fn set(proc: BorrowedFd<'_>, name: &str, value: u64) -> Result<()> {
    let Some(mut file) = open(proc, name, libc::O_WRONLY)? else { return Ok(()) };
    file.write_all(value.to_string().as_bytes()).failed("write /proc", name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use isola_wire::agent::Users;

    const GIB: u64 = 1 << 30;

    fn shared_memory(limit: Option<u64>, host: u64) -> u64 {
        Budgets::new(Identity::ROOT, limit, host).shared_memory_bytes
    }

    #[test]
    fn shared_memory_is_half_of_the_limit_or_an_eighth_of_the_host_and_never_more_than_a_gibibyte() {
        assert_eq!(shared_memory(Some(GIB / 16), 64 * GIB), GIB / 32);
        assert_eq!(shared_memory(Some(8 * GIB), 64 * GIB), GIB);
        assert_eq!(shared_memory(None, 2 * GIB), GIB / 4);
        assert_eq!(shared_memory(None, 64 * GIB), GIB);
    }

    #[test]
    fn budgets_are_shared_where_there_are_no_own_ids() {
        let rootless = Identity { users: Users::Range, rootless: true };
        assert!(Budgets::new(rootless, None, GIB).is_shared);
        assert!(!Budgets::new(Identity::ROOT, None, GIB).is_shared);
    }
}
