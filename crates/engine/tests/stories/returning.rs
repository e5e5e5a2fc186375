//! Callers who call again.

use std::time::Duration;

use acd::{Exit, MaxWait, QueueSettings};
use engine::{CallerRules, Outcome, Treatment};
use sip::{HeaderField, Identity};

use crate::world::{BILLING, BUSY, Manner, OTHER, World};

const KEEP: Duration = Duration::from_secs(60);

/// A queue that keeps the places of those who give up, and nobody there.
fn keeping(settings: acd::Settings) -> World {
    let mut world = World::with(Treatment::Ringback, settings, 1);
    keep(&mut world, Some(KEEP));
    world
}

fn keep(world: &mut World, keep_place: Option<Duration>) {
    world.directory.callers.insert(BILLING, CallerRules { keep_place, ..CallerRules::default() });
    world.reload(Vec::new());
}

/// A caller with this number, who waits now; answers with the one and the call.
fn calls(world: &mut World, number: &str) -> (usize, sip::SessionId) {
    calls_as(world, "100", Vec::new(), Identity::user(number))
}

fn calls_as(
    world: &mut World,
    called: &str,
    headers: Vec<HeaderField>,
    identity: Identity,
) -> (usize, sip::SessionId) {
    let address = format!("10.0.1.{}", world.manners.len());
    let caller = world.peer(&address, Manner::ByHand);
    let session = world.call_with(caller, called, headers, identity);
    world.run(1_000);
    (caller, session)
}

/// Calls, waits for so many milliseconds and gives up.
fn gives_up_after(world: &mut World, number: &str, patience: u64) {
    let (caller, session) = calls(world, number);
    world.run(patience - 1_000);
    world.cancel(caller, session);
}

/// The numbers of those who wait, first in line first.
fn line(world: &World) -> Vec<String> {
    let waiting = world.distributor.first_in_line(BILLING, 9);
    let number = |interaction| world.engine.caller(interaction).unwrap().0;
    waiting.iter().map(|one| number(one.interaction)).collect()
}

/// Whether each call so far had the place of an earlier one, those first that ended first.
fn regained(world: &World) -> Vec<bool> {
    world.records().iter().map(|record| record.story.regained.is_some()).collect()
}

#[test]
fn who_gives_up_and_calls_again_in_time_stands_where_the_first_call_stood() {
    let mut world = keeping(acd::Settings::default());
    world.writes_down = true;
    let first = world.now;
    gives_up_after(&mut world, "031", 10_000);
    let (other, others_call) = calls(&mut world, "032");
    let (caller, call) = calls(&mut world, "031");
    assert_eq!(line(&world), ["031", "032"]);
    assert_eq!(world.engine.counts().places, 0, "it is handed out once");
    let second = calls(&mut world, "031");
    assert_eq!(line(&world), ["031", "032", "031"]);
    for (peer, session) in [(caller, call), (other, others_call), second] {
        world.cancel(peer, session);
    }
    let story = &world.records()[1].story;
    assert_eq!(story.entry, BILLING);
    assert!(story.regained.is_some_and(|at| at.since(first) < Duration::from_millis(10)));
    assert!(story.arrived.since(first) > Duration::from_secs(10), "its own wait is told as it was");
    assert_eq!(regained(&world), [false, true, false, false]);
    assert_eq!((world.totals().offered, world.totals().abandoned), (4, 4), "each is counted for itself");
    world.assert_nothing_left();
}

#[test]
fn who_gives_up_again_has_still_the_first_place() {
    let mut world = keeping(acd::Settings::default());
    gives_up_after(&mut world, "031", 10_000);
    let (_, _) = calls(&mut world, "032");
    gives_up_after(&mut world, "031", 2_000);
    world.run(50_000);
    calls(&mut world, "031");
    assert_eq!(line(&world), ["031", "032"]);
}

#[test]
fn who_comes_too_late_stands_at_the_end() {
    let mut world = keeping(acd::Settings::default());
    gives_up_after(&mut world, "031", 10_000);
    calls(&mut world, "032");
    assert_eq!(world.engine.counts().places, 1);
    world.run(60_000);
    assert_eq!(world.engine.counts().places, 0, "what is over is not kept until somebody asks");
    calls(&mut world, "031");
    assert_eq!(line(&world), ["032", "031"]);
}

#[test]
fn a_place_is_kept_in_the_queue_of_the_number_dialled_and_where_a_rule_says_so() {
    let mut world = keeping(acd::Settings::default());
    let (caller, call) = calls_as(&mut world, "200", Vec::new(), Identity::user("031"));
    world.cancel(caller, call);
    gives_up_after(&mut world, "032", 2_000);
    assert_eq!(world.engine.counts().places, 1);
    let (caller, call) = calls_as(&mut world, "200", Vec::new(), Identity::user("032"));
    world.cancel(caller, call);
    assert_eq!(regained(&world), [false; 3]);
    assert_eq!(world.engine.counts().places, 1, "the place in the other queue is there still");
    keep(&mut world, None);
    assert_eq!(world.engine.counts().places, 0);
    let (caller, call) = calls(&mut world, "032");
    world.cancel(caller, call);
    assert_eq!(regained(&world), [false; 4]);
    world.assert_nothing_left();
}

#[test]
fn a_caller_who_overflowed_and_gave_up_there_has_the_place_when_it_calls_again() {
    let mut world = keeping(acd::Settings::default());
    let max_wait = Some(MaxWait { after: Duration::from_secs(5), exit: Exit::Queue(OTHER) });
    world.define(BILLING, QueueSettings { max_wait, ..QueueSettings::default() });
    let first = world.now;
    gives_up_after(&mut world, "031", 10_000);
    let (caller, call) = calls(&mut world, "031");
    world.cancel(caller, call);
    let story = &world.records()[1].story;
    assert!(story.regained.is_some_and(|at| at.since(first) < Duration::from_millis(10)));
}

#[test]
fn nobody_is_known_again_who_withholds_the_number_or_has_none() {
    let withheld = || vec![HeaderField::new("Privacy", "id")];
    let asserted = || HeaderField::new("P-Asserted-Identity", "<sip:031@pbx.example>");
    let named = |user: &str| (Vec::new(), Identity::user(user));
    let unknown = [
        (withheld(), Identity::user("031")),
        (withheld().into_iter().chain([asserted()]).collect(), Identity::anonymous()),
        (Vec::new(), Identity::anonymous()),
        (Vec::new(), Identity { host: Some("unknown.invalid".to_owned()), ..Identity::user("031") }),
        named("Anonymous"),
        named("unavailable"),
        named(&"1".repeat(65)),
    ];
    for (headers, identity) in unknown {
        let mut world = keeping(acd::Settings::default());
        for _ in 0..2 {
            let (caller, call) = calls_as(&mut world, "100", headers.clone(), identity.clone());
            world.cancel(caller, call);
            assert_eq!(world.engine.counts().places, 0, "{headers:?} {identity:?}");
        }
        assert_eq!(regained(&world), [false; 2]);
    }
    let mut world = keeping(acd::Settings::default());
    for _ in 0..2 {
        let (caller, call) = calls_as(&mut world, "100", vec![asserted()], Identity::anonymous());
        world.cancel(caller, call);
    }
    assert_eq!(regained(&world), [false, true], "a trunk asserts who calls");
}

#[test]
fn who_was_answered_or_sent_away_has_no_place_to_come_back_to() {
    let mut world = keeping(acd::Settings::default());
    let max_wait = Some(MaxWait { after: Duration::from_secs(5), exit: Exit::Leave(BUSY) });
    world.define(BILLING, QueueSettings { max_wait, ..QueueSettings::default() });
    calls(&mut world, "031");
    world.run(6_000);
    calls(&mut world, "031");
    world.engine.hang_up_all(world.now);
    world.run(1_000);
    world.agent(1, Manner::Answers(500));
    let (caller, call) = calls(&mut world, "031");
    world.run(2_000);
    world.bye(caller, call);
    let outcomes: Vec<Outcome> = world.records().iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Overflowed, Outcome::Failed, Outcome::Answered]);
    assert_eq!((regained(&world), world.engine.counts().places), (vec![false; 3], 0));
    world.assert_nothing_left();
}

#[test]
fn who_comes_back_to_a_full_house_and_is_refused_has_the_place_the_next_time() {
    let mut world = keeping(acd::Settings { waiting_max: 1, ..acd::Settings::default() });
    gives_up_after(&mut world, "031", 10_000);
    let (other, others_call) = calls(&mut world, "032");
    let (caller, _) = calls(&mut world, "031");
    assert_eq!(world.refusal(caller), Some(503));
    assert_eq!(world.engine.counts().places, 1);
    world.cancel(other, others_call);
    let (caller, call) = calls(&mut world, "031");
    world.cancel(caller, call);
    assert_eq!(regained(&world), [false, false, true]);
    world.assert_nothing_left();
}

#[test]
fn of_more_callers_than_can_be_remembered_the_first_to_be_forgotten_is_forgotten_now() {
    let mut world = keeping(acd::Settings::default());
    for number in ["031", "032", "033", "034"] {
        gives_up_after(&mut world, number, 2_000);
        assert!(world.engine.counts().places <= 3);
    }
    for number in ["034", "033", "032", "031"] {
        let (caller, call) = calls(&mut world, number);
        world.cancel(caller, call);
    }
    assert_eq!(regained(&world)[4..], [true, true, true, false]);
}
