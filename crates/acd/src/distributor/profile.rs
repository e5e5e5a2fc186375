//! Agents who have the same skills and capacity are the same to every queue: what a queue asks is answered once for all
//! of them.

use std::collections::BTreeMap;

use super::{Distributor, Queue};
use crate::requirement::{self, Skills};
use crate::table::Slot;
use crate::{AgentSettings, Capacity, Channels, Strategy};

/// A set of skills and levels, and a capacity, that some agent has.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) skills: Skills,
    pub(crate) capacity: Capacity,
    /// Agents who have it.
    pub(crate) members: u32,
    /// Of these, those who are logged in.
    pub(crate) logged_in: u32,
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
    /// The queue's, alone.
    pub(crate) channel: Channels,
    /// How many of it at once. Not zero.
    pub(crate) places: u8,
}

impl Serves {
    /// Whether the agents could serve this step.
    pub(crate) fn step(self, step: u8) -> bool {
        self.steps >> step & 1 == 1
    }
}

impl Profile {
    /// Whether its agents could serve a step of a queue.
    pub(super) fn serves_step(&self, queue: Slot<Queue>, step: u8) -> bool {
        self.serves.iter().any(|serves| serves.queue == queue && serves.step(step))
    }
}

/// All profiles.
#[derive(Clone, Debug)]
pub(crate) struct Profiles {
    profiles: Vec<Profile>,
    vacant: Vec<u32>,
    index: BTreeMap<(Skills, Capacity), u32>,
}

impl Profiles {
    pub(crate) fn new() -> Profiles {
        Profiles { profiles: Vec::new(), vacant: Vec::new(), index: BTreeMap::new() }
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

    /// The profile of these agents, with one more member; true where it is new.
    fn join(&mut self, settings: &AgentSettings) -> (Slot<Profile>, bool) {
        let (skills, capacity) = (settings.skills.clone(), settings.capacity);
        let key = (skills.clone(), capacity);
        if let Some(&index) = self.index.get(&key) {
            self.profiles[index as usize].members += 1;
            return (Slot::new(index), false);
        }
        let profile = Profile {
            skills,
            capacity,
            members: 1,
            logged_in: 0,
            working: 0,
            serves: Vec::new(),
            pool: None,
        };
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
        self.index.insert(key, index);
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
        let key = (std::mem::take(&mut profile.skills), profile.capacity);
        self.index.remove(&key);
        self.vacant.push(slot.number());
        true
    }
}

impl Queue {
    /// What agents of this profile are to this queue: the steps that they could serve, their score, and how many
    /// interactions each of them takes at once.
    pub(crate) fn standing(&self, profile: &Profile) -> Option<(u16, u32, u8)> {
        let places = profile.capacity.of(self.state.settings.channel);
        let steps = if places == 0 { 0 } else { self.steps_served(&profile.skills) };
        (steps != 0).then(|| (steps, requirement::score(&self.wanted, &profile.skills), places))
    }
}

impl Distributor {
    /// The profile of an agent with these settings, with one member more.
    pub(super) fn join_profile(&mut self, settings: &AgentSettings) -> Slot<Profile> {
        let (slot, is_new) = self.profiles.join(settings);
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
        let (steps, score, places) = self.queues[queue].standing(self.profiles.at(slot))?;
        let settings = &self.queues[queue].state.settings;
        let (strategy, bucket) = (settings.strategy, settings.bucket(&self.profiles.at(slot).skills));
        let reserve = settings.reserve(&self.profiles.at(slot).skills);
        let channel = Channels::NONE.with(settings.channel);
        let group = self.group(queue, Alike { steps, bucket, reserve });
        let serves = Serves { queue, group, score, steps, bucket, reserve, strategy, channel, places };
        let profile = self.profiles.at_mut(slot);
        profile.serves.push(serves);
        if let Some(pool) = profile.pool {
            self.queues[queue].admit_pool(pool, serves);
        }
        self.count_working_for(slot);
        Some(serves)
    }
}
