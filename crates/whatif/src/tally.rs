//! What is counted.

use std::ops::AddAssign;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Customers of one queue, or of one type, who arrived in one interval, and what became of them, whenever that
/// was. At every moment `offered = answered + abandoned + blocked + overflowed + dequeued + in_system`.
///
/// Of a *queue*: who entered it, with the wait in it. A customer who overflows into another queue, or waits in several,
/// counts in each.
/// Of a *type*: tries, with the wait since the first try (over all queues and tries, the time between tries left
/// out). Within T means after less than T.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Entered, or was blocked at the door.
    pub offered: u64,
    /// A conversation began: A.
    pub answered: u64,
    /// After less than the threshold: A(T).
    pub answered_within: u64,
    /// Gave up: B.
    pub abandoned: u64,
    /// After less than the threshold: B(T).
    pub abandoned_within: u64,
    /// After less than the length of a short abandon: S(s).
    pub abandoned_short: u64,
    /// Turned away at the door: no trunk, or the queue's maximum length with an exit that leaves.
    pub blocked: u64,
    /// Left the queue by another exit: to another queue (of a queue), or out: F.
    pub overflowed: u64,
    /// Of these, because the queue was closed.
    pub closed: u64,
    /// Of a queue: left it because of what became of the customer in another queue at the same time.
    pub dequeued: u64,
    /// Neither answered nor gone when the simulation ended.
    pub in_system: u64,
    /// Answered or abandoned, and no agent was free at entry.
    pub delayed: u64,
    /// Of a type: tries after the first.
    pub retrials: u64,
    /// Reservations that failed (the agent did not pick up, or left).
    pub missed: u64,
    /// Wait of the answered, all together.
    pub wait_answered: Duration,
    /// Of its squares, in square seconds.
    pub wait_answered_squared: f64,
    /// Wait of those who gave up.
    pub wait_abandoned: Duration,
    /// Wait of those who overflowed.
    pub wait_overflowed: Duration,
    /// The longest wait of anybody.
    pub wait_max: Duration,
    /// Time in conversation.
    pub handled: Duration,
    /// Conversations that ended.
    pub finished: u64,
    /// Of a queue: the integral of the number of those waiting (not rung) over the interval itself, in customers
    /// times seconds.
    pub waiting_area: f64,
    /// Of a queue: the most who waited at once in the interval.
    pub waiting_max: u32,
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        self.offered += other.offered;
        self.answered += other.answered;
        self.answered_within += other.answered_within;
        self.abandoned += other.abandoned;
        self.abandoned_within += other.abandoned_within;
        self.abandoned_short += other.abandoned_short;
        self.blocked += other.blocked;
        self.overflowed += other.overflowed;
        self.closed += other.closed;
        self.dequeued += other.dequeued;
        self.in_system += other.in_system;
        self.delayed += other.delayed;
        self.retrials += other.retrials;
        self.missed += other.missed;
        self.wait_answered += other.wait_answered;
        self.wait_answered_squared += other.wait_answered_squared;
        self.wait_abandoned += other.wait_abandoned;
        self.wait_overflowed += other.wait_overflowed;
        self.wait_max = self.wait_max.max(other.wait_max);
        self.handled += other.handled;
        self.finished += other.finished;
        self.waiting_area += other.waiting_area;
        self.waiting_max = self.waiting_max.max(other.waiting_max);
    }
}

impl Tally {
    /// Whether every customer is somewhere, once.
    pub fn is_conserved(&self) -> bool {
        self.offered == self.accounted()
    }

    /// Everybody of whom it is known what became of them.
    pub(crate) fn accounted(&self) -> u64 {
        let left = self.answered + self.abandoned + self.blocked + self.overflowed + self.dequeued;
        left + self.in_system
    }

    /// The offered without those whom another queue kept: what shares are of.
    pub fn own(&self) -> u64 {
        self.offered - self.dequeued
    }
}

/// What agents did in one interval, all of a group together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AgentTime {
    /// By the plan: head counts, or shifts with their breaks.
    pub scheduled: Duration,
    /// Ready and idle.
    pub idle: Duration,
    /// Being rung.
    pub reserved: Duration,
    /// In conversation, also after the end of the shift.
    pub handling: Duration,
    /// Wrapping up.
    pub after_call_work: Duration,
    /// Left alone after a missed reservation.
    pub backing_off: Duration,
    /// Not ready: on a break, or because of missed reservations.
    pub not_ready: Duration,
    /// Conversations begun.
    pub answered: u64,
}

impl AgentTime {
    /// Conversation and after-call work.
    pub fn busy(&self) -> Duration {
        self.handling + self.after_call_work
    }

    /// All of it, whatever the plan says.
    pub fn present(&self) -> Duration {
        self.idle + self.reserved + self.busy() + self.backing_off + self.not_ready
    }
}

impl AddAssign<&AgentTime> for AgentTime {
    fn add_assign(&mut self, other: &AgentTime) {
        self.scheduled += other.scheduled;
        self.idle += other.idle;
        self.reserved += other.reserved;
        self.handling += other.handling;
        self.after_call_work += other.after_call_work;
        self.backing_off += other.backing_off;
        self.not_ready += other.not_ready;
        self.answered += other.answered;
    }
}
