//! Steps that are passed over by who needs more than the queue asks for. The plain cases are tables
//! (`tests/scenarios/*korean*`).

use acd::{
    AgentId, CallbackMode, CallbackRules, Change, Command, Event, Exit, ExitId, InteractionId, MaxWait,
    Otherwise, QueueId, QueueSettings, RejectCause, Request, Requirement, Settings, SkillId, StepEffect,
    Wanted,
};

use crate::{BILLING, World, seconds, step};

const KOREAN: SkillId = SkillId(3);

/// Speak no Korean, and serves the first step.
const KIM: u32 = 7;
/// Speaks Korean, and serves the second.
const PARK: u32 = 3;
/// Speaks Korean, and serves both.
const SEO: u32 = 8;

fn korean() -> Option<Requirement> {
    Some(Requirement::at_least(KOREAN, 1))
}

fn billing(level: u8) -> Requirement {
    Requirement::at_least(BILLING, level)
}

fn with_grace(queue: &mut QueueSettings) {
    queue.requirement = billing(7);
    queue.steps = vec![step(600, billing(3), StepEffect::Replace)];
    queue.unstaffed_grace = seconds(30);
}

/// Kim and Park are there, not ready; the log-in of Park is long ago.
fn world_with(settings: Settings) -> World {
    let mut world = World::with(settings);
    world.queue(1, with_grace);
    world.agent(KIM, &[(BILLING, 8)]);
    world.agent(PARK, &[(BILLING, 4), (KOREAN, 5)]);
    [KIM, PARK].iter().for_each(|&agent| world.not_ready(agent, 1));
    world.wait(seconds(100));
    world
}

fn world() -> World {
    world_with(Settings::default())
}

fn steps(world: &World, calls: &[u64]) -> Vec<u8> {
    calls.iter().map(|&call| world.step_of(call)).collect()
}

#[test]
fn who_has_lost_a_skill_is_waited_for_as_who_has_gone() {
    let mut world = world();
    world.agent(SEO, &[(BILLING, 8), (KOREAN, 5)]);
    world.not_ready(SEO, 1);
    world.call_with(1, 1, 0, korean());
    world.define_agent(SEO, &[(BILLING, 8)], |_| {});
    world.define_agent(KIM, &[(BILLING, 8), (KOREAN, 2)], |_| {});
    assert_eq!(
        world.step_of(1),
        0,
        "the skill has moved from one to another, in one change of the configuration"
    );
    world.define_agent(KIM, &[(BILLING, 8)], |_| {});
    world.wait(seconds(29));
    assert_eq!(world.step_of(1), 0);
    world.wait(seconds(2));
    assert_eq!(world.step_of(1), 1);
}

#[test]
fn who_is_removed_is_waited_for_by_those_who_wait_and_by_nobody_who_comes_later() {
    let mut world = world();
    world.agent(SEO, &[(BILLING, 8), (KOREAN, 5)]);
    world.not_ready(SEO, 1);
    world.call_with(1, 1, 0, korean());
    world.tell(Command::RemoveAgent { agent: AgentId(SEO) });
    world.wait(seconds(20));
    world.call_with(2, 1, 0, korean());
    assert_eq!(steps(&world, &[1, 2]), [0, 0], "equal needs are treated alike");
    world.hang_up(1);
    world.hang_up(2);
    world.call_with(3, 1, 0, korean());
    assert_eq!(world.step_of(3), 1, "nobody is defined any more who could come back");
}

#[test]
fn after_a_start_the_phones_have_time_to_register() {
    let mut world = world();
    world.define_agent(SEO, &[(BILLING, 8), (KOREAN, 5)], |_| {});
    world.wait(seconds(10));
    world.call_with(1, 1, 0, korean());
    assert_eq!(world.step_of(1), 0);
    world.wait(seconds(21));
    assert_eq!(world.step_of(1), 1);
}

#[test]
fn in_several_queues_each_has_its_own_steps() {
    let mut world = world();
    world.queue(2, |queue| {
        queue.requirement = Requirement::at_least(KOREAN, 5);
        queue.steps = vec![step(600, billing(1), StepEffect::Add)];
    });
    let request = Request { also: vec![QueueId(2)], requirement: korean(), ..Request::new(QueueId(1)) };
    world.tell(Command::Enqueue { interaction: InteractionId(1), request });
    let steps = |world: &World| -> Vec<u8> {
        world.acd.state().interactions[&InteractionId(1)].entries.iter().map(|entry| entry.step).collect()
    };
    assert_eq!(steps(&world), [1, 0]);
    world.define_agent(PARK, &[(BILLING, 4), (KOREAN, 4)], |_| {});
    assert_eq!(steps(&world), [1, 1], "without a grace in that queue");
    assert_eq!(world.acd.state().own_staffing.len(), 2);
}

#[test]
fn a_callback_that_has_rested_comes_to_the_step_where_somebody_is() {
    let mut world = World::new();
    world.queue(1, |queue| {
        with_grace(queue);
        let mode = CallbackMode::AgentFirst;
        queue.callback = Some(CallbackRules { mode, delay: seconds(60), ..CallbackRules::default() });
    });
    world.agent(PARK, &[(BILLING, 4), (KOREAN, 5)]);
    world.agent(SEO, &[(BILLING, 8), (KOREAN, 5)]);
    [PARK, SEO].iter().for_each(|&agent| world.not_ready(agent, 1));
    world.call_with(1, 1, 0, korean());
    world.tell(Command::CallBack { interaction: InteractionId(1) });
    assert_eq!(world.acd.state().own_staffing, [], "it stands in no line");
    world.log_out(SEO);
    world.wait(seconds(61));
    assert_eq!(world.step_of(1), 1);
    world.ready(PARK);
    assert_eq!(world.rings(PARK), Some(1));
}

#[test]
fn who_wants_an_agent_by_name_waits_at_the_step_which_that_agent_serves() {
    let mut world = world();
    let wanted = Wanted {
        agents: [Some(AgentId(PARK)), None, None, None],
        within: Some(seconds(60)),
        otherwise: Otherwise::Exit(Exit::Leave(ExitId(1))),
        regardless_of_skills: false,
    };
    let request = Request { requirement: korean(), wanted: Some(wanted), ..Request::new(QueueId(1)) };
    world.tell(Command::Enqueue { interaction: InteractionId(1), request });
    assert_eq!((world.step_of(1), world.waits_in(1)), (1, Some(1)));
    world.ready(PARK);
    assert_eq!(world.rings(PARK), Some(1));
}

#[test]
fn who_overflows_goes_by_the_steps_of_the_other_queue() {
    let mut world = world();
    world.queue(2, |queue| {
        queue.requirement = Requirement::at_least(KOREAN, 9);
        queue.max_wait = Some(MaxWait { after: seconds(10), exit: Exit::Queue(QueueId(1)) });
    });
    world.call_with(1, 2, 0, korean());
    world.wait(seconds(11));
    assert_eq!((world.waits_in(1), world.step_of(1)), (Some(1), 1));
}

#[test]
fn where_nobody_at_all_meets_the_requirement_it_stays_and_the_queues_own_rule_counts() {
    let mut world = world();
    world.call_with(1, 1, 0, Some(Requirement::at_least(KOREAN, 9)));
    assert_eq!(world.step_of(1), 0);
    world.agent(SEO, &[(BILLING, 4), (KOREAN, 9)]);
    assert_eq!(world.rings(SEO), Some(1), "the first to come takes it");
}

#[test]
fn a_longer_grace_moves_nobody_back_and_a_shorter_one_acts_at_once() {
    let mut world = world();
    world.agent(SEO, &[(BILLING, 8), (KOREAN, 5)]);
    world.not_ready(SEO, 1);
    world.call_with(1, 1, 0, korean());
    world.log_out(SEO);
    world.wait(seconds(20));
    let grace = |seconds_of: u64| {
        move |queue: &mut QueueSettings| {
            with_grace(queue);
            queue.unstaffed_grace = seconds(seconds_of);
        }
    };
    world.queue(1, grace(60));
    world.wait(seconds(20));
    assert_eq!(world.step_of(1), 0);
    world.queue(1, grace(35));
    assert_eq!(world.step_of(1), 1);
    world.queue(1, grace(60));
    world.call_with(2, 1, 0, korean());
    assert_eq!(steps(&world, &[1, 2]), [1, 0]);
    world.wait(seconds(21));
    assert_eq!(world.step_of(2), 1);
}

#[test]
fn who_is_one_too_many_to_follow_goes_by_the_queues_steps_alone() {
    let mut world = world_with(Settings { followed_requirements_max: 1, ..Settings::default() });
    let other = || Some(Requirement::at_least(KOREAN, 2));
    world.call_with(1, 1, 0, korean());
    world.call_with(2, 1, 0, other());
    assert_eq!(steps(&world, &[1, 2]), [1, 0]);
    world.hang_up(1);
    world.call_with(3, 1, 0, other());
    assert_eq!(steps(&world, &[2, 3]), [0, 0], "equal needs are treated alike");
    world.hang_up(2);
    world.hang_up(3);
    world.call_with(4, 1, 0, other());
    assert_eq!(world.step_of(4), 1);
    world.log_out(KIM);
    world.call_with(5, 1, 0, korean());
    assert_eq!(world.step_of(5), 0);
    world.wait(seconds(31));
    assert_eq!(world.step_of(5), 1, "the step has nobody at all");
}

#[test]
fn the_same_is_decided_when_much_that_was_counted_has_been_forgotten() {
    let mut world = world();
    for call in 1..=200u64 {
        let needs = Requirement::All(vec![
            Requirement::at_least(KOREAN, 1),
            Requirement::Not(Box::new(Requirement::at_least(SkillId(100 + (call % 90) as u32), 1))),
        ]);
        world.call_with(call, 1, 0, Some(needs));
        assert_eq!(world.step_of(call), 1);
        world.hang_up(call);
    }
    world.log_out(KIM);
    world.log_out(PARK);
    world.wait(seconds(60));
    assert_eq!(world.acd.poll_timeout(), None);
}

#[test]
fn a_queue_with_callers_who_need_more_is_removed_and_nothing_is_left() {
    let mut world = world();
    world.agent(SEO, &[(BILLING, 8), (KOREAN, 5)]);
    world.not_ready(SEO, 1);
    world.call_with(1, 1, 0, korean());
    world.log_out(SEO);
    world.queue(2, with_grace);
    world.tell(Command::RemoveQueue { queue: QueueId(1), exit: Exit::Queue(QueueId(2)) });
    assert_eq!((world.waits_in(1), world.step_of(1)), (Some(2), 0), "Seo has just gone there, too");
    world.wait(seconds(31));
    assert_eq!(world.step_of(1), 1);
    world.hang_up(1);
    assert_eq!((world.acd.state().own_staffing, world.acd.poll_timeout()), (Vec::new(), None));
}

#[test]
fn what_is_needed_and_the_queue_change_together() {
    let mut world = world();
    world.queue(2, |queue| queue.requirement = billing(9));
    world.call(1, 2);
    world.take_events();
    let change = Change { priority: None, requirement: Some(korean()), queue: Some(QueueId(1)) };
    world.change(1, change);
    assert_eq!((world.waits_in(1), world.step_of(1)), (Some(1), 1));
    let entered = |event: &&Event| matches!(event, Event::StepEntered { .. });
    assert_eq!(world.take_events().iter().filter(entered).count(), 1);
}

/// Seo, the only Korean of the first step, has lost the skill while call 1 waits, who may as well be served by queue 2.
fn world_in_which_a_grace_runs() -> World {
    let mut world = world();
    world.queue(2, |_| {});
    world.agent(SEO, &[(BILLING, 8), (KOREAN, 5)]);
    world.not_ready(SEO, 1);
    let request = Request { also: vec![QueueId(2)], requirement: korean(), ..Request::new(QueueId(1)) };
    world.tell(Command::Enqueue { interaction: InteractionId(1), request });
    world.wait(seconds(1));
    world.define_agent(SEO, &[(BILLING, 8)], |_| {});
    world.wait(seconds(4));
    world
}

/// Speaks Korean, and serves the second queue alone.
const LEE: u32 = 9;

#[test]
fn a_grace_runs_on_while_another_queue_rings_for_who_waits() {
    let mut world = world_in_which_a_grace_runs();
    world.agent(LEE, &[(KOREAN, 5)]);
    assert_eq!(world.rings(LEE), Some(1));
    world.wait(seconds(1));
    world.reject(LEE, RejectCause::Rejected);
    assert_eq!((world.step_of(1), world.waits_in(1)), (0, Some(1)), "as before");
    world.log_out(LEE);
    world.wait(seconds(24));
    assert_eq!(world.step_of(1), 0);
    world.wait(seconds(2));
    assert_eq!(world.step_of(1), 1);
}

#[test]
fn who_comes_while_one_with_the_same_need_is_rung_for_is_treated_alike() {
    let mut world = world_in_which_a_grace_runs();
    world.agent(LEE, &[(KOREAN, 5)]);
    world.call_with(2, 1, 0, korean());
    assert_eq!(steps(&world, &[1, 2]), [0, 0]);
    world.accept(LEE);
    world.hang_up(2);
    assert_eq!(world.acd.state().own_staffing, [], "nobody can wait with it again");
    world.call_with(3, 1, 0, korean());
    assert_eq!(world.step_of(3), 1);
}

#[test]
fn a_grace_that_ends_while_another_queue_rings_is_over_when_it_waits_again() {
    let mut world = world_in_which_a_grace_runs();
    world.queue(2, |queue| queue.ring_timeout = seconds(60));
    world.agent(LEE, &[(KOREAN, 5)]);
    world.wait(seconds(30));
    assert_eq!((world.rings(LEE), world.waits_in(1)), (Some(1), None));
    world.reject(LEE, RejectCause::Rejected);
    assert_eq!(world.step_of(1), 1);
}

#[test]
fn who_was_removed_and_still_talks_is_nobody_who_could_come_back() {
    let mut world = world();
    world.agent(SEO, &[(BILLING, 8), (KOREAN, 5)]);
    world.call_with(1, 1, 0, korean());
    world.accept(SEO);
    world.tell(Command::RemoveAgent { agent: AgentId(SEO) });
    world.call_with(2, 1, 0, korean());
    assert_eq!(steps(&world, &[1, 2]), [0, 1]);
    world.hang_up(2);
    world.define_agent(SEO, &[(BILLING, 8), (KOREAN, 5)], |_| {});
    world.call_with(3, 1, 0, korean());
    assert_eq!(world.step_of(3), 0, "defined again within the grace");
}
