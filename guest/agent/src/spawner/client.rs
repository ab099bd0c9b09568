// SPDX-License-Identifier: Apache-2.0
use std::collections::VecDeque;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Command, Stdio as CommandStdio};
use std::rc::Rc;

use isola_wire::agent::Users;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{Errno, fcntl_dupfd_cloexec, write};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv,
    sendmsg, socketpair,
};

use super::message::{Failed, INLINE_BYTES, Order, REPLY_BYTES, Stdio, decode_reply, encode_order, encode_setup};

/// The agent's side: sends orders without ever waiting, and hands out what came back.
pub struct Spawner {
    socket: Option<OwnedFd>,
    users: Users,
    /// Whether we may start another spawner when this one dies.
    replaceable: bool,
    waiting: VecDeque<Message>,
    next_token: u64,
}

struct Message {
    bytes: Vec<u8>,
    fds: Vec<Rc<OwnedFd>>,
}

pub enum Reply {
    Started {
        token: u64,
        pid: i32,
    },
    Failed {
        token: u64,
        failed: Failed,
    },
    /// Nothing more to read now.
    Idle,
    /// The spawner is gone, and with it every order that was not answered.
    Lost,
}

impl Spawner {
    /// With `socket`, talks to the spawner that somebody else started; without, starts one.
    pub fn new(socket: Option<OwnedFd>, users: Users, replaceable: bool) -> Result<Self, Errno> {
        let replaceable = replaceable || socket.is_none();
        let mut spawner = Self { socket, users, replaceable, waiting: VecDeque::new(), next_token: 0 };
        match &spawner.socket {
            Some(socket) => rustix::io::ioctl_fionbio(socket, true)?,
            None => spawner.start_own()?,
        }
        spawner.set_up()?;
        Ok(spawner)
    }

    /// The descriptor to watch; None once the spawner is lost for good.
    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(OwnedFd::as_fd)
    }

    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Orders a start; the reply carries the token. None when a string holds a NUL.
    pub fn order(&mut self, order: &Order<'_>, stdio: Stdio) -> Result<Option<u64>, Errno> {
        if self.socket.is_none() {
            return Err(Errno::PIPE);
        }
        self.next_token += 1;
        let token = self.next_token;
        let Some(mut bytes) = encode_order(token, order, stdio.terminal) else {
            return Ok(None);
        };
        let mut fds: Vec<Rc<OwnedFd>> = stdio.fds.into();
        if bytes.len() > INLINE_BYTES {
            fds.push(Rc::new(memory_file(&bytes)?));
            bytes = vec![0; size_of::<u32>()];
        }
        self.waiting.push_back(Message { bytes, fds });
        self.flush()?;
        Ok(Some(token))
    }

    /// Sends what it can; call again when the socket is writable.
    pub fn flush(&mut self) -> Result<(), Errno> {
        while let (Some(socket), Some(message)) = (&self.socket, self.waiting.front()) {
            match send_message(socket, message) {
                Ok(()) => drop(self.waiting.pop_front()),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                // The reading side reports the loss.
                Err(Errno::PIPE | Errno::CONNRESET) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub fn receive(&mut self) -> Reply {
        let Some(socket) = &self.socket else { return Reply::Idle };
        let mut bytes = [0; REPLY_BYTES];
        match recv(socket, &mut bytes, RecvFlags::DONTWAIT) {
            Err(Errno::AGAIN | Errno::INTR) => Reply::Idle,
            Ok((count, _)) if count > 0 => match decode_reply(&bytes[..count]) {
                Some((token, Ok(pid))) => Reply::Started { token, pid },
                Some((token, Err(failed))) => Reply::Failed { token, failed },
                None => self.lose(),
            },
            Ok(_) | Err(_) => self.lose(),
        }
    }

    fn lose(&mut self) -> Reply {
        self.socket = None;
        self.waiting.clear();
        if self.replaceable && (self.start_own().is_err() || self.set_up().is_err()) {
            self.socket = None;
        }
        Reply::Lost
    }

    fn start_own(&mut self) -> Result<(), Errno> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
        rustix::io::ioctl_fionbio(&theirs, false)?;
        Command::new("/proc/self/exe")
            .args(["spawner", "--fd", "0"])
            .env_clear()
            .stdin(CommandStdio::from(fcntl_dupfd_cloexec(&theirs, 3)?))
            .stdout(CommandStdio::null())
            .stderr(CommandStdio::null())
            .spawn()
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        self.socket = Some(ours);
        Ok(())
    }

    fn set_up(&mut self) -> Result<(), Errno> {
        self.waiting.push_front(Message { bytes: encode_setup(self.users), fds: Vec::new() });
        self.flush()
    }
}

fn send_message(socket: &OwnedFd, message: &Message) -> Result<(), Errno> {
    let fds: Vec<BorrowedFd<'_>> = message.fds.iter().map(|fd| fd.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(Errno::INVAL);
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(socket, &[IoSlice::new(&message.bytes)], &mut control, flags).map(drop)
}

fn memory_file(bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let file = memfd_create("order", MemfdFlags::CLOEXEC)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[write(&file, rest)?..];
    }
    Ok(file)
}
