//! Who is there for those who need more than the queue asks for, as said and not as made fast.

use acd::state::OwnStaffing;

use super::*;

/// A requirement with which somebody waits in a queue, or has waited and is rung for.
pub(super) type Pair = (QueueId, Requirement);

fn is_deserted(steps: &[Staffing], step: usize) -> bool {
    steps.get(step).is_some_and(|staffing| matches!(staffing, Staffing::Deserted { .. }))
}

impl Naive {
    /// Whether anybody is here with it who waits or may wait again.
    fn asks_with(&self, (queue, own): &Pair) -> bool {
        let may_wait = |stage| matches!(stage, Stage::Waiting | Stage::Reserved { .. });
        let mut all = self.state.interactions.values().filter(|contact| may_wait(contact.stage));
        all.any(|contact| contact.requirement.as_ref() == Some(own) && contact.entry(*queue).is_some())
    }

    fn waits_with(&self, (queue, own): &Pair) -> bool {
        let mut all = self.state.interactions.values().filter(|contact| contact.stage == Stage::Waiting);
        all.any(|contact| contact.requirement.as_ref() == Some(own) && contact.entry(*queue).is_some())
    }

    fn noted(&self, (queue, own): &Pair) -> Option<usize> {
        self.state.own_staffing.iter().position(|noted| noted.queue == *queue && noted.requirement == *own)
    }

    /// Whether one requirement more may be followed.
    fn has_room_for_one_more(&self) -> bool {
        let followed = self.state.own_staffing.iter().filter(|noted| !noted.steps.is_empty());
        followed.count() < self.state.settings.followed_requirements_max as usize
    }

    /// Of all agents those who could serve a step and meet a requirement.
    fn who_would(&self, (queue, own): &Pair, step: usize) -> Vec<&AgentState> {
        let rules = &self.state.queues[queue].settings;
        let could = |agent: &&AgentState| {
            agent.settings.capacity.of(rules.channel) > 0
                && meets(rules, step, &agent.settings.skills)
                && own.is_met_by(&agent.settings.skills)
        };
        self.state.agents.values().filter(could).collect()
    }

    fn is_there(&self, pair: &Pair, step: usize) -> bool {
        self.who_would(pair, step).iter().any(|agent| agent.presence != Presence::LoggedOut)
    }

    /// Where nobody has asked so far: nobody has been there since the last of those logged out who would have been. Whoever is
    /// removed is gone for good, even in conversation.
    fn as_known(&self, pair: &Pair) -> Vec<Staffing> {
        let queue = &self.state.queues[&pair.0];
        let of_step = |step: usize| {
            let would = self.who_would(pair, step);
            if would.iter().any(|agent| agent.presence != Presence::LoggedOut) {
                return Staffing::Staffed;
            }
            let may_come = would.iter().filter(|agent| !agent.leaving);
            let since = may_come.map(|agent| agent.presence_since).max().unwrap_or(Instant::ORIGIN);
            self.empty_since(pair.0, since)
        };
        (0..queue.step_staffing.len()).map(of_step).collect()
    }

    pub(super) fn empty_since(&self, queue: QueueId, since: Instant) -> Staffing {
        let grace = self.state.queues[&queue].settings.unstaffed_grace;
        if self.state.now < since + grace {
            Staffing::Unstaffed { since }
        } else {
            Staffing::Deserted { since }
        }
    }

    fn pair_of(&self, (id, queue): Stand) -> Option<Pair> {
        let is_followed = !self.state.queues[&queue].step_staffing.is_empty();
        let own = self.state.interactions[&id].requirement.clone().filter(|_| is_followed)?;
        Some((queue, own))
    }

    /// A step is passed over that is for everybody, or for who needs this.
    pub(super) fn past_unstaffed_for(&self, stand: Stand, step: usize) -> usize {
        let steps = match self.pair_of(stand) {
            None => Vec::new(),
            Some(pair) => match self.noted(&pair) {
                Some(noted) => self.state.own_staffing[noted].steps.clone(),
                None if self.has_room_for_one_more() => self.as_known(&pair),
                None => Vec::new(),
            },
        };
        let of_all = &self.state.queues[&stand.1].step_staffing;
        let is_good = |later: &usize| !is_deserted(of_all, *later) && !is_deserted(&steps, *later);
        (step..of_all.len()).find(is_good).unwrap_or(step)
    }

    /// From now on it is followed who is there, if it was not and there is room.
    pub(super) fn begins_to_wait(&mut self, stand: Stand) {
        let Some(pair) = self.pair_of(stand).filter(|pair| self.noted(pair).is_none()) else { return };
        let steps = if self.has_room_for_one_more() {
            self.as_known(&pair)
        } else {
            self.reached.push(label::TOO_MANY_TO_FOLLOW);
            Vec::new()
        };
        let (queue, requirement) = pair;
        self.state.own_staffing.push(OwnStaffing { queue, requirement, steps });
        self.state.own_staffing.sort_by_key(|noted| (noted.queue, noted.requirement.clone()));
    }

    /// Of each requirement and step whether anybody is logged in who could take it.
    pub(super) fn watch_own(&mut self, queue: QueueId) {
        for number in 0..self.state.own_staffing.len() {
            let noted = self.state.own_staffing[number].clone();
            for (step, was) in noted.steps.into_iter().enumerate().filter(|_| noted.queue == queue) {
                let is_there = self.is_there(&(queue, noted.requirement.clone()), step);
                match (is_there, was) {
                    (true, Staffing::Unstaffed { .. }) => {
                        self.reached.push(label::BACK_FOR_AN_OWN_REQUIREMENT);
                    }
                    (false, Staffing::Staffed) => self.reached.push(label::NOBODY_FOR_AN_OWN_REQUIREMENT),
                    (true | false, _) => {}
                }
                self.state.own_staffing[number].steps[step] = match (is_there, was) {
                    (true, _) => Staffing::Staffed,
                    (false, Staffing::Staffed) => self.empty_since(queue, self.state.now),
                    (false, Staffing::Unstaffed { .. } | Staffing::Deserted { .. }) => was,
                };
            }
        }
    }

    pub(super) fn own_ends(&self) -> Vec<(Instant, QueueId)> {
        let mut all = Vec::new();
        for noted in &self.state.own_staffing {
            let grace = self.state.queues[&noted.queue].settings.unstaffed_grace;
            for staffing in &noted.steps {
                if let Staffing::Unstaffed { since } = *staffing {
                    all.push((since + grace, noted.queue));
                }
            }
        }
        all
    }

    /// What nobody waits with at the end of a command is not followed any more, unless it was before and somebody is rung for
    /// who has it.
    pub(super) fn forget_unasked(&mut self) {
        let mut all = std::mem::take(&mut self.state.own_staffing);
        all.retain(|noted| {
            let pair = (noted.queue, noted.requirement.clone());
            self.waits_with(&pair) || self.asks_with(&pair) && self.kept.contains(&pair)
        });
        self.kept = all.iter().map(|noted| (noted.queue, noted.requirement.clone())).collect();
        self.state.own_staffing = all;
    }

    /// As the steps of the queue alone are begun anew by new rules.
    pub(super) fn restart_own(&mut self, queue: QueueId) {
        let steps = self.state.queues[&queue].step_staffing.len();
        if steps == 0 {
            return self.forget_queue(queue);
        }
        for number in 0..self.state.own_staffing.len() {
            let noted = self.state.own_staffing[number].clone();
            if noted.queue != queue || noted.steps.is_empty() {
                continue;
            }
            let after = (0..steps).map(|step| match noted.steps.get(step) {
                _ if self.is_there(&(queue, noted.requirement.clone()), step) => Staffing::Staffed,
                Some(Staffing::Unstaffed { since } | Staffing::Deserted { since }) => {
                    self.empty_since(queue, *since)
                }
                Some(Staffing::Staffed) | None => self.empty_since(queue, self.state.now),
            });
            self.state.own_staffing[number].steps = after.collect();
        }
    }

    pub(super) fn forget_queue(&mut self, queue: QueueId) {
        self.state.own_staffing.retain(|noted| noted.queue != queue);
    }
}
