// SPDX-License-Identifier: Apache-2.0
//! Assembles the filter. Its decisions depend on the number alone wherever possible, so that the
//! kernel can cache them and most calls pay nothing.

use super::Subject;
use super::table::{ABSENT, ALLOWED, ALLOWED_AGENT, ALLOWED_HERE, LAST_KNOWN};
use crate::sys::seccomp::Instruction;

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

// Offsets in the kernel's seccomp_data; arguments are looked at by their low words.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENT_0: u32 = 16;
const ARGUMENT_1: u32 = 24;
const ARGUMENT_2: u32 = 32;
const ARGUMENT_2_HIGH: u32 = 36;
const ARGUMENT_3: u32 = 40;
const ARGUMENT_3_HIGH: u32 = 44;

const ALLOW: u32 = 0x7fff_0000;
const KILL_PROCESS: u32 = 0x8000_0000;
const fn refuse(errno: i32) -> u32 {
    0x0005_0000 | errno as u32
}
/// Returns 0 without having done anything.
const PRETEND: u32 = refuse(0);
const EPERM: u32 = refuse(libc::EPERM);
const ENOSYS: u32 = refuse(libc::ENOSYS);
const EAFNOSUPPORT: u32 = refuse(libc::EAFNOSUPPORT);
const EPROTONOSUPPORT: u32 = refuse(libc::EPROTONOSUPPORT);

#[cfg(target_arch = "x86_64")]
const OWN_ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const OWN_ARCHITECTURE: u32 = 0xC000_00B7;
/// Numbers from here on are another calling convention (x32).
const FOREIGN_NUMBERS: u32 = 0x4000_0000;

/// CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}.
const NEW_NAMESPACES: u32 = 0x7E02_0000;
const SOCK_TYPE_MASK: u32 = 0xF;
const SOCK_PACKET: u32 = 10;
const TIOCSETD: libc::Ioctl = 0x5423;
const IPPROTO_MPTCP: i32 = 262;
/// Protocols of an internet socket; 0 is the type's own.
const PROTOCOLS: [i32; 6] =
    [0, libc::IPPROTO_ICMP, libc::IPPROTO_TCP, libc::IPPROTO_UDP, libc::IPPROTO_ICMPV6, IPPROTO_MPTCP];
/// PER_LINUX, PER_LINUX32, both with UNAME26, and the query.
const PERSONALITIES: [u32; 5] = [0, 8, 0x2_0000, 0x2_0008, u32::MAX];

pub fn build(subject: Subject) -> Vec<Instruction> {
    let mut program = vec![load(ARCHITECTURE)];
    program.extend(unless_equal(OWN_ARCHITECTURE, KILL_PROCESS));
    program.push(load(NUMBER));
    program.extend(if_equal(u32::MAX, ENOSYS));
    program.extend([jump(JUMP_AT_LEAST, FOREIGN_NUMBERS, 0, 1), give(KILL_PROCESS)]);
    for (number, decision) in [
        (libc::SYS_clone, clone()),
        (libc::SYS_ioctl, ioctl()),
        (libc::SYS_socket, socket()),
        (libc::SYS_socketpair, socket_pair()),
        (libc::SYS_personality, personality()),
        (libc::SYS_setrlimit, set_limit()),
        (libc::SYS_prlimit64, get_and_set_limit()),
    ] {
        program.push(jump(JUMP_EQUAL, number as u32, 0, decision.len() as u8));
        program.extend(decision);
    }
    program.extend(tree(&steps(subject)));
    program
}

fn clone() -> Vec<Instruction> {
    vec![load(ARGUMENT_0), jump(JUMP_ANY_BIT, NEW_NAMESPACES, 0, 1), give(EPERM), give(ALLOW)]
}

/// TIOCSTI and TIOCLINUX put words into another's terminal; TIOCSETD loads line disciplines.
fn ioctl() -> Vec<Instruction> {
    let mut code = vec![load(ARGUMENT_1)];
    for request in [libc::TIOCSTI, libc::TIOCLINUX, TIOCSETD] {
        code.extend(if_equal(request as u32, EPERM));
    }
    code.push(give(ALLOW));
    code
}

/// Unix, the routing part of netlink, and of IPv4 and IPv6 what everybody uses: asking for another
/// family or protocol makes the kernel load its module.
fn socket() -> Vec<Instruction> {
    let internet = {
        let mut code = vec![load(ARGUMENT_2)];
        for protocol in PROTOCOLS {
            code.extend(if_equal(protocol as u32, ALLOW));
        }
        code.push(give(EPROTONOSUPPORT));
        code
    };
    let mut code = vec![load(ARGUMENT_1), Instruction { code: AND, if_true: 0, if_false: 0, value: SOCK_TYPE_MASK }];
    code.extend(if_equal(SOCK_PACKET, EAFNOSUPPORT));
    code.push(load(ARGUMENT_0));
    code.extend(if_equal(libc::AF_UNIX as u32, ALLOW));
    // Past the second comparison's own jump, or over what follows it.
    code.push(jump(JUMP_EQUAL, libc::AF_INET as u32, 1, 0));
    code.push(jump(JUMP_EQUAL, libc::AF_INET6 as u32, 0, internet.len() as u8));
    code.extend(internet);
    code.extend(unless_equal(libc::AF_NETLINK as u32, EAFNOSUPPORT));
    code.push(load(ARGUMENT_2));
    code.extend(unless_equal(libc::NETLINK_ROUTE as u32, EAFNOSUPPORT));
    code.push(give(ALLOW));
    code
}

fn socket_pair() -> Vec<Instruction> {
    let mut code = vec![load(ARGUMENT_0)];
    code.extend(if_equal(libc::AF_UNIX as u32, ALLOW));
    code.push(give(EAFNOSUPPORT));
    code
}

fn personality() -> Vec<Instruction> {
    let mut code = vec![load(ARGUMENT_0)];
    for value in PERSONALITIES {
        code.extend(if_equal(value, ALLOW));
    }
    code.push(give(EPERM));
    code
}

/// The limit on core dumps stays at the mark that forbids them. Whoever sets it to 0 means just that
/// and is told that it is done: some programs refuse to go on otherwise.
fn set_limit() -> Vec<Instruction> {
    let mut code = vec![load(ARGUMENT_0)];
    code.extend(if_equal(libc::RLIMIT_CORE, PRETEND));
    code.push(give(ALLOW));
    code
}

fn get_and_set_limit() -> Vec<Instruction> {
    let mut code = vec![load(ARGUMENT_1)];
    code.extend(unless_equal(libc::RLIMIT_CORE, ALLOW));
    // A new value is a pointer that is not null.
    code.extend([load(ARGUMENT_2), jump(JUMP_EQUAL, 0, 0, 3)]);
    code.push(load(ARGUMENT_2_HIGH));
    code.extend(if_equal(0, ALLOW));
    // The old value would have to be filled in.
    code.push(load(ARGUMENT_3));
    code.extend(unless_equal(0, EPERM));
    code.push(load(ARGUMENT_3_HIGH));
    code.extend(unless_equal(0, EPERM));
    code.push(give(PRETEND));
    code
}

/// From which number on which decision holds.
fn steps(subject: Subject) -> Vec<(u32, u32)> {
    let mut decisions = vec![EPERM; LAST_KNOWN as usize + 1];
    let own: &[libc::c_long] = if subject == Subject::Agent { ALLOWED_AGENT } else { &[] };
    for number in ALLOWED.iter().chain(ALLOWED_HERE).chain(own) {
        decisions[*number as usize] = ALLOW;
    }
    for number in ABSENT {
        decisions[*number as usize] = ENOSYS;
    }
    let mut steps = Vec::new();
    for (number, decision) in decisions.into_iter().chain([ENOSYS]).enumerate() {
        if steps.last().is_none_or(|(_, last)| *last != decision) {
            steps.push((number as u32, decision));
        }
    }
    steps
}

/// A binary search over `steps`.
fn tree(steps: &[(u32, u32)]) -> Vec<Instruction> {
    if let [(_, decision)] = steps {
        return vec![give(*decision)];
    }
    let (low, high) = steps.split_at(steps.len() / 2);
    let low = tree(low);
    // The table has far fewer than 255 steps, so that half of them stay within a jump's reach.
    let mut code = vec![jump(JUMP_AT_LEAST, high[0].0, u8::try_from(low.len()).unwrap_or(u8::MAX), 0)];
    code.extend(low);
    code.extend(tree(high));
    code
}

fn load(offset: u32) -> Instruction {
    Instruction { code: LOAD, if_true: 0, if_false: 0, value: offset }
}

fn jump(code: u16, value: u32, if_true: u8, if_false: u8) -> Instruction {
    Instruction { code, if_true, if_false, value }
}

fn give(decision: u32) -> Instruction {
    Instruction { code: RETURN, if_true: 0, if_false: 0, value: decision }
}

fn if_equal(value: u32, decision: u32) -> [Instruction; 2] {
    [jump(JUMP_EQUAL, value, 0, 1), give(decision)]
}

fn unless_equal(value: u32, decision: u32) -> [Instruction; 2] {
    [jump(JUMP_EQUAL, value, 1, 0), give(decision)]
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let by_argument = [
                libc::SYS_clone,
                libc::SYS_ioctl,
                libc::SYS_socket,
                libc::SYS_socketpair,
                libc::SYS_personality,
                libc::SYS_setrlimit,
                libc::SYS_prlimit64,
            ];
            if by_argument.contains(&number) {
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
        let socket = |family: i32, kind: i32, protocol: i32| {
            decide(libc::SYS_socket, [family as u32, kind as u32, protocol as u32])
        };
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
}
