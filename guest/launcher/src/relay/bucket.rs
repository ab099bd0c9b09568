// SPDX-License-Identifier: Apache-2.0
use std::time::{Duration, Instant};

/// A share of bandwidth: what is not used gathers, up to a tenth of a second's worth.
#[derive(Debug)]
pub struct Bucket {
    bytes_per_second: u64,
    left: f64,
    filled: Instant,
}

/// So that even the smallest share moves a packet at a time.
const LEAST_BURST_BYTES: f64 = 16_384.0;

impl Bucket {
    pub fn new(bytes_per_second: u64, now: Instant) -> Self {
        let mut bucket = Self { bytes_per_second, left: 0.0, filled: now };
        bucket.left = bucket.burst();
        bucket
    }

    fn burst(&self) -> f64 {
        (self.bytes_per_second as f64 / 10.0).max(LEAST_BURST_BYTES)
    }

    /// How much may move now.
    pub fn available(&mut self, now: Instant) -> usize {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + elapsed * self.bytes_per_second as f64).min(self.burst());
        self.filled = now;
        self.left.max(0.0) as usize
    }

    pub fn spend(&mut self, bytes: usize) {
        self.left -= bytes as f64;
    }

    /// When a useful amount will be there again.
    pub fn pause(&self) -> Duration {
        let missing = (self.burst() / 2.0 - self.left).max(1.0);
        Duration::from_secs_f64((missing / self.bytes_per_second as f64).clamp(0.001, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_a_second_it_gives_what_was_promised_and_no_more_than_a_burst_above() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1_000_000, start);
        let mut moved = 0;
        for step in 0..=1000 {
            let available = bucket.available(start + Duration::from_millis(step));
            bucket.spend(available);
            moved += available;
        }
        assert!((1_000_000..=1_100_000).contains(&moved), "{moved}");
    }

    #[test]
    fn an_empty_bucket_pauses_until_there_is_something() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1024, start);
        let available = bucket.available(start);
        bucket.spend(available);
        assert_eq!(bucket.available(start), 0);
        assert!(bucket.available(start + bucket.pause()) > 0);
    }
}
