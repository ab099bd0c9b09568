// SPDX-License-Identifier: Apache-2.0
use crate::error::{Failed, LauncherError, Result};
use crate::mount::RootTimings;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;

/// What the processes inside tell the seat, one line each. Success is silent: exec closes the pipe.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    Mounted(RootTimings),
    Failed(LauncherError),
}

impl Report {
    pub fn send(&self, mut pipe: &File) {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        // Nobody can be told that telling failed; the seat reads the missing line as a death.
        let _ = pipe.write_all(&line);
    }
}

/// The seat's end of the pipe.
pub struct Reports(BufReader<File>);

impl Reports {
    pub fn new(pipe: OwnedFd) -> Self {
        Self(BufReader::new(File::from(pipe)))
    }

    /// Waits until the root filesystem stands.
    pub fn mounted(&mut self) -> Result<RootTimings> {
        match self.next()? {
            Some(Report::Mounted(timings)) => Ok(timings),
            Some(Report::Failed(error)) => Err(error),
            None => Err(LauncherError::step("build", "root filesystem", "pid 1 ended without a word")),
        }
    }

    /// Waits until every writer has become its program.
    pub fn all_executed(&mut self) -> Result<()> {
        match self.next()? {
            None => Ok(()),
            Some(Report::Failed(error)) => Err(error),
            Some(Report::Mounted(_)) => Err(LauncherError::step("start", "agent", "it was mounted twice")),
        }
    }

    fn next(&mut self) -> Result<Option<Report>> {
        let mut line = String::new();
        if self.0.read_line(&mut line).failed("read from", "pid 1")? == 0 {
            return Ok(None);
        }
        serde_json::from_str(&line)
            .map(Some)
            .map_err(|error| LauncherError::step("read from", "pid 1", error.to_string()))
    }
}
