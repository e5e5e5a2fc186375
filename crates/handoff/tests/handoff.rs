//! The real hand-off holds in every interleaving that the model knows; every mutant of it is found.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated copies"
)]
#![allow(clippy::unwrap_used, clippy::overly_complex_bool_expr, reason = "generated copies")]

use std::process::Command;

/// Threads are taken off a core at most so often in one execution, wherever they wait of themselves: more finds no more
/// in models of this size and takes hours.
const PREEMPTIONS: usize = 3;

mod real {
    include!(concat!(env!("OUT_DIR"), "/real.rs"));
}
mod push_relaxed {
    include!(concat!(env!("OUT_DIR"), "/push_relaxed.rs"));
}
mod pop_relaxed {
    include!(concat!(env!("OUT_DIR"), "/pop_relaxed.rs"));
}
mod room_relaxed {
    include!(concat!(env!("OUT_DIR"), "/room_relaxed.rs"));
}
mod bell_before_push {
    include!(concat!(env!("OUT_DIR"), "/bell_before_push.rs"));
}
mod flush_without_bell {
    include!(concat!(env!("OUT_DIR"), "/flush_without_bell.rs"));
}
mod no_second_look {
    include!(concat!(env!("OUT_DIR"), "/no_second_look.rs"));
}
mod look_before_announcement {
    include!(concat!(env!("OUT_DIR"), "/look_before_announcement.rs"));
}
mod producer_without_fence {
    include!(concat!(env!("OUT_DIR"), "/producer_without_fence.rs"));
}
mod consumer_without_fence {
    include!(concat!(env!("OUT_DIR"), "/consumer_without_fence.rs"));
}
mod never_announced {
    include!(concat!(env!("OUT_DIR"), "/never_announced.rs"));
}

fn holds(scene: fn()) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(scene);
}

/// What a mutant must die of, and not of a limit of the model, which would kill them all.
enum Death {
    /// A value is taken that is not there yet, or its place before it is free.
    Race,
    /// The consumer sleeps on a value for ever.
    LostWakeUp,
}

/// Names a scene to the child that plays it: a model that has failed cannot be taken down in order, so it takes its
/// process with it.
const SCENE: &str = "CORDBOARD_HANDOFF_SCENE";

const MUTANTS: &[(&str, fn())] = &[
    ("push_relaxed", push_relaxed::scenes::one_producer),
    ("pop_relaxed", pop_relaxed::scenes::one_producer),
    ("room_relaxed", room_relaxed::scenes::one_producer_in_a_ring_that_is_too_small),
    ("bell_before_push", bell_before_push::scenes::one_producer),
    ("flush_without_bell", flush_without_bell::scenes::an_outbox),
    ("no_second_look", no_second_look::scenes::one_producer),
    ("look_before_announcement", look_before_announcement::scenes::one_producer),
    ("producer_without_fence", producer_without_fence::scenes::one_producer),
    ("consumer_without_fence", consumer_without_fence::scenes::one_producer),
    ("never_announced", never_announced::scenes::one_producer),
];

/// Plays the scene that a parent has named; by itself the smallest real one.
#[test]
fn a_scene_of_its_own_process() {
    let Ok(name) = std::env::var(SCENE) else { return holds(real::scenes::one_producer) };
    let named = MUTANTS.iter().find(|(mutant, _)| *mutant == name);
    holds(named.unwrap_or_else(|| panic!("{SCENE}={name} is no mutant")).1);
}

fn is_found(name: &str, death: Death) {
    let this = std::env::current_exe().expect("a test is a program");
    let mut child = Command::new(this);
    child.args(["--exact", "a_scene_of_its_own_process", "--nocapture"]).env(SCENE, name);
    let output = child.output().expect("a test can be started again");
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "the mutant {name} survives: the model proves too little\n{said}");
    let died_of = match death {
        Death::Race => said.contains("is not there yet") || said.contains("is not free yet"),
        Death::LostWakeUp => said.contains("deadlock"),
    };
    assert!(died_of, "the mutant {name} died of something else:\n{said}");
}

#[test]
fn one_producer_loses_nothing_and_its_consumer_never_sleeps_on_a_value() {
    holds(real::scenes::one_producer);
}

#[test]
fn a_ring_that_is_full_loses_nothing() {
    holds(real::scenes::one_producer_in_a_ring_that_is_too_small);
}

#[test]
fn two_producers_with_a_ring_each_keep_their_orders_and_wake_the_one_consumer() {
    holds(real::scenes::two_producers);
}

#[test]
fn an_outbox_with_a_backlog_loses_nothing_and_wakes_its_consumer() {
    holds(real::scenes::an_outbox);
}

#[test]
fn a_push_that_does_not_publish_is_found() {
    is_found("push_relaxed", Death::Race);
}

#[test]
fn a_pop_that_does_not_look_for_what_was_published_is_found() {
    is_found("pop_relaxed", Death::Race);
}

#[test]
fn a_pop_that_does_not_publish_the_room_it_made_is_found() {
    is_found("room_relaxed", Death::Race);
}

#[test]
fn a_bell_before_the_push_is_found() {
    is_found("bell_before_push", Death::LostWakeUp);
}

#[test]
fn a_flush_that_wakes_nobody_is_found() {
    is_found("flush_without_bell", Death::LostWakeUp);
}

#[test]
fn a_consumer_that_does_not_look_again_before_it_sleeps_is_found() {
    is_found("no_second_look", Death::LostWakeUp);
}

#[test]
fn a_consumer_that_looks_before_it_announces_is_found() {
    is_found("look_before_announcement", Death::LostWakeUp);
}

#[test]
fn a_producer_without_its_fence_is_found() {
    is_found("producer_without_fence", Death::LostWakeUp);
}

#[test]
fn a_consumer_without_its_fence_is_found() {
    is_found("consumer_without_fence", Death::LostWakeUp);
}

#[test]
fn a_consumer_that_never_announces_its_sleep_is_found() {
    is_found("never_announced", Death::LostWakeUp);
}
