//! What we play: immutable G.711 audio in both laws, encoded once and shared by all who hear it.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::g711::Law;

mod resample;
mod tune;
mod wav;

/// Samples in a packet of 20 ms, and bytes in G.711.
pub const FRAME: usize = 160;

/// Names a piece of music; given by the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MusicId(pub u32);

/// A loop of whole 20 ms frames, at least one.
#[derive(Clone, PartialEq, Eq)]
pub struct Music {
    mu: Bytes,
    a: Bytes,
}

/// Why a file cannot be played. The file is to blame; a retry without another file is useless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MusicError {
    /// Not a RIFF WAVE file, or a broken one; what the reader said.
    NotWave(String),
    /// Not 8 or 16 bit PCM integers (bits).
    Bits(u16),
    /// Floating point samples.
    Float,
    /// Neither one nor two channels.
    Channels(u16),
    /// Sample rate outside 8,000 to 48,000 Hz.
    SampleRate(u32),
    /// No sound in it.
    Empty,
    /// Longer than [`LONGEST_SECONDS`].
    TooLong,
}

/// Longest music that is taken: each second costs 16 kB of memory.
pub const LONGEST_SECONDS: u32 = 3_600;

impl fmt::Display for MusicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MusicError::NotWave(why) => write!(f, "not a WAV file that can be read: {why}"),
            MusicError::Bits(bits) => write!(f, "{bits} bits a sample; only 8 and 16 bit PCM are read"),
            MusicError::Float => f.write_str("floating point samples; only 8 and 16 bit PCM are read"),
            MusicError::Channels(channels) => write!(f, "{channels} channels; only 1 and 2 are read"),
            MusicError::SampleRate(rate) => write!(f, "{rate} Hz; only 8000 to 48000 Hz are read"),
            MusicError::Empty => f.write_str("the file has no sound"),
            MusicError::TooLong => write!(f, "longer than {LONGEST_SECONDS} seconds"),
        }
    }
}

impl std::error::Error for MusicError {}

impl Music {
    /// From samples at 8 kHz; the last frame is filled up with silence. `None` without samples.
    pub fn from_samples(samples: &[i16]) -> Option<Music> {
        if samples.is_empty() {
            return None;
        }
        let length = samples.len().next_multiple_of(FRAME);
        let encoded = |law: Law| {
            let mut bytes: Vec<u8> = samples.iter().map(|&sample| law.encode(sample)).collect();
            bytes.resize(length, law.silence());
            Bytes::from(bytes)
        };
        Some(Music { mu: encoded(Law::Mu), a: encoded(Law::A) })
    }

    /// From a WAV file's bytes: 8 or 16 bit PCM, mono or stereo (mixed down), 8 to 48 kHz.
    pub fn from_wav(file: &[u8]) -> Result<Music, MusicError> {
        let (samples, rate) = wav::read(file)?;
        Music::from_samples(&resample::to_8k(&samples, rate)).ok_or(MusicError::Empty)
    }

    /// The default: a soft tune of our own, the same at every call.
    pub fn generated() -> Music {
        Music::from_samples(&tune::samples()).expect("the tune has samples")
    }

    /// How many frames until it begins again; at least 1.
    pub fn frames(&self) -> usize {
        self.mu.len() / FRAME
    }

    /// One frame of [`FRAME`] bytes; the number wraps around.
    pub fn frame(&self, law: Law, number: usize) -> &[u8] {
        let start = number % self.frames() * FRAME;
        let bytes = match law {
            Law::Mu => &self.mu,
            Law::A => &self.a,
        };
        &bytes[start..start + FRAME]
    }
}

impl fmt::Debug for Music {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Music").field("frames", &self.frames()).finish()
    }
}

#[cfg(test)]
mod tests;
