// SPDX-License-Identifier: Apache-2.0
//! Making processes, ending them, and collecting them.

use super::check;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Which side of a fork the caller finds itself on.
pub enum Side {
    Child,
    Parent(i32),
}

/// How a process ended, in the two ways the kernel knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Code(i32),
    Signal(i32),
}

/// `fork(2)`. The launcher is single-threaded, so the child may use everything the parent could.
pub fn fork() -> io::Result<Side> {
    // SAFETY: there is one thread only, so no lock can be held by a thread that is missing in the child.
    let pid = check(i64::from(unsafe { libc::fork() }))?;
    Ok(if pid == 0 { Side::Child } else { Side::Parent(pid as i32) })
}

/// A clone whose namespaces and v2 cgroup are chosen at birth, which costs no attach afterwards.
pub struct CloneRequest<'a> {
    pub namespaces: i32,
    pub into_cgroup: Option<BorrowedFd<'a>>,
}

/// The parent's side of `clone_process`: the child's number and a handle that cannot be reused.
pub struct Cloned {
    pub pid: i32,
    pub pidfd: OwnedFd,
}

/// Beyond the 32 bits that the older clone had.
const CLONE_INTO_CGROUP: u64 = 1 << 33;

/// `clone3` without shared memory: a fork with namespaces. `None` is the child.
pub fn clone_process(request: &CloneRequest<'_>) -> io::Result<Option<Cloned>> {
    let mut pidfd: i32 = -1;
    // SAFETY: an all-zero clone_args is the documented neutral value of each field.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = request.namespaces as u64 | libc::CLONE_PIDFD as u64;
    arguments.exit_signal = libc::SIGCHLD as u64;
    arguments.pidfd = &raw mut pidfd as u64;
    if let Some(directory) = request.into_cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = directory.as_raw_fd() as u64;
    }
    // SAFETY: no CLONE_VM, so the child owns a copy of this stack; `arguments` and `pidfd` outlive the call.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &raw mut arguments, size_of::<libc::clone_args>()) })?;
    if pid == 0 {
        return Ok(None);
    }
    // SAFETY: on success the kernel stored a fresh descriptor that nobody else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Some(Cloned { pid: pid as i32, pidfd }))
}

/// Leaves at once: no destructors, no buffers, nothing of the parent's is flushed twice.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Waits for this child, restarting after signals.
pub fn wait_for(pid: i32) -> io::Result<Ended> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a valid place for one int.
        match check(i64::from(unsafe { libc::waitpid(pid, &raw mut status, 0) })) {
            Ok(_) => return Ok(decode(status)),
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Collects any child that has ended, with its status as the kernel gives it; `None` when none has.
pub fn reap_any() -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: `status` is a valid place for one int.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    (pid > 0).then_some((pid, status))
}

fn decode(status: i32) -> Ended {
    if libc::WIFSIGNALED(status) {
        Ended::Signal(libc::WTERMSIG(status))
    } else {
        Ended::Code(libc::WEXITSTATUS(status))
    }
}

pub fn parent_pid() -> i32 {
    // SAFETY: getppid cannot fail and touches no memory.
    unsafe { libc::getppid() }
}

/// Executes the file behind the descriptor, which may have no path in this mount namespace.
pub fn execute_descriptor(program: BorrowedFd<'_>, argv: &[CString], environment: &[CString]) -> io::Error {
    let mut arguments: Vec<*const libc::c_char> = argv.iter().map(|value| value.as_ptr()).collect();
    arguments.push(std::ptr::null());
    let mut variables: Vec<*const libc::c_char> = environment.iter().map(|value| value.as_ptr()).collect();
    variables.push(std::ptr::null());
    // SAFETY: both vectors end in a null pointer and point at strings that live until the call returns.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            program.as_raw_fd(),
            c"".as_ptr(),
            arguments.as_ptr(),
            variables.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    io::Error::last_os_error()
}

/// Gives way to everything else on the host: for removal in the background.
pub fn lower_priority() {
    const IOPRIO_WHO_PROCESS: i32 = 1;
    const IOPRIO_IDLE: i32 = 3 << 13;
    // SAFETY: both calls take plain numbers and concern only the calling process.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 19);
        libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
    }
}

pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: plain numbers.
    check(i64::from(unsafe { libc::kill(pid, signal) }))?;
    Ok(())
}
