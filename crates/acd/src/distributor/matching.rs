//! Who takes what. One rule for both problems: of all waiting interactions that some available agent could
//! take, the first in line gets the agent whom its queue's strategy puts first.
//!
//! With several idle agents and one new interaction this chooses the agent (agent surplus); with one agent who
//! becomes free and several interactions it chooses the interaction (contact surplus). Because nothing could
//! be matched before a change, only what the change set free needs to be looked at.

use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::agent::ReadyClock;
use super::{Deadline, Distributor, Queue, Reservation};
use crate::state::{AgentState, Place, ReservationState, Stage};
use crate::{
    Activity, AgentId, Decision, ELIGIBLE_MAX, Event, IdleClock, InteractionId, RUNNERS_UP_MAX,
    ReservationId, Strategy,
};

/// Where an agent stands among the idle of a queue: the smaller, the sooner; the id comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Rank {
    major: u64,
    minor: u64,
}

impl Queue {
    /// An available agent's rank by this queue's strategy. It stays as it is while the agent is available.
    pub(crate) fn rank(&self, agent: &AgentState, score: u32) -> Rank {
        let idle_since = agent.handled_at.as_micros();
        let (major, minor) = match self.state.settings.strategy {
            Strategy::LongestIdle(IdleClock::SinceHandled) => (idle_since, 0),
            Strategy::LongestIdle(IdleClock::SinceReady) => (agent.ready_at.as_micros(), idle_since),
            Strategy::LongestIdle(IdleClock::SinceOffered) => (agent.offered_at.as_micros(), idle_since),
            Strategy::MostSkilled => (u64::from(u32::MAX - score), idle_since),
            Strategy::LeastSkilled => (u64::from(score), idle_since),
            Strategy::FewestHandled => (u64::from(agent.handled), idle_since),
            Strategy::RoundRobin => (u64::from(agent.settings.order), 0),
            Strategy::TopDown => (u64::from(agent.settings.order), idle_since),
        };
        Rank { major, minor }
    }

    /// Idle agents in the order in which they are to be offered something.
    fn idle_in_order(&self) -> impl Iterator<Item = AgentId> {
        let last = match (self.state.settings.strategy, self.state.last_chosen) {
            (Strategy::RoundRobin, Some((order, agent))) => {
                Bound::Excluded((Rank { major: u64::from(order), minor: 0 }, agent))
            }
            (
                Strategy::LongestIdle(_)
                | Strategy::MostSkilled
                | Strategy::LeastSkilled
                | Strategy::FewestHandled
                | Strategy::RoundRobin
                | Strategy::TopDown,
                _,
            ) => Bound::Unbounded,
        };
        let from_the_start = match last {
            Bound::Excluded(last) => Some(self.idle.range(..=last)),
            Bound::Included(_) | Bound::Unbounded => None,
        };
        let after = self.idle.range((last, Bound::Unbounded));
        after.chain(from_the_start.into_iter().flatten()).map(|&(_, agent)| agent)
    }
}

impl Distributor {
    /// Matches until nothing that was set free can be matched.
    pub(super) fn match_all(&mut self) {
        while let Some(interaction) = self.next_match() {
            self.reserve(interaction);
        }
        self.unsettled.agents.clear();
        self.unsettled.interactions.clear();
    }

    /// The first in line of those that can be matched now. What cannot is forgotten: agents only become fewer.
    fn next_match(&mut self) -> Option<InteractionId> {
        let freed_agents = std::mem::take(&mut self.unsettled.agents);
        let mut best: Option<Place> = None;
        for agent in freed_agents {
            if let Some(place) = self.first_in_line_for(agent) {
                best = Some(best.map_or(place, |best| best.min(place)));
                self.unsettled.agents.insert(agent);
            }
        }
        while let Some(&place) = self.unsettled.interactions.first() {
            if best.is_some_and(|best| best <= place) {
                break;
            }
            if !self.candidates(place.interaction, 1).is_empty() {
                best = Some(place);
                break;
            }
            self.unsettled.interactions.pop_first();
        }
        best.map(|place| place.interaction)
    }

    /// The first waiting interaction, over all queues, that an available agent could take.
    ///
    /// This is the one place that decides contact surplus.
    fn first_in_line_for(&self, id: AgentId) -> Option<Place> {
        let agent = &self.agents.get(&id)?;
        if !agent.state.is_available() {
            return None;
        }
        let is_allowed =
            |place: &&Place| !self.interactions[&place.interaction].state.exclusions.contains_key(&id);
        let mut best: Option<Place> = None;
        let mut consider = |place: Option<&Place>| {
            if let Some(&place) = place {
                best = Some(best.map_or(place, |best| best.min(place)));
            }
        };
        for (id, serves) in &agent.serves {
            let queue = &self.queues[id];
            for (step, line) in queue.waiting.iter().enumerate() {
                if serves.step(step) {
                    consider(line.iter().find(is_allowed));
                }
            }
            let meets_own = |place: &&Place| {
                let interaction = &self.interactions[&place.interaction].state;
                serves.step(usize::from(interaction.step)) && interaction.accepts(&agent.state)
            };
            consider(queue.own.iter().filter(is_allowed).find(meets_own));
        }
        best
    }

    /// The available agents who could take a waiting interaction, best first, at most so many.
    ///
    /// This is the one place that decides agent surplus.
    fn candidates(&self, id: InteractionId, most: usize) -> Vec<AgentId> {
        let Some(interaction) = self.interactions.get(&id).map(|interaction| &interaction.state) else {
            return Vec::new();
        };
        if interaction.stage != Stage::Waiting {
            return Vec::new();
        }
        let queue = &self.queues[&interaction.queue];
        let can_take = |id: &AgentId| {
            let agent = &self.agents[id];
            agent.serves[&interaction.queue].step(usize::from(interaction.step))
                && !interaction.exclusions.contains_key(id)
                && interaction.accepts(&agent.state)
        };
        queue.idle_in_order().filter(can_take).take(most).collect()
    }

    /// Holds the best candidate for a waiting interaction.
    fn reserve(&mut self, id: InteractionId) {
        let candidates = self.candidates(id, usize::from(ELIGIBLE_MAX));
        let agent_id = *candidates.first().expect("an interaction is matched when there is a candidate");
        self.stop_waiting(id);
        let now = self.now;
        self.last_reservation += 1;
        let reservation = ReservationId(self.last_reservation);

        let interaction = &mut self.interaction_mut(id).state;
        interaction.stage = Stage::Reserved(reservation);
        interaction.attempts += 1;
        let (queue_id, attempt, step) = (interaction.queue, interaction.attempts, interaction.step);
        let (waited, age) = (now - interaction.entered, now - interaction.arrived);
        let own_requirement = interaction.requirement.is_some();
        self.count(queue_id, |counters| counters.reservations += 1);

        let order = self.agents[&agent_id].state.settings.order;
        let queue = self.queues.get_mut(&queue_id).expect("interactions wait in queues that are defined");
        let strategy = queue.state.settings.strategy;
        if strategy == Strategy::RoundRobin {
            queue.state.last_chosen = Some((order, agent_id));
        }
        queue.reserved += 1;
        let deadline = now + queue.state.settings.ring_timeout;
        let mut runners_up = [None; RUNNERS_UP_MAX];
        for (slot, &agent) in runners_up.iter_mut().zip(&candidates[1..]) {
            *slot = Some(agent);
        }
        let decision = Decision {
            step,
            own_requirement,
            strategy,
            eligible: u16::try_from(candidates.len()).expect("at most ELIGIBLE_MAX were asked for"),
            runners_up,
            still_waiting: u32::try_from(queue.entries.len()).expect("the bound of waiting is a u32"),
        };
        let timer = self.deadlines.schedule(deadline, (deadline, Deadline::Reservation(reservation)));
        let state = ReservationState { interaction: id, agent: agent_id, since: now, deadline };
        self.reservations.insert(reservation, Reservation { state, timer });
        let (interaction, agent, queue) = (id, agent_id, queue_id);
        self.emit(Event::Reserved {
            reservation,
            interaction,
            agent,
            queue,
            deadline,
            waited,
            age,
            attempt,
            decision,
        });
        self.change_agent(agent, ReadyClock::Goes, |agent| {
            agent.activity = Activity::Reserved { reservation, since: now };
            agent.offered_at = now;
        });
    }
}
