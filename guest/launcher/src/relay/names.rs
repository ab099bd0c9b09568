// SPDX-License-Identifier: Apache-2.0
//! Questions to the resolver: who asked, until the server has answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    Datagram { entrance: u32, from: SocketAddr },
    Stream { entrance: u32, flow: u32 },
}

impl Asker {
    pub fn entrance(self) -> u32 {
        match self {
            Self::Datagram { entrance, .. } | Self::Stream { entrance, .. } => entrance,
        }
    }
}

/// A client has long asked again by then.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(15);
/// More questions of one sandbox at the same time are answered with a failure.
pub const MOST_QUESTIONS: usize = 128;
/// The largest question: what a resolver inside may send is far smaller.
pub const MOST_QUESTION_BYTES: usize = 4096;

#[derive(Default)]
pub struct Questions {
    asked: BTreeMap<u32, (Instant, Asker)>,
    next: u32,
}

impl Questions {
    pub fn begin(&mut self, asker: Asker, now: Instant) -> u32 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.asked.insert(number, (now, asker));
        number
    }

    pub fn end(&mut self, number: u32) -> Option<Asker> {
        self.asked.remove(&number).map(|(_, asker)| asker)
    }

    /// Those that nobody waits for any more.
    pub fn forget_old(&mut self, now: Instant) -> Vec<Asker> {
        self.forget(|asked, _| now.saturating_duration_since(asked) > FORGOTTEN_AFTER)
    }

    pub fn forget_entrance(&mut self, entrance: u32) {
        self.forget(|_, asker| asker.entrance() == entrance);
    }

    pub fn forget_all(&mut self) {
        self.asked.clear();
    }

    fn forget(&mut self, is_over: impl Fn(Instant, Asker) -> bool) -> Vec<Asker> {
        let over: Vec<u32> = self
            .asked
            .iter()
            .filter(|(_, (asked, asker))| is_over(*asked, *asker))
            .map(|(number, _)| *number)
            .collect();
        over.into_iter().filter_map(|number| self.end(number)).collect()
    }
}

/// The question sent back as a failure, so that a client does not wait for its time-out. None for what is no question.
pub fn failure_to(question: &[u8]) -> Option<Vec<u8>> {
    const IS_ANSWER: u8 = 0x80;
    const SERVER_FAILURE: u8 = 2;
    if question.len() < 12 || question[2] & IS_ANSWER != 0 {
        return None;
    }
    let mut answer = question.to_vec();
    answer[2] |= IS_ANSWER;
    answer[3] = answer[3] & 0xf0 | SERVER_FAILURE;
    Some(answer)
}

/// Takes the first whole message, which stands behind its length in two bytes, off a stream.
pub fn take_message(stream: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_be_bytes([*stream.first()?, *stream.get(1)?]));
    if stream.len() < 2 + length {
        return None;
    }
    let rest = stream.split_off(2 + length);
    let message = std::mem::replace(stream, rest);
    Some(message[2..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_the_question_marked_as_such_and_answers_are_never_answered() {
        let question = [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 9];
        let failure = failure_to(&question).unwrap();
        assert_eq!((failure[0], failure[2], failure[3] & 15, failure[12]), (1, 0x81, 2, 9));
        assert_eq!(failure_to(&failure), None, "two resolvers would talk for ever");
        assert_eq!(failure_to(&question[..11]), None);
    }

    #[test]
    fn messages_come_off_a_stream_whole() {
        let mut stream = vec![0, 2, 7, 8, 0, 1];
        assert_eq!(take_message(&mut stream), Some(vec![7, 8]));
        assert_eq!(take_message(&mut stream), None);
        stream.push(9);
        assert_eq!(take_message(&mut stream), Some(vec![9]));
        assert!(stream.is_empty());
    }

    #[test]
    fn questions_are_forgotten_by_age_and_by_sandbox() {
        let now = Instant::now();
        let mut questions = Questions::default();
        let old = questions.begin(Asker::Stream { entrance: 1, flow: 1 }, now);
        let late = now + FORGOTTEN_AFTER + Duration::from_secs(1);
        let young = questions.begin(Asker::Stream { entrance: 2, flow: 2 }, late);
        assert_eq!(questions.forget_old(late), [Asker::Stream { entrance: 1, flow: 1 }]);
        assert_eq!(questions.end(old), None);
        questions.forget_entrance(2);
        assert_eq!(questions.end(young), None);
    }
}
