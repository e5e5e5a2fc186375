//! `[routing]`

use std::time::Duration;

use acd::ForcedPresence;

use super::reader::Section;

/// What all queues share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routing {
    /// How much earlier a call counts for each point of its priority.
    pub head_start: Duration,
    /// Offers missed in a row that make an agent not ready; 0: never.
    pub misses_max: u32,
    /// How long an agent who missed too many is not ready, where the shift follows the phone; zero: until the
    /// phone registers anew.
    pub missed_pause: Duration,
    /// Callers waiting in all queues together.
    pub waiting_max: u32,
    /// How often one call may overflow into another queue.
    pub overflows_max: u32,
    /// The longest after-call work, extensions included.
    pub after_call_work_max: Duration,
    /// Whether agents may change what a supervisor has forced.
    pub forced_presence: ForcedPresence,
    /// A conversation, or an agent's own call, of which the calls know no more for so long is over for the agent, too;
    /// none: it is not.
    pub lease: Option<Duration>,
}

pub(super) fn read(section: &mut Section<'_>) -> Routing {
    let forced = [
        ("agent-may-change", ForcedPresence::AgentMayChange),
        ("holds-until-lifted", ForcedPresence::HoldsUntilLifted),
    ];
    let lease = section.duration("lease", "2m", "0s", "1d");
    Routing {
        head_start: section.duration("head_start", "1m", "0s", "1d"),
        misses_max: section.integer("misses_max", 3, 0..=100),
        missed_pause: section.duration("missed_pause", "2m", "0s", "1d"),
        waiting_max: section.integer("waiting_max", 100_000, 1..=1_000_000),
        overflows_max: section.integer("overflows_max", 10, 0..=100),
        after_call_work_max: section.duration("after_call_work_max", "1h", "0s", "1d"),
        forced_presence: section.word("forced_presence", "agent-may-change", &forced),
        lease: Some(lease).filter(|lease| !lease.is_zero()),
    }
}
