//! What an interaction needs of an agent: an expression over skills and levels.

mod parse;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::SkillId;

pub use parse::{ParseError, ParseProblem, parse};

/// The best level of a skill. The least that an agent can hold is 1; an agent without the skill counts as 0.
pub const LEVEL_MAX: u8 = 10;
/// The longest text that [`parse()`] reads, in bytes.
pub const TEXT_MAX: usize = 4_096;
/// The most comparisons in one parsed expression; [`crate::Settings::requirement_terms_max`] may be lower.
pub const TERMS_MAX: usize = 256;
/// The deepest nesting of one parsed expression; [`crate::Settings::requirement_depth_max`] may be lower.
pub const DEPTH_MAX: usize = 32;

/// The skills of one agent and their levels, 1 to [`LEVEL_MAX`].
pub type Skills = BTreeMap<SkillId, u8>;

/// A condition on an agent's skills. The agents of a queue are exactly those who meet it: nobody is listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Requirement {
    /// The agent's level of `skill` compares so with `level`. An agent without the skill has level 0.
    Skill {
        /// Which skill.
        skill: SkillId,
        /// How the agent's level must compare with `level`.
        comparison: Comparison,
        /// 0 to [`LEVEL_MAX`].
        level: u8,
    },
    /// Every one holds. An empty list always holds.
    All(Vec<Requirement>),
    /// At least one holds. An empty list never holds.
    Any(Vec<Requirement>),
    /// It does not hold.
    Not(Box<Requirement>),
}

/// How a level is compared: `agent's level <comparison> level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `>`
    MoreThan,
    /// `<=`
    AtMost,
    /// `<`
    LessThan,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
}

impl Comparison {
    /// Whether `level` of the agent stands so to `wanted`.
    pub fn holds(self, level: u8, wanted: u8) -> bool {
        match self {
            Comparison::AtLeast => level >= wanted,
            Comparison::MoreThan => level > wanted,
            Comparison::AtMost => level <= wanted,
            Comparison::LessThan => level < wanted,
            Comparison::Equal => level == wanted,
            Comparison::NotEqual => level != wanted,
        }
    }
}

/// How large an expression is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Comparisons in it.
    pub terms: usize,
    /// Levels of nesting; a single comparison has 1.
    pub depth: usize,
}

impl Requirement {
    /// The requirement that every agent meets.
    pub fn anyone() -> Requirement {
        Requirement::All(Vec::new())
    }

    /// At least this level of one skill.
    pub fn at_least(skill: SkillId, level: u8) -> Requirement {
        Requirement::Skill { skill, comparison: Comparison::AtLeast, level }
    }

    /// Whether an agent with these skills meets it.
    pub fn is_met_by(&self, skills: &Skills) -> bool {
        match self {
            Requirement::Skill { skill, comparison, level } => {
                comparison.holds(skills.get(skill).copied().unwrap_or(0), *level)
            }
            Requirement::All(parts) => parts.iter().all(|part| part.is_met_by(skills)),
            Requirement::Any(parts) => parts.iter().any(|part| part.is_met_by(skills)),
            Requirement::Not(part) => !part.is_met_by(skills),
        }
    }

    /// How large it is. An empty list counts as one term, so that nothing is free.
    pub fn size(&self) -> Size {
        match self {
            Requirement::Skill { .. } => Size { terms: 1, depth: 1 },
            Requirement::All(parts) | Requirement::Any(parts) => {
                let parts = parts.iter().map(Requirement::size);
                let inner = parts.fold(Size::default(), |sum, part| Size {
                    terms: sum.terms + part.terms,
                    depth: sum.depth.max(part.depth),
                });
                Size { terms: inner.terms.max(1), depth: inner.depth + 1 }
            }
            Requirement::Not(part) => {
                let inner = part.size();
                Size { terms: inner.terms, depth: inner.depth + 1 }
            }
        }
    }

    /// The first level in it that is above [`LEVEL_MAX`].
    pub(crate) fn level_out_of_range(&self) -> Option<(SkillId, u8)> {
        match self {
            Requirement::Skill { skill, level, .. } => (*level > LEVEL_MAX).then_some((*skill, *level)),
            Requirement::All(parts) | Requirement::Any(parts) => {
                parts.iter().find_map(Requirement::level_out_of_range)
            }
            Requirement::Not(part) => part.level_out_of_range(),
        }
    }

    /// Collects the skills that it asks for: those of the terms that nobody meets who lacks the skill. `trainee = 0`,
    /// `trainee < 1` and `not trainee` ask for none; `not trainee = 0` asks for it.
    pub fn wanted_skills(&self, wanted: &mut BTreeSet<SkillId>) {
        self.collect_wanted(false, wanted);
    }

    fn collect_wanted(&self, is_negated: bool, wanted: &mut BTreeSet<SkillId>) {
        match self {
            Requirement::Skill { skill, comparison, level } => {
                let suffices_to_lack_it = comparison.holds(0, *level) != is_negated;
                wanted.extend((!suffices_to_lack_it).then_some(*skill));
            }
            Requirement::All(parts) | Requirement::Any(parts) => {
                parts.iter().for_each(|part| part.collect_wanted(is_negated, wanted));
            }
            Requirement::Not(part) => part.collect_wanted(!is_negated, wanted),
        }
    }
}

/// The sum of an agent's levels over some skills.
pub fn score(wanted: &[SkillId], skills: &Skills) -> u32 {
    wanted.iter().map(|skill| u32::from(skills.get(skill).copied().unwrap_or(0))).sum()
}
