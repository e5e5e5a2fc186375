//! Several agents' phones ring for one caller, and the first who picks up talks.

use std::time::Duration;

use acd::{Activity, QueueSettings, RejectCause, ReservationEnd, Ring};
use engine::{Outcome, Standing, Stopped, Treatment};

use crate::world::{BILLING, MUSIC, Manner, Peer, World};

/// A queue that rings so many at once, or one more each so many milliseconds.
fn ringing(treatment: Treatment, most: u8, every: u64) -> World {
    let mut world = World::new(treatment);
    let ring = Ring { most, every: Duration::from_millis(every) };
    world.define(BILLING, QueueSettings { ring, ..QueueSettings::default() });
    world
}

fn ends(world: &World) -> Vec<(u32, ReservationEnd)> {
    let ended = world.said.iter().filter_map(|event| match event {
        acd::Event::ReservationEnded { agent, cause, .. } => Some((agent.0, *cause)),
        _ => None,
    });
    ended.collect()
}

fn rung(world: &World, phones: &[Peer]) -> Vec<usize> {
    phones.iter().map(|&phone| world.sent("INVITE", world.at(phone))).collect()
}

#[test]
fn the_first_to_pick_up_talks_and_the_others_fall_silent_without_a_missed_call() {
    for treatment in [Treatment::Ringback, Treatment::Music(MUSIC)] {
        let mut world = ringing(treatment, 3, 0);
        let phones = [
            world.agent(1, Manner::Ignores),
            world.agent(2, Manner::Answers(3_000)),
            world.agent(3, Manner::Ignores),
        ];
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        let session = world.call(caller, "100");
        world.run(1_000);
        assert_eq!(rung(&world, &phones), [1, 1, 1]);
        for agent in 1..=3 {
            let seen = world.engine.interactions(None, 9, None, Some(acd::AgentId(agent)));
            assert_eq!(seen.iter().map(|one| one.standing).collect::<Vec<_>>(), [Standing::Ringing]);
            assert_eq!(seen[0].trying, [0, 1, 2]);
        }
        world.run(4_000);
        let taken = ReservationEnd::TakenByAnother;
        assert_eq!(ends(&world), [(2, ReservationEnd::Accepted), (1, taken), (3, taken)]);
        for silent in [phones[0], phones[2]] {
            assert_eq!(world.sent("CANCEL", world.at(silent)), 1);
            let at = world.at(silent);
            let cancel = world.wire.iter().find(|(to, text)| *to == at && text.starts_with("CANCEL"));
            let reason = cancel.is_some_and(|(_, text)| text.contains("cause=200"));
            assert!(reason, "no missed call: {cancel:?}");
        }
        assert_eq!(world.sent("SIP/2.0 200", world.at(caller)), 1);
        assert!(world.engine.interactions(None, 9, None, Some(acd::AgentId(1))).is_empty());
        assert!(matches!(world.activity(1), Some(Activity::Idle { .. })), "no back-off");
        world.bye(caller, session);
        world.assert_nothing_left();
        let story = world.records()[0].story.clone();
        let stopped: Vec<_> = story.attempts.iter().map(|one| one.stopped).collect();
        let taken = Some(Stopped::TakenByAnother);
        assert_eq!(stopped, [taken, None, taken]);
        assert_eq!((story.agent, story.attempts_total), (Some(acd::AgentId(2)), 3));
    }
}

#[test]
fn two_who_pick_up_in_one_moment_do_not_both_get_the_caller() {
    for treatment in [Treatment::Ringback, Treatment::Music(MUSIC)] {
        let mut world = ringing(treatment, 2, 0);
        let phones = [world.agent(1, Manner::ByHand), world.agent(2, Manner::ByHand)];
        let caller = world.peer("10.0.0.2", Manner::ByHand);
        let session = world.call(caller, "100");
        world.run(1_000);
        let sessions = phones.map(|phone| world.rung(phone).0);
        world.hold_events = true;
        world.accept(phones[1], sessions[1]);
        world.accept(phones[0], sessions[0]);
        world.hold_events = false;
        world.run(1_000);
        let byes = phones.map(|phone| world.sent("BYE", world.at(phone)));
        assert_eq!(byes, [1, 0], "the second is sent away");
        assert!(matches!(world.activity(2), Some(Activity::Handling { .. })));
        assert!(matches!(world.activity(1), Some(Activity::Idle { .. })));
        assert_eq!((world.totals().answered, world.sent("SIP/2.0 200", world.at(caller))), (1, 1));
        world.bye(caller, session);
        world.assert_nothing_left();
        assert_eq!(world.records()[0].story.agent, Some(acd::AgentId(2)));
    }
}

#[test]
fn a_second_who_picks_up_has_the_caller_where_the_first_came_too_late() {
    let mut world = ringing(Treatment::Ringback, 2, 5_000);
    let phones = [world.agent(1, Manner::ByHand), world.agent(2, Manner::ByHand)];
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(14_900);
    let sessions = phones.map(|phone| world.rung(phone).0);
    // The first reservation runs out while its accept is on its way.
    world.hold_commands = true;
    world.accept(phones[0], sessions[0]);
    world.run(500);
    world.accept(phones[1], sessions[1]);
    world.hold_commands = false;
    world.run(1_000);
    assert_eq!(ends(&world), [(1, ReservationEnd::Expired), (2, ReservationEnd::Accepted)]);
    assert_eq!(phones.map(|phone| world.sent("BYE", world.at(phone))), [1, 0]);
    assert_eq!(world.totals().answered, 1);
    world.bye(caller, session);
    world.assert_nothing_left();
    assert_eq!(world.records()[0].story.agent, Some(acd::AgentId(2)));
}

#[test]
fn who_declines_leaves_the_others_ringing_and_makes_room() {
    let mut world = ringing(Treatment::Ringback, 2, 0);
    let phones = [
        world.agent(1, Manner::Refuses(486, 500)),
        world.agent(2, Manner::Ignores),
        world.agent(3, Manner::Answers(3_000)),
    ];
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(200);
    assert_eq!(rung(&world, &phones), [1, 1, 0]);
    world.run(1_000);
    assert_eq!(rung(&world, &phones), [1, 1, 1]);
    world.run(4_000);
    let busy = ReservationEnd::Rejected(RejectCause::Busy);
    let taken = ReservationEnd::TakenByAnother;
    assert_eq!(ends(&world), [(1, busy), (3, ReservationEnd::Accepted), (2, taken)]);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn one_phone_more_rings_each_time_and_a_caller_who_gives_up_silences_all() {
    let mut world = ringing(Treatment::Ringback, 3, 2_000);
    let phones = [1, 2, 3].map(|number| world.agent(number, Manner::Ignores));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    let mut seen = Vec::new();
    for _ in 0..3 {
        world.run(1_500);
        seen.push(rung(&world, &phones));
        world.run(600);
    }
    assert_eq!(seen, [[1, 0, 0], [1, 1, 0], [1, 1, 1]]);
    world.cancel(caller, session);
    assert_eq!(phones.map(|phone| world.sent("CANCEL", world.at(phone))), [1, 1, 1]);
    world.assert_nothing_left();
    let record = world.records()[0].clone();
    assert_eq!(record.outcome, Outcome::Abandoned);
    assert!(record.story.attempts.iter().all(|one| one.stopped == Some(Stopped::Cancelled)));
}
