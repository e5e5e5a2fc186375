//! Where log lines go, and in which shape.

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{Log, LogFormat, LogLevel};

/// Lines that wait for whoever reads our output; beyond, lines are dropped: a stuck reader never stops a
/// call.
const LINES_MAX: usize = 16_384;

/// Writes to standard output from now on. Keep the guard until the end: it writes what still waits.
///
/// Called a second time in a process it changes nothing and there is no guard.
pub fn begin(log: &Log) -> Option<WorkerGuard> {
    let (writer, guard) =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES_MAX).finish(std::io::stdout());
    // Libraries speak up only when something is wrong, or when everything is wanted.
    let ours = level(log.level);
    let others = if log.level == LogLevel::Trace { ours } else { LevelFilter::WARN.min(ours) };
    let filter = Targets::new()
        .with_default(others)
        .with_targets(["server", "cordboard"].map(|target| (target, ours)))
        .with_target("sip_trace", LevelFilter::INFO);
    let shape = fmt::layer().with_writer(writer).with_ansi(false);
    let layer = match log.format {
        LogFormat::Text => shape.with_target(false).boxed(),
        LogFormat::Json => shape.json().flatten_event(true).with_current_span(false).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().ok().map(|()| guard)
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
