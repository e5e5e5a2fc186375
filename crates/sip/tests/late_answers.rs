//! Answers that come when everybody has left: nothing is remembered, and still nobody talks to nobody.

// clippy.toml allows it in test functions; here the helpers are tests too.
#![allow(clippy::unwrap_used)]

#[path = "support/network.rs"]
mod network;

use std::time::Duration;

use network::{Network, Node, address, call, sdp, settings, uri};
use sip::user_agent::{Counts, Destination, Event, FailureCause, Invitation, SessionId};
use sip::{Contact, Flow, Message, Method, NameAddr, Protocol, compose};
use timing::Instant;

const SHORT: Duration = Duration::from_millis(100);

fn dial(network: &mut Network, from: Node, to: Node) -> SessionId {
    let now = network.now;
    let session = network.ua(from).invite(now, &call(to, Some(sdp("offer")))).unwrap();
    network.run(SHORT);
    session
}

/// An INVITE of `a` that `hand` hears of too late: nothing is left of it at `a`.
fn forgotten_invite(network: &mut Network, a: Node, hand: Node) -> Message {
    let out = dial(network, a, hand);
    let now = network.now;
    network.ua(a).cancel(now, out, Vec::new()).unwrap();
    network.run(Duration::from_secs(33));
    assert!(matches!(network.event(a), Event::Failed { status: 487, cause: FailureCause::Cancelled, .. }));
    assert_eq!(network.counts(a), Counts::default());
    network.received(hand).pop().unwrap()
}

fn picked_up(invite: &Message, tag: &str, hand: Node) -> Message {
    let contact = NameAddr::new(uri(&format!("sip:late@{}", address(hand))));
    compose::response_to(invite, 200).unwrap().to_tag(tag).contact(&contact).build().unwrap()
}

fn lines(network: &mut Network, hand: Node) -> Vec<(Method, u32, Vec<u8>)> {
    let line = |message: &Message| {
        let (cseq, _) = message.cseq().unwrap();
        (message.method(), cseq, message.to_tag().unwrap_or_default().to_vec())
    };
    network.received(hand).iter().map(line).collect()
}

#[test]
fn a_phone_picked_up_after_all_is_forgotten_is_acknowledged_and_sent_away() {
    let mut network = Network::new(40);
    let (a, hand) = (network.user_agent(settings(0)), network.hand());
    let invite = forgotten_invite(&mut network, a, hand);
    network.restore(a);
    let late = picked_up(&invite, "late", hand);
    network.send(hand, a, late.bytes().clone());
    network.run(SHORT);
    let tag = b"late".to_vec();
    let (ack, bye) = ((Method::Ack, 1, tag.clone()), (Method::Bye, 2, tag));
    assert_eq!(lines(&mut network, hand), [ack.clone(), bye.clone()]);
    // Its repetition gets the ACK again; the BYE repeats itself.
    network.send(hand, a, late.bytes().clone());
    network.run(SHORT);
    assert_eq!(lines(&mut network, hand), [ack]);
    network.run(Duration::from_millis(400));
    assert_eq!(lines(&mut network, hand), [bye]);
    assert_eq!(network.events(a), []);
    network.assert_nothing_left();
}

#[test]
fn a_phone_behind_a_nat_that_is_picked_up_too_late_is_answered_where_it_is_heard() {
    let mut network = Network::new(41);
    let (a, hand) = (network.user_agent(settings(0)), network.hand());
    let victim = network.hand();
    let contact = registered(network.now, a, hand);
    let invitation = Invitation { destination: Destination::Contact(Box::new(contact)), ..call(hand, None) };
    let now = network.now;
    network.ua(a).invite(now, &invitation).unwrap();
    network.run(Duration::from_secs(33));
    let invite = network.received(hand).pop().unwrap();
    network.events(a);
    network.send(hand, a, picked_up(&invite, "late", victim).bytes().clone());
    network.run(SHORT);
    let tag = b"late".to_vec();
    assert_eq!(lines(&mut network, hand), [(Method::Ack, 1, tag.clone()), (Method::Bye, 2, tag)]);
    assert_eq!(lines(&mut network, victim), []);
}

fn registered(now: Instant, at: Node, phone: Node) -> Contact {
    let flow = Flow { protocol: Protocol::Udp, local: address(at), remote: address(phone), connection: None };
    Contact {
        uri: uri("sip:kim@192.168.1.7"),
        flow,
        q: 1_000,
        expires: now + Duration::from_secs(600),
        instance: None,
        user_agent: None,
        call_id: b"c".to_vec(),
        cseq: 1,
    }
}

#[test]
fn an_answer_to_no_invite_of_ours_gets_nothing() {
    let mut network = Network::new(42);
    let (a, hand) = (network.user_agent(settings(0)), network.hand());
    let invite = forgotten_invite(&mut network, a, hand);
    let tag = String::from_utf8(invite.from_tag().unwrap().to_vec()).unwrap();
    let call_id = String::from_utf8(invite.call_id().unwrap().to_vec()).unwrap();
    let real = String::from_utf8(picked_up(&invite, "late", hand).bytes().to_vec()).unwrap();
    let forged = [
        real.replace(&tag, "0123456789abcdef0123456789abcdef"),
        real.replace(&tag, &tag[..16]),
        real.replace(&tag, "x"),
        real.replace(&call_id, "another"),
        real.replace("1 INVITE", "1 INFO"),
        real.replace("SIP/2.0 200 OK", "SIP/2.0 486 Busy Here"),
        real.replace("Via: ", "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\r\nVia: "),
    ];
    for forgery in forged {
        assert_ne!(forgery, real);
        network.send(hand, a, forgery);
    }
    network.run(SHORT);
    assert_eq!(lines(&mut network, hand), []);
}

#[test]
fn a_copy_of_the_answer_that_comes_a_minute_late_does_not_end_the_call() {
    let mut network = Network::new(43);
    let (a, hand) = (network.user_agent(settings(0)), network.hand());
    dial(&mut network, a, hand);
    let invite = network.received(hand).remove(0);
    let answer = picked_up(&invite, "kim", hand);
    network.send(hand, a, answer.bytes().clone());
    network.run(Duration::from_secs(60));
    assert!(matches!(network.event(a), Event::Answered { .. }));
    network.received(hand);
    network.send(hand, a, answer.bytes().clone());
    network.send(hand, a, picked_up(&invite, "another-fork", hand).bytes().clone());
    network.run(SHORT);
    let fork = b"another-fork".to_vec();
    assert_eq!(lines(&mut network, hand), [(Method::Ack, 1, fork.clone()), (Method::Bye, 2, fork)]);
    assert_eq!((network.events(a), network.counts(a).sessions), (Vec::new(), 1));
}
