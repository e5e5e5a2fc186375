//! Overflow by rule: how this queue stands, and how another one does.

use std::time::Duration;

use acd::estimate::{ESTIMATE_MAX, EstimateRules};
use acd::{
    CONDITIONS_MAX, Command, Condition, Event, Exit, ExitId, InteractionId, Invalid, Limit, MaxLength,
    MaxWait, Measure, OVERFLOWS_MAX, Overflow, OverflowCause, QueueId, QueueSettings, Refusal, RejectCause,
    Requirement, Settings,
};

use crate::{BILLING, ENGLISH, World, seconds};

const VOICEMAIL: Exit = Exit::Leave(ExitId(5));
const SECOND: Exit = Exit::Queue(QueueId(2));

fn at_least(measure: Measure) -> Condition {
    Condition { queue: None, limit: Limit::AtLeast, measure }
}

fn at_most(measure: Measure) -> Condition {
    Condition { queue: None, limit: Limit::AtMost, measure }
}

fn of(queue: u32, condition: Condition) -> Condition {
    Condition { queue: Some(QueueId(queue)), ..condition }
}

/// At entry, or after so many seconds.
fn rule(queue: &mut QueueSettings, after: u64, when: &[Condition], exit: Exit) {
    queue.overflows.push(Overflow { after: seconds(after), when: when.to_vec(), exit });
}

fn oldest(wait: u64) -> Measure {
    Measure::OldestWait(seconds(wait))
}

/// Why everybody left who has since the last look.
fn causes(world: &mut World) -> Vec<(u64, OverflowCause)> {
    let left = |event: &Event| match event {
        Event::Overflowed { interaction, cause, .. } => Some((interaction.0, *cause)),
        _ => None,
    };
    world.take_events().iter().filter_map(left).collect()
}

#[test]
fn newcomer_goes_to_the_second_queue_while_the_oldest_here_waits_too_long() {
    let mut world = World::new();
    world.queue(2, |_| {});
    world.queue(1, |queue| rule(queue, 0, &[at_least(oldest(60))], SECOND));
    world.call(1, 1);
    world.wait(seconds(59));
    world.call(2, 1);
    world.wait(seconds(1));
    world.call(3, 1);
    assert_eq!([1, 2, 3].map(|call| world.waits_in(call)), [Some(1), Some(1), Some(2)]);
    assert_eq!(causes(&mut world), [(3, OverflowCause::Rule(0))]);
    world.hang_up(1);
    world.call(4, 1);
    assert_eq!(world.waits_in(4), Some(1), "the oldest is call 2 now, with a second");
}

#[test]
fn queue_is_lent_to_only_while_its_own_callers_do_not_wait_long() {
    let mut world = World::new();
    world.queue(2, |_| {});
    let when = [at_least(Measure::Waiting(1)), of(2, at_most(oldest(10)))];
    world.queue(1, |queue| rule(queue, 0, &when, SECOND));
    world.call(1, 1);
    assert_eq!(world.waits_in(1), Some(1), "nobody waits before call 1");
    world.call(2, 1);
    assert_eq!(world.waits_in(2), Some(2), "nobody waits there at all");
    world.wait(seconds(11));
    world.call(3, 1);
    assert_eq!(world.waits_in(3), Some(1), "call 2 has waited there for 11 s");
    world.hang_up(2);
    world.call(4, 1);
    assert_eq!(world.waits_in(4), Some(2));
}

#[test]
fn idle_agent_elsewhere_is_borrowed_when_many_wait_here() {
    let mut world = World::new();
    world.queue(2, |queue| queue.requirement = Requirement::at_least(ENGLISH, 1));
    let when = [at_least(Measure::Waiting(2)), of(2, at_least(Measure::AgentsIdle(1)))];
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 1);
        rule(queue, 0, &when, SECOND);
    });
    world.agent(7, &[(ENGLISH, 5)]);
    world.call(1, 1);
    world.call(2, 1);
    world.call(3, 1);
    assert_eq!(world.rings(7), Some(3), "two waited before");
    world.call(4, 1);
    assert_eq!(world.waits_in(4), Some(1), "the one agent there rings");
    world.reject(7, RejectCause::Rejected);
    world.call(5, 1);
    assert_eq!(world.waits_in(5), Some(1), "and is left alone for a while");
}

#[test]
fn agents_idle_for_a_queue_are_those_who_could_take_a_newcomer() {
    let mut world = World::new();
    world.queue(2, |queue| {
        queue.requirement = Requirement::at_least(ENGLISH, 5);
        queue.steps = vec![crate::step(30, Requirement::at_least(ENGLISH, 1), acd::StepEffect::Replace)];
    });
    let when = [of(2, at_least(Measure::AgentsIdle(1)))];
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 1);
        rule(queue, 0, &when, SECOND);
    });
    world.agent(1, &[(ENGLISH, 9)]);
    world.not_ready(1, 1);
    world.agent(2, &[(ENGLISH, 2)]);
    world.call(1, 1);
    assert_eq!(world.waits_in(1), Some(1), "agent 2 would take nobody there for 30 s");
    world.log_out(1);
    world.call(2, 1);
    assert_eq!(world.rings(2), Some(2), "the first step has nobody and is skipped");
}

#[test]
fn staff_of_another_queue_is_counted_as_logged_in_and_as_working() {
    let mut world = World::new();
    world.queue(3, |queue| queue.requirement = Requirement::at_least(ENGLISH, 1));
    world.queue(2, |_| {});
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 1);
        rule(queue, 0, &[of(3, at_most(Measure::AgentsLoggedIn(0)))], VOICEMAIL);
        rule(queue, 0, &[of(3, at_most(Measure::AgentsWorking(0)))], SECOND);
    });
    world.call(1, 1);
    assert_eq!(causes(&mut world), [(1, OverflowCause::Rule(0))]);
    world.agent(1, &[(ENGLISH, 1)]);
    world.call(2, 1);
    assert_eq!(world.waits_in(2), Some(1), "somebody works there");
    world.call(3, 3);
    world.accept(1);
    world.call(4, 1);
    assert_eq!(world.waits_in(4), Some(1), "also in conversation");
    world.finish(3);
    world.not_ready(1, 2);
    world.call(5, 1);
    assert_eq!(causes(&mut world), [(5, OverflowCause::Rule(1))], "all who are there are on a break");
}

/// Queue 1 with one agent, estimates from three samples on, and six conversations of a minute behind it.
fn experienced(change: impl Fn(&mut QueueSettings)) -> World {
    let estimate = EstimateRules { samples_min: 3, ..EstimateRules::default() };
    let mut world = World::with(Settings { estimate, ..Settings::default() });
    world.queue(2, |queue| queue.requirement = Requirement::at_least(ENGLISH, 1));
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 1);
        change(queue);
    });
    world.agent(1, &[(BILLING, 5)]);
    for call in 101..=106 {
        world.call(call, 1);
        world.talk(1, seconds(60));
    }
    world
}

#[test]
fn whoever_would_have_to_wait_too_long_is_offered_voicemail() {
    let too_long = [at_least(Measure::EstimatedWait(seconds(150)))];
    let mut world = experienced(|queue| rule(queue, 0, &too_long, VOICEMAIL));
    world.take_events();
    (1..=6).for_each(|call| world.call(call, 1));
    // Call 1 rings. Who comes then waits about a minute for each before, and one for the conversation.
    assert_eq!(
        causes(&mut world),
        [(4, OverflowCause::Rule(0)), (5, OverflowCause::Rule(0)), (6, OverflowCause::Rule(0))]
    );
    assert_eq!([2, 3].map(|call| world.waits_in(call)), [Some(1), Some(1)]);
}

#[test]
fn without_an_estimate_no_condition_on_it_holds() {
    let mut world = World::new();
    world.queue(2, |_| {});
    world.queue(1, |queue| {
        rule(queue, 0, &[at_least(Measure::EstimatedWait(Duration::ZERO))], VOICEMAIL);
        rule(queue, 0, &[at_most(Measure::EstimatedWait(ESTIMATE_MAX))], VOICEMAIL);
    });
    world.call(1, 1);
    world.agent(1, &[]);
    world.accept(1);
    world.call(2, 1);
    assert_eq!((world.left(), world.waits_in(2)), (vec![], Some(1)), "a poor sample");
}

#[test]
fn estimate_that_is_too_long_to_tell_is_more_than_any_bound() {
    let rules = |queue: &mut QueueSettings| {
        rule(queue, 0, &[at_most(Measure::EstimatedWait(ESTIMATE_MAX))], Exit::Leave(ExitId(6)));
        rule(queue, 0, &[at_least(Measure::EstimatedWait(ESTIMATE_MAX))], VOICEMAIL);
    };
    let mut world = experienced(|_| {});
    (1..=1_600).for_each(|call| world.call(call, 1));
    world.queue(1, |queue| {
        queue.requirement = Requirement::at_least(BILLING, 1);
        rules(queue);
    });
    let told = world.acd.estimate(world.now, QueueId(1));
    assert_eq!(told, Some(Err(acd::estimate::NoEstimate::TooLong)));
    world.call(2_000, 1);
    assert_eq!(world.left(), [(2_000, 5)]);
}

#[test]
fn idle_agent_comes_before_every_rule() {
    let mut world = World::new();
    world.queue(2, |_| {});
    world.queue(1, |queue| rule(queue, 0, &[at_least(Measure::Waiting(0))], SECOND));
    world.agent(1, &[]);
    world.call(1, 1);
    assert_eq!(world.rings(1), Some(1));
    world.call(2, 1);
    assert_eq!(world.waits_in(2), Some(2), "nobody is free any more");
    world.reject(1, RejectCause::Rejected);
    assert_eq!(world.waits_in(1), Some(1), "who comes back to the line has entered already");
}

#[test]
fn rule_with_a_time_is_looked_at_once_when_it_has_come() {
    let mut world = World::new();
    world.queue(2, |_| {});
    world.queue(1, |queue| {
        rule(queue, 30, &[of(2, at_most(Measure::Waiting(0)))], SECOND);
        rule(queue, 60, &[at_most(Measure::AgentsLoggedIn(0))], VOICEMAIL);
    });
    world.call(9, 2);
    world.call(1, 1);
    world.wait(seconds(31));
    assert_eq!(world.waits_in(1), Some(1), "somebody waits there");
    world.hang_up(9);
    world.wait(seconds(28));
    assert_eq!(world.waits_in(1), Some(1), "and it is not looked at again");
    world.wait(seconds(2));
    assert_eq!(causes(&mut world), [(1, OverflowCause::Rule(1))]);
    world.call(2, 1);
    world.call(3, 1);
    world.wait(seconds(31));
    assert_eq!([2, 3].map(|call| world.waits_in(call)), [Some(2), Some(1)], "call 2 waits there by then");
}

#[test]
fn rules_whose_times_came_during_a_ring_are_looked_at_after_it() {
    let mut world = World::new();
    world.queue(2, |_| {});
    world.queue(1, |queue| {
        queue.ring_timeout = seconds(40);
        rule(queue, 20, &[at_least(Measure::Waiting(1))], VOICEMAIL);
        rule(queue, 30, &[at_most(Measure::Waiting(0))], SECOND);
        rule(queue, 50, &[at_most(Measure::Waiting(0))], VOICEMAIL);
    });
    world.agent(1, &[]);
    world.call(1, 1);
    world.wait(seconds(39));
    assert_eq!(world.rings(1), Some(1));
    world.take_events();
    world.wait(seconds(2));
    assert_eq!(world.waits_in(1), Some(2), "the first rule does not apply, the second does");
    assert_eq!(causes(&mut world), [(1, OverflowCause::Rule(1))]);
    world.wait(seconds(100));
    assert_eq!(world.waits_in(1), Some(2), "and what is left of them is behind");
}

#[test]
fn full_queue_and_maximum_wait_come_before_the_rules() {
    let mut world = World::new();
    world.queue(2, |_| {});
    world.queue(1, |queue| {
        queue.max_length = Some(MaxLength { waiting: 1, exit: VOICEMAIL });
        queue.max_wait = Some(MaxWait { after: seconds(30), exit: VOICEMAIL });
        rule(queue, 0, &[at_least(Measure::Waiting(1))], SECOND);
        rule(queue, 30, &[at_least(Measure::Waiting(0))], SECOND);
    });
    world.call(1, 1);
    world.call(2, 1);
    assert_eq!(causes(&mut world), [(2, OverflowCause::MaxLength)]);
    world.wait(seconds(31));
    assert_eq!(causes(&mut world), [(1, OverflowCause::MaxWait)]);
}

#[test]
fn rule_whose_exit_cannot_be_used_is_passed_over() {
    let mut world = World::with(Settings { flow_outs_max: 1, ..Settings::default() });
    let always = at_least(Measure::Waiting(0));
    world.queue(2, |queue| rule(queue, 0, &[always], Exit::Queue(QueueId(1))));
    world.queue(1, |queue| {
        rule(queue, 0, &[always], Exit::Queue(QueueId(9)));
        rule(queue, 0, &[always], SECOND);
    });
    world.call(1, 1);
    assert_eq!(causes(&mut world), [(1, OverflowCause::Rule(1))]);
    assert_eq!(world.waits_in(1), Some(2), "once, and no further");
    let counters = world.acd.snapshot(world.now).totals;
    assert_eq!((counters.overflowed, counters.flowed_out), (1, 1));
}

#[test]
fn condition_on_a_queue_that_is_not_defined_does_not_hold() {
    let mut world = World::new();
    world.queue(1, |queue| {
        rule(queue, 0, &[of(9, at_least(Measure::Waiting(0)))], VOICEMAIL);
        rule(queue, 0, &[of(9, at_most(Measure::Waiting(9)))], VOICEMAIL);
    });
    world.call(1, 1);
    assert_eq!(world.waits_in(1), Some(1));
    world.queue(9, |_| {});
    world.call(2, 1);
    assert_eq!(causes(&mut world), [(2, OverflowCause::Rule(0))]);
}

#[test]
fn new_rules_are_looked_at_for_those_who_wait_and_the_same_ones_are_not_again() {
    let mut world = World::new();
    world.queue(2, |_| {});
    let long = |queue: &mut QueueSettings| rule(queue, 30, &[of(2, at_most(Measure::Waiting(0)))], SECOND);
    world.queue(1, long);
    world.call(9, 2);
    world.call(1, 1);
    world.wait(seconds(60));
    world.hang_up(9);
    world.queue(1, |queue| {
        queue.ring_timeout = seconds(20);
        long(queue);
    });
    assert_eq!(world.waits_in(1), Some(1), "the rule is the same and has been looked at");
    world.queue(1, |queue| {
        rule(queue, 0, &[at_least(Measure::Waiting(0))], VOICEMAIL);
        long(queue);
    });
    assert_eq!(
        world.waits_in(1),
        Some(2),
        "a changed list is looked at anew, what is for newcomers excepted"
    );
    assert_eq!(causes(&mut world), [(1, OverflowCause::Rule(1))]);
}

#[test]
fn caller_given_back_meets_each_rule_once() {
    let mut world = World::new();
    world.queue(2, |_| {});
    world.queue(1, |queue| {
        rule(queue, 10, &[of(2, at_least(Measure::Waiting(9)))], VOICEMAIL);
        rule(queue, 20, &[at_least(Measure::Waiting(0))], SECOND);
    });
    world.call(1, 1);
    world.wait(seconds(15));
    world.agent(1, &[]);
    world.accept(1);
    world.wait(seconds(15));
    world.give_back(1);
    assert_eq!(causes(&mut world), [(1, OverflowCause::Rule(1))], "its time came in the conversation");
    assert_eq!(world.rings(1), None, "the agent who gave it back is not offered it at once");
}

#[test]
fn rules_that_cannot_be_are_refused_with_what_is_wrong() {
    let mut world = World::new();
    let mut refused = |change: &dyn Fn(&mut QueueSettings)| {
        let mut settings = QueueSettings::default();
        change(&mut settings);
        let command = Command::DefineQueue { queue: QueueId(1), settings: Box::new(settings) };
        match world.try_to(command) {
            Err(Refusal::Invalid(invalid)) => invalid,
            other => panic!("{other:?}"),
        }
    };
    let fine = at_least(Measure::Waiting(1));
    let too_many =
        |queue: &mut QueueSettings| (0..=OVERFLOWS_MAX).for_each(|_| rule(queue, 0, &[fine], VOICEMAIL));
    assert_eq!(refused(&too_many), Invalid::TooManyOverflows);
    assert_eq!(refused(&|queue| rule(queue, 5, &[], VOICEMAIL)), Invalid::NoCondition(1));
    let conditions = [fine; CONDITIONS_MAX + 1];
    let second = |queue: &mut QueueSettings| {
        rule(queue, 0, &[fine], VOICEMAIL);
        rule(queue, 0, &conditions, VOICEMAIL);
    };
    assert_eq!(refused(&second), Invalid::TooManyConditions(2));
    let day = at_least(Measure::EstimatedWait(ESTIMATE_MAX + Duration::from_micros(1)));
    assert_eq!(refused(&|queue| rule(queue, 0, &[day], VOICEMAIL)), Invalid::EstimateBound(1));
    let itself = Exit::Queue(QueueId(1));
    assert_eq!(refused(&|queue| rule(queue, 0, &[fine], itself)), Invalid::ExitToItself);
    let told = Refusal::Invalid(Invalid::NoCondition(3)).to_string();
    assert!(told.contains("overflow rule 3 has no condition"), "{told}");
}

#[test]
fn as_many_rules_as_allowed_wait_for_their_times_with_one_alarm_each() {
    let mut world = World::new();
    world.queue(1, |queue| {
        for number in 0..OVERFLOWS_MAX {
            let after = 10 * (OVERFLOWS_MAX - number) as u64;
            let here = Measure::Waiting(if number == 2 { 0 } else { 1_000 });
            rule(queue, after, &[at_least(here)], VOICEMAIL);
        }
    });
    (1..=20).for_each(|call| world.call(call, 1));
    world.wait(seconds(59));
    assert_eq!(world.left(), []);
    world.wait(seconds(2));
    assert_eq!(causes(&mut world).len(), 20);
    assert!(!world.acd.state().interactions.contains_key(&InteractionId(1)));
    assert_eq!(world.acd.poll_timeout(), None, "nobody waits for anything");
}
