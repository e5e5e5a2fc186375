//! Trunks whose media does not pass us: descriptions go from end to end, octet for octet.

use b2bua::{HangUp, Played, Side};
use sip::Method;

use crate::world::{ATTEMPT, MUSIC, Peer, World, audio, text};

/// Octets that no parser of ours would write back so.
const ODD: &str =
    "v=0\no=x 1 1 IN IP4 host.invalid\ns= odd \nt=0 0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\na=x:y\n";
const ODDER: &str = "v=0\no=y 2 2 IN IP4 host.invalid\ns=\nt=0 0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\na=z\n";

fn peers(world: &mut World) -> (Peer, Peer) {
    (world.peer("10.9.0.2"), world.peer("10.0.0.11"))
}

/// A direct conversation: sessions of caller and phone.
fn talk(world: &mut World, caller: Peer, phone: Peer) -> (sip::SessionId, sip::SessionId, b2bua::CallRef) {
    let (session, call) = world.call(caller, Some(ODD));
    assert_eq!(world.b2bua.play(world.now, call, MUSIC), Ok(Played::Ringback));
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, offer) = world.rung(phone);
    assert_eq!(offer, ODD);
    world.accept(phone, phone_session, Some(ODDER));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    let answer = world.heard(caller).into_iter().find_map(|event| match event {
        sip::Event::Answered { body, .. } => Some(text(body.as_ref())),
        _ => None,
    });
    assert_eq!(answer.as_deref(), Some(ODDER));
    world.heard(phone);
    (session, phone_session, call)
}

#[test]
fn descriptions_pass_untouched_and_no_port_is_taken() {
    let mut world = World::new();
    let (caller, phone) = peers(&mut world);
    let (session, _, call) = talk(&mut world, caller, phone);
    assert_eq!(world.counts().ports.in_use, 0);
    world.run(60_000);
    assert_eq!(world.cause(call), None, "nobody listens, so nobody is silent");
    world.bye(caller, session);
    assert_eq!(world.cause(call), Some(HangUp::By(Side::Caller)));
    assert!(world.commands.is_empty());
    world.assert_nothing_left();
    assert_eq!(world.summary(call).caller, None);
}

#[test]
fn a_hold_passes_untouched_in_both_directions() {
    let mut world = World::new();
    let (caller, phone) = peers(&mut world);
    let (session, phone_session, _) = talk(&mut world, caller, phone);
    world.request(caller, session, Method::Invite, Some("v=0\nhold of the caller"));
    let (exchange, method, body) = world.asked(phone);
    assert_eq!((method, body.as_str()), (Method::Invite, "v=0\nhold of the caller"));
    world.reply(phone, phone_session, exchange, 200, Some("v=0\nheld"));
    assert_eq!(world.replied(caller), (200, "v=0\nheld".to_owned()));
    world.heard(phone);
    world.request(phone, phone_session, Method::Update, Some("v=0\nhold of the phone"));
    let (exchange, method, body) = world.asked(caller);
    assert_eq!((method, body.as_str()), (Method::Update, "v=0\nhold of the phone"));
    world.reply(caller, session, exchange, 200, Some("v=0\nheld too"));
    assert_eq!(world.replied(phone), (200, "v=0\nheld too".to_owned()));
    world.bye(phone, phone_session);
    world.assert_nothing_left();
}

#[test]
fn an_offerless_reinvite_brings_the_offer_back_and_the_answer_forth() {
    let mut world = World::new();
    let (caller, phone) = peers(&mut world);
    let (session, phone_session, _) = talk(&mut world, caller, phone);
    world.request(caller, session, Method::Invite, None);
    let (exchange, _, body) = world.asked(phone);
    assert_eq!(body, "");
    world.reply(phone, phone_session, exchange, 200, Some("v=0\nmy offer"));
    assert_eq!(world.replied(caller), (200, "v=0\nmy offer".to_owned()));
    world.ua(caller).acknowledge(session, Some(&sip::Body::sdp("v=0\nmy answer"))).unwrap();
    world.run(30);
    let sip::Event::Acknowledged { body, .. } = world.hear(phone) else { panic!("not acknowledged") };
    assert_eq!(text(body.as_ref()), "v=0\nmy answer");
    world.bye(phone, phone_session);
    world.assert_nothing_left();
}

#[test]
fn a_delayed_offer_travels_from_the_phone_to_the_caller_and_back_in_the_ack() {
    let mut world = World::new();
    let (caller, phone) = peers(&mut world);
    let (session, call) = world.call(caller, None);
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, offer) = world.rung(phone);
    assert_eq!(offer, "");
    world.accept(phone, phone_session, Some(ODD));
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(30);
    let sip::Event::Answered { body, .. } = world.hear(caller) else { panic!("not answered") };
    assert_eq!(text(body.as_ref()), ODD);
    world.ua(caller).acknowledge(session, Some(&sip::Body::sdp(ODDER))).unwrap();
    world.run(30);
    let sip::Event::Established { body, .. } = world.hear(phone) else { panic!("not established") };
    assert_eq!(text(body.as_ref()), ODDER);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_phone_that_offers_nothing_to_a_delayed_offer_is_sent_away() {
    let mut world = World::new();
    let (caller, phone) = peers(&mut world);
    let (session, call) = world.call(caller, None);
    world.dial(call, ATTEMPT, &[phone]);
    let (phone_session, _) = world.rung(phone);
    world.accept(phone, phone_session, None);
    assert_eq!(world.sent("BYE", world.at(phone)), 1);
    world.cancel(caller, session);
    assert_eq!(world.cause(call), Some(HangUp::Abandoned));
    world.assert_nothing_left();
}

#[test]
fn an_anchored_caller_beside_it_is_anchored_all_the_same() {
    let mut world = World::new();
    let (caller, phone) = peers(&mut world);
    talk(&mut world, caller, phone);
    let (other, kim) = (world.peer("10.0.0.2"), world.peer("10.0.0.12"));
    let anchored = world.talk_between(other, kim, false);
    assert!(anchored.to_phone.contains("10.0.0.1"), "{}", anchored.to_phone);
    let offer = audio(world.ear(other));
    assert_ne!(anchored.to_phone, offer);
}
