//! I8: nobody goes on from a step that somebody is there for.

use super::super::{Step, Violation};
use super::order::meets;
use crate::state::{AgentState, State};
use crate::{Event, StepCause};

/// Whoever went past a step for want of agents, for its own requirement or for everybody's, had none there all the while who
/// would meet both.
pub(in crate::watch) fn check(before: &State, step: &Step<'_>, after: &State) -> Result<(), Violation> {
    for event in step.events {
        let Event::StepEntered { interaction, queue, step, cause: StepCause::Unstaffed, .. } = *event else {
            continue;
        };
        let (Some(contact), Some(rules)) = (after.interactions.get(&interaction), after.queues.get(&queue))
        else {
            continue;
        };
        let Some(passed) = usize::from(step).checked_sub(1) else {
            return Err(Violation::WrongStep(interaction));
        };
        let would_take = |agent: &AgentState| {
            agent.settings.capacity.of(rules.settings.channel) > 0
                && meets(&rules.settings, passed, agent)
                && contact.accepts(agent)
        };
        let stayed = after.agents.iter().filter(|(id, agent)| {
            let before = before.agents.get(id);
            agent.presence.is_logged_in() && before.is_some_and(|before| before.presence.is_logged_in())
        });
        if stayed.into_iter().any(|(_, agent)| would_take(agent)) {
            return Err(Violation::WrongStep(interaction));
        }
    }
    Ok(())
}
