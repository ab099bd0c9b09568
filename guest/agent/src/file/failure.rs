// SPDX-License-Identifier: Apache-2.0
use isola_wire::{Failure, code};
use rustix::io::Errno;

/// The failure of `operation` on `path`.
pub fn failure(operation: &str, path: &str, error: Errno) -> Failure {
    let code = match error {
        Errno::NOENT => code::FILE_NOT_FOUND,
        Errno::EXIST => code::FILE_EXISTS,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => code::FILE_PERMISSION_DENIED,
        Errno::NOTDIR => code::FILE_NOT_DIRECTORY,
        Errno::ISDIR => code::FILE_IS_DIRECTORY,
        Errno::NXIO | Errno::NODEV => code::FILE_NOT_REGULAR,
        Errno::NOTEMPTY => code::FILE_NOT_EMPTY,
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => code::FILE_NO_SPACE,
        Errno::NAMETOOLONG | Errno::ILSEQ => code::FILE_NAME_INVALID,
        Errno::LOOP | Errno::MLINK => code::FILE_TOO_MANY_LINKS,
        _ => code::FILE_IO,
    };
    coded(operation, path, code, &error.to_string())
}

pub fn coded(operation: &str, path: &str, code: &str, why: &str) -> Failure {
    Failure::new(code, format!("{operation} {path}: {why}")).with("path", path)
}
