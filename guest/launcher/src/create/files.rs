// SPDX-License-Identifier: Apache-2.0
use crate::error::{Failed, Result};
use crate::host::Host;
use crate::layer::Layer;
use crate::record::{self, BootRecord};
use crate::sys::directory;
use isola_wire::agent::Users;
use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};

/// The id of `user` inside.
const ORDINARY_USER: u32 = 1000;

/// A sandbox's directory and layer, made ahead under the seat's name.
///
/// Ahead not only because it is faster: the seat has not moved to the sandbox's memory cgroup yet. The pages
/// of the host's filesystem that are touched here would otherwise be charged to it and outlive it.
pub struct Files {
    record: File,
    layer: OwnedFd,
}

impl Files {
    pub fn make(host: &Host, seat: &str) -> Result<Self> {
        let path = host.state.sandbox(seat);
        fs::create_dir(&path).failed_on("make directory", &path)?;
        let directory = directory::open(&path).failed_on("open", &path)?;
        let record = record::create_blank(directory.as_fd())?;
        let planned = host.layers.plan(&host.state, seat);
        let layer = planned.create()?;
        if host.identity.rootless && host.identity.users == Users::Range {
            planned.give_home(layer.as_fd(), ORDINARY_USER)?;
        }
        Ok(Self { record, layer })
    }

    /// Gives everything the sandbox's name. The record goes first: from its name on, the sandbox is known.
    pub fn rename(self, host: &Host, seat: &str, record: &BootRecord) -> Result<(File, OwnedFd)> {
        record.write(&self.record)?;
        let (from, to) = (host.state.sandbox(seat), host.state.sandbox(&record.sandbox_id));
        fs::rename(&from, &to).failed_on("rename to", &to)?;
        if let (Layer::Subvolume(from), Layer::Subvolume(to)) = (host.layers.plan(&host.state, seat), &record.layer) {
            fs::rename(from, to).failed_on("rename layer to", to)?;
        }
        Ok((self.record, self.layer))
    }
}
