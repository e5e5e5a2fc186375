//! What then: maximum wait, maximum length, nobody logged in.

use acd::{
    Command, Event, Exit, ExitId, InteractionId, MaxLength, MaxWait, NobodyLoggedIn, OverflowCause, QueueId,
    QueueSettings, RejectCause, Requirement, Settings,
};

use crate::{BILLING, ENGLISH, World, seconds};

const VOICEMAIL: Exit = Exit::Leave(ExitId(5));

fn max_wait(queue: &mut QueueSettings, after: u64, exit: Exit) {
    queue.max_wait = Some(MaxWait { after: seconds(after), exit });
}

fn max_length(queue: &mut QueueSettings, waiting: u32, exit: Exit) {
    queue.max_length = Some(MaxLength { waiting, exit });
}

fn nobody(queue: &mut QueueSettings, grace: u64, exit: Exit) {
    queue.nobody_logged_in = Some(NobodyLoggedIn { grace: seconds(grace), exit });
}

#[test]
fn without_exits_everybody_stays() {
    let mut world = World::with_queue();
    (1..=50).for_each(|call| world.call(call, 1));
    world.wait(seconds(86_400));
    assert_eq!(world.acd.snapshot(world.now).queues[0].waiting, 50);
}

#[test]
fn who_has_waited_the_maximum_leaves() {
    let mut world = World::new();
    world.queue(1, |queue| max_wait(queue, 60, VOICEMAIL));
    world.call(1, 1);
    world.wait(seconds(59));
    assert_eq!(world.left(), []);
    world.wait(seconds(2));
    assert_eq!(world.left(), [(1, 5)]);
    assert!(world.acd.state().interactions.is_empty());
}

#[test]
fn who_flows_into_another_queue_keeps_the_age_and_is_offered_there() {
    let mut world = World::new();
    world.queue(2, |_| {});
    world.queue(1, |queue| max_wait(queue, 60, Exit::Queue(QueueId(2))));
    world.call(1, 1);
    world.wait(seconds(55));
    world.call(2, 2);
    world.wait(seconds(6));
    assert_eq!((world.waits_in(1), world.waits_in(2)), (Some(2), Some(2)));
    world.agent(1, &[]);
    assert_eq!(world.rings(1), Some(1), "a minute older than call 2");
    let snapshot = world.acd.snapshot(world.now);
    assert_eq!(snapshot.queues[0].counters.flowed_out, 1);
    assert_eq!((snapshot.queues[1].counters.offered, snapshot.totals.offered), (2, 3));
}

#[test]
fn who_is_being_offered_stays_until_that_has_failed() {
    let mut world = World::new();
    world.queue(1, |queue| {
        max_wait(queue, 10, VOICEMAIL);
        queue.ring_timeout = seconds(20);
    });
    world.agent(1, &[]);
    world.call(1, 1);
    world.wait(seconds(15));
    assert_eq!((world.rings(1), world.left()), (Some(1), vec![]));
    world.reject(1, RejectCause::Busy);
    assert_eq!(world.left(), [(1, 5)]);
}

#[test]
fn a_caller_whose_time_is_over_leaves_when_the_ring_has_failed_although_others_are_free() {
    let mut world = World::new();
    world.queue(1, |queue| max_wait(queue, 10, VOICEMAIL));
    world.agent(1, &[]);
    world.call(1, 1);
    world.wait(seconds(12));
    world.agent(2, &[]);
    world.reject(1, RejectCause::Busy);
    assert_eq!((world.rings(2), world.left()), (None, vec![(1, 5)]));
}

#[test]
fn phones_that_nobody_answers_hold_a_caller_no_longer_than_the_ring_that_was_begun() {
    let mut world = World::new();
    world.queue(1, |queue| max_wait(queue, 60, VOICEMAIL));
    (1..=20).for_each(|agent| world.agent(agent, &[]));
    world.call(1, 1);
    world.wait(seconds(59));
    assert_eq!(world.left(), []);
    world.wait(seconds(2));
    assert_eq!(world.left(), [(1, 5)], "four rings of 15 s");
}

#[test]
fn where_the_exit_cannot_be_used_the_phones_ring_on() {
    let mut world = World::new();
    world.queue(1, |queue| max_wait(queue, 10, Exit::Queue(QueueId(9))));
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.wait(seconds(16));
    assert_eq!(world.rings(2), Some(1));
}

#[test]
fn who_is_rung_for_when_the_queue_closes_leaves_when_that_has_failed_whoever_else_is_free() {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.closed = Some(acd::Closed { waiting: acd::AtClosing::Leave, exit: VOICEMAIL });
    });
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.tell(Command::SetOpen { queue: QueueId(1), open: false });
    assert_eq!((world.rings(1), world.left()), (Some(1), vec![]));
    world.reject(1, RejectCause::NoAnswer);
    assert_eq!((world.rings(2), world.left()), (None, vec![(1, 5)]));
}

#[test]
fn who_would_wait_in_a_full_queue_leaves_at_once_but_not_who_finds_an_idle_agent() {
    let mut world = World::new();
    world.queue(1, |queue| max_length(queue, 2, VOICEMAIL));
    for call in 1..=3 {
        world.call(call, 1);
    }
    assert_eq!(world.left(), [(3, 5)]);
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.agent(3, &[]);
    world.call(4, 1);
    assert_eq!((world.rings(3), world.left()), (Some(4), vec![]));
}

#[test]
fn a_queue_of_length_zero_takes_only_whom_an_agent_can_take_at_once() {
    let mut world = World::new();
    world.queue(1, |queue| max_length(queue, 0, VOICEMAIL));
    world.agent(1, &[]);
    world.call(1, 1);
    world.call(2, 1);
    assert_eq!((world.rings(1), world.left()), (Some(1), vec![(2, 5)]));
}

#[test]
fn who_was_offered_and_returns_into_a_full_queue_stays() {
    let mut world = World::new();
    world.queue(1, |queue| max_length(queue, 1, VOICEMAIL));
    world.agent(1, &[]);
    world.call(1, 1);
    world.call(2, 1);
    world.reject(1, RejectCause::NoAnswer);
    assert_eq!(world.left(), []);
    assert_eq!((world.waits_in(1), world.waits_in(2)), (Some(1), Some(1)));
}

#[test]
fn where_nobody_is_logged_in_who_comes_leaves_and_who_waits_leaves_after_the_grace() {
    let mut world = World::new();
    world.queue(1, |queue| nobody(queue, 30, VOICEMAIL));
    world.agent(1, &[]);
    world.not_ready(1, 1);
    world.call(1, 1);
    world.wait(seconds(100));
    assert_eq!(world.left(), [], "not ready is logged in");
    world.log_out(1);
    world.call(2, 1);
    world.wait(seconds(29));
    assert_eq!(world.left(), [], "a phone that registers anew may still come back");
    world.wait(seconds(2));
    assert_eq!(world.left(), [(1, 5), (2, 5)]);
    world.call(3, 1);
    assert_eq!(world.left(), [(3, 5)]);
    world.log_in(1);
    world.call(4, 1);
    assert_eq!(world.rings(1), Some(4));
}

#[test]
fn an_agent_who_comes_back_within_the_grace_empties_nothing() {
    let mut world = World::new();
    world.queue(1, |queue| nobody(queue, 30, VOICEMAIL));
    world.agent(1, &[]);
    world.not_ready(1, 1);
    world.call(1, 1);
    for _ in 0..4 {
        world.log_out(1);
        world.wait(seconds(20));
        world.tell(Command::LogIn { agent: acd::AgentId(1), not_ready: Some(acd::ReasonCode(1)) });
        world.wait(seconds(20));
    }
    assert_eq!((world.left(), world.waits_in(1)), (vec![], Some(1)));
}

#[test]
fn exits_in_a_circle_end_and_the_interaction_stays_where_it_is_then() {
    let mut world = World::with(Settings { flow_outs_max: 3, ..Settings::default() });
    world.queue(1, |queue| max_length(queue, 0, Exit::Queue(QueueId(2))));
    world.queue(2, |queue| max_length(queue, 0, Exit::Queue(QueueId(1))));
    world.call(1, 1);
    assert_eq!(world.waits_in(1), Some(2), "1, 2, 1, 2 and no further");
    let totals = world.acd.snapshot(world.now).totals;
    assert_eq!((totals.offered, totals.overflowed), (4, 3));
}

#[test]
fn an_exit_to_a_queue_that_does_not_exist_is_no_exit() {
    let mut world = World::new();
    world.queue(1, |queue| {
        max_wait(queue, 10, Exit::Queue(QueueId(9)));
        max_length(queue, 0, Exit::Queue(QueueId(9)));
    });
    world.call(1, 1);
    world.wait(seconds(20));
    assert_eq!(world.waits_in(1), Some(1));
    world.queue(9, |_| {});
    world.queue(1, |queue| max_wait(queue, 11, Exit::Queue(QueueId(9))));
    assert_eq!(world.waits_in(1), Some(9), "the changed rules are followed at once");
}

#[test]
fn who_waits_in_a_removed_queue_goes_where_the_command_says() {
    let mut world = World::new();
    world.queue(1, |_| {});
    world.queue(2, |_| {});
    world.agent(1, &[]);
    world.call(1, 1);
    world.call(2, 1);
    world.call(3, 1);
    world.take_events();
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: Exit::Queue(QueueId(2)) });
    let moved = |event: &&Event| {
        matches!(event, Event::Overflowed { cause: OverflowCause::QueueRemoved, queue: QueueId(1), .. })
    };
    assert_eq!(world.take_events().iter().filter(moved).count(), 3);
    assert_eq!(world.rings(1), Some(1), "who was rung keeps the first place and is offered again");
    assert_eq!((world.waits_in(2), world.waits_in(3)), (Some(2), Some(2)));
}

#[test]
fn when_a_removed_queue_frees_several_agents_at_once_the_oldest_caller_is_served_first() {
    let mut world = World::with_queue();
    world.queue(2, |queue| queue.requirement = Requirement::at_least(BILLING, 1));
    world.queue(3, |queue| queue.requirement = Requirement::at_least(ENGLISH, 1));
    world.agent(1, &[(BILLING, 5)]);
    world.agent(2, &[(ENGLISH, 5)]);
    world.call(1, 1);
    world.call(2, 1);
    world.call(3, 3);
    world.wait(seconds(1));
    world.call(4, 2);
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: VOICEMAIL });
    assert_eq!((world.rings(1), world.rings(2)), (Some(4), Some(3)));
    assert!(world.reservation_of(2) < world.reservation_of(1));
}

#[test]
fn a_conversation_outlives_its_queue() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: VOICEMAIL });
    world.finish(1);
    assert!(world.is_available(1));
    assert_eq!(world.acd.snapshot(world.now).totals.finished, 1);
    assert!(!world.acd.state().interactions.contains_key(&InteractionId(1)));
}
