// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;

use crate::account::Account;

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Belong to whoever the sandbox is for, and must not follow a process to another user.
const PERSONAL: [&str; 4] = ["HOME", "USER", "LOGNAME", "SHELL"];

/// `NAME=value` of a process: defaults for its user, then the sandbox's, then its own.
pub fn environment(
    account: &Account,
    is_default_user: bool,
    terminal: bool,
    of_sandbox: &BTreeMap<String, String>,
    own: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut all: BTreeMap<&str, &str> = BTreeMap::new();
    all.insert("PATH", DEFAULT_PATH);
    all.insert("HOME", &account.home);
    all.insert("USER", &account.name);
    all.insert("LOGNAME", &account.name);
    if terminal {
        all.insert("TERM", "xterm-256color");
    }
    let shared = of_sandbox.iter().filter(|(name, _)| is_default_user || !PERSONAL.contains(&name.as_str()));
    for (name, value) in shared.chain(own) {
        all.insert(name, value);
    }
    all.into_iter().map(|(name, value)| [name, "=", value].concat()).collect()
}

#[cfg(test)]
mod tests {
    use isola_wire::agent::Users;

    use super::*;
    use crate::spawner::Runner;

    fn account() -> Account {
        Account {
            name: "root".into(),
            home: "/root".into(),
            shell: "/bin/sh".into(),
            runner: Runner { users: Users::Range, uid: 0, gid: 0, groups: vec![] },
        }
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_own_variables_win_over_the_sandboxs_and_those_over_the_defaults() {
        let env = environment(&account(), true, false, &map(&[("PATH", "/a"), ("X", "1")]), &map(&[("X", "2")]));
        assert!(env.contains(&"PATH=/a".to_owned()) && env.contains(&"X=2".to_owned()));
        assert!(!env.iter().any(|entry| entry.starts_with("TERM=")));
    }

    #[test]
    fn another_user_does_not_get_the_sandbox_users_home() {
        let of_sandbox = map(&[("HOME", "/home/user"), ("LANG", "C")]);
        let env = environment(&account(), false, true, &of_sandbox, &map(&[]));
        assert!(env.contains(&"HOME=/root".to_owned()) && env.contains(&"LANG=C".to_owned()));
        assert!(env.contains(&"TERM=xterm-256color".to_owned()));
    }
}
