//! Presence against the agent's own wish: who forced it and why is kept.

use acd::{
    AgentId, Command, Event, Forced, ForcedPresence, Presence, ReasonCode, Refusal, RejectCause, Settings,
    SupervisorId,
};

use crate::{World, seconds};

const COACHING: ReasonCode = ReasonCode(4);
const LEFT_THE_DESK: ReasonCode = ReasonCode(5);
const LEE: SupervisorId = SupervisorId(2);

fn world(forced_presence: ForcedPresence) -> World {
    let mut world = World::with(Settings { forced_presence, ..Settings::default() });
    world.queue(1, |_| {});
    world.agent(1, &[]);
    world.take_events();
    world
}

fn force(world: &mut World, presence: Presence, why: ReasonCode) {
    world.tell(Command::ForcePresence { agent: AgentId(1), presence, by: LEE, why });
}

fn forced(world: &World) -> Option<Forced> {
    world.acd.agent_snapshot(AgentId(1)).expect("the agent is defined").forced
}

fn wish(world: &mut World, presence: Presence) -> Result<(), Refusal> {
    world.try_to(Command::SetPresence { agent: AgentId(1), presence })
}

#[test]
fn what_a_supervisor_forces_happens_at_once_and_says_who_and_why() {
    let mut world = world(ForcedPresence::AgentMayChange);
    let coaching = Presence::NotReady(COACHING);
    force(&mut world, coaching, COACHING);
    let kept = Forced { presence: coaching, by: LEE, why: COACHING, since: world.now };
    assert_eq!(world.take_events()[0], Event::AgentForced { agent: AgentId(1), forced: Some(kept) });
    assert_eq!((world.presence(1), forced(&world)), (coaching, Some(kept)));
    world.call(1, 1);
    assert_eq!(world.rings(1), None);
    force(&mut world, Presence::LoggedOut, LEFT_THE_DESK);
    assert_eq!(world.presence(1), Presence::LoggedOut);
    assert_eq!(forced(&world).map(|forced| forced.why), Some(LEFT_THE_DESK));
    force(&mut world, Presence::Ready, COACHING);
    assert_eq!(world.rings(1), Some(1), "logged in and ready");
}

#[test]
fn a_forced_log_out_takes_the_reservation_back() {
    let mut world = world(ForcedPresence::AgentMayChange);
    world.call(1, 1);
    force(&mut world, Presence::LoggedOut, LEFT_THE_DESK);
    assert_eq!((world.rings(1), world.waits_in(1)), (None, Some(1)));
}

#[test]
fn an_agent_who_may_change_what_was_forced_ends_it_by_doing_so() {
    let mut world = world(ForcedPresence::AgentMayChange);
    let coaching = Presence::NotReady(COACHING);
    force(&mut world, coaching, COACHING);
    assert_eq!(wish(&mut world, coaching), Ok(()));
    assert!(forced(&world).is_some(), "the agent wants what is so already");
    world.take_events();
    assert_eq!(wish(&mut world, Presence::Ready), Ok(()));
    assert!(world.take_events().contains(&Event::AgentForced { agent: AgentId(1), forced: None }));
    assert_eq!((world.presence(1), forced(&world)), (Presence::Ready, None));
    force(&mut world, Presence::LoggedOut, LEFT_THE_DESK);
    world.log_in(1);
    assert_eq!((world.presence(1), forced(&world)), (Presence::Ready, None));
}

#[test]
fn a_phone_that_goes_away_and_comes_back_changes_nothing_of_what_was_forced() {
    let mut world = world(ForcedPresence::AgentMayChange);
    let coaching = Presence::NotReady(COACHING);
    force(&mut world, coaching, COACHING);
    let kept = forced(&world);
    world.log_out(1);
    assert_eq!(forced(&world), kept);
    world.tell(Command::LogIn { agent: AgentId(1), not_ready: Some(COACHING) });
    assert_eq!((world.presence(1), forced(&world)), (coaching, kept));
    world.log_out(1);
    world.log_in(1);
    assert_eq!((world.presence(1), forced(&world)), (Presence::Ready, None), "the agent came back for work");
}

#[test]
fn where_it_holds_the_agent_can_only_log_out_and_is_as_forced_after_the_next_log_in() {
    let mut world = world(ForcedPresence::HoldsUntilLifted);
    let agent = AgentId(1);
    let coaching = Presence::NotReady(COACHING);
    let refused = Err(Refusal::Forced(agent));
    force(&mut world, coaching, COACHING);
    assert_eq!(wish(&mut world, Presence::Ready), refused);
    assert_eq!(world.try_to(Command::SetReady { agent }), refused);
    assert_eq!(world.try_to(Command::SetNotReady { agent, reason: ReasonCode(1) }), refused);
    assert_eq!(world.try_to(Command::SetNotReady { agent, reason: COACHING }), Ok(()));
    world.log_out(1);
    assert_eq!(wish(&mut world, Presence::Ready), refused);
    world.log_in(1);
    assert_eq!(world.presence(1), coaching, "the phone went away and came back");
    assert_eq!(forced(&world).map(|forced| forced.by), Some(LEE));
}

#[test]
fn a_held_log_out_lets_nobody_in_until_it_is_lifted() {
    let mut world = world(ForcedPresence::HoldsUntilLifted);
    let agent = AgentId(1);
    force(&mut world, Presence::LoggedOut, LEFT_THE_DESK);
    let log_in = Command::LogIn { agent, not_ready: None };
    assert_eq!(world.try_to(log_in.clone()), Err(Refusal::Forced(agent)));
    world.tell(Command::LiftForced { agent });
    assert_eq!((world.presence(1), forced(&world)), (Presence::LoggedOut, None), "nothing else changes");
    world.tell(log_in);
    assert!(world.is_available(1));
    world.take_events();
    world.tell(Command::LiftForced { agent });
    assert_eq!(world.take_events(), [], "nothing is forced: nothing happens");
}

#[test]
fn who_is_held_ready_and_misses_calls_may_come_back_but_not_take_a_break() {
    let mut world = world(ForcedPresence::HoldsUntilLifted);
    force(&mut world, Presence::Ready, COACHING);
    for call in 1..=3 {
        world.call(call, 1);
        world.reject(1, RejectCause::NoAnswer);
        world.hang_up(call);
        world.wait(seconds(60));
    }
    assert_eq!(world.presence(1), Presence::NotReady(ReasonCode::MISSED));
    assert_eq!(wish(&mut world, Presence::NotReady(ReasonCode(1))), Err(Refusal::Forced(AgentId(1))));
    assert_eq!(wish(&mut world, Presence::Ready), Ok(()));
    assert!(world.is_available(1));
}

#[test]
fn missed_calls_end_a_forced_ready_where_the_agent_may_change_it() {
    let mut world = world(ForcedPresence::AgentMayChange);
    force(&mut world, Presence::Ready, COACHING);
    for call in 1..=3 {
        world.call(call, 1);
        world.reject(1, RejectCause::NoAnswer);
        world.hang_up(call);
        world.wait(seconds(60));
    }
    assert_eq!((world.presence(1), forced(&world)), (Presence::NotReady(ReasonCode::MISSED), None));
}

#[test]
fn nobody_can_be_forced_for_the_reason_that_only_the_distributor_gives() {
    let mut world = world(ForcedPresence::AgentMayChange);
    let command = |agent, presence, why| Command::ForcePresence { agent, presence, by: LEE, why };
    let missed = Presence::NotReady(ReasonCode::MISSED);
    let refused = Err(Refusal::ReservedReason);
    assert_eq!(world.try_to(command(AgentId(1), missed, COACHING)), refused);
    assert_eq!(world.try_to(command(AgentId(1), Presence::Ready, ReasonCode::MISSED)), refused);
    let nobody = AgentId(9);
    let unknown = Err(Refusal::UnknownAgent(nobody));
    assert_eq!(world.try_to(command(nobody, Presence::Ready, COACHING)), unknown);
    assert_eq!(world.try_to(Command::LiftForced { agent: nobody }), unknown);
    assert_eq!(forced(&world), None);
}
