//! Whose media is believed, and where ours is not sent.

use b2bua::{Event, Failure, FailureKind, Settings};
use media::{Command, Latching, SourceRule};
use sip::{Method, TrunkId};

use crate::world::{ATTEMPT, MUSIC, World, audio, description, port, settings};

/// The rules under which terminations were opened.
fn rules(world: &World) -> Vec<SourceRule> {
    let opened = world.commands.iter().filter_map(|command| match command {
        Command::Open { source, .. } => Some(*source),
        Command::Update { .. } | Command::Connect { .. } | Command::Play { .. } | Command::Close { .. } => {
            None
        }
    });
    opened.collect()
}

#[test]
fn each_leg_is_opened_under_the_rule_of_its_trunk_or_of_all() {
    for (trunks, of_caller) in
        [(vec![], Latching::Learn), (vec![(TrunkId(1), Latching::Strict)], Latching::Strict)]
    {
        let trunk_latching = trunks.into_iter().collect();
        let mut world = World::with(Settings { latching: Latching::Learn, trunk_latching, ..settings() });
        let talk = world.talk(true);
        let rule = |latching, host: &str| SourceRule { latching, signalling_host: host.parse().ok() };
        assert_eq!(rules(&world), [rule(of_caller, "10.0.0.2"), rule(Latching::Learn, "10.0.0.11")]);
        world.bye(talk.caller, talk.caller_session);
        world.assert_nothing_left();
    }
}

#[test]
fn a_caller_behind_a_translator_is_heard_from_where_its_signalling_comes_and_nobody_else_is() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = audio("192.168.1.5:4000".parse().unwrap());
    let (session, call) = world.call(caller, Some(&offer));
    world.b2bua.play(world.now, call, MUSIC).unwrap();
    world.run(30);
    let (translated, stranger) = ("10.0.0.2:40001".parse().unwrap(), "203.0.113.66:40001".parse().unwrap());
    for _ in 0..20 {
        world.run(20);
        world.speak(stranger, 20_000);
        world.speak(translated, 20_000);
    }
    world.dial(call, ATTEMPT, &[phone]);
    let (ringing, offered) = world.rung(phone);
    let answer = audio(world.ear(phone));
    world.accept(phone, ringing, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    let ear = world.ear(phone);
    assert_eq!(world.speak(translated, 20_000), [ear]);
    assert_eq!(world.speak(stranger, 20_000), []);
    assert_eq!(world.speak(ear, port(&offered, 0)), [translated]);
    world.bye(caller, session);
    world.assert_nothing_left();
    let heard = world.summary(call).caller.clone().unwrap();
    assert_eq!(heard.refused_source, 21);
}

/// Descriptions that would have us send to ourselves.
fn inward() -> Vec<String> {
    let at = |text: &str| text.parse().unwrap();
    let rtcp = "RTP/AVP 0\r\na=rtcp:20011\r\n";
    vec![
        audio(at("127.0.0.1:4000")),
        audio(at("127.9.9.9:53")),
        audio(at("[::1]:4000")),
        audio(at("[::ffff:127.0.0.1]:4000")),
        // Another call's port at our own address, and at another of this machine.
        audio(at("10.0.0.1:20010")),
        audio(at("10.0.0.9:20010")),
        audio(at("[2001:db8::1]:29998")),
        description(at("10.0.0.1:4000"), rtcp),
        // A second line.
        description(
            at("10.0.0.2:4000"),
            "RTP/AVP 0\r\nm=video 4000 RTP/AVP 97\r\nc=IN IP4 127.0.0.1\r\na=rtpmap:97 VP8/90000\r\n",
        ),
    ]
}

fn guarded() -> Settings {
    Settings { own_addresses: ["10.0.0.9".parse().unwrap()].into(), ..settings() }
}

#[test]
fn an_offer_that_leads_to_ourselves_is_refused() {
    for offer in inward() {
        let mut world = World::with(guarded());
        let caller = world.peer("10.0.0.2");
        world.invite(caller, Some(&offer));
        world.run(100);
        assert!(matches!(world.hear(caller), sip::Event::Failed { status: 488, .. }), "{offer}");
        assert_eq!(world.counts().ports.in_use, 0);
        world.assert_nothing_left();
    }
}

#[test]
fn another_service_of_this_machine_may_be_a_peer() {
    let mut world = World::with(guarded());
    let caller = world.peer("10.0.0.2");
    let offer = audio("10.0.0.9:19998".parse().unwrap());
    let (session, _) = world.call(caller, Some(&offer));
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn loopback_is_taken_where_that_was_said_or_where_we_are_there_ourselves_but_never_our_own_ports() {
    let loopback = Settings { media_v4: "127.0.0.1".parse().ok(), ..settings() };
    for settings in [Settings { allow_loopback: true, ..settings() }, loopback] {
        let mut world = World::with(settings);
        let caller = world.peer("10.0.0.2");
        for (address, is_taken) in [("127.0.0.1:4000", true), ("127.0.0.1:20010", false)] {
            let offer = audio(address.parse().unwrap());
            let session = world.invite(caller, Some(&offer));
            world.run(30);
            assert_eq!(world.counts().calls == 1, is_taken, "{address}");
            if is_taken {
                world.cancel(caller, session);
            }
            world.run(40_000);
        }
        world.assert_nothing_left();
    }
}

#[test]
fn a_phone_that_answers_with_our_own_address_has_not_answered() {
    let mut world = World::with(guarded());
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = audio(world.ear(caller));
    let (session, call) = world.call(caller, Some(&offer));
    world.dial(call, ATTEMPT, &[phone]);
    let (ringing, _) = world.rung(phone);
    world.accept(phone, ringing, Some(&inward()[0]));
    let failure = Failure { kind: FailureKind::Unreachable, status: 488 };
    assert_eq!(world.event(), Some(Event::AttemptFailed { call, attempt: ATTEMPT, failure }));
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_reinvite_that_leads_to_ourselves_is_refused_and_the_conversation_stays() {
    for music in [false, true] {
        let mut world = World::with(guarded());
        let talk = world.talk(music);
        world.request(talk.caller, talk.caller_session, Method::Invite, Some(&inward()[4]));
        assert_eq!(world.replied(talk.caller).0, 488);
        world.assert_audible(&talk);
        world.bye(talk.caller, talk.caller_session);
        world.assert_nothing_left();
    }
}
