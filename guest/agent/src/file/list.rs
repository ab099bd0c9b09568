// SPDX-License-Identifier: Apache-2.0
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use isola_wire::agent::{Empty, FileList, Truncated};
use isola_wire::{Failure, HEADER_BYTES};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, openat, statat};
use rustix::io::Errno;
use serde::Serialize;

use super::caller::Caller;
use super::entry::entry;
use super::failure::failure;
use super::{open, path};

const OPERATION: &str = "list directory";
const MAX_DEPTH: u32 = 64;
const CHUNK_BYTES: usize = 32 * 1024;
const NAMES_BYTES: usize = 8 * 1024;
const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// Sends entries while it walks, so that a directory of any size costs one chunk of memory.
pub fn run(task: &FileList, workdir: &str, caller: &mut Caller) -> Result<(), Failure> {
    let path = path::absolute(OPERATION, &task.path, workdir)?;
    let top = open::path_itself(&path, DIRECTORY, Mode::empty()).map_err(|error| failure(OPERATION, &path, error))?;
    caller.respond_and_stream(&Empty {});
    let mut listing = Listing { chunk: Vec::new(), left: task.limit, caller };
    let whole = listing.walk(&top, path.trim_end_matches('/'), task.depth.min(MAX_DEPTH))?;
    if !whole {
        listing.line(&Truncated { truncated: true })?;
    }
    listing.flush()
}

struct Listing<'a> {
    chunk: Vec<u8>,
    left: u64,
    caller: &'a mut Caller,
}

impl Listing<'_> {
    /// False when the limit was reached before the end.
    fn walk(&mut self, directory: &OwnedFd, path: &str, depth: u32) -> Result<bool, Failure> {
        let mut names = vec![MaybeUninit::<u8>::uninit(); NAMES_BYTES];
        let mut entries = RawDir::new(directory.as_fd(), &mut names);
        while let Some(found) = entries.next() {
            let found = match found {
                Ok(found) => found,
                // Removed while we read it: what was there is listed.
                Err(Errno::NOENT) => break,
                Err(error) => return Err(failure(OPERATION, path, error)),
            };
            let name = found.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let Ok(stat) = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if self.left == 0 {
                return Ok(false);
            }
            self.left -= 1;
            let below = format!("{path}/{}", name.to_string_lossy());
            self.line(&entry(directory, name, below.clone(), &stat))?;
            if depth > 1 && FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                // A directory that may not be read, or is gone, is listed without what is in it.
                if let Ok(inner) = openat(directory, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
                    && !self.walk(&inner, &below, depth - 1)?
                {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn line<T: Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        if self.chunk.is_empty() {
            self.caller.check()?;
            self.chunk = self.caller.buffer(CHUNK_BYTES);
            self.chunk.truncate(HEADER_BYTES);
        }
        // Writing to memory fails only for values that are no JSON, which entries always are.
        let _ = serde_json::to_writer(&mut self.chunk, value);
        self.chunk.push(b'\n');
        if self.chunk.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let chunk = std::mem::take(&mut self.chunk);
        if chunk.is_empty() { Ok(()) } else { self.caller.send(chunk) }
    }
}
