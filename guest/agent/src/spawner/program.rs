// SPDX-License-Identifier: Apache-2.0
use std::ffi::{CStr, c_char};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;

use super::caps;
use super::message::{FLAG_CREDENTIALS, FLAG_ROOT, FLAG_SWITCH, FLAG_TERMINAL, SPAWN, SPAWN_WORDS, UNLIMITED};
use super::path;
use crate::sys::launch::{ChildStack, Credentials, Plan, Step, launch};

/// A spawn message, read but not copied.
struct Program<'a> {
    flags: u32,
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    open_files: Option<u64>,
    processes: Option<u64>,
    directory: &'a CStr,
    argv: Vec<&'a CStr>,
    env: Vec<&'a CStr>,
}

/// The token of a message that is a spawn message.
pub fn token(message: &[u8]) -> Option<u64> {
    let mut words = Words(message);
    (words.next()? == SPAWN).then(|| words.next_u64()).flatten()
}

/// Starts the program that `message` describes with `fds` as its streams.
pub fn start(message: &[u8], fds: &[OwnedFd], stack: &mut ChildStack) -> Result<i32, (Step, Errno)> {
    let program = Program::parse(message).ok_or((Step::Streams, Errno::INVAL))?;
    let [input, output, error, ..] = fds else { return Err((Step::Streams, Errno::BADF)) };
    let stdio = [input.as_raw_fd(), output.as_raw_fd(), error.as_raw_fd()];
    program.launch(stdio, stack)
}

impl<'a> Program<'a> {
    fn parse(message: &'a [u8]) -> Option<Self> {
        let mut words = Words(message);
        words.next()?;
        words.next_u64()?;
        let (flags, uid, gid) = (words.next()?, words.next()?, words.next()?);
        let (groups, argc, envc) = (words.next()?, words.next()?, words.next()?);
        let limit = |value: u64| (value != UNLIMITED).then_some(value);
        let (open_files, processes) = (limit(words.next_u64()?), limit(words.next_u64()?));
        let groups = (0..groups).map(|_| words.next()).collect::<Option<Vec<u32>>>()?;
        let mut rest = message.get((SPAWN_WORDS + groups.len()) * 4..)?;
        let mut string = || {
            let text = CStr::from_bytes_until_nul(rest).ok()?;
            rest = &rest[text.count_bytes() + 1..];
            Some(text)
        };
        let directory = string()?;
        let argv = (0..argc).map(|_| string()).collect::<Option<Vec<_>>>()?;
        let env = (0..envc).map(|_| string()).collect::<Option<Vec<_>>>()?;
        Some(Self { flags, uid, gid, groups, open_files, processes, directory, argv, env })
    }

    fn launch(&self, stdio: [i32; 3], stack: &mut ChildStack) -> Result<i32, (Step, Errno)> {
        let name = self.argv.first().ok_or((Step::Execute, Errno::INVAL))?;
        let candidates = path::candidates(name, &self.env);
        let candidates: Vec<&CStr> = candidates.iter().map(AsRef::as_ref).collect();
        let has = |flag| self.flags & flag != 0;
        let credentials = Credentials {
            switch: has(FLAG_SWITCH),
            uid: self.uid,
            gid: self.gid,
            groups: &self.groups,
            capabilities: if has(FLAG_ROOT) { caps::ROOT } else { 0 },
        };
        let pointers = |texts: &[&CStr]| -> Vec<*const c_char> {
            texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
        };
        let argv = pointers(&self.argv);
        // `/bin/sh <script> <arguments>`: the script's place is filled in by whoever finds it.
        let mut shell_argv = vec![c"/bin/sh".as_ptr(), std::ptr::null()];
        shell_argv.extend_from_slice(&argv[1..]);
        let mut plan = Plan {
            stdio,
            terminal: has(FLAG_TERMINAL),
            credentials: has(FLAG_CREDENTIALS).then_some(credentials),
            open_files: self.open_files,
            processes: self.processes,
            directory: self.directory,
            candidates: &candidates,
            argv: &argv,
            shell_argv: &mut shell_argv,
            env: &pointers(&self.env),
        };
        launch(stack, &mut plan)
    }
}

struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn next(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_ne_bytes(*word))
    }

    fn next_u64(&mut self) -> Option<u64> {
        let (low, high) = (self.next()?, self.next()?);
        Some(u64::from(low) | u64::from(high) << 32)
    }
}
