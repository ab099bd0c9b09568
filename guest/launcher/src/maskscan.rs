// SPDX-License-Identifier: Apache-2.0
//! Finds what a directory tree of the host holds that is not meant for everybody. An id-mapped copy of it
//! would show these files to root inside, so the template hides them.

use crate::error::{Failed, LauncherError, Result};
use crate::sys::directory::{self, Lookup};
use isola_wire::launcher::{MaskEntry, MaskScanResult};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// The answer must fit one frame.
const MOST_ENTRIES: usize = 5000;
const READ_BY_OTHERS: u32 = 0o004;
const READ_AND_ENTER_BY_OTHERS: u32 = 0o005;

pub fn scan(path: &str) -> Result<MaskScanResult> {
    let root = Path::new(path);
    if !root.is_absolute() {
        return Err(LauncherError::request(format!("maskscan wants an absolute path, not {path:?}")));
    }
    let opened = directory::open(root).failed_on("open", root)?;
    let mut entries = Vec::new();
    walk(&opened, root, &mut entries)?;
    Ok(MaskScanResult { entries })
}

fn walk(parent: &OwnedFd, path: &Path, entries: &mut Vec<MaskEntry>) -> Result<()> {
    for name in directory::names(parent).failed_on("list", path)? {
        let path = path.join(&name);
        let status = match directory::status(parent.as_fd(), &name) {
            // Package managers rename while we look.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other.failed_on("look at", &path)?,
        };
        match hidden(status.st_mode) {
            Some(kind) => push(entries, &path, kind)?,
            None if status.st_mode & libc::S_IFMT == libc::S_IFDIR => {
                match open_directory(parent.as_fd(), &name) {
                    Ok(directory) => walk(&directory, &path, entries)?,
                    // Another filesystem: it does not appear in a copy of this one.
                    Err(error) if error.raw_os_error() == Some(libc::EXDEV) => {}
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => push(entries, &path, "directory")?,
                    Err(error) => return Err(error).failed_on("open", &path),
                }
            }
            None => {}
        }
    }
    Ok(())
}

fn push(entries: &mut Vec<MaskEntry>, path: &Path, kind: &str) -> Result<()> {
    if entries.len() == MOST_ENTRIES {
        let text = format!("more than {MOST_ENTRIES} paths are closed to others");
        return Err(LauncherError::step("scan", path.display(), text));
    }
    // A name that is not text cannot be told to the server, so it would stay visible: refuse instead.
    let path = path.to_str().ok_or_else(|| LauncherError::step("scan", path.display(), "the path is not UTF-8"))?;
    entries.push(MaskEntry { path: path.to_owned(), kind: kind.to_owned() });
    Ok(())
}

/// The kind of entry to hide, or `None` when everybody may see it. Links say nothing themselves.
fn hidden(mode: u32) -> Option<&'static str> {
    match mode & libc::S_IFMT {
        libc::S_IFLNK => None,
        libc::S_IFDIR if mode & READ_AND_ENTER_BY_OTHERS != READ_AND_ENTER_BY_OTHERS => Some("directory"),
        libc::S_IFDIR => None,
        _ if mode & READ_BY_OTHERS == 0 => Some("file"),
        _ => None,
    }
}

fn open_directory(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY;
    directory::open_beneath(parent, name, flags, 0, Lookup::BeneathNoLinksSameMount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    #[test]
    fn what_others_may_not_read_is_found_and_nothing_else() {
        let root: PathBuf = std::env::temp_dir().join(format!("isola-maskscan-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("open/inner")).unwrap();
        fs::create_dir(root.join("closed")).unwrap();
        for (name, mode) in [("open/public", 0o644), ("open/inner/secret", 0o640), ("closed/never-listed", 0o600)] {
            fs::write(root.join(name), "").unwrap();
            fs::set_permissions(root.join(name), Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(root.join("closed"), Permissions::from_mode(0o750)).unwrap();
        symlink("nowhere", root.join("open/link")).unwrap();
        let mut found: Vec<(String, String)> = scan(root.to_str().unwrap())
            .unwrap()
            .entries
            .into_iter()
            .map(|entry| (entry.path.trim_start_matches(root.to_str().unwrap()).to_owned(), entry.kind))
            .collect();
        found.sort();
        let expected = [("/closed", "directory"), ("/open/inner/secret", "file")];
        assert_eq!(found, expected.map(|(path, kind)| (path.to_owned(), kind.to_owned())));
        fs::remove_dir_all(root).unwrap();
    }
}
