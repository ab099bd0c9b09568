// SPDX-License-Identifier: Apache-2.0
use super::arguments::{ATTACHING, IPV6_FLOWLABEL_MGR, LOADING, PROTOCOLS, SOCK_PACKET, TIOCSETD};
use super::instructions::{
    ALLOW, AND, ARCHITECTURE, EAFNOSUPPORT, EINVAL, ENOMEM, ENOSYS, ENOTTY, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT,
    JUMP_ANY_BIT, JUMP_AT_LEAST, JUMP_EQUAL, KILL_PROCESS, LOAD, NUMBER, PRETEND, RETURN,
};
use super::program::{FOREIGN_NUMBERS, OWN_ARCHITECTURE, build};
use super::table::{ABSENT, ALLOWED, ALLOWED_AGENT, ALLOWED_HERE, LAST_KNOWN};
use super::{Subject, arguments};
use crate::sys::seccomp::Instruction;

/// Runs the program as the kernel would.
fn decide(number: i64, arguments: [u32; 3]) -> u32 {
    let [first, second, third] = arguments.map(u64::from);
    decide_on(Subject::Workload, OWN_ARCHITECTURE, number, [first, second, third, 0])
}

fn decide_on(subject: Subject, architecture: u32, number: i64, arguments: [u64; 4]) -> u32 {
    let program = build(subject);
    let (mut at, mut accumulator) = (0, 0u32);
    loop {
        let Instruction { code, if_true, if_false, value } = program[at];
        at += 1;
        let holds = match code {
            LOAD => {
                accumulator = match value {
                    NUMBER => number as u32,
                    ARCHITECTURE => architecture,
                    offset => {
                        let argument = arguments[(offset as usize - 16) / 8];
                        (if offset % 8 == 0 { argument } else { argument >> 32 }) as u32
                    }
                };
                continue;
            }
            AND => {
                accumulator &= value;
                continue;
            }
            RETURN => return value,
            JUMP_EQUAL => accumulator == value,
            JUMP_AT_LEAST => accumulator >= value,
            JUMP_ANY_BIT => accumulator & value != 0,
            other => panic!("instruction {other:#x}"),
        };
        at += usize::from(if holds { if_true } else { if_false });
    }
}

#[test]
fn every_listed_call_is_allowed_and_every_other_is_not() {
    for number in 0..=i64::from(LAST_KNOWN) {
        if arguments::decisions().iter().any(|(one, _)| *one == number) {
            continue;
        }
        let expected = if ALLOWED.contains(&number) || ALLOWED_HERE.contains(&number) {
            ALLOW
        } else if ABSENT.contains(&number) {
            ENOSYS
        } else {
            EPERM
        };
        assert_eq!(decide(number, [0; 3]), expected, "system call {number}");
    }
}

#[test]
fn the_doors_of_the_checklist_are_shut() {
    for number in [
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_userfaultfd,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_mount_setattr,
        libc::SYS_open_by_handle_at,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_pidfd_getfd,
    ] {
        assert_eq!(decide(number, [0; 3]), EPERM, "system call {number}");
    }
}

#[test]
fn clone_makes_threads_and_processes_but_no_namespaces() {
    let thread = (libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SETTLS) as u32;
    assert_eq!(decide(libc::SYS_clone, [thread, 0, 0]), ALLOW);
    assert_eq!(decide(libc::SYS_clone, [libc::SIGCHLD as u32, 0, 0]), ALLOW);
    for flag in [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ] {
        assert_eq!(decide(libc::SYS_clone, [flag as u32 | thread, 0, 0]), EPERM);
    }
}

#[test]
fn sockets_are_unix_internet_or_routing() {
    let socket =
        |family: i32, kind: i32, protocol: i32| decide(libc::SYS_socket, [family as u32, kind as u32, protocol as u32]);
    for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6] {
        assert_eq!(socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 6), ALLOW);
    }
    assert_eq!(socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE), ALLOW);
    assert_eq!(socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_NETFILTER), EAFNOSUPPORT);
    for family in [libc::AF_VSOCK, libc::AF_ALG, libc::AF_PACKET, libc::AF_TIPC, libc::AF_BLUETOOTH] {
        assert_eq!(socket(family, libc::SOCK_RAW, 0), EAFNOSUPPORT);
    }
    assert_eq!(socket(libc::AF_INET, SOCK_PACKET as i32 | libc::SOCK_NONBLOCK, 0), EAFNOSUPPORT);
    for family in [libc::AF_INET, libc::AF_INET6] {
        for protocol in PROTOCOLS {
            assert_eq!(socket(family, libc::SOCK_DGRAM, protocol), ALLOW);
        }
        for protocol in [libc::IPPROTO_SCTP, libc::IPPROTO_DCCP, libc::IPPROTO_UDPLITE, 256, -1] {
            assert_eq!(socket(family, libc::SOCK_STREAM, protocol), EPROTONOSUPPORT);
        }
        for kind in [0, libc::SOCK_RDM, libc::SOCK_SEQPACKET, libc::SOCK_DCCP, 7, 15] {
            assert_eq!(socket(family, kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0), ESOCKTNOSUPPORT);
        }
        for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_RAW] {
            assert_eq!(socket(family, kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0), ALLOW);
        }
    }
    assert_eq!(socket(libc::AF_UNIX, libc::SOCK_SEQPACKET, 0), ALLOW);
}

#[test]
fn options_that_use_up_what_all_of_the_host_shares_are_not_there() {
    let set = |level: i32, option: i32| decide(libc::SYS_setsockopt, [3, level as u32, option as u32]);
    for option in ATTACHING {
        assert_eq!(set(libc::SOL_SOCKET, option), EPERM);
        // The numbers mean something else on other levels.
        assert_eq!((set(libc::IPPROTO_TCP, option), set(libc::IPPROTO_IP, option)), (ALLOW, ALLOW));
    }
    assert_eq!(set(libc::IPPROTO_IPV6, IPV6_FLOWLABEL_MGR), EPERM);
    assert_eq!(set(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY), ALLOW);
    for option in [libc::SO_REUSEADDR, libc::SO_LINGER, libc::SO_RCVBUF, libc::SO_DETACH_FILTER, IPV6_FLOWLABEL_MGR] {
        assert_eq!(set(libc::SOL_SOCKET, option), ALLOW);
    }
}

#[test]
fn huge_pages_are_not_there() {
    let map = |flags: i32| {
        decide_on(Subject::Workload, OWN_ARCHITECTURE, libc::SYS_mmap, [0, 4096, 3, u64::from(flags as u32)])
    };
    let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    assert_eq!((map(private), map(private | libc::MAP_HUGETLB)), (ALLOW, ENOMEM));
    assert_eq!(map(private | libc::MAP_HUGETLB | libc::MAP_HUGE_1GB), ENOMEM);
    let memory_file = |flags: u32| decide(libc::SYS_memfd_create, [0x1000, flags, 0]);
    assert_eq!(memory_file(libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING), ALLOW);
    assert_eq!(memory_file(libc::MFD_CLOEXEC | libc::MFD_HUGETLB), EINVAL);
}

#[test]
fn requests_that_load_modules_are_unknown() {
    for request in LOADING {
        assert_eq!(decide(libc::SYS_ioctl, [3, request, 0]), ENOTTY);
    }
    // SIOCGIFNAME, FIONREAD.
    for request in [0x8910, 0x541B] {
        assert_eq!(decide(libc::SYS_ioctl, [3, request, 0]), ALLOW);
    }
}

#[test]
fn pairs_of_sockets_are_unix_only() {
    assert_eq!(decide(libc::SYS_socketpair, [libc::AF_UNIX as u32, 1, 0]), ALLOW);
    for family in [libc::AF_INET, libc::AF_TIPC, libc::AF_VSOCK, libc::AF_ALG, libc::AF_PACKET] {
        assert_eq!(decide(libc::SYS_socketpair, [family as u32, 1, 0]), EAFNOSUPPORT);
    }
}

#[test]
fn only_the_agent_may_name_the_host() {
    for number in ALLOWED_AGENT {
        assert_eq!(decide(*number, [0; 3]), EPERM);
        assert_eq!(decide_on(Subject::Agent, OWN_ARCHITECTURE, *number, [0; 4]), ALLOW);
    }
}

#[test]
fn the_limit_on_core_dumps_cannot_be_changed() {
    let set = |resource: u32| decide(libc::SYS_setrlimit, [resource, 1, 0]);
    assert_eq!((set(libc::RLIMIT_CORE), set(libc::RLIMIT_NOFILE)), (PRETEND, ALLOW));
    let both = |resource: u32, new: u64, old: u64| {
        decide_on(Subject::Workload, OWN_ARCHITECTURE, libc::SYS_prlimit64, [0, resource.into(), new, old])
    };
    for pointer in [0x1000, 0x7fff_0000_0000] {
        assert_eq!(both(libc::RLIMIT_CORE, pointer, 0), PRETEND);
        assert_eq!(both(libc::RLIMIT_CORE, pointer, pointer), EPERM);
        assert_eq!(both(libc::RLIMIT_CORE, 0, pointer), ALLOW);
        assert_eq!(both(libc::RLIMIT_NOFILE, pointer, pointer), ALLOW);
    }
}

#[test]
fn terminals_cannot_be_typed_into() {
    assert_eq!(decide(libc::SYS_ioctl, [0, libc::TIOCSTI as u32, 0]), EPERM);
    assert_eq!(decide(libc::SYS_ioctl, [0, libc::TIOCLINUX as u32, 0]), EPERM);
    assert_eq!(decide(libc::SYS_ioctl, [0, TIOCSETD as u32, 0]), EPERM);
    assert_eq!(decide(libc::SYS_ioctl, [0, libc::TIOCGWINSZ as u32, 0]), ALLOW);
}

#[test]
fn foreign_calling_conventions_end_the_process_and_unknown_numbers_do_not_exist() {
    assert_eq!(decide_on(Subject::Workload, 0x4000_0003, libc::SYS_read, [0; 4]), KILL_PROCESS);
    assert_eq!(decide(i64::from(FOREIGN_NUMBERS) | libc::SYS_read, [0; 3]), KILL_PROCESS);
    assert_eq!(decide(i64::from(LAST_KNOWN) + 1, [0; 3]), ENOSYS);
    assert_eq!(decide(-1, [0; 3]), ENOSYS);
}
