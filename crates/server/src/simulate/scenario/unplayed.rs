//! Settings of the live configuration that the simulation does not play, or that the scenario keeps from having effect: each
//! is told, so that nobody reads figures of another centre.

use whatif::Distribution;

use super::{Arrivals, Ringing, Target};
use crate::config::report::{Kind, Report};
use crate::config::{Config, Queue};

/// Warns of them.
pub(super) fn warn(config: &Config, arrivals: &[Arrivals], ringing: &Ringing, report: &Report<'_>) {
    for queue in &config.queues {
        let tell = |message: &str| {
            report.warning(
                report.place_of(Kind::Queue, &queue.name),
                format!("queue \"{}\": {message}", queue.name),
            );
        };
        if rings(ringing).is_some_and(|rings| rings >= queue.ring_timeout) {
            tell(
                "`ring_timeout` ends every ring before it is picked up; make `pick_up` in [ringing] shorter, or \
                 `ring_timeout` longer",
            );
        }
        if queue.callback.is_some() {
            tell(
                "`callback` is not played: nobody asks to be called back, and all hold the line; take its waits for those \
                 of a day without callbacks",
            );
        }
        let callers = || arrivals.iter().filter(|callers| enter(callers, queue, config));
        let again = || callers().filter_map(|callers| callers.retrials.as_ref());
        if queue.keep_place.is_some() && !again().any(|again| again.share > 0.0) {
            tell(
                "`keep_place` has no effect, because nobody who gives up calls again; add `retrials` to its [[arrivals]]",
            );
        }
        if queue.last_agent.is_some() && !again().any(|again| again.share_answered > 0.0) {
            tell(
                "`last_agent` has no effect, because nobody who was answered calls again; add `retrials` with \
                 `share_answered` to its [[arrivals]]",
            );
        }
    }
}

/// The shortest time for which a phone rings, where it has one.
fn rings(ringing: &Ringing) -> Option<std::time::Duration> {
    match &ringing.pick_up {
        Distribution::Constant(time) => Some(*time),
        Distribution::Uniform { from, .. } => Some(*from),
        Distribution::Exponential { .. }
        | Distribution::Triangular { .. }
        | Distribution::Gamma { .. }
        | Distribution::Lognormal { .. }
        | Distribution::Empirical(_)
        | Distribution::Recorded(_)
        | Distribution::Either { .. } => None,
    }
}

/// Whether callers enter a queue: the first, where they wait in several.
fn enter(callers: &Arrivals, queue: &Queue, config: &Config) -> bool {
    match &callers.target {
        Target::Queue { name, .. } => *name == queue.name,
        Target::Number(number) => config.entry_for(number).is_some_and(|entry| entry.queue == queue.name),
    }
}
