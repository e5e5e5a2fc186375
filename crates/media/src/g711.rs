//! G.711 (ITU-T G.711, 11/1988): one byte for a 16-bit sample, in two laws.

use serde::{Deserialize, Serialize};

/// Samples in a second.
pub const SAMPLE_RATE: u32 = 8_000;

/// Which companding law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Law {
    /// µ-law, `PCMU`.
    Mu,
    /// A-law, `PCMA`.
    A,
}

/// Amounts added before µ-law segments are counted, in the 14-bit scale of the recommendation.
const MU_BIAS: i32 = 33;
/// The largest 14-bit magnitude that µ-law tells apart.
const MU_CLIP: i32 = 8_158;

impl Law {
    /// The byte for a sample: that of the nearest level in the sense of the recommendation's
    /// decision values.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => encode_mu(sample),
            Law::A => encode_a(sample),
        }
    }

    /// The sample that a byte stands for, in the 16-bit scale.
    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Law::Mu => MU_DECODED[usize::from(byte)],
            Law::A => A_DECODED[usize::from(byte)],
        }
    }

    /// The byte for silence.
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => 0xFF,
            Law::A => 0xD5,
        }
    }
}

const MU_DECODED: [i16; 256] = decoded(Law::Mu);
const A_DECODED: [i16; 256] = decoded(Law::A);

const fn decoded(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match law {
            Law::Mu => decode_mu(byte as u8),
            Law::A => decode_a(byte as u8),
        };
        byte += 1;
    }
    table
}

/// 14 bits: eight segments, each twice as wide as the one before, sixteen steps in each; bits are
/// sent inverted.
fn encode_mu(sample: i16) -> u8 {
    let value = i32::from(sample) >> 2;
    let sign: u8 = if value < 0 { 0x80 } else { 0 };
    // One's complement of negative values keeps -1 and 0 apart, as the sign bit does.
    let magnitude = if value < 0 { !value } else { value };
    let biased = magnitude.min(MU_CLIP) + MU_BIAS;
    let segment = (31 - biased.leading_zeros()) - 5;
    let step = (biased >> (segment + 1)) & 0x0F;
    !(sign | (segment as u8) << 4 | step as u8)
}

const fn decode_mu(byte: u8) -> i16 {
    let bits = !byte;
    let segment = (bits >> 4) & 0x07;
    let step = (bits & 0x0F) as i32;
    let magnitude = ((2 * step + MU_BIAS) << segment) - MU_BIAS;
    let value = (magnitude << 2) as i16;
    if bits & 0x80 != 0 { -value } else { value }
}

/// 12 bits are enough to find the step: the first two segments have the same width, the others double; even bits are inverted.
fn encode_a(sample: i16) -> u8 {
    let value = i32::from(sample) >> 4;
    let sign: u8 = if value < 0 { 0 } else { 0x80 };
    let magnitude = if value < 0 { !value } else { value };
    let (segment, step) = if magnitude < 16 {
        (0, magnitude)
    } else {
        let segment = (31 - magnitude.leading_zeros()) - 3;
        (segment, (magnitude >> (segment - 1)) & 0x0F)
    };
    (sign | (segment as u8) << 4 | step as u8) ^ 0x55
}

const fn decode_a(byte: u8) -> i16 {
    let bits = byte ^ 0x55;
    let segment = (bits >> 4) & 0x07;
    let step = (bits & 0x0F) as i32;
    let magnitude = if segment == 0 { 2 * step + 1 } else { (2 * step + 33) << (segment - 1) };
    let value = (magnitude << 3) as i16;
    if bits & 0x80 != 0 { value } else { -value }
}

#[cfg(test)]
mod tests;
