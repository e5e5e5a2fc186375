//! Contact surplus and steps: who waits, how long for whom, and who goes first.

use acd::{
    AgentId, Change, Command, Event, Exit, ExitId, InteractionId, QueueId, QueueSettings, ReasonCode,
    Request, Requirement, StepCause, StepEffect,
};
use timing::Instant;

use crate::{BILLING, ENGLISH, World, seconds, step};

fn billing(level: u8) -> Requirement {
    Requirement::at_least(BILLING, level)
}

/// Queue 1: billing 7 at first, billing 3 after 20 s, anybody after 60 s.
fn relaxing() -> World {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.requirement = billing(7);
        queue.steps =
            vec![step(20, billing(3), StepEffect::Replace), step(60, Requirement::anyone(), StepEffect::Add)];
    });
    world
}

#[test]
fn an_agent_who_becomes_free_is_rung_in_the_same_call_for_who_waited_longest() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    for call in 1..=3 {
        world.call(call, 1);
        world.wait(seconds(1));
    }
    world.accept(1);
    world.take_events();
    world.finish(1);
    let events = world.take_events();
    assert!(matches!(events[0], Event::HandlingEnded { .. }));
    assert!(events.iter().any(|event| matches!(
        event,
        Event::Reserved { interaction: InteractionId(2), agent: AgentId(1), .. }
    )));
}

#[test]
fn priority_is_a_head_start_in_time_not_a_wall() {
    let mut world = World::with_queue();
    world.call(1, 1);
    world.wait(seconds(90));
    world.call_with(2, 1, 1, None);
    world.wait(seconds(10));
    world.call_with(3, 1, 2, None);
    let mut order = Vec::new();
    world.agent(1, &[]);
    while let Some(call) = world.rings(1) {
        order.push(call);
        world.talk(1, seconds(5));
    }
    // Arrivals at 0, 90, 100; head starts of 0, 60 and 120 seconds: keys 0, 30, -20.
    assert_eq!(order, [3, 1, 2]);
}

#[test]
fn a_change_of_priority_counts_at_once() {
    let mut world = World::with_queue();
    world.call(1, 1);
    world.wait(seconds(5));
    world.call(2, 1);
    world.change(2, Change::priority(1));
    world.agent(1, &[]);
    assert_eq!(world.rings(1), Some(2));
}

#[test]
fn who_waited_elsewhere_before_keeps_that_age_but_not_the_steps() {
    let mut world = relaxing();
    world.queue(1, |queue| queue.requirement = billing(7));
    world.agent(9, &[(BILLING, 9)]);
    world.not_ready(9, 1);
    world.call(1, 1);
    world.wait(seconds(10));
    world.tell(Command::Enqueue {
        interaction: InteractionId(2),
        request: Request { arrived: Some(Instant::from_secs(900)), ..Request::new(QueueId(1)) },
    });
    assert_eq!(world.step_of(2), 0);
    world.ready(9);
    assert_eq!(world.rings(9), Some(2));
}

#[test]
fn a_freed_agent_takes_the_oldest_over_all_queues_that_the_agent_serves() {
    let mut world = World::new();
    world.queue(1, |queue| queue.requirement = billing(1));
    world.queue(2, |queue| queue.requirement = Requirement::at_least(ENGLISH, 1));
    world.queue(3, |_| {});
    world.call(1, 2);
    world.wait(seconds(1));
    world.call(2, 3);
    world.wait(seconds(1));
    world.call(3, 1);
    world.agent(1, &[(BILLING, 5)]);
    assert_eq!(world.rings(1), Some(2), "call 1 is older but needs english");
}

/// asterisk#1561: a queue that nobody can serve held back the one that the agent could.
#[test]
fn an_older_interaction_that_the_agent_cannot_take_holds_nobody_back() {
    let mut world = World::new();
    world.queue(1, |queue| queue.requirement = billing(9));
    world.queue(2, |_| {});
    world.call_with(1, 1, 1_000, None);
    world.call(2, 2);
    world.agent(1, &[(BILLING, 8)]);
    assert_eq!(world.rings(1), Some(2));
}

#[test]
fn each_step_begins_at_its_time_from_entry_and_the_place_is_kept() {
    let mut world = relaxing();
    world.agent(7, &[(BILLING, 8)]);
    world.agent(3, &[(BILLING, 4)]);
    world.agent(1, &[]);
    world.call(100, 1);
    world.accept(7);
    world.call(1, 1);
    world.take_events();
    world.wait(seconds(19));
    assert_eq!((world.waits_in(1), world.step_of(1)), (Some(1), 0));
    world.wait(seconds(2));
    assert_eq!(world.rings(3), Some(1));
    let entered = world.take_events();
    assert!(entered.iter().any(|event| matches!(
        event,
        Event::StepEntered { interaction: InteractionId(1), step: 1, cause: StepCause::Time, .. }
    )));
    world.accept(3);
    world.call(2, 1);
    world.wait(seconds(59));
    assert_eq!(world.rings(1), None);
    world.wait(seconds(2));
    assert_eq!(world.rings(1), Some(2));
}

#[test]
fn a_step_that_replaces_closes_what_was_open_and_one_that_adds_keeps_it() {
    for (effect, expected) in [(StepEffect::Replace, None), (StepEffect::Add, Some(1))] {
        let mut world = World::new();
        world.queue(1, |queue| {
            queue.requirement = billing(7);
            queue.steps = vec![step(10, Requirement::at_least(ENGLISH, 1), effect)];
            queue.skip_unstaffed_steps = false;
        });
        world.call(1, 1);
        world.wait(seconds(11));
        world.agent(1, &[(BILLING, 9)]);
        assert_eq!(world.rings(1), expected);
    }
}

#[test]
fn a_step_that_no_logged_in_agent_could_serve_is_passed_over_at_once() {
    let mut world = relaxing();
    world.agent(3, &[(BILLING, 4)]);
    world.call(1, 1);
    assert_eq!(world.rings(3), Some(1), "nobody has billing 7, so nobody waits for it");
}

#[test]
fn a_busy_specialist_is_waited_for_and_one_who_goes_home_is_not() {
    let mut world = relaxing();
    world.agent(7, &[(BILLING, 8)]);
    world.agent(3, &[(BILLING, 4)]);
    world.not_ready(7, 1);
    world.call(1, 1);
    assert_eq!((world.waits_in(1), world.step_of(1)), (Some(1), 0));
    world.log_out(7);
    assert_eq!(world.rings(3), Some(1));
}

/// The same with a grace of 30 s for steps that nobody serves: Kim (7) for the first, Park (3) for the second.
fn with_grace() -> World {
    let mut world = World::new();
    world.queue(1, grace_of_30_s);
    world.agent(7, &[(BILLING, 8)]);
    world.agent(3, &[(BILLING, 4)]);
    world
}

fn grace_of_30_s(queue: &mut QueueSettings) {
    queue.requirement = billing(7);
    queue.steps = vec![step(600, billing(3), StepEffect::Replace)];
    queue.unstaffed_grace = seconds(30);
}

#[test]
fn a_phone_that_registers_anew_sends_nobody_to_a_later_step() {
    let mut world = with_grace();
    world.not_ready(7, 1);
    world.call(1, 1);
    world.call(2, 1);
    for _ in 0..3 {
        world.log_out(7);
        world.wait(seconds(29));
        world.call(3, 1);
        assert_eq!([1, 2, 3].map(|call| world.step_of(call)), [0; 3]);
        world.hang_up(3);
        world.tell(Command::LogIn { agent: AgentId(7), not_ready: Some(ReasonCode(1)) });
    }
    assert_eq!(world.rings(3), None);
    world.ready(7);
    assert_eq!(world.rings(7), Some(1));
}

#[test]
fn a_step_that_nobody_has_served_for_the_grace_is_passed_over_and_newcomers_do_not_wait_for_it() {
    let mut world = with_grace();
    world.not_ready(7, 1);
    world.call(1, 1);
    world.log_out(7);
    world.wait(seconds(29));
    world.call(2, 1);
    world.wait(seconds(2));
    assert_eq!((world.rings(3), world.step_of(2)), (Some(1), 1));
    world.accept(3);
    world.call(3, 1);
    assert_eq!(world.step_of(3), 1);
    world.log_in(7);
    assert_eq!((world.rings(7), world.step_of(3)), (Some(2), 1), "nobody goes back");
    world.call(4, 1);
    assert_eq!(world.step_of(4), 0);
}

#[test]
fn where_all_go_at_once_nobody_goes_on_to_a_step_that_nobody_serves_either() {
    let mut world = World::new();
    world.queue(1, grace_of_30_s);
    world.agent(7, &[(BILLING, 8)]);
    world.not_ready(7, 1);
    world.call(1, 1);
    world.log_out(7);
    world.wait(seconds(60));
    assert_eq!(world.step_of(1), 0);
    world.agent(3, &[(BILLING, 4)]);
    assert_eq!(world.rings(3), Some(1), "the first to come takes it");
}

#[test]
fn new_rules_do_not_begin_a_grace_that_is_over() {
    let mut world = World::new();
    world.queue(1, grace_of_30_s);
    world.agent(3, &[(BILLING, 4)]);
    world.not_ready(3, 1);
    world.call(1, 1);
    assert_eq!(world.step_of(1), 0, "after a start phones have time to register");
    world.wait(seconds(31));
    assert_eq!(world.step_of(1), 1);
    world.queue(1, |queue| {
        grace_of_30_s(queue);
        queue.steps[0].after = seconds(700);
    });
    assert_eq!(world.step_of(1), 1);
    world.queue(1, |queue| {
        grace_of_30_s(queue);
        queue.steps[0].after = seconds(700);
        queue.unstaffed_grace = seconds(60);
    });
    world.call(2, 1);
    assert_eq!((world.step_of(1), world.step_of(2)), (1, 0), "a longer one moves nobody back");
    world.wait(seconds(30));
    assert_eq!(world.step_of(2), 1, "from when the step was without anybody");
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: Exit::Leave(ExitId(1)) });
    assert_eq!(world.acd.poll_timeout(), None);
}

#[test]
fn steps_are_waited_for_where_skipping_is_switched_off() {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.requirement = billing(7);
        queue.steps = vec![step(20, Requirement::anyone(), StepEffect::Add)];
        queue.skip_unstaffed_steps = false;
    });
    world.agent(1, &[]);
    world.call(1, 1);
    world.wait(seconds(19));
    assert_eq!(world.rings(1), None);
    world.wait(seconds(2));
    assert_eq!(world.rings(1), Some(1));
}

#[test]
fn an_own_requirement_counts_beside_the_queues_which_relaxes_as_ever() {
    let mut world = relaxing();
    world.agent(7, &[(BILLING, 8)]);
    world.agent(8, &[(BILLING, 8), (ENGLISH, 3)]);
    world.not_ready(8, 1);
    world.agent(3, &[(BILLING, 3), (ENGLISH, 3)]);
    world.agent(2, &[(BILLING, 2), (ENGLISH, 9)]);
    world.call_with(1, 1, 0, Some(Requirement::at_least(ENGLISH, 3)));
    world.wait(seconds(19));
    assert_eq!((world.waits_in(1), world.rings(7)), (Some(1), None), "agent 7 speaks no english");
    world.wait(seconds(2));
    assert_eq!(world.rings(3), Some(1), "from 20 s billing 3 suffices, and english is there");
}

#[test]
fn who_needs_something_rare_holds_nobody_back() {
    let mut world = World::with_queue();
    world.call_with(1, 1, 9, Some(Requirement::at_least(ENGLISH, 3)));
    world.call(2, 1);
    world.agent(7, &[(BILLING, 8)]);
    assert_eq!(world.rings(7), Some(2));
    world.agent(2, &[(ENGLISH, 3)]);
    assert_eq!(world.rings(2), Some(1));
}

#[test]
fn a_changed_own_requirement_counts_at_once() {
    let mut world = relaxing();
    world.agent(7, &[(BILLING, 8)]);
    world.call_with(1, 1, 0, Some(Requirement::at_least(ENGLISH, 3)));
    world.change(1, Change::requirement(Some(billing(9))));
    assert_eq!(world.rings(7), None);
    world.change(1, Change::requirement(None));
    assert_eq!(world.rings(7), Some(1));
}

#[test]
fn a_moved_interaction_keeps_its_age_and_begins_the_other_queues_steps() {
    let mut world = relaxing();
    world.queue(2, |queue| queue.requirement = Requirement::at_least(ENGLISH, 1));
    world.call(1, 2);
    world.wait(seconds(30));
    world.call(2, 1);
    world.change(1, Change::queue(QueueId(1)));
    assert_eq!((world.waits_in(1), world.step_of(1)), (Some(1), 0));
    world.agent(7, &[(BILLING, 7)]);
    assert_eq!(world.rings(7), Some(1));
}
