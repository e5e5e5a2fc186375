//! Agents whom a call wants by name: the one who served the caller last, and those to whom a number leads.

use std::time::Duration;

use acd::{AgentId, AgentSettings, Otherwise, QueueSettings, Requirement, SkillId, Wanted, WantedEnd};
use engine::{CallerRules, Entry, LastAgent, NumberPattern, Treatment, Wish, WishCause};
use sip::{HeaderField, Identity, SessionId};

use crate::world::{BILLING, Manner, Peer, World};

const KIM: AgentId = AgentId(1);
const LEE: AgentId = AgentId(2);

/// A queue that wants the last agent again for 20 s, a minute after the conversation at most; Kim and Lee answer.
fn remembering() -> (World, [Peer; 2]) {
    let mut world = World::new(Treatment::Ringback);
    let rule = LastAgent { remember: Duration::from_secs(60), wait: Duration::from_secs(20) };
    let rules = CallerRules { last_agent: Some(rule), ..CallerRules::default() };
    world.directory.callers.insert(BILLING, rules);
    let phones = [world.agent(1, Manner::Answers(500)), world.agent(2, Manner::Answers(500))];
    (world, phones)
}

fn calls(world: &mut World, number: &str, caller: &str) -> (Peer, SessionId) {
    calls_with(world, number, caller, Vec::new())
}

fn calls_with(world: &mut World, number: &str, caller: &str, headers: Vec<HeaderField>) -> (Peer, SessionId) {
    let address = format!("10.0.1.{}", world.manners.len());
    let peer = world.peer(&address, Manner::ByHand);
    let session = world.call_with(peer, number, headers, Identity::user(caller));
    world.run(2_000);
    (peer, session)
}

fn hangs_up(world: &mut World, (peer, session): (Peer, SessionId)) {
    world.bye(peer, session);
    world.run(100);
}

/// Whom each call was offered to so far, and the place of the agent among those wanted.
fn offered(world: &World) -> Vec<(AgentId, Option<u8>)> {
    let reserved = world.said.iter().filter_map(|event| match event {
        acd::Event::Reserved { agent, decision, .. } => Some((*agent, decision.wanted)),
        _ => None,
    });
    reserved.collect()
}

#[test]
fn who_served_a_caller_last_is_rung_again_though_somebody_else_is_idle_longer() {
    let (mut world, _) = remembering();
    world.writes_down = true;
    let first = calls(&mut world, "100", "031");
    hangs_up(&mut world, first);
    assert_eq!(world.engine.counts().served, 1);
    let second = calls(&mut world, "100", "031");
    hangs_up(&mut world, second);
    let stranger = calls(&mut world, "100", "032");
    hangs_up(&mut world, stranger);
    assert_eq!(offered(&world), [(KIM, None), (KIM, Some(0)), (LEE, None)]);
    let wishes: Vec<_> = world.records().iter().map(|record| record.story.wish).collect();
    let kim = Wanted::preferred(KIM, Duration::from_secs(20));
    assert_eq!(wishes, [None, Some(Wish { cause: WishCause::LastAgent, wanted: kim }), None]);
    assert!(world.records().iter().all(|record| record.story.wish_ended.is_none()));
    world.assert_nothing_left();
}

#[test]
fn a_last_agent_who_is_busy_is_waited_for_and_then_anybody_will_do() {
    let (mut world, _) = remembering();
    let first = calls(&mut world, "100", "031");
    hangs_up(&mut world, first);
    world.run(1_000);
    // Lee, who is idle longer, takes this one; Kim the next.
    let others = [calls(&mut world, "100", "032"), calls(&mut world, "100", "033")];
    hangs_up(&mut world, others[0]);
    let waits = calls(&mut world, "100", "031");
    assert_eq!(offered(&world), [(KIM, None), (LEE, None), (KIM, None)], "Lee is idle and not asked");
    world.run(17_000);
    assert_eq!(offered(&world).len(), 3);
    world.run(2_000);
    assert_eq!(offered(&world)[3..], [(LEE, None)]);
    let went_on = world.now;
    hangs_up(&mut world, waits);
    let story = &world.records()[2].story;
    let (at, cause) = story.wish_ended.unwrap();
    assert_eq!(cause, WantedEnd::TimedOut);
    assert!(went_on.since(at) < Duration::from_secs(3));
    // Who served last is Lee from now on.
    calls(&mut world, "100", "031");
    assert_eq!(offered(&world)[4..], [(LEE, Some(0))]);
}

#[test]
fn a_last_agent_who_becomes_free_in_time_takes_the_call() {
    let (mut world, _) = remembering();
    let first = calls(&mut world, "100", "031");
    hangs_up(&mut world, first);
    let others = [calls(&mut world, "100", "032"), calls(&mut world, "100", "033")];
    hangs_up(&mut world, others[0]);
    calls(&mut world, "100", "031");
    world.run(5_000);
    hangs_up(&mut world, others[1]);
    assert_eq!(offered(&world)[3..], [(KIM, Some(0))]);
}

#[test]
fn nobody_waits_for_a_last_agent_who_has_gone_home_or_is_configured_no_longer() {
    for is_fired in [false, true] {
        let (mut world, _) = remembering();
        let first = calls(&mut world, "100", "031");
        hangs_up(&mut world, first);
        if is_fired {
            world.directory.agents.remove(&KIM);
            world.reload(vec![acd::Command::RemoveAgent { agent: KIM }]);
        } else {
            let now = world.now;
            world.distributor.apply(now, acd::Command::LogOut { agent: KIM });
        }
        let second = calls(&mut world, "100", "031");
        hangs_up(&mut world, second);
        assert_eq!(offered(&world), [(KIM, None), (LEE, None)]);
        let ended = world.records()[1].story.wish_ended.map(|(_, cause)| cause);
        assert_eq!(ended, (!is_fired).then_some(WantedEnd::Absent));
    }
}

#[test]
fn who_served_is_forgotten_in_time_and_in_other_queues_and_by_those_who_withhold_their_number() {
    let (mut world, _) = remembering();
    let elsewhere = calls(&mut world, "200", "031");
    hangs_up(&mut world, elsewhere);
    let private = || vec![HeaderField::new("Privacy", "id")];
    let withheld = calls_with(&mut world, "100", "031", private());
    hangs_up(&mut world, withheld);
    assert_eq!(world.engine.counts().served, 0);
    let known = calls(&mut world, "100", "031");
    hangs_up(&mut world, known);
    assert_eq!(world.engine.counts().served, 1);
    let withheld = calls_with(&mut world, "100", "031", private());
    hangs_up(&mut world, withheld);
    world.run(61_000);
    assert_eq!(world.engine.counts().served, 0);
    let late = calls(&mut world, "100", "031");
    hangs_up(&mut world, late);
    assert!(offered(&world).iter().all(|(_, wanted)| wanted.is_none()));
    world.directory.callers.clear();
    world.reload(Vec::new());
    assert_eq!(world.engine.counts().served, 0, "a rule that is gone remembers nobody");
    world.assert_nothing_left();
}

#[test]
fn an_agent_who_was_gone_before_a_word_was_said_did_not_serve() {
    let (mut world, phones) = remembering();
    world.manners = vec![Manner::ByHand, Manner::Ignores];
    let (peer, session) = calls(&mut world, "100", "031");
    let (rings, _) = world.rung(phones[0]);
    world.hold_events = true;
    world.accept(phones[0], rings);
    world.bye(phones[0], rings);
    world.hold_events = false;
    world.run(1_000);
    assert_eq!(offered(&world), [(KIM, None), (LEE, None)]);
    world.cancel(peer, session);
    assert_eq!((world.totals().returned, world.engine.counts().served), (1, 0));
}

/// `400` is Lee's own number, who has not the skill of the queue behind it; Kim has it. `401` prefers both.
fn with_direct_numbers() -> (World, [Peer; 2]) {
    let (mut world, phones) = remembering();
    let skill = SkillId(1);
    let requirement = Requirement::at_least(skill, 1);
    world.define(BILLING, QueueSettings { requirement, ..QueueSettings::default() });
    let settings = AgentSettings { skills: [(skill, 5)].into_iter().collect(), ..AgentSettings::default() };
    world.reload(vec![acd::Command::DefineAgent { agent: KIM, settings: Box::new(settings) }]);
    let within = Some(Duration::from_secs(10));
    let entry = |number: &str, cause, wanted| Entry {
        number: NumberPattern::Exact(number.to_owned()),
        queue: BILLING,
        also: Vec::new(),
        priority: 0,
        requirement: None,
        wish: Some(Wish { cause, wanted }),
    };
    let direct = Wanted::direct(LEE, within, Otherwise::Anybody);
    let mut preferred = Wanted::preferred(LEE, Duration::from_secs(10));
    preferred.agents[1] = Some(KIM);
    world.directory.entries.push(entry("400", WishCause::DirectNumber, direct));
    world.directory.entries.push(entry("401", WishCause::Preferred, preferred));
    world.reload(Vec::new());
    (world, phones)
}

#[test]
fn a_number_of_an_agents_own_leads_to_the_agent_without_the_skill_and_then_into_the_queue() {
    let (mut world, _) = with_direct_numbers();
    let first = calls(&mut world, "400", "031");
    calls(&mut world, "400", "032");
    assert_eq!(offered(&world), [(LEE, Some(0))], "Kim could take the second and is not asked");
    world.run(9_000);
    assert_eq!(offered(&world)[1..], [(KIM, None)], "from now on anybody who meets the queue's requirement");
    hangs_up(&mut world, first);
    let causes: Vec<_> = world.records().iter().map(|one| one.story.wish.map(|wish| wish.cause)).collect();
    assert_eq!(causes, [Some(WishCause::DirectNumber)]);
}

#[test]
fn of_the_agents_whom_a_number_prefers_the_first_who_is_fit_takes_the_call_whoever_served_last() {
    let (mut world, _) = with_direct_numbers();
    let direct = calls(&mut world, "400", "031");
    hangs_up(&mut world, direct);
    // Lee served last, and does not meet the queue's requirement, which a preferred agent must.
    let preferred = calls(&mut world, "401", "031");
    hangs_up(&mut world, preferred);
    assert_eq!(offered(&world), [(LEE, Some(0)), (KIM, Some(1))]);
    world.assert_nothing_left();
}
