//! What people call the things that the machines know by number.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::{AgentId, Channel, QueueId, ReasonCode, SkillId, SupervisorId};

/// Names out of the configuration. Given at the start and at each reload; only what changed is touched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    /// Queues. A queue without a name has no series.
    pub queues: BTreeMap<QueueId, QueueName>,
    /// Agents; for the wallboard only, never a label.
    pub agents: BTreeMap<AgentId, AgentName>,
    /// Reasons for not being ready.
    pub reasons: BTreeMap<ReasonCode, ReasonName>,
    /// Supervisors; never a label.
    pub supervisors: BTreeMap<SupervisorId, SupervisorName>,
    /// Channels beside [`acd::Channel::VOICE`], which has its name without a configuration.
    pub channels: BTreeMap<Channel, String>,
    /// Skills that an agent has or that something asks for; never a label.
    pub skills: BTreeMap<SkillId, String>,
    /// What is configured no longer; never a label.
    pub former: FormerNames,
}

/// The last names of what the configuration has no longer: records of calls, and calls that go on, still speak of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormerNames {
    /// Queues.
    pub queues: BTreeMap<QueueId, String>,
    /// Ids of agents.
    pub agents: BTreeMap<AgentId, String>,
    /// Ids of reasons.
    pub reasons: BTreeMap<ReasonCode, String>,
    /// Ids of supervisors.
    pub supervisors: BTreeMap<SupervisorId, String>,
    /// Channels.
    pub channels: BTreeMap<Channel, String>,
    /// Skills.
    pub skills: BTreeMap<SkillId, String>,
}

/// A queue as people know it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueName {
    /// The value of the label `queue`.
    pub name: String,
    /// What "answered in time" means: up to and including this wait.
    pub threshold: Duration,
    /// The share that shall be answered in time, 0 to 1.
    pub target: f64,
}

/// An agent as people know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentName {
    /// The id in the configuration.
    pub id: String,
    /// The name.
    pub name: String,
}

/// A reason for not being ready as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonName {
    /// The id in the configuration.
    pub id: String,
    /// The name.
    pub name: String,
}

/// A supervisor as people know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisorName {
    /// The id in the configuration.
    pub id: String,
    /// The name.
    pub name: String,
}

/// The name of the channel of calls.
const VOICE: &str = "voice";

impl Names {
    /// The name of a queue, or the last that it had.
    pub fn queue(&self, queue: QueueId) -> Option<&str> {
        let present = self.queues.get(&queue).map(|queue| &queue.name);
        present.or_else(|| self.former.queues.get(&queue)).map(String::as_str)
    }

    /// The id of an agent, or the last that they had.
    pub fn agent(&self, agent: AgentId) -> Option<&str> {
        let present = self.agents.get(&agent).map(|agent| &agent.id);
        present.or_else(|| self.former.agents.get(&agent)).map(String::as_str)
    }

    /// The name of a channel, or the last that it had; its number where it never had one.
    pub fn channel(&self, channel: Channel) -> String {
        match self.channels.get(&channel).or_else(|| self.former.channels.get(&channel)) {
            Some(name) => name.clone(),
            None if channel == Channel::VOICE => VOICE.to_owned(),
            None => format!("#{}", channel.0),
        }
    }

    /// The values of the label `queue`, each once: where two queues have the same name, the later one gets its
    /// number as well, so that neither is lost.
    pub(crate) fn queue_labels(&self) -> BTreeMap<QueueId, String> {
        let mut taken = BTreeSet::new();
        let mut labels = BTreeMap::new();
        for (&queue, QueueName { name, .. }) in &self.queues {
            let mut label = name.clone();
            while !taken.insert(label.clone()) {
                label = format!("{label} #{}", queue.0);
            }
            labels.insert(queue, label);
        }
        labels
    }

    /// The value of the label `reason`: its id; codes without one share a word, so that labels stay bounded.
    pub(crate) fn reason(&self, code: ReasonCode) -> &str {
        self.reasons.get(&code).map_or_else(|| unnamed(code), |reason| &reason.id)
    }

    /// A reason in words.
    pub(crate) fn reason_name(&self, code: ReasonCode) -> &str {
        self.reasons.get(&code).map_or_else(|| unnamed(code), |reason| &reason.name)
    }
}

/// What stands for a reason that the configuration does not have.
fn unnamed(code: ReasonCode) -> &'static str {
    if code == ReasonCode::MISSED { "missed" } else { "other" }
}
