// SPDX-License-Identifier: Apache-2.0
//! What agent and spawner take from themselves before hostile code runs beside them.

use isola_wire::agent::Users;
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

use super::caps;
use crate::seccomp;

/// For the spawner, at its start: everything here is inherited by all that it starts.
pub fn spawner(users: Users) -> Result<(), Errno> {
    hide()?;
    set_no_new_privs(true)?;
    let core = getrlimit(Resource::Core);
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: core.maximum })?;
    drop_capabilities(users)?;
    seccomp::install()
}

/// For the agent, once it is personalised.
pub fn agent(users: Users) -> Result<(), Errno> {
    set_no_new_privs(true)?;
    drop_capabilities(users)?;
    seccomp::install()
}

/// Takes our memory and descriptors out of reach of processes with the same user id.
pub fn hide() -> Result<(), Errno> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

fn drop_capabilities(users: Users) -> Result<(), Errno> {
    let kept = match users {
        Users::Range => caps::ROOT,
        Users::Single => 0,
        Users::None => return Ok(()),
    };
    clear_ambient_capability_set()?;
    for number in (0..=caps::LAST).filter(|number| kept & (1 << number) == 0) {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match remove_capability_from_bounding_set(capability) {
            // The kernel does not know it, or we never had the right: then nobody we start has it.
            Ok(()) | Err(Errno::INVAL | Errno::PERM) => {}
            Err(error) => return Err(error),
        }
    }
    let kept = CapabilitySet::from_bits_retain(kept);
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() })
}
