//! What was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use timing::Instant;

/// The longest time that is told apart, in microseconds: an hour.
const LONGEST: u64 = 3_600_000_000;

/// A time that is measured, each in a histogram of its own with three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// From the planned moment of a call to its INVITE: the load's own delay, which is in all that counts from the plan.
    Lateness,
    /// From the planned moment to the first 100.
    Trying,
    /// To the first 180 or 183.
    Ringing,
    /// To the 200.
    Answered,
    /// From the planned moment to the INVITE that rings an agent: the set-up through the system, waiting included.
    Agent,
    /// From an agent's 200 to its ACK.
    Acknowledged,
    /// From a BYE to its answer, of callers and agents.
    Bye,
    /// From a CANCEL to the 487.
    Cancel,
    /// From the end of an agent's call (after-call work added) to the INVITE for a caller who was there before that.
    NextRing,
    /// From a REGISTER to the 200, the challenge between them included.
    Registered,
}

impl Measure {
    /// All of them, in the order of a report.
    pub const ALL: [Measure; 10] = [
        Measure::Lateness,
        Measure::Trying,
        Measure::Ringing,
        Measure::Answered,
        Measure::Agent,
        Measure::Acknowledged,
        Measure::Bye,
        Measure::Cancel,
        Measure::NextRing,
        Measure::Registered,
    ];

    /// Its name in files.
    pub fn key(self) -> &'static str {
        match self {
            Measure::Lateness => "lateness",
            Measure::Trying => "invite_to_100",
            Measure::Ringing => "invite_to_180",
            Measure::Answered => "invite_to_200",
            Measure::Agent => "invite_to_agent",
            Measure::Acknowledged => "agent_200_to_ack",
            Measure::Bye => "bye_to_200",
            Measure::Cancel => "cancel_to_487",
            Measure::NextRing => "agent_free_to_ring",
            Measure::Registered => "register_to_200",
        }
    }
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It talked for as long as planned, or until the agent hung up.
    Completed,
    /// The caller gave up as planned.
    Abandoned,
    /// Refused with this status.
    Refused(u16),
    /// No final answer came.
    Unanswered,
    /// The system hung up before the caller talked.
    HungUp,
    /// The system hung up before the end of the talk, and no agent of this load had.
    CutOff,
    /// Its BYE was not answered, or not with a 2xx.
    NotEnded,
    /// [`Plan::calls_max`](crate::Plan::calls_max) was reached: it was not made.
    NotMade,
    /// It was still there when the time to end was over.
    LeftOver,
}

impl Outcome {
    /// Whether the system did less than it should.
    pub fn is_failure(self) -> bool {
        !matches!(self, Outcome::Completed | Outcome::Abandoned)
    }
}

/// What went wrong at an agent's end of a call, whatever it was for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentFault {
    /// The agent's 200 was never acknowledged.
    NotAcknowledged,
    /// The agent's BYE was not answered, or not with a 2xx.
    NotEnded,
    /// The agent was still in a call when the time to end was over.
    LeftOver,
}

/// One second of the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Calls that began.
    pub begun: u32,
    /// Calls that ended well.
    pub completed: u32,
    /// Calls that were given up as planned.
    pub abandoned: u32,
    /// Calls that failed.
    pub failed: u32,
    /// The most calls at once.
    pub in_progress: u32,
}

/// All that is known so far. Only calls after the warm-up are in it, except in [`Figures::seconds`].
#[derive(Clone, Debug)]
pub struct Figures {
    times: BTreeMap<Measure, Histogram<u64>>,
    /// Calls that were planned to begin.
    pub begun: u64,
    /// What became of those that are over.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// What went wrong at agents' ends of calls.
    pub agent_faults: BTreeMap<AgentFault, u64>,
    /// Messages that our own system did not take: they are as lost as those that a network loses.
    pub not_sent: u64,
    /// Messages sent again because nothing was heard.
    pub sent_again: u64,
    /// Messages that came again.
    pub came_again: u64,
    /// Messages that no call of ours expects, and octets that are no message.
    pub strays: u64,
    /// Phones registered, refreshes not counted.
    pub registered: u64,
    /// Refusals of a registration by status; 408: no answer.
    pub not_registered: BTreeMap<u16, u64>,
    /// Times that agents were rung.
    pub rung: u64,
    /// Times that they picked up.
    pub picked_up: u64,
    /// Times that they were rung while they were on the phone.
    pub clashes: u64,
    /// Times that a name was called that no agent has, or nobody was free who takes any.
    pub unknown: u64,
    /// INVITEs that were refused and not kept, because [`Plan::calls_max`](crate::Plan::calls_max) was reached at the agents'
    /// end; one that is repeated counts again.
    pub not_kept: u64,
    /// Calls to agents whose From is none of our callers.
    pub strangers: u64,
    /// Calls that have no audio because all ports for it were in use, where there is audio at all.
    pub without_audio: u64,
    /// From the beginning of the test, warm-up and end included.
    pub seconds: Vec<Second>,
    /// When counting begins.
    counts_from: Instant,
    begins: Instant,
    /// Calls in progress.
    in_progress: u32,
}

impl Figures {
    pub(crate) fn new(begins: Instant, counts_from: Instant) -> Figures {
        Figures {
            times: Measure::ALL.into_iter().map(|measure| (measure, histogram())).collect(),
            begun: 0,
            outcomes: BTreeMap::new(),
            agent_faults: BTreeMap::new(),
            not_sent: 0,
            sent_again: 0,
            came_again: 0,
            strays: 0,
            registered: 0,
            not_registered: BTreeMap::new(),
            rung: 0,
            picked_up: 0,
            clashes: 0,
            unknown: 0,
            not_kept: 0,
            without_audio: 0,
            strangers: 0,
            seconds: Vec::new(),
            counts_from,
            begins,
            in_progress: 0,
        }
    }

    /// Begins anew: what was counted of registrations stays.
    pub(crate) fn begin(&mut self, begins: Instant, warm_up: Duration) {
        let mut fresh = Figures::new(begins, begins + warm_up);
        fresh.registered = self.registered;
        fresh.not_registered = std::mem::take(&mut self.not_registered);
        let registered = self.times.remove(&Measure::Registered);
        fresh.times.extend(registered.map(|histogram| (Measure::Registered, histogram)));
        *self = fresh;
    }

    /// How long something took. A time beyond an hour counts as an hour.
    pub(crate) fn time(&mut self, measure: Measure, took: Duration) {
        if let Some(histogram) = self.times.get_mut(&measure) {
            record(histogram, took);
        }
    }

    /// The warm-up is over: what was counted by message and by ring begins at nothing.
    pub(crate) fn count_from_now(&mut self) {
        (self.not_sent, self.sent_again, self.came_again, self.strays) = (0, 0, 0, 0);
        (self.rung, self.picked_up, self.clashes, self.unknown, self.strangers) = (0, 0, 0, 0, 0);
        self.not_kept = 0;
    }

    pub(crate) fn counts_from(&self) -> Instant {
        self.counts_from
    }

    /// Something went wrong at an agent; `counts`: in a call that began after the warm-up.
    pub(crate) fn fault(&mut self, fault: AgentFault, counts: bool) {
        if counts {
            *self.agent_faults.entry(fault).or_default() += 1;
        }
    }

    /// Whether what is planned for this moment counts.
    pub(crate) fn counts(&self, planned: Instant) -> bool {
        planned >= self.counts_from
    }

    pub(crate) fn over(&mut self, now: Instant, outcome: Outcome, counts: bool) {
        let second = self.second(now);
        match outcome {
            Outcome::Completed => second.completed += 1,
            Outcome::Abandoned => second.abandoned += 1,
            _ => second.failed += 1,
        }
        if counts {
            *self.outcomes.entry(outcome).or_default() += 1;
        }
    }

    pub(crate) fn second(&mut self, now: Instant) -> &mut Second {
        let number = usize::try_from(now.since(self.begins).as_secs()).unwrap_or(usize::MAX).min(SECONDS_MAX);
        while self.seconds.len() <= number {
            // What was in progress still is until somebody says something else.
            self.seconds.push(Second { in_progress: self.in_progress, ..Second::default() });
        }
        &mut self.seconds[number]
    }

    /// So many calls are in progress from now on.
    pub(crate) fn in_progress(&mut self, now: Instant, calls: usize) {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        let second = self.second(now);
        second.in_progress = second.in_progress.max(calls);
        self.in_progress = calls;
    }
}

/// A histogram of times in microseconds.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds of a histogram are right")
}

pub(crate) fn record(histogram: &mut Histogram<u64>, took: Duration) {
    let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST).clamp(1, LONGEST);
    histogram.saturating_record(micros);
}

/// Seconds that are told one by one; later ones count with the last. A week.
const SECONDS_MAX: usize = 604_800;

/// What a report asks.
impl Figures {
    /// The times of one measure, in microseconds.
    pub fn times(&self, measure: Measure) -> &Histogram<u64> {
        &self.times[&measure]
    }

    /// Calls that are over with this outcome.
    pub fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or(0)
    }

    /// What failed: calls, and agents' ends of calls.
    pub fn failed(&self) -> u64 {
        let calls = self.outcomes.iter().filter(|(outcome, _)| outcome.is_failure()).map(|(_, count)| count);
        calls.sum::<u64>() + self.agent_faults.values().sum::<u64>()
    }

    /// Calls that were given up as planned, of those that are over, 0 to 1; 0 where none is.
    pub fn abandoned_share(&self) -> f64 {
        let over: u64 = self.outcomes.values().sum();
        if over == 0 { 0.0 } else { self.ended(Outcome::Abandoned) as f64 / over as f64 }
    }

    /// What failed of the calls that are over, 0 to 1; 0 where none is.
    pub fn failure_share(&self) -> f64 {
        let over: u64 = self.outcomes.values().sum();
        if over == 0 { 0.0 } else { (self.failed() as f64 / over as f64).min(1.0) }
    }
}
