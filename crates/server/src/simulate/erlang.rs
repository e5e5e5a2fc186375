//! The formulas beside the simulation: all agents as one pool, callers who come by chance, exponential times.

use std::time::Duration;

use whatif::ServiceLevel;
use whatif::erlang::{Queueing, SteadyState};

use super::model::SHORT_ABANDON;

/// Callers of several kinds as one kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pool {
    /// Callers an hour.
    pub(crate) per_hour: f64,
    /// The mean handling time in seconds, weighed by callers.
    handling: f64,
    /// The mean patience, weighed by callers; `None`: somebody never gives up.
    pub(crate) patience: Option<Duration>,
}

impl Pool {
    /// Adds callers of one kind.
    pub(crate) fn add(&mut self, per_hour: f64, handling: Duration, patience: Option<Duration>) {
        let all = self.per_hour + per_hour;
        let mixed = |before: f64, other: f64| (before * self.per_hour + other * per_hour) / all;
        let first = self.per_hour <= 0.0;
        self.patience = match (self.patience, patience) {
            (Some(before), Some(other)) => {
                Some(Duration::from_secs_f64(mixed(before.as_secs_f64(), other.as_secs_f64())))
            }
            (None, other) if first => other,
            (None, _) | (_, None) => None,
        };
        self.handling = mixed(self.handling, handling.as_secs_f64());
        self.per_hour = all;
    }

    /// Callers times handling time.
    pub(crate) fn erlangs(&self) -> f64 {
        self.per_hour * self.handling / 3_600.0
    }

    /// The formula for so many agents: Erlang A with a patience, Erlang C without. `None`: the agents cannot keep
    /// up.
    pub(crate) fn with(&self, agents: u32, patience: Option<Duration>) -> Option<Said> {
        let queueing = Queueing {
            arrivals: self.per_hour / 3_600.0,
            service: 1.0 / self.handling,
            abandonment: patience.map_or(0.0, |patience| 1.0 / patience.as_secs_f64()),
            servers: agents,
            places: None,
        };
        queueing.steady_state().map(Said)
    }

    /// The fewest agents that suffice by the formula; `None`: not even `most`.
    pub(crate) fn fewest(
        &self,
        patience: Option<Duration>,
        most: u32,
        suffices: impl Fn(&Said) -> bool,
    ) -> Option<u32> {
        if self.per_hour <= 0.0 || self.handling <= 0.0 {
            return Some(0);
        }
        (1..=most).find(|&agents| self.with(agents, patience).is_some_and(|said| suffices(&said)))
    }
}

/// What a formula says of so many agents.
pub(crate) struct Said(SteadyState);

impl Said {
    /// The share answered within a time, by the formula of the report. Nobody overflows or is turned away here.
    pub(crate) fn service_level(&self, level: ServiceLevel, within: Duration) -> f64 {
        let within = within.as_secs_f64();
        let (met, early) = (self.0.answered_within(within), self.0.abandoned_within(within));
        let (answered, short) = (self.0.answered(), self.0.abandoned_within(SHORT_ABANDON.as_secs_f64()));
        match level {
            ServiceLevel::OfOffered
            | ServiceLevel::OfAnsweredAndAbandoned
            | ServiceLevel::OfAnsweredAbandonedAndOverflowed => met,
            ServiceLevel::OfOfferedWithoutShort | ServiceLevel::OfAnsweredAndAbandonedWithoutShort => {
                met / (1.0 - short)
            }
            ServiceLevel::EarlyAbandonsIgnored | ServiceLevel::OfAnsweredAndLateAbandoned => {
                met / (1.0 - early)
            }
            ServiceLevel::EarlyAbandonsCountAsMet | ServiceLevel::EarlyAbandonsCountAsMetOfEnded => {
                met + early
            }
            ServiceLevel::OfAnswered | ServiceLevel::OfAnsweredAndBlocked => met / answered,
        }
    }

    /// The mean wait of the answered, in seconds.
    pub(crate) fn answer_delay(&self) -> f64 {
        self.0.wait_of_answered()
    }

    /// The share of callers who give up.
    pub(crate) fn abandonment(&self) -> f64 {
        self.0.abandoned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published (tests of pyworkforce): 200 calls an hour of 3 minutes on 14 agents: .888 within 19.8 s where
    /// nobody gives up, .917 within 20 s with a patience of five minutes.
    #[test]
    fn published_cases_are_met() {
        let mut pool = Pool::default();
        pool.add(200.0, Duration::from_secs(180), None);
        assert!((pool.erlangs() - 10.0).abs() < 1e-12);
        let within = Duration::from_millis(19_800);
        let patience = Some(Duration::from_secs(300));
        let level = |patience, millis| {
            let said = pool.with(14, patience).expect("they keep up");
            said.service_level(ServiceLevel::OfOffered, Duration::from_millis(millis))
        };
        assert!((level(None, 19_800) - 0.887_853).abs() < 1e-6, "{}", level(None, 19_800));
        assert!((level(patience, 20_000) - 0.916_792).abs() < 1e-6, "{}", level(patience, 20_000));
        let enough = |said: &Said| said.service_level(ServiceLevel::OfOffered, within) >= 0.85;
        assert_eq!(pool.fewest(None, 100, enough), Some(14));
        assert_eq!(pool.fewest(patience, 100, enough), Some(13));
        assert_eq!(pool.fewest(None, 13, enough), None);
        assert!(pool.with(9, None).is_none());
        assert!(pool.with(9, patience).is_some());
    }

    #[test]
    fn kinds_of_callers_are_mixed_by_their_numbers() {
        let mut pool = Pool::default();
        let seconds = Duration::from_secs;
        pool.add(30.0, seconds(60), Some(seconds(100)));
        pool.add(10.0, seconds(180), Some(seconds(200)));
        assert_eq!((pool.per_hour, pool.handling, pool.patience), (40.0, 90.0, Some(seconds(125))));
        pool.add(1.0, seconds(60), None);
        assert_eq!(pool.patience, None);
    }
}
