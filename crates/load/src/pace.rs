//! When calls begin: an open loop.

use std::time::Duration;

use whatif::{Draws, Purpose};

/// How often calls begin, and how regularly.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// How regularly.
    pub spacing: Spacing,
    /// Calls a second at some moments, `at` rising; between two the rate changes evenly, before the first and after the
    /// last it stays. Two at the same moment are a step. Never empty.
    pub points: Vec<Point>,
}

/// A rate at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Since the beginning.
    pub at: Duration,
    /// Calls a second, zero or more.
    pub per_second: f64,
}

/// How regularly calls begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// As people call who know nothing of each other.
    Poisson,
    /// At equal distances.
    Even,
}

impl Pace {
    /// Always the same rate.
    pub fn constant(spacing: Spacing, per_second: f64) -> Pace {
        Pace { spacing, points: vec![Point { at: Duration::ZERO, per_second }] }
    }

    /// The highest rate.
    pub fn peak(&self) -> f64 {
        self.points.iter().map(|point| point.per_second).fold(0.0, f64::max)
    }

    /// The moments at which calls begin, as seconds since the beginning, without an end.
    pub(crate) fn schedule(&self, seed: u64, profile: u32) -> Schedule {
        Schedule { pace: self.clone(), seed, profile, number: 0, segment: 0, at: 0.0 }
    }
}

/// Where a [`Pace`] has come to.
///
/// The expected number of calls grows with the area under the rate; a call begins where that area has grown by one more
/// (even) or by an exponentially distributed piece of mean 1 (Poisson).
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pace: Pace,
    seed: u64,
    profile: u32,
    number: u32,
    /// How many points lie behind.
    segment: usize,
    /// Seconds since the beginning.
    at: f64,
}

impl Schedule {
    /// The moment of the next call; none where the rate is zero for ever.
    pub(crate) fn next(&mut self) -> Option<f64> {
        let mut area = match self.pace.spacing {
            Spacing::Even => 1.0,
            Spacing::Poisson => {
                Draws::new(self.seed, 0, self.profile, self.number, Purpose::Arrival, 0).exponential()
            }
        };
        self.number = self.number.wrapping_add(1);
        loop {
            let (end, rate, last) = self.ahead();
            let Some(end) = end else {
                if last <= 0.0 {
                    return None;
                }
                self.at += area / last;
                return Some(self.at);
            };
            let room = (rate + last) / 2.0 * (end - self.at);
            if area > room {
                area -= room;
                self.at = end;
                self.segment += 1;
                continue;
            }
            let slope = (last - rate) / (end - self.at);
            // The root of rate·t + slope·t²/2 = area that does not cancel where the slope is small.
            self.at += 2.0 * area / (rate + (rate * rate + 2.0 * slope * area).max(0.0).sqrt());
            return Some(self.at);
        }
    }

    /// Until when the rate is a straight line, what it is now and what it is there; without an end it is constant.
    fn ahead(&self) -> (Option<f64>, f64, f64) {
        let points = &self.pace.points;
        let seconds = |point: &Point| point.at.as_secs_f64();
        let Some(next) = points.get(self.segment) else {
            let last = points.last().map_or(0.0, |point| point.per_second);
            return (None, last, last);
        };
        let Some(before) = self.segment.checked_sub(1).map(|before| &points[before]) else {
            return (Some(seconds(next)), next.per_second, next.per_second);
        };
        let span = seconds(next) - seconds(before);
        let part = if span > 0.0 { (self.at - seconds(before)) / span } else { 1.0 };
        let rate = before.per_second + (next.per_second - before.per_second) * part;
        (Some(seconds(next)), rate, next.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pace: &Pace, from: f64, to: f64) -> usize {
        let mut schedule = pace.schedule(7, 0);
        let moments = std::iter::from_fn(|| schedule.next());
        moments.take_while(|at| *at < to).filter(|at| *at >= from).count()
    }

    fn point(at: u64, per_second: f64) -> Point {
        Point { at: Duration::from_secs(at), per_second }
    }

    #[test]
    fn even_calls_begin_at_equal_distances() {
        let mut schedule = Pace::constant(Spacing::Even, 4.0).schedule(1, 0);
        let moments: Vec<Option<f64>> = (0..4).map(|_| schedule.next()).collect();
        assert_eq!(moments, [Some(0.25), Some(0.5), Some(0.75), Some(1.0)]);
    }

    #[test]
    fn a_rate_that_rises_gives_the_area_under_it() {
        let pace = Pace { spacing: Spacing::Even, points: vec![point(0, 0.0), point(10, 100.0)] };
        assert_eq!(count(&pace, 0.0, 5.001), 125, "half way up, a quarter of the area");
        assert_eq!(count(&pace, 0.0, 10.001), 500);
        assert_eq!(count(&pace, 10.001, 11.001), 100, "then it stays");
    }

    #[test]
    fn two_points_at_one_moment_are_a_step_and_zero_is_silence() {
        let points = vec![point(0, 10.0), point(10, 10.0), point(10, 0.0), point(20, 0.0), point(20, 50.0)];
        let pace = Pace { spacing: Spacing::Even, points };
        assert_eq!(count(&pace, 0.0, 10.001), 100);
        assert_eq!(count(&pace, 10.001, 20.0), 0);
        assert_eq!(count(&pace, 20.0, 21.001), 50);
        let silent = Pace { spacing: Spacing::Poisson, points: vec![point(0, 5.0), point(1, 0.0)] };
        let mut schedule = silent.schedule(1, 0);
        assert!(std::iter::from_fn(|| schedule.next()).count() < 20, "it ends");
    }

    #[test]
    fn poisson_calls_come_as_often_and_not_at_equal_distances() {
        let pace = Pace::constant(Spacing::Poisson, 50.0);
        let counted = count(&pace, 0.0, 1_000.0);
        // Four standard deviations of 50,000.
        assert!((49_100..50_900).contains(&counted), "{counted}");
        let mut schedule = pace.schedule(7, 0);
        let moments: Vec<f64> = (0..20_000).filter_map(|_| schedule.next()).collect();
        let gaps: Vec<f64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        let variation = variance.sqrt() / mean;
        assert!((0.95..1.05).contains(&variation), "of an exponential it is 1: {variation}");
    }
}
