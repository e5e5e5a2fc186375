//! The estimated wait of one queue, and how far off it was.
//!
//! [`Estimator`] is a pure machine like the rest: it is fed what happens in the queue and asked for an [`Estimate`], or
//! for the reason why there is none ([`NoEstimate`]). Its state is integers; the arithmetic is integers and IEEE
//! `+ - * /` and roots, so that equal histories give equal estimates on every machine, because exits act on them.
//! Each event costs a constant time, each question the logarithm of the line's length.
//!
//! Two methods, both with sources and measured errors in `docs/estimated-wait.md`:
//!
//! - [`Method::QueueLength`] (QLm of the literature): the sum over the places ahead of one by the rate at which that
//!   place empties, `drain + j * patience_rate`. The drain of agents who serve this queue only is their number by the
//!   mean time that an interaction holds one; of agents shared with other queues it is what this queue got of each of
//!   them while it had a line, by the number there is now. So sharing is measured and not assumed.
//! - [`Method::HeadOfLine`]: what the first in line has waited so far, corrected by the agents who were there
//!   meanwhile and those who are there now, and one more interval between two of the line.
//!
//! Agents of its own: queue length alone at first; shared agents: half of each. With every answer that both had a
//! number for, the shares move to those that would have had the smallest mean square error
//! ([`Method::Combined`]).
//!
//! # How a distributor feeds it
//!
//! [`Estimator::hear`] takes the events of the queue as they are said, with the promise of the interaction that they
//! speak of, and [`Estimator::staffed`] the agents at the end of each command. An interaction that has to wait in line
//! gets its [`Promise`] by [`Estimator::promise`] and keeps it until it is answered.
//!
//! It is asked by [`Estimator::estimate`]. What it does not know: ids, agents, priorities. The distributor counts
//! who is ahead by place.

mod accuracy;
mod answer;
mod decay;
mod drain;
mod methods;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

use crate::{AbandonedDuring, Event, ReservationEnd};

pub use accuracy::Accuracy;
use accuracy::Comparison;
pub use answer::{Estimate, EstimateRules, Line, Method, NoEstimate, Promise, Staff};
use decay::{Count, Sum, Weight};

/// The longest half-life.
pub const HALF_LIFE_MAX: Duration = Duration::from_secs(86_400);
/// The shortest half-life.
pub const HALF_LIFE_MIN: Duration = Duration::from_secs(60);
/// A wait that is estimated longer than this is no estimate ([`NoEstimate::TooLong`]).
pub const ESTIMATE_MAX: Duration = Duration::from_secs(86_400);
/// Sums fade in steps of this part of a half-life, so that a busy queue does not round at each event.
const TICKS_PER_HALF_LIFE: u64 = 1_024;

/// The estimated wait of one queue: see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Estimator {
    rules: EstimateRules,
    /// The last event.
    seen: Instant,
    /// The sums weigh as of then.
    faded: Instant,
    staff: Staff,
    /// Those who wait and for whom nobody is rung.
    waiting: u32,
    /// Agents who are held by an interaction of this queue, from reservation to the end of after-call work.
    serving: u32,
    /// Working agents times time since the beginning, in microseconds; wraps.
    agent_time: u64,
    /// Time that all have waited, and how many gave up in it.
    waiting_time: Sum,
    abandons: Count,
    /// Time that agents were held, and how many were released after an answer.
    serving_time: Sum,
    completions: Count,
    /// Working agents times time while there was a line, and how many of it were answered.
    backlog_time: Sum,
    drained: Count,
    /// From reservation to answer.
    ring_time: Sum,
    rings: Count,
    comparison: Comparison,
}

impl Estimator {
    /// A queue in which nothing has happened.
    pub fn new(now: Instant, rules: EstimateRules) -> Estimator {
        Estimator {
            rules: held(rules),
            seen: now,
            faded: now,
            staff: Staff::default(),
            waiting: 0,
            serving: 0,
            agent_time: 0,
            waiting_time: Sum::default(),
            abandons: Count::default(),
            serving_time: Sum::default(),
            completions: Count::default(),
            backlog_time: Sum::default(),
            drained: Count::default(),
            ring_time: Sum::default(),
            rings: Count::default(),
            comparison: Comparison::new(),
        }
    }

    /// Other rules from now on. Nothing that was seen is forgotten: it weighs what it weighed, and fades by the new
    /// half-life from here.
    pub fn configure(&mut self, now: Instant, rules: EstimateRules) {
        self.advance(now);
        let half_life = micros(self.rules.half_life);
        self.fade(Weight::after(micros(now - self.faded), half_life));
        self.faded = now;
        self.rules = held(rules);
    }

    /// The agents from now on. Costs nothing where they are as before.
    pub fn staffed(&mut self, now: Instant, staff: Staff) {
        if staff != self.staff {
            self.advance(now);
            self.staff = staff;
        }
    }

    /// Something happened in this queue. `promise` is that of the interaction, if it has one.
    pub fn hear(&mut self, now: Instant, event: &Event, promise: Option<&Promise>) {
        match event {
            // Back from an agent who was gone before a word was said: it waits again, as everybody who enters.
            Event::Queued { .. } => self.entered(now),
            Event::Reserved { decision, .. } if decision.beside == 0 => self.taken(now),
            Event::ReservationEnded { cause: ReservationEnd::Accepted, lasted, .. } => {
                self.rang(now, *lasted);
            }
            Event::ReservationEnded { cause, left: 0, .. } => match cause {
                ReservationEnd::Rejected(_)
                | ReservationEnd::Expired
                | ReservationEnd::Withdrawn
                | ReservationEnd::CallFailed(_) | ReservationEnd::CallExpired => {
                    self.released(now, false);
                    self.entered(now);
                }
                ReservationEnd::Cancelled => self.released(now, false),
                ReservationEnd::Accepted | ReservationEnd::TakenByAnother => {}
            },
            Event::Answered { waited, .. } => self.answered(now, promise, *waited),
            Event::Abandoned { during: AbandonedDuring::Waiting, .. } => self.gave_up(now),
            Event::Overflowed { .. }
            | Event::CallbackRests { .. }
            | Event::CallbackEnded { was_in_line: true, .. } => self.left(now),
            Event::Dequeued { .. } => self.taken_elsewhere(now),
            Event::CallbackWaits { .. }
            | Event::CallbackHolds { rested: true, .. }
            | Event::CallbackTaken { during: AbandonedDuring::Reserved, .. } => self.entered(now),
            Event::CalledBack { .. } => self.called_back(now, promise),
            Event::HandlingEnded { .. } | Event::AfterCallWorkEnded { .. } => self.released(now, true),
            Event::AfterCallWorkStarted { .. } => self.goes_on(now),
            Event::Abandoned { during: AbandonedDuring::Reserved, .. }
            // One agent more or less who is rung for the same interaction.
            | Event::Reserved { .. }
            | Event::ReservationEnded { .. }
            | Event::CallbackTaken { during: AbandonedDuring::Waiting, .. }
            | Event::CallbackCalling { .. }
            | Event::CallbackReached { .. }
            | Event::CallbackHolds { rested: false, .. }
            | Event::CallbackEnded { was_in_line: false, .. }
            | Event::CallbackWindow { .. }
            | Event::StepEntered { .. }
            | Event::OpenedToAll { .. }
            | Event::Changed { .. }
            | Event::AfterCallWorkExtended { .. }
            | Event::LeaseExpired { .. }
            | Event::AgentForced { .. }
            | Event::AgentAside { .. }
            | Event::AgentReachable { .. }
            | Event::ShiftBegan { .. }
            | Event::Interrupted { .. }
            | Event::Resumed { .. }
            | Event::AgentChanged { .. }
            | Event::AgentRemoved { .. }
            | Event::QueueDefined { .. }
            | Event::Configured { .. }
            | Event::ReservesChanged { .. }
            | Event::OpenChanged { .. }
            | Event::QueueRemoved { .. }
            | Event::Refused { .. } => {}
        }
    }

    /// What an interaction is promised that has just come to the end of the line and has to wait there; `line` is
    /// everybody else. Without `line` it has only begun to wait: nothing is estimated for it that could be compared.
    pub fn promise(&self, now: Instant, line: Option<&Line>) -> Promise {
        let mut present = *self;
        present.advance(now);
        present.promise_now(line)
    }

    /// An interaction begins to wait.
    pub fn entered(&mut self, now: Instant) {
        self.advance(now);
        self.waiting += 1;
    }

    /// One of those who wait is reserved.
    pub fn taken(&mut self, now: Instant) {
        self.advance(now);
        self.waiting = self.waiting.saturating_sub(1);
        self.serving += 1;
    }

    /// One that was reserved is accepted, after so long.
    pub fn rang(&mut self, now: Instant, lasted: Duration) {
        self.advance(now);
        self.rings.add();
        self.ring_time.add(micros(lasted));
    }

    /// It is answered, after so long in this queue. `promise`: it had to wait in line.
    pub fn answered(&mut self, now: Instant, promise: Option<&Promise>, waited: Duration) {
        self.advance(now);
        if let Some(promise) = promise {
            self.drained.add();
            self.comparison.compare(promise, micros(waited) / 1_000);
        }
    }

    /// One is answered that did not wait on the line all the time: it was taken out of the line as others are, and says
    /// nothing about how long they wait.
    pub fn called_back(&mut self, now: Instant, promise: Option<&Promise>) {
        self.advance(now);
        if promise.is_some() {
            self.drained.add();
        }
    }

    /// A customer who waits gives up.
    pub fn gave_up(&mut self, now: Instant) {
        self.left(now);
        self.abandons.add();
    }

    /// One who has left the line already, to be rung for in another queue or because it is gone there, does not come
    /// back. For those behind it that is as if it had given up: nobody of this queue was needed.
    pub fn taken_elsewhere(&mut self, now: Instant) {
        self.advance(now);
        self.abandons.add();
    }

    /// One who waits leaves the queue otherwise.
    pub fn left(&mut self, now: Instant) {
        self.advance(now);
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// An agent is free of an interaction of this queue: `answered` if there was a conversation.
    pub fn released(&mut self, now: Instant, answered: bool) {
        self.advance(now);
        self.serving = self.serving.saturating_sub(1);
        if answered {
            self.completions.add();
        }
    }

    /// The agent who was released this moment is not free yet: after-call work.
    pub fn goes_on(&mut self, now: Instant) {
        self.advance(now);
        self.serving += 1;
        self.completions.take_back();
    }

    /// How long somebody at that place waits from now on: a new arrival, who has all of the line ahead, or one who
    /// waits already.
    pub fn estimate(&self, now: Instant, line: &Line) -> Result<Estimate, NoEstimate> {
        let mut present = *self;
        present.advance(now);
        present.decide(line)
    }

    /// How far off the recent estimates were.
    pub fn accuracy(&self) -> Accuracy {
        self.comparison.accuracy()
    }

    /// Those who wait and for whom nobody is rung, as heard.
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// The agents as told last.
    pub fn staff(&self) -> Staff {
        self.staff
    }

    /// Time goes on with everything as it was.
    fn advance(&mut self, now: Instant) {
        let gap = micros(now - self.seen);
        if gap == 0 {
            return;
        }
        self.seen = now;
        let half_life = micros(self.rules.half_life);
        let tick = half_life / TICKS_PER_HALF_LIFE;
        let since_faded = micros(now - self.faded);
        if since_faded >= tick {
            self.faded = now;
            self.fade(Weight::after(since_faded, half_life));
        }
        let area = if gap < tick { gap } else { Weight::after(gap, half_life).area(half_life) };
        self.agent_time = self.agent_time.wrapping_add(gap.wrapping_mul(u64::from(self.staff.working)));
        self.waiting_time.add(area.saturating_mul(u64::from(self.waiting)));
        self.serving_time.add(area.saturating_mul(u64::from(self.serving)));
        if self.waiting > 0 {
            self.backlog_time.add(area.saturating_mul(u64::from(self.staff.working)));
        }
    }

    fn fade(&mut self, weight: Weight) {
        for sum in
            [&mut self.waiting_time, &mut self.serving_time, &mut self.backlog_time, &mut self.ring_time]
        {
            sum.fade(weight);
        }
        for count in [&mut self.abandons, &mut self.completions, &mut self.drained, &mut self.rings] {
            count.fade(weight);
        }
        self.comparison.fade(weight);
    }
}

/// Within their bounds.
fn held(rules: EstimateRules) -> EstimateRules {
    EstimateRules {
        half_life: rules.half_life.clamp(HALF_LIFE_MIN, HALF_LIFE_MAX),
        samples_min: rules.samples_min.max(1),
        ..rules
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
