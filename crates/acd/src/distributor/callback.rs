//! Callbacks: interactions that keep their place in line while their customers are not on the line.
//!
//! A callback waits in line like everybody else, or rests: after it was taken, after an attempt that failed, while the
//! window of its queue is closed. Resting ones stand in no line, so that nothing on the way of an arrival knows them.

use std::time::Duration;

use timing::{Instant, TimerId};

use super::agent::ReadyClock;
use super::entry::{Entry, Nth, Spot};
use super::{Alarm, Deadline, Distributor, Due, Interaction, Queue, Reservation};
use crate::state::{CallbackState, Phase, Place, ReservationState, Stage};
use crate::table::Slot;
use crate::{
    AbandonedDuring, CallFailure, CallbackEnd, CallbackMode, CallbackRules, Event, InteractionId, Presence,
    QueueId, Refusal, RejectCause, ReservationEnd, ReservationId, SupervisorId,
};

/// What an interaction has beside the others whose customer asked to be called back.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) state: CallbackState,
    /// What happens next by time alone.
    pub(crate) timer: Option<(Due, TimerId)>,
}

impl CallbackState {
    /// When it has been kept long enough.
    pub(crate) fn end(&self) -> Instant {
        self.taken + self.rules.keep
    }
}

/// Whom a reservation calls first, and for how long: an agent, unless it is for a callback that begins with its customer.
pub(super) fn first_phase(
    callback: Option<CallbackRules>,
    ring_timeout: Duration,
) -> (Option<CallbackMode>, Phase, Duration) {
    let Some(rules) = callback else { return (None, Phase::Ringing, ring_timeout) };
    match rules.mode {
        CallbackMode::AgentFirst => (Some(rules.mode), Phase::Ringing, ring_timeout),
        CallbackMode::CustomerFirst => (Some(rules.mode), Phase::Calling, rules.call_timeout),
    }
}

impl Queue {
    /// Whether it must not call back anybody more.
    pub(super) fn has_callbacks_enough(&self) -> bool {
        self.state.settings.callback.is_some_and(|rules| self.callbacks.len() >= rules.most as usize)
    }
}

impl Interaction {
    /// The callback, as long as its customer is not on the line.
    pub(crate) fn pending_callback(&self) -> Option<&CallbackState> {
        self.rare.callback().map(|callback| &callback.state).filter(|state| state.reached.is_none())
    }

    /// What happens next to a callback by time alone: the end of its rest or its own.
    pub(crate) fn callback_due(&self) -> Option<Due> {
        let end = self.pending_callback()?.end();
        match self.stage() {
            Stage::Resting { until: Some(until) } if until < end => Some((until, Deadline::Rest(self.id))),
            Stage::Resting { .. } | Stage::Waiting => Some((end, Deadline::CallbackEnd(self.id))),
            Stage::Reserved { .. } | Stage::Handling { .. } => None,
        }
    }
}

impl Distributor {
    pub(super) fn call_back(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        let interaction = &self.interactions[slot];
        let (nth, is_in_several) = (interaction.first(), interaction.standing.count() > 1);
        let Entry { queue, queue_slot, .. } = *interaction.entry(nth);
        let during = match interaction.stage() {
            Stage::Waiting => AbandonedDuring::Waiting,
            Stage::Reserved { .. } => AbandonedDuring::Reserved,
            Stage::Resting { .. } | Stage::Handling { .. } => return Err(Refusal::WrongStage(id)),
        };
        if interaction.rare.callback().is_some() {
            return Err(Refusal::WrongStage(id));
        }
        if is_in_several {
            return Err(Refusal::InSeveralQueues(id));
        }
        let rules = self.queues[queue_slot].state.settings.callback.ok_or(Refusal::NoCallbacks(queue))?;
        if self.queues[queue_slot].has_callbacks_enough() {
            return Err(Refusal::TooManyCallbacks(queue));
        }
        let let_go = match during {
            AbandonedDuring::Reserved => self.end_all(slot, ReservationEnd::Cancelled),
            AbandonedDuring::Waiting => {
                self.stop_waiting(slot, nth);
                Vec::new()
            }
        };
        let now = self.now;
        let state = CallbackState { rules, taken: now, failed: 0, reached: None };
        let interaction = &mut self.interactions[slot];
        interaction.entry_mut(nth).overdue = false;
        interaction.rare.change(&mut self.spare, |rare| {
            (rare.callback, rare.by_name) = (Some(Callback { state, timer: None }), None);
        });
        self.queues[queue_slot].callbacks.insert(id);
        self.count(queue_slot, |counters| counters.callbacks_taken += 1);
        let (waited, age) = self.ages(slot, nth);
        self.emit(Event::CallbackTaken { interaction: id, queue, waited, age, during });
        if rules.delay.is_zero() {
            self.wait_again(slot, queue);
        } else {
            self.rest(slot, Some(now + rules.delay));
        }
        if !let_go.is_empty() {
            self.free_without_fault(let_go);
        }
        Ok(())
    }

    /// A callback that stands in no line begins to rest.
    fn rest(&mut self, slot: Slot<Interaction>, until: Option<Instant>) {
        let interaction = &mut self.interactions[slot];
        interaction.enter_stage(Stage::Resting { until });
        let (id, nth) = (interaction.id, interaction.first());
        let entry = interaction.entry_mut(nth);
        entry.promise = None;
        let queue = entry.queue;
        let interaction = &self.interactions[slot];
        let failed = interaction.pending_callback().map_or(0, |callback| callback.failed);
        self.emit(Event::CallbackRests { interaction: id, queue, until, failed });
        self.follow_callback(slot);
    }

    /// The rest is over, or what the callback rested for.
    fn wake(&mut self, slot: Slot<Interaction>) {
        let interaction = &mut self.interactions[slot];
        interaction.enter_stage(Stage::Waiting);
        let (id, queue) = (interaction.id, interaction.entry(interaction.first()).queue);
        self.emit(Event::CallbackWaits { interaction: id, queue });
        self.wait_again(slot, queue);
    }

    pub(super) fn end_rest(&mut self, id: InteractionId) {
        self.wake(self.at(id));
    }

    /// Whether an interaction that stands in no line may wait now: everybody but callbacks that have been kept long enough
    /// or whose window is closed. Those end, or rest.
    pub(super) fn may_wait(&mut self, slot: Slot<Interaction>) -> bool {
        let interaction = &self.interactions[slot];
        let Some(callback) = interaction.pending_callback() else { return true };
        if callback.end() <= self.now {
            self.end_callback(slot, CallbackEnd::Expired, true);
            return false;
        }
        let queue = interaction.entry(interaction.first()).queue_slot;
        if !self.queues[queue].state.callback_window {
            self.rest(slot, None);
            return false;
        }
        true
    }

    /// A callback has come into another queue: whether it rests there, on or because the window is closed.
    pub(super) fn rests_at_entry(&mut self, slot: Slot<Interaction>, nth: Nth) -> bool {
        let interaction = &self.interactions[slot];
        if interaction.pending_callback().is_none() {
            return false;
        }
        let is_open = self.queues[interaction.entry(nth).queue_slot].state.callback_window;
        match interaction.stage() {
            Stage::Resting { until: Some(until) } => self.rest(slot, Some(until)),
            Stage::Resting { until: None } | Stage::Waiting if !is_open => self.rest(slot, None),
            Stage::Resting { until: None }
            | Stage::Waiting
            | Stage::Reserved { .. }
            | Stage::Handling { .. } => {
                self.interactions[slot].enter_stage(Stage::Waiting);
                self.follow_callback(slot);
                return false;
            }
        }
        true
    }

    /// Sets the timer that the callback's state calls for.
    pub(super) fn follow_callback(&mut self, slot: Slot<Interaction>) {
        let due = self.interactions[slot].callback_due();
        let Some(callback) = self.interactions[slot].rare.callback_mut() else { return };
        if callback.timer.map(|(set, _)| set) == due {
            return;
        }
        if let Some((_, timer)) = callback.timer.take() {
            self.deadlines.cancel(timer);
        }
        callback.timer = due
            .map(|(at, deadline)| ((at, deadline), self.deadlines.schedule(at, Alarm::Single(at, deadline))));
    }

    /// The agent of an agent-first callback is on the line: now the customer is called.
    pub(super) fn call_customer(&mut self, slot: Slot<Reservation>) {
        let Reservation { id: reservation, state, interaction: interaction_slot, agent: agent_slot, .. } =
            self.reservations[slot];
        let ReservationState { interaction, queue, agent, .. } = state;
        let callback =
            self.interactions[interaction_slot].pending_callback().expect("the caller has seen it");
        let deadline = self.now + callback.rules.call_timeout;
        self.set_phase(slot, Phase::Calling, deadline);
        self.emit(Event::CallbackCalling { reservation, interaction, agent, queue, deadline });
        self.change_agent(agent_slot, ReadyClock::Goes, |agent| agent.misses = 0);
    }

    fn set_phase(&mut self, slot: Slot<Reservation>, phase: Phase, deadline: Instant) {
        let reservation = &mut self.reservations[slot];
        reservation.state.phase = phase;
        reservation.state.deadline = deadline;
        self.deadlines.cancel(reservation.timer);
        let alarm = Alarm::Single(deadline, Deadline::Reservation(reservation.id));
        reservation.timer = self.deadlines.schedule(deadline, alarm);
    }

    /// A reservation by which the customer is being called.
    fn calling(&self, id: ReservationId) -> Result<Slot<Reservation>, Refusal> {
        let slot = self.reservations.slot(id).ok_or(Refusal::StaleReservation(id))?;
        let state = &self.reservations[slot].state;
        match state.phase {
            Phase::Calling | Phase::Alerting => Ok(slot),
            Phase::Ringing => Err(Refusal::WrongStage(state.interaction)),
        }
    }

    /// The phone of the customer rings.
    pub(super) fn alert(&mut self, id: ReservationId) -> Result<(), Refusal> {
        let slot = self.calling(id)?;
        self.reservations[slot].state.phase = Phase::Alerting;
        Ok(())
    }

    /// The customer is on the line, and nobody for whom the customer was called.
    pub(super) fn hold_on(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        let stage = self.interactions[slot].stage();
        let nth = self.interactions[slot].first();
        let queue = self.interactions[slot].entry(nth).queue;
        if self.interactions[slot].pending_callback().is_none() {
            return Err(Refusal::WrongStage(id));
        }
        let (held, rested) = match stage {
            Stage::Waiting => (None, false),
            Stage::Resting { .. } => (None, true),
            Stage::Reserved { .. } => {
                let held = self.reservations_of(slot).next().expect("an agent is held for it");
                self.calling(self.reservations[held].id)?;
                (Some(held), false)
            }
            Stage::Handling { .. } => unreachable!("who talks has been reached"),
        };
        self.is_there(slot);
        let (waited, age) = self.ages(slot, nth);
        self.emit(Event::CallbackHolds { interaction: id, queue, waited, age, rested });
        if let Some(held) = held {
            self.fail_reservation(held, ReservationEnd::Rejected(RejectCause::Rejected));
        } else if rested {
            self.interactions[slot].enter_stage(Stage::Waiting);
            self.wait_again(slot, queue);
        } else {
            self.follow_callback(slot);
        }
        Ok(())
    }

    /// From now on the customer of a callback is on the line.
    fn is_there(&mut self, slot: Slot<Interaction>) -> CallbackMode {
        let now = self.now;
        let interaction = &mut self.interactions[slot];
        let (id, queue) = (interaction.id, interaction.entry(interaction.first()).queue_slot);
        let callback = interaction.rare.callback_mut().expect("only customers of callbacks are called");
        callback.state.reached = Some(now);
        let mode = callback.state.rules.mode;
        self.queues[queue].callbacks.remove(&id);
        mode
    }

    pub(super) fn reach(&mut self, id: ReservationId) -> Result<(), Refusal> {
        let slot = self.calling(id)?;
        let Reservation { state, interaction: interaction_slot, .. } = self.reservations[slot];
        let ReservationState { interaction, queue, agent, .. } = state;
        let queue_slot = self.queues.slot(queue).expect("who is reserved is in a queue");
        match self.is_there(interaction_slot) {
            CallbackMode::AgentFirst => self.begin_conversation(slot),
            CallbackMode::CustomerFirst => {
                let deadline = self.now + self.queues[queue_slot].state.settings.ring_timeout;
                self.set_phase(slot, Phase::Ringing, deadline);
                self.emit(Event::CallbackReached { reservation: id, interaction, agent, queue, deadline });
            }
        }
        Ok(())
    }

    pub(super) fn call_failed(&mut self, id: ReservationId, cause: CallFailure) -> Result<(), Refusal> {
        let slot = self.calling(id)?;
        self.fail_call(slot, ReservationEnd::CallFailed(cause));
        Ok(())
    }

    /// The customer could not be reached: no fault of the agent, and the callback rests or has been tried often enough.
    pub(super) fn fail_call(&mut self, reservation: Slot<Reservation>, end: ReservationEnd) {
        let Reservation { id, interaction: slot, agent, .. } = self.end_reservation(reservation, end);
        let now = self.now;
        let rules = self.rest_after_call(slot, end != ReservationEnd::CallFailed(CallFailure::NoResources));
        self.change_agent(agent, ReadyClock::Goes, |agent| {
            agent.lay_down(now, |work| work.reservation() == Some(id));
            if agent.presence == Presence::Ready && !rules.pause.is_zero() {
                agent.back_off(now, now + rules.pause);
            }
        });
    }

    /// The customer was called in vain: the callback rests, or ends because it has been tried or kept for long enough.
    /// `counts`: as one of its attempts. Its rules.
    pub(super) fn rest_after_call(&mut self, slot: Slot<Interaction>, counts: bool) -> CallbackRules {
        let now = self.now;
        let callback = self.interactions[slot].rare.callback_mut();
        let callback = &mut callback.expect("only customers of callbacks are called").state;
        callback.failed += u32::from(counts);
        let CallbackState { rules, failed, .. } = *callback;
        let is_over = callback.end() <= now;
        if failed >= rules.attempts {
            self.end_callback(slot, CallbackEnd::Unreached, true);
        } else if is_over {
            self.end_callback(slot, CallbackEnd::Expired, true);
        } else {
            self.rest(slot, Some(now + rules.spacing));
        }
        rules
    }

    /// Somebody takes the promise back.
    pub(super) fn withdraw_callback(
        &mut self,
        id: InteractionId,
        by: Option<SupervisorId>,
    ) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        if self.interactions[slot].pending_callback().is_none() {
            return Err(Refusal::WrongStage(id));
        }
        self.cancel_callback(slot, CallbackEnd::Withdrawn { by });
        Ok(())
    }

    /// It is not wanted any more, or must not be made.
    pub(super) fn cancel_callback(&mut self, slot: Slot<Interaction>, cause: CallbackEnd) {
        let (is_in_line, let_go) = match self.interactions[slot].stage() {
            Stage::Waiting => {
                self.stop_waiting_everywhere(slot);
                (true, Vec::new())
            }
            Stage::Reserved { .. } => (false, self.end_all(slot, ReservationEnd::Cancelled)),
            Stage::Resting { .. } => (false, Vec::new()),
            Stage::Handling { .. } => unreachable!("who talks has been reached"),
        };
        self.end_callback(slot, cause, is_in_line);
        if !let_go.is_empty() {
            self.free_without_fault(let_go);
        }
    }

    /// By the time that it is kept.
    pub(super) fn expire_callback(&mut self, id: InteractionId) {
        let slot = self.at(id);
        let is_in_line = self.waits(slot);
        if is_in_line {
            self.stop_waiting_everywhere(slot);
        }
        self.end_callback(slot, CallbackEnd::Expired, is_in_line);
    }

    /// A callback that stands in no line is gone; `was_in_line`: it counted as waiting.
    pub(super) fn end_callback(&mut self, slot: Slot<Interaction>, cause: CallbackEnd, was_in_line: bool) {
        let Interaction { id: interaction, .. } = self.interactions[slot];
        let failed = self.interactions[slot].pending_callback().map_or(0, |callback| callback.failed);
        let nth = self.interactions[slot].first();
        let queue = self.interactions[slot].entry(nth).queue;
        let (waited, age) = self.ages(slot, nth);
        self.count_if_defined(queue, |counters| counters.callbacks_ended += 1);
        self.emit(Event::CallbackEnded { interaction, queue, waited, age, failed, cause, was_in_line });
        self.forget(slot);
    }

    pub(super) fn set_callback_window(&mut self, queue: QueueId, open: bool) -> Result<(), Refusal> {
        let slot = self.queues.slot(queue).ok_or(Refusal::UnknownQueue(queue))?;
        if std::mem::replace(&mut self.queues[slot].state.callback_window, open) == open {
            return Ok(());
        }
        self.emit(Event::CallbackWindow { queue, open });
        let concerns = |stage| match stage {
            Stage::Waiting => !open,
            Stage::Resting { until: None } => open,
            Stage::Resting { until: Some(_) } | Stage::Reserved { .. } | Stage::Handling { .. } => false,
        };
        let callbacks = self.queues[slot].callbacks.iter().map(|&id| &self.interactions[self.at(id)]);
        let mut places: Vec<Place> =
            callbacks.filter(|callback| concerns(callback.stage())).map(Interaction::place).collect();
        places.sort_unstable();
        for place in places {
            let interaction = self.at(place.interaction);
            if open {
                self.wake(interaction);
            } else {
                self.stop_waiting_everywhere(interaction);
                self.rest(interaction, None);
            }
        }
        Ok(())
    }

    /// Callbacks of a queue that rest, in order of place.
    pub(super) fn resting_in(&self, queue: Slot<Queue>) -> Vec<Spot> {
        let slots = self.queues[queue].callbacks.iter().map(|&id| self.at(id));
        let callbacks = slots.map(|slot| (slot, &self.interactions[slot]));
        let resting = callbacks.filter(|(_, callback)| matches!(callback.stage(), Stage::Resting { .. }));
        let mut spots: Vec<Spot> =
            resting.map(|(slot, callback)| callback.spot(slot, callback.first())).collect();
        spots.sort_unstable();
        spots
    }

    /// A pending callback has left this queue for another one, whichever of the two is still defined.
    pub(super) fn count_callback(&mut self, slot: Slot<Interaction>, nth: Nth, from: QueueId) {
        let interaction = &self.interactions[slot];
        let (id, queue) = (interaction.id, interaction.entry(nth).queue_slot);
        if interaction.pending_callback().is_none() {
            return;
        }
        if let Some(from) = self.queues.slot(from) {
            self.queues[from].callbacks.remove(&id);
        }
        self.queues[queue].callbacks.insert(id);
    }

    /// What a callback leaves behind when its interaction is gone.
    pub(super) fn drop_callback(&mut self, gone: &Interaction) {
        if let Some((_, timer)) = gone.rare.callback().and_then(|callback| callback.timer) {
            self.deadlines.cancel(timer);
        }
        if let Some(queue) = self.queues.slot(gone.entry(gone.first()).queue) {
            self.queues[queue].callbacks.remove(&gone.id);
        }
    }
}
