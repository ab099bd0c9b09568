// SPDX-License-Identifier: Apache-2.0
use std::os::fd::OwnedFd;

use isola_wire::agent::Overflow;
use isola_wire::{FLAG_GAP, HEADER_BYTES, MAX_DATA_BYTES, SendWindow};
use rustix::io::{Errno, read};
use rustix::pipe::fcntl_setpipe_size;

use super::overflow::Kept;
use super::table::{Process, Processes};
use crate::agent::Agent;
use crate::poll::{Interest, Source};

/// One output stream of a process.
pub struct Output {
    /// None at its end; what is kept may still be on its way.
    pub fd: Option<OwnedFd>,
    pub window: SendWindow,
    pub kept: Kept,
    /// What was in it when the process ended: that is delivered, and nothing after it.
    pub left: Option<u64>,
    watched: bool,
    wide: bool,
    /// Stands in `Processes::waiting`.
    waits_for_room: bool,
}

/// What a pipe holds by default, and so the most that one read returns.
const PIPE_BYTES: usize = 64 * 1024;

impl Output {
    pub fn new(fd: OwnedFd, watched: bool) -> Self {
        Self {
            fd: Some(fd),
            window: SendWindow::default(),
            kept: Kept::default(),
            left: None,
            watched,
            wide: false,
            waits_for_room: false,
        }
    }

    fn is_over(&self) -> bool {
        self.fd.is_none() || self.left == Some(0)
    }

    /// A stream that fills its pipe gets a wider one, where the user's share of pipe memory allows.
    fn widen(&mut self) {
        self.wide = true;
        if let Some(fd) = &self.fd {
            let _ = fcntl_setpipe_size(fd, MAX_DATA_BYTES);
        }
    }
}

/// Where the next bytes of a stream go.
enum Target {
    Link(u32),
    Keep,
    Nowhere,
    /// Nobody takes them now, and none may be lost.
    Wait,
}

enum Step {
    /// Something moved; there may be more.
    Moved,
    /// Nothing to do until an event, credit or room.
    Idle,
    Over,
}

impl Agent {
    /// One read for each event, so that no stream starves the others.
    pub fn output_ready(&mut self, key: u32, channel: u8) {
        match self.step_output(key, channel) {
            Step::Over => self.finish_output(key, channel),
            Step::Moved | Step::Idle => {}
        }
    }

    /// Moves all that can be moved now.
    pub fn pump_output(&mut self, key: u32, channel: u8) {
        loop {
            match self.step_output(key, channel) {
                Step::Moved => {}
                Step::Idle => return,
                Step::Over => return self.finish_output(key, channel),
            }
        }
    }

    pub fn process_credit(&mut self, key: u32, channel: u8, bytes: u32) {
        let Some(output) = self.output_mut(key, channel) else { return };
        output.window.grant(bytes);
        self.resume_output(key, channel);
    }

    pub fn resume_outputs(&mut self) {
        for (key, channel) in std::mem::take(&mut self.processes.waiting) {
            if let Some(output) = self.output_mut(key, channel) {
                output.waits_for_room = false;
            }
            self.resume_output(key, channel);
        }
    }

    pub(super) fn resume_output(&mut self, key: u32, channel: u8) {
        let source = source(key, channel);
        let Some(Process { outputs, status, .. }) = self.processes.table.get_mut(&key) else { return };
        let Some(output) = index(channel).and_then(|at| outputs[at].as_mut()) else { return };
        if let (Some(fd), false, None) = (&output.fd, output.watched, &status) {
            output.watched = self.poll.add(fd, source, Interest::Read).is_ok();
        }
        if status.is_some() || !output.kept.is_empty() {
            self.pump_output(key, channel);
        }
    }

    fn output_mut(&mut self, key: u32, channel: u8) -> Option<&mut Output> {
        self.processes.table.get_mut(&key)?.outputs.get_mut(index(channel)?)?.as_mut()
    }

    /// Stops watching: a pipe without writers would report its end without pause.
    pub(super) fn unwatch_output(&mut self, key: u32, channel: u8) {
        let poll = &self.poll;
        let Some(output) =
            self.processes.table.get_mut(&key).and_then(|process| process.outputs.get_mut(index(channel)?)?.as_mut())
        else {
            return;
        };
        if let (Some(fd), true) = (&output.fd, output.watched) {
            poll.remove(fd);
            output.watched = false;
        }
    }

    fn step_output(&mut self, key: u32, channel: u8) -> Step {
        let has_room = self.links.has_data_room();
        let Processes { table, scratch, kept_bytes, waiting, .. } = &mut self.processes;
        let Some(process) = table.get_mut(&key) else { return Step::Idle };
        let stream = process.stream.filter(|_| !process.discard);
        let Some(output) = index(channel).and_then(|at| process.outputs[at].as_mut()) else { return Step::Idle };
        let credit = usize::try_from(output.window.available_bytes()).unwrap_or(usize::MAX);
        let target = match stream {
            None => Target::Nowhere,
            Some(id) if credit > 0 && has_room => Target::Link(id),
            Some(_) if process.overflow == Overflow::DropOldest => Target::Keep,
            Some(_) => Target::Wait,
        };
        if credit > 0 && !has_room && stream.is_some() && !output.waits_for_room {
            output.waits_for_room = true;
            waiting.push((key, channel));
        }
        let chunk = if output.wide { MAX_DATA_BYTES } else { PIPE_BYTES };
        if scratch.len() < HEADER_BYTES + chunk {
            *scratch = vec![0; HEADER_BYTES + chunk];
        }
        if !output.kept.is_empty() {
            match target {
                Target::Link(id) => {
                    let count = output.kept.take(&mut scratch[HEADER_BYTES..][..chunk.min(credit)], kept_bytes);
                    let flags = if std::mem::take(&mut output.kept.gap) { FLAG_GAP } else { 0 };
                    output.window.spend(count as u64);
                    process.sent_bytes[usize::from(channel) - 1] += count as u64;
                    self.links.data(id, channel, flags, &mut scratch[..HEADER_BYTES + count]);
                    return Step::Moved;
                }
                Target::Nowhere => process.dropped_bytes += output.kept.clear(kept_bytes),
                Target::Keep | Target::Wait => {}
            }
        }
        if output.is_over() {
            return if output.kept.is_empty() { Step::Over } else { Step::Idle };
        }
        let mut most = chunk.min(output.left.map_or(chunk, |left| left as usize));
        match target {
            Target::Wait => {
                self.unwatch_output(key, channel);
                return Step::Idle;
            }
            Target::Link(_) => most = most.min(credit),
            Target::Keep | Target::Nowhere => {}
        }
        let Some(fd) = &output.fd else { return Step::Over };
        let count = match read(fd, &mut scratch[HEADER_BYTES..][..most]) {
            Ok(count) if count > 0 => count,
            Err(Errno::INTR) => return Step::Moved,
            // After the end of its process an empty pipe is finished, whoever still holds it.
            Err(Errno::AGAIN) if output.left.is_some() => {
                output.left = Some(0);
                return Step::Moved;
            }
            Err(Errno::AGAIN) => return Step::Idle,
            // End of file; or of a terminal, which reports it as an error.
            Ok(_) | Err(_) => {
                self.poll.remove(fd);
                output.fd = None;
                return Step::Moved;
            }
        };
        output.left = output.left.map(|left| left.saturating_sub(count as u64));
        if count == PIPE_BYTES && !output.wide && !process.terminal {
            output.widen();
        }
        let within = process.output_left.map_or(count, |left| count.min(left as usize));
        process.output_left = process.output_left.map(|left| left - within as u64);
        let capped = within < count;
        process.dropped_bytes += (count - within) as u64;
        match target {
            Target::Link(id) if within > 0 => {
                output.window.spend(within as u64);
                process.sent_bytes[usize::from(channel) - 1] += within as u64;
                let flags = if std::mem::take(&mut output.kept.gap) { FLAG_GAP } else { 0 };
                self.links.data(id, channel, flags, &mut scratch[..HEADER_BYTES + within]);
            }
            Target::Keep => {
                let bytes = &scratch[HEADER_BYTES..HEADER_BYTES + within];
                process.dropped_bytes += output.kept.push(bytes, kept_bytes);
            }
            Target::Nowhere => process.dropped_bytes += within as u64,
            Target::Link(_) | Target::Wait => {}
        }
        if capped && !process.output_capped {
            process.output_capped = true;
            process.discard = output.kept.is_empty();
            self.process_kill(key);
        }
        Step::Moved
    }
}

fn index(channel: u8) -> Option<usize> {
    matches!(channel, isola_wire::channel::OUTPUT | isola_wire::channel::ERROR).then(|| usize::from(channel) - 1)
}

fn source(key: u32, channel: u8) -> Source {
    if channel == isola_wire::channel::ERROR { Source::Error(key) } else { Source::Output(key) }
}
