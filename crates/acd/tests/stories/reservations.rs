//! From the reservation to the conversation, or back into the line.

use acd::{
    AbandonedDuring, Activity, AgentId, BackOff, BackOffs, Command, Event, HandlingEnd, InteractionId,
    Presence, QueueId, ReasonCode, Refusal, RejectCause, Requirement, ReservationEnd, ReservationId, Ring,
    Settings,
};

use crate::{BILLING, World, seconds};

#[test]
fn a_call_is_offered_answered_and_finished_with_all_times_in_the_events() {
    let mut world = World::with_queue();
    world.queue(1, |queue| queue.after_call_work = seconds(30));
    world.call(1, 1);
    world.wait(seconds(4));
    world.agent(1, &[]);
    world.wait(seconds(3));
    world.take_events();
    world.talk(1, seconds(120));
    world.wait(seconds(31));
    let (interaction, queue, agent) = (InteractionId(1), QueueId(1), AgentId(1));
    let events = world.take_events();
    assert!(events.contains(&Event::ReservationEnded {
        reservation: ReservationId(1),
        interaction,
        agent,
        queue,
        cause: ReservationEnd::Accepted,
        lasted: seconds(3),
        left: 0
    }));
    let (waited, age, by_name) = (seconds(7), seconds(7), false);
    let answered = Event::Answered { interaction, queue, agent, waited, age, by_name };
    assert!(events.contains(&answered));
    let (handled_for, cause) = (seconds(120), HandlingEnd::Finished);
    let interrupted_for = seconds(0);
    let ended = Event::HandlingEnded { interaction, queue, agent, handled_for, interrupted_for, cause };
    assert!(events.contains(&ended));
    assert!(events.iter().any(|event| matches!(event, Event::AfterCallWorkEnded { lasted, .. }
        if *lasted >= seconds(30) && lasted.as_millis() <= 30_002)));
    assert!(world.is_available(1));
}

#[test]
fn an_agent_held_for_one_interaction_is_not_offered_another() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.call(2, 1);
    assert_eq!((world.rings(1), world.waits_in(2)), (Some(1), Some(1)));
}

#[test]
fn an_agent_who_lets_it_ring_is_left_alone_and_the_caller_goes_first_to_the_next() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.wait(seconds(1));
    world.call(2, 1);
    world.wait(seconds(15));
    assert!(matches!(world.activity(1), Activity::BackingOff { .. }));
    world.agent(2, &[]);
    assert_eq!(world.rings(2), Some(1), "call 1 kept its place before call 2");
}

#[test]
fn an_agent_is_not_offered_again_what_the_agent_has_just_declined() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.define_agent(2, &[], |_| {});
    world.tell(Command::LogIn { agent: AgentId(2), not_ready: Some(ReasonCode(1)) });
    world.reject(1, RejectCause::Rejected);
    world.wait(seconds(6));
    assert!(world.is_available(1));
    assert_eq!(world.rings(1), None, "excluded for a minute");
    world.call(2, 1);
    assert_eq!(world.rings(1), Some(2), "but not for others");
    world.talk(1, seconds(10));
    world.wait(seconds(45));
    assert_eq!(world.rings(1), Some(1), "and not for ever");
}

#[test]
fn each_cause_has_its_own_back_off() {
    let pauses = [
        (RejectCause::NoAnswer, 10),
        (RejectCause::Busy, 20),
        (RejectCause::Rejected, 5),
        (RejectCause::Unreachable, 30),
        (RejectCause::NoResources, 5),
    ];
    for (cause, pause) in pauses {
        let mut world = World::with_queue();
        world.agent(1, &[]);
        world.call(1, 1);
        world.reject(1, cause);
        world.hang_up(1);
        world.wait(seconds(pause - 1));
        assert!(!world.is_available(1), "{cause:?}");
        world.wait(seconds(2));
        assert!(world.is_available(1), "{cause:?}");
    }
}

/// FreePBX#40: the same agent was rung again and again.
#[test]
fn an_agent_who_misses_three_in_a_row_becomes_not_ready_with_a_reason_until_the_agent_says_ready() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.wait(seconds(200));
    assert_eq!(world.presence(1), Presence::NotReady(ReasonCode::MISSED));
    let rings = |event: &&Event| matches!(event, Event::Reserved { .. });
    assert_eq!(world.take_events().iter().filter(rings).count(), 3);
    world.ready(1);
    assert_eq!(world.rings(1), Some(1));
    world.wait(seconds(16));
    assert_eq!(world.presence(1), Presence::Ready, "the count began anew");
}

#[test]
fn a_desktop_that_repeats_ready_all_the_time_does_not_hide_that_nobody_is_there() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    for _ in 0..200 {
        world.wait(seconds(1));
        if world.presence(1) != Presence::Ready {
            break;
        }
        world.tell(Command::SetPresence { agent: AgentId(1), presence: Presence::Ready });
    }
    assert_eq!(world.presence(1), Presence::NotReady(ReasonCode::MISSED));
}

#[test]
fn an_answered_call_forgets_the_misses_and_who_is_busy_declines_or_was_not_asked_misses_nothing() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    for (call, cause) in [
        (1, RejectCause::NoAnswer),
        (2, RejectCause::Unreachable),
        (3, RejectCause::Busy),
        (4, RejectCause::Rejected),
        (5, RejectCause::NoResources),
    ] {
        world.call(call, 1);
        world.reject(1, cause);
        world.hang_up(call);
        world.wait(seconds(40));
    }
    world.call(6, 1);
    world.talk(1, seconds(5));
    world.call(7, 1);
    world.reject(1, RejectCause::NoAnswer);
    assert_eq!(world.presence(1), Presence::Ready);
}

#[test]
fn a_caller_who_hangs_up_during_the_ring_frees_the_agent_without_a_back_off() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.call(2, 1);
    world.wait(seconds(3));
    world.take_events();
    world.hang_up(1);
    assert_eq!(world.rings(1), Some(2), "the next caller at once");
    let events = world.take_events();
    assert!(matches!(events[0], Event::ReservationEnded { cause: ReservationEnd::Cancelled, .. }));
    assert!(matches!(events[1], Event::Abandoned { during: AbandonedDuring::Reserved, waited, .. }
        if waited == seconds(3)));
}

#[test]
fn a_caller_who_hangs_up_while_waiting_is_abandoned() {
    let mut world = World::with_queue();
    world.call(1, 1);
    world.wait(seconds(9));
    world.take_events();
    world.hang_up(1);
    let (interaction, queue) = (InteractionId(1), QueueId(1));
    let (waited, age, during) = (seconds(9), seconds(9), AbandonedDuring::Waiting);
    assert_eq!(world.take_events(), [Event::Abandoned { interaction, queue, waited, age, during }]);
    assert_eq!(world.acd.state().interactions.len(), 0);
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    let reservation = world.reservation_of(1);
    world.wait(seconds(16));
    let before = world.acd.state();
    let stale = Err(Refusal::StaleReservation(reservation));
    assert_eq!(world.try_to(Command::Accept { reservation }), stale);
    assert_eq!(world.try_to(Command::Reject { reservation, cause: RejectCause::Busy }), stale);
    let after = world.acd.state();
    assert_eq!((before.agents, before.interactions), (after.agents, after.interactions));
}

/// asterisk#176: two agents answered one call.
#[test]
fn a_second_answer_to_the_same_reservation_is_refused() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    let reservation = world.reservation_of(1);
    world.accept(1);
    assert_eq!(world.try_to(Command::Accept { reservation }), Err(Refusal::StaleReservation(reservation)));
    assert_eq!(world.rings(2), None);
}

#[test]
fn an_agent_who_logs_out_during_the_ring_gives_the_caller_to_the_next_at_once() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.wait(seconds(1));
    world.agent(2, &[]);
    world.call(1, 1);
    world.take_events();
    world.log_out(1);
    assert_eq!((world.rings(1), world.rings(2)), (None, Some(1)));
    assert!(matches!(
        world.take_events()[0],
        Event::ReservationEnded { cause: ReservationEnd::Withdrawn, .. }
    ));
}

#[test]
fn an_agent_who_becomes_not_ready_during_the_ring_may_still_answer_it() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.not_ready(1, 4);
    assert_eq!(world.rings(1), Some(1));
    world.talk(1, seconds(5));
    assert_eq!(world.presence(1), Presence::NotReady(ReasonCode(4)));
    world.call(2, 1);
    assert_eq!(world.rings(1), None);
}

#[test]
fn when_too_many_have_declined_the_exclusion_that_would_end_first_is_forgotten() {
    let mut world = World::with(Settings { exclusions_max: 1, ..Settings::default() });
    world.queue(1, |queue| queue.back_offs.rejected.pause = seconds(0));
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.reject(1, RejectCause::Rejected);
    assert_eq!(world.rings(2), Some(1));
    world.wait(seconds(1));
    world.reject(2, RejectCause::Rejected);
    assert_eq!(world.rings(1), Some(1));
}

#[test]
fn the_second_attempt_says_so() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.take_events();
    world.reject(1, RejectCause::Busy);
    let again = |event: &Event| matches!(event, Event::Reserved { attempt: 2, agent: AgentId(2), .. });
    assert!(world.take_events().iter().any(again));
}

#[test]
fn who_has_missed_the_only_one_who_could_take_it_is_not_overtaken() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.call(2, 1);
    world.reject(1, RejectCause::NoAnswer);
    world.wait(seconds(9));
    assert_eq!(world.rings(1), None, "the agent is left alone for the back-off");
    world.wait(seconds(2));
    assert_eq!(world.rings(1), Some(1));
    world.reject(1, RejectCause::NoAnswer);
    world.wait(seconds(11));
    world.reject(1, RejectCause::NoAnswer);
    world.wait(seconds(60));
    assert_eq!((world.rings(1), world.presence(1)), (None, Presence::NotReady(ReasonCode::MISSED)));
}

#[test]
fn while_somebody_else_is_logged_in_who_missed_it_takes_the_next() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.agent(2, &[]);
    world.not_ready(2, 1);
    world.call(2, 1);
    world.reject(1, RejectCause::NoAnswer);
    world.wait(seconds(11));
    assert_eq!(world.rings(1), Some(2), "the second may come back any moment");
}

#[test]
fn where_all_have_missed_it_all_are_offered_it_again() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.reject(1, RejectCause::NoAnswer);
    assert_eq!(world.rings(2), Some(1));
    world.wait(seconds(14));
    assert_eq!(world.rings(1), None, "excluded, and there is nobody else in line");
    world.reject(2, RejectCause::NoAnswer);
    assert_eq!(world.rings(1), Some(1));
    world.reject(1, RejectCause::NoAnswer);
    world.wait(seconds(11));
    assert!(world.rings(1).is_some() || world.rings(2).is_some());
}

#[test]
fn who_could_take_it_is_asked_of_the_step_and_of_the_caller_s_own_requirement() {
    let mut world = World::with_queue();
    world.agent(1, &[(BILLING, 3)]);
    world.agent(2, &[]);
    world.not_ready(2, 1);
    world.call_with(1, 1, 0, Some(Requirement::at_least(BILLING, 1)));
    world.call(2, 1);
    world.reject(1, RejectCause::NoAnswer);
    world.wait(seconds(11));
    assert_eq!(world.rings(1), Some(1), "agent 2 could not take it");
    world.define_agent(2, &[(BILLING, 1)], |_| {});
    world.reject(1, RejectCause::NoAnswer);
    world.wait(seconds(11));
    assert_eq!(world.rings(1), Some(2), "agent 2 could");
}

#[test]
fn the_only_phone_that_refuses_by_itself_is_not_rung_without_end() {
    let mut world = World::new();
    world.queue(1, |queue| queue.back_offs.rejected.pause = seconds(0));
    world.agent(1, &[]);
    world.call(1, 1);
    world.reject(1, RejectCause::Rejected);
    assert_eq!(world.rings(1), None);
    world.wait(seconds(4));
    assert_eq!(world.rings(1), None);
    world.wait(seconds(2));
    assert_eq!(world.rings(1), Some(1));
    world.accept(1);
    world.give_back(1);
    assert_eq!(world.rings(1), None);
    world.wait(seconds(6));
    assert_eq!(world.rings(1), Some(1));
}

/// How many reservations of queue 1 ended how.
fn ends(world: &World) -> [u64; 8] {
    let of = world.acd.state().queues[&QueueId(1)].counters;
    let failed =
        [of.missed, of.declined, of.no_resources, of.withdrawn, of.cancelled, of.taken, of.calls_failed];
    assert_eq!(of.reservations, of.reservations_ended() + world.acd.state().reservations.len() as u64);
    let [missed, declined, no_resources, withdrawn, cancelled, taken, calls_failed] = failed;
    [of.answered, missed, declined, no_resources, withdrawn, cancelled, taken, calls_failed]
}

#[test]
fn every_reservation_ends_as_one_thing_and_is_counted_as_that() {
    let mut world = World::with(Settings { misses_max: 0, ..Settings::default() });
    let none = BackOff { pause: seconds(0), exclusion: seconds(0) };
    let (no_answer, busy, rejected) = (none, none, none);
    let back_offs = BackOffs { no_answer, busy, rejected, unreachable: none, no_resources: none };
    world.queue(1, |queue| queue.back_offs = back_offs);
    world.agent(1, &[]);
    world.call(1, 1);
    world.wait(seconds(16));
    assert_eq!(ends(&world), [0, 1, 0, 0, 0, 0, 0, 0], "it rang out");
    for (cause, counted) in [
        (RejectCause::NoAnswer, [0, 2, 0, 0, 0, 0, 0, 0]),
        (RejectCause::Unreachable, [0, 3, 0, 0, 0, 0, 0, 0]),
        (RejectCause::Busy, [0, 3, 1, 0, 0, 0, 0, 0]),
        (RejectCause::Rejected, [0, 3, 2, 0, 0, 0, 0, 0]),
        (RejectCause::NoResources, [0, 3, 2, 1, 0, 0, 0, 0]),
    ] {
        world.reject(1, cause);
        assert_eq!(ends(&world), counted, "{cause:?}");
    }
    world.tell(Command::LogOut { agent: AgentId(1) });
    assert_eq!(ends(&world), [0, 3, 2, 1, 1, 0, 0, 0], "the agent has gone");
    world.log_in(1);
    world.hang_up(1);
    assert_eq!(ends(&world), [0, 3, 2, 1, 1, 1, 0, 0], "the caller has gone");
    world.queue(1, |queue| queue.ring = Ring { most: 2, every: seconds(0) });
    world.agent(2, &[]);
    world.call(2, 1);
    world.accept(1);
    assert_eq!(ends(&world), [1, 3, 2, 1, 1, 1, 1, 0], "the other one was sooner");
}
