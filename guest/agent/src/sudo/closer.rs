// SPDX-License-Identifier: Apache-2.0
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// What waits for longer is held up on purpose; so many may wait behind it, each with what one shim has sent.
const PATIENCE: Duration = Duration::from_secs(1);
const MOST_WAITING: usize = 64;
const STACK_BYTES: usize = 32 * 1024;

type Waiting = Mutex<VecDeque<Instant>>;

/// Closes what came from inside, on a thread of its own.
///
/// Closing may wait for as long as somebody inside wants it to: a TCP socket with SO_LINGER does, and so does a unix
/// socket in whose queue one lies. The agent has one thread, which must not.
#[derive(Default)]
pub struct Closer {
    to: Option<Sender<Vec<OwnedFd>>>,
    /// Since when each waits, the oldest first.
    waiting: Arc<Waiting>,
}

impl Closer {
    pub fn close(&mut self, fds: Vec<OwnedFd>) {
        // The first to use sudo pays for the thread; most sandboxes never do.
        if self.to.is_none() {
            self.to = start(Arc::clone(&self.waiting));
        }
        // Without a thread to be had, the processes of the agent are used up by something worse.
        let Some(to) = &self.to else { return };
        change(&self.waiting, |waiting| waiting.push_back(Instant::now()));
        let _ = to.send(fds);
    }

    /// Something inside has made closing wait, and goes on sending.
    pub fn is_stuck(&self) -> bool {
        change(&self.waiting, |waiting| {
            waiting.len() > MOST_WAITING && waiting.front().is_some_and(|since| since.elapsed() > PATIENCE)
        })
    }
}

/// A thread that panics ends the process, so there is no poison to mind.
fn change<T>(waiting: &Waiting, change: impl FnOnce(&mut VecDeque<Instant>) -> T) -> T {
    change(&mut waiting.lock().unwrap_or_else(PoisonError::into_inner))
}

fn start(waiting: Arc<Waiting>) -> Option<Sender<Vec<OwnedFd>>> {
    let (to, from) = channel::<Vec<OwnedFd>>();
    let close_all = move || {
        for fds in from {
            drop(fds);
            change(&waiting, VecDeque::pop_front);
        }
    };
    Builder::new().name("isola-closer".to_owned()).stack_size(STACK_BYTES).spawn(close_all).ok().map(|_| to)
}
