//! When customers come.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::draws::Draws;

const MICROS_PER_HOUR: f64 = 3_600e6;

/// How the customers of one type come, from the start of the day to its horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Arrivals {
    /// A Poisson process whose rate changes at given times. The day's busyness multiplies the rates.
    Poisson(Vec<Rate>),
    /// So many in each interval, never more or fewer, at times that are uniform in it. Busyness does not act.
    Counts(Vec<Count>),
    /// At these times, rising: a recorded day. Busyness does not act.
    Times(Vec<Duration>),
}

/// From then on until the next one's time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Since the start of the day. Nobody comes before the first.
    pub from: Duration,
    /// Customers an hour. Zero: nobody.
    pub per_hour: f64,
}

/// So many between two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Since the start of the day; not before the end of the one before.
    pub from: Duration,
    /// Later than `from`.
    pub to: Duration,
    /// Customers between the two.
    pub customers: u32,
}

impl Arrivals {
    /// A Poisson process with one rate all day.
    pub fn poisson(per_hour: f64) -> Arrivals {
        Arrivals::Poisson(vec![Rate { from: Duration::ZERO, per_hour }])
    }

    /// How many customers are expected until the horizon, with a busyness of 1.
    pub fn expected(&self, horizon: Duration) -> f64 {
        match self {
            Arrivals::Poisson(rates) => {
                let ends = rates.iter().skip(1).map(|rate| rate.from).chain([horizon]);
                let pieces = rates.iter().zip(ends);
                let hours = |from: Duration, to: Duration| {
                    to.min(horizon).saturating_sub(from).as_secs_f64() / 3_600.0
                };
                pieces.map(|(rate, end)| rate.per_hour * hours(rate.from, end)).sum()
            }
            Arrivals::Counts(counts) => counts.iter().map(|count| f64::from(count.customers)).sum(),
            Arrivals::Times(times) => times.iter().filter(|&&time| time < horizon).count() as f64,
        }
    }

    /// What is wrong with it, in words.
    pub fn fault(&self) -> Option<&'static str> {
        match self {
            Arrivals::Poisson(rates) => {
                if rates.iter().any(|rate| !rate.per_hour.is_finite() || rate.per_hour < 0.0) {
                    return Some("a rate of arrivals must be zero or more");
                }
                let falls = rates.windows(2).any(|pair| pair[0].from >= pair[1].from);
                falls.then_some("the times from which rates hold must rise")
            }
            Arrivals::Counts(counts) => {
                if counts.iter().any(|count| count.from >= count.to) {
                    return Some("an interval of arrivals must end later than it begins");
                }
                let overlap = counts.windows(2).any(|pair| pair[0].to > pair[1].from);
                overlap.then_some("intervals of arrivals must follow each other")
            }
            Arrivals::Times(times) => {
                let falls = times.windows(2).any(|pair| pair[0] > pair[1]);
                falls.then_some("the times of arrival must rise")
            }
        }
    }
}

/// Where a type's arrivals have come to.
#[derive(Clone, Debug)]
pub(crate) struct ArrivalProcess {
    /// Microseconds since the start of the day.
    at: f64,
    /// Which rate or interval is being used up.
    piece: usize,
    /// Customers still to come in this interval of [`Arrivals::Counts`]; `None`: it was not looked at yet.
    left: Option<u32>,
}

impl ArrivalProcess {
    pub(crate) fn new() -> ArrivalProcess {
        ArrivalProcess { at: 0.0, piece: 0, left: None }
    }

    /// When customer `number` comes; `None`: nobody comes any more before the horizon. The customers are asked
    /// for in order, each once, with the draws of that customer.
    pub(crate) fn next(
        &mut self,
        arrivals: &Arrivals,
        number: u32,
        draws: &mut Draws,
        busyness: f64,
        horizon: Duration,
    ) -> Option<Duration> {
        let next = match arrivals {
            Arrivals::Poisson(rates) => self.next_of_rates(rates, draws, busyness, horizon),
            Arrivals::Counts(counts) => self.next_of_counts(counts, draws),
            Arrivals::Times(times) => times.get(number as usize).copied(),
        };
        next.filter(|&next| next < horizon)
    }

    /// A unit exponential is used up at the rate of each piece (inversion of the cumulative rate): the same
    /// draws give the same customers, earlier or later, whatever the rates.
    fn next_of_rates(
        &mut self,
        rates: &[Rate],
        draws: &mut Draws,
        busyness: f64,
        horizon: Duration,
    ) -> Option<Duration> {
        let mut need = draws.exponential();
        while let Some(rate) = rates.get(self.piece) {
            self.at = self.at.max(micros(rate.from));
            let end = rates.get(self.piece + 1).map_or(micros(horizon), |next| micros(next.from));
            let per_micro = rate.per_hour * busyness / MICROS_PER_HOUR;
            let room = (end - self.at).max(0.0) * per_micro;
            if need < room {
                self.at += need / per_micro;
                return Some(at(self.at));
            }
            need -= room;
            self.at = self.at.max(end);
            self.piece += 1;
        }
        None
    }

    /// Order statistics of uniform times, one after the other: of `left` uniforms above `at` the least.
    fn next_of_counts(&mut self, counts: &[Count], draws: &mut Draws) -> Option<Duration> {
        while let Some(count) = counts.get(self.piece) {
            let left = self.left.unwrap_or(count.customers);
            if left == 0 {
                (self.piece, self.left) = (self.piece + 1, None);
                continue;
            }
            let (from, to) = (micros(count.from).max(self.at), micros(count.to));
            let share = 1.0 - libm::pow(draws.uniform(), 1.0 / f64::from(left));
            self.at = from + (to - from) * share;
            self.left = Some(left - 1);
            return Some(at(self.at));
        }
        None
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn at(micros: f64) -> Duration {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "zero or more, below the horizon"
    )]
    let whole = micros as u64;
    Duration::from_micros(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Purpose;

    fn all(arrivals: &Arrivals, busyness: f64, horizon: Duration) -> Vec<Duration> {
        let mut process = ArrivalProcess::new();
        let mut next = |number| {
            let mut draws = Draws::new(5, 0, 0, number, Purpose::Arrival, 0);
            process.next(arrivals, number, &mut draws, busyness, horizon)
        };
        (0..).map_while(&mut next).collect()
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn nobody_comes_before_the_first_rate_nor_after_the_horizon() {
        let rates = vec![
            Rate { from: HOUR, per_hour: 600.0 },
            Rate { from: 2 * HOUR, per_hour: 0.0 },
            Rate { from: 3 * HOUR, per_hour: 1_200.0 },
        ];
        let arrivals = Arrivals::Poisson(rates);
        let times = all(&arrivals, 1.0, 4 * HOUR);
        let between = |from, to| times.iter().filter(|&&time| from <= time && time < to).count();
        assert_eq!(between(Duration::ZERO, HOUR), 0);
        assert_eq!(between(2 * HOUR, 3 * HOUR), 0);
        assert!(times.is_sorted());
        // Four standard deviations of a Poisson count.
        assert!(between(HOUR, 2 * HOUR).abs_diff(600) < 100);
        assert!(between(3 * HOUR, 4 * HOUR).abs_diff(1_200) < 140);
        assert!((arrivals.expected(4 * HOUR) - 1_800.0).abs() < 1e-9);
    }

    #[test]
    fn a_busy_day_brings_more() {
        let arrivals = Arrivals::poisson(600.0);
        let (quiet, busy) = (all(&arrivals, 1.0, HOUR).len(), all(&arrivals, 2.0, HOUR).len());
        assert!(busy.abs_diff(2 * quiet) < 150, "{quiet} {busy}");
    }

    #[test]
    fn a_count_is_kept_exactly() {
        let counts = vec![
            Count { from: Duration::ZERO, to: HOUR, customers: 37 },
            Count { from: HOUR, to: 2 * HOUR, customers: 0 },
            Count { from: 2 * HOUR, to: 3 * HOUR, customers: 4 },
        ];
        let times = all(&Arrivals::Counts(counts), 1.0, 3 * HOUR);
        assert!(times.is_sorted());
        assert_eq!(times.iter().filter(|&&time| time < HOUR).count(), 37);
        assert_eq!(times.iter().filter(|&&time| time >= 2 * HOUR).count(), 4);
        assert_eq!(times.len(), 41);
    }
}
