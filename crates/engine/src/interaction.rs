//! One call as an interaction: where it stands between the caller and the distributor.

use std::net::SocketAddr;
use std::time::Duration;

use acd::{AgentId, Decision, ExitId, OverflowCause, QueueId, ReservationId, StepCause};
use b2bua::{AttemptId, CallRef, HangUp, Summary};
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId};

use crate::{
    ATTEMPTS_MAX, AttemptRecord, Ongoing, Outcome, Standing, StepRecord, Story, VISIT_STEPS_MAX, VISITS_MAX,
    Visit,
};

/// Everything the engine knows about one interaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Interaction {
    pub(crate) call: CallRef,
    pub(crate) caller: sip::Party,
    /// The agent whose own phone calls.
    pub(crate) own: Option<AgentId>,
    /// The address its INVITE came from.
    pub(crate) remote: SocketAddr,
    pub(crate) stage: Stage,
    /// The distributor has forgotten it, with this outcome.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) story: Story,
    /// When and why it was over for the caller.
    pub(crate) hung_up: Option<(Instant, HangUp)>,
    /// Nothing of the call is left, and this became of its media.
    pub(crate) closed: Option<Box<Summary>>,
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
    /// It entered a queue, its first or another.
    pub(crate) fn visit_began(&mut self, now: Instant, queue: QueueId) {
        let story = &mut self.story;
        story.queue = queue;
        story.visits_total = story.visits_total.saturating_add(1);
        if story.visits.len() < VISITS_MAX {
            story.visits.push(Visit { queue, entered: now, steps: Vec::new(), overflowed: None });
        }
    }

    /// The visit that goes on, where it is listed.
    fn visit(&mut self) -> Option<&mut Visit> {
        let is_listed = self.story.visits_total as usize == self.story.visits.len();
        self.story.visits.last_mut().filter(|_| is_listed)
    }

    pub(crate) fn step_entered(&mut self, now: Instant, step: u8, cause: StepCause) {
        if let Some(visit) = self.visit()
            && visit.steps.len() < VISIT_STEPS_MAX
        {
            visit.steps.push(StepRecord { step, at: now, cause });
        }
    }

    pub(crate) fn overflowed(&mut self, now: Instant, cause: OverflowCause) {
        if let Some(visit) = self.visit() {
            visit.overflowed = Some((now, cause));
        }
    }

    /// An agent is tried, for the reason that the distributor gives; or a number outside, for none.
    pub(crate) fn attempt_began(&mut self, now: Instant, chosen: Option<(AgentId, Decision)>) {
        self.is_trying = true;
        let story = &mut self.story;
        story.attempts_total = story.attempts_total.saturating_add(1);
        if story.attempts.len() < ATTEMPTS_MAX {
            let (agent, decision) = chosen.unzip();
            let (queue, lasted) = (story.queue, Duration::ZERO);
            let record =
                AttemptRecord { agent, queue, decision, at: now, lasted, failure: None, withdrawn: false };
            story.attempts.push(record);
        }
    }

    /// Closes the record of the attempt that is under way, where it is listed.
    pub(crate) fn attempt_ended(&mut self, now: Instant, failure: Option<b2bua::Failure>, withdrawn: bool) {
        let story = &mut self.story;
        let is_listed = story.attempts_total as usize == story.attempts.len();
        if !std::mem::replace(&mut self.is_trying, false) || !is_listed {
            return;
        }
        if let Some(attempt) = story.attempts.last_mut() {
            attempt.lasted = now.since(attempt.at);
            attempt.failure = failure;
            attempt.withdrawn = withdrawn;
        }
    }

    /// Who talks to the caller, or is being rung.
    pub(crate) fn with(&self) -> Option<AgentId> {
        let rung = self.story.attempts.last().filter(|_| self.is_trying).and_then(|attempt| attempt.agent);
        self.story.agent.or(rung)
    }

    /// Where it stands, and what is to be told of it.
    pub(crate) fn ongoing(&self, story: Story) -> Ongoing {
        let standing = match self.stage {
            Stage::Waiting => Standing::Waiting,
            Stage::Ringing { .. } | Stage::Confirming { .. } => Standing::Ringing,
            Stage::Talking => Standing::Talking,
            Stage::Leaving { .. } => Standing::Leaving,
            Stage::Over => Standing::Ending,
        };
        Ongoing { standing, is_trying: self.is_trying, story }
    }
}
