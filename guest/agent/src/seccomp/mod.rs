// SPDX-License-Identifier: Apache-2.0
//! The system calls that a sandbox may use: an allow-list of the kind containers have, without
//! those through which the kernel is attacked most and those that would leave the sandbox.

mod arguments;
mod instructions;
mod program;
mod table;
#[cfg(test)]
mod tests;

use rustix::io::Errno;

/// Whom a filter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Agent,
    Workload,
}

/// Installs the filter on this process and all that it starts.
///
/// Preconditions: no_new_privs is set.
pub fn install(subject: Subject) -> Result<(), Errno> {
    crate::sys::seccomp::install(&program::build(subject))
}
