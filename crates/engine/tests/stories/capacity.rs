//! An agent who takes two calls at once: the phone rings again while the first conversation goes on.

use std::time::Duration;

use acd::{Activity, AgentId, AgentSettings, Capacity, Channel, QueueSettings, Work};
use engine::{Outcome, Standing, Treatment};

use crate::world::{BILLING, Manner, Peer, World};

/// Agent 1 takes two calls at once; the leases of conversations last so many seconds.
fn two_at_once(manner: Manner, after_call_work: u64) -> (World, Peer) {
    let lease = acd::Settings { handling_lease: Some(Duration::from_secs(60)), ..acd::Settings::default() };
    let mut world = World::with(Treatment::Ringback, lease, 1);
    let after_call_work = Duration::from_secs(after_call_work);
    world.define(BILLING, QueueSettings { after_call_work, ..QueueSettings::default() });
    let phone = world.agent(1, manner);
    let capacity = Capacity::default().with(Channel::VOICE, 2);
    let settings = Box::new(AgentSettings { capacity, ..AgentSettings::default() });
    world.reload(vec![acd::Command::DefineAgent { agent: AgentId(1), settings }]);
    (world, phone)
}

fn in_hand(world: &World) -> (Vec<Work>, u8, u8) {
    let seen = world.distributor.agent_snapshot(AgentId(1)).expect("agent 1 is defined");
    let works = seen.works.iter().copied().collect();
    (works, seen.used(Channel::VOICE), seen.free(Channel::VOICE))
}

fn standings(world: &World) -> Vec<Standing> {
    world.engine.interactions(None, 9, None, Some(AgentId(1))).iter().map(|one| one.standing).collect()
}

#[test]
fn two_callers_talk_to_one_agent_and_a_third_waits_for_the_end_of_either() {
    let (mut world, phone) = two_at_once(Manner::Answers(1_000), 0);
    let callers = ["10.0.0.2", "10.0.0.3", "10.0.0.4"].map(|at| world.peer(at, Manner::ByHand));
    let first = world.call(callers[0], "100");
    world.run(5_000);
    assert_eq!((in_hand(&world).1, in_hand(&world).2), (1, 1), "one more could be offered");
    let second = world.call(callers[1], "100");
    world.run(500);
    assert_eq!(standings(&world), [Standing::Talking, Standing::Ringing]);
    world.run(4_500);
    let third = world.call(callers[2], "100");
    // Longer than a lease: each conversation is renewed by itself.
    world.run(150_000);
    assert_eq!(standings(&world), [Standing::Talking, Standing::Talking]);
    let (works, used, free) = in_hand(&world);
    assert!(works.iter().all(Work::is_handling), "{works:?}");
    assert_eq!((works.len(), used, free, world.sent("INVITE", world.at(phone))), (2, 2, 0, 2));
    world.bye(callers[0], first);
    world.run(5_000);
    assert_eq!(world.sent("INVITE", world.at(phone)), 3, "in the place of the first");
    assert!(matches!(world.activity(1), Some(Activity::Handling { .. })));
    world.bye(callers[1], second);
    world.bye(callers[2], third);
    world.assert_nothing_left();
    let outcomes: Vec<Outcome> = world.records().iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Answered; 3]);
    assert_eq!(world.totals().expired, 0);
}

#[test]
fn a_phone_that_takes_no_second_call_is_left_alone_and_the_first_goes_on() {
    let (mut world, phone) = two_at_once(Manner::Answers(500), 0);
    let callers = ["10.0.0.2", "10.0.0.3"].map(|at| world.peer(at, Manner::ByHand));
    let first = world.call(callers[0], "100");
    world.run(2_000);
    world.manners[phone] = Manner::Refuses(486, 100);
    let second = world.call(callers[1], "100");
    world.run(2_000);
    assert_eq!(standings(&world), [Standing::Talking]);
    assert_eq!((in_hand(&world).1, in_hand(&world).2), (1, 0), "nothing is offered for a while");
    assert!(matches!(world.activity(1), Some(Activity::Handling { .. })));
    world.manners[phone] = Manner::Answers(500);
    world.run(60_000);
    assert_eq!(standings(&world), [Standing::Talking, Standing::Talking], "after the back-off");
    world.bye(callers[1], second);
    world.bye(callers[0], first);
    world.assert_nothing_left();
    assert_eq!(world.totals().answered, 2);
}

#[test]
fn the_wrap_up_of_one_call_goes_on_beside_the_other_conversation() {
    let (mut world, _) = two_at_once(Manner::Answers(500), 30);
    let callers = ["10.0.0.2", "10.0.0.3"].map(|at| world.peer(at, Manner::ByHand));
    let sessions = callers.map(|caller| world.call(caller, "100"));
    world.run(2_000);
    assert_eq!(standings(&world), [Standing::Talking, Standing::Talking], "both phones rang at once");
    world.bye(callers[0], sessions[0]);
    world.run(1_000);
    let (works, used, free) = in_hand(&world);
    assert!(works[0].is_after_call_work() && works[1].is_handling(), "{works:?}");
    assert_eq!((used, free), (2, 0));
    let foreground = world.distributor.agent_snapshot(AgentId(1)).expect("here").works.foreground().copied();
    assert_eq!(foreground, Some(works[1]), "the conversation comes first");
    world.run(40_000);
    assert_eq!((in_hand(&world).1, in_hand(&world).2), (1, 1));
    world.bye(callers[1], sessions[1]);
    world.assert_nothing_left();
}
