//! Tones for tests and for `cordboard demo`: a phone that sends a sine of its own frequency, and a
//! detector that says which frequency arrives.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::g711::{Law, SAMPLE_RATE};

/// A sine at one frequency that goes on from call to call without a jump.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sine {
    hertz: f64,
    peak: f64,
    position: u64,
}

impl Sine {
    /// A tone of `hertz` (below 4,000) at about -10 dBm0.
    pub fn new(hertz: f64) -> Sine {
        Sine { hertz, peak: 10_000.0, position: 0 }
    }

    /// The next `samples` samples in G.711; 160 are a packet of 20 ms.
    pub fn next(&mut self, law: Law, samples: usize) -> Vec<u8> {
        (0..samples).map(|_| law.encode(self.sample())).collect()
    }

    fn sample(&mut self) -> i16 {
        let time = self.position as f64 / f64::from(SAMPLE_RATE);
        self.position += 1;
        (self.peak * (TAU * self.hertz * time).sin()) as i16
    }
}

/// The share of the sound's power that lies at `hertz`: 1 for a pure tone, near 0 for anything
/// else (Goertzel's algorithm). 0 for silence and for no samples.
///
/// The band is `8000 / samples` hertz wide: with 400 ms (3,200 samples) tones 10 Hz apart are told
/// apart.
pub fn share_at(hertz: f64, law: Law, audio: &[u8]) -> f64 {
    let coefficient = 2.0 * (TAU * hertz / f64::from(SAMPLE_RATE)).cos();
    let (mut before, mut last, mut power) = (0.0, 0.0, 0.0);
    for &byte in audio {
        let sample = f64::from(law.decode(byte));
        power += sample * sample;
        let next = sample + coefficient * last - before;
        before = last;
        last = next;
    }
    // Below this the loudest sample is smaller than the first steps of the law: silence.
    const SILENCE: f64 = 64.0 * 64.0;
    if power <= SILENCE * audio.len() as f64 {
        return 0.0;
    }
    let at = last * last + before * before - coefficient * last * before;
    (2.0 * at / (power * audio.len() as f64)).min(1.0)
}

/// Which of these frequencies the audio is: the one with the greatest share, if that is more than
/// half of the power.
pub fn detect(candidates: &[f64], law: Law, audio: &[u8]) -> Option<f64> {
    candidates
        .iter()
        .map(|&hertz| (hertz, share_at(hertz, law, audio)))
        .filter(|&(_, share)| share > 0.5)
        .max_by(|one, other| one.1.total_cmp(&other.1))
        .map(|(hertz, _)| hertz)
}

#[cfg(test)]
mod tests;
