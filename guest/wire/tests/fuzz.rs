// SPDX-License-Identifier: Apache-2.0
//! Random, mutated and cut input: no reader panics, grows without bound, or loses a good frame.
//! 10^4 inputs by default, 10^6 with ISOLA_LONG=1.

use isola_wire::{Frame, FrameReader, FrameType, HEADER_BYTES, MAX_PAYLOAD_BYTES, Mode, encode_frame};

/// xorshift64*: enough to vary inputs, and a failing seed can be run again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

fn inputs() -> u64 {
    if std::env::var_os("ISOLA_LONG").is_some() { 1_000_000 } else { 10_000 }
}

fn random_frame(random: &mut Random, epoch: u32) -> Frame {
    let frame_type = FrameType::from_byte(random.below(11) as u8 + 1).expect("types 1 to 11");
    let longest = if random.below(200) == 0 { 200_000 } else { 200 };
    let length = random.below(longest);
    Frame {
        epoch,
        frame_type,
        channel: random.below(4) as u8,
        flags: random.next() as u16,
        id: random.next() as u32,
        payload: random.bytes(length),
    }
}

fn feed(reader: &mut FrameReader, random: &mut Random, bytes: &[u8]) -> (Vec<Frame>, bool) {
    let mut frames = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = (random.below(rest.len()) + 1).min(rest.len());
        reader.push(&rest[..count]);
        rest = &rest[count..];
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => frames.push(frame.to_frame()),
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
        assert!(reader.room().len() <= 2 * (MAX_PAYLOAD_BYTES + HEADER_BYTES), "the buffer is bounded");
    }
    (frames, true)
}

#[test]
fn whole_frames_in_any_cut_come_out_as_they_went_in() {
    for seed in 1..=inputs() / 10 {
        let mut random = Random(seed);
        let sent: Vec<Frame> = (0..random.below(8)).map(|_| random_frame(&mut random, 9)).collect();
        let bytes: Vec<u8> = sent.iter().flat_map(encode_frame).collect();
        for mode in [Mode::Strict, Mode::Resync] {
            let mut reader = FrameReader::new(mode);
            reader.expect_epoch(9);
            assert_eq!(feed(&mut reader, &mut random, &bytes), (sent.clone(), true), "seed {seed}");
        }
    }
}

#[test]
fn malformed_input_never_breaks_a_reader() {
    for seed in 1..=inputs() {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut bytes = match random.below(3) {
            0 => {
                let length = random.below(300);
                random.bytes(length)
            }
            _ => encode_frame(&random_frame(&mut random, 9)),
        };
        for _ in 0..random.below(6) {
            if !bytes.is_empty() {
                let at = random.below(bytes.len().min(40));
                bytes[at] ^= 1 << random.below(8);
            }
        }
        bytes.truncate(random.below(bytes.len() + 1));
        for mode in [Mode::Strict, Mode::Resync] {
            let mut reader = FrameReader::new(mode);
            reader.expect_epoch(9);
            let (frames, survived) = feed(&mut reader, &mut random, &bytes);
            assert!(survived || mode == Mode::Strict, "resync never fails, seed {seed}");
            let foreign = frames.iter().any(|frame| frame.epoch != 9 && frame.frame_type != FrameType::Hello);
            assert!(!foreign, "a foreign frame came through, seed {seed}");
        }
    }
}

#[test]
fn a_resync_reader_finds_the_frame_behind_garbage() {
    for seed in 1..=inputs() / 10 {
        let mut random = Random(seed);
        let length = random.below(500);
        // No byte of the magic's first letter: what follows must not be swallowed by a chance header.
        let garbage: Vec<u8> = random.bytes(length).into_iter().filter(|byte| *byte != b'I').collect();
        let frame = random_frame(&mut random, 9);
        let half = encode_frame(&frame)[..HEADER_BYTES / 2].to_vec();
        let bytes: Vec<u8> = [garbage.clone(), half.clone(), encode_frame(&frame)].concat();
        let mut reader = FrameReader::new(Mode::Resync);
        reader.expect_epoch(9);
        let (frames, _) = feed(&mut reader, &mut random, &bytes);
        assert_eq!(frames, vec![frame], "seed {seed}");
        assert_eq!(reader.skipped_bytes(), (garbage.len() + half.len()) as u64, "seed {seed}");
    }
}
