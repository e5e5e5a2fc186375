//! Agents by state, and how long they were in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::{
    Activity, AgentCounts, AgentId, AgentSnapshot, InteractionId, Presence, QueueId, ReasonCode,
    ReservationId,
};
use prometheus::{Counter, Gauge, IntGauge};
use timing::Instant;

use crate::Names;
use crate::exposition::Exposition;
use crate::series::{Definition, Group, Registration};
use crate::works::InHand;

const OVERALL: Definition =
    Definition { name: "cordboard_agents_overall", help: "All agents, each counted once, by state." };
const NOT_READY: Definition = Definition {
    name: "cordboard_agents_not_ready",
    help: "Agents who are logged in, not ready and without work, by reason.",
};
const SECONDS: Definition = Definition {
    name: "cordboard_agent_seconds_total",
    help: "Time that all agents together spent in a state.",
};
const OCCUPANCY: Definition = Definition {
    name: "cordboard_occupancy_ratio",
    help: "Of the day: (talk + hold + after-call work) / (the same + idle), over all agents. \
           NaN where nobody was at work.",
};

/// What an agent is doing, or else wants, in one word. A conversation, after-call work and being occupied come
/// before presence, as in [`AgentCounts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    /// Ready and without work.
    Idle,
    /// Being rung.
    Reserved,
    /// In conversation, holds included.
    Handling,
    /// Wrapping up.
    AfterCallWork,
    /// Ready, and left alone after a failed reservation.
    BackingOff,
    /// Busy with something that is not the distributor's.
    Occupied,
    /// Ready and without work, but the phone is gone.
    Unreachable,
    /// Not ready and without work.
    NotReady,
    /// Not here.
    LoggedOut,
}

impl AgentState {
    /// All states.
    pub const ALL: [AgentState; 9] = [
        AgentState::Idle,
        AgentState::Reserved,
        AgentState::Handling,
        AgentState::AfterCallWork,
        AgentState::BackingOff,
        AgentState::Occupied,
        AgentState::Unreachable,
        AgentState::NotReady,
        AgentState::LoggedOut,
    ];

    /// The state of an agent.
    pub fn of(presence: Presence, activity: Activity) -> AgentState {
        match (activity, presence) {
            (Activity::Reserved { .. }, _) => AgentState::Reserved,
            (Activity::Handling { .. }, _) => AgentState::Handling,
            (Activity::AfterCallWork { .. }, _) => AgentState::AfterCallWork,
            (Activity::Occupied { .. }, _) => AgentState::Occupied,
            (
                Activity::Idle { .. } | Activity::BackingOff { .. } | Activity::Unreachable { .. },
                Presence::LoggedOut,
            ) => AgentState::LoggedOut,
            (
                Activity::Idle { .. } | Activity::BackingOff { .. } | Activity::Unreachable { .. },
                Presence::NotReady(_),
            ) => AgentState::NotReady,
            (Activity::Unreachable { .. }, Presence::Ready) => AgentState::Unreachable,
            (Activity::Idle { .. }, Presence::Ready) => AgentState::Idle,
            (Activity::BackingOff { .. }, Presence::Ready) => AgentState::BackingOff,
        }
    }

    /// The value of the label `state`.
    pub fn name(self) -> &'static str {
        match self {
            AgentState::Idle => "idle",
            AgentState::Reserved => "reserved",
            AgentState::Handling => "handling",
            AgentState::AfterCallWork => "after_call_work",
            AgentState::BackingOff => "backing_off",
            AgentState::Occupied => "occupied",
            AgentState::Unreachable => "unreachable",
            AgentState::NotReady => "not_ready",
            AgentState::LoggedOut => "logged_out",
        }
    }

    /// When an agent's present state began: a break or the end of a shift begins with the wish for it.
    pub(crate) fn since(self, agent: &AgentSnapshot) -> Instant {
        match self {
            AgentState::NotReady | AgentState::LoggedOut => match agent.activity {
                // Whether the phone is there makes no break longer or shorter.
                Activity::Unreachable { .. } => agent.presence_since,
                activity => agent.presence_since.max(activity.since()),
            },
            AgentState::Idle
            | AgentState::Reserved
            | AgentState::Handling
            | AgentState::AfterCallWork
            | AgentState::BackingOff
            | AgentState::Occupied
            | AgentState::Unreachable => agent.activity.since(),
        }
    }

    /// How many agents are in this state.
    pub(crate) fn count(self, counts: &AgentCounts) -> u32 {
        match self {
            AgentState::Idle => counts.available,
            AgentState::Reserved => counts.reserved,
            AgentState::Handling => counts.handling,
            AgentState::AfterCallWork => counts.after_call_work,
            AgentState::BackingOff => counts.backing_off,
            AgentState::Occupied => counts.occupied,
            AgentState::Unreachable => counts.unreachable,
            AgentState::NotReady => counts.not_ready,
            AgentState::LoggedOut => counts.logged_out,
        }
    }

    /// Its place in [`AgentState::ALL`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

/// One agent as far as figures need it.
struct Agent {
    state: AgentState,
    /// A conversation that ended and whose after-call work did not.
    unfinished: Vec<Unfinished>,
}

/// A conversation that is over.
#[derive(Clone, Copy, Debug)]
struct Unfinished {
    interaction: InteractionId,
    queue: QueueId,
    handled_for: Duration,
    /// Its after-call work is not over.
    wraps_up: bool,
}

impl Unfinished {
    fn handled(&self) -> (QueueId, Duration) {
        (self.queue, self.handled_for)
    }
}

/// All agents.
pub(crate) struct Agents {
    agents: BTreeMap<AgentId, Agent>,
    counts: [u64; AgentState::ALL.len()],
    /// Until when time is counted.
    counted_until: Instant,
    /// Agent-microseconds not shown yet.
    passed: [u64; AgentState::ALL.len()],
    /// Agent-microseconds of the day.
    day: [u64; AgentState::ALL.len()],
    /// Whose conversation ended since the last flush.
    ended: Vec<AgentId>,
    overall: [IntGauge; AgentState::ALL.len()],
    seconds: [Counter; AgentState::ALL.len()],
    occupancy: Gauge,
    not_ready: BTreeMap<String, (IntGauge, Registration)>,
    in_hand: InHand,
    exposition: Exposition,
    _registration: Registration,
}

impl Agents {
    pub(crate) fn new(exposition: &Exposition, now: Instant) -> Agents {
        let mut group = Group::bare();
        Agents {
            agents: BTreeMap::new(),
            counts: Default::default(),
            counted_until: now,
            passed: Default::default(),
            day: Default::default(),
            ended: Vec::new(),
            overall: AgentState::ALL.map(|state| group.gauge(OVERALL, &[("state", state.name())])),
            seconds: AgentState::ALL.map(|state| group.seconds(SECONDS, &[("state", state.name())])),
            occupancy: group.real_gauge(OCCUPANCY, &[]),
            not_ready: BTreeMap::new(),
            in_hand: InHand::new(exposition),
            exposition: exposition.clone(),
            _registration: group.register(exposition.registry()),
        }
    }

    /// An agent is in another state than before, or new.
    pub(crate) fn change(&mut self, now: Instant, id: AgentId, presence: Presence, activity: Activity) {
        self.pass_time(now);
        let state = AgentState::of(presence, activity);
        let agent = self.agents.entry(id).or_insert_with(|| {
            self.counts[state.index()] += 1;
            Agent { state, unfinished: Vec::new() }
        });
        self.counts[agent.state.index()] -= 1;
        self.counts[state.index()] += 1;
        agent.state = state;
    }

    /// An agent is defined no longer. Gives back the conversations whose handle time was not counted yet.
    pub(crate) fn remove(&mut self, now: Instant, id: AgentId) -> Vec<(QueueId, Duration)> {
        self.pass_time(now);
        let Some(agent) = self.agents.remove(&id) else { return Vec::new() };
        self.counts[agent.state.index()] -= 1;
        agent.unfinished.iter().map(Unfinished::handled).collect()
    }

    /// A conversation ended; after-call work may follow. Gives it back where nobody knows the agent.
    pub(crate) fn end_conversation(
        &mut self,
        id: AgentId,
        interaction: InteractionId,
        queue: QueueId,
        handled_for: Duration,
    ) -> Option<(QueueId, Duration)> {
        let Some(agent) = self.agents.get_mut(&id) else { return Some((queue, handled_for)) };
        self.ended.push(id);
        agent.unfinished.push(Unfinished { interaction, queue, handled_for, wraps_up: false });
        None
    }

    /// After-call work follows a conversation.
    pub(crate) fn begin_after_call_work(&mut self, id: AgentId, interaction: InteractionId) {
        let unfinished = self.agents.get_mut(&id).map(|agent| agent.unfinished.iter_mut());
        let ended = unfinished.into_iter().flatten().rfind(|ended| ended.interaction == interaction);
        if let Some(ended) = ended {
            ended.wraps_up = true;
        }
    }

    /// After-call work ended: the conversation before it, whose handle time is known now.
    pub(crate) fn end_after_call_work(
        &mut self,
        id: AgentId,
        interaction: InteractionId,
    ) -> Option<(QueueId, Duration)> {
        let unfinished = &mut self.agents.get_mut(&id)?.unfinished;
        let is_it = |ended: &Unfinished| ended.wraps_up && ended.interaction == interaction;
        let index = unfinished.iter().position(is_it)?;
        Some(unfinished.remove(index).handled())
    }

    /// Conversations since the last flush that no after-call work followed.
    pub(crate) fn finished(&mut self) -> Vec<(QueueId, Duration)> {
        let mut finished = Vec::new();
        for id in self.ended.drain(..) {
            let Some(agent) = self.agents.get_mut(&id) else { continue };
            finished.extend(
                agent.unfinished.extract_if(.., |ended| !ended.wraps_up).map(|ended| ended.handled()),
            );
        }
        finished
    }

    /// Shows what was counted until now.
    pub(crate) fn flush(&mut self, now: Instant) {
        self.pass_time(now);
        for state in AgentState::ALL {
            let micros = std::mem::take(&mut self.passed[state.index()]);
            self.seconds[state.index()].inc_by(micros as f64 / 1e6);
            if state != AgentState::LoggedOut {
                // Who never logged in is known from snapshots only.
                self.overall[state.index()]
                    .set(i64::try_from(self.counts[state.index()]).unwrap_or(i64::MAX));
            }
        }
        self.occupancy.set(self.occupancy().unwrap_or(f64::NAN));
    }

    /// What the distributor itself says about all agents.
    pub(crate) fn set_snapshot(
        &mut self,
        now: Instant,
        agents: &[AgentSnapshot],
        names: &Names,
        calling_back: &BTreeSet<ReservationId>,
    ) {
        let mut logged_out = 0;
        let mut not_ready = BTreeMap::<&str, i64>::new();
        for agent in agents {
            let state = AgentState::of(agent.presence, agent.activity);
            if self.agents.get(&agent.agent).is_none_or(|known| known.state != state) {
                self.change(now, agent.agent, agent.presence, agent.activity);
            }
            match (state, agent.presence) {
                (AgentState::LoggedOut, _) => logged_out += 1,
                (AgentState::NotReady, Presence::NotReady(reason)) => {
                    *not_ready.entry(names.reason(reason)).or_default() += 1;
                }
                (_, Presence::LoggedOut | Presence::NotReady(_) | Presence::Ready) => {}
            }
        }
        self.overall[AgentState::LoggedOut.index()].set(logged_out);
        self.in_hand.set_snapshot(agents, calling_back);
        for (reason, (gauge, _)) in &self.not_ready {
            gauge.set(not_ready.get(reason.as_str()).copied().unwrap_or(0));
        }
    }

    /// Has a series for each reason and each channel, and for no other.
    pub(crate) fn set_names(&mut self, names: &Names) {
        self.in_hand.set_channels(names);
        let codes = names.reasons.keys().copied().chain([ReasonCode::MISSED]);
        let mut wanted: Vec<&str> = codes.map(|code| names.reason(code)).collect();
        wanted.push("other");
        self.not_ready.retain(|reason, _| wanted.contains(&reason.as_str()));
        for reason in wanted {
            if !self.not_ready.contains_key(reason) {
                let mut group = Group::new("reason", reason);
                let gauge = group.gauge(NOT_READY, &[]);
                self.not_ready.insert(reason.to_owned(), (gauge, group.register(self.exposition.registry())));
            }
        }
    }

    /// Of the day; `None` where nobody was at work.
    pub(crate) fn occupancy(&self) -> Option<f64> {
        let at = |state: AgentState| self.day[state.index()];
        let busy = at(AgentState::Handling) + at(AgentState::AfterCallWork);
        let all = busy + at(AgentState::Idle);
        (all > 0).then(|| busy as f64 / all as f64)
    }

    pub(crate) fn new_day(&mut self, now: Instant) {
        self.pass_time(now);
        self.day = Default::default();
    }

    fn pass_time(&mut self, now: Instant) {
        let Ok(elapsed) = u64::try_from(now.since(self.counted_until).as_micros()) else { return };
        if elapsed == 0 {
            return;
        }
        self.counted_until = now;
        for (index, count) in self.counts.iter().enumerate() {
            self.passed[index] = self.passed[index].saturating_add(count * elapsed);
            self.day[index] = self.day[index].saturating_add(count * elapsed);
        }
    }
}
