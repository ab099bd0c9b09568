// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::Users;
use serde::{Deserialize, Serialize};

/// Ids 0..65535: what a Linux userland expects to exist.
pub const IDS_PER_SANDBOX: u32 = 65_536;
/// The id of `user` inside, which is the only one in `single` mode.
const ORDINARY_USER: u32 = 1000;

/// Whose rights the launcher has, and with that, which ids a sandbox gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub users: Users,
    pub rootless: bool,
}

/// The texts for `/proc/PID/uid_map` and `gid_map`, which are the same here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdMaps(pub String);

impl Identity {
    /// Each sandbox has ids of its own, chosen from a range that no user of the host is in.
    pub const ROOT: Self = Self { users: Users::Range, rootless: false };

    pub fn has_own_ids(&self) -> bool {
        !self.rootless
    }

    pub fn maps(&self, id_base: u32) -> IdMaps {
        IdMaps(match (self.rootless, self.users) {
            (false, _) => format!("0 {id_base} {IDS_PER_SANDBOX}\n"),
            // The caller's own id is root inside, so that files it owns look like the system's. Two lines,
            // because an extent may not span two of the outer map.
            (true, Users::Range) => format!("0 0 1\n1 1 {}\n", IDS_PER_SANDBOX - 1),
            (true, _) => format!("{ORDINARY_USER} 0 1\n"),
        })
    }

    /// The id that pid 1 runs as inside.
    pub fn first_user(&self) -> u32 {
        if self.users == Users::Single { ORDINARY_USER } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_root_a_sandbox_gets_its_own_sub_range() {
        assert_eq!(Identity::ROOT.maps(0x7000_0000).0, "0 1879048192 65536\n");
        assert_eq!(Identity::ROOT.first_user(), 0);
    }

    #[test]
    fn rootless_with_a_range_the_caller_is_root_inside() {
        let identity = Identity { users: Users::Range, rootless: true };
        assert_eq!(identity.maps(0).0, "0 0 1\n1 1 65535\n");
    }

    #[test]
    fn rootless_with_a_single_id_the_caller_is_the_ordinary_user() {
        let identity = Identity { users: Users::Single, rootless: true };
        assert_eq!(identity.maps(0).0, "1000 0 1\n");
        assert_eq!(identity.first_user(), 1000);
    }
}
