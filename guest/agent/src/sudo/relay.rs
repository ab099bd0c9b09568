// SPDX-License-Identifier: Apache-2.0
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio, read, retry_on_intr, write};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use super::message::{FromShim, ToShim};
use super::shim::on_terminal;
use crate::sys::signal;

/// Forwarded to the root process.
pub const FORWARDED: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];
const BUFFER_BYTES: usize = 16 * 1024;

/// A terminal that nobody has open at the moment reports that without pause; it is asked again after this.
const CLOSED_PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Stands between the user's terminal and the root process until that ends. Returns its exit code,
/// or the line with which the agent refused.
pub fn relay(socket: &OwnedFd) -> Result<Result<u8, String>, Errno> {
    let signals = signal::descriptor(&[&FORWARDED[..], &[libc::SIGWINCH]].concat())?;
    let mut terminal: Option<Terminal> = None;
    loop {
        let ready = wait(socket, &signals, terminal.as_ref())?;
        if let Some(terminal) = &mut terminal {
            if ready.shown || terminal.closed {
                terminal.show()?;
            }
            if ready.typed {
                terminal.type_in()?;
            }
        }
        if ready.signalled {
            forward_signal(&signals, socket, terminal.as_ref())?;
        }
        if !ready.answered {
            continue;
        }
        match answer(socket)? {
            (Some(ToShim::Started), Some(master)) => terminal = Some(Terminal::enter(master)?),
            (Some(ToShim::Started), None) => {}
            (Some(ToShim::Refused(line)), _) => return Ok(Err(line)),
            (Some(ToShim::Exited(code)), _) => {
                if let Some(terminal) = &mut terminal {
                    terminal.show()?;
                }
                return Ok(Ok(code));
            }
            (None, _) => return Err(Errno::CONNRESET),
        }
    }
}

struct Ready {
    answered: bool,
    signalled: bool,
    shown: bool,
    typed: bool,
}

fn wait(socket: &OwnedFd, signals: &OwnedFd, terminal: Option<&Terminal>) -> Result<Ready, Errno> {
    let mut fds = vec![PollFd::new(socket, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
    let (mut shown_at, mut typed_at, mut timeout) = (None, None, None);
    if let Some(terminal) = terminal {
        if terminal.closed {
            timeout = Some(CLOSED_PAUSE);
        } else {
            shown_at = Some(fds.len());
            fds.push(PollFd::new(&terminal.master, PollFlags::IN));
        }
        if terminal.typing {
            typed_at = Some(fds.len());
            fds.push(PollFd::from_borrowed_fd(stdin(), PollFlags::IN));
        }
    }
    retry_on_intr(|| poll(&mut fds, timeout.as_ref()))?;
    let is_ready = |at: usize| !fds[at].revents().is_empty();
    Ok(Ready {
        answered: is_ready(0),
        signalled: is_ready(1),
        shown: shown_at.is_some_and(is_ready),
        typed: typed_at.is_some_and(is_ready),
    })
}

/// The user's terminal, handed through to the one that the root process is on.
struct Terminal {
    master: OwnedFd,
    /// How ours was before; put back when this is dropped.
    before: Option<Termios>,
    screen: BorrowedFd<'static>,
    /// Nothing inside has it open.
    closed: bool,
    /// The user may still type.
    typing: bool,
}

impl Terminal {
    fn enter(master: OwnedFd) -> Result<Self, Errno> {
        ioctl_fionbio(&master, true)?;
        let screen = [stdout(), stderr()].into_iter().find(|fd| isatty(fd)).unwrap_or(stdin());
        let before = if on_terminal() { tcgetattr(stdin()).ok() } else { None };
        if let Some(before) = &before {
            // The new one behaves as ours did; ours only hands bytes through.
            tcsetattr(&master, OptionalActions::Now, before)?;
            let mut raw = before.clone();
            raw.make_raw();
            tcsetattr(stdin(), OptionalActions::Drain, &raw)?;
        }
        Ok(Self { master, before, screen, closed: false, typing: true })
    }

    /// What the process wrote, as far as it is there.
    fn show(&mut self) -> Result<(), Errno> {
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let outcome = read(&self.master, &mut buffer);
            self.closed = matches!(outcome, Ok(0) | Err(Errno::IO));
            match outcome {
                Ok(0) | Err(Errno::AGAIN | Errno::IO) => return Ok(()),
                Ok(count) => write_all(self.screen, &buffer[..count])?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What the user typed.
    fn type_in(&mut self) -> Result<(), Errno> {
        let mut buffer = [0; BUFFER_BYTES];
        match read(stdin(), &mut buffer) {
            Ok(0) | Err(Errno::IO) => self.typing = false,
            // A process that does not read loses what does not fit, as at any terminal.
            Ok(count) => drop(write(&self.master, &buffer[..count])),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(stdin(), OptionalActions::Drain, before);
        }
    }
}

fn forward_signal(signals: &OwnedFd, socket: &OwnedFd, terminal: Option<&Terminal>) -> Result<(), Errno> {
    let mut siginfo = [0; 128];
    if read(signals, &mut siginfo) != Ok(siginfo.len()) {
        return Ok(());
    }
    let number = i32::from_ne_bytes([siginfo[0], siginfo[1], siginfo[2], siginfo[3]]);
    if number == libc::SIGWINCH {
        if let (Some(terminal), Ok(size)) = (terminal, tcgetwinsize(stdin())) {
            let _ = tcsetwinsize(&terminal.master, size);
        }
        return Ok(());
    }
    let bytes = serde_json::to_vec(&FromShim::Signal(number)).map_err(|_| Errno::INVAL)?;
    send(socket, &bytes, SendFlags::NOSIGNAL).map(drop)
}

fn answer(socket: &OwnedFd) -> Result<(Option<ToShim>, Option<OwnedFd>), Errno> {
    let mut bytes = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received =
        retry_on_intr(|| recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC))?;
    let mut fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    Ok((serde_json::from_slice(&bytes[..received.bytes]).ok(), fds.next()))
}

fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(fd, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
