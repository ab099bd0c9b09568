// SPDX-License-Identifier: Apache-2.0
//! Assembles the filter.

use super::instructions::{
    ALLOW, ARCHITECTURE, ENOSYS, EPERM, JUMP_AT_LEAST, JUMP_EQUAL, KILL_PROCESS, NUMBER, give, if_equal, jump, load,
    unless_equal,
};
use super::table::{ABSENT, ALLOWED, ALLOWED_AGENT, ALLOWED_HERE, LAST_KNOWN};
use super::{Subject, arguments};
use crate::sys::seccomp::Instruction;

#[cfg(target_arch = "x86_64")]
pub const OWN_ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
pub const OWN_ARCHITECTURE: u32 = 0xC000_00B7;
/// Numbers from here on are another calling convention (x32).
pub const FOREIGN_NUMBERS: u32 = 0x4000_0000;

pub fn build(subject: Subject) -> Vec<Instruction> {
    let mut program = vec![load(ARCHITECTURE)];
    program.extend(unless_equal(OWN_ARCHITECTURE, KILL_PROCESS));
    program.push(load(NUMBER));
    program.extend(if_equal(u32::MAX, ENOSYS));
    program.extend([jump(JUMP_AT_LEAST, FOREIGN_NUMBERS, 0, 1), give(KILL_PROCESS)]);
    for (number, decision) in arguments::decisions() {
        program.push(jump(JUMP_EQUAL, number as u32, 0, decision.len() as u8));
        program.extend(decision);
    }
    program.extend(tree(&steps(subject)));
    program
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
