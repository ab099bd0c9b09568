// SPDX-License-Identifier: Apache-2.0
//! Facts about the machine.

use super::check;
use std::io;

pub fn memory_bytes() -> io::Result<u64> {
    // SAFETY: plain data, all zeroes is a valid value.
    let mut facts: libc::sysinfo = unsafe { std::mem::zeroed() };
    // SAFETY: `facts` is valid for writing.
    check(i64::from(unsafe { libc::sysinfo(&raw mut facts) }))?;
    Ok(facts.totalram.saturating_mul(u64::from(facts.mem_unit)))
}
