//! The series of one queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use acd::{
    AgentCounts, CallbackEnd, DequeueCause, OVERFLOWS_MAX, OverflowCause, QueueSnapshot, RejectCause,
    ReservationEnd, WantedEnd,
};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Histogram, IntCounter, IntGauge};
use timing::Instant;

use crate::agents::AgentState;
use crate::exposition::Exposition;
use crate::series::{Definition, Group, Registration, as_gauge};
use crate::wait_histogram::WaitHistogram;
use crate::{EstimatedWait, EstimatedWaitError, QueueName};

/// The only channel there is so far.
const VOICE: (&str, &str) = ("channel", "voice");
/// Edges in seconds for how long something to do with an agent's work takes.
pub(crate) const WORK_EDGES: [f64; 14] =
    [5.0, 10.0, 15.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0];
/// Edges in seconds for how long a phone rings.
const RING_EDGES: [f64; 11] = [0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0, 60.0];
/// Nobody waits.
const NOBODY: u64 = u64::MAX;

const OFFERED: Definition = Definition {
    name: "cordboard_interactions_offered_total",
    help: "Interactions that entered the queue, from outside or from another queue, or came back to it.",
};
const FLOW_INS: Definition = Definition {
    name: "cordboard_flow_ins_total",
    help: "Of the interactions offered to the queue, those that came from another queue.",
};
const BESIDES: Definition = Definition {
    name: "cordboard_entered_beside_total",
    help: "Of the interactions offered to the queue, those that entered another queue at the same time and count as \
           customers there.",
};
const RETURNS: Definition = Definition {
    name: "cordboard_returns_total",
    help: "Of the interactions offered to the queue, those that came back because the agent was gone at once.",
};
const INTERACTIONS: Definition = Definition {
    name: "cordboard_interactions_total",
    help: "Interactions that left the wait in the queue, by outcome; an answered one counts when it is answered.",
};
const WAIT: Definition = Definition {
    name: "cordboard_wait_seconds",
    help: "From entry into the queue to the outcome, ringing included; the queue's threshold is a bucket.",
};
const CALLBACKS_TAKEN: Definition = Definition {
    name: "cordboard_callbacks_taken_total",
    help: "Customers who hung up while waiting in the queue to be called back.",
};
const CALLBACKS_ENDED: Definition = Definition {
    name: "cordboard_callbacks_ended_total",
    help: "Callbacks that ended without a conversation, by cause.",
};
const CALLBACKS: Definition = Definition {
    name: "cordboard_callbacks",
    help: "Customers who are to be called back and with whom no conversation has begun; not among the waiting.",
};
const SHORT_ABANDONS: Definition = Definition {
    name: "cordboard_short_abandons_total",
    help: "Of the abandoned interactions, those that gave up within the configured short time.",
};
const OVERFLOWS: Definition = Definition {
    name: "cordboard_overflows_total",
    help: "Interactions that left the queue without an agent, by cause.",
};
const DEQUEUES: Definition = Definition {
    name: "cordboard_dequeues_total",
    help: "Interactions that stood in several queues and left this one for what became of them in another, by cause.",
};
const FLOW_OUTS: Definition = Definition {
    name: "cordboard_flow_outs_total",
    help: "Of the overflowed interactions, those that went to another queue in which they did not stand already.",
};
const WANTED: Definition = Definition {
    name: "cordboard_wanted_agents_total",
    help: "Interactions that wanted agents by name, by whether one of them answered.",
};
const STEPS: Definition = Definition {
    name: "cordboard_steps_entered_total",
    help: "How often a waiting interaction came to a later step of the queue's requirement.",
};
const RESERVATIONS: Definition = Definition {
    name: "cordboard_reservations_total",
    help: "Reservations of an agent that ended, by outcome.",
};
const RING: Definition = Definition {
    name: "cordboard_ring_seconds",
    help: "How long an agent was reserved and rung, by whether the agent accepted.",
};
const HANDLE_TIME: Definition = Definition {
    name: "cordboard_handle_time_seconds",
    help: "Talk, hold and after-call work of an interaction, counted when the last of it is over.",
};
const AFTER_CALL_WORK: Definition =
    Definition { name: "cordboard_after_call_work_seconds", help: "After-call work, counted at its end." };
const WAITING: Definition = Definition {
    name: "cordboard_waiting",
    help: "Interactions in the queue that are not answered yet, those for whom an agent is rung included.",
};
const RINGING: Definition = Definition {
    name: "cordboard_ringing",
    help: "Of the waiting interactions, those for whom an agent is rung.",
};
const HANDLING: Definition =
    Definition { name: "cordboard_handling", help: "Interactions of the queue in conversation." };
const RESERVES_OPEN: Definition = Definition {
    name: "cordboard_reserves_open",
    help: "How many of the queue's reserves of agents are open, because somebody has waited too long.",
};
const OPEN: Definition = Definition {
    name: "cordboard_queue_open",
    help: "1 while the queue is open; 0 while it is closed by its calendar.",
};
const LONGEST_WAIT: Definition = Definition {
    name: "cordboard_longest_wait_seconds",
    help: "The longest wait in the queue of those waiting now; 0 where nobody waits.",
};
const ESTIMATED_WAIT: Definition = Definition {
    name: "cordboard_estimated_wait_seconds",
    help: "From now to the answer, for somebody without priority who enters the queue; NaN where it is not known.",
};
const ESTIMATED_WAIT_AT_MOST: Definition = Definition {
    name: "cordboard_estimated_wait_at_most_seconds",
    help: "Nine of ten who enter the queue wait no longer; NaN where it is not known.",
};
const ESTIMATED_WAIT_ERROR: Definition = Definition {
    name: "cordboard_estimated_wait_error_seconds",
    help: "How far off the estimated waits of late were: estimate minus wait (bias), and its distance. \
           NaN where none has been compared.",
};
const ESTIMATED_WAIT_COVERED: Definition = Definition {
    name: "cordboard_estimated_wait_covered_ratio",
    help: "Share of the waits of late that did not exceed the bound for nine of ten. \
           NaN where none has been compared.",
};
const THRESHOLD: Definition = Definition {
    name: "cordboard_service_level_threshold_seconds",
    help: "The wait up to which an answer is in time.",
};
const TARGET: Definition = Definition {
    name: "cordboard_service_level_target_ratio",
    help: "The share that shall be answered within the threshold.",
};
const SERVICE_LEVEL: Definition = Definition {
    name: "cordboard_service_level_ratio",
    help: "Service level of the day in the configured variant, abandons_negative by default: \
           answered in time / (answered + abandoned). NaN where nothing counts yet.",
};
const AGENTS: Definition = Definition {
    name: "cordboard_agents",
    help: "Agents who could serve the queue, by state. An agent counts in each queue: do not sum over queues.",
};
const AGENT_SECONDS: Definition = Definition {
    name: "cordboard_queue_agent_seconds_total",
    help: "Time that agents who could serve the queue spent in a state, sampled about once a second.",
};

/// In the order of [`overflow_index`].
const OVERFLOW_CAUSES: [&str; 8 + OVERFLOWS_MAX] = [
    "nobody_logged_in",
    "max_wait",
    "max_length",
    "moved",
    "queue_removed",
    "wanted_absent",
    "wanted_timeout",
    "closed",
    "rule_1",
    "rule_2",
    "rule_3",
    "rule_4",
    "rule_5",
    "rule_6",
    "rule_7",
    "rule_8",
];
/// In the order of [`WantedOutcome`].
const WANTED_OUTCOMES: [&str; 3] = ["answered", "absent", "timed_out"];
/// In the order of [`dequeue_index`].
const DEQUEUE_CAUSES: [&str; 4] = ["answered", "abandoned", "moved", "queue_removed"];
/// In the order of [`reservation_index`].
const RESERVATION_ENDS: [&str; 11] = [
    "accepted",
    "no_answer",
    "busy",
    "rejected",
    "unreachable",
    "expired",
    "cancelled",
    "withdrawn",
    "no_resources",
    "taken_by_another",
    "call_failed",
];

/// What became of an interaction that wanted agents by name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WantedOutcome {
    Answered,
    Absent,
    TimedOut,
}

impl WantedOutcome {
    pub(crate) fn of(end: WantedEnd) -> WantedOutcome {
        match end {
            WantedEnd::Absent => WantedOutcome::Absent,
            WantedEnd::TimedOut => WantedOutcome::TimedOut,
        }
    }
}

/// In the order of [`callback_end_index`].
const CALLBACK_ENDS: [&str; 5] = ["cancelled", "unreached", "expired", "queue_removed", "withdrawn"];

fn callback_end_index(cause: CallbackEnd) -> usize {
    match cause {
        CallbackEnd::Cancelled => 0,
        CallbackEnd::Unreached => 1,
        CallbackEnd::Expired => 2,
        CallbackEnd::QueueRemoved => 3,
        CallbackEnd::Withdrawn { .. } => 4,
    }
}

fn overflow_index(cause: OverflowCause) -> usize {
    match cause {
        OverflowCause::NobodyLoggedIn => 0,
        OverflowCause::MaxWait => 1,
        OverflowCause::MaxLength => 2,
        OverflowCause::Moved => 3,
        OverflowCause::QueueRemoved => 4,
        OverflowCause::WantedAbsent => 5,
        OverflowCause::WantedTimeout => 6,
        OverflowCause::Closed => 7,
        OverflowCause::Rule(number) => 8 + usize::from(number),
    }
}

fn dequeue_index(cause: DequeueCause) -> usize {
    match cause {
        DequeueCause::Answered => 0,
        DequeueCause::Abandoned => 1,
        DequeueCause::Moved => 2,
        DequeueCause::QueueRemoved => 3,
    }
}

fn reservation_index(end: ReservationEnd) -> usize {
    match end {
        ReservationEnd::Accepted => 0,
        ReservationEnd::Rejected(RejectCause::NoAnswer) => 1,
        ReservationEnd::Rejected(RejectCause::Busy) => 2,
        ReservationEnd::Rejected(RejectCause::Rejected) => 3,
        ReservationEnd::Rejected(RejectCause::Unreachable) => 4,
        ReservationEnd::Expired => 5,
        ReservationEnd::Cancelled => 6,
        ReservationEnd::Withdrawn => 7,
        ReservationEnd::Rejected(RejectCause::NoResources) => 8,
        ReservationEnd::TakenByAnother => 9,
        ReservationEnd::CallFailed(_) | ReservationEnd::CallExpired => 10,
    }
}

/// The series of one queue. They are removed when this is dropped.
pub(crate) struct QueueSeries {
    label: String,
    pub(super) offered: IntCounter,
    pub(super) flow_ins: IntCounter,
    pub(super) besides: IntCounter,
    pub(super) returns: IntCounter,
    pub(super) answered: Exits,
    pub(super) abandoned: Exits,
    pub(super) overflowed: Exits,
    pub(super) dequeued: Exits,
    pub(super) callbacks_taken: IntCounter,
    pub(super) called_back: IntCounter,
    pub(super) callbacks_ended: IntCounter,
    callback_ends: [IntCounter; CALLBACK_ENDS.len()],
    callbacks: IntGauge,
    pub(super) short_abandons: IntCounter,
    pub(super) flow_outs: IntCounter,
    overflow_causes: [IntCounter; OVERFLOW_CAUSES.len()],
    dequeue_causes: [IntCounter; DEQUEUE_CAUSES.len()],
    reservations: [IntCounter; RESERVATION_ENDS.len()],
    ring_accepted: Histogram,
    ring_in_vain: Histogram,
    pub(crate) steps: IntCounter,
    wanted: [IntCounter; WANTED_OUTCOMES.len()],
    pub(super) handle_time: Histogram,
    pub(crate) after_call_work: Histogram,
    open: IntGauge,
    waiting: IntGauge,
    oldest_micros: Arc<AtomicU64>,
    pub(crate) ringing: IntGauge,
    pub(crate) handling: IntGauge,
    reserves_open: IntGauge,
    estimate: EstimateSeries,
    threshold: Gauge,
    target: Gauge,
    service_level: Gauge,
    agents: [IntGauge; AgentState::ALL.len()],
    agent_seconds: [Counter; AgentState::ALL.len()],
    _registration: Registration,
}

impl QueueSeries {
    pub(crate) fn new(exposition: &Exposition, label: &str, name: &QueueName) -> QueueSeries {
        let threshold = name.threshold;
        let mut group = Group::new("queue", label);
        let oldest_micros = Arc::new(AtomicU64::new(NOBODY));
        let longest = LongestWait {
            gauge: Gauge::with_opts(group.options(LONGEST_WAIT, &[])).expect("the name is a constant"),
            oldest_micros: Arc::clone(&oldest_micros),
            scraped_at: exposition.scraped_at(),
        };
        group.add(longest);
        let series = QueueSeries {
            label: label.to_owned(),
            offered: group.counter(OFFERED, &[VOICE]),
            flow_ins: group.counter(FLOW_INS, &[]),
            besides: group.counter(BESIDES, &[]),
            returns: group.counter(RETURNS, &[]),
            answered: Exits::new(&mut group, "answered", threshold),
            abandoned: Exits::new(&mut group, "abandoned", threshold),
            overflowed: Exits::new(&mut group, "overflowed", threshold),
            dequeued: Exits::new(&mut group, "dequeued", threshold),
            callbacks_taken: group.counter(CALLBACKS_TAKEN, &[]),
            called_back: group.counter(INTERACTIONS, &[VOICE, ("outcome", "called_back")]),
            callbacks_ended: group.counter(INTERACTIONS, &[VOICE, ("outcome", "callback_ended")]),
            callback_ends: CALLBACK_ENDS.map(|cause| group.counter(CALLBACKS_ENDED, &[("cause", cause)])),
            callbacks: group.gauge(CALLBACKS, &[]),
            short_abandons: group.counter(SHORT_ABANDONS, &[]),
            flow_outs: group.counter(FLOW_OUTS, &[]),
            overflow_causes: OVERFLOW_CAUSES.map(|cause| group.counter(OVERFLOWS, &[("cause", cause)])),
            dequeue_causes: DEQUEUE_CAUSES.map(|cause| group.counter(DEQUEUES, &[("cause", cause)])),
            reservations: RESERVATION_ENDS.map(|end| group.counter(RESERVATIONS, &[("outcome", end)])),
            ring_accepted: group.histogram(RING, &RING_EDGES, &[("outcome", "accepted")]),
            ring_in_vain: group.histogram(RING, &RING_EDGES, &[("outcome", "not_accepted")]),
            steps: group.counter(STEPS, &[]),
            wanted: WANTED_OUTCOMES.map(|outcome| group.counter(WANTED, &[("outcome", outcome)])),
            handle_time: group.histogram(HANDLE_TIME, &WORK_EDGES, &[]),
            after_call_work: group.histogram(AFTER_CALL_WORK, &WORK_EDGES, &[]),
            open: group.gauge(OPEN, &[]),
            waiting: group.gauge(WAITING, &[]),
            oldest_micros,
            ringing: group.gauge(RINGING, &[]),
            handling: group.gauge(HANDLING, &[]),
            reserves_open: group.gauge(RESERVES_OPEN, &[]),
            estimate: EstimateSeries::new(&mut group),
            threshold: group.real_gauge(THRESHOLD, &[]),
            target: group.real_gauge(TARGET, &[]),
            service_level: group.real_gauge(SERVICE_LEVEL, &[]),
            agents: AgentState::ALL.map(|state| group.gauge(AGENTS, &[("state", state.name())])),
            agent_seconds: AgentState::ALL
                .map(|state| group.seconds(AGENT_SECONDS, &[("state", state.name())])),
            _registration: group.register(exposition.registry()),
        };
        series.set_objective(name);
        // It is open until the first snapshot says otherwise.
        series.open.set(1);
        series
    }

    /// The value of the label `queue`.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// What shall be answered within which wait, from now on.
    pub(crate) fn set_objective(&self, name: &QueueName) {
        self.threshold.set(name.threshold.as_secs_f64());
        self.target.set(name.target);
        for exits in [&self.answered, &self.abandoned, &self.overflowed, &self.dequeued] {
            exits.waits.set_threshold(name.threshold);
        }
    }

    pub(super) fn set_line(&self, waiting: usize, oldest: Option<Instant>, callbacks: usize) {
        self.callbacks.set(as_gauge(callbacks));
        self.waiting.set(as_gauge(waiting));
        self.oldest_micros.store(oldest.map_or(NOBODY, Instant::as_micros), Ordering::Relaxed);
    }

    pub(super) fn set_service_level(&self, ratio: Option<f64>) {
        self.service_level.set(ratio.unwrap_or(f64::NAN));
    }

    /// What became of an interaction that wanted agents by name.
    pub(crate) fn wanted(&self, outcome: WantedOutcome) {
        self.wanted[outcome as usize].inc();
    }

    pub(super) fn end_callback(&self, cause: CallbackEnd) {
        self.callbacks_ended.inc();
        self.callback_ends[callback_end_index(cause)].inc();
    }

    pub(super) fn overflow(&self, cause: OverflowCause) {
        match cause {
            OverflowCause::WantedAbsent => self.wanted(WantedOutcome::Absent),
            OverflowCause::WantedTimeout => self.wanted(WantedOutcome::TimedOut),
            OverflowCause::NobodyLoggedIn
            | OverflowCause::MaxWait
            | OverflowCause::MaxLength
            | OverflowCause::Moved
            | OverflowCause::QueueRemoved
            | OverflowCause::Closed
            | OverflowCause::Rule(_) => {}
        }
        if let Some(counter) = self.overflow_causes.get(overflow_index(cause)) {
            counter.inc();
        }
    }

    pub(super) fn dequeue(&self, cause: DequeueCause) {
        self.dequeue_causes[dequeue_index(cause)].inc();
    }

    /// `left`: so many agents are still rung for the same interaction.
    pub(crate) fn end_reservation(&self, end: ReservationEnd, lasted: Duration, left: u8) {
        if left == 0 {
            self.ringing.dec();
        }
        self.reservations[reservation_index(end)].inc();
        let ring = match end {
            ReservationEnd::Accepted => &self.ring_accepted,
            ReservationEnd::Rejected(_)
            | ReservationEnd::Expired
            | ReservationEnd::Cancelled
            | ReservationEnd::Withdrawn
            | ReservationEnd::TakenByAnother
            | ReservationEnd::CallFailed(_)
            | ReservationEnd::CallExpired => &self.ring_in_vain,
        };
        ring.observe(lasted.as_secs_f64());
    }

    /// What the distributor itself says, which also sets right what was added up.
    pub(crate) fn set_snapshot(&self, snapshot: &QueueSnapshot) {
        self.open.set(snapshot.open.into());
        self.ringing.set(snapshot.reserved.into());
        self.handling.set(snapshot.handling.into());
        self.reserves_open.set(snapshot.reserves_open.into());
        for state in AgentState::ALL {
            self.agents[state.index()].set(state.count(&snapshot.agents).into());
        }
        self.estimate.set(snapshot);
    }

    /// The distributor says nothing about it any more.
    pub(super) fn end_snapshots(&self) {
        self.open.set(0);
        self.ringing.set(0);
        self.reserves_open.set(0);
        self.agents.iter().for_each(|gauge| gauge.set(0));
        self.estimate.forget();
        self.set_service_level(None);
    }

    /// The agents were as counted for this long.
    pub(crate) fn pass_time(&self, agents: &AgentCounts, elapsed: Duration) {
        for state in AgentState::ALL {
            let agents = f64::from(state.count(agents));
            self.agent_seconds[state.index()].inc_by(agents * elapsed.as_secs_f64());
        }
    }
}

/// What is estimated, and how far off that was.
struct EstimateSeries {
    wait: Gauge,
    at_most: Gauge,
    bias: Gauge,
    mean_absolute: Gauge,
    root_mean_square: Gauge,
    covered: Gauge,
}

impl EstimateSeries {
    fn new(group: &mut Group) -> EstimateSeries {
        let mut error = |figure: &str| group.real_gauge(ESTIMATED_WAIT_ERROR, &[("figure", figure)]);
        let (bias, mean_absolute, root_mean_square) =
            (error("bias"), error("mean_absolute"), error("root_mean_square"));
        let series = EstimateSeries {
            wait: group.real_gauge(ESTIMATED_WAIT, &[]),
            at_most: group.real_gauge(ESTIMATED_WAIT_AT_MOST, &[]),
            bias,
            mean_absolute,
            root_mean_square,
            covered: group.real_gauge(ESTIMATED_WAIT_COVERED, &[]),
        };
        series.forget();
        series
    }

    fn set(&self, snapshot: &QueueSnapshot) {
        let told = EstimatedWait::new(&snapshot.estimate);
        self.wait.set(told.seconds.unwrap_or(f64::NAN));
        self.at_most.set(told.at_most_seconds.unwrap_or(f64::NAN));
        let error = EstimatedWaitError::new(&snapshot.accuracy);
        let figure = |of: fn(&EstimatedWaitError) -> f64| error.as_ref().map_or(f64::NAN, of);
        self.bias.set(figure(|error| error.bias_seconds));
        self.mean_absolute.set(figure(|error| error.mean_absolute_seconds));
        self.root_mean_square.set(figure(|error| error.root_mean_square_seconds));
        self.covered.set(figure(|error| error.covered_ratio));
    }

    /// Nothing is known.
    fn forget(&self) {
        for gauge in [
            &self.wait,
            &self.at_most,
            &self.bias,
            &self.mean_absolute,
            &self.root_mean_square,
            &self.covered,
        ] {
            gauge.set(f64::NAN);
        }
    }
}

/// A counter of interactions that left in one way, and how long they had waited.
pub(super) struct Exits {
    total: IntCounter,
    waits: WaitHistogram,
}

impl Exits {
    fn new(group: &mut Group, outcome: &str, threshold: Duration) -> Exits {
        let total = group.counter(INTERACTIONS, &[VOICE, ("outcome", outcome)]);
        let options = group.options(WAIT, &[("outcome", outcome)]);
        let waits = group.add(WaitHistogram::new(WAIT.name, &options, threshold));
        Exits { total, waits }
    }

    pub(super) fn leave(&self, waited: Duration) {
        self.total.inc();
        self.waits.observe(waited);
    }
}

/// A gauge that grows while nothing happens: it is worked out at the scrape.
#[derive(Clone)]
struct LongestWait {
    gauge: Gauge,
    oldest_micros: Arc<AtomicU64>,
    scraped_at: Arc<AtomicU64>,
}

impl Collector for LongestWait {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let now = self.scraped_at.load(Ordering::Relaxed);
        let wait = match self.oldest_micros.load(Ordering::Relaxed) {
            NOBODY => Duration::ZERO,
            oldest => Duration::from_micros(now.saturating_sub(oldest)),
        };
        self.gauge.set(wait.as_secs_f64());
        self.gauge.collect()
    }
}
