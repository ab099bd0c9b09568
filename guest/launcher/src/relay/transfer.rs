// SPDX-License-Identifier: Apache-2.0
use crate::sys::inet;
use crate::sys::splice::{PIPE_BYTES, Pipe, splice};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// Pipes that wait for the next transfer: making one costs more than moving a packet.
#[derive(Default)]
pub struct Pipes {
    idle: Vec<Pipe>,
}

const MOST_IDLE: usize = 64;

impl Pipes {
    fn take(&mut self) -> io::Result<Pipe> {
        self.idle.pop().map_or_else(Pipe::new, Ok)
    }

    fn give_back(&mut self, pipe: Pipe) {
        if self.idle.len() < MOST_IDLE {
            self.idle.push(pipe);
        }
    }
}

/// One direction of a connection. A pipe is held only while bytes are on their way.
#[derive(Default)]
pub struct Transfer {
    pipe: Option<Pipe>,
    held: usize,
    has_ended: bool,
    pub is_over: bool,
    pub moved: u64,
}

/// Why a transfer stopped moving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Until one of the two sockets tells that there is something to do.
    Waits,
    /// There is more, but others have their turn first.
    Yields,
    /// The share of bandwidth is used up.
    Throttled,
}

impl Transfer {
    /// Moves what can be moved, at most `budget` bytes into the pipe; subtracts from it what it took.
    pub fn pump(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        budget: &mut usize,
        share: Option<&mut usize>,
        pipes: &mut Pipes,
    ) -> io::Result<Stopped> {
        let mut share = share;
        let stopped = loop {
            if self.held > 0 {
                let Some(pipe) = &self.pipe else { break Stopped::Waits };
                match splice(&pipe.out, to, self.held) {
                    Ok(count) => {
                        self.held -= count;
                        self.moved += count as u64;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Stopped::Waits,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
                continue;
            }
            if self.has_ended {
                if !self.is_over {
                    self.is_over = true;
                    inet::end_sending(to);
                }
                break Stopped::Waits;
            }
            let most = share.as_deref().map_or(PIPE_BYTES, |left| PIPE_BYTES.min(*left)).min(*budget);
            if most == 0 {
                break if *budget == 0 { Stopped::Yields } else { Stopped::Throttled };
            }
            if self.pipe.is_none() {
                self.pipe = Some(pipes.take()?);
            }
            let Some(pipe) = &self.pipe else { break Stopped::Waits };
            match splice(from, pipe.into.as_fd(), most) {
                Ok(0) => self.has_ended = true,
                Ok(count) => {
                    self.held = count;
                    *budget -= count;
                    if let Some(left) = &mut share {
                        **left -= count;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Stopped::Waits,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        if self.held == 0
            && let Some(pipe) = self.pipe.take()
        {
            pipes.give_back(pipe);
        }
        Ok(stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    /// (inside, the relay's end of it), both ends not blocking.
    fn pair() -> (UnixStream, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        (ours, theirs)
    }

    fn pump(
        transfer: &mut Transfer,
        from: &UnixStream,
        to: &UnixStream,
        budget: usize,
        share: Option<usize>,
    ) -> Stopped {
        let (mut budget, mut share) = (budget, share);
        transfer.pump(from.as_fd(), to.as_fd(), &mut budget, share.as_mut(), &mut Pipes::default()).unwrap()
    }

    #[test]
    fn bytes_and_their_end_arrive() {
        let ((mut client, inner), (outer, mut upstream)) = (pair(), pair());
        client.write_all(b"hello").unwrap();
        drop(client);
        let mut transfer = Transfer::default();
        assert_eq!(pump(&mut transfer, &inner, &outer, 1 << 20, None), Stopped::Waits);
        let mut text = String::new();
        upstream.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), transfer.moved, transfer.is_over), ("hello", 5, true));
        assert!(transfer.pipe.is_none(), "nothing is on its way, so no pipe is held");
    }

    #[test]
    fn a_reader_that_does_not_read_stops_the_writer_and_loses_nothing() {
        let ((mut client, inner), (outer, mut upstream)) = (pair(), pair());
        let mut transfer = Transfer::default();
        let (mut sent, mut received) = (0_u64, 0_u64);
        loop {
            match client.write(&[7; 65536]) {
                Ok(count) => sent += count as u64,
                Err(_) if pump(&mut transfer, &inner, &outer, 1 << 30, None) == Stopped::Waits => {
                    let before = sent;
                    if let Ok(count) = client.write(&[7; 65536]) {
                        sent += count as u64;
                    }
                    if sent == before {
                        break;
                    }
                }
                Err(_) => {}
            }
        }
        drop(client);
        while !transfer.is_over {
            pump(&mut transfer, &inner, &outer, 1 << 30, None);
            let mut buffer = [0; 65536];
            while let Ok(count) = upstream.read(&mut buffer) {
                if count == 0 {
                    break;
                }
                received += count as u64;
            }
        }
        assert_eq!((received, transfer.moved), (sent, sent));
    }

    #[test]
    fn a_share_or_a_turn_that_is_used_up_is_told_apart() {
        let ((mut client, inner), (outer, _upstream)) = (pair(), pair());
        client.write_all(&[1; 1000]).unwrap();
        let mut transfer = Transfer::default();
        assert_eq!(pump(&mut transfer, &inner, &outer, 100, None), Stopped::Yields);
        assert_eq!(pump(&mut transfer, &inner, &outer, 1000, Some(100)), Stopped::Throttled);
        assert_eq!(transfer.moved, 200);
    }
}
