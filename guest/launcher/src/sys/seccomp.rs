// SPDX-License-Identifier: Apache-2.0
//! Whether the kernel takes a system call filter, and which Landlock it has. Filters themselves are the agent's.

use super::{check, prctl};
use std::io;

const ALLOW_ALL: u32 = 0x7fff_0000;

/// Loads a filter that allows everything. Only for a throw-away child: it cannot be taken off again.
pub fn load_harmless_filter() -> io::Result<()> {
    prctl::forbid_new_privileges()?;
    let mut program = [libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: ALLOW_ALL }];
    let filter = libc::sock_fprog { len: 1, filter: program.as_mut_ptr() };
    // SAFETY: `filter` describes one valid instruction that lives through the call.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) })?;
    Ok(())
}

/// The Landlock interface version, 0 when the kernel has none.
pub fn landlock_version() -> u32 {
    const CREATE_RULESET_VERSION: u32 = 1;
    // SAFETY: this form of the call takes no attribute and makes nothing.
    let version = check(unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, CREATE_RULESET_VERSION)
    });
    version.map_or(0, |version| version as u32)
}
