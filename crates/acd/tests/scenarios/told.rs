//! What happened, in words: a head, and fields that a table may leave out.

use std::time::Duration;

use acd::{
    AbandonedDuring, Activity, Aside, CallFailure, CallbackEnd, CallbackMode, Decision, DequeueCause, Event,
    Exit, HandlingEnd, Lease, OverflowCause, Presence, RejectCause, ReservationEnd, StepCause, Strategy,
    WantedEnd,
};
use timing::Instant;

use crate::definition::STRATEGIES;
use crate::names::Names;

/// The time of 0:00. A whole number of ticks, so that tables show the times that people expect.
pub(crate) const BEGIN: Instant = Instant::from_micros(1_024_000_000);

/// An event in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) head: String,
    /// Name and value.
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Told {
    /// Whether a line of a table says this: the same head, and no field that is not so.
    pub(crate) fn is(&self, line: &str) -> bool {
        let mut parts = line.split(',').map(str::trim);
        let is_head = parts.next() == Some(self.head.as_str());
        is_head && parts.all(|part| self.fields.iter().any(|field| text(field) == part))
    }

    /// The line for a table, with the fields that `like` names.
    pub(crate) fn line(&self, like: Option<&str>) -> String {
        let wanted = like.unwrap_or_default().split(',').skip(1).map(str::trim);
        let named = wanted.filter_map(|part| self.fields.iter().find(|(name, _)| part.starts_with(name)));
        let fields: String = named.map(|field| format!(", {}", text(field))).collect();
        format!("{}{fields}", self.head)
    }
}

fn text((name, value): &(&'static str, String)) -> String {
    if value.is_empty() { (*name).to_owned() } else { format!("{name} {value}") }
}

/// `1:05`, `0:20.5`: hundredths of a second, cut off, because deadlines are met up to a tick late.
pub(crate) fn length(duration: Duration) -> String {
    let hundredths = duration.as_millis() / 10;
    let (minutes, seconds, part) = (hundredths / 6_000, hundredths / 100 % 60, hundredths % 100);
    if part == 0 {
        return format!("{minutes}:{seconds:02}");
    }
    format!("{minutes}:{seconds:02}.{part:02}").trim_end_matches('0').to_owned()
}

pub(crate) fn clock(at: Instant) -> String {
    length(at - BEGIN)
}

pub(crate) fn told(names: &Names, event: &Event) -> Told {
    let (head, fields) = words(names, event);
    Told { head, fields }
}

type Words = (String, Vec<(&'static str, String)>);

fn words(names: &Names, event: &Event) -> Words {
    let (queue_name, agent_name) = (|id| names.queue_name(id), |id| names.agent_name(id));
    match event {
        Event::Queued { interaction, queue, from, beside, priority, waited, age } => {
            let mut fields = vec![("priority", priority.to_string())];
            fields.extend([("waited", length(*waited)), ("age", length(*age))]);
            fields.extend(from.map(|from| ("from", queue_name(from))));
            fields.extend(beside.then(|| ("beside another", String::new())));
            (format!("call {} is queued in {}", interaction.0, queue_name(*queue)), fields)
        }
        Event::StepEntered { .. } | Event::OpenedToAll { .. } => moves_on(names, event),
        Event::Changed { .. } => changed(names, event),
        Event::Reserved { .. } => rings(names, event),
        Event::ReservationEnded { reservation, interaction, agent, queue, cause, lasted, left } => {
            let mut fields = vec![
                ("reservation", reservation.0.to_string()),
                ("in", queue_name(*queue)),
                ("after", length(*lasted)),
            ];
            fields.extend((*left > 0).then(|| ("still ringing", left.to_string())));
            let head =
                format!("call {} rings {} no more: {}", interaction.0, agent_name(*agent), end(*cause));
            (head, fields)
        }
        Event::Answered { interaction, queue, agent, waited, age, by_name } => {
            let mut fields =
                vec![("waited", length(*waited)), ("age", length(*age)), ("in", queue_name(*queue))];
            fields.extend(by_name.then(|| ("by name", String::new())));
            (format!("{} answers call {}", agent_name(*agent), interaction.0), fields)
        }
        Event::Abandoned { .. }
        | Event::Overflowed { .. }
        | Event::Dequeued { .. }
        | Event::CallbackEnded { .. } => leaves(names, event),
        Event::CallbackTaken { .. }
        | Event::CallbackRests { .. }
        | Event::CallbackWaits { .. }
        | Event::CallbackCalling { .. }
        | Event::CallbackReached { .. }
        | Event::CallbackHolds { .. }
        | Event::CalledBack { .. }
        | Event::CallbackWindow { .. } => callback(names, event),
        Event::HandlingEnded { .. }
        | Event::AfterCallWorkStarted { .. }
        | Event::AfterCallWorkExtended { .. }
        | Event::AfterCallWorkEnded { .. }
        | Event::Interrupted { .. }
        | Event::Resumed { .. } => about_work(names, event),
        Event::AgentForced { .. } | Event::AgentReachable { .. } | Event::ShiftBegan { .. } => {
            about_shifts(names, event)
        }
        Event::AgentChanged { .. }
        | Event::LeaseExpired { .. }
        | Event::AgentAside { .. }
        | Event::AgentRemoved { .. }
        | Event::QueueDefined { .. }
        | Event::Configured { .. }
        | Event::OpenChanged { .. }
        | Event::QueueRemoved { .. }
        | Event::ReservesChanged { .. }
        | Event::Refused { .. } => about_agents_and_queues(names, event),
    }
}

fn moves_on(names: &Names, event: &Event) -> Words {
    let queue_name = |id| names.queue_name(id);
    match event {
        Event::StepEntered { interaction, queue, step, cause, waited } => {
            let why = match cause {
                StepCause::Time => "it is time",
                StepCause::Unstaffed => "nobody is there for the step before",
                StepCause::Changed => "the rules changed",
            };
            let fields =
                vec![("because", why.to_owned()), ("waited", length(*waited)), ("in", queue_name(*queue))];
            (format!("call {} comes to step {step}", interaction.0), fields)
        }
        Event::OpenedToAll { interaction, queue, cause, waited } => {
            let why = match cause {
                WantedEnd::Absent => "nobody whom it wants is there",
                WantedEnd::TimedOut => "it is time",
            };
            let fields =
                vec![("because", why.to_owned()), ("waited", length(*waited)), ("in", queue_name(*queue))];
            (format!("call {} is for everybody", interaction.0), fields)
        }
        _ => unreachable!("the caller has matched it"),
    }
}

fn callback(names: &Names, event: &Event) -> Words {
    let (queue_name, agent_name) = (|id| names.queue_name(id), |id| names.agent_name(id));
    match event {
        Event::CallbackTaken { interaction, queue, waited, age, .. } => {
            let fields = vec![("waited", length(*waited)), ("age", length(*age)), ("in", queue_name(*queue))];
            (format!("call {} will be called back", interaction.0), fields)
        }
        Event::CallbackRests { interaction, until, failed, .. } => {
            let until = until.map_or("the window opens".to_owned(), clock);
            let fields = vec![("until", until), ("failed", failed.to_string())];
            (format!("call {} rests", interaction.0), fields)
        }
        Event::CallbackWaits { interaction, queue } => {
            (format!("call {} waits again", interaction.0), vec![("in", queue_name(*queue))])
        }
        Event::CallbackCalling { interaction, agent, deadline, .. } => {
            let head = format!("the customer of call {} is called for {}", interaction.0, agent_name(*agent));
            (head, vec![("until", clock(*deadline))])
        }
        Event::CallbackReached { interaction, agent, deadline, .. } => {
            let head =
                format!("the customer of call {} is there: {} rings", interaction.0, agent_name(*agent));
            (head, vec![("until", clock(*deadline))])
        }
        Event::CallbackHolds { interaction, queue, waited, age, .. } => {
            let fields = vec![("waited", length(*waited)), ("age", length(*age)), ("in", queue_name(*queue))];
            (format!("the customer of call {} is there and holds on", interaction.0), fields)
        }
        Event::CalledBack { interaction, queue, agent, waited, age, failed } => {
            let mut fields = vec![("waited", length(*waited)), ("age", length(*age))];
            fields.extend([("in", queue_name(*queue)), ("failed", failed.to_string())]);
            (format!("{} has called back call {}", agent_name(*agent), interaction.0), fields)
        }
        Event::CallbackWindow { queue, open } => {
            let may = if *open { "may call back" } else { "must not call back" };
            (format!("{} {may}", queue_name(*queue)), Vec::new())
        }
        _ => unreachable!("the caller has matched them"),
    }
}

fn rings(names: &Names, event: &Event) -> Words {
    let Event::Reserved { reservation, interaction, agent, queue, deadline, waited, age, attempt, .. } =
        event
    else {
        unreachable!("the caller has matched it")
    };
    let Event::Reserved { callback, decision, .. } = event else { unreachable!("just matched") };
    let (queue_name, agent_name) = (|id| names.queue_name(id), |id| names.agent_name(id));
    let mut fields = vec![
        ("reservation", reservation.0.to_string()),
        ("in", queue_name(*queue)),
        ("until", clock(*deadline)),
        ("waited", length(*waited)),
        ("age", length(*age)),
        ("attempt", attempt.to_string()),
    ];
    fields.extend(why(names, decision));
    let head = match callback {
        None => format!("call {} rings {}", interaction.0, agent_name(*agent)),
        Some(CallbackMode::AgentFirst) => {
            format!("the callback of call {} rings {}", interaction.0, agent_name(*agent))
        }
        Some(CallbackMode::CustomerFirst) => {
            format!("the customer of call {} is called for {}", interaction.0, agent_name(*agent))
        }
    };
    (head, fields)
}

fn leaves(names: &Names, event: &Event) -> Words {
    let queue_name = |id| names.queue_name(id);
    match event {
        Event::Abandoned { interaction, queue, waited, age, during } => {
            let during = match during {
                AbandonedDuring::Waiting => "while waiting",
                AbandonedDuring::Reserved => "while ringing",
            };
            let fields = vec![
                (during, String::new()),
                ("waited", length(*waited)),
                ("age", length(*age)),
                ("in", queue_name(*queue)),
            ];
            (format!("call {} is abandoned", interaction.0), fields)
        }
        Event::CallbackEnded { interaction, queue, waited, age, failed, cause, .. } => {
            let because = match cause {
                CallbackEnd::Cancelled => "it must not be made",
                CallbackEnd::Withdrawn { by: None } => "nobody wants it any more",
                CallbackEnd::Withdrawn { by: Some(_) } => "a supervisor wants it no more",
                CallbackEnd::Unreached => "it was tried often enough",
                CallbackEnd::Expired => "it was kept long enough",
                CallbackEnd::QueueRemoved => "the queue is removed",
            };
            let mut fields = vec![("because", because.to_owned()), ("waited", length(*waited))];
            fields.extend([("age", length(*age)), ("failed", failed.to_string())]);
            fields.push(("in", queue_name(*queue)));
            (format!("call {} is not called back", interaction.0), fields)
        }
        Event::Overflowed { interaction, queue, waited, age, cause, exit, elsewhere } => {
            let to = match exit {
                Exit::Queue(queue) => format!("for {}", queue_name(*queue)),
                Exit::Leave(exit) => format!("by exit {}", exit.0),
            };
            let mut fields =
                vec![("because", overflow(*cause)), ("waited", length(*waited)), ("age", length(*age))];
            fields.extend(elsewhere.then(|| ("waits elsewhere", String::new())));
            (format!("call {} leaves {} {to}", interaction.0, queue_name(*queue)), fields)
        }
        Event::Dequeued { interaction, queue, waited, age, cause } => {
            let cause = match cause {
                DequeueCause::Answered => "it is answered elsewhere",
                DequeueCause::Abandoned => "it is abandoned",
                DequeueCause::Moved => "it was moved",
                DequeueCause::QueueRemoved => "the queue is removed",
            };
            let fields =
                vec![("because", cause.to_owned()), ("waited", length(*waited)), ("age", length(*age))];
            (format!("call {} is taken out of {}", interaction.0, queue_name(*queue)), fields)
        }
        _ => unreachable!("the caller has matched them"),
    }
}

fn about_work(names: &Names, event: &Event) -> Words {
    let (queue_name, agent_name) = (|id| names.queue_name(id), |id| names.agent_name(id));
    match event {
        Event::HandlingEnded { interaction, queue, agent, handled_for, interrupted_for, cause } => {
            let mut fields = vec![("talked", length(*handled_for)), ("in", queue_name(*queue))];
            fields.extend((!interrupted_for.is_zero()).then(|| ("interrupted", length(*interrupted_for))));
            let does = match cause {
                HandlingEnd::Finished => "ends",
                HandlingEnd::Returned => "gives back",
                HandlingEnd::LeaseExpired => "loses",
            };
            (format!("{} {does} call {}", agent_name(*agent), interaction.0), fields)
        }
        Event::AfterCallWorkStarted { agent, interaction, queue, until } => {
            let fields = vec![("until", clock(*until)), ("in", queue_name(*queue))];
            (format!("{} wraps up call {}", agent_name(*agent), interaction.0), fields)
        }
        Event::AfterCallWorkExtended { agent, until, .. } => {
            (format!("{} wraps up until another time", agent_name(*agent)), vec![("until", clock(*until))])
        }
        Event::AfterCallWorkEnded { agent, interaction, queue, lasted } => {
            let fields = vec![("after", length(*lasted)), ("in", queue_name(*queue))];
            (format!("{} has wrapped up call {}", agent_name(*agent), interaction.0), fields)
        }
        Event::Interrupted { interaction, agent, by, .. } => {
            (format!("{} leaves call {} for call {}", agent_name(*agent), interaction.0, by.0), Vec::new())
        }
        Event::Resumed { interaction, agent, interrupted_for, .. } => {
            let fields = vec![("after", length(*interrupted_for))];
            (format!("{} comes back to call {}", agent_name(*agent), interaction.0), fields)
        }
        _ => unreachable!("the caller has matched them"),
    }
}

fn about_agents_and_queues(names: &Names, event: &Event) -> Words {
    let (queue_name, agent_name) = (|id| names.queue_name(id), |id| names.agent_name(id));
    match event {
        Event::AgentAside { agent, aside } => {
            let (does, until) = match *aside {
                Aside::Nothing { .. } => ("nothing", None),
                Aside::BackingOff { until, .. } => ("backing off", Some(until)),
                Aside::Occupied { .. } => ("occupied", None),
            };
            let fields = until.map(|until| ("until", clock(until))).into_iter().collect();
            (format!("{} is {does} beside", agent_name(*agent)), fields)
        }
        Event::AgentChanged { agent, presence, activity } => {
            let (does, until) = activity_words(*activity);
            let head = format!("{} is {does} and {}", agent_name(*agent), presence_words(*presence));
            (head, until.map(|until| ("until", clock(until))).into_iter().collect())
        }
        Event::LeaseExpired { lease, agent } => {
            (format!("nobody has renewed {} of {}", lost(*lease), agent_name(*agent)), Vec::new())
        }
        Event::AgentRemoved { agent } => (format!("{} is removed", agent_name(*agent)), Vec::new()),
        Event::QueueDefined { queue } => (format!("{} has new rules", queue_name(*queue)), Vec::new()),
        Event::Configured { changed } => {
            let names: Vec<&str> = changed.iter().map(|setting| setting.name()).collect();
            (format!("other settings: {}", names.join(" and ")), Vec::new())
        }
        Event::OpenChanged { queue, open } => {
            let does = if *open { "opens" } else { "closes" };
            (format!("{} {does}", queue_name(*queue)), Vec::new())
        }
        Event::QueueRemoved { queue } => (format!("{} is removed", queue_name(*queue)), Vec::new()),
        Event::ReservesChanged { queue, open } => {
            (format!("{} has {open} reserves open", queue_name(*queue)), Vec::new())
        }
        Event::Refused { refusal, .. } => (format!("refused: {refusal}"), Vec::new()),
        Event::Queued { .. }
        | Event::StepEntered { .. }
        | Event::OpenedToAll { .. }
        | Event::Changed { .. }
        | Event::Reserved { .. }
        | Event::ReservationEnded { .. }
        | Event::Answered { .. }
        | Event::Abandoned { .. }
        | Event::Overflowed { .. }
        | Event::Dequeued { .. }
        | Event::HandlingEnded { .. }
        | Event::AfterCallWorkStarted { .. }
        | Event::AfterCallWorkExtended { .. }
        | Event::AfterCallWorkEnded { .. }
        | Event::Interrupted { .. }
        | Event::Resumed { .. }
        | Event::CallbackTaken { .. }
        | Event::CallbackRests { .. }
        | Event::CallbackWaits { .. }
        | Event::CallbackCalling { .. }
        | Event::CallbackReached { .. }
        | Event::CallbackHolds { .. }
        | Event::CalledBack { .. }
        | Event::CallbackEnded { .. }
        | Event::AgentForced { .. }
        | Event::AgentReachable { .. }
        | Event::ShiftBegan { .. }
        | Event::CallbackWindow { .. } => unreachable!("told by the caller"),
    }
}

/// What nobody has renewed.
fn lost(lease: Lease) -> String {
    match lease {
        Lease::Handling(interaction) => format!("call {}", interaction.0),
        Lease::Occupied(_) => "the own call".to_owned(),
        Lease::LogIn(_) => "the log-in".to_owned(),
    }
}

fn about_shifts(names: &Names, event: &Event) -> Words {
    let agent_name = |id| names.agent_name(id);
    match event {
        Event::AgentReachable { agent, reachable } => {
            let head = if *reachable { "can be rung" } else { "cannot be rung" };
            (format!("{} {head}", agent_name(*agent)), Vec::new())
        }
        Event::ShiftBegan { agent } => (format!("{} begins a shift", agent_name(*agent)), Vec::new()),
        Event::AgentForced { agent, forced: Some(forced) } => {
            let fields = vec![("by", forced.by.0.to_string()), ("why", forced.why.0.to_string())];
            let head = format!("{} is forced to be {}", agent_name(*agent), presence_words(forced.presence));
            (head, fields)
        }
        Event::AgentForced { agent, forced: None } => {
            (format!("nothing is forced on {}", agent_name(*agent)), Vec::new())
        }
        _ => unreachable!("the caller has matched them"),
    }
}

/// What somebody changed.
fn changed(names: &Names, event: &Event) -> Words {
    let Event::Changed { interaction, change, by, .. } = event else { unreachable!("told by the caller") };
    let mut fields: Vec<(&'static str, String)> = Vec::new();
    fields.extend(change.priority.map(|points| ("priority", points.to_string())));
    let needs = |own: &Option<_>| if own.is_some() { "something else" } else { "nothing" }.to_owned();
    fields.extend(change.requirement.as_ref().map(|own| ("needs", needs(own))));
    fields.extend(change.queue.map(|queue| ("to", names.queue_name(queue))));
    fields.extend(by.map(|by| ("by", by.0.to_string())));
    (format!("call {} is changed", interaction.0), fields)
}

/// The decision record.
fn why(names: &Names, decision: &Decision) -> Vec<(&'static str, String)> {
    let next = decision.runners_up.iter().flatten().map(|&agent| names.agent_name(agent));
    let next: Vec<String> = next.collect();
    let mut fields = vec![
        ("step", decision.step.to_string()),
        ("strategy", strategy(decision.strategy).to_owned()),
        ("eligible", decision.eligible.to_string()),
        ("next", if next.is_empty() { "nobody".to_owned() } else { next.join(" then ") }),
        ("still waiting", decision.still_waiting.to_string()),
    ];
    if decision.own_requirement {
        fields.push(("own requirement", String::new()));
    }
    fields.extend((decision.beside > 0).then(|| ("beside", decision.beside.to_string())));
    if let Some(place) = decision.wanted {
        fields.push(("wanted", (u32::from(place) + 1).to_string()));
    }
    fields
}

fn strategy(strategy: Strategy) -> &'static str {
    let known = STRATEGIES.iter().find(|(_, known)| *known == strategy);
    known.map(|(name, _)| *name).expect("every strategy can be written in a table")
}

fn end(cause: ReservationEnd) -> &'static str {
    match cause {
        ReservationEnd::Accepted => "accepted",
        ReservationEnd::Rejected(RejectCause::NoAnswer) => "no answer",
        ReservationEnd::Rejected(RejectCause::Busy) => "busy",
        ReservationEnd::Rejected(RejectCause::Rejected) => "rejected",
        ReservationEnd::Rejected(RejectCause::Unreachable) => "unreachable",
        ReservationEnd::Rejected(RejectCause::NoResources) => "no resources",
        ReservationEnd::Expired => "expired",
        ReservationEnd::Cancelled => "cancelled",
        ReservationEnd::Withdrawn => "withdrawn",
        ReservationEnd::TakenByAnother => "taken by another",
        ReservationEnd::CallFailed(CallFailure::NoAnswer) => "the customer does not answer",
        ReservationEnd::CallFailed(CallFailure::Busy) => "the customer is busy",
        ReservationEnd::CallFailed(CallFailure::Unreachable) => "the customer cannot be reached",
        ReservationEnd::CallFailed(CallFailure::NoResources) => "nobody can be called",
        ReservationEnd::CallExpired => "the customer was called too long",
    }
}

fn overflow(cause: OverflowCause) -> String {
    let words = match cause {
        OverflowCause::Rule(number) => return format!("rule {} applies", number + 1),
        OverflowCause::NobodyLoggedIn => "nobody is logged in",
        OverflowCause::MaxWait => "it waited too long",
        OverflowCause::MaxLength => "the queue is full",
        OverflowCause::Closed => "the queue is closed",
        OverflowCause::Moved => "it was moved",
        OverflowCause::QueueRemoved => "the queue is removed",
        OverflowCause::WantedAbsent => "nobody whom it wants is there",
        OverflowCause::WantedTimeout => "nobody whom it wants took it",
    };
    words.to_owned()
}

fn presence_words(presence: Presence) -> String {
    match presence {
        Presence::LoggedOut => "logged out".to_owned(),
        Presence::NotReady(acd::ReasonCode::MISSED) => "not ready (missed)".to_owned(),
        Presence::NotReady(reason) => format!("not ready ({})", reason.0),
        Presence::Ready => "ready".to_owned(),
    }
}

fn activity_words(activity: Activity) -> (&'static str, Option<Instant>) {
    match activity {
        Activity::Idle { .. } => ("idle", None),
        Activity::Reserved { .. } => ("ringing", None),
        Activity::Handling { .. } => ("talking", None),
        Activity::AfterCallWork { until, .. } => ("wrapping up", Some(until)),
        Activity::BackingOff { until, .. } => ("backing off", Some(until)),
        Activity::Occupied { .. } => ("occupied", None),
        Activity::Unreachable { .. } => ("out of reach", None),
    }
}
