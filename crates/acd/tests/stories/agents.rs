//! Presence is what the agent wants, activity what the system does with the agent.

use acd::{
    Activity, AgentId, Aside, Command, Event, InteractionId, Presence, ReasonCode, Refusal, RejectCause,
    Requirement, Settings,
};

use crate::{BILLING, World, seconds};

#[test]
fn an_agent_may_log_in_not_ready_and_becomes_ready_when_the_agent_says_so() {
    let mut world = World::with_queue();
    world.call(1, 1);
    world.define_agent(1, &[], |_| {});
    assert_eq!(world.presence(1), Presence::LoggedOut);
    world.tell(Command::LogIn { agent: AgentId(1), not_ready: Some(ReasonCode(3)) });
    assert_eq!((world.presence(1), world.rings(1)), (Presence::NotReady(ReasonCode(3)), None));
    world.ready(1);
    assert_eq!(world.rings(1), Some(1));
}

#[test]
fn not_ready_while_talking_takes_effect_afterwards() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.call(2, 1);
    world.accept(1);
    world.not_ready(1, 5);
    assert!(matches!(world.activity(1), Activity::Handling { .. }));
    world.finish(1);
    assert_eq!((world.rings(1), world.waits_in(2)), (None, Some(1)));
    assert!(matches!(world.activity(1), Activity::Idle { .. }));
}

#[test]
fn log_out_while_talking_takes_effect_afterwards_without_after_call_work() {
    let mut world = World::with_queue();
    world.queue(1, |queue| queue.after_call_work = seconds(30));
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.log_out(1);
    assert!(matches!(world.activity(1), Activity::Handling { .. }));
    world.finish(1);
    assert!(matches!(world.activity(1), Activity::Idle { .. }));
    assert_eq!(world.presence(1), Presence::LoggedOut);
}

#[test]
fn a_log_out_that_waits_for_the_end_of_a_conversation_can_be_taken_back() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.log_out(1);
    world.log_in(1);
    world.call(2, 1);
    world.finish(1);
    assert_eq!(world.rings(1), Some(2));
    assert_eq!(world.acd.state().agents[&AgentId(1)].handled, 1, "the shift went on");
}

#[test]
fn log_out_ends_after_call_work_and_back_off() {
    let mut world = World::with_queue();
    world.queue(1, |queue| queue.after_call_work = seconds(30));
    world.agent(1, &[]);
    world.call(1, 1);
    world.talk(1, seconds(5));
    world.wait(seconds(10));
    world.take_events();
    world.log_out(1);
    assert!(
        matches!(world.take_events()[0], Event::AfterCallWorkEnded { lasted, .. } if lasted == seconds(10))
    );
    world.log_in(1);
    world.call(2, 1);
    world.reject(1, RejectCause::NoAnswer);
    world.hang_up(2);
    world.log_out(1);
    world.log_in(1);
    assert!(world.is_available(1));
}

#[test]
fn after_call_work_ends_by_time_or_by_the_agent_and_then_the_next_caller_rings() {
    let mut world = World::with_queue();
    world.queue(1, |queue| queue.after_call_work = seconds(30));
    world.agent(1, &[]);
    world.call(1, 1);
    world.call(2, 1);
    world.call(3, 1);
    world.talk(1, seconds(5));
    world.wait(seconds(29));
    assert_eq!(world.rings(1), None);
    world.wait(seconds(2));
    assert_eq!(world.rings(1), Some(2));
    world.talk(1, seconds(5));
    world.tell(Command::EndAfterCallWork { agent: AgentId(1), interaction: None });
    assert_eq!(world.rings(1), Some(3));
}

#[test]
fn after_call_work_can_be_extended_up_to_a_bound() {
    let mut world = World::with(Settings { after_call_work_max: seconds(60), ..Settings::default() });
    world.queue(1, |queue| queue.after_call_work = seconds(30));
    world.agent(1, &[]);
    world.call(1, 1);
    world.talk(1, seconds(5));
    let extend = Command::ExtendAfterCallWork { agent: AgentId(1), interaction: None, by: seconds(20) };
    world.tell(extend.clone());
    world.wait(seconds(49));
    assert!(!world.is_available(1));
    world.tell(extend);
    world.wait(seconds(10));
    assert!(!world.is_available(1));
    world.wait(seconds(2));
    assert!(world.is_available(1), "sixty seconds in all, not seventy");
}

#[test]
fn an_agents_own_after_call_work_stands_in_place_of_the_queues() {
    let mut world = World::with_queue();
    world.queue(1, |queue| queue.after_call_work = seconds(30));
    world.define_agent(1, &[], |agent| agent.after_call_work = Some(seconds(0)));
    world.log_in(1);
    world.call(1, 1);
    world.talk(1, seconds(5));
    assert!(world.is_available(1));
}

#[test]
fn not_ready_during_after_call_work_takes_effect_afterwards() {
    let mut world = World::with_queue();
    world.queue(1, |queue| queue.after_call_work = seconds(30));
    world.agent(1, &[]);
    world.call(1, 1);
    world.talk(1, seconds(5));
    world.not_ready(1, 2);
    assert!(matches!(world.activity(1), Activity::AfterCallWork { .. }));
    world.call(2, 1);
    world.wait(seconds(31));
    assert_eq!((world.rings(1), world.presence(1)), (None, Presence::NotReady(ReasonCode(2))));
}

#[test]
fn an_agent_on_a_call_of_the_agents_own_is_not_rung() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.tell(Command::Occupy { agent: AgentId(1) });
    world.call(1, 1);
    assert_eq!(world.rings(1), None);
    world.tell(Command::Release { agent: AgentId(1) });
    assert_eq!(world.rings(1), Some(1));
}

#[test]
fn an_own_call_that_begins_during_a_conversation_keeps_the_agent_occupied_after_it() {
    let mut world = World::with_queue();
    world.queue(1, |queue| queue.after_call_work = seconds(10));
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.take_events();
    world.tell(Command::Occupy { agent: AgentId(1) });
    let beside = |event: &Event| matches!(event, Event::AgentAside { aside: Aside::Occupied { .. }, .. });
    assert!(world.take_events().iter().any(beside), "it is told beside the conversation");
    assert!(matches!(world.activity(1), Activity::Handling { .. }), "which stays in front");
    let again = world.try_to(Command::Occupy { agent: AgentId(1) });
    assert_eq!(again, Err(Refusal::WrongActivity(AgentId(1))));
    world.call(2, 1);
    world.finish(1);
    assert!(matches!(world.activity(1), Activity::AfterCallWork { .. }), "of the conversation, as ever");
    world.wait(seconds(11));
    assert!(matches!(world.activity(1), Activity::Occupied { .. }));
    assert_eq!(world.rings(1), None, "nobody is given to who speaks with somebody else");
    world.tell(Command::Release { agent: AgentId(1) });
    assert_eq!(world.rings(1), Some(2));
}

#[test]
fn an_own_call_that_ends_during_a_conversation_leaves_nothing_behind() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.tell(Command::Occupy { agent: AgentId(1) });
    world.wait(seconds(5));
    world.tell(Command::Release { agent: AgentId(1) });
    assert!(matches!(world.activity(1), Activity::Handling { .. }));
    world.call(2, 1);
    world.finish(1);
    assert_eq!(world.rings(1), Some(2));
}

#[test]
fn an_own_call_that_begins_while_the_phone_rings_outlasts_the_answer_and_the_miss() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.agent(2, &[]);
    world.call(1, 1);
    world.call(2, 1);
    for agent in [1, 2] {
        world.tell(Command::Occupy { agent: AgentId(agent) });
        assert!(world.rings(agent).is_some(), "the phone rings on");
    }
    world.accept(1);
    world.reject(2, RejectCause::NoAnswer);
    world.finish(1);
    world.wait(seconds(60));
    for agent in [1, 2] {
        assert!(matches!(world.activity(agent), Activity::Occupied { .. }));
        assert_eq!(world.rings(agent), None);
    }
    world.tell(Command::Release { agent: AgentId(2) });
    assert_eq!(world.rings(2), Some(2));
}

#[test]
fn a_skill_learned_while_calls_wait_counts_at_once_and_one_unlearned_ends_no_conversation() {
    let mut world = World::new();
    world.queue(1, |queue| queue.requirement = Requirement::at_least(BILLING, 5));
    world.agent(1, &[(BILLING, 4)]);
    world.call(1, 1);
    assert_eq!(world.rings(1), None);
    world.define_agent(1, &[(BILLING, 5)], |_| {});
    assert_eq!(world.rings(1), Some(1));
    world.accept(1);
    world.define_agent(1, &[], |_| {});
    assert!(matches!(world.activity(1), Activity::Handling { .. }));
    world.call(2, 1);
    world.finish(1);
    assert_eq!(world.rings(1), None);
}

#[test]
fn an_agent_removed_while_talking_finishes_the_conversation_and_is_gone() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.accept(1);
    world.tell(Command::RemoveAgent { agent: AgentId(1) });
    let unknown = Err(Refusal::UnknownAgent(AgentId(1)));
    assert_eq!(world.try_to(Command::LogIn { agent: AgentId(1), not_ready: None }), unknown);
    world.finish(1);
    assert!(world.take_events().contains(&Event::AgentRemoved { agent: AgentId(1) }));
    assert!(world.acd.state().agents.is_empty());
}

#[test]
fn an_agent_removed_while_rung_gives_the_caller_back() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.call(1, 1);
    world.tell(Command::RemoveAgent { agent: AgentId(1) });
    assert_eq!(world.waits_in(1), Some(1));
}

#[test]
fn a_wish_is_done_whatever_the_agent_s_state_and_twice_does_no_harm() {
    let mut world = World::with_queue();
    world.define_agent(1, &[], |_| {});
    let agent = AgentId(1);
    let lunch = Presence::NotReady(ReasonCode(3));
    for presence in [
        Presence::LoggedOut,
        lunch,
        lunch,
        Presence::Ready,
        Presence::Ready,
        lunch,
        Presence::LoggedOut,
        Presence::Ready,
        Presence::LoggedOut,
    ] {
        world.tell(Command::SetPresence { agent, presence });
        assert_eq!(world.acd.agent_snapshot(agent).map(|seen| seen.presence), Some(presence));
    }
    let missed = Command::SetPresence { agent, presence: Presence::NotReady(ReasonCode::MISSED) };
    assert_eq!(world.try_to(missed), Err(Refusal::ReservedReason));
    let nobody = Command::SetPresence { agent: AgentId(9), presence: Presence::Ready };
    assert_eq!(world.try_to(nobody), Err(Refusal::UnknownAgent(AgentId(9))));
    assert_eq!(world.acd.agent_snapshot(AgentId(9)), None);
}

#[test]
fn commands_that_do_not_fit_are_refused_and_say_why() {
    let mut world = World::with_queue();
    world.define_agent(1, &[], |_| {});
    let (agent, interaction) = (AgentId(1), InteractionId(1));
    let nobody = AgentId(9);
    assert_eq!(world.try_to(Command::SetReady { agent }), Err(Refusal::NotLoggedIn(agent)));
    assert_eq!(world.try_to(Command::LogOut { agent }), Err(Refusal::NotLoggedIn(agent)));
    assert_eq!(world.try_to(Command::LogOut { agent: nobody }), Err(Refusal::UnknownAgent(nobody)));
    assert_eq!(world.try_to(Command::Release { agent }), Err(Refusal::WrongActivity(agent)));
    assert_eq!(
        world.try_to(Command::EndAfterCallWork { agent, interaction: None }),
        Err(Refusal::WrongActivity(agent))
    );
    world.log_in(1);
    let again = Command::LogIn { agent, not_ready: None };
    assert_eq!(world.try_to(again), Err(Refusal::AlreadyLoggedIn(agent)));
    let reserved = Command::SetNotReady { agent, reason: ReasonCode::MISSED };
    assert_eq!(world.try_to(reserved), Err(Refusal::ReservedReason));
    assert_eq!(world.try_to(Command::Cancel { interaction }), Err(Refusal::UnknownInteraction(interaction)));
    world.call(1, 1);
    assert_eq!(world.try_to(Command::Finish { interaction }), Err(Refusal::WrongStage(interaction)));
    world.accept(1);
    assert_eq!(world.try_to(Command::Cancel { interaction }), Err(Refusal::WrongStage(interaction)));
}
