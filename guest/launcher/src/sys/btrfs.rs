// SPDX-License-Identifier: Apache-2.0
//! Subvolumes and their space limits on btrfs.

use super::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

const SUBVOL_CREATE: libc::Ioctl = iow(14, size_of::<VolumeArguments>());
const SNAP_DESTROY: libc::Ioctl = iow(15, size_of::<VolumeArguments>());
const QUOTA_CTL: libc::Ioctl = iowr(40, size_of::<QuotaControl>());
const QGROUP_CREATE: libc::Ioctl = iow(42, size_of::<GroupCreate>());
const QGROUP_LIMIT: libc::Ioctl = ior(43, size_of::<GroupLimit>());
const INO_LOOKUP: libc::Ioctl = iowr(18, size_of::<InodeLookup>());
const QUOTA_ENABLE_SIMPLE: u64 = 4;
const LIMIT_MAX_REFERENCED: u64 = 1;

const fn iow(number: u64, size: usize) -> libc::Ioctl {
    (1 << 30 | (size as u64) << 16 | 0x94 << 8 | number) as libc::Ioctl
}

const fn ior(number: u64, size: usize) -> libc::Ioctl {
    (2 << 30 | (size as u64) << 16 | 0x94 << 8 | number) as libc::Ioctl
}

const fn iowr(number: u64, size: usize) -> libc::Ioctl {
    (3 << 30 | (size as u64) << 16 | 0x94 << 8 | number) as libc::Ioctl
}

#[repr(C)]
struct VolumeArguments {
    fd: i64,
    name: [u8; 4088],
}

#[repr(C)]
struct QuotaControl {
    command: u64,
    status: u64,
}

#[repr(C)]
struct GroupCreate {
    create: u64,
    group_id: u64,
}

#[repr(C)]
struct GroupLimit {
    group_id: u64,
    flags: u64,
    max_referenced: u64,
    max_exclusive: u64,
    reserved_referenced: u64,
    reserved_exclusive: u64,
}

#[repr(C)]
struct InodeLookup {
    tree_id: u64,
    object_id: u64,
    name: [u8; 4080],
}

fn volume_arguments(name: &str) -> io::Result<VolumeArguments> {
    let mut arguments = VolumeArguments { fd: 0, name: [0; 4088] };
    if name.len() >= arguments.name.len() || name.contains(['/', '\0']) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    arguments.name[..name.len()].copy_from_slice(name.as_bytes());
    Ok(arguments)
}

pub fn create_subvolume(parent: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    let arguments = volume_arguments(name)?;
    // SAFETY: the structure has the layout and the size that the request encodes.
    check(i64::from(unsafe { libc::ioctl(parent.as_raw_fd(), SUBVOL_CREATE, &raw const arguments) }))?;
    Ok(())
}

/// Removes a subvolume with everything in it, at a cost that does not grow with its size.
pub fn remove_subvolume(parent: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    let arguments = volume_arguments(name)?;
    // SAFETY: the structure has the layout and the size that the request encodes.
    check(i64::from(unsafe { libc::ioctl(parent.as_raw_fd(), SNAP_DESTROY, &raw const arguments) }))?;
    Ok(())
}

/// Turns on simple quotas: each subvolume is charged for what it allocates, without walking extents.
pub fn enable_simple_quotas(filesystem: BorrowedFd<'_>) -> io::Result<()> {
    let mut control = QuotaControl { command: QUOTA_ENABLE_SIMPLE, status: 0 };
    // SAFETY: the structure has the layout and the size that the request encodes.
    check(i64::from(unsafe { libc::ioctl(filesystem.as_raw_fd(), QUOTA_CTL, &raw mut control) }))?;
    Ok(())
}

/// The number of the subvolume that the open directory lies in: its space group has the same.
pub fn subvolume_id(directory: BorrowedFd<'_>) -> io::Result<u64> {
    const FIRST_FREE_OBJECT: u64 = 256;
    let mut lookup = InodeLookup { tree_id: 0, object_id: FIRST_FREE_OBJECT, name: [0; 4080] };
    // SAFETY: the structure has the layout and the size that the request encodes.
    check(i64::from(unsafe { libc::ioctl(directory.as_raw_fd(), INO_LOOKUP, &raw mut lookup) }))?;
    Ok(lookup.tree_id)
}

/// Limits the space of the subvolume that the open directory lies in.
pub fn limit_space(directory: BorrowedFd<'_>, bytes: u64) -> io::Result<()> {
    let mut limit = GroupLimit {
        group_id: 0,
        flags: LIMIT_MAX_REFERENCED,
        max_referenced: bytes,
        max_exclusive: 0,
        reserved_referenced: 0,
        reserved_exclusive: 0,
    };
    // SAFETY: the structure has the layout and the size that the request encodes; id 0 means "of this one".
    check(i64::from(unsafe { libc::ioctl(directory.as_raw_fd(), QGROUP_LIMIT, &raw mut limit) }))?;
    Ok(())
}

/// Removes the space group of a subvolume that is gone.
pub fn remove_space_group(filesystem: BorrowedFd<'_>, group_id: u64) -> io::Result<()> {
    let arguments = GroupCreate { create: 0, group_id };
    // SAFETY: the structure has the layout and the size that the request encodes.
    check(i64::from(unsafe { libc::ioctl(filesystem.as_raw_fd(), QGROUP_CREATE, &raw const arguments) }))?;
    Ok(())
}
