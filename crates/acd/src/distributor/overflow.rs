//! Overflow by rule: when the rules of a queue are looked at, and what they see.
//!
//! Rules without a time are looked at when somebody enters and finds no agent. Whoever waits in a queue whose rules
//! have times stands in the line of the rule whose time comes next, in order of entry, with one alarm for each line.

use std::time::Duration;

use timing::Instant;

use super::entry::{Entry, Nth};
use super::waiting::{Aging, entry_key};
use super::{Alarm, Distributor, Interaction, Queue};
use crate::estimate::NoEstimate;
use crate::line::Node;
use crate::overflow::{Condition, Limit, Measure, Overflow, come_due, next};
use crate::table::Slot;
use crate::{Exit, InteractionId, OverflowCause, QueueId};

/// The lines of a queue for the times of its rules, by rule; none where there are no rules.
pub(super) fn lines(overflows: &[Overflow]) -> Vec<Aging> {
    overflows.iter().map(|_| Aging::new()).collect()
}

impl Distributor {
    /// The first rule without a time by which an interaction leaves that has just entered and waits.
    pub(super) fn overflow_at_entry(
        &self,
        slot: Slot<Interaction>,
        nth: Nth,
    ) -> Option<(OverflowCause, Exit)> {
        let here = self.interactions[slot].entry(nth).queue_slot;
        let rules = &self.queues[here].state.settings.overflows;
        let mut at_entry = (0u8..).zip(rules).filter(|(_, rule)| rule.after.is_zero());
        let found = at_entry.find(|(_, rule)| self.applies(rule, slot, here));
        found.map(|(number, rule)| (OverflowCause::Rule(number), rule.exit))
    }

    /// Looks at the rules whose time has come for an interaction that waits, each once. The first by which it leaves.
    pub(super) fn overflow_by_time(
        &mut self,
        slot: Slot<Interaction>,
        nth: Nth,
    ) -> Option<(OverflowCause, Exit)> {
        let Entry { queue_slot: here, entered, overflows_seen, .. } = *self.interactions[slot].entry(nth);
        let rules = &self.queues[here].state.settings.overflows;
        let due = come_due(rules, self.now - entered) & !overflows_seen;
        if due == 0 {
            return None;
        }
        let mut in_time = (0u8..).zip(rules).filter(|(number, _)| due >> number & 1 == 1);
        let found = in_time.find(|(_, rule)| self.applies(rule, slot, here));
        let found = found.map(|(number, rule)| (OverflowCause::Rule(number), rule.exit));
        self.leave_overflow_line(slot, nth);
        self.interactions[slot].entry_mut(nth).overflows_seen |= due;
        if found.is_none() {
            self.enter_overflow_line(slot, nth);
        }
        found
    }

    /// Whether a waiting interaction can leave by a rule of this queue, and all that the rule asks for holds.
    fn applies(&self, rule: &Overflow, slot: Slot<Interaction>, here: Slot<Queue>) -> bool {
        self.can_leave_by(slot, rule.exit)
            && rule.when.iter().all(|condition| self.holds(condition, slot, here))
    }

    /// Whether a condition of this queue holds, for an interaction that waits.
    fn holds(&self, condition: &Condition, slot: Slot<Interaction>, here: Slot<Queue>) -> bool {
        let Some(of) = condition.queue.map_or(Some(here), |queue| self.queues.slot(queue)) else {
            return false;
        };
        let (queue, limit) = (&self.queues[of], condition.limit);
        let interaction = &self.interactions[slot];
        let own = interaction.nth_in(queue.id).map(|nth| interaction.entry(nth));
        let except = own.filter(|entry| entry.node != Node::NOWHERE);
        match condition.measure {
            Measure::Waiting(bound) => limit.admits(queue.lines.len - u32::from(except.is_some()), bound),
            Measure::OldestWait(bound) => limit.admits(self.oldest_wait(queue, except), bound),
            Measure::EstimatedWait(bound) => match self.estimate_without(self.now, queue, except) {
                Ok(estimate) => limit.admits(estimate.wait, bound),
                Err(NoEstimate::TooLong) => limit == Limit::AtLeast,
                Err(
                    NoEstimate::NobodyLoggedIn
                    | NoEstimate::NobodyReady
                    | NoEstimate::PoorSample { .. }
                    | NoEstimate::TooUncertain,
                ) => false,
            },
            Measure::AgentsIdle(bound) => limit.admits(self.idle_for_newcomer(queue), bound),
            Measure::AgentsWorking(bound) => limit.admits(queue.working, bound),
            Measure::AgentsLoggedIn(bound) => limit.admits(queue.staff_any, bound),
        }
    }

    /// How long the first to enter has waited, of all who wait in a queue but one.
    fn oldest_wait(&self, queue: &Queue, except: Option<&Entry>) -> Duration {
        let except = except.map(|entry| entry.entry_node);
        let firsts = queue.lines.entries.iter().filter_map(|aging| self.lines.head_but(&aging.line, except));
        let entered = firsts.map(|node| Instant::from_micros(self.lines.key(node).major)).min();
        entered.map(|entered| self.now - entered).unwrap_or_default()
    }

    /// Idle agents who could take somebody who entered now.
    fn idle_for_newcomer(&self, queue: &Queue) -> u32 {
        let (step, _) = queue.step_at(0, self.now, self.now);
        let mut idle = 0u32;
        self.look_at_heads(queue, step, queue.state.reserves_open, |_, length| {
            idle = idle.saturating_add(length);
        });
        idle
    }

    /// Into the line of the rule whose time comes next, if there is one.
    pub(super) fn enter_overflow_line(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &mut self.interactions[slot];
        let Entry { queue: id, queue_slot, entered, overflows_seen, .. } = *interaction.entry(nth);
        let queue = &mut self.queues[queue_slot];
        let rules = &queue.state.settings.overflows;
        let Some(number) = next(rules, overflows_seen) else { return };
        let at = entered + rules[usize::from(number)].after;
        let aging = &mut queue.lines.overflowing[usize::from(number)];
        let key = entry_key(interaction, nth);
        interaction.entry_mut(nth).overflow_node = self.lines.insert(&mut aging.line, key, slot.number());
        aging.wake(&mut self.deadlines, at, Alarm::Overflow(id, number));
    }

    /// Out of it, if it stands in one.
    pub(super) fn leave_overflow_line(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let entry = self.interactions[slot].entry_mut(nth);
        let node = std::mem::replace(&mut entry.overflow_node, Node::NOWHERE);
        if node == Node::NOWHERE {
            return;
        }
        let queue = &mut self.queues[entry.queue_slot];
        let number = next(&queue.state.settings.overflows, entry.overflows_seen);
        let number = number.expect("it stands in the line of the next rule");
        let aging = &mut queue.lines.overflowing[usize::from(number)];
        self.lines.remove(&mut aging.line, node);
        aging.rest_if_empty(&mut self.deadlines);
    }

    /// When the next rule is looked at for a waiting interaction.
    pub(super) fn next_overflow(&self, id: InteractionId, queue: QueueId) -> Option<Instant> {
        let (slot, nth) = self.waiting_in(id, queue)?;
        let interaction = &self.interactions[slot];
        if interaction.rare.callback().is_some() {
            return None;
        }
        let entry = interaction.entry(nth);
        let rules = &self.queues[entry.queue_slot].state.settings.overflows;
        let number = next(rules, entry.overflows_seen)?;
        Some(entry.entered + rules[usize::from(number)].after)
    }

    /// After the rules of a queue have changed: for everybody who is in it, or came from it and may come back, none of
    /// the new ones has been looked at.
    pub(super) fn forget_overflows_seen(&mut self, queue: QueueId) {
        let here = |(slot, of): (Slot<Interaction>, &Interaction)| Some((slot, of.nth_in(queue)?));
        let here: Vec<(Slot<Interaction>, Nth)> = self.interactions.iter().filter_map(here).collect();
        for (slot, nth) in here {
            self.interactions[slot].entry_mut(nth).overflows_seen = 0;
        }
    }
}
