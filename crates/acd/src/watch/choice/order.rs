//! Which interaction comes before which for an agent who is free, made anew from the plain state.

use timing::Instant;

use super::{Entry, selection_of};
use crate::state::{AgentState, EntryState, InteractionState, Place, QueueState, Stage, State};
use crate::{AgentId, QueueId, QueueSettings, Selection, StepEffect, requirement};

/// Where an interaction stands for an agent who is free: the smaller, the sooner. By band, then as the agent selects;
/// what is first for [`Selection::LateLast`] is the class, then a time. Last the order of its queues.
pub(super) type Need = (u8, i128, i128, Place, usize);

pub(super) fn need_of(state: &State, agent_id: AgentId, (id, queue_id): Entry) -> Option<Need> {
    let (agent, contact) = (state.agents.get(&agent_id)?, state.interactions.get(&id)?);
    let (entry, nth) = (contact.entry(queue_id)?, contact.entries.iter().position(|e| e.queue == queue_id)?);
    let queue = &state.queues.get(&queue_id)?.settings;
    let place = contact.place(id, state.settings.head_start_per_point);
    let objective = i128::try_from(queue.objective.as_micros()).ok()?;
    let at = |time: Instant| i128::from(time.as_micros());
    let need = |need| Some((queue.band, 0, need, place, nth));
    match selection_of(state, agent_id)? {
        Selection::Oldest => need(0),
        Selection::EarliestDue => need(i128::from(place.key) + objective),
        Selection::SkillLevel => {
            let wanted = State::wanted_skills(queue);
            let sum = i128::from(requirement::score(&wanted, &agent.settings.skills));
            need(-(sum * (1 << 20) / i128::try_from(wanted.len().max(1)).ok()?))
        }
        Selection::Weight => need(-(at(state.now) - i128::from(place.key)).max(0) * i128::from(queue.weight)),
        Selection::PercentAllocation => need(agent.above_share(entry.queue)),
        Selection::QueueRatio => {
            let mut all = (0, 0);
            for (other, queue) in &state.queues {
                let is_open = queue.settings.reserve(&agent.settings.skills) <= queue.reserves_open
                    && agent.settings.capacity.of(queue.settings.channel) > 0;
                if is_open && (0..=queue.settings.steps.len()).any(|step| meets(&queue.settings, step, agent))
                {
                    all = (all.0 + length(state, *other), all.1 + i128::from(queue.settings.ratio));
                }
            }
            need(i128::from(queue.ratio) * all.0 - length(state, queue_id) * all.1)
        }
        Selection::LateLast { guard } => {
            let waited = state.now - entry.entered;
            let id_alone = Place { key: 0, interaction: id };
            let entered = at(entry.entered);
            let (class, time) = match (waited >= guard, waited <= queue.objective) {
                (true, _) => (0, entered),
                (false, true) => (1, entered + objective),
                (false, false) => (2, entered + objective),
            };
            Some((queue.band, class, time, id_alone, nth))
        }
    }
}

/// How many wait in a queue.
pub(super) fn length(state: &State, id: QueueId) -> i128 {
    let waits = |contact: &&InteractionState| contact.entry(id).is_some() && contact.stage == Stage::Waiting;
    i128::try_from(state.interactions.values().filter(waits).count()).unwrap_or(i128::MAX)
}

/// When an interaction has its turn, compared with all others: by band and place.
pub(super) fn turn_of(state: &State, (id, queue): Entry) -> Option<(u8, Place)> {
    let contact = state.interactions.get(&id)?;
    let band = state.queues.get(&queue)?.settings.band;
    Some((band, contact.place(id, state.settings.head_start_per_point)))
}

/// The step that counts; while agents are rung the rules may have changed, and with them how many steps there are.
pub(super) fn step_in(entry: &EntryState, queue: &QueueState) -> usize {
    usize::from(entry.step).min(queue.settings.steps.len())
}

pub(super) fn meets(settings: &QueueSettings, step: usize, agent: &AgentState) -> bool {
    let skills = &agent.settings.skills;
    let mut meets = settings.requirement.is_met_by(skills);
    let Some(steps) = settings.steps.get(..step) else { return false };
    for step in steps {
        let this = step.requirement.is_met_by(skills);
        meets = match step.effect {
            StepEffect::Replace => this,
            StepEffect::Add => meets || this,
        };
    }
    meets
}
