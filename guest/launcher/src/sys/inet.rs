// SPDX-License-Identifier: Apache-2.0
//! TCP sockets in ways that `std` does not offer.

use super::check;
use std::io;
use std::mem::size_of;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub fn number(self) -> u8 {
        match self {
            Self::V4 => libc::AF_INET as u8,
            Self::V6 => libc::AF_INET6 as u8,
        }
    }
}

const BACKLOG: i32 = 1024;

/// A listener on the loopback, port of the kernel's choice, that may accept connections to any address. Wants
/// CAP_NET_ADMIN over the network namespace.
pub fn transparent_listener(family: Family) -> io::Result<TcpListener> {
    let socket = open(i32::from(family.number()), 0)?;
    match family {
        Family::V4 => set_option(&socket, libc::SOL_IP, libc::IP_TRANSPARENT, 1)?,
        Family::V6 => {
            set_option(&socket, libc::SOL_IPV6, libc::IPV6_TRANSPARENT, 1)?;
            set_option(&socket, libc::SOL_IPV6, libc::IPV6_V6ONLY, 1)?;
        }
    }
    let address = match family {
        Family::V4 => SocketAddr::from(([127, 0, 0, 1], 0)),
        Family::V6 => SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0)),
    };
    let raw = RawAddress::from(address);
    // SAFETY: the address is valid for its length; the socket is ours.
    check(i64::from(unsafe { libc::bind(socket.as_raw_fd(), raw.pointer(), raw.length) }))?;
    // SAFETY: plain numbers.
    check(i64::from(unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) }))?;
    Ok(TcpListener::from(socket))
}

/// Begins to connect; writable when it is connected or has failed, which `take_error` tells.
pub fn begin_connect(address: SocketAddr) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let socket = open(family, libc::SOCK_NONBLOCK)?;
    let raw = RawAddress::from(address);
    // SAFETY: the address is valid for its length; the socket is ours.
    match check(i64::from(unsafe { libc::connect(socket.as_raw_fd(), raw.pointer(), raw.length) })) {
        Ok(_) => {}
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from(socket))
}

/// A unix socket's connect never waits for the network: it succeeds or fails at once.
pub fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Closing this socket from now on resets the connection, also when the kernel closes it because we were killed: the
/// other side sees an error and not an end.
pub fn reset_on_close(socket: impl AsFd) {
    set_linger(socket, libc::linger { l_onoff: 1, l_linger: 0 });
}

fn set_linger(socket: impl AsFd, linger: libc::linger) {
    // SAFETY: `linger` is valid for reading.
    unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        )
    };
}

/// Closing ends the connection in order: what was sent is still delivered.
pub fn end_on_close(socket: impl AsFd) {
    set_linger(socket, libc::linger { l_onoff: 0, l_linger: 0 });
}

/// No more will be sent.
pub fn end_sending(socket: impl AsFd) {
    // SAFETY: plain numbers.
    unsafe { libc::shutdown(socket.as_fd().as_raw_fd(), libc::SHUT_WR) };
}

/// Looks at what has come without taking it. 0 means that nothing ever will.
pub fn peek(socket: impl AsFd, bytes: &mut [u8]) -> io::Result<usize> {
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    // SAFETY: the buffer is valid for writing its whole length.
    let count =
        check(unsafe { libc::recv(socket.as_fd().as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len(), flags) as i64 })?;
    Ok(count as usize)
}

/// Sends small writes at once, and notices a peer that has vanished.
pub fn tune(socket: impl AsFd) {
    for (level, option, value) in [
        (libc::IPPROTO_TCP, libc::TCP_NODELAY, 1),
        (libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1),
        (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, 60),
        (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, 10),
    ] {
        let _ = set_option(&socket, level, option, value);
    }
}

fn open(family: i32, flags: i32) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | flags;
    // SAFETY: plain numbers; the result is a fresh descriptor.
    let fd = check(i64::from(unsafe { libc::socket(family, kind, 0) }))?;
    // SAFETY: just returned by the kernel, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

fn set_option(socket: impl AsFd, level: i32, option: i32, value: i32) -> io::Result<()> {
    // SAFETY: `value` is valid for reading its size.
    check(i64::from(unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    }))?;
    Ok(())
}

/// An address as the kernel wants it.
struct RawAddress {
    storage: libc::sockaddr_in6,
    length: libc::socklen_t,
}

impl RawAddress {
    fn pointer(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }
}

impl From<SocketAddr> for RawAddress {
    fn from(address: SocketAddr) -> Self {
        // SAFETY: plain data, all zeroes is the neutral value.
        let mut storage: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
        let length = match address {
            SocketAddr::V4(v4) => {
                let raw = libc::sockaddr_in {
                    sin_family: libc::AF_INET as u16,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                    sin_zero: [0; 8],
                };
                // SAFETY: sockaddr_in6 is larger than sockaddr_in and aligned at least as strictly.
                unsafe { (&raw mut storage).cast::<libc::sockaddr_in>().write(raw) };
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(v6) => {
                storage.sin6_family = libc::AF_INET6 as u16;
                storage.sin6_port = v6.port().to_be();
                storage.sin6_flowinfo = v6.flowinfo();
                storage.sin6_addr = libc::in6_addr { s6_addr: v6.ip().octets() };
                storage.sin6_scope_id = v6.scope_id();
                size_of::<libc::sockaddr_in6>()
            }
        };
        Self { storage, length: length as libc::socklen_t }
    }
}
