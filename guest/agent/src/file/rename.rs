// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::{Empty, FileMove};
use isola_wire::{Failure, code};
use rustix::fs::{AtFlags, CWD, FileType, RenameFlags, renameat_with, statat};
use rustix::io::Errno;

use super::caller::Caller;
use super::failure::{coded, failure};
use super::{copy, path, remove};

const OPERATION: &str = "move";

pub fn run(task: &FileMove, workdir: &str, caller: &mut Caller) -> Result<(), Failure> {
    let from = path::absolute(OPERATION, &task.from, workdir)?;
    let to = path::absolute(OPERATION, &task.to, workdir)?;
    let flags = if task.overwrite { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
    match renameat_with(CWD, from.as_str(), CWD, to.as_str(), flags) {
        Ok(()) => {}
        Err(Errno::EXIST | Errno::NOTEMPTY) => {
            return Err(coded(OPERATION, &to, code::FILE_EXISTS, "it exists"));
        }
        // Another file system; or a directory of a lower layer, which an overlay cannot rename.
        Err(Errno::XDEV) => across(&from, &to, task.overwrite, caller)?,
        Err(Errno::NOENT) => {
            let missing = if exists(&from) { path::split(&to).0 } else { &from };
            return Err(failure(OPERATION, missing, Errno::NOENT));
        }
        Err(error) => return Err(failure(OPERATION, &from, error)),
    }
    caller.respond(&Empty {});
    Ok(())
}

fn across(from: &str, to: &str, overwrite: bool, caller: &Caller) -> Result<(), Failure> {
    if let Ok(stat) = statat(CWD, to, AtFlags::SYMLINK_NOFOLLOW)
        && (!overwrite || FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
    {
        return Err(coded(OPERATION, to, code::FILE_EXISTS, "it exists"));
    }
    // Under a name of its own first: `to` changes all at once or not at all.
    let draft = path::draft(to);
    let copied = copy::tree(from, &draft, caller).and_then(|()| {
        let flags = if overwrite { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
        renameat_with(CWD, draft.as_str(), CWD, to, flags).map_err(|error| failure(OPERATION, to, error))
    });
    if let Err(error) = copied {
        let _ = remove::tree(&draft, true, caller);
        return Err(error);
    }
    remove::tree(from, true, caller)
}

fn exists(path: &str) -> bool {
    statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}
