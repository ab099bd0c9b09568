// SPDX-License-Identifier: Apache-2.0
//! What the integration tests share: a launcher of their own, a client for it, and counts of what it may leak.
#![allow(dead_code, reason = "every test binary uses its own part")]
#![allow(unused_imports, reason = "every test binary uses its own part")]

mod client;
mod footprint;
mod launcher;
mod network;
mod relay_world;

pub use client::Client;
pub use footprint::Footprint;
pub use launcher::{Launcher, RunAs};
pub use network::inside;
pub use relay_world::{PATIENCE, everywhere, is_broken_off, local_listener, relay_pid};

use serde_json::{Value, json};
use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The id that the kernel charges for what is used in this user namespace, besides those inside.
pub fn owner_of_user_namespace(namespace: BorrowedFd<'_>) -> std::io::Result<u32> {
    const NS_GET_OWNER_UID: libc::Ioctl = 0xb704;
    let mut owner = 0_u32;
    // SAFETY: the call stores one id at the place given.
    let result = unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_OWNER_UID, &raw mut owner) };
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(owner) }
}

/// True when the test may go on; otherwise it says why it is skipped.
pub fn is_root(test: &str) -> bool {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        eprintln!("skipped {test}: it needs root");
    }
    is_root
}

/// A request for a small sandbox out of the launcher's own test files.
pub fn prepare_request(launcher: &Launcher, sandbox_id: &str) -> Value {
    json!({
        "sandboxId": sandbox_id,
        "keyHex": "ab".repeat(32),
        "rootfs": {
            "root": { "lowers": [launcher.path("skeleton")] },
            "usr": { "lowers": ["/usr"] },
            "binds": [{ "source": launcher.path("tool"), "target": "/opt/tool", "readonly": true }],
            "volatile": true,
        },
        "limits": {},
    })
}
