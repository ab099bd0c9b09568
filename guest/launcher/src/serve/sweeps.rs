// SPDX-License-Identifier: Apache-2.0
use super::registry::{Reply, Waiter};
use super::server::Server;
use crate::error::LauncherError;
use crate::state_dir::check_sandbox_id;
use isola_wire::launcher::Swept;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// A sweep that waits for its removals.
pub struct Sweep {
    reply: Reply,
    left: BTreeSet<String>,
    removed: Vec<String>,
    failure: Option<LauncherError>,
}

#[derive(Default)]
pub struct Sweeps {
    under_way: BTreeMap<u32, Sweep>,
    next: u32,
}

impl Server {
    /// Removes everything that is not to be kept: sandboxes, and what half-made ones left in any place.
    pub(super) fn sweep(&mut self, reply: Reply, keep: &[String]) {
        let keep: BTreeSet<&String> = keep.iter().collect();
        // Seats and files of the filesystem itself have names that no sandbox can have.
        let is_left = |name: &String| check_sandbox_id(name).is_ok() && !keep.contains(name);
        let left: BTreeSet<String> = self.everything().into_iter().filter(is_left).collect();
        let number = self.sweeps.next;
        self.sweeps.next = number.wrapping_add(1);
        let sweep = Sweep { reply, left: left.clone(), removed: vec![], failure: None };
        self.sweeps.under_way.insert(number, sweep);
        for sandbox_id in left {
            self.remove_sandbox(&sandbox_id, Waiter::Sweep(number));
        }
        self.finish_sweep(number);
    }

    pub(super) fn sweep_progress(&mut self, number: u32, sandbox_id: &str, failure: Option<&LauncherError>) {
        let Some(sweep) = self.sweeps.under_way.get_mut(&number) else { return };
        if sweep.left.remove(sandbox_id) {
            match failure {
                None => sweep.removed.push(sandbox_id.to_owned()),
                Some(error) => sweep.failure = Some(error.clone()),
            }
        }
        self.finish_sweep(number);
    }

    fn finish_sweep(&mut self, number: u32) {
        if self.sweeps.under_way.get(&number).is_none_or(|sweep| !sweep.left.is_empty()) {
            return;
        }
        let Some(sweep) = self.sweeps.under_way.remove(&number) else { return };
        let result = match sweep.failure {
            Some(error) => Err(error),
            None => Ok(Swept { removed: sweep.removed }),
        };
        self.answer(sweep.reply, result);
    }

    /// Whatever bears the name of a sandbox or a seat: known ones, directories, layers, cgroups.
    pub(super) fn everything(&self) -> BTreeSet<String> {
        let listed = |directory| fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
        let named = |entry: fs::DirEntry| entry.file_name().into_string().ok();
        listed(self.host.state.sandboxes())
            .chain(listed(self.host.state.seats()))
            .chain(listed(self.host.state.layers()))
            .filter_map(named)
            .chain(self.host.cgroups.names())
            .chain(self.registry.ids())
            .collect()
    }
}
