// SPDX-License-Identifier: Apache-2.0
//! The birth of pid 1 under the right parent in the tree of users.

use crate::error::{Failed, Result};
use crate::sys::fork::{CloneRequest, Cloned, clone_process};
use crate::sys::{capabilities, fork, identity, prctl};

/// Clones pid 1 with its namespaces. `None` is the child.
///
/// Whoever makes a user namespace owns it, and the kernel charges what is used inside to the owner as well:
/// inotify instances, message queues, pending signals, processes, locked memory. Made by root, all sandboxes
/// would use up root's budgets, which are the host's. So a sandbox is made by its own first id.
pub fn clone_owned(owner: Option<u32>, request: &CloneRequest<'_>) -> Result<Option<Cloned>> {
    let cloned = match owner {
        // Without root there is one owner for all: the user who runs the launcher.
        None => clone_process(request),
        Some(owner) => {
            let launcher = fork::parent_pid();
            identity::set_effective_user(owner).failed("become owner", owner)?;
            capabilities::regain().failed("keep", "capabilities of the seat")?;
            let cloned = clone_process(request);
            if matches!(cloned, Ok(None)) {
                return Ok(None);
            }
            identity::set_effective_user(0).failed("become", "root again")?;
            // The kernel forgot it with the change of id.
            prctl::die_with_parent(launcher).failed("tie to", "launcher")?;
            cloned
        }
    };
    cloned.failed("clone", "pid 1").map_err(|error| error.hint("see what `isola doctor` says about user namespaces"))
}
