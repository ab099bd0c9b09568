// SPDX-License-Identifier: Apache-2.0
//! Capability sets. All of them are relative to the sandbox's own user namespace.

/// `_LINUX_CAPABILITY_VERSION_3` of capset(2).
pub const VERSION_3: u32 = 0x2008_0522;
/// The highest number ever tried; dropping one that the kernel does not know fails harmlessly.
pub const LAST: u32 = 41;

const CHOWN: u32 = 0;
const DAC_OVERRIDE: u32 = 1;
const FOWNER: u32 = 3;
const FSETID: u32 = 4;
const KILL: u32 = 5;
const SETGID: u32 = 6;
const SETUID: u32 = 7;
const SETPCAP: u32 = 8;
const NET_BIND_SERVICE: u32 = 10;
const SYS_CHROOT: u32 = 18;
const SYS_ADMIN: u32 = 21;
const SYS_TIME: u32 = 25;

/// For the host name, and for the clock where it is ours.
pub const PERSONALISE: u64 = 1 << SYS_ADMIN | 1 << SYS_TIME;

/// What containers give root, without NET_RAW, MKNOD, AUDIT_WRITE and SETFCAP.
pub const ROOT: u64 = 1 << CHOWN
    | 1 << DAC_OVERRIDE
    | 1 << FOWNER
    | 1 << FSETID
    | 1 << KILL
    | 1 << SETGID
    | 1 << SETUID
    | 1 << SETPCAP
    | 1 << NET_BIND_SERVICE
    | 1 << SYS_CHROOT;

/// The capabilities of a set, by number.
pub fn each(set: u64) -> impl Iterator<Item = u32> {
    (0..=LAST).filter(move |capability| set & (1 << capability) != 0)
}
