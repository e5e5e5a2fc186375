//! Calls that no agent takes: refused at the door, led elsewhere, sent away.

use std::time::Duration;

use acd::{Exit, ExitId, MaxWait, NobodyLoggedIn, QueueSettings};
use engine::{FurtherRefusals, Notice, Outcome, RefusalCause, RequestKind, Treatment};

use crate::world::{BILLING, BUSY, HANG_UP, MUSIC, Manner, NUMBER, OTHER, World};

fn after(seconds: u64, exit: Exit) -> QueueSettings {
    let max_wait = Some(MaxWait { after: Duration::from_secs(seconds), exit });
    QueueSettings { max_wait, ..QueueSettings::default() }
}

/// What was told one by one.
fn refusals(world: &World) -> Vec<(u16, RefusalCause)> {
    world
        .notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Refused(refusal) => Some((refusal.status, refusal.cause)),
            _ => None,
        })
        .collect()
}

/// How many calls were refused for this.
fn refused(world: &World, cause: RefusalCause) -> u64 {
    let totals = world.engine.totals();
    let found = totals.refused.iter().find(|one| one.request == RequestKind::Call && one.cause == cause);
    found.map_or(0, |one| one.count)
}

#[test]
fn an_unknown_number_is_404_and_a_pattern_serves_what_begins_so() {
    let mut world = World::new(Treatment::Ringback);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    for number in ["1000", "10", "30"] {
        world.call(caller, number);
        world.run(100);
        assert_eq!(world.refusal(caller), Some(404), "{number}");
    }
    assert_eq!(refusals(&world), [(404, RefusalCause::UnknownNumber)], "the first of a source is told");
    assert_eq!(refused(&world, RefusalCause::UnknownNumber), 3);
    let session = world.call(caller, "27");
    world.run(100);
    assert_eq!(world.distributor.first_in_line(OTHER, 9).len(), 1);
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_flood_of_refusals_is_told_once_and_then_as_a_number() {
    let mut world = World::new(Treatment::Ringback);
    let (caller, other) = (world.peer("10.0.0.2", Manner::ByHand), world.peer("10.0.0.3", Manner::ByHand));
    for _ in 0..20 {
        world.call(caller, "1000");
        world.run(100);
    }
    world.call(other, "1000");
    world.run(100);
    assert_eq!(refusals(&world).len(), 2, "the first of each source");
    world.run(10_000);
    let further: Vec<FurtherRefusals> = world
        .notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::RefusedFurther(further) => Some(*further),
            _ => None,
        })
        .collect();
    let (source, cause) = (Some(world.at(caller).ip()), RefusalCause::UnknownNumber);
    assert_eq!(further, [FurtherRefusals { request: RequestKind::Call, cause, source, count: 19 }]);
    assert_eq!(refused(&world, cause), 21);
    world.assert_nothing_left();
}

/// Somebody of a domain that is not ours.
fn stranger_identity() -> sip::Identity {
    sip::Identity { host: Some("elsewhere.example".to_owned()), ..sip::Identity::user("mallory") }
}

#[test]
fn what_the_user_agent_and_the_calls_refuse_is_told_and_counted_too() {
    let mut world = World::new(Treatment::Ringback);
    let stranger = world.peer("192.0.2.9", Manner::ByHand);
    world.call_with(stranger, "100", Vec::new(), stranger_identity());
    world.run(100);
    assert_eq!(world.refusal(stranger), Some(403));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let invitation = sip::Invitation {
        destination: sip::Destination::Uri("sip:100@10.0.0.1:5060".parse().unwrap()),
        caller: sip::Identity::user("0311112222"),
        to_display_name: String::new(),
        max_forwards: 70,
        headers: Vec::new(),
        body: Some(sip::Body::sdp("v=0\r\nnonsense\r\n")),
    };
    let now = world.now;
    world.ua(caller).invite(now, &invitation).unwrap();
    world.run(100);
    assert_eq!(world.refusal(caller), Some(400));
    let unknown = RefusalCause::Request(sip::RefusalCause::UnknownSource);
    let bad = RefusalCause::Call(b2bua::RefusalCause::BadDescription);
    assert_eq!(refusals(&world), [(403, unknown), (400, bad)]);
    assert_eq!((refused(&world, unknown), refused(&world, bad)), (1, 1));
    world.assert_nothing_left();
}

#[test]
fn a_distributor_without_room_is_503_with_a_time() {
    let settings = acd::Settings { waiting_max: 1, ..acd::Settings::default() };
    let mut world = World::with(Treatment::Ringback, settings, 1);
    let (first, second) = (world.peer("10.0.0.2", Manner::ByHand), world.peer("10.0.0.3", Manner::ByHand));
    let session = world.call(first, "100");
    world.run(100);
    world.call(second, "100");
    world.run(100);
    let refused = world.heard(second).into_iter().find_map(|event| match event {
        sip::Event::Failed { status, retry_after, .. } => Some((status, retry_after)),
        _ => None,
    });
    assert_eq!(refused, Some((503, Some(Duration::from_secs(7)))));
    assert_eq!(refusals(&world), [(503, RefusalCause::Full)]);
    // The one who hangs up before the refusal comes leaves nothing either.
    world.hold_events = true;
    let third = world.call(second, "100");
    world.run(50);
    world.cancel(second, third);
    world.hold_events = false;
    world.run(100);
    world.cancel(first, session);
    world.assert_nothing_left();
}

#[test]
fn an_engine_that_drains_takes_no_new_call_and_keeps_the_old() {
    let mut world = World::new(Treatment::Ringback);
    world.agent(1, Manner::Answers(50));
    let (first, second) = (world.peer("10.0.0.2", Manner::ByHand), world.peer("10.0.0.3", Manner::ByHand));
    let session = world.call(first, "100");
    world.run(1_000);
    world.engine.drain();
    world.call(second, "100");
    world.run(100);
    assert_eq!(world.refusal(second), Some(503));
    assert_eq!(refusals(&world), [(503, RefusalCause::Draining)]);
    assert_eq!(world.engine.counts().calls.connected, 1);
    world.bye(first, session);
    world.assert_nothing_left();
}

#[test]
fn hanging_up_all_leaves_nothing() {
    let mut world = World::new(Treatment::Music(MUSIC));
    world.agent(1, Manner::Answers(50));
    world.agent(2, Manner::Ignores);
    for number in 2..6 {
        let caller = world.peer(&format!("10.0.0.{number}"), Manner::ByHand);
        world.call(caller, "100");
        world.run(500);
    }
    world.engine.hang_up_all(world.now);
    world.assert_nothing_left();
    assert_eq!(world.records().len(), 4);
}

#[test]
fn an_overflow_before_the_answer_is_said_by_its_status() {
    for (exit, status) in [(BUSY, 486), (HANG_UP, 603), (ExitId(99), 480)] {
        let mut world = World::new(Treatment::Ringback);
        world.define(BILLING, after(10, Exit::Leave(exit)));
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        world.call(caller, "100");
        world.run(11_000);
        assert_eq!(world.refusal(caller), Some(status));
        world.assert_nothing_left();
        assert_eq!(world.records()[0].outcome, Outcome::Overflowed);
    }
}

#[test]
fn a_queue_without_agents_refuses_a_music_caller_unanswered() {
    let mut world = World::new(Treatment::Music(MUSIC));
    let nobody = NobodyLoggedIn { grace: Duration::ZERO, exit: Exit::Leave(BUSY) };
    world.define(BILLING, QueueSettings { nobody_logged_in: Some(nobody), ..QueueSettings::default() });
    world.run(1_000);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    world.call(caller, "100");
    world.run(1_000);
    assert_eq!(world.refusal(caller), Some(486));
    assert_eq!(world.sent("SIP/2.0 200", world.at(caller)), 0);
    world.assert_nothing_left();
}

#[test]
fn an_overflow_after_the_answer_ends_the_call() {
    let mut world = World::new(Treatment::Music(MUSIC));
    world.define(BILLING, after(10, Exit::Leave(BUSY)));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    world.call(caller, "100");
    world.run(11_000);
    assert_eq!(world.sent("BYE", world.at(caller)), 1);
    world.assert_nothing_left();
}

#[test]
fn an_overflow_to_a_number_goes_outside_and_is_no_answer_of_an_agent() {
    for treatment in [Treatment::Ringback, Treatment::Music(MUSIC)] {
        let mut world = World::new(treatment);
        world.define(BILLING, after(10, Exit::Leave(NUMBER)));
        let outside = world.peer("10.2.0.1", Manner::Answers(500));
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        let session = world.call(caller, "100");
        world.run(12_000);
        assert_eq!(world.sent("INVITE sip:0212345678@10.2.0.1", world.at(outside)), 1);
        assert_eq!(world.engine.counts().calls.connected, 1);
        world.run(60_000);
        world.bye(caller, session);
        world.assert_nothing_left();
        let record = world.records()[0].clone();
        assert_eq!(
            (record.outcome, record.story.agent, record.story.answered),
            (Outcome::Overflowed, None, None)
        );
        assert_eq!(record.story.attempts.last().map(|one| (one.agent, one.failure)), Some((None, None)));
        assert_eq!((record.waited().as_secs(), record.talked().as_secs()), (10, 61), "{record:#?}");
    }
}

#[test]
fn a_number_outside_that_fails_tells_the_unanswered_caller_why() {
    for (said, heard) in [(486, 486), (404, 404), (302, 480), (407, 480)] {
        let mut world = World::new(Treatment::Music(MUSIC));
        // Without anybody logged in the call leaves before it is answered.
        let nobody = NobodyLoggedIn { grace: Duration::ZERO, exit: Exit::Leave(NUMBER) };
        world.define(BILLING, QueueSettings { nobody_logged_in: Some(nobody), ..QueueSettings::default() });
        world.run(1_000);
        world.peer("10.2.0.1", Manner::Refuses(said, 100));
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        world.call(caller, "100");
        world.run(5_000);
        assert_eq!(world.refusal(caller), Some(heard));
        world.assert_nothing_left();
        assert!(world.records()[0].story.attempts[0].failure.is_some());
    }
}

#[test]
fn a_caller_who_gives_up_while_the_number_outside_rings_ends_it() {
    let mut world = World::new(Treatment::Ringback);
    world.define(BILLING, after(10, Exit::Leave(NUMBER)));
    let outside = world.peer("10.2.0.1", Manner::Ignores);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(12_000);
    world.cancel(caller, session);
    assert_eq!(world.sent("CANCEL", world.at(outside)), 1);
    world.assert_nothing_left();
    assert_eq!(world.records()[0].story.attempts[0].stopped, Some(engine::Stopped::Cancelled));
}

#[test]
fn without_a_way_outside_the_caller_is_refused() {
    let mut world = World::new(Treatment::Ringback);
    world.directory.outbound = None;
    world.define(BILLING, after(10, Exit::Leave(NUMBER)));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    world.call(caller, "100");
    world.run(12_000);
    assert_eq!(world.refusal(caller), Some(480));
    world.assert_nothing_left();
}

#[test]
fn an_overflow_into_another_queue_keeps_the_caller_and_is_counted_in_both() {
    let mut world = World::new(Treatment::Music(MUSIC));
    world.define(BILLING, after(10, Exit::Queue(OTHER)));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(12_000);
    assert_eq!(world.distributor.first_in_line(OTHER, 9).len(), 1);
    assert_eq!(world.engine.counts().calls.calls, 1);
    world.bye(caller, session);
    world.assert_nothing_left();
    let record = world.records()[0].clone();
    assert_eq!((record.outcome, record.story.queue), (Outcome::Abandoned, OTHER));
}

#[test]
fn a_caller_who_gives_up_in_the_moment_of_the_overflow_is_recorded_once() {
    for holds_events in [false, true] {
        let mut world = World::new(Treatment::Ringback);
        world.define(BILLING, after(10, Exit::Leave(BUSY)));
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        let session = world.call(caller, "100");
        world.run(9_900);
        world.hold_events = holds_events;
        world.hold_commands = !holds_events;
        if holds_events {
            world.run(200);
        }
        world.cancel(caller, session);
        world.run(200);
        world.assert_nothing_left();
        assert_eq!(world.records().len(), 1);
        assert_eq!(world.records()[0].outcome, Outcome::Overflowed);
    }
}

#[test]
fn a_queue_that_is_taken_away_sends_its_callers_where_it_says() {
    let mut world = World::new(Treatment::Music(MUSIC));
    world.agent(1, Manner::Ignores);
    let (ringing, waiting) = (world.peer("10.0.0.2", Manner::ByHand), world.peer("10.0.0.3", Manner::ByHand));
    world.call(ringing, "100");
    world.call(waiting, "100");
    world.run(1_000);
    world.reload(vec![acd::Command::RemoveQueue { queue: BILLING, exit: Exit::Leave(HANG_UP) }]);
    world.run(1_000);
    assert_eq!(world.sent("BYE", world.at(ringing)) + world.sent("BYE", world.at(waiting)), 2);
    world.assert_nothing_left();
}
