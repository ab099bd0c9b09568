// SPDX-License-Identifier: Apache-2.0
//! Not listed, and so refused with EPERM: io_uring, userfaultfd, bpf, perf_event_open, keyrings,
//! ptrace and process_vm, kexec, modules, mounts old and new, open_by_handle_at, setns, unshare,
//! quota, swap, reboot, clocks. `clone`, `ioctl`, `mmap`, `memfd_create`, `socket`, `socketpair`,
//! `setsockopt`, `personality`, `setrlimit` and `prlimit64` are decided by their arguments.

#[allow(clippy::wildcard_imports)]
use libc::*;

/// Do not exist here, so that programs take another way: `clone3` because its flags cannot be seen,
/// asynchronous I/O because its contexts are counted for the whole host.
pub const ABSENT: &[c_long] =
    &[SYS_clone3, SYS_io_setup, SYS_io_destroy, SYS_io_getevents, SYS_io_submit, SYS_io_cancel, IO_PGETEVENTS];

#[cfg(target_arch = "x86_64")]
const IO_PGETEVENTS: c_long = 333;
#[cfg(target_arch = "aarch64")]
const IO_PGETEVENTS: c_long = 292;

/// What the agent needs in addition until it is personalised; afterwards it lacks the capabilities.
pub const ALLOWED_AGENT: &[c_long] = &[SYS_sethostname, SYS_clock_settime];

/// Newer system calls than this answer ENOSYS, so that programs fall back to older ones.
pub const LAST_KNOWN: u32 = 466;

/// Allowed whatever the arguments.
#[rustfmt::skip]
pub const ALLOWED: &[c_long] = &[
    // files
    SYS_chdir, SYS_chroot, SYS_close, SYS_close_range, SYS_copy_file_range, SYS_dup, SYS_dup3, SYS_faccessat,
    SYS_faccessat2, SYS_fadvise64, SYS_fallocate, SYS_fchdir, SYS_fchmod, SYS_fchmodat, SYS_fchmodat2, SYS_fchown,
    SYS_fchownat, SYS_fcntl, SYS_fdatasync, SYS_fgetxattr, SYS_flistxattr, SYS_flock, SYS_fremovexattr,
    SYS_fsetxattr, SYS_fstat, SYS_fstatfs, SYS_fsync, SYS_ftruncate, SYS_getcwd, SYS_getdents64, SYS_getxattr,
    SYS_inotify_add_watch, SYS_inotify_init1, SYS_inotify_rm_watch, SYS_lgetxattr, SYS_linkat, SYS_listxattr,
    SYS_llistxattr, SYS_lremovexattr, SYS_lseek, SYS_lsetxattr, SYS_memfd_secret, SYS_mkdirat,
    SYS_mknodat, SYS_name_to_handle_at, SYS_newfstatat, SYS_openat, SYS_openat2, SYS_pipe2, SYS_pread64, SYS_preadv,
    SYS_preadv2, SYS_pwrite64, SYS_pwritev, SYS_pwritev2, SYS_read, SYS_readahead, SYS_readlinkat, SYS_readv,
    SYS_removexattr, SYS_renameat2, SYS_sendfile, SYS_setxattr, SYS_splice, SYS_statfs, SYS_statx, SYS_symlinkat,
    SYS_sync, SYS_sync_file_range, SYS_syncfs, SYS_tee, SYS_truncate, SYS_umask, SYS_unlinkat, SYS_utimensat,
    SYS_vmsplice, SYS_write, SYS_writev,
    SYS_ioprio_get, SYS_ioprio_set,
    463, // setxattrat
    464, // getxattrat
    465, // listxattrat
    466, // removexattrat
    // memory
    SYS_brk, SYS_madvise, SYS_membarrier, SYS_mincore, SYS_mlock, SYS_mlock2,
    SYS_mlockall, SYS_mprotect, SYS_mremap, SYS_msync, SYS_munlock, SYS_munlockall, SYS_munmap,
    SYS_pkey_alloc, SYS_pkey_free, SYS_pkey_mprotect, SYS_remap_file_pages,
    453, // map_shadow_stack
    462, // mseal
    // processes, threads, scheduling
    SYS_capget, SYS_capset, SYS_execve, SYS_execveat, SYS_exit, SYS_exit_group, SYS_futex, SYS_futex_waitv,
    SYS_get_robust_list, SYS_getcpu, SYS_getegid, SYS_geteuid, SYS_getgid, SYS_getgroups, SYS_getitimer, SYS_getpgid,
    SYS_getpid, SYS_getppid, SYS_getpriority, SYS_getresgid, SYS_getresuid, SYS_getrlimit, SYS_getrusage, SYS_getsid,
    SYS_gettid, SYS_getuid, SYS_kill, SYS_landlock_add_rule, SYS_landlock_create_ruleset, SYS_landlock_restrict_self,
    SYS_pidfd_open, SYS_pidfd_send_signal, SYS_prctl, SYS_process_mrelease, SYS_restart_syscall,
    SYS_rseq, SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_sched_getaffinity, SYS_sched_getattr,
    SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_rr_get_interval, SYS_sched_setaffinity, SYS_sched_setattr,
    SYS_sched_setparam, SYS_sched_setscheduler, SYS_sched_yield, SYS_seccomp, SYS_set_robust_list,
    SYS_set_tid_address, SYS_setfsgid, SYS_setfsuid, SYS_setgid, SYS_setgroups, SYS_setitimer, SYS_setpgid,
    SYS_setpriority, SYS_setregid, SYS_setresgid, SYS_setresuid, SYS_setreuid, SYS_setsid, SYS_setuid,
    SYS_sysinfo, SYS_times, SYS_uname, SYS_wait4, SYS_waitid,
    454, // futex_wake
    455, // futex_wait
    456, // futex_requeue
    // signals and time
    SYS_adjtimex, SYS_clock_adjtime, SYS_clock_getres, SYS_clock_gettime, SYS_clock_nanosleep, SYS_gettimeofday,
    SYS_nanosleep, SYS_rt_sigaction, SYS_rt_sigpending, SYS_rt_sigprocmask, SYS_rt_sigqueueinfo, SYS_rt_sigreturn,
    SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_rt_tgsigqueueinfo, SYS_sigaltstack, SYS_signalfd4, SYS_tgkill,
    SYS_timer_create, SYS_timer_delete, SYS_timer_getoverrun, SYS_timer_gettime, SYS_timer_settime,
    SYS_timerfd_create, SYS_timerfd_gettime, SYS_timerfd_settime, SYS_tkill,
    // waiting, messages, sockets
    SYS_accept, SYS_accept4, SYS_bind, SYS_connect, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
    SYS_epoll_pwait2, SYS_eventfd2, SYS_getpeername, SYS_getrandom, SYS_getsockname, SYS_getsockopt, SYS_listen,
    SYS_mq_getsetattr, SYS_mq_notify, SYS_mq_open, SYS_mq_timedreceive, SYS_mq_timedsend, SYS_mq_unlink, SYS_msgctl,
    SYS_msgget, SYS_msgrcv, SYS_msgsnd, SYS_ppoll, SYS_pselect6, SYS_recvfrom, SYS_recvmmsg, SYS_recvmsg,
    SYS_semctl, SYS_semget, SYS_semop, SYS_semtimedop, SYS_sendmmsg, SYS_sendmsg, SYS_sendto,
    SYS_shmat, SYS_shmctl, SYS_shmdt, SYS_shmget, SYS_shutdown,
];

/// The forms that only x86-64 has.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
pub const ALLOWED_HERE: &[c_long] = &[
    SYS_access, SYS_alarm, SYS_arch_prctl, SYS_chmod, SYS_chown, SYS_creat, SYS_dup2, SYS_epoll_create,
    SYS_epoll_wait, SYS_eventfd, SYS_fork, SYS_futimesat, SYS_get_thread_area, SYS_getdents, SYS_getpgrp,
    SYS_inotify_init, SYS_lchown, SYS_link, SYS_lstat, SYS_mkdir, SYS_mknod, SYS_open, SYS_pause, SYS_pipe, SYS_poll,
    SYS_readlink, SYS_rename, SYS_renameat, SYS_rmdir, SYS_select, SYS_set_thread_area, SYS_signalfd, SYS_stat,
    SYS_symlink, SYS_time, SYS_unlink, SYS_utime, SYS_utimes, SYS_vfork,
    335, // uretprobe
];

#[cfg(target_arch = "aarch64")]
#[rustfmt::skip]
pub const ALLOWED_HERE: &[c_long] = &[SYS_renameat];
