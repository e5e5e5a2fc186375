//! Shares of an agent's work.

use std::collections::BTreeMap;

use acd::{AgentId, AgentSettings, Command, Invalid, QueueId, Refusal, SHARE_MAX, Selection, Settings};

use crate::{World, seconds};

fn shares(shares: &[(u32, u32)]) -> BTreeMap<QueueId, u32> {
    shares.iter().map(|&(queue, share)| (QueueId(queue), share)).collect()
}

/// Queues 1 to 3, and agent 1 with these shares, not ready.
fn world(of: &[(u32, u32)]) -> World {
    let mut world = World::new();
    (1..=3).for_each(|queue| world.queue(queue, |_| {}));
    world.define_agent(1, &[], |agent| {
        (agent.selection, agent.shares) = (Some(Selection::PercentAllocation), shares(of));
    });
    world.log_in(1);
    world.not_ready(1, 7);
    world
}

/// Takes one after the other of those who wait, for so long each; from which queues.
fn takes(world: &mut World, calls: usize, lasting: impl Fn(u32) -> u64) -> Vec<u32> {
    let queue_of = |world: &World| {
        let state = world.acd.state();
        state.reservations.values().next().expect("somebody waits").queue.0
    };
    (0..calls)
        .map(|_| {
            let queue = queue_of(world);
            world.talk(1, seconds(lasting(queue)));
            queue
        })
        .collect()
}

#[test]
fn the_work_is_brought_to_the_shares() {
    let mut world = world(&[(1, 70), (2, 30)]);
    for call in 0..100 {
        world.call(call, 1);
        world.call(100 + call, 2);
    }
    world.ready(1);
    let queues = takes(&mut world, 100, |_| 60);
    assert_eq!(queues.iter().filter(|&&queue| queue == 1).count(), 70);
    assert_eq!(queues[..5], [1, 2, 1, 1, 2], "all are equal at first; then 1:0, 1:1, 2:1, 3:1");
}

#[test]
fn it_is_time_that_is_shared_and_not_calls() {
    let mut world = world(&[(1, 1), (2, 1)]);
    for call in 0..100 {
        world.call(call, 1);
        world.call(100 + call, 2);
    }
    world.ready(1);
    let queues = takes(&mut world, 80, |queue| if queue == 1 { 30 } else { 90 });
    assert_eq!(queues.iter().filter(|&&queue| queue == 1).count(), 60);
}

#[test]
fn after_call_work_counts_and_a_queue_without_a_share_comes_last() {
    let mut world = world(&[(1, 1), (2, 1)]);
    world.queue(1, |queue| queue.after_call_work = seconds(100));
    world.call(1, 3);
    for call in 2..=4 {
        world.call(call, 1);
        world.call(10 + call, 2);
    }
    world.ready(1);
    assert_eq!(world.rings(1), Some(2), "the oldest of those with a share");
    world.talk(1, seconds(10));
    world.wait(seconds(101));
    // 110 seconds for queue 1; the calls of queue 2 take 30 seconds each.
    assert_eq!(takes(&mut world, 3, |_| 30), [2, 2, 2]);
    world.talk(1, seconds(10));
    world.wait(seconds(101));
    world.talk(1, seconds(10));
    world.wait(seconds(101));
    assert_eq!(world.rings(1), Some(1));
}

#[test]
fn a_new_shift_begins_with_nothing_behind() {
    let mut world = world(&[(1, 1), (2, 1)]);
    world.ready(1);
    world.call(1, 1);
    world.talk(1, seconds(500));
    world.log_out(1);
    world.call(2, 1);
    world.wait(seconds(1));
    world.call(3, 2);
    world.log_in(1);
    assert_eq!(world.rings(1), Some(2), "the oldest");
}

#[test]
fn shares_out_of_range_are_refused() {
    let refused = |settings: Settings, of: &[(u32, u32)]| {
        let settings_of_agent = AgentSettings { shares: shares(of), ..AgentSettings::default() };
        let command = Command::DefineAgent { agent: AgentId(1), settings: Box::new(settings_of_agent) };
        World::with(settings).try_to(command)
    };
    let (none, most) = (refused(Settings::default(), &[(1, 0)]), SHARE_MAX + 1);
    assert_eq!(none, Err(Refusal::Invalid(Invalid::Share(0))));
    let too_large = refused(Settings::default(), &[(1, most)]);
    assert_eq!(too_large, Err(Refusal::Invalid(Invalid::Share(most))));
    let small = Settings { queues_max: 1, ..Settings::default() };
    assert_eq!(refused(small, &[(1, 1), (2, 1)]), Err(Refusal::Invalid(Invalid::TooManyShares)));
}
