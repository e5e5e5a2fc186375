//! Agents by name, in a model whose agents have places and no names.

use std::time::Duration;

use acd::Otherwise;
use serde::{Deserialize, Serialize};

/// Agents whom customers want by name: [`acd::Wanted`], said before agents have numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The first of several comes first; 1 to [`acd::WANTED_MAX`]. `None`: somebody who stays at home that day, as who is
    /// beyond the end of the group does.
    pub agents: Vec<Option<Member>>,
    /// For how long after entry into the queue; `None`: without an end by time.
    pub within: Option<Duration>,
    /// What then.
    pub otherwise: Otherwise,
    /// They need not meet what is asked for.
    pub regardless_of_skills: bool,
}

/// An agent by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// The index of the group in [`crate::Model::groups`].
    pub group: usize,
    /// The place within the group, from 0.
    pub place: usize,
}

/// How a queue wants the agent again who served a customer last: as a preferred agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAgent {
    /// For so long after the conversation the agent is remembered.
    pub remember: Duration,
    /// For so long nobody else is offered the customer; zero: only at the moment of coming.
    pub wait: Duration,
}
