//! `[staffing]`: what the search for the fewest agents aims at.

use std::time::Duration;

use super::Group;
use crate::config::reader::Section;
use crate::config::spelling;

/// Targets of the search. Every queue that the group can serve must meet them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Staffing {
    /// Whose number is sought; none: of the only group, or of the one that `--staff` names.
    pub(crate) group: Option<String>,
    /// The most agents that are tried.
    pub(crate) agents_max: u32,
    /// Instead of the queues' own targets.
    pub(crate) target: Option<f64>,
    /// Instead of the queues' own thresholds.
    pub(crate) within: Option<Duration>,
    /// The most that may give up, as a share; none: any.
    pub(crate) abandonment: Option<f64>,
    /// The longest mean answer delay; none: any.
    pub(crate) answer_delay: Option<Duration>,
}

pub(super) fn read(section: &mut Section<'_>, groups: &[Group]) -> Staffing {
    let group = section.text("group");
    if let Some((name, span)) = &group
        && !groups.iter().any(|group| group.name == *name)
    {
        let hint = spelling::hint(name, groups.iter().map(|group| group.name.as_str()));
        section.error(
            span.clone(),
            format!("there is no group \"{name}\"{hint}; add a [[group]] or correct the name"),
        );
    }
    Staffing {
        group: group.map(|(name, _)| name),
        agents_max: section.integer("agents_max", 500, 1..=5_000),
        target: section.portion("service_level", "none", "1%", "100%"),
        within: section.optional_duration("within", "0s", "1h"),
        abandonment: section.portion("abandonment", "none", "0%", "100%"),
        answer_delay: section.optional_duration("answer_delay", "0s", "1h"),
    }
}
