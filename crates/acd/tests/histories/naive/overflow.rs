//! Overflow by rule, as said and not as made fast.

use acd::estimate::{Line, NoEstimate};
use acd::{Condition, Limit, Measure};

use super::*;

/// When the rules with a time are looked at that have not been.
pub(super) fn times(rules: &QueueSettings, entry: &EntryState) -> Vec<Instant> {
    let is_open = |n: usize| entry.overflows_seen >> n & 1 == 0;
    let open = rules.overflows.iter().enumerate().filter(|&(n, rule)| !rule.after.is_zero() && is_open(n));
    open.map(|(_, rule)| entry.entered + rule.after).collect()
}

/// Every way out of a queue.
pub(super) fn exits(settings: &QueueSettings) -> Vec<Exit> {
    let plain = [
        settings.max_wait.map(|rule| rule.exit),
        settings.max_length.map(|rule| rule.exit),
        settings.nobody_logged_in.map(|rule| rule.exit),
        settings.closed.map(|rule| rule.exit),
    ];
    plain.into_iter().flatten().chain(settings.overflows.iter().map(|rule| rule.exit)).collect()
}

impl Naive {
    /// New rules have not been looked at for anybody.
    pub(super) fn follow_new_overflows(&mut self, id: QueueId, settings: &QueueSettings) {
        if self.state.queues.get(&id).is_none_or(|before| before.settings.overflows != settings.overflows) {
            let entries = self.state.interactions.values_mut().flat_map(|contact| &mut contact.entries);
            entries.filter(|entry| entry.queue == id).for_each(|entry| entry.overflows_seen = 0);
        }
    }

    /// By which rule an interaction leaves that has just entered.
    pub(super) fn rule_at_entry(&self, stand: Stand) -> Option<(OverflowCause, Exit)> {
        self.rule(stand, |_, after| after == Duration::ZERO)
    }

    /// By which rule it leaves after so long; those of that time have been looked at from now on.
    pub(super) fn rule_after(&mut self, stand: Stand, waited: Duration) -> Option<(OverflowCause, Exit)> {
        let seen = self.entry(stand).overflows_seen;
        let is_due =
            |number: usize, after| after > Duration::ZERO && after <= waited && seen >> number & 1 == 0;
        let found = self.rule(stand, is_due);
        for number in 0..self.rules_of(stand).overflows.len() {
            if is_due(number, self.rules_of(stand).overflows[number].after) {
                self.entry_mut(stand).overflows_seen |= 1 << number;
            }
        }
        found
    }

    fn rule(
        &self,
        stand: Stand,
        is_meant: impl Fn(usize, Duration) -> bool,
    ) -> Option<(OverflowCause, Exit)> {
        for (number, rule) in self.rules_of(stand).overflows.iter().enumerate() {
            if is_meant(number, rule.after)
                && self.has_exit(stand, rule.exit)
                && rule.when.iter().all(|condition| self.is_so(stand, condition))
            {
                return Some((OverflowCause::Rule(number as u8), rule.exit));
            }
        }
        None
    }

    /// Whether a queue stands so for everybody but this interaction.
    fn is_so(&self, (id, here): Stand, condition: &Condition) -> bool {
        let queue = condition.queue.unwrap_or(here);
        let Some(entry) = self.state.queues.get(&queue) else { return false };
        let now = self.state.now;
        let line: Vec<InteractionId> = self.line(queue).into_iter().map(|place| place.interaction).collect();
        let others: Vec<InteractionId> = line.into_iter().filter(|&other| other != id).collect();
        let channel = entry.settings.channel;
        let takes_any = move |agent: &&AgentState| agent.settings.capacity.of(channel) > 0;
        let serve = |step: usize| {
            let agents = self.state.agents.values().filter(takes_any);
            agents.filter(move |agent| meets(&entry.settings, step, &agent.settings.skills))
        };
        let serve_any = || {
            let steps = 0..=entry.settings.steps.len();
            let agents = self.state.agents.values().filter(takes_any);
            agents.filter(move |agent| {
                steps.clone().any(|step| meets(&entry.settings, step, &agent.settings.skills))
            })
        };
        let first_step = self.past_unstaffed(queue, 0);
        let is_open =
            |agent: &&AgentState| reserve(&entry.settings, agent) <= usize::from(entry.reserves_open);
        let is_ready =
            |agent: &&AgentState| agent.presence == Presence::Ready && self.has_room(agent, channel);
        let idle = || serve(first_step).filter(is_open).filter(is_ready).count();
        let (value, bound) = match condition.measure {
            Measure::Waiting(bound) => (others.len() as u128, bound.into()),
            Measure::OldestWait(bound) => {
                let waits = others.iter().map(|other| now - self.entry((*other, queue)).entered);
                (waits.max().unwrap_or_default().as_micros(), bound.as_micros())
            }
            Measure::AgentsIdle(bound) => (idle() as u128, bound.into()),
            Measure::AgentsWorking(bound) => {
                let is_elsewhere = |agent: &AgentState| matches!(agent.aside, Aside::Occupied { .. });
                let works = |agent: &&AgentState| agent.presence == Presence::Ready && !is_elsewhere(agent);
                (serve_any().filter(works).count() as u128, bound.into())
            }
            Measure::AgentsLoggedIn(bound) => {
                let is_here = |agent: &&AgentState| agent.presence != Presence::LoggedOut;
                (serve_any().filter(is_here).count() as u128, bound.into())
            }
            Measure::EstimatedWait(bound) => {
                let is_plain = |id: &&InteractionId| self.is_plain((**id, queue));
                let head = others.iter().find(is_plain);
                let somebody_is_free = idle() > 0;
                let line = Line {
                    ahead: if somebody_is_free { 0 } else { others.len() as u32 },
                    available: u32::from(somebody_is_free),
                    head: head.and_then(|head| self.entry((*head, queue)).promise),
                };
                match entry.estimator.estimate(now, &line) {
                    Ok(estimate) => (estimate.wait.as_micros(), bound.as_micros()),
                    Err(NoEstimate::TooLong) => (u128::MAX, bound.as_micros()),
                    Err(_) => return false,
                }
            }
        };
        match condition.limit {
            Limit::AtLeast => value >= bound,
            Limit::AtMost => value <= bound,
        }
    }
}
