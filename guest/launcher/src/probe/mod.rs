// SPDX-License-Identifier: Apache-2.0
//! What this host can do, found out by doing it: each check is carried out in a throw-away child.

mod attempt;
mod cgroups;
mod disk;
mod filesystem;
mod kernel;
mod namespaces;
mod verdict;

use crate::cgroup::CgroupRoots;
use crate::error::{Failed, LauncherError, Result};
use crate::host::Host;
use crate::layer::LayerStore;
use crate::state_dir::StateDir;
use crate::sys::{descriptors, fork};
use crate::users::{Identity, OuterMode, enter_outer, is_outer_needed};
use attempt::Check;
use isola_wire::launcher::ProbeResult;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// What the checks are carried out with.
pub struct Probe<'a> {
    identity: Identity,
    why_single: Option<String>,
    cgroups: &'a CgroupRoots,
    /// The store in use, or `None` when a throw-away one is to be made.
    layers: Option<&'a LayerStore>,
    /// An empty directory for whatever the checks need.
    scratch: PathBuf,
}

/// Probes from a launcher that is running.
pub fn probe_here(host: &Host) -> ProbeResult {
    let scratch = host.state.path().join(format!("probe-{}", std::process::id()));
    let probe = Probe {
        identity: host.identity,
        why_single: None,
        cgroups: &host.cgroups,
        layers: Some(&host.layers),
        scratch,
    };
    probe.run()
}

/// Probes without a launcher, in a child that becomes what a launcher would be.
pub fn probe_alone(state: Option<&Path>) -> Result<ProbeResult> {
    let (mut answer, tell) = io::pipe().failed("make", "pipe")?;
    if let fork::Side::Child = fork::fork().failed("fork", "probe")? {
        let _ = descriptors::close_all_except(&[tell.as_raw_fd()]);
        let text = serde_json::to_vec(&probe_as_launcher(state)).unwrap_or_default();
        let code = i32::from((&tell).write_all(&text).is_err());
        fork::exit_now(code);
    }
    drop(tell);
    let mut text = Vec::new();
    answer.read_to_end(&mut text).failed("read from", "probe")?;
    serde_json::from_slice(&text).map_err(|error| LauncherError::step("read from", "probe", error.to_string()))
}

fn probe_as_launcher(state: Option<&Path>) -> ProbeResult {
    let outer = if is_outer_needed() { Some(enter_outer()) } else { None };
    let (identity, why_single) = match &outer {
        None => (Identity::ROOT, None),
        Some(Ok(OuterMode { users, why_single })) => (Identity { users: *users, rootless: true }, why_single.clone()),
        Some(Err(error)) => return verdict::nothing_works(error),
    };
    let name = format!("isola-probe-{}", std::process::id());
    let parent = state.filter(|path| path.is_dir()).map_or_else(std::env::temp_dir, Path::to_owned);
    let cgroups = CgroupRoots::open(&name);
    let result = Probe { identity, why_single, cgroups: &cgroups, layers: None, scratch: parent.join(name) }.run();
    cgroups.close();
    result
}

impl Probe<'_> {
    fn run(&self) -> ProbeResult {
        if let Err(error) = fs::create_dir(&self.scratch).failed_on("make directory", &self.scratch) {
            return verdict::nothing_works(&error);
        }
        let mut checks = Vec::new();
        checks.extend(self.namespace_checks());
        checks.extend(self.filesystem_checks());
        checks.extend(self.kernel_checks());
        checks.extend(self.cgroup_checks());
        checks.extend(self.disk_checks());
        let _ = fs::remove_dir_all(&self.scratch);
        let capabilities = verdict::capabilities(self, &checks);
        ProbeResult { checks: checks.into_iter().map(Check::into_wire).collect(), capabilities }
    }

    /// A state directory for the parts of a launcher that want one.
    fn scratch_state(&self, name: &str) -> Result<StateDir> {
        StateDir::open(&self.scratch.join(name))
    }
}
