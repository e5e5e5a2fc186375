//! From replications to figures with confidence intervals.
//!
//! Replications are independent, so means over them have a Student interval: mean ± t(1 − α/2, n − 1) · s / √n. A
//! ratio is the ratio of the sums of its terms (not the mean of daily ratios, which would weigh a quiet day like a
//! busy one), and its interval comes from the delta method: the variance of `numerator − ratio × denominator` over
//! the replications, divided by the square of the mean denominator and by n. Law, *Simulation Modeling and
//! Analysis*, sections 4.5 and 9.4; Asmussen and Glynn, *Stochastic Simulation*, section III.3.

use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::measure::{Measure, Ratio, Scope};

/// The confidence that reports use unless asked otherwise.
pub const LEVEL: f64 = 0.95;

/// A figure and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure.
    pub mean: f64,
    /// Its standard error. Infinite where there was one replication.
    pub standard_error: f64,
    /// Replications in it.
    pub replications: u32,
}

/// From, to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies in it, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether two have a value in common.
    pub fn overlaps(self, other: Interval) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

impl Estimate {
    /// The confidence interval at a level between 0 and 1, such as [`LEVEL`].
    pub fn interval(self, level: f64) -> Interval {
        let degrees = self.replications.saturating_sub(1);
        let half = if degrees == 0 {
            f64::INFINITY
        } else {
            student_quantile(f64::midpoint(1.0, level), degrees) * self.standard_error
        };
        Interval { low: self.mean - half, high: self.mean + half }
    }
}

/// The figure that a measure gives over these days. `None` where there is nothing to divide by (nobody came) or
/// there are no days.
pub fn estimate(days: &[Day], scope: Scope, measure: Measure) -> Option<Estimate> {
    ratio(days.iter().map(|day| measure.ratio(&scope.tally(day), scope.seconds(day))))
}

/// The estimate of any ratio, from its terms in each replication; of a mean, with denominators of 1.
pub fn ratio(replications: impl Iterator<Item = Ratio>) -> Option<Estimate> {
    let terms: Vec<Ratio> = replications.collect();
    let n = terms.len() as f64;
    let numerator = terms.iter().map(|term| term.numerator).sum::<f64>() / n;
    let denominator = terms.iter().map(|term| term.denominator).sum::<f64>() / n;
    if terms.is_empty() || denominator == 0.0 {
        return None;
    }
    let mean = numerator / denominator;
    let squares: f64 = terms.iter().map(|term| (term.numerator - mean * term.denominator).powi(2)).sum();
    let standard_error =
        if terms.len() < 2 { f64::INFINITY } else { (squares / (n - 1.0) / n).sqrt() / denominator.abs() };
    Some(Estimate { mean, standard_error, replications: u32::try_from(terms.len()).unwrap_or(u32::MAX) })
}

/// The estimate of `other − one` for two models that were played with the same seeds: the replications are paired,
/// so what both have in common (the same customers) cancels. For ratios each pair of replications gives
/// `numerator − ratio × denominator` of either side, as in [`ratio`].
///
/// `None` where either side is, or where the numbers of replications differ.
pub fn difference(one: impl Iterator<Item = Ratio>, other: impl Iterator<Item = Ratio>) -> Option<Estimate> {
    let (one, other): (Vec<Ratio>, Vec<Ratio>) = (one.collect(), other.collect());
    if one.len() != other.len() {
        return None;
    }
    let n = one.len() as f64;
    let (first, second) = (ratio(one.iter().copied())?, ratio(other.iter().copied())?);
    let mean_denominator = |terms: &[Ratio]| terms.iter().map(|term| term.denominator).sum::<f64>() / n;
    let (below_first, below_second) = (mean_denominator(&one), mean_denominator(&other));
    let squares: f64 = one
        .iter()
        .zip(&other)
        .map(|(a, b)| {
            let error_a = (a.numerator - first.mean * a.denominator) / below_first;
            let error_b = (b.numerator - second.mean * b.denominator) / below_second;
            (error_b - error_a).powi(2)
        })
        .sum();
    let standard_error = if one.len() < 2 { f64::INFINITY } else { (squares / (n - 1.0) / n).sqrt() };
    Some(Estimate { mean: second.mean - first.mean, standard_error, replications: first.replications })
}

/// The quantile of Student's t distribution: the value that is not exceeded with this probability (between 0 and
/// 1, both excluded). By bisection of the distribution function (the regularised incomplete beta function).
pub fn student_quantile(probability: f64, degrees: u32) -> f64 {
    let (mut low, mut high) = (-1e6, 1e6);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if student_distribution(middle, f64::from(degrees)) < probability {
            low = middle;
        } else {
            high = middle;
        }
        if high - low < 1e-12 {
            break;
        }
    }
    f64::midpoint(low, high)
}

fn student_distribution(t: f64, degrees: f64) -> f64 {
    let tail = 0.5 * incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t));
    if t < 0.0 { tail } else { 1.0 - tail }
}

/// The regularised incomplete beta function by its continued fraction (DLMF 8.17.22), evaluated by Lentz's method.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean only; above, the symmetric one does.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = libm::exp(
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x),
    );
    front / a * beta_fraction(a, b, x)
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..=500 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for coefficient in [even, odd] {
            d = 1.0 / guard(1.0 + coefficient * d);
            c = guard(1.0 + coefficient / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_printed_tables() {
        // Any table of Student's t.
        for (probability, degrees, printed) in [
            (0.975, 1, 12.706),
            (0.975, 4, 2.776),
            (0.975, 29, 2.045),
            (0.995, 29, 2.756),
            (0.95, 999, 1.646),
            (0.995, 5, 4.032),
        ] {
            let quantile = student_quantile(probability, degrees);
            assert!((quantile - printed).abs() < 5e-4, "{probability} {degrees}: {quantile}");
            assert!((student_quantile(1.0 - probability, degrees) + quantile).abs() < 1e-9);
        }
    }

    #[test]
    fn a_mean_has_the_interval_of_the_textbook() {
        let values = [1.20, 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09];
        let figure = ratio(values.iter().map(|&numerator| Ratio { numerator, denominator: 1.0 })).unwrap();
        // Law, *Simulation Modeling and Analysis*, example 4.26: 1.34 ± 0.24 at 90 %.
        let interval = figure.interval(0.90);
        assert!((figure.mean - 1.343).abs() < 1e-9, "{figure:?}");
        assert!((interval.high - figure.mean - 0.24).abs() < 0.005, "{interval:?}");
    }

    #[test]
    fn a_ratio_weighs_days_by_their_customers() {
        let days =
            [Ratio { numerator: 10.0, denominator: 10.0 }, Ratio { numerator: 0.0, denominator: 90.0 }];
        assert!((ratio(days.into_iter()).unwrap().mean - 0.1).abs() < 1e-12);
        assert_eq!(ratio([Ratio { numerator: 0.0, denominator: 0.0 }].into_iter()), None);
        assert_eq!(ratio(std::iter::empty()), None);
    }

    #[test]
    fn what_two_models_have_in_common_cancels_in_their_difference() {
        let of = |value: f64| Ratio { numerator: value, denominator: 1.0 };
        let noise = [3.0, -1.0, 7.0, 2.0];
        let figure = difference(noise.iter().map(|&n| of(n)), noise.iter().map(|&n| of(n + 0.5))).unwrap();
        assert!((figure.mean - 0.5).abs() < 1e-12 && figure.standard_error < 1e-12, "{figure:?}");
        assert_eq!(difference(noise.iter().map(|&n| of(n)), std::iter::once(of(1.0))), None);
    }
}
