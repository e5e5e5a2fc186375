//! Agents: what they want, what the system does with them, and what can be asked of them.

use std::time::Duration;

use acd::{Activity, AgentSnapshot, Presence};
use report::AgentName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// What the system does with the agent.
    pub activity: ActivityName,
    /// When the activity began (RFC 3339).
    pub since: String,
    /// How long ago that was.
    pub since_seconds: f64,
    /// When the activity ends by itself, where it does.
    pub until: Option<String>,
    /// The interaction in conversation or in after-call work.
    pub interaction: Option<u64>,
    /// Interactions answered since log-in.
    pub handled: u32,
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
}

impl Agent {
    /// An agent as the distributor knows them.
    pub fn new(seen: &AgentSnapshot, name: &AgentName, words: &Words<'_>) -> Agent {
        let (presence, reason) = match seen.presence {
            Presence::LoggedOut => (PresenceName::LoggedOut, None),
            Presence::NotReady(reason) => (PresenceName::NotReady, Some(words.reason(reason))),
            Presence::Ready => (PresenceName::Ready, None),
        };
        let (activity, until, interaction) = match seen.activity {
            Activity::Idle { .. } => (ActivityName::Idle, None, None),
            Activity::Reserved { .. } => (ActivityName::Reserved, None, None),
            Activity::Handling { interaction, .. } => (ActivityName::Handling, None, Some(interaction.0)),
            Activity::AfterCallWork { interaction, until, .. } => {
                (ActivityName::AfterCallWork, Some(until), Some(interaction.0))
            }
            Activity::BackingOff { until, .. } => (ActivityName::BackingOff, Some(until), None),
            Activity::Occupied { .. } => (ActivityName::Occupied, None, None),
        };
        let since = seen.activity.since();
        Agent {
            id: name.id.clone(),
            name: name.name.clone(),
            presence,
            presence_since: words.time(seen.presence_since),
            reason,
            activity,
            since: words.time(since),
            since_seconds: words.ago(since),
            until: until.map(|until| words.time(until)),
            interaction,
            handled: seen.handled,
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
    /// Why not ready: the id of one of the `[[reason]]`s. With `not_ready`, and only with it.
    #[serde(default)]
    #[schema(example = "lunch")]
    pub reason: Option<String>,
}

impl PresenceWish {
    /// In the distributor's terms.
    ///
    /// # Errors
    /// Where the reason is missing, unknown or out of place.
    pub fn presence(&self, words: &Words<'_>) -> Result<Presence, Problem> {
        let reasons = || {
            let ids: Vec<&str> = words.names.reasons.values().map(|reason| reason.id.as_str()).collect();
            match ids.as_slice() {
                [] => "add a [[reason]] to the configuration first: there is none".to_owned(),
                ids => format!("use one of: {}", ids.join(", ")),
            }
        };
        match (self.presence, self.reason.as_deref()) {
            (PresenceName::Ready, None) => Ok(Presence::Ready),
            (PresenceName::LoggedOut, None) => Ok(Presence::LoggedOut),
            (PresenceName::Ready | PresenceName::LoggedOut, Some(_)) => {
                Err(Problem::unusable("a `reason` goes with `not_ready` only", "leave `reason` out"))
            }
            (PresenceName::NotReady, None) => {
                Err(Problem::unusable("`not_ready` needs a `reason`", reasons()))
            }
            (PresenceName::NotReady, Some(id)) => match words.find_reason(id) {
                Some(reason) => Ok(Presence::NotReady(reason)),
                None => Err(Problem::unusable(format!("there is no reason `{id}`"), reasons())),
            },
        }
    }
}

/// How much longer after-call work shall last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// Added to its end; it never grows beyond `after_call_work_max` of `[routing]` in all.
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
