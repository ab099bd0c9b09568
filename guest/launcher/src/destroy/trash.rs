// SPDX-License-Identifier: Apache-2.0
//! Directories that are out of the way at once and removed when there is time.

use super::tree::{Budget, remove_below};
use crate::error::{Failed, Result};
use crate::state_dir::StateDir;
use crate::sys::directory;
use crate::sys::fork;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What most sandboxes leave is less than this and is removed on the spot.
const AT_ONCE_ENTRIES: usize = 500;

/// Moves the directory away in one step and removes it, or leaves the rest to the background when it is large.
pub fn discard(state: &StateDir, directory: &Path) -> Result<()> {
    let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let mut name: OsString = directory.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{nanoseconds}"));
    let moved = state.trash().join(&name);
    match fs::rename(directory, &moved) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.failed_on("move to trash", directory)?,
    }
    let trash = directory::open(&state.trash()).failed("open", "trash")?;
    match remove_below(trash.as_fd(), &name, &mut Budget::of(AT_ONCE_ENTRIES)) {
        // Its files have ids that this launcher was not given. The sandbox is gone; who has them removes the rest.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            eprintln!("isola-launcher: {name:?} stays in the trash until its range of ids is back in /etc/subuid");
            Ok(())
        }
        other => other.failed_on("remove", &moved).map(drop),
    }
}

pub fn has_trash(state: &StateDir) -> bool {
    fs::read_dir(state.trash()).is_ok_and(|mut entries| entries.next().is_some())
}

/// Removes everything in the trash, giving way to all else on the host.
pub fn clean_trash(state: &StateDir) -> Result<()> {
    fork::lower_priority();
    let trash = directory::open(&state.trash()).failed("open", "trash")?;
    let mut stuck = BTreeSet::new();
    // Deep trees are cut into pieces that land in the trash again, so it is read until nothing more goes away.
    loop {
        let mut names = directory::names(&trash).failed("list", "trash")?;
        names.retain(|name| !stuck.contains(name));
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            if let Err(error) = remove_below(trash.as_fd(), &name, &mut Budget::unlimited()) {
                eprintln!("isola-launcher: remove {name:?} from trash: {error}");
                stuck.insert(name);
            }
        }
    }
}
