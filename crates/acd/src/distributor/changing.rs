//! What people want of an interaction that waits: another priority, another own requirement, another queue.
//!
//! All of one change is taken together: in no moment is anybody offered the interaction by a half of it.

use super::entry::Nth;
use super::{Distributor, Interaction};
use crate::state::{Place, Stage};
use crate::table::Slot;
use crate::{
    Change, DequeueCause, Event, Exit, InteractionId, OverflowCause, QueueId, Refusal, Requirement,
    SupervisorId,
};

impl Distributor {
    pub(super) fn change(
        &mut self,
        id: InteractionId,
        change: &Change,
        by: Option<SupervisorId>,
    ) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        let change = self.what_differs(slot, change)?;
        let interaction = &self.interactions[slot];
        let queue = interaction.entry(interaction.first()).queue;
        let Change { priority, requirement, queue: to } = change.clone();
        self.emit(Event::Changed { interaction: id, queue, change: Box::new(change), by });
        if requirement.is_none() && to.is_none() {
            if let Some(priority) = priority {
                self.reorder(slot, priority);
            }
            return Ok(());
        }
        self.stop_waiting_everywhere(slot);
        if let Some(priority) = priority {
            self.set_priority(slot, priority);
        }
        if let Some(requirement) = &requirement {
            self.set_requirement(slot, requirement.as_ref());
        }
        for nth in self.interactions[slot].standing {
            let stays = to.is_none_or(|to| to == self.interactions[slot].entry(nth).queue);
            if stays && requirement.is_some() {
                self.follow_requirement(slot, nth);
            }
            if to.is_none() {
                self.start_waiting(slot, nth);
            }
        }
        if let Some(queue) = to {
            self.move_to(slot, queue);
        }
        Ok(())
    }

    /// The part of a change that is another than what is, if it can be made.
    fn what_differs(&self, slot: Slot<Interaction>, change: &Change) -> Result<Change, Refusal> {
        let interaction = &self.interactions[slot];
        let is_in_line = match interaction.stage() {
            Stage::Waiting => true,
            Stage::Reserved { .. } | Stage::Resting { .. } => false,
            Stage::Handling { .. } => return Err(Refusal::WrongStage(interaction.id)),
        };
        if let Some(id) = change.queue {
            let queue = self.queues.by_id(id).ok_or(Refusal::UnknownQueue(id))?;
            let here = &self.queues[interaction.entry(interaction.first()).queue_slot];
            if queue.state.settings.channel != here.state.settings.channel {
                return Err(Refusal::OtherChannel(id));
            }
            if interaction.pending_callback().is_some()
                && !interaction.stands_in_alone(id)
                && queue.has_callbacks_enough()
            {
                return Err(Refusal::TooManyCallbacks(id));
            }
        }
        if let Some(Some(requirement)) = &change.requirement {
            self.settings.check_requirement(requirement)?;
        }
        let own = interaction.requirement.map(|own| self.own_requirements.at(own));
        let is_other = |wanted: &&Option<Requirement>| wanted.as_ref() != own;
        let differing = Change {
            priority: change.priority.filter(|&points| points != interaction.priority),
            requirement: change.requirement.as_ref().filter(is_other).cloned(),
            queue: change.queue.filter(|&queue| !interaction.stands_in_alone(queue)),
        };
        if !is_in_line && (differing.requirement.is_some() || differing.queue.is_some()) {
            return Err(Refusal::WrongStage(interaction.id));
        }
        Ok(differing)
    }

    /// Another place in the same lines. Nobody idle could take it before, and nobody can now.
    pub(super) fn reorder(&mut self, slot: Slot<Interaction>, priority: i32) {
        let standing = self.interactions[slot].standing;
        match self.interactions[slot].stage() {
            Stage::Waiting => {
                for nth in standing {
                    self.unlist(slot, nth);
                }
                self.set_priority(slot, priority);
                for nth in standing {
                    self.list(slot, nth);
                }
            }
            Stage::Reserved { .. } => {
                self.stand_down_from_ringing(slot);
                self.set_priority(slot, priority);
                self.stand_ringing(slot);
            }
            Stage::Resting { .. } => self.set_priority(slot, priority),
            Stage::Handling { .. } => unreachable!("what is answered has no place"),
        }
    }

    /// Of one that stands in no line.
    pub(super) fn set_priority(&mut self, slot: Slot<Interaction>, priority: i32) {
        let head_start = self.settings.head_start_per_point;
        let interaction = &mut self.interactions[slot];
        interaction.priority = priority;
        interaction.key = Place::new(interaction.id, interaction.arrived, priority, head_start).key;
    }

    /// Of one that stands in no line.
    fn set_requirement(&mut self, slot: Slot<Interaction>, requirement: Option<&Requirement>) {
        let own = requirement.map(|requirement| self.own_requirements.keep(requirement));
        let before = std::mem::replace(&mut self.interactions[slot].requirement, own);
        if let Some(before) = before {
            self.own_requirements.release(before);
        }
    }

    /// One that stands in no line and needs something else now goes on from a step that nobody serves who has it.
    fn follow_requirement(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let from = self.interactions[slot].entry(nth).step;
        let (step, cause) = self.step_now(slot, nth, from);
        self.enter_step(slot, nth, step, cause);
    }

    /// One that stands in no line waits in this queue and in no other.
    fn move_to(&mut self, slot: Slot<Interaction>, queue: QueueId) {
        let interaction = &self.interactions[slot];
        let (standing, first, there) = (interaction.standing, interaction.first(), interaction.nth_in(queue));
        let from = interaction.entry(first).queue;
        for nth in standing.but(first).filter(|&nth| Some(nth) != there) {
            self.leave_for_another(slot, nth);
        }
        if there == Some(first) {
            return self.start_waiting(slot, first);
        }
        self.note_overflow(slot, first, OverflowCause::Moved, Exit::Queue(queue), there.is_some());
        match there {
            Some(there) => {
                self.end_entry(slot, first);
                self.start_waiting(slot, there);
            }
            None => self.enter(slot, first, queue, Some(from)),
        }
    }

    fn leave_for_another(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let queue = self.interactions[slot].entry(nth).queue_slot;
        self.queues[queue].state.estimator.left(self.now);
        self.dequeue(slot, nth, DequeueCause::Moved);
        self.end_entry(slot, nth);
    }
}
