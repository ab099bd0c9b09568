// SPDX-License-Identifier: Apache-2.0
use super::maker;
use crate::error::{Failed, LauncherError, Result};
use crate::sys::{descriptors, fork, prctl, signals, socket};
use std::collections::VecDeque;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// Namespaces that are ready, and how many are on their way.
pub struct NetworkPool {
    maker: i32,
    channel: UnixStream,
    ready: VecDeque<OwnedFd>,
    on_the_way: usize,
    is_broken: bool,
    /// The kernel refused the last one: no stock is kept until a create asks again.
    is_refused: bool,
}

/// Each holds about 235 KiB of the kernel's memory.
const KEPT_READY: usize = 8;
/// Never more requests under way than fit the maker's reads.
const MOST_ON_THE_WAY: usize = 64;

impl NetworkPool {
    pub fn start(own_user_namespace: bool) -> Result<Self> {
        let (channel, mut theirs) = UnixStream::pair().failed("make", "socket pair")?;
        let launcher = std::process::id() as i32;
        let maker = match fork::fork().failed("fork", "maker of network namespaces")? {
            fork::Side::Child => {
                let _ = prctl::die_with_parent(launcher);
                prctl::set_name(c"isola-network");
                signals::reset();
                let _ = descriptors::close_all_except(&[theirs.as_raw_fd()]);
                let code = i32::from(maker::serve(&mut theirs, own_user_namespace).is_err());
                fork::exit_now(code)
            }
            fork::Side::Parent(pid) => pid,
        };
        channel.set_nonblocking(true).failed("prepare", "socket pair")?;
        Ok(Self { maker, channel, ready: VecDeque::new(), on_the_way: 0, is_broken: false, is_refused: false })
    }

    pub fn channel(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }

    /// Sends the maker home and waits until it is gone.
    pub fn close(self) {
        drop(self.channel);
        let _ = fork::wait_for(self.maker);
    }

    pub fn take(&mut self) -> Option<OwnedFd> {
        self.ready.pop_front()
    }

    /// Fewer are ready, or coming, than should be kept.
    pub fn is_short(&self) -> bool {
        !self.is_refused && self.ready.len() + self.on_the_way < KEPT_READY
    }

    /// The maker has ended.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Orders what is missing for the creates that wait; when none does, the stock is filled up.
    pub fn order(&mut self, waiting: usize) -> Result<()> {
        self.is_refused &= waiting == 0;
        let wanted = if waiting > 0 { waiting.min(MOST_ON_THE_WAY) } else { KEPT_READY };
        let missing = wanted.saturating_sub(self.ready.len() + self.on_the_way);
        if missing > 0 {
            let sent = (&self.channel).write(&vec![b'n'; missing]).failed("order", "network namespaces")?;
            self.on_the_way += sent;
        }
        Ok(())
    }

    /// Takes in what has been made. An error means that the maker is gone or cannot make any.
    pub fn receive(&mut self) -> Result<()> {
        loop {
            let (count, descriptors) = match socket::receive_with(&self.channel, &mut [0]) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                other => other.failed("receive", "network namespace")?,
            };
            if count == 0 {
                self.is_broken = true;
                return Err(LauncherError::step("make", "network namespace", "its maker has ended"));
            }
            self.on_the_way = self.on_the_way.saturating_sub(1);
            if descriptors.is_empty() {
                self.is_refused = true;
                return Err(LauncherError::step("make", "network namespace", "the kernel refused it")
                    .hint("raise user.max_net_namespaces, or remove sandboxes"));
            }
            self.ready.extend(descriptors);
        }
    }
}
