//! Messages that are lost between the engine and the distributor hold no agent.

use std::time::Duration;

use acd::{Activity, Command, Event, Settings};
use engine::{Outcome, Treatment};

use crate::world::{Manner, World};

const LEASE: Duration = Duration::from_secs(60);

fn world() -> World {
    let settings =
        Settings { handling_lease: Some(LEASE), occupied_lease: Some(LEASE), ..Settings::default() };
    World::with(Treatment::Ringback, settings, 1)
}

fn expired(world: &World) -> usize {
    world.said.iter().filter(|event| matches!(event, Event::LeaseExpired { .. })).count()
}

fn is_handling(world: &World) -> bool {
    matches!(world.activity(1), Some(Activity::Handling { .. }))
}

#[test]
fn an_end_that_never_reaches_the_distributor_sets_the_agent_free_with_the_lease() {
    let mut world = world();
    world.agent(1, Manner::Answers(50));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(1_000);
    world.loses = |command| matches!(command, Command::Finish { .. });
    world.bye(caller, session);
    world.run(30_000);
    assert!(is_handling(&world), "nobody has told the distributor");
    world.loses = |_| false;
    world.run(31_000);
    assert!(matches!(world.activity(1), Some(Activity::Idle { .. })));
    assert_eq!((expired(&world), world.totals().expired), (1, 1));
    assert_eq!(world.records().len(), 1, "and the record is written");
    world.assert_nothing_left();
}

#[test]
fn a_conversation_that_goes_on_outlives_any_number_of_leases() {
    let mut world = world();
    world.agent(1, Manner::Answers(50));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(3_600_000);
    assert!(is_handling(&world));
    assert_eq!(expired(&world), 0);
    world.bye(caller, session);
    world.run(1_000);
    assert!(matches!(world.activity(1), Some(Activity::Idle { .. })));
    world.assert_nothing_left();
    assert_eq!(world.engine.poll_timeout(), None, "without calls nothing is renewed");
}

#[test]
fn two_renewals_in_a_row_may_be_lost() {
    let mut world = world();
    world.agent(1, Manner::Answers(50));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(65_000);
    world.loses = |command| matches!(command, Command::Renew { .. });
    world.run(39_000);
    world.loses = |_| false;
    world.run(120_000);
    assert!(is_handling(&world));
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn nobody_talks_on_with_an_agent_whom_the_distributor_has_set_free() {
    let mut world = world();
    world.agent(1, Manner::Answers(50));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    world.call(caller, "100");
    world.run(1_000);
    world.loses = |command| matches!(command, Command::Renew { .. });
    world.run(62_000);
    world.loses = |_| false;
    assert_eq!(expired(&world), 1);
    let records = world.records();
    assert_eq!((records.len(), records[0].outcome), (1, Outcome::Answered), "the call is over, too");
    world.assert_nothing_left();
}

#[test]
fn many_conversations_are_renewed_a_few_at_a_time() {
    let mut world = world();
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    for number in 1..=40 {
        world.agent(number, Manner::Answers(50));
    }
    let sessions: Vec<_> = (0..40).map(|_| world.call(caller, "100")).collect();
    world.run(600_000);
    assert_eq!(expired(&world), 0);
    assert_eq!(world.distributor.snapshot(world.now).interactions, 40);
    for session in sessions {
        world.bye(caller, session);
    }
    world.assert_nothing_left();
}

/// The engine and the distributor go by another lease from now on.
fn lease(world: &mut World, lease: Option<Duration>) {
    world.configure(|engine, shared| {
        engine.lease = lease;
        (shared.handling_lease, shared.occupied_lease) = (lease, lease);
    });
}

#[test]
fn a_lease_that_comes_while_people_talk_ends_nothing_that_goes_on() {
    let mut world = World::with(Treatment::Ringback, Settings::default(), 1);
    world.agent(1, Manner::Answers(50));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    world.call(caller, "100");
    world.run(600_000);
    lease(&mut world, Some(LEASE));
    world.run(600_000);
    assert!(is_handling(&world), "it is ten times as old as the lease is long");
    assert_eq!(expired(&world), 0);
    world.loses = |command| matches!(command, Command::Renew { .. });
    world.run(61_000);
    assert_eq!(expired(&world), 1, "the distributor goes by it");
    world.assert_nothing_left();
}

#[test]
fn a_lease_that_is_cut_short_between_two_renewals_ends_nothing_that_goes_on() {
    let mut world = World::with(Treatment::Ringback, Settings::default(), 1);
    lease(&mut world, Some(Duration::from_secs(300)));
    world.agent(1, Manner::Answers(50));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    // Renewed every 100 s, and 90 s ago.
    world.run(190_000);
    lease(&mut world, Some(Duration::from_secs(30)));
    world.run(300_000);
    assert!(is_handling(&world));
    lease(&mut world, Some(LEASE));
    world.run(300_000);
    lease(&mut world, None);
    world.loses = |command| matches!(command, Command::Renew { .. });
    world.run(300_000);
    assert!(is_handling(&world), "nothing has to be renewed any more");
    assert_eq!(expired(&world), 0);
    world.loses = |_| false;
    world.bye(caller, session);
    world.assert_nothing_left();
}
