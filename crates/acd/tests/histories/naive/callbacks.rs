//! Callbacks, as said and not as made fast.

use acd::state::{CallbackState, Phase};
use acd::{CallFailure, CallbackEnd, CallbackMode, CallbackRules, SupervisorId};

use super::contacts::is_held_by;
use super::*;

pub(super) fn lacks_something(rules: CallbackRules) -> bool {
    let lengths = [rules.spacing, rules.call_timeout, rules.keep];
    rules.attempts.min(rules.most) == 0 || lengths.iter().any(Duration::is_zero)
}

/// What is done first by a reservation, and how long at most.
pub(super) fn first_phase(pending: Option<CallbackRules>, ring: Duration) -> (Phase, Duration) {
    match pending {
        Some(rules) if rules.mode == CallbackMode::CustomerFirst => (Phase::Calling, rules.call_timeout),
        Some(_) | None => (Phase::Ringing, ring),
    }
}

impl Naive {
    fn pending(&self, id: InteractionId) -> Option<CallbackState> {
        self.state.interactions[&id].callback.filter(|callback| callback.reached.is_none())
    }

    pub(super) fn is_pending(&self, id: InteractionId) -> bool {
        self.pending(id).is_some()
    }

    /// When a callback has been kept long enough.
    fn kept_until(&self, id: InteractionId) -> Option<Instant> {
        self.pending(id).map(|callback| callback.taken + callback.rules.keep)
    }

    /// What time brings to callbacks.
    pub(super) fn callback_deadlines(&self) -> Vec<(Instant, Due)> {
        let mut all = Vec::new();
        for (&id, entry) in &self.state.interactions {
            let Some(end) = self.kept_until(id) else { continue };
            match entry.stage {
                Stage::Resting { until: Some(until) } if until < end => all.push((until, Due::Rest(id))),
                Stage::Resting { .. } | Stage::Waiting => all.push((end, Due::CallbackEnd(id))),
                Stage::Reserved { .. } | Stage::Handling { .. } => {}
            }
        }
        all
    }

    pub(super) fn call_back(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let entry = self.present(id)?.clone();
        let during = match entry.stage {
            Stage::Waiting => AbandonedDuring::Waiting,
            Stage::Reserved { .. } => AbandonedDuring::Reserved,
            Stage::Resting { .. } | Stage::Handling { .. } => return Err(Refusal::WrongStage(id)),
        };
        if entry.callback.is_some() {
            return Err(Refusal::WrongStage(id));
        }
        if entry.entries.len() > 1 {
            return Err(Refusal::InSeveralQueues(id));
        }
        let queue = entry.first().queue;
        let Some(rules) = self.state.queues[&queue].settings.callback else {
            return Err(Refusal::NoCallbacks(queue));
        };
        if self.pending_in(queue) >= rules.most as usize {
            return Err(Refusal::TooManyCallbacks(queue));
        }
        let now = self.now();
        let freed = self.end_all(id, ReservationEnd::Cancelled);
        let entry = self.contact(id);
        entry.callback = Some(CallbackState { rules, taken: now, failed: 0, reached: None });
        (entry.entries[0].overdue, entry.entries[0].wanted) = (false, None);
        let (waited, age) = self.ages((id, queue));
        self.count(queue, |counters| counters.callbacks_taken += 1);
        self.say(Event::CallbackTaken { interaction: id, queue, waited, age, during });
        if rules.delay > Duration::ZERO {
            self.rest(id, Some(now + rules.delay));
        } else {
            self.wait_again(id, queue);
        }
        for (agent, reservation) in freed {
            self.unhand(agent, reservation);
        }
        Ok(())
    }

    fn pending_in(&self, queue: QueueId) -> usize {
        let in_queue = self.state.interactions.iter().filter(|(_, entry)| entry.first().queue == queue);
        in_queue.filter(|(id, _)| self.is_pending(**id)).count()
    }

    /// Whether a callback must not come into a queue, which has as many as it may.
    pub(super) fn is_one_too_many(&self, id: InteractionId, queue: QueueId) -> bool {
        let rules = self.state.queues[&queue].settings.callback;
        let comes = self.is_pending(id) && self.state.interactions[&id].first().queue != queue;
        comes && rules.is_some_and(|rules| self.pending_in(queue) >= rules.most as usize)
    }

    fn now(&self) -> Instant {
        self.state.now
    }

    fn rest(&mut self, id: InteractionId, until: Option<Instant>) {
        let entry = self.contact(id);
        entry.stage = Stage::Resting { until };
        entry.entries[0].promise = None;
        let (queue, failed) = (entry.first().queue, entry.callback.expect("only callbacks rest").failed);
        self.say(Event::CallbackRests { interaction: id, queue, until, failed });
    }

    pub(super) fn end_rest(&mut self, id: InteractionId) {
        let entry = self.contact(id);
        entry.stage = Stage::Waiting;
        let queue = entry.first().queue;
        self.say(Event::CallbackWaits { interaction: id, queue });
        self.wait_again(id, queue);
    }

    /// Whether it is a callback that must not wait now.
    pub(super) fn ends_or_rests(&mut self, id: InteractionId) -> bool {
        let Some(end) = self.kept_until(id) else { return false };
        let queue = self.state.interactions[&id].first().queue;
        if self.now() >= end {
            self.end_callback(id, CallbackEnd::Expired);
            true
        } else if !self.state.queues[&queue].callback_window {
            self.rest(id, None);
            true
        } else {
            false
        }
    }

    /// Whether it rests in the queue that it has come to.
    pub(super) fn rests_at_entry(&mut self, id: InteractionId, stage: Stage) -> bool {
        if !self.is_pending(id) {
            return false;
        }
        let queue = self.state.interactions[&id].first().queue;
        let until = match stage {
            Stage::Resting { until: Some(until) } => Some(until),
            Stage::Resting { until: None }
            | Stage::Waiting
            | Stage::Reserved { .. }
            | Stage::Handling { .. } => None,
        };
        if until.is_none() && self.state.queues[&queue].callback_window {
            return false;
        }
        self.rest(id, until);
        true
    }

    /// Ends one that is no longer reserved.
    pub(super) fn end_callback(&mut self, id: InteractionId, cause: CallbackEnd) {
        let was_in_line = self.state.interactions[&id].stage == Stage::Waiting;
        self.end_callback_from(id, cause, was_in_line);
    }

    pub(super) fn end_callback_from(&mut self, id: InteractionId, cause: CallbackEnd, was_in_line: bool) {
        let entry = self.state.interactions[&id].clone();
        let queue = entry.first().queue;
        let (waited, age) = self.ages((id, queue));
        self.count(queue, |counters| counters.callbacks_ended += 1);
        self.say(Event::CallbackEnded {
            interaction: id,
            queue,
            waited,
            age,
            failed: entry.callback.expect("it is a callback").failed,
            cause,
            was_in_line,
        });
        self.state.interactions.remove(&id);
    }

    pub(super) fn cancel_callback(&mut self, id: InteractionId, cause: CallbackEnd) {
        match self.state.interactions[&id].stage {
            Stage::Reserved { .. } => {
                let agents = self.end_all(id, ReservationEnd::Cancelled);
                self.end_callback_from(id, cause, false);
                for (agent, reservation) in agents {
                    self.unhand(agent, reservation);
                }
            }
            Stage::Waiting | Stage::Resting { .. } | Stage::Handling { .. } => {
                self.end_callback(id, cause);
            }
        }
    }

    /// The reservation, which must be one by which a customer is called.
    fn calling(&self, id: ReservationId) -> Result<ReservationState, Refusal> {
        let held = self.state.reservations.get(&id).ok_or(Refusal::StaleReservation(id))?;
        match held.phase {
            Phase::Calling | Phase::Alerting => Ok(*held),
            Phase::Ringing => Err(Refusal::WrongStage(held.interaction)),
        }
    }

    /// The agent of an agent-first callback has accepted.
    pub(super) fn call_customer(&mut self, id: ReservationId) {
        let now = self.now();
        let ReservationState { interaction, agent, queue, .. } = self.state.reservations[&id];
        let entry = &self.state.interactions[&interaction];
        let deadline = now + entry.callback.expect("it is a callback").rules.call_timeout;
        let held = self.state.reservations.get_mut(&id).expect("known to be here");
        (held.phase, held.deadline) = (Phase::Calling, deadline);
        self.say(Event::CallbackCalling { reservation: id, interaction, agent, queue, deadline });
        self.person(agent).misses = 0;
    }

    pub(super) fn alert(&mut self, id: ReservationId) -> Result<(), Refusal> {
        self.calling(id)?;
        self.state.reservations.get_mut(&id).expect("known to be here").phase = Phase::Alerting;
        Ok(())
    }

    /// The customer has answered, and nobody is there who called.
    pub(super) fn hold_on(&mut self, id: InteractionId) -> Result<(), Refusal> {
        let entry = self.present(id)?.clone();
        if !self.is_pending(id) {
            return Err(Refusal::WrongStage(id));
        }
        let held = self.rung_for(id);
        for &held in &held {
            self.calling(held)?;
        }
        let (now, queue) = (self.now(), entry.first().queue);
        let rested = matches!(entry.stage, Stage::Resting { .. });
        self.contact(id).callback.as_mut().expect("it is a callback").reached = Some(now);
        let (waited, age) = self.ages((id, queue));
        self.say(Event::CallbackHolds { interaction: id, queue, waited, age, rested });
        for held in held {
            self.reached.push(label::HOLDS_AS_THE_AGENT_GOES);
            self.fail(held, ReservationEnd::Rejected(RejectCause::Rejected));
        }
        if rested {
            self.contact(id).stage = Stage::Waiting;
            self.wait_again(id, queue);
        }
        Ok(())
    }

    /// Somebody does not want it any more.
    pub(super) fn withdraw(&mut self, id: InteractionId, by: Option<SupervisorId>) -> Result<(), Refusal> {
        self.present(id)?;
        if !self.is_pending(id) {
            return Err(Refusal::WrongStage(id));
        }
        self.cancel_callback(id, CallbackEnd::Withdrawn { by });
        Ok(())
    }

    /// A reservation came to nothing by its agent.
    pub(super) fn go_on(&mut self, ended: ReservationState) {
        let id = ended.interaction;
        match ended.phase {
            Phase::Calling | Phase::Alerting if self.is_pending(id) => {
                let rang = ended.phase == Phase::Alerting;
                self.reached.push(match rang {
                    false => label::AGENT_GONE_BEFORE_IT_RANG,
                    true => label::AGENT_GONE_AND_IT_RANG,
                });
                self.called_in_vain(id, rang);
            }
            Phase::Ringing | Phase::Calling | Phase::Alerting => self.wait_again(id, ended.queue),
        }
    }

    pub(super) fn reach(&mut self, id: ReservationId) -> Result<(), Refusal> {
        let ReservationState { interaction, agent, queue, .. } = self.calling(id)?;
        let now = self.now();
        let entry = self.contact(interaction);
        let callback = entry.callback.as_mut().expect("it is a callback");
        callback.reached = Some(now);
        let mode = callback.rules.mode;
        if mode == CallbackMode::AgentFirst {
            self.begin_conversation(id);
            return Ok(());
        }
        let deadline = now + self.state.queues[&queue].settings.ring_timeout;
        let held = self.state.reservations.get_mut(&id).expect("known to be here");
        (held.phase, held.deadline) = (Phase::Ringing, deadline);
        self.say(Event::CallbackReached { reservation: id, interaction, agent, queue, deadline });
        Ok(())
    }

    pub(super) fn call_failed(&mut self, id: ReservationId, cause: CallFailure) -> Result<(), Refusal> {
        self.calling(id)?;
        self.fail_call(id, ReservationEnd::CallFailed(cause));
        Ok(())
    }

    pub(super) fn fail_call(&mut self, id: ReservationId, end: ReservationEnd) {
        let ReservationState { interaction, agent, .. } = self.end(id, end);
        let now = self.now();
        let rules = self.contact(interaction).callback.expect("it is a callback").rules;
        self.called_in_vain(interaction, end != ReservationEnd::CallFailed(CallFailure::NoResources));
        self.change(agent, false, |agent| {
            let until = now + rules.pause;
            keep(agent, now, |work| !is_held_by(work, id));
            if agent.presence == Presence::Ready && until > now {
                agent.aside = match agent.aside {
                    Aside::Nothing { .. } => Aside::BackingOff { since: now, until },
                    Aside::BackingOff { since, until: other } => {
                        Aside::BackingOff { since, until: until.max(other) }
                    }
                    occupied @ Aside::Occupied { .. } => occupied,
                };
            }
        });
    }

    /// With or without one attempt less.
    fn called_in_vain(&mut self, id: InteractionId, is_attempt: bool) {
        let now = self.now();
        let callback = self.contact(id).callback.as_mut().expect("it is a callback");
        if is_attempt {
            callback.failed += 1;
        }
        let CallbackState { rules, failed, .. } = *callback;
        if failed == rules.attempts {
            self.end_callback(id, CallbackEnd::Unreached);
        } else if self.kept_until(id).is_some_and(|end| end <= now) {
            self.end_callback(id, CallbackEnd::Expired);
        } else {
            self.rest(id, Some(now + rules.spacing));
        }
    }

    pub(super) fn set_callback_window(&mut self, queue: QueueId, open: bool) -> Result<(), Refusal> {
        let entry = self.state.queues.get_mut(&queue).ok_or(Refusal::UnknownQueue(queue))?;
        if entry.callback_window == open {
            return Ok(());
        }
        entry.callback_window = open;
        self.say(Event::CallbackWindow { queue, open });
        let concerned = if open { Stage::Resting { until: None } } else { Stage::Waiting };
        let here = self.state.interactions.iter();
        let places: BTreeSet<Place> = here
            .filter(|(id, entry)| {
                entry.first().queue == queue && entry.stage == concerned && self.is_pending(**id)
            })
            .map(|(&id, _)| self.place(id))
            .collect();
        for place in places {
            if open {
                self.end_rest(place.interaction);
            } else {
                self.rest(place.interaction, None);
            }
        }
        Ok(())
    }
}
