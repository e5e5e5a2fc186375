//! Customers who hang up to be called back: who is called when, and what the distributor is told of it.
//!
//! The interaction stays, and each attempt is a call of its own that we place: agent-first the agent's phones ring, and
//! when one is up the customer is called beside it; customer-first the customer is called, and from the moment that
//! the customer is there it is a waiting call like others.

use acd::{
    AgentId, CallFailure, CallbackEnd, CallbackMode, Command, Decision, Event, InteractionId, QueueId,
    RejectCause, ReservationEnd, ReservationId,
};
use b2bua::{AttemptId, CallRef, Dial, Failure, FailureKind, HangUp};
use sip::Identity;
use timing::Instant;

use super::Engine;
use super::calls::interaction_of;
use super::identity::dial;
use crate::callback::{Callback, NoCallback, Step};
use crate::interaction::{Interaction, OUTSIDE, Stage, attempt_of};
use crate::{CallbackStory, Outcome, Treatment};

impl Engine {
    /// The caller, who waits, wants to be called back and will be rung off: at another number, or at the own one. The
    /// distributor has the last word, by [`acd::Event::CallbackTaken`] or [`acd::Event::Refused`].
    ///
    /// # Errors
    ///
    /// Why not; then the caller waits on.
    pub fn call_back(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        number: Option<&str>,
    ) -> Result<(), NoCallback> {
        let state = self.interactions.get_mut(&interaction).ok_or(NoCallback::Unknown)?;
        if self.draining {
            return Err(NoCallback::Draining);
        }
        if state.stage != Stage::Waiting || state.hung_up.is_some() || state.callback.is_some() {
            return Err(NoCallback::NotWaiting);
        }
        if state.story.visits.iter().filter(|visit| visit.goes_on()).count() > 1 {
            return Err(NoCallback::InSeveralQueues);
        }
        let queue = state.story.queue;
        let line = self.directory.callbacks.get(&queue).ok_or(NoCallback::NotOffered(queue))?;
        let own = state.caller.user.as_str();
        let wanted = number.unwrap_or(own);
        let is_other = wanted != own;
        line.check(wanted, is_other)?;
        let (wanted, outbound) = (wanted.to_owned(), line.outbound.clone());
        if let Some(promised) = self.promised(&wanted) {
            return Err(NoCallback::Promised(promised));
        }
        let state = self.interactions.get_mut(&interaction).ok_or(NoCallback::Unknown)?;
        state.callback = Some(Box::new(Callback {
            number: wanted,
            outbound,
            is_other,
            held: None,
            is_agent_first: false,
        }));
        self.command(Command::CallBack { interaction });
        self.settle(now);
        Ok(())
    }

    /// Who is to be called back at a number, and is not on the line yet: one promise to a number at a time, so that nobody
    /// is called again and again. Walks over everybody.
    fn promised(&self, number: &str) -> Option<InteractionId> {
        let is_promised = |state: &Interaction| {
            let is_pending = match state.stage {
                Stage::CallingBack(_) => true,
                // It has been asked for, and the distributor has not answered.
                Stage::Waiting => state.story.callback.is_none(),
                Stage::Confirming { .. } | Stage::Talking | Stage::Leaving { .. } | Stage::Over => false,
            };
            is_pending && state.callback.as_ref().is_some_and(|callback| callback.number == number)
        };
        self.interactions.iter().find(|(_, state)| is_promised(state)).map(|(&id, _)| id)
    }

    /// What the distributor says of callbacks.
    pub(super) fn callback_decided(&mut self, now: Instant, event: &Event) {
        match *event {
            Event::CallbackTaken { interaction, .. } => self.callback_taken(now, interaction),
            Event::CallbackRests { interaction, until, failed, .. } => {
                self.callback_rests(interaction, until, failed);
            }
            Event::CallbackWaits { interaction, .. } => self.callback_waits(interaction),
            Event::CallbackCalling { interaction, queue, .. } => {
                self.callback_calling(now, interaction, queue);
            }
            Event::CallbackReached { interaction, queue, reservation, .. } => {
                self.callback_reached(now, interaction, queue, reservation);
            }
            Event::CallbackHolds { interaction, queue, .. } => self.callback_holds(now, interaction, queue),
            Event::CalledBack { interaction, agent, queue, .. } => {
                self.called_back(now, interaction, queue, agent);
            }
            Event::CallbackEnded { interaction, failed, cause, .. } => {
                self.callback_ended(now, interaction, failed, cause);
            }
            _ => unreachable!("the caller has matched it"),
        }
    }

    /// Whose call it is, as long as the interaction goes by this one.
    pub(super) fn whose(&self, call: CallRef) -> Option<InteractionId> {
        let interaction = self.placed.get(&call).copied().unwrap_or_else(|| interaction_of(call));
        self.interactions.get(&interaction).filter(|state| state.call == call).map(|_| interaction)
    }

    /// The distributor keeps the place: the caller is rung off.
    pub(super) fn callback_taken(&mut self, now: Instant, interaction: InteractionId) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Some(callback) = &state.callback else { return };
        let (number, taken) = (callback.number.clone(), now);
        state.story.callback =
            Some(CallbackStory { number, taken, failed: 0, rests_until: None, reached: None, ended: None });
        state.stage = Stage::CallingBack(Step::Away);
        state.hung_up = None;
        state.withdraw_attempts(now);
        let (call, own) = (state.call, state.own.take());
        if let Some(timer) = state.untreated.take() {
            self.timers.cancel(timer);
        }
        if let Some(agent) = own {
            self.call_ended(agent);
        }
        self.end_call(now, call);
    }

    /// The distributor keeps no place: the caller waits on, or is gone.
    pub(super) fn callback_refused(&mut self, interaction: InteractionId) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        state.callback = None;
        if state.hung_up.is_some() && state.stage == Stage::Waiting {
            state.stage = Stage::Over;
            self.command(Command::Cancel { interaction });
        }
    }

    pub(super) fn callback_rests(&mut self, interaction: InteractionId, until: Option<Instant>, failed: u32) {
        if let Some(story) = self.callback_story(interaction) {
            (story.rests_until, story.failed) = (until, failed);
        }
    }

    pub(super) fn callback_waits(&mut self, interaction: InteractionId) {
        if let Some(story) = self.callback_story(interaction) {
            story.rests_until = None;
        }
    }

    fn callback_story(&mut self, interaction: InteractionId) -> Option<&mut CallbackStory> {
        self.interactions.get_mut(&interaction)?.story.callback.as_mut()
    }

    /// An agent is held for a callback: the first of the two is called.
    pub(super) fn callback_reserved(
        &mut self,
        now: Instant,
        (interaction, queue): (InteractionId, QueueId),
        reservation: ReservationId,
        (agent, decision): (AgentId, Decision),
        mode: CallbackMode,
    ) {
        let destinations = self.destinations(agent);
        if self.draining {
            return self.command(Command::Cancel { interaction });
        }
        if self
            .interactions
            .get(&interaction)
            .is_some_and(|state| matches!(state.stage, Stage::CallingBack(step) if step != Step::Away))
        {
            // The customer's phone has been silent for the whole rest, and nobody says so.
            self.nobody_called(now, interaction);
        }
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Some(callback) = &mut state.callback else { return };
        // What must not be called, and the way, are those of now and not of the promise.
        if let Some(line) = self.directory.callbacks.get(&queue) {
            if line.denies(&callback.number) {
                return self.command(Command::Cancel { interaction });
            }
            callback.outbound.clone_from(&line.outbound);
        }
        callback.held = Some((agent, decision.clone()));
        callback.is_agent_first = mode == CallbackMode::AgentFirst;
        let (attempt, step, dial) = match mode {
            CallbackMode::AgentFirst => {
                let attempt = attempt_of(reservation);
                state.attempt_began(now, attempt, queue, Some((agent, decision)));
                (attempt, Step::AgentRings(reservation), to_agent(state, destinations))
            }
            CallbackMode::CustomerFirst => {
                state.attempt_began(now, OUTSIDE, queue, None);
                (OUTSIDE, Step::CustomerRings(reservation), to_customer(state))
            }
        };
        state.stage = Stage::CallingBack(step);
        match self.b2bua.place(now, attempt, &dial) {
            Ok(call) => {
                self.placed.insert(call, interaction);
                if let Some(state) = self.interactions.get_mut(&interaction) {
                    state.call = call;
                    state.closed = None;
                    state.hung_up = None;
                }
            }
            Err(failure) => self.callback_not_placed(now, interaction, attempt, failure),
        }
    }

    /// One of the two picked up. The distributor has the last word.
    pub(super) fn callback_picked_up(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        attempt: AttemptId,
    ) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Stage::CallingBack(step) = state.stage else { return };
        match step {
            Step::AgentRings(reservation) if attempt == attempt_of(reservation) => {
                state.stage = Stage::CallingBack(Step::AgentUp(reservation));
                self.command(Command::Accept { reservation });
            }
            Step::CustomerRings(reservation) if attempt == OUTSIDE => {
                state.stage = Stage::CallingBack(Step::CustomerUp(reservation));
                self.command(Command::CallbackReached { reservation });
            }
            // The customer was faster than we: the agent is gone, the customer is not.
            Step::Silencing(_) if attempt == OUTSIDE => {
                state.stage = Stage::CallingBack(Step::Alone);
                self.command(Command::CallbackHolds { interaction });
            }
            Step::Away
            | Step::AgentRings(_)
            | Step::AgentUp(_)
            | Step::CustomerRings(_)
            | Step::CustomerUp(_)
            | Step::Silencing(_)
            | Step::Alone => {
                let call = state.call;
                self.b2bua.drop_attempt(now, call, attempt);
            }
        }
    }

    /// One of the two could not be reached, or is gone again.
    pub(super) fn callback_attempt_failed(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        attempt: AttemptId,
        failure: Failure,
    ) {
        self.callback_attempt_over(now, interaction, attempt, failure, call_failure(failure));
    }

    /// One of the two could not even be called: the trunk is gone, or no port is free. That is no attempt at the customer.
    fn callback_not_placed(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        attempt: AttemptId,
        failure: Failure,
    ) {
        self.callback_attempt_over(now, interaction, attempt, failure, CallFailure::NoResources);
    }

    /// `of_the_customer`: what to tell if it was an attempt at the customer.
    fn callback_attempt_over(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        attempt: AttemptId,
        failure: Failure,
        of_the_customer: CallFailure,
    ) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Stage::CallingBack(step) = state.stage else { return };
        let was_tried = state.attempt_ended(now, attempt, Some(failure), None);
        match step {
            Step::AgentRings(reservation) if was_tried => {
                self.nobody_called(now, interaction);
                self.reject(reservation, failure);
            }
            Step::CustomerRings(reservation) if was_tried => {
                self.nobody_called(now, interaction);
                self.command(Command::CallbackFailed { reservation, cause: of_the_customer });
            }
            Step::Silencing(held) if attempt == OUTSIDE => {
                self.nobody_called(now, interaction);
                if let Some(reservation) = held {
                    self.command(Command::Reject { reservation, cause: RejectCause::Rejected });
                }
            }
            // Picked up and gone again before the distributor confirmed: it is found out then.
            Step::AgentUp(_) | Step::CustomerUp(_) | Step::Alone => {}
            Step::Away | Step::AgentRings(_) | Step::CustomerRings(_) | Step::Silencing(_) => {}
        }
    }

    /// The customer's phone rings.
    pub(super) fn callback_rings(&mut self, call: CallRef, attempt: AttemptId) {
        let Some(interaction) = self.whose(call).filter(|_| attempt == OUTSIDE) else { return };
        let stage = self.interactions.get(&interaction).map(|state| state.stage);
        if let Some(Stage::CallingBack(
            Step::CustomerRings(reservation) | Step::Silencing(Some(reservation)),
        )) = stage
        {
            self.command(Command::CallbackRings { reservation });
        }
    }

    /// The agent has hung up for whom the customer is being called.
    pub(super) fn callback_left(&mut self, now: Instant, call: CallRef, cause: HangUp) {
        let Some(interaction) = self.whose(call) else { return };
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Stage::CallingBack(step) = state.stage else { return };
        match step {
            Step::CustomerRings(reservation) => self.silence(now, interaction, Some(reservation)),
            // The distributor's answer decides.
            Step::CustomerUp(_) => state.hung_up = Some((now, cause)),
            // Nobody is kept yet, or no more.
            Step::Away | Step::AgentRings(_) | Step::AgentUp(_) | Step::Silencing(_) | Step::Alone => {}
        }
    }

    /// The agent is gone, so the customer's phone shall stop ringing; whoever picks up in that very moment is not lost.
    fn silence(&mut self, now: Instant, interaction: InteractionId, held: Option<ReservationId>) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let call = state.call;
        state.stage = Stage::CallingBack(Step::Silencing(held));
        if self.b2bua.silence(now, call, OUTSIDE).is_err() {
            self.nobody_called(now, interaction);
            if let Some(reservation) = held {
                self.command(Command::Reject { reservation, cause: RejectCause::Rejected });
            }
        }
    }

    /// The call of an attempt is over, and we did not end it: whoever was on the line is gone, or media failed.
    pub(super) fn callback_hung_up(&mut self, now: Instant, interaction: InteractionId, cause: HangUp) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Stage::CallingBack(step) = state.stage else { return };
        state.withdraw_attempts(now);
        let is_agent_first = state.callback.as_ref().is_some_and(|callback| callback.is_agent_first);
        let is_ours = match cause {
            HangUp::NoPort | HangUp::TooLong | HangUp::Requested => true,
            HangUp::Abandoned | HangUp::By(_) | HangUp::Silent(_) | HangUp::Lost(_) => false,
        };
        match step {
            Step::Away => {}
            Step::AgentRings(reservation) | Step::CustomerRings(reservation) => {
                self.nobody_called(now, interaction);
                self.command(match (is_agent_first, is_ours) {
                    (true, true) => Command::Reject { reservation, cause: RejectCause::NoResources },
                    (true, false) => Command::Reject { reservation, cause: RejectCause::Rejected },
                    (false, _) => Command::CallbackFailed { reservation, cause: CallFailure::NoResources },
                });
            }
            Step::Silencing(held) => {
                self.nobody_called(now, interaction);
                if let Some(reservation) = held {
                    self.command(Command::Reject { reservation, cause: RejectCause::Rejected });
                }
            }
            // The distributor's answer decides.
            Step::AgentUp(_) | Step::CustomerUp(_) | Step::Alone => state.hung_up = Some((now, cause)),
        }
    }

    /// Agent-first: the agent is on the line. Now the customer is called.
    pub(super) fn callback_calling(&mut self, now: Instant, interaction: InteractionId, queue: QueueId) {
        let music = self.music_of(queue);
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Stage::CallingBack(Step::AgentUp(reservation)) = state.stage else { return };
        let call = state.call;
        if self.b2bua.keep(now, call, attempt_of(reservation), music, true).is_err() {
            self.nobody_called(now, interaction);
            return self.command(Command::Reject { reservation, cause: RejectCause::Rejected });
        }
        state.attempt_ended(now, attempt_of(reservation), None, None);
        state.stage = Stage::CallingBack(Step::CustomerRings(reservation));
        state.attempt_began(now, OUTSIDE, queue, None);
        let dial = to_customer(state);
        if let Err(failure) = self.b2bua.dial(now, call, OUTSIDE, &dial) {
            self.callback_not_placed(now, interaction, OUTSIDE, failure);
        }
    }

    /// Customer-first: the customer is on the line and waits like others. Now the agent is rung who was held.
    pub(super) fn callback_reached(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        queue: QueueId,
        reservation: ReservationId,
    ) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Stage::CallingBack(Step::CustomerUp(_)) = state.stage else { return };
        let held = state.callback.as_mut().and_then(|callback| callback.held.take());
        if !self.keep_customer(now, interaction, queue) {
            return self.customer_gone(now, interaction);
        }
        if let Some(chosen) = held {
            self.reserved(now, interaction, queue, reservation, chosen);
        }
    }

    /// The customer is on the line without an agent, and waits like others.
    fn callback_holds(&mut self, now: Instant, interaction: InteractionId, queue: QueueId) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Stage::CallingBack(step) = state.stage else { return };
        // Whoever was let go meanwhile is not on the line, whatever the distributor was told before that.
        if step != Step::Alone || !self.keep_customer(now, interaction, queue) {
            self.customer_gone(now, interaction);
        }
    }

    /// The customer, who has picked up, hears the queue's music and waits. Answers whether the customer is still there.
    fn keep_customer(&mut self, now: Instant, interaction: InteractionId, queue: QueueId) -> bool {
        let music = self.music_of(queue);
        let Some(state) = self.interactions.get_mut(&interaction) else { return false };
        let call = state.call;
        state.attempt_ended(now, OUTSIDE, None, None);
        if let Some(story) = &mut state.story.callback {
            (story.rests_until, story.reached) = (None, Some(now));
        }
        let is_there = self.b2bua.keep(now, call, OUTSIDE, music, false).is_ok();
        if is_there {
            state.stage = Stage::Waiting;
            state.hung_up = None;
            if let Some(callback) = &mut state.callback {
                (callback.is_agent_first, callback.held) = (false, None);
            }
        }
        is_there
    }

    /// A customer who was reached is gone in the very moment, as any caller may be.
    fn customer_gone(&mut self, now: Instant, interaction: InteractionId) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let call = state.call;
        state.stage = Stage::Over;
        state.hung_up.get_or_insert((now, HangUp::Abandoned));
        self.end_call(now, call);
        self.command(Command::Cancel { interaction });
    }

    /// The distributor lets a customer wait no longer who picked up when the agent was gone: the promise has ended.
    pub(super) fn callback_not_held(&mut self, now: Instant, interaction: InteractionId) {
        let stage = self.interactions.get(&interaction).map(|state| state.stage);
        if let Some(Stage::CallingBack(Step::Alone)) = stage {
            self.nobody_called(now, interaction);
        }
    }

    /// Agent and customer are on the line: the conversation begins, unless one of the two is gone by now.
    pub(super) fn called_back(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        queue: QueueId,
        agent: AgentId,
    ) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Stage::CallingBack(Step::CustomerUp(_)) = state.stage else {
            // Customer-first it is the answer of an agent who was rung for a waiting customer.
            return self.confirmed(now, interaction, queue, agent);
        };
        if state.hung_up.is_some() && self.keep_customer(now, interaction, queue) {
            // The agent is gone in the very moment in which the customer answered, who waits for the next one.
            return self.command(Command::Return { interaction });
        }
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        state.story.agent = Some(agent);
        state.story.queue = queue;
        let call = state.call;
        state.story.answered = Some(state.hung_up.map_or(now, |(at, _)| at));
        state.attempt_ended(now, OUTSIDE, None, None);
        if let Some(story) = &mut state.story.callback {
            story.reached.get_or_insert(now);
        }
        if state.hung_up.is_some() {
            // Both of them are.
            state.stage = Stage::Over;
            self.end_call(now, call);
            return self.command(Command::Finish { interaction });
        }
        state.stage = Stage::Talking;
        if self.b2bua.connect(now, call, OUTSIDE).is_err() {
            // The customer is gone in the very moment: the end of the call ends the conversation.
            self.end_call(now, call);
        }
    }

    /// The reservation of a callback is over. Answers whether it was one by which somebody is being called.
    pub(super) fn callback_reservation_ended(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        reservation: ReservationId,
        cause: ReservationEnd,
    ) -> bool {
        let Some(state) = self.interactions.get_mut(&interaction) else { return false };
        let Stage::CallingBack(step) = state.stage else { return false };
        let is_answer = cause == ReservationEnd::Accepted;
        if step.reservation() != Some(reservation) || is_answer {
            return true;
        }
        let is_over = match cause {
            // The customer may pick up in this very moment.
            ReservationEnd::Withdrawn | ReservationEnd::CallExpired => false,
            ReservationEnd::Accepted
            | ReservationEnd::Rejected(_)
            | ReservationEnd::Expired
            | ReservationEnd::Cancelled
            | ReservationEnd::TakenByAnother
            | ReservationEnd::CallFailed(_) => true,
        };
        if cause == ReservationEnd::CallExpired {
            let failure = Failure { kind: FailureKind::NoAnswer, status: 408 };
            state.attempt_ended(now, OUTSIDE, Some(failure), None);
        }
        match step {
            Step::CustomerRings(_) | Step::Silencing(_) if !is_over => self.silence(now, interaction, None),
            Step::CustomerUp(_) if !is_over => self.left_alone(now, interaction),
            Step::Away
            | Step::AgentRings(_)
            | Step::AgentUp(_)
            | Step::CustomerRings(_)
            | Step::CustomerUp(_)
            | Step::Silencing(_)
            | Step::Alone => self.nobody_called(now, interaction),
        }
        true
    }

    /// The customer picked up in the moment in which the distributor gave the agent up: the customer waits for the next.
    fn left_alone(&mut self, now: Instant, interaction: InteractionId) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let call = state.call;
        state.stage = Stage::CallingBack(Step::Alone);
        // Sends the agent away, who may be on the line; where that is impossible nobody is there any more.
        match self.b2bua.silence(now, call, OUTSIDE) {
            Ok(()) => self.command(Command::CallbackHolds { interaction }),
            Err(b2bua::NotPossible) => self.nobody_called(now, interaction),
        }
    }

    /// It is not called back any more.
    pub(super) fn callback_ended(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        failed: u32,
        cause: CallbackEnd,
    ) {
        if let Some(story) = self.callback_story(interaction) {
            (story.rests_until, story.failed, story.ended) = (None, failed, Some(cause));
        }
        if let Some(Stage::CallingBack(step)) = self.interactions.get(&interaction).map(|state| state.stage)
            && step != Step::Away
        {
            self.hang_up_attempt(now, interaction);
        }
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        state.hung_up.get_or_insert((now, HangUp::Requested));
        self.forgotten(interaction, Outcome::CallbackEnded);
    }

    /// Cancels the callbacks that nobody is being called for: the process ends, and they with it.
    pub(super) fn cancel_callbacks(&mut self) {
        let away = |state: &Interaction| state.stage == Stage::CallingBack(Step::Away);
        let all: Vec<InteractionId> =
            self.interactions.iter().filter(|(_, state)| away(state)).map(|(&id, _)| id).collect();
        for interaction in all {
            self.command(Command::Cancel { interaction });
        }
    }

    /// Ends all of them, also those for which somebody is being called.
    pub(super) fn end_callbacks(&mut self, now: Instant) {
        let is_callback = |state: &Interaction| matches!(state.stage, Stage::CallingBack(_));
        let all: Vec<InteractionId> =
            self.interactions.iter().filter(|(_, state)| is_callback(state)).map(|(&id, _)| id).collect();
        for interaction in all {
            self.nobody_called(now, interaction);
            self.command(Command::Cancel { interaction });
        }
    }

    /// Ends the attempt that is under way, if any: the callback waits or rests, unless the process is about to end.
    fn nobody_called(&mut self, now: Instant, interaction: InteractionId) {
        self.hang_up_attempt(now, interaction);
        if self.draining && self.interactions.contains_key(&interaction) {
            self.command(Command::Cancel { interaction });
        }
    }

    fn hang_up_attempt(&mut self, now: Instant, interaction: InteractionId) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        state.stage = Stage::CallingBack(Step::Away);
        state.hung_up = None;
        state.withdraw_attempts(now);
        let call = state.call;
        if self.placed.contains_key(&call) {
            self.end_call(now, call);
        }
    }

    fn end_call(&mut self, now: Instant, call: CallRef) {
        // Where it is over already its end is on the way here.
        let _: Result<(), b2bua::NotPossible> = self.b2bua.hang_up(now, call, 480);
    }

    fn music_of(&self, queue: QueueId) -> Option<media::MusicId> {
        match self.directory.queues.get(&queue) {
            Some(Treatment::Music(music)) => Some(*music),
            Some(Treatment::Ringback) | None => None,
        }
    }
}

/// The agent sees who will be called.
fn to_agent(state: &Interaction, destinations: Vec<sip::Destination>) -> Dial {
    let mut dial = dial(state, destinations);
    if let Some(callback) = state.callback.as_ref().filter(|callback| callback.is_other) {
        dial.caller = Identity::user(&callback.number);
    }
    dial
}

/// The customer sees the number that was dialled, and nothing of what came along with the call.
fn to_customer(state: &Interaction) -> Dial {
    let target = state.callback.as_ref().and_then(|callback| {
        let uri = format!("sip:{}@{}", sip::escape_user(&callback.number), callback.outbound.host);
        let target = sip::Uri::parse(uri.as_bytes()).ok()?;
        Some(sip::Destination::Trunk { trunk: callback.outbound.trunk, target })
    });
    Dial {
        destinations: target.into_iter().collect(),
        caller: Identity::user(&state.story.called),
        to_display_name: String::new(),
        headers: Vec::new(),
    }
}

fn call_failure(failure: Failure) -> CallFailure {
    match (failure.kind, failure.status) {
        (FailureKind::NoAnswer, _) => CallFailure::NoAnswer,
        (FailureKind::Busy | FailureKind::Rejected, _) => CallFailure::Busy,
        // The way to the customer is not there or not open to us, which says nothing of the customer. Unreachable with 408
        // is silence: where a 408 comes from beyond the trunk, it is nobody who answers.
        (FailureKind::NoPort, _) | (FailureKind::Unreachable, 401 | 407 | 408 | 500..=599) => {
            CallFailure::NoResources
        }
        (FailureKind::Unreachable, _) => CallFailure::Unreachable,
    }
}
