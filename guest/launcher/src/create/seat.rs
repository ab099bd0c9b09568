// SPDX-License-Identifier: Apache-2.0
use super::builder;
use super::entrant::Entrant;
use super::files::Files;
use super::order::{Answer, Order};
use crate::cgroup::{Child, Placement, Version};
use crate::error::{Failed, Result};
use crate::host::Host;
use crate::mount::OwnNodes;
use crate::state_dir::SEAT_PREFIX;
use crate::sys::{descriptors, fork, prctl, signals};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// The launcher's view of a process that waits, with everything made that can be made ahead, to make one sandbox.
pub struct Seat {
    pid: i32,
    pub channel: UnixStream,
    /// The name of everything that was made ahead.
    pub name: String,
    /// It has told that it needs nothing but an order.
    pub is_warm: bool,
}

impl Seat {
    /// Sends an idle seat home and waits until it is gone. What it made is still there, under the name returned.
    pub fn dismiss(self) -> String {
        drop(self.channel);
        // Somebody else may have collected it already, which is as good.
        let _ = fork::wait_for(self.pid);
        self.name
    }
}

/// The first byte on the channel when the seat is ready; the answer follows it as one line.
pub const WARM: u8 = b'w';
/// The first byte of a seat that ends because it could not get ready; why follows as one line.
const COLD: u8 = b'c';

impl Seat {
    /// Starts a seat. It is of use at once: an order sent before it is warm simply waits.
    pub fn start(host: &Host, number: u64) -> Result<Self> {
        let (channel, theirs) = UnixStream::pair().failed("make", "socket pair")?;
        let launcher = std::process::id() as i32;
        // The process number keeps names apart from those that a killed launcher left behind.
        let name = format!("{SEAT_PREFIX}{launcher}-{number}");
        match fork::fork().failed("fork", "seat")? {
            fork::Side::Child => {
                let _ = prctl::die_with_parent(launcher);
                prctl::set_name(c"isola-seat");
                signals::reset();
                let mut keep = host.descriptors();
                keep.push(theirs.as_raw_fd());
                let _ = descriptors::close_all_except(&keep);
                wait_and_make(host, theirs, &name);
                fork::exit_now(0)
            }
            fork::Side::Parent(pid) => Ok(Self { pid, channel, name, is_warm: false }),
        }
    }
}

/// The life of a seat.
fn wait_and_make(host: &Host, mut channel: UnixStream, name: &str) {
    let warm = match warm_up(host, name) {
        Ok(warm) => warm,
        // It ends now: if it waited, a later order would be answered with a failure whose cause is long gone.
        Err(error) => {
            let _ = channel.write_all(&[&[COLD], &answer_line(&Answer::Failed(error))[..]].concat());
            return;
        }
    };
    if channel.write_all(&[WARM]).is_err() {
        return;
    }
    let (order, network) = match Order::receive(&mut channel) {
        Ok(Some(received)) => received,
        Ok(None) | Err(_) => {
            warm.entrant.dismiss();
            return;
        }
    };
    let answer = match builder::make(host, name, warm, &order, &network) {
        Ok(prepared) => Answer::Made(prepared),
        Err(error) => Answer::Failed(error),
    };
    let _ = channel.write_all(&answer_line(&answer));
}

fn answer_line(answer: &Answer) -> Vec<u8> {
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    line
}

/// What a seat has when it is warm.
pub struct Warm {
    pub entrant: Entrant,
    pub files: Files,
    pub nodes: OwnNodes,
}

/// Does everything that needs no order, above all what waits for a grace period of the kernel.
fn warm_up(host: &Host, name: &str) -> Result<Warm> {
    let files = Files::make(host, name)?;
    let cgroups = Placement::plan(&host.cgroups, name);
    cgroups.make_v1()?;
    cgroups.limit_always(Version::V1)?;
    let entrant = Entrant::start(&cgroups)?;
    cgroups.attach_self_v1(Child::Agent)?;
    let nodes = OwnNodes::make(host.identity.rootless)?;
    Ok(Warm { entrant, files, nodes })
}
