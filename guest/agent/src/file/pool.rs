// SPDX-License-Identifier: Apache-2.0
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use isola_wire::agent::Users;
use isola_wire::{Failure, code};
use rustix::fs::Gid;
use rustix::thread::set_thread_groups;

use super::caller::Caller;
use super::task::Task;
use crate::spawner::Runner;
use crate::sys::fs_identity;

/// An operation and all that a worker needs for it.
pub struct Job {
    pub task: Task,
    pub workdir: String,
    pub runner: Runner,
    pub caller: Caller,
}

/// A slow upload holds its thread, so there are more than there are cores.
const MAX_THREADS: usize = 64;
const MAX_QUEUED: usize = 4096;
/// Walks go down 256 directories, each a few frames; untouched stack costs nothing.
const STACK_BYTES: usize = 1024 * 1024;
/// Threads outlive a burst by this and are then given back.
const IDLE: Duration = Duration::from_millis(500);

#[derive(Default)]
pub struct Pool {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl Pool {
    /// Queues a job, with a thread for it where one more is allowed.
    pub fn submit(self: &Arc<Self>, job: Job) -> Result<(), Failure> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.jobs.len() >= MAX_QUEUED {
            return Err(Failure::new(
                code::LIMIT_EXHAUSTED,
                format!("queue file operation: {MAX_QUEUED} wait already"),
            ));
        }
        queue.jobs.push_back(job);
        if queue.idle >= queue.jobs.len() {
            self.changed.notify_one();
            return Ok(());
        }
        if queue.threads < MAX_THREADS {
            let pool = Arc::clone(self);
            let started = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || pool.work());
            match started {
                Ok(_) => queue.threads += 1,
                Err(error) if queue.threads == 0 => {
                    queue.jobs.pop_back();
                    return Err(Failure::new(code::FILE_IO, format!("start a thread for a file operation: {error}")));
                }
                // The threads that there are will come to it.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn work(&self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                job.run();
                queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.idle += 1;
            let (woken, timeout) = self.changed.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            queue.idle -= 1;
            if timeout.timed_out() && queue.jobs.is_empty() {
                queue.threads -= 1;
                return;
            }
        }
    }
}

impl Job {
    fn run(self) {
        let Self { task, workdir, runner, mut caller } = self;
        let result = assume(&runner).and_then(|()| task.run(&workdir, &mut caller));
        caller.finish(result);
    }
}

/// Takes on the identity that the kernel checks this thread's file operations against.
fn assume(runner: &Runner) -> Result<(), Failure> {
    if runner.users != Users::Range {
        return Ok(());
    }
    let groups: Vec<Gid> = runner.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    if set_thread_groups(&groups).is_ok() && fs_identity::set(runner.uid, runner.gid) {
        return Ok(());
    }
    let message = format!("become {}:{} for a file operation: not possible here", runner.uid, runner.gid);
    Err(Failure::new(code::PROCESS_USER_UNKNOWN, message))
}
