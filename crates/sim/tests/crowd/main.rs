//! Many calls at once, over good networks and bad ones.
//!
//! `CORDBOARD_SIM_SEED` makes a run happen again, `CORDBOARD_SIM_CALLS` and `CORDBOARD_SIM_STORIES` make it longer or shorter;
//! `CORDBOARD_SIM_STORY` is the seed of one story with faults, `CORDBOARD_SIM_PLAYS` how often a failing one may be
//! played until it is as small as it gets.

mod faults;
mod overload;
mod people;

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use acd::QueueId;
use engine::Treatment;
use sim::network::Conditions;
use sim::phone::{CallPlan, Hold, Manner, Plan};
use sim::world::{Appointment, MUSIC, Verdict};
use sim::{Chance, PhoneId, Scenario, Span, World};
use timing::Instant;

use people::contact_centre;

/// Calls of the long run from a fresh seed, where the environment says nothing else.
const CALLS: u32 = 20_000;
/// The first seed of the runs that are always the same.
const FIXED_SEED: u64 = 20_001;
/// What the runs that are always the same have together at least: worlds of so many calls, and stories with faults.
const ALL_CALLS: u64 = 200_000;
const WORLDS: u64 = 14;
const WORLD_CALLS: u32 = 10_000;
const STORIES: u64 = 850;
/// Steps of the distributor between two checks of it in these worlds: each looks at everybody.
const CHECK_EVERY: u32 = 200;
/// New calls in a virtual second, and agents for them.
const CALLS_PER_SECOND: u32 = 20;
const AGENTS: usize = 160;

pub(crate) fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

pub(crate) fn fresh_seed() -> u64 {
    from_environment("CORDBOARD_SIM_SEED").unwrap_or_else(|| RandomState::new().hash_one(0))
}

pub(crate) fn finish(world: World) -> Verdict {
    match world.finish() {
        Ok(verdict) => verdict,
        Err(failure) => panic!("{failure}"),
    }
}

/// A world in which so many calls will come, some to a number that nobody has, and in which some
/// phones lose their plug for a while.
fn busy_world(scenario: Scenario, calls: u32, seed: u64) -> World {
    let mut chance = Chance::new(seed ^ 0x5EED);
    let agents = scenario.seats.len() as u64;
    let mut world = World::new(scenario, seed);
    let length = Duration::from_secs(u64::from(calls / CALLS_PER_SECOND).max(1));
    let moment = |chance: &mut Chance| {
        Instant::from_secs(3) + chance.length(Span { least: Duration::ZERO, most: length })
    };
    for _ in 0..calls {
        let number = match chance.below(100) {
            0 => "404",
            1..=60 => "100",
            61..=80 => "200",
            _other => "300",
        };
        let patience = Span::between_millis(500, 30_000);
        let plan = CallPlan::talking(Span::between_millis(200, 12_000)).giving_up_after(patience);
        let hold =
            Hold { after: Span::between_millis(200, 3_000), lasting: Span::between_millis(200, 2_000) };
        let plan = if chance.happens(50) { plan.holding(hold) } else { plan };
        let at = moment(&mut chance);
        world.appoint(at, Appointment::Call(number.to_owned(), plan));
    }
    for _ in 0..agents / 20 {
        let phone = PhoneId(chance.below(agents) as u32);
        let at = moment(&mut chance);
        world.appoint(at, Appointment::Unplug(phone));
        world.appoint(at + Duration::from_secs(20), Appointment::PlugIn(phone));
    }
    world
}

fn long_run(seed: u64, calls: u32) -> Verdict {
    println!("seed {seed}: {calls} calls");
    let scenario = Scenario { check_every: CHECK_EVERY, ..contact_centre(AGENTS) };
    let verdict = finish(busy_world(scenario, calls, seed));
    let truth = verdict.truth;
    assert_eq!(truth.offered + truth.refused, u64::from(calls), "every INVITE arrives in the end");
    assert_eq!(truth.offered, truth.answered + truth.abandoned + truth.overflowed);
    assert!(truth.answered > truth.offered / 2, "a contact centre that answers: {truth:?}");
    assert!(truth.abandoned > 0 && truth.overflowed > 0 && truth.refused > 0, "all fates occur: {truth:?}");
    verdict
}

/// Where one seed has failed nobody begins another.
struct Alarm<'a> {
    next: &'a AtomicU64,
    end: u64,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.next.fetch_max(self.end, Ordering::Relaxed);
        }
    }
}

/// Does the same with each seed, on all cores.
pub(crate) fn in_parallel<R: Send>(seeds: Range<u64>, act: impl Fn(u64) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(seeds.start);
    let draw = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds.end);
    let work = || {
        let _alarm = Alarm { next: &next, end: seeds.end };
        std::iter::from_fn(draw).map(&act).collect::<Vec<R>>()
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let done = workers.into_iter().flat_map(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.collect()
    })
}

#[test]
fn two_hundred_thousand_calls_lose_nothing_over_bad_networks_and_whatever_goes_wrong() {
    let verdicts = in_parallel(FIXED_SEED..FIXED_SEED + WORLDS, |seed| long_run(seed, WORLD_CALLS));
    let calls: u64 = verdicts.iter().map(|verdict| verdict.truth.offered + verdict.truth.refused).sum();
    let (calls_of_stories, struck) = faults::play_stories(faults::FIXED_SEED, STORIES);
    println!("{calls} calls over bad networks, {calls_of_stories} with faults: {struck:#?}");
    assert!(calls + calls_of_stories >= ALL_CALLS, "{calls} and {calls_of_stories}");
    faults::assert_all_harms(&struck);
}

#[test]
fn twenty_thousand_calls_lose_nothing_whatever_the_seed() {
    let calls = from_environment("CORDBOARD_SIM_CALLS").map_or(CALLS, |calls| calls as u32);
    println!("{:#?}", long_run(fresh_seed(), calls));
}

#[test]
fn five_hundred_agents_and_a_thousand_calls_at_once() {
    let plan = Plan::Always(Manner::answers_after(Span::between_millis(1_000, 4_000)));
    let mut scenario = Scenario::quiet().with_agents(500, &plan);
    scenario.check_every = 50;
    scenario.keeps_diary = false;
    let mut world = World::new(scenario, 3);
    for _ in 0..1_000 {
        world.appoint(
            Instant::from_secs(5),
            Appointment::Call(
                Scenario::NUMBER.to_owned(),
                CallPlan::talking(Span::between_millis(2_000, 9_000)),
            ),
        );
    }
    let verdict = finish(world);
    assert_eq!((verdict.truth.offered, verdict.truth.answered), (1_000, 1_000));
    assert_eq!(verdict.clashes, 0);
}

#[test]
fn a_crowd_over_a_bad_network_hears_only_whom_it_talks_to() {
    let mut scenario = contact_centre(12).with_voice();
    for line in &mut scenario.lines {
        if line.queue == QueueId(1) {
            line.treatment = Treatment::Music(MUSIC);
        }
    }
    let mut world = World::new(scenario, 4);
    for number in 0..40u64 {
        let plan = CallPlan::talking(Span::between_millis(1_000, 6_000))
            .giving_up_after(Span::secs(20))
            .from_voice();
        let number_called = if number % 3 == 0 { "200" } else { "100" };
        let at = Instant::from_secs(3) + Duration::from_millis(number * 700);
        world.appoint(at, Appointment::Call(number_called.to_owned(), plan));
    }
    let verdict = finish(world);
    assert!(verdict.truth.answered > 20, "{verdict:?}");
}

#[test]
fn a_crowd_behind_a_pbx_loses_nothing_either() {
    let verdict = finish(busy_world(contact_centre(40).with_pbx(), 1_000, fresh_seed()));
    assert_eq!(verdict.truth.offered + verdict.truth.refused, 1_000);
}

#[test]
fn slow_rings_between_the_threads_lose_nothing_either() {
    let mut scenario = contact_centre(60);
    scenario.ring_latency = Span::between_millis(0, 8);
    let verdict = finish(busy_world(scenario, 1_500, fresh_seed()));
    assert_eq!(verdict.truth.offered + verdict.truth.refused, 1_500);
}

/// Many small worlds are worse than a large one: everything meets everything.
#[test]
fn many_small_worlds_with_terrible_networks_lose_nothing() {
    let first = fresh_seed();
    for seed in (0..25).map(|number| first.wrapping_add(number)) {
        let mut chance = Chance::new(seed);
        let mut scenario = contact_centre(2 + chance.below(20) as usize);
        scenario.check_every = 1;
        scenario.conditions = Conditions {
            latency: Duration::from_millis(chance.below(120)),
            loss: chance.below(150) as u16,
            duplication: chance.below(200) as u16,
            reordering: chance.below(500) as u16,
            detour: Span::between_millis(1, 1 + chance.below(400)),
        };
        scenario.ring_latency = Span::between_millis(0, chance.below(20));
        scenario.has_pbx = chance.happens(500);
        let calls = 60 + chance.below(100) as u32;
        if chance.happens(400) {
            scenario.lines[0].treatment = Treatment::Music(MUSIC);
        }
        println!("seed {seed}: {calls} calls, {:?}", scenario.conditions);
        let verdict = finish(busy_world(scenario, calls, seed));
        // With a loss of 15 % an INVITE may in the end not arrive at all.
        assert!(verdict.truth.offered + verdict.truth.refused + 2 >= u64::from(calls), "{verdict:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let run = |seed| finish(busy_world(contact_centre(60), 600, seed));
    let first = run(5);
    assert_eq!(first, run(5));
    assert_ne!(first.history, run(6).history);
}

#[test]
fn state_that_is_written_down_and_read_back_has_the_same_future() {
    let run = |rewrites: &[u64]| {
        let mut scenario = contact_centre(60);
        scenario.lines[0].treatment = Treatment::Music(MUSIC);
        let mut world = busy_world(scenario, 400, 7);
        for &millis in rewrites {
            world.appoint(Instant::from_millis(millis), Appointment::Rewrite);
        }
        finish(world)
    };
    assert_eq!(run(&[]), run(&[500, 7_777, 12_345, 20_001]));
}
