//! Overflow by rule: who leaves a queue without an agent because of how this queue, or another one, stands.
//!
//! A rule of [`crate::QueueSettings::overflows`] is looked at once for each interaction. It may read several queues, so
//! that an interaction is lent to another queue only while that one can afford it. The measures are those of Avaya's call
//! vectoring (calls-queued, oldest-call-wait, expected-wait, available-agents, staffed-agents); lending by how the other
//! queue stands is Genesys' conditional group routing. `docs/decisions/0022-overflow-by-rule.md` has the reasons.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::estimate::ESTIMATE_MAX;
use crate::{Exit, Invalid, QueueId};

/// The most rules of one queue.
pub const OVERFLOWS_MAX: usize = 8;

/// The most conditions of one rule.
pub const CONDITIONS_MAX: usize = 4;

/// Leaving where the queues stand so.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Overflow {
    /// When the rule is looked at. Zero: at entry, where no agent takes the interaction at once. More: when it has
    /// waited for so long in this queue; while an agent is held for it, as soon as that has failed.
    pub after: Duration,
    /// All of these must hold at that moment. At least one, at most [`CONDITIONS_MAX`].
    pub when: Vec<Condition>,
    /// Where to.
    pub exit: Exit,
}

/// How a queue must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition {
    /// Which queue is looked at. `None`: the one that has the rule. One that is not defined meets no condition.
    pub queue: Option<QueueId>,
    /// On which side of the bound it must be.
    pub limit: Limit,
    /// What is looked at, with its bound.
    pub measure: Measure,
}

/// The side of a bound; the bound itself is on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Limit {
    /// As much, or more.
    AtLeast,
    /// As much, or less.
    AtMost,
}

impl Limit {
    /// Whether a value is on this side of a bound.
    pub fn admits<T: Ord + Copy>(self, value: T, bound: T) -> bool {
        match self {
            Limit::AtLeast => value >= bound,
            Limit::AtMost => value <= bound,
        }
    }
}

/// What is looked at in a queue, with its bound. The interaction that the rule is looked at for is left out, as if it
/// were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Measure {
    /// How many wait (reserved ones do not).
    Waiting(u32),
    /// How long the one has waited in the queue who entered it first of those who wait; nobody: zero.
    OldestWait(Duration),
    /// How long a newcomer without priority would wait ([`crate::Distributor::estimate`]). Where there is no estimate the
    /// condition does not hold, on either side; one that is too long to tell is more than any bound.
    EstimatedWait(Duration),
    /// Available agents who could take a newcomer without requirement of its own: those of the first step that anybody
    /// logged in could serve, without reserves that are closed.
    AgentsIdle(u32),
    /// Agents who take work and could serve some step: ready, whatever they are doing, but for calls of their own.
    AgentsWorking(u32),
    /// Logged-in agents who could serve some step, on a break or not.
    AgentsLoggedIn(u32),
}

/// Whether a queue may have these rules.
pub(crate) fn check(overflows: &[Overflow]) -> Result<(), Invalid> {
    if overflows.len() > OVERFLOWS_MAX {
        return Err(Invalid::TooManyOverflows);
    }
    for (rule, number) in overflows.iter().zip(1u8..) {
        if rule.when.is_empty() {
            return Err(Invalid::NoCondition(number));
        }
        if rule.when.len() > CONDITIONS_MAX {
            return Err(Invalid::TooManyConditions(number));
        }
        let is_beyond = |measure| matches!(measure, Measure::EstimatedWait(bound) if bound > ESTIMATE_MAX);
        if rule.when.iter().any(|condition| is_beyond(condition.measure)) {
            return Err(Invalid::EstimateBound(number));
        }
    }
    Ok(())
}

/// The rules whose time comes with the wait, as bits: those that are not looked at at entry.
pub(crate) fn timed(overflows: &[Overflow]) -> u8 {
    come_due(overflows, Duration::MAX)
}

/// Of the rules that are not looked at at entry, those whose time has come for somebody who has waited for so long.
pub(crate) fn come_due(overflows: &[Overflow], waited: Duration) -> u8 {
    let is_due = |rule: &Overflow| !rule.after.is_zero() && rule.after <= waited;
    overflows.iter().zip(0u8..).fold(0, |bits, (rule, number)| bits | u8::from(is_due(rule)) << number)
}

/// The rule whose time comes next for somebody for whom these have been looked at.
pub(crate) fn next(overflows: &[Overflow], seen: u8) -> Option<u8> {
    let open = timed(overflows) & !seen;
    (0u8..).zip(overflows).filter(|(n, _)| open >> n & 1 == 1).min_by_key(|(_, r)| r.after).map(|(n, _)| n)
}
