//! A contact centre as small as it can be: queues, groups of agents, first come first served over all queues that an
//! agent serves. It feeds one [`Estimator`] a queue exactly as a distributor would, and compares several estimates
//! made at each arrival with the wait that follows.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use acd::estimate::{Accuracy, EstimateRules, Estimator, Line, Method, NoEstimate, Promise, Staff};
use timing::Instant;

/// Something that holds from a second on, in order of time.
pub(crate) type Schedule<T> = Vec<(f64, T)>;

/// A queue and its customers.
#[derive(Clone)]
pub(crate) struct QueueModel {
    /// Arrivals a second.
    pub(crate) arrivals: Schedule<f64>,
    /// Seconds; exponential.
    pub(crate) patience: Option<f64>,
    /// Mean seconds that an interaction holds an agent.
    pub(crate) handle: f64,
    pub(crate) law: Law,
}

#[derive(Clone, Copy)]
pub(crate) enum Law {
    Exponential,
    /// Of two exponential parts: half the variance.
    Erlang2,
}

/// Agents who are alike.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) serves: Vec<usize>,
    pub(crate) agents: Schedule<u32>,
}

pub(crate) struct Scenario {
    pub(crate) queues: Vec<QueueModel>,
    pub(crate) groups: Vec<Group>,
    /// Seconds; arrivals before the first number teach, those until the second are compared.
    pub(crate) compare: (f64, f64),
    pub(crate) seed: u64,
    pub(crate) rules: EstimateRules,
}

/// The estimates that stand beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rival {
    /// What [`Estimator::estimate`] tells.
    Ours,
    /// Its queue-length method, chosen or not.
    OurQueueLength,
    /// Its head-of-line method, chosen or not.
    OurHeadOfLine,
    /// QLm with the true rates, every agent of the queue counted fully.
    TrueRates,
    /// QLm with the true rates, agents counted by the share of answers that the queue got of their group.
    Shares,
    /// (n + 1) / (s * mu) with the true rates.
    PlainLength,
    /// The wait so far of the first in line.
    HeadOfLine,
    /// The wait of the last who was answered.
    LastToEnter,
    /// (3 * mean + last) / 4 of the waits of those answered, the mean that Asterisk announces by.
    RecentMean,
}

pub(crate) const RIVALS: [Rival; 9] = [
    Rival::Ours,
    Rival::OurQueueLength,
    Rival::OurHeadOfLine,
    Rival::TrueRates,
    Rival::Shares,
    Rival::PlainLength,
    Rival::HeadOfLine,
    Rival::LastToEnter,
    Rival::RecentMean,
];

/// How far off one of them was.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Tally {
    pub(crate) count: u32,
    wait: f64,
    error: f64,
    absolute: f64,
    square: f64,
}

impl Tally {
    fn add(&mut self, estimate: f64, wait: f64) {
        let error = estimate - wait;
        self.count += 1;
        self.wait += wait;
        self.error += error;
        self.absolute += error.abs();
        self.square += error * error;
    }

    pub(crate) fn mean_wait(&self) -> f64 {
        self.wait / f64::from(self.count)
    }

    /// Root mean square error by mean wait.
    pub(crate) fn relative(&self) -> f64 {
        (self.square / f64::from(self.count)).sqrt() / self.mean_wait()
    }

    /// Mean error by mean wait.
    pub(crate) fn bias(&self) -> f64 {
        self.error / self.wait
    }
}

/// What came out for one queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// In the order of [`RIVALS`]: those who had to wait, and whose wait is known.
    pub(crate) tallies: [Tally; RIVALS.len()],
    /// Of those who had to wait: no number, by [`NoEstimate`].
    pub(crate) refused: Vec<NoEstimate>,
    /// The estimator's own account, at the end.
    pub(crate) accuracy: Accuracy,
    /// Of those with a number and a known wait: how many waited at most the upper bound.
    pub(crate) covered: u32,
}

impl Outcome {
    pub(crate) fn of(&self, rival: Rival) -> &Tally {
        &self.tallies[RIVALS.iter().position(|&other| other == rival).expect("all are listed")]
    }

    pub(crate) fn coverage(&self) -> f64 {
        f64::from(self.covered) / f64::from(self.of(Rival::Ours).count)
    }
}

#[derive(Clone, Copy)]
struct Waiting {
    id: usize,
    entered: f64,
    promise: Option<Promise>,
    estimates: [Option<f64>; RIVALS.len()],
    at_most: Option<f64>,
    /// Has given up, and is kept to learn when the turn would have come.
    is_gone: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Arrival(usize),
    GiveUp { queue: usize, id: usize },
    Done { queue: usize, group: usize },
    Shift { group: usize, agents: u32 },
}

struct Counter {
    model: QueueModel,
    estimator: Estimator,
    waiting: VecDeque<Waiting>,
    /// Of these, still there.
    there: u32,
    last_to_enter: Option<f64>,
    recent_mean: f64,
    outcome: Outcome,
}

struct Crew {
    serves: Vec<usize>,
    agents: u32,
    busy: u32,
    /// Idle since, in microseconds, longest first.
    idle: VecDeque<u64>,
    /// Answers by queue.
    answers: Vec<f64>,
}

pub(crate) struct Pool {
    lines: Vec<Counter>,
    crews: Vec<Crew>,
    agenda: BinaryHeap<Reverse<(u64, u64, Happening)>>,
    planned: u64,
    now: u64,
    next_id: usize,
    compare: (f64, f64),
    random: Random,
}

impl Pool {
    pub(crate) fn run(scenario: &Scenario) -> Vec<Outcome> {
        let mut pool = Pool::new(scenario);
        while let Some(Reverse((at, _, happening))) = pool.agenda.pop() {
            pool.now = at;
            if pool.seconds() > scenario.compare.1 {
                break;
            }
            match happening {
                Happening::Arrival(queue) => pool.arrive(queue),
                Happening::GiveUp { queue, id } => pool.give_up(queue, id),
                Happening::Done { queue, group } => pool.done(queue, group),
                Happening::Shift { group, agents } => pool.shift(group, agents),
            }
        }
        let outcome = |line: Counter| Outcome { accuracy: line.estimator.accuracy(), ..line.outcome };
        pool.lines.into_iter().map(outcome).collect()
    }

    fn new(scenario: &Scenario) -> Pool {
        let line = |model: &QueueModel| Counter {
            model: model.clone(),
            estimator: Estimator::new(Instant::ORIGIN, scenario.rules),
            waiting: VecDeque::new(),
            there: 0,
            last_to_enter: None,
            recent_mean: 0.0,
            outcome: Outcome::default(),
        };
        let crew = |group: &Group| Crew {
            serves: group.serves.clone(),
            agents: 0,
            busy: 0,
            idle: VecDeque::new(),
            answers: vec![0.0; scenario.queues.len()],
        };
        let mut pool = Pool {
            lines: scenario.queues.iter().map(line).collect(),
            crews: scenario.groups.iter().map(crew).collect(),
            agenda: BinaryHeap::new(),
            planned: 0,
            now: 0,
            next_id: 0,
            compare: scenario.compare,
            random: Random(scenario.seed),
        };
        for (group, model) in scenario.groups.iter().enumerate() {
            for &(at, agents) in &model.agents {
                pool.plan(at, Happening::Shift { group, agents });
            }
        }
        for queue in 0..pool.lines.len() {
            pool.plan_arrival(queue);
        }
        pool
    }

    fn seconds(&self) -> f64 {
        self.now as f64 / 1e6
    }

    fn instant(&self) -> Instant {
        Instant::from_micros(self.now)
    }

    fn plan(&mut self, at: f64, happening: Happening) {
        self.planned += 1;
        self.agenda.push(Reverse(((at * 1e6) as u64, self.planned, happening)));
    }

    fn plan_arrival(&mut self, queue: usize) {
        let now = self.seconds();
        let arrivals = &self.lines[queue].model.arrivals;
        let rate = arrivals.iter().rev().find(|&&(from, _)| from <= now).map_or(0.0, |&(_, rate)| rate);
        let gap = self.random.exponential(1.0 / rate);
        self.plan(now + gap, Happening::Arrival(queue));
    }

    fn arrive(&mut self, queue: usize) {
        self.plan_arrival(queue);
        let (now, instant, id) = (self.seconds(), self.instant(), self.next_id);
        self.next_id += 1;
        let available: usize =
            self.crews.iter().filter(|crew| crew.serves.contains(&queue)).map(|crew| crew.idle.len()).sum();
        let estimates = self.rivals(queue);
        let line = &mut self.lines[queue];
        let first = line.waiting.iter().find(|other| !other.is_gone);
        let head = first.and_then(|first| first.promise);
        let question = Line { ahead: line.there, available: available as u32, head };
        let told = line.estimator.estimate(instant, &question);
        let promise = (available == 0).then(|| line.estimator.promise(instant, Some(&question)));
        line.estimator.entered(instant);
        let mut waiting = Waiting { id, entered: now, promise, estimates, at_most: None, is_gone: false };
        if available > 0 {
            let group = self.longest_idle(queue);
            self.crews[group].idle.pop_front();
            self.lines[queue].estimator.taken(instant);
            return self.begin(queue, group, &waiting);
        }
        let compared = now >= self.compare.0;
        match told {
            Ok(estimate) => {
                waiting.estimates[0] = Some(estimate.wait.as_secs_f64());
                waiting.at_most = Some(estimate.at_most.as_secs_f64());
            }
            Err(reason) if compared => line.outcome.refused.push(reason),
            Err(_) => {}
        }
        waiting.estimates[1] =
            promise.and_then(|promise| promise.by(Method::QueueLength)).map(|wait| wait.as_secs_f64());
        waiting.estimates[2] =
            promise.and_then(|promise| promise.by(Method::HeadOfLine)).map(|wait| wait.as_secs_f64());
        line.waiting.push_back(waiting);
        line.there += 1;
        if let Some(patience) = line.model.patience {
            let patience = self.random.exponential(patience);
            self.plan(now + patience, Happening::GiveUp { queue, id });
        }
    }

    /// What the others would say to the next who waits.
    fn rivals(&self, queue: usize) -> [Option<f64>; RIVALS.len()] {
        let line = &self.lines[queue];
        let ahead = f64::from(line.there);
        let mu = 1.0 / line.model.handle;
        let theta = line.model.patience.map_or(0.0, |patience| 1.0 / patience);
        let serving = || self.crews.iter().filter(|crew| crew.serves.contains(&queue));
        let agents: f64 = serving().map(|crew| f64::from(crew.agents)).sum();
        let effective: f64 = serving()
            .map(|crew| {
                let all: f64 = crew.answers.iter().sum();
                f64::from(crew.agents) * if all > 0.0 { crew.answers[queue] / all } else { 1.0 }
            })
            .sum();
        let sum = |drain: f64| (0..=line.there).map(|place| 1.0 / (drain + f64::from(place) * theta)).sum();
        let head = line.waiting.iter().find(|other| !other.is_gone);
        RIVALS.map(|rival| match rival {
            Rival::Ours | Rival::OurQueueLength | Rival::OurHeadOfLine => None,
            Rival::TrueRates => Some(sum(agents * mu)),
            Rival::Shares => Some(sum(effective * mu)),
            Rival::PlainLength => Some((ahead + 1.0) / (agents * mu)),
            Rival::HeadOfLine => head.map(|head| self.seconds() - head.entered),
            Rival::LastToEnter => line.last_to_enter,
            Rival::RecentMean => Some(line.recent_mean),
        })
    }

    fn longest_idle(&self, queue: usize) -> usize {
        let serving = (0..self.crews.len()).filter(|&group| self.crews[group].serves.contains(&queue));
        let idle = serving.filter_map(|group| self.crews[group].idle.front().map(|&since| (since, group)));
        idle.min().expect("somebody is idle").1
    }

    /// The conversation begins; there is no ringing here.
    fn begin(&mut self, queue: usize, group: usize, waiting: &Waiting) {
        let (now, instant) = (self.seconds(), self.instant());
        let waited = now - waiting.entered;
        let line = &mut self.lines[queue];
        line.estimator.answered(instant, waiting.promise.as_ref(), seconds(waited));
        line.recent_mean = (3.0 * line.recent_mean + waited) / 4.0;
        let crew = &mut self.crews[group];
        crew.busy += 1;
        crew.answers.iter_mut().for_each(|answers| *answers *= 0.998);
        crew.answers[queue] += 1.0;
        let handle = match line.model.law {
            Law::Exponential => self.random.exponential(line.model.handle),
            Law::Erlang2 => {
                let half = line.model.handle / 2.0;
                self.random.exponential(half) + self.random.exponential(half)
            }
        };
        self.plan(now + handle, Happening::Done { queue, group });
    }

    fn note(&mut self, queue: usize, waiting: &Waiting) {
        let waited = self.seconds() - waiting.entered;
        if waiting.entered < self.compare.0 {
            return;
        }
        let outcome = &mut self.lines[queue].outcome;
        for (tally, estimate) in outcome.tallies.iter_mut().zip(waiting.estimates) {
            if let Some(estimate) = estimate {
                tally.add(estimate, waited);
            }
        }
        outcome.covered += u32::from(waiting.at_most.is_some_and(|at_most| waited <= at_most));
    }

    fn give_up(&mut self, queue: usize, id: usize) {
        let instant = self.instant();
        let line = &mut self.lines[queue];
        let Ok(place) = line.waiting.binary_search_by_key(&id, |waiting| waiting.id) else { return };
        line.waiting[place].is_gone = true;
        line.there -= 1;
        line.estimator.gave_up(instant);
    }

    fn done(&mut self, queue: usize, group: usize) {
        let instant = self.instant();
        self.lines[queue].estimator.released(instant, true);
        self.crews[group].busy -= 1;
        self.free(group);
    }

    /// An agent has nothing in hand: the first in line over all queues, or idle, or home.
    fn free(&mut self, group: usize) {
        let crew = &self.crews[group];
        if crew.busy + crew.idle.len() as u32 >= crew.agents {
            return;
        }
        let serves = crew.serves.clone();
        let mut first: Option<(f64, usize)> = None;
        for &queue in &serves {
            // Whoever has given up would have had this agent.
            while let Some(gone) = self.lines[queue].waiting.front().copied().filter(|front| front.is_gone) {
                self.lines[queue].waiting.pop_front();
                self.note(queue, &gone);
            }
            if let Some(front) = self.lines[queue].waiting.front() {
                let key = (front.entered, queue);
                first = Some(first.map_or(key, |first| if key < first { key } else { first }));
            }
        }
        let Some((_, queue)) = first else { return self.crews[group].idle.push_back(self.now) };
        let waiting = self.lines[queue].waiting.pop_front().expect("it was looked at");
        let waited = self.seconds() - waiting.entered;
        let instant = self.instant();
        let line = &mut self.lines[queue];
        line.there -= 1;
        line.last_to_enter = Some(waited);
        line.estimator.taken(instant);
        self.note(queue, &waiting);
        self.begin(queue, group, &waiting);
    }

    fn shift(&mut self, group: usize, agents: u32) {
        let crew = &mut self.crews[group];
        let before = crew.agents;
        crew.agents = agents;
        while crew.busy + crew.idle.len() as u32 > agents && crew.idle.pop_front().is_some() {}
        self.tell_staff();
        for _ in before..agents {
            self.free(group);
        }
    }

    fn tell_staff(&mut self) {
        let instant = self.instant();
        for (queue, line) in self.lines.iter_mut().enumerate() {
            let mut staff = Staff::default();
            for crew in self.crews.iter().filter(|crew| crew.serves.contains(&queue)) {
                staff.working += crew.agents;
                staff.shared += if crew.serves.len() > 1 { crew.agents } else { 0 };
            }
            staff.logged_in = staff.working;
            line.estimator.staffed(instant, staff);
        }
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_micros((seconds * 1e6).round() as u64)
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ bits >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }
}
