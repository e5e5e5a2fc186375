//! One call as an interaction: where it stands between the caller and the distributor.

use std::net::SocketAddr;
use std::time::Duration;

use acd::{AgentId, Decision, ExitId, OverflowCause, QueueId, ReservationId, StepCause};
use b2bua::{AttemptId, CallRef, HangUp, Summary};
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId};

use crate::{
    ATTEMPTS_MAX, AttemptRecord, Ongoing, Outcome, Standing, StepRecord, Story, VISIT_STEPS_MAX, VISITS_MAX,
    Visit, Withdrawn,
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
    /// The attempts that are not over, the first tried first: agents who are rung, or a number outside.
    pub(crate) trying: Vec<Trying>,
    /// What the caller hears was not decided yet.
    pub(crate) untreated: Option<TimerId>,
}

/// Where an interaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// With the distributor; the phones of those ring who are being tried.
    Waiting,
    /// A phone was picked up; the distributor has not confirmed yet. Others may ring.
    Confirming { reservation: ReservationId },
    /// Agent and caller talk.
    Talking,
    /// Out of the distributor, on its way to a number outside.
    Leaving { exit: ExitId },
    /// Over, as far as the distributor is concerned, or it has been told.
    Over,
}

/// An attempt that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trying {
    pub(crate) attempt: AttemptId,
    pub(crate) agent: Option<AgentId>,
    /// Its place in the story, where that lists it.
    listed: Option<usize>,
    /// A phone was picked up while the distributor was asked to confirm another one.
    pub(crate) picked_up: bool,
}

/// The attempt that a reservation leads to.
pub(crate) fn attempt_of(reservation: ReservationId) -> AttemptId {
    AttemptId(reservation.0)
}

/// The reservation that led to an attempt other than [`OUTSIDE`].
pub(crate) fn reservation_of(attempt: AttemptId) -> ReservationId {
    ReservationId(attempt.0)
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
    pub(crate) fn attempt_began(
        &mut self,
        now: Instant,
        attempt: AttemptId,
        chosen: Option<(AgentId, Decision)>,
    ) {
        let story = &mut self.story;
        let listed = Some(story.attempts.len()).filter(|&listed| listed < ATTEMPTS_MAX);
        story.attempts_total = story.attempts_total.saturating_add(1);
        let (agent, decision) = chosen.unzip();
        if listed.is_some() {
            let (queue, lasted) = (story.queue, Duration::ZERO);
            let record =
                AttemptRecord { agent, queue, decision, at: now, lasted, failure: None, withdrawn: None };
            story.attempts.push(record);
        }
        self.trying.push(Trying { attempt, agent, listed, picked_up: false });
    }

    /// Whether an attempt is under way.
    pub(crate) fn tries(&self, attempt: AttemptId) -> bool {
        self.trying.iter().any(|one| one.attempt == attempt)
    }

    /// Closes the record of an attempt, where it is listed. Answers whether it was under way.
    pub(crate) fn attempt_ended(
        &mut self,
        now: Instant,
        attempt: AttemptId,
        failure: Option<b2bua::Failure>,
        withdrawn: Option<Withdrawn>,
    ) -> bool {
        let Some(place) = self.trying.iter().position(|one| one.attempt == attempt) else { return false };
        let ended = self.trying.remove(place);
        if let Some(record) = ended.listed.and_then(|listed| self.story.attempts.get_mut(listed)) {
            record.lasted = now.since(record.at);
            record.failure = failure;
            record.withdrawn = withdrawn;
        }
        true
    }

    /// Nobody is tried any more.
    pub(crate) fn withdraw_attempts(&mut self, now: Instant) {
        while let Some(&Trying { attempt, .. }) = self.trying.first() {
            self.attempt_ended(now, attempt, None, Some(Withdrawn::Over));
        }
    }

    /// A phone was picked up while another one is being confirmed.
    pub(crate) fn picked_up_as_well(&mut self, attempt: AttemptId) {
        let found = self.trying.iter_mut().find(|one| one.attempt == attempt);
        if let Some(trying) = found {
            trying.picked_up = true;
        }
    }

    /// Whether an agent talks to the caller, or is being rung.
    pub(crate) fn is_with(&self, agent: AgentId) -> bool {
        self.story.agent == Some(agent) || self.trying.iter().any(|one| one.agent == Some(agent))
    }

    /// Where it stands, and what is to be told of it.
    pub(crate) fn ongoing(&self, story: Story) -> Ongoing {
        let standing = match self.stage {
            Stage::Waiting if self.trying.is_empty() => Standing::Waiting,
            Stage::Waiting | Stage::Confirming { .. } => Standing::Ringing,
            Stage::Talking => Standing::Talking,
            Stage::Leaving { .. } => Standing::Leaving,
            Stage::Over => Standing::Ending,
        };
        let trying = self.trying.iter().filter_map(|one| one.listed).collect();
        Ongoing { standing, trying, story }
    }
}
