// SPDX-License-Identifier: Apache-2.0
//! Device nodes.

use super::{c_bytes, check};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Makes the node of a character device that everybody may read and write, less the umask.
pub fn make_character_device(directory: BorrowedFd<'_>, name: &str, major: u32, minor: u32) -> io::Result<()> {
    let name = c_bytes(name.as_bytes())?;
    let number = libc::makedev(major, minor);
    // SAFETY: NUL-terminated string that lives through the call.
    check(i64::from(unsafe { libc::mknodat(directory.as_raw_fd(), name.as_ptr(), libc::S_IFCHR | 0o666, number) }))?;
    Ok(())
}
