// SPDX-License-Identifier: Apache-2.0
//! Which descriptors the agent takes from a process inside.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, fstat};
use rustix::net::AddressFamily;
use rustix::net::sockopt::{set_socket_linger, socket_domain};

/// Whether a program may be given this as a stream: a pipe, a file, a device, or a socket of this machine.
///
/// Closing waits for some sockets to have sent what is in them, for as long as their owner asked.
pub fn is_accepted(fd: &OwnedFd) -> bool {
    let Ok(stat) = fstat(fd) else { return false };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo | FileType::RegularFile | FileType::CharacterDevice => true,
        FileType::Socket => socket_domain(fd).is_ok_and(|family| family == AddressFamily::UNIX),
        _ => false,
    }
}

/// Makes closing them wait for nothing. Whoever still has the same socket could undo it, which the closer is for.
pub fn disarm(fds: impl IntoIterator<Item = impl AsFd>) {
    for fd in fds {
        // Fails for what is no socket, and that is closed at once anyway.
        let _ = set_socket_linger(&fd, None);
    }
}
