//! Who is there for interactions that need more than their queue asks for: a step is passed over for such a one as soon
//! as nobody who meets both has been logged in for the grace.
//!
//! Followed is each pair of a queue and an own requirement with which somebody waits there once a command has come to rest,
//! from then on for as long as anybody waits or is reserved with it: who is rung for may come back, and goes on where it was. What is counted for it is
//! kept for a while after the last has gone, because the next call to the same number brings the same requirement; that
//! changes no decision and is no part of the state.

use std::collections::{BTreeMap, VecDeque};

use timing::Instant;

use super::entry::{Entry, Nth};
use super::profile::Profile;
use super::waiting::{OwnRequirement, OwnRequirements};
use super::{Agent, Distributor, Interaction, Queue, Reservation};
use crate::requirement::Skills;
use crate::state::{OwnStaffing, Staffing};
use crate::table::Slot;
use crate::{Requirement, StepCause};

/// Pairs that nobody asks for and for which agents are still counted. One more, and the one that has not been asked for the
/// longest is counted anew when it is asked for again.
const IDLE_MAX: usize = 64;

/// Since when steps of pairs have been without anybody while the grace runs, and how many of them.
pub(crate) type Graces = BTreeMap<Instant, u32>;

/// Pairs that nobody asks for, the one first that has not been asked for the longest.
pub(crate) type IdlePairs = VecDeque<(Slot<Queue>, OwnRequirement)>;

/// Who is there for one own requirement in one queue.
#[derive(Clone, Debug)]
pub(crate) struct OwnStaff {
    /// Interactions that stand in line there with it.
    pub(crate) waiting: u32,
    /// Interactions for which agents are rung that stand in the queue with it, by whatever queue they are rung.
    pub(crate) reserved: u32,
    /// Asked for since the command in hand: it stays only if somebody waits with it when that comes to rest.
    is_new: bool,
    pub(crate) followed: Followed,
    /// Logged-in agents by step who meet the step and the requirement. Empty where they are not counted.
    pub(crate) staff: Vec<u32>,
    /// By step: since when the last is logged out who would meet both. `None`: to be looked up when it is needed.
    left: Option<Vec<Option<Instant>>>,
}

/// Whether somebody waits, or may again, for whom it is followed who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// Nobody has begun to wait.
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
        OwnStaff {
            waiting: 0,
            reserved: 0,
            is_new: false,
            followed: Followed::Unasked,
            staff: Vec::new(),
            left: None,
        }
    }

    fn is_counted(&self) -> bool {
        !self.staff.is_empty()
    }

    fn is_followed(&self) -> bool {
        matches!(self.followed, Followed::By(_))
    }

    /// Whether anybody waits with it, or may again.
    fn is_asked(&self) -> bool {
        self.waiting > 0 || self.reserved > 0
    }

    /// Since when steps have been without anybody for which the grace runs.
    fn graces(&self) -> impl Iterator<Item = Instant> {
        self.followed.steps().iter().filter_map(|staffing| match *staffing {
            Staffing::Staffed | Staffing::Deserted { .. } => None,
            Staffing::Unstaffed { since } => Some(since),
        })
    }
}

/// Whether a step is passed over for an own requirement.
pub(crate) fn is_deserted(steps: &[Staffing], step: usize) -> bool {
    matches!(steps.get(step), Some(Staffing::Deserted { .. }))
}

impl Queue {
    /// The graces that run for own requirements, counted anew.
    pub(super) fn count_graces(&mut self) {
        self.graces = self.graces_counted();
    }

    fn graces_counted(&self) -> Graces {
        let mut graces = Graces::new();
        for since in self.own.values().flat_map(OwnStaff::graces) {
            *graces.entry(since).or_default() += 1;
        }
        graces
    }

    /// The graces of a pair run from now on, or no more.
    fn follow_graces(&mut self, own: OwnRequirement, run: bool) {
        for since in self.own[&own].graces() {
            let count = self.graces.entry(since).or_default();
            *count = if run { *count + 1 } else { *count - 1 };
            if *count == 0 {
                self.graces.remove(&since);
            }
        }
    }

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
            self.add_pair(slot, own);
            self.keep_idle(slot, own);
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
        // Whoever is removed and still talks does not come back.
        let may_come = |agent: &Agent| !agent.state.presence.is_logged_in() && !agent.state.leaving;
        for (_, agent) in self.agents.iter().filter(|(_, agent)| may_come(agent)) {
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
        let Entry { queue, queue_slot, .. } = *interaction.entry(nth);
        if self.queues[queue_slot].state.step_staffing.is_empty() {
            return;
        }
        let is_asked_first = match self.queues[queue_slot].own.get(&own) {
            None => true,
            Some(pair) => pair.followed == Followed::Unasked,
        };
        if is_asked_first {
            self.begin_to_follow(queue_slot, own);
            self.pair(queue_slot, own).is_new = true;
            self.unsettled.own.push((queue, own));
        }
        let pair = self.queues[queue_slot].own.get_mut(&own).expect("it was made if it was not there");
        pair.waiting += 1;
    }

    /// One that has an own requirement is rung for by any of its queues: it may wait again.
    #[cold]
    pub(super) fn begin_reserved_with_own(&mut self, slot: Slot<Interaction>) {
        let interaction = &self.interactions[slot];
        let Some(own) = interaction.requirement else { return };
        for nth in interaction.standing {
            if let Some(pair) = self.queues[interaction.entry(nth).queue_slot].own.get_mut(&own) {
                pair.reserved += 1;
            }
        }
    }

    /// Nobody is rung for it any more.
    #[cold]
    pub(super) fn end_reserved_with_own(&mut self, slot: Slot<Interaction>) {
        let interaction = &self.interactions[slot];
        let Some(own) = interaction.requirement else { return };
        for nth in interaction.standing {
            let Entry { queue, queue_slot, .. } = *interaction.entry(nth);
            let Some(pair) = self.queues[queue_slot].own.get_mut(&own) else { continue };
            pair.reserved -= 1;
            if !pair.is_asked() && pair.followed != Followed::Unasked {
                self.unsettled.own.push((queue, own));
            }
        }
    }

    /// How many interactions for which agents are rung stand in a queue with an own requirement.
    fn reserved_with(&self, slot: Slot<Queue>, own: OwnRequirement) -> u32 {
        let queue = &self.queues[slot];
        if queue.reserved + queue.elsewhere == 0 {
            return 0;
        }
        let stands_there = |(held, reservation): &(Slot<Reservation>, &Reservation)| {
            let interaction = &self.interactions[reservation.interaction];
            interaction.requirement == Some(own)
                && interaction.first_reservation() == *held
                && interaction.nth_in(queue.id).is_some()
        };
        let count = self.reservations.iter().filter(stands_there).count();
        u32::try_from(count).expect("there are no more than interactions")
    }

    /// That nobody waits with so far.
    fn add_pair(&mut self, slot: Slot<Queue>, own: OwnRequirement) {
        self.own_requirements.hold(own);
        let reserved = self.reserved_with(slot, own);
        self.queues[slot].own.insert(own, OwnStaff { reserved, ..OwnStaff::new() });
        self.own_pairs += 1;
    }

    fn remove_pair(&mut self, slot: Slot<Queue>, own: OwnRequirement) {
        self.queues[slot].own.remove(&own);
        self.own_requirements.release(own);
        self.own_pairs -= 1;
    }

    /// Nobody asks for a pair: it stays counted, instead of the one that has not been asked for the longest if there are
    /// as many as may be.
    fn keep_idle(&mut self, slot: Slot<Queue>, own: OwnRequirement) {
        if self.own_idle.len() >= IDLE_MAX
            && let Some((slot, own)) = self.own_idle.pop_front()
        {
            self.remove_pair(slot, own);
        }
        self.own_idle.push_back((slot, own));
    }

    /// Somebody asks for a pair again. Mostly it is the one that was asked for last.
    fn end_idle(&mut self, slot: Slot<Queue>, own: OwnRequirement) {
        let place = self.own_idle.iter().rposition(|&pair| pair == (slot, own));
        self.own_idle.remove(place.expect("nobody has asked for it"));
    }

    fn begin_to_follow(&mut self, slot: Slot<Queue>, own: OwnRequirement) {
        if self.may_follow_one_more() {
            let steps = self.staffing_as_known(slot, own);
            self.end_idle(slot, own);
            self.pair(slot, own).followed = Followed::By(steps);
            self.own_followed += 1;
            self.queues[slot].follow_graces(own, true);
            self.set_unstaffed_alarm(slot);
            return;
        }
        if self.queues[slot].own.contains_key(&own) {
            self.end_idle(slot, own);
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
            self.unsettled.own.push((queue, own));
        }
    }

    /// Ceases to follow what nobody asks for any more.
    pub(super) fn settle_own(&mut self) {
        let mut left = std::mem::take(&mut self.unsettled.own);
        for (queue, own) in left.drain(..) {
            if let Some(slot) = self.queues.slot(queue) {
                self.settle_pair(slot, own);
            }
        }
        self.unsettled.own = left;
    }

    fn settle_pair(&mut self, slot: Slot<Queue>, own: OwnRequirement) {
        let queue = &mut self.queues[slot];
        let Some(pair) = queue.own.get_mut(&own) else { return };
        let is_new = std::mem::replace(&mut pair.is_new, false);
        let stays = pair.waiting > 0 || pair.reserved > 0 && !is_new;
        if stays || pair.followed == Followed::Unasked {
            return;
        }
        queue.follow_graces(own, false);
        let pair = queue.own.get_mut(&own).expect("just looked at");
        self.own_followed -= u32::from(pair.is_followed());
        pair.followed = Followed::Unasked;
        if pair.is_counted() {
            self.keep_idle(slot, own);
        } else {
            self.remove_pair(slot, own);
        }
        self.set_unstaffed_alarm(slot);
    }

    /// Forgets the pairs of a queue that are so; nobody waits with them, or it is not followed any more.
    fn drop_pairs(&mut self, slot: Slot<Queue>, is_it: impl Fn(&OwnStaff) -> bool) {
        let (released, pairs, followed) =
            (&mut self.own_requirements, &mut self.own_pairs, &mut self.own_followed);
        let queue = &mut self.queues[slot];
        queue.own.retain(|&own, pair| {
            let stays = !is_it(pair);
            if !stays {
                released.release(own);
                *pairs -= 1;
                *followed -= u32::from(pair.is_followed());
            }
            stays
        });
        queue.count_graces();
        self.own_idle.retain(|(of, own)| *of != slot || queue.own.contains_key(own));
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
        queue.count_graces();
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
            self.own_followed += 1;
            self.queues[slot].follow_graces(own, true);
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

    /// The pairs of a queue, for [`crate::invariants`]: the requirement, how many stand in line with it and how many are
    /// rung for, and how many agents are logged in by step, where that is counted.
    pub(crate) fn own_staff(
        &self,
        slot: Slot<Queue>,
    ) -> impl Iterator<Item = (&Requirement, [u32; 2], &[u32])> {
        let pairs = self.queues[slot].own.iter();
        pairs.map(|(&own, pair)| {
            (self.own_requirements.at(own), [pair.waiting, pair.reserved], &pair.staff[..])
        })
    }

    /// Whether what is counted of pairs is right: those that are followed, those that are kept for nobody, the graces that
    /// run, since when nobody is there, and who uses which own requirement.
    pub(crate) fn counts_own_right(&self) -> bool {
        let pairs = || self.queues.iter().flat_map(|(_, queue)| queue.own.values());
        let is_idle = |pair: &&OwnStaff| pair.followed == Followed::Unasked;
        let is_kept = |&(slot, own): &(Slot<Queue>, OwnRequirement)| {
            self.queues.get(slot).is_some_and(|queue| queue.own.get(&own).as_ref().is_some_and(is_idle))
        };
        pairs().count() == self.own_pairs as usize
            && pairs().filter(|pair| pair.is_followed()).count() == self.own_followed as usize
            && pairs().filter(is_idle).count() == self.own_idle.len()
            && self.own_idle.len() <= IDLE_MAX
            && self.own_idle.iter().all(is_kept)
            && pairs().all(|pair| if is_idle(&pair) { pair.waiting == 0 } else { pair.is_asked() })
            && self.queues.iter().all(|(_, queue)| queue.graces == queue.graces_counted())
            && self.queues.iter().all(|(slot, _)| self.knows_who_was_last(slot))
            && self.counts_uses_right()
    }

    /// Whether it is as a look at everybody gives, where it is known and nobody is there.
    fn knows_who_was_last(&self, slot: Slot<Queue>) -> bool {
        self.queues[slot].own.iter().all(|(&own, pair)| {
            let Some(left) = &pair.left else { return true };
            let expected = self.last_of(slot, own);
            let by_step = pair.staff.iter().zip(left.iter().zip(&expected));
            left.len() == expected.len()
                && by_step.into_iter().all(|(&staff, (left, expected))| staff > 0 || left == expected)
        })
    }

    fn counts_uses_right(&self) -> bool {
        let mut uses: BTreeMap<&Requirement, u32> = BTreeMap::new();
        let of_interactions = self.interactions.iter().filter_map(|(_, interaction)| interaction.requirement);
        let of_pairs = self.queues.iter().flat_map(|(_, queue)| queue.own.keys().copied());
        for own in of_interactions.chain(of_pairs) {
            *uses.entry(self.own_requirements.at(own)).or_default() += 1;
        }
        self.own_requirements.uses().eq(uses)
    }
}

#[cfg(test)]
mod tests {
    use timing::Instant;

    use super::IDLE_MAX;
    use crate::{
        Command, Distributor, InteractionId, QueueId, QueueSettings, Request, Requirement, Settings, SkillId,
        Step, StepEffect,
    };

    fn needs(skill: u32) -> Requirement {
        Requirement::at_least(SkillId(skill), 1)
    }

    /// One who needs a skill comes and goes again.
    fn comes_and_goes(acd: &mut Distributor, skill: u32) {
        let interaction = InteractionId(u64::from(skill));
        let request = Request { requirement: Some(needs(skill)), ..Request::new(QueueId(1)) };
        for command in [Command::Enqueue { interaction, request }, Command::Cancel { interaction }] {
            acd.handle_command(Instant::from_secs(1), command).expect("nobody else is here");
        }
    }

    #[test]
    fn of_what_is_kept_for_nobody_the_one_goes_that_has_not_been_asked_for_the_longest() {
        let mut acd = Distributor::new(Settings::default());
        let last = Step {
            after: std::time::Duration::from_secs(60),
            requirement: needs(1),
            effect: StepEffect::Replace,
        };
        let settings = QueueSettings { steps: vec![last], ..QueueSettings::default() };
        let command = Command::DefineQueue { queue: QueueId(1), settings: Box::new(settings) };
        acd.handle_command(Instant::from_secs(1), command).expect("the rules are right");
        let most = u32::try_from(IDLE_MAX).expect("it is small");
        (1..=most).for_each(|skill| comes_and_goes(&mut acd, skill));
        comes_and_goes(&mut acd, 1);
        comes_and_goes(&mut acd, most + 1);
        let kept = acd.own_idle.iter().map(|&(_, own)| acd.own_requirements.at(own).clone());
        let expected = (3..=most).chain([1, most + 1]).map(needs);
        assert_eq!(kept.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "the second went");
        assert!(acd.counts_own_right());
    }
}
