// SPDX-License-Identifier: Apache-2.0

/// What a descriptor in the event loop stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Listener,
    Signals,
    Networks,
    Connection(u32),
    Seat(u32),
    Job(u32),
    /// The pid 1 of a sandbox that an earlier launcher started, by the number of its watch: pids are used again.
    Adopted(u32),
}

impl Token {
    pub fn encode(self) -> u64 {
        let (kind, number) = match self {
            Self::Listener => (0, 0),
            Self::Signals => (1, 0),
            Self::Networks => (2, 0),
            Self::Connection(number) => (3, number),
            Self::Seat(number) => (4, number),
            Self::Job(number) => (5, number),
            Self::Adopted(number) => (6, number),
        };
        kind << 32 | u64::from(number)
    }

    pub fn decode(value: u64) -> Option<Self> {
        let number = value as u32;
        Some(match value >> 32 {
            0 => Self::Listener,
            1 => Self::Signals,
            2 => Self::Networks,
            3 => Self::Connection(number),
            4 => Self::Seat(number),
            5 => Self::Job(number),
            6 => Self::Adopted(number),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_kernel() {
        let tokens =
            [Token::Listener, Token::Signals, Token::Networks, Token::Connection(7), Token::Seat(8), Token::Job(9)];
        for token in tokens.into_iter().chain([Token::Adopted(u32::MAX)]) {
            assert_eq!(Token::decode(token.encode()), Some(token));
        }
        assert_eq!(Token::decode(u64::MAX), None);
    }
}
