//! Ten times as many calls as a bound allows: what is refused hears so, what was taken is served, and agents serve as
//! many as before.

use std::time::Duration;

use acd::{BackOff, Exit, MaxWait, QueueId, QueueSettings};
use engine::{ATTEMPTS_MAX, Notice, Treatment, VISITS_MAX};
use sim::network::Conditions;
use sim::phone::{Answer, CallPlan, Manner, Plan};
use sim::world::{Appointment, Moment, Verdict};
use sim::{Chance, Scenario, Span, World};
use timing::Instant;

use crate::finish;
use crate::people::line;

/// Ten agents who need eleven seconds for a call have this many in that time; nobody has ever served more.
const AGENTS: usize = 10;
const SECONDS: u64 = 300;
/// New calls in ten seconds that keep all agents busy.
const ENOUGH: u64 = 10;
/// How many times as many come.
const LOADS: [u64; 3] = [1, 3, 10];

/// A bound of the centre, set where it is reached.
type Bound = fn(&mut Scenario);

fn world(load: u64, conditions: Conditions, bound: Bound) -> (World, u64) {
    let seed = 7_000 + load;
    let talks = Plan::Always(Manner::answers_after(Span::between_millis(1_000, 3_000)));
    let mut scenario = Scenario::quiet().with_agents(AGENTS, &talks);
    let rules = QueueSettings { after_call_work: Duration::from_secs(1), ..QueueSettings::default() };
    scenario.lines = vec![line(Scenario::NUMBER, 1, Treatment::Ringback, rules)];
    scenario.conditions = conditions;
    scenario.keeps_diary = false;
    scenario.check_every = 20;
    bound(&mut scenario);
    let mut chance = Chance::new(seed);
    let mut world = World::new(scenario, seed);
    let calls = ENOUGH * load * SECONDS / 10;
    for _ in 0..calls {
        let at = Instant::from_secs(3) + chance.length(Span::between_millis(0, SECONDS * 1_000));
        // They wait for an agent as long as it takes.
        let plan = CallPlan::talking(Span::between_millis(7_000, 9_000));
        world.appoint(at, Appointment::Call(Scenario::NUMBER.to_owned(), plan));
    }
    (world, calls)
}

/// Plays all loads; what was taken must have been served, and the rest refused.
fn goodput(conditions: Conditions, bound: Bound) -> Vec<u64> {
    let served = |load| {
        let (world, calls) = world(load, conditions, bound);
        let Verdict { truth, .. } = finish(world);
        assert_eq!(truth.offered + truth.refused, calls, "load {load}");
        assert_eq!(truth.answered, truth.offered, "load {load}: whoever is let in is served: {truth:?}");
        assert!(load < 10 || truth.refused > calls / 2, "load {load}: the bound was not reached: {truth:?}");
        truth.answered
    };
    LOADS.map(served).to_vec()
}

fn assert_no_collapse(name: &str, served: &[u64]) {
    println!("{name}: served {served:?} at {LOADS:?} times the load");
    let peak = served.iter().max().expect("there are loads");
    let worst = served.last().expect("there are loads");
    assert!(worst * 10 >= peak * 9, "{name}: {served:?} at {LOADS:?} times the load");
}

/// As many calls as a bound lets in, at once or in a second.
const BOUNDS: [(&str, Bound); 5] = [
    ("calls_max", |scenario| scenario.settings.calls.calls_max = 40),
    ("sessions", |scenario| scenario.settings.sip.limits.sessions = 60),
    ("transactions", |scenario| scenario.settings.sip.limits.transactions = 120),
    ("media ports", |scenario| scenario.settings.calls.ports.last = scenario.settings.calls.ports.first + 79),
    ("waiting_max", |scenario| scenario.routing.waiting_max = 20),
];

#[test]
fn ten_times_the_load_is_refused_and_nobody_in_progress_suffers() {
    for (name, bound) in BOUNDS {
        assert_no_collapse(name, &goodput(Conditions::CLEAN, bound));
    }
}

#[test]
fn ten_times_the_load_over_a_bad_network_is_refused_and_nobody_in_progress_suffers() {
    for (name, bound) in BOUNDS {
        assert_no_collapse(name, &goodput(Conditions::BAD, bound));
    }
}

/// Two queues send a caller to each other for ever, and their only agent refuses at once, always.
#[test]
fn a_record_keeps_the_first_attempts_and_visits_and_counts_all() {
    let refuses = Plan::Always(Manner::only(Answer::Busy));
    let mut scenario = Scenario::quiet().with_agents(1, &refuses);
    scenario.routing.flow_outs_max = 100;
    let to = |queue| {
        let pause = Duration::from_millis(200);
        let mut rules = QueueSettings {
            max_wait: Some(MaxWait { after: Duration::from_secs(1), exit: Exit::Queue(QueueId(queue)) }),
            ..QueueSettings::default()
        };
        rules.back_offs.busy = BackOff { pause, exclusion: pause };
        rules
    };
    scenario.lines = vec![
        line(Scenario::NUMBER, 1, Treatment::Ringback, to(2)),
        line("200", 2, Treatment::Ringback, to(1)),
    ];
    let mut world = World::new(scenario, 9);
    world.run_for(Duration::from_secs(2));
    world.call(Scenario::NUMBER, CallPlan::patient().giving_up_after(Span::secs(40)));
    world.run_for(Duration::from_secs(100));
    let record = world.diary().iter().find_map(|(_, moment)| match moment {
        Moment::Noticed(Notice::CallEnded(record)) => Some(record.story.clone()),
        _other => None,
    });
    let story = record.expect("the caller has given up");
    assert_eq!((story.attempts.len(), story.visits.len()), (ATTEMPTS_MAX, VISITS_MAX));
    assert!(story.attempts_total as usize > ATTEMPTS_MAX && story.visits_total as usize > VISITS_MAX);
    finish(world);
}
