//! What the wallboard shows, as JSON.

use std::collections::BTreeMap;

use acd::{Activity, AgentId, AgentSnapshot, Presence, QueueId, QueueSnapshot, ReasonCode, Snapshot};
use serde::Serialize;
use timing::Instant;
use utoipa::ToSchema;

use crate::clock::Clock;
use crate::phase::Phase;

/// What people call the things that the machines know by number. Published anew at each reload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Titles {
    /// Queues by id.
    pub queues: BTreeMap<QueueId, QueueTitle>,
    /// Agents by id.
    pub agents: BTreeMap<AgentId, AgentTitle>,
    /// Reasons for not being ready.
    pub reasons: BTreeMap<ReasonCode, String>,
}

/// A queue as people know it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueTitle {
    /// Its name in the configuration.
    pub name: String,
    /// The share that shall be answered in time, 0 to 1.
    pub target: f64,
    /// What in time means, in seconds.
    pub within_seconds: f64,
}

/// An agent as people know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentTitle {
    /// The id in the configuration.
    pub id: String,
    /// The name.
    pub name: String,
}

/// The state of the contact centre now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Board {
    /// `starting`, `serving` or `draining`.
    pub phase: &'static str,
    /// Since the process started.
    pub uptime_seconds: f64,
    /// How old the figures are; they are renewed when something changes.
    pub age_seconds: f64,
    /// Every queue, by name.
    pub queues: Vec<QueueRow>,
    /// Every agent, by name.
    pub agents: Vec<AgentRow>,
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct QueueRow {
    /// Its name.
    pub name: String,
    /// Callers who wait, those for whom an agent is rung included.
    pub waiting: u32,
    /// Of these, for whom an agent is rung.
    pub ringing: u32,
    /// The longest wait of those for whom nobody is rung; null where there is none.
    pub longest_wait_seconds: Option<f64>,
    /// Conversations.
    pub in_progress: u32,
    /// Entered since the queue was defined; offered = answered + abandoned + overflowed + waiting.
    pub offered: u64,
    /// Reached an agent.
    pub answered: u64,
    /// Gave up.
    pub abandoned: u64,
    /// Left by rule.
    pub overflowed: u64,
    /// How well it is served.
    pub service_level: ServiceLevelRow,
}

/// A queue's service level and what it should be.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ServiceLevelRow {
    /// Which of the definitions in docs/metrics.md.
    pub variant: &'static str,
    /// 0 to 1; null where nothing counts yet.
    pub ratio: Option<f64>,
    /// 0 to 1.
    pub target: f64,
    /// The threshold.
    pub within_seconds: f64,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgentRow {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// `idle`, `reserved`, `handling`, `after_call_work`, `backing_off`, `occupied`, `not_ready` or `logged_out`.
    pub state: &'static str,
    /// Why not ready.
    pub reason: Option<String>,
    /// The queue of the conversation or of the after-call work, where it is known.
    pub queue: Option<String>,
    /// Since the activity began.
    pub since_seconds: u64,
    /// Interactions answered since log-in.
    pub handled: u32,
}

/// A queue's service level as the report knows it: the name of the variant and the ratio.
pub type ServiceLevels = BTreeMap<QueueId, f64>;

/// The definition that the wallboard shows.
pub const SERVICE_LEVEL_VARIANT: &str = "answered_within / (answered + abandoned_after)";

impl Board {
    /// The board at this moment: what was published, with waits and states as old as they are now.
    pub fn at(clock: Clock, phase: Phase, snapshot: &Snapshot, titles: &Titles, levels: &ServiceLevels) -> Board {
        let now = clock.now();
        let mut queues: Vec<QueueRow> = snapshot
            .queues
            .iter()
            .filter_map(|queue| Some(queue_row(now, snapshot.at, queue, titles.queues.get(&queue.queue)?, levels)))
            .collect();
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        let mut agents: Vec<AgentRow> =
            snapshot.agents.iter().filter_map(|agent| agent_row(now, agent, titles)).collect();
        agents.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Board {
            phase: phase.name(),
            uptime_seconds: clock.uptime().as_secs_f64(),
            age_seconds: now.since(snapshot.at).as_secs_f64(),
            queues,
            agents,
        }
    }
}

fn queue_row(
    now: Instant,
    taken: Instant,
    queue: &QueueSnapshot,
    title: &QueueTitle,
    levels: &ServiceLevels,
) -> QueueRow {
    // A wait goes on while nothing is published.
    let longest = queue.longest_wait + now.since(taken);
    QueueRow {
        name: title.name.clone(),
        waiting: queue.waiting + queue.reserved,
        ringing: queue.reserved,
        longest_wait_seconds: (queue.waiting > 0).then_some(longest.as_secs_f64()),
        in_progress: queue.handling,
        offered: queue.counters.offered,
        answered: queue.counters.answered,
        abandoned: queue.counters.abandoned,
        overflowed: queue.counters.overflowed,
        service_level: ServiceLevelRow {
            variant: SERVICE_LEVEL_VARIANT,
            ratio: levels.get(&queue.queue).copied(),
            target: title.target,
            within_seconds: title.within_seconds,
        },
    }
}

fn agent_row(now: Instant, agent: &AgentSnapshot, titles: &Titles) -> Option<AgentRow> {
    let title = titles.agents.get(&agent.agent)?;
    let reason = match agent.presence {
        Presence::NotReady(reason) => Some(titles.reasons.get(&reason).cloned().unwrap_or_else(|| reason_name(reason))),
        Presence::LoggedOut | Presence::Ready => None,
    };
    let queue = match agent.activity {
        Activity::AfterCallWork { queue, .. } => titles.queues.get(&queue).map(|queue| queue.name.clone()),
        Activity::Idle { .. }
        | Activity::Reserved { .. }
        | Activity::Handling { .. }
        | Activity::BackingOff { .. }
        | Activity::Occupied { .. } => None,
    };
    Some(AgentRow {
        id: title.id.clone(),
        name: title.name.clone(),
        state: state_name(agent.presence, agent.activity),
        reason,
        queue,
        since_seconds: now.since(agent.activity.since()).as_secs(),
        handled: agent.handled,
    })
}

fn reason_name(reason: ReasonCode) -> String {
    if reason == ReasonCode::MISSED { "missed calls".to_owned() } else { reason.0.to_string() }
}

/// What the agent is doing, or else wants, in one word: the order of [`acd::AgentCounts`].
fn state_name(presence: Presence, activity: Activity) -> &'static str {
    match (activity, presence) {
        (Activity::Reserved { .. }, _) => "reserved",
        (Activity::Handling { .. }, _) => "handling",
        (Activity::AfterCallWork { .. }, _) => "after_call_work",
        (Activity::Occupied { .. }, _) => "occupied",
        (Activity::Idle { .. } | Activity::BackingOff { .. }, Presence::LoggedOut) => "logged_out",
        (Activity::Idle { .. } | Activity::BackingOff { .. }, Presence::NotReady(_)) => "not_ready",
        (Activity::Idle { .. }, Presence::Ready) => "idle",
        (Activity::BackingOff { .. }, Presence::Ready) => "backing_off",
    }
}
