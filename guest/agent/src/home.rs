// SPDX-License-Identifier: Apache-2.0
//! The first files of a home directory.

use std::fs::{self, DirEntry, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown, fchown, lchown, symlink};
use std::path::Path;

use crate::account::Account;

const SKELETON: &str = "/etc/skel";
/// A few settings of a shell; what is more than that was not meant for every home.
const MAX_ENTRIES: usize = 64;
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Gives an empty home the files that `useradd --create-home` would. A template in which every file belongs
/// to root cannot hold them itself, and changing an owner afterwards costs a copy to disk for each file.
///
/// Must be called before anything of a tenant runs.
pub fn fill(account: &Account) -> io::Result<()> {
    if fs::read_dir(&account.home)?.next().is_some() {
        return Ok(());
    }
    copy_below(Path::new(SKELETON), Path::new(&account.home), account, &mut 0)
}

fn copy_below(from: &Path, to: &Path, account: &Account, count: &mut usize) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        *count += 1;
        if *count > MAX_ENTRIES {
            return Ok(());
        }
        copy(&entry, &to.join(entry.file_name()), account, count)?;
    }
    Ok(())
}

fn copy(entry: &DirEntry, to: &Path, account: &Account, count: &mut usize) -> io::Result<()> {
    let (from, status) = (entry.path(), entry.metadata()?);
    let (owner, group) = (Some(account.runner.uid), Some(account.runner.gid));
    let mode = status.permissions().mode() & 0o777;
    if status.is_dir() {
        fs::DirBuilder::new().mode(mode).create(to)?;
        chown(to, owner, group)?;
        copy_below(&from, to, account, count)
    } else if status.is_symlink() {
        symlink(fs::read_link(&from)?, to)?;
        lchown(to, owner, group)
    } else if status.is_file() && status.len() <= MAX_FILE_BYTES {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(to)?;
        io::copy(&mut File::open(&from)?, &mut file)?;
        fchown(&file, owner, group)
    } else {
        Ok(())
    }
}
