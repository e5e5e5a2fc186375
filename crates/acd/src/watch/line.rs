//! Who stands where by what the events say: lines, deadlines, and the sums of a queue.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use timing::Instant;

use super::{TICK, Violation};
use crate::{AgentId, Counters, InteractionId, QueueId};

/// One interaction as its events tell it.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) priority: i32,
    /// It has a requirement of its own, so that who comes later may be taken before.
    pub(super) own: bool,
    /// It wants agents by name, and until when if time ends that.
    pub(super) wants: Option<Option<Instant>>,
    pub(super) arrived: Instant,
    /// In the order in which it was put into its queues.
    pub(super) visits: Vec<Visit>,
    pub(super) stand: Stand,
    /// How many agents are rung for it.
    pub(super) rung: u8,
    /// What became of the calls to its customer, who asked to be called back.
    pub(super) callback: Option<Calls>,
    /// Agents who have not taken it: they may be excluded from it.
    pub(super) tried: BTreeSet<AgentId>,
}

/// One interaction in one queue.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) queue: QueueId,
    pub(super) entered: Instant,
    /// What it had waited when it was last counted into the queue.
    pub(super) credit: Duration,
    pub(super) step: u8,
    /// It came to its step by rules that hold no more: it may come to another by the new ones.
    pub(super) has_old_step: bool,
    /// Out of this queue, and into that one in the same step.
    pub(super) onto: Option<QueueId>,
}

/// A customer who asked to be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) failed: u32,
    /// On the line.
    pub(super) reached: bool,
}

/// Where an interaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    Waiting,
    Reserved,
    /// Until when, if that is known.
    Resting(Option<Instant>),
    /// One reservation is accepted, and the answer must follow in the same step.
    Accepted(AgentId),
    /// Answered from this queue; it leaves the others in the same step.
    Handled(AgentId, QueueId),
    /// Given up; it leaves what queues are left in the same step.
    Gone,
}

impl Stay {
    /// Only within a step.
    pub(super) fn is_passing(&self) -> bool {
        match self.stand {
            Stand::Accepted(_) | Stand::Gone => true,
            Stand::Handled(..) => self.visits.len() > 1,
            Stand::Waiting | Stand::Reserved | Stand::Resting(_) => {
                self.visits.iter().any(|visit| visit.onto.is_some())
            }
        }
    }

    /// In a queue, and not on the way into another.
    pub(super) fn visit(&self, queue: QueueId) -> Option<&Visit> {
        self.visits.iter().find(|visit| visit.queue == queue && visit.onto.is_none())
    }

    pub(super) fn visit_mut(&mut self, queue: QueueId) -> Option<&mut Visit> {
        self.visits.iter_mut().find(|visit| visit.queue == queue && visit.onto.is_none())
    }

    /// Whether it stands in a queue other than this one.
    pub(super) fn has_others(&self, queue: QueueId) -> bool {
        self.visits.iter().any(|visit| visit.queue != queue)
    }
}

/// The times of the steps of each queue that is defined.
pub(super) type Rules = BTreeMap<QueueId, Vec<Duration>>;

/// Everybody who must be served in the order of arrival: a queue, a step, a priority.
type Class = (QueueId, u8, i32);

/// Those who wait, by class and arrival, and when their next step begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    lines: BTreeMap<Class, BTreeSet<(Instant, InteractionId)>>,
    steps: BTreeSet<(Instant, InteractionId, QueueId)>,
    wishes: BTreeSet<(Instant, InteractionId)>,
    /// When the rests of callbacks end.
    pub(super) rests: BTreeSet<(Instant, InteractionId)>,
}

impl Stay {
    /// Whether who comes later may be taken before.
    fn is_apart(&self) -> bool {
        self.own || self.wants.is_some()
    }
}

impl Lines {
    pub(super) fn insert(&mut self, id: InteractionId, stay: &Stay, rules: &Rules) {
        for visit in stay.visits.iter().filter(|visit| visit.onto.is_none()) {
            if !stay.is_apart() {
                let class = (visit.queue, visit.step, stay.priority);
                self.lines.entry(class).or_default().insert((stay.arrived, id));
            }
            self.steps.extend(next_step(visit, rules).map(|at| (at, id, visit.queue)));
        }
        self.wishes.extend(stay.wants.flatten().map(|until| (until, id)));
    }

    pub(super) fn remove(&mut self, id: InteractionId, stay: &Stay, rules: &Rules) {
        for visit in stay.visits.iter().filter(|visit| visit.onto.is_none()) {
            let class = (visit.queue, visit.step, stay.priority);
            if let Some(line) = self.lines.get_mut(&class) {
                line.remove(&(stay.arrived, id));
                if line.is_empty() {
                    self.lines.remove(&class);
                }
            }
            if let Some(at) = next_step(visit, rules) {
                self.steps.remove(&(at, id, visit.queue));
            }
        }
        if let Some(until) = stay.wants.flatten() {
            self.wishes.remove(&(until, id));
        }
    }

    /// I7: nobody of the same class came earlier whom this agent has not tried.
    pub(super) fn check_turn(
        &self,
        stays: &BTreeMap<InteractionId, Stay>,
        (id, queue): (InteractionId, QueueId),
        agent: AgentId,
    ) -> Result<(), Violation> {
        let stay = &stays[&id];
        let Some(visit) = stay.visit(queue).filter(|_| !stay.is_apart()) else { return Ok(()) };
        let Some(line) = self.lines.get(&(queue, visit.step, stay.priority)) else { return Ok(()) };
        let before = line.range(..(stay.arrived, id));
        match before.map(|&(_, earlier)| earlier).find(|earlier| !stays[earlier].tried.contains(&agent)) {
            Some(earlier) => Err(Violation::OutOfTurn { chosen: id, earlier }),
            None => Ok(()),
        }
    }

    /// I8 and I9: once time has been told, nobody waits at a step whose end is over or for agents whose time is over,
    /// and nobody rests longer than allowed.
    pub(super) fn check_steps(&self, now: Instant) -> Result<(), Violation> {
        if let Some(&(_, id)) = self.wishes.first().filter(|&&(until, _)| until + TICK <= now) {
            return Err(Violation::WrongWish(id));
        }
        if let Some(&(_, id)) = self.rests.first().filter(|&&(at, _)| at + TICK <= now) {
            return Err(Violation::Overslept(id));
        }
        match self.steps.first() {
            Some(&(at, id, _)) if at + TICK <= now => Err(Violation::WrongStep(id)),
            Some(_) | None => Ok(()),
        }
    }
}

fn next_step(visit: &Visit, rules: &Rules) -> Option<Instant> {
    rules.get(&visit.queue)?.get(usize::from(visit.step)).map(|&after| visit.entered + after)
}

/// The sums of one queue, in microseconds where they are times.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    pub(super) counters: Counters,
    /// Waiting or reserved.
    pub(super) length: u64,
    /// The integral of the length over time until `since`.
    area: u128,
    since: Instant,
    /// The sum of the times at which those who are here were counted in.
    entries: u128,
    /// The sum of the waits of those who are gone, as the events tell them.
    waits: u128,
}

impl Book {
    pub(super) fn enter(&mut self, now: Instant) {
        self.advance(now);
        self.length += 1;
        self.entries += u128::from(now.as_micros());
        self.counters.offered += 1;
    }

    /// Somebody leaves who was counted in at `at` and is said to have waited that long since. Answers whether
    /// there was anybody.
    pub(super) fn leave(&mut self, now: Instant, at: Instant, waited: Duration) -> bool {
        self.advance(now);
        let Some(length) = self.length.checked_sub(1) else { return false };
        self.length = length;
        self.entries = self.entries.saturating_sub(u128::from(at.as_micros()));
        self.waits += waited.as_micros();
        true
    }

    fn advance(&mut self, now: Instant) {
        self.area += u128::from(self.length) * (now - self.since).as_micros();
        self.since = now;
    }

    /// I12: area under the length = waits of those gone + waits so far of those here.
    pub(super) fn is_balanced(&self) -> bool {
        let here = u128::from(self.length) * u128::from(self.since.as_micros());
        self.area + self.entries == self.waits + here
    }
}
