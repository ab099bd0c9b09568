// SPDX-License-Identifier: Apache-2.0
//! What kind of filesystem a path lies on, and how much room it has.

use super::{c_path, check};
use std::io;
use std::path::Path;

pub struct Filesystem {
    pub magic: u64,
    pub free_bytes: u64,
}

pub const BTRFS: u64 = 0x9123_683e;

pub fn of(path: &Path) -> io::Result<Filesystem> {
    let path = c_path(path)?;
    // SAFETY: plain data, all zeroes is a valid value.
    let mut result: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: NUL-terminated path, `result` valid for writing.
    check(i64::from(unsafe { libc::statfs(path.as_ptr(), &raw mut result) }))?;
    Ok(Filesystem { magic: result.f_type as u64, free_bytes: result.f_bavail * result.f_bsize as u64 })
}
