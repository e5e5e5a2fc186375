//! Whom an interaction wanted by name.

use acd::WantedEnd;
use engine::{Story, WishCause};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Words;
use crate::words::seconds;

/// The agents whom an interaction wanted by name in its first queue.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct WantedAgents {
    /// Why.
    pub cause: WantedCause,
    /// Who, the first first.
    pub agents: Vec<String>,
    /// How long after entry nobody else was to be offered it; null: without an end.
    pub wait_seconds: Option<f64>,
    /// How that was over; null while it goes on, where one of them took it, and where it left that queue.
    pub over: Option<WantedOver>,
}

/// Why an interaction wanted agents by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WantedCause {
    /// The number dialled is the agent's own: `agent` of the entry.
    DirectNumber,
    /// The number dialled prefers them: `prefer_agents` of the entry.
    Preferred,
    /// The agent served the caller last: `last_agent` of the queue.
    LastAgent,
}

/// How an interaction ceased to want agents by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WantedOver {
    /// When (RFC 3339).
    pub at: String,
    /// Why.
    pub cause: WantedOverName,
}

/// Why an interaction was for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WantedOverName {
    /// None of them could have taken it even when free: logged out, not skilled for it, or just declined.
    Absent,
    /// The time was over.
    TimedOut,
}

impl WantedAgents {
    pub(crate) fn of(story: &Story, words: &Words<'_>) -> Option<WantedAgents> {
        let wish = story.wish?;
        let cause = match wish.cause {
            WishCause::DirectNumber => WantedCause::DirectNumber,
            WishCause::Preferred => WantedCause::Preferred,
            WishCause::LastAgent => WantedCause::LastAgent,
        };
        let over = |(at, end)| WantedOver {
            at: words.time(at),
            cause: match end {
                WantedEnd::Absent => WantedOverName::Absent,
                WantedEnd::TimedOut => WantedOverName::TimedOut,
            },
        };
        Some(WantedAgents {
            cause,
            agents: wish.wanted.names().map(|agent| words.agent(agent)).collect(),
            wait_seconds: wish.wanted.within.map(seconds),
            over: story.wish_ended.map(over),
        })
    }
}
