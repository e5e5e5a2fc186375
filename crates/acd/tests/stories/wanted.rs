//! Agents wanted by name: preferred, the last one, and nobody else.

use acd::{
    AgentId, Change, Command, Event, Exit, ExitId, Fault, InteractionId, Invalid, MaxWait, NobodyLoggedIn,
    Otherwise, OverflowCause, QueueId, Refusal, RejectCause, Request, Requirement, Strategy, WANTED_MAX,
    Wanted, WantedEnd,
};

use crate::{BILLING, World, seconds};

const VOICEMAIL: Exit = Exit::Leave(ExitId(5));

fn enqueue(id: u64, queue: u32, wanted: Wanted) -> Command {
    let request = Request { wanted: Some(wanted), ..Request::new(QueueId(queue)) };
    Command::Enqueue { interaction: InteractionId(id), request }
}

fn preferred(agent: u32, within: u64) -> Wanted {
    Wanted::preferred(AgentId(agent), seconds(within))
}

/// For this agent alone, and then voicemail.
fn direct(agent: u32, within: Option<u64>) -> Wanted {
    Wanted::direct(AgentId(agent), within.map(seconds), Otherwise::Exit(VOICEMAIL))
}

fn opened(world: &mut World) -> Vec<(u64, WantedEnd)> {
    let opened = |event: &Event| match event {
        Event::OpenedToAll { interaction, cause, .. } => Some((interaction.0, *cause)),
        _ => None,
    };
    world.take_events().iter().filter_map(opened).collect()
}

/// Agent 1 talks to call 100; agent 2 is idle.
fn one_talks_and_two_is_idle(world: &mut World) {
    world.agent(1, &[(BILLING, 5)]);
    world.call(100, 1);
    world.accept(1);
    world.agent(2, &[(BILLING, 5)]);
    world.take_events();
}

#[test]
fn who_prefers_a_busy_agent_waits_for_that_one_although_another_is_idle_and_then_takes_anybody() {
    let mut world = World::with_queue();
    one_talks_and_two_is_idle(&mut world);
    world.tell(enqueue(1, 1, preferred(1, 30)));
    world.wait(seconds(29));
    assert_eq!((world.waits_in(1), world.rings(2)), (Some(1), None));
    world.wait(seconds(2));
    assert_eq!(world.rings(2), Some(1));
    assert_eq!(opened(&mut world), [(1, WantedEnd::TimedOut)]);
}

#[test]
fn the_preferred_agent_who_becomes_free_in_time_takes_it() {
    let mut world = World::with_queue();
    one_talks_and_two_is_idle(&mut world);
    world.tell(enqueue(1, 1, preferred(1, 30)));
    world.wait(seconds(10));
    world.finish(100);
    assert_eq!((world.rings(1), world.rings(2)), (Some(1), None));
    let wanted = world.take_events().into_iter().find_map(|event| match event {
        Event::Reserved { decision, .. } => decision.wanted,
        _ => None,
    });
    assert_eq!(wanted, Some(0));
    world.accept(1);
    assert!(world.take_events().iter().any(|event| matches!(event, Event::Answered { by_name: true, .. })));
    world.wait(seconds(60));
    assert_eq!(opened(&mut world), [], "its time ends with the wait");
}

#[test]
fn preferred_at_the_moment_of_entry_only_costs_no_wait() {
    let mut world = World::with_queue();
    one_talks_and_two_is_idle(&mut world);
    world.tell(enqueue(1, 1, preferred(1, 0)));
    assert_eq!(world.rings(2), Some(1));
    assert_eq!(opened(&mut world), [(1, WantedEnd::TimedOut)]);
    world.finish(100);
    world.agent(3, &[(BILLING, 5)]);
    world.wait(seconds(5));
    world.tell(enqueue(2, 1, preferred(3, 0)));
    assert_eq!((world.rings(1), world.rings(3)), (None, Some(2)), "agent 1 is idle for longer");
}

#[test]
fn whoever_waits_for_the_agent_as_well_goes_by_place() {
    let mut world = World::with_queue();
    world.agent(1, &[(BILLING, 5)]);
    world.call(100, 1);
    world.accept(1);
    world.call(1, 1);
    world.wait(seconds(1));
    world.tell(enqueue(2, 1, preferred(1, 600)));
    world.wait(seconds(1));
    world.call(3, 1);
    world.finish(100);
    for expected in [1, 2, 3] {
        assert_eq!(world.rings(1), Some(expected));
        world.talk(1, seconds(10));
    }
}

#[test]
fn an_agent_who_is_not_there_is_not_waited_for() {
    let mut world = World::with_queue();
    world.agent(2, &[]);
    for (id, absent) in [(1, 1), (2, 77)] {
        if absent == 1 {
            world.define_agent(1, &[], |_| {});
        }
        world.tell(enqueue(id, 1, preferred(absent, 600)));
        assert_eq!(world.rings(2), Some(id), "nobody is logged in as {absent}");
        assert_eq!(opened(&mut world), [(id, WantedEnd::Absent)]);
        world.talk(2, seconds(5));
    }
}

#[test]
fn an_agent_who_logs_out_is_not_waited_for_any_longer() {
    let mut world = World::with_queue();
    one_talks_and_two_is_idle(&mut world);
    world.tell(enqueue(1, 1, preferred(1, 600)));
    world.tell(enqueue(2, 1, direct(1, None)));
    world.take_events();
    world.log_out(1);
    assert_eq!(world.rings(2), Some(1));
    let left = world.take_events().into_iter().find_map(|event| match event {
        Event::Overflowed { interaction, cause, exit, .. } => Some((interaction.0, cause, exit)),
        _ => None,
    });
    assert_eq!(left, Some((2, OverflowCause::WantedAbsent, VOICEMAIL)));
}

#[test]
fn an_agent_who_declines_is_not_waited_for() {
    let mut world = World::with_queue();
    world.agent(1, &[]);
    world.wait(seconds(1));
    world.agent(2, &[]);
    world.tell(enqueue(1, 1, preferred(1, 600)));
    world.reject(1, RejectCause::Rejected);
    assert_eq!(opened(&mut world), [(1, WantedEnd::Absent)]);
    assert_eq!(world.rings(2), Some(1));
}

#[test]
fn of_several_the_first_named_who_is_available_takes_it_and_the_record_says_so() {
    let mut world = World::with_queue();
    world.queue(1, |queue| queue.strategy = Strategy::TopDown);
    (1..=4).for_each(|agent| world.agent(agent, &[]));
    world.log_out(3);
    let agents = [Some(AgentId(3)), Some(AgentId(4)), None, Some(AgentId(2))];
    world.tell(enqueue(1, 1, Wanted { agents, ..preferred(1, 60) }));
    assert_eq!(world.rings(4), Some(1));
    let decision = world.take_events().into_iter().find_map(|event| match event {
        Event::Reserved { decision, .. } => Some(decision),
        _ => None,
    });
    let decision = decision.expect("it was reserved");
    assert_eq!((decision.wanted, decision.eligible), (Some(1), 2));
    assert_eq!(decision.runners_up, [Some(AgentId(2)), None, None]);
}

#[test]
fn a_direct_call_asks_for_no_skills_and_nobody_else_takes_it() {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 5);
        queue.nobody_logged_in = Some(NobodyLoggedIn { grace: seconds(0), exit: Exit::Leave(ExitId(9)) });
    });
    world.agent(1, &[]);
    world.tell(enqueue(1, 1, direct(1, Some(60))));
    assert_eq!(world.rings(1), Some(1), "the agent serves no queue at all");
    world.accept(1);
    world.tell(enqueue(2, 1, direct(1, Some(60))));
    assert_eq!(world.left(), [], "that nobody serves the queue is nothing to a direct call");
    world.agent(2, &[(BILLING, 9)]);
    world.wait(seconds(59));
    assert_eq!((world.waits_in(2), world.rings(2)), (Some(1), None));
    world.wait(seconds(2));
    assert_eq!(world.left(), [(2, 5)]);
}

#[test]
fn a_preferred_agent_without_the_skills_is_not_waited_for() {
    let mut world = World::new();
    world.queue(1, |queue| queue.requirement = Requirement::at_least(BILLING, 5));
    world.agent(1, &[(BILLING, 3)]);
    world.agent(2, &[(BILLING, 5)]);
    world.tell(enqueue(1, 1, preferred(1, 60)));
    assert_eq!(world.rings(2), Some(1));
    world.tell(enqueue(2, 1, Wanted { regardless_of_skills: true, ..preferred(1, 60) }));
    assert_eq!(world.rings(1), Some(2));
}

#[test]
fn whoever_stays_waits_for_an_agent_who_is_away_until_the_maximum_wait() {
    let mut world = World::new();
    world.queue(1, |queue| queue.max_wait = Some(MaxWait { after: seconds(60), exit: VOICEMAIL }));
    world.define_agent(1, &[], |_| {});
    world.agent(2, &[]);
    for id in [1, 2] {
        world.tell(enqueue(id, 1, Wanted::direct(AgentId(1), None, Otherwise::Stay)));
    }
    world.wait(seconds(30));
    assert_eq!((world.waits_in(1), world.rings(2)), (Some(1), None));
    world.log_in(1);
    assert_eq!(world.rings(1), Some(1));
    world.accept(1);
    world.wait(seconds(31));
    assert_eq!(world.left(), [(2, 5)]);
}

#[test]
fn whoever_goes_on_into_another_queue_wants_nobody_any_more() {
    let mut world = World::with_queue();
    world.queue(2, |_| {});
    one_talks_and_two_is_idle(&mut world);
    world.tell(enqueue(1, 1, preferred(1, 600)));
    assert_eq!(world.rings(2), None);
    world.change(1, Change::queue(QueueId(2)));
    assert_eq!(world.rings(2), Some(1));
}

#[test]
fn a_direct_call_whose_exit_is_gone_is_for_anybody() {
    let mut world = World::with_queue();
    world.agent(2, &[]);
    let gone = Otherwise::Exit(Exit::Queue(QueueId(9)));
    world.tell(enqueue(1, 1, Wanted::direct(AgentId(1), None, gone)));
    assert_eq!(world.rings(2), Some(1));
}

#[test]
fn being_wanted_by_name_is_no_turn_of_round_robin() {
    let mut world = World::new();
    world.queue(1, |queue| queue.strategy = Strategy::RoundRobin);
    (1..=3).for_each(|agent| world.agent(agent, &[]));
    world.call(1, 1);
    assert_eq!(world.rings(1), Some(1));
    world.tell(enqueue(2, 1, preferred(3, 60)));
    assert_eq!(world.rings(3), Some(2));
    world.talk(3, seconds(1));
    world.call(3, 1);
    assert_eq!(world.rings(2), Some(3), "the next after agent 1");
}

#[test]
fn nobody_or_one_twice_cannot_be_wanted() {
    let mut world = World::with_queue();
    for agents in [[None; WANTED_MAX], [Some(AgentId(1)); WANTED_MAX]] {
        let refusal = world.try_to(enqueue(1, 1, Wanted { agents, ..preferred(1, 5) }));
        assert_eq!(refusal, Err(Refusal::Invalid(Invalid::WantedAgents)));
    }
    let stays = Wanted { otherwise: Otherwise::Stay, ..preferred(1, 5) };
    assert_eq!(world.try_to(enqueue(1, 1, stays)), Err(Refusal::Invalid(Invalid::StayAndEnd)));
    let itself = Wanted { otherwise: Otherwise::Exit(Exit::Queue(QueueId(1))), ..preferred(1, 5) };
    let refusal = world.try_to(enqueue(1, 1, itself)).expect_err("it leads nowhere");
    assert_eq!((refusal, refusal.fault()), (Refusal::UselessExit(QueueId(1)), Fault::Configuration));
}
