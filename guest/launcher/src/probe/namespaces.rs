// SPDX-License-Identifier: Apache-2.0
use super::Probe;
use super::attempt::{Check, inside};
use crate::error::{Failed, LauncherError, Result};
use crate::mount::{attach_proc_for_probe, make_stage};
use crate::network;
use crate::sys::{mount, namespace};
use isola_wire::agent::Users;
use std::fs;

/// Where throw-away sandboxes have their ids: above every range that real ones get.
pub const PROBE_IDS: u32 = 0xfffe_0000;

impl Probe<'_> {
    pub(super) fn namespace_checks(&self) -> Vec<Check> {
        vec![
            Check::attempt("user-namespace", || {
                inside(self.identity, 0, PROBE_IDS, &|_| Ok(()), || Ok("made, mapped and entered".into()))
            }),
            Check { id: "uid-range", result: self.range() },
            Check::attempt("mount-namespace", || self.mount_inside()),
            Check::attempt("proc-mount", || self.proc_inside()),
            Check::attempt("network-namespace", || self.network()),
            Check::attempt("egress", || self.egress()),
        ]
    }

    fn range(&self) -> Result<String> {
        if self.identity.users == Users::Range {
            return Ok("65536 ids per sandbox".into());
        }
        let reason = self.why_single.clone().unwrap_or_else(|| "no range was given to this user".into());
        Err(LauncherError::step("map", "a range of ids", reason).hint(
            "install the package uidmap and run as root \
             `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER`",
        ))
    }

    fn mount_inside(&self) -> Result<String> {
        inside(self.identity, namespace::MOUNT, PROBE_IDS, &|_| Ok(()), || {
            mount::create(c"tmpfs", &[], mount::NO_SUID | mount::NO_DEV).failed("make", "tmpfs")?;
            Ok("made, and a filesystem mounted in it".into())
        })
    }

    /// From the stage, as a sandbox does it: what is visible there decides.
    fn proc_inside(&self) -> Result<String> {
        let scratch = self.scratch.join("stage");
        fs::create_dir(&scratch).failed_on("make directory", &scratch)?;
        let stage = make_stage(&scratch, self.identity.rootless)?;
        namespace::enter(stage.namespace(), namespace::MOUNT).failed("enter", "stage")?;
        inside(self.identity, namespace::PID | namespace::MOUNT, PROBE_IDS, &|_| Ok(()), || {
            attach_proc_for_probe()?;
            Ok("a fresh /proc with its masks".into())
        })
    }

    fn egress(&self) -> Result<String> {
        self.network()?;
        let entrances = network::redirect_all()?;
        Ok(format!(
            "every connection arrives at the relay, IPv6 {}",
            if entrances.ipv6.is_some() { "too" } else { "is off" }
        ))
    }

    fn network(&self) -> Result<String> {
        if !self.identity.rootless {
            namespace::unshare(namespace::USER).failed("unshare", "user namespace of networks")?;
        }
        network::make_one()?;
        Ok("made, loopback up, low ports open".into())
    }
}
