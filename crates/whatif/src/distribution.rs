//! How long things last.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::draws::Draws;

/// A distribution of times, all of them zero or more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Distribution {
    /// Always the same.
    Constant(Duration),
    /// Memoryless.
    Exponential {
        /// Its mean.
        mean: Duration,
    },
    /// Every time between two as likely.
    Uniform {
        /// The shortest.
        from: Duration,
        /// The longest.
        to: Duration,
    },
    /// Rising to a most likely time, falling to the longest.
    Triangular {
        /// The shortest.
        from: Duration,
        /// The most likely.
        mode: Duration,
        /// The longest.
        to: Duration,
    },
    /// Its logarithm is normal: the usual shape of handling times.
    Lognormal {
        /// The mean of the time itself, not of its logarithm. More than zero.
        mean: Duration,
        /// The standard deviation of the time itself.
        deviation: Duration,
    },
    /// Gamma.
    Gamma {
        /// Its mean.
        mean: Duration,
        /// Its shape: 1 is exponential, more is narrower. More than zero.
        shape: f64,
    },
    /// One of these, each as likely: a measured sample.
    Empirical(Vec<Duration>),
    /// The n-th customer has the n-th of these, and after the last it begins anew: a recorded day played again.
    Recorded(Vec<Duration>),
    /// One of two: some customers hang up at once, the others are patient.
    Either {
        /// The probability of `first`, 0 to 1.
        share: f64,
        /// With that probability.
        first: Box<Distribution>,
        /// Otherwise.
        other: Box<Distribution>,
    },
}

impl Distribution {
    /// Always the same.
    pub fn constant(time: Duration) -> Distribution {
        Distribution::Constant(time)
    }

    /// Memoryless with this mean.
    pub fn exponential(mean: Duration) -> Distribution {
        Distribution::Exponential { mean }
    }

    /// One time of it, rounded to whole microseconds.
    pub fn draw(&self, draws: &mut Draws) -> Duration {
        match self {
            Distribution::Constant(time) => *time,
            Distribution::Exponential { mean } => seconds(mean.as_secs_f64() * draws.exponential()),
            Distribution::Uniform { from, to } => {
                let (from, to) = (from.as_secs_f64(), to.as_secs_f64());
                seconds(from + (to - from) * draws.uniform())
            }
            Distribution::Triangular { from, mode, to } => {
                seconds(triangular(from.as_secs_f64(), mode.as_secs_f64(), to.as_secs_f64(), draws.uniform()))
            }
            Distribution::Lognormal { mean, deviation } => {
                let (mean, deviation) = (mean.as_secs_f64(), deviation.as_secs_f64());
                let variance = libm::log1p(deviation * deviation / (mean * mean));
                let location = libm::log(mean) - variance / 2.0;
                seconds(libm::exp(location + variance.sqrt() * draws.normal()))
            }
            Distribution::Gamma { mean, shape } => seconds(mean.as_secs_f64() / shape * draws.gamma(*shape)),
            Distribution::Empirical(sample) => {
                // Multiply and shift: which of the sample, without a division.
                let which = (u128::from(draws.bits()) * sample.len() as u128) >> 64;
                sample[usize::try_from(which).expect("less than the length of the sample")]
            }
            Distribution::Recorded(times) => times[draws.number() as usize % times.len()],
            Distribution::Either { share, first, other } => {
                if draws.uniform() < *share {
                    first.draw(draws)
                } else {
                    other.draw(draws)
                }
            }
        }
    }

    /// Its mean.
    pub fn mean(&self) -> Duration {
        match self {
            Distribution::Constant(time) => *time,
            Distribution::Exponential { mean }
            | Distribution::Lognormal { mean, .. }
            | Distribution::Gamma { mean, .. } => *mean,
            Distribution::Uniform { from, to } => (*from + *to) / 2,
            Distribution::Triangular { from, mode, to } => (*from + *mode + *to) / 3,
            Distribution::Empirical(sample) | Distribution::Recorded(sample) => {
                let all: Duration = sample.iter().sum();
                all / u32::try_from(sample.len().max(1)).unwrap_or(u32::MAX)
            }
            Distribution::Either { share, first, other } => {
                seconds(share * first.mean().as_secs_f64() + (1.0 - share) * other.mean().as_secs_f64())
            }
        }
    }

    /// What is wrong with it, in words; `None` where it can be drawn from.
    pub fn fault(&self) -> Option<&'static str> {
        match self {
            Distribution::Constant(_) | Distribution::Exponential { .. } => None,
            Distribution::Uniform { from, to } => (from > to).then_some("the shortest is above the longest"),
            Distribution::Triangular { from, mode, to } => (from > mode || mode > to)
                .then_some("the most likely is not between the shortest and the longest"),
            Distribution::Lognormal { mean, .. } => {
                mean.is_zero().then_some("the mean must be more than zero")
            }
            Distribution::Gamma { shape, .. } => {
                (!shape.is_finite() || *shape <= 0.0).then_some("the shape must be more than zero")
            }
            Distribution::Empirical(sample) | Distribution::Recorded(sample) => {
                sample.is_empty().then_some("the sample is empty")
            }
            Distribution::Either { share, first, other } => {
                if !(0.0..=1.0).contains(share) {
                    return Some("the share must be between 0 and 1");
                }
                first.fault().or_else(|| other.fault())
            }
        }
    }
}

/// The inverse of the triangular distribution function.
fn triangular(from: f64, mode: f64, to: f64, uniform: f64) -> f64 {
    let width = to - from;
    if width == 0.0 {
        return from;
    }
    if uniform < (mode - from) / width {
        from + (uniform * width * (mode - from)).sqrt()
    } else {
        to - ((1.0 - uniform) * width * (to - mode)).sqrt()
    }
}

/// The longest time that is drawn: what is longer is cut to a hundred years, so that sums stay finite.
const LONGEST: f64 = 100.0 * 365.0 * 86_400.0;

/// Whole microseconds.
fn seconds(seconds: f64) -> Duration {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to the range before")]
    let micros = (seconds.clamp(0.0, LONGEST) * 1e6).round() as u64;
    Duration::from_micros(micros)
}

/// A distribution that may depend on when a customer arrived: each holds from its time until the next one's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Law {
    /// From when, since the start of the day; rising, the first at zero.
    pub from: Vec<(Duration, Distribution)>,
}

impl Law {
    /// The same all day.
    pub fn same(distribution: Distribution) -> Law {
        Law { from: vec![(Duration::ZERO, distribution)] }
    }

    /// What holds for who arrived at this time of the day.
    pub fn at(&self, arrived: Duration) -> &Distribution {
        match self.from.as_slice() {
            [(_, only)] => only,
            pieces => {
                let after = pieces.partition_point(|&(from, _)| from <= arrived);
                &pieces[after.saturating_sub(1)].1
            }
        }
    }

    /// What is wrong with it, in words.
    pub fn fault(&self) -> Option<&'static str> {
        match self.from.first() {
            None => return Some("there is no distribution"),
            Some((start, _)) if !start.is_zero() => return Some("the first distribution must hold from 0"),
            Some(_) => {}
        }
        if self.from.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Some("the times from which distributions hold must rise");
        }
        self.from.iter().find_map(|(_, distribution)| distribution.fault())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Purpose;

    fn mean_and_deviation(distribution: &Distribution) -> (f64, f64) {
        const CUSTOMERS: u32 = 100_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for number in 0..CUSTOMERS {
            let time = distribution.draw(&mut Draws::new(3, 0, 0, number, Purpose::Handling, 0));
            sum += time.as_secs_f64();
            squares += time.as_secs_f64() * time.as_secs_f64();
        }
        let mean = sum / f64::from(CUSTOMERS);
        (mean, (squares / f64::from(CUSTOMERS) - mean * mean).sqrt())
    }

    #[test]
    fn drawn_times_have_the_mean_that_the_distribution_states() {
        let seconds = Duration::from_secs;
        let distributions = [
            Distribution::Constant(seconds(7)),
            Distribution::exponential(seconds(180)),
            Distribution::Uniform { from: seconds(180), to: seconds(420) },
            Distribution::Triangular { from: seconds(30), mode: seconds(60), to: seconds(300) },
            Distribution::Lognormal { mean: seconds(177), deviation: seconds(217) },
            Distribution::Gamma { mean: seconds(100), shape: 0.755 },
            Distribution::Empirical(vec![seconds(1), seconds(2), seconds(6)]),
            Distribution::Either {
                share: 0.25,
                first: Box::new(Distribution::Constant(Duration::ZERO)),
                other: Box::new(Distribution::exponential(seconds(60))),
            },
        ];
        for distribution in distributions {
            let (mean, deviation) = mean_and_deviation(&distribution);
            let stated = distribution.mean().as_secs_f64();
            let error = 5.0 * deviation / 100_000f64.sqrt();
            assert!((mean - stated).abs() <= error + 1e-6, "{distribution:?}: {mean} is not {stated}");
        }
    }

    #[test]
    fn the_deviation_of_a_lognormal_is_that_of_the_time_itself() {
        let distribution =
            Distribution::Lognormal { mean: Duration::from_secs(177), deviation: Duration::from_secs(217) };
        let (_, deviation) = mean_and_deviation(&distribution);
        assert!((deviation / 217.0 - 1.0).abs() < 0.05, "{deviation}");
    }

    #[test]
    fn a_law_is_that_of_the_period_of_arrival() {
        let constant = |seconds| Distribution::Constant(Duration::from_secs(seconds));
        let law =
            Law { from: vec![(Duration::ZERO, constant(1)), (Duration::from_secs(3_600), constant(2))] };
        assert_eq!(law.at(Duration::from_secs(3_599)), &constant(1));
        assert_eq!(law.at(Duration::from_secs(3_600)), &constant(2));
        assert_eq!(law.at(Duration::from_secs(90_000)), &constant(2));
        assert_eq!(law.fault(), None);
        let late = Law { from: vec![(Duration::from_secs(1), constant(1))] };
        assert_eq!(late.fault(), Some("the first distribution must hold from 0"));
    }
}
