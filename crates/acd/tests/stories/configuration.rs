//! Configuration changes are commands: they cost what they change and reset nothing.

use acd::{
    AgentSettings, Change, Command, Event, Exit, ExitId, Fault, IdleClock, InteractionId, Invalid, MaxWait,
    QueueId, QueueSettings, Refusal, RejectCause, Request, Requirement, Settings, SkillId, StepEffect,
    Strategy,
};
use std::time::Duration;

use crate::{BILLING, World, seconds, step};

#[test]
fn a_queue_changed_while_calls_wait_keeps_their_places_and_counters() {
    let mut world = World::new();
    world.queue(1, |queue| queue.requirement = Requirement::at_least(BILLING, 9));
    world.agent(1, &[(BILLING, 5)]);
    world.call(1, 1);
    world.wait(seconds(1));
    world.call(2, 1);
    world.queue(1, |queue| queue.requirement = Requirement::at_least(BILLING, 5));
    assert_eq!(world.rings(1), Some(1));
    world.talk(1, seconds(1));
    assert_eq!(world.rings(1), Some(2));
    assert_eq!(world.acd.snapshot(world.now).queues[0].counters.offered, 2);
}

#[test]
fn new_steps_count_from_entry_into_the_queue() {
    let mut world = World::new();
    world.queue(1, |queue| queue.requirement = Requirement::at_least(BILLING, 9));
    world.agent(1, &[]);
    world.agent(2, &[(BILLING, 9)]);
    world.not_ready(2, 1);
    world.call(1, 1);
    world.wait(seconds(30));
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 9);
        queue.steps = vec![step(20, Requirement::anyone(), StepEffect::Add)];
    });
    assert_eq!(world.rings(1), Some(1));
}

#[test]
fn a_shorter_maximum_wait_counts_for_those_who_wait_already() {
    let mut world = World::with_queue();
    world.call(1, 1);
    world.wait(seconds(30));
    let exit = Exit::Leave(ExitId(4));
    world.queue(1, |queue| queue.max_wait = Some(MaxWait { after: seconds(20), exit }));
    assert_eq!(world.left(), [(1, 4)]);
}

#[test]
fn a_new_strategy_orders_those_who_are_idle_now() {
    let mut world = World::new();
    world.queue(1, |queue| queue.strategy = Strategy::LongestIdle(IdleClock::SinceReady));
    world.agent(1, &[(BILLING, 2)]);
    world.wait(seconds(1));
    world.agent(2, &[(BILLING, 8)]);
    world.queue(1, |queue| {
        queue.strategy = Strategy::MostSkilled;
        queue.requirement = Requirement::at_least(BILLING, 1);
    });
    world.call(1, 1);
    assert_eq!(world.rings(2), Some(1));
}

#[test]
fn rules_that_are_looked_up_when_needed_touch_nobody_who_waits() {
    let mut world = World::new();
    let rules = |queue: &mut QueueSettings| {
        queue.requirement = Requirement::at_least(BILLING, 9);
        queue.steps = vec![step(60, Requirement::anyone(), StepEffect::Add)];
    };
    world.queue(1, rules);
    world.agent(1, &[]);
    world.call(1, 1);
    world.call(2, 1);
    world.agent(2, &[(BILLING, 9)]);
    assert_eq!((world.rings(1), world.rings(2), world.step_of(2)), (Some(1), Some(2), 1));
    world.reject(2, RejectCause::Rejected);
    world.take_events();
    world.queue(1, |queue| {
        rules(queue);
        (queue.band, queue.weight, queue.objective) = (3, 200, seconds(10));
        (queue.ring_timeout, queue.after_call_work) = (seconds(40), seconds(9));
    });
    assert_eq!(
        world.take_events(),
        [Event::QueueDefined { queue: QueueId(1) }],
        "nobody goes to another step"
    );
    assert_eq!(world.step_of(2), 1);
    world.queue(1, |queue| {
        rules(queue);
        queue.max_wait = Some(MaxWait { after: seconds(600), exit: Exit::Leave(ExitId(1)) });
    });
    assert_eq!(world.step_of(2), 0, "where the rules of waiting change the age decides anew");
    world.queue(1, |queue| {
        rules(queue);
        queue.max_wait = Some(MaxWait { after: seconds(600), exit: Exit::Leave(ExitId(1)) });
        queue.nobody_logged_in =
            Some(acd::NobodyLoggedIn { grace: Duration::ZERO, exit: Exit::Leave(ExitId(2)) });
    });
    world.log_out(1);
    world.log_out(2);
    assert_eq!(world.left(), [(1, 2), (2, 2)], "the new rule counts from now on");
}

#[test]
fn every_bound_is_refused_when_it_is_reached() {
    let settings = Settings { agents_max: 1, queues_max: 1, waiting_max: 2, ..Settings::default() };
    let mut world = World::with(settings);
    world.queue(1, |_| {});
    world.define_agent(1, &[], |_| {});
    world.call(1, 1);
    world.call(2, 1);
    let queue = Command::DefineQueue { queue: QueueId(2), settings: Box::default() };
    let agent = Command::DefineAgent { agent: acd::AgentId(2), settings: Box::default() };
    let call =
        |queue| Command::Enqueue { interaction: InteractionId(3), request: Request::new(QueueId(queue)) };
    assert_eq!(world.try_to(queue), Err(Refusal::TooManyQueues));
    assert_eq!(world.try_to(agent), Err(Refusal::TooManyAgents));
    assert_eq!(world.try_to(call(1)), Err(Refusal::TooManyWaiting));
    assert_eq!(world.try_to(call(7)), Err(Refusal::UnknownQueue(QueueId(7))));
    world.log_in(1);
    world.accept(1);
    world.tell(call(1));
    let again = call(1);
    assert_eq!(world.try_to(again), Err(Refusal::DuplicateInteraction(InteractionId(3))));
    assert_eq!(Refusal::TooManyWaiting.fault(), Fault::Capacity);
}

#[test]
fn settings_that_are_wrong_are_refused_with_what_is_wrong() {
    let mut world = World::with(Settings { skills_max: 1, ..Settings::default() });
    let queue = |change: fn(&mut QueueSettings)| {
        let mut settings = QueueSettings::default();
        change(&mut settings);
        Command::DefineQueue { queue: QueueId(1), settings: Box::new(settings) }
    };
    let anyone = Requirement::anyone;
    let cases: [(Command, Invalid); 8] = [
        (queue(|q| q.ring_timeout = Duration::ZERO), Invalid::NoRingTimeout),
        (queue(|q| q.requirement = Requirement::at_least(BILLING, 11)), Invalid::Level(BILLING, 11)),
        (
            queue(|q| q.requirement = Requirement::All(vec![Requirement::anyone(); 65])),
            Invalid::RequirementTooLarge,
        ),
        (
            queue(|q| {
                q.requirement =
                    (0..20).fold(Requirement::anyone(), |inner, _| Requirement::Not(Box::new(inner)));
            }),
            Invalid::RequirementTooDeep,
        ),
        (
            queue(|q| q.max_wait = Some(MaxWait { after: Duration::ZERO, exit: Exit::Leave(ExitId(1)) })),
            Invalid::NoMaxWait,
        ),
        (
            queue(|q| q.max_wait = Some(MaxWait { after: seconds(9), exit: Exit::Queue(QueueId(1)) })),
            Invalid::ExitToItself,
        ),
        (
            Command::DefineQueue {
                queue: QueueId(1),
                settings: Box::new(QueueSettings {
                    steps: vec![step(5, anyone(), StepEffect::Add), step(5, anyone(), StepEffect::Add)],
                    ..QueueSettings::default()
                }),
            },
            Invalid::StepOutOfOrder(2),
        ),
        (
            Command::DefineQueue {
                queue: QueueId(1),
                settings: Box::new(QueueSettings {
                    steps: (1..=11).map(|after| step(after, anyone(), StepEffect::Add)).collect(),
                    ..QueueSettings::default()
                }),
            },
            Invalid::TooManySteps,
        ),
    ];
    for (command, invalid) in cases {
        assert_eq!(world.try_to(command), Err(Refusal::Invalid(invalid)));
    }
    let agent = |skills: &[(SkillId, u8)]| Command::DefineAgent {
        agent: acd::AgentId(1),
        settings: Box::new(AgentSettings {
            skills: skills.iter().copied().collect(),
            ..AgentSettings::default()
        }),
    };
    assert_eq!(world.try_to(agent(&[(BILLING, 0)])), Err(Refusal::Invalid(Invalid::Level(BILLING, 0))));
    let two = agent(&[(BILLING, 1), (SkillId(9), 1)]);
    assert_eq!(world.try_to(two), Err(Refusal::Invalid(Invalid::TooManySkills)));
    assert_eq!(Refusal::Invalid(Invalid::TooManySkills).fault(), Fault::Configuration);
}

#[test]
fn a_refusal_can_be_heard_as_an_event() {
    let mut world = World::new();
    let command = Command::Finish { interaction: InteractionId(4) };
    world.apply(command.clone());
    let refusal = Refusal::UnknownInteraction(InteractionId(4));
    assert_eq!(world.take_events(), [Event::Refused { command: Box::new(command), refusal }]);
}

#[test]
fn the_snapshot_shows_what_a_wallboard_needs() {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 1);
        queue.after_call_work = seconds(60);
    });
    for agent in 1..=5 {
        world.agent(agent, &[(BILLING, 5)]);
    }
    world.agent(6, &[]);
    world.not_ready(4, 1);
    world.log_out(5);
    for call in 1..=3 {
        world.call(call, 1);
        world.wait(seconds(1));
    }
    world.accept(1);
    world.talk(2, seconds(1));
    world.not_ready(6, 1);
    world.call(4, 1);
    world.wait(seconds(10));
    world.call(5, 1);
    let snapshot = world.acd.snapshot(world.now);
    let queue = &snapshot.queues[0];
    assert_eq!((queue.waiting, queue.reserved, queue.handling), (2, 1, 1));
    assert_eq!(queue.longest_wait, seconds(10));
    let agents = queue.agents;
    assert_eq!((agents.handling, agents.after_call_work, agents.reserved), (1, 1, 1));
    assert_eq!((agents.not_ready, agents.logged_out, agents.available), (1, 1, 0));
    assert_eq!(agents.here(), 4);
    assert_eq!(snapshot.agents.len(), 6);
    assert_eq!(snapshot.interactions, 4);
    let counters = queue.counters;
    assert_eq!((counters.offered, counters.answered, counters.finished), (5, 2, 1));
}

#[test]
fn who_waits_is_shown_in_the_order_of_the_line() {
    let mut world = World::new();
    world.queue(1, |queue| queue.steps = vec![step(10, Requirement::anyone(), StepEffect::Add)]);
    world.call(1, 1);
    world.wait(seconds(20));
    world.call_with(2, 1, 0, Some(Requirement::at_least(BILLING, 3)));
    world.call(3, 1);
    world.change(1, Change::priority(1));
    let line = world.acd.first_in_line(QueueId(1), 2);
    assert_eq!(line.iter().map(|waiting| waiting.interaction.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((line[0].priority, line[0].step, line[1].step), (1, 1, 0));
    assert_eq!(world.acd.first_in_line(QueueId(9), 2), []);
}

#[test]
fn time_that_seems_to_go_back_counts_as_standing_still() {
    let mut world = World::with_queue();
    world.call(1, 1);
    world.now = timing::Instant::from_secs(1);
    world.hang_up(1);
    assert!(matches!(world.take_events().last(), Some(Event::Abandoned { waited, .. }) if waited.is_zero()));
}

#[test]
fn the_state_hash_differs_where_the_future_may_differ() {
    let mut world = World::with_queue();
    let empty = world.acd.state_hash();
    world.call(1, 1);
    let one = world.acd.state_hash();
    world.change(1, Change::priority(1));
    let raised = world.acd.state_hash();
    world.change(1, Change::priority(0));
    assert_eq!(world.acd.state_hash(), one);
    assert!(empty != one && one != raised);
}

/// One agent without skills; who waits an age of 20 s here is at step 2, at which the agent is rung.
fn rung_at_step_two() -> World {
    let mut world = World::new();
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 9);
        queue.steps = [10, 20].map(|after| step(after, Requirement::anyone(), StepEffect::Add)).to_vec();
        queue.skip_unstaffed_steps = false;
    });
    world.call(1, 1);
    world.wait(seconds(20));
    world.agent(1, &[]);
    assert_eq!(world.rings(1), Some(1));
    world
}

/// From now on only the skilled for a minute, then anybody.
fn relax_after_a_minute(world: &mut World) {
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 9);
        queue.steps = vec![step(60, Requirement::anyone(), StepEffect::Add)];
        queue.skip_unstaffed_steps = false;
    });
}

fn comes_to_the_first_step_and_relaxes_by_the_new_rules(mut world: World) {
    let is_told = |event: &Event| {
        let Event::StepEntered { interaction, step, cause, .. } = event else { return false };
        (*interaction, *step, *cause) == (InteractionId(1), 0, acd::StepCause::Changed)
    };
    assert_eq!(world.take_events().iter().filter(|event| is_told(event)).count(), 1);
    world.wait(seconds(30));
    assert_eq!(world.rings(1), None, "the agent is free, and not asked for yet");
    world.wait(seconds(60));
    let waited = world.take_events().into_iter().find_map(|event| match event {
        Event::Reserved { waited, .. } => Some(waited),
        _ => None,
    });
    assert!(waited.is_some_and(|waited| waited >= seconds(60)), "{waited:?}");
}

#[test]
fn who_is_rung_for_while_the_rules_change_waits_again_at_the_step_of_the_age_under_the_new_ones() {
    let mut world = rung_at_step_two();
    relax_after_a_minute(&mut world);
    assert_eq!(world.rings(1), Some(1), "it rings on");
    world.take_events();
    world.reject(1, RejectCause::Busy);
    comes_to_the_first_step_and_relaxes_by_the_new_rules(world);
}

#[test]
fn who_is_given_back_after_the_rules_changed_waits_at_the_step_of_the_age_under_the_new_ones() {
    let mut world = rung_at_step_two();
    world.accept(1);
    relax_after_a_minute(&mut world);
    world.take_events();
    world.tell(Command::Return { interaction: InteractionId(1) });
    comes_to_the_first_step_and_relaxes_by_the_new_rules(world);
}
