//! Whether an agent can be rung is one thing, and the shift another.

use acd::{Activity, AgentId, Command, Event, Presence, ReasonCode, Refusal, ReservationEnd, Wanted};

use crate::{World, seconds};

fn reach(world: &mut World, agent: u32, reachable: bool) {
    world.tell(Command::SetReachable { agent: AgentId(agent), reachable });
}

/// Queue 1 with after-call work; agents 1 and 2 are there.
fn world() -> World {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.after_call_work = seconds(30);
        queue.unstaffed_grace = seconds(30);
    });
    world.agent(1, &[]);
    world
}

#[test]
fn nobody_is_offered_anything_who_cannot_be_rung_and_as_soon_as_they_can_they_are() {
    let mut world = world();
    reach(&mut world, 1, false);
    assert!(matches!(world.activity(1), Activity::Unreachable { .. }));
    world.call(1, 1);
    world.wait(seconds(5));
    assert!(world.waits_in(1) == Some(1));
    let counts = world.acd.snapshot(world.now).queues[0].agents;
    assert_eq!((counts.unreachable, counts.available, counts.here()), (1, 0, 1));
    reach(&mut world, 1, true);
    assert_eq!(world.rings(1), Some(1));
}

#[test]
fn what_rings_is_given_to_somebody_else_without_a_fault() {
    let mut world = world();
    world.call(1, 1);
    world.agent(2, &[]);
    world.take_events();
    reach(&mut world, 1, false);
    let ends =
        |event: &Event| matches!(event, Event::ReservationEnded { cause: ReservationEnd::Withdrawn, .. });
    assert!(world.take_events().iter().any(ends));
    assert_eq!(world.rings(2), Some(1));
    let agent = &world.acd.state().agents[&AgentId(1)];
    assert_eq!((agent.presence, agent.misses), (Presence::Ready, 0));
    assert_eq!(world.acd.state().totals.withdrawn, 1);
}

#[test]
fn a_phone_that_blinks_begins_neither_break_nor_shift_nor_wrap_up_anew() {
    let mut world = world();
    let agent = AgentId(1);
    world.call(1, 1);
    world.accept(1);
    world.wait(seconds(60));
    reach(&mut world, 1, false);
    assert!(matches!(world.activity(1), Activity::Handling { .. }), "the conversation goes on");
    world.wait(seconds(10));
    world.finish(1);
    reach(&mut world, 1, true);
    assert!(matches!(world.activity(1), Activity::AfterCallWork { .. }), "and is followed by its work");
    world.tell(Command::SetNotReady { agent, reason: ReasonCode(4) });
    world.wait(seconds(40));
    reach(&mut world, 1, false);
    world.wait(seconds(5));
    reach(&mut world, 1, true);
    let seen = world.acd.agent_snapshot(agent).expect("is defined");
    assert_eq!((seen.presence, seen.handled), (Presence::NotReady(ReasonCode(4)), 1));
    let state = &world.acd.state().agents[&agent];
    assert_eq!(state.worked.before.as_secs(), 100, "70 s of talk and 30 s of wrap-up");
}

#[test]
fn whoever_wants_an_agent_by_name_waits_for_the_phone_and_not_for_who_has_logged_out() {
    let mut world = world();
    world.agent(2, &[]);
    reach(&mut world, 1, false);
    let wanted = Wanted::preferred(AgentId(1), seconds(600));
    let request = acd::Request { wanted: Some(wanted), ..acd::Request::new(acd::QueueId(1)) };
    world.tell(Command::Enqueue { interaction: acd::InteractionId(1), request });
    assert!(world.waits_in(1) == Some(1), "the phone may be back any moment");
    reach(&mut world, 1, true);
    assert_eq!(world.rings(1), Some(1));
    reach(&mut world, 1, false);
    assert!(world.waits_in(1) == Some(1));
    world.tell(Command::LogOut { agent: AgentId(1) });
    assert_eq!(world.rings(2), Some(1), "who is gone will not come");
}

#[test]
fn a_step_and_a_deserted_queue_count_whoever_cannot_be_rung_as_there() {
    let mut world = world();
    world.queue(1, |queue| {
        queue.nobody_logged_in =
            Some(acd::NobodyLoggedIn { grace: seconds(0), exit: acd::Exit::Leave(acd::ExitId(1)) });
    });
    reach(&mut world, 1, false);
    world.call(1, 1);
    assert!(world.waits_in(1) == Some(1));
    world.tell(Command::LogOut { agent: AgentId(1) });
    assert_eq!(world.acd.state().totals.overflowed, 1);
}

#[test]
fn an_own_call_is_what_an_agent_does_whether_the_phone_is_registered_or_not() {
    let mut world = world();
    world.tell(Command::Occupy { agent: AgentId(1) });
    reach(&mut world, 1, false);
    assert!(matches!(world.activity(1), Activity::Occupied { .. }));
    world.tell(Command::Release { agent: AgentId(1) });
    assert!(matches!(world.activity(1), Activity::Unreachable { .. }));
    world.call(1, 1);
    assert!(world.waits_in(1) == Some(1));
}

#[test]
fn a_shift_can_begin_anew_in_the_middle_of_a_conversation() {
    let mut world = world();
    let agent = AgentId(1);
    assert_eq!(
        world.try_to(Command::BeginShift { agent: AgentId(9) }),
        Err(Refusal::UnknownAgent(AgentId(9)))
    );
    world.call(1, 1);
    world.accept(1);
    world.wait(seconds(600));
    world.tell(Command::BeginShift { agent });
    world.wait(seconds(60));
    world.finish(1);
    world.wait(seconds(60));
    let state = &world.acd.state().agents[&agent];
    assert_eq!((state.handled, state.worked.before.as_secs()), (0, 90), "60 s of talk, 30 s of wrap-up");
    assert_eq!(state.occupancy, 1_000_000, "of the 90 s of the shift when the wrap-up was over");
    world.tell(Command::LogOut { agent });
    assert_eq!(world.try_to(Command::BeginShift { agent }), Err(Refusal::NotLoggedIn(agent)));
}
