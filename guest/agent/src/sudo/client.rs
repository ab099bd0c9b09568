// SPDX-License-Identifier: Apache-2.0
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use rustix::process::Pid;

use super::message::{FromShim, MAX_MESSAGE_BYTES, ToShim};
use crate::timers::TimerId;

/// One shim, and the process that runs for it.
pub struct Client {
    pub socket: OwnedFd,
    pub uid: u32,
    pub gid: u32,
    pub asked: bool,
    pub command: String,
    pub pid: Option<Pid>,
    /// The host side of its terminal until it is handed to the shim.
    pub master: Option<OwnedFd>,
    /// All that it sent, to be closed with it.
    pub streams: Vec<Rc<OwnedFd>>,
    pub timer: Option<TimerId>,
    /// The shim is gone; the process is being ended.
    pub abandoned: bool,
}

/// A message, None when the shim is gone or talks nonsense, and the descriptors that came with it.
pub type Received = (Option<FromShim>, Vec<Rc<OwnedFd>>);
/// What one message can carry. Where there is less room the kernel closes the rest, and may wait while it does.
const MOST_DESCRIPTORS: usize = 253;

impl Client {
    pub fn receive(&self) -> Result<Received, Errno> {
        let mut bytes = vec![0; MAX_MESSAGE_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let received = recvmsg(&self.socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags)?;
        let mut fds = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(list) = message {
                fds.extend(list.map(Rc::new));
            }
        }
        Ok((serde_json::from_slice(&bytes[..received.bytes]).ok(), fds))
    }

    /// A shim that does not read its few answers gets none.
    pub fn send(&self, message: &ToShim, fd: Option<&OwnedFd>) {
        let Ok(bytes) = serde_json::to_vec(message) else { return };
        let fds: Vec<BorrowedFd<'_>> = fd.into_iter().map(OwnedFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&fds));
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let _ = sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, flags);
    }
}
