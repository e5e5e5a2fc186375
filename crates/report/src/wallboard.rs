//! What a wallboard shows, for the page, the API and the terminal.

use std::collections::BTreeSet;

use acd::{AgentSnapshot, Presence, QueueId, QueueSnapshot, ReservationId, Snapshot};
use serde::Serialize;
use timing::Instant;
use utoipa::ToSchema;

use crate::{
    AgentState, ChannelRow, EstimatedWait, EstimatedWaitError, Figures, Names, QueueName, WorkRow, WorkState,
    works,
};

/// The state of the contact centre at one moment, with names. Counts are of the day.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Wallboard {
    /// Every queue that has a name, by name; small and capital letters are alike.
    pub queues: Vec<QueueRow>,
    /// Every agent who has a name, by name; small and capital letters are alike.
    pub agents: Vec<AgentRow>,
    /// Of the day, over all agents: (talk + hold + after-call work) / (the same + idle), 0 to 1.
    pub occupancy: Option<f64>,
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct QueueRow {
    /// Its name.
    pub name: String,
    /// False while it is closed by its calendar; who comes then leaves at once.
    pub open: bool,
    /// Not answered yet, those for whom an agent is rung (by any of their queues) included. Who waits in several queues
    /// counts in each; who is to be called back in none.
    pub waiting: u32,
    /// Of these, for whom an agent is rung by this queue.
    pub ringing: u32,
    /// The longest wait of those waiting now; null where nobody waits.
    pub longest_wait_seconds: Option<f64>,
    /// Customers who have hung up to be called back, and with whom no conversation has begun.
    pub callbacks: u32,
    /// Conversations.
    pub in_progress: u32,
    /// Entered, and who waited when the day began; offered = answered + abandoned + overflowed + dequeued
    /// + called_back + callbacks_ended + waiting + callbacks.
    pub offered: u64,
    /// Reached an agent.
    pub answered: u64,
    /// Gave up.
    pub abandoned: u64,
    /// Of these, at once.
    pub short_abandons: u64,
    /// Left by rule.
    pub overflowed: u64,
    /// Left because of what became of them in another of their queues.
    pub dequeued: u64,
    /// Reached an agent by being called back; not among the answered.
    pub called_back: u64,
    /// Were to be called back, and were not.
    pub callbacks_ended: u64,
    /// How well it is served.
    pub service_level: ServiceLevelRow,
    /// The mean wait of those answered.
    pub average_speed_of_answer_seconds: Option<f64>,
    /// The mean of talk, hold and after-call work.
    pub average_handle_time_seconds: Option<f64>,
    /// How long somebody without priority would wait who entered now; as of the snapshot.
    pub estimated_wait: EstimatedWait,
    /// How far off such estimates were of late; null where none has been compared with a wait.
    pub estimated_wait_error: Option<EstimatedWaitError>,
    /// Agents who could serve it in any of its steps and are ready and without work. The measure of the same name of a rule of
    /// overflow counts those alone who could take a newcomer.
    pub agents_idle: u32,
    /// Agents who could serve it in any of its steps and are logged in.
    pub agents_here: u32,
}

/// A queue's service level and what it should be.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ServiceLevelRow {
    /// How abandoned calls count: see docs/metrics.md.
    pub variant: &'static str,
    /// 0 to 1; null where nothing counts yet.
    pub ratio: Option<f64>,
    /// 0 to 1.
    pub target: f64,
    /// The threshold.
    pub within_seconds: f64,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AgentRow {
    /// The id in the configuration.
    pub id: String,
    /// The name.
    pub name: String,
    /// `idle`, `reserved`, `calling_back` (the phone of a customer rings who is called back), `handling`, `after_call_work`, `backing_off`, `occupied`, `unreachable`, `not_ready` or `logged_out`.
    pub state: &'static str,
    /// Why not ready; said also while work is in hand.
    pub reason: Option<String>,
    /// The queue of the interaction that the state speaks of: the first of `works`.
    pub queue: Option<String>,
    /// Since the state began.
    pub since_seconds: f64,
    /// All that is in hand, what is in the foreground first: that is what `state`, `queue` and `since_seconds` say. Most
    /// agents have one at most.
    pub works: Vec<WorkRow>,
    /// How much of each channel is in hand, and how much more could be.
    pub channels: Vec<ChannelRow>,
    /// Interactions answered since log-in.
    pub handled: u32,
}

impl Wallboard {
    /// The board at `now`, from what was published last: waits and states are as old as they are now.
    pub fn new(now: Instant, snapshot: &Snapshot, figures: &Figures, names: &Names) -> Wallboard {
        let queue =
            |queue: &QueueSnapshot| Some(queue_row(now, queue, names.queues.get(&queue.queue)?, figures));
        let mut queues: Vec<QueueRow> = snapshot.queues.iter().filter_map(queue).collect();
        queues.sort_by_cached_key(|row| (row.name.to_lowercase(), row.name.clone()));
        let agent = |agent: &AgentSnapshot| agent_row(now, agent, names, &figures.calling_back);
        let mut agents: Vec<AgentRow> = snapshot.agents.iter().filter_map(agent).collect();
        agents.sort_by_cached_key(|row| (row.name.to_lowercase(), row.name.clone(), row.id.clone()));
        Wallboard { queues, agents, occupancy: figures.occupancy }
    }
}

impl QueueRow {
    /// One queue of the board; `None` where it has no name or was not published yet.
    pub fn find(
        now: Instant,
        queue: QueueId,
        snapshot: &Snapshot,
        figures: &Figures,
        names: &Names,
    ) -> Option<QueueRow> {
        let seen = snapshot.queues.iter().find(|seen| seen.queue == queue)?;
        Some(queue_row(now, seen, names.queues.get(&queue)?, figures))
    }
}

fn queue_row(now: Instant, queue: &QueueSnapshot, name: &QueueName, figures: &Figures) -> QueueRow {
    let variant = figures.service_level;
    let figures = figures.queues.get(&queue.queue).cloned().unwrap_or_default();
    let tally = figures.tally;
    let callbacks = u32::try_from(figures.callbacks).unwrap_or(u32::MAX);
    QueueRow {
        name: name.name.clone(),
        open: queue.open,
        waiting: (queue.waiting + queue.reserved + queue.elsewhere)
            .saturating_sub(callbacks.saturating_sub(queue.callbacks_resting)),
        callbacks,
        ringing: queue.reserved,
        longest_wait_seconds: figures.oldest.map(|entered| now.since(entered).as_secs_f64()),
        in_progress: queue.handling,
        offered: tally.offered,
        answered: tally.answered,
        abandoned: tally.abandoned,
        short_abandons: tally.short_abandons,
        overflowed: tally.overflowed,
        dequeued: tally.dequeued,
        called_back: tally.called_back,
        callbacks_ended: tally.callbacks_ended,
        service_level: ServiceLevelRow {
            variant: variant.name(),
            ratio: variant.of(&tally),
            target: name.target,
            within_seconds: name.threshold.as_secs_f64(),
        },
        average_speed_of_answer_seconds: tally.average_speed_of_answer().map(|wait| wait.as_secs_f64()),
        average_handle_time_seconds: tally.average_handle_time().map(|time| time.as_secs_f64()),
        estimated_wait: EstimatedWait::new(&queue.estimate),
        estimated_wait_error: EstimatedWaitError::new(&queue.accuracy),
        agents_idle: queue.agents.available,
        agents_here: queue.agents.here(),
    }
}

fn agent_row(
    now: Instant,
    agent: &AgentSnapshot,
    names: &Names,
    calling_back: &BTreeSet<ReservationId>,
) -> Option<AgentRow> {
    let name = names.agents.get(&agent.agent)?;
    let reason = match agent.presence {
        Presence::NotReady(reason) => Some(names.reason_name(reason).to_owned()),
        Presence::LoggedOut | Presence::Ready => None,
    };
    let state = AgentState::of(agent.presence, agent.activity);
    let row = |work| WorkRow::new(work, now, names, calling_back);
    let works: Vec<WorkRow> = works(agent).into_iter().map(row).collect();
    // A phone of the customer rings, not one of the agent.
    let calls_back = works.first().is_some_and(|work| work.state == WorkState::CallingBack);
    let shown = if calls_back && state == AgentState::Reserved {
        WorkState::CallingBack.name()
    } else {
        state.name()
    };
    Some(AgentRow {
        id: name.id.clone(),
        name: name.name.clone(),
        state: shown,
        reason,
        queue: works.first().and_then(|work| work.queue.clone()),
        since_seconds: now.since(state.since(agent)).as_secs_f64(),
        works,
        channels: ChannelRow::list(agent, names),
        handled: agent.handled,
    })
}
