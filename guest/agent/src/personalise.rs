// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;
use std::os::fd::AsFd;

use isola_wire::agent::{Empty, Personality, Rlimits, Users};
use isola_wire::{Failure, code, from_hex};
use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, chown, mkdir, openat};
use rustix::io::{Errno, write};
use rustix::time::{ClockId, Timespec, clock_settime};

use crate::account::Account;
use crate::agent::Agent;
use crate::home;
use crate::spawner::confine;

/// Who the sandbox is, as programs read it. A blank has written them once already.
pub const FILES: [&str; 3] = ["/etc/hostname", "/etc/machine-id", "/etc/hosts"];
const LOOPBACK: &str = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";

/// What a blank became.
pub struct Identity {
    pub env: BTreeMap<String, String>,
    pub workdir: String,
    pub user: String,
    pub rlimits: Rlimits,
}

impl Agent {
    /// Makes this blank somebody's, and gives up what only that needed.
    pub fn personalise(&mut self, wish: &Personality) -> Result<Empty, Failure> {
        if self.identity.is_some() {
            let message = format!("personalise {}: the sandbox is personalised already", wish.hostname);
            return Err(Failure::new(code::SANDBOX_ALREADY_PERSONALISED, message));
        }
        check(wish)?;
        let account = self.accounts.find(self.users, &wish.user)?;
        if self.users != Users::None {
            self.end_chores().map_err(|error| failed("confine the agent", error))?;
            self.change_system(wish, &account)?;
            confine::personalised(self.users).map_err(|error| failed("confine the agent", error))?;
            self.look_up_path(wish.env.get("PATH").map_or("", String::as_str));
        }
        if wish.sudo && self.users == Users::Range {
            self.offer_sudo(account.runner.uid).map_err(|error| failed("open the sudo socket", error))?;
        } else {
            self.withdraw_sudo().map_err(|error| failed("remove the sudo socket", error))?;
        }
        self.identity = Some(Identity {
            env: wish.env.clone(),
            workdir: wish.workdir.clone(),
            user: wish.user.clone(),
            rlimits: wish.rlimits,
        });
        Ok(Empty {})
    }

    fn change_system(&self, wish: &Personality, account: &Account) -> Result<(), Failure> {
        rustix::system::sethostname(wish.hostname.as_bytes())
            .map_err(|error| failed(&format!("set the host name {}", wish.hostname), error))?;
        let name = &wish.hostname;
        let contents =
            [format!("{name}\n"), format!("{}\n", wish.machine_id_hex), format!("{LOOPBACK}127.0.1.1 {name}\n")];
        for (path, content) in FILES.iter().zip(contents) {
            write_file(path, content.as_bytes());
        }
        if let Some(seed) = from_hex::<32>(&wish.seed_hex) {
            mix_in(&seed);
        }
        if let Some(now) = wish.clock_ms {
            set_clock(now);
        }
        make_workdir(&wish.workdir, account).map_err(|error| failed(&format!("make {}", wish.workdir), error))?;
        // An image may lack either place; a sandbox without its first settings still works.
        let _ = home::fill(account);
        Ok(())
    }
}

fn check(wish: &Personality) -> Result<(), Failure> {
    let invalid = |what: &str, value: &str| {
        Err(Failure::new(code::REQUEST_INVALID, format!("personalise: {what} {value:?} is not valid")))
    };
    if wish.hostname.is_empty() || wish.hostname.len() > 64 {
        return invalid("hostname", &wish.hostname);
    }
    if from_hex::<16>(&wish.machine_id_hex).is_none() {
        return invalid("machineIdHex", &wish.machine_id_hex);
    }
    if from_hex::<32>(&wish.seed_hex).is_none() {
        return invalid("seedHex", "(hidden)");
    }
    if !wish.workdir.starts_with('/') || wish.workdir.contains('\0') {
        return invalid("workdir", &wish.workdir);
    }
    match wish.env.iter().find(|(name, value)| !is_variable(name, value)) {
        Some((name, _)) => invalid("env", name),
        None => Ok(()),
    }
}

/// Whether a variable can be given to a program.
pub fn is_variable(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

fn failed(step: &str, error: Errno) -> Failure {
    Failure::new(code::SANDBOX_CREATE_FAILED, format!("{step}: {error}"))
}

/// An image may lack the place; a sandbox without it still works.
pub fn write_file(path: &str, bytes: &[u8]) {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    if let Ok(file) = openat(CWD, path, flags, Mode::from_raw_mode(0o644)) {
        let _ = write(file.as_fd(), bytes);
    }
}

/// Siblings that were made from one image in one moment must not draw the same numbers.
fn mix_in(seed: &[u8]) {
    if let Ok(file) = openat(CWD, "/dev/urandom", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) {
        let _ = write(file.as_fd(), seed);
    }
}

/// Takes where the clock is ours (a virtual machine after a restore); elsewhere it is the host's.
fn set_clock(now_ms: f64) {
    let seconds = (now_ms / 1000.0).floor();
    let nanoseconds = ((now_ms - seconds * 1000.0) * 1e6) as i64;
    let _ = clock_settime(ClockId::Realtime, Timespec { tv_sec: seconds as i64, tv_nsec: nanoseconds });
}

/// Missing parts are made, and belong to the user.
fn make_workdir(path: &str, account: &Account) -> Result<(), Errno> {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    for end in ends {
        match mkdir(&path[..end], Mode::from_raw_mode(0o755)) {
            Ok(()) => {
                let runner = &account.runner;
                let owner = (Uid::from_raw(runner.uid), Gid::from_raw(runner.gid));
                chown(&path[..end], Some(owner.0), Some(owner.1))?;
            }
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
