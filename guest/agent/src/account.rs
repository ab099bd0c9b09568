// SPDX-License-Identifier: Apache-2.0
//! Who is who inside: /etc/passwd and /etc/group of the sandbox. Both belong to its root, so they
//! are read with care (no pipes, no endless files), and nothing but the sandbox depends on them.

use std::collections::BTreeMap;

use isola_wire::agent::Users;
use isola_wire::{Failure, code};
use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, fstat, openat, stat};
use rustix::io::read;
use rustix::process::{getgid, getuid};

use crate::spawner::Runner;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub home: String,
    pub shell: String,
    pub runner: Runner,
}

const DEFAULT_UID: u32 = 1000;
pub const DEFAULT_USER: &str = "user";
const MAX_TABLE_BYTES: usize = 1024 * 1024;
const MAX_CACHED: usize = 64;
const MAX_GROUPS: usize = 256;

/// Answers are kept until one of the files changes.
#[derive(Default)]
pub struct Accounts {
    cached: BTreeMap<String, Account>,
    stamp: Option<[Stamp; 2]>,
}

type Stamp = Option<(u64, u64, i64, i64, u64)>;

impl Accounts {
    /// Resolves `user`, `root`, a name, or `uid:gid`.
    pub fn find(&mut self, users: Users, spec: &str) -> Result<Account, Failure> {
        if users != Users::Range {
            return only_account(users, spec);
        }
        let stamp = ["/etc/passwd", "/etc/group"].map(|path| stat(path).ok().map(|stat| stamp(&stat)));
        if self.stamp != Some(stamp) || self.cached.len() > MAX_CACHED {
            self.cached.clear();
            self.stamp = Some(stamp);
        }
        if let Some(account) = self.cached.get(spec) {
            return Ok(account.clone());
        }
        let account = look_up(spec, &read_table("/etc/passwd"), &read_table("/etc/group"))
            .ok_or_else(|| Failure::new(code::PROCESS_USER_UNKNOWN, format!("find user {spec}: not in /etc/passwd")))?;
        self.cached.insert(spec.to_owned(), account.clone());
        Ok(account)
    }
}

fn stamp(stat: &Stat) -> (u64, u64, i64, i64, u64) {
    (stat.st_dev, stat.st_ino, stat.st_mtime, stat.st_mtime_nsec as i64, stat.st_size as u64)
}

/// Where only one id exists, everything is done as that one.
fn only_account(users: Users, spec: &str) -> Result<Account, Failure> {
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    if spec != DEFAULT_USER && spec != uid.to_string() && spec != format!("{uid}:{gid}") {
        let message = format!("become {spec}: the sandbox has a single user id");
        return Err(Failure::new(code::PROCESS_ROOT_UNAVAILABLE, message));
    }
    Ok(Account {
        name: DEFAULT_USER.to_owned(),
        home: "/home/user".to_owned(),
        shell: "/bin/sh".to_owned(),
        runner: Runner { users, uid, gid, groups: Vec::new() },
    })
}

fn look_up(spec: &str, passwd: &str, group: &str) -> Option<Account> {
    if let Some((uid, gid)) = numeric(spec) {
        let row = rows(passwd).find(|row| row[2] == uid.to_string());
        return Some(account(row.as_deref(), uid, gid, group));
    }
    if let Some(row) = rows(passwd).find(|row| row[0] == spec) {
        return Some(account(Some(&row), row[2].parse().ok()?, row[3].parse().ok()?, group));
    }
    // The default user works without any table, as in an image made from nothing.
    match spec {
        DEFAULT_USER => Some(account(Some(&[DEFAULT_USER; 7]), DEFAULT_UID, DEFAULT_UID, group)),
        "root" => Some(account(Some(&["root"; 7]), 0, 0, group)),
        _ => None,
    }
}

/// `uid:gid`, or a uid alone with the group of the same number. Ids above the mapped range fail
/// when they are taken on.
fn numeric(spec: &str) -> Option<(u32, u32)> {
    match spec.split_once(':') {
        Some((uid, gid)) => Some((uid.parse().ok()?, gid.parse().ok()?)),
        None => spec.parse().ok().map(|uid| (uid, uid)),
    }
}

fn account(row: Option<&[&str]>, uid: u32, gid: u32, group: &str) -> Account {
    let name = row.map_or_else(|| uid.to_string(), |row| row[0].to_owned());
    let absolute = |column: usize| row.map(|row| row[column]).filter(|path| path.starts_with('/'));
    let home = match (absolute(5), uid) {
        (Some(home), _) => home.to_owned(),
        (None, 0) => "/root".to_owned(),
        (None, DEFAULT_UID) => "/home/user".to_owned(),
        (None, _) => "/".to_owned(),
    };
    let groups = groups_of(&name, gid, group);
    let shell = absolute(6).unwrap_or("/bin/sh").to_owned();
    Account { name, home, shell, runner: Runner { users: Users::Range, uid, gid, groups } }
}

/// The primary group and those that list the name.
fn groups_of(name: &str, gid: u32, group: &str) -> Vec<u32> {
    let listed = group.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [_, _, number, members] = fields[..] else { return None };
        members.split(',').any(|member| member == name).then(|| number.parse().ok()).flatten()
    });
    let mut groups: Vec<u32> = std::iter::once(gid).chain(listed).take(MAX_GROUPS).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn rows(passwd: &str) -> impl Iterator<Item = Vec<&str>> {
    passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).filter(|row| row.len() == 7)
}

/// Empty when it is not a regular file of reasonable size.
fn read_table(path: &str) -> String {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let Ok(file) = openat(CWD, path, flags, Mode::empty()) else { return String::new() };
    let size = match fstat(&file) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => stat.st_size as usize,
        _ => return String::new(),
    };
    let mut bytes = vec![0; size.min(MAX_TABLE_BYTES)];
    let count = read(&file, &mut bytes).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000::/home/user:/bin/sh\n\
                          postgres:x:101:103::/var/lib/postgresql:/bin/bash\nbroken:x\n";
    const GROUP: &str = "root:x:0:\nuser:x:1000:\nssl-cert:x:102:postgres,user\npostgres:x:103:\n";

    fn ids(spec: &str) -> Option<(u32, u32, Vec<u32>)> {
        look_up(spec, PASSWD, GROUP).map(|account| (account.runner.uid, account.runner.gid, account.runner.groups))
    }

    #[test]
    fn a_name_brings_its_home_shell_and_groups() {
        let account = look_up("postgres", PASSWD, GROUP).expect("postgres");
        assert_eq!((account.home.as_str(), account.shell.as_str()), ("/var/lib/postgresql", "/bin/bash"));
        assert_eq!(ids("postgres"), Some((101, 103, vec![102, 103])));
    }

    #[test]
    fn numbers_need_no_table() {
        assert_eq!(ids("4000:50"), Some((4000, 50, vec![50])));
        assert_eq!(ids("101"), Some((101, 101, vec![101, 102])));
    }

    #[test]
    fn user_and_root_exist_even_in_an_empty_image() {
        let user = look_up("user", "", "").expect("user");
        assert_eq!((user.runner.uid, user.home.as_str()), (1000, "/home/user"));
        assert_eq!(look_up("root", "", "").map(|root| root.home), Some("/root".to_owned()));
    }

    #[test]
    fn unknown_and_malformed_names_are_refused() {
        for spec in ["nobody-here", "broken", "", "-1", "1:2:3", "4294967296"] {
            assert_eq!(ids(spec), None, "{spec}");
        }
    }
}
