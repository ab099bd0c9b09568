// SPDX-License-Identifier: Apache-2.0
//! The identity that file operations of one thread are checked against.

/// Sets this thread's file-system user and group. Leaving user 0 also takes the file capabilities
/// out of the thread's effective set; coming back raises them again.
///
/// The calls report no error; that they took is told by the return value.
pub fn set(uid: u32, gid: u32) -> bool {
    // JUSTIFICATION: rustix has no setfsuid.
    // SAFETY: plain system calls on integers that act on the calling thread only.
    unsafe {
        libc::syscall(libc::SYS_setfsgid, gid);
        libc::syscall(libc::SYS_setfsuid, uid);
        // An invalid id changes nothing and returns the present one.
        let gid_now = libc::syscall(libc::SYS_setfsgid, u32::MAX);
        let uid_now = libc::syscall(libc::SYS_setfsuid, u32::MAX);
        (uid_now, gid_now) == (uid.into(), gid.into())
    }
}
