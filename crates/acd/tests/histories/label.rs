//! A name for each kind of event that the histories must reach.

use acd::{
    AbandonedDuring, Event, Exit, OverflowCause, Presence, ReasonCode, RejectCause, ReservationEnd, StepCause,
};

pub(crate) const ALL: [&str; 34] = [
    "queued",
    "queued from another queue",
    "step by time",
    "step past an unstaffed one",
    "step by new rules",
    "priority changed",
    "reserved: one eligible",
    "reserved: several eligible",
    "reserved by own requirement",
    "accepted",
    "no answer",
    "busy",
    "rejected",
    "unreachable",
    "expired",
    "cancelled",
    "withdrawn",
    "answered",
    "abandoned while waiting",
    "abandoned while reserved",
    "overflow: nobody logged in",
    "overflow: maximum wait",
    "overflow: maximum length",
    "overflow: moved",
    "overflow: queue removed",
    "overflow out",
    "handling ended",
    "after-call work started",
    "after-call work extended",
    "after-call work ended",
    "agent changed",
    "agent not ready after misses",
    "agent removed",
    "queue removed",
];

pub(crate) fn of(event: &Event) -> &'static str {
    match event {
        Event::Queued { from: None, .. } => "queued",
        Event::Queued { from: Some(_), .. } => "queued from another queue",
        Event::StepEntered { cause, .. } => match cause {
            StepCause::Time => "step by time",
            StepCause::Unstaffed => "step past an unstaffed one",
            StepCause::Changed => "step by new rules",
        },
        Event::PriorityChanged { .. } => "priority changed",
        Event::Reserved { decision, .. } if decision.own_requirement => "reserved by own requirement",
        Event::Reserved { decision, .. } if decision.eligible > 1 => "reserved: several eligible",
        Event::Reserved { .. } => "reserved: one eligible",
        Event::ReservationEnded { cause, .. } => match cause {
            ReservationEnd::Accepted => "accepted",
            ReservationEnd::Rejected(RejectCause::NoAnswer) => "no answer",
            ReservationEnd::Rejected(RejectCause::Busy) => "busy",
            ReservationEnd::Rejected(RejectCause::Rejected) => "rejected",
            ReservationEnd::Rejected(RejectCause::Unreachable) => "unreachable",
            ReservationEnd::Expired => "expired",
            ReservationEnd::Cancelled => "cancelled",
            ReservationEnd::Withdrawn => "withdrawn",
        },
        Event::Answered { .. } => "answered",
        Event::Abandoned { during: AbandonedDuring::Waiting, .. } => "abandoned while waiting",
        Event::Abandoned { during: AbandonedDuring::Reserved, .. } => "abandoned while reserved",
        Event::Overflowed { exit: Exit::Leave(_), .. } => "overflow out",
        Event::Overflowed { cause, .. } => match cause {
            OverflowCause::NobodyLoggedIn => "overflow: nobody logged in",
            OverflowCause::MaxWait => "overflow: maximum wait",
            OverflowCause::MaxLength => "overflow: maximum length",
            OverflowCause::Moved => "overflow: moved",
            OverflowCause::QueueRemoved => "overflow: queue removed",
        },
        Event::HandlingEnded { .. } => "handling ended",
        Event::AfterCallWorkStarted { .. } => "after-call work started",
        Event::AfterCallWorkExtended { .. } => "after-call work extended",
        Event::AfterCallWorkEnded { .. } => "after-call work ended",
        Event::AgentChanged { presence: Presence::NotReady(ReasonCode::MISSED), .. } => {
            "agent not ready after misses"
        }
        Event::AgentChanged { .. } => "agent changed",
        Event::AgentRemoved { .. } => "agent removed",
        Event::QueueDefined { .. } => "queue defined",
        Event::QueueRemoved { .. } => "queue removed",
        Event::Refused { .. } => unreachable!("the histories use handle_command"),
    }
}
