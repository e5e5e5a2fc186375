//! Which skills a queue asks for, said comparison by comparison.

use acd::requirement::Comparison;
use acd::{QueueSettings, Requirement, SkillId};

/// Each once, in order of their ids.
pub(super) fn skills_asked_for(queue: &QueueSettings) -> Vec<SkillId> {
    let requirements =
        std::iter::once(&queue.requirement).chain(queue.steps.iter().map(|step| &step.requirement));
    let mut skills: Vec<SkillId> =
        requirements.flat_map(|requirement| asked_for(requirement, false)).collect();
    skills.sort_unstable();
    skills.dedup();
    skills
}

fn asked_for(requirement: &Requirement, is_negated: bool) -> Vec<SkillId> {
    match requirement {
        Requirement::All(parts) | Requirement::Any(parts) => {
            parts.iter().flat_map(|part| asked_for(part, is_negated)).collect()
        }
        Requirement::Not(part) => asked_for(part, !is_negated),
        Requirement::Skill { skill, comparison, level } => {
            let plainly = if is_negated { opposite(*comparison) } else { *comparison };
            let is_asked_for = match plainly {
                Comparison::AtLeast | Comparison::Equal => *level > 0,
                Comparison::MoreThan => true,
                // No level is below 0, so that nobody meets it, with the skill or without.
                Comparison::LessThan | Comparison::NotEqual => *level == 0,
                Comparison::AtMost => false,
            };
            if is_asked_for { vec![*skill] } else { Vec::new() }
        }
    }
}

fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::AtLeast => Comparison::LessThan,
        Comparison::MoreThan => Comparison::AtMost,
        Comparison::AtMost => Comparison::MoreThan,
        Comparison::LessThan => Comparison::AtLeast,
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
    }
}
