// SPDX-License-Identifier: Apache-2.0
use std::os::fd::{AsRawFd, OwnedFd};

use isola_wire::{Failure, code};
use rustix::fs::{
    CWD, FileType, Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, Stat, fstat, fstatfs, openat2, readlink, stat,
};
use rustix::io::Errno;

use super::failure::{coded, failure};

/// Opens a regular file and nothing else. Never waits: a pipe without a writer, or a device, is
/// refused after an open that does not block.
pub fn regular(operation: &str, path: &str, flags: OFlags, mode: Mode) -> Result<(OwnedFd, Stat), Failure> {
    let careful = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = path_itself(path, flags | careful, mode).map_err(|error| failure(operation, path, error))?;
    let stat = fstat(&fd).map_err(|error| failure(operation, path, error))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory => return Err(coded(operation, path, code::FILE_IS_DIRECTORY, "it is a directory")),
        _ => return Err(coded(operation, path, code::FILE_NOT_REGULAR, "it is not a regular file")),
    }
    if is_our_own(&fd) {
        return Err(coded(operation, path, code::FILE_PERMISSION_DENIED, "it belongs to the agent"));
    }
    Ok((fd, stat))
}

/// Opens what the path names in the tree of files. `/proc/self/fd` and its like name what a process has open, and
/// that process would be the agent: no path may go through one.
pub fn path_itself(path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    match openat2(CWD, path, flags, mode, ResolveFlags::NO_MAGICLINKS) {
        // Said of a circle of links, too, where following them fails as well.
        Err(Errno::LOOP) if !flags.contains(OFlags::NOFOLLOW) && stat(path).is_ok() => Err(Errno::ACCESS),
        other => other,
    }
}

/// The kernel lets a process open its own memory, whoever its thread acts for. A path to it, or a
/// link, would hand the agent itself to the caller.
fn is_our_own(fd: &OwnedFd) -> bool {
    if !fstatfs(fd).is_ok_and(|fs| fs.f_type == PROC_SUPER_MAGIC) {
        return false;
    }
    let Ok(path) = readlink(format!("/proc/self/fd/{}", fd.as_raw_fd()), Vec::new()) else { return true };
    // `/proc/<number>/…`, where the number may be the one of a thread.
    let path = path.to_string_lossy();
    let number = path.split('/').find(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    number.is_some_and(|number| stat(format!("/proc/self/task/{number}")).is_ok())
}
