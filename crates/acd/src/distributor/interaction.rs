//! An interaction: entering, waiting, leaving.

use timing::Instant;

use super::entry::{Entry, Nth, Standing};
use super::rare::{Rare, Things};
use super::stage::KeptStage;
use super::waiting::OwnRequirement;
use super::{Agent, Alarm, ByName, Deadline, Distributor, Queue};
use crate::state::{Place, Staffing, Stage};
use crate::table::{Named, Slot};
use crate::{
    AbandonedDuring, AgentId, CallbackEnd, DequeueCause, Event, Exit, InteractionId, Invalid, MaxWait,
    Otherwise, OverflowCause, QueueId, Refusal, Request, ReservationEnd, WantedEnd,
};

/// What [`crate::state::InteractionState`] says, in as few bytes as a million of them deserve.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) id: InteractionId,
    /// Of its place.
    pub(crate) key: i64,
    pub(crate) arrived: Instant,
    pub(super) stage: KeptStage,
    pub(crate) priority: i32,
    pub(crate) flow_outs: u32,
    pub(crate) requirement: Option<OwnRequirement>,
    /// Its first entry, or the only one that is left after an answer.
    pub(crate) entry: Entry,
    /// Never none.
    pub(crate) standing: Standing,
    pub(crate) rare: Rare,
}

impl Named for Interaction {
    type Id = InteractionId;

    fn id(&self) -> InteractionId {
        self.id
    }

    fn number(id: InteractionId) -> u64 {
        id.0
    }

    const IS_SHORT: bool = false;
}

impl Interaction {
    pub(crate) fn place(&self) -> Place {
        Place { key: self.key, interaction: self.id }
    }

    /// Until when an agent is not offered this interaction.
    pub(crate) fn exclusion(&self, agent: AgentId) -> Option<Instant> {
        self.rare.exclusion(agent)
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
        let &Request { queue, ref also, priority, ref requirement, arrived, wanted } = request;
        let first_slot = self.queues.slot(queue).ok_or(Refusal::UnknownQueue(queue))?;
        self.check_also(request)?;
        if self.interactions.contains(id) {
            return Err(Refusal::DuplicateInteraction(id));
        }
        if let Some(requirement) = requirement {
            self.settings.check_requirement(requirement)?;
        }
        if let Some(wanted) = wanted {
            wanted.check()?;
            if wanted.otherwise == Otherwise::Exit(Exit::Queue(queue)) {
                return Err(Refusal::UselessExit(queue));
            }
            if !also.is_empty() {
                return Err(Refusal::Invalid(Invalid::WantedInSeveral));
            }
        }
        if self.unanswered >= self.settings.waiting_max {
            return Err(Refusal::TooManyWaiting);
        }
        let arrived = arrived.map_or(self.now, |arrived| arrived.min(self.now));
        let queue_slot = if also.is_empty() { first_slot } else { self.first_open(first_slot, request) };
        let entry = self.entry_into(queue_slot);
        let queue = entry.queue;
        let slot = self.interactions.insert(Interaction {
            id,
            key: Place::new(id, arrived, priority, self.settings.head_start_per_point).key,
            arrived,
            stage: KeptStage::Waiting,
            priority,
            flow_outs: 0,
            requirement: requirement.as_ref().map(|requirement| self.own_requirements.keep(requirement)),
            entry,
            standing: Standing::ONE,
            rare: Rare::NOTHING,
        });
        self.unanswered += 1;
        if let Some(wanted) = wanted {
            let by_name = Some(ByName::new(wanted));
            self.interactions[slot].rare.change(&mut self.spare, |rare| rare.by_name = by_name);
        }
        self.put_into_others(slot, request);
        if self.interactions[slot].rare.also().is_empty() {
            self.enter(slot, Nth::FIRST, queue, None);
        } else {
            self.enter_several(slot);
        }
        Ok(())
    }

    /// Enters a queue; where that is closed, full or deserted, goes on along the exits until it may stay or is gone.
    /// It ends because each exit to a queue uses up one of [`crate::Settings::flow_outs_max`].
    pub(super) fn enter(&mut self, slot: Slot<Interaction>, nth: Nth, queue: QueueId, from: Option<QueueId>) {
        let (mut queue, mut from) = (queue, from);
        loop {
            self.come(slot, nth, queue, from);
            let mut leaving = self.exit_of_closed(slot, nth);
            if leaving.is_none() {
                self.begin_steps(slot, nth);
                if self.interactions[slot].rare.callback().is_some() && self.rests_at_entry(slot, nth) {
                    return;
                }
                leaving = self.exit_if_forsaken(slot, nth);
            }
            if leaving.is_none() && self.match_at_entry(slot, nth) {
                return;
            }
            let (cause, exit) = match leaving {
                Some(leaving) => leaving,
                None => {
                    self.start_waiting(slot, nth);
                    self.match_all();
                    let Some(leaving) = self.exit_at_entry(slot, nth) else {
                        return self.make_promise(slot, nth);
                    };
                    self.stop_waiting(slot, nth);
                    leaving
                }
            };
            let Some(next) = self.depart(slot, nth, cause, exit) else { return };
            (queue, from) = (next, Some(queue));
        }
    }

    /// For one that comes into a queue now.
    pub(super) fn entry_into(&self, slot: Slot<Queue>) -> Entry {
        let Queue { id, ref state, .. } = self.queues[slot];
        Entry { rules: state.rules, ..Entry::new(id, slot, self.now) }
    }

    /// Into a queue, and not yet into its line. `from` another queue, or with the entry that was made for it.
    pub(super) fn come(&mut self, slot: Slot<Interaction>, nth: Nth, queue: QueueId, from: Option<QueueId>) {
        if let Some(from) = from {
            let queue_slot = self.queues.slot(queue).expect("interactions enter queues that are defined");
            *self.interactions[slot].entry_mut(nth) = self.entry_into(queue_slot);
            // What is wanted is said for the first queue.
            self.want_nobody(slot, nth);
            self.count_callback(slot, nth, from);
        }
        self.offer(slot, nth, from);
    }

    /// Nobody stands in line in a queue that is closed, not even for an agent who is free.
    fn exit_of_closed(&self, slot: Slot<Interaction>, nth: Nth) -> Option<(OverflowCause, Exit)> {
        let queue = &self.queues[self.interactions[slot].entry(nth).queue_slot].state;
        let exit = queue.exit_of_those_who_come().filter(|&exit| self.can_leave_by(slot, exit))?;
        Some((OverflowCause::Closed, exit))
    }

    /// To the step at which the wait in a queue begins.
    pub(super) fn begin_steps(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let (step, cause) = self.step_now(slot, nth, 0);
        self.enter_step(slot, nth, step, cause);
    }

    /// Counts and says that an interaction is in the queue of an entry.
    pub(super) fn offer(&mut self, slot: Slot<Interaction>, nth: Nth, from: Option<QueueId>) {
        let Interaction { id: interaction, priority, .. } = self.interactions[slot];
        let Entry { queue, queue_slot, .. } = *self.interactions[slot].entry(nth);
        let (waited, age) = self.ages(slot, nth);
        let is_flow_in = from.is_some_and(|from| from != queue);
        self.count(queue_slot, |counters| {
            counters.offered += 1;
            counters.flowed_in += u64::from(is_flow_in);
        });
        let beside = from.is_none() && nth != Nth::FIRST;
        let queued = Event::Queued { interaction, queue, from, beside, priority, waited, age };
        self.emit_in(Some(queue_slot), queued);
    }

    /// Since entry into its queue, and since arrival.
    #[inline]
    pub(super) fn ages(
        &self,
        slot: Slot<Interaction>,
        nth: Nth,
    ) -> (std::time::Duration, std::time::Duration) {
        let interaction = &self.interactions[slot];
        (self.now - interaction.entry(nth).entered, self.now - interaction.arrived)
    }

    pub(super) fn exit_at_entry(
        &mut self,
        slot: Slot<Interaction>,
        nth: Nth,
    ) -> Option<(OverflowCause, Exit)> {
        if !self.waits(slot) {
            return None;
        }
        if self.interactions[slot].by_name(nth).is_some()
            && let Some(leaving) = self.exit_if_not_at_once(slot, nth)
        {
            return Some(leaving);
        }
        if !self.waits(slot) {
            return None;
        }
        let queue = &self.queues[self.interactions[slot].entry(nth).queue_slot];
        let deserted = matches!(queue.state.staffing, Staffing::Deserted { .. });
        let deserted = deserted && !self.interactions[slot].has_agents_of_its_own(nth);
        let nobody = queue.state.settings.nobody_logged_in.filter(|_| deserted);
        let before = queue.lines.len - 1;
        let full = queue.state.settings.max_length.filter(|rule| before >= rule.waiting);
        let found = [
            nobody.map(|rule| (OverflowCause::NobodyLoggedIn, rule.exit)),
            full.map(|rule| (OverflowCause::MaxLength, rule.exit)),
        ]
        .into_iter()
        .flatten()
        .find(|&(_, exit)| self.can_leave_by(slot, exit));
        if found.is_some() || queue.lines.overflowing.is_empty() {
            return found;
        }
        self.overflow_at_entry(slot, nth)
    }

    /// Whether an interaction waits and can use an exit: the queue there is defined (that it is another one was
    /// checked when the rule was defined), and the interaction has not moved too often. Callbacks use none.
    pub(super) fn can_leave_by(&self, slot: Slot<Interaction>, exit: Exit) -> bool {
        let can_use = match exit {
            Exit::Leave(_) => true,
            Exit::Queue(queue) => {
                let interaction = &self.interactions[slot];
                self.queues.contains(queue)
                    && (interaction.flow_outs < self.settings.flow_outs_max
                        || interaction.nth_in(queue).is_some())
            }
        };
        can_use && self.waits(slot) && self.interactions[slot].rare.callback().is_none()
    }

    /// A waiting interaction leaves its queue without an agent.
    pub(super) fn leave(&mut self, slot: Slot<Interaction>, nth: Nth, cause: OverflowCause, exit: Exit) {
        let from = self.interactions[slot].entry(nth).queue;
        if let Some(next) = self.depart(slot, nth, cause, exit) {
            self.enter(slot, nth, next, Some(from));
        }
    }

    /// Counts and says that an interaction leaves its queue, which may be removed already, without an agent.
    pub(super) fn note_overflow(
        &mut self,
        slot: Slot<Interaction>,
        nth: Nth,
        cause: OverflowCause,
        exit: Exit,
        elsewhere: bool,
    ) {
        let interaction = self.interactions[slot].id;
        let queue = self.interactions[slot].entry(nth).queue;
        let (waited, age) = self.ages(slot, nth);
        self.count_if_defined(queue, |counters| {
            counters.overflowed += 1;
            match exit {
                Exit::Queue(_) | Exit::Leave(_) if elsewhere => {}
                Exit::Queue(_) => counters.flowed_out += 1,
                Exit::Leave(_) => counters.left += 1,
            }
        });
        self.emit(Event::Overflowed { interaction, queue, waited, age, cause, exit, elsewhere });
    }

    /// Whoever waits longer than allowed leaves, or is marked where the exit cannot be used; so does whoever a rule of
    /// overflow applies to whose time has come.
    pub(super) fn leave_if_overdue(&mut self, id: InteractionId, queue: QueueId) {
        let Some((slot, nth)) = self.waiting_in(id, queue) else { return };
        if self.interactions[slot].rare.callback().is_some() {
            return;
        }
        if self.interactions[slot].wanted_until(nth).is_some_and(|until| until <= self.now) {
            self.give_up_wanted(slot, nth, WantedEnd::TimedOut);
            self.match_all();
            return self.leave_if_overdue(id, queue);
        }
        let entry = self.interactions[slot].entry(nth);
        let queue = &self.queues[entry.queue_slot].state;
        let waited = self.now - entry.entered;
        if let Some(exit) = queue.exit_of_those_who_wait()
            && self.can_leave_by(slot, exit)
        {
            return self.leave(slot, nth, OverflowCause::Closed, exit);
        }
        let deserted = matches!(queue.staffing, Staffing::Deserted { .. });
        let deserted = deserted && !self.interactions[slot].has_agents_of_its_own(nth);
        if let Some(rule) = queue.settings.nobody_logged_in.filter(|_| deserted)
            && self.can_leave_by(slot, rule.exit)
        {
            return self.leave(slot, nth, OverflowCause::NobodyLoggedIn, rule.exit);
        }
        let is_over = |rule: &MaxWait| rule.after <= waited && !entry.overdue;
        if let Some(rule) = queue.settings.max_wait.filter(is_over) {
            if self.can_leave_by(slot, rule.exit) {
                return self.leave(slot, nth, OverflowCause::MaxWait, rule.exit);
            }
            self.stop_expiring(slot, nth);
            self.interactions[slot].entry_mut(nth).overdue = true;
        }
        if let Some((cause, exit)) = self.overflow_by_time(slot, nth) {
            self.leave(slot, nth, cause, exit);
        }
    }

    pub(super) fn cancel(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        if self.interactions[slot].pending_callback().is_some() {
            self.cancel_callback(slot, CallbackEnd::Cancelled);
            return Ok(());
        }
        let stage = self.interactions[slot].stage();
        let (during, let_go) = match stage {
            Stage::Waiting => {
                let first = self.interactions[slot].first();
                self.leave_lines(slot, first);
                (AbandonedDuring::Waiting, Vec::new())
            }
            Stage::Reserved { .. } => {
                (AbandonedDuring::Reserved, self.end_all(slot, ReservationEnd::Cancelled))
            }
            Stage::Resting { .. } => unreachable!("only callbacks rest"),
            Stage::Handling { .. } => return Err(Refusal::WrongStage(id)),
        };
        let first = self.interactions[slot].first();
        let Entry { queue, queue_slot, .. } = *self.interactions[slot].entry(first);
        let (waited, age) = self.ages(slot, first);
        self.count(queue_slot, |counters| counters.abandoned += 1);
        self.emit(Event::Abandoned { interaction: id, queue, waited, age, during });
        self.dequeue_others(slot, first, DequeueCause::Abandoned);
        self.forget(slot);
        if !let_go.is_empty() {
            self.free_without_fault(let_go);
        }
        Ok(())
    }

    /// Back in line after a reservation or an answer that came to nothing: same places, same ages. A callback may have
    /// to rest, or be over. The estimator of the queue in which it was rung for knows.
    pub(super) fn wait_again(&mut self, slot: Slot<Interaction>, rung_in: QueueId) {
        if !self.may_wait(slot) {
            return;
        }
        for nth in self.interactions[slot].standing {
            let interaction = &self.interactions[slot];
            let (place, queue) = (interaction.place(), interaction.entry(nth).queue);
            if !self.follow_age(slot, nth) {
                self.take_new_rules(slot, nth);
            }
            self.start_waiting(slot, nth);
            self.begin_promise(slot, nth);
            if queue != rung_in {
                let queue = self.interactions[slot].entry(nth).queue_slot;
                self.queues[queue].state.estimator.entered(self.now);
            }
            self.unsettled.returned.push((place, queue));
        }
        self.follow_callback(slot);
    }

    pub(super) fn end_exclusion(&mut self, slot: Slot<Interaction>, agent: AgentId) {
        let interaction = &mut self.interactions[slot];
        let ended = interaction.rare.change(&mut self.spare, |rare| rare.exclusions.remove(&agent));
        // Before its time.
        ended.and_then(|(_, timer)| self.deadlines.cancel(timer));
        let is_rung = matches!(interaction.stage(), Stage::Reserved { .. });
        for nth in interaction.standing {
            let front = &self.fronts[interaction.entry(nth).queue_slot.number() as usize];
            let turn = front.turn(interaction.spot(slot, nth));
            // Where it is rung by another entry nobody is found.
            let upset =
                if is_rung { &mut self.unsettled.with_room } else { &mut self.unsettled.interactions };
            upset.push(turn);
        }
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
        interaction.rare.change(&mut self.spare, |Things { exclusions, .. }| {
            if exclusions.len() >= most {
                let first = exclusions.iter().map(|(&agent, &(until, _))| (until, agent)).min();
                let (_, first) = first.expect("there are as many as allowed, and that is not none");
                let (_, timer) = exclusions.remove(&first).expect("just found");
                self.deadlines.cancel(timer);
            }
            if let Some((_, earlier)) = exclusions.insert(agent, (until, timer)) {
                self.deadlines.cancel(earlier);
            }
        });
    }

    pub(super) fn clear_exclusions(&mut self, slot: Slot<Interaction>) {
        let rare = &mut self.interactions[slot].rare;
        if !rare.has_exclusions() {
            return;
        }
        let all = rare.change(&mut self.spare, |rare| std::mem::take(&mut rare.exclusions));
        for (_, timer) in all.into_values() {
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
        let removed = self.interactions.remove(slot);
        if removed.rare.callback().is_some() {
            self.drop_callback(&removed);
        }
        removed.rare.end(&mut self.spare);
        if let Some(own) = removed.requirement {
            self.own_requirements.release(own);
        }
    }
}
