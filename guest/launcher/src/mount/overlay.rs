// SPDX-License-Identifier: Apache-2.0
use super::plan::MountPlan;
use super::stage::NEW_ROOT;
use crate::error::{Failed, LauncherError, Result};
use crate::sys::mount;
use std::path::{Path, PathBuf};

/// Mounts an overlay of staged directories. The working directory must be the stage: names are relative.
pub fn mount_overlay(target: &str, options: &str) -> Result<()> {
    mount::mount("overlay", Path::new(target), "overlay", libc::MS_NOSUID | libc::MS_NODEV, options)
        .failed("mount overlay with", options)
        .map_err(explain)
}

fn explain(error: LauncherError) -> LauncherError {
    match error.errno() {
        Some(libc::EPERM | libc::ENODEV) => {
            error.hint("overlay in user namespaces needs Linux 5.11 with CONFIG_OVERLAY_FS")
        }
        Some(libc::EINVAL) => error.hint("id-mapped overlay layers need Linux 5.19; the kernel log says more"),
        _ => error,
    }
}

/// The overlay of the root alone, for whoever only wants to know whether it works.
pub fn mount_root_overlay(plan: &MountPlan) -> Result<PathBuf> {
    std::env::set_current_dir("/").failed("enter", "stage")?;
    mount_overlay(NEW_ROOT, &plan.root_options)?;
    Ok(NEW_ROOT.into())
}
