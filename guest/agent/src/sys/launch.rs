// SPDX-License-Identifier: Apache-2.0
//! Starts a program the way vfork does: the child borrows this process's memory until it executes,
//! so the cost does not grow with anything, and it is made a child of our parent.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::os::fd::RawFd;

use rustix::io::Errno;

use crate::spawner::caps;

/// The step that a child could not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    Clone = 1,
    Streams = 2,
    Terminal = 3,
    Limits = 4,
    User = 5,
    Capabilities = 6,
    Directory = 7,
    Execute = 8,
}

/// Whom the program runs as. Absent: as ourselves (no namespaces, tests).
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Switch user and groups; false where a single id is mapped and we already are it.
    pub switch: bool,
    pub uid: u32,
    pub gid: u32,
    pub groups: &'a [u32],
    /// Capabilities that stay: none for users, the root set for uid 0.
    pub capabilities: u64,
}

/// Everything the child needs, prepared before it exists: between clone and exec it must not
/// allocate, lock or panic.
pub struct Plan<'a> {
    /// Descriptors of at least 3 that become 0, 1 and 2.
    pub stdio: [RawFd; 3],
    pub terminal: bool,
    pub credentials: Option<Credentials<'a>>,
    pub open_files: Option<u64>,
    pub processes: Option<u64>,
    pub directory: &'a CStr,
    /// Where the program may lie, in the order of PATH.
    pub candidates: &'a [&'a CStr],
    /// `argv` and `env` end with a null pointer. `shell_argv` is argv for a script without an
    /// interpreter line: `/bin/sh`, a place for the script's path, the arguments.
    pub argv: &'a [*const c_char],
    pub shell_argv: &'a mut [*const c_char],
    pub env: &'a [*const c_char],
}

const STACK_BYTES: usize = 64 * 1024;

/// The stack that children run on, one at a time: the parent sleeps until the child has executed.
pub struct ChildStack {
    memory: Vec<u128>,
}

impl ChildStack {
    pub fn new() -> Self {
        Self { memory: vec![0; STACK_BYTES / size_of::<u128>()] }
    }
}

struct Order<'a, 'b> {
    plan: &'a mut Plan<'b>,
    failure: Option<(Step, i32)>,
}

/// Starts the plan's program; returns its pid once it runs.
pub fn launch(stack: &mut ChildStack, plan: &mut Plan<'_>) -> Result<i32, (Step, Errno)> {
    let mut order = Order { plan, failure: None };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PARENT | libc::SIGCHLD;
    // JUSTIFICATION: std's and rustix's ways to start a process have no CLONE_PARENT, no terminal
    // and no capabilities; a plain fork costs three times as much.
    // SAFETY: CLONE_VFORK suspends this thread, the only one of the process, until the child has
    // executed or exited, so `order`, `plan` and the stack are used by one side at a time and
    // outlive the child's use. The stack is writable, unused, 16-byte aligned and grows down from
    // its end. `child` touches nothing but `order`, and does only system calls.
    let pid = unsafe {
        let top = stack.memory.as_mut_ptr().add(stack.memory.len());
        libc::clone(child, top.cast::<c_void>(), flags, (&raw mut order).cast::<c_void>())
    };
    if pid < 0 {
        return Err((Step::Clone, last_error()));
    }
    match order.failure {
        None => Ok(pid),
        Some((step, errno)) => Err((step, Errno::from_raw_os_error(errno))),
    }
}

extern "C" fn child(argument: *mut c_void) -> c_int {
    // SAFETY: `launch` passes its own `order`, exclusively borrowed for as long as we run.
    let order = unsafe { &mut *argument.cast::<Order<'_, '_>>() };
    // SAFETY: as `child` itself: only system calls on memory that the plan borrows.
    let step = unsafe { prepare(order.plan).err().unwrap_or_else(|| execute(order.plan)) };
    order.failure = Some((step, last_error().raw_os_error()));
    // SAFETY: ends only this process; no destructor of the shared memory runs.
    unsafe { libc::_exit(127) }
}

/// SAFETY: runs in the child; descriptors and pointers of the plan are valid.
unsafe fn prepare(plan: &Plan<'_>) -> Result<(), Step> {
    // SAFETY: system calls on integers and on memory of the plan, which outlives the child.
    unsafe {
        libc::setsid();
        for (target, source) in plan.stdio.iter().enumerate() {
            check(libc::dup2(*source, target as c_int).into(), Step::Streams)?;
        }
        if plan.terminal {
            check(libc::ioctl(0, libc::TIOCSCTTY, 0).into(), Step::Terminal)?;
        }
        libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        limit(libc::RLIMIT_NOFILE, plan.open_files)?;
        limit(libc::RLIMIT_NPROC, plan.processes)?;
        if let Some(credentials) = &plan.credentials {
            become_user(credentials)?;
        }
        check(libc::chdir(plan.directory.as_ptr()).into(), Step::Directory)
    }
}

/// SAFETY: runs in the child.
unsafe fn limit(resource: libc::__rlimit_resource_t, value: Option<u64>) -> Result<(), Step> {
    let Some(value) = value else { return Ok(()) };
    // SAFETY: `now` and `new` are locals of the kernel's layout.
    unsafe {
        let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        check(libc::getrlimit(resource, &raw mut now).into(), Step::Limits)?;
        let value = value.min(now.rlim_max);
        let new = libc::rlimit { rlim_cur: value, rlim_max: value };
        check(libc::setrlimit(resource, &raw const new).into(), Step::Limits)
    }
}

/// SAFETY: runs in the child. Raw system calls, because libc's wrappers change every thread of what
/// they take for one process.
unsafe fn become_user(credentials: &Credentials<'_>) -> Result<(), Step> {
    let Credentials { switch, uid, gid, groups, capabilities } = *credentials;
    // SAFETY: integers, and a slice that outlives the call.
    unsafe {
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        // The spawner's own bounding set is the root set already.
        for capability in caps::each(caps::ROOT & !capabilities) {
            libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability), 0, 0, 0);
        }
        if switch {
            check(libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()), Step::User)?;
            check(libc::syscall(libc::SYS_setresgid, gid, gid, gid), Step::User)?;
            check(libc::syscall(libc::SYS_setresuid, uid, uid, uid), Step::User)?;
        }
        let header: [u32; 2] = [caps::VERSION_3, 0];
        let (low, high) = (capabilities as u32, (capabilities >> 32) as u32);
        // effective, permitted, inheritable; first the low words, then the high ones.
        let data: [u32; 6] = [low, low, 0, high, high, 0];
        check(libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()), Step::Capabilities)
    }
}

/// Tries each candidate as execvp does; returns only when none could be executed, with errno set
/// to what says most.
///
/// SAFETY: runs in the child; pointer arrays end with null.
unsafe fn execute(plan: &mut Plan<'_>) -> Step {
    let mut denied = false;
    for path in plan.candidates {
        // SAFETY: see above; execve reads and returns only on failure.
        let errno = unsafe {
            libc::execve(path.as_ptr(), plan.argv.as_ptr(), plan.env.as_ptr());
            *libc::__errno_location()
        };
        match errno {
            libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {}
            libc::EACCES => denied = true,
            libc::ENOEXEC => {
                if let Some(place) = plan.shell_argv.get_mut(1) {
                    *place = path.as_ptr();
                }
                // SAFETY: as above.
                unsafe { libc::execve(c"/bin/sh".as_ptr(), plan.shell_argv.as_ptr(), plan.env.as_ptr()) };
                return Step::Execute;
            }
            _ => return Step::Execute,
        }
    }
    // SAFETY: errno of this thread; the parent sleeps.
    unsafe { *libc::__errno_location() = if denied { libc::EACCES } else { libc::ENOENT } };
    Step::Execute
}

fn check(result: libc::c_long, step: Step) -> Result<(), Step> {
    if result < 0 { Err(step) } else { Ok(()) }
}

fn last_error() -> Errno {
    // SAFETY: reads the calling thread's errno.
    Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
}
