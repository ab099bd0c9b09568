// SPDX-License-Identifier: Apache-2.0
//! The ranges of subordinate ids that the administrator gave to the caller.

use super::IDS_PER_SANDBOX;
use std::fs;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub start: u32,
    pub count: u32,
}

/// The caller's ranges of user and of group ids, or why there are none that would do.
pub fn ranges(user_id: u32) -> Result<(Range, Range), String> {
    let name = fs::read_to_string("/etc/passwd").ok().and_then(|text| user_name(&text, user_id));
    let find = |path: &str| {
        let text = fs::read_to_string(path).map_err(|error| format!("read {path}: {error}"))?;
        find_range(&text, name.as_deref(), user_id)
            .ok_or_else(|| format!("{path} has no range of {} ids for user {user_id}", IDS_PER_SANDBOX - 1))
    };
    Ok((find("/etc/subuid")?, find("/etc/subgid")?))
}

fn user_name(passwd: &str, user_id: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user_id)).then(|| name.to_owned())
    })
}

/// The first line for this user, by name or number, that is large enough for a sandbox.
fn find_range(text: &str, name: Option<&str>, user_id: u32) -> Option<Range> {
    text.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        if Some(owner) != name && owner.parse() != Ok(user_id) {
            return None;
        }
        let range = Range { start: fields.next()?.parse().ok()?, count: fields.next()?.parse().ok()? };
        (range.count >= IDS_PER_SANDBOX - 1).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nada:x:1001:1001::/home/ada:/bin/sh\n";

    #[test]
    fn a_range_is_found_by_name_and_by_number() {
        let name = user_name(PASSWD, 1001);
        let expected = Some(Range { start: 100_000, count: 65_536 });
        assert_eq!(find_range("bob:1:65536\nada:100000:65536\n", name.as_deref(), 1001), expected);
        assert_eq!(find_range("1001:100000:65536\n", None, 1001), expected);
    }

    #[test]
    fn a_range_too_small_for_a_userland_is_no_range() {
        assert_eq!(find_range("ada:100000:1000\n", Some("ada"), 1001), None);
    }

    #[test]
    fn the_range_of_another_user_is_not_ours() {
        assert_eq!(find_range("bob:100000:65536\nbroken\n", Some("ada"), 1001), None);
    }
}
