// SPDX-License-Identifier: Apache-2.0
use rustix::io::Errno;

/// One instruction of classic BPF, laid out as the kernel's `sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    pub code: u16,
    pub if_true: u8,
    pub if_false: u8,
    pub value: u32,
}

/// Installs `program` for every thread of this process. It cannot be taken off again and is
/// inherited by everything started from here.
///
/// Preconditions: no_new_privs is set.
pub fn install(program: &[Instruction]) -> Result<(), Errno> {
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| Errno::TOOBIG)?,
        filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    // JUSTIFICATION: seccomp(2) has no safe interface.
    // SAFETY: `Instruction` has the layout of `sock_filter`; the kernel copies the program during
    // the call and never writes to it, and `filter` and `program` outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
            &raw const filter,
        )
    };
    if result == 0 {
        return Ok(());
    }
    Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::PERM))
}
