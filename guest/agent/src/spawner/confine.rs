// SPDX-License-Identifier: Apache-2.0
//! What agent and spawner take from themselves before hostile code runs beside them.

use isola_wire::agent::Users;
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

use super::caps;
use crate::seccomp::{self, Subject};

/// The kernel's own mark for "no core dump, not even to a pipe": behind a pipe is a program of the
/// host, which 0 does not stop. The filter keeps it from being changed.
const NEVER_DUMP: u64 = 1;

/// For the spawner, at its start: everything here is inherited by all that it starts.
pub fn spawner(users: Users) -> Result<(), Errno> {
    hide()?;
    set_no_new_privs(true)?;
    forbid_core_dumps()?;
    keep_capabilities(users, 0)?;
    seccomp::install(Subject::Workload)
}

/// For the agent of a blank: all but what personalising needs.
pub fn blank(users: Users) -> Result<(), Errno> {
    set_no_new_privs(true)?;
    keep_capabilities(users, caps::PERSONALISE)?;
    seccomp::install(Subject::Agent)
}

/// For the agent, once it is personalised: it can no more than root inside.
pub fn personalised(users: Users) -> Result<(), Errno> {
    match users {
        Users::None => Ok(()),
        Users::Range | Users::Single => hold(root_set(users)),
    }
}

/// A hard limit below the mark cannot be raised; then whoever set it decided about dumps on this host.
fn forbid_core_dumps() -> Result<(), Errno> {
    let mark = getrlimit(Resource::Core).maximum.map_or(NEVER_DUMP, |hard| hard.min(NEVER_DUMP));
    setrlimit(Resource::Core, Rlimit { current: Some(mark), maximum: Some(mark) })
}

/// Takes our memory and descriptors out of reach of processes with the same user id.
pub fn hide() -> Result<(), Errno> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

fn root_set(users: Users) -> u64 {
    if users == Users::Range { caps::ROOT } else { 0 }
}

/// Leaves the root set to whatever is executed from here, and to ourselves `extra` besides.
fn keep_capabilities(users: Users, extra: u64) -> Result<(), Errno> {
    if users == Users::None {
        return Ok(());
    }
    clear_ambient_capability_set()?;
    for number in caps::each(!root_set(users)) {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            // The kernel does not know it, or we never had the right: then nobody we start has it.
            Ok(()) | Err(Errno::INVAL | Errno::PERM) => {}
            Err(error) => return Err(error),
        }
    }
    hold(root_set(users) | extra)
}

fn hold(set: u64) -> Result<(), Errno> {
    let held = capabilities(None)?.permitted & CapabilitySet::from_bits_retain(set);
    set_capabilities(None, CapabilitySets { effective: held, permitted: held, inheritable: CapabilitySet::empty() })
}
