// SPDX-License-Identifier: Apache-2.0
use super::registry::Reply;
use crate::error::{Failed, LauncherError, Result};
use crate::host::Host;
use crate::sys::{descriptors, fork, prctl, signals, socket};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;

/// Removals and the like are mostly waiting; more at once would only wait for each other.
const MOST_AT_ONCE: usize = 8;

/// What is to be done with a job's result.
#[derive(Debug)]
pub enum Purpose {
    Destroy(String),
    Answer(Reply),
    /// The network of this sandbox is being opened.
    Network(Reply, String),
    /// Nobody waits: the trash.
    Background,
}

type Work = Box<dyn FnOnce(&Host) -> Result<Value>>;

struct Job {
    purpose: Purpose,
    pipe: UnixStream,
    output: Vec<u8>,
}

/// Work that may wait, each in a child of its own.
#[derive(Default)]
pub struct Jobs {
    running: BTreeMap<u32, Job>,
    waiting: VecDeque<(Purpose, Work)>,
    next: u32,
}

impl Jobs {
    pub fn add(&mut self, purpose: Purpose, work: impl FnOnce(&Host) -> Result<Value> + 'static) {
        self.waiting.push_back((purpose, Box::new(work)));
    }

    /// Nobody waits for anything.
    pub fn is_idle(&self) -> bool {
        let is_it = |purpose: &Purpose| matches!(purpose, Purpose::Background);
        self.running.values().all(|job| is_it(&job.purpose)) && self.waiting.iter().all(|(purpose, _)| is_it(purpose))
    }

    pub fn has_background(&self) -> bool {
        let is_it = |purpose: &Purpose| matches!(purpose, Purpose::Background);
        self.running.values().any(|job| is_it(&job.purpose)) || self.waiting.iter().any(|(purpose, _)| is_it(purpose))
    }

    /// Starts one more if there is one and room for it: the pipe to listen to, or why it could not start.
    pub fn start_next(&mut self, host: &Host) -> Option<(Purpose, Result<u32>)> {
        if self.running.len() >= MOST_AT_ONCE {
            return None;
        }
        let (purpose, work) = self.waiting.pop_front()?;
        match start(host, work) {
            Err(error) => Some((purpose, Err(error))),
            Ok(pipe) => {
                let number = self.next;
                self.next = self.next.wrapping_add(1);
                self.running.insert(number, Job { purpose, pipe, output: Vec::new() });
                Some((Purpose::Background, Ok(number)))
            }
        }
    }

    pub fn pipe(&self, number: u32) -> Option<BorrowedFd<'_>> {
        self.running.get(&number).map(|job| job.pipe.as_fd())
    }

    /// Reads on; when the child has ended, its purpose and result.
    pub fn receive(&mut self, number: u32) -> Option<(Purpose, Result<Value>)> {
        let job = self.running.get_mut(&number)?;
        match job.pipe.read_to_end(&mut job.output) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            _ => {}
        }
        let job = self.running.remove(&number)?;
        let result = serde_json::from_slice(&job.output).unwrap_or_else(|_| {
            Err(LauncherError::Interrupted { step: "job".into(), status: "its process was killed".into() })
        });
        Some((job.purpose, result))
    }
}

fn start(host: &Host, work: Work) -> Result<UnixStream> {
    let (pipe, theirs) = UnixStream::pair().failed("make", "socket pair")?;
    pipe.set_nonblocking(true).failed("prepare", "socket pair")?;
    let launcher = std::process::id() as i32;
    if let fork::Side::Child = fork::fork().failed("fork", "job")? {
        let _ = prctl::die_with_parent(launcher);
        prctl::set_name(c"isola-job");
        signals::reset();
        let mut keep = host.descriptors();
        keep.push(theirs.as_raw_fd());
        let _ = descriptors::close_all_except(&keep);
        let text = serde_json::to_vec(&work(host)).unwrap_or_default();
        let mut rest = &text[..];
        while !rest.is_empty() {
            match socket::send_with(&theirs, rest, &[]) {
                Ok(count) => rest = &rest[count..],
                Err(_) => break,
            }
        }
        fork::exit_now(0)
    }
    Ok(pipe)
}
