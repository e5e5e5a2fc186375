//! What happens to calls, told to the distributor.

use std::net::SocketAddr;

use acd::{Command, InteractionId, RejectCause, ReservationId};
use b2bua::{AttemptId, CallRef, Event, Failure, FailureKind, HangUp, Summary};
use sip::RequestKind;
use timing::Instant;

use super::{Engine, identity};
use crate::interaction::{Interaction, OUTSIDE, Stage, reservation_of};
use crate::{CallRecord, Notice, Outcome, Parties, Refusal, RefusalCause, Story, Treatment};

impl Engine {
    pub(super) fn happened(&mut self, now: Instant, event: Event) {
        match event {
            Event::Arrived { call, invite } => self.arrived(now, call, invite),
            // The desktop will want to know; the distributor does not.
            Event::HoldChanged { .. } => {}
            Event::Ringing { call, attempt } => self.callback_rings(call, attempt),
            Event::Left { call, cause } => self.callback_left(now, call, cause),
            Event::Answered { call, attempt } => self.picked_up(now, call, attempt),
            Event::AttemptFailed { call, attempt, failure } => {
                self.attempt_failed(now, call, attempt, failure);
            }
            Event::Connected { call, attempt } => self.connected(now, call, attempt),
            Event::HungUp { call, cause } => self.hung_up(now, call, cause),
            Event::Closed { call, summary } => {
                self.closed(call, summary);
            }
            Event::Refused { invite, cause } => {
                let caller = identity::calling_party(&invite);
                let parties = || Parties { caller: number(&caller), called: invite.number.clone() };
                let whence = (invite.remote, &invite.origin);
                self.refusal(now, RefusalCause::Call(cause), cause.status(), whence, parties);
            }
            Event::RequestRefused(refused) => self.request_refused(now, refused),
            Event::Registered { account, contacts } => self.registration_changed(now, account, contacts),
            Event::Unregistered { account, .. } => self.registration_changed(now, account, 0),
        }
    }

    /// A call comes in: finds its queue.
    fn arrived(&mut self, now: Instant, call: CallRef, mut invite: Box<sip::Invite>) {
        identity::keep_attributes(&mut invite);
        let caller = identity::calling_party(&invite);
        let entry = self.directory.entry(&invite.number);
        let (mut request, mut wish) = match entry {
            Some(_) if self.draining => {
                return self.refuse_arrival(now, call, &invite, &caller, 503, RefusalCause::Draining);
            }
            Some(entry) => (entry.request(), entry.wish),
            None => {
                return self.refuse_arrival(now, call, &invite, &caller, 404, RefusalCause::UnknownNumber);
            }
        };
        let (interaction, remote) = (interaction_of(call), invite.remote);
        let known = identity::known_number(&caller, &invite.headers).map(str::to_owned);
        let queue = request.queue;
        // Who waits in several queues wants nobody by name.
        if wish.is_none() && request.also.is_empty() {
            wish = known.as_deref().and_then(|number| self.last_agent(now, queue, number));
            request.wanted = wish.map(|wish| wish.wanted);
        }
        request.arrived = known.and_then(|number| self.regain_place(now, queue, &number));
        let story = Story { wish, ..Story::new(now, interaction, number(&caller), *invite, &request) };
        let state = Interaction {
            call,
            stage: Stage::Waiting,
            outcome: None,
            remote,
            own: self.agent_at(&story.origin),
            story,
            caller,
            hung_up: None,
            closed: None,
            trying: Vec::new(),
            has_talked: false,
            untreated: None,
            callback: None,
        };
        if let Some(agent) = state.own {
            self.call_began(agent);
        }
        self.interactions.insert(interaction, Box::new(state));
        self.command(Command::Enqueue { interaction, request });
    }

    fn refuse_arrival(
        &mut self,
        now: Instant,
        call: CallRef,
        invite: &sip::Invite,
        caller: &sip::Party,
        status: u16,
        cause: RefusalCause,
    ) {
        let headers = self.retry_after(status);
        // The caller may have gone in the same batch; then there is nothing left to refuse.
        let _: Result<(), b2bua::NotPossible> = self.b2bua.refuse(now, call, status, &headers);
        let parties = || Parties { caller: number(caller), called: invite.number.clone() };
        self.refusal(now, cause, status, (invite.remote, &invite.origin), parties);
    }

    /// Counts a refused call, and tells it unless too many like it were told.
    pub(super) fn refusal(
        &mut self,
        now: Instant,
        cause: RefusalCause,
        status: u16,
        (remote, origin): (SocketAddr, &sip::Origin),
        parties: impl FnOnce() -> Parties,
    ) {
        let request = RequestKind::Call;
        if !self.refusals.note(now, request, cause, remote.ip()) {
            return;
        }
        let trunk = match origin {
            sip::Origin::Trunk(trunk) => Some(*trunk),
            sip::Origin::Account(_) => None,
        };
        let parties = Some(parties());
        let refusal = Refusal { request, cause, status, remote, trunk, parties };
        self.notice(Notice::Refused(Box::new(refusal)));
    }

    /// The same of what the user agent refused, which nobody has read.
    fn request_refused(&mut self, now: Instant, refused: sip::RefusedRequest) {
        let sip::RefusedRequest { request, remote, status, cause } = refused;
        let cause = RefusalCause::Request(cause);
        if !self.refusals.note(now, request, cause, remote.ip()) {
            return;
        }
        let fits = |trunk: &&sip::Trunk| trunk.networks.iter().any(|network| network.contains(remote.ip()));
        let trunk = self.settings.sip.trunks.iter().find(fits).map(|trunk| trunk.id);
        let refusal = Refusal { request, cause, status, remote, trunk, parties: None };
        self.notice(Notice::Refused(Box::new(refusal)));
    }

    pub(super) fn retry_after(&self, status: u16) -> Vec<sip::HeaderField> {
        if status != 503 {
            return Vec::new();
        }
        vec![sip::HeaderField::new("Retry-After", &self.settings.retry_after.as_secs().to_string())]
    }

    /// Lets the caller hear what its queue says.
    pub(super) fn treat(&mut self, now: Instant, interaction: InteractionId) {
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        if let Some(timer) = state.untreated.take() {
            self.timers.cancel(timer);
        }
        let treatment = self.directory.queues.get(&state.story.queue).copied().unwrap_or(Treatment::Ringback);
        let call = state.call;
        // A call that has hung up meanwhile hears nothing; its event is on the way.
        match treatment {
            Treatment::Ringback => drop(self.b2bua.ring(now, call)),
            Treatment::Music(music) => drop(self.b2bua.play(now, call, music)),
        }
    }

    /// Somebody picked up. The distributor has the last word: the reservation may be over.
    fn picked_up(&mut self, now: Instant, call: CallRef, attempt: AttemptId) {
        let Some(interaction) = self.whose(call) else {
            // It went on to another call.
            return self.b2bua.drop_attempt(now, call, attempt);
        };
        let stage = self.interactions.get(&interaction).map(|state| state.stage);
        if let Some(Stage::CallingBack(_)) = stage {
            return self.callback_picked_up(now, interaction, attempt);
        }
        if attempt == OUTSIDE {
            if self.b2bua.connect(now, call, attempt).is_err() {
                self.b2bua.drop_attempt(now, call, attempt);
            }
            return;
        }
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        match state.stage {
            Stage::Waiting if state.tries(attempt) => {
                let reservation = reservation_of(attempt);
                state.stage = Stage::Confirming { reservation };
                self.command(Command::Accept { reservation });
            }
            // Two phones in one moment: the distributor is asked about the second only if it refuses the first.
            Stage::Confirming { .. } if state.tries(attempt) => state.picked_up_as_well(attempt),
            Stage::Waiting
            | Stage::Confirming { .. }
            | Stage::Talking
            | Stage::CallingBack(_)
            | Stage::Leaving { .. }
            | Stage::Over => self.b2bua.drop_attempt(now, call, attempt),
        }
    }

    fn attempt_failed(&mut self, now: Instant, call: CallRef, attempt: AttemptId, failure: Failure) {
        let Some(interaction) = self.whose(call) else { return };
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        if let Stage::CallingBack(_) = state.stage {
            return self.callback_attempt_failed(now, interaction, attempt, failure);
        }
        let was_tried = state.attempt_ended(now, attempt, Some(failure), None);
        if attempt == OUTSIDE {
            // The number outside did not answer: the caller hears why.
            let _: Result<(), b2bua::NotPossible> =
                self.b2bua.hang_up(now, call, callers_status(failure.status));
            return;
        }
        let reservation = reservation_of(attempt);
        match state.stage {
            // Picked up and gone again before the distributor confirmed: `confirmed` finds nobody.
            Stage::Confirming { reservation: confirming } if confirming == reservation => {}
            Stage::Waiting | Stage::Confirming { .. } if was_tried => self.reject(reservation, failure),
            Stage::Waiting
            | Stage::Confirming { .. }
            | Stage::Talking
            | Stage::CallingBack(_)
            | Stage::Leaving { .. }
            | Stage::Over => {}
        }
    }

    pub(super) fn reject(&mut self, reservation: ReservationId, failure: Failure) {
        let cause = match failure.kind {
            FailureKind::Unreachable => RejectCause::Unreachable,
            FailureKind::NoPort => RejectCause::NoResources,
            FailureKind::NoAnswer => RejectCause::NoAnswer,
            FailureKind::Busy => RejectCause::Busy,
            FailureKind::Rejected => RejectCause::Rejected,
        };
        self.command(Command::Reject { reservation, cause });
    }

    fn connected(&mut self, now: Instant, call: CallRef, attempt: AttemptId) {
        let Some(interaction) = self.whose(call) else { return };
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        if attempt == OUTSIDE && state.story.callback.is_none() {
            state.story.outside_answered = Some(now);
        } else {
            state.has_talked = true;
        }
        state.attempt_ended(now, attempt, None, None);
    }

    /// The call is over for everybody.
    fn hung_up(&mut self, now: Instant, call: CallRef, cause: HangUp) {
        let Some(interaction) = self.whose(call) else { return };
        let Some(state) = self.interactions.get_mut(&interaction) else { return };
        if let Stage::CallingBack(_) = state.stage {
            return self.callback_hung_up(now, interaction, cause);
        }
        state.hung_up = Some((now, cause));
        state.withdraw_attempts(now);
        if let Some(timer) = state.untreated.take() {
            self.timers.cancel(timer);
        }
        let is_asked = state.callback.is_some() && state.story.callback.is_none();
        match state.stage {
            // The caller has hung up sooner than we could: the distributor's answer says what to make of it.
            Stage::Waiting if is_asked => {}
            Stage::Waiting => {
                state.stage = Stage::Over;
                self.command(Command::Cancel { interaction });
            }
            // Accept is on its way: its answer decides between Finish and Cancel.
            Stage::Confirming { .. } => {}
            Stage::Talking => {
                state.stage = Stage::Over;
                self.keep_agent(now, interaction);
                self.command(Command::Finish { interaction });
            }
            Stage::Leaving { .. } => state.stage = Stage::Over,
            Stage::CallingBack(_) | Stage::Over => {}
        }
    }

    /// Nothing of a call is left.
    fn closed(&mut self, call: CallRef, summary: Box<Summary>) {
        let whose = self.whose(call);
        self.placed.remove(&call);
        let Some(interaction) = whose else { return };
        if let Some(state) = self.interactions.get_mut(&interaction) {
            state.closed = Some(summary);
            self.finish_record(interaction);
        }
    }

    /// Writes the record once both the call and the distributor are done with the interaction.
    pub(super) fn finish_record(&mut self, interaction: InteractionId) {
        let done = self
            .interactions
            .get(&interaction)
            .is_some_and(|state| state.outcome.is_some() && state.closed.is_some());
        if !done {
            return;
        }
        let Some(state) = self.interactions.remove(&interaction) else { return };
        if let Some(agent) = state.own {
            self.call_ended(agent);
        }
        let (ended, cause) = state.hung_up.unwrap_or((state.story.arrived, HangUp::Requested));
        let summary = state.closed.map(|summary| *summary).unwrap_or_default();
        let (cause, summary) = match &state.callback {
            Some(callback) => callback.as_of_the_customer(cause, summary),
            None => (cause, summary),
        };
        let record = CallRecord {
            story: state.story,
            outcome: state.outcome.unwrap_or(Outcome::Failed),
            ended,
            cause,
            summary,
        };
        self.notice(Notice::CallEnded(Box::new(record)));
    }
}

/// A party's number or name, else its URI.
pub(super) fn number(party: &sip::Party) -> String {
    if party.user.is_empty() { party.uri.clone() } else { party.user.clone() }
}

/// An interaction has the number of its call.
pub(super) fn interaction_of(call: CallRef) -> InteractionId {
    InteractionId(call.0)
}

/// What a caller is told whose call came to nothing outside: a redirection or a challenge was meant for
/// us, and a dialog that is gone is not the caller's.
pub(super) fn callers_status(status: u16) -> u16 {
    match status {
        300..=399 | 401 | 407 | 481 => 480,
        other => other,
    }
}
