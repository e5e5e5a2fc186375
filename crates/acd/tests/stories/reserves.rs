//! Agents who are kept for an overload.

use acd::{
    Command, Event, Exit, ExitId, Invalid, QueueId, QueueSettings, Refusal, Requirement, Reserve, Settings,
};

use crate::{BILLING, ENGLISH, World, seconds};

fn reserve(skill: acd::SkillId, after: u64) -> Reserve {
    Reserve { requirement: Requirement::at_least(skill, 1), after: seconds(after) }
}

/// Queue 1 with agent 2 in its first reserve (30 s) and agent 3 in its second (60 s); agent 1 is in conversation.
fn world() -> World {
    world_with(Settings::default())
}

fn world_with(settings: Settings) -> World {
    let mut world = World::with(settings);
    world.queue(1, |queue| queue.reserves = vec![reserve(BILLING, 30), reserve(ENGLISH, 60)]);
    world.agent(1, &[]);
    world.call(100, 1);
    world.accept(1);
    world.agent(2, &[(BILLING, 5)]);
    world.agent(3, &[(ENGLISH, 5)]);
    world
}

fn changes(world: &mut World) -> Vec<u8> {
    let open = |event: &Event| match event {
        Event::ReservesChanged { queue: QueueId(1), open } => Some(*open),
        _ => None,
    };
    world.take_events().iter().filter_map(open).collect()
}

#[test]
fn a_reserve_agent_stays_idle_until_somebody_has_waited_for_the_threshold() {
    let mut world = world();
    world.call(1, 1);
    world.wait(seconds(29));
    assert_eq!((world.rings(2), world.rings(3)), (None, None));
    world.wait(seconds(2));
    assert_eq!((world.rings(2), world.rings(3)), (Some(1), None));
    assert_eq!(changes(&mut world), [1, 0], "nobody waits any more");
}

#[test]
fn an_agent_of_no_reserve_takes_calls_at_once() {
    let mut world = world();
    world.agent(4, &[]);
    world.call(1, 1);
    assert_eq!(world.rings(4), Some(1));
}

#[test]
fn all_reserves_close_as_soon_as_nobody_has_waited_for_the_first_threshold() {
    let mut world = world();
    world.call(1, 1);
    world.wait(seconds(20));
    world.call(2, 1);
    world.wait(seconds(11));
    assert_eq!(world.rings(2), Some(1));
    world.talk(2, seconds(5));
    assert_eq!(world.rings(2), None, "call 2 has waited for 16 seconds");
    world.wait(seconds(15));
    assert_eq!(world.rings(2), Some(2));
}

#[test]
fn the_second_reserve_opens_at_its_threshold_and_helps_until_the_first_closes() {
    let mut world = world();
    world.not_ready(2, 1);
    for call in 1..=2 {
        world.call(call, 1);
    }
    world.wait(seconds(20));
    world.call(3, 1);
    world.wait(seconds(39));
    assert_eq!(world.rings(3), None);
    world.wait(seconds(2));
    assert_eq!(world.rings(3), Some(1));
    world.talk(3, seconds(1));
    assert_eq!(world.rings(3), Some(2));
    world.talk(3, seconds(1));
    // Call 3 has waited for 43 seconds: under the second threshold and over the first.
    assert_eq!(world.rings(3), Some(3));
    assert_eq!(changes(&mut world), [1, 2, 0]);
}

#[test]
fn reserves_that_close_later_than_they_open_go_on_helping_who_has_waited_less() {
    let mut world = world();
    world.queue(1, |queue| {
        queue.reserves = vec![reserve(BILLING, 30), reserve(ENGLISH, 60)];
        queue.reserves_close = Some(seconds(10));
    });
    world.call(1, 1);
    world.wait(seconds(15));
    world.call(2, 1);
    world.wait(seconds(9));
    world.call(3, 1);
    world.wait(seconds(7));
    assert_eq!(world.rings(2), Some(1));
    world.talk(2, seconds(1));
    assert_eq!(world.rings(2), Some(2), "after 17 seconds: under the threshold, but not so that it is over");
    assert_eq!(changes(&mut world), [1, 0], "call 3 has waited for 8 seconds");
    world.talk(2, seconds(1));
    assert_eq!(world.rings(2), None);
}

#[test]
fn reserves_that_close_at_zero_help_until_nobody_waits() {
    let mut world = world();
    world.queue(1, |queue| {
        queue.reserves = vec![reserve(BILLING, 30)];
        queue.reserves_close = Some(seconds(0));
    });
    world.not_ready(3, 1);
    world.call(1, 1);
    world.wait(seconds(31));
    world.call(2, 1);
    world.talk(2, seconds(0));
    assert_eq!(world.rings(2), None, "nobody waited when call 1 was taken");
    world.wait(seconds(25));
    world.call(3, 1);
    world.wait(seconds(6));
    world.talk(2, seconds(1));
    assert_eq!(world.rings(2), Some(3), "after 7 seconds");
}

#[test]
fn a_reserve_agent_serves_other_queues_as_everybody_does() {
    let mut world = world();
    world.queue(2, |_| {});
    world.call(1, 1);
    world.wait(seconds(5));
    world.call(2, 2);
    assert_eq!(world.rings(2), Some(2), "call 1 stands before, but not for this agent yet");
}

#[test]
fn who_comes_back_after_a_ring_that_failed_has_its_wait_and_opens_the_reserve() {
    let mut world = world();
    world.agent(4, &[]);
    world.call(1, 1);
    world.wait(seconds(5));
    world.reject(4, acd::RejectCause::Rejected);
    world.wait(seconds(26));
    assert_eq!(world.rings(2), Some(1), "31 seconds after entry");
}

#[test]
fn new_rules_begin_with_closed_reserves() {
    let mut world = world();
    world.not_ready(2, 1);
    world.not_ready(3, 1);
    world.call(1, 1);
    world.wait(seconds(40));
    assert_eq!(changes(&mut world), [1]);
    world.queue(1, |queue| queue.reserves = vec![reserve(BILLING, 50)]);
    world.ready(2);
    assert_eq!(world.rings(2), None);
    world.wait(seconds(11));
    assert_eq!(world.rings(2), Some(1));
}

#[test]
fn reserves_that_are_open_stay_open_when_other_rules_change() {
    let other_rules: [fn(&mut QueueSettings); 2] = [
        |queue| queue.ring_timeout = seconds(20),
        |queue| queue.max_wait = Some(acd::MaxWait { after: seconds(600), exit: Exit::Leave(ExitId(1)) }),
    ];
    for change in other_rules {
        let mut world = world();
        world.not_ready(2, 1);
        world.not_ready(3, 1);
        world.call(1, 1);
        world.wait(seconds(40));
        assert_eq!(changes(&mut world), [1]);
        let mut settings = world.acd.state().queues[&QueueId(1)].settings.clone();
        change(&mut settings);
        world.tell(Command::DefineQueue { queue: QueueId(1), settings: Box::new(settings) });
        assert!(changes(&mut world).is_empty());
        world.ready(2);
        assert_eq!(world.rings(2), Some(1));
    }
}

#[test]
fn a_reserve_of_many_alike_is_a_reserve() {
    let mut world = world_with(Settings { pooled_from: 2, ..Settings::default() });
    for agent in 4..=6 {
        world.agent(agent, &[(BILLING, 5)]);
    }
    world.call(1, 1);
    world.wait(seconds(29));
    assert_eq!([2, 4, 5, 6].map(|agent| world.rings(agent)), [None; 4]);
    world.wait(seconds(2));
    assert_eq!(world.rings(2), Some(1));
}

#[test]
fn the_decision_says_that_a_reserve_agent_was_taken() {
    let mut world = world();
    world.call(1, 1);
    world.wait(seconds(31));
    let decision = world.take_events().into_iter().rev().find_map(|event| match event {
        Event::Reserved { decision, .. } => Some(decision),
        _ => None,
    });
    assert_eq!(decision.expect("agent 2 was reserved").reserve, 1);
}

#[test]
fn reserves_out_of_order_are_refused() {
    let refused = |reserves: Vec<Reserve>| {
        let settings = Box::new(QueueSettings { reserves, ..QueueSettings::default() });
        World::new().try_to(Command::DefineQueue { queue: QueueId(1), settings }).expect_err("out of order")
    };
    let invalid = |invalid| Refusal::Invalid(invalid);
    assert_eq!(refused(vec![reserve(BILLING, 0)]), invalid(Invalid::ReserveOutOfOrder(1)));
    let equal = vec![reserve(BILLING, 30), reserve(ENGLISH, 30)];
    assert_eq!(refused(equal), invalid(Invalid::ReserveOutOfOrder(2)));
    let close = |reserves, close| {
        let reserves_close = Some(seconds(close));
        let settings = QueueSettings { reserves, reserves_close, ..QueueSettings::default() };
        let queue = QueueId(1);
        World::new()
            .try_to(Command::DefineQueue { queue, settings: Box::new(settings) })
            .expect_err("too late")
    };
    assert_eq!(close(vec![reserve(BILLING, 30)], 31), invalid(Invalid::ReservesClose));
    assert_eq!(close(vec![], 0), invalid(Invalid::ReservesClose), "there is none to close");
    let three = [10, 20, 30].map(|after| reserve(BILLING, after)).to_vec();
    assert_eq!(refused(three), invalid(Invalid::TooManyReserves));
}
