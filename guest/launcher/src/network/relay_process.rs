// SPDX-License-Identifier: Apache-2.0
use crate::error::{Failed, LauncherError, Result};
use crate::relay::Notice;
use crate::serve::listen_at;
use crate::sys::{descriptors, fork, prctl, signals, socket};
use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The egress relay of this launcher. It ends with it.
pub struct RelayProcess {
    pub pid: i32,
    /// The sandboxes that it has entrances of.
    pub opened: BTreeSet<String>,
    channel: OwnedFd,
    socket: PathBuf,
}

impl RelayProcess {
    /// Starts it. Whoever connects to the socket from now on is served.
    pub fn start(socket_path: &Path) -> Result<Self> {
        let (channel, theirs) = socket::packet_pair().failed("make", "socket pair")?;
        let listener = listen_at(socket_path)?;
        descriptors::set_nonblocking(&channel).failed("prepare", "socket pair")?;
        let launcher = std::process::id() as i32;
        let pid = match fork::fork().failed("fork", "relay")? {
            fork::Side::Child => {
                let _ = prctl::die_with_parent(launcher);
                signals::reset();
                let fds = [listener.as_raw_fd(), theirs.as_raw_fd()];
                let _ = descriptors::close_all_except(&fds);
                let _ = descriptors::inherit(OwnedFd::from(listener));
                let _ = descriptors::inherit(theirs);
                // A program of its own: nothing of the launcher's memory is in it.
                let error = Command::new("/proc/self/exe")
                    .args(["relay", "--listener-fd", &fds[0].to_string(), "--launcher-fd", &fds[1].to_string()])
                    .env_clear()
                    .exec();
                eprintln!("isola-launcher: execute relay: {error}");
                fork::exit_now(1)
            }
            fork::Side::Parent(pid) => pid,
        };
        Ok(Self { pid, opened: BTreeSet::new(), channel, socket: socket_path.to_owned() })
    }

    pub fn channel(&self) -> RawFd {
        self.channel.as_raw_fd()
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    pub fn send(&self, notice: &Notice, ends: &[RawFd]) -> Result<()> {
        let text = serde_json::to_vec(notice)
            .map_err(|error| LauncherError::step("write", "notice to the relay", error.to_string()))?;
        socket::send_with(&self.channel, &text, ends).failed("tell", "relay")?;
        Ok(())
    }
}
