//! An interaction: entering, waiting, leaving.

use std::collections::BTreeMap;

use timing::{Instant, TimerId};

use super::waiting::OwnRequirement;
use super::{Agent, Alarm, Deadline, Distributor, Queue, Reservation};
use crate::estimate::Promise;
use crate::line::Node;
use crate::state::{Place, Staffing, Stage};
use crate::table::{Named, Slot};
use crate::{
    AbandonedDuring, AgentId, Event, Exit, InteractionId, OverflowCause, QueueId, Refusal, Request,
    Requirement, ReservationEnd,
};

/// What [`crate::state::InteractionState`] says, in as few bytes as a million of them deserve.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) id: InteractionId,
    /// Of its place.
    pub(crate) key: i64,
    pub(crate) arrived: Instant,
    pub(crate) entered: Instant,
    pub(crate) stage: Stage,
    pub(crate) queue: QueueId,
    /// The same queue; only while waiting or reserved, because a queue may be removed under a conversation.
    pub(crate) queue_slot: Slot<Queue>,
    pub(crate) priority: i32,
    pub(crate) attempts: u32,
    pub(crate) flow_outs: u32,
    pub(crate) requirement: Option<OwnRequirement>,
    /// Where it stands in the lines of its queue while it waits: by place, by entry, by its maximum wait.
    pub(crate) node: Node,
    pub(crate) entry_node: Node,
    pub(crate) expiry_node: Node,
    /// Of those by which agents are held for it; nowhere while there is none.
    pub(crate) first_reservation: Slot<Reservation>,
    pub(crate) step: u8,
    pub(crate) overdue: bool,
    pub(crate) promise: Option<Promise>,
    /// `None` for most: nobody has declined it.
    pub(crate) exclusions: Option<Box<Exclusions>>,
}

/// Agents who are not offered an interaction, until when, and what ends that.
pub(crate) type Exclusions = BTreeMap<AgentId, (Instant, TimerId)>;

impl Named for Interaction {
    type Id = InteractionId;

    fn id(&self) -> InteractionId {
        self.id
    }

    fn number(id: InteractionId) -> u64 {
        id.0
    }
}

impl Interaction {
    pub(crate) fn place(&self) -> Place {
        Place { key: self.key, interaction: self.id }
    }

    /// Until when an agent is not offered this interaction.
    pub(crate) fn exclusion(&self, agent: AgentId) -> Option<Instant> {
        self.exclusions.as_ref()?.get(&agent).map(|&(until, _)| until)
    }
}

impl Distributor {
    pub(super) fn interaction(&self, id: InteractionId) -> Result<Slot<Interaction>, Refusal> {
        self.interactions.slot(id).ok_or(Refusal::UnknownInteraction(id))
    }

    /// Whether an agent meets the interaction's own requirement, if it has one.
    pub(super) fn accepts(&self, interaction: &Interaction, agent: &Agent) -> bool {
        interaction.requirement.is_none_or(|own| {
            self.own_requirements.at(own).is_met_by(&self.profiles.at(agent.profile).skills)
        })
    }

    pub(super) fn enqueue(&mut self, id: InteractionId, request: &Request) -> Result<(), Refusal> {
        let &Request { queue, priority, ref requirement, arrived } = request;
        let queue_slot = self.queues.slot(queue).ok_or(Refusal::UnknownQueue(queue))?;
        if self.interactions.contains(id) {
            return Err(Refusal::DuplicateInteraction(id));
        }
        if let Some(requirement) = requirement {
            self.settings.check_requirement(requirement)?;
        }
        if self.unanswered >= self.settings.waiting_max {
            return Err(Refusal::TooManyWaiting);
        }
        let arrived = arrived.map_or(self.now, |arrived| arrived.min(self.now));
        let slot = self.interactions.insert(Interaction {
            id,
            key: Place::new(id, arrived, priority, self.settings.head_start_per_point).key,
            arrived,
            entered: self.now,
            stage: Stage::Waiting,
            queue,
            queue_slot,
            priority,
            attempts: 0,
            flow_outs: 0,
            requirement: requirement.as_ref().map(|requirement| self.own_requirements.keep(requirement)),
            node: Node::NOWHERE,
            entry_node: Node::NOWHERE,
            expiry_node: Node::NOWHERE,
            first_reservation: Slot::NOWHERE,
            step: 0,
            overdue: false,
            promise: None,
            exclusions: None,
        });
        self.unanswered += 1;
        self.enter(slot, queue, None);
        Ok(())
    }

    /// Enters a queue; where that is full or deserted, goes on along the exits until it may stay or is gone.
    /// It ends because each exit to a queue uses up one of [`crate::Settings::flow_outs_max`].
    pub(super) fn enter(&mut self, slot: Slot<Interaction>, queue: QueueId, from: Option<QueueId>) {
        let (mut queue, mut from) = (queue, from);
        loop {
            self.enter_one(slot, queue, from);
            if self.match_at_entry(slot) {
                return;
            }
            self.start_waiting(slot);
            self.match_all();
            let Some((cause, exit)) = self.exit_at_entry(slot) else { return self.make_promise(slot) };
            self.stop_waiting(slot);
            self.note_overflow(slot, cause, exit);
            match exit {
                Exit::Leave(_) => return self.forget(slot),
                Exit::Queue(next) => {
                    self.interactions[slot].flow_outs += 1;
                    (queue, from) = (next, Some(queue));
                }
            }
        }
    }

    fn enter_one(&mut self, slot: Slot<Interaction>, queue: QueueId, from: Option<QueueId>) {
        let now = self.now;
        let queue_slot = self.queues.slot(queue).expect("interactions enter queues that are defined");
        let interaction = &mut self.interactions[slot];
        interaction.queue = queue;
        interaction.queue_slot = queue_slot;
        interaction.entered = now;
        interaction.step = 0;
        interaction.attempts = 0;
        interaction.overdue = false;
        interaction.promise = None;
        self.offer(slot, from);
        let (step, cause) = self.queues[queue_slot].step_at(0, now, now);
        self.enter_step(slot, step, cause);
    }

    /// Counts and says that an interaction is in the queue that it names.
    pub(super) fn offer(&mut self, slot: Slot<Interaction>, from: Option<QueueId>) {
        let Interaction { id: interaction, queue, queue_slot, priority, .. } = self.interactions[slot];
        let (waited, age) = self.ages(slot);
        self.count(queue_slot, |counters| counters.offered += 1);
        self.emit(Event::Queued { interaction, queue, from, priority, waited, age });
    }

    /// Since entry into its queue, and since arrival.
    pub(super) fn ages(&self, slot: Slot<Interaction>) -> (std::time::Duration, std::time::Duration) {
        let interaction = &self.interactions[slot];
        (self.now - interaction.entered, self.now - interaction.arrived)
    }

    fn exit_at_entry(&self, slot: Slot<Interaction>) -> Option<(OverflowCause, Exit)> {
        if !self.waits(slot) {
            return None;
        }
        let queue = &self.queues[self.interactions[slot].queue_slot];
        let deserted = matches!(queue.state.staffing, Staffing::Deserted { .. });
        let nobody = queue.state.settings.nobody_logged_in.filter(|_| deserted);
        let before = queue.lines.len - 1;
        let full = queue.state.settings.max_length.filter(|rule| before >= rule.waiting);
        [
            nobody.map(|rule| (OverflowCause::NobodyLoggedIn, rule.exit)),
            full.map(|rule| (OverflowCause::MaxLength, rule.exit)),
        ]
        .into_iter()
        .flatten()
        .find(|&(_, exit)| self.can_leave_by(slot, exit))
    }

    /// Whether an interaction waits and can use an exit: the queue there is defined (that it is another one was
    /// checked when the rule was defined), and the interaction has not moved too often.
    pub(super) fn can_leave_by(&self, slot: Slot<Interaction>, exit: Exit) -> bool {
        let can_use = match exit {
            Exit::Leave(_) => true,
            Exit::Queue(queue) => {
                self.queues.contains(queue) && self.interactions[slot].flow_outs < self.settings.flow_outs_max
            }
        };
        can_use && self.waits(slot)
    }

    /// A waiting interaction leaves its queue without an agent.
    pub(super) fn leave(&mut self, slot: Slot<Interaction>, cause: OverflowCause, exit: Exit) {
        let from = self.interactions[slot].queue;
        self.stop_waiting(slot);
        self.note_overflow(slot, cause, exit);
        match exit {
            Exit::Leave(_) => self.forget(slot),
            Exit::Queue(queue) => {
                self.interactions[slot].flow_outs += 1;
                self.enter(slot, queue, Some(from));
            }
        }
    }

    /// Counts and says that an interaction leaves its queue, which may be removed already, without an agent.
    pub(super) fn note_overflow(&mut self, slot: Slot<Interaction>, cause: OverflowCause, exit: Exit) {
        let Interaction { id: interaction, queue, .. } = self.interactions[slot];
        let (waited, age) = self.ages(slot);
        self.count_if_defined(queue, |counters| {
            counters.overflowed += 1;
            match exit {
                Exit::Queue(_) => counters.flowed_out += 1,
                Exit::Leave(_) => {}
            }
        });
        self.emit(Event::Overflowed { interaction, queue, waited, age, cause, exit });
    }

    /// Whoever waits longer than allowed leaves, or is marked where the exit cannot be used.
    pub(super) fn leave_if_overdue(&mut self, id: InteractionId) {
        let Some(slot) = self.interactions.slot(id) else { return };
        if !self.waits(slot) {
            return;
        }
        let interaction = &self.interactions[slot];
        let queue = &self.queues[interaction.queue_slot].state;
        let waited = self.now - interaction.entered;
        let deserted = matches!(queue.staffing, Staffing::Deserted { .. });
        if let Some(rule) = queue.settings.nobody_logged_in.filter(|_| deserted)
            && self.can_leave_by(slot, rule.exit)
        {
            return self.leave(slot, OverflowCause::NobodyLoggedIn, rule.exit);
        }
        let Some(rule) = queue.settings.max_wait.filter(|rule| rule.after <= waited) else { return };
        if interaction.overdue {
            return;
        }
        if self.can_leave_by(slot, rule.exit) {
            return self.leave(slot, OverflowCause::MaxWait, rule.exit);
        }
        self.stop_expiring(slot);
        self.interactions[slot].overdue = true;
    }

    pub(super) fn cancel(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        let Interaction { stage, queue, queue_slot, .. } = self.interactions[slot];
        let (during, let_go) = match stage {
            Stage::Waiting => {
                self.stop_waiting(slot);
                (AbandonedDuring::Waiting, Vec::new())
            }
            Stage::Reserved { .. } => {
                (AbandonedDuring::Reserved, self.end_all(slot, ReservationEnd::Cancelled))
            }
            Stage::Handling { .. } => return Err(Refusal::WrongStage(id)),
        };
        let (waited, age) = self.ages(slot);
        self.count(queue_slot, |counters| counters.abandoned += 1);
        self.emit(Event::Abandoned { interaction: id, queue, waited, age, during });
        self.forget(slot);
        if !let_go.is_empty() {
            self.free_without_fault(let_go);
        }
        Ok(())
    }

    pub(super) fn set_priority(&mut self, id: InteractionId, priority: i32) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        let Interaction { queue, arrived, stage, .. } = self.interactions[slot];
        let waits = match stage {
            Stage::Waiting => true,
            Stage::Reserved { .. } => false,
            Stage::Handling { .. } => return Err(Refusal::WrongStage(id)),
        };
        if waits {
            self.unlist(slot);
        }
        let interaction = &mut self.interactions[slot];
        interaction.priority = priority;
        interaction.key = Place::new(id, arrived, priority, self.settings.head_start_per_point).key;
        if waits {
            self.list(slot);
        }
        self.emit(Event::PriorityChanged { interaction: id, queue, priority });
        Ok(())
    }

    pub(super) fn set_requirement(
        &mut self,
        id: InteractionId,
        requirement: Option<&Requirement>,
    ) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        if !self.waits(slot) {
            return Err(Refusal::WrongStage(id));
        }
        if let Some(requirement) = requirement {
            self.settings.check_requirement(requirement)?;
        }
        self.stop_waiting(slot);
        let own = requirement.map(|requirement| self.own_requirements.keep(requirement));
        let before = std::mem::replace(&mut self.interactions[slot].requirement, own);
        if let Some(before) = before {
            self.own_requirements.release(before);
        }
        self.start_waiting(slot);
        Ok(())
    }

    pub(super) fn move_to(&mut self, id: InteractionId, queue: QueueId) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        if !self.waits(slot) {
            return Err(Refusal::WrongStage(id));
        }
        let from = self.interactions[slot].queue;
        if !self.queues.contains(queue) {
            return Err(Refusal::UnknownQueue(queue));
        }
        if queue == from {
            return Err(Refusal::UselessExit(queue));
        }
        self.stop_waiting(slot);
        self.note_overflow(slot, OverflowCause::Moved, Exit::Queue(queue));
        self.enter(slot, queue, Some(from));
        Ok(())
    }

    /// Back in line after a reservation or an answer that came to nothing: same place, same age.
    pub(super) fn wait_again(&mut self, slot: Slot<Interaction>) {
        let interaction = &self.interactions[slot];
        let place = interaction.place();
        let queue = &self.queues[interaction.queue_slot];
        let (step, cause) = queue.step_at(interaction.step, interaction.entered, self.now);
        self.enter_step(slot, step, cause);
        self.start_waiting(slot);
        self.begin_promise(slot);
        self.unsettled.overdue.push(place);
    }

    pub(super) fn end_exclusion(&mut self, slot: Slot<Interaction>, agent: AgentId) {
        let interaction = &mut self.interactions[slot];
        let exclusions = interaction.exclusions.as_mut().expect("the caller has seen the exclusion");
        exclusions.remove(&agent);
        if exclusions.is_empty() {
            interaction.exclusions = None;
        }
        let front = &self.fronts[interaction.queue_slot.number() as usize];
        let turn = front.turn(interaction.place());
        self.unsettled.interactions.push(turn);
    }

    /// The agent is not offered this interaction until then.
    pub(super) fn exclude(&mut self, slot: Slot<Interaction>, agent: AgentId, until: Instant) {
        let most = self.settings.exclusions_max as usize;
        if most == 0 {
            return;
        }
        let interaction = &mut self.interactions[slot];
        let deadline = Deadline::Exclusion(interaction.id, agent);
        let timer = self.deadlines.schedule(until, Alarm::Single(until, deadline));
        let exclusions = interaction.exclusions.get_or_insert_default();
        if exclusions.len() >= most {
            let first = exclusions.iter().map(|(&agent, &(until, _))| (until, agent)).min();
            let (_, first) = first.expect("there are as many as allowed, and that is not none");
            let (_, timer) = exclusions.remove(&first).expect("just found");
            self.deadlines.cancel(timer);
        }
        if let Some((_, earlier)) = exclusions.insert(agent, (until, timer)) {
            self.deadlines.cancel(earlier);
        }
    }

    pub(super) fn clear_exclusions(&mut self, slot: Slot<Interaction>) {
        for (_, timer) in
            self.interactions[slot].exclusions.take().into_iter().flat_map(|all| all.into_values())
        {
            self.deadlines.cancel(timer);
        }
    }

    /// Gone from the distributor, without an agent.
    pub(super) fn forget(&mut self, slot: Slot<Interaction>) {
        self.clear_exclusions(slot);
        self.drop_interaction(slot);
        self.unanswered -= 1;
    }

    /// Out of the table.
    pub(super) fn drop_interaction(&mut self, slot: Slot<Interaction>) {
        if let Some(own) = self.interactions.remove(slot).requirement {
            self.own_requirements.release(own);
        }
    }
}
