// SPDX-License-Identifier: Apache-2.0
//! Removes a tree that a hostile workload made: by descriptor, following no link, crossing no mount.

use crate::sys::directory::{self, Lookup};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// Deeper trees are cut: each level holds a descriptor and a stack frame.
const DEEPEST: usize = 64;

/// How many entries may still be removed.
pub struct Budget {
    left: usize,
}

impl Budget {
    pub fn of(entries: usize) -> Self {
        Self { left: entries }
    }

    pub fn unlimited() -> Self {
        Self { left: usize::MAX }
    }

    fn take(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }
}

/// Removes `name` in `top` with everything below. False when the budget ended first, or when parts of a deep
/// tree were moved up into `top`: then there is more to remove there.
pub fn remove_below(top: BorrowedFd<'_>, name: &OsStr, budget: &mut Budget) -> io::Result<bool> {
    remove(top, top, name, 0, budget)
}

/// Two may remove the same tree: what the other one has removed is as good as removed by us.
fn remove(
    top: BorrowedFd<'_>,
    parent: BorrowedFd<'_>,
    name: &OsStr,
    depth: usize,
    budget: &mut Budget,
) -> io::Result<bool> {
    match remove_entry(top, parent, name, depth, budget) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        other => other,
    }
}

fn remove_entry(
    top: BorrowedFd<'_>,
    parent: BorrowedFd<'_>,
    name: &OsStr,
    depth: usize,
    budget: &mut Budget,
) -> io::Result<bool> {
    if !budget.take() {
        return Ok(false);
    }
    match directory::remove_file(parent, name) {
        Ok(()) => return Ok(true),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {}
        Err(error) => return Err(error),
    }
    if depth == DEEPEST {
        return move_up(top, parent, name).map(|()| false);
    }
    let flags = libc::O_RDONLY | libc::O_DIRECTORY;
    let opened = directory::open_beneath(parent, name, flags, 0, Lookup::BeneathNoLinksSameMount)?;
    let mut is_empty = true;
    for entry in directory::names(&opened)? {
        let removed = remove(top, opened.as_fd(), &entry, depth + 1, budget)?;
        is_empty &= removed || depth + 1 == DEEPEST;
    }
    if !is_empty {
        return Ok(false);
    }
    match directory::remove_empty_directory(parent, name) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        other => other.map(|()| true),
    }
}

/// The name is the inode's number, which no other directory of this filesystem has.
fn move_up(top: BorrowedFd<'_>, parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    let inode = directory::status(parent, name)?.st_ino;
    directory::rename(parent, name, top, &OsString::from(format!("deep.{inode}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("isola-tree-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn links_in_a_tree_are_removed_and_not_followed() {
        let top = scratch("links");
        fs::create_dir_all(top.join("outside")).unwrap();
        fs::write(top.join("outside/keep"), "x").unwrap();
        fs::create_dir_all(top.join("tree/a")).unwrap();
        std::os::unix::fs::symlink(top.join("outside"), top.join("tree/a/link")).unwrap();
        let opened = directory::open(&top).unwrap();
        assert!(remove_below(opened.as_fd(), OsStr::new("tree"), &mut Budget::unlimited()).unwrap());
        assert!(!top.join("tree").exists() && top.join("outside/keep").exists());
        fs::remove_dir_all(top).unwrap();
    }

    #[test]
    fn a_tree_too_deep_to_walk_is_cut_into_pieces() {
        let top = scratch("deep");
        let mut deep = top.join("tree");
        for _ in 0..300 {
            deep.push("d");
        }
        fs::create_dir_all(&deep).unwrap();
        let opened = directory::open(&top).unwrap();
        let mut rounds = 0;
        loop {
            let names = directory::names(&opened).unwrap();
            if names.is_empty() {
                break;
            }
            rounds += 1;
            for name in names {
                remove_below(opened.as_fd(), &name, &mut Budget::unlimited()).unwrap();
            }
        }
        assert!(rounds > 1, "300 levels must not be walked in one go");
        fs::remove_dir_all(top).unwrap();
    }

    #[test]
    fn a_budget_ends_the_removal_without_an_error() {
        let top = scratch("budget");
        fs::create_dir(top.join("tree")).unwrap();
        for index in 0..20 {
            fs::write(top.join(format!("tree/{index}")), "").unwrap();
        }
        let opened = directory::open(&top).unwrap();
        assert!(!remove_below(opened.as_fd(), OsStr::new("tree"), &mut Budget::of(10)).unwrap());
        assert!(remove_below(opened.as_fd(), OsStr::new("tree"), &mut Budget::unlimited()).unwrap());
        fs::remove_dir_all(top).unwrap();
    }
}
