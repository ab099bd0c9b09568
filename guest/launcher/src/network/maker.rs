// SPDX-License-Identifier: Apache-2.0
//! The process that makes network namespaces and hands them over.

use crate::error::{Failed, Result};
use crate::sys::{namespace, network, socket};
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// Low ports are open to everybody. One connection buffers a mebibyte at most, because all connections of the host
/// share one budget. The queue of a listener takes memory that is no sandbox's.
const SETTINGS: [(&str, &str); 4] = [
    ("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"),
    ("/proc/sys/net/ipv4/tcp_rmem", "4096 65536 1048576"),
    ("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 1048576"),
    ("/proc/sys/net/core/somaxconn", "128"),
];

/// Makes a namespace, ready for use, and leaves the caller in it.
///
/// Nothing leads out of it: only `lo` exists. Root inside the sandbox has no power over it, because it
/// belongs to the caller's user namespace; so everything is set here, once.
pub fn make_one() -> Result<File> {
    namespace::unshare(namespace::NETWORK).failed("unshare", "network namespace")?;
    network::bring_loopback_up().failed("bring up", "lo")?;
    for (file, value) in SETTINGS {
        fs::write(file, value).failed("write to", file)?;
    }
    let path = "/proc/self/ns/net";
    File::open(path).failed("open", path)
}

/// Serves until the launcher is gone: for each byte received, one namespace is sent back.
///
/// As root it first enters a user namespace in which nobody is mapped: the networks then belong to a
/// namespace without any user, neither the host's root nor the sandbox's.
pub fn serve(channel: &mut UnixStream, own_user_namespace: bool) -> Result<()> {
    if own_user_namespace {
        namespace::unshare(namespace::USER).failed("unshare", "user namespace of networks")?;
    }
    let mut wanted = [0; 64];
    loop {
        let count = channel.read(&mut wanted).failed("read from", "launcher")?;
        if count == 0 {
            return Ok(());
        }
        for _ in 0..count {
            let made = make_one();
            let descriptors: Vec<_> = made.iter().map(AsRawFd::as_raw_fd).collect();
            // A message without a descriptor says that making one failed.
            socket::send_with(&*channel, b"n", &descriptors).failed("send", "network namespace")?;
            if let Err(error) = made {
                eprintln!("isola-launcher: {error}");
            }
        }
    }
}
