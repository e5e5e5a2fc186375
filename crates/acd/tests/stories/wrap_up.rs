//! After-call work between the minimum and the maximum of its queue.

use acd::{Activity, AgentId, Command, Exit, ExitId, Invalid, QueueId, QueueSettings, Refusal, Settings};

use crate::{World, seconds};

const END: Command = Command::EndAfterCallWork { agent: AgentId(1), interaction: None };

fn extend(by: u64) -> Command {
    Command::ExtendAfterCallWork { agent: AgentId(1), interaction: None, by: seconds(by) }
}

/// Agent 1 in after-call work of queue 1; it lasts so long, at least, and at most.
fn world(length: u64, min: u64, max: Option<u64>) -> World {
    let mut world = World::with(Settings { after_call_work_max: seconds(300), ..Settings::default() });
    world.queue(1, |queue| {
        queue.after_call_work = seconds(length);
        queue.after_call_work_min = seconds(min);
        queue.after_call_work_max = max.map(seconds);
    });
    world.agent(1, &[]);
    world.call(1, 1);
    world.talk(1, seconds(5));
    world
}

fn is_wrapping_up(world: &World) -> bool {
    matches!(world.activity(1), Activity::AfterCallWork { .. })
}

#[test]
fn the_agent_cannot_end_after_call_work_before_the_minimum() {
    let mut world = world(30, 10, None);
    world.wait(seconds(9));
    assert_eq!(world.try_to(END), Err(Refusal::AfterCallWorkMin(AgentId(1))));
    world.wait(seconds(1));
    world.tell(END);
    assert!(world.is_available(1));
}

#[test]
fn extensions_end_at_the_queues_maximum_and_that_of_all_stands_above() {
    let mut narrow = world(30, 0, Some(40));
    narrow.tell(extend(60));
    narrow.wait(seconds(39));
    assert!(is_wrapping_up(&narrow));
    narrow.wait(seconds(2));
    assert!(narrow.is_available(1));
    let mut wide = world(30, 0, Some(4_000));
    wide.tell(extend(4_000));
    wide.wait(seconds(299));
    assert!(is_wrapping_up(&wide));
    wide.wait(seconds(2));
    assert!(wide.is_available(1));
}

#[test]
fn a_time_box_is_a_minimum_and_a_maximum_that_are_equal() {
    let mut world = world(0, 20, Some(20));
    world.tell(extend(60));
    world.wait(seconds(19));
    assert_eq!(world.try_to(END), Err(Refusal::AfterCallWorkMin(AgentId(1))));
    world.wait(seconds(2));
    assert!(world.is_available(1));
}

#[test]
fn a_maximum_of_zero_is_no_after_call_work_for_anybody() {
    let mut world = world(30, 0, Some(0));
    assert!(world.is_available(1));
    world.define_agent(1, &[], |agent| agent.after_call_work = Some(seconds(50)));
    world.call(2, 1);
    world.talk(1, seconds(5));
    assert!(world.is_available(1));
}

#[test]
fn an_agents_own_value_stays_between_the_queues_bounds() {
    let lasts = |own| {
        let mut world = world(30, 10, Some(40));
        world.wait(seconds(31));
        world.define_agent(1, &[], |agent| agent.after_call_work = Some(seconds(own)));
        world.call(2, 1);
        world.talk(1, seconds(5));
        let Activity::AfterCallWork { since, until, .. } = world.activity(1) else { panic!("no wrap-up") };
        until - since
    };
    assert_eq!([lasts(0), lasts(20), lasts(90)], [seconds(10), seconds(20), seconds(40)]);
}

#[test]
fn a_log_out_and_a_call_of_the_agents_own_end_it_before_the_minimum() {
    let mut away = world(30, 30, None);
    away.log_out(1);
    assert!(matches!(away.activity(1), Activity::Idle { .. }));
    let mut calls = world(30, 30, None);
    calls.tell(Command::Occupy { agent: AgentId(1) });
    assert!(matches!(calls.activity(1), Activity::Occupied { .. }));
}

#[test]
fn bounds_that_change_while_somebody_wraps_up_count_at_once_and_shorten_nothing() {
    let mut world = world(30, 10, None);
    world.wait(seconds(15));
    world.queue(1, |queue| {
        queue.after_call_work_min = seconds(20);
        queue.after_call_work_max = Some(seconds(25));
    });
    assert_eq!(world.try_to(END), Err(Refusal::AfterCallWorkMin(AgentId(1))));
    world.tell(extend(60));
    world.wait(seconds(14));
    assert!(is_wrapping_up(&world));
    world.wait(seconds(2));
    assert!(world.is_available(1), "thirty seconds, as they began");
}

#[test]
fn a_queue_removed_meanwhile_holds_nobody() {
    let mut world = world(30, 20, Some(40));
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: Exit::Leave(ExitId(1)) });
    world.tell(extend(60));
    world.wait(seconds(1));
    world.tell(END);
    assert!(world.is_available(1));
}

#[test]
fn a_minimum_above_the_maximum_is_refused() {
    let mut world = World::new();
    let settings = QueueSettings {
        after_call_work_min: seconds(30),
        after_call_work_max: Some(seconds(20)),
        ..QueueSettings::default()
    };
    let command = Command::DefineQueue { queue: QueueId(1), settings: Box::new(settings) };
    assert_eq!(world.try_to(command), Err(Refusal::Invalid(Invalid::AfterCallWorkBounds)));
}
