//! Several agents rung for one interaction.

use acd::{Invalid, RING_MAX, ReservationEnd, Ring};

use super::*;

/// Queue 1 rings so many at once, or one more each time that so many seconds have passed.
fn ringing(most: u8, every: u64) -> World {
    let mut world = World::new();
    world.queue(1, |queue| queue.ring = Ring { most, every: seconds(every) });
    world
}

fn rung(world: &World, id: u64) -> Vec<u32> {
    let state = world.acd.state();
    let held = state.reservations.values().filter(|held| held.interaction == InteractionId(id));
    held.map(|held| held.agent.0).collect()
}

fn ends(world: &mut World) -> Vec<(u32, ReservationEnd)> {
    let end = |event: &Event| match event {
        Event::ReservationEnded { agent, cause, .. } => Some((agent.0, *cause)),
        _ => None,
    };
    world.take_events().iter().filter_map(end).collect()
}

#[test]
fn as_many_as_are_free_are_rung_up_to_the_most_and_the_first_to_accept_has_the_caller() {
    let mut world = ringing(3, 0);
    (1..=4).for_each(|agent| world.agent(agent, &[]));
    world.call(1, 1);
    assert_eq!(rung(&world, 1), [1, 2, 3]);
    assert!(world.is_available(4));
    let too_late = world.reservation_of(3);
    world.accept(2);
    let taken = ReservationEnd::TakenByAnother;
    assert_eq!(ends(&mut world), [(2, ReservationEnd::Accepted), (1, taken), (3, taken)]);
    let refused = world.try_to(Command::Accept { reservation: too_late });
    assert_eq!(refused, Err(Refusal::StaleReservation(too_late)));
    assert!(world.is_available(1) && world.is_available(3));
    assert!(matches!(world.activity(2), Activity::Handling { .. }));
}

#[test]
fn who_was_not_the_first_has_missed_nothing_and_keeps_the_place_among_the_idle() {
    let mut world = ringing(2, 0);
    world.agent(1, &[]);
    world.wait(seconds(1));
    world.agent(2, &[]);
    world.wait(seconds(1));
    world.call(1, 1);
    world.wait(seconds(5));
    world.accept(2);
    world.agent(3, &[]);
    let agent = world.acd.state().agents[&AgentId(1)].clone();
    assert_eq!((agent.misses, agent.ready_at), (0, Instant::from_secs(1_000)));
    world.queue(1, |queue| queue.ring = Ring::default());
    world.call(2, 1);
    assert_eq!(rung(&world, 2), [1], "longest idle still");
}

#[test]
fn nobody_who_waits_waits_longer_for_a_second_phone() {
    let mut world = ringing(5, 0);
    world.agent(1, &[]);
    world.call(1, 1);
    world.call(2, 1);
    world.agent(2, &[]);
    assert_eq!((rung(&world, 1), rung(&world, 2)), (vec![1], vec![2]));
    world.agent(3, &[]);
    assert_eq!((rung(&world, 1), rung(&world, 2)), (vec![1, 3], vec![2]), "the first in line first");
}

#[test]
fn who_comes_while_all_are_rung_is_first_for_whoever_is_let_go() {
    let mut world = ringing(2, 0);
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.call(2, 1);
    assert_eq!(world.waits_in(2), Some(1));
    world.accept(1);
    assert_eq!(rung(&world, 2), [2]);
}

#[test]
fn a_caller_waits_again_only_when_the_last_phone_has_ceased_to_ring() {
    let mut world = ringing(2, 0);
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.reject(1, RejectCause::Rejected);
    assert_eq!((world.waits_in(1), rung(&world, 1)), (None, vec![2]));
    world.log_out(2);
    assert_eq!(world.waits_in(1), Some(1));
    world.agent(3, &[]);
    assert_eq!(rung(&world, 1), [3]);
}

#[test]
fn whoever_declines_makes_room_for_another_one() {
    let mut world = ringing(2, 0);
    (1..=3).for_each(|agent| world.agent(agent, &[]));
    world.call(1, 1);
    world.reject(1, RejectCause::Busy);
    assert_eq!(rung(&world, 1), [2, 3]);
}

#[test]
fn one_more_is_rung_each_time_and_each_rings_as_long_as_the_first() {
    let mut world = ringing(3, 5);
    world.queue(1, |queue| {
        queue.ring = Ring { most: 3, every: seconds(5) };
        queue.ring_timeout = seconds(12);
    });
    (1..=4).for_each(|agent| world.agent(agent, &[]));
    world.call(1, 1);
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(rung(&world, 1));
        world.wait(seconds(5) + Duration::from_millis(2));
    }
    assert_eq!(seen, [vec![1], vec![1, 2], vec![1, 2, 3], vec![2, 3, 4]], "1 rang out after 12 s");
}

#[test]
fn who_waited_for_nobody_joins_when_the_time_has_come_already() {
    let mut world = ringing(2, 5);
    world.agent(1, &[]);
    world.call(1, 1);
    world.wait(seconds(7));
    assert_eq!(rung(&world, 1), [1]);
    world.agent(2, &[]);
    assert_eq!(rung(&world, 1), [1, 2]);
}

#[test]
fn nobody_is_rung_beside_others_for_whom_the_agent_is_not_fit() {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.ring = Ring { most: 3, every: Duration::ZERO };
        queue.requirement = Requirement::at_least(ENGLISH, 3);
    });
    world.agent(1, &[(ENGLISH, 3)]);
    world.agent(2, &[(BILLING, 9)]);
    world.agent(3, &[(ENGLISH, 4)]);
    let own = Requirement::at_least(BILLING, 1);
    world.call(1, 1);
    assert_eq!(rung(&world, 1), [1, 3]);
    world.hang_up(1);
    world.agent(4, &[(ENGLISH, 4), (BILLING, 1)]);
    world.call_with(2, 1, 0, Some(own));
    assert_eq!(rung(&world, 2), [4]);
}

#[test]
fn a_caller_who_hangs_up_ends_all_and_nobody_is_to_blame() {
    let mut world = ringing(2, 0);
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.hang_up(1);
    let cancelled = ReservationEnd::Cancelled;
    assert_eq!(ends(&mut world), [(1, cancelled), (2, cancelled)]);
    assert!(world.is_available(1) && world.is_available(2));
}

#[test]
fn a_queue_that_is_removed_ends_all_and_its_callers_go_on_elsewhere() {
    let mut world = ringing(2, 0);
    world.queue(2, |_| {});
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: Exit::Queue(QueueId(2)) });
    assert_eq!(rung(&world, 1), [1], "the other queue rings one");
}

#[test]
fn more_may_be_rung_as_soon_as_the_rules_say_so_and_fewer_ends_nothing() {
    let mut world = ringing(1, 0);
    (1..=3).for_each(|agent| world.agent(agent, &[]));
    world.call(1, 1);
    assert_eq!(rung(&world, 1), [1]);
    world.queue(1, |queue| queue.ring.most = 3);
    assert_eq!(rung(&world, 1), [1, 2, 3]);
    world.queue(1, |queue| queue.ring.most = 1);
    assert_eq!(rung(&world, 1), [1, 2, 3]);
    world.reject(2, RejectCause::Busy);
    world.agent(4, &[]);
    assert_eq!(rung(&world, 1), [1, 3]);
}

#[test]
fn the_decision_says_beside_how_many_and_who_would_have_been_next() {
    let mut world = ringing(2, 0);
    (1..=3).for_each(|agent| world.agent(agent, &[]));
    world.take_events();
    world.call(1, 1);
    let decisions = world.take_events().into_iter().filter_map(|event| match event {
        Event::Reserved { decision, attempt, .. } => Some((decision, attempt)),
        _ => None,
    });
    let [(first, 1), (second, 2)] = &decisions.collect::<Vec<_>>()[..] else { panic!("two are rung") };
    assert_eq!((first.beside, first.eligible, first.runners_up[0]), (0, 3, Some(AgentId(2))));
    assert_eq!((second.beside, second.eligible, second.runners_up[0]), (1, 2, Some(AgentId(3))));
}

#[test]
fn nobody_is_rung_by_a_number_that_cannot_be() {
    let mut world = World::new();
    for most in [0, RING_MAX + 1] {
        let ring = Ring { most, every: Duration::ZERO };
        let settings = Box::new(QueueSettings { ring, ..QueueSettings::default() });
        let refused = world.try_to(Command::DefineQueue { queue: QueueId(1), settings });
        assert_eq!(refused, Err(Refusal::Invalid(Invalid::Ring(most))));
    }
}

/// Ten agents of whom nobody answers: two are rung at once, and whoever gives up is followed by the next.
fn nobody_answers(change: impl FnOnce(&mut QueueSettings)) -> World {
    let mut world = World::new();
    world.queue(1, |queue| {
        (queue.ring, queue.ring_timeout) = (Ring { most: 2, every: seconds(7) }, seconds(15));
        change(queue);
    });
    (1..=10).for_each(|agent| world.agent(agent, &[(BILLING, 5)]));
    world.call(1, 1);
    world
}

#[test]
fn nobody_joins_once_the_maximum_wait_is_over_so_that_the_last_ring_bounds_it() {
    let after = seconds(40);
    let mut world =
        nobody_answers(|queue| queue.max_wait = Some(acd::MaxWait { after, exit: Exit::Leave(ExitId(5)) }));
    world.wait(seconds(39));
    assert_eq!(rung(&world, 1).len(), 2);
    world.wait(seconds(10));
    assert_eq!(rung(&world, 1).len(), 1, "who rang out is not followed");
    world.agent(11, &[(BILLING, 5)]);
    assert_eq!(rung(&world, 1).len(), 1, "not by who comes, either");
    world.wait(seconds(6));
    assert_eq!(world.left(), [(1, 5)], "15 s after the maximum wait at the latest");
}

#[test]
fn a_rule_of_overflow_is_looked_at_when_the_last_has_failed_and_then_they_ring_on() {
    let rule = acd::Overflow {
        after: seconds(40),
        when: vec![acd::Condition {
            queue: None,
            limit: acd::Limit::AtLeast,
            measure: acd::Measure::Waiting(5),
        }],
        exit: Exit::Leave(ExitId(5)),
    };
    let mut world = nobody_answers(|queue| queue.overflows = vec![rule]);
    world.wait(seconds(50));
    assert_eq!(rung(&world, 1).len(), 1);
    world.wait(seconds(20));
    assert_eq!(
        (rung(&world, 1).len(), world.left()),
        (2, vec![]),
        "it did not apply, and is not looked at again"
    );
}

#[test]
fn a_queue_that_closes_rings_nobody_more_and_one_that_opens_again_does() {
    let mut world = nobody_answers(|queue| {
        queue.closed = Some(acd::Closed { waiting: acd::AtClosing::Leave, exit: Exit::Leave(ExitId(5)) });
    });
    let set_open = |open| Command::SetOpen { queue: QueueId(1), open };
    world.tell(set_open(false));
    world.wait(seconds(10));
    assert_eq!(rung(&world, 1).len(), 1);
    world.tell(set_open(true));
    assert_eq!(rung(&world, 1).len(), 2);
    world.tell(set_open(false));
    world.wait(seconds(16));
    assert_eq!(world.left(), [(1, 5)]);
}

#[test]
fn who_is_rung_for_by_several_comes_to_the_step_of_the_age_with_each_that_rings_out() {
    let mut world = nobody_answers(|queue| {
        queue.requirement = Requirement::at_least(BILLING, 5);
        queue.steps = vec![step(20, Requirement::at_least(ENGLISH, 1), StepEffect::Replace)];
    });
    world.agent(11, &[(ENGLISH, 1)]);
    assert_eq!(rung(&world, 1), [1]);
    world.wait(seconds(16));
    assert_eq!((rung(&world, 1), world.step_of(1)), (vec![2, 3], 0));
    world.wait(seconds(7));
    assert_eq!((rung(&world, 1), world.step_of(1)), (vec![3, 11], 1));
}
