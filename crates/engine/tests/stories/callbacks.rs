//! Customers who hang up to be called back.

use std::time::Duration;

use acd::{Activity, AgentId, CallbackEnd, CallbackMode, CallbackRules, QueueSettings, SupervisorId};
use b2bua::{FailureKind, HangUp, Side};
use engine::{CallRecord, CallbackStory, NoCallback, Outcome, Standing, Treatment};
use sip::{Identity, SessionId};

use crate::world::{BILLING, MUSIC, Manner, Peer, World};

const OWN_NUMBER: &str = "0311112222";

fn rules(mode: CallbackMode) -> CallbackRules {
    CallbackRules {
        mode,
        attempts: 2,
        spacing: Duration::from_secs(60),
        delay: Duration::from_secs(5),
        call_timeout: Duration::from_secs(30),
        ..CallbackRules::default()
    }
}

/// A world whose billing calls back so, with nobody there yet but the customer's phone, outside.
fn world(treatment: Treatment, mode: CallbackMode, customer: Manner) -> (World, Peer) {
    let mut world = World::new(treatment);
    world.define(BILLING, QueueSettings { callback: Some(rules(mode)), ..QueueSettings::default() });
    let customer = world.peer("10.2.0.1", customer);
    (world, customer)
}

/// Somebody calls, waits for two seconds, asks to be called back and is rung off.
fn taken(world: &mut World) {
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    world.call(caller, "100");
    world.run(2_000);
    assert_eq!(world.call_back(None), Ok(()));
    world.run(1_000);
    assert_eq!(standing(world), Standing::ToCallBack);
    assert_eq!(world.totals().callbacks_taken, 1);
    assert_eq!(world.ua(caller).counts().sessions, 0, "the caller is rung off");
}

fn standing(world: &World) -> Standing {
    let all = world.engine.interactions(None, 9, None, None);
    assert_eq!(all.len(), 1);
    all[0].standing
}

fn only(world: &World) -> CallRecord {
    let records = world.records();
    assert_eq!(records.len(), 1);
    records[0].clone()
}

#[test]
fn a_customer_who_hangs_up_is_called_when_an_agent_is_there() {
    for treatment in [Treatment::Ringback, Treatment::Music(MUSIC)] {
        let (mut world, customer) = world(treatment, CallbackMode::AgentFirst, Manner::ByHand);
        world.writes_down = true;
        taken(&mut world);
        world.run(60_000);
        let agent = world.agent(1, Manner::ByHand);
        world.run(100);
        let (at_agent, invite) = world.rung(agent);
        assert_eq!(invite.from.user, OWN_NUMBER, "the agent sees who will be called");
        assert!(world.heard(customer).is_empty(), "nobody is called before an agent is there");
        world.accept(agent, at_agent);
        let (at_customer, invite) = world.rung(customer);
        assert_eq!(invite.from.user, "100", "the customer sees the number that was dialled");
        assert_eq!(invite.number, OWN_NUMBER);
        assert_eq!(standing(&world), Standing::CallingBack);
        assert_eq!(world.engine.interactions(None, 9, None, Some(AgentId(1))).len(), 1, "it is the agent's");
        world.run(4_000);
        world.accept(customer, at_customer);
        world.run(20_000);
        assert_eq!(standing(&world), Standing::Talking);
        assert!(matches!(world.activity(1), Some(Activity::Handling { .. })));
        world.bye(customer, at_customer);
        world.run(100);
        let record = only(&world);
        assert_eq!(record.outcome, Outcome::CalledBack);
        assert_eq!(record.cause, HangUp::By(Side::Caller), "the customer ended it");
        assert_eq!(record.talked().as_secs(), 20);
        assert_eq!(record.story.attempts.len(), 2, "the agent, and the customer");
        let totals = world.totals();
        assert_eq!((totals.called_back, totals.abandoned, totals.answered), (1, 0, 0));
        world.assert_nothing_left();
    }
}

#[test]
fn customer_first_the_customer_waits_for_an_agent_who_is_held() {
    for treatment in [Treatment::Ringback, Treatment::Music(MUSIC)] {
        let (mut world, customer) = world(treatment, CallbackMode::CustomerFirst, Manner::ByHand);
        world.writes_down = true;
        taken(&mut world);
        let agent = world.agent(1, Manner::ByHand);
        world.run(5_000);
        let (at_customer, _) = world.rung(customer);
        assert!(world.heard(agent).is_empty(), "the agent is held, and not rung");
        assert!(matches!(world.activity(1), Some(Activity::Reserved { .. })));
        world.accept(customer, at_customer);
        let (at_agent, _) = world.rung(agent);
        assert_eq!(standing(&world), Standing::Ringing);
        world.accept(agent, at_agent);
        world.run(7_000);
        assert_eq!(standing(&world), Standing::Talking);
        world.bye(agent, at_agent);
        world.run(100);
        let record = only(&world);
        assert_eq!((record.outcome, record.cause), (Outcome::CalledBack, HangUp::By(Side::Callee)));
        let attempts = &record.story.attempts;
        assert_eq!((attempts[0].agent.is_some(), attempts[1].agent.is_some()), (false, true));
        world.assert_nothing_left();
    }
}

#[test]
fn a_customer_who_is_called_first_and_gives_up_before_the_agent_answers_has_abandoned() {
    let (mut world, customer) = world(Treatment::Ringback, CallbackMode::CustomerFirst, Manner::ByHand);
    taken(&mut world);
    world.agent(1, Manner::Ignores);
    world.run(5_000);
    let (at_customer, _) = world.rung(customer);
    world.accept(customer, at_customer);
    world.run(3_000);
    world.bye(customer, at_customer);
    world.run(100);
    assert_eq!(only(&world).outcome, Outcome::Abandoned);
    assert_eq!(world.totals().abandoned, 1);
    world.assert_nothing_left();
}

#[test]
fn a_customer_who_is_not_reached_is_tried_again_and_then_given_up() {
    for (mode, status, cause) in [
        (CallbackMode::AgentFirst, 486, "busy"),
        (CallbackMode::CustomerFirst, 404, "a number that is not there"),
    ] {
        let (mut world, customer) = world(Treatment::Ringback, mode, Manner::Refuses(status, 500));
        taken(&mut world);
        world.agent(1, Manner::Answers(1_000));
        world.run(10_000);
        assert_eq!(world.totals().calls_failed, 1, "{cause}");
        let story = world.engine.interactions(None, 9, None, None)[0].story.clone();
        let callback = story.callback.unwrap();
        assert_eq!(callback.failed, 1);
        assert!(callback.rests_until.is_some());
        assert!(matches!(world.activity(1), Some(Activity::Idle { .. })), "it is no fault of the agent");
        world.run(70_000);
        let record = only(&world);
        assert_eq!(record.outcome, Outcome::CallbackEnded);
        assert_eq!(record.story.callback.as_ref().unwrap().failed, 2);
        assert_eq!(world.sent("INVITE", world.at(customer)), 2);
        world.assert_nothing_left();
    }
}

#[test]
fn a_customer_who_does_not_pick_up_is_called_no_longer_than_allowed() {
    let (mut world, customer) = world(Treatment::Ringback, CallbackMode::AgentFirst, Manner::Ignores);
    taken(&mut world);
    let agent = world.agent(1, Manner::ByHand);
    world.run(5_000);
    let (at_agent, _) = world.rung(agent);
    world.accept(agent, at_agent);
    world.run(29_000);
    assert_eq!(world.sent("CANCEL", world.at(customer)), 0);
    world.run(2_000);
    assert_eq!(world.sent("CANCEL", world.at(customer)), 1);
    assert_eq!(world.sent("BYE", world.at(agent)), 1, "the agent is rung off");
    assert_eq!(standing(&world), Standing::ToCallBack);
    let attempts = world.engine.interactions(None, 9, None, None)[0].story.attempts.clone();
    assert_eq!(attempts[1].failure.map(|failure| failure.kind), Some(FailureKind::NoAnswer));
    world.engine.drain();
    world.assert_nothing_left();
}

#[test]
fn a_trunk_that_cannot_or_must_not_call_uses_up_no_attempt() {
    for (mode, status) in [
        (CallbackMode::AgentFirst, 503),
        (CallbackMode::CustomerFirst, 503),
        (CallbackMode::AgentFirst, 407),
        (CallbackMode::CustomerFirst, 401),
    ] {
        let (mut world, customer) = world(Treatment::Ringback, mode, Manner::Refuses(status, 100));
        taken(&mut world);
        world.agent(1, Manner::Answers(1_000));
        world.run(10_000);
        assert_eq!(world.sent("INVITE", world.at(customer)), 1, "{status}");
        let callback = world.engine.interactions(None, 9, None, None)[0].story.callback.clone().unwrap();
        assert_eq!(callback.failed, 0, "{status}");
        assert!(callback.rests_until.is_some(), "{status}");
        world.engine.drain();
        world.assert_nothing_left();
    }
}

#[test]
fn a_number_that_is_denied_after_the_promise_is_not_called() {
    for mode in [CallbackMode::AgentFirst, CallbackMode::CustomerFirst] {
        let (mut world, customer) = world(Treatment::Ringback, mode, Manner::Answers(100));
        taken(&mut world);
        let line = world.directory.callbacks.get_mut(&BILLING).unwrap();
        line.deny.push("0311".to_owned());
        world.reload(Vec::new());
        world.agent(1, Manner::Answers(100));
        world.run(10_000);
        assert_eq!(world.sent("INVITE", world.at(customer)), 0);
        assert_eq!(only(&world).outcome, Outcome::CallbackEnded);
        assert!(matches!(world.activity(1), Some(Activity::Idle { .. })));
        world.assert_nothing_left();
    }
}

#[test]
fn an_agent_who_declines_costs_the_customer_nothing_and_one_who_hangs_up_while_it_rings_an_attempt() {
    let (mut world, customer) = world(Treatment::Ringback, CallbackMode::AgentFirst, Manner::Ignores);
    taken(&mut world);
    world.agent(1, Manner::Refuses(603, 100));
    world.run(5_000);
    assert_eq!(standing(&world), Standing::ToCallBack);
    assert_eq!(world.sent("INVITE", world.at(customer)), 0);
    let second = world.agent(2, Manner::ByHand);
    world.run(100);
    let (at_second, _) = world.rung(second);
    world.accept(second, at_second);
    assert_eq!(standing(&world), Standing::CallingBack);
    let third = world.agent(3, Manner::ByHand);
    world.bye(second, at_second);
    assert_eq!(world.sent("CANCEL", world.at(customer)), 1);
    assert_eq!(world.totals().calls_failed, 0);
    assert_eq!(standing(&world), Standing::ToCallBack);
    let callback = world.engine.interactions(None, 9, None, None)[0].story.callback.clone().unwrap();
    assert_eq!(callback.failed, 1, "the phone has rung");
    assert!(
        callback.rests_until.is_some() && world.heard(third).is_empty(),
        "it does not ring again at once"
    );
    world.run(58_000);
    assert_eq!(world.sent("INVITE", world.at(customer)), 1);
    world.engine.drain();
    world.assert_nothing_left();
}

#[test]
fn a_caller_who_hangs_up_while_the_callback_is_asked_for_is_called_all_the_same() {
    let (mut world, customer) = world(Treatment::Ringback, CallbackMode::AgentFirst, Manner::Answers(100));
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(2_000);
    world.hold_commands = true;
    assert_eq!(world.call_back(None), Ok(()));
    assert_eq!(world.call_back(None), Err(NoCallback::NotWaiting), "once is enough");
    world.cancel(caller, session);
    world.hold_commands = false;
    world.run(1_000);
    assert_eq!(standing(&world), Standing::ToCallBack);
    world.agent(1, Manner::Answers(100));
    world.run(10_000);
    assert_eq!(standing(&world), Standing::Talking);
    assert_eq!(world.totals().abandoned, 0);
    let _ = customer;
    world.engine.hang_up_all(world.now);
    world.assert_nothing_left();
}

#[test]
fn a_caller_who_hangs_up_and_is_refused_a_callback_has_abandoned() {
    let (mut world, _) = world(Treatment::Ringback, CallbackMode::AgentFirst, Manner::ByHand);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(2_000);
    world.hold_commands = true;
    // The queue stops calling back in the same moment.
    world.define(BILLING, QueueSettings::default());
    assert_eq!(world.call_back(None), Ok(()));
    world.cancel(caller, session);
    world.hold_commands = false;
    world.run(1_000);
    assert_eq!(only(&world).outcome, Outcome::Abandoned);
    world.assert_nothing_left();
}

#[test]
fn who_may_be_called_is_the_queue_s_to_say() {
    let (mut world, customer) = world(Treatment::Ringback, CallbackMode::AgentFirst, Manner::ByHand);
    let caller = world.peer("10.0.0.2", Manner::ByHand);
    let session = world.call(caller, "100");
    world.run(100);
    for (number, refusal) in [
        ("0311113333", NoCallback::NotAllowed),
        ("0601234567", NoCallback::NotAllowed),
        ("*21*0212345678#", NoCallback::BadNumber),
    ] {
        assert_eq!(world.call_back(Some(number)), Err(refusal), "{number}");
    }
    assert_eq!(world.call_back(Some("0212345678")), Ok(()));
    world.run(1_000);
    let agent = world.agent(1, Manner::ByHand);
    world.run(5_000);
    let (at_agent, invite) = world.rung(agent);
    assert_eq!(invite.from.user, "0212345678");
    world.accept(agent, at_agent);
    assert_eq!(world.rung(customer).1.number, "0212345678");
    world.engine.hang_up_all(world.now);
    let _ = session;
    world.run(1_000);
    let other = world.peer("10.0.0.3", Manner::ByHand);
    let waits = world.call(other, "200");
    world.run(100);
    assert_eq!(world.call_back(None), Err(NoCallback::NotOffered(acd::QueueId(2))));
    world.cancel(other, waits);
    let twice = world.call(other, "300");
    world.run(100);
    assert_eq!(world.call_back(None), Err(NoCallback::InSeveralQueues));
    world.cancel(other, twice);
    let nameless = world.call_with(other, "100", Vec::new(), Identity::anonymous());
    world.run(100);
    assert_eq!(world.call_back(None), Err(NoCallback::NoNumber));
    world.cancel(other, nameless);
    world.assert_nothing_left();
}

#[test]
fn a_process_that_ends_gives_the_places_up_and_says_so() {
    let (mut world, _) = world(Treatment::Ringback, CallbackMode::AgentFirst, Manner::ByHand);
    taken(&mut world);
    world.engine.drain();
    world.run(100);
    assert_eq!(world.engine.in_progress(), 0);
    assert_eq!(only(&world).outcome, Outcome::CallbackEnded);
    assert_eq!(world.totals().callbacks_ended, 1);
    world.assert_nothing_left();
}

/// Kim is on the line and the customer's phone is told to ring. Where they stand in their calls.
fn calling(world: &mut World, customer: Peer) -> (Peer, SessionId, SessionId) {
    taken(world);
    let agent = world.agent(1, Manner::ByHand);
    world.run(5_000);
    let (at_agent, _) = world.rung(agent);
    world.accept(agent, at_agent);
    let (at_customer, _) = world.rung(customer);
    (agent, at_agent, at_customer)
}

fn story(world: &World) -> CallbackStory {
    world.engine.interactions(None, 9, None, None)[0].story.callback.clone().unwrap()
}

/// The next agent is rung for a customer who holds on, and they talk; the customer hangs up.
fn served_by_the_next(world: &mut World, customer: Peer, at_customer: SessionId) -> CallRecord {
    assert_eq!(standing(world), Standing::Waiting);
    assert!(story(world).reached.is_some());
    assert_eq!(world.sent("BYE", world.at(customer)), 0, "the customer is not lost");
    let next = world.agent(2, Manner::ByHand);
    world.run(100);
    let (at_next, _) = world.rung(next);
    world.accept(next, at_next);
    world.run(9_000);
    assert_eq!(standing(world), Standing::Talking);
    world.bye(customer, at_customer);
    world.run(100);
    let record = only(world);
    assert_eq!((record.outcome, record.cause), (Outcome::CalledBack, HangUp::By(Side::Caller)));
    assert_eq!((record.story.agent, record.talked().as_secs()), (Some(AgentId(2)), 9));
    record
}

#[test]
fn an_agent_who_hangs_up_before_the_phone_rings_costs_no_attempt_and_the_callback_rests() {
    let (mut world, customer) = world(Treatment::Ringback, CallbackMode::AgentFirst, Manner::ByHand);
    let (agent, at_agent, _) = calling(&mut world, customer);
    world.bye(agent, at_agent);
    // Nothing was heard of the phone, so there is nothing to cancel yet (RFC 3261 §9.1).
    world.engine.drain();
    world.run(70_000);
    let callback = only(&world).story.callback.unwrap();
    assert_eq!((callback.failed, world.sent("INVITE", world.at(customer)) > 0), (0, true));
    world.assert_nothing_left();
}

#[test]
fn a_customer_who_answers_as_the_agent_hangs_up_waits_for_the_next_with_music() {
    for treatment in [Treatment::Ringback, Treatment::Music(MUSIC)] {
        let (mut world, customer) = world(treatment, CallbackMode::AgentFirst, Manner::ByHand);
        world.writes_down = true;
        let (agent, at_agent, at_customer) = calling(&mut world, customer);
        let now = world.now;
        world.ua(customer).progress(now, at_customer, 180, &[], None).unwrap();
        world.run(3_000);
        // Both at once: our CANCEL and the customer's answer cross.
        let now = world.now;
        world.ua(agent).bye(now, at_agent, Vec::new()).unwrap();
        world.flush();
        world.accept(customer, at_customer);
        assert_eq!(world.sent("CANCEL", world.at(customer)), 1);
        let totals = world.totals();
        assert_eq!((totals.called_back, totals.callbacks_ended, totals.declined), (0, 0, 1));
        served_by_the_next(&mut world, customer, at_customer);
        let totals = world.totals();
        assert_eq!((totals.called_back, totals.returned, totals.abandoned), (1, 0, 0));
        world.assert_nothing_left();
    }
}

#[test]
fn a_customer_who_is_being_connected_as_the_agent_hangs_up_waits_for_the_next() {
    let (mut world, customer) = world(Treatment::Ringback, CallbackMode::AgentFirst, Manner::ByHand);
    let (agent, at_agent, at_customer) = calling(&mut world, customer);
    world.hold_commands = true;
    world.accept(customer, at_customer);
    world.bye(agent, at_agent);
    world.hold_commands = false;
    world.run(100);
    assert_eq!(world.totals().returned, 1, "nobody talked");
    served_by_the_next(&mut world, customer, at_customer);
    world.assert_nothing_left();
}

#[test]
fn a_customer_who_answers_as_the_agent_goes_home_waits_for_the_next() {
    for (mode, is_answered) in [
        (CallbackMode::CustomerFirst, false),
        (CallbackMode::CustomerFirst, true),
        (CallbackMode::AgentFirst, false),
        (CallbackMode::AgentFirst, true),
    ] {
        let (mut world, customer) = world(Treatment::Music(MUSIC), mode, Manner::ByHand);
        taken(&mut world);
        let agent = world.agent(1, Manner::ByHand);
        world.run(5_000);
        if mode == CallbackMode::AgentFirst {
            let (at_agent, _) = world.rung(agent);
            world.accept(agent, at_agent);
        }
        let (at_customer, _) = world.rung(customer);
        let now = world.now;
        world.ua(customer).progress(now, at_customer, 180, &[], None).unwrap();
        world.run(100);
        let goes = acd::Command::LogOut { agent: AgentId(1) };
        if is_answered {
            world.hold_commands = true;
            world.accept(customer, at_customer);
            world.distributor.apply(world.now, goes);
            world.hold_commands = false;
        } else {
            world.distributor.apply(world.now, goes);
            world.accept(customer, at_customer);
        }
        world.run(100);
        let record = served_by_the_next(&mut world, customer, at_customer);
        assert_eq!(record.story.callback.unwrap().failed, 1, "the phone had rung for nothing, {mode:?}");
        world.assert_nothing_left();
    }
}

#[test]
fn an_agent_who_picks_up_and_is_gone_leaves_a_reached_customer_on_the_line() {
    let (mut world, customer) = world(Treatment::Ringback, CallbackMode::CustomerFirst, Manner::ByHand);
    taken(&mut world);
    let agent = world.agent(1, Manner::ByHand);
    world.run(5_000);
    let (at_customer, _) = world.rung(customer);
    world.accept(customer, at_customer);
    let (at_agent, _) = world.rung(agent);
    world.hold_commands = true;
    world.accept(agent, at_agent);
    world.bye(agent, at_agent);
    world.hold_commands = false;
    world.run(100);
    served_by_the_next(&mut world, customer, at_customer);
    assert_eq!(world.totals().returned, 1, "nobody talked, and it is told apart");
    world.assert_nothing_left();
}

#[test]
fn a_customer_who_answers_to_nobody_and_gives_up_has_abandoned() {
    let (mut world, customer) = world(Treatment::Ringback, CallbackMode::AgentFirst, Manner::ByHand);
    let (agent, at_agent, at_customer) = calling(&mut world, customer);
    let now = world.now;
    world.ua(customer).progress(now, at_customer, 180, &[], None).unwrap();
    world.run(100);
    let now = world.now;
    world.ua(agent).bye(now, at_agent, Vec::new()).unwrap();
    world.flush();
    world.accept(customer, at_customer);
    let reached = story(&world).reached.unwrap();
    world.run(4_000);
    world.bye(customer, at_customer);
    world.run(100);
    let record = only(&world);
    assert_eq!(record.outcome, Outcome::Abandoned);
    assert_eq!(record.ended.since(reached).as_secs(), 4, "the wait on the line");
    let totals = world.totals();
    assert_eq!((totals.called_back, totals.callbacks_ended, totals.abandoned), (0, 0, 1));
    world.assert_nothing_left();
}

#[test]
fn nobody_is_promised_two_calls_to_one_number() {
    let (mut world, _) = world(Treatment::Ringback, CallbackMode::AgentFirst, Manner::ByHand);
    taken(&mut world);
    let first = world.engine.interactions(None, 9, None, None)[0].story.interaction;
    let again = world.peer("10.0.0.3", Manner::ByHand);
    let session = world.call(again, "100");
    world.run(100);
    let second = world.engine.interactions(None, 9, None, None)[1].story.interaction;
    let now = world.now;
    assert_eq!(world.engine.call_back(now, second, None), Err(NoCallback::Promised(first)));
    assert_eq!(world.engine.call_back(now, second, Some("0212345678")), Ok(()), "at another number");
    world.run(100);
    let _ = session;
    world.distributor.apply(world.now, acd::Command::WithdrawCallback { interaction: first, by: None });
    let third = world.call(again, "100");
    world.run(100);
    let last = world.engine.interactions(None, 9, None, None).pop().unwrap().story.interaction;
    let now = world.now;
    assert_eq!(world.engine.call_back(now, last, None), Ok(()), "the promise before is taken back");
    let _ = third;
    world.run(100);
    world.engine.drain();
    world.assert_nothing_left();
}

#[test]
fn a_promise_that_is_taken_back_while_the_phone_rings_ends_it_and_says_who() {
    for mode in [CallbackMode::AgentFirst, CallbackMode::CustomerFirst] {
        let (mut world, customer) = world(Treatment::Ringback, mode, Manner::Ignores);
        taken(&mut world);
        world.agent(1, Manner::Answers(100));
        world.run(7_000);
        assert_eq!(standing(&world), Standing::CallingBack);
        let interaction = world.engine.interactions(None, 9, None, None)[0].story.interaction;
        let by = Some(SupervisorId(7));
        world.distributor.apply(world.now, acd::Command::WithdrawCallback { interaction, by });
        world.run(100);
        assert_eq!(world.sent("CANCEL", world.at(customer)), 1);
        let record = only(&world);
        assert_eq!(record.outcome, Outcome::CallbackEnded);
        assert_eq!(record.story.callback.unwrap().ended, Some(CallbackEnd::Withdrawn { by }));
        assert!(matches!(world.activity(1), Some(Activity::Idle { .. })), "no fault of the agent");
        world.assert_nothing_left();
    }
}
