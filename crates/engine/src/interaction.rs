//! One call as an interaction: where it stands between the caller and the distributor.

use acd::{AgentId, ExitId, QueueId, ReservationId};
use b2bua::{AttemptId, CallRef, HangUp, Summary};
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId};

use crate::{ATTEMPTS_MAX, AttemptRecord, Outcome};

/// Everything the engine knows about one interaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Interaction {
    pub(crate) call: CallRef,
    pub(crate) invite: Box<sip::Invite>,
    pub(crate) caller: sip::Party,
    pub(crate) queue: QueueId,
    pub(crate) stage: Stage,
    /// The distributor has forgotten it, with this outcome.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) arrived: Instant,
    pub(crate) answered: Option<Instant>,
    pub(crate) agent: Option<AgentId>,
    /// When and why it was over for the caller.
    pub(crate) hung_up: Option<(Instant, HangUp)>,
    /// Nothing of the call is left, and this became of its media.
    pub(crate) closed: Option<Box<Summary>>,
    pub(crate) attempts: Vec<AttemptRecord>,
    pub(crate) attempts_total: u32,
    /// The last of them is not over.
    pub(crate) is_trying: bool,
    /// What the caller hears was not decided yet.
    pub(crate) untreated: Option<TimerId>,
}

/// Where an interaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// With the distributor, nobody rings.
    Waiting,
    /// The phones of an agent ring.
    Ringing { reservation: ReservationId },
    /// A phone was picked up; the distributor has not confirmed yet.
    Confirming { reservation: ReservationId },
    /// Agent and caller talk.
    Talking,
    /// Out of the distributor, on its way to a number outside.
    Leaving { exit: ExitId },
    /// Over, as far as the distributor is concerned, or it has been told.
    Over,
}

/// The attempt that a reservation leads to.
pub(crate) fn attempt_of(reservation: ReservationId) -> AttemptId {
    AttemptId(reservation.0)
}

/// The attempt to reach a number outside. Reservations are counted from 1 and never get here.
pub(crate) const OUTSIDE: AttemptId = AttemptId(0);

impl Interaction {
    pub(crate) fn attempt_began(&mut self, now: Instant, agent: Option<AgentId>) {
        self.attempts_total = self.attempts_total.saturating_add(1);
        self.is_trying = true;
        if self.attempts.len() < ATTEMPTS_MAX {
            let lasted = std::time::Duration::ZERO;
            self.attempts.push(AttemptRecord { agent, at: now, lasted, failure: None, withdrawn: false });
        }
    }

    /// Closes the record of the attempt that is under way, where it is listed.
    pub(crate) fn attempt_ended(&mut self, now: Instant, failure: Option<b2bua::Failure>, withdrawn: bool) {
        let is_listed = self.attempts_total as usize == self.attempts.len();
        if !std::mem::replace(&mut self.is_trying, false) || !is_listed {
            return;
        }
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.lasted = now.since(attempt.at);
            attempt.failure = failure;
            attempt.withdrawn = withdrawn;
        }
    }
}
