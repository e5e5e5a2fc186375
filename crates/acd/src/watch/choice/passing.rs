//! I8: nobody goes on from a step that somebody is there for.

use super::super::{Step, Violation};
use super::order::meets;
use crate::state::{AgentState, InteractionState, State};
use crate::{Event, InteractionId, QueueId, StepCause};

/// Whoever went past a step for want of agents, for its own requirement or for everybody's, had none there all the while who
/// would meet both: of all steps between, beside those that its age has passed.
pub(in crate::watch) fn check(before: &State, step: &Step<'_>, after: &State) -> Result<(), Violation> {
    let events = step.events;
    for (number, event) in events.iter().enumerate() {
        let Event::StepEntered { interaction, queue, step, cause: StepCause::Unstaffed, .. } = *event else {
            continue;
        };
        let (Some(contact), Some(rules)) = (after.interactions.get(&interaction), after.queues.get(&queue))
        else {
            continue;
        };
        let Some(last_passed) = step.checked_sub(1) else {
            return Err(Violation::WrongStep(interaction));
        };
        // Of one that is gone from there, the last is known.
        let from = contact.entry(queue).map_or(last_passed, |_| {
            stood_at(before, &events[..number], contact, (interaction, queue)).unwrap_or(0)
        });
        let by_age = contact.entry(queue).map_or(0, |entry| {
            let waited = after.now - entry.entered;
            rules.settings.steps.iter().filter(|step| step.after <= waited).count()
        });
        let first_passed = usize::from(from).max(by_age).min(usize::from(last_passed));
        let would_take = |agent: &AgentState| {
            agent.settings.capacity.of(rules.settings.channel) > 0
                && contact.accepts(agent)
                && (first_passed..=usize::from(last_passed))
                    .any(|passed| meets(&rules.settings, passed, agent))
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

/// The step at which one stood in a queue after these events; `None` where it had none there, or by other rules.
fn stood_at(
    before: &State,
    events: &[Event],
    contact: &InteractionState,
    (id, there): (InteractionId, QueueId),
) -> Option<u8> {
    let told = events.iter().rev().find_map(|event| {
        let Event::StepEntered { interaction, queue, step, .. } = *event else { return None };
        ((interaction, queue) == (id, there)).then_some(step)
    });
    let (was, is) = (before.interactions.get(&id)?.entry(there), contact.entry(there)?);
    let same = was.filter(|was| (was.entered, was.rules) == (is.entered, is.rules));
    told.or(same.map(|was| was.step))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use timing::Instant;

    use super::{Violation, check};
    use crate::watch::{Input, Step};
    use crate::{
        AgentId, AgentSettings, Command, Distributor, Event, InteractionId, QueueId, QueueSettings,
        ReasonCode, Request, Requirement, Settings, SkillId, StepCause, StepEffect,
    };

    /// Kim meets the first step and the last, and nobody the one between; a call waits at the first.
    fn with_a_call() -> Distributor {
        let (kims, nobodys) = (Requirement::at_least(SkillId(1), 1), Requirement::at_least(SkillId(2), 1));
        let step = |after, requirement: &Requirement| crate::Step {
            after: Duration::from_secs(after),
            requirement: requirement.clone(),
            effect: StepEffect::Replace,
        };
        let steps = vec![step(60, &nobodys), step(120, &kims)];
        let rules = QueueSettings { requirement: kims, steps, ..QueueSettings::default() };
        let kim = AgentSettings { skills: [(SkillId(1), 8)].into(), ..AgentSettings::default() };
        let mut acd = Distributor::new(Settings::default());
        for command in [
            Command::DefineQueue { queue: QueueId(1), settings: Box::new(rules) },
            Command::DefineAgent { agent: AgentId(1), settings: Box::new(kim) },
            Command::LogIn { agent: AgentId(1), not_ready: Some(ReasonCode(1)) },
            Command::Enqueue { interaction: InteractionId(1), request: Request::new(QueueId(1)) },
        ] {
            acd.handle_command(Instant::from_secs(1), command).expect("it is right");
        }
        acd
    }

    #[test]
    fn whoever_goes_past_several_steps_goes_past_none_that_somebody_is_there_for() {
        let before = with_a_call().state();
        let found = |from: u8| {
            let (mut before, mut after) = (before.clone(), before.clone());
            let at = |state: &mut crate::state::State, step| {
                state.interactions.get_mut(&InteractionId(1)).expect("it waits").entries[0].step = step;
            };
            at(&mut before, from);
            at(&mut after, 2);
            let (interaction, queue, cause) = (InteractionId(1), QueueId(1), StepCause::Unstaffed);
            let events = [Event::StepEntered { interaction, queue, step: 2, cause, waited: Duration::ZERO }];
            let step = Step { now: after.now, input: Input::Timeout, events: &events, wakes: None };
            check(&before, &step, &after)
        };
        assert_eq!(found(1), Ok(()), "nobody is there for the second");
        assert_eq!(found(0), Err(Violation::WrongStep(InteractionId(1))));
    }
}
