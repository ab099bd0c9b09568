// SPDX-License-Identifier: Apache-2.0
use std::os::fd::OwnedFd;
use std::rc::Rc;

use isola_wire::agent::TerminalSize;
use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, fchown, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec, ioctl_fionbio};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::spawner::{Runner, Stdio};

/// The agent's ends of a new process's streams, and the process's ends.
pub struct Opened {
    pub input: Option<OwnedFd>,
    pub outputs: [Option<OwnedFd>; 2],
    pub theirs: Stdio,
}

impl Opened {
    /// Programs open their streams again by name (`> /dev/stderr`), so these belong to the one who runs.
    pub fn pipes(stdin: bool, runner: &Runner) -> Result<Self, Errno> {
        let (input, their_input) = if stdin {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
            ioctl_fionbio(&write, true)?;
            (Some(write), read)
        } else {
            (None, openat(CWD, "/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
        };
        let (output, their_output) = pipe_with(PipeFlags::CLOEXEC)?;
        let (error, their_error) = pipe_with(PipeFlags::CLOEXEC)?;
        ioctl_fionbio(&output, true)?;
        ioctl_fionbio(&error, true)?;
        if stdin {
            give(&their_input, runner);
        }
        give(&their_output, runner);
        give(&their_error, runner);
        let theirs = Stdio { fds: [their_input, their_output, their_error].map(Rc::new), terminal: false };
        Ok(Self { input, outputs: [Some(output), Some(error)], theirs })
    }

    /// One terminal for all three; output and errors cannot be told apart on it.
    pub fn terminal(size: TerminalSize, stdin: bool, runner: &Runner) -> Result<Self, Errno> {
        let (master, theirs) = terminal(size, runner)?;
        ioctl_fionbio(&master, true)?;
        // Input and output are watched apart, so each needs a descriptor of its own.
        let input = if stdin { Some(fcntl_dupfd_cloexec(&master, 3)?) } else { None };
        let theirs = Rc::new(theirs);
        let fds = [Rc::clone(&theirs), Rc::clone(&theirs), theirs];
        Ok(Self { input, outputs: [Some(master), None], theirs: Stdio { fds, terminal: true } })
    }
}

/// A new terminal that belongs to the one who will work on it.
pub fn terminal(size: TerminalSize, runner: &Runner) -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    unlockpt(&master)?;
    let terminal = ioctl_tiocgptpeer(&master, flags)?;
    resize(&master, size)?;
    give(&terminal, runner);
    Ok((master, terminal))
}

/// Where ids are not switched it is the runner's already, and the call fails.
fn give(stream: &OwnedFd, runner: &Runner) {
    let _ = fchown(stream, Some(Uid::from_raw(runner.uid)), None::<Gid>);
}

pub fn resize(master: &OwnedFd, size: TerminalSize) -> Result<(), Errno> {
    tcsetwinsize(master, Winsize { ws_col: size.cols, ws_row: size.rows, ws_xpixel: 0, ws_ypixel: 0 })
}
