// SPDX-License-Identifier: Apache-2.0
use super::redirect::redirect_all;
use crate::error::{Failed, LauncherError, Result};
use crate::host::Host;
use crate::record::BootRecord;
use crate::relay::Notice;
use crate::sys::namespace;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

/// Makes every connection of a sandbox arrive at the relay. Runs in a child of the launcher.
///
/// It enters the sandbox's network and nothing else of it: it shares no process ids, no files and no user
/// namespace with what runs inside, which has no power over the network it is in. What is inside may hold ports;
/// it cannot take part in the making, and the listeners' ports are the kernel's choice.
pub fn open_entrance(host: &Host, record: &BootRecord) -> Result<()> {
    let missing = || LauncherError::SandboxNotFound { sandbox_id: record.sandbox_id.clone() };
    let relay = host.relay.as_ref().ok_or_else(|| LauncherError::step("open", "entrance", "there is no relay"))?;
    let pid = record.live_pid().ok_or_else(missing)?;
    let path = format!("/proc/{pid}/ns/net");
    let network = File::open(&path).failed("open", &path)?;
    // The number may have been given to another process in between.
    record.live_pid().filter(|now| *now == pid).ok_or_else(missing)?;
    namespace::enter(network.as_fd(), namespace::NETWORK).failed("enter", &path)?;
    let entrances = redirect_all()?;
    let mut ends = vec![entrances.ipv4.as_raw_fd()];
    ends.extend(entrances.ipv6.as_ref().map(AsRawFd::as_raw_fd));
    ends.push(entrances.dns.as_raw_fd());
    relay.send(&Notice::Open(record.sandbox_id.clone()), &ends)
}
