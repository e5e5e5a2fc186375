//! Contact surplus: several wait, one agent becomes free.

use acd::{
    BAND_MAX, Command, Event, Invalid, QueueSettings, Refusal, Requirement, Selection, SkillId, Strategy,
};

use crate::{BILLING, ENGLISH, World, seconds};

/// Queues 1 and 2 for everybody, changed so, and agent 1 who selects so and is in a conversation that `free` ends.
fn world(selection: Selection, change: impl Fn(u32, &mut QueueSettings)) -> World {
    let mut world = World::new();
    world.queue(9, |_| {});
    world.define_agent(1, &[(BILLING, 4), (ENGLISH, 8)], |agent| agent.selection = Some(selection));
    world.log_in(1);
    world.call(99, 9);
    world.accept(1);
    for queue in [1, 2] {
        world.queue(queue, |settings| change(queue, settings));
    }
    world
}

/// In which order agent 1 takes those who wait, a second each.
fn taken(world: &mut World) -> Vec<u64> {
    world.finish(99);
    let mut taken = Vec::new();
    while let Some(call) = world.rings(1) {
        taken.push(call);
        world.talk(1, seconds(1));
    }
    taken
}

#[test]
fn by_earliest_due_date_who_has_the_least_time_left_goes_first() {
    let mut world = world(Selection::EarliestDue, |queue, settings| {
        settings.objective = seconds([60, 20][queue as usize - 1]);
    });
    world.call(1, 1);
    world.wait(seconds(30));
    world.call(2, 2);
    world.wait(seconds(15));
    world.call(3, 2);
    // Due at 60, 50 and 65 seconds.
    assert_eq!(taken(&mut world), [2, 1, 3]);
}

#[test]
fn a_priority_is_a_head_start_for_the_due_date_too() {
    let mut world = world(Selection::EarliestDue, |_, _| {});
    world.call(1, 1);
    world.wait(seconds(30));
    world.call_with(2, 2, 1, None);
    assert_eq!(taken(&mut world), [2, 1]);
}

#[test]
fn by_skill_level_the_queue_that_the_agent_is_best_at_goes_first_on_average_over_what_it_asks_for() {
    let mut world = world(Selection::SkillLevel, |queue, settings| {
        settings.requirement = match queue {
            1 => Requirement::All(vec![Requirement::at_least(BILLING, 1), Requirement::at_least(ENGLISH, 1)]),
            _ => Requirement::at_least(ENGLISH, 1),
        };
    });
    world.queue(3, |_| {});
    world.call(3, 3);
    world.call(1, 1);
    world.wait(seconds(60));
    world.call(2, 2);
    // Averages of 0 (it asks for nothing), (4 + 8) / 2 and 8.
    assert_eq!(taken(&mut world), [2, 1, 3]);
}

#[test]
fn by_weight_a_second_of_wait_counts_more_in_one_queue_than_in_another() {
    let mut world =
        world(Selection::Weight, |queue, settings| settings.weight = [100, 300][queue as usize - 1]);
    world.call(1, 1);
    world.wait(seconds(20));
    world.call(2, 2);
    world.wait(seconds(8));
    world.finish(99);
    // 28 s * 100 against 8 s * 300.
    assert_eq!(world.rings(1), Some(1));
    world.talk(1, seconds(1));
    assert_eq!(world.rings(1), Some(2));
    world.accept(1);
    world.call(3, 1);
    world.wait(seconds(20));
    world.call(4, 2);
    world.wait(seconds(11));
    world.finish(2);
    // 31 s * 100 against 11 s * 300.
    assert_eq!(world.rings(1), Some(4));
}

#[test]
fn by_queue_ratio_the_queue_most_above_its_share_goes_first() {
    let mut world =
        world(Selection::QueueRatio, |queue, settings| settings.ratio = [1, 3][queue as usize - 1]);
    for call in 1..=2 {
        world.call(call, 1);
    }
    for call in 11..=14 {
        world.call(call, 2);
    }
    // Queue 9 (ratio 1, nobody waits) is served too. Of 6 who wait the shares are 1.2 and 3.6.
    assert_eq!(taken(&mut world), [1, 11, 12, 2, 13, 14]);
}

#[test]
fn late_last_gives_up_on_who_is_late_until_the_guard() {
    let selection = Selection::LateLast { guard: seconds(120) };
    let mut world = world(selection, |_, settings| settings.objective = seconds(20));
    world.call(1, 1);
    world.wait(seconds(50));
    world.call(2, 1);
    world.wait(seconds(45));
    world.call(3, 1);
    world.call(4, 2);
    world.wait(seconds(5));
    // Waits of 100, 50, 5 and 5 seconds: two in time, two late and none at the guard.
    assert_eq!(taken(&mut world), [3, 4, 1, 2]);
}

#[test]
fn who_has_waited_for_the_guard_goes_before_everybody_even_by_late_last() {
    let selection = Selection::LateLast { guard: seconds(120) };
    let mut world = world(selection, |_, settings| settings.objective = seconds(20));
    world.call(1, 1);
    world.wait(seconds(50));
    world.call(2, 1);
    world.wait(seconds(68));
    world.call(3, 2);
    world.finish(99);
    assert_eq!(world.rings(1), Some(3), "118 seconds are late and not yet the guard");
    world.talk(1, seconds(2));
    assert_eq!(world.rings(1), Some(1));
}

#[test]
fn late_last_without_a_guard_is_refused_wherever_it_comes_from() {
    let guarded_for = |guard| Selection::LateLast { guard: seconds(guard) };
    let define = |of_all: Selection, selection: Option<Selection>| {
        let mut world = World::with(acd::Settings { selection: of_all, ..acd::Settings::default() });
        let settings = Box::new(acd::AgentSettings { selection, ..acd::AgentSettings::default() });
        world.try_to(Command::DefineAgent { agent: acd::AgentId(1), settings })
    };
    let refused = Err(Refusal::Invalid(Invalid::NoGuard));
    assert_eq!(define(Selection::Oldest, Some(guarded_for(0))), refused);
    assert_eq!(define(guarded_for(0), None), refused, "the agent would select as all do");
    assert_eq!(define(guarded_for(0), Some(Selection::Oldest)), Ok(()));
    assert_eq!(define(guarded_for(120), None), Ok(()));
}

#[test]
fn a_lower_band_goes_before_every_higher_one_however_long_they_wait() {
    let mut world = world(Selection::Oldest, |queue, settings| settings.band = [5, 4][queue as usize - 1]);
    world.call_with(1, 1, 1_000, None);
    world.wait(seconds(600));
    world.call(2, 2);
    world.wait(seconds(1));
    world.call(3, 2);
    assert_eq!(taken(&mut world), [2, 3, 1]);
}

#[test]
fn the_band_comes_before_every_selection() {
    let selections = [
        Selection::EarliestDue,
        Selection::SkillLevel,
        Selection::Weight,
        Selection::QueueRatio,
        Selection::LateLast { guard: seconds(10) },
    ];
    for selection in selections {
        let mut world = world(selection, |queue, settings| match queue {
            1 => (settings.objective, settings.weight) = (seconds(1), 1_000),
            _ => (settings.band, settings.ratio) = (0, 1_000),
        });
        world.call(1, 1);
        world.wait(seconds(30));
        world.call(2, 2);
        assert_eq!(taken(&mut world), [2, 1], "{selection:?}");
    }
}

#[test]
fn an_agent_who_declined_the_first_takes_the_next_by_the_same_selection() {
    let mut world = world(Selection::EarliestDue, |queue, settings| {
        settings.objective = seconds([90, 20][queue as usize - 1]);
    });
    world.call(1, 1);
    world.call(2, 2);
    world.call(3, 2);
    world.finish(99);
    assert_eq!(world.rings(1), Some(2));
    world.define_agent(2, &[], |_| {});
    world.tell(Command::LogIn { agent: acd::AgentId(2), not_ready: Some(acd::ReasonCode(1)) });
    world.reject(1, acd::RejectCause::Rejected);
    world.wait(seconds(6));
    assert_eq!(world.rings(1), Some(3));
}

/// Two agents are set free by one command, and each wishes another one. By top-down agent 1 would get both.
#[test]
fn each_of_several_freed_agents_takes_whom_this_agent_puts_first() {
    let rung = |selection| {
        let mut world = World::new();
        world.queue(9, |_| {});
        world.define_agent(1, &[], |agent| agent.selection = Some(selection));
        world.log_in(1);
        world.agent(2, &[]);
        world.call(91, 9);
        world.call(92, 9);
        for (queue, weight) in [(1, 100), (2, 300)] {
            world.queue(queue, |queue| (queue.weight, queue.strategy) = (weight, Strategy::TopDown));
        }
        world.call(1, 1);
        world.wait(seconds(5));
        world.call(2, 2);
        world.wait(seconds(5));
        world.tell(Command::RemoveQueue { queue: acd::QueueId(9), exit: acd::Exit::Leave(acd::ExitId(1)) });
        (world.rings(1), world.rings(2))
    };
    assert_eq!(rung(Selection::Oldest), (Some(1), Some(2)));
    // 10 s * 100 against 5 s * 300: agent 1 wishes call 2, and nobody but agent 2 wishes call 1.
    assert_eq!(rung(Selection::Weight), (Some(2), Some(1)));
}

/// Several agents wish the same one: then the queue's strategy chooses, and the others look again.
#[test]
fn of_agents_who_wish_the_same_the_strategy_chooses() {
    let mut world = World::new();
    let nobody = Requirement::at_least(SkillId(7), 1);
    world.queue(1, |queue| queue.requirement = nobody.clone());
    for agent in 1..=3 {
        world.define_agent(agent, &[], |agent| agent.selection = Some(Selection::EarliestDue));
        world.log_in(agent);
    }
    world.call(1, 1);
    world.call(2, 1);
    world.queue(1, |queue| queue.strategy = Strategy::RoundRobin);
    assert_eq!([1, 2, 3].map(|agent| world.rings(agent)), [Some(1), Some(2), None]);
}

#[test]
fn the_decision_says_how_the_agent_selects() {
    let mut world = world(Selection::QueueRatio, |_, _| {});
    world.call(1, 1);
    world.call(2, 2);
    world.take_events();
    world.finish(99);
    let decision = world.take_events().into_iter().find_map(|event| match event {
        Event::Reserved { decision, .. } => Some(decision),
        _ => None,
    });
    assert_eq!(decision.expect("somebody was reserved").selection, Selection::QueueRatio);
}

#[test]
fn what_is_out_of_range_is_refused() {
    let refused = |change: fn(&mut QueueSettings)| {
        let mut settings = QueueSettings::default();
        change(&mut settings);
        let settings = Box::new(settings);
        World::new()
            .try_to(Command::DefineQueue { queue: acd::QueueId(1), settings })
            .expect_err("out of range")
    };
    assert_eq!(refused(|queue| queue.band = BAND_MAX + 1), Refusal::Invalid(Invalid::Band(BAND_MAX + 1)));
    assert_eq!(refused(|queue| queue.weight = 0), Refusal::Invalid(Invalid::Share(0)));
    assert_eq!(refused(|queue| queue.ratio = 1_001), Refusal::Invalid(Invalid::Share(1_001)));
    assert_eq!(refused(|queue| queue.objective = seconds(0)), Refusal::Invalid(Invalid::NoObjective));
}
