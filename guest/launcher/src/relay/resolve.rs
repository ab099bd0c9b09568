// SPDX-License-Identifier: Apache-2.0
//! Questions to the resolver, by datagram and by stream.

use super::flow::{Flow, State};
use super::names::{self, Asker, MOST_QUESTION_BYTES, MOST_QUESTIONS};
use super::server::{MOST_IN_A_ROW, Relay};
use isola_wire::relay::{Event, Over};
use isola_wire::to_hex;
use std::cmp::Reverse;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// On one stream at the same time.
const MOST_OPEN_QUESTIONS: usize = 16;
const SLACK: Duration = Duration::from_millis(100);

impl Relay {
    pub(super) fn receive_questions(&mut self, entrance: u32) {
        let mut bytes = [0; MOST_QUESTION_BYTES];
        for _ in 0..MOST_IN_A_ROW {
            let Some(found) = self.entrances.get(&entrance) else { return };
            let Ok((count, from)) = found.resolver.recv_from(&mut bytes) else { return };
            self.ask(Asker::Datagram { entrance, from }, &bytes[..count]);
        }
    }

    fn ask(&mut self, asker: Asker, question: &[u8]) {
        let now = Instant::now();
        self.forget_old_questions(now);
        // No question at all: it would never be answered.
        let Some(failure) = names::failure_to(question) else {
            if let Asker::Stream { flow, .. } = asker {
                self.end_flow(flow, Over::Reset, "what it sent is no question");
            }
            return;
        };
        let Some(entrance) = self.entrances.get_mut(&asker.entrance()) else { return };
        if self.control.is_none() || entrance.questions >= MOST_QUESTIONS {
            self.deliver(asker, &failure);
            return;
        }
        entrance.questions += 1;
        if let Asker::Stream { flow, .. } = asker
            && let Some(Flow { state: State::Resolving(resolving), .. }) = self.flows.get_mut(&flow)
        {
            resolving.open_questions += 1;
            self.timers.push(Reverse((now + names::FORGOTTEN_AFTER + SLACK, flow)));
        }
        let sandbox_id = entrance.sandbox_id.clone();
        let query = self.questions.begin(asker, now);
        let stream = matches!(asker, Asker::Stream { .. });
        self.tell(&Event::Dns { query, sandbox_id, stream, message_hex: to_hex(question) });
    }

    /// Those that the server never answered hold nobody's place any more.
    pub(super) fn forget_old_questions(&mut self, now: Instant) {
        for old in self.questions.forget_old(now) {
            self.close_question(old);
        }
    }

    pub(super) fn send_answer(&mut self, query: u32, message: &[u8]) {
        let Some(asker) = self.questions.end(query) else { return };
        self.close_question(asker);
        self.deliver(asker, message);
    }

    fn close_question(&mut self, asker: Asker) {
        if let Some(entrance) = self.entrances.get_mut(&asker.entrance()) {
            entrance.questions = entrance.questions.saturating_sub(1);
        }
        if let Asker::Stream { flow, .. } = asker
            && let Some(Flow { state: State::Resolving(resolving), .. }) = self.flows.get_mut(&flow)
        {
            resolving.open_questions = resolving.open_questions.saturating_sub(1);
        }
    }

    fn deliver(&mut self, asker: Asker, message: &[u8]) {
        match asker {
            // A datagram may be lost; whoever asked asks again.
            Asker::Datagram { entrance, from } => {
                if let Some(found) = self.entrances.get(&entrance) {
                    let _ = found.resolver.send_to(message, from);
                }
            }
            Asker::Stream { flow, .. } => {
                if let Some(Flow { state: State::Resolving(resolving), .. }) = self.flows.get_mut(&flow) {
                    resolving.output.extend_from_slice(&(message.len() as u16).to_be_bytes());
                    resolving.output.extend_from_slice(message);
                    self.resolve_on(flow);
                }
            }
        }
    }

    /// Reads questions and writes answers on a stream, as far as both go now.
    pub(super) fn resolve_on(&mut self, number: u32) {
        let Some(Flow { entrance, inner, state: State::Resolving(resolving), up, down, .. }) =
            self.flows.get_mut(&number)
        else {
            return;
        };
        let entrance = *entrance;
        let mut questions = Vec::new();
        let outcome = loop {
            if resolving.has_ended || resolving.open_questions + questions.len() >= MOST_OPEN_QUESTIONS {
                break Ok(());
            }
            let mut bytes = [0; MOST_QUESTION_BYTES];
            match inner.read(&mut bytes) {
                Ok(0) => resolving.has_ended = true,
                Ok(count) => {
                    up.moved += count as u64;
                    resolving.input.extend_from_slice(&bytes[..count]);
                    while let Some(message) = names::take_message(&mut resolving.input) {
                        questions.push(message);
                    }
                    if resolving.input.len() > MOST_QUESTION_BYTES {
                        break Err(io::Error::from(io::ErrorKind::InvalidData));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        let written = outcome.and_then(|()| {
            while !resolving.output.is_empty() {
                match inner.write(&resolving.output) {
                    Ok(count) => {
                        down.moved += count as u64;
                        resolving.output.drain(..count);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        let is_over =
            resolving.has_ended && resolving.output.is_empty() && resolving.open_questions == 0 && questions.is_empty();
        match written {
            Err(error) => self.end_flow(number, Over::Reset, &error.to_string()),
            Ok(()) if is_over => self.end_flow(number, Over::Closed, ""),
            Ok(()) => {
                for question in questions {
                    self.ask(Asker::Stream { entrance, flow: number }, &question);
                }
            }
        }
    }
}
