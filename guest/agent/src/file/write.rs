// SPDX-License-Identifier: Apache-2.0
use std::os::fd::OwnedFd;

use isola_wire::agent::{FileWrite, FileWriteResult};
use isola_wire::{Failure, code};
use rustix::fs::{
    Access, AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Uid, accessat, fchmod, fchown, fstat, renameat, statat,
    unlinkat,
};
use rustix::io::{Errno, retry_on_intr, write};

use super::caller::Caller;
use super::failure::{coded, failure};
use super::{mkdir, open, path};

const OPERATION: &str = "write file";
const DEFAULT_MODE: u32 = 0o644;

pub fn run(task: &FileWrite, workdir: &str, caller: &mut Caller) -> Result<(), Failure> {
    let asked = path::absolute(OPERATION, &task.path, workdir)?;
    let target = path::final_target(OPERATION, &asked)?;
    if path::split(&target).1.is_empty() || asked.ends_with('/') {
        return Err(coded(OPERATION, &asked, code::FILE_IS_DIRECTORY, "it names a directory"));
    }
    if task.parents {
        mkdir::with_parents(OPERATION, path::split(&target).0)?;
    }
    let size = if task.append { append(task, &target, caller) } else { replace(task, &target, caller) }?;
    caller.respond(&FileWriteResult { size });
    Ok(())
}

/// Writes a file beside the target and puts it in its place when it is whole.
fn replace(task: &FileWrite, target: &str, caller: &mut Caller) -> Result<u64, Failure> {
    let existing = existing_file(target)?;
    let draft = path::draft(target);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match open::path_itself(&draft, flags, Mode::from_raw_mode(0o600)) {
        Ok(file) => file,
        // The file may be changed, but nothing may be added to its directory.
        Err(Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::NAMETOOLONG) if existing.is_some() => {
            return in_place(task, target, caller);
        }
        Err(error) => return Err(failure(OPERATION, target, error)),
    };
    let done = receive(&file, target, caller).and_then(|()| {
        let size = finish(&file, task.mode, existing.as_ref()).map_err(|error| failure(OPERATION, target, error))?;
        renameat(CWD, draft.as_str(), CWD, target).map_err(|error| failure(OPERATION, target, error))?;
        Ok(size)
    });
    if done.is_err() {
        let _ = unlinkat(CWD, draft.as_str(), AtFlags::empty());
    }
    done
}

/// The file that will be replaced; an error when it may not be, or is something else.
fn existing_file(target: &str) -> Result<Option<Stat>, Failure> {
    let stat = match statat(CWD, target, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(failure(OPERATION, target, error)),
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory => return Err(coded(OPERATION, target, code::FILE_IS_DIRECTORY, "it is a directory")),
        _ => return Err(coded(OPERATION, target, code::FILE_NOT_REGULAR, "it is not a regular file")),
    }
    // A rename asks only the directory; a read-only file is to stay.
    accessat(CWD, target, Access::WRITE_OK, AtFlags::EACCESS).map_err(|error| failure(OPERATION, target, error))?;
    Ok(Some(stat))
}

/// Mode and owner are those of the file that is replaced, unless a mode was asked for.
fn finish(file: &OwnedFd, mode: Option<u32>, existing: Option<&Stat>) -> Result<u64, Errno> {
    let stat = fstat(file)?;
    if let Some(old) = existing.filter(|old| (old.st_uid, old.st_gid) != (stat.st_uid, stat.st_gid)) {
        // Only root may; a user's own file it stays otherwise.
        let _ = fchown(file, Some(Uid::from_raw(old.st_uid)), Some(Gid::from_raw(old.st_gid)));
    }
    let mode = mode.or(existing.map(|old| old.st_mode)).unwrap_or(DEFAULT_MODE);
    fchmod(file, Mode::from_raw_mode(mode & 0o7777))?;
    Ok(stat.st_size as u64)
}

fn in_place(task: &FileWrite, target: &str, caller: &mut Caller) -> Result<u64, Failure> {
    let (file, _) = open::regular(OPERATION, target, OFlags::WRONLY | OFlags::TRUNC, Mode::empty())?;
    write_through(task, &file, target, caller)
}

fn append(task: &FileWrite, target: &str, caller: &mut Caller) -> Result<u64, Failure> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
    let mode = Mode::from_raw_mode(task.mode.unwrap_or(DEFAULT_MODE) & 0o7777);
    let (file, _) = open::regular(OPERATION, target, flags, mode)?;
    write_through(task, &file, target, caller)
}

fn write_through(task: &FileWrite, file: &OwnedFd, target: &str, caller: &mut Caller) -> Result<u64, Failure> {
    receive(file, target, caller)?;
    let finished = match task.mode {
        Some(mode) => fchmod(file, Mode::from_raw_mode(mode & 0o7777)),
        None => Ok(()),
    };
    let stat = finished.and_then(|()| fstat(file)).map_err(|error| failure(OPERATION, target, error))?;
    Ok(stat.st_size as u64)
}

/// Writes what the host sends, to its end.
fn receive(file: &OwnedFd, target: &str, caller: &mut Caller) -> Result<(), Failure> {
    while let Some(chunk) = caller.next_input()? {
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            let count = retry_on_intr(|| write(file, rest)).map_err(|error| failure(OPERATION, target, error))?;
            rest = &rest[count..];
        }
        caller.consumed(chunk.len());
    }
    Ok(())
}
