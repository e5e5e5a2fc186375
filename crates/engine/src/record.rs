//! What is known of an interaction while it goes on, and its whole story when nothing of it is left.

use std::time::Duration;

use acd::{
    AgentId, Change, Decision, DequeueCause, InteractionId, OverflowCause, QueueId, Request, Requirement,
    StepCause, SupervisorId, WantedEnd,
};
use serde::{Deserialize, Serialize};
use timing::Instant;

use crate::{CallbackStory, FurtherRefusals, Refusal, Wish};

/// What the engine tells whoever logs and reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// A call is over and nothing of it is left.
    CallEnded(Box<CallRecord>),
    /// A call was refused before it became an interaction, or another request before it became anything.
    /// Said of the first of each cause and source; [`Engine::totals`](crate::Engine::totals) counts all.
    Refused(Box<Refusal>),
    /// Like refusals that were not told one by one.
    RefusedFurther(FurtherRefusals),
    /// An agent's phone registered or its registration ended.
    RegistrationChanged {
        /// The account.
        account: String,
        /// How many contacts it has now.
        contacts: usize,
    },
    /// The distributor refused a command of ours and no race explains it: a bound is reached, or the
    /// configuration is wrong.
    CommandRefused {
        /// Which command.
        command: Box<acd::Command>,
        /// Why.
        refusal: acd::Refusal,
    },
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// An agent talked to the caller.
    Answered,
    /// The caller gave up while waiting.
    Abandoned,
    /// It left its queue by a rule and was refused, ended, or sent to a number.
    Overflowed,
    /// We could not go on: media ports, lost signalling before an answer.
    Failed,
    /// An agent talked to the customer, who had hung up and was called back.
    CalledBack,
    /// The customer had hung up to be called back, and was not.
    CallbackEnded,
}

impl Outcome {
    /// All of them, in order.
    pub const ALL: [Outcome; 6] = [
        Outcome::Answered,
        Outcome::Abandoned,
        Outcome::Overflowed,
        Outcome::Failed,
        Outcome::CalledBack,
        Outcome::CallbackEnded,
    ];

    /// Its name in metrics, logs and replies.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Abandoned => "abandoned",
            Outcome::Overflowed => "overflowed",
            Outcome::Failed => "failed",
            Outcome::CalledBack => "called_back",
            Outcome::CallbackEnded => "callback_ended",
        }
    }
}

/// One attempt to reach an agent or a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Who; `None` for a number outside.
    pub agent: Option<AgentId>,
    /// The queue it came from.
    pub queue: QueueId,
    /// Why this agent and no other; `None` for a number outside.
    pub decision: Option<Decision>,
    /// When it began.
    pub at: Instant,
    /// How long it rang or talked to nobody.
    pub lasted: Duration,
    /// How it ended; `None`: answered.
    pub failure: Option<b2bua::Failure>,
    /// We ended it, and why.
    pub stopped: Option<Stopped>,
}

/// Why we ended an attempt to reach an agent: the words of the distributor's reservations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stopped {
    /// The time to ring was over, and nobody had answered.
    Missed,
    /// The caller was gone.
    Cancelled,
    /// The agent was gone: logged out, or without a phone.
    Withdrawn,
    /// Several agents were rung, and another one was first.
    TakenByAnother,
}

/// One stay in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Where.
    pub queue: QueueId,
    /// When it began.
    pub entered: Instant,
    /// The steps that it came to after the first, at most [`VISIT_STEPS_MAX`].
    pub steps: Vec<StepRecord>,
    /// When and why a rule ended it; `None`: an agent answered, the caller gave up, it was dequeued, or it goes on.
    pub overflowed: Option<(Instant, OverflowCause)>,
    /// When and why what became of it in another queue ended it.
    pub dequeued: Option<(Instant, DequeueCause)>,
}

impl Visit {
    /// Neither overflowed nor dequeued. The visit from which an agent answered goes on.
    pub(crate) fn goes_on(&self) -> bool {
        self.overflowed.is_none() && self.dequeued.is_none()
    }
}

/// A step of a queue that an interaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Which; 0 is the queue's first requirement.
    pub step: u8,
    /// When.
    pub at: Instant,
    /// Why.
    pub cause: StepCause,
}

/// What somebody changed while it waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// When.
    pub at: Instant,
    /// Who wanted it; `None`: whoever gave the command did not say.
    pub by: Option<SupervisorId>,
    /// What was another than before.
    pub change: Change,
}

/// How many attempts a story lists.
pub const ATTEMPTS_MAX: usize = 16;
/// How many stays in queues a story lists.
pub const VISITS_MAX: usize = 16;
/// How many steps of one stay a story lists.
pub const VISIT_STEPS_MAX: usize = 16;
/// How many changes a story lists.
pub const CHANGES_MAX: usize = 16;

/// What is known of one interaction, from its arrival on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// Which.
    pub interaction: InteractionId,
    /// The Call-ID of the caller's leg.
    pub call_id: String,
    /// Who called: the number or name in P-Asserted-Identity, else From.
    pub caller: String,
    /// The number dialled.
    pub called: String,
    /// Whence.
    pub origin: sip::Origin,
    /// Every header that came along and that we do not manage ourselves.
    pub attributes: Vec<sip::HeaderField>,
    /// The queue that the number dialled led to.
    pub entry: QueueId,
    /// The queue it is in, or was in last. Of several at once the first, and after an answer that of the answer.
    pub queue: QueueId,
    /// When it arrived.
    pub arrived: Instant,
    /// When an earlier call arrived that the caller had given up, and whose place this one has.
    pub regained: Option<Instant>,
    /// The agents whom it wanted by name in the first queue.
    pub wish: Option<Wish>,
    /// When and why it was for everybody; `None`: one of them took it, it wants them still, or it left that queue.
    pub wish_ended: Option<(Instant, WantedEnd)>,
    /// Its points: those of the number dialled, or what somebody has made of them.
    pub priority: i32,
    /// What it needs beside what its queues require.
    pub requirement: Option<Requirement>,
    /// What people changed of it, the last [`CHANGES_MAX`].
    pub changes: Vec<ChangeRecord>,
    /// All changes, those beyond the list included.
    pub changes_total: u32,
    /// When an agent answered.
    pub answered: Option<Instant>,
    /// When a number outside answered that a rule of the queue led to.
    pub outside_answered: Option<Instant>,
    /// Whom it reached.
    pub agent: Option<AgentId>,
    /// Its stays in queues, the first [`VISITS_MAX`].
    pub visits: Vec<Visit>,
    /// All of them, those beyond the list included.
    pub visits_total: u32,
    /// Whom it tried, the first [`ATTEMPTS_MAX`].
    pub attempts: Vec<AttemptRecord>,
    /// All attempts, those beyond the list included.
    pub attempts_total: u32,
    /// The customer hung up to be called back.
    pub callback: Option<CallbackStory>,
}

impl Story {
    /// A copy for a list: without the attributes, which may be long.
    pub(crate) fn in_brief(&self) -> Story {
        Story {
            interaction: self.interaction,
            call_id: self.call_id.clone(),
            caller: self.caller.clone(),
            called: self.called.clone(),
            origin: self.origin.clone(),
            attributes: Vec::new(),
            entry: self.entry,
            queue: self.queue,
            arrived: self.arrived,
            regained: self.regained,
            wish: self.wish,
            wish_ended: self.wish_ended,
            priority: self.priority,
            requirement: self.requirement.clone(),
            changes: self.changes.clone(),
            changes_total: self.changes_total,
            answered: self.answered,
            outside_answered: self.outside_answered,
            agent: self.agent,
            visits: self.visits.clone(),
            visits_total: self.visits_total,
            attempts: self.attempts.clone(),
            attempts_total: self.attempts_total,
            callback: self.callback.clone(),
        }
    }

    pub(crate) fn new(
        now: Instant,
        interaction: InteractionId,
        caller: String,
        invite: sip::Invite,
        request: &Request,
    ) -> Story {
        Story {
            interaction,
            call_id: invite.call_id,
            caller,
            called: invite.number,
            origin: invite.origin,
            attributes: invite.headers,
            entry: request.queue,
            queue: request.queue,
            arrived: now,
            regained: request.arrived,
            wish: None,
            wish_ended: None,
            priority: request.priority,
            requirement: request.requirement.clone(),
            changes: Vec::new(),
            changes_total: 0,
            answered: None,
            outside_answered: None,
            agent: None,
            visits: Vec::new(),
            visits_total: 0,
            attempts: Vec::new(),
            attempts_total: 0,
            callback: None,
        }
    }

    /// Since when its place in line counts, as far as the engine knows: the arrival, or that of an earlier call.
    pub(crate) fn place_since(&self) -> Instant {
        self.regained.unwrap_or(self.arrived)
    }

    /// When somebody answered, an agent or a number outside.
    pub fn talk_began(&self) -> Option<Instant> {
        self.answered.or(self.outside_answered)
    }
}

/// Where an interaction stands that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Nobody is rung.
    Waiting,
    /// The customer has hung up to be called back, and nobody is rung.
    ToCallBack,
    /// An agent's phones ring.
    Ringing,
    /// The customer is being called back.
    CallingBack,
    /// Agent and caller talk.
    Talking,
    /// It left its queue by a rule and is on its way out: to a number, or to its end.
    Leaving,
    /// Over for the caller; what is left is being taken down.
    Ending,
}

/// An interaction that is not over, as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ongoing {
    /// Where it stands.
    pub standing: Standing,
    /// The places in `story.attempts` of those that are not over.
    pub trying: Vec<usize>,
    /// What is known so far.
    pub story: Story,
}

/// The whole story of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// What happened up to its end.
    pub story: Story,
    /// How it ended.
    pub outcome: Outcome,
    /// When it was over for the caller.
    pub ended: Instant,
    /// Why it was over.
    pub cause: b2bua::HangUp,
    /// Hold time and media figures.
    pub summary: b2bua::Summary,
}

impl CallRecord {
    /// From arrival to the answer of an agent or of a number outside, or to the end where there was none.
    pub fn waited(&self) -> Duration {
        self.story.talk_began().unwrap_or(self.ended).since(self.story.arrived)
    }

    /// Talk time without holds, with an agent or with a number outside; zero where nobody answered.
    pub fn talked(&self) -> Duration {
        self.story
            .talk_began()
            .map_or(Duration::ZERO, |answered| self.ended.since(answered).saturating_sub(self.summary.held))
    }
}
