//! An agent takes an interaction and is gone before a word was said: back to the queue, in the old place.

use acd::{
    Activity, AgentId, Command, Event, Exit, ExitId, HandlingEnd, InteractionId, MaxLength, MaxWait,
    NobodyLoggedIn, OverflowCause, QueueId, Refusal, Requirement, Settings, StepEffect,
};

use crate::{BILLING, World, seconds, step};

const VOICEMAIL: Exit = Exit::Leave(ExitId(5));

#[test]
fn a_caller_who_is_given_back_has_the_old_place_and_is_offered_anew() {
    let mut world = World::new();
    world.queue(1, |queue| queue.after_call_work = seconds(30));
    world.call_with(1, 1, 2, None);
    world.wait(seconds(4));
    world.agent(1, &[]);
    world.call(2, 1);
    world.wait(seconds(3));
    world.accept(1);
    world.wait(seconds(1));
    world.take_events();
    world.give_back(1);
    let (interaction, queue, agent) = (InteractionId(1), QueueId(1), AgentId(1));
    let events = world.take_events();
    let (handled_for, cause) = (seconds(1), HandlingEnd::Returned);
    let interrupted_for = seconds(0);
    let ended = Event::HandlingEnded { interaction, queue, agent, handled_for, interrupted_for, cause };
    assert_eq!(events[0], ended);
    assert!(matches!(events[1], Event::AfterCallWorkStarted { agent: AgentId(1), .. }));
    assert!(matches!(events[2], Event::AgentChanged { activity: Activity::AfterCallWork { .. }, .. }));
    let (waited, age) = (seconds(8), seconds(8));
    let queued =
        Event::Queued { interaction, queue, from: Some(queue), beside: false, priority: 2, waited, age };
    assert_eq!(events[3..], [queued]);
    let snapshot = world.acd.snapshot(world.now);
    let counters = snapshot.queues[0].counters;
    assert_eq!((counters.offered, counters.answered, counters.finished, counters.returned), (3, 1, 1, 1));
    assert_eq!((snapshot.queues[0].waiting, snapshot.queues[0].handling), (2, 0));
    assert_eq!(snapshot.queues[0].longest_wait, seconds(8));
    world.agent(2, &[]);
    assert_eq!(world.rings(2), Some(1), "priority and arrival are kept");
}

#[test]
fn the_next_agent_has_the_caller_in_the_same_step_and_it_is_the_second_attempt() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.accept(1);
    world.take_events();
    world.give_back(1);
    assert_eq!((world.rings(1), world.rings(2)), (None, Some(1)));
    let again = |event: &Event| matches!(event, Event::Reserved { attempt: 2, agent: AgentId(2), .. });
    assert!(world.take_events().iter().any(again));
    world.wait(seconds(2));
    world.talk(2, seconds(60));
    let totals = world.acd.snapshot(world.now).totals;
    assert_eq!((totals.offered, totals.answered, totals.returned), (2, 2, 1));
}

#[test]
fn an_agent_who_was_gone_is_not_offered_the_same_caller_as_after_a_rejection() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.give_back(1);
    assert!(world.is_available(1), "no after-call work here");
    assert_eq!((world.rings(1), world.waits_in(1)), (None, Some(1)));
    world.call(2, 1);
    assert_eq!(world.rings(1), Some(2), "but others");
    world.talk(1, seconds(10));
    world.wait(seconds(51));
    assert_eq!(world.rings(1), Some(1), "and not for ever");
}

#[test]
fn steps_and_the_maximum_wait_count_as_if_nobody_had_answered() {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.steps = vec![step(20, Requirement::at_least(BILLING, 1), StepEffect::Replace)];
        queue.skip_unstaffed_steps = false;
        queue.max_wait = Some(MaxWait { after: seconds(60), exit: VOICEMAIL });
    });
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.wait(seconds(25));
    world.give_back(1);
    assert_eq!(world.step_of(1), 1, "20 s have passed since entry");
    world.wait(seconds(34));
    assert_eq!(world.left(), []);
    world.wait(seconds(2));
    assert_eq!(world.left(), [(1, 5)]);
}

#[test]
fn whose_time_is_over_leaves_unless_somebody_is_free() {
    for somebody_is_free in [true, false] {
        let mut world = World::new();
        world.queue(1, |queue| queue.max_wait = Some(MaxWait { after: seconds(60), exit: VOICEMAIL }));
        world.agent(1, &[]);
        world.call(1, 1);
        world.accept(1);
        world.wait(seconds(90));
        if somebody_is_free {
            world.agent(2, &[]);
        }
        world.give_back(1);
        assert_eq!(world.rings(2), somebody_is_free.then_some(1));
        assert_eq!(world.left().len(), usize::from(!somebody_is_free));
    }
}

#[test]
fn a_full_queue_takes_its_own_caller_back() {
    let mut world = World::new();
    world.queue(1, |queue| queue.max_length = Some(MaxLength { waiting: 1, exit: VOICEMAIL }));
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.call(2, 1);
    world.not_ready(1, 1);
    world.give_back(1);
    assert_eq!((world.waits_in(1), world.waits_in(2)), (Some(1), Some(1)));
    world.call(3, 1);
    assert_eq!(world.left(), [(3, 5)], "it counts for those who come");
}

#[test]
fn a_deserted_queue_lets_its_caller_go_by_its_exit() {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.nobody_logged_in = Some(NobodyLoggedIn { grace: seconds(0), exit: VOICEMAIL });
    });
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.log_out(1);
    world.take_events();
    world.give_back(1);
    let overflowed = |event: &Event| match event {
        Event::Overflowed { cause, .. } => Some(*cause),
        _ => None,
    };
    let causes: Vec<_> = world.take_events().iter().filter_map(overflowed).collect();
    assert_eq!(causes, [OverflowCause::NobodyLoggedIn]);
    assert!(world.acd.state().interactions.is_empty());
}

#[test]
fn an_agent_who_was_removed_meanwhile_is_gone_and_the_caller_waits() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.tell(Command::RemoveAgent { agent: AgentId(1) });
    world.give_back(1);
    assert!(world.acd.state().agents.is_empty());
    assert_eq!(world.waits_in(1), Some(1));
}

#[test]
fn without_a_conversation_a_queue_or_room_there_is_nothing_to_give_back() {
    let mut world = World::with(Settings { waiting_max: 1, ..Settings::default() });
    world.queue(1, |_| {});
    let interaction = InteractionId(1);
    let give_back = Command::Return { interaction };
    assert_eq!(world.try_to(give_back.clone()), Err(Refusal::UnknownInteraction(interaction)));
    world.agent(1, &[]);
    world.call(1, 1);
    assert_eq!(world.try_to(give_back.clone()), Err(Refusal::WrongStage(interaction)));
    world.accept(1);
    world.call(2, 1);
    assert_eq!(world.try_to(give_back.clone()), Err(Refusal::TooManyWaiting));
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: VOICEMAIL });
    assert_eq!(world.try_to(give_back), Err(Refusal::UnknownQueue(QueueId(1))));
    world.finish(1);
    assert!(world.acd.state().interactions.is_empty());
}
