// SPDX-License-Identifier: Apache-2.0
//! What a blank does while nobody asks anything of it, so that personalising it and its first
//! command find the way prepared. Nothing of it depends on the tenant.

use std::collections::VecDeque;

use isola_wire::agent::Users;
use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::account::DEFAULT_USER;
use crate::agent::Agent;
use crate::home;
use crate::personalise::{FILES, write_file};
use crate::spawner::confine;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Chore {
    Confine,
    /// The first write to a file of a lower layer copies it, and its directory, up.
    CopyUp(&'static str),
    OpenSudo,
    FillHome,
    /// The first look at a path goes through every layer; later ones know.
    LookUp(String),
}

pub struct Chores {
    pending: VecDeque<Chore>,
    confined: bool,
}

#[cfg(target_arch = "x86_64")]
const LIBRARIES: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"];
#[cfg(target_arch = "aarch64")]
const LIBRARIES: [&str; 2] = ["/lib/ld-linux-aarch64.so.1", "/lib/aarch64-linux-gnu/libc.so.6"];
/// What nearly every first command touches.
const TOUCHED: [&str; 7] = [
    "/bin/sh",
    "/usr/bin/env",
    "/etc/ld.so.cache",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/usr/lib/locale/C.utf8/LC_CTYPE",
];

impl Chores {
    pub fn of_blank(users: Users) -> Self {
        let mut pending = VecDeque::new();
        if users != Users::None {
            pending.push_back(Chore::Confine);
            pending.extend(FILES.map(Chore::CopyUp));
            if users == Users::Range {
                pending.push_back(Chore::OpenSudo);
                pending.push_back(Chore::FillHome);
            }
            pending.extend(TOUCHED.into_iter().chain(LIBRARIES).map(|path| Chore::LookUp(path.to_owned())));
        }
        Self { pending, confined: false }
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

impl Agent {
    /// One chore; short enough that nobody notices waiting for it.
    pub fn do_chore(&mut self) {
        match self.chores.pending.pop_front() {
            // If these fail, personalising tries again and says why.
            Some(Chore::Confine) => drop(self.confine()),
            Some(Chore::CopyUp(path)) => write_file(path, b""),
            Some(Chore::OpenSudo) => drop(self.open_sudo()),
            Some(Chore::FillHome) => {
                if let Ok(account) = self.accounts.find(self.users, DEFAULT_USER) {
                    drop(home::fill(&account));
                }
            }
            Some(Chore::LookUp(path)) => drop(access(path, Access::EXISTS)),
            None => {}
        }
    }

    /// Gives up what a blank does not need, once.
    fn confine(&mut self) -> Result<(), Errno> {
        if !self.chores.confined {
            confine::blank(self.users)?;
            self.chores.confined = true;
        }
        Ok(())
    }

    /// It is about to be somebody's: what a blank has not got round to would spoil that now.
    pub fn end_chores(&mut self) -> Result<(), Errno> {
        self.confine()?;
        self.chores.pending.clear();
        Ok(())
    }

    /// Where the tenant's programs will be looked for.
    pub fn look_up_path(&mut self, path: &str) {
        let directories = path.split(':').filter(|directory| directory.starts_with('/'));
        self.chores.pending.extend(directories.map(|directory| Chore::LookUp(format!("{directory}/."))));
    }
}
