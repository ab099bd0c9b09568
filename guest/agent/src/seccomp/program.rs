// SPDX-License-Identifier: Apache-2.0
//! Assembles the filter. Its decisions depend on the number alone wherever possible, so that the
//! kernel can cache them and most calls pay nothing.

use super::table::{ALLOWED, ALLOWED_HERE, LAST_KNOWN};
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

const ALLOW: u32 = 0x7fff_0000;
const KILL_PROCESS: u32 = 0x8000_0000;
const fn refuse(errno: i32) -> u32 {
    0x0005_0000 | errno as u32
}
const EPERM: u32 = refuse(libc::EPERM);
const ENOSYS: u32 = refuse(libc::ENOSYS);
const EAFNOSUPPORT: u32 = refuse(libc::EAFNOSUPPORT);

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
/// PER_LINUX, PER_LINUX32, both with UNAME26, and the query.
const PERSONALITIES: [u32; 5] = [0, 8, 0x2_0000, 0x2_0008, u32::MAX];

pub fn build() -> Vec<Instruction> {
    let mut program = vec![load(ARCHITECTURE)];
    program.extend(unless_equal(OWN_ARCHITECTURE, KILL_PROCESS));
    program.push(load(NUMBER));
    program.extend(if_equal(u32::MAX, ENOSYS));
    program.extend([jump(JUMP_AT_LEAST, FOREIGN_NUMBERS, 0, 1), give(KILL_PROCESS)]);
    for (number, decision) in [
        (libc::SYS_clone, clone()),
        (libc::SYS_ioctl, ioctl()),
        (libc::SYS_socket, socket()),
        (libc::SYS_personality, personality()),
    ] {
        program.push(jump(JUMP_EQUAL, number as u32, 0, decision.len() as u8));
        program.extend(decision);
    }
    program.extend(tree(&steps()));
    program
}

fn clone() -> Vec<Instruction> {
    vec![load(ARGUMENT_0), jump(JUMP_ANY_BIT, NEW_NAMESPACES, 0, 1), give(EPERM), give(ALLOW)]
}

/// TIOCSTI and TIOCLINUX put words into another's terminal.
fn ioctl() -> Vec<Instruction> {
    let mut code = vec![load(ARGUMENT_1)];
    code.extend(if_equal(libc::TIOCSTI as u32, EPERM));
    code.extend(if_equal(libc::TIOCLINUX as u32, EPERM));
    code.push(give(ALLOW));
    code
}

/// Unix, IPv4, IPv6, and the routing part of netlink.
fn socket() -> Vec<Instruction> {
    let mut code = vec![load(ARGUMENT_1), Instruction { code: AND, if_true: 0, if_false: 0, value: SOCK_TYPE_MASK }];
    code.extend(if_equal(SOCK_PACKET, EAFNOSUPPORT));
    code.push(load(ARGUMENT_0));
    for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6] {
        code.extend(if_equal(family as u32, ALLOW));
    }
    code.extend(unless_equal(libc::AF_NETLINK as u32, EAFNOSUPPORT));
    code.push(load(ARGUMENT_2));
    code.extend(unless_equal(libc::NETLINK_ROUTE as u32, EAFNOSUPPORT));
    code.push(give(ALLOW));
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

/// From which number on which decision holds.
fn steps() -> Vec<(u32, u32)> {
    let mut decisions = vec![EPERM; LAST_KNOWN as usize + 1];
    for number in ALLOWED.iter().chain(ALLOWED_HERE) {
        decisions[*number as usize] = ALLOW;
    }
    decisions[libc::SYS_clone3 as usize] = ENOSYS;
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
        decide_on(OWN_ARCHITECTURE, number, arguments)
    }

    fn decide_on(architecture: u32, number: i64, arguments: [u32; 3]) -> u32 {
        let program = build();
        let (mut at, mut accumulator) = (0, 0u32);
        loop {
            let Instruction { code, if_true, if_false, value } = program[at];
            at += 1;
            let holds = match code {
                LOAD => {
                    accumulator = match value {
                        NUMBER => number as u32,
                        ARCHITECTURE => architecture,
                        ARGUMENT_0 => arguments[0],
                        ARGUMENT_1 => arguments[1],
                        ARGUMENT_2 => arguments[2],
                        other => panic!("loads offset {other}"),
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
            let by_argument = [libc::SYS_clone, libc::SYS_ioctl, libc::SYS_socket, libc::SYS_personality];
            if by_argument.contains(&number) {
                continue;
            }
            let expected = if ALLOWED.contains(&number) || ALLOWED_HERE.contains(&number) {
                ALLOW
            } else if number == libc::SYS_clone3 {
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
            libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_userfaultfd, libc::SYS_bpf,
            libc::SYS_perf_event_open, libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_request_key, libc::SYS_ptrace,
            libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_kexec_load, libc::SYS_init_module,
            libc::SYS_finit_module, libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_open_tree,
            libc::SYS_move_mount, libc::SYS_fsopen, libc::SYS_fsmount, libc::SYS_mount_setattr,
            libc::SYS_open_by_handle_at, libc::SYS_setns, libc::SYS_unshare, libc::SYS_pidfd_getfd,
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
            libc::CLONE_NEWNS, libc::CLONE_NEWCGROUP, libc::CLONE_NEWUTS, libc::CLONE_NEWIPC, libc::CLONE_NEWUSER,
            libc::CLONE_NEWPID, libc::CLONE_NEWNET,
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
    }

    #[test]
    fn terminals_cannot_be_typed_into() {
        assert_eq!(decide(libc::SYS_ioctl, [0, libc::TIOCSTI as u32, 0]), EPERM);
        assert_eq!(decide(libc::SYS_ioctl, [0, libc::TIOCLINUX as u32, 0]), EPERM);
        assert_eq!(decide(libc::SYS_ioctl, [0, libc::TIOCGWINSZ as u32, 0]), ALLOW);
    }

    #[test]
    fn foreign_calling_conventions_end_the_process_and_unknown_numbers_do_not_exist() {
        assert_eq!(decide_on(0x4000_0003, libc::SYS_read, [0; 3]), KILL_PROCESS);
        assert_eq!(decide(i64::from(FOREIGN_NUMBERS) | libc::SYS_read, [0; 3]), KILL_PROCESS);
        assert_eq!(decide(i64::from(LAST_KNOWN) + 1, [0; 3]), ENOSYS);
        assert_eq!(decide(-1, [0; 3]), ENOSYS);
    }
}
