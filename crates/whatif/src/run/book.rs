//! Keeping the books of a day.

use std::time::Duration;

use acd::{Activity, AgentId, Counters, Presence};
use timing::Instant;

use super::RunError;
use super::customer::{Customer, Stage};
use super::staff::Staff;
use super::time_of_day;
use crate::day::{Day, GroupSeries, Series, TrunkUse};
use crate::histogram::Histogram;
use crate::model::Model;
use crate::tally::{AgentTime, Tally};

/// What an agent does, as far as time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Away,
    Idle,
    Reserved,
    Handling,
    AfterCallWork,
    BackingOff,
    NotReady,
}

impl Doing {
    pub(super) fn of(presence: Presence, activity: Activity) -> Doing {
        match (activity, presence) {
            (Activity::Reserved { .. }, _) => Doing::Reserved,
            (Activity::Handling { .. } | Activity::Occupied { .. }, _) => Doing::Handling,
            (Activity::AfterCallWork { .. }, _) => Doing::AfterCallWork,
            (
                Activity::Idle { .. } | Activity::BackingOff { .. } | Activity::Unreachable { .. },
                Presence::LoggedOut,
            ) => Doing::Away,
            (
                Activity::Idle { .. } | Activity::BackingOff { .. } | Activity::Unreachable { .. },
                Presence::NotReady(_),
            ) => Doing::NotReady,
            // No phone is ever gone here.
            (Activity::Unreachable { .. }, Presence::Ready) => Doing::Away,
            (Activity::Idle { .. }, Presence::Ready) => Doing::Idle,
            (Activity::BackingOff { .. }, Presence::Ready) => Doing::BackingOff,
        }
    }
}

/// All counts. Everything is kept by slot: the intervals of the day, then what is after the horizon, then the
/// warm-up, which is thrown away at the end.
pub(super) struct Book {
    horizon: Duration,
    warm_up: Duration,
    interval: Duration,
    /// Intervals of the day.
    intervals: usize,
    /// The slot of the present moment.
    pub(super) slot: u32,
    pub(super) queues: Vec<QueueBook>,
    pub(super) types: Vec<TypeBook>,
    groups: Vec<GroupBook>,
    agents: Vec<AgentBook>,
    trunks: TrunkUse,
    trunks_in_use: u32,
    trunks_since: Instant,
    blocked_by_trunks: u64,
}

pub(super) struct QueueBook {
    within: Duration,
    short: Duration,
    tallies: Vec<Tally>,
    /// By interval of arrival, then who came after the horizon.
    waits: Vec<Histogram>,
    waiting: u32,
    since: Instant,
}

pub(super) struct TypeBook {
    within: Duration,
    short: Duration,
    queue: usize,
    tallies: Vec<Tally>,
    /// By interval of arrival, then who came after the horizon.
    waits: Vec<Histogram>,
}

struct GroupBook {
    times: Vec<AgentTime>,
    scheduled: u32,
    since: Instant,
}

#[derive(Clone, Copy)]
struct AgentBook {
    group: u32,
    doing: Doing,
    since: Instant,
}

/// How a wait ended.
#[derive(Clone, Copy)]
pub(super) enum End {
    Answered,
    Abandoned,
    Blocked,
    Overflowed,
    /// Overflowed, because the queue was closed.
    Closed,
    /// Something became of it in another queue.
    Dequeued,
}

impl Book {
    pub(super) fn new(model: &Model, staff: &Staff) -> Book {
        let intervals = model.intervals();
        let tallies = || vec![Tally::default(); intervals + 2];
        let waits = || vec![Histogram::default(); intervals + 1];
        let queue = |queue: &crate::Queue| QueueBook {
            within: queue.within,
            short: queue.short_abandon,
            tallies: tallies(),
            waits: waits(),
            waiting: 0,
            since: Instant::ORIGIN,
        };
        let customers = |customers: &crate::CustomerType| {
            let of = |queue: &crate::Queue| queue.id == customers.queue;
            let queue = model.queues.iter().position(of).expect("the model was checked");
            TypeBook {
                within: model.queues[queue].within,
                short: model.queues[queue].short_abandon,
                queue,
                tallies: tallies(),
                waits: waits(),
            }
        };
        let group = || GroupBook {
            times: vec![AgentTime::default(); intervals + 2],
            scheduled: 0,
            since: Instant::ORIGIN,
        };
        let agent = |group| AgentBook { group, doing: Doing::Away, since: Instant::ORIGIN };
        let mut book = Book {
            horizon: model.horizon,
            warm_up: model.warm_up,
            interval: model.interval,
            intervals,
            slot: 0,
            queues: model.queues.iter().map(queue).collect(),
            types: model.customers.iter().map(customers).collect(),
            groups: model.groups.iter().map(|_| group()).collect(),
            agents: staff.groups().map(agent).collect(),
            trunks: TrunkUse::default(),
            trunks_in_use: 0,
            trunks_since: Instant::ORIGIN,
            blocked_by_trunks: 0,
        };
        book.slot = book.slot_at(Duration::ZERO);
        book
    }

    fn slot_at(&self, time: Duration) -> u32 {
        let slot = if time >= self.horizon {
            self.intervals
        } else if time < self.warm_up {
            self.intervals + 1
        } else {
            let interval = time.as_micros() / self.interval.as_micros();
            usize::try_from(interval).expect("the number of intervals is a usize")
        };
        u32::try_from(slot).expect("the model was checked")
    }

    /// When the next slot begins.
    pub(super) fn next_turn(&self, now: Instant) -> Instant {
        let now = time_of_day(now);
        let interval = u64::try_from(self.interval.as_micros()).expect("the model was checked");
        let passed = u64::try_from(now.as_micros()).expect("virtual time is 64 bits") / interval;
        let boundary = Duration::from_micros((passed + 1) * interval);
        let next = [boundary, self.warm_up, self.horizon].into_iter().filter(|&time| time > now).min();
        Instant::ORIGIN + next.expect("the boundary is later")
    }

    /// Closes the slot of the moments before now, and opens the one of now.
    pub(super) fn turn(&mut self, now: Instant) {
        for queue in 0..self.queues.len() {
            self.waiting(queue, now, 0);
        }
        for agent in 0..self.agents.len() {
            let doing = self.agents[agent].doing;
            self.agent_does(agent, now, doing);
        }
        for group in 0..self.groups.len() {
            self.schedule(group, now, 0);
        }
        self.trunk(now, 0);
        self.slot = self.slot_at(time_of_day(now));
    }

    /// Changes the number of those who wait in a queue.
    pub(super) fn waiting(&mut self, queue: usize, now: Instant, change: i32) {
        let book = &mut self.queues[queue];
        let passed = now - book.since;
        if !passed.is_zero() {
            let tally = &mut book.tallies[self.slot as usize];
            tally.waiting_area += f64::from(book.waiting) * passed.as_secs_f64();
            tally.waiting_max = tally.waiting_max.max(book.waiting);
            book.since = now;
        }
        book.waiting = book.waiting.checked_add_signed(change).expect("who leaves has entered");
    }

    /// An agent does something from now on.
    pub(super) fn agent_does(&mut self, agent: usize, now: Instant, doing: Doing) {
        let book = &mut self.agents[agent];
        let passed = now - book.since;
        let time = &mut self.groups[book.group as usize].times[self.slot as usize];
        match book.doing {
            Doing::Away => {}
            Doing::Idle => time.idle += passed,
            Doing::Reserved => time.reserved += passed,
            Doing::Handling => time.handling += passed,
            Doing::AfterCallWork => time.after_call_work += passed,
            Doing::BackingOff => time.backing_off += passed,
            Doing::NotReady => time.not_ready += passed,
        }
        (book.doing, book.since) = (doing, now);
    }

    pub(super) fn doing(&self, agent: AgentId) -> Doing {
        self.agents[agent.0 as usize].doing
    }

    pub(super) fn agent_answered(&mut self, agent: AgentId) {
        let group = self.agents[agent.0 as usize].group as usize;
        self.groups[group].times[self.slot as usize].answered += 1;
    }

    /// Changes the number of agents of a group whom the plan wants here.
    pub(super) fn schedule(&mut self, group: usize, now: Instant, change: i32) {
        let book = &mut self.groups[group];
        book.times[self.slot as usize].scheduled += (now - book.since) * book.scheduled;
        book.since = now;
        book.scheduled = book.scheduled.checked_add_signed(change).expect("who leaves has come");
    }

    /// Changes the number of lines in use.
    pub(super) fn trunk(&mut self, now: Instant, change: i32) {
        let counts = self.slot as usize <= self.intervals;
        if counts {
            self.trunks.area += f64::from(self.trunks_in_use) * (now - self.trunks_since).as_secs_f64();
        }
        self.trunks_since = now;
        self.trunks_in_use = self.trunks_in_use.checked_add_signed(change).expect("who leaves has come");
        if counts {
            self.trunks.max = self.trunks.max.max(self.trunks_in_use);
        }
    }

    pub(super) fn trunks_in_use(&self) -> u32 {
        self.trunks_in_use
    }

    /// A try of a customer: of a type.
    pub(super) fn tries(&mut self, customer_type: u32, is_retrial: bool) {
        let tally = &mut self.types[customer_type as usize].tallies[self.slot as usize];
        tally.offered += 1;
        tally.retrials += u64::from(is_retrial);
    }

    /// No line was free: counted at the queue that the customer would have entered.
    pub(super) fn no_trunk(&mut self, customer_type: u32) {
        let book = &mut self.types[customer_type as usize];
        book.tallies[self.slot as usize].blocked += 1;
        let tally = &mut self.queues[book.queue].tallies[self.slot as usize];
        tally.offered += 1;
        tally.blocked += 1;
        self.blocked_by_trunks += 1;
    }

    pub(super) fn offered(&mut self, queue: usize) {
        self.queues[queue].tallies[self.slot as usize].offered += 1;
    }

    pub(super) fn missed(&mut self, customer: &Customer) {
        self.queues[customer.queue as usize].tallies[customer.queue_slot as usize].missed += 1;
        self.types[customer.customer_type as usize].tallies[customer.try_slot as usize].missed += 1;
    }

    /// The wait of a customer in a queue is over.
    pub(super) fn leaves_queue(&mut self, customer: &Customer, wait: Duration, end: End) {
        let book = &mut self.queues[customer.queue as usize];
        let tally = &mut book.tallies[customer.queue_slot as usize];
        note(tally, (book.within, book.short), wait, end, !customer.at_once);
        if matches!(end, End::Answered)
            && let Some(waits) = book.waits.get_mut(customer.queue_slot as usize)
        {
            waits.add(wait);
        }
    }

    /// The wait of a customer is over, for this try.
    pub(super) fn leaves(&mut self, customer: &Customer, wait: Duration, end: End) {
        let book = &mut self.types[customer.customer_type as usize];
        let tally = &mut book.tallies[customer.try_slot as usize];
        note(tally, (book.within, book.short), wait, end, !customer.at_once);
        if matches!(end, End::Answered)
            && let Some(waits) = book.waits.get_mut(customer.try_slot as usize)
        {
            waits.add(wait);
        }
    }

    pub(super) fn handled(&mut self, customer: &Customer, handled_for: Duration) {
        let of_queue = &mut self.queues[customer.queue as usize].tallies[customer.queue_slot as usize];
        let of_type = &mut self.types[customer.customer_type as usize].tallies[customer.try_slot as usize];
        for tally in [of_queue, of_type] {
            tally.handled += handled_for;
            tally.finished += 1;
        }
    }

    /// Counts a customer who was neither answered nor gone at the end.
    pub(super) fn still_here(&mut self, customer: &Customer) {
        match customer.stage {
            Stage::Waiting | Stage::Reserved => {
                self.still_in_queue(customer.queue, customer.queue_slot);
                let of_type = &mut self.types[customer.customer_type as usize];
                of_type.tallies[customer.try_slot as usize].in_system += 1;
            }
            Stage::Talking | Stage::Between | Stage::Gone => {}
        }
    }

    /// Counts a customer of a queue who was neither answered nor gone at the end.
    pub(super) fn still_in_queue(&mut self, queue: u32, queue_slot: u32) {
        self.queues[queue as usize].tallies[queue_slot as usize].in_system += 1;
    }

    /// Whether everybody is somewhere, once, and the distributor has counted the same.
    pub(super) fn check(&self, totals: &Counters) -> Result<(), RunError> {
        let all =
            self.queues.iter().map(|book| &book.tallies).chain(self.types.iter().map(|book| &book.tallies));
        if let Some(tally) = all.flatten().find(|tally| !tally.is_conserved()) {
            return Err(RunError::NotConserved {
                what: "offered",
                ours: tally.offered,
                other: tally.accounted(),
            });
        }
        let mut sum = Tally::default();
        self.queues.iter().flat_map(|book| &book.tallies).for_each(|tally| sum += tally);
        let left = sum.overflowed + sum.blocked - self.blocked_by_trunks;
        let pairs = [
            ("offered", sum.offered - self.blocked_by_trunks, totals.offered),
            ("answered", sum.answered, totals.answered),
            ("abandoned", sum.abandoned, totals.abandoned),
            ("overflowed", left, totals.overflowed),
            ("dequeued", sum.dequeued, totals.dequeued),
            ("finished", sum.finished, totals.finished),
        ];
        for (what, ours, other) in pairs {
            if ours != other {
                return Err(RunError::NotConserved { what, ours, other });
            }
        }
        Ok(())
    }

    /// What remains of the book: everything but the warm-up.
    pub(super) fn day(self, measured: Duration) -> Day {
        let series = |mut tallies: Vec<Tally>, mut by_interval: Vec<Histogram>| {
            tallies.truncate(self.intervals + 1);
            let after_closing = tallies.pop().expect("there is a slot after the horizon");
            let mut waits = by_interval.pop().expect("there is a slot after the horizon");
            by_interval.iter().for_each(|of_interval| waits.merge(of_interval));
            Series { intervals: tallies, after_closing, waits, waits_by_interval: by_interval }
        };
        let group = |book: GroupBook| {
            let mut times = book.times;
            times.truncate(self.intervals + 1);
            let after_closing = times.pop().expect("there is a slot after the horizon");
            GroupSeries { intervals: times, after_closing }
        };
        Day {
            seed: 0,
            replication: 0,
            queues: self.queues.into_iter().map(|book| series(book.tallies, book.waits)).collect(),
            customers: self.types.into_iter().map(|book| series(book.tallies, book.waits)).collect(),
            groups: self.groups.into_iter().map(group).collect(),
            trunks: self.trunks,
            events: 0,
            commands: 0,
            measured,
            interval: self.interval,
        }
    }
}

fn note(tally: &mut Tally, (within, short): (Duration, Duration), wait: Duration, end: End, delayed: bool) {
    match end {
        End::Answered => {
            tally.answered += 1;
            tally.answered_within += u64::from(wait < within);
            tally.delayed += u64::from(delayed);
            tally.wait_answered += wait;
            tally.wait_answered_squared += wait.as_secs_f64() * wait.as_secs_f64();
        }
        End::Abandoned => {
            tally.abandoned += 1;
            tally.abandoned_within += u64::from(wait < within);
            tally.abandoned_short += u64::from(wait < short);
            tally.delayed += u64::from(delayed);
            tally.wait_abandoned += wait;
        }
        End::Blocked => tally.blocked += 1,
        End::Dequeued => tally.dequeued += 1,
        End::Overflowed | End::Closed => {
            tally.overflowed += 1;
            tally.closed += u64::from(matches!(end, End::Closed));
            tally.wait_overflowed += wait;
        }
    }
    tally.wait_max = tally.wait_max.max(wait);
}
