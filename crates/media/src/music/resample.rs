//! Any rate down to 8 kHz: a windowed sinc that interpolates and keeps out what 8 kHz cannot
//! carry, in one step.

use std::f64::consts::PI;

use crate::g711::SAMPLE_RATE;

/// Zero crossings of the sinc on either side: 3.4 kHz passes (-0.2 dB), from 4.2 kHz on everything
/// is 80 dB down.
const CROSSINGS: f64 = 24.0;
/// The cut-off as a share of half the outgoing rate.
const PASS: f64 = 0.92;

/// Samples at `rate` (8,000 to 48,000 Hz) as samples at 8 kHz. At 8 kHz nothing is changed.
pub(super) fn to_8k(samples: &[i16], rate: u32) -> Vec<i16> {
    if rate == SAMPLE_RATE {
        return samples.to_vec();
    }
    let step = f64::from(rate) / f64::from(SAMPLE_RATE);
    let count = samples.len() as u64 * u64::from(SAMPLE_RATE) / u64::from(rate);
    // Cut-off in cycles per incoming sample; the window is as wide as that many crossings.
    let cutoff = 0.5 * PASS / step;
    let half_width = CROSSINGS / (2.0 * cutoff);
    (0..count).map(|index| interpolate(samples, index as f64 * step, cutoff, half_width)).collect()
}

/// The low-passed signal at `position` (in incoming samples).
fn interpolate(samples: &[i16], position: f64, cutoff: f64, half_width: f64) -> i16 {
    let first = (position - half_width).ceil().max(0.0) as usize;
    let last = ((position + half_width).floor() as usize).min(samples.len().saturating_sub(1));
    let sum: f64 = (first..=last)
        .map(|index| {
            let distance = position - index as f64;
            f64::from(samples[index]) * sinc(2.0 * cutoff * distance) * window(distance / half_width)
        })
        .sum();
    (2.0 * cutoff * sum).round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Blackman, from 1 in the middle to 0 at both ends (-1 and 1).
fn window(x: f64) -> f64 {
    0.42 + 0.5 * (PI * x).cos() + 0.08 * (2.0 * PI * x).cos()
}
