// SPDX-License-Identifier: Apache-2.0

pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[digit as usize] as char).collect()
}

/// Exactly `N` bytes from lower- or upper-case hex; None for anything else.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    from_hex_bytes(text)?.try_into().ok()
}

/// However many bytes there are; None for what is not hex.
pub fn from_hex_bytes(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let &[high, low] = pair else { return None };
            let digit = |byte: u8| (byte as char).to_digit(16);
            Some((digit(high)? << 4 | digit(low)?) as u8)
        })
        .collect()
}
