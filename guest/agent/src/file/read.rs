// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::{FileRead, FileReadResult};
use isola_wire::{Failure, HEADER_BYTES, MAX_DATA_BYTES};
use rustix::fs::{Mode, OFlags};
use rustix::io::{pread, retry_on_intr};

use super::caller::Caller;
use super::entry::modified_ms;
use super::failure::failure;
use super::{open, path};

const OPERATION: &str = "read file";

pub fn run(task: &FileRead, workdir: &str, caller: &mut Caller) -> Result<(), Failure> {
    let path = path::absolute(OPERATION, &task.path, workdir)?;
    let (file, stat) = open::regular(OPERATION, &path, OFlags::RDONLY, Mode::empty())?;
    let size = stat.st_size as u64;
    caller.respond_and_stream(&FileReadResult { size, mode: stat.st_mode & 0o7777, mtime_ms: modified_ms(&stat) });
    let mut offset = task.offset.unwrap_or(0);
    let mut left = task.length.unwrap_or(u64::MAX);
    // Files of the kernel say 0 and have content, so the size is only a guess at the first chunk.
    let mut guess = usize::try_from(size.saturating_sub(offset).min(left)).unwrap_or(MAX_DATA_BYTES).max(4096);
    while left > 0 {
        let mut chunk = caller.buffer(guess);
        let room = (chunk.len() - HEADER_BYTES).min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut filled = 0;
        while filled < room {
            let place = &mut chunk[HEADER_BYTES + filled..HEADER_BYTES + room];
            match retry_on_intr(|| pread(&file, &mut *place, offset))
                .map_err(|error| failure(OPERATION, &path, error))?
            {
                0 => break,
                count => {
                    filled += count;
                    offset += count as u64;
                }
            }
        }
        left -= filled as u64;
        chunk.truncate(HEADER_BYTES + filled);
        if filled > 0 {
            caller.send(chunk)?;
        }
        if filled < room {
            break;
        }
        guess = MAX_DATA_BYTES;
    }
    Ok(())
}
