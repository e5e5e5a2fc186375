//! The half of the report that lives on the distributor's thread.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use acd::{
    AgentCounts, AgentId, CallbackMode, Event, Fault, HandlingEnd, InteractionId, Lease, QueueId, Refusal,
    ReservationId, Snapshot,
};
use prometheus::IntCounter;
use prometheus::local::LocalHistogram;
use timing::Instant;

use crate::agents::Agents;
use crate::queue::{Entry, Queue, QueueFigures, QueueSeries, WantedOutcome};
use crate::series::{Definition, Group, Registration};
use crate::{Exposition, Names, QueueName, ServiceLevel};

const LATENCY: Definition = Definition {
    name: "cordboard_distribution_latency_seconds",
    help: "From a command's entry into the distributor's ring until the events that follow from it are out.",
};
const REFUSED: Definition = Definition {
    name: "cordboard_commands_refused_total",
    help: "Commands that the distributor refused, by whose fault it was.",
};
const LEASES_EXPIRED: Definition = Definition {
    name: "cordboard_leases_expired_total",
    help: "What nobody renewed and the distributor ended, so that its agent is not stuck: a message was lost, or the \
           thread of the calls stood still.",
};
const FORCED: Definition = Definition {
    name: "cordboard_presence_forced_total",
    help: "Presences that supervisors forced on agents.",
};
/// How long the series of a queue are kept after the last of it: longer than anybody's pause between scrapes.
const KEPT: Duration = Duration::from_secs(600);
/// Edges in seconds.
const LATENCY_EDGES: [f64; 13] =
    [0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1.0];

/// What a centre means by its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who gives up within this time, it included, is a short abandon (a wrong number).
    pub short_abandon: Duration,
    /// The variant that `cordboard_service_level_ratio` and the wallboard show.
    pub service_level: ServiceLevel,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { short_abandon: Duration::from_secs(5), service_level: ServiceLevel::default() }
    }
}

/// What only the reporter knows, for the wallboard; published beside each [`Snapshot`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Each queue that has a name.
    pub queues: BTreeMap<QueueId, QueueFigures>,
    /// The variant of the service level that is shown.
    pub service_level: ServiceLevel,
    /// For which a customer is being called back: the agent is held and not rung.
    pub calling_back: BTreeSet<ReservationId>,
    /// Of the day, over all agents: (talk + hold + after-call work) / (the same + idle).
    pub occupancy: Option<f64>,
}

/// Turns the distributor's events into figures. It begins with the distributor and hears every event once, in
/// order, with the `now` that the distributor was given. One for each [`Exposition`].
///
/// Per batch: [`Reporter::handle_event`] for each event, then [`Reporter::flush`]. About once a second:
/// [`Reporter::handle_snapshot`]. At the start of a day: [`Reporter::new_day`].
pub struct Reporter {
    exposition: Exposition,
    settings: Settings,
    names: Names,
    queues: BTreeMap<QueueId, Queue>,
    /// Between two queues.
    moving_callbacks: BTreeSet<InteractionId>,
    /// Since when those were on the line who were called back and are in conversation now.
    called_back: BTreeMap<InteractionId, Instant>,
    /// While the customer's phone rings.
    calling_back: BTreeSet<ReservationId>,
    agents: Agents,
    sampled: BTreeMap<QueueId, AgentCounts>,
    sampled_at: Instant,
    latency: LocalHistogram,
    refused: [IntCounter; FAULTS.len()],
    leases_expired: [IntCounter; LEASES.len()],
    forced: IntCounter,
    _registration: Registration,
}

/// In the order of [`fault_index`].
const FAULTS: [&str; 3] = ["sender", "configuration", "capacity"];

/// In the order of [`lease_index`].
const LEASES: [&str; 3] = ["conversation", "own_call", "log_in"];

fn lease_index(lease: Lease) -> usize {
    match lease {
        Lease::Handling(_) => 0,
        Lease::Occupied(_) => 1,
        Lease::LogIn(_) => 2,
    }
}

fn fault_index(refusal: Refusal) -> usize {
    match refusal.fault() {
        Fault::Sender => 0,
        Fault::Configuration => 1,
        Fault::Capacity => 2,
    }
}

impl Reporter {
    /// A reporter of a distributor that has said nothing yet.
    pub fn new(exposition: &Exposition, settings: Settings, names: &Names, now: Instant) -> Reporter {
        let mut group = Group::bare();
        let mut reporter = Reporter {
            exposition: exposition.clone(),
            settings,
            names: Names::default(),
            queues: BTreeMap::new(),
            moving_callbacks: BTreeSet::new(),
            called_back: BTreeMap::new(),
            calling_back: BTreeSet::new(),
            agents: Agents::new(exposition, now),
            sampled: BTreeMap::new(),
            sampled_at: now,
            latency: group.histogram(LATENCY, &LATENCY_EDGES, &[]).local(),
            refused: FAULTS.map(|fault| group.counter(REFUSED, &[("fault", fault)])),
            leases_expired: LEASES.map(|lease| group.counter(LEASES_EXPIRED, &[("kind", lease)])),
            forced: group.counter(FORCED, &[]),
            _registration: group.register(exposition.registry()),
        };
        reporter.set_names(names);
        reporter
    }

    /// Takes over the names of a new configuration. A queue with a new name gets new series; one that is named
    /// no longer keeps its series until it is removed, nothing of it is in hand and ten minutes have passed; a
    /// new threshold moves one bucket; nothing else is touched or reset.
    pub fn set_names(&mut self, names: &Names) {
        let labels = names.queue_labels();
        let taken: BTreeSet<&String> = labels.values().collect();
        for (id, queue) in &mut self.queues {
            let label = labels.get(id);
            queue.named = label.is_some();
            let is_another = |series: &QueueSeries| match label {
                Some(label) => label != series.label(),
                None => taken.contains(&series.label().to_owned()),
            };
            if queue.series.as_ref().is_some_and(is_another) {
                queue.series = None;
            }
        }
        for (&id, label) in &labels {
            self.name_queue(id, label, &names.queues[&id]);
        }
        self.agents.set_names(names);
        self.names = names.clone();
    }

    /// One event of the distributor.
    pub fn handle_event(&mut self, now: Instant, event: &Event) {
        match *event {
            Event::Queued { interaction, queue, from, beside, waited, .. } => {
                let entry = Entry::into_queue(queue, from, beside);
                self.queued(now - waited, interaction, queue, entry);
            }
            Event::StepEntered { queue, .. } => self.with_series(queue, |series| series.steps.inc()),
            Event::OpenedToAll { queue, cause, .. } => {
                self.with_series(queue, |series| series.wanted(WantedOutcome::of(cause)));
            }
            Event::Reserved { reservation, queue, ref decision, callback, .. } => {
                self.reserved(reservation, queue, decision.beside, callback);
            }
            Event::ReservationEnded { reservation, queue, cause, lasted, left, .. } => {
                self.calling_back.remove(&reservation);
                self.with_series(queue, |series| series.end_reservation(cause, lasted, left));
            }
            Event::Answered { interaction, queue, waited, by_name, .. } => {
                self.answered(queue, interaction, waited, by_name);
            }
            Event::Abandoned { interaction, queue, waited, .. } => {
                self.abandoned(now, queue, interaction, waited);
            }
            Event::CallbackTaken { .. }
            | Event::CallbackRests { .. }
            | Event::CallbackWaits { .. }
            | Event::CallbackCalling { .. }
            | Event::CallbackReached { .. }
            | Event::CallbackHolds { .. }
            | Event::CalledBack { .. }
            | Event::CallbackEnded { .. }
            | Event::CallbackWindow { .. } => self.handle_callback(now, event),
            Event::Overflowed { interaction, queue, waited, cause, exit, elsewhere, .. } => {
                let moves = self.queue(queue).overflow(interaction, waited, cause, (exit, elsewhere));
                self.moving_callbacks.extend(moves.then_some(interaction));
            }
            Event::Dequeued { interaction, queue, waited, cause, .. } => {
                self.queue(queue).dequeue(interaction, waited, cause);
            }
            Event::HandlingEnded { .. }
            | Event::AfterCallWorkStarted { .. }
            | Event::AfterCallWorkEnded { .. } => self.handle_work(event),
            // What is open, queues or reserves, is read from snapshots, where new rules are seen to close reserves, too.
            Event::ReservesChanged { .. }
            | Event::Configured { .. }
            | Event::OpenChanged { .. }
            | Event::Changed { .. }
            | Event::AfterCallWorkExtended { .. }
            | Event::AgentReachable { .. }
            | Event::ShiftBegan { .. }
            | Event::Interrupted { .. }
            | Event::Resumed { .. }
            | Event::AgentAside { .. }
            | Event::AgentForced { forced: None, .. } => {}
            Event::LeaseExpired { lease, .. } => self.leases_expired[lease_index(lease)].inc(),
            Event::AgentForced { forced: Some(_), .. } => self.forced.inc(),
            Event::AgentChanged { agent, presence, activity } => {
                self.agents.change(now, agent, presence, activity);
            }
            Event::AgentRemoved { agent } => self.remove_agent(now, agent),
            Event::QueueDefined { queue } => self.define_queue(queue),
            Event::QueueRemoved { queue } => {
                self.queue(queue).remove();
                self.sampled.remove(&queue);
            }
            Event::Refused { refusal, .. } => self.refused[fault_index(refusal)].inc(),
        }
    }

    fn abandoned(&mut self, now: Instant, queue: QueueId, interaction: InteractionId, waited: Duration) {
        let waited = self.queue(queue).wait_on_the_line(now, interaction).map_or(waited, |on| on.min(waited));
        let short = waited <= self.settings.short_abandon;
        self.queue(queue).abandon(interaction, waited, short);
        self.show_service_level(queue);
    }

    fn queued(&mut self, entered: Instant, interaction: InteractionId, queue: QueueId, entry: Entry) {
        let is_callback = self.moving_callbacks.remove(&interaction);
        let on_the_line = self.called_back.remove(&interaction);
        let entered = on_the_line.map_or(entered, |since| since.max(entered));
        let queue = self.queue(queue);
        queue.enter(entered, interaction, entry);
        if is_callback {
            queue.keep_callback(interaction);
        }
    }

    fn handle_work(&mut self, event: &Event) {
        match *event {
            Event::HandlingEnded { interaction, queue, agent, handled_for, cause, .. } => {
                if cause != HandlingEnd::Returned {
                    self.called_back.remove(&interaction);
                }
                self.end_conversation(queue);
                let finished = self.agents.end_conversation(agent, interaction, queue, handled_for);
                self.count_handled(finished);
            }
            Event::AfterCallWorkStarted { agent, interaction, .. } => {
                self.agents.begin_after_call_work(agent, interaction);
            }
            Event::AfterCallWorkEnded { agent, interaction, queue, lasted } => {
                self.with_series(queue, |series| series.after_call_work.observe(lasted.as_secs_f64()));
                let finished = self.agents.end_after_call_work(agent, interaction);
                self.count_handled(finished.map(|(queue, handled)| (queue, handled.saturating_add(lasted))));
            }
            _ => unreachable!("the caller has matched it"),
        }
    }

    fn remove_agent(&mut self, now: Instant, agent: AgentId) {
        for finished in self.agents.remove(now, agent) {
            self.count_handled(Some(finished));
        }
    }

    /// Customer-first: the customer is called while the agent is held.
    fn reserved(
        &mut self,
        reservation: ReservationId,
        queue: QueueId,
        beside: u8,
        callback: Option<CallbackMode>,
    ) {
        if callback == Some(CallbackMode::CustomerFirst) {
            self.calling_back.insert(reservation);
        }
        if beside == 0 {
            self.with_series(queue, |series| series.ringing.inc());
        }
    }

    fn handle_callback(&mut self, now: Instant, event: &Event) {
        match *event {
            Event::CallbackTaken { interaction, queue, .. } => self.queue(queue).take_callback(interaction),
            Event::CallbackCalling { reservation, .. } => drop(self.calling_back.insert(reservation)),
            Event::CallbackReached { reservation, interaction, queue, .. } => {
                self.calling_back.remove(&reservation);
                self.queue(queue).reach_callback(now, interaction);
            }
            Event::CallbackHolds { interaction, queue, .. } => {
                self.queue(queue).reach_callback(now, interaction);
            }
            Event::CalledBack { interaction, queue, .. } => {
                let since = self.queue(queue).called_back(interaction);
                self.called_back.insert(interaction, since.unwrap_or(now));
            }
            Event::CallbackEnded { interaction, queue, cause, .. } => {
                self.queue(queue).end_callback(interaction, cause);
            }
            // Where it stands changes nothing of what is shown.
            _ => {}
        }
    }

    /// How long the distributor took with one command; see the metric's help.
    pub fn observe_latency(&mut self, latency: Duration) {
        self.latency.observe(latency.as_secs_f64());
    }

    /// Shows what a batch of events changed.
    pub fn flush(&mut self, now: Instant) {
        for (queue, handle_time) in self.agents.finished() {
            self.count_handled(Some((queue, handle_time)));
        }
        self.agents.flush(now);
        self.latency.flush();
    }

    /// The distributor's state now, all its events having been handled: agents by queue and by reason.
    pub fn handle_snapshot(&mut self, snapshot: &Snapshot) {
        let elapsed = snapshot.at.since(self.sampled_at);
        for queue in &snapshot.queues {
            let before = self.sampled.insert(queue.queue, queue.agents).unwrap_or_default();
            if let Some(series) = self.queues.get(&queue.queue).and_then(|queue| queue.series.as_ref()) {
                series.pass_time(&before, elapsed);
                series.set_snapshot(queue);
            }
        }
        self.sampled_at = snapshot.at;
        self.queues.retain(|_, queue| !queue.is_forgotten(snapshot.at, KEPT));
        self.agents.set_snapshot(snapshot.at, &snapshot.agents, &self.names, &self.calling_back);
        self.flush(snapshot.at);
    }

    /// A day begins: the figures "of the day" start anew; counters, histograms and who waits do not.
    pub fn new_day(&mut self, now: Instant) {
        for queue in self.queues.values_mut() {
            queue.new_day();
            queue.show_service_level(self.settings.service_level);
        }
        self.agents.new_day(now);
    }

    /// What only the reporter knows, for [`crate::Wallboard`].
    pub fn figures(&self) -> Figures {
        let named = self.queues.iter().filter(|(_, queue)| queue.named);
        Figures {
            queues: named.map(|(&id, queue)| (id, queue.figures())).collect(),
            service_level: self.settings.service_level,
            calling_back: self.calling_back.clone(),
            occupancy: self.agents.occupancy(),
        }
    }

    fn end_conversation(&mut self, id: QueueId) {
        self.queue(id).end_conversation();
    }

    fn count_handled(&mut self, finished: Option<(QueueId, Duration)>) {
        if let Some((queue, handle_time)) = finished
            && let Some(queue) = self.queues.get_mut(&queue)
        {
            queue.handled(handle_time);
        }
    }

    fn define_queue(&mut self, id: QueueId) {
        self.queue(id).define();
        if let Some(label) = self.names.queue_labels().get(&id) {
            let name = self.names.queues[&id].clone();
            self.name_queue(id, label, &name);
        }
    }

    fn name_queue(&mut self, id: QueueId, label: &str, name: &QueueName) {
        let queue = self.queues.entry(id).or_insert_with(Queue::new);
        queue.named = true;
        queue.threshold = name.threshold;
        match &queue.series {
            Some(series) => series.set_objective(name),
            None => {
                let series = QueueSeries::new(&self.exposition, label, name);
                queue.show(series, self.settings.service_level);
            }
        }
    }

    fn show_service_level(&mut self, queue: QueueId) {
        let variant = self.settings.service_level;
        self.queue(queue).show_service_level(variant);
    }

    fn queue(&mut self, id: QueueId) -> &mut Queue {
        self.queues.entry(id).or_insert_with(Queue::new)
    }

    fn answered(&mut self, queue: QueueId, interaction: InteractionId, waited: Duration, by_name: bool) {
        if by_name {
            self.with_series(queue, |series| series.wanted(WantedOutcome::Answered));
        }
        self.queue(queue).answer(interaction, waited);
        self.show_service_level(queue);
    }

    fn with_series(&self, id: QueueId, count: impl FnOnce(&QueueSeries)) {
        if let Some(series) = self.queues.get(&id).and_then(|queue| queue.series.as_ref()) {
            count(series);
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("settings", &self.settings).finish_non_exhaustive()
    }
}
