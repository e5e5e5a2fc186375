//! What can be seen of the distributor from outside.

use timing::Instant;

use super::{Distributor, Queue};
use crate::state::State;
use crate::{AgentCounts, AgentSnapshot, QueueId, QueueSnapshot, Snapshot};

pub(super) fn snapshot(distributor: &Distributor, at: Instant) -> Snapshot {
    let count = |length: usize| u32::try_from(length).expect("the bounds are u32");
    let queue_snapshot = |(&id, queue): (&QueueId, &Queue)| QueueSnapshot {
        queue: id,
        waiting: count(queue.entries.len()),
        reserved: queue.reserved,
        handling: queue.handling,
        longest_wait: queue.entries.first().map(|&(entered, _)| at - entered).unwrap_or_default(),
        agents: agent_counts(distributor, id),
        counters: queue.state.counters,
    };
    Snapshot {
        at,
        queues: distributor.queues.iter().map(queue_snapshot).collect(),
        agents: distributor
            .agents
            .iter()
            .map(|(&agent, entry)| AgentSnapshot {
                agent,
                presence: entry.state.presence,
                activity: entry.state.activity,
                handled: entry.state.handled,
            })
            .collect(),
        interactions: count(distributor.interactions.len()),
        totals: distributor.totals,
    }
}

fn agent_counts(distributor: &Distributor, queue: QueueId) -> AgentCounts {
    let mut counts = AgentCounts::default();
    for agent in distributor.agents.values().filter(|agent| agent.serves.contains_key(&queue)) {
        counts.add(agent.state.presence, agent.state.activity);
    }
    counts
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
