//! What the estimator is asked, and what it answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When there is an estimate, and how fast the past is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EstimateRules {
    /// What happened so long ago weighs half; held between [`super::HALF_LIFE_MIN`] and [`super::HALF_LIFE_MAX`].
    pub half_life: Duration,
    /// Below so many recent samples there is no number. At least 1.
    pub samples_min: u32,
    /// Above this root mean square error by mean wait, in percent, there is no number. 100 is what even exact rates
    /// give the first in an empty line.
    pub error_max_percent: u32,
}

impl Default for EstimateRules {
    fn default() -> EstimateRules {
        EstimateRules { half_life: Duration::from_secs(3_600), samples_min: 20, error_max_percent: 150 }
    }
}

/// The agents of a queue: those who could serve some step of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Staff {
    /// Logged in, on a break or not.
    pub logged_in: u32,
    /// Of these, those who take work: ready, whatever they are doing, but for calls of their own. Who takes several of the
    /// queue's channel at once counts as so many.
    pub working: u32,
    /// Of the working, those who serve other queues as well, counted the same way.
    pub shared: u32,
}

/// What is asked: somebody's place in line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Those who wait in this queue and go first, by place.
    pub ahead: u32,
    /// Idle agents who could take it now.
    pub available: u32,
    /// What the first in line was promised; `None` where nobody waits.
    pub head: Option<Promise>,
}

/// A wait that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Estimate {
    /// From now to the answer, ringing included: the mean.
    pub wait: Duration,
    /// Nine of ten wait no longer; its width follows the errors that were measured.
    pub at_most: Duration,
    /// How it was found.
    pub method: Method,
    /// Recent samples behind it.
    pub sample: u32,
}

/// How a wait was estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Method {
    /// An agent is idle: it rings at once.
    Immediate,
    /// The places ahead by the rates at which agents take and customers give up.
    QueueLength,
    /// What the first in line has waited so far.
    HeadOfLine,
    /// Of the two, weighed by the errors that they have had of late.
    Combined,
}

/// Why there is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NoEstimate {
    /// Nobody is logged in who could serve the queue.
    NobodyLoggedIn,
    /// Those logged in are all on a break or busy with calls of their own.
    NobodyReady,
    /// Too little has happened lately.
    PoorSample {
        /// Recent samples.
        have: u32,
        /// [`EstimateRules::samples_min`].
        need: u32,
    },
    /// Recent estimates were further off than [`EstimateRules::error_max_percent`].
    TooUncertain,
    /// Longer than [`super::ESTIMATE_MAX`].
    TooLong,
}

/// What was estimated when an interaction came to the end of the line, told or not: it stays with the interaction until
/// it is answered or leaves the queue, and is compared at the answer. 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Promise {
    /// Milliseconds, as are the next three; [`NONE`] where there was no number.
    pub(super) queue_length: u32,
    pub(super) head_of_line: u32,
    /// What was made of the two.
    pub(super) wait: u32,
    pub(super) at_most: u32,
    /// [`Estimator::agent_millis`] then.
    pub(super) agent_millis: u32,
}

/// No number in a [`Promise`].
pub(super) const NONE: u32 = u32::MAX;

impl Promise {
    /// What a method alone said, or, for the other two, what counted in the end; `None` where there was no number.
    pub fn by(&self, method: Method) -> Option<Duration> {
        let millis = match method {
            Method::Immediate | Method::Combined => number(self.wait),
            Method::QueueLength => number(self.queue_length),
            Method::HeadOfLine => number(self.head_of_line),
        };
        millis.map(Duration::from_millis)
    }

    pub(super) fn queue_length(&self) -> Option<u64> {
        number(self.queue_length)
    }

    pub(super) fn head_of_line(&self) -> Option<u64> {
        number(self.head_of_line)
    }

    pub(super) fn wait(&self) -> Option<u64> {
        number(self.wait)
    }

    pub(super) fn at_most(&self) -> u64 {
        u64::from(self.at_most)
    }
}

fn number(millis: u32) -> Option<u64> {
    (millis != NONE).then_some(u64::from(millis))
}
