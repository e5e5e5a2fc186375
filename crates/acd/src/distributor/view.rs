//! What can be seen of the distributor from outside.

use std::collections::BTreeMap;

use timing::Instant;

use super::{Distributor, Queue};
use crate::state::{AgentState, Place, State};
use crate::{AgentCounts, AgentId, AgentSnapshot, QueueId, QueueSnapshot, Snapshot, Waiting};

pub(super) fn snapshot(distributor: &Distributor, at: Instant) -> Snapshot {
    let agents = agent_counts(distributor);
    let count = |length: usize| u32::try_from(length).expect("the bounds are u32");
    let queue_snapshot = |(&id, queue): (&QueueId, &Queue)| QueueSnapshot {
        queue: id,
        waiting: count(queue.entries.len()),
        reserved: queue.reserved,
        handling: queue.handling,
        longest_wait: queue.entries.first().map(|&(entered, _)| at - entered).unwrap_or_default(),
        agents: agents.get(&id).copied().unwrap_or_default(),
        counters: queue.state.counters,
    };
    Snapshot {
        at,
        queues: distributor.queues.iter().map(queue_snapshot).collect(),
        agents: distributor.agents.iter().map(|(&id, entry)| agent(id, &entry.state)).collect(),
        interactions: count(distributor.interactions.len()),
        totals: distributor.totals,
    }
}

pub(super) fn agent(agent: AgentId, state: &AgentState) -> AgentSnapshot {
    let AgentState { presence, presence_since, activity, handled, .. } = *state;
    AgentSnapshot { agent, presence, presence_since, activity, handled }
}

/// In one walk over the agents, whatever the number of queues.
fn agent_counts(distributor: &Distributor) -> BTreeMap<QueueId, AgentCounts> {
    let mut counts: BTreeMap<QueueId, AgentCounts> = BTreeMap::new();
    for agent in distributor.agents.values() {
        for &queue in agent.serves.keys() {
            counts.entry(queue).or_default().add(agent.state.presence, agent.state.activity);
        }
    }
    counts
}

pub(super) fn first_in_line(distributor: &Distributor, queue: &Queue, most: usize) -> Vec<Waiting> {
    let lists = queue.waiting.iter().chain([&queue.own]);
    let mut places: Vec<Place> = lists.flat_map(|list| list.iter().take(most)).copied().collect();
    places.sort_unstable();
    places.truncate(most);
    let waiting = |place: Place| {
        let interaction = &distributor.interactions[&place.interaction].state;
        Waiting {
            interaction: place.interaction,
            priority: interaction.priority,
            step: interaction.step,
            arrived: interaction.arrived,
            entered: interaction.entered,
            attempts: interaction.attempts,
        }
    };
    places.into_iter().map(waiting).collect()
}

pub(super) fn state(distributor: &Distributor) -> State {
    State {
        settings: distributor.settings.clone(),
        now: distributor.now,
        queues: distributor.queues.iter().map(|(&id, queue)| (id, queue.state.clone())).collect(),
        agents: distributor.agents.iter().map(|(&id, agent)| (id, agent.state.clone())).collect(),
        interactions: distributor
            .interactions
            .iter()
            .map(|(&id, interaction)| (id, interaction.state.clone()))
            .collect(),
        reservations: distributor
            .reservations
            .iter()
            .map(|(&id, reservation)| (id, reservation.state.clone()))
            .collect(),
        last_reservation: distributor.last_reservation,
        totals: distributor.totals,
    }
}
