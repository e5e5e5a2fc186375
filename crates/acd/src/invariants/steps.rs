//! Steps that nobody serves.

use super::{Violation, holds, serves};
use crate::QueueId;
use crate::state::{AgentState, QueueState, Staffing, Stage, State};

/// Steps are known to be served or not, and nobody waits at one that is passed over.
pub(super) fn check(state: &State, id: QueueId, queue: &QueueState) -> Result<(), Violation> {
    for (step, staffing) in queue.step_staffing.iter().enumerate() {
        let is_there = |agent: &AgentState| agent.presence.is_logged_in() && serves(queue, step, agent);
        let is_staffed = *staffing == Staffing::Staffed;
        holds(is_staffed == state.agents.values().any(is_there), Violation::StaleIndex(Some(id)))?;
    }
    let waiting = state.interactions.iter().filter(|(_, of)| of.stage == Stage::Waiting);
    for (&interaction, entry) in waiting.filter_map(|(id_of, of)| Some((id_of, of.entry(id)?))) {
        let step = usize::from(entry.step);
        holds(queue.past_unstaffed(step) == step, Violation::WrongStep(interaction))?;
    }
    Ok(())
}
