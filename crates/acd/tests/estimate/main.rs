//! The estimated wait against queues of which theory, or a long simulation, knows the error.
//!
//! `cargo test -p cordboard-acd --test estimate -- --nocapture --test-threads 1` prints the rows of the tables in
//! `docs/estimated-wait.md`.

mod pool;
mod stories;

use acd::estimate::{EstimateRules, NoEstimate};
use pool::{Group, Law, Outcome, Pool, QueueModel, RIVALS, Rival, Scenario};

/// Mean time that an interaction holds an agent.
const HANDLE: f64 = 180.0;
/// Arrivals before this teach only.
const WARM_UP: f64 = 36_000.0;
const HALF_DAY: f64 = 14_400.0;

fn queue(erlangs: f64, patience: Option<f64>) -> QueueModel {
    QueueModel { arrivals: vec![(0.0, erlangs / HANDLE)], patience, handle: HANDLE, law: Law::Exponential }
}

fn group(serves: &[usize], agents: u32) -> Group {
    Group { serves: serves.to_vec(), agents: vec![(0.0, agents)] }
}

/// Two values that take turns, two hours each.
fn turns<T: Copy>(hours: f64, first: T, second: T) -> Vec<(f64, T)> {
    let turns = (hours * 3_600.0 / HALF_DAY) as u32 + 4;
    let turn = |turn: u32| f64::from(turn) * HALF_DAY;
    (0..turns).flat_map(|at| [(turn(at), first), (turn(at) + HALF_DAY / 2.0, second)]).collect()
}

fn measure(title: &str, seed: u64, hours: f64, queues: Vec<QueueModel>, groups: Vec<Group>) -> Vec<Outcome> {
    let compare = (WARM_UP, WARM_UP + hours * 3_600.0);
    let outcomes = Pool::run(&Scenario { queues, groups, compare, seed, rules: EstimateRules::default() });
    for (number, outcome) in outcomes.iter().enumerate() {
        let percent = |value: f64| (value * 1_000.0).round() / 10.0;
        let columns: Vec<String> = RIVALS
            .iter()
            .map(|&rival| {
                let tally = outcome.of(rival);
                format!("{} ({:+})", percent(tally.relative()), percent(tally.bias()))
            })
            .collect();
        let wait = outcome.of(Rival::TrueRates).mean_wait();
        println!("| {title}, queue {number} | {wait:.1} s | {} |", columns.join(" | "));
    }
    outcomes
}

/// Within so many percent points.
fn assert_near(found: f64, expected: f64, points: f64) {
    assert!(
        (found - expected).abs() * 100.0 <= points,
        "{found:.4} is not {expected:.4} within {points} points"
    );
}

#[test]
fn one_skill_near_saturation_has_the_error_of_theory() {
    let outcome =
        &measure("M/M/100, load 98", 1, 1_500.0, vec![queue(98.0, None)], vec![group(&[0], 100)])[0];
    // Given n ahead the wait is Erlang distributed, so the relative error is the root of 1 - rho; the head of line has
    // about twice the square.
    assert_near(outcome.of(Rival::TrueRates).relative(), 0.02_f64.sqrt(), 1.0);
    assert_near(outcome.of(Rival::Ours).relative(), outcome.of(Rival::TrueRates).relative(), 0.6);
    assert_near(outcome.of(Rival::HeadOfLine).relative(), 0.186, 1.2);
    assert_near(outcome.of(Rival::Ours).bias(), 0.0, 1.5);
    assert_near(outcome.coverage(), 0.9, 1.0);
}

#[test]
fn overload_with_impatience_has_the_error_of_theory() {
    let queues = vec![queue(140.0, Some(HANDLE))];
    let outcome =
        &measure("M/M/100+M, load 140, patience = handle time", 2, 300.0, queues, vec![group(&[0], 100)])[0];
    assert_near(outcome.of(Rival::Ours).relative(), 0.159, 0.6);
    assert_near(outcome.of(Rival::HeadOfLine).relative(), 0.224, 0.8);
    assert_near(outcome.of(Rival::LastToEnter).relative(), 0.227, 0.8);
    assert_near(outcome.of(Rival::PlainLength).relative(), 0.281, 1.5);
    assert_near(outcome.of(Rival::Ours).bias(), 0.0, 0.5);
    assert_near(outcome.coverage(), 0.9, 1.0);
}

#[test]
fn small_team_is_no_worse_than_exact_rates_by_two_points() {
    let outcome = &measure("M/M/10, load 9", 3, 3_000.0, vec![queue(9.0, None)], vec![group(&[0], 10)])[0];
    assert_near(outcome.of(Rival::Ours).relative(), outcome.of(Rival::TrueRates).relative(), 2.0);
    assert_near(outcome.coverage(), 0.9, 1.0);
}

#[test]
fn handle_times_that_are_not_exponential_do_no_harm() {
    let mut model = queue(49.0, Some(300.0));
    model.law = Law::Erlang2;
    let outcome = &measure("M/E2/50+M, load 49", 10, 1_000.0, vec![model], vec![group(&[0], 50)])[0];
    let head = outcome.of(Rival::OurHeadOfLine).relative();
    assert!(outcome.of(Rival::Ours).relative() < head * 0.9);
    assert_near(outcome.of(Rival::Ours).bias(), 0.0, 6.0);
    assert_near(outcome.coverage(), 0.9, 1.0);
}

#[test]
fn steps_of_arrivals_are_followed() {
    let mut model = queue(45.0, Some(300.0));
    model.arrivals = turns(1_000.0, 45.0 / HANDLE, 65.0 / HANDLE);
    let outcome =
        &measure("arrivals 45 and 65 in turns, 50 agents", 6, 1_000.0, vec![model], vec![group(&[0], 50)])[0];
    let exact = outcome.of(Rival::TrueRates).relative();
    assert_near(outcome.of(Rival::Ours).relative(), exact, 0.6);
    assert!(outcome.of(Rival::HeadOfLine).relative() > exact + 0.05);
    assert_near(outcome.of(Rival::Ours).bias(), 0.0, 1.5);
}

#[test]
fn steps_of_staff_are_followed() {
    let crew = Group { serves: vec![0], agents: turns(1_000.0, 60, 40) };
    let queues = vec![queue(50.0, Some(300.0))];
    let outcome = &measure("60 and 40 agents in turns, load 50", 7, 1_000.0, queues, vec![crew])[0];
    let exact = outcome.of(Rival::TrueRates).relative();
    assert_near(outcome.of(Rival::Ours).relative(), exact, 0.6);
    assert!(outcome.of(Rival::OurHeadOfLine).relative() < outcome.of(Rival::HeadOfLine).relative());
    assert_near(outcome.of(Rival::Ours).bias(), 0.0, 1.5);
}

/// 20 specialists for each of two queues and 12 who serve both.
fn specialists_and_generalists(title: &str, first: f64, second: f64) -> Vec<Outcome> {
    let queues = vec![queue(first, Some(300.0)), queue(second, Some(300.0))];
    measure(title, 4, 1_500.0, queues, vec![group(&[0], 20), group(&[1], 20), group(&[0, 1], 12)])
}

#[test]
fn shared_pools_beat_the_head_of_line_and_have_little_bias() {
    let even = specialists_and_generalists("20 + 20 + 12 shared, load 24.6 + 24.6", 24.6, 24.6);
    let uneven = specialists_and_generalists("20 + 20 + 12 shared, load 34 + 20", 34.0, 20.0);
    for outcome in even.iter().chain(&uneven) {
        let ours = outcome.of(Rival::Ours);
        assert!(ours.relative() < outcome.of(Rival::OurHeadOfLine).relative());
        assert_near(ours.bias(), 0.0, 5.0);
        assert_near(outcome.coverage(), 0.9, 1.5);
    }
    let naive = uneven[1].of(Rival::TrueRates);
    assert!(naive.bias() < -0.2, "every agent counted fully promises too much: {}", naive.bias());
    assert!(uneven[1].of(Rival::Ours).relative() < naive.relative() * 0.95);
}

#[test]
fn small_queue_of_a_shared_pool_is_told_its_share() {
    let queues = vec![queue(43.0, Some(300.0)), queue(7.0, Some(300.0))];
    let outcomes = measure("50 shared, load 43 + 7", 5, 1_000.0, queues, vec![group(&[0, 1], 50)]);
    let (ours, naive) = (outcomes[1].of(Rival::Ours), outcomes[1].of(Rival::TrueRates));
    assert!(naive.bias() < -0.6, "seven of fifty agents' worth, counted as fifty");
    assert!(ours.relative() < naive.relative() * 0.7);
    let single = outcomes[1].of(Rival::OurQueueLength).relative();
    assert!(ours.relative() < single * 0.95, "the head of line knows of the other queue: {single}");
    assert_near(ours.bias(), 0.0, 9.0);
}

#[test]
fn shared_pools_of_unlike_handle_times_are_measured_and_not_assumed() {
    let mut long = queue(20.0, Some(300.0));
    long.handle = 600.0;
    long.arrivals = vec![(0.0, 20.0 / long.handle)];
    let queues = vec![queue(28.0, Some(300.0)), long];
    let outcomes = measure("50 shared, handle 180 s and 600 s", 5, 1_000.0, queues, vec![group(&[0, 1], 50)]);
    for outcome in &outcomes {
        let ours = outcome.of(Rival::Ours).relative();
        assert!(
            ours < outcome.of(Rival::TrueRates).relative() && ours < outcome.of(Rival::Shares).relative()
        );
        assert_near(outcome.coverage(), 0.9, 1.0);
    }
}

#[test]
fn steps_in_a_shared_pool_are_followed() {
    let mut rising = queue(25.0, Some(300.0));
    rising.arrivals = turns(1_000.0, 22.0 / HANDLE, 36.0 / HANDLE);
    let crews = || vec![group(&[0], 20), group(&[1], 20), group(&[0, 1], 12)];
    let queues = vec![rising, queue(22.0, Some(300.0))];
    let arrivals =
        measure("20 + 20 + 12 shared, arrivals 22 and 36 in turns + 22", 8, 1_000.0, queues, crews());
    let mut changing = crews();
    changing[2].agents = turns(1_000.0, 20, 4);
    let queues = vec![queue(25.0, Some(300.0)), queue(25.0, Some(300.0))];
    let staff = measure("20 + 20 + 20 and 4 shared in turns, load 25 + 25", 9, 1_000.0, queues, changing);
    for outcome in arrivals.iter().chain(&staff) {
        assert!(outcome.of(Rival::Ours).relative() < outcome.of(Rival::HeadOfLine).relative() * 0.85);
        assert_near(outcome.of(Rival::Ours).bias(), 0.0, 5.0);
        assert_near(outcome.coverage(), 0.9, 1.5);
    }
}

#[test]
fn rare_callers_of_a_quiet_queue_get_no_number() {
    let outcomes = specialists_and_generalists("20 + 20 + 12 shared, load 40 + 10", 40.0, 10.0);
    let quiet = &outcomes[1];
    assert!(quiet.refused.len() > 500, "{}", quiet.refused.len());
    let is_poor = |reason: &NoEstimate| matches!(reason, NoEstimate::PoorSample { .. });
    assert!(quiet.refused.iter().all(is_poor), "{:?}", quiet.refused.first());
    assert!(outcomes[0].refused.is_empty(), "the busy queue beside it has numbers all the time");
}

#[test]
fn own_account_of_the_error_is_the_error_of_those_answered() {
    let queues = vec![queue(56.0, Some(600.0))];
    let outcome = &measure("M/M/50+M, load 56", 11, 300.0, queues, vec![group(&[0], 50)])[0];
    let accuracy = outcome.accuracy;
    assert!(accuracy.sample > 500);
    let own = f64::from(accuracy.relative_millionths) / 1e6;
    // Of the last hour or two and of those answered only, against all and the whole time.
    assert_near(own, outcome.of(Rival::Ours).relative(), 6.0);
    assert_near(f64::from(accuracy.covered_millionths) / 1e6, 0.9, 4.0);
    assert!(accuracy.mean_absolute <= accuracy.root_mean_square);
}
