//! A reservation and its ends, and the conversation that follows the good one.

use std::time::Duration;

use timing::{Instant, TimerId};

use super::agent::ReadyClock;
use super::entry::Nth;
use super::ringing::RingPlaces;
use super::{Agent, Distributor, Interaction, Queue};
use crate::state::{Phase, ReservationState, Stage};
use crate::table::{Named, Slot};
use crate::{
    AgentId, BackOff, BackOffs, DequeueCause, Event, HandlingEnd, InteractionId, Interruption, Presence,
    QueueId, ReasonCode, Refusal, RejectCause, ReservationEnd, ReservationId, Work, WorkStage,
};

#[derive(Clone, Debug)]
pub(crate) struct Reservation {
    pub(crate) id: ReservationId,
    pub(crate) state: ReservationState,
    /// For whom, and who is held.
    pub(super) interaction: Slot<Interaction>,
    pub(super) agent: Slot<Agent>,
    /// Set as long as the reservation lives.
    pub(crate) timer: TimerId,
    /// The next of the same interaction, made later.
    pub(super) next: Slot<Reservation>,
    /// Of the first of an interaction: where that stands in the lines of those who may have more.
    pub(super) places: RingPlaces,
}

impl Named for Reservation {
    type Id = ReservationId;

    fn id(&self) -> ReservationId {
        self.id
    }

    fn number(id: ReservationId) -> u64 {
        id.0
    }

    const IS_SHORT: bool = false;
}

impl Reservation {
    /// The only one of its interaction so far.
    pub(super) fn new(
        id: ReservationId,
        state: ReservationState,
        (interaction, agent): (Slot<Interaction>, Slot<Agent>),
        timer: TimerId,
    ) -> Reservation {
        let (next, places) = (Slot::NOWHERE, RingPlaces::NOWHERE);
        Reservation { id, state, interaction, agent, timer, next, places }
    }
}

impl Distributor {
    pub(super) fn accept(&mut self, id: ReservationId) -> Result<(), Refusal> {
        let reservation = self.reservations.slot(id).ok_or(Refusal::StaleReservation(id))?;
        let Reservation { interaction: slot, ref state, .. } = self.reservations[reservation];
        match state.phase {
            Phase::Ringing => {}
            Phase::Calling | Phase::Alerting => return Err(Refusal::WrongStage(state.interaction)),
        }
        if self.interactions[slot].pending_callback().is_some() {
            self.call_customer(reservation);
        } else {
            self.begin_conversation(reservation);
        }
        Ok(())
    }

    /// Agent and customer are on the line.
    pub(super) fn begin_conversation(&mut self, reservation: Slot<Reservation>) {
        let Reservation { id, state, interaction: slot, agent: agent_slot, .. } =
            self.end_reservation(reservation, ReservationEnd::Accepted);
        let ReservationState { interaction, agent, queue, .. } = state;
        let nth = self.entry_of(slot, queue);
        let let_go = self.end_all(slot, ReservationEnd::TakenByAnother);
        self.clear_exclusions(slot);
        self.unanswered -= 1;
        let since = self.now;
        let (waited, age) = self.ages(slot, nth);
        self.interactions[slot].enter_stage(Stage::Handling { agent, since });
        let queue_slot = self.interactions[slot].entry(nth).queue_slot;
        let failed = self.interactions[slot].rare.callback().map(|callback| callback.state.failed);
        self.count(queue_slot, |counters| match failed {
            None => counters.answered += 1,
            Some(_) => counters.called_back += 1,
        });
        self.queues[queue_slot].handling += 1;
        let by_name = self.interactions[slot].by_name(nth).is_some();
        let answer = match failed {
            None => Event::Answered { interaction, queue, agent, waited, age, by_name },
            Some(failed) => Event::CalledBack { interaction, queue, agent, waited, age, failed },
        };
        self.emit_answer(slot, nth, answer);
        self.dequeue_others(slot, nth, DequeueCause::Answered);
        self.keep_only(slot, nth);
        self.change_agent(agent_slot, ReadyClock::Goes, |agent| {
            let work =
                agent.works.take(|work| work.reservation() == Some(id)).expect("the agent is held by it");
            let interrupted = Interruption::default();
            agent
                .works
                .push(Work { stage: WorkStage::Handling { since, renewed: since, interrupted }, ..work });
            agent.misses = 0;
            agent.handled = agent.handled.saturating_add(1);
        });
        self.free_without_fault(let_go);
    }

    pub(super) fn reject(&mut self, id: ReservationId, cause: RejectCause) -> Result<(), Refusal> {
        let reservation = self.reservations.slot(id).ok_or(Refusal::StaleReservation(id))?;
        self.fail_reservation(reservation, ReservationEnd::Rejected(cause));
        Ok(())
    }

    /// By rejection or expiry: the agent backs off; where nobody else is rung, the interaction waits again in its place.
    pub(super) fn fail_reservation(&mut self, reservation: Slot<Reservation>, end: ReservationEnd) {
        let Reservation { id, state, interaction: slot, agent: agent_slot, .. } =
            self.end_reservation(reservation, end);
        let ReservationState { agent, queue: rung_in, .. } = state;
        let queue = self.interactions[slot].entry(self.entry_of(slot, rung_in)).queue_slot;
        let (back_off, is_miss) = consequence(&self.queues[queue].state.settings.back_offs, end);
        let (now, misses_max) = (self.now, self.settings.misses_max);
        self.change_agent(agent_slot, ReadyClock::Restarts, |agent| {
            agent.misses = agent.misses.saturating_add(u32::from(is_miss));
            let has_enough = misses_max > 0 && agent.misses >= misses_max;
            if agent.presence == Presence::Ready && has_enough {
                agent.presence = Presence::NotReady(ReasonCode::MISSED);
            }
            agent.lay_down(now, |work| work.reservation() == Some(id));
            if agent.presence == Presence::Ready && !back_off.pause.is_zero() {
                agent.back_off(now, now + back_off.pause);
            }
        });
        self.exclude_after(slot, agent, back_off);
        self.go_on_without(slot, &state);
    }

    /// Takes a reservation away and says so. What becomes of the agent is the caller's, and of the interaction where
    /// nobody is rung for it any more.
    pub(super) fn end_reservation(&mut self, slot: Slot<Reservation>, cause: ReservationEnd) -> Reservation {
        let interaction_slot = self.reservations[slot].interaction;
        self.stand_down_from_ringing(interaction_slot);
        self.unlink(interaction_slot, slot);
        let ended = self.reservations.remove(slot);
        self.deadlines.cancel(ended.timer);
        let Reservation { id: reservation, state, .. } = ended;
        let ReservationState { interaction, agent, queue, since, .. } = state;
        if cause != ReservationEnd::Accepted {
            self.count_if_defined(queue, |counters| counters.count_reservation_end(cause));
        }
        let left = self.rung(interaction_slot);
        if left == 0 {
            let rung = &mut self.interactions[interaction_slot];
            rung.enter_stage(Stage::Waiting);
            for nth in rung.standing {
                let entry = rung.entry(nth);
                let stands = &mut self.queues[entry.queue_slot];
                let count = if entry.queue == queue { &mut stands.reserved } else { &mut stands.elsewhere };
                *count -= 1;
            }
            if self.own_pairs > 0 && rung.requirement.is_some() {
                self.end_reserved_with_own(interaction_slot);
            }
        }
        let lasted = self.now - since;
        self.emit(Event::ReservationEnded { reservation, interaction, agent, queue, cause, lasted, left });
        ended
    }

    /// The entry by which an interaction is, or was just now, reserved in a queue.
    fn entry_of(&self, slot: Slot<Interaction>, queue: QueueId) -> Nth {
        self.interactions[slot].nth_in(queue).expect("it stands in the queue that it is reserved in")
    }

    /// The agent in conversation with an interaction, and since when.
    pub(super) fn conversation(&self, slot: Slot<Interaction>) -> Result<(AgentId, Instant), Refusal> {
        match self.interactions[slot].stage() {
            Stage::Handling { agent, since } => Ok((agent, since)),
            Stage::Waiting | Stage::Reserved { .. } | Stage::Resting { .. } => {
                Err(Refusal::WrongStage(self.interactions[slot].id))
            }
        }
    }

    /// The conversation is over and the interaction gone, because somebody says so or nobody has renewed its lease.
    pub(super) fn end_conversation(&mut self, id: InteractionId, cause: HandlingEnd) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        let (agent, since) = self.conversation(slot)?;
        let queue = self.interactions[slot].entry.queue;
        self.drop_interaction(slot);
        let queue_slot = self.queues.slot(queue);
        self.count_if_there(queue_slot, |counters| {
            counters.finished += 1;
            counters.expired += u64::from(cause == HandlingEnd::LeaseExpired);
        });
        if let Some(queue) = queue_slot {
            self.queues[queue].handling -= 1;
        }
        self.end_handling(self.who(agent), id, (queue, queue_slot), since, cause);
        Ok(())
    }

    /// Says that a conversation is over, and lets the agent wrap up.
    fn end_handling(
        &mut self,
        slot: Slot<Agent>,
        interaction: InteractionId,
        (queue, queue_slot): (QueueId, Option<Slot<Queue>>),
        since: Instant,
        cause: HandlingEnd,
    ) {
        let Agent { id: agent, ref state, .. } = self.agents[slot];
        let interrupted_for = state.interrupted_for(interaction, self.now);
        let handled_for = self.now - since;
        let ended = Event::HandlingEnded { interaction, queue, agent, handled_for, interrupted_for, cause };
        self.emit_in(queue_slot, ended);
        self.agents[slot].state.count_work_in(queue, handled_for);
        self.wrap_up(slot, interaction, (queue, queue_slot));
    }

    /// The agent is gone and the customer is not: the interaction goes back to where it was.
    pub(super) fn return_to_queue(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let slot = self.interaction(id)?;
        let (agent, since) = self.conversation(slot)?;
        let queue = self.interactions[slot].entry.queue;
        let queue_slot = self.queues.slot(queue).ok_or(Refusal::UnknownQueue(queue))?;
        if self.unanswered >= self.settings.waiting_max {
            return Err(Refusal::TooManyWaiting);
        }
        self.queues[queue_slot].handling -= 1;
        let exclusion = self.queues[queue_slot].state.settings.back_offs.rejected.exclusion;
        self.unanswered += 1;
        let interaction = &mut self.interactions[slot];
        interaction.enter_stage(Stage::Waiting);
        // The queue may have been removed and defined anew since.
        interaction.entry.queue_slot = queue_slot;
        interaction.entry.overdue = false;
        self.count(queue_slot, |counters| {
            counters.finished += 1;
            counters.returned += 1;
        });
        self.end_handling(self.who(agent), id, (queue, Some(queue_slot)), since, HandlingEnd::Returned);
        self.offer(slot, Nth::FIRST, Some(queue));
        self.exclude_after(slot, agent, BackOff { pause: Duration::ZERO, exclusion });
        self.wait_again(slot, queue);
        // The conversation counts as wait, and was none: whoever is free may take it before its age is looked at.
        self.unsettled.overdue.append(&mut self.unsettled.returned);
        Ok(())
    }

    /// What follows a conversation: after-call work, or nothing for who has none or is logged out.
    fn wrap_up(
        &mut self,
        slot: Slot<Agent>,
        interaction: InteractionId,
        (queue, queue_slot): (QueueId, Option<Slot<Queue>>),
    ) {
        let now = self.now;
        let Agent { id, ref state, .. } = self.agents[slot];
        if state.leaving && !state.works.are_several() {
            return self.drop_agent(slot);
        }
        let own = state.settings.after_call_work;
        let length = match queue_slot {
            Some(queue) => self.queues[queue].state.settings.after_call_work_for(own, &self.settings),
            None => own.unwrap_or(Duration::ZERO).min(self.settings.after_call_work_max),
        };
        let until = (!length.is_zero() && state.presence.is_logged_in()).then(|| now + length);
        if let Some(until) = until {
            // The same may have come to the agent for a second time.
            if state.works.find(|work| work.is_after_call_work_of(interaction)).is_some() {
                self.emit_after_call_work_ended(slot, interaction);
            }
            self.emit(Event::AfterCallWorkStarted { agent: id, interaction, queue, until });
        }
        self.change_agent(slot, ReadyClock::Restarts, |agent| {
            match until {
                None => drop(agent.lay_down(now, |work| work.is_handling_of(interaction))),
                Some(until) => {
                    agent.lay_down(now, |work| work.is_after_call_work_of(interaction));
                    let work = agent.works.find_mut(|work| work.is_handling_of(interaction));
                    let work = work.expect("the conversation was in hand");
                    work.stage = WorkStage::AfterCallWork { since: now, until };
                }
            }
            agent.handled_at = now;
        });
    }
}

/// The back-off of a failed reservation, and whether it counts as a miss: who says no is there, and who was
/// not asked has missed nothing.
fn consequence(back_offs: &BackOffs, end: ReservationEnd) -> (BackOff, bool) {
    match end {
        ReservationEnd::Expired | ReservationEnd::Rejected(RejectCause::NoAnswer) => {
            (back_offs.no_answer, true)
        }
        ReservationEnd::Rejected(RejectCause::Unreachable) => (back_offs.unreachable, true),
        ReservationEnd::Rejected(RejectCause::Busy) => (back_offs.busy, false),
        ReservationEnd::Rejected(RejectCause::Rejected) => (back_offs.rejected, false),
        ReservationEnd::Rejected(RejectCause::NoResources) => (back_offs.no_resources, false),
        ReservationEnd::Accepted
        | ReservationEnd::Cancelled
        | ReservationEnd::Withdrawn
        | ReservationEnd::TakenByAnother
        | ReservationEnd::CallFailed(_)
        | ReservationEnd::CallExpired => {
            unreachable!("these are no failures of an agent")
        }
    }
}
