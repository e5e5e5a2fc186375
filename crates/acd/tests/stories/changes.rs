//! What people want of a call that waits: another priority, requirement and queue, together or not at all.

use acd::{
    Change, Channel, Command, Event, InteractionId, Invalid, QueueId, Refusal, Requirement, SupervisorId,
};

use crate::{BILLING, ENGLISH, World, seconds};

const CALL: InteractionId = InteractionId(1);

/// Queue 1 asks for billing, queue 2 for english.
fn two_queues() -> World {
    let mut world = World::new();
    world.queue(1, |queue| queue.requirement = Requirement::at_least(BILLING, 1));
    world.queue(2, |queue| queue.requirement = Requirement::at_least(ENGLISH, 1));
    world
}

fn all_of_it() -> Change {
    Change {
        priority: Some(3),
        requirement: Some(Some(Requirement::at_least(BILLING, 5))),
        queue: Some(QueueId(2)),
    }
}

fn try_change(world: &mut World, change: Change) -> Result<(), Refusal> {
    world.try_to(Command::Change { interaction: CALL, change, by: None })
}

/// What the last change changed, and who wanted it.
fn changed(world: &mut World) -> Option<(Change, Option<SupervisorId>)> {
    world.take_events().into_iter().rev().find_map(|event| match event {
        Event::Changed { change, by, .. } => Some((*change, by)),
        _ => None,
    })
}

#[test]
fn all_of_a_change_takes_effect_at_once_and_nobody_is_rung_by_a_half_of_it() {
    let mut world = two_queues();
    world.agent(8, &[(ENGLISH, 5)]);
    world.call(1, 1);
    world.wait(seconds(40));
    // The other queue alone would ring agent 8.
    world.change(1, all_of_it());
    assert!(!world.take_events().iter().any(|event| matches!(event, Event::Reserved { .. })));
    let state = world.acd.state();
    let call = &state.interactions[&CALL];
    assert_eq!((world.waits_in(1), call.priority), (Some(2), 3));
    assert_eq!(world.now - call.arrived, seconds(40), "the age is kept");
    world.agent(7, &[(BILLING, 5), (ENGLISH, 5)]);
    assert_eq!(world.rings(7), Some(1));
}

#[test]
fn an_idle_agent_who_fits_the_change_is_rung_in_the_same_call() {
    let mut world = two_queues();
    world.agent(8, &[(ENGLISH, 5)]);
    world.agent(9, &[(ENGLISH, 5), (BILLING, 1)]);
    let need_more = Requirement::at_least(BILLING, 2);
    world.call_with(1, 1, 0, Some(need_more));
    assert_eq!((world.rings(8), world.rings(9)), (None, None));
    let change = Change { requirement: Some(None), queue: Some(QueueId(2)), ..Change::NOTHING };
    world.change(1, change);
    assert_eq!(world.rings(8), Some(1), "the longest idle");
}

#[test]
fn a_change_of_which_one_part_cannot_be_made_changes_nothing() {
    let mut world = two_queues();
    world.queue(3, |queue| queue.channel = Channel(1));
    world.call(1, 1);
    let before = world.acd.state_hash();
    let unknown = Change { queue: Some(QueueId(9)), ..all_of_it() };
    assert_eq!(try_change(&mut world, unknown), Err(Refusal::UnknownQueue(QueueId(9))));
    let chats = Change { queue: Some(QueueId(3)), ..all_of_it() };
    assert_eq!(try_change(&mut world, chats), Err(Refusal::OtherChannel(QueueId(3))));
    let level = Requirement::at_least(BILLING, 11);
    let wrong = Change { requirement: Some(Some(level)), ..all_of_it() };
    assert_eq!(try_change(&mut world, wrong), Err(Refusal::Invalid(Invalid::Level(BILLING, 11))));
    assert_eq!(world.acd.state_hash(), before);
    let nobody = Command::Change { interaction: InteractionId(2), change: all_of_it(), by: None };
    assert_eq!(world.try_to(nobody), Err(Refusal::UnknownInteraction(InteractionId(2))));
}

#[test]
fn while_an_agent_is_rung_only_the_priority_changes() {
    let mut world = two_queues();
    world.agent(7, &[(BILLING, 5)]);
    world.call(1, 1);
    assert_eq!(try_change(&mut world, all_of_it()), Err(Refusal::WrongStage(CALL)));
    assert_eq!(try_change(&mut world, Change::queue(QueueId(2))), Err(Refusal::WrongStage(CALL)));
    // Two changes that are none.
    assert_eq!(try_change(&mut world, Change { queue: Some(QueueId(1)), ..Change::priority(2) }), Ok(()));
    assert_eq!(changed(&mut world), Some((Change::priority(2), None)));
    world.accept(7);
    assert_eq!(
        try_change(&mut world, Change::priority(4)),
        Err(Refusal::WrongStage(CALL)),
        "in conversation"
    );
}

#[test]
fn it_is_told_what_has_changed_and_who_wanted_it() {
    let mut world = two_queues();
    world.call(1, 1);
    let by = Some(SupervisorId(4));
    world.tell(Command::Change { interaction: CALL, change: all_of_it(), by });
    assert_eq!(changed(&mut world), Some((all_of_it(), by)));
    world.tell(Command::Change {
        interaction: CALL,
        change: Change { priority: Some(1), ..all_of_it() },
        by,
    });
    assert_eq!(changed(&mut world), Some((Change::priority(1), by)), "the rest was so already");
    world.tell(Command::Change { interaction: CALL, change: Change::requirement(None), by: None });
    assert_eq!(changed(&mut world), Some((Change::requirement(None), None)));
    world.change(1, Change::requirement(None));
    assert_eq!(changed(&mut world), Some((Change::NOTHING, None)));
}

#[test]
fn whoever_waits_in_several_queues_may_be_left_in_one_of_them_and_need_something_else() {
    let mut world = two_queues();
    let request = acd::Request { also: vec![QueueId(2)], ..acd::Request::new(QueueId(1)) };
    world.tell(Command::Enqueue { interaction: CALL, request });
    world.wait(seconds(10));
    world.change(1, Change { requirement: Some(None), ..all_of_it() });
    let state = world.acd.state();
    let call = &state.interactions[&CALL];
    let stands: Vec<u32> = call.entries.iter().map(|entry| entry.queue.0).collect();
    assert_eq!((stands, world.now - call.first().entered), (vec![2], seconds(10)));
    world.agent(7, &[(BILLING, 9)]);
    world.agent(8, &[(ENGLISH, 9)]);
    assert_eq!((world.rings(7), world.rings(8)), (None, Some(1)));
}
