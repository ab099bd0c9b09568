// SPDX-License-Identifier: Apache-2.0
//! Messages between agent and spawner: one datagram each, host byte order, strings end with NUL so
//! that the spawner can hand them to execve where they lie.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use isola_wire::agent::{Rlimits, Users};
use rustix::io::Errno;

use crate::sys::launch::Step;

pub const SETUP: u32 = 1;
pub const SPAWN: u32 = 2;

pub const FLAG_TERMINAL: u32 = 1;
pub const FLAG_CREDENTIALS: u32 = 2;
pub const FLAG_SWITCH: u32 = 4;
pub const FLAG_ROOT: u32 = 8;

/// Number of u32 words in front of a spawn message's groups and strings.
pub const SPAWN_WORDS: usize = 13;
pub const UNLIMITED: u64 = u64::MAX;
/// Larger messages travel in a memory file, of which the datagram holds only the descriptor.
pub const INLINE_BYTES: usize = 96 * 1024;

/// The streams of a new process.
pub struct Stdio {
    pub fds: [Rc<OwnedFd>; 3],
    /// Standard input is a terminal that is to be the process's own.
    pub terminal: bool,
}

/// Whom the program runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    pub users: Users,
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
}

/// One program to start.
pub struct Order<'a> {
    pub runner: &'a Runner,
    pub rlimits: Rlimits,
    pub directory: &'a str,
    pub argv: &'a [String],
    /// `NAME=value`
    pub env: &'a [String],
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    pub step: Step,
    pub errno: Errno,
}

pub fn encode_setup(users: Users) -> Vec<u8> {
    let users = match users {
        Users::Range => 0u32,
        Users::Single => 1,
        Users::None => 2,
    };
    [SETUP, users].iter().flat_map(|word| word.to_ne_bytes()).collect()
}

pub fn decode_users(word: u32) -> Users {
    match word {
        0 => Users::Range,
        1 => Users::Single,
        _ => Users::None,
    }
}

/// None when a string holds a NUL, which no program could be given.
pub fn encode_order(token: u64, order: &Order<'_>, terminal: bool) -> Option<Vec<u8>> {
    let Runner { users, uid, gid, ref groups } = *order.runner;
    let mut flags = 0;
    for (on, flag) in [
        (terminal, FLAG_TERMINAL),
        (users != Users::None, FLAG_CREDENTIALS),
        (users == Users::Range, FLAG_SWITCH),
        (users == Users::Range && uid == 0, FLAG_ROOT),
    ] {
        flags |= if on { flag } else { 0 };
    }
    let open_files = order.rlimits.open_files.unwrap_or(UNLIMITED);
    let processes = order.rlimits.processes.unwrap_or(UNLIMITED);
    let words: [u32; SPAWN_WORDS] = [
        SPAWN,
        token as u32,
        (token >> 32) as u32,
        flags,
        uid,
        gid,
        groups.len() as u32,
        order.argv.len() as u32,
        order.env.len() as u32,
        open_files as u32,
        (open_files >> 32) as u32,
        processes as u32,
        (processes >> 32) as u32,
    ];
    let strings = || std::iter::once(order.directory).chain(order.argv.iter().chain(order.env).map(String::as_str));
    let length: usize = strings().map(|text| text.len() + 1).sum();
    let mut bytes = Vec::with_capacity((SPAWN_WORDS + groups.len()) * 4 + length);
    for word in words.iter().chain(groups) {
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    for text in strings() {
        if text.as_bytes().contains(&0) {
            return None;
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
    }
    Some(bytes)
}

pub const REPLY_BYTES: usize = 20;

pub fn encode_reply(token: u64, result: Result<i32, (Step, Errno)>) -> [u8; REPLY_BYTES] {
    let (pid, step, errno) = match result {
        Ok(pid) => (pid, 0, 0),
        Err((step, errno)) => (0, step as u32, errno.raw_os_error()),
    };
    let mut bytes = [0; REPLY_BYTES];
    bytes[..8].copy_from_slice(&token.to_ne_bytes());
    bytes[8..12].copy_from_slice(&pid.to_ne_bytes());
    bytes[12..16].copy_from_slice(&step.to_ne_bytes());
    bytes[16..].copy_from_slice(&errno.to_ne_bytes());
    bytes
}

pub fn decode_reply(bytes: &[u8]) -> Option<(u64, Result<i32, Failed>)> {
    let bytes: &[u8; REPLY_BYTES] = bytes.try_into().ok()?;
    let word = |at: usize| i32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let token = u64::from_ne_bytes(*bytes.first_chunk()?);
    let step = match word(12) {
        0 => return Some((token, Ok(word(8)))),
        1 => Step::Clone,
        2 => Step::Streams,
        3 => Step::Terminal,
        4 => Step::Limits,
        5 => Step::User,
        6 => Step::Capabilities,
        7 => Step::Directory,
        _ => Step::Execute,
    };
    Some((token, Err(Failed { step, errno: Errno::from_raw_os_error(word(16)) })))
}
