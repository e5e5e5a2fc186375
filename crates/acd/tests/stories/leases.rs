//! Leases: what nobody renews ends by itself, so that no agent can stay stuck.

use acd::{
    Activity, AgentId, Command, Event, HandlingEnd, InteractionId, Lease, Presence, ReasonCode, Refusal,
    Settings,
};

use crate::{World, seconds};

/// Queue 1 with after-call work, agent 1; conversations have a lease of a minute, the rest one of two.
fn world() -> World {
    let mut world = World::with(Settings {
        handling_lease: Some(seconds(60)),
        occupied_lease: Some(seconds(120)),
        log_in_lease: Some(seconds(120)),
        ..Settings::default()
    });
    world.queue(1, |queue| queue.after_call_work = seconds(10));
    world.agent(1, &[]);
    world
}

fn renew(world: &mut World, lease: Lease) {
    world.tell(Command::Renew { lease });
}

/// Keeps the log-in of agent 1 while time passes.
fn wait_logged_in(world: &mut World, times: u32) {
    for _ in 0..times {
        world.wait(seconds(50));
        renew(world, Lease::LogIn(AgentId(1)));
    }
}

#[test]
fn a_conversation_whose_end_was_lost_is_over_with_its_lease_and_the_agent_takes_the_next() {
    let mut world = world();
    world.call(1, 1);
    world.accept(1);
    world.call(2, 1);
    world.take_events();
    world.wait(seconds(59));
    assert!(matches!(world.activity(1), Activity::Handling { .. }));
    world.wait(seconds(2));
    let events = world.take_events();
    let (agent, interaction) = (AgentId(1), InteractionId(1));
    assert_eq!(events[0], Event::LeaseExpired { lease: Lease::Handling(interaction), agent });
    let Event::HandlingEnded { cause, handled_for, .. } = events[1] else { panic!("{:?}", events[1]) };
    assert_eq!((cause, handled_for.as_secs()), (HandlingEnd::LeaseExpired, 60));
    assert!(matches!(world.activity(1), Activity::AfterCallWork { .. }), "as after any conversation");
    world.wait(seconds(11));
    assert_eq!(world.rings(1), Some(2));
    let counters = world.acd.state().totals;
    assert_eq!((counters.finished, counters.expired), (1, 1));
    let late = Command::Finish { interaction };
    assert_eq!(world.try_to(late), Err(Refusal::UnknownInteraction(interaction)), "the end came after all");
    let late = Command::Renew { lease: Lease::Handling(interaction) };
    assert_eq!(world.try_to(late), Err(Refusal::UnknownInteraction(interaction)));
}

#[test]
fn a_conversation_that_is_renewed_goes_on_and_each_has_a_lease_of_its_own() {
    let mut world = world();
    world.agent(2, &[]);
    world.call(1, 1);
    world.accept(1);
    world.wait(seconds(45));
    world.call(2, 1);
    world.accept(2);
    for _ in 0..10 {
        world.wait(seconds(10));
        renew(&mut world, Lease::Handling(InteractionId(1)));
        renew(&mut world, Lease::LogIn(AgentId(1)));
    }
    assert!(matches!(world.activity(1), Activity::Handling { .. }));
    assert!(!matches!(world.activity(2), Activity::Handling { .. }), "nobody renewed that one");
    let waiting = Lease::Handling(InteractionId(3));
    world.call(3, 1);
    let early = world.try_to(Command::Renew { lease: waiting });
    assert_eq!(early, Err(Refusal::WrongStage(InteractionId(3))), "who waits has no lease");
}

#[test]
fn an_agent_whose_log_in_nobody_renews_is_logged_out_and_who_was_rung_for_goes_to_somebody_else() {
    let mut world = world();
    wait_logged_in(&mut world, 4);
    assert_eq!(world.presence(1), Presence::Ready);
    world.wait(seconds(115));
    world.agent(2, &[]);
    world.call(1, 1);
    assert_eq!(world.rings(1), Some(1));
    world.take_events();
    world.wait(seconds(6));
    assert_eq!(
        world.take_events()[0],
        Event::LeaseExpired { lease: Lease::LogIn(AgentId(1)), agent: AgentId(1) }
    );
    assert_eq!((world.presence(1), world.rings(2)), (Presence::LoggedOut, Some(1)));
    let gone = Command::Renew { lease: Lease::LogIn(AgentId(1)) };
    assert_eq!(world.try_to(gone), Err(Refusal::NotLoggedIn(AgentId(1))));
    world.log_in(1);
    assert!(world.is_available(1), "the phone is back");
}

#[test]
fn a_conversation_outlives_the_log_in_of_its_agent_and_ends_with_its_own_lease() {
    let mut world = world();
    world.call(1, 1);
    world.wait(seconds(5));
    world.accept(1);
    for _ in 0..5 {
        world.wait(seconds(30));
        renew(&mut world, Lease::Handling(InteractionId(1)));
    }
    assert_eq!(world.presence(1), Presence::LoggedOut);
    assert!(matches!(world.activity(1), Activity::Handling { .. }));
    world.wait(seconds(61));
    assert!(matches!(world.activity(1), Activity::Idle { .. }), "no after-call work for who is logged out");
    assert_eq!(world.presence(1), Presence::LoggedOut);
}

#[test]
fn an_own_call_whose_end_was_lost_sets_the_agent_free() {
    let mut world = world();
    let lease = Lease::Occupied(AgentId(1));
    assert_eq!(world.try_to(Command::Renew { lease }), Err(Refusal::WrongActivity(AgentId(1))));
    world.tell(Command::Occupy { agent: AgentId(1) });
    wait_logged_in(&mut world, 2);
    renew(&mut world, lease);
    wait_logged_in(&mut world, 2);
    assert!(matches!(world.activity(1), Activity::Occupied { .. }));
    world.wait(seconds(21));
    assert!(world.is_available(1));
}

#[test]
fn an_agent_removed_while_a_lease_runs_leaves_nothing_behind() {
    let mut world = world();
    world.call(1, 1);
    world.accept(1);
    world.tell(Command::RemoveAgent { agent: AgentId(1) });
    world.wait(seconds(61));
    let state = world.acd.state();
    assert!(state.agents.is_empty() && state.interactions.is_empty());
    assert_eq!(world.acd.poll_timeout(), None);
}

#[test]
fn without_a_lease_nothing_ends_by_itself_and_renewing_does_no_harm() {
    let mut world = World::with_queue();
    world.define_agent(1, &[], |_| {});
    world.tell(Command::LogIn { agent: AgentId(1), not_ready: Some(ReasonCode(1)) });
    world.ready(1);
    world.call(1, 1);
    world.accept(1);
    renew(&mut world, Lease::Handling(InteractionId(1)));
    renew(&mut world, Lease::LogIn(AgentId(1)));
    assert_eq!(world.acd.poll_timeout(), None);
    assert!(matches!(world.activity(1), Activity::Handling { .. }));
}

#[test]
fn a_hundred_conversations_that_are_renewed_need_one_alarm() {
    let mut world = World::with(Settings { handling_lease: Some(seconds(60)), ..Settings::default() });
    world.queue(1, |_| {});
    for id in 1..=100 {
        world.agent(id, &[]);
        world.call(id.into(), 1);
        world.accept(id);
    }
    let first = world.now + seconds(60);
    world.wait(seconds(30));
    for id in 1..=100 {
        renew(&mut world, Lease::Handling(InteractionId(id)));
    }
    let alarm = world.acd.poll_timeout().expect("a lease runs");
    assert!(alarm <= first, "renewing does not touch the alarm: it goes off, finds nobody and is set anew");
    world.wait(seconds(59));
    assert_eq!(world.acd.state().interactions.len(), 100);
    world.wait(seconds(2));
    assert_eq!(world.acd.state().interactions.len(), 0);
}
