// SPDX-License-Identifier: Apache-2.0
//! Netlink: messages of nested attributes to the kernel, each answered by an acknowledgement.

use super::check;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

pub const ROUTE: i32 = libc::NETLINK_ROUTE;
pub const NETFILTER: i32 = libc::NETLINK_NETFILTER;

/// `NLM_F_REQUEST`, which every message has.
const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
pub const ACKNOWLEDGE: u16 = libc::NLM_F_ACK as u16;
pub const CREATE: u16 = libc::NLM_F_CREATE as u16;
pub const REPLACE: u16 = libc::NLM_F_REPLACE as u16;
pub const APPEND: u16 = libc::NLM_F_APPEND as u16;

const HEADER_BYTES: usize = 16;
const ALIGNMENT: usize = 4;
const NESTED: u16 = 1 << 15;
const ANSWER_BYTES: usize = 16 * 1024;

/// Messages that go to the kernel together.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// How many of them ask for an acknowledgement.
    expected: usize,
}

impl Batch {
    /// Appends a message: its fixed part, then the attributes that `fill` adds.
    pub fn message(&mut self, kind: u16, flags: u16, fixed: &[u8], fill: impl FnOnce(&mut Attributes<'_>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; HEADER_BYTES]);
        self.bytes.extend_from_slice(fixed);
        pad(&mut self.bytes);
        fill(&mut Attributes { bytes: &mut self.bytes });
        self.expected += usize::from(flags & ACKNOWLEDGE != 0);
        let length = (self.bytes.len() - start) as u32;
        let sequence = self.expected as u32;
        let header = &mut self.bytes[start..start + HEADER_BYTES];
        header[0..4].copy_from_slice(&length.to_ne_bytes());
        header[4..6].copy_from_slice(&kind.to_ne_bytes());
        header[6..8].copy_from_slice(&(flags | REQUEST).to_ne_bytes());
        header[8..12].copy_from_slice(&sequence.to_ne_bytes());
    }

    /// Sends them and waits for every acknowledgement; the first refusal is the error.
    pub fn send(self, protocol: i32) -> io::Result<()> {
        let socket = open(protocol)?;
        // SAFETY: the buffer is valid for the length given; the socket is ours.
        let sent =
            check(unsafe { libc::send(socket.as_raw_fd(), self.bytes.as_ptr().cast(), self.bytes.len(), 0) as i64 })?;
        if sent as usize != self.bytes.len() {
            return Err(io::Error::from(io::ErrorKind::WriteZero));
        }
        let mut missing = self.expected;
        let mut answer = vec![0; ANSWER_BYTES];
        while missing > 0 {
            // SAFETY: the buffer is valid for writing its whole length.
            let count =
                check(unsafe { libc::recv(socket.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0) as i64 })?;
            missing = missing.saturating_sub(acknowledgements(&answer[..count as usize])?);
        }
        Ok(())
    }
}

/// Counts the acknowledgements in what the kernel sent. An error in it is the result.
fn acknowledgements(mut bytes: &[u8]) -> io::Result<usize> {
    let mut count = 0;
    while bytes.len() >= HEADER_BYTES + 4 {
        let length = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        let kind = u16::from_ne_bytes([bytes[4], bytes[5]]);
        if kind == libc::NLMSG_ERROR as u16 {
            let code = i32::from_ne_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]);
            if code != 0 {
                return Err(io::Error::from_raw_os_error(-code));
            }
            count += 1;
        }
        let whole = length.next_multiple_of(ALIGNMENT).max(HEADER_BYTES);
        bytes = bytes.get(whole..).unwrap_or_default();
    }
    Ok(count)
}

/// Attributes of one message, or of one nest in it.
pub struct Attributes<'a> {
    bytes: &'a mut Vec<u8>,
}

impl Attributes<'_> {
    pub fn bytes(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let length = (4 + value.len()) as u16;
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        pad(self.bytes);
        self
    }

    /// A string with its closing NUL.
    pub fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        self.bytes(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// A number as netfilter has them: big endian.
    pub fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Attributes<'_>)) -> &mut Self {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        fill(&mut Attributes { bytes: self.bytes });
        let length = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.bytes[start + 2..start + 4].copy_from_slice(&(kind | NESTED).to_ne_bytes());
        self
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
}

fn open(protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers; the result is a fresh descriptor.
    let fd =
        check(i64::from(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol) }))?;
    // SAFETY: just returned by the kernel, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_nests_know_their_length() {
        let mut batch = Batch::default();
        batch.message(7, ACKNOWLEDGE, &[1, 2], |attributes| {
            attributes.nest(4, |inner| {
                inner.text(1, "lo");
            });
        });
        let nest = &batch.bytes[HEADER_BYTES + 4..];
        assert_eq!(nest, [12, 0, 4, 0x80, 7, 0, 1, 0, b'l', b'o', 0, 0]);
        assert_eq!(batch.bytes[0], (HEADER_BYTES + 4 + 12) as u8);
        assert_eq!(batch.expected, 1);
    }

    #[test]
    fn a_refusal_among_acknowledgements_is_the_result() {
        let mut answer = vec![0; 40];
        answer[0] = 20;
        answer[4] = libc::NLMSG_ERROR as u8;
        answer[20] = 20;
        answer[24] = libc::NLMSG_ERROR as u8;
        assert_eq!(acknowledgements(&answer).unwrap(), 2);
        answer[36..40].copy_from_slice(&(-libc::EPERM).to_ne_bytes());
        assert_eq!(acknowledgements(&answer).unwrap_err().raw_os_error(), Some(libc::EPERM));
    }
}
