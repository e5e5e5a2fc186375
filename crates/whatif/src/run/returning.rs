//! Customers who come again: the place of who gave up, and the agent of the last conversation.
//!
//! The engine does the same for callers whom it knows by their numbers; here everybody is known. Where no queue has a rule
//! about it nothing is kept, and nothing is looked up.

use std::time::Duration;

use acd::{AgentId, InteractionId, Wanted};
use timing::Instant;

use super::Run;
use super::customer::slot_of;

/// What is known of one customer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// The arrival that a try before the second instant stands for.
    place: Option<(Instant, Instant)>,
    /// The arrival for which the present try stands, and how much earlier than the try that was.
    regained: Option<(Instant, Duration)>,
    /// Who served last, and until when that is known.
    served: Option<(AgentId, Instant)>,
}

impl Run<'_> {
    fn entry_of(&self, slot: u32) -> &crate::Queue {
        let customer_type = self.customers[slot as usize].customer_type as usize;
        &self.model.queues[self.arrivals[customer_type].entry as usize]
    }

    /// The place of a customer who tries again, if one was kept: it is handed out once.
    pub(super) fn regain_place(&mut self, slot: u32) -> Option<Instant> {
        let now = self.now;
        let known = self.known.get_mut(&slot)?;
        let place = known.place.take().filter(|&(_, until)| until > now);
        known.regained = place.map(|(arrived, _)| (arrived, now - arrived));
        known.regained.map(|(arrived, _)| arrived)
    }

    /// Whom a customer wants by name: those of the own kind, or else who served last.
    pub(super) fn whom_it_wants(&self, slot: u32) -> Option<Wanted> {
        let customer_type = self.customers[slot as usize].customer_type as usize;
        let by_kind = self.arrivals[customer_type].wanted;
        if by_kind.is_some() || self.known.is_empty() {
            return by_kind;
        }
        // Who waits in several queues wants nobody by name.
        let is_alone = self.model.customers[customer_type].also.is_empty();
        let (agent, until) = self.known.get(&slot)?.served.filter(|_| is_alone)?;
        let rule = self.entry_of(slot).last_agent.filter(|_| until > self.now)?;
        Some(Wanted::preferred(agent, rule.wait))
    }

    /// A customer gave up who stood as of then.
    pub(super) fn keep_place(&mut self, slot: u32, arrived: Instant) {
        let Some(keep) = self.entry_of(slot).keep_place else { return };
        let until = self.now + keep;
        self.known.entry(slot).or_default().place = Some((arrived, until));
    }

    /// The distributor was full: the place that was regained has not been used.
    pub(super) fn was_not_let_in(&mut self, slot: u32) {
        let regained = self.known.get(&slot).and_then(|known| known.regained);
        if let Some((arrived, _)) = regained {
            self.keep_place(slot, arrived);
        }
    }

    /// A conversation is over.
    pub(super) fn keep_agent(&mut self, slot: u32, agent: AgentId) {
        let Some(rule) = self.entry_of(slot).last_agent else { return };
        let until = self.now + rule.remember;
        self.known.entry(slot).or_default().served = Some((agent, until));
    }

    /// How much of an age is wait of the present try: the age counts from the arrival for which the try stands.
    pub(super) fn of_this_try(&self, interaction: InteractionId, age: Duration) -> Duration {
        let regained = self.known.get(&slot_of(interaction)).and_then(|known| known.regained);
        regained.map_or(age, |(_, earlier)| age.saturating_sub(earlier))
    }

    pub(super) fn forget(&mut self, slot: u32) {
        if !self.known.is_empty() {
            self.known.remove(&slot);
        }
    }
}
