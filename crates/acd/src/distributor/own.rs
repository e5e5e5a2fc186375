//! Who is there for interactions that need more than their queue asks for: a step is passed over for such a one as soon
//! as nobody who meets both has been logged in for the grace.
//!
//! Followed is each pair of a queue and an own requirement with which somebody waits there. What is counted for it is kept
//! for a while after the last has gone, because the next call to the same number brings the same requirement; that
//! changes no decision and is no part of the state.

use timing::Instant;

use super::entry::{Entry, Nth};
use super::profile::Profile;
use super::waiting::{OwnRequirement, OwnRequirements};
use super::{Distributor, Interaction, Queue};
use crate::requirement::Skills;
use crate::state::{OwnStaffing, Staffing};
use crate::table::Slot;
use crate::{Requirement, StepCause};

/// Pairs that nobody waits with and for which agents are still counted. One more, and all of them are counted anew when
/// they are asked for again.
const IDLE_MAX: u32 = 64;

/// Who is there for one own requirement in one queue.
#[derive(Clone, Debug)]
pub(crate) struct OwnStaff {
    /// Interactions that stand in line there with it.
    pub(crate) waiting: u32,
    pub(crate) followed: Followed,
    /// Logged-in agents by step who meet the step and the requirement. Empty where they are not counted.
    pub(crate) staff: Vec<u32>,
    /// By step: since when the last is logged out who would meet both. `None`: to be looked up when it is needed.
    left: Option<Vec<Option<Instant>>>,
}

/// Whether somebody waits for whom it is followed who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// Nobody waits.
    Unasked,
    /// There are as many as may be: whoever waits goes by the queue's steps alone.
    TooMany,
    /// By step, as [`OwnStaffing::steps`].
    By(Vec<Staffing>),
}

impl Followed {
    pub(super) fn steps(&self) -> &[Staffing] {
        match self {
            Followed::Unasked | Followed::TooMany => &[],
            Followed::By(steps) => steps,
        }
    }

    pub(super) fn steps_mut(&mut self) -> &mut [Staffing] {
        match self {
            Followed::Unasked | Followed::TooMany => &mut [],
            Followed::By(steps) => steps,
        }
    }
}

impl OwnStaff {
    /// Of nobody, and not counted.
    fn new() -> OwnStaff {
        OwnStaff { waiting: 0, followed: Followed::Unasked, staff: Vec::new(), left: None }
    }

    fn is_counted(&self) -> bool {
        !self.staff.is_empty()
    }
}

/// Whether a step is passed over for an own requirement.
pub(crate) fn is_deserted(steps: &[Staffing], step: usize) -> bool {
    matches!(steps.get(step), Some(Staffing::Deserted { .. }))
}

impl Queue {
    /// An agent with these skills, who could serve these steps, has logged in or out.
    pub(super) fn count_own_staff(
        &mut self,
        own_requirements: &OwnRequirements,
        (skills, steps): (&Skills, u16),
        logged_in: bool,
        now: Instant,
    ) {
        for (&own, pair) in &mut self.own {
            if !pair.is_counted() || !own_requirements.at(own).is_met_by(skills) {
                continue;
            }
            for (step, staff) in pair.staff.iter_mut().enumerate().filter(|(step, _)| steps >> step & 1 == 1)
            {
                *staff = if logged_in { *staff + 1 } else { *staff - 1 };
                if let Some(left) = pair.left.as_mut().filter(|_| !logged_in) {
                    left[step] = Some(now);
                }
            }
        }
    }
}

impl Distributor {
    /// The step of an interaction with an own requirement that was at step `from`.
    #[cold]
    pub(super) fn step_with_own(
        &mut self,
        entry: (Slot<Queue>, Instant),
        from: u8,
        own: OwnRequirement,
    ) -> (u8, StepCause) {
        let (slot, entered) = entry;
        let queue = &self.queues[slot];
        let base = queue.step_by_age(from, entered, self.now);
        let followed = queue.own.get(&own).map(|pair| &pair.followed);
        let step = match followed {
            _ if queue.state.step_staffing.is_empty() => base,
            Some(Followed::By(steps)) => queue.state.past_those(base, |step| is_deserted(steps, step)),
            Some(Followed::TooMany) => queue.state.past_unstaffed(base),
            Some(Followed::Unasked) | None if !self.may_follow_one_more() => queue.state.past_unstaffed(base),
            Some(Followed::Unasked) | None => {
                let steps = self.staffing_as_known(slot, own);
                self.queues[slot].state.past_those(base, |step| is_deserted(&steps, step))
            }
        };
        let cause = if step == base { StepCause::Time } else { StepCause::Unstaffed };
        (u8::try_from(step).expect("there are at most STEPS_MAX steps"), cause)
    }

    /// Whether anything is counted for own requirements in a queue.
    #[inline]
    pub(super) fn has_pairs(&self, slot: Slot<Queue>) -> bool {
        self.own_pairs > 0 && !self.queues[slot].own.is_empty()
    }

    fn may_follow_one_more(&self) -> bool {
        self.own_followed < self.settings.followed_requirements_max
    }

    /// What is known of a pair that nobody has asked for so far: since when those are logged out who would meet it.
    fn staffing_as_known(&mut self, slot: Slot<Queue>, own: OwnRequirement) -> Vec<Staffing> {
        self.count_own(slot, own);
        let is_unstaffed = self.queues[slot].own[&own].staff.contains(&0);
        if is_unstaffed && self.queues[slot].own[&own].left.is_none() {
            let left = self.last_of(slot, own);
            self.pair(slot, own).left = Some(left);
        }
        let queue = &self.queues[slot];
        let (pair, grace) = (&queue.own[&own], queue.state.settings.unstaffed_grace);
        let since = |step: usize| pair.left.as_ref().and_then(|left| left[step]).unwrap_or(Instant::ORIGIN);
        let of_step = |(step, &staff): (usize, &u32)| match staff {
            0 => Staffing::of_nobody(since(step), grace, self.now),
            1.. => Staffing::Staffed,
        };
        pair.staff.iter().enumerate().map(of_step).collect()
    }

    /// Counts the agents who are logged in for a pair, unless that is known.
    fn count_own(&mut self, slot: Slot<Queue>, own: OwnRequirement) {
        if self.queues[slot].own.get(&own).is_some_and(OwnStaff::is_counted) {
            return;
        }
        if !self.queues[slot].own.contains_key(&own) {
            if self.own_idle >= IDLE_MAX {
                self.drop_idle_pairs();
            }
            self.add_pair(slot, own);
            self.own_idle += 1;
        }
        let mut staff = vec![0; self.queues[slot].staff.len()];
        for (_, profile) in self.profiles.all().filter(|(_, profile)| profile.logged_in > 0) {
            let steps = self.steps_met(profile, slot, own);
            for (step, count) in staff.iter_mut().enumerate() {
                *count += profile.logged_in * u32::from(steps >> step & 1);
            }
        }
        let pair = self.pair(slot, own);
        (pair.staff, pair.left) = (staff, None);
    }

    /// The steps of a queue that agents of a profile could serve who meet an own requirement, as bits.
    fn steps_met(&self, profile: &Profile, slot: Slot<Queue>, own: OwnRequirement) -> u16 {
        let serves = profile.serves.iter().find(|serves| serves.queue == slot);
        let serves = serves.filter(|_| self.own_requirements.at(own).is_met_by(&profile.skills));
        serves.map_or(0, |serves| serves.steps)
    }

    /// By step: since when the last of those is logged out who would meet both.
    fn last_of(&self, slot: Slot<Queue>, own: OwnRequirement) -> Vec<Option<Instant>> {
        let mut steps_met: Vec<u16> = Vec::new();
        for (profile, of) in self.profiles.all() {
            let index = profile.number() as usize;
            steps_met.resize(steps_met.len().max(index + 1), 0);
            steps_met[index] = self.steps_met(of, slot, own);
        }
        let mut left = vec![None; self.queues[slot].staff.len()];
        for (_, agent) in self.agents.iter().filter(|(_, agent)| !agent.state.presence.is_logged_in()) {
            let steps = steps_met[agent.profile.number() as usize];
            for (_, left) in left.iter_mut().enumerate().filter(|(step, _)| steps >> step & 1 == 1) {
                *left = (*left).max(Some(agent.state.presence_since));
            }
        }
        left
    }

    /// Somebody of a profile comes or goes otherwise than by logging in or out: when the last was there is looked up anew.
    pub(super) fn forget_who_was_last(&mut self, profile: Slot<Profile>) {
        let profile = self.profiles.at(profile);
        for serves in &profile.serves {
            for (&own, pair) in &mut self.queues[serves.queue].own {
                if self.own_requirements.at(own).is_met_by(&profile.skills) {
                    pair.left = None;
                }
            }
        }
    }

    fn pair(&mut self, slot: Slot<Queue>, own: OwnRequirement) -> &mut OwnStaff {
        self.queues[slot].own.get_mut(&own).expect("the caller has seen it")
    }

    /// One that has an own requirement begins to stand in line.
    #[cold]
    pub(super) fn begin_waiting_with_own(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &self.interactions[slot];
        let Some(own) = interaction.requirement else { return };
        let Entry { queue_slot, .. } = *interaction.entry(nth);
        if self.queues[queue_slot].state.step_staffing.is_empty() {
            return;
        }
        let is_asked_first = match self.queues[queue_slot].own.get(&own) {
            None => true,
            Some(pair) => pair.followed == Followed::Unasked,
        };
        if is_asked_first {
            self.begin_to_follow(queue_slot, own);
        }
        let pair = self.queues[queue_slot].own.get_mut(&own).expect("it was made if it was not there");
        pair.waiting += 1;
        if pair.waiting == 1 && matches!(pair.followed, Followed::By(_)) {
            self.own_followed += 1;
        }
    }

    /// Of nobody so far.
    fn add_pair(&mut self, slot: Slot<Queue>, own: OwnRequirement) {
        self.own_requirements.hold(own);
        self.queues[slot].own.insert(own, OwnStaff::new());
        self.own_pairs += 1;
    }

    fn begin_to_follow(&mut self, slot: Slot<Queue>, own: OwnRequirement) {
        if self.may_follow_one_more() {
            let steps = self.staffing_as_known(slot, own);
            self.own_idle -= 1;
            self.pair(slot, own).followed = Followed::By(steps);
            self.set_unstaffed_alarm(slot);
            return;
        }
        if self.queues[slot].own.contains_key(&own) {
            self.own_idle -= 1;
        } else {
            self.add_pair(slot, own);
        }
        self.pair(slot, own).followed = Followed::TooMany;
    }

    /// It stands there no more. Whether anybody does is seen when the command comes to rest: others may have begun.
    #[cold]
    pub(super) fn end_waiting_with_own(&mut self, slot: Slot<Interaction>, nth: Nth) {
        let interaction = &self.interactions[slot];
        let Some(own) = interaction.requirement else { return };
        let Entry { queue, queue_slot, .. } = *interaction.entry(nth);
        let Some(pair) = self.queues[queue_slot].own.get_mut(&own) else { return };
        pair.waiting -= 1;
        if pair.waiting == 0 {
            if matches!(pair.followed, Followed::By(_)) {
                self.own_followed -= 1;
            }
            self.unsettled.own.push((queue, own));
        }
    }

    /// Ceases to follow what nobody waits with any more.
    pub(super) fn settle_own(&mut self) {
        for (queue, own) in std::mem::take(&mut self.unsettled.own) {
            let Some(slot) = self.queues.slot(queue) else { continue };
            let pair = self.queues[slot].own.get_mut(&own);
            let Some(pair) = pair.filter(|pair| pair.waiting == 0 && pair.followed != Followed::Unasked)
            else {
                continue;
            };
            pair.followed = Followed::Unasked;
            if pair.is_counted() && self.own_idle < IDLE_MAX {
                self.own_idle += 1;
            } else {
                self.queues[slot].own.remove(&own);
                self.own_requirements.release(own);
                self.own_pairs -= 1;
            }
            self.set_unstaffed_alarm(slot);
        }
    }

    /// Forgets what was counted for pairs that nobody waits with.
    fn drop_idle_pairs(&mut self) {
        let slots: Vec<Slot<Queue>> = self.queues.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.drop_pairs(slot, |pair| pair.followed == Followed::Unasked);
        }
    }

    /// Forgets the pairs of a queue that are so; nobody waits with them, or it is not followed any more.
    fn drop_pairs(&mut self, slot: Slot<Queue>, is_it: impl Fn(&OwnStaff) -> bool) {
        let (released, pairs, idle) = (&mut self.own_requirements, &mut self.own_pairs, &mut self.own_idle);
        self.queues[slot].own.retain(|&own, pair| {
            let stays = !is_it(pair);
            if !stays {
                released.release(own);
                *pairs -= 1;
                *idle -= u32::from(pair.followed == Followed::Unasked);
            }
            stays
        });
    }

    /// Before a queue goes, in which nobody waits any more, or where its steps are passed over for nobody.
    pub(super) fn drop_all_pairs(&mut self, slot: Slot<Queue>) {
        self.drop_pairs(slot, |_| true);
    }

    /// After rules by which other agents may serve a queue: who is there is counted anew.
    pub(super) fn count_all_own_anew(&mut self, slot: Slot<Queue>) {
        self.drop_pairs(slot, |pair| pair.followed == Followed::Unasked);
        let counted = self.queues[slot].own.iter_mut().filter(|(_, pair)| pair.is_counted());
        let counted: Vec<OwnRequirement> = counted
            .map(|(&own, pair)| {
                pair.staff.clear();
                own
            })
            .collect();
        for own in counted {
            self.count_own(slot, own);
        }
    }

    /// After other rules: as for the steps of the queue alone, the grace runs on for a step that was without anybody before,
    /// by its number.
    pub(super) fn restart_own(&mut self, slot: Slot<Queue>) {
        if self.queues[slot].state.step_staffing.is_empty() {
            return self.drop_all_pairs(slot);
        }
        let queue = &mut self.queues[slot];
        let grace = queue.state.settings.unstaffed_grace;
        for pair in queue.own.values_mut() {
            if let Followed::By(before) = &mut pair.followed {
                let staff = pair.staff.iter().enumerate();
                let after = staff
                    .map(|(step, &staff)| Staffing::renewed(before.get(step), staff > 0, grace, self.now));
                *before = after.collect();
            }
        }
    }

    /// As it was written down, with the agents there and before anybody waits.
    pub(super) fn restore_own(&mut self, staffing: OwnStaffing) {
        let OwnStaffing { queue, requirement, steps } = staffing;
        let slot = self.queues.slot(queue).expect("the state names queues that are there");
        let own = self.own_requirements.keep(&requirement);
        let followed = if steps.is_empty() { Followed::TooMany } else { Followed::By(steps) };
        let is_counted = followed != Followed::TooMany;
        self.queues[slot].own.insert(own, OwnStaff { followed, ..OwnStaff::new() });
        self.own_pairs += 1;
        if is_counted {
            self.count_own(slot, own);
        }
    }

    /// What is followed, as plain values, by queue and requirement.
    pub(super) fn own_staffing(&self) -> Vec<OwnStaffing> {
        let mut all: Vec<OwnStaffing> = Vec::new();
        for (_, Queue { id, own, .. }) in self.queues.iter() {
            let asked = own.iter().filter(|(_, pair)| pair.followed != Followed::Unasked);
            all.extend(asked.map(|(&own, pair)| OwnStaffing {
                queue: *id,
                requirement: self.own_requirements.at(own).clone(),
                steps: pair.followed.steps().to_vec(),
            }));
        }
        all.sort_by(|a, b| (a.queue, &a.requirement).cmp(&(b.queue, &b.requirement)));
        all
    }

    /// The pairs of a queue, for [`crate::invariants`]: the requirement, how many stand in line with it, and how many
    /// agents are logged in by step, where that is counted.
    pub(crate) fn own_staff(&self, slot: Slot<Queue>) -> impl Iterator<Item = (&Requirement, u32, &[u32])> {
        let pairs = self.queues[slot].own.iter();
        pairs.map(|(&own, pair)| (self.own_requirements.at(own), pair.waiting, &pair.staff[..]))
    }

    /// Whether the numbers of pairs that are followed, and of those that are kept for nobody, are right.
    pub(crate) fn counts_own_right(&self) -> bool {
        let count = |is_it: &dyn Fn(&OwnStaff) -> bool| {
            self.queues.iter().flat_map(|(_, queue)| queue.own.values()).filter(|pair| is_it(pair)).count()
        };
        let is_followed = |pair: &OwnStaff| matches!(pair.followed, Followed::By(_));
        let is_idle = |pair: &OwnStaff| pair.followed == Followed::Unasked;
        count(&|_| true) == self.own_pairs as usize
            && count(&is_followed) == self.own_followed as usize
            && count(&is_idle) == self.own_idle as usize
            && count(&|pair| is_idle(pair) != (pair.waiting == 0)) == 0
    }
}
