//! Settings of the live configuration that the simulation does not play, or that the scenario keeps from having effect: each
//! is told, so that nobody reads figures of another centre.

use whatif::Distribution;

use super::{Arrivals, Ringing, Target};
use crate::config::report::{Kind, Report};
use crate::config::{Config, Queue};
use crate::results::words::{Words, words};

const RINGS_OUT: Words = words(
    "`ring_timeout` ends every ring before it is picked up; make `pick_up` in [ringing] shorter, or `ring_timeout` longer",
    "`ring_timeout`이 응답 전에 모든 호출을 끝냄. [ringing]의 `pick_up`을 줄이거나 `ring_timeout`을 늘릴 것",
);
const NO_CALLBACK: Words = words(
    "`callback` is not played: nobody asks to be called back, and all hold the line; take its waits for those of a day \
     without callbacks",
    "`callback`은 모의실험하지 않음. 아무도 콜백을 요청하지 않고 모두 기다리므로, 대기 시간은 콜백이 없는 날의 값임",
);
const NO_RETURN: Words = words(
    "`keep_place` has no effect, because nobody who gives up calls again; add `retrials` to its [[arrivals]]",
    "포기한 고객이 다시 걸지 않으므로 `keep_place`는 효과가 없음. 해당 [[arrivals]]에 `retrials`를 추가할 것",
);
const NO_SECOND_CALL: Words = words(
    "`last_agent` has no effect, because nobody who was answered calls again; add `retrials` with `share_answered` to its \
     [[arrivals]]",
    "상담한 고객이 다시 걸지 않으므로 `last_agent`는 효과가 없음. 해당 [[arrivals]]에 `share_answered`가 있는 `retrials`를 추가할 것",
);

/// A warning of this module in Korean; `None` for those of others.
pub(crate) fn korean(message: &str) -> Option<String> {
    let ours = [RINGS_OUT, NO_CALLBACK, NO_RETURN, NO_SECOND_CALL];
    ours.iter().find_map(|words| {
        let queue = message.strip_suffix(words.en)?.strip_prefix("queue \"")?.strip_suffix("\": ")?;
        Some(format!("대기열 \"{queue}\": {}", words.ko))
    })
}

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
            tell(RINGS_OUT.en);
        }
        if queue.callback.is_some() {
            tell(NO_CALLBACK.en);
        }
        let callers = || arrivals.iter().filter(|callers| enter(callers, queue, config));
        let again = || callers().filter_map(|callers| callers.retrials.as_ref());
        if queue.keep_place.is_some() && !again().any(|again| again.share > 0.0) {
            tell(NO_RETURN.en);
        }
        if queue.last_agent.is_some() && !again().any(|again| again.share_answered > 0.0) {
            tell(NO_SECOND_CALL.en);
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
