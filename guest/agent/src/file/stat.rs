// SPDX-License-Identifier: Apache-2.0
use std::ffi::CString;

use isola_wire::Failure;
use isola_wire::agent::{FileStat, FileStatResult};
use rustix::fs::{CWD, Mode, OFlags, fstat};

use super::caller::Caller;
use super::failure::failure;
use super::{entry, open, path};

const OPERATION: &str = "stat";

pub fn run(task: &FileStat, workdir: &str, caller: &mut Caller) -> Result<(), Failure> {
    let path = path::absolute(OPERATION, &task.path, workdir)?;
    let flags = if task.follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
    let stat = open::path_itself(&path, flags | OFlags::CLOEXEC, Mode::empty())
        .and_then(fstat)
        .map_err(|error| failure(OPERATION, &path, error))?;
    let name = CString::new(path.as_str()).unwrap_or_default();
    caller.respond(&FileStatResult { entry: entry::entry(CWD, &name, path, &stat) });
    Ok(())
}
