//! What the caller hears before somebody answers, and what is agreed about media.

use b2bua::{Event, HangUp, Played, Side};
use sip::Method;

use crate::world::{ATTEMPT, MUSIC, World, audio, description, port, text};

#[test]
fn ringback_then_the_agents_answer_reaches_the_caller() {
    let mut world = World::new();
    let talk = world.talk(false);
    let caller = world.at(talk.caller);
    assert_eq!(world.sent("SIP/2.0 180", caller), 1);
    assert!(talk.to_phone.contains("c=IN IP4 10.0.0.1"), "{}", talk.to_phone);
    assert!(talk.to_caller.contains("m=audio") && talk.to_caller.contains("0 8 101"), "{}", talk.to_caller);
    world.assert_audible(&talk);
    assert_eq!(world.counts().connected, 1);
    world.bye(talk.caller, talk.caller_session);
    assert_eq!(world.cause(talk.call), Some(HangUp::By(Side::Caller)));
    world.assert_nothing_left();
    let summary = world.summary(talk.call);
    assert_eq!(summary.caller.as_ref().map(|one| one.received_packets), Some(1));
    assert_eq!(summary.callee.as_ref().map(|one| one.received_packets), Some(1));
}

#[test]
fn music_is_an_answer_with_one_law_and_the_agent_is_offered_just_that() {
    let mut world = World::new();
    let talk = world.talk(true);
    assert!(talk.to_caller.contains("RTP/AVP 0 101\r\n"), "{}", talk.to_caller);
    assert!(talk.to_phone.contains("RTP/AVP 0 101\r\n"), "{}", talk.to_phone);
    world.assert_audible(&talk);
    world.bye(talk.phone, talk.phone_session);
    assert_eq!(world.cause(talk.call), Some(HangUp::By(Side::Callee)));
    world.assert_nothing_left();
}

#[test]
fn a_bye_in_the_ordinary_course_carries_no_reason() {
    let mut world = World::new();
    let talk = world.talk(false);
    world.bye(talk.phone, talk.phone_session);
    let caller = world.at(talk.caller);
    let byes = world.sent_texts("BYE", caller);
    assert_eq!(byes.len(), 1);
    assert!(!byes[0].contains("\r\nReason:"), "{}", byes[0]);
    world.assert_nothing_left();
}

#[test]
fn a_caller_without_an_offer_gets_ours_with_music_and_its_answer_goes_on_to_the_agent() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let (session, call) = world.call(caller, None);
    assert_eq!(world.b2bua.play(world.now, call, MUSIC), Ok(Played::Music));
    world.run(30);
    let sip::Event::Answered { body, .. } = world.hear(caller) else { panic!("not answered") };
    let ours = text(body.as_ref());
    assert!(ours.contains("RTP/AVP 0 8 101"), "{ours}");
    let a_law = description(world.ear(caller), "RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n");
    world.ua(caller).acknowledge(session, Some(&sip::Body::sdp(a_law))).unwrap();
    world.run(100);
    assert_eq!(world.relay.counts().playing, 1);
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, offer) = world.rung(phone);
    assert!(offer.contains("RTP/AVP 8 101"), "what the caller took: {offer}");
    let answer = audio(world.ear(phone));
    world.accept(phone, phone_session, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    let (caller_ear, phone_ear) = (world.ear(caller), world.ear(phone));
    assert_eq!(world.relay.counts().connected, 2);
    let mut packet_to = |from, to| world.speak(from, to);
    // Payload number 0 was not agreed: A-law only.
    assert!(packet_to(caller_ear, port(&ours, 0)).is_empty());
    assert!(packet_to(phone_ear, port(&offer, 0)).is_empty());
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_caller_without_an_offer_who_hears_ringback_gets_the_agents_answer_as_an_offer() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let (session, call) = world.call(caller, None);
    world.b2bua.ring(world.now, call).unwrap();
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, to_phone) = world.rung(phone);
    let answer = audio(world.ear(phone));
    world.accept(phone, phone_session, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    let to_caller = world
        .heard(caller)
        .into_iter()
        .find_map(|event| match event {
            sip::Event::Answered { body, .. } => Some(text(body.as_ref())),
            _ => None,
        })
        .expect("an answer");
    let answer = audio(world.ear(caller));
    world.ua(caller).acknowledge(session, Some(&sip::Body::sdp(answer))).unwrap();
    world.run(100);
    let (caller_ear, phone_ear) = (world.ear(caller), world.ear(phone));
    assert_eq!(world.speak(caller_ear, port(&to_caller, 0)), [phone_ear]);
    assert_eq!(world.speak(phone_ear, port(&to_phone, 0)), [caller_ear]);
    assert_eq!(world.cause(call), None);
    world.bye(phone, phone_session);
    world.assert_nothing_left();
}

#[test]
fn a_delayed_offer_that_the_ack_does_not_answer_ends_the_call() {
    for refused in [false, true] {
        let mut world = World::new();
        let caller = world.peer("10.0.0.2");
        let (session, call) = world.call(caller, None);
        world.b2bua.play(world.now, call, MUSIC).unwrap();
        world.run(30);
        let nothing = sip::Body::sdp(
            "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n",
        );
        world.ua(caller).acknowledge(session, refused.then_some(&nothing)).unwrap();
        world.run(100);
        assert_eq!(world.cause(call), Some(HangUp::Lost(Side::Caller)));
        world.assert_nothing_left();
    }
}

#[test]
fn an_agent_who_answers_before_the_callers_ack_is_heard_once_it_comes() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let (session, call) = world.call(caller, None);
    world.b2bua.play(world.now, call, MUSIC).unwrap();
    world.dial(call, ATTEMPT, &[phone]);
    let sip::Event::Answered { body, .. } = world.hear(caller) else { panic!("not answered") };
    let to_caller = text(body.as_ref());
    let (phone_session, to_phone) = world.rung(phone);
    let answer = audio(world.ear(phone));
    world.accept(phone, phone_session, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    let answer = sip::Body::sdp(audio(world.ear(caller)));
    world.ua(caller).acknowledge(session, Some(&answer)).unwrap();
    world.run(30);
    let (caller_ear, phone_ear) = (world.ear(caller), world.ear(phone));
    assert_eq!(world.speak(caller_ear, port(&to_caller, 0)), [phone_ear]);
    assert_eq!(world.speak(phone_ear, port(&to_phone, 0)), [caller_ear]);
    world.bye(phone, phone_session);
    world.assert_nothing_left();
}

#[test]
fn a_caller_without_g711_hears_ringback_and_its_codec_goes_through() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let rest = "RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n";
    let offer = description(world.ear(caller), rest);
    let (session, call) = world.call(caller, Some(&offer));
    assert_eq!(world.b2bua.play(world.now, call, MUSIC), Ok(Played::Ringback));
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, to_phone) = world.rung(phone);
    assert!(to_phone.contains("a=fmtp:96 useinbandfec=1"), "{to_phone}");
    let answer = description(world.ear(phone), rest);
    world.accept(phone, phone_session, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    let caller_at = world.at(caller);
    assert_eq!(world.sent("SIP/2.0 180", caller_at), 1);
    assert_eq!(world.relay.counts().connected, 2);
    world.bye(caller, session);
    world.assert_nothing_left();
}

/// Video first, then audio.
fn video_and_audio(at: std::net::SocketAddr) -> String {
    let (ip, first) = (at.ip(), at.port() + 100);
    format!(
        "v=0\r\no=- 7 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=video {first} RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n\
         m=audio {} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n",
        at.port()
    )
}

#[test]
fn video_and_audio_are_both_relayed_after_ringback() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = video_and_audio(world.ear(caller));
    let (session, call) = world.call(caller, Some(&offer));
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, to_phone) = world.rung(phone);
    assert!(port(&to_phone, 0) != 0 && port(&to_phone, 1) != 0, "{to_phone}");
    let answer = video_and_audio(world.ear(phone));
    world.accept(phone, phone_session, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    assert_eq!(world.relay.counts().connected, 4);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_phone_without_video_leaves_the_callers_video_refused_and_its_port_free() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = video_and_audio(world.ear(caller));
    let (session, call) = world.call(caller, Some(&offer));
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, _) = world.rung(phone);
    let ear = world.ear(phone);
    let answer = video_and_audio(ear).replace("m=video 4100", "m=video 0");
    world.accept(phone, phone_session, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    let answered = world
        .heard(caller)
        .into_iter()
        .find_map(|event| match event {
            sip::Event::Answered { body, .. } => Some(text(body.as_ref())),
            _ => None,
        })
        .expect("an answer");
    assert_eq!(port(&answered, 0), 0, "{answered}");
    assert!(port(&answered, 1) != 0, "{answered}");
    assert_eq!(world.counts().ports.in_use, 2, "audio on both sides");
    world.bye(caller, session);
    world.assert_nothing_left();
    assert!(world.summary(call).caller.is_some());
}

#[test]
fn music_for_a_caller_whose_video_comes_first_keeps_the_places_of_its_lines() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = video_and_audio(world.ear(caller));
    let (session, call) = world.call(caller, Some(&offer));
    assert_eq!(world.b2bua.play(world.now, call, MUSIC), Ok(Played::Music));
    world.run(30);
    let sip::Event::Answered { body, .. } = world.hear(caller) else { panic!("not answered") };
    let ours = text(body.as_ref());
    assert_eq!(port(&ours, 0), 0, "{ours}");
    assert_eq!(world.relay.counts().playing, 1);
    assert_eq!(world.counts().ports.in_use, 1, "the video's port went back");
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, to_phone) = world.rung(phone);
    assert_eq!(port(&to_phone, 0), 0, "{to_phone}");
    let answer = video_and_audio(world.ear(phone)).replace("m=video 4100", "m=video 0");
    world.accept(phone, phone_session, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    assert_eq!(world.relay.counts().connected, 2);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn an_ipv6_caller_reaches_an_ipv4_phone() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("[2001:db8::2]"), world.peer("10.0.0.11"));
    let talk = world.talk_between(caller, phone, false);
    assert!(talk.to_phone.contains("c=IN IP4 10.0.0.1"), "{}", talk.to_phone);
    assert!(talk.to_caller.contains("c=IN IP6 2001:db8::1"), "{}", talk.to_caller);
    world.assert_audible(&talk);
    world.bye(talk.caller, talk.caller_session);
    world.assert_nothing_left();
}

#[test]
fn a_family_that_we_have_no_media_address_for_is_refused() {
    let mut settings = crate::world::settings();
    settings.media_v6 = None;
    let mut world = World::with(settings);
    let caller = world.peer("[2001:db8::2]");
    let offer = audio(world.ear(caller));
    world.invite(caller, Some(&offer));
    world.run(100);
    assert!(matches!(world.hear(caller), sip::Event::Failed { status: 488, .. }));
    world.assert_nothing_left();
}

#[test]
fn offers_that_could_never_be_served_are_refused_at_once() {
    for (body, status) in [
        ("v=1\r\nrubbish", 400),
        (
            "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n",
            488,
        ),
        ("v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n", 488),
    ] {
        let mut world = World::new();
        let caller = world.peer("10.0.0.2");
        world.invite(caller, Some(body));
        world.run(100);
        let sip::Event::Failed { status: said, .. } = world.hear(caller) else { panic!("not refused") };
        assert_eq!(said, status);
        world.assert_nothing_left();
    }
}

#[test]
fn a_caller_who_holds_while_music_plays_gets_it_back_on_resuming() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = audio(world.ear(caller));
    let (session, call) = world.call(caller, Some(&offer));
    world.b2bua.play(world.now, call, MUSIC).unwrap();
    world.run(30);
    world.heard(caller);
    let plays = |world: &World| {
        world.commands.iter().filter(|one| matches!(one, media::Command::Play { .. })).count()
    };
    world.request(caller, session, Method::Invite, Some(&format!("{offer}a=inactive\r\n")));
    let (status, held) = world.replied(caller);
    assert_eq!(status, 200);
    assert!(held.contains("a=inactive"), "{held}");
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, to_phone) = world.rung(phone);
    assert!(to_phone.contains("a=sendrecv"), "the agent is not put on hold by it: {to_phone}");
    world.request(caller, session, Method::Invite, Some(&offer));
    let (status, resumed) = world.replied(caller);
    assert_eq!(status, 200);
    assert_eq!(port(&resumed, 0), port(&held, 0));
    assert_eq!(plays(&world), 1, "it plays on");
    let answer = audio(world.ear(phone));
    world.accept(phone, phone_session, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    let (ear, phone_ear) = (world.ear(caller), world.ear(phone));
    assert_eq!(world.speak(ear, port(&resumed, 0)), [phone_ear]);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_caller_who_is_on_hold_when_the_agent_comes_is_a_held_conversation() {
    let mut world = World::new();
    let (caller, phone) = (world.peer("10.0.0.2"), world.peer("10.0.0.11"));
    let offer = audio(world.ear(caller));
    let (session, call) = world.call(caller, Some(&offer));
    world.b2bua.play(world.now, call, MUSIC).unwrap();
    world.run(30);
    world.heard(caller);
    world.request(caller, session, Method::Invite, Some(&format!("{offer}a=sendonly\r\n")));
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, _) = world.rung(phone);
    let answer = audio(world.ear(phone));
    world.accept(phone, phone_session, Some(&answer));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(5_000);
    world.request(caller, session, Method::Invite, Some(&offer));
    let (exchange, ..) = world.asked_after_established(phone);
    let answer = audio(world.ear(phone));
    world.reply(phone, phone_session, exchange, 200, Some(&answer));
    let held: Vec<bool> = std::iter::from_fn(|| world.event())
        .filter_map(|event| match event {
            Event::HoldChanged { held, .. } => Some(held),
            _ => None,
        })
        .collect();
    assert_eq!(held, [true, false]);
    world.bye(caller, session);
    world.assert_nothing_left();
    assert!(world.summary(call).held.as_secs() >= 5);
}

#[test]
fn an_offerless_reinvite_while_music_plays_repeats_what_we_said() {
    for video in [false, true] {
        let mut world = World::new();
        let caller = world.peer("10.0.0.2");
        let ear = world.ear(caller);
        let offer = if video { video_and_audio(ear) } else { audio(ear) };
        let (session, call) = world.call(caller, Some(&offer));
        world.b2bua.play(world.now, call, MUSIC).unwrap();
        world.run(30);
        let sip::Event::Answered { body, .. } = world.hear(caller) else { panic!("not answered") };
        let first = text(body.as_ref());
        let place = usize::from(video);
        world.request(caller, session, Method::Invite, None);
        let (status, again) = world.replied(caller);
        assert_eq!(status, 200);
        assert_eq!(port(&again, place), port(&first, place));
        let answer = if video { offer.replace("m=video 4100", "m=video 0") } else { offer };
        world.ua(caller).acknowledge(session, Some(&sip::Body::sdp(answer))).unwrap();
        world.run(30);
        assert_eq!(world.relay.counts().playing, 1);
        assert_eq!(world.relay.counts().terminations, 1);
        world.bye(caller, session);
        assert_eq!(world.cause(call), Some(HangUp::Abandoned));
        world.assert_nothing_left();
    }
}
