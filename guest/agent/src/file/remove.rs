// SPDX-License-Identifier: Apache-2.0
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use isola_wire::Failure;
use isola_wire::agent::{Empty, FileRemove};
use isola_wire::code;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat, unlinkat};
use rustix::io::Errno;

use super::caller::Caller;
use super::failure::{coded, failure};
use super::path;

const OPERATION: &str = "remove";
/// Each level holds a descriptor, a buffer and a part of the thread's stack.
const MAX_DEPTH: u32 = 256;
const NAMES_BYTES: usize = 4 * 1024;
/// A directory that somebody keeps filling is given up on.
const MAX_PASSES: u32 = 8;

pub fn run(task: &FileRemove, workdir: &str, caller: &mut Caller) -> Result<(), Failure> {
    let path = path::absolute(OPERATION, &task.path, workdir)?;
    let path = path.trim_end_matches('/');
    if path.is_empty() {
        return Err(coded(OPERATION, "/", code::FILE_PERMISSION_DENIED, "it is the root of the sandbox"));
    }
    tree(path, task.recursive, caller)?;
    caller.respond(&Empty {});
    Ok(())
}

/// Removes a file or a directory. Works by descriptors and follows no link, so that nothing but
/// what lies below `path` is touched, whatever is moved meanwhile.
pub fn tree(path: &str, recursive: bool, caller: &Caller) -> Result<(), Failure> {
    let failed = |error| failure(OPERATION, path, error);
    let stat = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return unlinkat(CWD, path, AtFlags::empty()).map_err(failed);
    }
    if !recursive {
        return unlinkat(CWD, path, AtFlags::REMOVEDIR).map_err(failed);
    }
    let name = CString::new(path).map_err(|_| failed(Errno::INVAL))?;
    Removal { path, caller }.directory(CWD, &name, 0)
}

struct Removal<'a> {
    path: &'a str,
    caller: &'a Caller,
}

impl Removal<'_> {
    fn directory(&self, parent: impl AsFd + Copy, name: &CStr, depth: u32) -> Result<(), Failure> {
        if depth >= MAX_DEPTH {
            let why = format!("it is deeper than {MAX_DEPTH} directories");
            return Err(coded(OPERATION, self.path, code::FILE_IO, &why));
        }
        self.caller.check()?;
        for _ in 0..MAX_PASSES {
            self.contents(parent, name, depth)?;
            match unlinkat(parent, name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => return Ok(()),
                Err(Errno::NOTEMPTY) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Err(self.failed(Errno::NOTEMPTY))
    }

    fn contents(&self, parent: impl AsFd, name: &CStr, depth: u32) -> Result<(), Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let directory = match openat(parent, name, flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(self.failed(error)),
        };
        let mut names = vec![MaybeUninit::<u8>::uninit(); NAMES_BYTES];
        let mut entries = RawDir::new(directory.as_fd(), &mut names);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|error| self.failed(error))?;
            let inner = entry.file_name();
            if inner == c"." || inner == c".." {
                continue;
            }
            let removed = match entry.file_type() {
                FileType::Directory => Err(Errno::ISDIR),
                _ => unlinkat(&directory, inner, AtFlags::empty()),
            };
            match removed {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::ISDIR) => self.directory(directory.as_fd(), inner, depth + 1)?,
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }

    fn failed(&self, error: Errno) -> Failure {
        failure(OPERATION, self.path, error)
    }
}
