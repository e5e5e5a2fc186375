//! The order of a queue's strategy, made anew from the plain state.

use std::cmp::Reverse;

use timing::Instant;

use crate::state::{AgentState, QueueState, State};
use crate::{AgentId, IdleClock, Strategy, requirement};

/// Where an agent stands by a queue's strategy: the smaller, the sooner; then by id.
pub(super) type Turn = (u8, Reverse<u32>, u64, Instant);

pub(super) fn turn(queue: &QueueState, id: AgentId, agent: &AgentState) -> Turn {
    let (lap, major, minor) = turn_in_bucket(queue, id, agent);
    (queue.settings.bucket(&agent.settings.skills), lap, major, minor)
}

fn turn_in_bucket(queue: &QueueState, id: AgentId, agent: &AgentState) -> (Reverse<u32>, u64, Instant) {
    let by = |key: u64| (Reverse(0), key, agent.handled_at);
    let score = || {
        let wanted = State::wanted_skills(&queue.settings);
        requirement::score(&wanted, &agent.settings.skills)
    };
    match queue.settings.strategy {
        Strategy::LongestIdle(IdleClock::SinceHandled) => by(0),
        Strategy::LongestIdle(IdleClock::SinceReady) => by(agent.ready_at.as_micros()),
        Strategy::LongestIdle(IdleClock::SinceOffered) => by(agent.offered_at.as_micros()),
        Strategy::MostSkilled => (Reverse(score()), 0, agent.handled_at),
        Strategy::LeastSkilled => by(u64::from(score())),
        Strategy::FewestHandled => by(u64::from(agent.handled)),
        Strategy::LeastOccupied => by(u64::from(agent.occupancy)),
        Strategy::RoundRobin => {
            let order = agent.settings.order;
            let had_a_turn = queue.last_chosen.is_some_and(|last| (order, id) <= last);
            (Reverse(u32::from(!had_a_turn)), u64::from(order), Instant::ORIGIN)
        }
        Strategy::TopDown => by(u64::from(agent.settings.order)),
        Strategy::WeightedRandom => (Reverse(0), 0, Instant::ORIGIN),
    }
}
