//! All that decides the future, without the indexes that make it fast: what [`crate::Distributor::state_hash`]
//! is taken over, and what two implementations of the same routing must agree on.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

use crate::estimate::{Estimator, Promise};
use crate::overflow::come_due;
use crate::{
    Activity, AgentId, AgentSettings, Aside, AtClosing, CallbackRules, Channel, Channels, Counters, Exit,
    Forced, InteractionId, Interruption, Interruptions, Lease, Presence, QueueId, QueueSettings, Requirement,
    ReservationId, Ring, Settings, Wanted, Work, WorkStage, Worked, Works,
};

/// The whole state as plain values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// As given at construction, or changed since.
    pub settings: Settings,
    /// The latest time that was told; time told later that is earlier counts as this.
    pub now: Instant,
    /// By id.
    pub queues: BTreeMap<QueueId, QueueState>,
    /// By id.
    pub agents: BTreeMap<AgentId, AgentState>,
    /// Those waiting, reserved or in conversation, by id.
    pub interactions: BTreeMap<InteractionId, InteractionState>,
    /// By id.
    pub reservations: BTreeMap<ReservationId, ReservationState>,
    /// Reservations made so far; the last one's id.
    pub last_reservation: u64,
    /// How often rules of queues were given so far; the last ones' number.
    pub last_rules: u32,
    /// Over all queues, removed ones included.
    pub totals: Counters,
    /// Where lots come from.
    pub lots: crate::Lots,
    /// Own requirements with which somebody waits in a queue whose steps may be passed over, by queue and requirement.
    pub own_staffing: Vec<OwnStaffing>,
}

/// Whether agents are there for those who wait in a queue with one own requirement.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OwnStaffing {
    /// Where they wait.
    pub queue: QueueId,
    /// Which they have beside the queue's.
    pub requirement: Requirement,
    /// As [`QueueState::step_staffing`], of agents who meet the requirement, too. Empty where it is not followed, because
    /// there are as many as [`Settings::followed_requirements_max`] already: they go by the queue's steps alone.
    pub steps: Vec<Staffing>,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueueState {
    /// As configured.
    pub settings: QueueSettings,
    /// The number of these rules, of all that were ever given.
    pub rules: u32,
    /// As [`crate::Command::SetOpen`] said last.
    pub open: bool,
    /// Whether anybody who could serve it is logged in.
    pub staffing: Staffing,
    /// The same for each step, the first requirement included: one that is deserted is passed over. Empty where none is.
    pub step_staffing: Vec<Staffing>,
    /// Order number and id of the agent that round robin chose last.
    pub last_chosen: Option<(u32, AgentId)>,
    /// How many of its reserves are open.
    pub reserves_open: u8,
    /// Since it was defined.
    pub counters: Counters,
    /// Whether its callbacks may be tried.
    pub callback_window: bool,
    /// How long somebody would wait, and how far off that was.
    pub estimator: Estimator,
}

impl QueueState {
    /// The first step from `step` on that is not passed over; `step` itself where there is none.
    #[inline]
    pub(crate) fn past_unstaffed(&self, step: usize) -> usize {
        match self.step_staffing.get(step) {
            None | Some(Staffing::Staffed | Staffing::Unstaffed { .. }) => step,
            Some(Staffing::Deserted { .. }) => self.past_those(step, |_| false),
        }
    }

    /// The same for one for whom other steps are passed over as well.
    pub(crate) fn past_those(&self, step: usize, is_passed_over: impl Fn(usize) -> bool) -> usize {
        let mut from_here = self.step_staffing.iter().enumerate().skip(step);
        let further = from_here.find(|&(step, staffing)| {
            !matches!(staffing, Staffing::Deserted { .. }) && !is_passed_over(step)
        });
        further.map_or(step, |(further, _)| further)
    }

    /// Whether something by which it may leave has to be looked at for an interaction that entered then, as soon as it is
    /// in line: that the queue is closed, the maximum wait, or the time of a rule of overflow.
    pub(crate) fn is_time_to_look(
        &self,
        entered: Instant,
        overdue: bool,
        overflows_seen: u8,
        now: Instant,
    ) -> bool {
        let waited = now - entered;
        self.exit_of_those_who_wait().is_some()
            || self.settings.max_wait.is_some_and(|rule| rule.after <= waited && !overdue)
            || come_due(&self.settings.overflows, waited) & !overflows_seen != 0
    }

    /// How whoever comes has to leave, because it is closed.
    pub(crate) fn exit_of_those_who_come(&self) -> Option<Exit> {
        self.settings.closed.filter(|_| !self.open).map(|rule| rule.exit)
    }

    /// How whoever waits has to leave, because it is closed.
    pub(crate) fn exit_of_those_who_wait(&self) -> Option<Exit> {
        let rule = self.settings.closed.filter(|_| !self.open)?;
        match rule.waiting {
            AtClosing::Stay => None,
            AtClosing::Leave => Some(rule.exit),
        }
    }
}

/// Whether a queue, or one of its steps, has agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Staffing {
    /// Somebody is logged in who meets the requirement of some step (or of this one).
    Staffed,
    /// Nobody is.
    Unstaffed {
        /// From when.
        since: Instant,
    },
    /// Nobody is, and the grace is over. Of a queue that is [`crate::NobodyLoggedIn::grace`]: whoever comes leaves; of a
    /// step [`QueueSettings::unstaffed_grace`]: whoever is there goes on to the next that is not deserted.
    Deserted {
        /// From when nobody was.
        since: Instant,
    },
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AgentState {
    /// As configured.
    pub settings: AgentSettings,
    /// The wish.
    pub presence: Presence,
    /// Since when.
    pub presence_since: Instant,
    /// Forced by a supervisor.
    pub forced: Option<Forced>,
    /// The fact: what is in hand.
    pub works: Works,
    /// And what is beside it.
    pub aside: Aside,
    /// Since when the agent cannot be rung ([`crate::Command::SetReachable`]).
    pub unreachable: Option<Instant>,
    /// Removed while in conversation: gone at its end, unknown to commands until then.
    pub leaving: bool,
    /// Reservations missed in a row.
    pub misses: u32,
    /// Answered since the shift began.
    pub handled: u32,
    /// When the shift began: log-in, or [`crate::Command::BeginShift`].
    pub logged_in_at: Instant,
    /// The time at work since log-in.
    pub worked: Worked,
    /// Conversations and after-call work since log-in that are over, by queue, as long as the agent has shares. Two at
    /// the same time count twice.
    pub worked_in: BTreeMap<QueueId, Duration>,
    /// [`crate::Strategy::LeastOccupied`]: `worked` by the time since log-in, in parts per million rounded down, as of
    /// the moment at which `ready_at` was set.
    pub occupancy: u32,
    /// When the log-in was last renewed, or began: its lease counts from here.
    pub log_in_renewed: Instant,
    /// [`crate::IdleClock::SinceHandled`].
    pub handled_at: Instant,
    /// [`crate::IdleClock::SinceReady`].
    pub ready_at: Instant,
    /// [`crate::IdleClock::SinceOffered`].
    pub offered_at: Instant,
    /// [`crate::Strategy::WeightedRandom`]: the smallest comes first. Drawn anew when it is needed and says nothing any
    /// more ([`crate::Lots::is_behind`]).
    pub lot: crate::Lot,
}

impl AgentState {
    /// Logged out, with nothing behind.
    pub(crate) fn new(settings: AgentSettings, now: Instant) -> AgentState {
        AgentState {
            settings,
            presence: Presence::LoggedOut,
            presence_since: now,
            forced: None,
            works: Works::default(),
            aside: Aside::nothing(now),
            unreachable: None,
            leaving: false,
            misses: 0,
            handled: 0,
            logged_in_at: now,
            worked: Worked::NOTHING,
            worked_in: BTreeMap::new(),
            occupancy: 0,
            log_in_renewed: now,
            handled_at: now,
            ready_at: now,
            offered_at: now,
            lot: crate::Lot::default(),
        }
    }

    /// What the system does with the agent, in one word: what is in the foreground. A conversation comes before
    /// after-call work, that before a reservation, each of them before a call of the agent's own, and that before the rest.
    pub fn activity(&self) -> Activity {
        match (self.works.foreground(), self.aside, self.unreachable) {
            (Some(work), _, _) => work.activity(),
            (None, Aside::Nothing { .. } | Aside::BackingOff { .. }, Some(since)) => {
                Activity::Unreachable { since }
            }
            (None, aside, _) => aside.activity(),
        }
    }

    /// The figures of a shift begin anew. What is in hand goes on: it is work from here, and of its queue as a whole.
    pub(crate) fn begin_shift(&mut self, now: Instant) {
        self.handled = 0;
        self.logged_in_at = now;
        self.worked = Worked::NOTHING;
        self.worked_in.clear();
        self.occupancy = 0;
    }

    /// Whether the agent does one thing at most, as all do who may have only one thing in hand.
    pub(crate) fn is_plain(&self) -> bool {
        let has_nothing_beside = self.works.is_empty() || matches!(self.aside, Aside::Nothing { .. });
        !self.works.are_several() && has_nothing_beside && self.unreachable.is_none()
    }

    /// The share of the time since log-in that was work, as of now.
    pub(crate) fn occupancy_at(&self, now: Instant) -> u32 {
        let since_log_in = (now - self.logged_in_at).as_micros();
        let worked = self.worked.until(now).as_micros();
        let share = (worked * 1_000_000).checked_div(since_log_in).unwrap_or(0);
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    /// A conversation or after-call work is over.
    pub(crate) fn count_work_in(&mut self, queue: QueueId, lasted: Duration) {
        if !self.settings.shares.is_empty() {
            *self.worked_in.entry(queue).or_default() += lasted;
        }
    }

    /// [`crate::Selection::PercentAllocation`]: how far a queue's part of the work is above its share; the smaller, the
    /// sooner. Both sides are multiplied by both sums, so that no share is rounded.
    pub(crate) fn above_share(&self, queue: QueueId) -> i128 {
        let Some(&share) = self.settings.shares.get(&queue) else { return i128::MAX };
        let micros = |duration: &Duration| i128::try_from(duration.as_micros()).unwrap_or(i128::MAX);
        let worked = |queue: &QueueId| self.worked_in.get(queue).map_or(0, micros);
        let (mut work, mut shares) = (0, 0);
        for (other, &of) in &self.settings.shares {
            (work, shares) = (work + worked(other), shares + i128::from(of));
        }
        worked(&queue) * shares - i128::from(share) * work
    }

    /// After a change of what is in hand.
    pub(crate) fn follow_works(&mut self, now: Instant) {
        self.worked.follow(self.works.find(Work::is_answered).is_some(), now);
    }

    /// The conversations that have become interrupted, or not, by a change of what is in hand; they are noted so, one
    /// with each call.
    pub(crate) fn follow_interruption(&mut self, now: Instant) -> Option<(Work, Option<Duration>)> {
        let foreground = self.works.answered_last()?.channel;
        self.works.iter_mut().find_map(|work| {
            let WorkStage::Handling { interrupted, .. } = &mut work.stage else { return None };
            match (interrupted.since, work.channel == foreground) {
                (None, false) => {
                    interrupted.since = Some(now);
                    Some((*work, None))
                }
                (Some(since), true) => {
                    *interrupted = Interruption { since: None, before: interrupted.until(now) };
                    Some((*work, Some(now - since)))
                }
                (None, true) | (Some(_), false) => None,
            }
        })
    }

    /// How long a conversation has been interrupted in all.
    pub(crate) fn interrupted_for(&self, interaction: InteractionId, now: Instant) -> Duration {
        let work = self.works.find(|work| work.is_handling_of(interaction));
        work.map_or(Duration::ZERO, |work| match work.stage {
            WorkStage::Handling { interrupted, .. } => interrupted.until(now),
            WorkStage::Reserved { .. } | WorkStage::AfterCallWork { .. } => Duration::ZERO,
        })
    }

    /// Takes out of the agent's hands what is so, if it is there. Whoever has nothing left is idle from now on.
    pub(crate) fn lay_down(&mut self, now: Instant, is_it: impl Fn(&Work) -> bool) -> Option<Work> {
        let work = self.works.take(is_it)?;
        if let Aside::Nothing { since } = &mut self.aside {
            *since = now;
        }
        Some(work)
    }

    /// Left alone until then, unless the agent is busy with something of the agent's own; where the agent has failed twice
    /// at once, until the later.
    pub(crate) fn back_off(&mut self, now: Instant, end: Instant) {
        match &mut self.aside {
            Aside::Nothing { .. } => self.aside = Aside::BackingOff { since: now, until: end },
            Aside::BackingOff { until, .. } => *until = end.max(*until),
            Aside::Occupied { .. } => {}
        }
    }

    /// When the lease of one conversation ends if nobody renews it.
    pub(crate) fn handling_lease(work: &Work, settings: &Settings) -> Option<Instant> {
        match work.stage {
            WorkStage::Handling { renewed, .. } => settings.handling_lease.map(|length| renewed + length),
            WorkStage::Reserved { .. } | WorkStage::AfterCallWork { .. } => None,
        }
    }

    /// When the lease of the agent's own business ends if nobody renews it.
    pub(crate) fn occupied_lease(&self, settings: &Settings) -> Option<Instant> {
        match self.aside {
            Aside::Occupied { renewed, .. } => settings.occupied_lease.map(|length| renewed + length),
            Aside::Nothing { .. } | Aside::BackingOff { .. } => None,
        }
    }

    /// Every lease that the agent holds, with its end.
    pub(crate) fn leases(&self, id: AgentId, settings: &Settings) -> impl Iterator<Item = (Lease, Instant)> {
        let handling = self.works.iter().filter_map(|work| {
            AgentState::handling_lease(work, settings).map(|until| (Lease::Handling(work.interaction), until))
        });
        let occupied = self.occupied_lease(settings).map(|until| (Lease::Occupied(id), until));
        let log_in = self.log_in_lease(settings).map(|until| (Lease::LogIn(id), until));
        handling.chain(occupied).chain(log_in)
    }

    /// When the log-in ends if nobody renews it.
    pub(crate) fn log_in_lease(&self, settings: &Settings) -> Option<Instant> {
        let length = settings.log_in_lease?;
        self.presence.is_logged_in().then(|| self.log_in_renewed + length)
    }

    /// Whether an interaction of this channel may be offered.
    pub fn is_available_for(&self, channel: Channel, interruptions: &Interruptions) -> bool {
        self.settings.capacity.of(channel) > 0 && self.open(interruptions).contains(channel)
    }

    /// The channels of which an interaction may be offered, if the agent has any capacity for them: ready, with nothing
    /// beside, with less of the channel in hand than the capacity for it, and with nothing of another channel in
    /// hand that it may not interrupt.
    #[inline]
    pub fn open(&self, interruptions: &Interruptions) -> Channels {
        match (self.presence, self.aside, self.unreachable) {
            (Presence::Ready, Aside::Nothing { .. }, None) => {}
            (Presence::LoggedOut | Presence::NotReady(_) | Presence::Ready, _, _) => return Channels::NONE,
        }
        match self.works.first() {
            None => Channels::ALL,
            Some(work) if !self.works.are_several() => self.open_beside_one(work.channel, interruptions),
            Some(_) => self.open_beside_several(interruptions),
        }
    }

    /// Most agents never have more in hand.
    fn open_beside_one(&self, channel: Channel, interruptions: &Interruptions) -> Channels {
        let others = interruptions.of(channel);
        let has_room = self.settings.capacity.of(channel) > 1;
        let open = if has_room { others.with(channel) } else { others.without(channel) };
        if open.is_empty() { open } else { open.and(self.settings.capacity.channels()) }
    }

    #[inline(never)]
    fn open_beside_several(&self, interruptions: &Interruptions) -> Channels {
        let mut open = self.settings.capacity.channels();
        for work in self.works.iter() {
            open = open.and(interruptions.of(work.channel).with(work.channel));
            let in_hand = self.works.iter().filter(|other| other.channel == work.channel).count();
            if in_hand >= usize::from(self.settings.capacity.of(work.channel)) {
                open = open.without(work.channel);
            }
        }
        open
    }

    /// Whether the agent takes work, now or when done with what is in hand: ready, and not busy with something that is
    /// not the distributor's.
    pub fn takes_work(&self) -> bool {
        match self.aside {
            Aside::Occupied { .. } => false,
            Aside::Nothing { .. } | Aside::BackingOff { .. } => self.presence == Presence::Ready,
        }
    }
}

/// An interaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InteractionState {
    /// Points.
    pub priority: i32,
    /// Beside the queues'.
    pub requirement: Option<Requirement>,
    /// When the customer's wait began.
    pub arrived: Instant,
    /// Moves to another queue by an exit.
    pub flow_outs: u32,
    /// Agents who are not offered it, and until when.
    pub exclusions: BTreeMap<AgentId, Instant>,
    /// Set once the customer has asked to be called back, for good.
    pub callback: Option<CallbackState>,
    /// Where it stands.
    pub stage: Stage,
    /// The queues in which it waits, or from which it was answered (then it is one), in the order in which it was put
    /// into them. Never none, and no queue twice.
    pub entries: Vec<EntryState>,
}

/// An interaction in one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EntryState {
    /// Where it waits, or came from.
    pub queue: QueueId,
    /// When it entered this queue.
    pub entered: Instant,
    /// 0: the queue's first requirement.
    pub step: u8,
    /// The number of the rules by which it came to that step ([`QueueState::rules`]).
    pub rules: u32,
    /// Reservations in this queue.
    pub attempts: u32,
    /// The maximum wait is over, but its exit could not be used; tried again when the queue's rules of waiting
    /// change.
    pub overdue: bool,
    /// Bit n: the time of rule n in [`QueueSettings::overflows`] has come and it was looked at.
    pub overflows_seen: u8,
    /// What was estimated when it came to the end of the line, as long as it has to wait.
    pub promise: Option<Promise>,
    /// Agents by name whom it wants, until that is over.
    pub wanted: Option<Wanted>,
}

impl EntryState {
    /// In a queue from now on.
    pub fn new(queue: QueueId, now: Instant) -> EntryState {
        EntryState {
            queue,
            entered: now,
            step: 0,
            rules: 0,
            attempts: 0,
            overdue: false,
            overflows_seen: 0,
            promise: None,
            wanted: None,
        }
    }

    /// Whether an agent may be offered it by the names that it wants: it wants nobody, or this agent.
    pub fn is_open_to(&self, agent: AgentId) -> bool {
        self.wanted.is_none_or(|wanted| wanted.place(agent).is_some())
    }

    /// Whether it asks nothing of the agents whom it wants.
    pub fn is_regardless_of_skills(&self) -> bool {
        self.wanted.is_some_and(|wanted| wanted.regardless_of_skills)
    }

    /// When it ceases to want agents by name, if time decides that.
    pub fn wanted_until(&self) -> Option<Instant> {
        Some(self.entered + self.wanted?.within?)
    }
}

impl InteractionState {
    /// The first of the queues in which it stands.
    ///
    /// # Panics
    /// Where it has no entry, which no distributor's state has.
    pub fn first(&self) -> &EntryState {
        self.entries.first().expect("an interaction stands in a queue as long as it is here")
    }

    /// As it stands in a queue.
    pub fn entry(&self, queue: QueueId) -> Option<&EntryState> {
        self.entries.iter().find(|entry| entry.queue == queue)
    }

    /// Its place in line.
    pub fn place(&self, id: InteractionId, per_point: Duration) -> Place {
        Place::new(id, self.arrived, self.priority, per_point)
    }

    /// Whether an agent meets the interaction's own requirement, if it has one.
    pub fn accepts(&self, agent: &AgentState) -> bool {
        self.requirement.as_ref().is_none_or(|requirement| requirement.is_met_by(&agent.settings.skills))
    }
}

/// An interaction whose customer asked to be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallbackState {
    /// Those of the queue when it was taken.
    pub rules: CallbackRules,
    /// When it was taken.
    pub taken: Instant,
    /// Attempts that failed.
    pub failed: u32,
    /// Since when the customer is on the line: from then on the interaction is one like others, but never ends by the
    /// queue's exits.
    pub reached: Option<Instant>,
}

impl InteractionState {
    /// How many agents are rung for it by a queue with these rules: one after the other for a callback, and for who
    /// wants agents by name.
    pub(crate) fn ring(&self, queue: QueueId, rules: &QueueSettings) -> Ring {
        let wants_somebody = self.entry(queue).is_some_and(|entry| entry.wanted.is_some());
        if wants_somebody || self.callback.is_some() { Ring::default() } else { rules.ring }
    }

    /// The callback, as long as its customer is not on the line.
    pub fn pending_callback(&self) -> Option<&CallbackState> {
        self.callback.as_ref().filter(|callback| callback.reached.is_none())
    }
}

/// Where an interaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// For an agent.
    Waiting,
    /// Agents are held for it, by the reservations that name it: one at least.
    Reserved {
        /// From when.
        since: Instant,
        /// How many may be rung for it at once by now.
        most: u8,
    },
    /// A callback that is not tried before then; `None`: before the window of its queue opens.
    Resting {
        /// Until when.
        until: Option<Instant>,
    },
    /// In conversation.
    Handling {
        /// With whom.
        agent: AgentId,
        /// From when.
        since: Instant,
    },
}

/// A reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReservationState {
    /// For whom.
    pub interaction: InteractionId,
    /// Who is held.
    pub agent: AgentId,
    /// For its turn in which queue.
    pub queue: QueueId,
    /// From when.
    pub since: Instant,
    /// Until when.
    pub deadline: Instant,
    /// Who is being called.
    pub phase: Phase,
}

/// Who is being called while an agent is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// The agent.
    #[default]
    Ringing,
    /// The customer of a callback.
    Calling,
    /// The customer of a callback, and the phone rings.
    Alerting,
}

/// The place in line: the smaller, the sooner. Static, so nothing is sorted again as time goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Arrival minus head start, in microseconds.
    pub key: i64,
    /// The last tie-break.
    pub interaction: InteractionId,
}

impl Place {
    /// The place of an interaction that arrived then with that priority.
    pub fn new(interaction: InteractionId, arrived: Instant, priority: i32, per_point: Duration) -> Place {
        let micros = i128::try_from(per_point.as_micros()).unwrap_or(i128::MAX);
        let head_start = micros.saturating_mul(i128::from(priority));
        let key = i128::from(arrived.as_micros()).saturating_sub(head_start);
        let key = key.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Place { key: i64::try_from(key).expect("clamped to the range"), interaction }
    }
}

impl State {
    /// How many wait, rest or are reserved: whoever counts for [`Settings::waiting_max`].
    pub(crate) fn unanswered(&self) -> u64 {
        let all = self.interactions.values();
        all.filter(|interaction| !matches!(interaction.stage, Stage::Handling { .. })).count() as u64
    }

    /// A number over all of it: equal states give equal numbers on any machine.
    pub fn hash(&self) -> u64 {
        let mut hasher = StateHasher::default();
        Hash::hash(self, &mut hasher);
        hasher.finish()
    }

    /// The skills that a queue's rules ask for, each once: what "most skilled" adds up.
    pub fn wanted_skills(settings: &QueueSettings) -> Vec<crate::SkillId> {
        let mut wanted = BTreeSet::new();
        settings.requirement.wanted_skills(&mut wanted);
        settings.steps.iter().for_each(|step| step.requirement.wanted_skills(&mut wanted));
        wanted.into_iter().collect()
    }
}

/// FNV-1a over little-endian bytes whatever the machine, because a hash in a bug report must be comparable.
#[derive(Clone, Debug)]
pub(crate) struct StateHasher(u64);

impl Default for StateHasher {
    fn default() -> StateHasher {
        StateHasher(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for StateHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u16(&mut self, value: u16) {
        self.write(&value.to_le_bytes());
    }

    fn write_u32(&mut self, value: u32) {
        self.write(&value.to_le_bytes());
    }

    fn write_u64(&mut self, value: u64) {
        self.write(&value.to_le_bytes());
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_i32(&mut self, value: i32) {
        self.write(&value.to_le_bytes());
    }

    fn write_isize(&mut self, value: isize) {
        self.write(&(value as i64).to_le_bytes());
    }
}
