//! An interaction in several queues at once: entering them, and leaving all of them for what happens in one.
//!
//! It stands in the lines of each as everybody there, with its own entry, step and maximum wait. It is rung for in one of
//! them and stands in no line meanwhile. The estimators of the other queues hear of nothing that is told, so that they
//! are told of who comes and goes directly.

use timing::Instant;

use super::entry::{Nth, Standing};
use super::{Distributor, Interaction, Queue};
use crate::estimate::Estimator;
use crate::line::Node;
use crate::table::Slot;
use crate::{DequeueCause, ENTRIES_MAX, Event, Exit, OverflowCause, QueueId, Refusal, Request};

impl Distributor {
    /// The queues that are asked for beside the first, which is defined.
    pub(super) fn check_also(&self, request: &Request) -> Result<(), Refusal> {
        if request.also.len() >= ENTRIES_MAX {
            return Err(Refusal::TooManyEntries);
        }
        let channel_of = |queue| self.queues.by_id(queue).map(|queue| queue.state.settings.channel);
        for (before, &queue) in request.also.iter().enumerate() {
            let channel = channel_of(queue).ok_or(Refusal::UnknownQueue(queue))?;
            if queue == request.queue || request.also[..before].contains(&queue) {
                return Err(Refusal::DuplicateQueue(queue));
            }
            if channel_of(request.queue) != Some(channel) {
                return Err(Refusal::OtherChannel(queue));
            }
        }
        Ok(())
    }

    /// The first of the queues asked for, which are all defined, that is not closed by its rule; where all are, the first
    /// of all.
    pub(super) fn first_open(&self, first: Slot<Queue>, request: &Request) -> Slot<Queue> {
        let others = request.also.iter().filter_map(|&queue| self.queues.slot(queue));
        std::iter::once(first).chain(others).find(|&queue| !self.is_shut(queue)).unwrap_or(first)
    }

    fn is_shut(&self, queue: Slot<Queue>) -> bool {
        self.queues[queue].state.exit_of_those_who_come().is_some()
    }

    /// One that stands in one queue and in no line yet is put into those too that it asks for beside.
    pub(super) fn put_into_others(&mut self, slot: Slot<Interaction>, request: &Request) {
        let first = self.interactions[slot].entry.queue;
        for &queue in &request.also {
            let there = self.queues.slot(queue).expect("looked at by the caller");
            if queue == first || self.is_shut(there) {
                continue;
            }
            let entry = self.entry_into(there);
            let interaction = &mut self.interactions[slot];
            interaction.rare.change(&mut self.spare, |rare| rare.also.push(entry));
            interaction.standing = Standing::of(1 + interaction.rare.also().len());
        }
    }

    /// Enters all its queues, and is matched once it stands in all of them.
    pub(super) fn enter_several(&mut self, slot: Slot<Interaction>) {
        let Interaction { id, standing, .. } = self.interactions[slot];
        for nth in standing {
            let queue = self.interactions[slot].entry(nth).queue;
            self.come(slot, nth, queue, None);
            self.begin_steps(slot, nth);
            self.start_waiting(slot, nth);
        }
        self.match_all();
        for nth in standing {
            let is_here = self.interactions.slot(id) == Some(slot);
            if !is_here || !self.waits(slot) || !self.interactions[slot].standing.contains(nth) {
                continue;
            }
            match self.exit_at_entry(slot, nth) {
                None => self.make_promise(slot, nth),
                Some((cause, exit)) => self.leave(slot, nth, cause, exit),
            }
        }
    }

    /// A waiting interaction leaves one of its queues without an agent. Where it goes on to another queue, that one.
    pub(super) fn depart(
        &mut self,
        slot: Slot<Interaction>,
        nth: Nth,
        cause: OverflowCause,
        exit: Exit,
    ) -> Option<QueueId> {
        // Nobody stands in line in a queue that is closed.
        if self.interactions[slot].entry(nth).entry_node != Node::NOWHERE {
            self.stop_waiting(slot, nth);
        }
        let stays = self.interactions[slot].stays_elsewhere(nth, exit);
        self.note_overflow(slot, nth, cause, exit, stays);
        if stays {
            self.end_entry(slot, nth);
            return None;
        }
        match exit {
            Exit::Leave(_) => {
                self.forget(slot);
                None
            }
            Exit::Queue(next) => {
                self.interactions[slot].flow_outs += 1;
                Some(next)
            }
        }
    }

    /// It stands in the queue of an entry no more, but in others.
    pub(super) fn end_entry(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &mut self.interactions[slot];
        interaction.standing = interaction.standing.but(nth);
        debug_assert!(!interaction.standing.is_none(), "an interaction that is here stands somewhere");
    }

    /// Out of the lines of all its queues, to be rung for in one of them.
    pub(super) fn leave_lines(&mut self, slot: Slot<Interaction>, nth: Nth) {
        for other in self.interactions[slot].standing {
            if self.interactions[slot].entry(other).entry_node != Node::NOWHERE {
                self.stop_waiting(slot, other);
            }
        }
        self.tell_others(slot, nth, Estimator::left);
    }

    /// Tells the estimators of all queues but that of an entry, which hears it by an event.
    pub(super) fn tell_others(
        &mut self,
        slot: Slot<Interaction>,
        nth: Nth,
        what: impl Fn(&mut Estimator, Instant),
    ) {
        let interaction = &self.interactions[slot];
        for other in interaction.standing.but(nth) {
            let queue = &mut self.queues[interaction.entry(other).queue_slot];
            what(&mut queue.state.estimator, self.now);
        }
    }

    /// Counts and says that it has left all queues but one, because of what became of it there.
    pub(super) fn dequeue_others(&mut self, slot: Slot<Interaction>, nth: Nth, cause: DequeueCause) {
        for other in self.interactions[slot].standing.but(nth) {
            self.dequeue(slot, other, cause);
        }
    }

    /// Counts and says that it has left a queue, which may be removed already.
    pub(super) fn dequeue(&mut self, slot: Slot<Interaction>, nth: Nth, cause: DequeueCause) {
        let interaction = self.interactions[slot].id;
        let queue = self.interactions[slot].entry(nth).queue;
        let (waited, age) = self.ages(slot, nth);
        self.count_if_defined(queue, |counters| counters.dequeued += 1);
        self.emit(Event::Dequeued { interaction, queue, waited, age, cause });
    }

    /// From now on it has this entry only.
    pub(super) fn keep_only(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &mut self.interactions[slot];
        if interaction.rare.also().is_empty() {
            return;
        }
        if let Some(behind) = nth.behind() {
            interaction.entry = interaction.rare.also()[behind].clone();
        }
        interaction.standing = Standing::ONE;
        interaction.rare.change(&mut self.spare, |rare| rare.also.clear());
    }
}
