// SPDX-License-Identifier: Apache-2.0
use super::Probe;
use super::attempt::Check;
use crate::cgroup::{Child, Controller, Hierarchy, Placement};
use crate::error::{Failed, LauncherError, Result};
use crate::sys::fork;
use isola_wire::launcher::Limits;
use std::io::{self, Read};
use std::time::Duration;

const HINT: &str =
    "run as root, or give this user a delegated cgroup: `systemd-run --user --scope -p Delegate=yes ...`";

impl Probe<'_> {
    pub(super) fn cgroup_checks(&self) -> Vec<Check> {
        let mebibytes = 64 << 20;
        let cases = [
            ("cgroup-memory", Controller::Memory, Limits { memory_bytes: Some(mebibytes), ..Limits::default() }),
            ("cgroup-cpu", Controller::Cpu, Limits { cpu_millis: Some(1000), ..Limits::default() }),
            ("cgroup-pids", Controller::Pids, Limits { pids: Some(100), ..Limits::default() }),
        ];
        let mut checks: Vec<Check> = cases
            .into_iter()
            .map(|(id, controller, limits)| Check::attempt(id, || self.limit(controller, &limits)))
            .collect();
        checks.push(Check::attempt("cgroup-freeze", || self.freeze()));
        checks
    }

    /// Makes the cgroup, sets the limit, puts a process in, and takes all of it away.
    fn limit(&self, controller: Controller, limits: &Limits) -> Result<String> {
        let place = self.placement(controller.name(), |hierarchy| hierarchy.has(controller))?;
        let tried =
            make(&place).and_then(|()| place.limit_work(limits)).and_then(|()| with_process(&place, |_| Ok(())));
        place.remove(true)?;
        tried.map(|()| format!("limited by cgroup {}", describe(&place.hierarchies)))
    }

    fn freeze(&self) -> Result<String> {
        if self.cgroups.freeze_kind().is_none() {
            return Err(self.missing("a freezer"));
        }
        let place = self.placement("freezer", |_| true)?;
        let tried = make(&place).and_then(|()| {
            with_process(&place, |place| {
                place.freeze()?;
                place.thaw()
            })
        });
        place.remove(true)?;
        tried.map(|()| "frozen and thawed".into())
    }

    fn placement(&self, what: &str, wanted: impl Fn(&Hierarchy) -> bool) -> Result<Placement> {
        let all = Placement::plan(self.cgroups, &format!("probe-{}", std::process::id()));
        let hierarchies: Vec<Hierarchy> = all.hierarchies.into_iter().filter(wanted).collect();
        if hierarchies.is_empty() { Err(self.missing(what)) } else { Ok(Placement { hierarchies }) }
    }

    fn missing(&self, what: &str) -> LauncherError {
        let reason = self.cgroups.refused.first().map_or("this host does not offer it", String::as_str);
        LauncherError::step("use cgroup controller", what, reason).hint(HINT)
    }
}

fn make(place: &Placement) -> Result<()> {
    place.make_v1()?;
    place.make_v2()
}

/// Runs `work` while a process sits in `work`.
fn with_process(place: &Placement, work: impl FnOnce(&Placement) -> Result<()>) -> Result<()> {
    let (mut ready, tell) = io::pipe().failed("make", "pipe")?;
    match fork::fork().failed("fork", "attempt")? {
        fork::Side::Child => {
            let attached = place.attach_self(Child::Work);
            if attached.is_ok() {
                drop(tell);
                std::thread::sleep(Duration::from_secs(30));
            }
            fork::exit_now(1)
        }
        fork::Side::Parent(pid) => {
            drop(tell);
            let mut rest = Vec::new();
            ready.read_to_end(&mut rest).failed("wait for", "attempt")?;
            let done = if place.holds(pid) {
                work(place)
            } else {
                Err(LauncherError::step("attach a process to", "cgroup", "it did not get there").hint(HINT))
            };
            let _ = fork::kill(pid, libc::SIGKILL);
            fork::wait_for(pid).failed("wait for", "attempt")?;
            done
        }
    }
}

fn describe(hierarchies: &[Hierarchy]) -> &'static str {
    match hierarchies.first().map(|hierarchy| hierarchy.version) {
        Some(crate::cgroup::Version::V2) => "v2",
        _ => "v1",
    }
}
