// SPDX-License-Identifier: Apache-2.0
use isola_wire::Failure;
use isola_wire::agent::{Empty, FileMkdir};
use rustix::fs::{CWD, FileType, Mode, OFlags, fchmod, mkdir, openat, stat};
use rustix::io::Errno;

use super::caller::Caller;
use super::failure::failure;
use super::path;

const OPERATION: &str = "make directory";
const DEFAULT_MODE: Mode = Mode::from_raw_mode(0o755);

pub fn run(task: &FileMkdir, workdir: &str, caller: &mut Caller) -> Result<(), Failure> {
    let path = path::absolute(OPERATION, &task.path, workdir)?;
    let made = if task.parents { with_parents(OPERATION, &path)? } else { one(&path, false)? };
    if let (true, Some(mode)) = (made, task.mode) {
        set_mode(&path, Mode::from_raw_mode(mode & 0o7777)).map_err(|error| failure(OPERATION, &path, error))?;
    }
    caller.respond(&Empty {});
    Ok(())
}

/// Makes `path` and whatever is missing above it. False when it was there.
pub fn with_parents(operation: &str, path: &str) -> Result<bool, Failure> {
    // Most often only the last part is missing.
    match mkdir(path, DEFAULT_MODE) {
        Ok(()) => return Ok(true),
        Err(Errno::NOENT) => {}
        Err(_) => return one(path, true),
    }
    let mut made = false;
    let ends = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).chain([path.len()]);
    for end in ends {
        made = one(&path[..end], true)
            .map_err(|error| Failure { message: format!("{operation}: {}", error.message), ..error })?;
    }
    Ok(made)
}

fn one(path: &str, may_exist: bool) -> Result<bool, Failure> {
    match mkdir(path, DEFAULT_MODE) {
        Ok(()) => Ok(true),
        Err(error) if may_exist => match stat(path) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => Ok(false),
            Ok(_) => Err(failure(OPERATION, path, Errno::NOTDIR)),
            Err(_) => Err(failure(OPERATION, path, error)),
        },
        Err(error) => Err(failure(OPERATION, path, error)),
    }
}

/// Through a descriptor: the name may be something else by now.
fn set_mode(path: &str, mode: Mode) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    fchmod(openat(CWD, path, flags, Mode::empty())?, mode)
}
