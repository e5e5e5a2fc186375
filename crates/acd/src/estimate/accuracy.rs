//! How far estimates were off: each answer is compared with what was estimated at entry.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Promise;
use super::decay::{Count, Sum, Weight};

/// [`super::Estimate::at_most`] is to hold for this share, in millionths.
const COVERAGE: u32 = 900_000;
/// How fast the width follows: the change by one answer, in millionths of a standard deviation, is this times the
/// distance from [`COVERAGE`].
const WIDTH_STEP: u32 = 100_000;
/// The width at first: nine tenths of a normal distribution lie below so many standard deviations.
const WIDTH_AT_FIRST: u32 = 1_281_552;
/// Between these the width stays.
const WIDTH_MIN: u32 = 100_000;
const WIDTH_MAX: u32 = 10_000_000;
/// Errors count as at most this, so that one forgotten caller does not fill the sums: four hours.
const ERROR_MAX_MILLIS: u64 = 4 * 3_600_000;
/// How far off the estimates of the recent past were: of those interactions that had to wait and were answered, each
/// compared with its estimate at entry. The older the less, by the half-life of the rules.
///
/// Who gave up is not in it, because nobody knows how long the wait would have been. Where many give up, those who
/// stayed are those who waited less than estimated, and `bias` is above zero although the estimates are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Accuracy {
    /// Interactions behind the figures. All others are zero where this is.
    pub sample: u32,
    /// Mean wait of these, ringing included.
    pub mean_wait: Duration,
    /// Mean of estimate minus wait, in microseconds: above zero, people waited less than estimated.
    pub bias_micros: i64,
    /// Mean of the distance between estimate and wait.
    pub mean_absolute: Duration,
    /// Root of the mean square of the distance.
    pub root_mean_square: Duration,
    /// `root_mean_square` by `mean_wait`, in millionths. 1,000,000 is what the exact mean has for the first in line
    /// of an empty queue; the longer the line, the smaller it can be.
    pub relative_millionths: u32,
    /// Share of waits of at most [`super::Estimate::at_most`], in millionths; to be 900,000.
    pub covered_millionths: u32,
}

/// The running comparison: plain sums, so that it is state like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Comparison {
    given: Count,
    covered: Count,
    /// Milliseconds.
    wait: Sum,
    above: Sum,
    below: Sum,
    /// Square milliseconds.
    square: Sum,
    /// Of those for whom both methods had a number.
    both: Count,
    both_wait: Sum,
    queue_length_square: Sum,
    head_of_line_square: Sum,
    /// Of the mean of both errors.
    mean_square: Sum,
    /// In millionths of a standard deviation.
    width: u32,
}

impl Comparison {
    pub(super) fn new() -> Comparison {
        Comparison {
            given: Count::default(),
            covered: Count::default(),
            wait: Sum::default(),
            above: Sum::default(),
            below: Sum::default(),
            square: Sum::default(),
            both: Count::default(),
            both_wait: Sum::default(),
            queue_length_square: Sum::default(),
            head_of_line_square: Sum::default(),
            mean_square: Sum::default(),
            width: WIDTH_AT_FIRST,
        }
    }

    pub(super) fn fade(&mut self, weight: Weight) {
        for count in [&mut self.given, &mut self.covered, &mut self.both] {
            count.fade(weight);
        }
        for sum in [
            &mut self.wait,
            &mut self.above,
            &mut self.below,
            &mut self.square,
            &mut self.both_wait,
            &mut self.queue_length_square,
            &mut self.head_of_line_square,
            &mut self.mean_square,
        ] {
            sum.fade(weight);
        }
    }

    /// An interaction that had to wait was answered after so many milliseconds.
    pub(super) fn compare(&mut self, promise: &Promise, wait: u64) {
        if let Some(estimate) = promise.wait() {
            let error = wait.abs_diff(estimate).min(ERROR_MAX_MILLIS);
            self.given.add();
            self.wait.add(wait);
            if estimate > wait {
                self.above.add(error);
            } else {
                self.below.add(error);
            }
            self.square.add(error * error);
            if wait <= promise.at_most() {
                self.covered.add();
                self.width = self.width.saturating_sub(share_of(WIDTH_STEP, 1_000_000 - COVERAGE));
            } else {
                self.width = self.width.saturating_add(share_of(WIDTH_STEP, COVERAGE));
            }
            self.width = self.width.clamp(WIDTH_MIN, WIDTH_MAX);
        }
        if let (Some(length), Some(head)) = (promise.queue_length(), promise.head_of_line()) {
            let square = |estimate: u64| wait.abs_diff(estimate).min(ERROR_MAX_MILLIS).pow(2);
            self.both.add();
            self.both_wait.add(wait);
            self.queue_length_square.add(square(length));
            self.head_of_line_square.add(square(head));
            self.mean_square.add(square((length + head) / 2));
        }
    }

    /// The share of the queue-length estimate in the combination that would have had the smallest mean square error
    /// of late (Bates and Granger 1969, "The combination of forecasts"), held between 0 and 1. `prior` is the share
    /// before anything is known; it counts as much as `prior_samples` interactions.
    pub(super) fn share(&self, prior: f64, prior_samples: u32) -> f64 {
        let (length, head) = (self.queue_length_square.number(), self.head_of_line_square.number());
        let product = (4.0 * self.mean_square.number() - length - head) / 2.0;
        let distance = length + head - 2.0 * product;
        let best = if distance > 0.0 { ((head - product) / distance).clamp(0.0, 1.0) } else { prior };
        let (known, assumed) = (self.both.number(), f64::from(prior_samples));
        (known * best + assumed * prior) / (known + assumed)
    }

    /// Standard deviations between an estimate and what nine of ten do not exceed.
    pub(super) fn width(&self) -> f64 {
        f64::from(self.width) / 1e6
    }

    /// The mean square error of the head-of-line estimate by the mean wait, in milliseconds: the error of waits grows
    /// like their root.
    pub(super) fn head_of_line_dispersion(&self, samples_min: u32) -> Option<f64> {
        let wait = self.both_wait.number();
        (self.both.whole() >= samples_min && wait > 0.0).then(|| self.head_of_line_square.number() / wait)
    }

    pub(super) fn accuracy(&self) -> Accuracy {
        let sample = self.given.whole();
        let mean = |sum: Sum| sum.mean(self.given).unwrap_or(0.0);
        if sample == 0 {
            return Accuracy::default();
        }
        let millis = |value: f64| Duration::from_micros((value * 1_000.0) as u64);
        // IEEE 754 rounds square roots exactly, so this is the same on every machine, too.
        let root = mean(self.square).sqrt();
        let wait = mean(self.wait);
        Accuracy {
            sample,
            mean_wait: millis(wait),
            bias_micros: ((mean(self.above) - mean(self.below)) * 1_000.0) as i64,
            mean_absolute: millis(mean(self.above) + mean(self.below)),
            root_mean_square: millis(root),
            relative_millionths: if wait > 0.0 { (root / wait * 1e6) as u32 } else { 0 },
            covered_millionths: (self.covered.number() / self.given.number() * 1e6) as u32,
        }
    }
}

fn share_of(step: u32, share: u32) -> u32 {
    (u64::from(step) * u64::from(share) / 1_000_000) as u32
}
