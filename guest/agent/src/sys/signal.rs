// SPDX-License-Identifier: Apache-2.0
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::Errno;

/// Blocks `signals` and returns a descriptor that delivers them.
pub fn descriptor(signals: &[i32]) -> Result<OwnedFd, Errno> {
    // JUSTIFICATION: rustix has neither signalfd nor sigprocmask.
    // SAFETY: `set` is initialised by sigemptyset before use and outlives both calls; a descriptor
    // that signalfd returned is owned by nobody else.
    unsafe {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
        let fd = libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(last_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

/// Gives every signal its default action and unblocks all, as a fresh process expects; what was
/// inherited from whoever started us must not reach workloads.
pub fn reset_all() {
    // The kernel's own form of sigaction, all zero: default action, no flags, empty mask. libc hides
    // two signals that its posix_spawn leaves ignored.
    const DEFAULT: [usize; 4] = [0; 4];
    const MASK_BYTES: usize = 8;
    // JUSTIFICATION: signal dispositions have no safe interface.
    // SAFETY: the default action runs no code of ours, the structure is larger than the kernel
    // reads, and no other thread exists yet.
    unsafe {
        for signal in 1..=libc::SIGRTMAX() {
            let none = std::ptr::null::<libc::c_void>();
            libc::syscall(libc::SYS_rt_sigaction, signal, DEFAULT.as_ptr(), none, MASK_BYTES);
        }
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut());
    }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
