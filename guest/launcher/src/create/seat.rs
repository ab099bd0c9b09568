// SPDX-License-Identifier: Apache-2.0
use super::builder;
use super::entrant::Entrant;
use super::order::{Answer, Order};
use crate::cgroup::{Child, Placement, Version};
use crate::error::{Failed, Result};
use crate::host::Host;
use crate::sys::{descriptors, fork, prctl, signals};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// The launcher's view of a process that waits in cgroups of its own to make one sandbox.
pub struct Seat {
    pub channel: UnixStream,
    pub cgroups: Placement,
    /// It has told that its cgroups stand and it is in them.
    pub is_warm: bool,
}

/// The first byte on the channel; the answer follows it as one line.
pub const WARM: u8 = b'w';

impl Seat {
    /// Starts a seat. It is of use at once: an order sent before it is warm simply waits.
    pub fn start(host: &Host, number: u64) -> Result<Self> {
        let (channel, theirs) = UnixStream::pair().failed("make", "socket pair")?;
        let launcher = std::process::id() as i32;
        // The process number keeps names apart from those that a killed launcher left behind.
        let cgroups = Placement::plan(&host.cgroups, &format!("seat-{launcher}-{number}"));
        match fork::fork().failed("fork", "seat")? {
            fork::Side::Child => {
                let _ = prctl::die_with_parent(launcher);
                prctl::set_name(c"isola-seat");
                signals::reset();
                let mut keep = host.descriptors();
                keep.push(theirs.as_raw_fd());
                let _ = descriptors::close_all_except(&keep);
                wait_and_make(host, theirs, &cgroups);
                fork::exit_now(0)
            }
            fork::Side::Parent(_) => Ok(Self { channel, cgroups, is_warm: false }),
        }
    }
}

/// The life of a seat.
fn wait_and_make(host: &Host, mut channel: UnixStream, cgroups: &Placement) {
    let warm = warm_up(cgroups);
    if channel.write_all(&[WARM]).is_err() {
        return;
    }
    let (order, network) = match Order::receive(&mut channel) {
        Ok(Some(received)) => received,
        Ok(None) | Err(_) => return,
    };
    let made = warm.and_then(|entrant| builder::make(host, cgroups, entrant, &order, &network));
    let answer = match made {
        Ok(prepared) => Answer::Made(prepared),
        Err(error) => Answer::Failed(error),
    };
    let mut line = serde_json::to_vec(&answer).unwrap_or_default();
    line.push(b'\n');
    let _ = channel.write_all(&line);
}

/// Does everything that waits for a grace period of the kernel.
fn warm_up(cgroups: &Placement) -> Result<Entrant> {
    cgroups.make_v1()?;
    cgroups.limit_agent(Version::V1)?;
    let entrant = Entrant::start(cgroups)?;
    cgroups.attach_self_v1(Child::Agent)?;
    Ok(entrant)
}
