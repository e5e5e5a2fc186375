//! A caller in several queues at once: each as if it were the only one, until one of them has an agent.

use acd::{
    Change, Command, DequeueCause, ENTRIES_MAX, Event, Exit, ExitId, InteractionId, MaxLength, MaxWait,
    QueueId, Refusal, RejectCause, Request, Requirement, Selection, StepEffect,
};

use crate::{BILLING, ENGLISH, World, seconds, step};

const VOICEMAIL: Exit = Exit::Leave(ExitId(5));

fn call(world: &mut World, id: u64, queues: &[u32]) {
    world.tell(enqueue(id, queues));
}

fn enqueue(id: u64, queues: &[u32]) -> Command {
    let also = queues[1..].iter().copied().map(QueueId).collect();
    let request = Request { also, ..Request::new(QueueId(queues[0])) };
    Command::Enqueue { interaction: InteractionId(id), request }
}

/// Queue 1 asks for billing, queue 2 for English.
fn two_queues() -> World {
    let mut world = World::new();
    world.queue(1, |queue| queue.requirement = Requirement::at_least(BILLING, 1));
    world.queue(2, |queue| queue.requirement = Requirement::at_least(ENGLISH, 1));
    world
}

/// Who left which queue for what became of it in another.
fn dequeued(world: &mut World) -> Vec<(u64, u32, DequeueCause)> {
    let one = |event: &Event| match *event {
        Event::Dequeued { interaction, queue, cause, .. } => Some((interaction.0, queue.0, cause)),
        _ => None,
    };
    world.take_events().iter().filter_map(one).collect()
}

fn stands_in(world: &World, id: u64) -> Vec<u32> {
    let state = world.acd.state();
    let stands = state.interactions.get(&InteractionId(id)).map(|one| one.entries.clone());
    stands.unwrap_or_default().iter().map(|entry| entry.queue.0).collect()
}

fn lengths(world: &World) -> Vec<(u32, u32, u32)> {
    let snapshot = world.acd.snapshot(world.now);
    snapshot.queues.iter().map(|queue| (queue.waiting, queue.reserved, queue.elsewhere)).collect()
}

#[test]
fn whoever_is_free_first_in_either_queue_takes_the_caller_out_of_both() {
    let mut world = two_queues();
    call(&mut world, 1, &[1, 2]);
    assert_eq!(lengths(&world), [(1, 0, 0), (1, 0, 0)]);
    world.wait(seconds(20));
    world.agent(2, &[(ENGLISH, 5)]);
    assert_eq!((world.rings(2), lengths(&world)), (Some(1), vec![(0, 0, 1), (0, 1, 0)]));
    world.take_events();
    world.accept(2);
    assert_eq!(dequeued(&mut world), [(1, 1, DequeueCause::Answered)]);
    assert_eq!(stands_in(&world, 1), [2]);
    let snapshot = world.acd.snapshot(world.now);
    let counted: Vec<(u64, u64, u64)> = snapshot
        .queues
        .iter()
        .map(|queue| (queue.counters.offered, queue.counters.answered, queue.counters.dequeued))
        .collect();
    assert_eq!(counted, [(1, 0, 1), (1, 1, 0)]);
    assert_eq!((snapshot.interactions, snapshot.totals.offered), (1, 2));
}

#[test]
fn of_two_queues_with_an_idle_agent_the_first_of_the_list_has_the_caller() {
    let mut world = two_queues();
    world.agent(1, &[(BILLING, 5)]);
    world.agent(2, &[(ENGLISH, 5)]);
    call(&mut world, 1, &[2, 1]);
    assert_eq!((world.rings(1), world.rings(2)), (None, Some(1)));
}

#[test]
fn a_lower_band_comes_before_the_order_of_the_list() {
    let mut world = two_queues();
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 1);
        queue.band = 2;
    });
    world.agent(1, &[(BILLING, 5)]);
    world.agent(2, &[(ENGLISH, 5)]);
    call(&mut world, 1, &[2, 1]);
    assert_eq!((world.rings(1), world.rings(2)), (Some(1), None));
}

#[test]
fn an_agent_of_both_queues_takes_the_caller_by_the_one_that_the_selection_puts_first() {
    let mut world = two_queues();
    world.define_agent(1, &[(BILLING, 2), (ENGLISH, 9)], |agent| {
        agent.selection = Some(Selection::SkillLevel);
    });
    call(&mut world, 1, &[1, 2]);
    world.log_in(1);
    let queue = world.acd.state().reservations.values().next().map(|held| held.queue);
    assert_eq!(queue, Some(QueueId(2)));
}

#[test]
fn after_a_rejection_the_caller_has_all_places_and_entries_again() {
    let mut world = two_queues();
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 1);
        queue.steps = vec![step(30, Requirement::anyone(), StepEffect::Replace)];
    });
    call(&mut world, 1, &[1, 2]);
    world.wait(seconds(10));
    call(&mut world, 2, &[1]);
    world.wait(seconds(10));
    world.agent(2, &[(ENGLISH, 5)]);
    assert_eq!(world.rings(2), Some(1));
    // The step of the first queue comes while the phone rings.
    world.wait(seconds(12));
    world.reject(2, RejectCause::Busy);
    assert_eq!((stands_in(&world, 1), world.step_of(1)), (vec![1, 2], 1));
    world.agent(1, &[(BILLING, 5)]);
    assert_eq!(world.rings(1), Some(1), "still before call 2");
}

#[test]
fn who_gives_up_is_abandoned_in_the_first_queue_and_taken_out_of_the_others() {
    let mut world = two_queues();
    world.queue(3, |_| {});
    call(&mut world, 1, &[2, 1, 3]);
    world.wait(seconds(20));
    world.hang_up(1);
    assert_eq!(dequeued(&mut world), [(1, 1, DequeueCause::Abandoned), (1, 3, DequeueCause::Abandoned)]);
    let snapshot = world.acd.snapshot(world.now);
    let abandoned: Vec<u64> = snapshot.queues.iter().map(|queue| queue.counters.abandoned).collect();
    assert_eq!((abandoned, snapshot.interactions), (vec![0, 1, 0], 0));
}

#[test]
fn a_queue_that_sends_the_caller_away_ends_only_its_own_wait_as_long_as_there_is_another() {
    let mut world = two_queues();
    world.queue(1, |queue| queue.max_wait = Some(MaxWait { after: seconds(10), exit: VOICEMAIL }));
    world.queue(2, |queue| queue.max_wait = Some(MaxWait { after: seconds(30), exit: VOICEMAIL }));
    call(&mut world, 1, &[1, 2]);
    world.wait(seconds(11));
    assert_eq!(stands_in(&world, 1), [2]);
    let elsewhere = |event: &Event| matches!(event, Event::Overflowed { elsewhere: true, .. });
    assert_eq!(world.take_events().iter().filter(|event| elsewhere(event)).count(), 1);
    world.wait(seconds(20));
    assert_eq!(world.left(), [(1, 5)]);
    assert!(world.acd.state().interactions.is_empty());
}

#[test]
fn who_flows_into_a_queue_moves_by_that_entry_alone_and_not_into_one_twice() {
    let mut world = two_queues();
    world.queue(3, |_| {});
    let into = |queue| Some(MaxWait { after: seconds(10), exit: Exit::Queue(QueueId(queue)) });
    world.queue(1, |queue| queue.max_wait = into(3));
    call(&mut world, 1, &[1, 2]);
    call(&mut world, 2, &[1, 3]);
    world.wait(seconds(11));
    assert_eq!((stands_in(&world, 1), stands_in(&world, 2)), (vec![3, 2], vec![3]));
    let offered = world.acd.snapshot(world.now).queues[2].counters.offered;
    assert_eq!(offered, 2, "call 2 stood there already and kept its entry");
}

#[test]
fn a_full_queue_turns_the_caller_away_and_the_other_keeps_the_caller() {
    let mut world = two_queues();
    world.queue(1, |queue| queue.max_length = Some(MaxLength { waiting: 0, exit: VOICEMAIL }));
    call(&mut world, 1, &[1, 2]);
    assert_eq!((stands_in(&world, 1), world.waits_in(1)), (vec![2], Some(2)));
}

#[test]
fn who_is_moved_leaves_all_the_other_queues() {
    let mut world = two_queues();
    world.queue(3, |_| {});
    call(&mut world, 1, &[1, 2]);
    call(&mut world, 2, &[1, 2]);
    world.change(1, Change::queue(QueueId(3)));
    world.wait(seconds(5));
    world.change(2, Change::queue(QueueId(2)));
    assert_eq!((stands_in(&world, 1), stands_in(&world, 2)), (vec![3], vec![2]));
    let entered = world.acd.state().interactions[&InteractionId(2)].first().entered;
    assert_eq!(
        world.now - entered,
        seconds(5),
        "the time in the queue where the caller stood already is kept"
    );
}

#[test]
fn a_queue_that_is_removed_leaves_the_caller_in_the_others() {
    let mut world = two_queues();
    call(&mut world, 1, &[1, 2]);
    world.agent(1, &[(BILLING, 5)]);
    assert_eq!(world.rings(1), Some(1));
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: VOICEMAIL });
    assert_eq!((world.rings(1), world.waits_in(1)), (None, Some(2)));
    assert_eq!(dequeued(&mut world), [(1, 1, DequeueCause::QueueRemoved)]);
    world.agent(2, &[(ENGLISH, 5)]);
    assert_eq!(world.rings(2), Some(1));
}

#[test]
fn a_caller_who_is_given_back_waits_in_the_queue_of_the_answer_alone() {
    let mut world = two_queues();
    world.agent(2, &[(ENGLISH, 5)]);
    call(&mut world, 1, &[1, 2]);
    world.accept(2);
    world.wait(seconds(3));
    world.give_back(1);
    assert_eq!(stands_in(&world, 1), [2]);
}

#[test]
fn what_is_asked_for_twice_or_too_often_or_is_not_there_is_refused() {
    let mut world = two_queues();
    assert_eq!(world.try_to(enqueue(1, &[1, 2, 1])), Err(Refusal::DuplicateQueue(QueueId(1))));
    assert_eq!(world.try_to(enqueue(1, &[1, 7])), Err(Refusal::UnknownQueue(QueueId(7))));
    let most = u32::try_from(ENTRIES_MAX).expect("a small number");
    (1..=most + 1).for_each(|id| world.queue(id, |_| {}));
    let all: Vec<u32> = (1..=most + 1).collect();
    assert_eq!(world.try_to(enqueue(1, &all)), Err(Refusal::TooManyEntries));
    world.tell(enqueue(1, &all[..ENTRIES_MAX]));
    assert_eq!(stands_in(&world, 1).len(), ENTRIES_MAX);
}

#[test]
fn a_move_onto_where_the_caller_stands_already_flows_nowhere() {
    let mut world = two_queues();
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 1);
        queue.max_wait = Some(MaxWait { after: seconds(10), exit: Exit::Queue(QueueId(2)) });
    });
    call(&mut world, 1, &[1, 2]);
    call(&mut world, 2, &[1]);
    world.wait(seconds(11));
    assert_eq!((stands_in(&world, 1), stands_in(&world, 2)), (vec![2], vec![2]));
    let flows = |world: &World| {
        let queues = world.acd.snapshot(world.now).queues;
        let flows = queues.iter().map(|queue| queue.counters);
        flows.map(|flow| (flow.overflowed, flow.flowed_out, flow.flowed_in)).collect::<Vec<_>>()
    };
    assert_eq!(flows(&world), [(2, 1, 0), (0, 0, 1)], "call 1 was in queue 2 from the beginning");
    call(&mut world, 3, &[1, 2]);
    world.tell(Command::Change {
        interaction: InteractionId(3),
        change: Change::queue(QueueId(2)),
        by: None,
    });
    assert_eq!(flows(&world), [(3, 1, 0), (0, 0, 1)]);
}
