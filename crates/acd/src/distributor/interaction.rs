//! An interaction: entering, waiting, leaving.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId};

use super::agent::ReadyClock;
use super::{Deadline, Distributor};
use crate::state::{InteractionState, Place, Staffing, Stage};
use crate::{
    AbandonedDuring, Activity, AgentId, Event, Exit, InteractionId, OverflowCause, QueueId, Refusal,
    Requirement, ReservationEnd,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Interaction {
    pub(crate) state: InteractionState,
    pub(crate) place: Place,
    /// Set while waiting.
    pub(crate) step_timer: Option<TimerId>,
    /// Set while waiting.
    pub(crate) max_wait_timer: Option<TimerId>,
    pub(crate) exclusion_timers: BTreeMap<AgentId, TimerId>,
}

impl Distributor {
    pub(super) fn interaction(&self, id: InteractionId) -> Result<&InteractionState, Refusal> {
        match self.interactions.get(&id) {
            Some(interaction) => Ok(&interaction.state),
            None => Err(Refusal::UnknownInteraction(id)),
        }
    }

    /// One that the caller knows to be here.
    pub(super) fn interaction_mut(&mut self, id: InteractionId) -> &mut Interaction {
        self.interactions.get_mut(&id).expect("the caller has looked the interaction up")
    }

    pub(super) fn enqueue(
        &mut self,
        id: InteractionId,
        queue: QueueId,
        priority: i32,
        requirement: Option<Requirement>,
        arrived: Option<Instant>,
    ) -> Result<(), Refusal> {
        if !self.queues.contains_key(&queue) {
            return Err(Refusal::UnknownQueue(queue));
        }
        if self.interactions.contains_key(&id) {
            return Err(Refusal::DuplicateInteraction(id));
        }
        if let Some(requirement) = &requirement {
            self.settings.check_requirement(requirement)?;
        }
        if self.unanswered >= self.settings.waiting_max {
            return Err(Refusal::TooManyWaiting);
        }
        let arrived = arrived.map_or(self.now, |arrived| arrived.min(self.now));
        let interaction = Interaction {
            state: InteractionState {
                queue,
                priority,
                requirement,
                arrived,
                entered: self.now,
                step: 0,
                attempts: 0,
                flow_outs: 0,
                exclusions: BTreeMap::new(),
                overdue: false,
                stage: Stage::Waiting,
            },
            place: Place::new(id, arrived, priority, self.settings.head_start_per_point),
            step_timer: None,
            max_wait_timer: None,
            exclusion_timers: BTreeMap::new(),
        };
        self.interactions.insert(id, interaction);
        self.unanswered += 1;
        self.enter(id, queue, None);
        Ok(())
    }

    /// Enters a queue; where that is full or deserted, goes on along the exits until it may stay or is gone.
    /// It ends because each exit to a queue uses up one of [`crate::Settings::flow_outs_max`].
    pub(super) fn enter(&mut self, id: InteractionId, queue: QueueId, from: Option<QueueId>) {
        let (mut queue, mut from) = (queue, from);
        loop {
            self.enter_one(id, queue, from);
            self.match_all();
            let Some((cause, exit)) = self.exit_at_entry(id) else { return };
            self.stop_waiting(id);
            self.note_overflow(id, cause, exit);
            match exit {
                Exit::Leave(_) => return self.forget(id),
                Exit::Queue(next) => {
                    self.interaction_mut(id).state.flow_outs += 1;
                    (queue, from) = (next, Some(queue));
                }
            }
        }
    }

    fn enter_one(&mut self, id: InteractionId, queue: QueueId, from: Option<QueueId>) {
        let now = self.now;
        let interaction = &mut self.interaction_mut(id).state;
        interaction.queue = queue;
        interaction.entered = now;
        interaction.step = 0;
        interaction.attempts = 0;
        interaction.overdue = false;
        self.offer(id, from);
        let (step, cause) = self.queues[&queue].step_at(0, now, now);
        self.enter_step(id, step, cause);
        self.start_waiting(id);
    }

    /// Counts and says that an interaction is in the queue that its state names.
    pub(super) fn offer(&mut self, id: InteractionId, from: Option<QueueId>) {
        let interaction = &self.interactions[&id].state;
        let (queue, priority) = (interaction.queue, interaction.priority);
        let (waited, age) = (self.now - interaction.entered, self.now - interaction.arrived);
        self.count(queue, |counters| counters.offered += 1);
        self.emit(Event::Queued { interaction: id, queue, from, priority, waited, age });
    }

    fn exit_at_entry(&self, id: InteractionId) -> Option<(OverflowCause, Exit)> {
        let interaction = &self.interactions[&id].state;
        if interaction.stage != Stage::Waiting {
            return None;
        }
        let queue = &self.queues[&interaction.queue];
        let deserted = matches!(queue.state.staffing, Staffing::Deserted { .. });
        let nobody = queue.state.settings.nobody_logged_in.filter(|_| deserted);
        let before = queue.entries.len() as u64 - 1;
        let full = queue.state.settings.max_length.filter(|rule| before >= u64::from(rule.waiting));
        [
            nobody.map(|rule| (OverflowCause::NobodyLoggedIn, rule.exit)),
            full.map(|rule| (OverflowCause::MaxLength, rule.exit)),
        ]
        .into_iter()
        .flatten()
        .find(|&(_, exit)| self.can_leave_by(id, exit))
    }

    /// Whether an interaction waits and can use an exit: the queue there is defined (that it is another one was
    /// checked when the rule was defined), and the interaction has not moved too often.
    pub(super) fn can_leave_by(&self, id: InteractionId, exit: Exit) -> bool {
        let Some(interaction) = self.interactions.get(&id) else { return false };
        let interaction = &interaction.state;
        let can_use = match exit {
            Exit::Leave(_) => true,
            Exit::Queue(queue) => {
                self.queues.contains_key(&queue) && interaction.flow_outs < self.settings.flow_outs_max
            }
        };
        can_use && interaction.stage == Stage::Waiting
    }

    /// A waiting interaction leaves its queue without an agent.
    pub(super) fn leave(&mut self, id: InteractionId, cause: OverflowCause, exit: Exit) {
        let from = self.interactions[&id].state.queue;
        self.stop_waiting(id);
        self.note_overflow(id, cause, exit);
        match exit {
            Exit::Leave(_) => self.forget(id),
            Exit::Queue(queue) => {
                self.interaction_mut(id).state.flow_outs += 1;
                self.enter(id, queue, Some(from));
            }
        }
    }

    /// Counts and says that an interaction leaves its queue without an agent.
    pub(super) fn note_overflow(&mut self, id: InteractionId, cause: OverflowCause, exit: Exit) {
        let interaction = &self.interactions[&id].state;
        let queue = interaction.queue;
        let (waited, age) = (self.now - interaction.entered, self.now - interaction.arrived);
        self.count(queue, |counters| {
            counters.overflowed += 1;
            match exit {
                Exit::Queue(_) => counters.flowed_out += 1,
                Exit::Leave(_) => {}
            }
        });
        self.emit(Event::Overflowed { interaction: id, queue, waited, age, cause, exit });
    }

    /// Whoever waits longer than allowed leaves, or is marked where the exit cannot be used.
    pub(super) fn leave_if_overdue(&mut self, id: InteractionId) {
        let Some(interaction) = self.interactions.get(&id) else { return };
        let interaction = &interaction.state;
        if interaction.stage != Stage::Waiting {
            return;
        }
        let queue = &self.queues[&interaction.queue].state;
        let waited = self.now - interaction.entered;
        let deserted = matches!(queue.staffing, Staffing::Deserted { .. });
        if let Some(rule) = queue.settings.nobody_logged_in.filter(|_| deserted)
            && self.can_leave_by(id, rule.exit)
        {
            return self.leave(id, OverflowCause::NobodyLoggedIn, rule.exit);
        }
        let Some(rule) = queue.settings.max_wait.filter(|rule| rule.after <= waited) else { return };
        if interaction.overdue {
            return;
        }
        if self.can_leave_by(id, rule.exit) {
            return self.leave(id, OverflowCause::MaxWait, rule.exit);
        }
        let interaction = self.interaction_mut(id);
        interaction.state.overdue = true;
        let timer = interaction.max_wait_timer.take();
        timer.and_then(|timer| self.deadlines.cancel(timer));
    }

    pub(super) fn cancel(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let interaction = self.interaction(id)?;
        let (during, freed) = match interaction.stage {
            Stage::Waiting => (AbandonedDuring::Waiting, None),
            Stage::Reserved(reservation) => (AbandonedDuring::Reserved, Some(reservation)),
            Stage::Handling { .. } => return Err(Refusal::WrongStage(id)),
        };
        let queue = interaction.queue;
        let (waited, age) = (self.now - interaction.entered, self.now - interaction.arrived);
        let agent = match freed {
            Some(reservation) => Some(self.end_reservation(reservation, ReservationEnd::Cancelled).agent),
            None => {
                self.stop_waiting(id);
                None
            }
        };
        self.count(queue, |counters| counters.abandoned += 1);
        self.emit(Event::Abandoned { interaction: id, queue, waited, age, during });
        self.forget(id);
        if let Some(agent) = agent {
            self.free_without_fault(agent);
        }
        Ok(())
    }

    /// The agent is idle again as if the reservation had not been, except for the clock of the last offer.
    pub(super) fn free_without_fault(&mut self, agent: AgentId) {
        let since = self.now;
        self.change_agent(agent, ReadyClock::Goes, |agent| agent.activity = Activity::Idle { since });
    }

    pub(super) fn set_priority(&mut self, id: InteractionId, priority: i32) -> Result<(), Refusal> {
        let interaction = self.interaction(id)?;
        let (queue, arrived, stage) = (interaction.queue, interaction.arrived, interaction.stage);
        if let Stage::Handling { .. } = stage {
            return Err(Refusal::WrongStage(id));
        }
        if stage == Stage::Waiting {
            self.unlist(id);
        }
        let place = Place::new(id, arrived, priority, self.settings.head_start_per_point);
        let interaction = self.interaction_mut(id);
        interaction.state.priority = priority;
        interaction.place = place;
        if stage == Stage::Waiting {
            self.list(id);
        }
        self.emit(Event::PriorityChanged { interaction: id, queue, priority });
        Ok(())
    }

    pub(super) fn set_requirement(
        &mut self,
        id: InteractionId,
        requirement: Option<Requirement>,
    ) -> Result<(), Refusal> {
        if self.interaction(id)?.stage != Stage::Waiting {
            return Err(Refusal::WrongStage(id));
        }
        if let Some(requirement) = &requirement {
            self.settings.check_requirement(requirement)?;
        }
        self.stop_waiting(id);
        self.interaction_mut(id).state.requirement = requirement;
        self.start_waiting(id);
        Ok(())
    }

    pub(super) fn move_to(&mut self, id: InteractionId, queue: QueueId) -> Result<(), Refusal> {
        let interaction = self.interaction(id)?;
        if interaction.stage != Stage::Waiting {
            return Err(Refusal::WrongStage(id));
        }
        let from = interaction.queue;
        if !self.queues.contains_key(&queue) {
            return Err(Refusal::UnknownQueue(queue));
        }
        if queue == from {
            return Err(Refusal::UselessExit(queue));
        }
        self.stop_waiting(id);
        self.note_overflow(id, OverflowCause::Moved, Exit::Queue(queue));
        self.enter(id, queue, Some(from));
        Ok(())
    }

    /// Back in line after a reservation or an answer that came to nothing: same place, same age.
    pub(super) fn wait_again(&mut self, id: InteractionId) {
        let interaction = &self.interactions[&id];
        let (state, place) = (&interaction.state, interaction.place);
        let queue = &self.queues[&state.queue];
        let (step, cause) = queue.step_at(state.step, state.entered, self.now);
        self.enter_step(id, step, cause);
        self.start_waiting(id);
        self.unsettled.overdue.insert(place);
    }

    pub(super) fn end_exclusion(&mut self, id: InteractionId, agent: AgentId) {
        let interaction = self.interaction_mut(id);
        interaction.state.exclusions.remove(&agent);
        interaction.exclusion_timers.remove(&agent);
        let place = interaction.place;
        self.unsettled.interactions.insert(place);
    }

    /// The agent is not offered this interaction until then.
    pub(super) fn exclude(&mut self, id: InteractionId, agent: AgentId, until: Instant) {
        let most = self.settings.exclusions_max as usize;
        if most == 0 {
            return;
        }
        let timer = self.deadlines.schedule(until, (until, Deadline::Exclusion(id, agent)));
        let interaction = self.interactions.get_mut(&id).expect("the caller has looked it up");
        if interaction.state.exclusions.len() >= most {
            let first = interaction.state.exclusions.iter().map(|(&agent, &until)| (until, agent)).min();
            let (_, first) = first.expect("there are as many as allowed, and that is not none");
            interaction.state.exclusions.remove(&first);
            let timer = interaction.exclusion_timers.remove(&first).expect("each exclusion has its timer");
            self.deadlines.cancel(timer);
        }
        interaction.state.exclusions.insert(agent, until);
        interaction.exclusion_timers.insert(agent, timer);
    }

    pub(super) fn clear_exclusions(&mut self, id: InteractionId) {
        let interaction = self.interactions.get_mut(&id).expect("the caller has looked it up");
        interaction.state.exclusions.clear();
        for timer in std::mem::take(&mut interaction.exclusion_timers).into_values() {
            self.deadlines.cancel(timer);
        }
    }

    /// Gone from the distributor, without an agent.
    pub(super) fn forget(&mut self, id: InteractionId) {
        self.clear_exclusions(id);
        self.interactions.remove(&id);
        self.unanswered -= 1;
    }

    /// Into the lists, with the deadlines of waiting; whoever is free may take it.
    pub(super) fn start_waiting(&mut self, id: InteractionId) {
        self.list(id);
        let (step, wait) = (self.next_step(id), self.max_wait(id));
        let step_timer = step.map(|at| self.deadlines.schedule(at, (at, Deadline::Step(id))));
        let max_wait_timer = wait.map(|at| self.deadlines.schedule(at, (at, Deadline::MaxWait(id))));
        let interaction = self.interaction_mut(id);
        interaction.step_timer = step_timer;
        interaction.max_wait_timer = max_wait_timer;
        let place = interaction.place;
        self.unsettled.interactions.insert(place);
    }

    /// Out of the lists, without deadlines of waiting.
    pub(super) fn stop_waiting(&mut self, id: InteractionId) {
        self.unlist(id);
        let interaction = self.interaction_mut(id);
        let timers = [interaction.step_timer.take(), interaction.max_wait_timer.take()];
        for timer in timers.into_iter().flatten() {
            self.deadlines.cancel(timer);
        }
    }

    fn list(&mut self, id: InteractionId) {
        let interaction = &self.interactions[&id];
        let (state, place) = (&interaction.state, interaction.place);
        let queue = self.queues.get_mut(&state.queue).expect("interactions wait in queues that are defined");
        queue.entries.insert((state.entered, id));
        if state.requirement.is_some() {
            queue.own.insert(place);
        } else {
            queue.waiting[usize::from(state.step)].insert(place);
        }
    }

    fn unlist(&mut self, id: InteractionId) {
        let interaction = &self.interactions[&id];
        let (state, place) = (&interaction.state, interaction.place);
        let queue = self.queues.get_mut(&state.queue).expect("interactions wait in queues that are defined");
        queue.entries.remove(&(state.entered, id));
        let was_there = if state.requirement.is_some() {
            queue.own.remove(&place)
        } else {
            queue.waiting[usize::from(state.step)].remove(&place)
        };
        debug_assert!(was_there, "who waits is listed");
    }

    /// When a waiting interaction comes to its next step.
    pub(super) fn next_step(&self, id: InteractionId) -> Option<Instant> {
        let interaction = &self.interactions.get(&id)?.state;
        if interaction.stage != Stage::Waiting {
            return None;
        }
        let steps = &self.queues[&interaction.queue].state.settings.steps;
        steps.get(usize::from(interaction.step)).map(|step| interaction.entered + step.after)
    }

    /// When a waiting interaction has waited too long.
    pub(super) fn max_wait(&self, id: InteractionId) -> Option<Instant> {
        let interaction = &self.interactions.get(&id)?.state;
        if interaction.stage != Stage::Waiting || interaction.overdue {
            return None;
        }
        let rule = self.queues[&interaction.queue].state.settings.max_wait?;
        Some(interaction.entered + rule.after)
    }
}
