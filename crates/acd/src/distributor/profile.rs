//! Agents who have the same skills are the same to every queue: what a queue asks is answered once for all of them.

use std::collections::BTreeMap;

use super::{Distributor, Queue};
use crate::Strategy;
use crate::requirement::{self, Skills};
use crate::table::Slot;

/// A set of skills and levels that some agent has.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) skills: Skills,
    /// Agents who have it.
    pub(crate) members: u32,
    /// Of these, those who take work.
    pub(crate) working: u32,
    /// The queues with a step that these agents could serve, in no particular order. What agents note beside
    /// it (`Agent::nodes`) has the same order.
    pub(crate) serves: Vec<Serves>,
    /// Where its idle agents stand together, if they do.
    pub(crate) pool: Option<u16>,
}

/// What makes agents stand in one line of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alike {
    pub(crate) steps: u16,
    pub(crate) bucket: u8,
    pub(crate) reserve: u8,
}

/// What the agents of a profile are to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Serves {
    pub(crate) queue: Slot<Queue>,
    /// The line of the queue's idle agents with the same `steps`, `bucket` and `reserve`.
    pub(crate) group: u32,
    /// How the queue prefers them; 0 is first.
    pub(crate) bucket: u8,
    /// Of which reserve of the queue they are, counted from 1; 0 is of none.
    pub(crate) reserve: u8,
    /// The sum of levels over the skills that the queue asks for.
    pub(crate) score: u32,
    /// Bit n: could serve step n. Not zero.
    pub(crate) steps: u16,
    /// The queue's.
    pub(crate) strategy: Strategy,
}

impl Serves {
    /// Whether the agents could serve this step.
    pub(crate) fn step(self, step: u8) -> bool {
        self.steps >> step & 1 == 1
    }
}

/// All profiles.
#[derive(Clone, Debug)]
pub(crate) struct Profiles {
    profiles: Vec<Profile>,
    vacant: Vec<u32>,
    by_skills: BTreeMap<Skills, u32>,
}

impl Profiles {
    pub(crate) fn new() -> Profiles {
        Profiles { profiles: Vec::new(), vacant: Vec::new(), by_skills: BTreeMap::new() }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (Slot<Profile>, &Profile)> {
        (0u32..).map(Slot::new).zip(&self.profiles).filter(|(_, profile)| profile.members > 0)
    }

    pub(crate) fn slots(&self) -> Vec<Slot<Profile>> {
        self.all().map(|(slot, _)| slot).collect()
    }

    pub(crate) fn at(&self, slot: Slot<Profile>) -> &Profile {
        &self.profiles[slot.number() as usize]
    }

    pub(crate) fn at_mut(&mut self, slot: Slot<Profile>) -> &mut Profile {
        &mut self.profiles[slot.number() as usize]
    }

    /// The profile with these skills, with one more member; true where it is new.
    fn join(&mut self, skills: &Skills) -> (Slot<Profile>, bool) {
        if let Some(&index) = self.by_skills.get(skills) {
            self.profiles[index as usize].members += 1;
            return (Slot::new(index), false);
        }
        let profile =
            Profile { skills: skills.clone(), members: 1, working: 0, serves: Vec::new(), pool: None };
        let index = match self.vacant.pop() {
            Some(index) => {
                self.profiles[index as usize] = profile;
                index
            }
            None => {
                self.profiles.push(profile);
                u32::try_from(self.profiles.len() - 1).expect("there are no more profiles than agents")
            }
        };
        self.by_skills.insert(skills.clone(), index);
        (Slot::new(index), true)
    }

    /// One member less; true where nobody has it any more.
    fn leave(&mut self, slot: Slot<Profile>) -> bool {
        let profile = self.at_mut(slot);
        profile.members -= 1;
        if profile.members > 0 {
            return false;
        }
        profile.serves.clear();
        let skills = std::mem::take(&mut profile.skills);
        self.by_skills.remove(&skills);
        self.vacant.push(slot.number());
        true
    }
}

impl Queue {
    /// What agents with these skills are to this queue: the steps that they could serve, and their score.
    pub(crate) fn standing(&self, skills: &Skills) -> Option<(u16, u32)> {
        let steps = self.steps_served(skills);
        (steps != 0).then(|| (steps, requirement::score(&self.wanted, skills)))
    }
}

impl Distributor {
    /// The profile with these skills, with one member more.
    pub(super) fn join_profile(&mut self, skills: &Skills) -> Slot<Profile> {
        let (slot, is_new) = self.profiles.join(skills);
        if is_new {
            let queues: Vec<Slot<Queue>> = self.queues.iter().map(|(queue, _)| queue).collect();
            for queue in queues {
                self.assess(slot, queue);
            }
        }
        self.pool_if_shared(slot);
        slot
    }

    /// One member less, who stands in no line any more.
    pub(super) fn leave_profile(&mut self, slot: Slot<Profile>) {
        self.unpool_if_small(slot);
        self.profiles.leave(slot);
    }

    /// Finds out what a profile is to a queue that it did not know.
    pub(super) fn assess(&mut self, slot: Slot<Profile>, queue: Slot<Queue>) -> Option<Serves> {
        let (steps, score) = self.queues[queue].standing(&self.profiles.at(slot).skills)?;
        let settings = &self.queues[queue].state.settings;
        let (strategy, bucket) = (settings.strategy, settings.bucket(&self.profiles.at(slot).skills));
        let reserve = settings.reserve(&self.profiles.at(slot).skills);
        let group = self.group(queue, Alike { steps, bucket, reserve });
        let serves = Serves { queue, group, score, steps, bucket, reserve, strategy };
        let profile = self.profiles.at_mut(slot);
        profile.serves.push(serves);
        if let Some(pool) = profile.pool {
            self.queues[queue].admit_pool(pool, serves);
        }
        self.count_working_for(slot);
        Some(serves)
    }
}
