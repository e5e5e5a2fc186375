//! Where log lines go, in which shape, and how important they must be.

use std::fmt;

use parking_lot::Mutex;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt as shapes, reload};

use crate::config::{Log, LogFormat, LogLevel};

/// Lines that wait for whoever reads our output; beyond, lines are dropped: a stuck reader never stops a
/// call.
const LINES_MAX: usize = 16_384;

/// How important a line must be to be written, which can be changed while the process runs.
pub struct LogSwitch {
    level: Mutex<LogLevel>,
    /// None where this process has no log of its own.
    filter: Option<reload::Handle<Targets, Registry>>,
}

impl LogSwitch {
    /// Of a shell whose process writes no log by [`begin`]: it remembers the level, and no line depends on it.
    pub fn without_log(level: LogLevel) -> LogSwitch {
        LogSwitch { level: Mutex::new(level), filter: None }
    }

    /// The least important line that is written.
    pub fn level(&self) -> LogLevel {
        *self.level.lock()
    }

    /// Another level from now on.
    pub fn switch(&self, level: LogLevel) {
        let mut now = self.level.lock();
        if let Some(filter) = &self.filter {
            filter.reload(targets(level)).expect("the subscriber lives as long as the process");
        }
        *now = level;
    }
}

impl fmt::Debug for LogSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSwitch").field("level", &self.level()).finish_non_exhaustive()
    }
}

/// Writes to standard output from now on. Keep the guard until the end: it writes what still waits.
///
/// Called a second time in a process it changes nothing and there is neither guard nor switch.
pub fn begin(log: &Log) -> Option<(WorkerGuard, LogSwitch)> {
    let (writer, guard) =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES_MAX).finish(std::io::stdout());
    let (filter, handle) = reload::Layer::new(targets(log.level));
    let shape = shapes::layer().with_writer(writer).with_ansi(false);
    let layer = match log.format {
        LogFormat::Text => shape.with_target(false).boxed(),
        LogFormat::Json => shape.json().flatten_event(true).with_current_span(false).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().ok()?;
    Some((guard, LogSwitch { level: Mutex::new(log.level), filter: Some(handle) }))
}

/// Libraries speak up only when something is wrong, or when everything is wanted; the SIP trace has a switch of its own.
fn targets(level: LogLevel) -> Targets {
    let ours = filter(level);
    let others = if level == LogLevel::Trace { ours } else { LevelFilter::WARN.min(ours) };
    Targets::new()
        .with_default(others)
        .with_targets(["server", "cordboard"].map(|target| (target, ours)))
        .with_target("sip_trace", LevelFilter::INFO)
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
