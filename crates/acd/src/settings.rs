//! What is configured: bounds of the whole, queues, agents.

mod difference;
mod shared;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::estimate::EstimateRules;
use crate::requirement::{LEVEL_MAX, Requirement, Skills};
use crate::selection::{BAND_MAX, BAND_USUAL, SHARE_MAX, Selection, WEIGHT_USUAL};
use crate::{CAPACITY_MAX, CHANNELS_MAX, Capacity, Channel, Interruptions};
use crate::{ExitId, Overflow, QueueId, SkillId, overflow};

pub use shared::Setting;

/// The most steps in a queue, beside its first requirement.
pub const STEPS_MAX: usize = 10;

/// The most queues that an interaction waits in at once.
pub const ENTRIES_MAX: usize = 8;
/// The most requirements in [`QueueSettings::prefer`]; with those who meet none that makes four buckets.
pub const PREFERENCES_MAX: usize = 3;

/// The most [`QueueSettings::reserves`].
pub const RESERVES_MAX: usize = 2;

/// The most agents who are rung at once for one interaction.
pub const RING_MAX: u8 = 10;

/// The most [`Settings::pools_max`] that has an effect.
pub const POOLS_MAX: usize = 1_024;

/// Settings of the whole distributor: bounds, each with the refusal it leads to, and what all queues share. All but
/// three change while calls wait ([`crate::Command::Configure`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Settings {
    /// Agents defined at once; one more is refused. Not below those that are.
    pub agents_max: u32,
    /// Queues defined at once; one more is refused. Not below those that are.
    pub queues_max: u32,
    /// Interactions waiting or reserved at once, all queues together; one more is refused. Where there are more when it
    /// is lowered, they stay.
    pub waiting_max: u32,
    /// Skills of one agent.
    pub skills_max: u32,
    /// Comparisons in one requirement.
    pub requirement_terms_max: u32,
    /// Nesting of one requirement.
    pub requirement_depth_max: u32,
    /// Agents that one interaction remembers not to be offered again; when full, the exclusion that would
    /// end first is forgotten.
    pub exclusions_max: u32,
    /// How often one interaction may move to another queue by an [`Exit::Queue`]; after that it stays where
    /// it is, so that exits in a circle end.
    pub flow_outs_max: u32,
    /// How much earlier an interaction counts for each point of its priority.
    pub head_start_per_point: Duration,
    /// Reservations missed in a row (no answer, expired, unreachable) that make an agent not ready with
    /// [`crate::ReasonCode::MISSED`]; 0: never.
    pub misses_max: u32,
    /// The longest after-call work, extensions included, counted from its start. Lowered, it ends what lasts longer.
    pub after_call_work_max: Duration,
    /// How waits are estimated, in all queues.
    pub estimate: EstimateRules,
    /// A conversation that is not renewed ([`crate::Command::Renew`]) for so long is over: the agent is free again and
    /// the interaction is forgotten. `None`: it lasts until somebody ends it. More than zero.
    pub handling_lease: Option<Duration>,
    /// The same for what is not the distributor's ([`crate::Command::Occupy`]).
    pub occupied_lease: Option<Duration>,
    /// An agent whose log-in is not renewed for so long is logged out, as by [`crate::Command::LogOut`].
    pub log_in_lease: Option<Duration>,
    /// Whether an agent may change what a supervisor has forced.
    pub forced_presence: ForcedPresence,
    /// How many agents must have the same skills to be looked at as one by every queue. Changes what an event costs
    /// and never what is decided, so it stays as it is at first. At least 1.
    pub pooled_from: u32,
    /// How many such groups of agents are kept; later ones are looked at agent by agent. At most
    /// [`POOLS_MAX`]. It stays as it is at first, too.
    pub pools_max: u32,
    /// For how many pairs of a queue and an own requirement that somebody waits with there it is followed whether agents
    /// are there who meet both ([`QueueSettings::skip_unstaffed_steps`]). Whoever comes with one more goes by the queue's
    /// steps alone, as long as anybody waits with it. Where more are followed when it is lowered, they still are.
    pub followed_requirements_max: u32,
    /// Which waiting interaction an agent takes who has no [`AgentSettings::selection`]. An agent who would select by late
    /// last without a guard is refused, wherever that comes from.
    pub selection: Selection,
    /// Where [`Strategy::WeightedRandom`] begins: equal seeds and equal commands give equal choices.
    /// It stays as it is at first.
    pub seed: u64,
    /// Which channels may be offered to an agent who has something of another channel in hand.
    pub interruptions: Interruptions,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            agents_max: 100_000,
            queues_max: 1_000,
            waiting_max: 1_000_000,
            skills_max: 200,
            requirement_terms_max: 64,
            requirement_depth_max: 16,
            exclusions_max: 16,
            flow_outs_max: 10,
            head_start_per_point: Duration::from_secs(60),
            misses_max: 3,
            after_call_work_max: Duration::from_secs(3_600),
            estimate: EstimateRules::default(),
            handling_lease: None,
            occupied_lease: None,
            log_in_lease: None,
            forced_presence: ForcedPresence::AgentMayChange,
            pooled_from: 16,
            pools_max: 1_024,
            followed_requirements_max: 1_000,
            selection: Selection::Oldest,
            seed: 0,
            interruptions: Interruptions::default(),
        }
    }
}

/// How long a presence holds that a supervisor has forced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ForcedPresence {
    /// Until the agent or a supervisor says something else. A log-out alone is not something else: whoever comes back
    /// to the same is there still by a supervisor's word.
    #[default]
    AgentMayChange,
    /// Until a supervisor says something else. The agent may log out all the same, because nobody can keep a phone
    /// from going away, and is as forced after the next log-in.
    HoldsUntilLifted,
}

/// The routing rules of one queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Of all who wait here. What is in an agent's hands keeps the channel by which it came there.
    pub channel: Channel,
    /// What an interaction needs from the moment it enters (step 0).
    pub requirement: Requirement,
    /// How that changes as the wait grows: at most [`STEPS_MAX`], `after` strictly rising.
    pub steps: Vec<Step>,
    /// Whether a step that no logged-in agent could satisfy is passed over, if a later one is better. For an interaction
    /// with an own requirement: that no logged-in agent could satisfy who meets this, too.
    pub skip_unstaffed_steps: bool,
    /// For how long nobody must have been logged in for a step before it is passed over, so that a phone that registers
    /// anew relaxes nothing. It counts for the step and not for each who waits: where it is over, whoever comes goes on
    /// at once. Zero: no grace.
    pub unstaffed_grace: Duration,
    /// Which of several idle agents takes the interaction.
    pub strategy: Strategy,
    /// Whom to prefer among the idle agents who could take an interaction: whoever meets the first comes before
    /// all others, then whoever meets the second, and so on; whoever meets none comes last. The strategy orders those
    /// who are preferred alike. It makes nobody eligible. At most [`PREFERENCES_MAX`].
    pub prefer: Vec<Requirement>,
    /// Agents who take interactions of this queue only while it is overloaded, as Avaya's reserve agents do. At most
    /// [`RESERVES_MAX`], `after` strictly rising.
    pub reserves: Vec<Reserve>,
    /// All reserves that are open close as soon as nobody has waited in the queue for so long; zero: as soon as nobody
    /// waits. At most the `after` of the first reserve, and that where it is `None`. The further apart they are, the
    /// less often reserve agents are called in and sent away again (hysteresis).
    pub reserves_close: Option<Duration>,
    /// Its interactions come before those of every queue with a higher band, for all agents and whatever their
    /// waits; 0 to [`BAND_MAX`]. While a lower band has somebody for an agent, that agent takes nobody of a higher one,
    /// however long that lasts.
    pub band: u8,
    /// How long an interaction may wait in this queue and still be in time: the threshold of the service level. More
    /// than zero.
    pub objective: Duration,
    /// For [`Selection::Weight`]: how much a second of wait counts here. 1 to [`SHARE_MAX`].
    pub weight: u32,
    /// For [`Selection::QueueRatio`]: this queue's share of all who wait, relative to the others'. 1 to [`SHARE_MAX`].
    pub ratio: u32,
    /// How long an agent is held and rung. More than zero.
    pub ring_timeout: Duration,
    /// How many agents are rung at once for one interaction.
    pub ring: Ring,
    /// After-call work where the agent has no own value; zero: none.
    pub after_call_work: Duration,
    /// What after-call work lasts at least, whatever the agent's own value: the agent cannot end it sooner. A log-out
    /// and a call of the agent's own do. At most `after_call_work_max`.
    pub after_call_work_min: Duration,
    /// What it lasts at most, the agent's own value and extensions included. `None`: only
    /// [`Settings::after_call_work_max`], which stands above this one and the minimum in any case.
    pub after_call_work_max: Option<Duration>,
    /// What follows a reservation that failed.
    pub back_offs: BackOffs,
    /// Who has waited this long in the queue leaves it. `None`: stays.
    pub max_wait: Option<MaxWait>,
    /// Who would have to wait behind this many leaves at once. `None`: stays.
    pub max_length: Option<MaxLength>,
    /// Where nobody is logged in who could serve any step, all leave. `None`: stay.
    pub nobody_logged_in: Option<NobodyLoggedIn>,
    /// While the queue is closed ([`crate::Command::SetOpen`]), who comes leaves at once. `None`: stays.
    pub closed: Option<Closed>,
    /// Who leaves because of how this queue, or another, stands: the first of these by which an interaction can leave,
    /// after `nobody_logged_in` and `max_length` (or `max_wait`). At most [`crate::OVERFLOWS_MAX`].
    pub overflows: Vec<Overflow>,
    /// How customers are called back who do not want to hold on ([`crate::Command::CallBack`]). `None`: nobody is.
    pub callback: Option<CallbackRules>,
}

impl Default for QueueSettings {
    fn default() -> QueueSettings {
        QueueSettings {
            channel: Channel::VOICE,
            requirement: Requirement::anyone(),
            steps: Vec::new(),
            skip_unstaffed_steps: true,
            unstaffed_grace: Duration::ZERO,
            strategy: Strategy::LongestIdle(IdleClock::SinceHandled),
            prefer: Vec::new(),
            reserves: Vec::new(),
            reserves_close: None,
            band: BAND_USUAL,
            objective: Duration::from_secs(20),
            weight: WEIGHT_USUAL,
            ratio: 1,
            ring_timeout: Duration::from_secs(15),
            ring: Ring::default(),
            after_call_work: Duration::ZERO,
            after_call_work_min: Duration::ZERO,
            after_call_work_max: None,
            back_offs: BackOffs::default(),
            max_wait: None,
            max_length: None,
            nobody_logged_in: None,
            closed: None,
            overflows: Vec::new(),
            callback: None,
        }
    }
}

impl QueueSettings {
    /// How an agent with these skills is preferred; 0 is first.
    pub(crate) fn bucket(&self, skills: &Skills) -> u8 {
        let met = self.prefer.iter().position(|requirement| requirement.is_met_by(skills));
        u8::try_from(met.unwrap_or(self.prefer.len())).expect("there are at most PREFERENCES_MAX")
    }

    /// Of which reserve an agent with these skills is, counted from 1; 0 is of none.
    pub(crate) fn reserve(&self, skills: &Skills) -> u8 {
        let met = self.reserves.iter().zip(1..).find(|(reserve, _)| reserve.requirement.is_met_by(skills));
        met.map_or(0, |(_, number)| number)
    }

    /// Of how many steps, the first requirement included, it is followed whether anybody serves them.
    pub(crate) fn steps_that_may_be_skipped(&self) -> usize {
        let is_followed = self.skip_unstaffed_steps && !self.steps.is_empty();
        if is_followed { self.steps.len() + 1 } else { 0 }
    }

    /// How many reserves open when the first in line has waited so long.
    pub(crate) fn reserves_after(&self, waited: Duration) -> u8 {
        let passed = self.reserves.iter().take_while(|reserve| reserve.after <= waited).count();
        u8::try_from(passed).expect("there are at most RESERVES_MAX")
    }

    /// The longest wait under which all reserves close.
    pub(crate) fn reserves_close_below(&self) -> Duration {
        let first = self.reserves.first().map(|reserve| reserve.after);
        self.reserves_close.or(first).unwrap_or_default()
    }
}

/// Agents kept for an overload. Whoever meets the requirement of several reserves is of the first of them.
///
/// A reserve opens when somebody has waited in the queue for its threshold. All close together, once nobody there has
/// waited for [`QueueSettings::reserves_close`]: a second reserve that is open helps until then. So do Avaya's "reserve
/// agents" of two levels (Business Advocate, Service Level Supervisor), by the time of the first in line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reserve {
    /// Who is in it, of those who could serve the queue anyhow.
    pub requirement: Requirement,
    /// The threshold: the longest wait in the queue, counted from entry. More than zero.
    pub after: Duration,
}

/// How many agents are rung at once for one interaction: the first who accepts has it, and the others are let go without
/// a fault. Beside the first only agents are rung whom nobody who waits needs, so that ringing several makes no other
/// customer wait for an agent who is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ring {
    /// At most so many at once: 1 to [`RING_MAX`]. Who declines, or does not answer, makes room for another one.
    pub most: u8,
    /// One agent more each time that this has passed since the first one was rung. Zero (or less than a microsecond):
    /// all at once.
    pub every: Duration,
}

impl Default for Ring {
    fn default() -> Ring {
        Ring { most: 1, every: Duration::ZERO }
    }
}

impl Ring {
    /// How many may be rung for an interaction for which agents have been rung for so long.
    pub(crate) fn most_after(self, rung_for: Duration) -> u8 {
        let more = rung_for.as_micros().checked_div(self.every.as_micros());
        let more = more.map_or(self.most, |more| u8::try_from(more).unwrap_or(self.most));
        self.most.min(more.saturating_add(1))
    }

    /// When that becomes more than `most`, counted from when the first one was rung.
    pub(crate) fn widens_after(self, most: u8) -> Option<Duration> {
        let every = u64::try_from(self.every.as_micros()).unwrap_or(u64::MAX);
        let after = Duration::from_micros(every.saturating_mul(u64::from(most)));
        (most < self.most && every > 0).then_some(after)
    }
}

/// How customers are called back. Who has been promised a callback gets it by the rules of that moment, whatever becomes
/// of the queue's; see `docs/routing.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallbackRules {
    /// Who is called first.
    pub mode: CallbackMode,
    /// How often the customer is called before the callback ends. At least 1.
    pub attempts: u32,
    /// How long a callback rests after an attempt that failed. More than zero.
    pub spacing: Duration,
    /// How long it rests after it was taken, so that the customer has hung up. Zero: not at all.
    pub delay: Duration,
    /// How long the customer is called before the attempt has failed, where nobody says what came of it. More than zero.
    pub call_timeout: Duration,
    /// How long an agent is offered nothing whose customer could not be reached. Zero: free at once.
    pub pause: Duration,
    /// How long after it was taken a callback ends that has not been made. It does not end in the middle of an
    /// attempt. More than zero.
    pub keep: Duration,
    /// Callbacks of one queue whose customers are not on the line; one more is refused. At least 1.
    pub most: u32,
}

impl Default for CallbackRules {
    fn default() -> CallbackRules {
        CallbackRules {
            mode: CallbackMode::AgentFirst,
            attempts: 3,
            spacing: Duration::from_secs(600),
            delay: Duration::from_secs(10),
            call_timeout: Duration::from_secs(40),
            pause: Duration::ZERO,
            keep: Duration::from_secs(24 * 3_600),
            most: 100,
        }
    }
}

/// Whom a callback calls first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CallbackMode {
    /// The agent is rung, accepts, and then the customer is called: no customer waits for an agent.
    #[default]
    AgentFirst,
    /// The customer is called while an agent is held, and the agent is rung as soon as the customer is there: no agent
    /// listens to a customer's ring.
    CustomerFirst,
}

/// One relaxation of a queue's requirement.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// Time since the interaction entered the queue (not since the step before).
    pub after: Duration,
    /// What suffices from then on.
    pub requirement: Requirement,
    /// Instead of, or beside, what sufficed before.
    pub effect: StepEffect,
}

/// What a step does with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StepEffect {
    /// Only this step's requirement counts.
    Replace,
    /// Meeting this or what counted before suffices.
    Add,
}

/// Which of several idle eligible agents is chosen. Ties end with the longest idle (since handled), then the
/// lowest id; round robin and weighted random with the id alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Strategy {
    /// Who is idle longest by the named clock.
    LongestIdle(IdleClock),
    /// The highest sum of levels over the skills that the queue's requirement and steps ask for.
    MostSkilled,
    /// The lowest such sum: specialists are kept free.
    LeastSkilled,
    /// Who answered the fewest interactions since log-in.
    FewestHandled,
    /// The lowest occupancy: the share of the time since log-in in conversation and after-call work, as it was when
    /// the agent became available, in parts per million rounded down.
    LeastOccupied,
    /// The next after the one chosen last in this queue, by agent order number, then id.
    RoundRobin,
    /// The lowest agent order number.
    TopDown,
    /// Anybody, each with the probability of [`AgentSettings::weight`] by the weights of all who could take the
    /// interaction and are preferred alike, whatever was chosen before.
    WeightedRandom,
}

/// What "idle longest" is counted from. Each also starts at log-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IdleClock {
    /// The end of the last conversation: a missed reservation or a break changes nothing.
    #[default]
    SinceHandled,
    /// When the agent last became available (ready and without work). A reservation cancelled by the caller
    /// changes nothing.
    SinceReady,
    /// The last reservation, whatever became of it.
    SinceOffered,
}

/// What follows a failed reservation, by cause. An expired one counts as no answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BackOffs {
    /// Nobody picked up, or the reservation expired.
    pub no_answer: BackOff,
    /// The agent's phone was busy.
    pub busy: BackOff,
    /// The agent declined.
    pub rejected: BackOff,
    /// The agent's phone could not be reached.
    pub unreachable: BackOff,
    /// We had no means to ring the phone; not a miss.
    pub no_resources: BackOff,
}

impl Default for BackOffs {
    fn default() -> BackOffs {
        let back_off = |pause, exclusion| BackOff {
            pause: Duration::from_secs(pause),
            exclusion: Duration::from_secs(exclusion),
        };
        BackOffs {
            no_answer: back_off(10, 30),
            busy: back_off(20, 20),
            rejected: back_off(5, 60),
            unreachable: back_off(30, 30),
            // Just long enough not to try without end.
            no_resources: back_off(5, 0),
        }
    }
}

/// Two pauses that begin when a reservation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BackOff {
    /// How long the agent is offered nothing at all; zero: not at all.
    pub pause: Duration,
    /// How long the agent is not offered this interaction, as long as somebody else could take it; zero: not at all.
    pub exclusion: Duration,
}

/// Where an interaction goes that leaves a queue without an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Exit {
    /// Into another queue, with its age. Where that queue does not exist, the interaction stays.
    Queue(QueueId),
    /// Out of the distributor; the engine knows what the id means.
    Leave(ExitId),
}

/// Leaving after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MaxWait {
    /// Counted from entry into this queue; more than zero. An interaction that is reserved stays until the
    /// reservation has failed.
    pub after: Duration,
    /// Where to.
    pub exit: Exit,
}

/// Leaving a full queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MaxLength {
    /// Interactions that wait (reserved ones do not). 0: nobody waits here, only who finds an idle agent stays.
    pub waiting: u32,
    /// Where to.
    pub exit: Exit,
}

/// Leaving a queue that nobody serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NobodyLoggedIn {
    /// How long the queue must have been without any logged-in agent, so that a phone that registers anew does
    /// not empty it.
    pub grace: Duration,
    /// Where to.
    pub exit: Exit,
}

/// Leaving a queue that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Closed {
    /// What becomes of those who wait when it closes.
    pub waiting: AtClosing,
    /// Where to.
    pub exit: Exit,
}

/// What becomes of those who wait in a queue when it closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AtClosing {
    /// They stay until they are served, or leave by another rule.
    Stay,
    /// They leave, too; who is being rung for, when that has failed.
    Leave,
}

/// One agent as configured.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AgentSettings {
    /// Skills with levels 1 to [`LEVEL_MAX`].
    pub skills: Skills,
    /// The agent's number in the order of `TopDown` and `RoundRobin`.
    pub order: u32,
    /// For `WeightedRandom`: how likely the agent is, compared with others. 1 to [`SHARE_MAX`].
    pub weight: u32,
    /// After-call work of this agent in place of the queue's.
    pub after_call_work: Option<Duration>,
    /// Which waiting interaction this agent takes, in place of [`Settings::selection`].
    pub selection: Option<Selection>,
    /// For [`Selection::PercentAllocation`]: what part of the agent's work each queue should get, relative to the others
    /// here. 1 to [`SHARE_MAX`] each, of no more queues than [`Settings::queues_max`]; a queue that is not defined has a
    /// share of nothing. While there is none, the work is not counted by queue.
    pub shares: BTreeMap<QueueId, u32>,
    /// How many interactions at once, by channel. Not nothing, and at most [`CAPACITY_MAX`] of each.
    pub capacity: Capacity,
}

impl Default for AgentSettings {
    fn default() -> AgentSettings {
        AgentSettings {
            skills: Skills::new(),
            order: 0,
            weight: WEIGHT_USUAL,
            after_call_work: None,
            selection: None,
            shares: BTreeMap::new(),
            capacity: Capacity::default(),
        }
    }
}

/// What is wrong with a queue's or an agent's settings, or those of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Invalid {
    /// A level is not within 1..=10 (0..=10 in a comparison).
    Level(SkillId, u8),
    /// More skills than [`Settings::skills_max`].
    TooManySkills,
    /// More steps than [`STEPS_MAX`].
    TooManySteps,
    /// The `after` of this step (1 is the first) is not later than the one before, or is zero.
    StepOutOfOrder(u8),
    /// More comparisons than [`Settings::requirement_terms_max`].
    RequirementTooLarge,
    /// Nested deeper than [`Settings::requirement_depth_max`].
    RequirementTooDeep,
    /// `ring_timeout` is zero.
    NoRingTimeout,
    /// `ring.most` is not within 1..=[`RING_MAX`].
    Ring(u8),
    /// `after_call_work_min` is more than `after_call_work_max`.
    AfterCallWorkBounds,
    /// `max_wait.after` is zero.
    NoMaxWait,
    /// The queue's exit is the queue itself.
    ExitToItself,
    /// `band` is more than [`BAND_MAX`].
    Band(u8),
    /// `objective` is zero.
    NoObjective,
    /// `weight` or `ratio` is not within 1..=[`SHARE_MAX`].
    Share(u32),
    /// The guard of the [`Selection::LateLast`] by which the agent would select, its own or that of all, is zero.
    NoGuard,
    /// More than [`PREFERENCES_MAX`] in `prefer`.
    TooManyPreferences,
    /// Shares of more queues than [`Settings::queues_max`].
    TooManyShares,
    /// More than [`RESERVES_MAX`] reserves.
    TooManyReserves,
    /// The `after` of this reserve (1 is the first) is not later than the one before, or is zero.
    ReserveOutOfOrder(u8),
    /// `reserves_close` is later than the first reserve opens, or there is none to close.
    ReservesClose,
    /// More than [`crate::OVERFLOWS_MAX`] in `overflows`.
    TooManyOverflows,
    /// This rule of `overflows` (1 is the first) has no condition.
    NoCondition(u8),
    /// This rule of `overflows` has more than [`crate::CONDITIONS_MAX`].
    TooManyConditions(u8),
    /// This rule of `overflows` compares an estimate with more than [`crate::estimate::ESTIMATE_MAX`].
    EstimateBound(u8),
    /// The channel is not below [`CHANNELS_MAX`].
    Channel(u8),
    /// More than [`CAPACITY_MAX`] of one channel.
    Capacity(u8),
    /// No capacity for any channel: such an agent could take nothing.
    NoCapacity,
    /// No agent, or one twice, among those whom an interaction wants.
    WantedAgents,
    /// [`crate::Otherwise::Stay`] with an end by time.
    StayAndEnd,
    /// Agents are wanted by name in several queues at once.
    WantedInSeveral,
    /// `attempts`, `spacing`, `call_timeout`, `keep` or `most` of `callback` is zero.
    NoCallback,
    /// This lease of the whole is zero: everything would be over as soon as it begins.
    NoLease(Setting),
}

impl QueueSettings {
    /// How long after-call work lasts that begins now, for an agent with that value of the agent's own.
    pub(crate) fn after_call_work_for(&self, own: Option<Duration>, settings: &Settings) -> Duration {
        let length = own.unwrap_or(self.after_call_work).max(self.after_call_work_min);
        length.min(self.after_call_work_bound(settings))
    }

    /// The longest after-call work in this queue.
    pub(crate) fn after_call_work_bound(&self, settings: &Settings) -> Duration {
        let of_all = settings.after_call_work_max;
        self.after_call_work_max.map_or(of_all, |max| max.min(of_all))
    }
}

impl CallbackRules {
    /// Whether something is zero that must not be.
    fn lacks_something(self) -> bool {
        let lengths = [self.spacing, self.call_timeout, self.keep];
        lengths.contains(&Duration::ZERO) || self.attempts == 0 || self.most == 0
    }
}

impl Settings {
    /// Whether anything ends by itself that is not renewed.
    pub(crate) fn has_leases(&self) -> bool {
        self.handling_lease.is_some() || self.occupied_lease.is_some() || self.log_in_lease.is_some()
    }

    /// Whether a requirement is within bounds.
    pub(crate) fn check_requirement(&self, requirement: &Requirement) -> Result<(), Invalid> {
        let size = requirement.size();
        if size.terms > self.requirement_terms_max as usize {
            return Err(Invalid::RequirementTooLarge);
        }
        if size.depth > self.requirement_depth_max as usize {
            return Err(Invalid::RequirementTooDeep);
        }
        match requirement.level_out_of_range() {
            Some((skill, level)) => Err(Invalid::Level(skill, level)),
            None => Ok(()),
        }
    }

    /// Whether a queue can be defined so.
    pub(crate) fn check_queue(&self, queue: QueueId, settings: &QueueSettings) -> Result<(), Invalid> {
        self.check_requirement(&settings.requirement)?;
        if settings.steps.len() > STEPS_MAX {
            return Err(Invalid::TooManySteps);
        }
        let mut before = Duration::ZERO;
        for (step, number) in settings.steps.iter().zip(1u8..) {
            self.check_requirement(&step.requirement)?;
            if step.after <= before {
                return Err(Invalid::StepOutOfOrder(number));
            }
            before = step.after;
        }
        self.check_reserves(settings)?;
        if settings.prefer.len() > PREFERENCES_MAX {
            return Err(Invalid::TooManyPreferences);
        }
        settings.prefer.iter().try_for_each(|requirement| self.check_requirement(requirement))?;
        if settings.ring_timeout.is_zero() {
            return Err(Invalid::NoRingTimeout);
        }
        if !(1..=RING_MAX).contains(&settings.ring.most) {
            return Err(Invalid::Ring(settings.ring.most));
        }
        if settings.after_call_work_max.is_some_and(|max| settings.after_call_work_min > max) {
            return Err(Invalid::AfterCallWorkBounds);
        }
        if settings.max_wait.is_some_and(|rule| rule.after.is_zero()) {
            return Err(Invalid::NoMaxWait);
        }
        overflow::check(&settings.overflows)?;
        if settings.callback.is_some_and(CallbackRules::lacks_something) {
            return Err(Invalid::NoCallback);
        }
        let exits = [
            settings.max_wait.map(|rule| rule.exit),
            settings.max_length.map(|rule| rule.exit),
            settings.nobody_logged_in.map(|rule| rule.exit),
            settings.closed.map(|rule| rule.exit),
        ];
        let by_rule = settings.overflows.iter().map(|rule| rule.exit);
        if exits.into_iter().flatten().chain(by_rule).any(|exit| exit == Exit::Queue(queue)) {
            return Err(Invalid::ExitToItself);
        }
        if usize::from(settings.channel.0) >= CHANNELS_MAX {
            return Err(Invalid::Channel(settings.channel.0));
        }
        if settings.band > BAND_MAX {
            return Err(Invalid::Band(settings.band));
        }
        if settings.objective.is_zero() {
            return Err(Invalid::NoObjective);
        }
        let shares = [settings.weight, settings.ratio];
        match shares.into_iter().find(|share| !(1..=SHARE_MAX).contains(share)) {
            Some(share) => Err(Invalid::Share(share)),
            None => Ok(()),
        }
    }

    fn check_reserves(&self, settings: &QueueSettings) -> Result<(), Invalid> {
        if settings.reserves.len() > RESERVES_MAX {
            return Err(Invalid::TooManyReserves);
        }
        let mut before = Duration::ZERO;
        for (reserve, number) in settings.reserves.iter().zip(1u8..) {
            self.check_requirement(&reserve.requirement)?;
            if reserve.after <= before {
                return Err(Invalid::ReserveOutOfOrder(number));
            }
            before = reserve.after;
        }
        let first = settings.reserves.first().map(|reserve| reserve.after);
        if settings.reserves_close.is_some_and(|close| first.is_none_or(|first| close > first)) {
            return Err(Invalid::ReservesClose);
        }
        Ok(())
    }

    /// Whether an agent can be defined so.
    pub(crate) fn check_agent(&self, settings: &AgentSettings) -> Result<(), Invalid> {
        if settings.skills.len() > self.skills_max as usize {
            return Err(Invalid::TooManySkills);
        }
        if !(1..=SHARE_MAX).contains(&settings.weight) {
            return Err(Invalid::Share(settings.weight));
        }
        if settings.shares.len() > self.queues_max as usize {
            return Err(Invalid::TooManyShares);
        }
        if let Some(&share) = settings.shares.values().find(|&share| !(1..=SHARE_MAX).contains(share)) {
            return Err(Invalid::Share(share));
        }
        match settings.capacity.greatest() {
            0 => return Err(Invalid::NoCapacity),
            greatest if greatest > CAPACITY_MAX => return Err(Invalid::Capacity(greatest)),
            _ => {}
        }
        if settings.selection.unwrap_or(self.selection) == (Selection::LateLast { guard: Duration::ZERO }) {
            return Err(Invalid::NoGuard);
        }
        match settings.skills.iter().find(|&(_, &level)| level == 0 || level > LEVEL_MAX) {
            Some((&skill, &level)) => Err(Invalid::Level(skill, level)),
            None => Ok(()),
        }
    }
}
