//! A call that is over as spans of OpenTelemetry: its waits, its rings and the conversation.

use std::time::Duration;

use engine::{AttemptRecord, CallRecord, Outcome, StepRecord, Visit};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, status::StatusCode};
use report::Names;
use sha2::{Digest, Sha256};
use timing::Instant;

use super::{CallLog, agent_id, result};
use crate::clock::Clock;

/// When a machine's instant was on the wall.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// One instant,
    pub(super) now: Instant,
    /// and the time since 1970 then.
    pub(super) since_1970: Duration,
}

impl Moment {
    /// This one.
    pub(super) fn of(clock: Clock) -> Moment {
        Moment { now: clock.now(), since_1970: crate::process::since_1970() }
    }

    fn nanoseconds(self, at: Instant) -> u64 {
        let then = self.since_1970.saturating_sub(self.now.since(at));
        u64::try_from(then.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Names the spans of one trace. Whoever knows the Call-ID of the caller's leg can find it: the trace's id is the first 16 octets
/// of its SHA-256.
struct Trace {
    id: Vec<u8>,
    seed: [u8; 32],
    spans: Vec<Span>,
    moment: Moment,
}

impl Trace {
    fn of(call_id: &str, moment: Moment) -> Trace {
        let seed: [u8; 32] = Sha256::digest(call_id.as_bytes()).into();
        Trace { id: seed[..16].to_vec(), seed, spans: Vec::new(), moment }
    }

    /// The id of the span with this place; the first is the whole call.
    fn span_id(&self, place: usize) -> Vec<u8> {
        let place = (place as u64 + 1).to_be_bytes();
        std::iter::zip(&self.seed[16..24], place).map(|(seed, place)| seed ^ place).collect()
    }

    fn add(&mut self, name: &str, from: Instant, to: Instant, attributes: Vec<KeyValue>) -> &mut Span {
        let parent = if self.spans.is_empty() { Vec::new() } else { self.span_id(0) };
        let kind = if self.spans.is_empty() { SpanKind::Server } else { SpanKind::Internal };
        let span = Span {
            trace_id: self.id.clone(),
            span_id: self.span_id(self.spans.len()),
            parent_span_id: parent,
            name: name.to_owned(),
            kind: kind.into(),
            start_time_unix_nano: self.moment.nanoseconds(from),
            end_time_unix_nano: self.moment.nanoseconds(to.max(from)),
            attributes,
            ..Span::default()
        };
        self.spans.push(span);
        self.spans.last_mut().expect("one was just added")
    }
}

impl CallLog {
    /// The spans of a call that is over, the whole call first.
    pub(super) fn spans(&self, record: &CallRecord, moment: Moment) -> Vec<Span> {
        let names = self.names.load();
        let mut trace = Trace::of(&record.story.call_id, moment);
        let story = &record.story;
        let whole = trace.add("call", story.arrived, record.ended, self.attributes(&names, record));
        if record.outcome == Outcome::Failed {
            whole.status =
                Some(Status { message: record.cause.name().to_owned(), code: StatusCode::Error.into() });
        }
        for visit in &story.visits {
            let attributes = vec![text("cordboard.queue", names.queue(visit.queue).unwrap_or_default())];
            let span = trace.add("wait", visit.entered, left(visit, record), attributes);
            span.events = visit.steps.iter().map(|step| came_to(step, moment)).collect();
        }
        for attempt in &story.attempts {
            trace.add("ring", attempt.at, attempt.at + attempt.lasted, rung(&names, attempt));
        }
        if let Some(began) = story.talk_began() {
            let agent = story.agent.map(|agent| text("cordboard.agent", agent_id(&names, agent)));
            trace.add("talk", began, record.ended, agent.into_iter().collect());
        }
        trace.spans
    }

    fn attributes(&self, names: &Names, record: &CallRecord) -> Vec<KeyValue> {
        let story = &record.story;
        vec![
            text("cordboard.call_id", &story.call_id),
            text("cordboard.caller", self.number(&story.caller)),
            text("cordboard.called", &story.called),
            text("cordboard.origin", self.whence(&story.origin)),
            text("cordboard.queue", names.queue(story.queue).unwrap_or_default()),
            text("cordboard.outcome", record.outcome.name()),
            text("cordboard.end", record.cause.name()),
            number("cordboard.interaction", story.interaction.0),
            number("cordboard.attempts", u64::from(story.attempts_total)),
        ]
    }
}

/// When a stay in a queue was over.
fn left(visit: &Visit, record: &CallRecord) -> Instant {
    let by_rule = visit.overflowed.map(|(at, _)| at);
    let elsewhere = visit.dequeued.map(|(at, _)| at);
    by_rule.or(elsewhere).or(record.story.talk_began()).unwrap_or(record.ended)
}

fn came_to(step: &StepRecord, moment: Moment) -> Event {
    Event {
        time_unix_nano: moment.nanoseconds(step.at),
        name: "step".to_owned(),
        attributes: vec![number("cordboard.step", u64::from(step.step))],
        dropped_attributes_count: 0,
    }
}

fn rung(names: &Names, attempt: &AttemptRecord) -> Vec<KeyValue> {
    let who = attempt.agent.map_or_else(|| "outside".to_owned(), |agent| agent_id(names, agent));
    vec![
        text("cordboard.agent", who),
        text("cordboard.queue", names.queue(attempt.queue).unwrap_or_default()),
        text("cordboard.result", result(attempt)),
    ]
}

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn number(key: &str, value: u64) -> KeyValue {
    attribute(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
