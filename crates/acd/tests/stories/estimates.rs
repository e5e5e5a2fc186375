//! How long somebody will wait.

use acd::estimate::{Estimate, EstimateRules, Method, NoEstimate, Staff};

use super::*;

/// One queue with so many agents, and estimates from three samples on.
fn centre(agents: u32) -> World {
    let estimate = EstimateRules { samples_min: 3, ..EstimateRules::default() };
    let mut world = World::with(Settings { estimate, ..Settings::default() });
    world.queue(1, |_| {});
    for agent in 1..=agents {
        world.agent(agent, &[]);
    }
    world
}

/// Each agent has had six conversations of a minute.
fn experienced(agents: u32) -> World {
    let mut world = centre(agents);
    for round in 0..6 {
        for agent in 1..=agents {
            world.call(u64::from(1_000 + round * 100 + agent), 1);
        }
        for agent in 1..=agents {
            world.accept(agent);
        }
        world.wait(seconds(60));
        for agent in 1..=agents {
            world.finish(u64::from(1_000 + round * 100 + agent));
        }
    }
    world
}

/// The same, with everybody in conversation.
fn busy(agents: u32) -> World {
    let mut world = experienced(agents);
    for agent in 1..=agents {
        world.call(u64::from(agent), 1);
        world.accept(agent);
    }
    world
}

fn of_queue(world: &World) -> Result<Estimate, NoEstimate> {
    world.acd.estimate(world.now, QueueId(1)).expect("the queue is defined")
}

fn of(world: &World, interaction: u64) -> Option<f64> {
    let told = world.acd.estimate_for(world.now, InteractionId(interaction))?;
    Some(told.expect("the sample is good").wait.as_secs_f64())
}

/// In tens of seconds, because what is newer weighs a little more.
fn tens(world: &World, interaction: u64) -> f64 {
    (of(world, interaction).expect("it waits") / 10.0).round()
}

fn staff(world: &World, queue: u32) -> Staff {
    world.acd.state().queues[&QueueId(queue)].estimator.staff()
}

#[test]
fn nobody_is_told_anything_before_enough_has_happened() {
    let mut world = centre(1);
    assert_eq!(world.acd.estimate(world.now, QueueId(9)), None);
    world.call(1, 1);
    world.accept(1);
    assert_eq!(of_queue(&world), Err(NoEstimate::PoorSample { have: 0, need: 3 }));
    world.log_out(1);
    assert_eq!(of_queue(&world), Err(NoEstimate::NobodyLoggedIn));
}

#[test]
fn newcomer_is_told_the_length_of_the_line_by_what_the_agents_do() {
    let mut world = busy(2);
    assert_eq!(of_queue(&world).expect("the sample is good").wait.as_secs_f64().round(), 30.0);
    for waiting in 11..=13 {
        world.call(waiting, 1);
    }
    let told = of_queue(&world).expect("the sample is good");
    assert_eq!((told.wait.as_secs_f64().round(), told.method), (119.0, Method::QueueLength));
    assert!(told.at_most > told.wait);
}

#[test]
fn idle_agent_means_that_it_rings_at_once() {
    let world = experienced(1);
    let told = of_queue(&world).expect("an agent is idle");
    assert_eq!((told.wait, told.method), (Duration::ZERO, Method::Immediate));
}

#[test]
fn who_waits_is_told_by_place_and_a_priority_changes_it_at_once() {
    let mut world = busy(1);
    for waiting in 11..=13 {
        world.call(waiting, 1);
    }
    let before: Vec<f64> = (11..=13).map(|waiting| tens(&world, waiting)).collect();
    assert_eq!(before, [6.0, 12.0, 18.0]);
    world.change(13, Change::priority(1));
    let after: Vec<f64> = (11..=13).map(|waiting| tens(&world, waiting)).collect();
    assert_eq!(after, [12.0, 18.0, 6.0]);
    assert_eq!(of(&world, 1), None, "in conversation");
    assert_eq!(of(&world, 99), None, "nobody");
}

#[test]
fn break_of_half_the_agents_doubles_the_wait_at_once() {
    let mut world = busy(4);
    for waiting in 11..=14 {
        world.call(waiting, 1);
    }
    let before = of(&world, 14).expect("it waits");
    world.not_ready(1, 3);
    world.not_ready(2, 3);
    assert_eq!(staff(&world, 1), Staff { logged_in: 4, working: 2, shared: 0 });
    let after = of(&world, 14).expect("it waits");
    assert!((after / before - 2.0).abs() < 0.01, "{before} {after}");
}

#[test]
fn agent_in_a_call_of_their_own_does_not_count() {
    let mut world = experienced(2);
    world.tell(Command::Occupy { agent: AgentId(1) });
    assert_eq!(staff(&world, 1).working, 1);
    world.tell(Command::Release { agent: AgentId(1) });
    assert_eq!(staff(&world, 1).working, 2);
}

#[test]
fn agents_of_two_queues_are_shared_as_long_as_there_are_two() {
    let mut world = experienced(2);
    world.queue(2, |settings| settings.requirement = Requirement::at_least(ENGLISH, 1));
    assert_eq!(staff(&world, 1).shared, 0);
    world.define_agent(1, &[(ENGLISH, 5)], |_| {});
    assert_eq!(staff(&world, 1), Staff { logged_in: 2, working: 2, shared: 1 });
    assert_eq!(staff(&world, 2), Staff { logged_in: 1, working: 1, shared: 1 });
    world.tell(Command::RemoveQueue { queue: QueueId(2), exit: Exit::Leave(ExitId(1)) });
    assert_eq!(staff(&world, 1), Staff { logged_in: 2, working: 2, shared: 0 });
}

#[test]
fn answer_after_a_wait_is_compared_with_the_promise() {
    let mut world = busy(1);
    world.call(11, 1);
    world.wait(seconds(80));
    world.finish(1);
    world.accept(1);
    let accuracy = world.acd.snapshot(world.now).queues[0].accuracy;
    assert_eq!((accuracy.sample, accuracy.mean_wait), (1, seconds(80)));
    assert!((accuracy.bias_micros + 20_000_000).abs() < 600_000, "60 s were told: {}", accuracy.bias_micros);
    assert!(accuracy.mean_absolute.as_secs_f64() > 19.0);
}

#[test]
fn answer_at_once_is_compared_with_nothing() {
    let mut world = experienced(2);
    world.call(11, 1);
    world.wait(seconds(5));
    world.accept(1);
    assert_eq!(world.acd.snapshot(world.now).queues[0].accuracy.sample, 0);
}

#[test]
fn after_call_work_lengthens_the_wait() {
    let mut world = centre(1);
    world.queue(1, |settings| settings.after_call_work = seconds(30));
    for call in 1..=6 {
        world.call(call, 1);
        world.talk(1, seconds(60));
        world.wait(seconds(31));
    }
    world.call(7, 1);
    world.accept(1);
    let told = of_queue(&world).expect("the sample is good").wait.as_secs_f64();
    assert!((told - 90.0).abs() < 2.0, "a minute and half a minute: {told}");
}
