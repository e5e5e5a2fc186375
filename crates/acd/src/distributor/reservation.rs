//! A reservation and its four ends, and the conversation that follows the good one.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::TimerId;

use super::Distributor;
use super::agent::ReadyClock;
use crate::state::{ReservationState, Stage};
use crate::{
    Activity, AgentId, BackOff, BackOffs, Event, InteractionId, Presence, QueueId, ReasonCode, Refusal,
    RejectCause, ReservationEnd, ReservationId,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) state: ReservationState,
    /// Set as long as the reservation lives.
    pub(crate) timer: TimerId,
}

impl Distributor {
    pub(super) fn accept(&mut self, id: ReservationId) -> Result<(), Refusal> {
        if !self.reservations.contains_key(&id) {
            return Err(Refusal::StaleReservation(id));
        }
        let ReservationState { interaction, agent, .. } = self.end_reservation(id, ReservationEnd::Accepted);
        self.clear_exclusions(interaction);
        self.unanswered -= 1;
        let since = self.now;
        let state = &mut self.interaction_mut(interaction).state;
        state.stage = Stage::Handling { agent, since };
        let queue = state.queue;
        let (waited, age) = (since - state.entered, since - state.arrived);
        self.count(queue, |counters| counters.answered += 1);
        self.queues
            .get_mut(&queue)
            .expect("reserved interactions are in queues that are defined")
            .handling += 1;
        self.emit(Event::Answered { interaction, queue, agent, waited, age });
        self.change_agent(agent, ReadyClock::Goes, |agent| {
            agent.activity = Activity::Handling { interaction, since };
            agent.misses = 0;
            agent.handled = agent.handled.saturating_add(1);
        });
        Ok(())
    }

    pub(super) fn reject(&mut self, id: ReservationId, cause: RejectCause) -> Result<(), Refusal> {
        if !self.reservations.contains_key(&id) {
            return Err(Refusal::StaleReservation(id));
        }
        self.fail_reservation(id, ReservationEnd::Rejected(cause));
        Ok(())
    }

    /// By rejection or expiry: the agent backs off, the interaction waits again in its place.
    pub(super) fn fail_reservation(&mut self, id: ReservationId, end: ReservationEnd) {
        let ReservationState { interaction, agent, .. } = self.end_reservation(id, end);
        let queue = self.interactions[&interaction].state.queue;
        self.count(queue, |counters| counters.missed += 1);
        let back_offs = &self.queues[&queue].state.settings.back_offs;
        let (back_off, is_miss) = consequence(back_offs, end);
        let (now, misses_max) = (self.now, self.settings.misses_max);
        self.change_agent(agent, ReadyClock::Restarts, |agent| {
            agent.misses = agent.misses.saturating_add(u32::from(is_miss));
            let has_enough = misses_max > 0 && agent.misses >= misses_max;
            if agent.presence == Presence::Ready && has_enough {
                agent.presence = Presence::NotReady(ReasonCode::MISSED);
            }
            agent.activity = if agent.presence == Presence::Ready && !back_off.pause.is_zero() {
                Activity::BackingOff { since: now, until: now + back_off.pause }
            } else {
                Activity::Idle { since: now }
            };
        });
        if !back_off.exclusion.is_zero() {
            self.exclude(interaction, agent, now + back_off.exclusion);
        }
        self.wait_again(interaction);
    }

    /// Takes a reservation away and says so. What becomes of the two that it held is the caller's.
    pub(super) fn end_reservation(&mut self, id: ReservationId, cause: ReservationEnd) -> ReservationState {
        let Reservation { state, timer } =
            self.reservations.remove(&id).expect("the caller has looked it up");
        self.deadlines.cancel(timer);
        let ReservationState { interaction, agent, since, .. } = state;
        let stage = &mut self.interaction_mut(interaction).state;
        stage.stage = Stage::Waiting;
        let queue = stage.queue;
        self.queues
            .get_mut(&queue)
            .expect("reserved interactions are in queues that are defined")
            .reserved -= 1;
        let lasted = self.now - since;
        self.emit(Event::ReservationEnded { reservation: id, interaction, agent, queue, cause, lasted });
        state
    }

    pub(super) fn finish(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let interaction = self.interaction(id)?;
        let Stage::Handling { agent, since } = interaction.stage else {
            return Err(Refusal::WrongStage(id));
        };
        let queue = interaction.queue;
        let handled_for = self.now - since;
        self.interactions.remove(&id);
        self.count(queue, |counters| counters.finished += 1);
        if let Some(queue) = self.queues.get_mut(&queue) {
            queue.handling -= 1;
        }
        self.emit(Event::HandlingEnded { interaction: id, queue, agent, handled_for, returned: false });
        self.wrap_up(agent, id, queue);
        Ok(())
    }

    /// The agent is gone and the customer is not: the interaction goes back to where it was.
    pub(super) fn return_to_queue(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let interaction = self.interaction(id)?;
        let Stage::Handling { agent, since } = interaction.stage else {
            return Err(Refusal::WrongStage(id));
        };
        let queue_id = interaction.queue;
        let queue = self.queues.get_mut(&queue_id).ok_or(Refusal::UnknownQueue(queue_id))?;
        if self.unanswered >= self.settings.waiting_max {
            return Err(Refusal::TooManyWaiting);
        }
        queue.handling -= 1;
        let exclusion = queue.state.settings.back_offs.rejected.exclusion;
        self.unanswered += 1;
        let now = self.now;
        let interaction = &mut self.interaction_mut(id).state;
        interaction.stage = Stage::Waiting;
        interaction.overdue = false;
        self.count(queue_id, |counters| {
            counters.finished += 1;
            counters.returned += 1;
        });
        let (queue, handled_for) = (queue_id, now - since);
        self.emit(Event::HandlingEnded { interaction: id, queue, agent, handled_for, returned: true });
        self.wrap_up(agent, id, queue);
        self.offer(id, Some(queue));
        if !exclusion.is_zero() {
            self.exclude(id, agent, now + exclusion);
        }
        self.wait_again(id);
        Ok(())
    }

    /// What follows a conversation: after-call work, or idle at once for who has none or is logged out.
    fn wrap_up(&mut self, id: AgentId, interaction: InteractionId, queue: QueueId) {
        let now = self.now;
        let agent = &self.agents[&id].state;
        if agent.leaving {
            return self.drop_agent(id);
        }
        let of_queue = self.queues.get(&queue).map(|queue| queue.state.settings.after_call_work);
        let length = agent.settings.after_call_work.or(of_queue).unwrap_or(Duration::ZERO);
        let length = length.min(self.settings.after_call_work_max);
        let activity = if length.is_zero() || !agent.presence.is_logged_in() {
            Activity::Idle { since: now }
        } else {
            let until = now + length;
            self.emit(Event::AfterCallWorkStarted { agent: id, interaction, queue, until });
            Activity::AfterCallWork { interaction, queue, since: now, until }
        };
        self.change_agent(id, ReadyClock::Restarts, |agent| {
            agent.activity = activity;
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
        ReservationEnd::Accepted | ReservationEnd::Cancelled | ReservationEnd::Withdrawn => {
            unreachable!("these are no failures")
        }
    }
}
