// SPDX-License-Identifier: Apache-2.0
//! The few instructions of classic BPF that the filter is made of, and what it can decide.

use crate::sys::seccomp::Instruction;

pub const LOAD: u16 = 0x20;
pub const AND: u16 = 0x54;
pub const JUMP_EQUAL: u16 = 0x15;
pub const JUMP_AT_LEAST: u16 = 0x35;
pub const JUMP_ANY_BIT: u16 = 0x45;
pub const RETURN: u16 = 0x06;

// Offsets in the kernel's seccomp_data; arguments have a low and a high word.
pub const NUMBER: u32 = 0;
pub const ARCHITECTURE: u32 = 4;
pub const ARGUMENT_0: u32 = 16;
pub const ARGUMENT_1: u32 = 24;
pub const ARGUMENT_2: u32 = 32;
pub const ARGUMENT_2_HIGH: u32 = 36;
pub const ARGUMENT_3: u32 = 40;
pub const ARGUMENT_3_HIGH: u32 = 44;

pub const ALLOW: u32 = 0x7fff_0000;
pub const KILL_PROCESS: u32 = 0x8000_0000;
/// Returns 0 without having done anything.
pub const PRETEND: u32 = refuse(0);
pub const EPERM: u32 = refuse(libc::EPERM);
pub const ENOSYS: u32 = refuse(libc::ENOSYS);
pub const EAFNOSUPPORT: u32 = refuse(libc::EAFNOSUPPORT);
pub const EPROTONOSUPPORT: u32 = refuse(libc::EPROTONOSUPPORT);
pub const ESOCKTNOSUPPORT: u32 = refuse(libc::ESOCKTNOSUPPORT);
pub const ENOTTY: u32 = refuse(libc::ENOTTY);
pub const ENOMEM: u32 = refuse(libc::ENOMEM);
pub const EINVAL: u32 = refuse(libc::EINVAL);

const fn refuse(errno: i32) -> u32 {
    0x0005_0000 | errno as u32
}

pub fn load(offset: u32) -> Instruction {
    Instruction { code: LOAD, if_true: 0, if_false: 0, value: offset }
}

pub fn jump(code: u16, value: u32, if_true: u8, if_false: u8) -> Instruction {
    Instruction { code, if_true, if_false, value }
}

pub fn give(decision: u32) -> Instruction {
    Instruction { code: RETURN, if_true: 0, if_false: 0, value: decision }
}

pub fn mask(value: u32) -> Instruction {
    Instruction { code: AND, if_true: 0, if_false: 0, value }
}

pub fn if_equal(value: u32, decision: u32) -> [Instruction; 2] {
    [jump(JUMP_EQUAL, value, 0, 1), give(decision)]
}

pub fn unless_equal(value: u32, decision: u32) -> [Instruction; 2] {
    [jump(JUMP_EQUAL, value, 1, 0), give(decision)]
}
