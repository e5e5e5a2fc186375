//! What can be wrong with a model.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use acd::{ENTRIES_MAX, QueueId, WANTED_MAX};

use super::{Busyness, CustomerType, Members, Model, Shift};

/// Why a model cannot be played. Always the fault of whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFault {
    /// The horizon or the interval of the statistics is zero, or there are too many intervals.
    Horizon,
    /// The warm-up is not shorter than the horizon.
    WarmUp,
    /// Two queues have the same number.
    DuplicateQueue(QueueId),
    /// A type of customers enters a queue that is not there. With its name.
    UnknownQueue(String, QueueId),
    /// A type of customers waits in a queue twice, or in too many at once. With its name.
    Queues(String),
    /// The arrivals of a type of customers are wrong. With its name, and why.
    Arrivals(String, &'static str),
    /// A distribution is wrong. With whose it is, which, and why.
    Law(String, &'static str, &'static str),
    /// A probability is not between 0 and 1. With the name of the type of customers.
    Probability(String),
    /// A handling time is given for a group that is not there. With the name of the type of customers.
    UnknownGroup(String, usize),
    /// Agents are wanted by name in several queues, twice, by nobody's name or by too many, or of a group that is not there.
    /// With the name of the type of customers.
    Wish(String),
    /// The head counts of a group do not rise in time. With its name.
    Heads(String),
    /// A shift or a break of an agent ends before it begins, overlaps another or lies outside. With the name.
    Shifts(String),
    /// The times at which a queue opens and closes do not rise. With its name.
    Openings(String),
    /// The shape of the busyness is not more than zero.
    Busyness,
    /// There are more customers at once, or types of them, than can be told apart.
    TooMany,
}

/// Types of customers that the draws tell apart.
const TYPES_MAX: usize = 1 << 20;
/// Customers at once that the ids tell apart.
pub(crate) const CUSTOMERS_MAX: u32 = 1 << 24;
/// Intervals of the statistics: a year of minutes.
const INTERVALS_MAX: usize = 366 * 24 * 60;

impl std::error::Error for ModelFault {}

impl fmt::Display for ModelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelFault::Horizon => {
                write!(
                    f,
                    "horizon and interval must be more than zero, with at most {INTERVALS_MAX} intervals"
                )
            }
            ModelFault::WarmUp => write!(f, "the warm-up must be shorter than the horizon"),
            ModelFault::DuplicateQueue(queue) => write!(f, "queue {} is defined twice", queue.0),
            ModelFault::UnknownQueue(name, queue) => {
                write!(f, "customers \"{name}\" enter queue {}, which is not defined", queue.0)
            }
            ModelFault::Queues(name) => {
                write!(
                    f,
                    "customers \"{name}\" can wait in {ENTRIES_MAX} queues at once, in each of them once"
                )
            }
            ModelFault::Arrivals(name, why) => write!(f, "arrivals of customers \"{name}\": {why}"),
            ModelFault::Law(name, which, why) => write!(f, "{which} of \"{name}\": {why}"),
            ModelFault::Probability(name) => {
                write!(f, "retrial of customers \"{name}\": a probability must be between 0 and 1")
            }
            ModelFault::UnknownGroup(name, group) => {
                write!(f, "handling time of customers \"{name}\": there is no group with the index {group}")
            }
            ModelFault::Wish(name) => write!(
                f,
                "customers \"{name}\" can want 1 to {WANTED_MAX} agents by name, each once and of a group that is there, \
                 and only in one queue"
            ),
            ModelFault::Heads(name) => {
                write!(f, "group \"{name}\": the times from which head counts hold must rise")
            }
            ModelFault::Shifts(name) => {
                write!(
                    f,
                    "agent \"{name}\": shifts and breaks must end after they begin and follow each other"
                )
            }
            ModelFault::Openings(name) => {
                write!(f, "queue \"{name}\": the times at which it opens and closes must rise")
            }
            ModelFault::Busyness => write!(f, "the shape of the busyness must be more than zero"),
            ModelFault::TooMany => write!(
                f,
                "at most {TYPES_MAX} types of customers and {CUSTOMERS_MAX} customers at once can be played"
            ),
        }
    }
}

impl Model {
    /// Whether it can be played. [`crate::run`] asks by itself.
    ///
    /// # Errors
    ///
    /// The first fault found. Settings of queues and agents are checked by the distributor when it gets them.
    pub fn check(&self) -> Result<(), ModelFault> {
        if self.horizon.is_zero() || self.interval.is_zero() || self.intervals() > INTERVALS_MAX {
            return Err(ModelFault::Horizon);
        }
        if self.warm_up >= self.horizon {
            return Err(ModelFault::WarmUp);
        }
        match self.busyness {
            Busyness::Same => {}
            Busyness::Common { shape } | Busyness::PerType { shape } => {
                if !shape.is_finite() || shape <= 0.0 {
                    return Err(ModelFault::Busyness);
                }
            }
        }
        if self.customers.len() > TYPES_MAX || self.customers_max > CUSTOMERS_MAX {
            return Err(ModelFault::TooMany);
        }
        let mut queues = BTreeSet::new();
        if let Some(queue) = self.queues.iter().find(|queue| !queues.insert(queue.id)) {
            return Err(ModelFault::DuplicateQueue(queue.id));
        }
        let fall = |queue: &&super::Queue| queue.openings.windows(2).any(|pair| pair[0].at >= pair[1].at);
        if let Some(queue) = self.queues.iter().find(fall) {
            return Err(ModelFault::Openings(queue.name.clone()));
        }
        self.check_customers(&queues)?;
        self.check_groups()
    }

    fn check_customers(&self, queues: &BTreeSet<QueueId>) -> Result<(), ModelFault> {
        for customers in &self.customers {
            let name = || customers.name.clone();
            let mut own = BTreeSet::new();
            for &queue in std::iter::once(&customers.queue).chain(&customers.also) {
                if !queues.contains(&queue) {
                    return Err(ModelFault::UnknownQueue(name(), queue));
                }
                if !own.insert(queue) || own.len() > ENTRIES_MAX {
                    return Err(ModelFault::Queues(name()));
                }
            }
            if let Some(why) = customers.arrivals.fault() {
                return Err(ModelFault::Arrivals(name(), why));
            }
            let group_laws = customers.handling.by_group.values().map(|law| ("handling time", Some(law)));
            let laws = [
                ("handling time", Some(&customers.handling.law)),
                ("patience", customers.patience.as_ref()),
                ("after-call work", customers.after_call_work.as_ref()),
                ("delay of a retrial", Some(&customers.retrial.delay)),
            ];
            for (which, law) in laws.into_iter().chain(group_laws) {
                if let Some(why) = law.and_then(crate::Law::fault) {
                    return Err(ModelFault::Law(name(), which, why));
                }
            }
            let beyond = customers.handling.by_group.keys().find(|&&group| group >= self.groups.len());
            if let Some(&group) = beyond {
                return Err(ModelFault::UnknownGroup(name(), group));
            }
            let retrial = &customers.retrial;
            let is_probability = |share: f64| (0.0..=1.0).contains(&share);
            let shares = [retrial.after_abandonment, retrial.after_blocking, retrial.after_answer];
            if !shares.into_iter().all(is_probability) {
                return Err(ModelFault::Probability(name()));
            }
            if !self.can_be_wished(customers) {
                return Err(ModelFault::Wish(name()));
            }
        }
        Ok(())
    }

    fn can_be_wished(&self, customers: &CustomerType) -> bool {
        let Some(wish) = &customers.wanted else { return true };
        let named: Vec<_> = wish.agents.iter().flatten().collect();
        customers.also.is_empty()
            && (1..=WANTED_MAX).contains(&wish.agents.len())
            && named.iter().all(|agent| agent.group < self.groups.len())
            && named.iter().collect::<BTreeSet<_>>().len() == named.len()
    }

    fn check_groups(&self) -> Result<(), ModelFault> {
        for group in &self.groups {
            if let Some(why) = group.pick_up.as_ref().and_then(crate::Law::fault) {
                return Err(ModelFault::Law(group.name.clone(), "time to pick up", why));
            }
            match &group.members {
                Members::Alike { heads, .. } => {
                    if heads.windows(2).any(|pair| pair[0].from >= pair[1].from) {
                        return Err(ModelFault::Heads(group.name.clone()));
                    }
                }
                Members::Named(agents) => {
                    let wrong = agents.iter().find(|agent| !follow_each_other(&agent.shifts));
                    if let Some(agent) = wrong {
                        return Err(ModelFault::Shifts(agent.name.clone()));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether spans of time end after they begin, in order, within limits.
fn are_in_order(spans: impl Iterator<Item = (Duration, Duration)>, within: (Duration, Duration)) -> bool {
    let mut free_from = within.0;
    for (from, to) in spans {
        if from < free_from || from >= to || to > within.1 {
            return false;
        }
        free_from = to;
    }
    true
}

fn follow_each_other(shifts: &[Shift]) -> bool {
    let breaks_fit = shifts.iter().all(|shift| {
        let breaks = shift.breaks.iter().map(|pause| (pause.from, pause.to));
        are_in_order(breaks, (shift.from, shift.to))
    });
    let spans = shifts.iter().map(|shift| (shift.from, shift.to));
    breaks_fit && are_in_order(spans, (Duration::ZERO, Duration::MAX))
}
