//! How conversations end that nobody ends by hand.

use b2bua::{HangUp, Settings, Side};

use crate::world::{ATTEMPT, MUSIC, World, audio, port, settings};

#[test]
fn a_caller_who_never_acknowledges_is_lost() {
    let mut world = World::new();
    let home = crate::world::home(false);
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    world.lose = Box::new(move |text, to| to == home && text.starts_with("ACK") && text.contains("10.0.0.2"));
    let offer = audio(world.ear(caller));
    let (_, call) = world.call(caller, Some(&offer));
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, to_phone) = world.rung(phone);
    let answer = audio(world.ear(phone));
    world.accept(phone, phone_session, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    for _ in 0..40 {
        world.run(1_000);
        if world.cause(call).is_none() {
            let ear = world.ear(phone);
            world.speak(ear, port(&to_phone, 0));
        }
    }
    assert!(matches!(world.cause(call), Some(HangUp::Lost(Side::Caller) | HangUp::Silent(Side::Caller))));
    assert_eq!(world.sent("BYE", world.at(phone)), 1);
    world.assert_nothing_left();
}

#[test]
fn silence_of_either_side_ends_the_conversation() {
    for side in [Side::Caller, Side::Callee] {
        let mut world = World::new();
        let talk = world.talk(false);
        let (ear, to) = match side {
            Side::Caller => (world.ear(talk.phone), port(&talk.to_phone, 0)),
            Side::Callee => (world.ear(talk.caller), port(&talk.to_caller, 0)),
        };
        for _ in 0..40 {
            world.run(1_000);
            if world.cause(talk.call).is_none() {
                world.speak(ear, to);
            }
        }
        assert_eq!(world.cause(talk.call), Some(HangUp::Silent(side)));
        world.assert_nothing_left();
    }
}

#[test]
fn a_caller_who_is_gone_while_music_plays_is_found_out() {
    let mut world = World::new();
    let caller = world.peer("10.0.0.2");
    let offer = audio(world.ear(caller));
    let (_, call) = world.call(caller, Some(&offer));
    world.b2bua.play(world.now, call, MUSIC).unwrap();
    world.run(35_000);
    assert_eq!(world.cause(call), Some(HangUp::Silent(Side::Caller)));
    world.assert_nothing_left();
}

#[test]
fn a_caller_who_waits_as_long_as_a_call_may_last_is_released() {
    for with_music in [false, true] {
        let longest = std::time::Duration::from_secs(20);
        let mut world = World::with(Settings { call_max: Some(longest), ..settings() });
        let caller = world.peer("10.0.0.2");
        let offer = audio(world.ear(caller));
        let (_, call) = world.call(caller, Some(&offer));
        if with_music {
            world.b2bua.play(world.now, call, MUSIC).unwrap();
        } else {
            world.b2bua.ring(world.now, call).unwrap();
        }
        world.run(19_000);
        assert_eq!(world.cause(call), None);
        world.run(2_000);
        assert_eq!(world.cause(call), Some(HangUp::TooLong));
        let (refused, released) = (usize::from(!with_music), usize::from(with_music));
        assert_eq!(world.sent("SIP/2.0 480", world.at(caller)), refused);
        assert_eq!(world.sent("BYE", world.at(caller)), released);
        world.assert_nothing_left();
    }
}

#[test]
fn the_longest_call_ends_for_both_who_talk() {
    let mut world =
        World::with(Settings { call_max: Some(std::time::Duration::from_secs(20)), ..settings() });
    let talk = world.talk(true);
    world.chat(&talk, 19);
    assert_eq!(world.cause(talk.call), None);
    world.run(2_000);
    assert_eq!(world.cause(talk.call), Some(HangUp::TooLong));
    assert_eq!(world.sent("BYE", world.at(talk.caller)), 1);
    assert_eq!(world.sent("BYE", world.at(talk.phone)), 1);
    world.assert_nothing_left();
}

#[test]
fn a_call_that_is_written_down_after_every_step_has_the_same_future() {
    let history = |writes_down: bool| {
        let mut world = World::new();
        world.writes_down = writes_down;
        let talk = world.talk(true);
        world.chat(&talk, 3);
        world.request(talk.caller, talk.caller_session, sip::Method::Info, None);
        let (exchange, ..) = world.asked(talk.phone);
        world.reply(talk.phone, talk.phone_session, exchange, 200, None);
        world.bye(talk.phone, talk.phone_session);
        world.assert_nothing_left();
        let wire: Vec<String> = world.wire.into_iter().map(|sent| sent.text).collect();
        (wire, world.commands)
    };
    assert_eq!(history(false), history(true));
}

#[test]
fn both_hang_up_at_the_same_moment() {
    let mut world = World::new();
    let talk = world.talk(false);
    let now = world.now;
    world.ua(talk.caller).bye(now, talk.caller_session, Vec::new()).unwrap();
    world.ua(talk.phone).bye(now, talk.phone_session, Vec::new()).unwrap();
    world.run(1_000);
    assert!(matches!(world.cause(talk.call), Some(HangUp::By(_))));
    world.assert_nothing_left();
}

#[test]
fn the_application_ends_a_call_in_any_state() {
    for state in 0..4 {
        let mut world = World::new();
        let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
        let offer = audio(world.ear(caller));
        let (_, call) = world.call(caller, Some(&offer));
        if state == 1 {
            world.b2bua.play(world.now, call, MUSIC).unwrap();
        }
        if state > 1 {
            world.dial(call, ATTEMPT, &[phone]);
            let (session, _) = world.rung(phone);
            world.ring(phone, session);
            if state > 2 {
                let answer = audio(world.ear(phone));
                world.accept(phone, session, Some(&answer));
            }
        }
        world.b2bua.hang_up(world.now, call, 503).unwrap();
        assert!(world.b2bua.hang_up(world.now, call, 503).is_err());
        world.run(1_000);
        assert_eq!(world.cause(call), Some(HangUp::Requested));
        if state != 1 {
            let refusals = world.sent_texts("SIP/2.0 503", world.at(caller));
            assert!(refusals[0].contains("Retry-After: 5\r\n"), "{}", refusals[0]);
        }
        world.assert_nothing_left();
    }
}
