// SPDX-License-Identifier: Apache-2.0
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use isola_wire::{Failure, code};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, RawDir, Stat, Timespec, Timestamps, Uid, chownat, copy_file_range,
    fchmod, futimens, mkdirat, openat, readlinkat, statat, symlinkat,
};
use rustix::io::{Errno, read, retry_on_intr, write};

use super::caller::Caller;
use super::failure::{coded, failure};

const OPERATION: &str = "copy";
const MAX_DEPTH: u32 = 256;
const NAMES_BYTES: usize = 4 * 1024;
const STEP_BYTES: usize = 1024 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;

/// Copies a file, link or directory with its mode and times, and its owner where that is allowed.
pub fn tree(from: &str, to: &str, caller: &Caller) -> Result<(), Failure> {
    let name = |path: &str| CString::new(path).map_err(|_| failure(OPERATION, path, Errno::INVAL));
    Copier { path: from, caller }.any(CWD, &name(from)?, CWD, &name(to)?, 0)
}

struct Copier<'a> {
    path: &'a str,
    caller: &'a Caller,
}

impl Copier<'_> {
    fn any(
        &self,
        source: impl AsFd + Copy,
        from: &CStr,
        target: impl AsFd + Copy,
        to: &CStr,
        depth: u32,
    ) -> Result<(), Failure> {
        self.caller.check()?;
        let stat = statat(source, from, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| self.failed(error))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(source, from, target, to, &stat),
            FileType::Directory if depth < MAX_DEPTH => self.directory(source, from, target, to, &stat, depth),
            FileType::Symlink => readlinkat(source, from, Vec::new())
                .and_then(|link| symlinkat(link.as_c_str(), target, to))
                .map_err(|error| self.failed(error)),
            _ => Err(coded(OPERATION, self.path, code::FILE_NOT_REGULAR, "a special file cannot be copied")),
        }?;
        let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        // Only root may give files away; others keep what they made.
        let _ = chownat(target, to, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW);
        Ok(())
    }

    fn file(&self, source: impl AsFd, from: &CStr, target: impl AsFd, to: &CStr, stat: &Stat) -> Result<(), Failure> {
        let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = || -> Result<(OwnedFd, OwnedFd), Errno> {
            let input = openat(source, from, OFlags::RDONLY | careful, Mode::empty())?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | careful;
            Ok((input, openat(target, to, flags, Mode::from_raw_mode(0o600))?))
        };
        let (input, output) = open().map_err(|error| self.failed(error))?;
        self.bytes(&input, &output)?;
        finish(&output, stat).map_err(|error| self.failed(error))
    }

    fn bytes(&self, input: &OwnedFd, output: &OwnedFd) -> Result<(), Failure> {
        loop {
            self.caller.check()?;
            match copy_file_range(input, None, output, None, STEP_BYTES) {
                Ok(0) => return Ok(()),
                Ok(_) | Err(Errno::INTR) => {}
                // Between these file systems the kernel does not copy by itself.
                Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => {
                    return self.bytes_by_hand(input, output);
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn bytes_by_hand(&self, input: &OwnedFd, output: &OwnedFd) -> Result<(), Failure> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            self.caller.check()?;
            let count = retry_on_intr(|| read(input, &mut buffer[..])).map_err(|error| self.failed(error))?;
            let mut rest = &buffer[..count];
            if rest.is_empty() {
                return Ok(());
            }
            while !rest.is_empty() {
                let written = retry_on_intr(|| write(output, rest)).map_err(|error| self.failed(error))?;
                rest = &rest[written..];
            }
        }
    }

    fn directory(
        &self,
        source: impl AsFd,
        from: &CStr,
        target: impl AsFd,
        to: &CStr,
        stat: &Stat,
        depth: u32,
    ) -> Result<(), Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = || -> Result<(OwnedFd, OwnedFd), Errno> {
            let input = openat(source, from, flags, Mode::empty())?;
            mkdirat(&target, to, Mode::from_raw_mode(0o700))?;
            Ok((input, openat(&target, to, flags, Mode::empty())?))
        };
        let (input, output) = open().map_err(|error| self.failed(error))?;
        let mut names = vec![MaybeUninit::<u8>::uninit(); NAMES_BYTES];
        let mut entries = RawDir::new(input.as_fd(), &mut names);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|error| self.failed(error))?;
            let name = entry.file_name();
            if name != c"." && name != c".." {
                self.any(input.as_fd(), name, output.as_fd(), name, depth + 1)?;
            }
        }
        finish(&output, stat).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: Errno) -> Failure {
        failure(OPERATION, self.path, error)
    }
}

fn finish(file: &OwnedFd, stat: &Stat) -> Result<(), Errno> {
    let time = |seconds, nanoseconds| Timespec { tv_sec: seconds, tv_nsec: nanoseconds as _ };
    fchmod(file, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    futimens(
        file,
        &Timestamps {
            last_access: time(stat.st_atime, stat.st_atime_nsec),
            last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
        },
    )
}
