//! The two methods and what is made of them.

use std::time::Duration;

use super::answer::NONE;
use super::decay::{Count, Sum};
use super::drain::{Passage, passage};
use super::{ESTIMATE_MAX, Estimate, Estimator, Line, Method, NoEstimate, Promise};

/// From this share on a method stands alone.
const NEARLY_ALL: f64 = 0.95;
/// The share of the queue length before errors are known: all, because theory knows nothing better for agents who
/// serve one queue only; half, because equal shares are hard to beat where nothing is known.
const SHARE_OF_OWN_AGENTS: f64 = 1.0;
const SHARE_OF_SHARED_AGENTS: f64 = 0.5;

/// What each method has to say, and what is made of them.
struct Weighed {
    length: Passage,
    /// `None` where nobody is first in line.
    head: Option<Passage>,
    chosen: Passage,
    method: Method,
    sample: u32,
}

impl Estimator {
    /// [`Estimator::agent_time`] in units of 1.024 ms; differences are right as long as they fit.
    fn agent_millis(&self) -> u32 {
        (self.agent_time >> 10) as u32
    }

    /// Interactions a microsecond that the agents take from this line, and from how many samples that is known.
    fn drain(&self) -> Result<(f64, u32), NoEstimate> {
        let rate = |events: Count, time: Sum| {
            let per_agent = events.number() / time.number();
            (events.whole() >= self.rules.samples_min && time.number() > 0.0)
                .then(|| (per_agent * f64::from(self.staff.working), events.whole()))
        };
        let by_backlog = rate(self.drained, self.backlog_time);
        let have = if self.staff.shared == 0 {
            if let Some(drain) = rate(self.completions, self.serving_time) {
                return Ok(drain);
            }
            self.completions.whole().max(self.drained.whole())
        } else {
            self.drained.whole()
        };
        by_backlog.ok_or(NoEstimate::PoorSample { have, need: self.rules.samples_min })
    }

    /// At which each who waits gives up, a microsecond: the maximum likelihood of exponential patience where most do
    /// not live to see its end, less one, which takes its bias away.
    fn patience_rate(&self) -> f64 {
        let time = self.waiting_time.number();
        let abandons = self.abandons.number() - 1.0;
        if abandons > 0.0 && time > 0.0 { abandons / time } else { 0.0 }
    }

    fn by_queue_length(&self, line: &Line, drain: f64, sample: u32) -> Passage {
        let mut passage = passage(drain, self.patience_rate(), line.ahead);
        // The rates themselves are known to one part in the root of the sample.
        passage.variance += passage.mean * passage.mean / f64::from(sample);
        passage
    }

    /// The first in line has used up so much time of agents so far; those who are there now give as much in another
    /// time (after Ibrahim and Whitt 2011, for numbers of agents that change). The wait of the first in line is not
    /// over, and the next to come stands one place further back: hence one interval more. Places between are as far
    /// apart in time as in number.
    fn by_head_of_line(&self, line: &Line, drain: f64) -> Option<Passage> {
        let head = line.head?;
        let spent = self.agent_millis().wrapping_sub(head.agent_millis);
        let so_far = f64::from(spent) * 1_024.0 / f64::from(self.staff.working);
        let places = f64::from(line.ahead) + 1.0;
        // Whoever asks may be among those who wait, or not yet.
        let places = places / f64::from(self.waiting).max(places);
        let mean = so_far * places + 1.0 / drain;
        let variance = match self.comparison.head_of_line_dispersion(self.rules.samples_min) {
            Some(millis) => millis * 1_000.0 * mean,
            None => mean * mean,
        };
        Some(Passage { mean, variance })
    }

    fn ring(&self) -> f64 {
        self.ring_time.mean(self.rings).unwrap_or(0.0)
    }

    /// Where the drain is poorly known there is nothing at all: the wait of the first in line so far would be a sample
    /// of one.
    fn weigh(&self, line: &Line) -> Result<Weighed, NoEstimate> {
        let (drain, sample) = self.drain()?;
        let length = self.by_queue_length(line, drain, sample);
        let head = self.by_head_of_line(line, drain);
        let Some(by_head) = head else {
            return Ok(Weighed { length, head, chosen: length, method: Method::QueueLength, sample });
        };
        let prior = if self.staff.shared == 0 { SHARE_OF_OWN_AGENTS } else { SHARE_OF_SHARED_AGENTS };
        let share = self.comparison.share(prior, self.rules.samples_min);
        let method = match share {
            share if share >= NEARLY_ALL => Method::QueueLength,
            share if share <= 1.0 - NEARLY_ALL => Method::HeadOfLine,
            _ => Method::Combined,
        };
        let mix = |length: f64, head: f64| share * length + (1.0 - share) * head;
        let deviation = mix(length.variance.sqrt(), by_head.variance.sqrt());
        let chosen = Passage { mean: mix(length.mean, by_head.mean), variance: deviation * deviation };
        Ok(Weighed { length, head, chosen, method, sample })
    }

    pub(super) fn decide(&self, line: &Line) -> Result<Estimate, NoEstimate> {
        if self.staff.logged_in == 0 {
            return Err(NoEstimate::NobodyLoggedIn);
        }
        if line.available > 0 && line.ahead == 0 {
            let wait = Duration::from_micros(self.ring() as u64);
            let sample = self.rings.whole();
            return Ok(Estimate { wait, at_most: wait * 2, method: Method::Immediate, sample });
        }
        if self.staff.working == 0 {
            return Err(NoEstimate::NobodyReady);
        }
        let Weighed { chosen, method, sample, .. } = self.weigh(line)?;
        self.check_error()?;
        let (wait, at_most) = self.with_ring(chosen);
        if wait > ESTIMATE_MAX {
            return Err(NoEstimate::TooLong);
        }
        Ok(Estimate { wait, at_most, method, sample })
    }

    /// No number where the numbers of late were no good.
    fn check_error(&self) -> Result<(), NoEstimate> {
        let accuracy = self.accuracy();
        let most = u64::from(self.rules.error_max_percent) * 10_000;
        let is_known = accuracy.sample >= self.rules.samples_min;
        if is_known && u64::from(accuracy.relative_millionths) > most {
            return Err(NoEstimate::TooUncertain);
        }
        Ok(())
    }

    /// Mean and upper bound of the answer delay.
    fn with_ring(&self, passage: Passage) -> (Duration, Duration) {
        let ring = self.ring();
        let deviation = passage.variance.sqrt() * self.comparison.width();
        // Casts saturate.
        let micros = |value: f64| Duration::from_micros(value as u64);
        (micros(passage.mean + ring), micros(passage.mean + ring + deviation))
    }

    /// What is compared later, whether it may be told or not.
    pub(super) fn promise_now(&self, line: Option<&Line>) -> Promise {
        let agent_millis = self.agent_millis();
        let nothing =
            Promise { queue_length: NONE, head_of_line: NONE, wait: NONE, at_most: NONE, agent_millis };
        let Some(line) = line else { return nothing };
        if self.staff.working == 0 {
            return nothing;
        }
        let Ok(weighed) = self.weigh(line) else { return nothing };
        let mean = |passage| millis(self.with_ring(passage).0);
        let (wait, at_most) = self.with_ring(weighed.chosen);
        Promise {
            queue_length: mean(weighed.length),
            head_of_line: weighed.head.map_or(NONE, mean),
            wait: millis(wait),
            at_most: millis(at_most),
            ..nothing
        }
    }
}

/// Held below [`NONE`].
fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(NONE - 1).min(NONE - 1)
}
