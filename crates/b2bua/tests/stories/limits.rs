//! What happens at the bounds, and nothing leaks there.

use b2bua::{Event, Failure, FailureKind, HangUp, RefusalCause, Settings};
use media::{LocalPort, PortPoolSettings};

use crate::world::{ATTEMPT, MUSIC, World, audio, description, port, settings, text};

const NO_PORT: Failure = Failure { kind: FailureKind::NoPort, status: 503 };

fn with_ports(pairs: u16) -> World {
    let ports =
        PortPoolSettings { first: 20_000, last: 20_000 + 2 * pairs - 1, ..PortPoolSettings::default() };
    World::with(Settings { ports, ..settings() })
}

#[test]
fn a_call_for_which_no_port_is_left_is_refused_at_once() {
    let mut world = with_ports(1);
    let (first, second) = (world.peer("10.0.0.2"), world.peer("10.0.0.3"));
    let offer = audio(world.ear(first));
    let (session, call) = world.call(first, Some(&offer));
    for offer in [Some(audio(world.ear(second))), None] {
        world.invite(second, offer.as_deref());
        world.run(100);
        let sip::Event::Failed { status, retry_after, .. } = world.hear(second) else {
            panic!("not refused")
        };
        assert_eq!((status, retry_after.map(|after| after.as_secs())), (503, Some(5)));
        let Some(Event::Refused { cause, .. }) = world.event() else { panic!("it is told") };
        assert_eq!((cause, cause.status()), (RefusalCause::NoPort, status));
    }
    assert_eq!(world.event(), None);
    world.cancel(first, session);
    assert_eq!(world.cause(call), Some(HangUp::Abandoned));
    let offer = audio(world.ear(second));
    let (session, _) = world.call(second, Some(&offer));
    world.cancel(second, session);
    world.assert_nothing_left();
}

#[test]
fn an_agent_is_not_blamed_for_our_want_of_ports() {
    for music in [false, true] {
        let mut world = with_ports(1);
        let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
        let offer = audio(world.ear(caller));
        let (_, call) = world.call(caller, Some(&offer));
        if music {
            world.b2bua.play(world.now, call, MUSIC).unwrap();
            world.run(30);
        }
        let dialled = world.b2bua.dial(world.now, call, ATTEMPT, &world.dialled(&[phone]));
        assert_eq!(dialled, Err(NO_PORT));
        world.run(100);
        assert_eq!(world.event(), None, "the caller stays");
        assert_eq!(world.sent("INVITE", world.at(phone)), 0);
        world.b2bua.hang_up(world.now, call, 480).unwrap();
        world.assert_nothing_left();
    }
}

#[test]
fn a_caller_for_whom_the_system_refuses_every_pair_is_refused_and_the_pairs_stay_out_of_use() {
    let mut world = with_ports(6);
    world.sockets_fail = true;
    let caller = world.peer("10.0.0.2");
    let offer = audio(world.ear(caller));
    let (_, call) = world.call(caller, Some(&offer));
    world.run(1_000);
    assert_eq!(world.cause(call), Some(HangUp::NoPort));
    assert_eq!(world.sent("SIP/2.0 503", world.at(caller)), 1);
    assert_eq!(world.counts().ports.quarantined, 4, "then something else than one program is wrong");
    assert_eq!(world.counts().ports.free, 2);
    world.sockets_fail = false;
    world.assert_nothing_left();
}

#[test]
fn one_call_more_than_allowed_is_told_when_to_try_again() {
    let mut world = World::with(Settings { calls_max: 1, ..settings() });
    let (first, second) = (world.peer("10.0.0.2"), world.peer("10.0.0.3"));
    let offer = audio(world.ear(first));
    let (session, _) = world.call(first, Some(&offer));
    world.invite(second, Some(&offer));
    world.run(100);
    assert!(matches!(world.hear(second), sip::Event::Failed { status: 503, retry_after: Some(_), .. }));
    let at = world.at(second);
    let told = world.event();
    assert!(
        matches!(&told, Some(Event::Refused { invite, cause: RefusalCause::Calls }) if invite.remote == at)
    );
    world.cancel(first, session);
    world.assert_nothing_left();
}

#[test]
fn what_cannot_be_a_call_is_told_with_its_cause_and_nothing_is_lost_between_the_two() {
    let mut world = World::with(Settings { media_v6: None, ..settings() });
    let caller = world.peer("10.0.0.2");
    let odd = [
        ("v=0\r\nnonsense\r\n".to_owned(), 400, RefusalCause::BadDescription),
        (description(world.ear(caller), "UDP/TLS/RTP/SAVPF 111\r\n"), 488, RefusalCause::NothingToRelay),
        (audio("[2001:db8::2]:4000".parse().expect("an address")), 488, RefusalCause::NoMediaAddress),
    ];
    for (offer, status, cause) in odd {
        world.invite(caller, Some(&offer));
        world.run(100);
        assert!(
            matches!(world.hear(caller), sip::Event::Failed { status: told, .. } if told == status),
            "{cause:?}"
        );
        let Some(Event::Refused { cause: told, .. }) = world.event() else { panic!("{cause:?}") };
        assert_eq!((told, told.status()), (cause, status));
    }
    assert_eq!(world.b2bua.totals().calls(), 3);
    world.assert_nothing_left();
}

#[test]
fn a_relay_that_has_no_room_refuses_the_caller_or_fails_the_phone_and_nothing_leaks() {
    for terminations in [0, 1] {
        let mut world = World::new();
        let full = media::Settings { terminations, ..media::Settings::default() };
        world.relay = media::Relay::new(full, [4; 32]);
        let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
        let offer = audio(world.ear(caller));
        let (_, call) = world.call(caller, Some(&offer));
        if terminations == 0 {
            world.run(100);
            assert_eq!(world.cause(call), Some(HangUp::NoPort));
            assert_eq!(world.sent("SIP/2.0 503", world.at(caller)), 1);
        } else {
            world.dial(call, ATTEMPT, &[phone]);
            world.run(100);
            assert_eq!(
                world.event(),
                Some(Event::AttemptFailed { call, attempt: ATTEMPT, failure: NO_PORT })
            );
            assert_eq!((world.cause(call), world.sent("INVITE", world.at(phone))), (None, 1));
            world.b2bua.hang_up(world.now, call, 480).unwrap();
        }
        world.assert_nothing_left();
    }
}

#[test]
fn two_who_share_no_codec_do_not_stay_on_the_line() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = audio(world.ear(caller));
    let (_, call) = world.call(caller, Some(&offer));
    world.dial(call, ATTEMPT, &[phone]);
    let (session, _) = world.rung(phone);
    let answer = description(world.ear(phone), "RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n");
    world.accept(phone, session, Some(&answer));
    let _ = world.b2bua.connect(world.now, call, ATTEMPT);
    world.run(40_000);
    assert!(world.cause(call).is_some());
    world.assert_nothing_left();
}

#[test]
fn music_that_nobody_knows_is_silence_and_no_failure() {
    let mut world = World::new();
    let caller = world.peer("10.0.0.2");
    let offer = audio(world.ear(caller));
    let (session, call) = world.call(caller, Some(&offer));
    world.b2bua.play(world.now, call, media::MusicId(77)).unwrap();
    world.run(1_000);
    assert_eq!(world.cause(call), None);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_callers_pair_that_another_program_holds_is_replaced_unnoticed() {
    for (music, held) in [(false, 20_000), (true, 20_000), (true, 20_001)] {
        let mut world = World::new();
        world.held = [LocalPort(held), LocalPort(20_002)].into();
        let talk = world.talk(music);
        assert_eq!(port(&talk.to_caller, 0), 20_004);
        world.assert_audible(&talk);
        assert_eq!(world.counts().ports.quarantined, 2);
        world.bye(talk.caller, talk.caller_session);
        world.held.clear();
        world.assert_nothing_left();
    }
}

#[test]
fn a_phone_whose_pair_another_program_holds_rings_anew_with_the_next() {
    for music in [false, true] {
        let mut world = World::new();
        world.held = [LocalPort(20_002), LocalPort(20_004)].into();
        let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
        let (offer, answer) = (audio(world.ear(caller)), audio(world.ear(phone)));
        let (session, call) = world.call(caller, Some(&offer));
        if music {
            world.b2bua.play(world.now, call, MUSIC).unwrap();
            world.run(30);
        }
        world.dial(call, ATTEMPT, &[phone]);
        world.run(100);
        let mut offered = Vec::new();
        let mut ringing = None;
        for event in world.heard(phone) {
            match event {
                sip::Event::Invited { session, invite } => {
                    offered.push(port(&text(invite.body.as_ref()), 0));
                    ringing = Some(session);
                }
                sip::Event::Cancelled { .. } => ringing = None,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(offered, [20_002, 20_004, 20_006]);
        assert_eq!(world.event(), None, "nobody is told");
        world.accept(phone, ringing.expect("the last one rings on"), Some(&answer));
        world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
        world.run(30);
        let (ear, to) = (world.ear(caller), world.ear(phone));
        assert_eq!(world.speak(ear, 20_000), [to]);
        assert_eq!(world.speak(to, 20_006), [ear]);
        assert_eq!(world.cause(call), None);
        world.bye(caller, session);
        world.assert_nothing_left();
    }
}

#[test]
fn a_phone_for_which_no_pair_can_be_opened_fails_alone_and_the_caller_waits_on() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let (offer, answer) = (audio(world.ear(caller)), audio(world.ear(phone)));
    let (session, call) = world.call(caller, Some(&offer));
    world.b2bua.play(world.now, call, MUSIC).unwrap();
    world.run(30);
    world.sockets_fail = true;
    world.dial(call, ATTEMPT, &[phone]);
    world.run(1_000);
    assert_eq!(world.event(), Some(Event::AttemptFailed { call, attempt: ATTEMPT, failure: NO_PORT }));
    assert_eq!(world.sent("INVITE", world.at(phone)), 4);
    assert_eq!(world.cause(call), None);
    world.sockets_fail = false;
    world.heard(phone);
    let second = b2bua::AttemptId(2);
    world.dial(call, second, &[phone]);
    let (ringing, _) = world.rung(phone);
    world.accept(phone, ringing, Some(&answer));
    world.b2bua.connect(world.now, call, second).unwrap();
    world.run(30);
    assert_eq!(world.counts().connected, 1);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn of_two_phones_the_one_without_a_port_does_not_silence_the_other() {
    let mut world = with_ports(2);
    let caller = world.peer("10.0.0.2");
    let phones = [world.peer("10.0.0.11"), world.peer("10.0.0.12")];
    let offer = audio(world.ear(caller));
    let (session, call) = world.call(caller, Some(&offer));
    world.dial(call, ATTEMPT, &phones);
    assert_eq!(world.sent("INVITE", world.at(phones[1])), 0);
    let (ringing, _) = world.rung(phones[0]);
    let answer = audio(world.ear(phones[0]));
    world.accept(phones[0], ringing, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_phone_that_picked_up_at_a_port_that_broke_is_sent_away_and_the_caller_waits_on() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let (offer, answer) = (audio(world.ear(caller)), audio(world.ear(phone)));
    let (session, call) = world.call(caller, Some(&offer));
    world.dial(call, ATTEMPT, &[phone]);
    let (ringing, offered) = world.rung(phone);
    world.accept(phone, ringing, Some(&answer));
    assert_eq!(world.event(), Some(Event::Answered { call, attempt: ATTEMPT }));
    world.relay.port_failed(LocalPort(port(&offered, 0)));
    world.run(30);
    assert_eq!(world.event(), Some(Event::AttemptFailed { call, attempt: ATTEMPT, failure: NO_PORT }));
    assert_eq!((world.cause(call), world.sent("BYE", world.at(phone))), (None, 1));
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn sound_that_breaks_when_it_was_agreed_ends_the_call_and_a_picture_does_not() {
    for (place, is_over) in [(0, true), (1, false)] {
        let mut world = World::new();
        let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
        let [offer, answer] = [caller, phone].map(|peer| {
            description(world.ear(peer), "RTP/AVP 0\r\nm=video 4002 RTP/AVP 97\r\na=rtpmap:97 VP8/90000\r\n")
        });
        let (session, call) = world.call(caller, Some(&offer));
        world.dial(call, ATTEMPT, &[phone]);
        let (ringing, offered) = world.rung(phone);
        world.accept(phone, ringing, Some(&answer));
        world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
        world.run(30);
        world.relay.port_failed(LocalPort(port(&offered, place)));
        world.run(30);
        assert_eq!(world.cause(call), is_over.then_some(HangUp::NoPort));
        if !is_over {
            world.bye(caller, session);
        }
        world.assert_nothing_left();
    }
}

#[test]
fn lines_beyond_two_are_refused_and_the_first_sound_is_not_among_them() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = description(world.ear(caller), "RTP/AVP 0\r\n").replace(
        "m=audio",
        "m=video 4010 RTP/AVP 97\r\na=rtpmap:97 VP8/90000\r\nm=video 4012 RTP/AVP 97\r\na=rtpmap:97 VP8/90000\r\nm=audio",
    ) + &"m=audio 4020 RTP/AVP 0\r\n".repeat(13);
    let (session, call) = world.call(caller, Some(&offer));
    assert_eq!(world.counts().ports.in_use, 2);
    world.dial(call, ATTEMPT, &[phone]);
    let (ringing, offered) = world.rung(phone);
    assert_eq!(world.counts().ports.in_use, 4);
    let used: Vec<bool> = (0..16).map(|place| port(&offered, place) != 0).collect();
    let expected: Vec<bool> = (0..16).map(|place| place == 0 || place == 2).collect();
    assert_eq!(used, expected);
    let answer = offered.replace("IN IP4 10.0.0.1", "IN IP4 10.0.0.11");
    world.accept(phone, ringing, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    let answered = world.heard(caller).into_iter().find_map(|event| match event {
        sip::Event::Answered { body, .. } => Some(text(body.as_ref())),
        _ => None,
    });
    let answered = answered.expect("the caller is answered");
    let used: Vec<bool> = (0..16).map(|place| port(&answered, place) != 0).collect();
    assert_eq!(used, expected);
    world.bye(caller, session);
    world.assert_nothing_left();
}
