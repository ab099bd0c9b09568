// SPDX-License-Identifier: Apache-2.0
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, fstat, openat};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};

use super::confine;
use super::message::{INLINE_BYTES, SETUP, decode_users, encode_reply};
use super::program;
use crate::sys::launch::ChildStack;
use crate::sys::{allocator, fd, signal};

/// Workloads die first when memory runs out; the spawner itself stays at 0.
const WORKLOAD_OOM_SCORE: &[u8] = b"500";
const MAX_FDS: usize = 4;

/// Starts programs for the agent at the other end of descriptor `number`; returns when it is gone.
pub fn serve(number: i32) -> Result<(), Errno> {
    allocator::keep_small();
    signal::reset_all();
    fd::seal_inherited();
    let socket = fd::above_stdio(fd::adopt(number)?)?;
    let _stdio = occupy_stdio()?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    // Opened before we are not dumpable, which takes the file from us.
    let oom_score = openat(CWD, "/proc/self/oom_score_adj", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()).ok();
    let mut stack = ChildStack::new();
    let mut buffer = vec![0; INLINE_BYTES];
    loop {
        let (length, mut fds) = receive(&socket, &mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let large = if length == size_of::<u32>() { read_memory_file(&mut fds)? } else { Vec::new() };
        let message = if large.is_empty() { &buffer[..length] } else { &large[..] };
        if let [kind, users, ..] = message.as_chunks::<4>().0
            && u32::from_ne_bytes(*kind) == SETUP
        {
            confine::spawner(decode_users(u32::from_ne_bytes(*users)))?;
            continue;
        }
        let Some(token) = program::token(message) else {
            return Err(Errno::PROTO);
        };
        mark(oom_score.as_ref(), WORKLOAD_OOM_SCORE);
        let result = program::start(message, &fds, &mut stack);
        mark(oom_score.as_ref(), b"0");
        // Before the reply: the agent may take the closing of its pipes for the end of a stream.
        drop(fds);
        retry_on_intr(|| send(&socket, &encode_reply(token, result), SendFlags::NOSIGNAL))?;
    }
}

/// A new process inherits the value of the moment.
fn mark(oom_score: Option<&OwnedFd>, value: &[u8]) {
    if let Some(file) = oom_score {
        // Best effort: without it the kernel chooses by size alone.
        let _ = pwrite(file, value, 0);
    }
}

/// Whatever is received must not get the number of a standard stream.
fn occupy_stdio() -> Result<Vec<OwnedFd>, Errno> {
    let mut held = Vec::new();
    loop {
        let null = openat(CWD, "/dev/null", OFlags::RDWR, Mode::empty())?;
        if std::os::fd::AsRawFd::as_raw_fd(&null) > 2 {
            return Ok(held);
        }
        held.push(null);
    }
}

fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received =
        retry_on_intr(|| recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC))?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(list) = message {
            fds.extend(list);
        }
    }
    Ok((received.bytes, fds))
}

/// A message that was too large for a datagram lies in the last descriptor.
fn read_memory_file(fds: &mut Vec<OwnedFd>) -> Result<Vec<u8>, Errno> {
    let file = fds.pop().ok_or(Errno::BADF)?;
    read_whole(file.as_fd())
}

fn read_whole(file: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let size = usize::try_from(fstat(file)?.st_size).map_err(|_| Errno::FBIG)?;
    let mut bytes = vec![0; size];
    let mut filled = 0;
    while filled < size {
        match retry_on_intr(|| pread(file, &mut bytes[filled..], filled as u64))? {
            0 => return Err(Errno::IO),
            count => filled += count,
        }
    }
    Ok(bytes)
}
