//! What the distributor says: each event carries what a reporter needs without keeping state of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

use crate::{
    AgentId, Aside, CallFailure, CallbackMode, Change, Command, Exit, InteractionId, Lease, QueueId,
    ReasonCode, Refusal, RejectCause, ReservationId, Selection, Setting, Strategy, SupervisorId,
};

/// How many agents beyond the chosen one a [`Decision`] names.
pub const RUNNERS_UP_MAX: usize = 3;
/// Up to how many eligible agents a [`Decision`] counts.
pub const ELIGIBLE_MAX: u16 = 16;

/// What happened. Where a field is called `waited` it counts from entry into that queue; `age` counts from
/// arrival, over all queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An interaction entered a queue, or is back in it, and is counted there as offered. One that enters several queues
    /// is told in the order of [`crate::Request`].
    Queued {
        /// Which.
        interaction: InteractionId,
        /// Where.
        queue: QueueId,
        /// The queue that it left for this one. This one itself: an agent took it and is gone
        /// ([`Command::Return`]); it goes on at its step.
        from: Option<QueueId>,
        /// It entered another queue at the same time, before this one: the same customer, offered once more.
        beside: bool,
        /// Its points.
        priority: i32,
        /// In this queue: zero, unless it is back.
        waited: Duration,
        /// Since arrival.
        age: Duration,
    },
    /// An interaction came to another step of its queue: while it waits, when it waits again, or when one of several agents
    /// who are rung for it is rung no more.
    StepEntered {
        /// Which.
        interaction: InteractionId,
        /// In which queue.
        queue: QueueId,
        /// 0 is the queue's first requirement.
        step: u8,
        /// Why.
        cause: StepCause,
        /// In this queue.
        waited: Duration,
    },
    /// A waiting interaction that wanted agents by name wants nobody in particular any more: from now on it is for
    /// whoever its queue accepts.
    OpenedToAll {
        /// Which.
        interaction: InteractionId,
        /// In which queue.
        queue: QueueId,
        /// Why.
        cause: WantedEnd,
        /// In this queue.
        waited: Duration,
    },
    /// Somebody changed an interaction that waits or is reserved ([`Command::Change`]). What follows from it follows.
    Changed {
        /// Which.
        interaction: InteractionId,
        /// The first of its queues, before the change.
        queue: QueueId,
        /// What is another than before; nothing where everything was so already.
        change: Box<Change>,
        /// Who wanted it.
        by: Option<SupervisorId>,
    },
    /// An agent is held for an interaction: now ring.
    Reserved {
        /// The reservation to accept or reject.
        reservation: ReservationId,
        /// For whom.
        interaction: InteractionId,
        /// Who.
        agent: AgentId,
        /// In which queue.
        queue: QueueId,
        /// When the distributor ends it by itself.
        deadline: Instant,
        /// In this queue.
        waited: Duration,
        /// Since arrival.
        age: Duration,
        /// 1 for the interaction's first reservation in this queue.
        attempt: u32,
        /// The customer is not on the line: whom to call first. Customer-first: call the customer now and ring nobody
        /// until [`Event::CallbackReached`].
        callback: Option<CallbackMode>,
        /// Why this agent.
        decision: Decision,
    },
    /// A reservation is over.
    ReservationEnded {
        /// Which.
        reservation: ReservationId,
        /// For whom.
        interaction: InteractionId,
        /// Who.
        agent: AgentId,
        /// In which queue.
        queue: QueueId,
        /// How.
        cause: ReservationEnd,
        /// Since it began.
        lasted: Duration,
        /// Agents who are still rung for the interaction. 0: unless it was accepted or is gone, it waits again.
        left: u8,
    },
    /// The conversation began.
    Answered {
        /// Which.
        interaction: InteractionId,
        /// From which queue.
        queue: QueueId,
        /// By whom.
        agent: AgentId,
        /// In this queue, ringing included: the answer delay.
        waited: Duration,
        /// Since arrival.
        age: Duration,
        /// By an agent whom it wanted by name.
        by_name: bool,
    },
    /// The customer gave up; the interaction is gone. It has left its other queues, too ([`Event::Dequeued`] follows).
    Abandoned {
        /// Which.
        interaction: InteractionId,
        /// From which queue: the first in which it stood.
        queue: QueueId,
        /// In this queue.
        waited: Duration,
        /// Since arrival.
        age: Duration,
        /// Where the interaction stood.
        during: AbandonedDuring,
    },
    /// The customer hung up and will be called back. The interaction waits on in its place, for anybody.
    CallbackTaken {
        /// Which.
        interaction: InteractionId,
        /// In which queue.
        queue: QueueId,
        /// In this queue.
        waited: Duration,
        /// Since arrival.
        age: Duration,
        /// Where the interaction stood. Reserved: the end of the reservation was told before.
        during: AbandonedDuring,
    },
    /// A callback that waited is not tried for a while; it stands in no line.
    CallbackRests {
        /// Which.
        interaction: InteractionId,
        /// In which queue.
        queue: QueueId,
        /// Until when. `None`: until the window of the queue opens.
        until: Option<Instant>,
        /// Attempts that failed.
        failed: u32,
    },
    /// A callback that rested waits again, in its old place.
    CallbackWaits {
        /// Which.
        interaction: InteractionId,
        /// In which queue.
        queue: QueueId,
    },
    /// Agent-first: the agent has accepted. Now call the customer.
    CallbackCalling {
        /// The reservation to say of what came of it.
        reservation: ReservationId,
        /// For whom.
        interaction: InteractionId,
        /// Who is on the line.
        agent: AgentId,
        /// In which queue.
        queue: QueueId,
        /// When the distributor ends the attempt by itself.
        deadline: Instant,
    },
    /// Customer-first: the customer is on the line. Now ring the agent; from here on it is an interaction like others,
    /// which the customer may abandon.
    CallbackReached {
        /// The reservation to accept or reject.
        reservation: ReservationId,
        /// For whom.
        interaction: InteractionId,
        /// Who.
        agent: AgentId,
        /// In which queue.
        queue: QueueId,
        /// When the distributor ends it by itself.
        deadline: Instant,
    },
    /// The customer of a callback is on the line, and the agent is gone for whom the customer was called: from here on it
    /// is an interaction like others. It waits; where an agent was held, as the end of that reservation tells.
    CallbackHolds {
        /// Which.
        interaction: InteractionId,
        /// In which queue.
        queue: QueueId,
        /// In this queue.
        waited: Duration,
        /// Since arrival.
        age: Duration,
        /// It rested, and waits from now on.
        rested: bool,
    },
    /// The conversation began with a customer who was called back: in the place of [`Event::Answered`], because a wait
    /// without a receiver in the hand is no answer delay.
    CalledBack {
        /// Which.
        interaction: InteractionId,
        /// From which queue.
        queue: QueueId,
        /// By whom.
        agent: AgentId,
        /// In this queue, from entry on.
        waited: Duration,
        /// Since arrival.
        age: Duration,
        /// Attempts that failed before.
        failed: u32,
    },
    /// A callback ended without a conversation; the interaction is gone.
    CallbackEnded {
        /// Which.
        interaction: InteractionId,
        /// From which queue.
        queue: QueueId,
        /// In this queue.
        waited: Duration,
        /// Since arrival.
        age: Duration,
        /// Attempts that failed.
        failed: u32,
        /// Why.
        cause: CallbackEnd,
        /// It counted among those who wait: it neither rested nor was reserved.
        was_in_line: bool,
    },
    /// The callbacks of a queue may be tried from now on, or no longer.
    CallbackWindow {
        /// Which.
        queue: QueueId,
        /// They may.
        open: bool,
    },
    /// The interaction left the queue without an agent. With [`Exit::Leave`] it is gone; with [`Exit::Queue`] a
    /// [`Event::Queued`] there follows. Both only where it does not stay `elsewhere`.
    Overflowed {
        /// Which.
        interaction: InteractionId,
        /// From which queue.
        queue: QueueId,
        /// In this queue.
        waited: Duration,
        /// Since arrival.
        age: Duration,
        /// Why.
        cause: OverflowCause,
        /// Where to.
        exit: Exit,
        /// It stands in other queues (in that of the exit, if that is one) and only this entry has ended: it is neither
        /// gone nor queued by the exit.
        elsewhere: bool,
    },
    /// The interaction left one of several queues, because of what became of it in another: neither answered from here
    /// nor abandoned here.
    Dequeued {
        /// Which.
        interaction: InteractionId,
        /// From which queue.
        queue: QueueId,
        /// In this queue.
        waited: Duration,
        /// Since arrival.
        age: Duration,
        /// What became of it.
        cause: DequeueCause,
    },
    /// The conversation is over.
    HandlingEnded {
        /// Which.
        interaction: InteractionId,
        /// The queue that it came from.
        queue: QueueId,
        /// Who.
        agent: AgentId,
        /// Since it was answered, holds included.
        handled_for: Duration,
        /// How much of that it was interrupted by work of another channel.
        interrupted_for: Duration,
        /// How.
        cause: HandlingEnd,
    },
    /// The agent has taken work of another channel, and the conversation waits for its end: what others show as hold.
    Interrupted {
        /// Which.
        interaction: InteractionId,
        /// The queue that it came from.
        queue: QueueId,
        /// Who.
        agent: AgentId,
        /// By which.
        by: InteractionId,
    },
    /// The work that interrupted the conversation is over, its after-call work included.
    Resumed {
        /// Which.
        interaction: InteractionId,
        /// The queue that it came from.
        queue: QueueId,
        /// Who.
        agent: AgentId,
        /// This time.
        interrupted_for: Duration,
    },
    /// After-call work began.
    AfterCallWorkStarted {
        /// Who.
        agent: AgentId,
        /// About which.
        interaction: InteractionId,
        /// The queue that it came from.
        queue: QueueId,
        /// When it ends by itself.
        until: Instant,
    },
    /// After-call work got a new end.
    AfterCallWorkExtended {
        /// Who.
        agent: AgentId,
        /// About which.
        interaction: InteractionId,
        /// When it ends by itself.
        until: Instant,
    },
    /// After-call work is over.
    AfterCallWorkEnded {
        /// Who.
        agent: AgentId,
        /// About which.
        interaction: InteractionId,
        /// The queue that it came from.
        queue: QueueId,
        /// Since it began.
        lasted: Duration,
    },
    /// What an agent does beside the work in hand is another than before. Where nothing is in hand, it is the activity of
    /// [`Event::AgentChanged`]; that follows in any case.
    AgentAside {
        /// Who.
        agent: AgentId,
        /// What.
        aside: Aside,
    },
    /// An agent can be rung, or cannot ([`Command::SetReachable`]).
    AgentReachable {
        /// Who.
        agent: AgentId,
        /// Can be rung.
        reachable: bool,
    },
    /// An agent's figures since log-in begin anew by [`Command::BeginShift`]. Those of a log-in begin with it.
    ShiftBegan {
        /// Whose.
        agent: AgentId,
    },
    /// An agent's presence or activity is another than before, or something of several in hand.
    AgentChanged {
        /// Who.
        agent: AgentId,
        /// What the agent wants.
        presence: Presence,
        /// What the system does with the agent.
        activity: Activity,
    },
    /// Nobody has renewed a lease: what it was for ends now, as the events that follow tell.
    LeaseExpired {
        /// Of what.
        lease: Lease,
        /// Who is set free, or logged out.
        agent: AgentId,
    },
    /// A supervisor has forced an agent's presence, or that is over.
    AgentForced {
        /// Whom.
        agent: AgentId,
        /// What holds now. `None`: nothing, because the agent changed it or a supervisor lifted it.
        forced: Option<Forced>,
    },
    /// The agent is defined no longer.
    AgentRemoved {
        /// Who.
        agent: AgentId,
    },
    /// The settings of the whole are others than before ([`Command::Configure`]). What follows from it follows.
    Configured {
        /// Which, in the order of [`crate::Settings`]; never none.
        changed: Vec<Setting>,
    },
    /// A queue was defined or changed.
    QueueDefined {
        /// Which.
        queue: QueueId,
    },
    /// Reserve agents of a queue may take its interactions from now on, or no more.
    ReservesChanged {
        /// Which.
        queue: QueueId,
        /// How many of [`crate::QueueSettings::reserves`] are open; 0: none.
        open: u8,
    },
    /// A queue has opened or closed.
    OpenChanged {
        /// Which.
        queue: QueueId,
        /// Open, or closed.
        open: bool,
    },
    /// The queue is defined no longer, and nothing waits there.
    QueueRemoved {
        /// Which.
        queue: QueueId,
    },
    /// A command given by [`crate::Distributor::apply`] changed nothing.
    Refused {
        /// The command.
        command: Box<Command>,
        /// Why.
        refusal: Refusal,
    },
}

impl Event {
    /// The queue that it speaks of, if it is about one.
    pub fn queue(&self) -> Option<QueueId> {
        match *self {
            Event::Queued { queue, .. }
            | Event::StepEntered { queue, .. }
            | Event::OpenedToAll { queue, .. }
            | Event::Changed { queue, .. }
            | Event::Reserved { queue, .. }
            | Event::ReservationEnded { queue, .. }
            | Event::Answered { queue, .. }
            | Event::Abandoned { queue, .. }
            | Event::CallbackTaken { queue, .. }
            | Event::CallbackRests { queue, .. }
            | Event::CallbackWaits { queue, .. }
            | Event::CallbackCalling { queue, .. }
            | Event::CallbackReached { queue, .. }
            | Event::CallbackHolds { queue, .. }
            | Event::CalledBack { queue, .. }
            | Event::CallbackEnded { queue, .. }
            | Event::CallbackWindow { queue, .. }
            | Event::Overflowed { queue, .. }
            | Event::Dequeued { queue, .. }
            | Event::HandlingEnded { queue, .. }
            | Event::Interrupted { queue, .. }
            | Event::Resumed { queue, .. }
            | Event::AfterCallWorkStarted { queue, .. }
            | Event::AfterCallWorkEnded { queue, .. }
            | Event::QueueDefined { queue }
            | Event::ReservesChanged { queue, .. }
            | Event::OpenChanged { queue, .. }
            | Event::QueueRemoved { queue } => Some(queue),
            Event::AfterCallWorkExtended { .. }
            | Event::Configured { .. }
            | Event::LeaseExpired { .. }
            | Event::AgentForced { .. }
            | Event::AgentAside { .. }
            | Event::AgentReachable { .. }
            | Event::ShiftBegan { .. }
            | Event::AgentChanged { .. }
            | Event::AgentRemoved { .. }
            | Event::Refused { .. } => None,
        }
    }
}

/// Why this agent and no other, in a few bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Agents who were rung for it already. 0: the first; more: one rung beside others, because nobody who waited
    /// needed this agent.
    pub beside: u8,
    /// The step whose requirement counted.
    pub step: u8,
    /// Whether the interaction's own requirement counted beside it.
    pub own_requirement: bool,
    /// The place of the chosen agent among those whom the interaction wants by name ([`crate::Wanted::agents`]),
    /// counted from 0. `None`: it is for everybody, and the strategy has chosen.
    pub wanted: Option<u8>,
    /// How the agent was chosen among those eligible.
    pub strategy: Strategy,
    /// The place in [`crate::QueueSettings::prefer`] of the first requirement that the chosen agent meets, counted from
    /// 0, or the number of those where the agent meets none. `None` where the queue prefers nobody.
    pub preference: Option<u8>,
    /// Of which of [`crate::QueueSettings::reserves`] the chosen agent is, counted from 1; 0: of none.
    pub reserve: u8,
    /// How the chosen agent selects among those who wait, by which this interaction was that agent's first.
    pub selection: Selection,
    /// Agents who could have taken it at that moment and whose first it was, the chosen one included;
    /// [`ELIGIBLE_MAX`] means that many or more.
    pub eligible: u16,
    /// Who would have been next, best first.
    pub runners_up: [Option<AgentId>; RUNNERS_UP_MAX],
    /// Interactions still waiting in the queue.
    pub still_waiting: u32,
}

/// Why an interaction came to another step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StepCause {
    /// Its time had come.
    Time,
    /// No logged-in agent could satisfy the step before.
    Unstaffed,
    /// The queue's rules changed.
    Changed,
}

/// Why an interaction does not get the agents whom it wants by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WantedEnd {
    /// None of them could take it even when free: logged out, not defined, has just declined it, or not fit for it.
    Absent,
    /// They did not take it in time ([`crate::Wanted::within`]).
    TimedOut,
}

/// How a reservation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReservationEnd {
    /// The conversation began.
    Accepted,
    /// The agent did not take it.
    Rejected(RejectCause),
    /// Nobody said anything until the deadline.
    Expired,
    /// The interaction went away (abandoned, or its queue was removed): no fault of the agent.
    Cancelled,
    /// The agent went away (logged out or removed): the interaction waits again; a callback whose customer was being
    /// called rests.
    Withdrawn,
    /// Another agent who was rung for the interaction accepted first: no fault of this one.
    TakenByAnother,
    /// The customer could not be called back: no fault of the agent.
    CallFailed(CallFailure),
    /// Nobody said until the deadline what came of the call to the customer: as if the customer had not answered.
    CallExpired,
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HandlingEnd {
    /// Somebody ended it ([`Command::Finish`]); the interaction is gone.
    Finished,
    /// The agent was gone at once ([`Command::Return`]): the interaction is back in its queue, and its
    /// [`Event::Queued`] follows.
    Returned,
    /// Nobody renewed its lease; the interaction is gone.
    LeaseExpired,
}

/// Where an interaction stood when the customer gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AbandonedDuring {
    /// Nobody was being rung.
    Waiting,
    /// An agent was being rung.
    Reserved,
}

/// Why a callback ended without a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CallbackEnd {
    /// [`Command::Cancel`]: it must not or cannot be made any more.
    Cancelled,
    /// [`Command::WithdrawCallback`]: the customer or a supervisor does not want it any more.
    Withdrawn {
        /// Who, if that is known.
        by: Option<SupervisorId>,
    },
    /// [`crate::CallbackRules::attempts`] have failed.
    Unreached,
    /// [`crate::CallbackRules::keep`] is over.
    Expired,
    /// [`Command::RemoveQueue`] with an exit out.
    QueueRemoved,
}

/// Why an interaction left a queue without an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OverflowCause {
    /// [`crate::QueueSettings::nobody_logged_in`].
    NobodyLoggedIn,
    /// [`crate::QueueSettings::max_wait`].
    MaxWait,
    /// [`crate::QueueSettings::max_length`].
    MaxLength,
    /// [`crate::QueueSettings::closed`].
    Closed,
    /// The rule with this place in [`crate::QueueSettings::overflows`], counted from 0.
    Rule(u8),
    /// [`Command::Change`] of the queue.
    Moved,
    /// [`Command::RemoveQueue`].
    QueueRemoved,
    /// [`crate::Otherwise::Exit`], because none of the wanted agents is there ([`WantedEnd::Absent`]).
    WantedAbsent,
    /// [`crate::Otherwise::Exit`], because they did not take it in time ([`WantedEnd::TimedOut`]).
    WantedTimeout,
}

/// Why an interaction left one of several queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DequeueCause {
    /// It was answered from another queue.
    Answered,
    /// The customer gave up; that is counted in the first of its queues.
    Abandoned,
    /// [`Command::Change`] of the queue.
    Moved,
    /// [`Command::RemoveQueue`]: it stays in the others.
    QueueRemoved,
}

/// What an agent wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Presence {
    /// Not here. With a conversation in hand: after its end.
    LoggedOut,
    /// Here, but no new work, and why.
    NotReady(ReasonCode),
    /// Here for work.
    Ready,
}

impl Presence {
    /// Whether the agent is here.
    pub fn is_logged_in(self) -> bool {
        match self {
            Presence::LoggedOut => false,
            Presence::NotReady(_) | Presence::Ready => true,
        }
    }
}

/// A presence that is not the agent's own wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Forced {
    /// What the agent shall be.
    pub presence: Presence,
    /// Who forced it.
    pub by: SupervisorId,
    /// Why.
    pub why: ReasonCode,
    /// From when.
    pub since: Instant,
}

/// What the system is doing with an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Activity {
    /// Nothing.
    Idle {
        /// From when.
        since: Instant,
    },
    /// Held for an interaction and rung.
    Reserved {
        /// By which reservation.
        reservation: ReservationId,
        /// From when.
        since: Instant,
    },
    /// In conversation.
    Handling {
        /// With which.
        interaction: InteractionId,
        /// From when.
        since: Instant,
    },
    /// Wrapping up.
    AfterCallWork {
        /// About which.
        interaction: InteractionId,
        /// The queue that it came from.
        queue: QueueId,
        /// From when.
        since: Instant,
        /// When it ends by itself.
        until: Instant,
    },
    /// Left alone for a while after a failed reservation.
    BackingOff {
        /// From when.
        since: Instant,
        /// When it ends.
        until: Instant,
    },
    /// Busy with something that is not the distributor's.
    Occupied {
        /// From when.
        since: Instant,
    },
    /// Nothing, and cannot be rung.
    Unreachable {
        /// From when.
        since: Instant,
    },
}

impl Activity {
    /// When it began.
    pub fn since(self) -> Instant {
        match self {
            Activity::Idle { since }
            | Activity::Reserved { since, .. }
            | Activity::Handling { since, .. }
            | Activity::AfterCallWork { since, .. }
            | Activity::BackingOff { since, .. }
            | Activity::Occupied { since }
            | Activity::Unreachable { since } => since,
        }
    }
}
