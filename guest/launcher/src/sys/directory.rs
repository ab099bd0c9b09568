// SPDX-License-Identifier: Apache-2.0
//! Directories by descriptor: opening beneath, listing, removing, renaming. No path is walked twice.

use super::{c_bytes, check};
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// How far a lookup may go. Each refuses what it does not name.
#[derive(Clone, Copy)]
pub enum Lookup {
    /// Stays below the directory and follows no link at all.
    BeneathNoLinks,
    /// The same, and stays on the same mount.
    BeneathNoLinksSameMount,
    /// Links are followed as if the directory were the root.
    InRoot,
}

pub fn open_beneath(
    directory: BorrowedFd<'_>,
    path: &OsStr,
    flags: i32,
    mode: u32,
    lookup: Lookup,
) -> io::Result<OwnedFd> {
    // SAFETY: all zeroes is the neutral value of open_how.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (flags | libc::O_CLOEXEC) as u64;
    how.mode = u64::from(mode);
    how.resolve = libc::RESOLVE_NO_MAGICLINKS
        | match lookup {
            Lookup::BeneathNoLinks => libc::RESOLVE_BENEATH | libc::RESOLVE_NO_SYMLINKS,
            Lookup::BeneathNoLinksSameMount => {
                libc::RESOLVE_BENEATH | libc::RESOLVE_NO_SYMLINKS | libc::RESOLVE_NO_XDEV
            }
            Lookup::InRoot => libc::RESOLVE_IN_ROOT,
        };
    let path = c_bytes(path.as_bytes())?;
    loop {
        // SAFETY: `path` is NUL-terminated, `how` is valid for reading with the size given.
        let result = check(unsafe {
            libc::syscall(
                libc::SYS_openat2,
                directory.as_raw_fd(),
                path.as_ptr(),
                &raw mut how,
                size_of::<libc::open_how>(),
            )
        });
        match result {
            // SAFETY: just returned by the kernel, owned by nobody else.
            Ok(fd) => return Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) }),
            // A rename elsewhere made the lookup uncertain; the kernel asks to try again.
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Makes a directory; one that is there already is fine.
pub fn make_directory(parent: BorrowedFd<'_>, name: &OsStr, mode: u32) -> io::Result<()> {
    let name = c_bytes(name.as_bytes())?;
    // SAFETY: NUL-terminated string that lives through the call.
    match check(i64::from(unsafe { libc::mkdirat(parent.as_raw_fd(), name.as_ptr(), mode) })) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

pub fn change_owner(parent: BorrowedFd<'_>, name: &OsStr, user: u32, group: u32) -> io::Result<()> {
    let name = c_bytes(name.as_bytes())?;
    // SAFETY: NUL-terminated string that lives through the call.
    check(i64::from(unsafe {
        libc::fchownat(parent.as_raw_fd(), name.as_ptr(), user, group, libc::AT_SYMLINK_NOFOLLOW)
    }))?;
    Ok(())
}

pub fn remove_file(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    unlink(parent, name, 0)
}

pub fn remove_empty_directory(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    unlink(parent, name, libc::AT_REMOVEDIR)
}

fn unlink(parent: BorrowedFd<'_>, name: &OsStr, flags: i32) -> io::Result<()> {
    let name = c_bytes(name.as_bytes())?;
    // SAFETY: NUL-terminated string that lives through the call.
    check(i64::from(unsafe { libc::unlinkat(parent.as_raw_fd(), name.as_ptr(), flags) }))?;
    Ok(())
}

pub fn rename(from: BorrowedFd<'_>, from_name: &OsStr, to: BorrowedFd<'_>, to_name: &OsStr) -> io::Result<()> {
    let (from_name, to_name) = (c_bytes(from_name.as_bytes())?, c_bytes(to_name.as_bytes())?);
    // SAFETY: two NUL-terminated strings that live through the call.
    check(i64::from(unsafe {
        libc::renameat(from.as_raw_fd(), from_name.as_ptr(), to.as_raw_fd(), to_name.as_ptr())
    }))?;
    Ok(())
}

/// What the kernel tells about an entry without following a link.
pub fn status(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<libc::stat> {
    let name = c_bytes(name.as_bytes())?;
    // SAFETY: stat is plain data, all zeroes is a valid value.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: NUL-terminated string, `status` valid for writing.
    check(i64::from(unsafe {
        libc::fstatat(parent.as_raw_fd(), name.as_ptr(), &raw mut status, libc::AT_SYMLINK_NOFOLLOW)
    }))?;
    Ok(status)
}

/// The names in a directory, without `.` and `..`.
pub fn names(directory: &OwnedFd) -> io::Result<Vec<OsString>> {
    // A fresh descriptor, so that the position of the caller's stays where it is.
    let fresh = open_beneath(
        std::os::fd::AsFd::as_fd(directory),
        OsStr::new("."),
        libc::O_RDONLY | libc::O_DIRECTORY,
        0,
        Lookup::BeneathNoLinks,
    )?;
    // SAFETY: the descriptor is a directory, and fdopendir takes it over.
    let stream = unsafe { libc::fdopendir(fresh.into_raw_fd()) };
    if stream.is_null() {
        return Err(io::Error::last_os_error());
    }
    let mut names = Vec::new();
    loop {
        // SAFETY: `stream` is open until closedir below; one thread uses it.
        let entry = unsafe { libc::readdir(stream) };
        if entry.is_null() {
            break;
        }
        // SAFETY: readdir returned a valid entry, whose name is NUL-terminated.
        let name: CString = unsafe { CStr::from_ptr((*entry).d_name.as_ptr()) }.to_owned();
        if name.as_bytes() != b"." && name.as_bytes() != b".." {
            names.push(OsString::from_vec(name.into_bytes()));
        }
    }
    // SAFETY: opened above, closed once.
    unsafe { libc::closedir(stream) };
    Ok(names)
}

/// Opens a directory by its path, for use with the calls above.
pub fn open(path: &std::path::Path) -> io::Result<OwnedFd> {
    use std::os::unix::fs::OpenOptionsExt;
    let file: File =
        std::fs::OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_CLOEXEC).open(path)?;
    Ok(OwnedFd::from(file))
}

/// A place in the tree and no more: a device is not opened by it.
pub fn open_place(path: &std::path::Path) -> io::Result<OwnedFd> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = libc::O_PATH | libc::O_CLOEXEC | libc::O_NOFOLLOW;
    Ok(OwnedFd::from(std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?))
}

pub fn link_symbolically(destination: &str, parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    let (destination, name) = (c_bytes(destination.as_bytes())?, c_bytes(name.as_bytes())?);
    // SAFETY: two NUL-terminated strings that live through the call.
    check(i64::from(unsafe { libc::symlinkat(destination.as_ptr(), parent.as_raw_fd(), name.as_ptr()) }))?;
    Ok(())
}
