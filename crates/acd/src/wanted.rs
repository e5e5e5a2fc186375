//! Agents by name: whom an interaction wants, for how long, and what becomes of it without them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{AgentId, Exit, Invalid};

/// The most agents that one interaction can want by name.
pub const WANTED_MAX: usize = 4;

/// The agents whom an interaction wants by name. Until that is over nobody else is offered it, however long they are
/// idle. It keeps its place, and competes for each of these agents with whoever else waits for them.
///
/// The two uses have names of their own in the trade. A **preferred agent** (the last one, the one who knows the
/// account): a short [`Wanted::within`], then [`Otherwise::Anybody`]. **Direct to agent** (a personal number):
/// [`Wanted::regardless_of_skills`], then [`Otherwise::Exit`] or [`Otherwise::Stay`].
///
/// It is said for one queue: an interaction that goes on into another wants nobody any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wanted {
    /// At least one, none twice. Of several who are available the first named takes it.
    pub agents: [Option<AgentId>; WANTED_MAX],
    /// How long after entry into the queue. Zero: only at that moment. `None`: no end by time.
    pub within: Option<Duration>,
    /// What then, and as soon as none of the agents could take it even when free: none is logged in, has not declined
    /// it, and is fit for it.
    pub otherwise: Otherwise,
    /// They need not meet what the queue, or the interaction itself, asks for.
    pub regardless_of_skills: bool,
}

/// What becomes of an interaction that the agents whom it wants do not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Otherwise {
    /// Anybody may take it whom the queue accepts, from then on.
    Anybody,
    /// It leaves its queue. Where the exit cannot be used, anybody may take it.
    Exit(Exit),
    /// It waits on for them, whether they are there or not, until its customer or a rule of its queue ends that. Goes
    /// with `within: None`.
    Stay,
}

impl Wanted {
    /// One agent for so long, then anybody.
    pub fn preferred(agent: AgentId, within: Duration) -> Wanted {
        Wanted {
            agents: only(agent),
            within: Some(within),
            otherwise: Otherwise::Anybody,
            regardless_of_skills: false,
        }
    }

    /// One agent and nobody else.
    pub fn direct(agent: AgentId, within: Option<Duration>, otherwise: Otherwise) -> Wanted {
        Wanted { agents: only(agent), within, otherwise, regardless_of_skills: true }
    }

    /// Where an agent stands among those who are wanted, counted from 0.
    pub fn place(&self, agent: AgentId) -> Option<u8> {
        (0..).zip(&self.agents).find(|&(_, &name)| name == Some(agent)).map(|(place, _)| place)
    }

    /// The agents, in their order.
    pub fn names(&self) -> impl Iterator<Item = AgentId> {
        self.agents.into_iter().flatten()
    }

    /// Whether the rule of a queue that nobody serves spares it: its agents may be there although the queue has none.
    pub(crate) fn has_agents(&self) -> bool {
        match self.otherwise {
            Otherwise::Anybody | Otherwise::Exit(_) => true,
            Otherwise::Stay => false,
        }
    }

    /// Whether it can be wanted.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let is_repeated = |agent| self.names().filter(|&other| other == agent).count() > 1;
        if self.names().next().is_none() || self.names().any(is_repeated) {
            return Err(Invalid::WantedAgents);
        }
        if self.otherwise == Otherwise::Stay && self.within.is_some() {
            return Err(Invalid::StayAndEnd);
        }
        Ok(())
    }
}

fn only(agent: AgentId) -> [Option<AgentId>; WANTED_MAX] {
    let mut agents = [None; WANTED_MAX];
    agents[0] = Some(agent);
    agents
}
