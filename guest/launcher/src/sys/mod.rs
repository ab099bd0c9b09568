// SPDX-License-Identifier: Apache-2.0
//! The only modules with `unsafe`: one thin, checked function per kernel call that `std` does not offer.
#![allow(unsafe_code)]

pub mod btrfs;
pub mod capabilities;
pub mod descriptors;
pub mod device;
pub mod directory;
pub mod epoll;
pub mod fork;
pub mod identity;
pub mod inet;
pub mod loop_device;
pub mod machine;
pub mod memory_file;
pub mod mount;
pub mod namespace;
pub mod netlink;
pub mod network;
pub mod pidfd;
pub mod prctl;
pub mod seccomp;
pub mod signals;
pub mod socket;
pub mod splice;
pub mod statfs;

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Turns the kernel's `-1` into the error that `errno` names.
fn check(result: i64) -> io::Result<i64> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// A path as the kernel wants it. A NUL inside is the caller's mistake and reads as `EINVAL`.
fn c_path(path: &Path) -> io::Result<CString> {
    c_bytes(path.as_os_str().as_bytes())
}

fn c_bytes(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}
