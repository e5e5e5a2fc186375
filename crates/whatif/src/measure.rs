//! The figures of the trade, each by its formula.
//!
//! In the formulas A(T) is answered within the threshold, A all answered, B(T) abandoned within the threshold, B
//! all abandoned, S(s) short abandons, F overflowed, K blocked, Off offered without the dequeued, whom another queue kept.

use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::tally::{AgentTime, Tally};

/// A quotient whose two terms are summed over replications before they are divided. A count has denominator 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Above.
    pub numerator: f64,
    /// Below.
    pub denominator: f64,
}

/// The service level, by one of the definitions that are in use. They differ by many points on a bad day, so a
/// figure is worth nothing without its formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ServiceLevel {
    /// A(T) / Off: every abandon counts against. Cisco's *abandoned calls have a negative impact*; what workforce
    /// planners recommend.
    OfOffered,
    /// A(T) / (Off − S(s)): the same, short abandons left out.
    OfOfferedWithoutShort,
    /// A(T) / (Off − B(T)): Cisco's *abandoned calls ignored*.
    EarlyAbandonsIgnored,
    /// (A(T) + B(T)) / Off: Cisco's *abandoned calls have a positive impact*.
    EarlyAbandonsCountAsMet,
    /// (A(T) + B(T)) / (A + B): Asterisk's `SL2`.
    EarlyAbandonsCountAsMetOfEnded,
    /// A(T) / A: *handled only*; Asterisk's `SL`.
    OfAnswered,
    /// A(T) / (A + B): Genesys Cloud without switches, where nobody is missed.
    OfAnsweredAndAbandoned,
    /// A(T) / (A + B − S(s)): Genesys Cloud, short abandons excluded.
    OfAnsweredAndAbandonedWithoutShort,
    /// A(T) / (A + B + F): Genesys Cloud, flow-outs included.
    OfAnsweredAbandonedAndOverflowed,
    /// A(T) / (A + B − B(T)): who gave up before the threshold is left out; ContactCenters' measure.
    OfAnsweredAndLateAbandoned,
    /// A(T) / (A + K): who was blocked counts against; ContactCenters' measure with a full queue.
    OfAnsweredAndBlocked,
}

impl ServiceLevel {
    /// Every one.
    pub const ALL: [ServiceLevel; 11] = [
        ServiceLevel::OfOffered,
        ServiceLevel::OfOfferedWithoutShort,
        ServiceLevel::EarlyAbandonsIgnored,
        ServiceLevel::EarlyAbandonsCountAsMet,
        ServiceLevel::EarlyAbandonsCountAsMetOfEnded,
        ServiceLevel::OfAnswered,
        ServiceLevel::OfAnsweredAndAbandoned,
        ServiceLevel::OfAnsweredAndAbandonedWithoutShort,
        ServiceLevel::OfAnsweredAbandonedAndOverflowed,
        ServiceLevel::OfAnsweredAndLateAbandoned,
        ServiceLevel::OfAnsweredAndBlocked,
    ];

    /// The formula, as it stands in reports.
    pub fn formula(self) -> &'static str {
        match self {
            ServiceLevel::OfOffered => "A(T) / Off",
            ServiceLevel::OfOfferedWithoutShort => "A(T) / (Off - S)",
            ServiceLevel::EarlyAbandonsIgnored => "A(T) / (Off - B(T))",
            ServiceLevel::EarlyAbandonsCountAsMet => "(A(T) + B(T)) / Off",
            ServiceLevel::EarlyAbandonsCountAsMetOfEnded => "(A(T) + B(T)) / (A + B)",
            ServiceLevel::OfAnswered => "A(T) / A",
            ServiceLevel::OfAnsweredAndAbandoned => "A(T) / (A + B)",
            ServiceLevel::OfAnsweredAndAbandonedWithoutShort => "A(T) / (A + B - S)",
            ServiceLevel::OfAnsweredAbandonedAndOverflowed => "A(T) / (A + B + F)",
            ServiceLevel::OfAnsweredAndLateAbandoned => "A(T) / (A + B - B(T))",
            ServiceLevel::OfAnsweredAndBlocked => "A(T) / (A + K)",
        }
    }

    /// A name without spaces, for columns and labels.
    pub fn name(self) -> &'static str {
        match self {
            ServiceLevel::OfOffered => "service_level_of_offered",
            ServiceLevel::OfOfferedWithoutShort => "service_level_of_offered_without_short",
            ServiceLevel::EarlyAbandonsIgnored => "service_level_early_abandons_ignored",
            ServiceLevel::EarlyAbandonsCountAsMet => "service_level_early_abandons_met",
            ServiceLevel::EarlyAbandonsCountAsMetOfEnded => "service_level_early_abandons_met_of_ended",
            ServiceLevel::OfAnswered => "service_level_of_answered",
            ServiceLevel::OfAnsweredAndAbandoned => "service_level_of_ended",
            ServiceLevel::OfAnsweredAndAbandonedWithoutShort => "service_level_of_ended_without_short",
            ServiceLevel::OfAnsweredAbandonedAndOverflowed => "service_level_of_ended_and_overflowed",
            ServiceLevel::OfAnsweredAndLateAbandoned => "service_level_of_answered_and_late_abandoned",
            ServiceLevel::OfAnsweredAndBlocked => "service_level_of_answered_and_blocked",
        }
    }

    /// Its two terms.
    pub fn ratio(self, tally: &Tally) -> Ratio {
        let (met, early) = (tally.answered_within, tally.abandoned_within);
        let ended = tally.answered + tally.abandoned;
        let (numerator, denominator) = match self {
            ServiceLevel::OfOffered => (met, tally.own()),
            ServiceLevel::OfOfferedWithoutShort => (met, tally.own() - tally.abandoned_short),
            ServiceLevel::EarlyAbandonsIgnored => (met, tally.own() - early),
            ServiceLevel::EarlyAbandonsCountAsMet => (met + early, tally.own()),
            ServiceLevel::EarlyAbandonsCountAsMetOfEnded => (met + early, ended),
            ServiceLevel::OfAnswered => (met, tally.answered),
            ServiceLevel::OfAnsweredAndAbandoned => (met, ended),
            ServiceLevel::OfAnsweredAndAbandonedWithoutShort => (met, ended - tally.abandoned_short),
            ServiceLevel::OfAnsweredAbandonedAndOverflowed => (met, ended + tally.overflowed),
            ServiceLevel::OfAnsweredAndLateAbandoned => (met, ended - early),
            ServiceLevel::OfAnsweredAndBlocked => (met, tally.answered + tally.blocked),
        };
        Ratio { numerator: numerator as f64, denominator: denominator as f64 }
    }
}

/// What is asked of the customers of a queue or a type. Times are in seconds, shares from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    /// Customers offered, the dequeued among them.
    Offered,
    /// Customers answered: A.
    Answered,
    /// Customers answered within the threshold: A(T).
    AnsweredWithin,
    /// Customers who gave up: B.
    Abandoned,
    /// Customers blocked: K.
    Blocked,
    /// Customers who overflowed: F.
    Overflowed,
    /// Of these, because the queue was closed.
    Closed,
    /// Customers of whom something became in another queue at the same time.
    Dequeued,
    /// Second and later tries.
    Retrials,
    /// B / Off.
    AbandonmentRate,
    /// K / Off.
    BlockingRate,
    /// F / Off.
    OverflowRate,
    /// In the system when the simulation ended / Off: neither answered nor gone.
    UnservedRate,
    /// Delayed / (A + B): the share of those let in who found no free agent.
    DelayProbability,
    /// Average speed of answer: wait of the answered / A.
    AverageSpeedOfAnswer,
    /// Wait of all who were answered, gave up or overflowed / (A + B + F).
    AverageWait,
    /// Time in conversation / conversations that ended.
    AverageHandlingTime,
    /// The time average of the number waiting.
    QueueLength,
    /// The longest queue.
    QueueLengthMax,
    /// By the formula named.
    ServiceLevel(ServiceLevel),
}

impl Measure {
    /// A name without spaces, for columns and labels.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Offered => "offered",
            Measure::Answered => "answered",
            Measure::AnsweredWithin => "answered_within",
            Measure::Abandoned => "abandoned",
            Measure::Blocked => "blocked",
            Measure::Overflowed => "overflowed",
            Measure::Closed => "closed",
            Measure::Dequeued => "dequeued",
            Measure::Retrials => "retrials",
            Measure::AbandonmentRate => "abandonment_rate",
            Measure::BlockingRate => "blocking_rate",
            Measure::OverflowRate => "overflow_rate",
            Measure::UnservedRate => "unserved_rate",
            Measure::DelayProbability => "delay_probability",
            Measure::AverageSpeedOfAnswer => "average_speed_of_answer_seconds",
            Measure::AverageWait => "average_wait_seconds",
            Measure::AverageHandlingTime => "average_handling_time_seconds",
            Measure::QueueLength => "queue_length",
            Measure::QueueLengthMax => "queue_length_max",
            Measure::ServiceLevel(level) => level.name(),
        }
    }

    /// Its two terms, of a tally over `seconds` of time (which only [`Measure::QueueLength`] needs).
    pub fn ratio(self, tally: &Tally, seconds: f64) -> Ratio {
        let of = |numerator: f64, denominator: u64| Ratio { numerator, denominator: denominator as f64 };
        let count = |count: u64| of(count as f64, 1);
        let ended = tally.answered + tally.abandoned;
        match self {
            Measure::Offered => count(tally.offered),
            Measure::Answered => count(tally.answered),
            Measure::AnsweredWithin => count(tally.answered_within),
            Measure::Abandoned => count(tally.abandoned),
            Measure::Blocked => count(tally.blocked),
            Measure::Overflowed => count(tally.overflowed),
            Measure::Closed => count(tally.closed),
            Measure::Dequeued => count(tally.dequeued),
            Measure::Retrials => count(tally.retrials),
            Measure::AbandonmentRate => of(tally.abandoned as f64, tally.own()),
            Measure::BlockingRate => of(tally.blocked as f64, tally.own()),
            Measure::OverflowRate => of(tally.overflowed as f64, tally.own()),
            Measure::UnservedRate => of(tally.in_system as f64, tally.own()),
            Measure::DelayProbability => of(tally.delayed as f64, ended),
            Measure::AverageSpeedOfAnswer => of(tally.wait_answered.as_secs_f64(), tally.answered),
            Measure::AverageWait => {
                let wait = tally.wait_answered + tally.wait_abandoned + tally.wait_overflowed;
                of(wait.as_secs_f64(), ended + tally.overflowed)
            }
            Measure::AverageHandlingTime => of(tally.handled.as_secs_f64(), tally.finished),
            Measure::QueueLength => Ratio { numerator: tally.waiting_area, denominator: seconds },
            Measure::QueueLengthMax => count(u64::from(tally.waiting_max)),
            Measure::ServiceLevel(level) => level.ratio(tally),
        }
    }
}

/// What is asked of a group of agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GroupMeasure {
    /// (Conversation + after-call work) / (those + idle): ringing, back-offs and breaks are left out.
    Occupancy,
    /// (Conversation + after-call work) / all time present, breaks and overtime included.
    Utilisation,
    /// Present / scheduled: above 1 is overtime.
    Presence,
    /// Conversations begun.
    Answered,
}

impl GroupMeasure {
    /// A name without spaces, for columns and labels.
    pub fn name(self) -> &'static str {
        match self {
            GroupMeasure::Occupancy => "occupancy",
            GroupMeasure::Utilisation => "utilisation",
            GroupMeasure::Presence => "presence",
            GroupMeasure::Answered => "answered",
        }
    }

    /// Its two terms.
    pub fn ratio(self, time: &AgentTime) -> Ratio {
        let busy = time.busy().as_secs_f64();
        let (numerator, denominator) = match self {
            GroupMeasure::Occupancy => (busy, (time.busy() + time.idle).as_secs_f64()),
            GroupMeasure::Utilisation => (busy, time.present().as_secs_f64()),
            GroupMeasure::Presence => (time.present().as_secs_f64(), time.scheduled.as_secs_f64()),
            GroupMeasure::Answered => (time.answered as f64, 1.0),
        };
        Ratio { numerator, denominator }
    }
}

/// Of whom, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// The queue with this index in the model, all day, second tries after the horizon included.
    Queue(usize),
    /// The queue with this index, in one interval.
    QueueInterval(usize, usize),
    /// The type of customers with this index, all day, second tries after the horizon included.
    Customers(usize),
    /// The type of customers with this index, in one interval.
    CustomersInterval(usize, usize),
    /// All queues together.
    AllQueues,
    /// All types of customers together.
    AllCustomers,
}

impl Scope {
    /// The length of the time of the tally, in seconds.
    pub fn seconds(self, day: &Day) -> f64 {
        match self {
            Scope::QueueInterval(..) | Scope::CustomersInterval(..) => day.interval.as_secs_f64(),
            Scope::Queue(_) | Scope::Customers(_) | Scope::AllQueues | Scope::AllCustomers => {
                day.measured.as_secs_f64()
            }
        }
    }

    /// The tally of a day.
    pub fn tally(self, day: &Day) -> Tally {
        let sum = |series: &[crate::Series]| {
            let mut sum = Tally::default();
            series.iter().for_each(|series| sum += &series.all());
            sum
        };
        match self {
            Scope::Queue(queue) => day.queues[queue].all(),
            Scope::QueueInterval(queue, interval) => day.queues[queue].intervals[interval],
            Scope::Customers(customers) => day.customers[customers].all(),
            Scope::CustomersInterval(customers, interval) => day.customers[customers].intervals[interval],
            Scope::AllQueues => sum(&day.queues),
            Scope::AllCustomers => sum(&day.customers),
        }
    }
}
