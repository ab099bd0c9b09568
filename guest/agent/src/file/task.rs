// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::{FileList, FileMkdir, FileMove, FileRead, FileRemove, FileStat, FileWrite, op};
use isola_wire::{Failure, parse};

use super::caller::Caller;

/// One file operation, as it was asked for.
pub enum Task {
    Read(FileRead),
    Write(FileWrite),
    List(FileList),
    Stat(FileStat),
    Mkdir(FileMkdir),
    Remove(FileRemove),
    Move(FileMove),
}

impl Task {
    /// None when `op` is no file operation.
    pub fn parse(op: &str, payload: &[u8]) -> Result<Option<Self>, Failure> {
        Ok(Some(match op {
            op::FILE_READ => Self::Read(parse(payload)?),
            op::FILE_WRITE => Self::Write(parse(payload)?),
            op::FILE_LIST => Self::List(parse(payload)?),
            op::FILE_STAT => Self::Stat(parse(payload)?),
            op::FILE_MKDIR => Self::Mkdir(parse(payload)?),
            op::FILE_REMOVE => Self::Remove(parse(payload)?),
            op::FILE_MOVE => Self::Move(parse(payload)?),
            _ => return Ok(None),
        }))
    }

    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Read(task) => task.user.as_deref(),
            Self::Write(task) => task.user.as_deref(),
            Self::List(task) => task.user.as_deref(),
            Self::Stat(task) => task.user.as_deref(),
            Self::Mkdir(task) => task.user.as_deref(),
            Self::Remove(task) => task.user.as_deref(),
            Self::Move(task) => task.user.as_deref(),
        }
    }

    /// Whether the host sends bytes for it.
    pub fn takes_input(&self) -> bool {
        matches!(self, Self::Write(_))
    }

    /// Does it, on a worker's thread.
    pub fn run(&self, workdir: &str, caller: &mut Caller) -> Result<(), Failure> {
        match self {
            Self::Read(task) => super::read::run(task, workdir, caller),
            Self::Write(task) => super::write::run(task, workdir, caller),
            Self::List(task) => super::list::run(task, workdir, caller),
            Self::Stat(task) => super::stat::run(task, workdir, caller),
            Self::Mkdir(task) => super::mkdir::run(task, workdir, caller),
            Self::Remove(task) => super::remove::run(task, workdir, caller),
            Self::Move(task) => super::rename::run(task, workdir, caller),
        }
    }
}
