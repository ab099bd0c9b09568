// SPDX-License-Identifier: Apache-2.0
use super::Probe;
use super::attempt::Check;
use crate::error::{Failed, LauncherError, Result};
use crate::layer::{Layer, LayerStore, format, mount_file};
use crate::sys::{btrfs, directory, mount, namespace};
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

const FILE_BYTES: u64 = 192 << 20;
const LIMIT_BYTES: u64 = 4 << 20;

impl Probe<'_> {
    pub(super) fn disk_checks(&self) -> Vec<Check> {
        vec![
            Check::attempt("subvolume", || {
                self.with_store(|directory| {
                    let layer = Layer::Subvolume(directory.join(probe_name()));
                    layer.create()?;
                    layer.remove_subvolume()?;
                    Ok("made and removed: layers are copied on write".into())
                })
            }),
            Check::attempt("disk-quota", || self.with_store(|directory| exceed_a_limit(&directory))),
        ]
    }

    /// The store of the running launcher, or one in a file that exists for this check only.
    fn with_store(&self, work: impl FnOnce(PathBuf) -> Result<String>) -> Result<String> {
        match self.layers {
            Some(LayerStore::Subvolumes { directory, .. }) => return work(directory.clone()),
            Some(LayerStore::Directories { reason }) => {
                return Err(
                    LauncherError::step("make", "subvolume", reason.as_str()).hint(hint(self.identity.rootless))
                );
            }
            None => {}
        }
        if self.identity.rootless {
            return Err(LauncherError::step("make", "subvolume", "mounting needs root").hint(hint(true)));
        }
        // In a mount namespace of its own: whatever happens, the host never sees the mount.
        namespace::unshare(namespace::MOUNT).failed("unshare", "mount namespace")?;
        mount::make_all_private().failed("make private", "/")?;
        let state = self.scratch_state(&format!("store-{}", std::process::id()))?;
        let file = state.layers_file();
        format(&file, FILE_BYTES)?;
        mount_file(&file, &state.layers())?;
        let done = work(state.layers());
        mount::unmount(&state.layers()).failed_on("unmount", &state.layers())?;
        let _ = fs::remove_dir_all(state.path());
        done
    }
}

fn hint(rootless: bool) -> &'static str {
    if rootless { "run as root to get copy-on-write layers and disk limits" } else { "install btrfs-progs" }
}

fn probe_name() -> String {
    format!("probe-{}", std::process::id())
}

/// Limits a subvolume and writes more than it may hold.
fn exceed_a_limit(directory: &Path) -> Result<String> {
    let opened = directory::open(directory).failed_on("open", directory)?;
    btrfs::enable_simple_quotas(opened.as_fd())
        .failed_on("enable quotas on", directory)
        .map_err(|error| error.hint("disk limits need Linux 6.7 or later"))?;
    let layer = Layer::Subvolume(directory.join(probe_name()));
    let tried = layer.create().and_then(|_| {
        layer.limit_space(LIMIT_BYTES)?;
        let path = layer.path().join("root/large");
        let mut file = File::create(&path).failed_on("make", &path)?;
        let chunk = vec![0x5a; 1 << 20];
        let written = (0..(2 * LIMIT_BYTES) >> 20).try_for_each(|_| file.write_all(&chunk));
        match written.and_then(|()| file.sync_all()) {
            Err(error) if error.raw_os_error() == Some(libc::EDQUOT) => {
                Ok("a write beyond the limit was refused".into())
            }
            Err(error) => Err(error).failed_on("write", &path),
            Ok(()) => Err(LauncherError::step("limit", "subvolume", "more than the limit could be written")),
        }
    });
    layer.remove_subvolume()?;
    tried
}
