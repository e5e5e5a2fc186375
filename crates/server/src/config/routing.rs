//! `[routing]`

use std::time::Duration;

use acd::ForcedPresence;

use super::reader::Section;
use super::{Capacity, channel};

/// What all queues share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// How much earlier a call counts for each point of its priority.
    pub head_start: Duration,
    /// Offers missed in a row that make an agent not ready; 0: never.
    pub misses_max: u32,
    /// How long an agent who missed too many is not ready, where the shift follows the phone; zero: until the
    /// phone registers anew.
    pub missed_pause: Duration,
    /// How long an agent whose phone is gone stays logged in.
    pub phone_grace: Duration,
    /// Callers waiting in all queues together.
    pub waiting_max: u32,
    /// How often one call may overflow into another queue.
    pub overflows_max: u32,
    /// The longest after-call work, extensions included.
    pub after_call_work_max: Duration,
    /// Callers of whom a queue remembers something by their number, for each kind of it.
    pub callers_max: u32,
    /// What happened so long ago counts half in estimated waits.
    pub estimate_half_life: Duration,
    /// Below so many recent samples no wait is estimated.
    pub estimate_samples_min: u32,
    /// Above this error of late, in percent of the mean wait, no wait is estimated.
    pub estimate_error_max: u32,
    /// Whether agents may change what a supervisor has forced.
    pub forced_presence: ForcedPresence,
    /// A conversation, or an agent's own call, of which the calls know no more for so long is over for the agent, too;
    /// none: it is not.
    pub lease: Option<Duration>,
    /// How many an agent takes at once, of the channels that are named; of others nothing, but one call.
    pub capacity: Capacity,
    /// Whom an agent takes who becomes free, of those who wait in several queues.
    pub selection: Selection,
    /// With `late-last`: who has waited so long comes first.
    pub late_guard: Option<Duration>,
    /// Which thread runs the distributor.
    pub distributor_thread: DistributorThread,
}

/// Which thread runs the distributor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DistributorThread {
    /// By the number of agents at the start.
    Auto,
    /// The engine's.
    Shared,
    /// One of its own.
    Own,
}

/// Which of those who wait an agent takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Who has waited longest, head start included.
    Oldest,
    /// Whose time within the service level ends first.
    EarliestDue,
    /// Of the queue that the agent is best at.
    SkillLevel,
    /// The longest wait times the queue's weight.
    Weight,
    /// Of the queue most above its share of all who wait.
    QueueRatio,
    /// Of the queue most below its share of the agent's work.
    PercentAllocation,
    /// Who can still be in time before who is late.
    LateLast,
}

/// How each is written.
pub(super) const SELECTIONS: [(&str, Selection); 7] = [
    ("oldest", Selection::Oldest),
    ("earliest-due", Selection::EarliestDue),
    ("skill-level", Selection::SkillLevel),
    ("weight", Selection::Weight),
    ("queue-ratio", Selection::QueueRatio),
    ("percent-allocation", Selection::PercentAllocation),
    ("late-last", Selection::LateLast),
];

impl Routing {
    /// Whether late last is without what keeps somebody from waiting for ever.
    pub(super) fn lacks_guard(&self, selection: Option<Selection>) -> bool {
        selection == Some(Selection::LateLast) && self.late_guard.is_none()
    }
}

/// All conversations are confirmed three times in the time of a lease, 256 every 20 ms: a hundred thousand take 8 s.
const LEASE_MIN: Duration = Duration::from_secs(30);

pub(super) fn read(section: &mut Section<'_>) -> Routing {
    let forced = [
        ("agent-may-change", ForcedPresence::AgentMayChange),
        ("holds-until-lifted", ForcedPresence::HoldsUntilLifted),
    ];
    let threads = [
        ("auto", DistributorThread::Auto),
        ("shared", DistributorThread::Shared),
        ("own", DistributorThread::Own),
    ];
    let lease = section.duration("lease", "2m", "0s", "1d");
    if !lease.is_zero() && lease < LEASE_MIN {
        let message = "`lease` of less than 30s would end conversations when the machine only pauses; write \
             \"30s\" or more, or \"0s\" for none";
        section.error(section.span(), message);
    }
    let routing = Routing {
        capacity: channel::read_capacity(section),
        selection: section.word("selection", "oldest", &SELECTIONS),
        late_guard: section.optional_duration("late_guard", "1s", "1d"),
        head_start: section.duration("head_start", "1m", "0s", "1d"),
        misses_max: section.integer("misses_max", 3, 0..=100),
        missed_pause: section.duration("missed_pause", "2m", "0s", "1d"),
        phone_grace: section.duration("phone_grace", "30s", "0s", "1h"),
        waiting_max: section.integer("waiting_max", 100_000, 1..=1_000_000),
        overflows_max: section.integer("overflows_max", 10, 0..=100),
        after_call_work_max: section.duration("after_call_work_max", "1h", "0s", "1d"),
        callers_max: section.integer("callers_max", 100_000, 1..=1_000_000),
        estimate_half_life: section.duration("estimate_half_life", "1h", "1m", "1d"),
        estimate_samples_min: section.integer("estimate_samples_min", 20, 1..=10_000),
        estimate_error_max: section.integer("estimate_error_max", 150, 10..=1_000),
        forced_presence: section.word("forced_presence", "agent-may-change", &forced),
        lease: Some(lease).filter(|lease| !lease.is_zero()),
        distributor_thread: section.word("distributor_thread", "auto", &threads),
    };
    if routing.lacks_guard(Some(routing.selection)) && !section.gives("late_guard") {
        section.error(section.span(), format!("selection = \"late-last\" {LACKS_GUARD}"));
    }
    routing
}

/// What is wrong with late last alone, and the remedy.
pub(super) const LACKS_GUARD: &str = "lets who is late wait for ever unless a guard ends it; \
    add late_guard = \"2m\" to [routing], a time after which a caller comes before everybody else";
