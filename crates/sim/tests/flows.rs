//! One story for each way that a call can go, over a clean network.

use std::time::Duration;

use acd::{AbandonedDuring, BackOff, ReservationEnd, Ring};
use engine::Leave;
use sim::network::{Action, Pattern, Rule};
use sim::phone::{Answer, CallPlan, End, Event, Hold, Manner, Party, Plan};
use sim::world::{Moment, Verdict};
use sim::{PhoneId, Scenario, Span, World};
use timing::Instant;

const SEED: u64 = 2;
const KIM: PhoneId = PhoneId(0);
const LEE: PhoneId = PhoneId(1);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A world whose agents have registered.
fn open(scenario: Scenario) -> World {
    let mut world = World::new(scenario, SEED);
    world.run_for(secs(2));
    world
}

fn answering(ring: u64) -> Plan {
    Plan::Always(Manner::answers_after(Span::secs(ring)))
}

fn first_then_answering(first: Answer) -> Plan {
    Plan::InTurn(vec![Manner::only(first), Manner::answers_after(Span::secs(1))])
}

fn call(world: &mut World, plan: CallPlan) -> PhoneId {
    world.call(Scenario::NUMBER, plan)
}

fn end_of(world: &World, phone: PhoneId) -> Option<End> {
    world.ends_of(phone).first().copied()
}

fn finish(world: World) -> Verdict {
    match world.finish() {
        Ok(verdict) => {
            assert_eq!(verdict.clashes, 0, "an agent was rung for two calls at once: {verdict:?}");
            verdict
        }
        Err(failure) => panic!("{failure}"),
    }
}

/// How the reservations ended, in order.
fn reservations(world: &World) -> Vec<ReservationEnd> {
    let end = |(_, event)| match event {
        acd::Event::ReservationEnded { cause, .. } => Some(cause),
        _ => None,
    };
    world.decisions().into_iter().filter_map(end).collect()
}

fn answered_at(world: &World) -> Vec<Instant> {
    let answered =
        |(at, event): (Instant, acd::Event)| matches!(event, acd::Event::Answered { .. }).then_some(at);
    world.decisions().into_iter().filter_map(answered).collect()
}

fn rung_at(world: &World, phone: PhoneId) -> Vec<Instant> {
    let rung = |(at, event): (Instant, Event)| matches!(event, Event::Rung { .. }).then_some(at);
    world.events_of(phone).into_iter().filter_map(rung).collect()
}

fn heard(world: &World, phone: PhoneId) -> Vec<f64> {
    let heard = |(_, event)| match event {
        Event::Ended { heard, .. } => Some(heard.iter().map(|heard| heard.hertz).collect()),
        _ => None,
    };
    world.events_of(phone).into_iter().find_map(heard).unwrap_or_default()
}

#[test]
fn a_caller_talks_to_an_agent_and_each_hears_the_other() {
    let mut world = open(Scenario::quiet().with_agents(1, &answering(3)).with_voice());
    let caller = call(&mut world, CallPlan::talking(Span::secs(10)));
    world.run_for(secs(20));
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    assert_eq!(end_of(&world, KIM), Some(End::HungUpByOther));
    assert_eq!(heard(&world, caller), [world.tone_of(KIM)]);
    assert_eq!(heard(&world, KIM), [world.tone_of(caller)]);
    let verdict = finish(world);
    assert_eq!((verdict.truth.offered, verdict.truth.answered), (1, 1));
}

#[test]
fn a_caller_who_hears_music_talks_to_the_agent_who_comes_free() {
    let mut world = open(Scenario::quiet().with_agents(1, &answering(1)).with_music().with_voice());
    let first = call(&mut world, CallPlan::talking(Span::secs(10)).from_voice());
    world.run_for(secs(3));
    let second = call(&mut world, CallPlan::talking(Span::secs(5)).from_voice());
    world.run_for(secs(5));
    let picked_up = Event::PickedUp { by: Party::Other };
    assert!(world.events_of(second).iter().any(|(_, event)| *event == picked_up), "music is an answer");
    world.run_for(secs(20));
    for caller in [first, second] {
        assert_eq!(end_of(&world, caller), Some(End::HungUp));
        assert_eq!(heard(&world, caller), [world.tone_of(KIM)]);
    }
    assert_eq!(finish(world).truth.answered, 2);
}

#[test]
fn two_agents_who_pick_up_in_the_same_moment_do_not_both_get_the_caller() {
    let both = Ring { most: 2, every: Duration::ZERO };
    let scenario = Scenario::quiet().with_agents(2, &answering(2)).with_voice();
    let mut world = open(scenario.with_rules(|rules| rules.ring = both));
    let caller = call(&mut world, CallPlan::talking(Span::secs(5)));
    world.run_for(secs(15));
    assert_eq!(reservations(&world), [ReservationEnd::Accepted, ReservationEnd::TakenByAnother]);
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    let voices = [KIM, LEE].map(|phone| world.tone_of(phone));
    let heard_by_caller = heard(&world, caller);
    assert!(heard_by_caller.len() == 1 && voices.contains(&heard_by_caller[0]), "{heard_by_caller:?}");
    let hearing = [KIM, LEE].map(|phone| heard(&world, phone));
    assert_eq!(
        hearing.iter().filter(|heard| heard.contains(&world.tone_of(caller))).count(),
        1,
        "{hearing:?}"
    );
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn one_more_agent_is_rung_each_time_until_one_picks_up() {
    let rules = Ring { most: 3, every: secs(3) };
    let scenario = Scenario::quiet().with_agents(2, &Plan::Always(Manner::only(Answer::RingOut)));
    let scenario = scenario.with_agents(1, &answering(1)).with_rules(|queue| queue.ring = rules);
    let mut world = open(scenario);
    let caller = call(&mut world, CallPlan::talking(Span::secs(2)));
    world.run_for(secs(15));
    let began = |phone| rung_at(&world, phone).first().copied().expect("it was rung");
    let waits = [KIM, LEE, PhoneId(2)].map(|phone| (began(phone) - began(KIM)).as_secs());
    assert_eq!(waits, [0, 3, 6]);
    assert_eq!([KIM, LEE].map(|phone| end_of(&world, phone)), [Some(End::Cancelled); 2]);
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn a_busy_agent_is_passed_over_and_the_next_one_answers() {
    let mut world = open(
        Scenario::quiet()
            .with_agents(1, &Plan::Always(Manner::only(Answer::Busy)))
            .with_agents(1, &answering(1)),
    );
    let caller = call(&mut world, CallPlan::talking(Span::secs(3)));
    world.run_for(secs(10));
    assert_eq!(
        reservations(&world),
        [ReservationEnd::Rejected(acd::RejectCause::Busy), ReservationEnd::Accepted]
    );
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn an_agent_who_does_not_answer_loses_the_call_to_the_next() {
    let mut world = open(
        Scenario::quiet()
            .with_agents(1, &Plan::Always(Manner::only(Answer::RingOut)))
            .with_agents(1, &answering(1)),
    );
    call(&mut world, CallPlan::talking(Span::secs(3)));
    world.run_for(secs(30));
    let expected = [ReservationEnd::Expired, ReservationEnd::Accepted];
    assert_eq!(reservations(&world), expected);
    assert_eq!(end_of(&world, KIM), Some(End::Cancelled));
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn an_agent_who_rejects_is_not_offered_the_same_call_again_at_once() {
    let mut world = open(
        Scenario::quiet()
            .with_agents(1, &Plan::Always(Manner::only(Answer::RejectAfter(Span::secs(2)))))
            .with_agents(1, &answering(1)),
    );
    call(&mut world, CallPlan::talking(Span::secs(3)));
    world.run_for(secs(20));
    assert_eq!(
        reservations(&world),
        [ReservationEnd::Rejected(acd::RejectCause::Rejected), ReservationEnd::Accepted]
    );
    assert_eq!(rung_at(&world, KIM).len(), 1);
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn an_agent_who_becomes_free_while_a_caller_waits_is_rung_in_the_same_instant() {
    let mut world = open(Scenario::quiet().with_agents(1, &answering(1)));
    call(&mut world, CallPlan::talking(Span::secs(5)));
    world.run_for(secs(2));
    call(&mut world, CallPlan::talking(Span::secs(5)));
    world.run_for(secs(20));
    let ended = world
        .decisions()
        .iter()
        .find_map(|(at, event)| matches!(event, acd::Event::HandlingEnded { .. }).then_some(*at));
    let latency = Duration::from_millis(5);
    assert_eq!(rung_at(&world, KIM)[1], ended.expect("the first call ended") + latency);
    assert_eq!(finish(world).truth.answered, 2);
}

#[test]
fn a_caller_who_gives_up_while_queued_leaves_nothing_behind() {
    let mut world = open(Scenario::quiet());
    let caller = call(&mut world, CallPlan::patient().giving_up_after(Span::secs(7)));
    world.run_for(secs(10));
    assert_eq!(end_of(&world, caller), Some(End::GaveUp));
    assert_eq!(finish(world).truth.abandoned, 1);
}

#[test]
fn a_caller_who_gives_up_while_hearing_music_leaves_nothing_behind() {
    let mut world = open(Scenario::quiet().with_music().with_voice());
    let caller = call(&mut world, CallPlan::patient().from_voice().giving_up_after(Span::secs(7)));
    world.run_for(secs(10));
    assert_eq!(end_of(&world, caller), Some(End::GaveUp));
    let packets = world.events_of(caller).into_iter().find_map(|(_, event)| match event {
        Event::Ended { packets, .. } => Some(packets),
        _ => None,
    });
    assert!(packets.is_some_and(|packets| packets > 300), "seven seconds of music, not {packets:?} packets");
    assert_eq!(finish(world).truth.abandoned, 1);
}

#[test]
fn a_caller_who_gives_up_while_an_agent_rings_frees_the_agent() {
    let mut world = open(Scenario::quiet().with_agents(1, &Plan::Always(Manner::only(Answer::RingOut))));
    let caller = call(&mut world, CallPlan::patient().giving_up_after(Span::secs(5)));
    world.run_for(secs(10));
    assert_eq!(end_of(&world, caller), Some(End::GaveUp));
    assert_eq!(end_of(&world, KIM), Some(End::Cancelled));
    let during = world.decisions().into_iter().find_map(|(_, event)| match event {
        acd::Event::Abandoned { during, .. } => Some(during),
        _ => None,
    });
    assert_eq!(during, Some(AbandonedDuring::Reserved));
    assert_eq!(reservations(&world), [ReservationEnd::Cancelled]);
    assert_eq!(finish(world).truth.abandoned, 1);
}

/// The caller gives up at every millisecond around the moment in which the agent picks up: the CANCEL
/// crosses the 200 on either side of the engine.
#[test]
fn whoever_wins_between_cancel_and_answer_both_sides_and_the_counters_agree() {
    let mut answered = 0;
    for millis in 1_990..2_030 {
        for ring_latency in [Span::millis(0), Span::between_millis(0, 4)] {
            let mut scenario =
                Scenario::quiet().with_agents(1, &Plan::Always(Manner::answers_after(Span::millis(2_000))));
            scenario.ring_latency = ring_latency;
            let mut world = open(scenario);
            call(&mut world, CallPlan::talking(Span::secs(3)).giving_up_after(Span::millis(millis)));
            world.run_for(secs(10));
            let verdict = finish(world);
            assert_eq!(verdict.truth.answered + verdict.truth.abandoned, 1, "{millis}: {verdict:?}");
            answered += verdict.truth.answered;
        }
    }
    assert!((5..75).contains(&answered), "both must happen: {answered} answered");
}

#[test]
fn an_agent_who_hangs_up_first_ends_the_call_for_the_caller() {
    let plan = Plan::Always(Manner::answers_after(Span::secs(1)).talking(Span::secs(4)));
    let mut world = open(Scenario::quiet().with_agents(1, &plan));
    let caller = call(&mut world, CallPlan::patient());
    world.run_for(secs(10));
    assert_eq!(end_of(&world, KIM), Some(End::HungUp));
    assert_eq!(end_of(&world, caller), Some(End::HungUpByOther));
    assert_eq!(finish(world).truth.answered, 1);
}

/// What a held phone goes through.
fn held_and_resumed(world: &World, phone: PhoneId, tone: f64) {
    let wanted = [
        Event::Hears { hertz: Some(tone) },
        Event::Held { by: Party::Other },
        Event::Resumed { by: Party::Other },
    ];
    let events: Vec<Event> = world.events_of(phone).into_iter().map(|(_, event)| event).collect();
    let interesting: Vec<Event> = events.iter().filter(|event| wanted.contains(event)).cloned().collect();
    let expected = [wanted[0].clone(), wanted[1].clone(), wanted[2].clone(), wanted[0].clone()];
    assert_eq!(interesting, expected, "{events:?}");
}

#[test]
fn a_caller_holds_the_agent_and_comes_back() {
    let mut world = open(Scenario::quiet().with_agents(1, &answering(1)).with_voice());
    let hold = Hold { after: Span::secs(3), lasting: Span::secs(5) };
    let caller = call(&mut world, CallPlan::talking(Span::secs(15)).holding(hold));
    world.run_for(secs(20));
    held_and_resumed(&world, KIM, world.tone_of(caller));
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn an_agent_holds_the_caller_and_comes_back() {
    let hold = Hold { after: Span::secs(3), lasting: Span::secs(5) };
    let plan = Plan::Always(Manner::answers_after(Span::secs(1)).holding(hold));
    let mut world = open(Scenario::quiet().with_agents(1, &plan).with_voice());
    let caller = call(&mut world, CallPlan::talking(Span::secs(15)));
    world.run_for(secs(20));
    held_and_resumed(&world, caller, world.tone_of(KIM));
    assert_eq!(finish(world).truth.answered, 1);
}

/// Both press hold at about the same time: one of the re-INVITEs is answered 491 and tried again.
#[test]
fn both_hold_at_once_and_the_call_survives_the_glare() {
    for offset in 0..20 {
        let agent = Hold { after: Span::millis(3_000), lasting: Span::secs(5) };
        let caller = Hold { after: Span::millis(2_990 + offset), lasting: Span::secs(5) };
        let plan = Plan::Always(Manner::answers_after(Span::secs(1)).holding(agent));
        let mut world = open(Scenario::quiet().with_agents(1, &plan));
        let caller = call(&mut world, CallPlan::talking(Span::secs(30)).holding(caller));
        world.run_for(secs(40));
        for phone in [KIM, caller] {
            let resumed = Event::Resumed { by: Party::Us };
            assert!(world.events_of(phone).iter().any(|(_, event)| *event == resumed), "{offset}: {phone:?}");
        }
        assert_eq!(finish(world).truth.answered, 1);
    }
}

#[test]
fn a_lost_ack_is_asked_for_again_and_the_call_goes_on() {
    let mut world = open(Scenario::quiet().with_agents(1, &answering(1)));
    world.add_rule(Rule::new(Pattern::request("ACK"), Action::Lose).times(4));
    let caller = call(&mut world, CallPlan::talking(Span::secs(10)));
    world.run_for(secs(30));
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn a_caller_who_never_acknowledges_is_let_go_and_the_agent_too() {
    let mut world = open(Scenario::quiet().with_agents(1, &answering(1)));
    let centre = world.centre_address();
    world.add_rule(Rule::new(Pattern::request("ACK").to(centre), Action::Lose));
    let caller = call(&mut world, CallPlan::patient());
    world.run_for(secs(60));
    assert_eq!(end_of(&world, caller), Some(End::HungUpByOther));
    assert_eq!(end_of(&world, KIM), Some(End::HungUpByOther));
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn a_repeated_invite_is_one_call_and_a_repeated_bye_one_end() {
    let mut world = open(Scenario::quiet().with_agents(2, &answering(1)));
    for method in ["INVITE", "BYE"] {
        world.add_rule(Rule::new(Pattern::request(method), Action::Duplicate(Duration::from_millis(300))));
    }
    let caller = call(&mut world, CallPlan::talking(Span::secs(5)));
    world.run_for(secs(20));
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    assert_eq!(rung_at(&world, KIM).len() + rung_at(&world, LEE).len(), 1);
    let verdict = finish(world);
    assert_eq!((verdict.truth.offered, verdict.truth.answered), (1, 1));
}

#[test]
fn answers_that_are_lost_are_asked_for_again() {
    for (status, method) in [(100, "INVITE"), (180, "INVITE"), (200, "INVITE"), (200, "BYE")] {
        let mut world = open(Scenario::quiet().with_agents(1, &answering(1)));
        world.add_rule(Rule::new(Pattern::response(status, method), Action::Lose).times(3));
        call(&mut world, CallPlan::talking(Span::secs(5)));
        world.run_for(secs(20));
        assert_eq!(finish(world).truth.answered, 1, "{status} to {method}");
    }
}

#[test]
fn an_agent_whose_registration_goes_while_ringing_is_out_and_the_caller_waits_for_the_next() {
    let mut world = open(
        Scenario::quiet()
            .with_agents(1, &Plan::Always(Manner::only(Answer::RingOut)))
            .with_agents(1, &answering(1)),
    );
    let caller = call(&mut world, CallPlan::talking(Span::secs(5)));
    world.run_for(secs(3));
    let now = world.now();
    world.with_phone(KIM, |phone| phone.unregister(now));
    world.run_for(secs(10));
    assert_eq!(reservations(&world), [ReservationEnd::Withdrawn, ReservationEnd::Accepted]);
    assert_eq!(end_of(&world, KIM), Some(End::Cancelled));
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn a_dead_phone_is_given_up_after_the_ring_timeout_and_the_next_agent_rung() {
    let mut world = open(Scenario::quiet().with_agents(2, &answering(1)));
    let now = world.now();
    world.with_phone(KIM, |phone| phone.unplug(now));
    let caller = call(&mut world, CallPlan::talking(Span::secs(5)));
    world.run_for(secs(30));
    assert_eq!(reservations(&world), [ReservationEnd::Expired, ReservationEnd::Accepted]);
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn a_phone_that_dies_in_the_middle_of_a_conversation_is_noticed_by_its_silence() {
    let mut world = open(Scenario::quiet().with_agents(1, &answering(1)).with_voice());
    let caller = call(&mut world, CallPlan::patient());
    world.run_for(secs(10));
    let now = world.now();
    world.with_phone(KIM, |phone| phone.unplug(now));
    world.run_for(secs(60));
    assert_eq!(end_of(&world, caller), Some(End::HungUpByOther));
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn a_caller_whom_nobody_serves_is_sent_away_by_the_rule_of_the_queue() {
    let exits = [(Leave::Busy, 486), (Leave::HangUp, 603)];
    for (leave, status) in exits {
        let mut scenario = Scenario::quiet().with_rules(|rules| {
            let exit = acd::Exit::Leave(acd::ExitId(1));
            rules.max_wait = Some(acd::MaxWait { after: secs(4), exit });
        });
        scenario.exits.insert(acd::ExitId(1), leave);
        let mut world = open(scenario);
        let caller = call(&mut world, CallPlan::patient());
        world.run_for(secs(10));
        assert_eq!(end_of(&world, caller), Some(End::Failed { status }));
        assert_eq!(finish(world).truth.overflowed, 1);
    }
}

#[test]
fn a_caller_may_be_sent_to_a_number_outside() {
    let mut scenario = Scenario::quiet().with_voice().with_rules(|rules| {
        let exit = acd::Exit::Leave(acd::ExitId(1));
        rules.max_wait = Some(acd::MaxWait { after: secs(2), exit });
    });
    scenario.exits.insert(acd::ExitId(1), Leave::Dial("15550100".to_owned()));
    let mut world = open(scenario);
    let outside = world.add_outside_phone(answering(1));
    let caller = call(&mut world, CallPlan::talking(Span::secs(5)));
    world.run_for(secs(20));
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    assert_eq!(end_of(&world, outside), Some(End::HungUpByOther));
    assert_eq!(heard(&world, outside), [world.tone_of(caller)]);
    assert_eq!(finish(world).truth.overflowed, 1);
}

#[test]
fn an_agent_with_a_fixed_contact_is_reached_through_the_trunk_and_needs_no_registration() {
    let mut world = open(Scenario::quiet().with_voice());
    let phone = world.add_outside_phone(answering(1));
    let agent = acd::AgentId(7);
    world.know_agent("2007", agent);
    world.with_engine(|engine, now| {
        let mut directory = engine.directory().clone();
        let uri = sip::Uri::parse(b"sip:2007@10.1.255.1:5060").unwrap();
        let reach = engine::Reach::Contact { uri, way: engine::Way::Through(sip::TrunkId(0)) };
        directory.agents.insert(agent, engine::AgentLine { reach, log_in: engine::LogIn::OnRegister });
        let settings = Box::new(acd::AgentSettings::default());
        engine.reload(now, directory, vec![acd::Command::DefineAgent { agent, settings }]);
    });
    let caller = call(&mut world, CallPlan::talking(Span::secs(4)));
    world.run_for(secs(10));
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    assert_eq!(heard(&world, phone), [world.tone_of(caller)]);
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn an_unknown_number_is_refused_and_counted() {
    let mut world = open(Scenario::quiet());
    let caller = world.call("999", CallPlan::patient());
    world.run_for(secs(1));
    assert_eq!(end_of(&world, caller), Some(End::Failed { status: 404 }));
    let verdict = finish(world);
    assert_eq!((verdict.truth.refused, verdict.truth.offered), (1, 0));
}

/// A distributor that takes the call back while the agent picks up: two agents must not get it.
#[test]
fn an_agent_who_picks_up_as_the_reservation_expires_never_shares_the_caller() {
    let mut twice = 0;
    for millis in 14_970..15_030 {
        let first = Manner::answers_after(Span::millis(millis));
        let scenario = Scenario::quiet()
            .with_agents(1, &Plan::Always(first))
            .with_agents(1, &answering(1))
            .with_rules(|rules| rules.ring_timeout = Duration::from_secs(15));
        let mut world = open(scenario);
        call(&mut world, CallPlan::talking(Span::secs(5)));
        world.run_for(secs(30));
        assert_eq!(answered_at(&world).len(), 1);
        twice += rung_at(&world, LEE).len();
        assert_eq!(finish(world).truth.answered, 1);
    }
    assert!((10..50).contains(&twice), "both must happen: {twice} rang the second agent");
}

#[test]
fn an_agent_who_misses_too_often_gets_no_more_calls() {
    let none = BackOff { pause: Duration::ZERO, exclusion: Duration::ZERO };
    let scenario = Scenario::quiet()
        .with_agents(1, &Plan::Always(Manner::only(Answer::RingOut)))
        .with_rules(|rules| rules.back_offs.no_answer = none);
    let mut world = open(scenario);
    call(&mut world, CallPlan::patient().giving_up_after(Span::secs(120)));
    world.run_for(secs(150));
    assert_eq!(rung_at(&world, KIM).len(), 3);
    assert_eq!(finish(world).truth.abandoned, 1);
}

#[test]
fn an_agent_backs_off_after_busy_and_is_rung_again() {
    let mut world = open(Scenario::quiet().with_agents(1, &first_then_answering(Answer::Busy)));
    let caller = call(&mut world, CallPlan::talking(Span::secs(5)));
    assert!(world.run_until_moment(secs(60), |moment| *moment
        == Moment::Phone(caller, Event::PickedUp { by: Party::Other })));
    let rung = rung_at(&world, KIM);
    assert!(rung[1].since(rung[0]) >= secs(20), "{rung:?}");
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn a_dead_phone_is_logged_out_when_its_registration_expires_and_comes_back_with_the_next() {
    let mut scenario = Scenario::quiet().with_agents(1, &answering(1));
    scenario.expires = secs(60);
    let mut world = open(scenario);
    let now = world.now();
    world.with_phone(KIM, |phone| phone.unplug(now));
    world.run_for(secs(90));
    let caller = call(&mut world, CallPlan::talking(Span::secs(5)));
    world.run_for(secs(10));
    assert_eq!(reservations(&world), [], "nobody is there to be rung");
    let now = world.now();
    world.with_phone(KIM, |phone| phone.plug_in(now));
    world.run_for(secs(10));
    assert_eq!(reservations(&world), [ReservationEnd::Accepted]);
    assert_eq!(end_of(&world, caller), Some(End::HungUp));
    assert_eq!(finish(world).truth.answered, 1);
}

#[test]
fn registrations_are_refreshed_for_as_long_as_the_phones_live() {
    let mut scenario = Scenario::quiet().with_agents(3, &answering(1));
    scenario.expires = secs(60);
    scenario.conditions = sim::network::Conditions::BAD;
    let mut world = open(scenario);
    world.run_for(secs(3_600));
    for phone in [KIM, LEE] {
        assert!(world.phone(phone).is_some_and(sim::Phone::is_registered));
        let gone = |(_, event): &(Instant, Event)| matches!(event, Event::RegistrationFailed { .. });
        assert!(!world.events_of(phone).iter().any(gone));
    }
    let logged_out = |(_, event): &(Instant, acd::Event)| {
        matches!(event, acd::Event::AgentChanged { presence: acd::Presence::LoggedOut, .. })
    };
    let since_morning = world.decisions().into_iter().filter(|(at, _)| *at > Instant::from_secs(2));
    assert_eq!(since_morning.filter(logged_out).count(), 0);
    finish(world);
}

#[test]
fn behind_a_pbx_that_records_its_route_calls_begin_hold_and_end_from_either_side() {
    let hold = Hold { after: Span::secs(3), lasting: Span::secs(2) };
    let plans = [
        Manner::answers_after(Span::secs(1)),
        Manner::answers_after(Span::secs(1)).holding(hold),
        Manner::answers_after(Span::secs(1)).talking(Span::secs(8)),
    ];
    let mut world =
        open(Scenario::quiet().with_pbx().with_voice().with_agents(1, &Plan::InTurn(plans.to_vec())));
    for expected in [End::HungUp, End::HungUp, End::HungUpByOther] {
        let caller = call(&mut world, CallPlan::talking(Span::secs(12)).holding(hold));
        world.run_for(secs(20));
        assert_eq!(end_of(&world, caller), Some(expected));
        assert_eq!(heard(&world, caller), [world.tone_of(KIM)]);
    }
    let gives_up = call(&mut world, CallPlan::patient().giving_up_after(Span::millis(500)));
    world.run_for(secs(5));
    assert_eq!(end_of(&world, gives_up), Some(End::GaveUp));
    let verdict = finish(world);
    assert_eq!((verdict.truth.answered, verdict.truth.abandoned), (3, 1));
}

#[test]
fn while_draining_new_calls_are_refused_and_old_ones_go_on() {
    let mut world = open(Scenario::quiet().with_agents(1, &answering(1)));
    let talks = call(&mut world, CallPlan::talking(Span::secs(10)));
    let waits = call(&mut world, CallPlan::talking(Span::secs(2)));
    world.run_for(secs(5));
    world.with_engine(|engine, _| engine.drain());
    let late = call(&mut world, CallPlan::patient());
    world.run_for(secs(20));
    assert_eq!(end_of(&world, late), Some(End::Failed { status: 503 }));
    assert_eq!(end_of(&world, talks), Some(End::HungUp));
    assert_eq!(end_of(&world, waits), Some(End::HungUp));
    let verdict = finish(world);
    assert_eq!((verdict.truth.answered, verdict.truth.refused), (2, 1));
}

#[test]
fn when_all_calls_are_hung_up_for_the_end_of_the_day_nothing_is_left() {
    let mut world = open(Scenario::quiet().with_agents(2, &answering(3)));
    for _ in 0..2 {
        call(&mut world, CallPlan::patient());
        world.run_for(secs(2));
    }
    call(&mut world, CallPlan::patient());
    world.run_for(secs(1));
    world.with_engine(engine::Engine::hang_up_all);
    world.run_for(secs(5));
    assert_eq!(world.centre().engine().counts().interactions, 0);
    assert_eq!(world.ends_of(KIM), [End::HungUpByOther]);
}

#[test]
fn an_agent_who_is_removed_while_ringing_loses_the_call_and_keeps_it_while_talking() {
    let leaver = Plan::Always(Manner::answers_after(Span::secs(4)));
    for (wait, expected) in
        [(2, vec![ReservationEnd::Withdrawn, ReservationEnd::Accepted]), (6, vec![ReservationEnd::Accepted])]
    {
        let mut world = open(Scenario::quiet().with_agents(1, &leaver).with_agents(1, &answering(1)));
        let caller = call(&mut world, CallPlan::talking(Span::secs(8)));
        world.run_for(secs(wait));
        let agent = world.agent_of(KIM);
        world.with_engine(|engine, now| {
            let mut directory = engine.directory().clone();
            directory.agents.remove(&agent);
            engine.reload(now, directory, vec![acd::Command::RemoveAgent { agent }]);
        });
        world.run_for(secs(30));
        assert_eq!(reservations(&world), expected);
        assert_eq!(end_of(&world, caller), Some(End::HungUp));
        assert_eq!(finish(world).truth.answered, 1);
    }
}

/// Of an INVITE only its last repetition reaches the phone, half a second before timer B, and the 180 is
/// lost: RFC 3261 §9.1 forbids a CANCEL, and after timer B there is nothing left that could get one.
#[test]
fn a_phone_whose_only_180_is_lost_rings_until_it_gives_up_by_itself() {
    let mut world = open(Scenario::quiet().with_agents(1, &Plan::Always(Manner::only(Answer::RingOut))));
    let address = world.address_of(KIM);
    world.add_rule(Rule::new(Pattern::request("INVITE").to(address), Action::Lose).times(6));
    for status in [100, 180] {
        world.add_rule(Rule::new(Pattern::response(status, "INVITE").from(address), Action::Lose));
    }
    let began = world.now();
    call(&mut world, CallPlan::patient().giving_up_after(Span::secs(5)));
    world.run_for(secs(60));
    let rung = rung_at(&world, KIM);
    assert_eq!((rung.len(), rung[0].since(began).as_secs()), (1, 31));
    assert_eq!(end_of(&world, KIM), None, "nobody can tell it");
    world.run_for(secs(180));
    assert_eq!(end_of(&world, KIM), Some(End::Refused { status: 480 }));
    assert_eq!(finish(world).truth.abandoned, 1);
}

#[test]
fn a_phone_that_picks_up_long_after_the_caller_left_is_sent_away_at_once() {
    let mut world = open(Scenario::quiet().with_agents(1, &answering(3)));
    let now = world.now();
    world.with_phone(KIM, |phone| phone.unplug(now));
    call(&mut world, CallPlan::patient().giving_up_after(Span::secs(5)));
    world.run_for(secs(20));
    let address = world.address_of(KIM);
    for status in [100, 180] {
        world.add_rule(Rule::new(Pattern::response(status, "INVITE").from(address), Action::Lose));
    }
    let now = world.now();
    world.with_phone(KIM, |phone| phone.plug_in(now));
    world.run_for(secs(60));
    assert_eq!(end_of(&world, KIM), Some(End::HungUpByOther));
    assert_eq!(finish(world).truth.abandoned, 1);
}
