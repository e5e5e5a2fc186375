//! What the estimator says, event by event.

use std::collections::VecDeque;
use std::time::Duration;

use acd::estimate::{
    ESTIMATE_MAX, Estimate, EstimateRules, Estimator, Line, Method, NoEstimate, Promise, Staff,
};
use timing::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// A queue with its own clock.
struct Desk {
    now: Instant,
    estimator: Estimator,
}

fn own(agents: u32) -> Staff {
    Staff { logged_in: agents, working: agents, shared: 0 }
}

fn behind(ahead: u32) -> Line {
    Line { ahead, ..Line::default() }
}

impl Desk {
    fn new(staff: Staff) -> Desk {
        let mut estimator = Estimator::new(Instant::ORIGIN, EstimateRules::default());
        estimator.staffed(Instant::ORIGIN, staff);
        Desk { now: Instant::ORIGIN, estimator }
    }

    fn ask(&self, line: &Line) -> Result<Estimate, NoEstimate> {
        self.estimator.estimate(self.now, line)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// One after the other is answered at once and holds an agent for so long.
    fn handle(&mut self, count: u32, length: Duration) {
        for _ in 0..count {
            self.estimator.entered(self.now);
            self.estimator.taken(self.now);
            self.estimator.answered(self.now, None, Duration::ZERO);
            self.pass(length);
            self.estimator.released(self.now, true);
        }
    }

    /// Somebody has to wait.
    fn enter(&mut self, line: &Line) -> Promise {
        self.estimator.entered(self.now);
        self.estimator.promise(self.now, Some(line))
    }

    /// Somebody who had to wait so long is taken and answered.
    fn answer(&mut self, promise: &Promise, waited: Duration) {
        self.estimator.taken(self.now);
        self.estimator.answered(self.now, Some(promise), waited);
    }
}

fn seconds(estimate: Result<Estimate, NoEstimate>) -> f64 {
    estimate.expect("there is a number").wait.as_secs_f64()
}

#[test]
fn nobody_logged_in_is_no_number() {
    let desk = Desk::new(Staff::default());
    assert_eq!(desk.ask(&behind(0)), Err(NoEstimate::NobodyLoggedIn));
}

#[test]
fn everybody_on_a_break_is_no_number() {
    let mut desk = Desk::new(own(4));
    desk.handle(50, MINUTE);
    desk.estimator.staffed(desk.now, Staff { logged_in: 4, working: 0, shared: 0 });
    assert_eq!(desk.ask(&behind(3)), Err(NoEstimate::NobodyReady));
}

#[test]
fn poor_sample_is_no_number_and_says_how_poor() {
    let mut desk = Desk::new(own(4));
    desk.handle(10, MINUTE);
    let told = desk.ask(&behind(3));
    let Err(NoEstimate::PoorSample { have, need: 20 }) = told else { panic!("{told:?}") };
    assert!((8..=10).contains(&have), "ten, a little faded: {have}");
    desk.handle(20, MINUTE);
    assert!(desk.ask(&behind(3)).is_ok());
    desk.pass(Duration::from_secs(8 * 3_600));
    assert!(desk.ask(&behind(3)).is_err(), "what was learnt in the morning is nothing in the evening");
}

#[test]
fn idle_agent_is_the_time_of_ringing() {
    let mut desk = Desk::new(own(2));
    let rang = Duration::from_secs(6);
    for _ in 0..30 {
        desk.estimator.entered(desk.now);
        desk.estimator.taken(desk.now);
        desk.pass(rang);
        desk.estimator.rang(desk.now, rang);
        desk.estimator.answered(desk.now, None, rang);
        desk.pass(MINUTE);
        desk.estimator.released(desk.now, true);
    }
    let told = desk.ask(&Line { available: 1, ..Line::default() }).expect("an agent is idle");
    assert_eq!(told.method, Method::Immediate);
    assert_eq!(told.wait.as_millis().div_ceil(100), 60);
    assert!(told.at_most > told.wait);
    let queued = seconds(desk.ask(&behind(0)));
    // 66 s of an agent, two agents, 6 s of ringing.
    assert!((queued - (33.0 + 6.0)).abs() < 0.4, "{queued}");
}

#[test]
fn own_agents_take_one_after_the_other() {
    let mut desk = Desk::new(own(4));
    desk.handle(60, MINUTE);
    for ahead in [0, 1, 9, 99] {
        let told = desk.ask(&behind(ahead)).expect("the sample is good");
        assert_eq!(told.method, Method::QueueLength);
        let expected = 15.0 * f64::from(ahead + 1);
        assert!((told.wait.as_secs_f64() / expected - 1.0).abs() < 0.01, "{ahead}: {:?}", told.wait);
        assert!(told.at_most > told.wait && told.sample > 20);
    }
}

#[test]
fn change_of_staff_counts_at_once() {
    let mut desk = Desk::new(own(10));
    desk.handle(60, MINUTE);
    let before = seconds(desk.ask(&behind(9)));
    desk.estimator.staffed(desk.now, own(5));
    let after = seconds(desk.ask(&behind(9)));
    assert!((after / before - 2.0).abs() < 1e-3, "{before} {after}");
}

#[test]
fn conversations_that_have_not_ended_count_as_well() {
    let mut desk = Desk::new(own(30));
    desk.handle(30, MINUTE);
    let before = seconds(desk.ask(&behind(29)));
    for _ in 0..30 {
        desk.estimator.entered(desk.now);
        desk.estimator.taken(desk.now);
    }
    desk.pass(MINUTE * 20);
    let after = seconds(desk.ask(&behind(29)));
    assert!(after > before * 5.0, "thirty agents for twenty minutes and nobody is done: {before} {after}");
}

#[test]
fn customers_who_give_up_shorten_the_line() {
    let mut desk = Desk::new(own(4));
    desk.handle(60, MINUTE);
    let patient = seconds(desk.ask(&behind(40)));
    for _ in 0..40 {
        desk.enter(&behind(0));
        desk.pass(MINUTE);
        desk.estimator.gave_up(desk.now);
    }
    let impatient = seconds(desk.ask(&behind(40)));
    assert!(impatient < patient * 0.7, "each gives up after a minute: {patient} {impatient}");
}

/// Ten shared agents; this queue has a line all the time and one is taken each half minute.
fn shared_desk() -> Desk {
    let mut desk = Desk::new(Staff { logged_in: 10, working: 10, shared: 10 });
    let mut line: VecDeque<Promise> = (0..3).map(|ahead| desk.enter(&behind(ahead))).collect();
    for _ in 0..60 {
        desk.pass(Duration::from_secs(30));
        let first = line.pop_front().expect("there are three");
        desk.answer(&first, Duration::from_secs(90));
        line.push_back(desk.enter(&behind(2)));
    }
    desk
}

#[test]
fn shared_agents_count_by_what_the_queue_gets_of_them() {
    let desk = shared_desk();
    let told = desk.ask(&behind(3)).expect("the sample is good");
    assert_eq!(told.method, Method::QueueLength, "nobody is first in line in this question");
    assert!((told.wait.as_secs_f64() / 120.0 - 1.0).abs() < 0.05, "{:?}", told.wait);
}

#[test]
fn shared_pool_looks_at_the_head_of_line_too() {
    let mut desk = shared_desk();
    let promise = desk.enter(&behind(3));
    desk.pass(MINUTE * 10);
    let told = desk.ask(&Line { ahead: 3, available: 0, head: Some(promise) }).expect("the sample is good");
    assert_eq!(told.method, Method::Combined);
    assert!(told.wait > MINUTE * 4, "ten minutes without anybody taken are not forgotten: {:?}", told.wait);
}

#[test]
fn first_in_line_alone_is_a_poor_sample() {
    let mut desk = Desk::new(Staff { logged_in: 10, working: 10, shared: 10 });
    let promise = desk.enter(&behind(0));
    desk.pass(MINUTE * 2);
    let line = Line { ahead: 1, available: 0, head: Some(promise) };
    assert_eq!(desk.ask(&line), Err(NoEstimate::PoorSample { have: 0, need: 20 }));
}

#[test]
fn head_of_line_is_corrected_by_the_agents_of_now() {
    let mut desk = shared_desk();
    let promise = desk.enter(&behind(3));
    desk.pass(MINUTE * 2);
    let line = Line { ahead: 4, available: 0, head: Some(promise) };
    let of_head = |promise: Promise| promise.by(Method::HeadOfLine).expect("there is a first in line");
    let before = of_head(desk.enter(&line));
    desk.estimator.staffed(desk.now, Staff { logged_in: 20, working: 20, shared: 20 });
    let after = of_head(desk.enter(&Line { ahead: 5, ..line }));
    assert!(before > MINUTE * 2 && before < MINUTE * 3, "two minutes and one interval: {before:?}");
    assert!((after.as_secs_f64() * 2.0 - before.as_secs_f64()).abs() < 0.1, "twice the agents: {after:?}");
}

#[test]
fn failed_reservation_takes_nothing_from_the_line() {
    let mut desk = shared_desk();
    let before = seconds(desk.ask(&behind(3)));
    for _ in 0..50 {
        desk.estimator.taken(desk.now);
        desk.estimator.released(desk.now, false);
        desk.estimator.entered(desk.now);
    }
    assert_eq!(seconds(desk.ask(&behind(3))), before);
}

#[test]
fn after_call_work_holds_the_agent() {
    let mut desk = Desk::new(own(1));
    for _ in 0..40 {
        desk.estimator.entered(desk.now);
        desk.estimator.taken(desk.now);
        desk.estimator.answered(desk.now, None, Duration::ZERO);
        desk.pass(MINUTE);
        desk.estimator.released(desk.now, true);
        desk.estimator.goes_on(desk.now);
        desk.pass(MINUTE);
        desk.estimator.released(desk.now, true);
    }
    let told = seconds(desk.ask(&behind(0)));
    assert!((told - 120.0).abs() < 2.0, "a conversation and the work after it: {told}");
}

#[test]
fn error_is_what_was_told_minus_what_was_waited() {
    let mut desk = Desk::new(own(4));
    desk.handle(60, MINUTE);
    assert_eq!(desk.estimator.accuracy(), Default::default());
    let promise = desk.enter(&behind(0));
    let told = promise.by(Method::QueueLength).expect("the sample is good");
    desk.pass(MINUTE);
    desk.answer(&promise, MINUTE);
    let accuracy = desk.estimator.accuracy();
    assert_eq!(accuracy.sample, 1);
    assert_eq!(accuracy.mean_wait, MINUTE);
    assert_eq!(accuracy.mean_absolute, MINUTE - told);
    assert_eq!(accuracy.root_mean_square, MINUTE - told);
    assert_eq!(accuracy.bias_micros, -i64::try_from((MINUTE - told).as_micros()).expect("short"));
    let share = (MINUTE - told).as_micros() * 1_000_000 / MINUTE.as_micros();
    assert_eq!(u128::from(accuracy.relative_millionths), share);
    assert_eq!(accuracy.covered_millionths, 0, "15 s, at most about 35 s, was told");
}

#[test]
fn estimates_that_are_no_good_are_told_no_longer() {
    let mut desk = Desk::new(own(4));
    desk.handle(60, MINUTE);
    for _ in 0..30 {
        let promise = desk.enter(&behind(99));
        desk.pass(Duration::from_secs(1));
        desk.answer(&promise, Duration::from_secs(1));
        desk.estimator.released(desk.now, true);
    }
    assert_eq!(desk.ask(&behind(99)), Err(NoEstimate::TooUncertain));
}

#[test]
fn line_without_end_is_no_number() {
    let mut desk = Desk::new(own(1));
    desk.handle(60, MINUTE);
    assert!(seconds(desk.ask(&behind(1_300))) < ESTIMATE_MAX.as_secs_f64());
    assert_eq!(desk.ask(&behind(u32::MAX)), Err(NoEstimate::TooLong));
}

#[test]
fn upper_bound_widens_until_nine_of_ten_are_below() {
    let mut desk = Desk::new(own(4));
    desk.handle(60, MINUTE);
    let before = desk.ask(&behind(3)).expect("the sample is good").at_most;
    // Waits of twice what is told.
    for _ in 0..40 {
        let promise = desk.enter(&behind(3));
        let waited = promise.by(Method::QueueLength).expect("a number") * 2;
        desk.answer(&promise, waited);
        desk.estimator.released(desk.now, false);
    }
    let after = desk.ask(&behind(3)).expect("no worse than allowed").at_most;
    assert!(after > before, "{before:?} {after:?}");
}

#[test]
fn state_is_data_and_carries_on() {
    let mut desk = shared_desk();
    let text = serde_json::to_string(&desk.estimator).expect("plain data");
    let mut read: Estimator = serde_json::from_str(&text).expect("the same data");
    assert_eq!(read, desk.estimator);
    for estimator in [&mut desk.estimator, &mut read] {
        estimator.taken(desk.now + MINUTE);
        estimator.gave_up(desk.now + MINUTE * 2);
    }
    assert_eq!(read, desk.estimator);
    assert_eq!(size_of::<Promise>(), 20, "it stands in every interaction");
    assert!(size_of::<Estimator>() <= 320, "one a queue: {}", size_of::<Estimator>());
}

#[test]
fn by_another_half_life_the_time_before_the_change_weighs_as_it_did() {
    let mut desk = Desk::new(own(1));
    desk.handle(100, Duration::ZERO);
    // Less than the step in which sums fade by the usual half-life of an hour, and a twentieth of a minute.
    desk.pass(Duration::from_secs(3));
    let rules = EstimateRules { half_life: MINUTE, samples_min: 1_000, ..EstimateRules::default() };
    desk.estimator.configure(desk.now, rules);
    let have = |desk: &Desk| match desk.ask(&behind(1)) {
        Err(NoEstimate::PoorSample { have, need: 1_000 }) => have,
        other => panic!("{other:?}"),
    };
    assert_eq!(have(&desk), 99, "a little less than a hundred, by the hour");
    desk.pass(MINUTE);
    assert_eq!(have(&desk), 49, "half of them, by the minute");
    desk.estimator.configure(desk.now, EstimateRules { half_life: MINUTE * 60, ..rules });
    desk.pass(MINUTE);
    assert_eq!(have(&desk), 49, "they stay for an hour from here, nearly");
}

#[test]
fn extremes_neither_panic_nor_wrap() {
    let rules = EstimateRules { half_life: Duration::ZERO, samples_min: 0, error_max_percent: u32::MAX };
    let mut estimator = Estimator::new(Instant::ORIGIN, rules);
    let end = Instant::from_micros(u64::MAX);
    let crowd = Staff { logged_in: u32::MAX, working: u32::MAX, shared: 1 };
    estimator.staffed(Instant::ORIGIN, crowd);
    estimator.entered(Instant::ORIGIN);
    let promise = estimator.promise(Instant::ORIGIN, Some(&behind(u32::MAX)));
    for now in [Instant::from_secs(1), end, end, Instant::ORIGIN] {
        estimator.left(now);
        estimator.left(now);
        estimator.entered(now);
        estimator.taken(now);
        estimator.rang(now, Duration::MAX);
        estimator.answered(now, Some(&promise), Duration::MAX);
        estimator.gave_up(now);
        estimator.released(now, true);
        estimator.released(now, true);
        estimator.goes_on(now);
        for ahead in [0, 1, u32::MAX] {
            // Whatever it says, it says something.
            let _ = estimator.estimate(now, &Line { ahead, available: 0, head: Some(promise) });
        }
        assert!(estimator.accuracy().covered_millionths <= 1_000_000);
    }
}
