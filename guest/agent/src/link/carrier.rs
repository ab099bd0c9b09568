// SPDX-License-Identifier: Apache-2.0
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use isola_wire::Mode;
use isola_wire::agent::CarrierConfig;
use rustix::fs::{CWD, Mode as FileMode, OFlags, openat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, connect, socket_with, sockopt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::sys::fd;

/// How connections to the host come about. All carry the same frames.
pub trait Carrier {
    /// What to watch for new connections; None for carriers that make them themselves.
    fn listener(&self) -> Option<BorrowedFd<'_>>;
    /// A new connection, if one can be had now.
    fn connect(&mut self) -> Result<Option<OwnedFd>, Errno>;
    fn mode(&self) -> Mode;
    /// Whether `connect` is to be tried again when the connection is lost.
    fn redials(&self) -> bool;
}

pub fn open(config: &CarrierConfig) -> Result<Box<dyn Carrier>, Errno> {
    Ok(match config {
        CarrierConfig::Listen { fd: number } => {
            let socket = fd::adopt(*number)?;
            rustix::io::ioctl_fionbio(&socket, true)?;
            Box::new(Listen { socket })
        }
        CarrierConfig::Dial { address } => Box::new(Dial { address: Address::parse(address).ok_or(Errno::INVAL)? }),
        CarrierConfig::Serial { path } => Box::new(Serial { path: path.clone() }),
    })
}

const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

/// An inherited listening socket, whose path exists only outside the sandbox.
struct Listen {
    socket: OwnedFd,
}

impl Carrier for Listen {
    fn listener(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }

    fn connect(&mut self) -> Result<Option<OwnedFd>, Errno> {
        match accept_with(&self.socket, FLAGS) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn mode(&self) -> Mode {
        Mode::Strict
    }

    fn redials(&self) -> bool {
        false
    }
}

enum Address {
    Unix(String),
    Tcp(SocketAddr),
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("unix", path) => Some(Self::Unix(path.to_owned())),
            ("tcp", address) => address.parse().ok().map(Self::Tcp),
            _ => None,
        }
    }
}

/// Dials out, for hosts that cannot reach into the sandbox.
struct Dial {
    address: Address,
}

impl Carrier for Dial {
    fn listener(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn connect(&mut self) -> Result<Option<OwnedFd>, Errno> {
        let (family, result, fd);
        match &self.address {
            Address::Unix(path) => {
                fd = socket_with(AddressFamily::UNIX, SocketType::STREAM, FLAGS, None)?;
                result = connect(&fd, &SocketAddrUnix::new(path.as_str())?);
            }
            Address::Tcp(address) => {
                family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
                fd = socket_with(family, SocketType::STREAM, FLAGS, None)?;
                sockopt::set_tcp_nodelay(&fd, true)?;
                result = connect(&fd, address);
            }
        }
        match result {
            // A failure after INPROGRESS shows as a closed connection, which is dialled again.
            Ok(()) | Err(Errno::INPROGRESS) => Ok(Some(fd)),
            Err(error) => Err(error),
        }
    }

    fn mode(&self) -> Mode {
        Mode::Strict
    }

    fn redials(&self) -> bool {
        true
    }
}

/// A character device that is always there; connections follow each other on it, told apart by epoch.
struct Serial {
    path: String,
}

impl Carrier for Serial {
    fn listener(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn connect(&mut self) -> Result<Option<OwnedFd>, Errno> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = openat(CWD, self.path.as_str(), flags, FileMode::empty())?;
        // A terminal would change bytes; other devices are raw as they are.
        if let Ok(mut settings) = tcgetattr(&fd) {
            settings.make_raw();
            tcsetattr(&fd, OptionalActions::Now, &settings)?;
        }
        Ok(Some(fd))
    }

    fn mode(&self) -> Mode {
        Mode::Resync
    }

    fn redials(&self) -> bool {
        true
    }
}
