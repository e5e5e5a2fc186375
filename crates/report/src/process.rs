//! Figures of the shell, given as plain numbers: rings, sockets, ports, the process.

use std::fmt;
use std::time::Duration;

use prometheus::{Counter, Gauge, IntCounter, IntGauge};

use crate::Exposition;
use crate::series::{Definition, Group, Registration, as_gauge, raise};

const RING_DEPTH: Definition =
    Definition { name: "cordboard_ring_depth", help: "Messages that wait in the ring between two threads." };
const RING_CAPACITY: Definition =
    Definition { name: "cordboard_ring_capacity", help: "Messages that fit into the ring." };
const RING_DROPPED: Definition =
    Definition { name: "cordboard_ring_dropped_total", help: "Messages dropped because the ring was full." };
const DATAGRAMS: Definition =
    Definition { name: "cordboard_datagrams_total", help: "Datagrams that passed the sockets of one kind." };
const DATAGRAMS_LOST: Definition = Definition {
    name: "cordboard_datagrams_lost_total",
    help: "Datagrams that the system did not take, or that we could not: no buffer, no room.",
};
const TERMINATIONS: Definition = Definition {
    name: "cordboard_media_terminations",
    help: "Open media terminations; connected and playing ones are among the open.",
};
const MEDIA_DROPPED: Definition = Definition {
    name: "cordboard_media_dropped_total",
    help: "Packets that the relay threw away because the sockets did not keep up.",
};
const TRACES: Definition = Definition {
    name: "cordboard_traces_total",
    help: "Traces of calls for an OpenTelemetry collector, by whether it has taken them.",
};
const API_UNAUTHORIZED: Definition = Definition {
    name: "cordboard_api_unauthorized_total",
    help: "Requests to the API without the token or with a wrong one.",
};
const CPU: Definition =
    Definition { name: "process_cpu_seconds_total", help: "User and system CPU time of the process." };
const RESIDENT: Definition =
    Definition { name: "process_resident_memory_bytes", help: "Resident memory of the process." };
const OPEN_FILES: Definition =
    Definition { name: "process_open_fds", help: "File descriptors that the process has open." };
const FILES_MAX: Definition =
    Definition { name: "process_max_fds", help: "File descriptors that the process may have open." };
const STARTED: Definition = Definition {
    name: "process_start_time_seconds",
    help: "When the process started, in seconds since 1970-01-01 UTC.",
};

/// One ring between two threads. Its series go when this is dropped.
pub struct RingSeries {
    depth: IntGauge,
    capacity: IntGauge,
    dropped: IntCounter,
    _registration: Registration,
}

impl RingSeries {
    /// The series of the ring with this name, which no other has.
    pub fn new(exposition: &Exposition, name: &'static str) -> RingSeries {
        let mut group = Group::new("ring", name);
        RingSeries {
            depth: group.gauge(RING_DEPTH, &[]),
            capacity: group.gauge(RING_CAPACITY, &[]),
            dropped: group.counter(RING_DROPPED, &[]),
            _registration: group.register(exposition.registry()),
        }
    }

    /// Messages in the ring, messages that fit, and messages dropped since the start.
    pub fn set(&self, depth: usize, capacity: usize, dropped: u64) {
        self.depth.set(as_gauge(depth));
        self.capacity.set(as_gauge(capacity));
        raise(&self.dropped, dropped);
    }
}

/// What sockets counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficCounts {
    /// Datagrams received.
    pub received: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams received and not taken.
    pub received_lost: u64,
    /// Datagrams that could not be sent.
    pub sent_lost: u64,
}

/// The UDP sockets of one kind. Their series go when this is dropped.
pub struct SocketSeries {
    received: IntCounter,
    sent: IntCounter,
    received_lost: IntCounter,
    sent_lost: IntCounter,
    _registration: Registration,
}

impl SocketSeries {
    /// The series of the sockets of this kind: `sip` or `rtp`.
    pub fn new(exposition: &Exposition, kind: &'static str) -> SocketSeries {
        let mut group = Group::new("kind", kind);
        let (received, sent) = ([("direction", "received")], [("direction", "sent")]);
        SocketSeries {
            received: group.counter(DATAGRAMS, &received),
            sent: group.counter(DATAGRAMS, &sent),
            received_lost: group.counter(DATAGRAMS_LOST, &received),
            sent_lost: group.counter(DATAGRAMS_LOST, &sent),
            _registration: group.register(exposition.registry()),
        }
    }

    /// What was counted until now.
    pub fn set(&self, counts: &TrafficCounts) {
        raise(&self.received, counts.received);
        raise(&self.sent, counts.sent);
        raise(&self.received_lost, counts.received_lost);
        raise(&self.sent_lost, counts.sent_lost);
    }
}

/// The API. Its series go when this is dropped.
pub struct ApiSeries {
    unauthorized: IntCounter,
    _registration: Registration,
}

impl ApiSeries {
    /// The series of the only API.
    pub fn new(exposition: &Exposition) -> ApiSeries {
        let mut group = Group::bare();
        ApiSeries {
            unauthorized: group.counter(API_UNAUTHORIZED, &[]),
            _registration: group.register(exposition.registry()),
        }
    }

    /// A request came without the token, or with a wrong one.
    pub fn refused(&self) {
        self.unauthorized.inc();
    }
}

/// Traces of calls on their way to a collector. Its series go when this is dropped.
pub struct TraceSeries {
    exported: IntCounter,
    dropped: IntCounter,
    _registration: Registration,
}

impl TraceSeries {
    /// The series of the only collector.
    pub fn new(exposition: &Exposition) -> TraceSeries {
        let mut group = Group::bare();
        TraceSeries {
            exported: group.counter(TRACES, &[("outcome", "exported")]),
            dropped: group.counter(TRACES, &[("outcome", "dropped")]),
            _registration: group.register(exposition.registry()),
        }
    }

    /// The collector has taken the traces of so many calls.
    pub fn exported(&self, calls: u64) {
        self.exported.inc_by(calls);
    }

    /// The traces of so many calls found no room, or no collector.
    pub fn dropped(&self, calls: u64) {
        self.dropped.inc_by(calls);
    }
}

impl fmt::Debug for TraceSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceSeries").finish_non_exhaustive()
    }
}

/// The media relay. Its series go when this is dropped.
pub struct MediaSeries {
    open: IntGauge,
    connected: IntGauge,
    playing: IntGauge,
    dropped: IntCounter,
    _registration: Registration,
}

impl MediaSeries {
    /// The series of the only relay.
    pub fn new(exposition: &Exposition) -> MediaSeries {
        let mut group = Group::bare();
        let mut gauge = |state| group.gauge(TERMINATIONS, &[("state", state)]);
        MediaSeries {
            open: gauge("open"),
            connected: gauge("connected"),
            playing: gauge("playing"),
            dropped: group.counter(MEDIA_DROPPED, &[]),
            _registration: group.register(exposition.registry()),
        }
    }

    /// What the relay holds.
    pub fn set(&self, counts: &media::Counts) {
        self.open.set(as_gauge(counts.terminations));
        self.connected.set(as_gauge(counts.connected));
        self.playing.set(as_gauge(counts.playing));
        raise(&self.dropped, counts.overflowed);
    }
}

/// What the system says of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessFigures {
    /// User and system CPU time since the start.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// File descriptors open.
    pub open_files: usize,
    /// File descriptors that may be open.
    pub open_files_max: usize,
}

/// The process, by the names that Prometheus's own libraries use. Its series go when this is dropped.
pub struct ProcessSeries {
    cpu: Counter,
    resident: IntGauge,
    open_files: IntGauge,
    open_files_max: IntGauge,
    _registration: Registration,
}

impl ProcessSeries {
    /// The series of a process that started at this time since 1970.
    pub fn new(exposition: &Exposition, started: Duration) -> ProcessSeries {
        let mut group = Group::bare();
        let since: Gauge = group.real_gauge(STARTED, &[]);
        since.set(started.as_secs_f64());
        ProcessSeries {
            cpu: group.seconds(CPU, &[]),
            resident: group.gauge(RESIDENT, &[]),
            open_files: group.gauge(OPEN_FILES, &[]),
            open_files_max: group.gauge(FILES_MAX, &[]),
            _registration: group.register(exposition.registry()),
        }
    }

    /// What the system says now.
    pub fn set(&self, figures: &ProcessFigures) {
        self.cpu.inc_by((figures.cpu.as_secs_f64() - self.cpu.get()).max(0.0));
        self.resident.set(i64::try_from(figures.resident_bytes).unwrap_or(i64::MAX));
        self.open_files.set(as_gauge(figures.open_files));
        self.open_files_max.set(as_gauge(figures.open_files_max));
    }
}
