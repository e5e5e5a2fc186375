//! Which of the waiting interactions an agent takes who becomes free.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The most [`crate::QueueSettings::weight`] and [`crate::QueueSettings::ratio`].
pub const SHARE_MAX: u32 = 1_000;

/// The [`crate::QueueSettings::weight`] and [`crate::AgentSettings::weight`] of whatever is configured without one, so
/// that there is room on both sides.
pub const WEIGHT_USUAL: u32 = 100;

/// The last [`crate::QueueSettings::band`]; the first is 0.
pub const BAND_MAX: u8 = 9;

/// The band of a queue that is configured without one, so that there is room on both sides.
pub const BAND_USUAL: u8 = 5;

/// Contact surplus: which of the interactions that an agent could take is the agent's next. It is the agent's setting,
/// as Avaya has it ("call selection"), because it says how this person's time is spent.
///
/// The band of the queue comes before all of this. Whoever is equal goes by place, then id. Within one queue
/// everybody but [`Selection::LateLast`] keeps to the order of place, so only the first of each line is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Selection {
    /// The smallest place: arrival minus head start.
    #[default]
    Oldest,
    /// The earliest place plus [`crate::QueueSettings::objective`]: the least time left. It never changes while somebody
    /// waits (earliest due date first).
    EarliestDue,
    /// The queue for which the agent has the highest level, on average over the skills that it asks for. A queue
    /// that asks for none comes last. Queues of lower levels wait for as long as one of a higher level has somebody.
    SkillLevel,
    /// The greatest age (head start included) times [`crate::QueueSettings::weight`]. With weights that are the inverse
    /// of the objectives it is the "greatest need": the greatest wait relative to the objective.
    Weight,
    /// The queue that is most above its share ([`crate::QueueSettings::ratio`]) of all who wait in the queues that the
    /// agent serves: fixed queue ratio (Gurvich and Whitt, "Service-Level Differentiation in Many-Server Service
    /// Systems via Queue-Ratio Routing", Operations Research 58(2), 2010).
    QueueRatio,
    /// The queue whose part of the agent's work since log-in is farthest below the agent's share for it
    /// ([`crate::AgentSettings::shares`]); queues without a share come last. So does Avaya's "percent allocation" (Business
    /// Advocate) with skills.
    PercentAllocation,
    /// Who can still be in time, the earliest due first; then who is past the objective. It counts waits as service
    /// levels do, from entry into the queue; a priority's head start does not count.
    LateLast {
        /// Who has waited this long in the queue comes before everybody else, the longest wait first. More than zero;
        /// there is no default, because without it who is late may wait for ever.
        guard: Duration,
    },
}
