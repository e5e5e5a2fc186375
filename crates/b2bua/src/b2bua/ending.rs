//! The end of legs and calls: both sides together, each as its state demands, nothing left over.

use sip::{EndCause, HeaderField, SessionId};
use timing::Instant;

use super::{B2bua, NotPossible, tolerate};
use crate::call::{Leg, Role, Stage};
use crate::{AttemptId, CallRef, Event, Failure, FailureKind, HangUp, Side};

/// A Reason header (RFC 3326 §2) that says why we end a leg.
fn reason(status: u16) -> Vec<HeaderField> {
    let text = match status {
        200 => "Call completed elsewhere",
        408 => "No answer",
        480 => "No longer wanted",
        487 => "Caller gave up",
        488 => "Not acceptable",
        _ => return Vec::new(),
    };
    vec![HeaderField::new("Reason", &format!("SIP;cause={status};text=\"{text}\""))]
}

impl B2bua {
    /// Ends a call for everybody. An unanswered caller is refused with `status`, everybody else gets
    /// CANCEL or BYE.
    pub fn hang_up(&mut self, now: Instant, call: CallRef, status: u16) -> Result<(), NotPossible> {
        let state = self.calls.get(&call).ok_or(NotPossible)?;
        if state.stage == Stage::Over {
            return Err(NotPossible);
        }
        self.end_call_with(now, call, HangUp::Requested, status);
        self.settle(now);
        Ok(())
    }

    pub(super) fn end_call(&mut self, now: Instant, call: CallRef, cause: HangUp) {
        let status = match cause {
            HangUp::NoPort => 503,
            HangUp::Abandoned
            | HangUp::By(_)
            | HangUp::Silent(_)
            | HangUp::Lost(_)
            | HangUp::TooLong
            | HangUp::Requested => 480,
        };
        self.end_call_with(now, call, cause, status);
    }

    fn end_call_with(&mut self, now: Instant, call: CallRef, cause: HangUp, status: u16) {
        let Some(state) = self.calls.get_mut(&call) else { return };
        if state.stage == Stage::Over {
            return;
        }
        state.stage = Stage::Over;
        state.end_hold(now);
        let deadline = state.deadline.take();
        let attempts: Vec<AttemptId> = state.attempts.keys().copied().collect();
        let caller = state.caller;
        let exchanges = std::mem::take(&mut state.exchanges);
        if let Some(deadline) = deadline {
            self.timers.cancel(deadline);
        }
        self.events.push_back(Event::HungUp { call, cause });
        for exchange in exchanges {
            // RFC 3261 §15.1.2: requests that are still pending when the dialog ends get a 487.
            self.reply(now, exchange.from, exchange.asked, 487, None);
        }
        for attempt in attempts {
            self.end_attempt(now, call, attempt, 487);
        }
        let legs: Vec<SessionId> =
            self.calls.get(&call).map(|call| call.legs.keys().copied().collect()).unwrap_or_default();
        for session in legs {
            let answered = self.leg_mut(session).is_some_and(|(_, call)| call.legs[&session].answered);
            // The end of a conversation needs no reason: normal clearing is what a BYE means.
            let code = if Some(session) == caller && !answered { status } else { 0 };
            self.end_leg(now, session, code);
        }
        self.close_if_done(call);
    }

    /// Ends one leg as its state demands. `cause` is the status for a caller that was not answered,
    /// and the reason for everybody else.
    pub(super) fn end_leg(&mut self, now: Instant, session: SessionId, cause: u16) {
        let Some((_, call)) = self.leg_mut(session) else { return };
        let Some(leg) = call.legs.get(&session) else { return };
        match (leg.role, leg.answered) {
            (Role::Caller, false) => {
                self.refuse_session(now, session, cause);
                self.forget_leg(session);
            }
            (Role::Caller | Role::Callee(_), true) => {
                tolerate(self.user_agent.bye(now, session, reason(cause)));
                self.forget_leg(session);
            }
            (Role::Callee(_), false) => {
                // It is over when `Failed` says so: a 200 may be on its way (RFC 3261 §9.1).
                self.give_back_leg(session);
                tolerate(self.user_agent.cancel(now, session, reason(cause)));
            }
        }
    }

    /// The session of a leg is over: its streams go, and with the last leg the call.
    pub(super) fn forget_leg(&mut self, session: SessionId) {
        let Some(call) = self.sessions.remove(&session) else { return };
        let Some(mut leg) = self.calls.get_mut(&call).and_then(|call| call.legs.remove(&session)) else {
            return;
        };
        self.give_back(call, &mut leg);
        self.close_if_done(call);
    }

    fn give_back_leg(&mut self, session: SessionId) {
        let Some((reference, call)) = self.leg_mut(session) else { return };
        let Some(leg) = call.legs.get_mut(&session) else { return };
        let mut streams = Leg::new(leg.role, leg.source);
        streams.streams = std::mem::take(&mut leg.streams);
        self.give_back(reference, &mut streams);
    }

    pub(super) fn close_if_done(&mut self, call: CallRef) {
        let done = self.calls.get(&call).is_some_and(|state| {
            state.stage == Stage::Over && state.legs.is_empty() && state.terminations == 0
        });
        if done && let Some(state) = self.calls.remove(&call) {
            self.anchored -= usize::from(state.anchored);
            self.events.push_back(Event::Closed { call, summary: Box::new(state.summary) });
        }
    }

    /// A leg ended that we did not end: the other side follows.
    pub(super) fn leg_over(&mut self, now: Instant, session: SessionId, cause: HangUp) {
        let Some(call) = self.sessions.get(&session).copied() else { return };
        self.forget_leg(session);
        self.end_call(now, call, cause);
    }

    /// An answered session ended.
    pub(super) fn session_ended(&mut self, now: Instant, session: SessionId, cause: &EndCause) {
        let Some((reference, call)) = self.leg_mut(session) else { return };
        let stage = call.stage;
        let is_callee = call.callee == Some(session);
        let Some(role) = call.legs.get(&session).map(|leg| leg.role) else { return };
        let lost = match cause {
            EndCause::Bye { .. } => None,
            EndCause::AckMissing | EndCause::Gone { .. } => Some(HangUp::Lost(role.side())),
        };
        match (role, stage) {
            (Role::Caller, Stage::Treated { .. }) if call.outlived && !call.attempts.is_empty() => {
                self.leave(reference);
                self.forget_leg(session);
                let cause = lost.unwrap_or(HangUp::Abandoned);
                self.events.push_back(Event::Left { call: reference, cause });
            }
            (Role::Caller, Stage::Placing | Stage::Unanswered | Stage::Treated { .. }) => {
                self.leg_over(now, session, lost.unwrap_or(HangUp::Abandoned));
            }
            (Role::Caller, Stage::Connected) => {
                self.leg_over(now, session, lost.unwrap_or(HangUp::By(Side::Caller)));
            }
            (Role::Callee(_), Stage::Connected) if is_callee => {
                self.leg_over(now, session, lost.unwrap_or(HangUp::By(Side::Callee)));
            }
            (
                Role::Callee(attempt),
                Stage::Placing | Stage::Unanswered | Stage::Treated { .. } | Stage::Connected,
            ) => {
                // Picked up and gone before it was connected.
                self.forget_leg(session);
                self.end_attempt(now, reference, attempt, 480);
                let failure = Failure { kind: FailureKind::Rejected, status: 480 };
                self.events.push_back(Event::AttemptFailed { call: reference, attempt, failure });
            }
            (Role::Caller | Role::Callee(_), Stage::Over) => self.forget_leg(session),
        }
    }
}
