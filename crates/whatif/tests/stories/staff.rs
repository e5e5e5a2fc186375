//! Agents: shifts, breaks, head counts, ringing and missing.

use std::collections::BTreeMap;

use acd::AgentSettings;
use whatif::{Agent, AgentGroup, Break, Distribution, HeadCount, Law, Members, Model, Shift};

use crate::{HOUR, MINUTE, at, one_agent, play, seconds};

fn kim(shift: Shift) -> AgentGroup {
    let agent = Agent { name: "kim".to_owned(), settings: AgentSettings::default(), shifts: vec![shift] };
    AgentGroup {
        name: "all".to_owned(),
        members: Members::Named(vec![agent]),
        pick_up: None,
        missed_pause: None,
    }
}

#[test]
fn nobody_is_answered_outside_of_shifts_and_in_breaks() {
    let mut model = one_agent(at(&[10, 190, 400], seconds(60)));
    let pause = Break { from: seconds(200), to: seconds(300) };
    model.groups[0] = kim(Shift { from: seconds(100), to: seconds(1_000), breaks: vec![pause] });
    let day = play(&model);
    let tally = day.queues[0].day();
    // From 10 the first waits until the shift begins; the second talks into the break, which is the shorter.
    assert_eq!((tally.answered, tally.wait_answered), (3, seconds(90)));
    let time = day.groups[0].all();
    assert_eq!((time.scheduled, time.handling), (seconds(900), seconds(180)));
    assert_eq!((time.not_ready, time.idle), (seconds(50), seconds(900 - 180 - 50)));
    assert_eq!(time.present(), time.scheduled);
}

#[test]
fn a_conversation_at_the_end_of_the_shift_is_overtime() {
    let mut model = one_agent(at(&[90], seconds(60)));
    model.groups[0] = kim(Shift { from: seconds(0), to: seconds(100), breaks: vec![] });
    let day = play(&model);
    let time = day.groups[0].all();
    assert_eq!((time.scheduled, time.present(), time.handling), (seconds(100), seconds(150), seconds(60)));
    assert_eq!(day.queues[0].day().answered, 1);
}

fn heads(model: &mut Model, counts: &[(u64, u32)]) {
    let head = |&(from, agents): &(u64, u32)| HeadCount { from: seconds(from), agents };
    let heads = counts.iter().map(head).collect();
    model.groups[0].members = Members::Alike { settings: AgentSettings::default(), heads };
}

#[test]
fn when_the_head_count_falls_idle_agents_go_first() {
    let mut model = one_agent(at(&[10], seconds(600)));
    heads(&mut model, &[(0, 3), (100, 1)]);
    let time = play(&model).groups[0].all();
    // Two idle ones go at 100; the third talks until 610 and is then idle until nothing is left to happen.
    assert_eq!((time.handling, time.scheduled), (seconds(600), seconds(3 * 100 + 3_600 - 100)));
    assert_eq!(time.present(), time.scheduled);
}

#[test]
fn when_all_are_busy_whoever_ends_first_goes() {
    // Two talk from 10; at 100 one is too many; the first to end does not take the third customer.
    let mut model = one_agent(at(&[10, 20, 50], seconds(200)));
    heads(&mut model, &[(0, 2), (100, 1)]);
    let day = play(&model);
    let tally = day.queues[0].day();
    // Answered at 10 and 20; the first ends at 210 and goes; the second ends at 220 and takes the third.
    assert_eq!((tally.answered, tally.wait_answered), (3, seconds(170)));
    assert_eq!(day.groups[0].all().present() - day.groups[0].all().scheduled, seconds(110));
}

#[test]
fn a_rise_takes_back_a_fall_that_nobody_could_follow_yet() {
    let mut model = one_agent(at(&[10, 20, 50], seconds(200)));
    heads(&mut model, &[(0, 2), (100, 1), (150, 2)]);
    // Nobody goes: the third is answered at 210.
    assert_eq!(play(&model).queues[0].day().wait_answered, seconds(160));
}

#[test]
fn ringing_counts_as_wait_and_a_phone_that_is_not_picked_up_is_missed() {
    let mut model = one_agent(at(&[10], seconds(60)));
    model.groups[0].pick_up = Some(Law::same(Distribution::constant(seconds(5))));
    let day = play(&model);
    assert_eq!(day.queues[0].day().wait_answered, seconds(5));
    assert_eq!((day.queues[0].day().missed, day.queues[0].day().delayed), (0, 0));
    assert_eq!(day.groups[0].day().reserved, seconds(5));

    // Longer than the 15 s for which it rings. After three misses the agent is not ready for a minute.
    model.groups[0].pick_up = Some(Law::same(Distribution::constant(seconds(20))));
    model.customers[0].patience = Some(Law::same(Distribution::constant(5 * MINUTE)));
    let day = play(&model);
    let tally = day.queues[0].day();
    assert_eq!((tally.answered, tally.abandoned), (0, 1));
    assert!(tally.missed >= 4, "{tally:?}");
    assert!(day.groups[0].day().not_ready >= MINUTE, "{day:?}");
}

#[test]
fn the_first_with_the_skill_takes_it_and_each_group_has_its_own_time() {
    let skill = acd::SkillId(1);
    let mut model = one_agent(at(&[10, 20], seconds(60)));
    model.queues[0].settings.requirement = acd::Requirement::at_least(skill, 1);
    let skilled = AgentSettings { skills: BTreeMap::from([(skill, 5)]), ..AgentSettings::default() };
    model.groups.push(AgentGroup::alike("skilled", skilled, 1));
    let day = play(&model);
    assert_eq!(day.groups[0].day().answered, 0);
    assert_eq!(day.groups[1].day().answered, 2);
    assert_eq!(day.groups[0].day().idle, HOUR);
    assert_eq!(day.queues[0].day().wait_answered, seconds(50));
}
