//! Numbers for names: the machines know numbers, and a name keeps its number over every reload.

use std::collections::BTreeMap;
use std::path::PathBuf;

use acd::{AgentId, Channel, ExitId, QueueId, ReasonCode, SkillId, SupervisorId};
use media::MusicId;
use report::{FormerNames, Names};
use sip::TrunkId;

use crate::config::{Exit, VOICE};

/// Of so many things of each kind that are configured no longer, the last name is known: more than any record that is
/// remembered speaks of.
const FORMER_MAX: usize = 10_000;

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

    /// The last names of what is not among `names` any more, the newest numbers of each kind.
    pub(super) fn former(&self, names: &Names) -> FormerNames {
        let channels = self.channels.former(|number| {
            let channel = u8::try_from(number).ok().filter(|&channel| channel != u8::MAX).map(Channel);
            channel.filter(|channel| !names.channels.contains_key(channel))
        });
        FormerNames {
            queues: self.queues.former(|id| absent(QueueId(id), &names.queues)),
            agents: self.agents.former(|id| absent(AgentId(id), &names.agents)),
            reasons: self.reasons.former(|id| absent(ReasonCode(id), &names.reasons)),
            supervisors: self.supervisors.former(|id| absent(SupervisorId(id), &names.supervisors)),
            channels,
            skills: self.skills.former(|id| absent(SkillId(id), &names.skills)),
        }
    }

    /// What every trunk is or was called, the newest numbers.
    pub(super) fn trunk_names(&self) -> BTreeMap<TrunkId, String> {
        self.trunks.former(|id| Some(TrunkId(id)))
    }
}

/// A number that `present` does not name.
fn absent<I: Ord, N>(id: I, present: &BTreeMap<I, N>) -> Option<I> {
    if present.contains_key(&id) { None } else { Some(id) }
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

impl Numbers<String> {
    /// The names whose number `wanted` takes: those of the newest numbers, [`FORMER_MAX`] at most.
    fn former<I: Ord>(&self, wanted: impl Fn(u32) -> Option<I>) -> BTreeMap<I, String> {
        let named = self.0.iter().filter_map(|(name, &number)| Some((wanted(number)?, name)));
        let mut former: BTreeMap<I, &String> = named.collect();
        while former.len() > FORMER_MAX {
            former.pop_first();
        }
        former.into_iter().map(|(id, name)| (id, name.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_former_names_the_newest_are_kept() {
        let mut numbering = Numbering::default();
        let count = u32::try_from(FORMER_MAX).expect("it is small") + 2;
        for queue in 1..=count {
            numbering.queue(&format!("queue {queue}"));
        }
        let former = numbering.former(&Names::default()).queues;
        assert_eq!(former.len(), FORMER_MAX);
        assert_eq!(former.first_key_value(), Some((&QueueId(3), &"queue 3".to_owned())));
        assert_eq!(former.get(&QueueId(count)), Some(&format!("queue {count}")));
    }
}
