//! What the distributor can be told, and how it refuses.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

use crate::{
    AgentId, AgentSettings, Exit, InteractionId, Invalid, Presence, QueueId, QueueSettings, ReasonCode,
    Requirement, ReservationId, Setting, Settings, SupervisorId, Wanted,
};

/// One thing to do. Changes of the configuration are commands like the others and cost what they change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Other settings of the whole, all of them together: what is so already is not touched, and nobody who waits, talks or
    /// is logged in is lost. `docs/routing.md` says of each setting what happens to whoever is here.
    ///
    /// Refused where a lease or the guard of late last is zero, where more is defined than may be by the new bounds, and
    /// where one of the three differs that hold from the beginning ([`Setting::is_fixed`]).
    Configure {
        /// As they are from now on.
        settings: Box<Settings>,
    },
    /// Defines a queue, or changes one: who waits keeps the place, steps and exits follow the new rules.
    DefineQueue {
        /// Which.
        queue: QueueId,
        /// Its rules from now on.
        settings: Box<QueueSettings>,
    },
    /// Opens a queue, or closes it; it is open when it is defined first. The distributor has no clock of the day:
    /// whoever keeps the hours says so. Closed, it goes by [`crate::QueueSettings::closed`]; without such a rule
    /// nothing changes but what readers see. Saying again what is so already changes nothing.
    SetOpen {
        /// Which.
        queue: QueueId,
        /// Open, or closed.
        open: bool,
    },
    /// Takes a queue away. Who waits or is reserved there leaves by `exit`, or stays in the other queues in which it
    /// stands; conversations go on.
    RemoveQueue {
        /// Which.
        queue: QueueId,
        /// Where its interactions go. A queue that exists, other than this one, or out.
        exit: Exit,
    },
    /// Defines an agent (logged out at first), or changes one at any moment, work in hand included.
    DefineAgent {
        /// Which.
        agent: AgentId,
        /// Skills and the rest from now on.
        settings: Box<AgentSettings>,
    },
    /// Takes an agent away: logged out at once; a conversation goes on to its end first.
    RemoveAgent {
        /// Which.
        agent: AgentId,
    },
    /// Begins an agent's shift, or takes back a log-out that waits for the end of a conversation.
    LogIn {
        /// Who.
        agent: AgentId,
        /// Not ready at first, with this reason; `None`: ready at once.
        not_ready: Option<ReasonCode>,
    },
    /// Ends an agent's shift, whatever a supervisor has forced: reservations are withdrawn, after-call work and pauses
    /// end, conversations go on.
    LogOut {
        /// Who.
        agent: AgentId,
    },
    /// The agent wants work. Forgets missed reservations; does not shorten after-call work or a back-off.
    SetReady {
        /// Who.
        agent: AgentId,
    },
    /// The agent wants no new work. What is reserved or in hand goes on.
    SetNotReady {
        /// Who.
        agent: AgentId,
        /// Why. Not [`ReasonCode::MISSED`].
        reason: ReasonCode,
    },
    /// What the agent wants from now on, whatever it was before: logs in, logs out, ready or not ready, as those
    /// commands do, and changes nothing where it is so already. For whoever does not follow the agent's state.
    SetPresence {
        /// Who.
        agent: AgentId,
        /// The wish. Not [`ReasonCode::MISSED`].
        presence: Presence,
    },
    /// A supervisor says what the agent shall be, whatever the agent wants: logged in or out, ready or not ready, as
    /// with [`Command::SetPresence`]. Who did it and why is kept until the agent (where
    /// [`crate::Settings::forced_presence`] lets them) or a supervisor changes it.
    ForcePresence {
        /// Whom.
        agent: AgentId,
        /// What the agent shall be. Not [`ReasonCode::MISSED`].
        presence: Presence,
        /// Who wants it.
        by: SupervisorId,
        /// Why. Not [`ReasonCode::MISSED`].
        why: ReasonCode,
    },
    /// The agent is free to change what a supervisor has forced; nothing else changes. Where nothing is forced,
    /// nothing happens.
    LiftForced {
        /// Whom.
        agent: AgentId,
    },
    /// The customer of an interaction that waits or is reserved wants to be called back and hangs up. The interaction
    /// keeps its place, priority and step, and wants nobody by name any more; it rests for
    /// [`crate::CallbackRules::delay`] first. An agent who is being rung for it is free without fault.
    CallBack {
        /// Which.
        interaction: InteractionId,
    },
    /// The customer of a callback has answered the call that [`crate::Event::CallbackCalling`] or a customer-first
    /// [`crate::Event::Reserved`] asked for. Agent-first: the conversation begins. Customer-first: now ring the agent.
    CallbackReached {
        /// By which reservation.
        reservation: ReservationId,
    },
    /// The phone of the customer who is being called rings: whatever becomes of this attempt now, it uses one up.
    CallbackRings {
        /// By which reservation.
        reservation: ReservationId,
    },
    /// The customer of a callback is on the line, and the agent is gone for whom the customer was called. The callback,
    /// whose customer must not be being called by another reservation, waits in its place like an interaction whose
    /// customer was reached; an agent who is still held for the call to the customer has declined.
    CallbackHolds {
        /// Which.
        interaction: InteractionId,
    },
    /// Somebody takes the promise back: a callback whose customer is not on the line ends. Whoever has been reached
    /// stays.
    WithdrawCallback {
        /// Which.
        interaction: InteractionId,
        /// Who wants it; `None`: nobody in particular, such as the customer.
        by: Option<SupervisorId>,
    },
    /// The customer was called and could not be reached: the agent is free, the callback rests or ends.
    CallbackFailed {
        /// By which reservation.
        reservation: ReservationId,
        /// Why.
        cause: CallFailure,
    },
    /// Whether customers of a queue may be called now. While the window is closed its callbacks rest; attempts that
    /// have begun go on. It is open until somebody closes it.
    SetCallbackWindow {
        /// Which.
        queue: QueueId,
        /// May be called.
        open: bool,
    },
    /// What the lease is for goes on: its time begins anew. Without a lease in the settings it changes nothing that
    /// matters, so whoever feeds the distributor may always do it.
    Renew {
        /// Of what.
        lease: Lease,
    },
    /// The agent is busy with something that the distributor did not give (a call of the agent's own), until
    /// [`Command::Release`]. After-call work of calls ends; whatever else is in hand goes on, a call that rings or is in
    /// conversation too, and nothing more is offered. Refused only where it is so already.
    Occupy {
        /// Who.
        agent: AgentId,
    },
    /// That is over.
    Release {
        /// Who.
        agent: AgentId,
    },
    /// Whether the agent can be rung: a phone of theirs is there. Everybody can be until somebody says otherwise. Whoever
    /// cannot is offered nothing, and what rings is withdrawn; presence, shift, conversations and after-call work stay as
    /// they are, and queues and interactions that want the agent by name count the agent as there. Whoever says so ends
    /// the shift by [`Command::LogOut`] where that lasts. Saying again what is so already changes nothing.
    SetReachable {
        /// Who.
        agent: AgentId,
        /// Can be rung.
        reachable: bool,
    },
    /// The figures since log-in (handled, occupancy, work by queue) begin anew, although the agent stays logged in: for
    /// agents whose log-in nobody ends at night. Nothing else changes.
    BeginShift {
        /// Whose.
        agent: AgentId,
    },
    /// After-call work is done before its time, but not before [`QueueSettings::after_call_work_min`].
    EndAfterCallWork {
        /// Who.
        agent: AgentId,
        /// That of which interaction; `None`: the one that began first.
        interaction: Option<InteractionId>,
    },
    /// After-call work lasts longer, in all up to [`QueueSettings::after_call_work_max`] and
    /// [`crate::Settings::after_call_work_max`].
    ExtendAfterCallWork {
        /// Who.
        agent: AgentId,
        /// That of which interaction; `None`: the one that began first.
        interaction: Option<InteractionId>,
        /// Added to its end.
        by: Duration,
    },
    /// An interaction enters a queue, or several at once ([`Request::also`]).
    Enqueue {
        /// Not one that is here already.
        interaction: InteractionId,
        /// Where, and what for.
        request: Request,
    },
    /// The customer gave up while waiting or reserved. A callback whose customer is not on the line ends instead, and
    /// that is no abandonment.
    Cancel {
        /// Which.
        interaction: InteractionId,
    },
    /// Somebody changes an interaction that waits: all of it together and at once, or nothing. What is so already
    /// changes nothing. While an agent is rung only the priority can change.
    Change {
        /// Which.
        interaction: InteractionId,
        /// What shall be another than before.
        change: Change,
        /// Who wants it; `None`: nobody in particular.
        by: Option<SupervisorId>,
    },
    /// The agent took the interaction: the conversation begins.
    Accept {
        /// By which reservation.
        reservation: ReservationId,
    },
    /// The agent did not take it. The interaction keeps its place, the agent backs off. A callback whose customer was
    /// being called for the agent rests.
    Reject {
        /// Which reservation.
        reservation: ReservationId,
        /// Why.
        cause: RejectCause,
    },
    /// The conversation is over, whoever ended it: after-call work begins.
    Finish {
        /// Which.
        interaction: InteractionId,
    },
    /// The agent is gone before a word was said, and the customer is still there: the interaction goes back to its
    /// queue as if it had never left. Place, requirement, step and entry stay, so the conversation counts as wait.
    /// For the agent it is the end of a conversation; the agent is not offered this interaction again for as
    /// long as after a rejection.
    ///
    /// The maximum length does not apply, because the interaction had its place; the maximum wait and *nobody
    /// logged in* do. It is refused, and the conversation goes on, where the queue has been removed or
    /// [`crate::Settings::waiting_max`] is reached.
    Return {
        /// Which.
        interaction: InteractionId,
    },
}

/// What an interaction asks for when it enters a queue. [`Request::new`] asks for nothing but the queue, so write
/// `Request { priority: 2, ..Request::new(queue) }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Where to wait.
    pub queue: QueueId,
    /// Where to wait at the same time: at most [`crate::ENTRIES_MAX`] with `queue`, each once. It walks the steps of
    /// each queue from its entry there, is reserved by whichever comes first, and stands in none while it is. An agent who
    /// could take it by several takes it by the one that the agent's selection puts first, and at equal right by the
    /// first of this list. What the customer does by giving up counts in `queue`.
    /// Queues that are closed by their rule when it comes are left out; where all are, it comes to `queue` alone.
    pub also: Vec<QueueId>,
    /// Points; each is worth [`crate::Settings::head_start_per_point`] of age. Negative ones hold back.
    pub priority: i32,
    /// What this interaction needs beside what the queue's requirement, or step, asks for. It does not relax.
    pub requirement: Option<Requirement>,
    /// When the customer's wait began, where that was before now (a menu, an earlier call). It decides the
    /// place in line; steps, maximum wait and statistics count from entry into the queue.
    pub arrived: Option<Instant>,
    /// Agents by name who shall take it, and nobody else before that is over. `None` for most. Only in one queue:
    /// with `also` it is refused.
    pub wanted: Option<Wanted>,
}

impl Request {
    /// To wait in a queue from now on, as everybody there.
    pub fn new(queue: QueueId) -> Request {
        Request { queue, also: Vec::new(), priority: 0, requirement: None, arrived: None, wanted: None }
    }
}

/// What shall be another than before with an interaction that waits. Write `Change { priority: Some(2),
/// ..Change::NOTHING }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The new points ([`Request::priority`]), in all its queues. Its age stays.
    pub priority: Option<i32>,
    /// The new own requirement ([`Request::requirement`]); `Some(None)`: none any more.
    pub requirement: Option<Option<Requirement>>,
    /// The queue in which it waits from now on, with its age. It leaves all others in which it stands; where it stands in
    /// that one already, it keeps its time there. A queue of the same channel.
    pub queue: Option<QueueId>,
}

impl Change {
    /// Leaves everything as it is.
    pub const NOTHING: Change = Change { priority: None, requirement: None, queue: None };

    /// Other points.
    pub fn priority(points: i32) -> Change {
        Change { priority: Some(points), ..Change::NOTHING }
    }

    /// Another own requirement, or none any more.
    pub fn requirement(own: Option<Requirement>) -> Change {
        Change { requirement: Some(own), ..Change::NOTHING }
    }

    /// Another queue.
    pub fn queue(queue: QueueId) -> Change {
        Change { queue: Some(queue), ..Change::NOTHING }
    }
}

/// What ends by itself unless it is renewed, so that no lost message can hold an agent for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lease {
    /// A conversation: [`crate::Settings::handling_lease`].
    Handling(InteractionId),
    /// An agent's own business: [`crate::Settings::occupied_lease`].
    Occupied(AgentId),
    /// A log-in: [`crate::Settings::log_in_lease`].
    LogIn(AgentId),
}

/// Why an agent did not take a reserved interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RejectCause {
    /// The phone rang out.
    NoAnswer,
    /// The phone was busy.
    Busy,
    /// The agent declined.
    Rejected,
    /// The phone could not be reached.
    Unreachable,
    /// We had no means to ring the phone (no media port): nothing was asked of the agent.
    NoResources,
}

/// Why a customer could not be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CallFailure {
    /// Nobody picked up.
    NoAnswer,
    /// The customer's phone was busy, or declined.
    Busy,
    /// The number could not be reached.
    Unreachable,
    /// We had no means to call (no trunk, no media port): it does not count as an attempt.
    NoResources,
}

/// Why a command changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// No such queue.
    UnknownQueue(QueueId),
    /// No such agent.
    UnknownAgent(AgentId),
    /// No such interaction here (any more).
    UnknownInteraction(InteractionId),
    /// The reservation is over or never was: the answer came too late.
    StaleReservation(ReservationId),
    /// An interaction with this id is here already.
    DuplicateInteraction(InteractionId),
    /// The request names this queue twice.
    DuplicateQueue(QueueId),
    /// The queue is of another channel than the first one asked for, or the one in which it waits: nobody comes by two
    /// channels at once, and nobody changes to another.
    OtherChannel(QueueId),
    /// The request names more than [`crate::ENTRIES_MAX`] queues.
    TooManyEntries,
    /// The interaction is not in the stage that the command speaks of.
    WrongStage(InteractionId),
    /// The agent is logged in already.
    AlreadyLoggedIn(AgentId),
    /// The agent is not logged in.
    NotLoggedIn(AgentId),
    /// The agent is not in the activity that the command speaks of, or has work that forbids it.
    WrongActivity(AgentId),
    /// A supervisor has forced another presence, and it holds until a supervisor changes it.
    Forced(AgentId),
    /// After-call work of the queue lasts at least so long.
    AfterCallWorkMin(AgentId),
    /// [`ReasonCode::MISSED`] is for the distributor to give.
    ReservedReason,
    /// The queue's interactions cannot leave by this exit.
    UselessExit(QueueId),
    /// The settings in the command are wrong, or what is defined is not possible by them.
    Invalid(Invalid),
    /// This setting holds from the beginning to the end.
    FixedAtStart(Setting),
    /// [`crate::Settings::agents_max`] is reached.
    TooManyAgents,
    /// [`crate::Settings::queues_max`] is reached.
    TooManyQueues,
    /// [`crate::Settings::waiting_max`] is reached.
    TooManyWaiting,
    /// The queue calls nobody back.
    NoCallbacks(QueueId),
    /// [`crate::CallbackRules::most`] is reached.
    TooManyCallbacks(QueueId),
    /// An interaction that was put into several queues cannot be called back so far: it would have to rest in all of them.
    InSeveralQueues(InteractionId),
}

/// Who can do something about a [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The sender named something that is not, or not so (any more). A race explains it; repeating does not help.
    Sender,
    /// The configuration is wrong.
    Configuration,
    /// A bound is reached; later may help.
    Capacity,
}

impl Refusal {
    /// Whose fault it is.
    pub fn fault(self) -> Fault {
        match self {
            Refusal::UnknownQueue(_)
            | Refusal::UnknownAgent(_)
            | Refusal::UnknownInteraction(_)
            | Refusal::StaleReservation(_)
            | Refusal::DuplicateInteraction(_)
            | Refusal::DuplicateQueue(_)
            | Refusal::OtherChannel(_)
            | Refusal::TooManyEntries
            | Refusal::WrongStage(_)
            | Refusal::AlreadyLoggedIn(_)
            | Refusal::NotLoggedIn(_)
            | Refusal::WrongActivity(_)
            | Refusal::Forced(_)
            | Refusal::AfterCallWorkMin(_)
            | Refusal::InSeveralQueues(_)
            | Refusal::ReservedReason => Fault::Sender,
            Refusal::UselessExit(_)
            | Refusal::Invalid(_)
            | Refusal::FixedAtStart(_)
            | Refusal::NoCallbacks(_) => Fault::Configuration,
            Refusal::TooManyAgents
            | Refusal::TooManyQueues
            | Refusal::TooManyWaiting
            | Refusal::TooManyCallbacks(_) => Fault::Capacity,
        }
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Refusal {
        Refusal::Invalid(invalid)
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::UnknownQueue(queue) => write!(f, "queue {} is not defined", queue.0),
            Refusal::UnknownAgent(agent) => write!(f, "agent {} is not defined", agent.0),
            Refusal::UnknownInteraction(id) => write!(f, "interaction {} is not here", id.0),
            Refusal::StaleReservation(id) => write!(f, "reservation {} is over", id.0),
            Refusal::DuplicateInteraction(id) => write!(f, "interaction {} is here already", id.0),
            Refusal::DuplicateQueue(queue) => write!(f, "queue {} is named twice", queue.0),
            Refusal::OtherChannel(queue) => {
                write!(f, "queue {} is of another channel than the first", queue.0)
            }
            Refusal::TooManyEntries => {
                write!(f, "an interaction waits in at most {} queues at once", crate::ENTRIES_MAX)
            }
            Refusal::WrongStage(id) => write!(f, "interaction {} is not in that stage", id.0),
            Refusal::AlreadyLoggedIn(agent) => write!(f, "agent {} is logged in already", agent.0),
            Refusal::NotLoggedIn(agent) => write!(f, "agent {} is not logged in", agent.0),
            Refusal::WrongActivity(agent) => write!(f, "agent {} is doing something else", agent.0),
            Refusal::Forced(agent) => write!(f, "a supervisor has forced the presence of agent {}", agent.0),
            Refusal::AfterCallWorkMin(agent) => {
                write!(f, "the after-call work of agent {} must last longer", agent.0)
            }
            Refusal::ReservedReason => write!(f, "this reason code is given by the distributor only"),
            Refusal::UselessExit(queue) => write!(f, "nothing can leave queue {} by that exit", queue.0),
            Refusal::Invalid(invalid) => write!(f, "the settings are wrong: {invalid}"),
            Refusal::FixedAtStart(setting) => write!(f, "{setting} cannot change while the distributor runs"),
            Refusal::TooManyAgents => write!(f, "the limit of agents is reached"),
            Refusal::TooManyQueues => write!(f, "the limit of queues is reached"),
            Refusal::TooManyWaiting => write!(f, "the limit of waiting interactions is reached"),
            Refusal::NoCallbacks(queue) => write!(f, "queue {} calls nobody back", queue.0),
            Refusal::InSeveralQueues(id) => write!(f, "interaction {} stands in several queues", id.0),
            Refusal::TooManyCallbacks(queue) => {
                write!(f, "the limit of callbacks in queue {} is reached", queue.0)
            }
        }
    }
}

impl std::error::Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Invalid::Level(skill, level) => write!(f, "level {level} of skill {} is out of range", skill.0),
            Invalid::TooManySkills => write!(f, "the agent has too many skills"),
            Invalid::TooManySteps => write!(f, "the queue has too many steps"),
            Invalid::StepOutOfOrder(step) => write!(f, "step {step} must begin later than the one before"),
            Invalid::RequirementTooLarge => write!(f, "the requirement has too many comparisons"),
            Invalid::RequirementTooDeep => write!(f, "the requirement is nested too deeply"),
            Invalid::NoRingTimeout => write!(f, "the ring timeout must be more than zero"),
            Invalid::Ring(most) => write!(f, "{most} agents rung at once is out of range"),
            Invalid::AfterCallWorkBounds => {
                write!(f, "the minimum of after-call work is more than its maximum")
            }
            Invalid::NoMaxWait => write!(f, "the maximum wait must be more than zero"),
            Invalid::ExitToItself => write!(f, "the queue's exit is the queue itself"),
            Invalid::Band(band) => write!(f, "band {band} is out of range"),
            Invalid::NoObjective => write!(f, "the objective must be more than zero"),
            Invalid::Share(share) => write!(f, "weight or ratio {share} is out of range"),
            Invalid::TooManyPreferences => write!(f, "the queue has too many preferences"),
            Invalid::TooManyShares => write!(f, "the agent has shares of more queues than there may be"),
            Invalid::TooManyReserves => write!(f, "the queue has too many reserves"),
            Invalid::ReserveOutOfOrder(number) => {
                write!(f, "reserve {number} must open later than the one before")
            }
            Invalid::ReservesClose => {
                write!(
                    f,
                    "reserves can close only at a wait that is not longer than the one that opens the first"
                )
            }
            Invalid::TooManyOverflows => write!(f, "the queue has too many overflow rules"),
            Invalid::NoCondition(rule) => write!(f, "overflow rule {rule} has no condition"),
            Invalid::TooManyConditions(rule) => write!(f, "overflow rule {rule} has too many conditions"),
            Invalid::EstimateBound(rule) => {
                write!(f, "overflow rule {rule} asks for an estimate of more than a day, which is never told")
            }
            Invalid::Channel(channel) => write!(f, "channel {channel} is out of range"),
            Invalid::Capacity(capacity) => write!(f, "a capacity of {capacity} is out of range"),
            Invalid::NoCapacity => write!(f, "the agent has no capacity for any channel"),
            Invalid::NoGuard => write!(f, "late last needs a guard of more than zero"),
            Invalid::NoLease(lease) => write!(f, "{lease} must be more than zero, or none"),
            Invalid::WantedAgents => {
                write!(f, "among the agents wanted by name is nobody, or one twice")
            }
            Invalid::WantedInSeveral => write!(f, "who wants agents by name waits in one queue"),
            Invalid::StayAndEnd => write!(f, "who stays for the wanted agents wants them without an end"),
            Invalid::NoCallback => {
                write!(
                    f,
                    "attempts, spacing, call timeout, keep and most of callbacks must be more than zero"
                )
            }
        }
    }
}
