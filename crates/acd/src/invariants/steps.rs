//! Steps that nobody serves.

use std::collections::BTreeSet;

use super::{Violation, holds, serves};
use crate::state::{AgentState, OwnStaffing, QueueState, Staffing, Stage, State};
use crate::{QueueId, Requirement};

/// Steps are known to be served or not, and nobody waits at one that is passed over.
pub(super) fn check(state: &State, id: QueueId, queue: &QueueState) -> Result<(), Violation> {
    for (step, staffing) in queue.step_staffing.iter().enumerate() {
        let is_there = |agent: &AgentState| agent.presence.is_logged_in() && serves(queue, step, agent);
        let is_staffed = *staffing == Staffing::Staffed;
        holds(is_staffed == state.agents.values().any(is_there), Violation::StaleIndex(Some(id)))?;
    }
    let waiting = state.interactions.iter().filter(|(_, of)| of.stage == Stage::Waiting);
    for (&interaction, of) in waiting {
        let Some(entry) = of.entry(id) else { continue };
        let own = of.requirement.as_ref().map_or(&[][..], |own| steps_of(state, id, own));
        let is_deserted = |step| matches!(own.get(step), Some(Staffing::Deserted { .. }));
        let step = usize::from(entry.step);
        holds(queue.past_those(step, is_deserted) == step, Violation::WrongStep(interaction))?;
    }
    Ok(())
}

fn steps_of<'a>(state: &'a State, id: QueueId, own: &Requirement) -> &'a [Staffing] {
    let mut pairs = state.own_staffing.iter();
    pairs.find(|pair| pair.queue == id && pair.requirement == *own).map_or(&[], |pair| &pair.steps)
}

/// For each own requirement it is known which steps are served by somebody who meets it.
pub(super) fn check_own(state: &State) -> Result<(), Violation> {
    check_pairs(state)?;
    for OwnStaffing { queue: id, requirement, steps } in &state.own_staffing {
        let queue = &state.queues[id];
        for (step, staffing) in steps.iter().enumerate() {
            let is_there = |agent: &AgentState| {
                agent.presence.is_logged_in()
                    && serves(queue, step, agent)
                    && requirement.is_met_by(&agent.settings.skills)
            };
            let is_staffed = *staffing == Staffing::Staffed;
            holds(is_staffed == state.agents.values().any(is_there), Violation::StaleIndex(Some(*id)))?;
        }
    }
    Ok(())
}

/// Pairs of a queue and an own requirement are those with which somebody waits where steps may be passed over, and perhaps
/// some more with which somebody is reserved who has waited, in order, each with as many steps as its queue or none.
pub(super) fn check_pairs(state: &State) -> Result<(), Violation> {
    let (mut waiting, mut reserved) = (BTreeSet::new(), BTreeSet::new());
    for of in state.interactions.values() {
        let Some(own) = &of.requirement else { continue };
        let asked: &mut BTreeSet<(QueueId, &Requirement)> = match of.stage {
            Stage::Waiting => &mut waiting,
            Stage::Reserved { .. } => &mut reserved,
            Stage::Resting { .. } | Stage::Handling { .. } => continue,
        };
        let follows = |id| state.queues.get(id).is_some_and(|queue| !queue.step_staffing.is_empty());
        let queues = of.entries.iter().map(|entry| &entry.queue).filter(|id| follows(id));
        asked.extend(queues.map(|&id| (id, own)));
    }
    let pairs: Vec<_> = state.own_staffing.iter().map(|pair| (pair.queue, &pair.requirement)).collect();
    let is_sound = pairs.is_sorted_by(|before, after| before < after)
        && pairs.iter().all(|pair| waiting.remove(pair) || reserved.contains(pair))
        && waiting.is_empty();
    holds(is_sound, Violation::StaleIndex(None))?;
    for OwnStaffing { queue, steps, .. } in &state.own_staffing {
        let of_queue = state.queues.get(queue).map(|queue| queue.step_staffing.len());
        let is_sound = steps.is_empty() || Some(steps.len()) == of_queue;
        holds(is_sound, Violation::StaleIndex(Some(*queue)))?;
    }
    Ok(())
}
