// SPDX-License-Identifier: Apache-2.0
//! The filesystem that subvolumes live on: the state directory's own, or a btrfs file mounted in it.

use super::store::{is_btrfs, is_mount_point};
use crate::error::{Failed, LauncherError, Result};
use crate::state_dir::StateDir;
use crate::sys::{loop_device, mount, statfs};
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The file grows as it is written, so it may be announced large; a rest stays for everybody else.
const SHARE_OF_FREE_PERCENT: u64 = 80;
const LEAST_BYTES: u64 = 1 << 30;
const MOST_BYTES: u64 = 4 << 40;
/// Nothing in a layer is ever a device or gains rights by being executed. Freed space goes back to the host.
const MOUNT_OPTIONS: &str = "discard=async";
const MOUNT_FLAGS: u64 = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOATIME;

/// The directory in which subvolumes can be made, mounting or making the file when there is none yet.
pub fn ensure(state: &StateDir) -> Result<PathBuf> {
    let directory = state.layers();
    if is_btrfs(&directory) {
        return Ok(directory);
    }
    let file = state.layers_file();
    if !file.exists() {
        make_file(state, &file)?;
    }
    mount_file(&file, &directory)?;
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).failed_on("close to others", &directory)?;
    Ok(directory)
}

/// True when the directory of layers is a mount of its own that we may take away.
pub fn is_mounted(state: &StateDir) -> bool {
    is_mount_point(&state.layers()) && state.layers_file().exists()
}

fn make_file(state: &StateDir, file: &Path) -> Result<()> {
    let free = statfs::of(state.path()).failed_on("look at filesystem of", state.path())?.free_bytes;
    let size = (free / 100 * SHARE_OF_FREE_PERCENT).min(MOST_BYTES);
    if size < LEAST_BYTES {
        return Err(LauncherError::step("make file for layers", file.display(), "less than 1 GiB of disk is free"));
    }
    // Under its final name only when it is complete: a kill half-way leaves nothing that looks usable.
    let new = file.with_extension("new");
    format(&new, size)?;
    fs::rename(&new, file).failed_on("rename to", file)
}

/// Makes a sparse file with an empty btrfs in it.
pub fn format(file: &Path, size_bytes: u64) -> Result<()> {
    let mkfs = find_mkfs().ok_or_else(|| {
        LauncherError::step("look for", "mkfs.btrfs", "it is not installed")
            .hint("install btrfs-progs to get copy-on-write layers and disk limits")
    })?;
    let sparse =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(file).failed_on("make", file)?;
    sparse.set_len(size_bytes).failed_on("size", file)?;
    let done = Command::new(mkfs)
        .args(["--quiet", "--force", "--nodiscard", "--data", "single", "--metadata", "single"])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .failed_on("run mkfs.btrfs on", file)?;
    if done.status.success() {
        return Ok(());
    }
    let _ = fs::remove_file(file);
    Err(LauncherError::step("run mkfs.btrfs on", file.display(), String::from_utf8_lossy(&done.stderr).trim()))
}

fn find_mkfs() -> Option<PathBuf> {
    let own = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"].map(PathBuf::from);
    std::env::split_paths(&own).chain(system).map(|directory| directory.join("mkfs.btrfs")).find(|path| path.is_file())
}

/// Mounts the file. The loop device belongs to the mount and goes with it.
pub fn mount_file(file: &Path, directory: &Path) -> Result<()> {
    let opened: File = OpenOptions::new().read(true).write(true).open(file).failed_on("open", file)?;
    let device = loop_device::attach(&opened)
        .failed_on("attach loop device to", file)
        .map_err(|error| error.hint("inside of a container give it /dev/loop-control and loop devices"))?;
    mount::mount(&device.path, directory, "btrfs", MOUNT_FLAGS, MOUNT_OPTIONS)
        .failed("mount btrfs on", directory.display())
}
