// SPDX-License-Identifier: Apache-2.0
//! Keeping capabilities where the kernel drops them: at a change of the user id, and at an exec by an ordinary id.

use super::check;
use std::io;

const VERSION_3: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Set {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Makes every permitted capability ambient: exec by an ordinary id would otherwise drop them all.
pub fn keep_through_exec() -> io::Result<()> {
    let mut sets = read()?;
    for set in &mut sets {
        set.effective = set.permitted;
        set.inheritable = set.permitted;
    }
    write(&sets)?;
    for capability in 0..64_u64 {
        let word = sets[(capability / 32) as usize].permitted;
        if word & (1 << (capability % 32)) != 0 {
            // SAFETY: plain numbers.
            check(i64::from(unsafe {
                libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability, 0, 0)
            }))?;
        }
    }
    Ok(())
}

/// Makes every permitted capability work again, after a change of the effective user id has stopped them.
pub fn regain() -> io::Result<()> {
    let mut sets = read()?;
    for set in &mut sets {
        set.effective = set.permitted;
    }
    write(&sets)
}

/// None is left, and none comes back.
pub fn drop_all() -> io::Result<()> {
    // SAFETY: plain numbers.
    check(i64::from(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) }))?;
    write(&[Set::default(); 2])
}

/// Whether the calling process holds this capability in its own user namespace.
pub fn has(capability: u32) -> bool {
    let Ok(sets) = read() else { return false };
    sets[(capability / 32) as usize].effective & (1 << (capability % 32)) != 0
}

pub const SYS_ADMIN: u32 = 21;

fn read() -> io::Result<[Set; 2]> {
    let header = Header { version: VERSION_3, pid: 0 };
    let mut sets = [Set::default(); 2];
    // SAFETY: header and the two sets have the layout that version 3 of the interface wants.
    check(unsafe { libc::syscall(libc::SYS_capget, &raw const header, sets.as_mut_ptr()) })?;
    Ok(sets)
}

fn write(sets: &[Set; 2]) -> io::Result<()> {
    let header = Header { version: VERSION_3, pid: 0 };
    // SAFETY: header and the two sets have the layout that version 3 of the interface wants.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) })?;
    Ok(())
}
