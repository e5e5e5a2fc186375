//! What differs between two plans, as commands: a reload costs what it changes.

use acd::{Command, Exit};

use super::Plan;

/// The commands that lead from one plan to another: first what all queues share, then what is new and changed before what
/// is gone, queues before agents where they are defined and after them where they go.
pub fn between(old: &Plan, new: &Plan) -> Vec<Command> {
    let mut changes = Vec::new();
    if old.shared != new.shared {
        changes.push(Command::Configure { settings: Box::new(new.shared.clone()) });
    }
    for (&queue, settings) in &new.queues {
        if old.queues.get(&queue) != Some(settings) {
            changes.push(Command::DefineQueue { queue, settings: Box::new(settings.clone()) });
        }
    }
    for (&agent, settings) in &new.agents {
        if old.agents.get(&agent) != Some(settings) {
            changes.push(Command::DefineAgent { agent, settings: Box::new(settings.clone()) });
        }
    }
    for &agent in old.agents.keys().filter(|agent| !new.agents.contains_key(agent)) {
        changes.push(Command::RemoveAgent { agent });
    }
    for &queue in old.queues.keys().filter(|queue| !new.queues.contains_key(queue)) {
        changes.push(Command::RemoveQueue { queue, exit: Exit::Leave(new.closed) });
    }
    changes
}

/// What the distributor must be told when it knows nothing yet.
pub fn from_nothing(plan: &Plan) -> Vec<Command> {
    let queues = plan
        .queues
        .iter()
        .map(|(&queue, settings)| Command::DefineQueue { queue, settings: Box::new(settings.clone()) });
    let agents = plan
        .agents
        .iter()
        .map(|(&agent, settings)| Command::DefineAgent { agent, settings: Box::new(settings.clone()) });
    queues.chain(agents).collect()
}
