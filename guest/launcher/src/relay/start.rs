// SPDX-License-Identifier: Apache-2.0
use super::server::Relay;
use super::token::Token;
use crate::error::{Failed, Result};
use crate::sys::epoll::Epoll;
use crate::sys::{capabilities, descriptors, prctl};
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::fs::File;

pub struct RelayOptions {
    /// The inherited socket where the server connects.
    pub listener_fd: i32,
    /// The inherited descriptor that the launcher talks on.
    pub launcher_fd: i32,
}

/// Relays until the launcher is gone.
pub fn serve(options: &RelayOptions) -> Result<()> {
    let launcher = descriptors::adopt(options.launcher_fd).failed("use descriptor", options.launcher_fd)?;
    let listener = descriptors::adopt(options.listener_fd).failed("use descriptor", options.listener_fd)?;
    descriptors::close_all_except(&[options.launcher_fd, options.listener_fd]).failed("close", "what was inherited")?;
    prctl::forbid_dump().failed("forbid", "core dump")?;
    prctl::forbid_new_privileges().failed("forbid", "new privileges")?;
    descriptors::raise_open_file_limit();
    // Sockets, and nothing else, from here on.
    capabilities::drop_all().failed("drop", "capabilities")?;
    let epoll = Epoll::new().failed("make", "epoll")?;
    epoll.add(&launcher, Token::Launcher.encode()).failed("watch", "launcher")?;
    epoll.add(&listener, Token::Listener.encode()).failed("watch", "socket")?;
    descriptors::set_nonblocking(&launcher).failed("prepare", "channel to the launcher")?;
    let mut relay = Relay {
        epoll,
        launcher,
        listener: listener.into(),
        control: None,
        next_control: 0,
        entrances: BTreeMap::new(),
        next_entrance: 0,
        flows: BTreeMap::new(),
        next_flow: 0,
        questions: super::names::Questions::default(),
        pipes: super::transfer::Pipes::default(),
        again: VecDeque::new(),
        timers: BinaryHeap::new(),
        spare: File::open("/dev/null").ok(),
    };
    relay.run()
}
