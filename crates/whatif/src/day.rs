//! One replication, counted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::tally::{AgentTime, Tally};

/// What one call of [`crate::run`] gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// Of the draws.
    pub seed: u64,
    /// Which.
    pub replication: u32,
    /// By queue, in the order of the model.
    pub queues: Vec<Series>,
    /// By type of customers, in the order of the model.
    pub customers: Vec<Series>,
    /// By group of agents, in the order of the model.
    pub groups: Vec<GroupSeries>,
    /// The lines.
    pub trunks: TrunkUse,
    /// Things that happened: arrivals, ends of patience, answers, ends of conversations and of after-call work,
    /// changes of staff, deadlines of the distributor.
    pub events: u64,
    /// Commands given to the distributor.
    pub commands: u64,
    /// From the end of the warm-up to the moment at which nothing was left to happen.
    pub measured: Duration,
    /// The length of an interval.
    pub interval: Duration,
}

/// The customers of one queue or one type over the day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// By interval of arrival; who arrived in the warm-up is left out.
    pub intervals: Vec<Tally>,
    /// Who arrived after the horizon: second tries.
    pub after_closing: Tally,
    /// Waits of the answered.
    pub waits: Histogram,
    /// The same by interval of arrival.
    pub waits_by_interval: Vec<Histogram>,
}

impl Series {
    /// All who arrived until the horizon.
    pub fn day(&self) -> Tally {
        let mut sum = Tally::default();
        self.intervals.iter().for_each(|tally| sum += tally);
        sum
    }

    /// All.
    pub fn all(&self) -> Tally {
        let mut sum = self.day();
        sum += &self.after_closing;
        sum
    }
}

/// A group of agents over the day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupSeries {
    /// By interval; the warm-up is left out.
    pub intervals: Vec<AgentTime>,
    /// After the horizon.
    pub after_closing: AgentTime,
}

impl GroupSeries {
    /// Until the horizon.
    pub fn day(&self) -> AgentTime {
        let mut sum = AgentTime::default();
        self.intervals.iter().for_each(|time| sum += time);
        sum
    }

    /// To the end.
    pub fn all(&self) -> AgentTime {
        let mut sum = self.day();
        sum += &self.after_closing;
        sum
    }
}

/// How the lines were used, from the end of the warm-up to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrunkUse {
    /// The integral of the number in use, in lines times seconds.
    pub area: f64,
    /// The most in use at once.
    pub max: u32,
}
