// SPDX-License-Identifier: Apache-2.0
use crate::create::write_id_maps;
use crate::error::{Failed, LauncherError, Result};
use crate::sys::fork::{CloneRequest, Side, clone_process};
use crate::sys::{fork, namespace};
use crate::users::Identity;
use isola_wire::launcher::ProbeCheck;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

/// The outcome of one check.
#[derive(Debug)]
pub struct Check {
    pub id: &'static str,
    pub result: Result<String>,
}

impl Check {
    /// Carries out `work` in a child: whatever it does to itself is gone with it.
    pub fn attempt(id: &'static str, work: impl FnOnce() -> Result<String>) -> Self {
        Self { id, result: in_child(work) }
    }

    pub fn is_ok(&self) -> bool {
        self.result.is_ok()
    }

    pub fn into_wire(self) -> ProbeCheck {
        let Self { id, result } = self;
        match result {
            Ok(detail) => ProbeCheck { id: id.into(), ok: true, detail, hint: None },
            Err(error) => ProbeCheck {
                id: id.into(),
                ok: false,
                detail: error.to_string(),
                hint: error.hint_text().map(str::to_owned),
            },
        }
    }
}

fn in_child(work: impl FnOnce() -> Result<String>) -> Result<String> {
    let (answer, tell) = io::pipe().failed("make", "pipe")?;
    match fork::fork().failed("fork", "attempt")? {
        Side::Child => report_and_exit(tell, work),
        Side::Parent(pid) => {
            drop(tell);
            receive(answer, pid)
        }
    }
}

fn report_and_exit(mut tell: io::PipeWriter, work: impl FnOnce() -> Result<String>) -> ! {
    let text = serde_json::to_vec(&work()).unwrap_or_default();
    let code = i32::from(tell.write_all(&text).is_err());
    fork::exit_now(code)
}

fn receive(mut answer: io::PipeReader, pid: i32) -> Result<String> {
    let mut text = Vec::new();
    answer.read_to_end(&mut text).failed("read from", "attempt")?;
    fork::wait_for(pid).failed("wait for", "attempt")?;
    serde_json::from_slice(&text)
        .unwrap_or_else(|_| Err(LauncherError::step("try", "step", "the kernel killed the attempt")))
}

/// What the outside does between the birth of a process in its namespaces and its first step.
type Between<'a> = &'a dyn Fn(i32) -> Result<()>;

/// Carries out `work` as pid 1 of a sandbox would: in a user namespace of its own, with its ids.
pub fn inside(
    identity: Identity,
    kinds: i32,
    id_base: u32,
    between: Between<'_>,
    work: impl FnOnce() -> Result<String>,
) -> Result<String> {
    let (mut release, tell_release) = io::pipe().failed("make", "pipe")?;
    let (answer, tell) = io::pipe().failed("make", "pipe")?;
    let request = CloneRequest { namespaces: kinds | namespace::USER, into_cgroup: None };
    let cloned = clone_process(&request)
        .failed("clone", "process in new namespaces")
        .map_err(|error| error.hint(crate::users::user_namespace_hint()))?;
    let Some(cloned) = cloned else {
        drop(tell_release);
        if release.read(&mut [0]).unwrap_or_default() == 0 {
            fork::exit_now(0);
        }
        report_and_exit(tell, || crate::create::take_ids(identity).and_then(|()| work()));
    };
    drop((tell, release));
    write_id_maps(cloned.pid, &identity.maps(id_base))?;
    between(cloned.pid)?;
    (&tell_release).write_all(b"g").failed("release", "attempt")?;
    receive(answer, cloned.pid)
}

/// The user namespace of a process, as a mapping for mounts.
pub fn user_namespace_of(pid: i32) -> Result<OwnedFd> {
    let path = format!("/proc/{pid}/ns/user");
    std::fs::File::open(&path).failed("open", &path).map(OwnedFd::from)
}
