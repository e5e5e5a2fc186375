//! Calls that nobody made to us: we call one side, and then the other.
//!
//! A call that we place has no caller until somebody answers whom we called and is kept. From then on that side is
//! what a caller is who was answered and hears music: others can be dialled for it and connected to it.

use media::MusicId;
use timing::Instant;

use super::{B2bua, Deadline, Dial, NotConnected, NotPossible, tolerate};
use crate::call::{Call, Role, Stage};
use crate::{AttemptId, CallRef, Failure, FailureKind, Side};

/// Max-Forwards of the INVITEs of a call that begins with us, and one for the caller that it has not (RFC 3261 §8.1.1.6).
const MAX_FORWARDS: u8 = 71;

impl B2bua {
    /// Places a call: tries to reach somebody for nobody. It begins with this verb instead of [`crate::Event::Arrived`];
    /// its other events are those of every call, of which whoever is kept first is the caller. Its media passes
    /// through us whatever the trunk says, because both sides must be offered something before they know each other.
    ///
    /// # Errors
    ///
    /// A failure that is known at once; then there is no call, and nothing is said of it.
    pub fn place(&mut self, now: Instant, attempt: AttemptId, dial: &Dial) -> Result<CallRef, Failure> {
        if self.calls.len() >= self.settings.calls_max {
            return Err(Failure { kind: FailureKind::NoPort, status: 503 });
        }
        self.calls_made += 1;
        let reference = CallRef(self.calls_made);
        self.anchored += 1;
        self.calls.insert(reference, Box::new(Call::new(None, true, MAX_FORWARDS)));
        if let Err(failure) = self.dial(now, reference, attempt, dial) {
            self.anchored -= 1;
            self.calls.remove(&reference);
            return Err(failure);
        }
        let longest = self.settings.call_max;
        let deadline =
            longest.map(|longest| self.timers.schedule(now + longest, Deadline::Longest(reference)));
        let call =
            self.calls.get_mut(&reference).expect("nobody but its application ends a call that is placed");
        call.deadline = deadline;
        Ok(reference)
    }

    /// Whoever answered first in a call that we place is kept, and hears music, if any, while others are dialled.
    /// `outlived`: those others are still wanted when it hangs up before they are connected ([`crate::Event::Left`]).
    ///
    /// # Errors
    ///
    /// Nobody is there who answered, or the call is past that.
    pub fn keep(
        &mut self,
        now: Instant,
        call: CallRef,
        attempt: AttemptId,
        music: Option<MusicId>,
        outlived: bool,
    ) -> Result<(), NotConnected> {
        let state = self.calls.get_mut(&call).ok_or(NotConnected::Over)?;
        if state.stage != Stage::Placing {
            return Err(NotConnected::Over);
        }
        let answered = state.attempts.get(&attempt).and_then(|attempt| attempt.answered);
        let session = answered.ok_or(NotConnected::Gone)?;
        state.attempts.remove(&attempt);
        state.caller = Some(session);
        state.outlived = outlived;
        let leg = state.legs.get_mut(&session).ok_or(NotConnected::Gone)?;
        leg.role = Role::Caller;
        leg.we_offered = true;
        leg.established = true;
        for stream in leg.streams.iter().flatten() {
            if let Some(owner) = self.terminations.get_mut(&stream.termination) {
                owner.side = Side::Caller;
            }
        }
        self.apply(call, session);
        self.start_music(call, music);
        self.settle(now);
        Ok(())
    }

    /// Nobody wants a call any more that we place, and whoever was kept is sent away; but whoever of an attempt has
    /// picked up by then is not: [`crate::Event::Answered`] or [`crate::Event::AttemptFailed`] says how it ends, and the
    /// call goes on until it is hung up.
    ///
    /// # Errors
    ///
    /// The call is in conversation or over, or nobody is being tried so.
    pub fn silence(&mut self, now: Instant, call: CallRef, attempt: AttemptId) -> Result<(), NotPossible> {
        let state = self.calls.get_mut(&call).ok_or(NotPossible)?;
        let is_possible = match state.stage {
            Stage::Placing | Stage::Treated { .. } => state.attempts.contains_key(&attempt),
            Stage::Unanswered | Stage::Connected | Stage::Over => false,
        };
        if !is_possible {
            return Err(NotPossible);
        }
        let kept = state.caller;
        let others: Vec<AttemptId> =
            state.attempts.keys().copied().filter(|&other| other != attempt).collect();
        for other in others {
            self.end_attempt(now, call, other, 480);
        }
        if let Some(kept) = kept {
            self.leave(call);
            self.end_leg(now, kept, 0);
        }
        self.stop_ringing(now, call, attempt);
        self.settle(now);
        Ok(())
    }

    fn stop_ringing(&mut self, now: Instant, call: CallRef, attempt: AttemptId) {
        let Some(state) = self.calls.get_mut(&call) else { return };
        let phones = state.phones(attempt);
        let Some(tried) = state.attempts.get_mut(&attempt).filter(|tried| tried.answered.is_none()) else {
            return;
        };
        tried.silenced = true;
        let deadline = tried.deadline;
        self.timers.cancel(deadline);
        for phone in phones {
            // Its ports are kept: it may have been answered.
            tolerate(self.user_agent.silence(now, phone, Vec::new()));
        }
    }

    /// Whoever was kept is not the caller any more; the next to be kept is.
    pub(super) fn leave(&mut self, call: CallRef) {
        let Some(state) = self.calls.get_mut(&call) else { return };
        state.caller = None;
        state.stage = Stage::Placing;
        state.outlived = false;
        state.exchanges.clear();
        // Its figures are not those of the caller.
        for owner in self.terminations.values_mut() {
            if owner.call == call && owner.side == Side::Caller {
                owner.is_audio = false;
            }
        }
    }
}
