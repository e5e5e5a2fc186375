//! One call as an interaction: where it stands between the caller and the distributor.

use std::net::SocketAddr;
use std::time::Duration;

use acd::{
    AgentId, Change, Decision, DequeueCause, ExitId, OverflowCause, QueueId, ReservationId, StepCause,
    SupervisorId,
};
use b2bua::{AttemptId, CallRef, HangUp, Summary};
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId};

use crate::callback::{Callback, Step};
use crate::engine::identity::known_number;
use crate::{
    ATTEMPTS_MAX, AttemptRecord, CHANGES_MAX, ChangeRecord, Ongoing, Outcome, Standing, StepRecord, Stopped,
    Story, VISIT_STEPS_MAX, VISITS_MAX, Visit,
};

/// Everything the engine knows about one interaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Interaction {
    /// The call it goes by now, or went by last: a callback has one of its own for each attempt.
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
    /// The caller and an agent could hear each other.
    pub(crate) has_talked: bool,
    /// What the caller hears was not decided yet.
    pub(crate) untreated: Option<TimerId>,
    /// The customer has asked to be called back.
    pub(crate) callback: Option<Box<Callback>>,
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
    /// The customer has hung up to be called back, and is not on the line.
    CallingBack(Step),
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
    /// It entered a queue: its first, another one instead (`from`), or another one at the same time.
    pub(crate) fn visit_began(&mut self, now: Instant, queue: QueueId, from: Option<QueueId>) {
        let story = &mut self.story;
        if from == Some(story.queue) || story.visits_total == 0 {
            story.queue = queue;
        }
        story.visits_total = story.visits_total.saturating_add(1);
        if story.visits.len() < VISITS_MAX {
            let visit = Visit { queue, entered: now, steps: Vec::new(), overflowed: None, dequeued: None };
            if story.visits.is_empty() {
                // Most wait in one queue only, and many wait at once.
                story.visits.reserve_exact(1);
            }
            story.visits.push(visit);
        }
    }

    /// Whether it is told by this queue, or waits in it as well.
    pub(crate) fn is_in(&self, queue: QueueId) -> bool {
        let waits_there = |visit: &Visit| visit.queue == queue && visit.goes_on();
        self.story.queue == queue
            || (self.story.answered.is_none() && self.story.visits.iter().any(waits_there))
    }

    /// The visit to a queue that goes on, where it is listed.
    fn visit(&mut self, queue: QueueId) -> Option<&mut Visit> {
        self.story.visits.iter_mut().find(|visit| visit.queue == queue && visit.goes_on())
    }

    /// It stands in a queue no more, but in others: where that was the one that it is told by, the first of those.
    fn visit_ended(&mut self, queue: QueueId) {
        let story = &mut self.story;
        if story.queue == queue
            && let Some(visit) = story.visits.iter().find(|visit| visit.goes_on())
        {
            story.queue = visit.queue;
        }
    }

    pub(crate) fn step_entered(&mut self, now: Instant, queue: QueueId, step: u8, cause: StepCause) {
        if let Some(visit) = self.visit(queue)
            && visit.steps.len() < VISIT_STEPS_MAX
        {
            visit.steps.push(StepRecord { step, at: now, cause });
        }
    }

    /// Somebody changed it while it waited; where nothing was another than before nothing is told.
    pub(crate) fn changed(&mut self, now: Instant, change: Change, by: Option<SupervisorId>) {
        if change == Change::NOTHING {
            return;
        }
        let story = &mut self.story;
        story.priority = change.priority.unwrap_or(story.priority);
        if let Some(requirement) = &change.requirement {
            story.requirement.clone_from(requirement);
        }
        story.changes_total = story.changes_total.saturating_add(1);
        if story.changes.len() >= CHANGES_MAX {
            story.changes.remove(0);
        }
        story.changes.push(ChangeRecord { at: now, by, change });
    }

    pub(crate) fn overflowed(&mut self, now: Instant, queue: QueueId, cause: OverflowCause, elsewhere: bool) {
        if let Some(visit) = self.visit(queue) {
            visit.overflowed = Some((now, cause));
        }
        if elsewhere {
            self.visit_ended(queue);
        }
    }

    /// The caller gave up, which is told of one queue. The others tell it when the record may be written already.
    pub(crate) fn abandoned(&mut self, now: Instant, queue: QueueId) {
        let others = self.story.visits.iter_mut().filter(|visit| visit.queue != queue && visit.goes_on());
        others.for_each(|visit| visit.dequeued = Some((now, DequeueCause::Abandoned)));
    }

    pub(crate) fn dequeued(&mut self, now: Instant, queue: QueueId, cause: DequeueCause) {
        if let Some(visit) = self.visit(queue) {
            visit.dequeued = Some((now, cause));
        }
        match cause {
            DequeueCause::Moved | DequeueCause::QueueRemoved => self.visit_ended(queue),
            // It stays told by the queue of the answer, or by the first.
            DequeueCause::Answered | DequeueCause::Abandoned => {}
        }
    }

    /// An agent is tried, for the reason that the distributor gives; or a number outside, for none.
    pub(crate) fn attempt_began(
        &mut self,
        now: Instant,
        attempt: AttemptId,
        queue: QueueId,
        chosen: Option<(AgentId, Decision)>,
    ) {
        let story = &mut self.story;
        let listed = Some(story.attempts.len()).filter(|&listed| listed < ATTEMPTS_MAX);
        story.attempts_total = story.attempts_total.saturating_add(1);
        let (agent, decision) = chosen.unzip();
        if listed.is_some() {
            let lasted = Duration::ZERO;
            let record =
                AttemptRecord { agent, queue, decision, at: now, lasted, failure: None, stopped: None };
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
        stopped: Option<Stopped>,
    ) -> bool {
        let Some(place) = self.trying.iter().position(|one| one.attempt == attempt) else { return false };
        let ended = self.trying.remove(place);
        if let Some(record) = ended.listed.and_then(|listed| self.story.attempts.get_mut(listed)) {
            record.lasted = now.since(record.at);
            record.failure = failure;
            record.stopped = stopped;
        }
        true
    }

    /// Nobody is tried any more.
    pub(crate) fn withdraw_attempts(&mut self, now: Instant) {
        while let Some(&Trying { attempt, .. }) = self.trying.first() {
            self.attempt_ended(now, attempt, None, Some(Stopped::Cancelled));
        }
    }

    /// A phone was picked up while another one is being confirmed.
    pub(crate) fn picked_up_as_well(&mut self, attempt: AttemptId) {
        let found = self.trying.iter_mut().find(|one| one.attempt == attempt);
        if let Some(trying) = found {
            trying.picked_up = true;
        }
    }

    /// The number by which the caller is known again, if there is one.
    pub(crate) fn known_number(&self) -> Option<&str> {
        known_number(&self.caller, &self.story.attributes)
    }

    /// Whether an agent talks to the caller, is being rung, or is held while the customer is called.
    pub(crate) fn is_with(&self, agent: AgentId) -> bool {
        let is_calling = matches!(self.stage, Stage::CallingBack(step) if step.reservation().is_some());
        let held = self.callback.as_ref().filter(|_| is_calling).and_then(|callback| callback.held.as_ref());
        self.story.agent == Some(agent)
            || self.trying.iter().any(|one| one.agent == Some(agent))
            || held.is_some_and(|&(held, _)| held == agent)
    }

    /// Where it stands, and what is to be told of it.
    pub(crate) fn ongoing(&self, story: Story) -> Ongoing {
        let standing = match self.stage {
            Stage::Waiting if self.trying.is_empty() => Standing::Waiting,
            Stage::Waiting | Stage::Confirming { .. } => Standing::Ringing,
            Stage::Talking => Standing::Talking,
            Stage::CallingBack(step) => step.standing(),
            Stage::Leaving { .. } => Standing::Leaving,
            Stage::Over => Standing::Ending,
        };
        let trying = self.trying.iter().filter_map(|one| one.listed).collect();
        Ongoing { standing, trying, story }
    }
}
