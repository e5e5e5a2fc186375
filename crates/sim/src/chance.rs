//! Chance from a seed: everything random in a simulation is drawn here.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

/// A seeded source of chance, part of the state of whoever owns it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chance(ChaCha8Rng);

/// A length of time drawn anew each time, every value in between equally likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The shortest.
    pub least: Duration,
    /// The longest.
    pub most: Duration,
}

impl Span {
    /// Always the same.
    pub const fn exactly(duration: Duration) -> Span {
        Span { least: duration, most: duration }
    }

    /// Always so many seconds.
    pub const fn secs(secs: u64) -> Span {
        Span::exactly(Duration::from_secs(secs))
    }

    /// Always so many milliseconds.
    pub const fn millis(millis: u64) -> Span {
        Span::exactly(Duration::from_millis(millis))
    }

    /// Something between two numbers of milliseconds.
    pub const fn between_millis(least: u64, most: u64) -> Span {
        Span { least: Duration::from_millis(least), most: Duration::from_millis(most) }
    }
}

impl Chance {
    /// The chance that belongs to a seed.
    pub fn new(seed: u64) -> Chance {
        Chance(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Another source that depends on this one only by what it was drawn from.
    pub fn fork(&mut self) -> Chance {
        Chance::new(self.number())
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A seed for a machine that wants 32 octets.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// A number below `end`; 0 where `end` is 0. The bias is below 2^-32 for what is drawn here.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.number() % end }
    }

    /// True `per_mille` times in a thousand.
    pub fn happens(&mut self, per_mille: u16) -> bool {
        per_mille > 0 && self.below(1_000) < u64::from(per_mille)
    }

    /// One length out of a span.
    pub fn length(&mut self, span: Span) -> Duration {
        let range = span.most.saturating_sub(span.least).as_micros();
        let range = u64::try_from(range).unwrap_or(u64::MAX - 1);
        span.least + Duration::from_micros(self.below(range + 1))
    }
}
