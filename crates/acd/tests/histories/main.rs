//! Random histories through the distributor and its obvious twin: the same answers, the same events, the same
//! state, and every invariant. Millions of events in all, every kind among them.
//!
//! - `CORDBOARD_HISTORY_EVENTS=10000000` says how many events the run from a fresh seed must reach.
//! - `CORDBOARD_HISTORY_SEED=...` repeats the batch whose seed a failure has printed, and nothing else.

mod generate;
mod label;
mod naive;
mod pair;

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pair::{Look, Tally, play};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// Events of the run from the fixed seed: the same histories every time, so that every kind of event is seen.
const EVENTS_FIXED: u64 = 2_200_000;
/// Events of the run from a fresh seed, where nobody asks for more.
const EVENTS_FRESH: u64 = 1_000_000;
/// Histories of one seed: what a failure must repeat.
const BATCH: u32 = 64;
/// Tries to make a failing history smaller.
const SHRINKING: u32 = 20_000;
/// One of so many histories is looked at closely.
const CLOSE: u32 = 16;
/// How often an event of each kind must have happened, in the run from the fixed seed.
const OF_EACH_KIND: u64 = 50;
/// So many of the rarest kinds are told where one is too rare: the next to become so are among them.
const RAREST: usize = 25;

const SEED: &str = "CORDBOARD_HISTORY_SEED";
const EVENTS: &str = "CORDBOARD_HISTORY_EVENTS";

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let parsed = text.replace('_', "").parse();
    Some(parsed.unwrap_or_else(|_| panic!("{variable}={text} is no number: give a whole one, or unset it")))
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = ProptestConfig {
        cases: BATCH,
        failure_persistence: None,
        max_shrink_iters: SHRINKING,
        ..ProptestConfig::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Plays the histories of one seed. Once one has failed, what follows is its shrinking, and that looks closely.
fn batch(seed: u64) -> Result<Tally, String> {
    let tally = RefCell::new(Tally::new());
    let (played, has_failed) = (Cell::new(0), Cell::new(false));
    let outcome = runner(seed).run(&generate::history(), |history| {
        let is_chosen = played.get() % CLOSE == 0;
        played.set(played.get() + 1);
        let look = if has_failed.get() || is_chosen { Look::Close } else { Look::EveryFew };
        let played = play(&history, look, None, &mut tally.borrow_mut());
        has_failed.set(has_failed.get() || played.is_err());
        played
    });
    let repeat = format!("repeat with: {SEED}={seed} cargo test -p cordboard-acd --test histories fresh");
    outcome.map_err(|failure| format!("{failure}\n{repeat}")).map(|()| tally.into_inner())
}

/// Batches on every core until there are so many events; the seeds are `first`, `first + 1` and so on.
fn run(first: u64, events: u64) -> Tally {
    let (next, total, has_failed) = (AtomicU64::new(first), AtomicU64::new(0), AtomicBool::new(false));
    let work = || {
        let mut tally = Tally::new();
        while total.load(Ordering::Relaxed) < events && !has_failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let batch = batch(seed).inspect_err(|_| has_failed.store(true, Ordering::Relaxed));
            total.fetch_add(batch.as_ref().map_or(0, label::events), Ordering::Relaxed);
            batch?.into_iter().for_each(|(kind, times)| *tally.entry(kind).or_default() += times);
        }
        Ok::<Tally, String>(tally)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let tallies = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("its panics are failures")).collect::<Vec<_>>()
    });
    let mut all = Tally::new();
    for tally in tallies {
        let tally = tally.unwrap_or_else(|failure| panic!("{failure}"));
        tally.into_iter().for_each(|(kind, times)| *all.entry(kind).or_default() += times);
    }
    all
}

#[test]
fn the_distributor_does_what_its_obvious_twin_does_from_the_fixed_seed() {
    let tally = run(0, EVENTS_FIXED);
    let times = |kind: &'static str| (kind, tally.get(kind).copied().unwrap_or_default());
    let mut rarest = label::ALL.map(times);
    rarest.sort_by_key(|&(_, times)| times);
    let is_rare = rarest[0].1 < OF_EACH_KIND;
    let few = &rarest[..RAREST.min(rarest.len())];
    assert!(!is_rare, "some kinds are too rare, so that the histories prove too little; the rarest: {few:?}");
    let events = label::events(&tally);
    assert!(events >= EVENTS_FIXED, "only {events} events");
}

#[test]
fn the_distributor_does_what_its_obvious_twin_does_from_a_fresh_seed() {
    if let Some(seed) = number(SEED) {
        batch(seed).unwrap_or_else(|failure| panic!("{failure}"));
        return;
    }
    let wanted = number(EVENTS).unwrap_or(EVENTS_FRESH);
    // Far from where the fixed seeds and those of other runs are.
    let first = RandomState::new().hash_one(()) >> 1;
    let events = label::events(&run(first, wanted));
    println!("{events} events from the seeds {first} and following");
    assert!(events >= wanted, "only {events} events");
}

#[test]
fn a_distributor_written_down_in_the_middle_has_the_same_future() {
    let tally = RefCell::new(Tally::new());
    let histories = (generate::history(), any::<usize>());
    for seed in 0..8 {
        runner(seed)
            .run(&histories, |(history, middle)| {
                let middle = middle % history.ops.len();
                play(&history, Look::EveryFew, Some(middle), &mut tally.borrow_mut())
            })
            .unwrap_or_else(|failure| panic!("{failure}"));
    }
}
