//! Numbers for names: the machines know numbers, and a name keeps its number over every reload.

use std::collections::BTreeMap;
use std::path::PathBuf;

use acd::{AgentId, Channel, ExitId, QueueId, ReasonCode, SkillId, SupervisorId};
use media::MusicId;
use sip::TrunkId;

use crate::config::{Exit, VOICE};

/// Who has which number. Grows with the names that were ever configured in this process.
#[derive(Clone, Debug, Default)]
pub struct Numbering {
    skills: Numbers<String>,
    channels: Numbers<String>,
    queues: Numbers<String>,
    agents: Numbers<String>,
    reasons: Numbers<String>,
    supervisors: Numbers<String>,
    trunks: Numbers<String>,
    music: Numbers<Option<PathBuf>>,
    exits: Numbers<Leaving>,
}

/// A way out of the distributor, as a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leaving {
    Number(String),
    Busy,
    HangUp,
}

impl Leaving {
    /// `None` for the way into another queue, which stays inside.
    pub(super) fn of(exit: &Exit) -> Option<Leaving> {
        match exit {
            Exit::Queue(_) => None,
            Exit::Number(number) => Some(Leaving::Number(number.clone())),
            Exit::Busy => Some(Leaving::Busy),
            Exit::HangUp => Some(Leaving::HangUp),
        }
    }
}

impl Numbering {
    pub(super) fn skill(&mut self, name: &str) -> SkillId {
        SkillId(self.skills.of(name.to_owned()))
    }

    /// The number of a channel. A process that has known too many has none for another, which the distributor refuses.
    pub(super) fn channel(&mut self, name: &str) -> Channel {
        if name == VOICE {
            return Channel::VOICE;
        }
        Channel(u8::try_from(self.channels.of(name.to_owned())).unwrap_or(u8::MAX))
    }

    /// The number of a queue.
    pub fn queue(&mut self, name: &str) -> QueueId {
        QueueId(self.queues.of(name.to_owned()))
    }

    /// The number of an agent.
    pub fn agent(&mut self, id: &str) -> AgentId {
        AgentId(self.agents.of(id.to_owned()))
    }

    /// The number of a reason.
    pub fn reason(&mut self, id: &str) -> ReasonCode {
        ReasonCode(self.reasons.of(id.to_owned()))
    }

    /// The number of a supervisor.
    pub fn supervisor(&mut self, id: &str) -> SupervisorId {
        SupervisorId(self.supervisors.of(id.to_owned()))
    }

    pub(super) fn trunk(&mut self, name: &str) -> TrunkId {
        TrunkId(self.trunks.of(name.to_owned()))
    }

    pub(super) fn music(&mut self, file: Option<PathBuf>) -> MusicId {
        MusicId(self.music.of(file))
    }

    pub(super) fn exit(&mut self, leaving: Leaving) -> ExitId {
        ExitId(self.exits.of(leaving))
    }
}

/// Counts names from 1 in the order in which they first appeared.
#[derive(Clone, Debug)]
struct Numbers<N>(BTreeMap<N, u32>);

impl<N> Default for Numbers<N> {
    fn default() -> Numbers<N> {
        Numbers(BTreeMap::new())
    }
}

impl<N: Ord> Numbers<N> {
    fn of(&mut self, name: N) -> u32 {
        let next = u32::try_from(self.0.len()).expect("a configuration has fewer than 2^32 names") + 1;
        *self.0.entry(name).or_insert(next)
    }
}
