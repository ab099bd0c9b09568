// SPDX-License-Identifier: Apache-2.0
use super::registry::Reply;
use crate::create::{Answer, Order, Seat, WARM};
use crate::error::{Failed, LauncherError, Result};
use crate::host::Host;
use isola_wire::launcher::Prepare;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// More would only queue in the kernel: creates are bound by the processor and by the mount lock.
const MOST_AT_ONCE: usize = 16;
/// Ready processes: enough for a few creates in a row while the next ones warm up.
const KEPT_SEATS: usize = 4;
/// When a seat could not get ready none is started ahead for this long: the next one would hardly fare better.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// A create that waits for its turn.
pub struct Waiting {
    pub reply: Reply,
    pub prepare: Prepare,
    pub since: Instant,
}

/// A create under way: whose it is.
pub struct Underway {
    pub reply: Reply,
    pub sandbox_id: String,
    pub since: Instant,
}

struct Taken {
    seat: Seat,
    underway: Option<Underway>,
    output: Vec<u8>,
}

/// What happened at a seat.
pub enum SeatEvent {
    Nothing,
    /// A create has ended. When it failed, something may be left under the seat's name.
    Done(Underway, Result<Answer>, String),
    /// An idle seat died; what it made is left under this name.
    Lost(String),
}

/// Creates that wait, and the seats that carry them out.
#[derive(Default)]
pub struct Creates {
    pub waiting: VecDeque<Waiting>,
    seats: BTreeMap<u32, Taken>,
    idle: VecDeque<u32>,
    paused_until: Option<Instant>,
    next: u32,
}

impl Creates {
    pub fn running(&self) -> usize {
        self.seats.values().filter(|taken| taken.underway.is_some()).count()
    }

    pub fn may_start(&self) -> bool {
        !self.waiting.is_empty() && self.running() < MOST_AT_ONCE
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running() == 0
    }

    pub fn missing_seats(&self) -> usize {
        if self.paused_until.is_some_and(|until| Instant::now() < until) {
            return 0;
        }
        KEPT_SEATS.saturating_sub(self.idle.len())
    }

    /// Starts a seat ahead of use.
    pub fn add_seat(&mut self, host: &Host) -> Result<u32> {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        let seat = Seat::start(host, u64::from(number))?;
        seat.channel.set_nonblocking(true).failed("prepare", "socket pair")?;
        self.seats.insert(number, Taken { seat, underway: None, output: Vec::new() });
        self.idle.push_back(number);
        Ok(number)
    }

    pub fn channel(&self, number: u32) -> Option<BorrowedFd<'_>> {
        self.seats.get(&number).map(|taken| taken.seat.channel.as_fd())
    }

    /// A seat that waits for an order, warm ones first.
    pub fn idle_seat(&mut self) -> Option<u32> {
        let warm = |number: &u32| self.seats.get(number).is_some_and(|taken| taken.seat.is_warm);
        let position = self.idle.iter().position(warm).unwrap_or(0);
        self.idle.remove(position)
    }

    pub fn send_order(&mut self, number: u32, order: &Order, network: &OwnedFd, underway: Underway) -> Result<()> {
        let Some(taken) = self.seats.get_mut(&number) else {
            return Err(LauncherError::step("order from", "seat", "it is gone"));
        };
        let channel = &mut taken.seat.channel;
        // An order may be larger than the socket's buffer; the seat reads it at once, so this does not wait long.
        channel.set_nonblocking(false).failed("prepare", "socket pair")?;
        let sent = order.send(channel, network);
        channel.set_nonblocking(true).failed("prepare", "socket pair")?;
        taken.underway = Some(underway);
        sent
    }

    /// The order did not reach the seat: the create is somebody else's again.
    pub fn forget_order(&mut self, number: u32) {
        if let Some(taken) = self.seats.get_mut(&number) {
            taken.underway = None;
        }
    }

    /// Reads what a seat has to say.
    pub fn receive(&mut self, number: u32) -> SeatEvent {
        let Some(taken) = self.seats.get_mut(&number) else { return SeatEvent::Nothing };
        let mut chunk = [0; 4096];
        let mut is_over = false;
        loop {
            match taken.seat.channel.read(&mut chunk) {
                Ok(0) => is_over = true,
                Ok(count) => taken.output.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => is_over = true,
            }
            if is_over {
                break;
            }
        }
        taken.seat.is_warm |= taken.output.first() == Some(&WARM);
        let answer = taken.output.get(1..).filter(|rest| rest.ends_with(b"\n")).map(parse_answer);
        if answer.is_none() && !is_over {
            return SeatEvent::Nothing;
        }
        self.idle.retain(|idle| *idle != number);
        let Some(taken) = self.seats.remove(&number) else { return SeatEvent::Nothing };
        if !taken.seat.is_warm {
            self.paused_until = Some(Instant::now() + PAUSE_AFTER_FAILURE);
        }
        let died =
            || Err(LauncherError::Interrupted { step: "create".into(), status: "its process was killed".into() });
        match taken.underway {
            Some(underway) => SeatEvent::Done(underway, answer.unwrap_or_else(died), taken.seat.name),
            None => {
                if let Some(Ok(Answer::Failed(error))) = answer {
                    eprintln!("isola-launcher: seat {}: {error}", taken.seat.name);
                }
                SeatEvent::Lost(taken.seat.name)
            }
        }
    }

    /// Sends every idle seat home. Returns their names: what they made is still to be removed.
    pub fn dismiss(&mut self) -> Vec<String> {
        let idle = std::mem::take(&mut self.idle);
        idle.iter().filter_map(|number| self.seats.remove(number)).map(|taken| taken.seat.dismiss()).collect()
    }
}

fn parse_answer(line: &[u8]) -> Result<Answer> {
    serde_json::from_slice(line).map_err(|error| LauncherError::step("read", "answer of seat", error.to_string()))
}
