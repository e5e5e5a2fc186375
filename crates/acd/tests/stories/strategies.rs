//! Agent surplus: several are idle, one interaction comes.

use acd::{IdleClock, RejectCause, Requirement, Strategy};

use crate::{BILLING, ENGLISH, World, seconds};

/// Queue 1 by this strategy for everybody with billing, without back-offs after a rejection.
fn world(strategy: Strategy) -> World {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.strategy = strategy;
        queue.requirement = Requirement::at_least(BILLING, 1);
        queue.back_offs.rejected.pause = seconds(0);
        queue.back_offs.rejected.exclusion = seconds(0);
    });
    world
}

/// Calls one after the other, each handled for ten seconds; who took them.
fn takers(world: &mut World, calls: std::ops::Range<u64>) -> Vec<u32> {
    let mut takers = Vec::new();
    for call in calls {
        world.call(call, 1);
        let taker = (1..=9).find(|&agent| world.rings(agent) == Some(call)).expect("somebody is idle");
        world.talk(taker, seconds(10));
        takers.push(taker);
    }
    takers
}

#[test]
fn the_agent_whose_last_conversation_ended_longest_ago_is_chosen() {
    let mut world = world(Strategy::LongestIdle(IdleClock::SinceHandled));
    for agent in 1..=3 {
        world.agent(agent, &[(BILLING, 5)]);
        world.wait(seconds(1));
    }
    assert_eq!(takers(&mut world, 1..7), [1, 2, 3, 1, 2, 3]);
}

#[test]
fn a_break_does_not_change_the_place_by_last_conversation() {
    let mut world = world(Strategy::LongestIdle(IdleClock::SinceHandled));
    world.agent(1, &[(BILLING, 5)]);
    world.wait(seconds(5));
    world.agent(2, &[(BILLING, 5)]);
    world.not_ready(1, 7);
    world.wait(seconds(60));
    world.ready(1);
    world.call(1, 1);
    assert_eq!(world.rings(1), Some(1));
}

#[test]
fn by_the_clock_of_being_ready_a_break_puts_the_agent_last() {
    let mut world = world(Strategy::LongestIdle(IdleClock::SinceReady));
    world.agent(1, &[(BILLING, 5)]);
    world.wait(seconds(5));
    world.agent(2, &[(BILLING, 5)]);
    world.not_ready(1, 7);
    world.wait(seconds(60));
    world.ready(1);
    world.call(1, 1);
    assert_eq!(world.rings(2), Some(1));
}

#[test]
fn a_caller_who_gives_up_during_the_ring_does_not_cost_the_agent_the_place() {
    let mut world = world(Strategy::LongestIdle(IdleClock::SinceReady));
    world.agent(1, &[(BILLING, 5)]);
    world.wait(seconds(5));
    world.agent(2, &[(BILLING, 5)]);
    world.call(1, 1);
    assert_eq!(world.rings(1), Some(1));
    world.wait(seconds(5));
    world.hang_up(1);
    world.call(2, 1);
    assert_eq!(world.rings(1), Some(2));
}

#[test]
fn an_agent_who_declines_is_rung_again_at_once_by_the_clock_of_conversations_but_not_by_that_of_offers() {
    let rung_after_decline = |clock| {
        let mut world = world(Strategy::LongestIdle(clock));
        world.agent(1, &[(BILLING, 5)]);
        world.wait(seconds(5));
        world.agent(2, &[(BILLING, 5)]);
        world.wait(seconds(1));
        world.call(1, 1);
        world.reject(1, RejectCause::Rejected);
        (world.rings(1), world.rings(2))
    };
    assert_eq!(rung_after_decline(IdleClock::SinceHandled), (Some(1), None));
    assert_eq!(rung_after_decline(IdleClock::SinceOffered), (None, Some(1)));
}

#[test]
fn the_most_skilled_is_chosen_and_the_longest_idle_among_equals() {
    let mut world = world(Strategy::MostSkilled);
    world.agent(1, &[(BILLING, 3), (ENGLISH, 10)]);
    world.agent(2, &[(BILLING, 9)]);
    world.agent(3, &[(BILLING, 9)]);
    assert_eq!(takers(&mut world, 1..4), [2, 3, 2]);
}

#[test]
fn the_least_skilled_is_chosen_so_that_specialists_stay_free() {
    let mut world = world(Strategy::LeastSkilled);
    world.agent(1, &[(BILLING, 9)]);
    world.agent(2, &[(BILLING, 3), (ENGLISH, 10)]);
    assert_eq!(takers(&mut world, 1..4), [2, 2, 2]);
}

#[test]
fn who_answered_the_fewest_since_log_in_is_chosen() {
    let mut world = world(Strategy::FewestHandled);
    world.agent(1, &[(BILLING, 5)]);
    assert_eq!(takers(&mut world, 1..4), [1, 1, 1]);
    world.agent(2, &[(BILLING, 5)]);
    assert_eq!(takers(&mut world, 4..8), [2, 2, 2, 1]);
    world.log_out(2);
    world.log_in(2);
    assert_eq!(takers(&mut world, 8..10), [2, 2]);
}

#[test]
fn who_was_occupied_for_the_smallest_share_of_the_shift_is_chosen() {
    let mut world = world(Strategy::LeastOccupied);
    world.queue(2, |_| {});
    world.agent(1, &[(BILLING, 5)]);
    world.wait(seconds(80));
    world.agent(2, &[(BILLING, 5)]);
    world.call(1, 1);
    assert_eq!(world.rings(1), Some(1), "equally little: the longest idle");
    world.talk(1, seconds(20));
    // Agent 1 has worked 20 of 100 seconds, agent 2 nothing of 20.
    world.call(2, 1);
    assert_eq!(world.rings(2), Some(2));
    world.talk(2, seconds(4));
    // Agent 2 has worked 4 of 24 seconds, which is less than 20 of 100.
    assert_eq!((world.occupancy(1), world.occupancy(2)), (200_000, 166_666));
    assert_eq!(takers(&mut world, 3..4), [2]);
    assert_eq!(world.occupancy(2), 411_764, "14 of 34 seconds");
    assert_eq!(takers(&mut world, 4..5), [1]);
}

#[test]
fn after_call_work_counts_as_occupied_and_rings_breaks_and_calls_of_the_agents_own_do_not() {
    let mut world = world(Strategy::LeastOccupied);
    world.queue(1, |queue| queue.after_call_work = seconds(30));
    world.agent(1, &[]);
    let agent = acd::AgentId(1);
    world.call(1, 1);
    world.wait(seconds(10));
    world.talk(1, seconds(10));
    world.tell(acd::Command::ExtendAfterCallWork { agent, interaction: None, by: seconds(10) });
    world.wait(seconds(30));
    world.tell(acd::Command::EndAfterCallWork { agent, interaction: None });
    assert_eq!(world.occupancy(1), 800_000, "10 and 30 of 50 seconds");
    world.not_ready(1, 2);
    world.wait(seconds(20));
    world.tell(acd::Command::Occupy { agent });
    world.wait(seconds(10));
    world.tell(acd::Command::Release { agent });
    world.ready(1);
    assert_eq!(world.occupancy(1), 500_000, "40 of 80 seconds");
    world.wait(seconds(100));
    assert_eq!(world.occupancy(1), 500_000, "as it was when the agent became available");
    world.log_out(1);
    world.log_in(1);
    assert_eq!(world.occupancy(1), 0, "a new shift");
}

#[test]
fn a_caller_who_gives_up_during_the_ring_does_not_change_the_place_by_occupancy() {
    let mut world = world(Strategy::LeastOccupied);
    world.agent(1, &[(BILLING, 5)]);
    world.call(1, 1);
    world.talk(1, seconds(10));
    let before = world.occupancy(1);
    world.wait(seconds(30));
    world.call(2, 1);
    world.hang_up(2);
    assert_eq!((world.is_available(1), world.occupancy(1)), (true, before));
}

#[test]
fn round_robin_goes_on_after_the_last_one_and_remembers_it_for_each_queue() {
    let mut world = world(Strategy::RoundRobin);
    world.queue(2, |queue| queue.strategy = Strategy::RoundRobin);
    for (agent, order) in [(1, 20), (2, 10), (3, 30)] {
        world.define_agent(agent, &[(BILLING, 5)], |settings| settings.order = order);
        world.log_in(agent);
    }
    assert_eq!(takers(&mut world, 1..3), [2, 1]);
    world.call(50, 2);
    assert_eq!(world.rings(2), Some(50), "queue 2 has its own memory");
    world.talk(2, seconds(1));
    assert_eq!(takers(&mut world, 3..6), [3, 2, 1]);
}

#[test]
fn top_down_always_begins_with_the_lowest_order_number() {
    let mut world = world(Strategy::TopDown);
    for (agent, order) in [(1, 2), (2, 1), (3, 2)] {
        world.define_agent(agent, &[(BILLING, 5)], |settings| settings.order = order);
        world.log_in(agent);
        world.wait(seconds(1));
    }
    assert_eq!(takers(&mut world, 1..3), [2, 2]);
    world.not_ready(2, 1);
    assert_eq!(takers(&mut world, 3..6), [1, 3, 1]);
}

#[test]
fn the_decision_says_who_else_could_have_taken_it() {
    let mut world = world(Strategy::TopDown);
    for agent in 1..=5 {
        world.agent(agent, &[(BILLING, 5)]);
    }
    world.agent(6, &[(ENGLISH, 5)]);
    world.take_events();
    world.call(1, 1);
    let decision = world.take_events().into_iter().find_map(|event| match event {
        acd::Event::Reserved { decision, .. } => Some(decision),
        _ => None,
    });
    let decision = decision.expect("somebody was reserved");
    assert_eq!(decision.eligible, 5);
    assert_eq!(decision.runners_up, [2, 3, 4].map(|agent| Some(acd::AgentId(agent))));
    assert_eq!((decision.strategy, decision.step, decision.own_requirement), (Strategy::TopDown, 0, false));
}

/// Queue 1: who speaks english first, then who has billing at level 7, then the others.
fn preferring(strategy: Strategy) -> World {
    let mut world = world(strategy);
    world.queue(1, |queue| {
        queue.strategy = strategy;
        queue.prefer = vec![Requirement::at_least(ENGLISH, 1), Requirement::at_least(BILLING, 7)];
    });
    world
}

#[test]
fn whom_the_queue_prefers_comes_before_all_others_and_the_strategy_orders_those_alike() {
    let mut world = preferring(Strategy::LongestIdle(IdleClock::SinceHandled));
    world.agent(1, &[(BILLING, 3)]);
    world.wait(seconds(1));
    world.agent(2, &[(BILLING, 8)]);
    world.wait(seconds(1));
    for agent in [3, 4] {
        world.agent(agent, &[(ENGLISH, 2)]);
        world.wait(seconds(1));
    }
    for call in 1..=4 {
        world.call(call, 1);
    }
    assert_eq!([1, 2, 3, 4].map(|agent| world.rings(agent)), [Some(4), Some(3), Some(1), Some(2)]);
}

#[test]
fn a_preference_makes_nobody_eligible_and_holds_nobody_back() {
    let mut world = preferring(Strategy::MostSkilled);
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 1);
        queue.prefer = vec![Requirement::at_least(ENGLISH, 1)];
    });
    world.agent(1, &[(BILLING, 1)]);
    world.agent(2, &[(ENGLISH, 9)]);
    world.call(1, 1);
    assert_eq!((world.rings(1), world.rings(2)), (Some(1), None));
}

#[test]
fn round_robin_takes_turns_among_those_preferred_alike() {
    let mut world = preferring(Strategy::RoundRobin);
    for (agent, skill) in [(1, BILLING), (2, ENGLISH), (3, BILLING), (4, ENGLISH)] {
        world.agent(agent, &[(skill, 3)]);
    }
    assert_eq!(takers(&mut world, 1..4), [2, 4, 2]);
    world.not_ready(2, 1);
    world.not_ready(4, 1);
    assert_eq!(takers(&mut world, 4..7), [3, 1, 3]);
}

#[test]
fn the_decision_says_how_the_chosen_agent_was_preferred() {
    let preferences = |skills: &[(acd::SkillId, u8)]| {
        let mut world = preferring(Strategy::TopDown);
        world.agent(1, skills);
        world.call(1, 1);
        world.take_events().into_iter().find_map(|event| match event {
            acd::Event::Reserved { decision, .. } => decision.preference,
            _ => None,
        })
    };
    assert_eq!(preferences(&[(BILLING, 9), (ENGLISH, 1)]), Some(0));
    assert_eq!(preferences(&[(BILLING, 9)]), Some(1));
    assert_eq!(preferences(&[]), Some(2));
}
