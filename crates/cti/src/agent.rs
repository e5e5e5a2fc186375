//! Agents: what they want, what the system does with them, and what can be asked of them.

use std::time::Duration;

use acd::{Activity, AgentSnapshot, Presence, ReasonCode, SupervisorId, Work, WorkStage};
use report::{AgentName, ChannelRow, WorkState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::seconds;
use crate::{Problem, Words};

/// An agent at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Agent {
    /// The id in the configuration.
    #[schema(example = "kim")]
    pub id: String,
    /// The name.
    #[schema(example = "Kim Minji")]
    pub name: String,
    /// What the agent wants.
    pub presence: PresenceName,
    /// Since when (RFC 3339).
    pub presence_since: String,
    /// Why not ready: the id of a reason, or `missed` after too many missed calls in a row.
    #[schema(example = "lunch")]
    pub reason: Option<String>,
    /// Where the presence is not the agent's own wish: who forced it and why.
    pub forced: Option<Forced>,
    /// What the system does with the agent: of several interactions in hand the one in the foreground, which is the first
    /// of `works`.
    pub activity: ActivityName,
    /// When the activity began (RFC 3339).
    pub since: String,
    /// How long ago that was.
    pub since_seconds: f64,
    /// When the activity ends by itself, where it does.
    pub until: Option<String>,
    /// All that is in hand, what is in the foreground first: the conversation of the channel answered last that began
    /// first, else its after-call work, else what rings. The others in the order in which they came.
    pub works: Vec<AgentWork>,
    /// How much of each channel is in hand, and how much more could be.
    pub channels: Vec<ChannelRow>,
    /// Interactions answered since log-in.
    pub handled: u32,
    /// The share of the time since log-in in conversation and after-call work, 0 to 1, as it was when the agent last
    /// became available: what the strategy `least-occupied` goes by.
    #[schema(example = 0.25)]
    pub occupancy: f64,
}

/// An interaction that an agent has in hand.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AgentWork {
    /// Its number.
    pub interaction: u64,
    /// The queue that it came from.
    #[schema(example = "billing")]
    pub queue: String,
    /// Of that queue.
    #[schema(example = "voice")]
    pub channel: String,
    /// How far it is.
    pub state: WorkState,
    /// When that began (RFC 3339); of an interrupted conversation when the conversation began.
    pub since: String,
    /// How long ago that was.
    pub since_seconds: f64,
    /// When it ends by itself, where it does: after-call work.
    pub until: Option<String>,
    /// How much of the conversation it was interrupted by work of other channels, until now.
    pub interrupted_seconds: f64,
}

/// A presence that a supervisor has given an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Forced {
    /// What the agent shall be. The agent's `presence` may be another, where the phone has gone away since.
    pub presence: PresenceName,
    /// Who forced it: the id of a supervisor.
    #[schema(example = "park")]
    pub by: String,
    /// Why: the id of a reason.
    #[schema(example = "coaching")]
    pub reason: String,
    /// Since when (RFC 3339).
    pub since: String,
}

/// Every agent, by id.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Agents {
    /// When it was so (RFC 3339): at most a quarter of a second ago while things change.
    pub as_of: String,
    /// The agents.
    pub agents: Vec<Agent>,
}

/// What an agent wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceName {
    /// Here for work.
    Ready,
    /// Here, but no new work.
    NotReady,
    /// Not here; with a conversation in hand: after its end.
    LoggedOut,
}

/// What the system does with an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityName {
    /// Nothing.
    Idle,
    /// The phones ring.
    Reserved,
    /// In conversation.
    Handling,
    /// Wrapping up.
    AfterCallWork,
    /// Left alone for a while after a call that was not taken.
    BackingOff,
    /// Busy with something that was not distributed.
    Occupied,
    /// Nothing, and no phone of theirs is there: nothing is offered.
    Unreachable,
}

impl PresenceName {
    fn of(presence: Presence) -> PresenceName {
        match presence {
            Presence::LoggedOut => PresenceName::LoggedOut,
            Presence::NotReady(_) => PresenceName::NotReady,
            Presence::Ready => PresenceName::Ready,
        }
    }
}

impl Forced {
    fn new(forced: &acd::Forced, words: &Words<'_>) -> Forced {
        Forced {
            presence: PresenceName::of(forced.presence),
            by: words.supervisor(forced.by),
            reason: words.reason(forced.why),
            since: words.time(forced.since),
        }
    }
}

impl Agent {
    /// An agent as the distributor knows them.
    pub fn new(seen: &AgentSnapshot, name: &AgentName, words: &Words<'_>) -> Agent {
        let reason = match seen.presence {
            Presence::LoggedOut | Presence::Ready => None,
            Presence::NotReady(reason) => Some(words.reason(reason)),
        };
        let (activity, until) = match seen.activity {
            Activity::Idle { .. } => (ActivityName::Idle, None),
            Activity::Reserved { .. } => (ActivityName::Reserved, None),
            Activity::Handling { .. } => (ActivityName::Handling, None),
            Activity::AfterCallWork { until, .. } => (ActivityName::AfterCallWork, Some(until)),
            Activity::BackingOff { until, .. } => (ActivityName::BackingOff, Some(until)),
            Activity::Occupied { .. } => (ActivityName::Occupied, None),
            Activity::Unreachable { .. } => (ActivityName::Unreachable, None),
        };
        let since = seen.activity.since();
        Agent {
            id: name.id.clone(),
            name: name.name.clone(),
            presence: PresenceName::of(seen.presence),
            presence_since: words.time(seen.presence_since),
            reason,
            forced: seen.forced.as_ref().map(|forced| Forced::new(forced, words)),
            activity,
            since: words.time(since),
            since_seconds: words.ago(since),
            until: until.map(|until| words.time(until)),
            works: report::works(seen).into_iter().map(|work| AgentWork::new(work, words)).collect(),
            channels: ChannelRow::list(seen, words.names),
            handled: seen.handled,
            occupancy: f64::from(seen.occupancy) / 1_000_000.0,
        }
    }
}

impl AgentWork {
    fn new(work: &Work, words: &Words<'_>) -> AgentWork {
        let (until, interrupted) = match work.stage {
            WorkStage::Reserved { .. } => (None, Duration::ZERO),
            WorkStage::Handling { interrupted, .. } => (None, interrupted.until(words.now)),
            WorkStage::AfterCallWork { until, .. } => (Some(until), Duration::ZERO),
        };
        AgentWork {
            interaction: work.interaction.0,
            queue: words.queue(work.queue),
            channel: words.names.channel(work.channel),
            state: WorkState::of(work, words.calling_back),
            since: words.time(work.since()),
            since_seconds: words.ago(work.since()),
            until: until.map(|until| words.time(until)),
            interrupted_seconds: seconds(interrupted),
        }
    }
}

impl Agents {
    /// All who have a name, as the distributor last published them.
    pub fn new(snapshot: &acd::Snapshot, words: &Words<'_>) -> Agents {
        let named = |seen: &AgentSnapshot| {
            words.names.agents.get(&seen.agent).map(|name| Agent::new(seen, name, words))
        };
        let mut agents: Vec<Agent> = snapshot.agents.iter().filter_map(named).collect();
        agents.sort_by(|a, b| a.id.cmp(&b.id));
        Agents { as_of: words.time(snapshot.at), agents }
    }
}

/// What an agent shall want from now on. Logs in or out where that is needed; saying it twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PresenceWish {
    /// The wish.
    pub presence: PresenceName,
    /// Why: the id of one of the `[[reason]]`s. With `not_ready` and with `forced_by`, and only with them.
    #[serde(default)]
    #[schema(example = "lunch")]
    pub reason: Option<String>,
    /// The id of one of the `[[supervisor]]`s, who wants it against the agent's own wish. It is done whatever the
    /// agent wants, and kept with the reason until the agent (where `forced_presence` of `[routing]` lets them) or a
    /// supervisor changes it.
    #[serde(default)]
    #[schema(example = "park")]
    pub forced_by: Option<String>,
}

impl PresenceWish {
    /// In the distributor's terms.
    ///
    /// # Errors
    /// Where the reason is missing, unknown or out of place.
    pub fn presence(&self, words: &Words<'_>) -> Result<Presence, Problem> {
        let has_forced = self.forced_by.is_some();
        match (self.presence, self.reason.as_deref()) {
            (PresenceName::Ready | PresenceName::LoggedOut, Some(_)) if !has_forced => {
                Err(Problem::unusable(
                    "a `reason` goes with `not_ready`, or with `forced_by`, only",
                    "leave `reason` out",
                ))
            }
            (PresenceName::Ready, _) => Ok(Presence::Ready),
            (PresenceName::LoggedOut, _) => Ok(Presence::LoggedOut),
            (PresenceName::NotReady, _) => Ok(Presence::NotReady(self.find_reason("not_ready", words)?)),
        }
    }

    /// Who forces it and why, where it is forced.
    ///
    /// # Errors
    /// Where the supervisor is unknown, or the reason missing or unknown.
    pub fn forced(&self, words: &Words<'_>) -> Result<Option<(SupervisorId, ReasonCode)>, Problem> {
        let Some(id) = self.forced_by.as_deref() else { return Ok(None) };
        let Some(supervisor) = words.find_supervisor(id) else {
            let ids = words.names.supervisors.values().map(|supervisor| supervisor.id.as_str());
            let remedy = one_of(ids, "supervisor");
            return Err(Problem::unusable(format!("there is no supervisor `{id}`"), remedy));
        };
        Ok(Some((supervisor, self.find_reason("forced_by", words)?)))
    }

    fn find_reason(&self, needed_by: &str, words: &Words<'_>) -> Result<ReasonCode, Problem> {
        let remedy = || one_of(words.names.reasons.values().map(|reason| reason.id.as_str()), "reason");
        let Some(id) = self.reason.as_deref() else {
            return Err(Problem::unusable(format!("`{needed_by}` needs a `reason`"), remedy()));
        };
        words.find_reason(id).ok_or_else(|| Problem::unusable(format!("there is no reason `{id}`"), remedy()))
    }
}

/// What to do about a name that is not one of these.
pub(crate) fn one_of<'a>(ids: impl Iterator<Item = &'a str>, table: &str) -> String {
    let ids: Vec<&str> = ids.collect();
    match ids.as_slice() {
        [] => format!("add a [[{table}]] to the configuration first: there is none"),
        ids => format!("use one of: {}", ids.join(", ")),
    }
}

/// Which after-call work is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AfterCallWorkEnd {
    /// Of which interaction; without it, the one that began first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 42)]
    pub interaction: Option<u64>,
}

/// How much longer after-call work shall last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// Of which interaction; without it, the after-call work that began first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 42)]
    pub interaction: Option<u64>,
    /// Added to its end; it never grows beyond `after_call_work_max` of the queue and of `[routing]` in all.
    #[schema(minimum = 1, maximum = 86_400, example = 60)]
    pub seconds: u32,
}

impl Extension {
    /// The longest extension in one request.
    const MAX: u32 = 86_400;

    /// The time to add.
    ///
    /// # Errors
    /// Where it is nothing, or more than a day.
    pub fn duration(self) -> Result<Duration, Problem> {
        if (1..=Extension::MAX).contains(&self.seconds) {
            Ok(Duration::from_secs(u64::from(self.seconds)))
        } else {
            let detail = format!("`seconds` is {}; it must be 1 to {}", self.seconds, Extension::MAX);
            Err(Problem::unusable(detail, "say how many seconds longer the after-call work shall last"))
        }
    }
}
