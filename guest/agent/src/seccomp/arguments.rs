// SPDX-License-Identifier: Apache-2.0
//! Calls that are decided by their arguments. They come before the table, so that what depends on
//! the number alone can be cached by the kernel.

use super::instructions::{
    ALLOW, ARGUMENT_0, ARGUMENT_1, ARGUMENT_2, ARGUMENT_2_HIGH, ARGUMENT_3, ARGUMENT_3_HIGH, EAFNOSUPPORT, EINVAL,
    ENOMEM, ENOTTY, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT, JUMP_ANY_BIT, JUMP_EQUAL, PRETEND, give, if_equal, jump,
    load, mask, unless_equal,
};
use crate::sys::seccomp::Instruction;

/// CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}.
const NEW_NAMESPACES: u32 = 0x7E02_0000;
const SOCK_TYPE_MASK: u32 = 0xF;
pub const SOCK_PACKET: u32 = 10;
pub const TIOCSETD: libc::Ioctl = 0x5423;
/// SIOCGIFBR, SIOCSIFBR, SIOCBRADDBR, SIOCBRDELBR, SIOCGIFVLAN, SIOCSIFVLAN: on any socket they make the kernel load
/// the modules of bridges and VLANs.
pub const LOADING: [u32; 6] = [0x8940, 0x8941, 0x89a0, 0x89a1, 0x8982, 0x8983];
/// SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF: each filter takes memory for
/// programs, of which the host has one budget.
pub const ATTACHING: [i32; 4] =
    [libc::SO_ATTACH_FILTER, libc::SO_ATTACH_BPF, libc::SO_ATTACH_REUSEPORT_CBPF, libc::SO_ATTACH_REUSEPORT_EBPF];
/// Takes a label from a table that the whole host shares.
pub const IPV6_FLOWLABEL_MGR: i32 = 32;
/// The kinds of internet socket; another one makes the kernel look for a module.
pub const KINDS: [i32; 3] = [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_RAW];
const IPPROTO_MPTCP: i32 = 262;
/// Protocols of an internet socket; 0 is the type's own.
pub const PROTOCOLS: [i32; 6] =
    [0, libc::IPPROTO_ICMP, libc::IPPROTO_TCP, libc::IPPROTO_UDP, libc::IPPROTO_ICMPV6, IPPROTO_MPTCP];
/// PER_LINUX, PER_LINUX32, both with UNAME26, and the query.
const PERSONALITIES: [u32; 5] = [0, 8, 0x2_0000, 0x2_0008, u32::MAX];

/// Number and decision of each.
pub fn decisions() -> [(libc::c_long, Vec<Instruction>); 10] {
    [
        // The most frequent first: none of these is cached.
        (libc::SYS_mmap, map()),
        (libc::SYS_clone, clone()),
        (libc::SYS_ioctl, ioctl()),
        (libc::SYS_socket, socket()),
        (libc::SYS_socketpair, socket_pair()),
        (libc::SYS_setsockopt, set_option()),
        (libc::SYS_memfd_create, memory_file()),
        (libc::SYS_personality, personality()),
        (libc::SYS_setrlimit, set_limit()),
        (libc::SYS_prlimit64, get_and_set_limit()),
    ]
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
    for request in LOADING {
        code.extend(if_equal(request, ENOTTY));
    }
    code.push(give(ALLOW));
    code
}

/// Huge pages are the operator's, and no cgroup of a sandbox counts them.
fn map() -> Vec<Instruction> {
    refuse_flag(ARGUMENT_3, libc::MAP_HUGETLB as u32, ENOMEM)
}

fn memory_file() -> Vec<Instruction> {
    refuse_flag(ARGUMENT_1, libc::MFD_HUGETLB, EINVAL)
}

fn refuse_flag(argument: u32, flag: u32, decision: u32) -> Vec<Instruction> {
    vec![load(argument), jump(JUMP_ANY_BIT, flag, 0, 1), give(decision), give(ALLOW)]
}

fn set_option() -> Vec<Instruction> {
    let of_socket = {
        let mut code = vec![load(ARGUMENT_2)];
        for option in ATTACHING {
            code.extend(if_equal(option as u32, EPERM));
        }
        code.push(give(ALLOW));
        code
    };
    let mut code = vec![load(ARGUMENT_1), jump(JUMP_EQUAL, libc::SOL_SOCKET as u32, 0, of_socket.len() as u8)];
    code.extend(of_socket);
    code.extend(unless_equal(libc::IPPROTO_IPV6 as u32, ALLOW));
    code.push(load(ARGUMENT_2));
    code.extend(if_equal(IPV6_FLOWLABEL_MGR as u32, EPERM));
    code.push(give(ALLOW));
    code
}

/// Unix, the routing part of netlink, and of IPv4 and IPv6 what everybody uses: asking for another
/// family, kind or protocol makes the kernel load its module.
fn socket() -> Vec<Instruction> {
    let internet = {
        let mut code = vec![load(ARGUMENT_1), mask(SOCK_TYPE_MASK)];
        // Past the comparisons that follow, and the refusal behind the last.
        code.extend(
            (1..=KINDS.len()).rev().zip(KINDS).map(|(past, kind)| jump(JUMP_EQUAL, kind as u32, past as u8, 0)),
        );
        code.extend([give(ESOCKTNOSUPPORT), load(ARGUMENT_2)]);
        for protocol in PROTOCOLS {
            code.extend(if_equal(protocol as u32, ALLOW));
        }
        code.push(give(EPROTONOSUPPORT));
        code
    };
    let mut code = vec![load(ARGUMENT_1), mask(SOCK_TYPE_MASK)];
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
