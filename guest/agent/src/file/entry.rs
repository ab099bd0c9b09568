// SPDX-License-Identifier: Apache-2.0
use std::os::fd::AsFd;

use isola_wire::agent::{FileEntry, FileKind};
use rustix::fs::{FileType, Stat, readlinkat};

/// Milliseconds since 1970, with fractions.
pub fn modified_ms(stat: &Stat) -> f64 {
    stat.st_mtime as f64 * 1000.0 + stat.st_mtime_nsec as f64 / 1e6
}

/// Describes `name` in `directory`, which is shown to the host as `path`.
pub fn entry(directory: impl AsFd, name: &std::ffi::CStr, path: String, stat: &Stat) -> FileEntry {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Other,
    };
    let target = (kind == FileKind::Symlink)
        .then(|| readlinkat(directory, name, Vec::new()).ok())
        .flatten()
        .map(|target| target.to_string_lossy().into_owned());
    let shown = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    FileEntry {
        name: if shown.is_empty() { "/".to_owned() } else { shown },
        path,
        kind,
        size: stat.st_size as u64,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime_ms: modified_ms(stat),
        target,
    }
}
