//! A name for each kind of event that the histories must reach.

use acd::{
    AbandonedDuring, Aside, CallbackEnd, CallbackMode, Change, Decision, DequeueCause, Event, Exit,
    HandlingEnd, Lease, OverflowCause, Presence, ReasonCode, RejectCause, ReservationEnd, Selection, Setting,
    StepCause, WantedEnd,
};

use crate::pair::Tally;

pub(crate) const ALL: [&str; 127] = [
    "agent within reach",
    "agent out of reach",
    "shift began anew",
    "reserved beside one",
    "reserved beside several",
    "taken by another",
    "queued",
    "queued from another queue",
    "queued again",
    "step by time",
    "step past an unstaffed one",
    "step by new rules",
    "changed nothing",
    "priority changed",
    "requirement changed",
    "moved",
    "two things changed",
    "all changed",
    "reserved: one eligible",
    "reserved: several eligible",
    "reserved by own requirement",
    "reserved by name, the first",
    "reserved by name, another",
    "reserved by name, several able",
    "opened to all, nobody wanted is there",
    "opened to all by time",
    "overflow: wanted agents absent",
    "overflow: wanted agents too late",
    "reserved: earliest due",
    "reserved: skill level",
    "reserved: weight",
    "reserved: queue ratio",
    "reserved: percent allocation",
    "reserved: late last",
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
    "overflow: closed",
    "overflow: rule at entry",
    "overflow: rule after a wait",
    "overflow: moved",
    "overflow: queue removed",
    "overflow out",
    "overflow, and it waits elsewhere",
    "dequeued: answered",
    "dequeued: abandoned",
    "dequeued: moved",
    "dequeued: queue removed",
    "callback taken while waiting",
    "callback taken while reserved",
    "callback rests for a time",
    "callback rests until the window opens",
    "callback waits",
    "reserved: callback, agent first",
    "reserved: callback, customer first",
    "callback calling",
    "callback reached",
    "callback holds",
    "callback holds after a rest",
    "call failed",
    "call expired",
    "called back",
    "callback cancelled",
    "callback withdrawn",
    "callback unreached",
    "callback expired",
    "callback's queue removed",
    "callback window",
    "handling ended",
    "handling ended, returned",
    "handling ended, lease expired",
    "lease of a conversation expired",
    "lease of an own business expired",
    "lease of a log-in expired",
    "interrupted",
    "resumed",
    "something beside the work in hand",
    "a call of the agent's own beside the work in hand",
    "presence forced",
    "presence no longer forced",
    "after-call work started",
    "after-call work extended",
    "after-call work ended",
    "agent changed",
    "agent not ready after misses",
    "agent removed",
    "queue removed",
    "reserves open",
    "reserves close",
    "queue opened or closed",
    "other bounds of the whole",
    "other bound of exclusions",
    "other head start",
    "other number of misses",
    "other bound of after-call work",
    "other rules of estimates",
    "other leases",
    "other rule of forced presence",
    "other selection of all",
    "other interruptions",
    "several settings at once",
    LEFT_AFTER_A_RING,
    STEP_WHILE_RUNG,
    HOLDS_AS_THE_AGENT_GOES,
    AGENT_GONE_BEFORE_IT_RANG,
    AGENT_GONE_AND_IT_RANG,
    THE_ONLY_AGENT_FAILED,
    ALL_TRIED_IN_VAIN,
    SHORTER_AFTER_CALL_WORK,
    NO_MORE_AFTER_CALL_WORK,
    OFFERED_BY_OTHER_SETTINGS,
    PASSED_OVER_FOR_AN_OWN_REQUIREMENT,
    NOBODY_FOR_AN_OWN_REQUIREMENT,
    BACK_FOR_AN_OWN_REQUIREMENT,
    OWN_GRACE_IS_OVER,
    TOO_MANY_TO_FOLLOW,
];

/// What no event shows, so that the twin tells it.
pub(crate) const LEFT_AFTER_A_RING: &str = "left, or told so, before anybody else was rung";
pub(crate) const STEP_WHILE_RUNG: &str = "step by age while others are rung";
pub(crate) const HOLDS_AS_THE_AGENT_GOES: &str = "callback holds: an agent is still held";
pub(crate) const AGENT_GONE_BEFORE_IT_RANG: &str = "the agent of a callback is gone before the phone rings";
pub(crate) const AGENT_GONE_AND_IT_RANG: &str = "the agent of a callback is gone while the phone rings";
pub(crate) const THE_ONLY_AGENT_FAILED: &str = "the only agent is not passed over";
pub(crate) const ALL_TRIED_IN_VAIN: &str = "all were tried in vain and begin anew";
pub(crate) const PASSED_OVER_FOR_AN_OWN_REQUIREMENT: &str = "step past one that is served by others only";
pub(crate) const NOBODY_FOR_AN_OWN_REQUIREMENT: &str = "the last who meets an own requirement goes";
pub(crate) const BACK_FOR_AN_OWN_REQUIREMENT: &str = "who meets an own requirement is back in time";
pub(crate) const OWN_GRACE_IS_OVER: &str = "the grace is over for an own requirement";
pub(crate) const TOO_MANY_TO_FOLLOW: &str = "one own requirement too many to follow";

pub(crate) const SHORTER_AFTER_CALL_WORK: &str = "a lower bound shortens after-call work";
pub(crate) const NO_MORE_AFTER_CALL_WORK: &str = "a lower bound ends after-call work";
pub(crate) const OFFERED_BY_OTHER_SETTINGS: &str = "offered by other settings";

/// How many events there were.
pub(crate) fn events(tally: &Tally) -> u64 {
    let told = [
        LEFT_AFTER_A_RING,
        STEP_WHILE_RUNG,
        THE_ONLY_AGENT_FAILED,
        ALL_TRIED_IN_VAIN,
        SHORTER_AFTER_CALL_WORK,
        NO_MORE_AFTER_CALL_WORK,
        OFFERED_BY_OTHER_SETTINGS,
        PASSED_OVER_FOR_AN_OWN_REQUIREMENT,
        NOBODY_FOR_AN_OWN_REQUIREMENT,
        BACK_FOR_AN_OWN_REQUIREMENT,
        OWN_GRACE_IS_OVER,
        TOO_MANY_TO_FOLLOW,
    ];
    tally.iter().filter(|(kind, _)| !told.contains(kind)).map(|(_, times)| times).sum()
}

pub(crate) fn of(event: &Event) -> &'static str {
    match event {
        Event::Queued { from: None, .. } => "queued",
        Event::Queued { from: Some(from), queue, .. } if from == queue => "queued again",
        Event::Queued { from: Some(_), .. } => "queued from another queue",
        Event::StepEntered { cause, .. } => of_step(*cause),
        Event::OpenedToAll { cause: WantedEnd::Absent, .. } => "opened to all, nobody wanted is there",
        Event::OpenedToAll { cause: WantedEnd::TimedOut, .. } => "opened to all by time",
        Event::Changed { change, .. } => of_change(change),
        Event::Reserved { callback: Some(CallbackMode::AgentFirst), .. } => "reserved: callback, agent first",
        Event::Reserved { callback: Some(CallbackMode::CustomerFirst), .. } => {
            "reserved: callback, customer first"
        }
        Event::Reserved { decision, .. } => reserved(decision),
        Event::ReservationEnded { cause, .. } => reservation_end(*cause),
        Event::CallbackTaken { .. }
        | Event::CallbackRests { .. }
        | Event::CallbackWaits { .. }
        | Event::CallbackCalling { .. }
        | Event::CallbackReached { .. }
        | Event::CallbackHolds { .. }
        | Event::CalledBack { .. }
        | Event::CallbackEnded { .. }
        | Event::CallbackWindow { .. } => of_callback(event),
        Event::Answered { .. } => "answered",
        Event::Abandoned { during: AbandonedDuring::Waiting, .. } => "abandoned while waiting",
        Event::Abandoned { during: AbandonedDuring::Reserved, .. } => "abandoned while reserved",
        Event::Overflowed { elsewhere: true, .. } => "overflow, and it waits elsewhere",
        Event::Overflowed { cause, exit, waited, .. } => overflowed(*cause, *exit, waited.is_zero()),
        Event::Dequeued { cause, .. } => match cause {
            DequeueCause::Answered => "dequeued: answered",
            DequeueCause::Abandoned => "dequeued: abandoned",
            DequeueCause::Moved => "dequeued: moved",
            DequeueCause::QueueRemoved => "dequeued: queue removed",
        },
        Event::HandlingEnded { cause, .. } => match cause {
            HandlingEnd::Finished => "handling ended",
            HandlingEnd::Returned => "handling ended, returned",
            HandlingEnd::LeaseExpired => "handling ended, lease expired",
        },
        Event::LeaseExpired { lease, .. } => match lease {
            Lease::Handling(_) => "lease of a conversation expired",
            Lease::Occupied(_) => "lease of an own business expired",
            Lease::LogIn(_) => "lease of a log-in expired",
        },
        Event::Interrupted { .. } => "interrupted",
        Event::Resumed { .. } => "resumed",
        Event::AgentAside { aside: Aside::Occupied { .. }, .. } => {
            "a call of the agent's own beside the work in hand"
        }
        Event::AgentAside { .. } => "something beside the work in hand",
        Event::AgentReachable { reachable, .. } => of_reach(*reachable),
        Event::ShiftBegan { .. } => "shift began anew",
        Event::AgentForced { forced, .. } => of_forced(forced.is_some()),
        Event::AfterCallWorkStarted { .. } => "after-call work started",
        Event::AfterCallWorkExtended { .. } => "after-call work extended",
        Event::AfterCallWorkEnded { .. } => "after-call work ended",
        Event::AgentChanged { presence: Presence::NotReady(ReasonCode::MISSED), .. } => {
            "agent not ready after misses"
        }
        Event::AgentChanged { .. } => "agent changed",
        Event::AgentRemoved { .. } => "agent removed",
        Event::QueueDefined { .. } => "queue defined",
        Event::Configured { changed } => configured(changed),
        Event::ReservesChanged { open, .. } => reserves(*open),
        Event::QueueRemoved { .. } => "queue removed",
        Event::OpenChanged { .. } => "queue opened or closed",
        Event::Refused { .. } => unreachable!("the histories use handle_command"),
    }
}

fn configured(changed: &[Setting]) -> &'static str {
    let label = |setting: &Setting| match setting {
        Setting::AgentsMax
        | Setting::QueuesMax
        | Setting::WaitingMax
        | Setting::SkillsMax
        | Setting::RequirementTermsMax
        | Setting::RequirementDepthMax
        | Setting::FollowedRequirementsMax
        | Setting::FlowOutsMax => "other bounds of the whole",
        Setting::ExclusionsMax => "other bound of exclusions",
        Setting::HeadStartPerPoint => "other head start",
        Setting::MissesMax => "other number of misses",
        Setting::AfterCallWorkMax => "other bound of after-call work",
        Setting::Estimate => "other rules of estimates",
        Setting::HandlingLease | Setting::OccupiedLease | Setting::LogInLease => "other leases",
        Setting::ForcedPresence => "other rule of forced presence",
        Setting::Selection => "other selection of all",
        Setting::Interruptions => "other interruptions",
        Setting::PooledFrom | Setting::PoolsMax | Setting::Seed => unreachable!("these stay"),
    };
    let first = changed.first().map(label).expect("what has not changed is not told");
    if changed.iter().all(|setting| label(setting) == first) { first } else { "several settings at once" }
}

fn of_change(change: &Change) -> &'static str {
    match (change.priority, &change.requirement, change.queue) {
        (None, None, None) => "changed nothing",
        (Some(_), None, None) => "priority changed",
        (None, Some(_), None) => "requirement changed",
        (None, None, Some(_)) => "moved",
        (Some(_), Some(_), Some(_)) => "all changed",
        (Some(_), Some(_), None) | (Some(_), None, Some(_)) | (None, Some(_), Some(_)) => {
            "two things changed"
        }
    }
}

fn of_forced(forced: bool) -> &'static str {
    if forced { "presence forced" } else { "presence no longer forced" }
}

fn of_reach(reachable: bool) -> &'static str {
    if reachable { "agent within reach" } else { "agent out of reach" }
}

fn reserves(open: u8) -> &'static str {
    if open == 0 { "reserves close" } else { "reserves open" }
}

fn of_step(cause: StepCause) -> &'static str {
    match cause {
        StepCause::Time => "step by time",
        StepCause::Unstaffed => "step past an unstaffed one",
        StepCause::Changed => "step by new rules",
    }
}

fn reservation_end(cause: ReservationEnd) -> &'static str {
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
        ReservationEnd::CallFailed(_) => "call failed",
        ReservationEnd::CallExpired => "call expired",
    }
}

fn of_callback(event: &Event) -> &'static str {
    match event {
        Event::CallbackTaken { during: AbandonedDuring::Waiting, .. } => "callback taken while waiting",
        Event::CallbackTaken { during: AbandonedDuring::Reserved, .. } => "callback taken while reserved",
        Event::CallbackRests { until: Some(_), .. } => "callback rests for a time",
        Event::CallbackRests { until: None, .. } => "callback rests until the window opens",
        Event::CallbackWaits { .. } => "callback waits",
        Event::CallbackCalling { .. } => "callback calling",
        Event::CallbackReached { .. } => "callback reached",
        Event::CallbackHolds { rested: true, .. } => "callback holds after a rest",
        Event::CallbackHolds { rested: false, .. } => "callback holds",
        Event::CalledBack { .. } => "called back",
        Event::CallbackEnded { cause, .. } => match cause {
            CallbackEnd::Cancelled => "callback cancelled",
            CallbackEnd::Withdrawn { .. } => "callback withdrawn",
            CallbackEnd::Unreached => "callback unreached",
            CallbackEnd::Expired => "callback expired",
            CallbackEnd::QueueRemoved => "callback's queue removed",
        },
        Event::CallbackWindow { .. } => "callback window",
        _ => unreachable!("the caller has matched them"),
    }
}

fn reserved(decision: &Decision) -> &'static str {
    match (decision.wanted, decision.selection) {
        (Some(_), _) if decision.eligible > 1 => "reserved by name, several able",
        (Some(0), _) => "reserved by name, the first",
        (Some(_), _) => "reserved by name, another",
        _ if decision.own_requirement => "reserved by own requirement",
        _ if decision.beside > 1 => "reserved beside several",
        _ if decision.beside > 0 => "reserved beside one",
        (None, Selection::EarliestDue) => "reserved: earliest due",
        (None, Selection::SkillLevel) => "reserved: skill level",
        (None, Selection::Weight) => "reserved: weight",
        (None, Selection::QueueRatio) => "reserved: queue ratio",
        (None, Selection::PercentAllocation) => "reserved: percent allocation",
        (None, Selection::LateLast { .. }) => "reserved: late last",
        (None, Selection::Oldest) if decision.eligible > 1 => "reserved: several eligible",
        (None, Selection::Oldest) => "reserved: one eligible",
    }
}

fn overflowed(cause: OverflowCause, exit: Exit, at_entry: bool) -> &'static str {
    match cause {
        OverflowCause::WantedAbsent => "overflow: wanted agents absent",
        OverflowCause::WantedTimeout => "overflow: wanted agents too late",
        _ if matches!(exit, Exit::Leave(_)) => "overflow out",
        OverflowCause::NobodyLoggedIn => "overflow: nobody logged in",
        OverflowCause::MaxWait => "overflow: maximum wait",
        OverflowCause::MaxLength => "overflow: maximum length",
        OverflowCause::Closed => "overflow: closed",
        OverflowCause::Rule(_) if at_entry => "overflow: rule at entry",
        OverflowCause::Rule(_) => "overflow: rule after a wait",
        OverflowCause::Moved => "overflow: moved",
        OverflowCause::QueueRemoved => "overflow: queue removed",
    }
}
