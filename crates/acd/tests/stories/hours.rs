//! A queue that is open and closed: who comes, who waits, who is being rung for.

use acd::{
    AtClosing, Closed, Command, Event, Exit, ExitId, OverflowCause, QueueId, QueueSettings, Refusal,
    RejectCause,
};

use crate::{World, seconds};

const ANNOUNCEMENT: Exit = Exit::Leave(ExitId(5));

fn closed(queue: &mut QueueSettings, waiting: AtClosing, exit: Exit) {
    queue.closed = Some(Closed { waiting, exit });
}

/// A queue that leads to an announcement while it is closed.
fn world(waiting: AtClosing) -> World {
    let mut world = World::new();
    world.queue(1, |queue| closed(queue, waiting, ANNOUNCEMENT));
    world
}

fn set_open(world: &mut World, queue: u32, open: bool) {
    world.tell(Command::SetOpen { queue: QueueId(queue), open });
}

#[test]
fn who_comes_while_the_queue_is_closed_leaves_at_once_though_an_agent_is_free() {
    let mut world = world(AtClosing::Stay);
    world.agent(1, &[]);
    set_open(&mut world, 1, false);
    world.call(1, 1);
    assert_eq!((world.rings(1), world.left()), (None, vec![(1, 5)]));
    let counters = world.acd.snapshot(world.now).queues[0].counters;
    assert_eq!((counters.offered, counters.overflowed), (1, 1));
    set_open(&mut world, 1, true);
    world.call(2, 1);
    assert_eq!(world.rings(1), Some(2));
}

#[test]
fn who_waits_when_it_closes_is_still_served() {
    let mut world = world(AtClosing::Stay);
    world.call(1, 1);
    set_open(&mut world, 1, false);
    world.call(2, 1);
    assert_eq!(world.left(), [(2, 5)]);
    world.agent(1, &[]);
    assert_eq!(world.rings(1), Some(1));
    world.reject(1, RejectCause::Busy);
    assert_eq!((world.waits_in(1), world.left()), (Some(1), vec![]), "back in line, and it stays");
}

#[test]
fn with_leave_the_line_empties_first_in_line_first_when_it_closes() {
    let mut world = world(AtClosing::Leave);
    for call in [3, 1, 2] {
        world.call(call, 1);
        world.wait(seconds(1));
    }
    set_open(&mut world, 1, false);
    assert_eq!(world.left(), [(3, 5), (1, 5), (2, 5)]);
    set_open(&mut world, 1, false);
    assert_eq!(world.left(), []);
}

#[test]
fn with_leave_who_is_being_rung_for_stays_until_that_has_failed() {
    let mut world = world(AtClosing::Leave);
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.call(2, 1);
    set_open(&mut world, 1, false);
    assert_eq!((world.rings(1), world.rings(2), world.left()), (Some(1), Some(2), vec![]));
    world.reject(1, RejectCause::Rejected);
    assert_eq!(world.left(), [(1, 5)]);
    world.accept(2);
    assert_eq!(world.left(), []);
}

#[test]
fn by_day_here_by_night_there_with_the_age() {
    let mut world = World::new();
    world.queue(2, |_| {});
    world.queue(1, |queue| closed(queue, AtClosing::Leave, Exit::Queue(QueueId(2))));
    world.call(1, 1);
    world.wait(seconds(60));
    world.call(2, 2);
    set_open(&mut world, 1, false);
    world.call(3, 1);
    world.agent(1, &[]);
    assert_eq!(world.rings(1), Some(1), "a minute older than call 2");
    let snapshot = world.acd.snapshot(world.now);
    assert_eq!(snapshot.queues[0].counters.flowed_out, 2);
    assert!(!snapshot.queues[0].open && snapshot.queues[1].open);
}

#[test]
fn two_closed_queues_that_lead_to_each_other_keep_the_caller_in_the_end() {
    let mut world = World::new();
    world.queue(1, |_| {});
    world.queue(2, |queue| closed(queue, AtClosing::Stay, Exit::Queue(QueueId(1))));
    world.queue(1, |queue| closed(queue, AtClosing::Stay, Exit::Queue(QueueId(2))));
    set_open(&mut world, 1, false);
    set_open(&mut world, 2, false);
    world.call(1, 1);
    let snapshot = world.acd.snapshot(world.now);
    assert_eq!(
        (snapshot.totals.flowed_out, snapshot.interactions),
        (10, 1),
        "as often as exits lead to queues"
    );
    world.agent(1, &[]);
    assert_eq!(world.rings(1), Some(1));
}

#[test]
fn a_closed_queue_without_a_rule_only_says_that_it_is_closed() {
    let mut world = World::with_queue();
    set_open(&mut world, 1, false);
    world.call(1, 1);
    assert_eq!((world.waits_in(1), world.acd.snapshot(world.now).queues[0].open), (Some(1), false));
}

#[test]
fn new_rules_for_a_closed_queue_act_at_once_and_do_not_open_it() {
    let mut world = World::with_queue();
    set_open(&mut world, 1, false);
    world.call(1, 1);
    world.queue(1, |queue| closed(queue, AtClosing::Stay, ANNOUNCEMENT));
    assert_eq!(world.left(), []);
    world.queue(1, |queue| closed(queue, AtClosing::Leave, ANNOUNCEMENT));
    assert_eq!(world.left(), [(1, 5)]);
    world.call(2, 1);
    assert_eq!(world.left(), [(2, 5)]);
}

#[test]
fn it_is_said_once_and_why_a_caller_left() {
    let mut world = world(AtClosing::Stay);
    world.take_events();
    set_open(&mut world, 1, true);
    assert_eq!(world.take_events(), []);
    set_open(&mut world, 1, false);
    assert_eq!(world.take_events(), [Event::OpenChanged { queue: QueueId(1), open: false }]);
    world.call(1, 1);
    let causes: Vec<OverflowCause> = world
        .take_events()
        .into_iter()
        .filter_map(|event| if let Event::Overflowed { cause, .. } = event { Some(cause) } else { None })
        .collect();
    assert_eq!(causes, [OverflowCause::Closed]);
    let unknown = Command::SetOpen { queue: QueueId(9), open: false };
    assert_eq!(world.acd.handle_command(world.now, unknown), Err(Refusal::UnknownQueue(QueueId(9))));
}
