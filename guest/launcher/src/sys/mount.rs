// SPDX-License-Identifier: Apache-2.0
//! The mount calls, old and new. New ones work on descriptors, so that no path is walked twice.

use super::{c_bytes, c_path, check};
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

pub const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;
pub const NO_SUID: u64 = libc::MOUNT_ATTR_NOSUID;
pub const NO_DEV: u64 = libc::MOUNT_ATTR_NODEV;
pub const NO_EXEC: u64 = libc::MOUNT_ATTR_NOEXEC;

const FSOPEN_CLOEXEC: u32 = 1;
const FSMOUNT_CLOEXEC: u32 = 1;
const FSCONFIG_SET_FLAG: u32 = 0;
const FSCONFIG_SET_STRING: u32 = 1;
const FSCONFIG_CMD_CREATE: u32 = 6;
const OPEN_TREE_CLONE: u32 = 1;
const MOVE_MOUNT_F_EMPTY_PATH: u32 = 0x4;
const MOVE_MOUNT_T_EMPTY_PATH: u32 = 0x40;

fn owned(fd: i64) -> OwnedFd {
    // SAFETY: called only with a descriptor that the kernel has just returned.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}

/// A detached copy of the mount (and the directory in it) that `path` names; mounts below are left out.
pub fn clone_tree(path: &Path) -> io::Result<OwnedFd> {
    open_tree(libc::AT_FDCWD, &c_path(path)?, 0)
}

/// The same with everything mounted below.
pub fn clone_tree_recursive(path: &Path) -> io::Result<OwnedFd> {
    open_tree(libc::AT_FDCWD, &c_path(path)?, libc::AT_RECURSIVE as u32)
}

/// The same for a directory or file that is open already.
pub fn clone_tree_at(directory: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    open_tree(directory.as_raw_fd(), c"", libc::AT_EMPTY_PATH as u32)
}

fn open_tree(directory: i32, path: &CStr, extra: u32) -> io::Result<OwnedFd> {
    let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC as u32 | extra;
    // SAFETY: `path` is NUL-terminated and lives through the call.
    check(unsafe { libc::syscall(libc::SYS_open_tree, directory, path.as_ptr(), flags) }).map(owned)
}

/// Sets attributes on a detached mount, and the id mapping of the user namespace when one is given.
pub fn set_attributes(mount: BorrowedFd<'_>, attributes: u64, id_mapping: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut request = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    if let Some(namespace) = id_mapping {
        request.attr_set |= libc::MOUNT_ATTR_IDMAP;
        request.userns_fd = namespace.as_raw_fd() as u64;
    }
    // SAFETY: `request` is valid for reading with the size given; the path is empty by flag.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const request,
            size_of::<libc::mount_attr>(),
        )
    })?;
    Ok(())
}

/// Attaches a detached mount on what `target` has open.
pub fn attach(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> io::Result<()> {
    move_mount(mount.as_raw_fd(), c"", target.as_raw_fd(), c"", MOVE_MOUNT_T_EMPTY_PATH)
}

/// Attaches a detached mount on an entry of a directory. A link there is not followed.
pub fn attach_below(mount: BorrowedFd<'_>, directory: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    move_mount(mount.as_raw_fd(), c"", directory.as_raw_fd(), &c_bytes(name.as_bytes())?, 0)
}

/// Attaches a detached mount on a path.
pub fn attach_at(mount: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    move_mount(mount.as_raw_fd(), c"", libc::AT_FDCWD, &c_path(target)?, 0)
}

fn move_mount(from: i32, from_path: &CStr, to: i32, to_path: &CStr, extra: u32) -> io::Result<()> {
    // SAFETY: both paths are NUL-terminated and live through the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            from,
            from_path.as_ptr(),
            to,
            to_path.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH | extra,
        )
    })?;
    Ok(())
}

/// Makes a new filesystem of this type as a detached mount. An option without value is a flag.
pub fn create(kind: &CStr, options: &[(&str, Option<&str>)], attributes: u64) -> io::Result<OwnedFd> {
    // SAFETY: `kind` is NUL-terminated.
    let context = owned(check(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) })?);
    for (key, value) in options {
        configure(&context, key, *value)?;
    }
    configure_call(&context, FSCONFIG_CMD_CREATE, None, None)?;
    // SAFETY: plain numbers and a borrowed descriptor.
    check(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, attributes as u32) })
        .map(owned)
}

fn configure(context: &OwnedFd, key: &str, value: Option<&str>) -> io::Result<()> {
    let key = c_bytes(key.as_bytes())?;
    match value {
        None => configure_call(context, FSCONFIG_SET_FLAG, Some(&key), None),
        Some(value) => {
            let value = c_bytes(value.as_bytes())?;
            configure_call(context, FSCONFIG_SET_STRING, Some(&key), Some(&value))
        }
    }
}

fn configure_call(context: &OwnedFd, command: u32, key: Option<&CStr>, value: Option<&CStr>) -> io::Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: each pointer is null or a NUL-terminated string that lives through the call.
    check(unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), command, pointer(key), pointer(value), 0) })?;
    Ok(())
}

/// The classic call: the only one that takes an option string longer than 255 bytes.
pub fn mount(source: &str, target: &Path, kind: &str, flags: u64, options: &str) -> io::Result<()> {
    let (source, kind) = (c_bytes(source.as_bytes())?, c_bytes(kind.as_bytes())?);
    let (target, options) = (c_path(target)?, c_bytes(options.as_bytes())?);
    // SAFETY: four NUL-terminated strings that live through the call.
    check(i64::from(unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast())
    }))?;
    Ok(())
}

/// Nothing that is mounted here later shows outside, and nothing from outside shows here.
pub fn make_all_private() -> io::Result<()> {
    mount("none", Path::new("/"), "none", libc::MS_REC | libc::MS_PRIVATE, "")
}

/// Nothing that is mounted here later shows outside. What is unmounted outside goes away here as well, so that no
/// disk is held that somebody wants to take out.
pub fn make_all_slave() -> io::Result<()> {
    mount("none", Path::new("/"), "none", libc::MS_REC | libc::MS_SLAVE, "")
}

/// Takes the mount away from the tree at once; it ends with its last user.
pub fn detach(target: &Path) -> io::Result<()> {
    let target = c_path(target)?;
    // SAFETY: NUL-terminated string that lives through the call.
    check(i64::from(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) }))?;
    Ok(())
}

/// Takes the mount away when nothing uses it, and says `EBUSY` otherwise.
pub fn unmount(target: &Path) -> io::Result<()> {
    let target = c_path(target)?;
    // SAFETY: NUL-terminated string that lives through the call.
    check(i64::from(unsafe { libc::umount2(target.as_ptr(), libc::UMOUNT_NOFOLLOW) }))?;
    Ok(())
}

/// Makes the working directory the root and drops the old root: nothing of it stays reachable.
pub fn pivot_to_working_directory() -> io::Result<()> {
    // SAFETY: two NUL-terminated strings. With "." twice the old root ends up mounted over the new one.
    check(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) })?;
    detach(Path::new("."))?;
    std::env::set_current_dir("/")
}

/// Moves a mount from a path to what `target` has open.
pub fn move_to(from: &Path, target: BorrowedFd<'_>) -> io::Result<()> {
    let from = c_path(from)?;
    // SAFETY: both paths are NUL-terminated and live through the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            libc::AT_FDCWD,
            from.as_ptr(),
            target.as_raw_fd(),
            c"".as_ptr(),
            MOVE_MOUNT_T_EMPTY_PATH,
        )
    })?;
    Ok(())
}
