//! The half of the report that lives on the engine's thread.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use acd::QueueId;
use b2bua::HangUp;
use engine::{CallRecord, Notice, Outcome};
use prometheus::{Histogram, IntCounter, IntGauge};

use crate::series::{Definition, Group, Registration, as_gauge};
use crate::{Exposition, Names};

mod media_series;
mod refusals;
mod silence;

use media_series::SideSeries;
use refusals::RefusalSeries;
use silence::SilentCalls;

const TALK: Definition = Definition {
    name: "cordboard_talk_seconds",
    help: "Talk time without holds of answered calls, counted when the call is over.",
};
const HOLD: Definition = Definition {
    name: "cordboard_hold_seconds",
    help: "Hold time of answered calls, counted when the call is over; calls that were never held count as 0.",
};
const PLACES_REGAINED: Definition = Definition {
    name: "cordboard_places_regained_total",
    help: "Calls that had the place of an earlier one whose caller had given up, counted when the call is over.",
};
const CALLS: Definition = Definition {
    name: "cordboard_calls_total",
    help: "Calls that became an interaction and are over, by outcome. A call counts once, whatever queues it saw.",
};
const ENDS: Definition =
    Definition { name: "cordboard_call_ends_total", help: "Calls that are over, by why they ended." };
const COMMANDS_FAILED: Definition = Definition {
    name: "cordboard_engine_commands_refused_total",
    help: "Commands of the engine that the distributor refused and that no race explains.",
};
const IN_PROGRESS: Definition =
    Definition { name: "cordboard_calls", help: "Calls that are not over, by whether an agent talks." };
const SESSIONS: Definition =
    Definition { name: "cordboard_sip_sessions", help: "SIP sessions: ringing, talking or ending." };
const DIALOGS: Definition =
    Definition { name: "cordboard_sip_dialogs", help: "Dialogs of these sessions, early and confirmed." };
const TRANSACTIONS: Definition =
    Definition { name: "cordboard_sip_transactions", help: "SIP transactions that are not over, by side." };
const TIMERS: Definition =
    Definition { name: "cordboard_timers", help: "Deadlines of the engine's thread, by who set them." };
const QUERIES: Definition =
    Definition { name: "cordboard_dns_queries", help: "DNS questions without an answer so far." };
const BINDINGS: Definition =
    Definition { name: "cordboard_sip_registrations", help: "Contacts of phones that are registered." };
const CALLERS_REMEMBERED: Definition = Definition {
    name: "cordboard_callers_remembered",
    help: "Callers of whom something is remembered by their number, by what it is.",
};
const CONNECTIONS: Definition =
    Definition { name: "cordboard_sip_connections", help: "Open SIP connections over TCP." };
const PORTS: Definition =
    Definition { name: "cordboard_media_ports", help: "Pairs of media ports in the pool, by state." };

/// Edges in seconds.
const TALK_EDGES: [f64; 12] =
    [5.0, 15.0, 30.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0];
/// Edges in seconds.
const HOLD_EDGES: [f64; 9] = [0.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0];

/// Counts one of all values.
fn count<T: Copy + PartialEq, const N: usize>(all: [T; N], counters: &[IntCounter; N], one: T) {
    if let Some(place) = all.into_iter().position(|other| other == one) {
        counters[place].inc();
    }
}

/// Turns what the engine tells into figures of calls, SIP and media. One for each [`Exposition`].
pub struct CallReporter {
    exposition: Exposition,
    queues: BTreeMap<QueueId, Conversations>,
    outcomes: [IntCounter; Outcome::ALL.len()],
    ends: [IntCounter; HangUp::ALL.len()],
    refusals: RefusalSeries,
    commands_refused: IntCounter,
    caller: SideSeries,
    agent: SideSeries,
    silent: SilentCalls,
    gauges: Gauges,
    _registration: Registration,
}

impl CallReporter {
    /// A reporter of an engine that has said nothing yet.
    pub fn new(exposition: &Exposition, names: &Names) -> CallReporter {
        let mut group = Group::bare();
        let mut reporter = CallReporter {
            exposition: exposition.clone(),
            queues: BTreeMap::new(),
            outcomes: Outcome::ALL.map(|outcome| group.counter(CALLS, &[("outcome", outcome.name())])),
            ends: HangUp::ALL.map(|cause| group.counter(ENDS, &[("cause", cause.name())])),
            refusals: RefusalSeries::new(&mut group),
            commands_refused: group.counter(COMMANDS_FAILED, &[]),
            caller: SideSeries::new(exposition, "caller"),
            agent: SideSeries::new(exposition, "agent"),
            silent: SilentCalls::new(&mut group),
            gauges: Gauges::new(&mut group),
            _registration: group.register(exposition.registry()),
        };
        reporter.set_names(names);
        reporter
    }

    /// Takes over the names of a new configuration. A queue that is named no longer keeps its series until the
    /// process ends, for its conversations may go on for hours; nobody here knows which is the last.
    pub fn set_names(&mut self, names: &Names) {
        let labels = names.queue_labels();
        let taken: BTreeSet<&String> = labels.values().collect();
        self.queues.retain(|id, queue| match labels.get(id) {
            Some(label) => *label == queue.label,
            None => !taken.contains(&queue.label),
        });
        for (id, label) in labels {
            self.queues.entry(id).or_insert_with(|| Conversations::new(&self.exposition, label));
        }
    }

    /// One notice of the engine.
    pub fn handle_notice(&mut self, notice: &Notice) {
        match notice {
            Notice::CallEnded(record) => self.end_call(record),
            // Refusals are counted where they are refused: see `set_totals`.
            Notice::Refused(_) | Notice::RefusedFurther(_) | Notice::RegistrationChanged { .. } => {}
            Notice::CommandRefused { .. } => self.commands_refused.inc(),
        }
    }

    /// What the engine holds now. Call it about once a second.
    pub fn set_counts(&self, counts: &engine::Counts) {
        self.gauges.set(counts);
    }

    /// What arrived and was refused since the start. Call it together with [`CallReporter::set_counts`].
    pub fn set_totals(&self, totals: &engine::Totals) {
        self.refusals.set(totals);
    }

    fn end_call(&mut self, record: &CallRecord) {
        count(Outcome::ALL, &self.outcomes, record.outcome);
        count(HangUp::ALL, &self.ends, record.cause);
        if record.story.regained.is_some()
            && let Some(queue) = self.queues.get(&record.story.entry)
        {
            queue.places_regained.inc();
        }
        if record.story.answered.is_some()
            && let Some(queue) = self.queues.get(&record.story.queue)
        {
            queue.end(record.talked(), record.summary.held);
        }
        if let Some(statistics) = &record.summary.caller {
            self.caller.end(statistics);
        }
        if let Some(statistics) = &record.summary.callee {
            self.agent.end(statistics);
        }
        self.silent.end(record);
    }
}

impl fmt::Debug for CallReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallReporter").finish_non_exhaustive()
    }
}

/// The conversations of one queue.
struct Conversations {
    label: String,
    talk: Histogram,
    hold: Histogram,
    /// Of the queue that the number dialled led to.
    places_regained: IntCounter,
    _registration: Registration,
}

impl Conversations {
    fn new(exposition: &Exposition, label: String) -> Conversations {
        let mut group = Group::new("queue", &label);
        Conversations {
            label,
            talk: group.histogram(TALK, &TALK_EDGES, &[]),
            hold: group.histogram(HOLD, &HOLD_EDGES, &[]),
            places_regained: group.counter(PLACES_REGAINED, &[]),
            _registration: group.register(exposition.registry()),
        }
    }

    fn end(&self, talked: Duration, held: Duration) {
        self.talk.observe(talked.as_secs_f64());
        self.hold.observe(held.as_secs_f64());
    }
}

/// What the engine, its calls and its user agent hold.
struct Gauges {
    calls_waiting: IntGauge,
    calls_connected: IntGauge,
    sessions: IntGauge,
    dialogs: IntGauge,
    client_transactions: IntGauge,
    server_transactions: IntGauge,
    timers: [IntGauge; 3],
    queries: IntGauge,
    bindings: IntGauge,
    connections: IntGauge,
    served: IntGauge,
    places: IntGauge,
    ports_free: IntGauge,
    ports_in_use: IntGauge,
    ports_quarantined: IntGauge,
}

impl Gauges {
    fn new(group: &mut Group) -> Gauges {
        let mut gauge = |definition, label, value| group.gauge(definition, &[(label, value)]);
        Gauges {
            calls_waiting: gauge(IN_PROGRESS, "state", "not_connected"),
            calls_connected: gauge(IN_PROGRESS, "state", "connected"),
            client_transactions: gauge(TRANSACTIONS, "side", "client"),
            server_transactions: gauge(TRANSACTIONS, "side", "server"),
            timers: ["engine", "b2bua", "sip"].map(|owner| gauge(TIMERS, "owner", owner)),
            ports_free: gauge(PORTS, "state", "free"),
            ports_in_use: gauge(PORTS, "state", "in_use"),
            ports_quarantined: gauge(PORTS, "state", "quarantined"),
            served: gauge(CALLERS_REMEMBERED, "kind", "last_agent"),
            places: gauge(CALLERS_REMEMBERED, "kind", "place"),
            sessions: group.gauge(SESSIONS, &[]),
            dialogs: group.gauge(DIALOGS, &[]),
            queries: group.gauge(QUERIES, &[]),
            bindings: group.gauge(BINDINGS, &[]),
            connections: group.gauge(CONNECTIONS, &[]),
        }
    }

    fn set(&self, counts: &engine::Counts) {
        let calls = &counts.calls;
        let sip = &calls.sip;
        self.calls_waiting.set(as_gauge(calls.calls.saturating_sub(calls.connected)));
        self.calls_connected.set(as_gauge(calls.connected));
        self.sessions.set(as_gauge(sip.sessions));
        self.dialogs.set(as_gauge(sip.dialogs));
        self.client_transactions.set(as_gauge(sip.client_transactions));
        self.server_transactions.set(as_gauge(sip.server_transactions));
        let timers = [counts.timers, calls.timers, sip.timers];
        for (gauge, timers) in self.timers.iter().zip(timers) {
            gauge.set(as_gauge(timers));
        }
        self.queries.set(as_gauge(sip.queries));
        self.bindings.set(as_gauge(sip.contacts));
        self.connections.set(as_gauge(sip.connections));
        self.served.set(as_gauge(counts.served));
        self.places.set(as_gauge(counts.places));
        self.ports_free.set(as_gauge(calls.ports.free));
        self.ports_in_use.set(as_gauge(calls.ports.in_use));
        self.ports_quarantined.set(as_gauge(calls.ports.quarantined));
    }
}
