//! What the distributor decides, done to calls.

use std::time::Duration;

use acd::{
    AgentId, Command, Decision, Event, Exit, ExitId, HandlingEnd, InteractionId, QueueId, Refusal,
    ReservationEnd, ReservationId,
};
use b2bua::{Failure, FailureKind, HangUp, NotConnected};
use timing::Instant;

use super::Engine;
use super::calls::callers_status;
use super::identity::dial;
use crate::interaction::{Interaction, OUTSIDE, Stage, attempt_of, reservation_of};
use crate::{Leave, Notice, Outcome, Parties, RefusalCause, Stopped, Story};

/// How long the caller hears nothing after entering a queue, so that a call that leaves at once (queue
/// full, nobody there) is refused as what it is and not answered first.
const TREATMENT_DELAY: Duration = Duration::from_millis(10);

impl Engine {
    pub(super) fn decided(&mut self, now: Instant, event: Event) {
        match event {
            Event::Queued { interaction, queue, from, .. } => self.queued(now, interaction, queue, from),
            Event::Reserved { reservation, interaction, agent, queue, callback, decision, .. } => {
                match callback {
                    None => self.reserved(now, interaction, queue, reservation, (agent, decision)),
                    Some(mode) => {
                        self.callback_reserved(
                            now,
                            (interaction, queue),
                            reservation,
                            (agent, decision),
                            mode,
                        );
                    }
                }
            }
            Event::ReservationEnded { reservation, interaction, cause, .. } => {
                self.reservation_ended(now, interaction, reservation, cause);
            }
            Event::Answered { interaction, agent, queue, .. } => {
                self.confirmed(now, interaction, queue, agent);
            }
            Event::CallbackTaken { .. }
            | Event::CallbackRests { .. }
            | Event::CallbackWaits { .. }
            | Event::CallbackCalling { .. }
            | Event::CallbackReached { .. }
            | Event::CallbackHolds { .. }
            | Event::CalledBack { .. }
            | Event::CallbackEnded { .. } => self.callback_decided(now, &event),
            Event::Abandoned { interaction, queue, .. } => self.abandoned(now, interaction, queue),
            Event::OpenedToAll { interaction, cause, .. } => {
                if let Some(state) = self.interactions.get_mut(&interaction) {
                    state.story.wish_ended = Some((now, cause));
                }
            }
            Event::StepEntered { interaction, queue, step, cause, .. } => {
                if let Some(state) = self.interactions.get_mut(&interaction) {
                    state.step_entered(now, queue, step, cause);
                }
            }
            Event::Overflowed { .. } | Event::Dequeued { .. } => self.left_queue(now, &event),
            Event::HandlingEnded { interaction, cause, .. } => self.handling_ended(now, interaction, cause),
            Event::AgentChanged { agent, presence, .. } => self.presence_changed(now, agent, presence),
            Event::AgentForced { agent, forced } => self.presence_forced(agent, forced),
            Event::Refused { command, refusal } => self.refused(now, command, refusal),
            Event::Changed { interaction, change, by, .. } => {
                self.note(interaction, |state| state.changed(now, *change, by));
            }
            // The states of agents and queues are for reporters and desktops.
            Event::CallbackWindow { .. }
            | Event::AfterCallWorkStarted { .. }
            | Event::AfterCallWorkExtended { .. }
            | Event::AfterCallWorkEnded { .. }
            | Event::LeaseExpired { .. }
            | Event::Interrupted { .. }
            | Event::Resumed { .. }
            | Event::AgentAside { .. }
            | Event::AgentReachable { .. }
            | Event::ShiftBegan { .. }
            | Event::AgentRemoved { .. }
            | Event::QueueDefined { .. }
            | Event::Configured { .. }
            | Event::ReservesChanged { .. }
            | Event::OpenChanged { .. }
            | Event::QueueRemoved { .. } => {}
        }
    }

    /// Into the story of an interaction that goes on.
    fn note(&mut self, interaction: InteractionId, note: impl FnOnce(&mut Interaction)) {
        if let Some(state) = self.interactions.get_mut(&interaction) {
            note(state);
        }
    }

    fn abandoned(&mut self, now: Instant, interaction: InteractionId, queue: QueueId) {
        if let Some(state) = self.interactions.get_mut(&interaction) {
            state.abandoned(now, queue);
        }
        self.gave_up(now, interaction);
        let outcome = self.unanswered(interaction);
        self.forgotten(interaction, outcome);
    }

    /// It stands in a queue no more.
    fn left_queue(&mut self, now: Instant, event: &Event) {
        match *event {
            Event::Overflowed { interaction, queue, cause, exit, elsewhere, .. } => {
                if let Some(state) = self.interactions.get_mut(&interaction) {
                    state.overflowed(now, queue, cause, elsewhere);
                }
                match exit {
                    Exit::Leave(exit) if !elsewhere => self.left(now, interaction, exit),
                    // Queued there next, or waits on where it stands, too.
                    Exit::Queue(_) | Exit::Leave(_) => {}
                }
            }
            Event::Dequeued { interaction, queue, cause, .. } => {
                if let Some(state) = self.interactions.get_mut(&interaction) {
                    state.dequeued(now, queue, cause);
                }
            }
            _ => unreachable!("the caller has matched it"),
        }
    }

    fn handling_ended(&mut self, now: Instant, interaction: InteractionId, cause: HandlingEnd) {
        match cause {
            HandlingEnd::Returned => self.given_back(interaction),
            HandlingEnd::Finished => self.forgotten(interaction, self.talked(interaction)),
            HandlingEnd::LeaseExpired => self.lease_expired(now, interaction),
        }
    }

    fn queued(&mut self, now: Instant, interaction: InteractionId, queue: QueueId, from: Option<QueueId>) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        if from != Some(queue) {
            state.visit_began(now, queue, from);
        }
        let is_here = state.hung_up.is_none() && !matches!(state.stage, Stage::CallingBack(_));
        if is_here && state.untreated.is_none() {
            state.untreated = Some(self.timers.schedule(now + TREATMENT_DELAY, interaction));
        }
    }

    /// An agent is held: their phones ring.
    pub(super) fn reserved(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        queue: QueueId,
        reservation: ReservationId,
        (agent, decision): (AgentId, Decision),
    ) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        if state.hung_up.is_some() {
            // Cancel is on its way and ends the reservation.
            return;
        }
        let (call, attempt) = (state.call, attempt_of(reservation));
        state.attempt_began(now, attempt, queue, Some((agent, decision)));
        if state.untreated.is_some() {
            // What the caller has agreed to is what the agent can be offered.
            self.treat(now, interaction);
        }
        let destinations = self.destinations(agent);
        let Some(state) = self.interactions.get(&interaction) else { return };
        let dial = dial(state, destinations);
        if let Err(failure) = self.b2bua.dial(now, call, attempt, &dial) {
            if let Some(state) = self.interactions.get_mut(&interaction) {
                state.attempt_ended(now, attempt, Some(failure), None);
            }
            self.reject(reservation, failure);
        }
    }

    fn reservation_ended(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        reservation: ReservationId,
        cause: ReservationEnd,
    ) {
        if self.callback_reservation_ended(now, interaction, reservation, cause) {
            return;
        }
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let (call, attempt) = (state.call, attempt_of(reservation));
        match cause {
            // `Answered` follows; and what we rejected ourselves is over already.
            ReservationEnd::Accepted | ReservationEnd::Rejected(_) => {}
            // An Accept that is on its way will be refused as stale; until then the stage says that we wait for that.
            ReservationEnd::Expired
            | ReservationEnd::Cancelled
            | ReservationEnd::Withdrawn
            | ReservationEnd::CallFailed(_)
            | ReservationEnd::CallExpired => {
                state.attempt_ended(now, attempt, None, Some(stopped(cause)));
                self.b2bua.drop_attempt(now, call, attempt);
            }
            ReservationEnd::TakenByAnother => {
                state.attempt_ended(now, attempt, None, Some(Stopped::TakenByAnother));
                self.b2bua.answered_elsewhere(now, call, attempt);
            }
        }
    }

    /// The distributor confirms: the conversation begins, unless one of the two is gone by now.
    pub(super) fn confirmed(
        &mut self,
        now: Instant,
        interaction: InteractionId,
        queue: QueueId,
        agent: AgentId,
    ) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let Stage::Confirming { reservation } = state.stage else { return };
        state.story.agent = Some(agent);
        state.story.queue = queue;
        let call = state.call;
        if let Some((hung_up, _)) = state.hung_up {
            // The distributor counts an answer, so the record does.
            state.story.answered = Some(hung_up);
            state.stage = Stage::Over;
            return self.command(Command::Finish { interaction });
        }
        state.story.answered = Some(now);
        state.stage = Stage::Talking;
        match self.b2bua.connect(now, call, attempt_of(reservation)) {
            // Where the call is over its end is on the way here.
            Ok(()) | Err(NotConnected::Over) => {}
            Err(NotConnected::Gone) => {
                // The agent is gone in the very moment of the answer. The caller hears what it heard.
                state.stage = Stage::Waiting;
                self.command(Command::Return { interaction });
            }
        }
    }

    /// Nobody talked to the caller, who has the place in the queue again. `Queued` follows.
    fn given_back(&mut self, interaction: InteractionId) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        state.story.answered = None;
        state.story.agent = None;
    }

    /// There is no place to go back to: the conversation that nobody had is over.
    fn not_given_back(&mut self, now: Instant, interaction: InteractionId) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        if state.hung_up.is_some() {
            state.stage = Stage::Over;
            return self.command(Command::Finish { interaction });
        }
        state.stage = Stage::Talking;
        let _: Result<(), b2bua::NotPossible> = self.b2bua.hang_up(now, state.call, 480);
    }

    /// How a call ended that left its queue without a rule of that: the caller gave up, or we did.
    fn unanswered(&self, interaction: InteractionId) -> Outcome {
        let hung_up = self.interactions.get(&interaction).and_then(|state| state.hung_up);
        match hung_up.map(|(_, cause)| cause) {
            Some(HangUp::NoPort | HangUp::Lost(_) | HangUp::TooLong | HangUp::Requested) => Outcome::Failed,
            Some(HangUp::Abandoned | HangUp::By(_) | HangUp::Silent(_)) | None => Outcome::Abandoned,
        }
    }

    /// The distributor is done with an interaction.
    pub(super) fn forgotten(&mut self, interaction: InteractionId, outcome: Outcome) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        state.outcome = Some(outcome);
        state.stage = Stage::Over;
        self.finish_record(interaction);
    }

    /// The distributor has heard nothing of a conversation for too long and its agent is free. If it goes on after all
    /// (this thread stood still for so long), it is ended: nobody may talk to two callers.
    fn lease_expired(&mut self, now: Instant, interaction: InteractionId) {
        if let Some(state) = self.interactions.get(&interaction) {
            let _: Result<(), b2bua::NotPossible> = self.b2bua.hang_up(now, state.call, 480);
        }
        self.keep_agent(now, interaction);
        self.forgotten(interaction, self.talked(interaction));
    }

    /// The outcome of an interaction whose customer talked to an agent.
    fn talked(&self, interaction: InteractionId) -> Outcome {
        let state = self.interactions.get(&interaction);
        match state.and_then(|state| state.story.callback.as_ref()) {
            Some(_) => Outcome::CalledBack,
            None => Outcome::Answered,
        }
    }

    /// An interaction leaves the distributor.
    fn left(&mut self, now: Instant, interaction: InteractionId, exit: ExitId) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        state.outcome = Some(Outcome::Overflowed);
        let call = state.call;
        if let Some(timer) = state.untreated.take() {
            self.timers.cancel(timer);
        }
        if state.hung_up.is_some() {
            state.stage = Stage::Over;
            return self.finish_record(interaction);
        }
        state.stage = Stage::Leaving { exit };
        let status = match self.directory.exits.get(&exit).cloned() {
            Some(Leave::Dial(number)) => return self.dial_outside(now, interaction, &number),
            Some(Leave::Busy) => 486,
            Some(Leave::HangUp) => 603,
            None => 480,
        };
        let _: Result<(), b2bua::NotPossible> = self.b2bua.hang_up(now, call, status);
    }

    fn dial_outside(&mut self, now: Instant, interaction: InteractionId, number: &str) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        let queue = state.story.queue;
        state.attempt_began(now, OUTSIDE, queue, None);
        let call = state.call;
        // A caller who was not answered learns what the number outside says, by its status; so nothing
        // is answered here that was not before.
        let _: Result<(), b2bua::NotPossible> = self.b2bua.ring(now, call);
        let failure = Failure { kind: FailureKind::Unreachable, status: 480 };
        let target = self.directory.outbound.as_ref().and_then(|outbound| {
            let uri = format!("sip:{}@{}", sip::escape_user(number), outbound.host);
            let target = sip::Uri::parse(uri.as_bytes()).ok()?;
            Some(sip::Destination::Trunk { trunk: outbound.trunk, target })
        });
        let Some(state) = self.interactions.get(&interaction) else { return };
        let dialled = match target {
            Some(target) => {
                let dial = dial(state, vec![target]);
                self.b2bua.dial(now, call, OUTSIDE, &dial)
            }
            None => Err(failure),
        };
        if let Err(failure) = dialled {
            if let Some(state) = self.interactions.get_mut(&interaction) {
                state.attempt_ended(now, OUTSIDE, Some(failure), None);
            }
            let _: Result<(), b2bua::NotPossible> =
                self.b2bua.hang_up(now, call, callers_status(failure.status));
        }
    }

    /// The distributor refused a command of ours. Most refusals are races that were lost and are right.
    fn refused(&mut self, now: Instant, command: Box<Command>, refusal: Refusal) {
        match (&*command, refusal) {
            (Command::Enqueue { interaction, .. }, _) => {
                let interaction = *interaction;
                self.not_queued(now, interaction);
                // A full queue is overload, said by the refused call; anything else is a mistake of ours.
                if refusal.fault() != acd::Fault::Capacity {
                    self.notice(Notice::CommandRefused { command, refusal });
                }
            }
            (Command::Accept { reservation }, _) => {
                let reservation = *reservation;
                self.too_late(now, reservation);
            }
            (Command::Return { interaction }, _) => {
                let interaction = *interaction;
                self.not_given_back(now, interaction);
            }
            (Command::CallbackHolds { interaction }, _) => {
                let interaction = *interaction;
                self.callback_not_held(now, interaction);
            }
            (Command::CallBack { interaction }, _) => {
                let interaction = *interaction;
                self.callback_refused(interaction);
            }
            (
                Command::Cancel { .. }
                | Command::Reject { .. }
                | Command::LogOut { .. }
                | Command::CallbackReached { .. }
                | Command::CallbackRings { .. }
                | Command::CallbackFailed { .. },
                _,
            ) => {}
            // What people want of agents is answered to them. An agent who left in their pause stays away. Whose
            // phone calls while it rings cannot be told from one who is rung.
            (
                Command::SetPresence { .. }
                | Command::ForcePresence { .. }
                | Command::LiftForced { .. }
                | Command::Occupy { .. }
                | Command::Renew { .. }
                | Command::Release { .. }
                | Command::BeginShift { .. }
                | Command::SetReady { .. }
                | Command::EndAfterCallWork { .. }
                | Command::ExtendAfterCallWork { .. },
                _,
            ) => {}
            (Command::LogIn { .. }, Refusal::AlreadyLoggedIn(_) | Refusal::Forced(_)) => {}
            // Its lease ran out on the way.
            (Command::Finish { .. }, Refusal::UnknownInteraction(_)) if self.settings.lease.is_some() => {}
            (_, _) => self.notice(Notice::CommandRefused { command, refusal }),
        }
    }

    fn not_queued(&mut self, now: Instant, interaction: InteractionId) {
        if self.interactions.get(&interaction).is_some_and(|state| state.story.regained.is_some()) {
            // It was not let in and has used nothing.
            self.keep_place(now, interaction);
        }
        let Some(state) = self.interactions.remove(&interaction) else { return };
        if let Some(agent) = state.own {
            self.call_ended(agent);
        }
        let headers = self.retry_after(503);
        let _: Result<(), b2bua::NotPossible> = self.b2bua.refuse(now, state.call, 503, &headers);
        let Interaction { story: Story { origin, caller, called, .. }, remote, .. } = *state;
        self.refusal(now, RefusalCause::Full, 503, (remote, &origin), || Parties { caller, called });
    }

    /// The agent picked up in the moment in which the reservation ended. Whoever waits goes on waiting, unless another
    /// one has picked up meanwhile.
    fn too_late(&mut self, now: Instant, reservation: ReservationId) {
        let confirming = Stage::Confirming { reservation };
        let found = self.interactions.iter().find(|(_, state)| state.stage == confirming);
        let Some((&interaction, state)) = found else { return };
        let (call, gone) = (state.call, state.hung_up.is_some());
        self.b2bua.drop_attempt(now, call, attempt_of(reservation));
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        if gone {
            state.stage = Stage::Over;
            return self.command(Command::Cancel { interaction });
        }
        match state.trying.iter().find(|one| one.picked_up).map(|one| reservation_of(one.attempt)) {
            Some(reservation) => {
                state.stage = Stage::Confirming { reservation };
                self.command(Command::Accept { reservation });
            }
            None => state.stage = Stage::Waiting,
        }
    }
}

/// The word for an attempt that ended with its reservation.
fn stopped(cause: ReservationEnd) -> Stopped {
    match cause {
        ReservationEnd::Expired => Stopped::Missed,
        ReservationEnd::Withdrawn => Stopped::Withdrawn,
        ReservationEnd::TakenByAnother => Stopped::TakenByAnother,
        // The customer of a callback is out of reach.
        ReservationEnd::Cancelled | ReservationEnd::CallFailed(_) | ReservationEnd::CallExpired => {
            Stopped::Cancelled
        }
        ReservationEnd::Accepted | ReservationEnd::Rejected(_) => unreachable!("the caller has matched it"),
    }
}
