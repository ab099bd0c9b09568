// SPDX-License-Identifier: Apache-2.0

/// What a descriptor in the relay's loop stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The launcher, which brings entrances and takes them away.
    Launcher,
    Listener,
    Control(u32),
    Ipv4(u32),
    Ipv6(u32),
    Resolver(u32),
    /// The end of a connection that leads inside.
    Inner(u32),
    Outer(u32),
}

impl Token {
    pub fn encode(self) -> u64 {
        let (kind, number) = match self {
            Self::Launcher => (0, 0),
            Self::Listener => (1, 0),
            Self::Control(number) => (2, number),
            Self::Ipv4(number) => (3, number),
            Self::Ipv6(number) => (4, number),
            Self::Resolver(number) => (5, number),
            Self::Inner(number) => (6, number),
            Self::Outer(number) => (7, number),
        };
        kind << 32 | u64::from(number)
    }

    pub fn decode(value: u64) -> Option<Self> {
        let number = value as u32;
        Some(match value >> 32 {
            0 => Self::Launcher,
            1 => Self::Listener,
            2 => Self::Control(number),
            3 => Self::Ipv4(number),
            4 => Self::Ipv6(number),
            5 => Self::Resolver(number),
            6 => Self::Inner(number),
            7 => Self::Outer(number),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_kernel() {
        let tokens = [Token::Launcher, Token::Listener, Token::Control(1), Token::Ipv4(2), Token::Ipv6(3)];
        for token in tokens.into_iter().chain([Token::Resolver(4), Token::Inner(u32::MAX), Token::Outer(6)]) {
            assert_eq!(Token::decode(token.encode()), Some(token));
        }
        assert_eq!(Token::decode(u64::MAX), None);
    }
}
