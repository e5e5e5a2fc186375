//! How calls begin and end, between two user agents and against peers written by hand.

// clippy.toml allows it in test functions; here the helpers are tests too.
#![allow(clippy::unwrap_used)]

#[path = "support/network.rs"]
mod network;

use std::time::Duration;

use network::{Network, Node, address, call, sdp, settings, trunk, uri};
use sip::user_agent::{
    Destination, EndCause, EndedBy, Event, FailureCause, HeaderField, Invitation, Origin, Refused, SessionId,
    TrunkId,
};
use sip::{Message, Method, Name, compose};

const SHORT: Duration = Duration::from_millis(100);

fn header(name: &str, value: &str) -> HeaderField {
    HeaderField::new(name, value)
}

/// The session that `b` was just invited to.
fn invited(network: &mut Network, node: Node) -> SessionId {
    match network.event(node) {
        Event::Invited { session, .. } => session,
        other => panic!("no invitation but {other:?}"),
    }
}

fn dial(network: &mut Network, from: Node, to: Node) -> SessionId {
    let now = network.now;
    let session = network.ua(from).invite(now, &call(to, Some(sdp("offer")))).unwrap();
    network.run(SHORT);
    session
}

fn failed(event: &Event) -> (u16, FailureCause) {
    match event {
        Event::Failed { status, cause, .. } => (*status, *cause),
        other => panic!("no failure but {other:?}"),
    }
}

#[test]
fn a_call_rings_is_answered_and_ended_by_the_caller() {
    let (mut network, a, b) = Network::pair(1);
    let out = dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    assert_eq!(network.sent("100", b, a), 1);
    assert_eq!(network.events(a), []);
    let now = network.now;
    network.ua(b).progress(now, inbound, 180, &[header("X-Queue", "billing")], None).unwrap();
    network.run(SHORT);
    match network.event(a) {
        Event::Progress { session, status: 180, headers, body: None, .. } => {
            assert_eq!((session, headers), (out, vec![header("X-Queue", "billing")]));
        }
        other => panic!("{other:?}"),
    }
    let now = network.now;
    network.ua(b).accept(now, inbound, &[], Some(&sdp("answer"))).unwrap();
    network.run(SHORT);
    match network.event(a) {
        Event::Answered { session, status: 200, body, .. } => {
            assert_eq!((session, body), (out, Some(sdp("answer"))));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(network.event(b), Event::Established { session: inbound, body: None });
    network.run(Duration::from_secs(3600));
    let now = network.now;
    network.ua(a).bye(now, out, vec![header("Reason", "Q.850;cause=16")]).unwrap();
    network.run(SHORT);
    let headers = vec![header("Reason", "Q.850;cause=16")];
    let ended = Event::Ended { session: inbound, cause: EndCause::Bye { headers }, by: EndedBy::Remote };
    assert_eq!(network.event(b), ended);
    network.assert_nothing_left();
    assert_eq!(network.events(a), []);
    assert_eq!(
        (network.sent("INVITE", a, b), network.sent("ACK", a, b), network.sent("BYE", a, b)),
        (1, 1, 1)
    );
}

#[test]
fn the_callee_hangs_up() {
    let (mut network, a, b) = Network::pair(2);
    let (out, inbound) = network.talk(a, b);
    let now = network.now;
    network.ua(b).bye(now, inbound, Vec::new()).unwrap();
    network.run(SHORT);
    let cause = EndCause::Bye { headers: Vec::new() };
    assert_eq!(network.event(a), Event::Ended { session: out, cause, by: EndedBy::Remote });
    let now = network.now;
    assert_eq!(network.ua(a).bye(now, out, Vec::new()), Err(Refused::UnknownSession));
    network.assert_nothing_left();
}

#[test]
fn the_application_learns_who_calls_whom_and_every_header_it_may_pass_on() {
    let (mut network, a, b) = Network::pair(3);
    let mut invitation = call(b, Some(sdp("offer")));
    invitation.caller.display_name = "Kim \"K\" Minji".to_owned();
    invitation.headers = vec![
        header("P-Asserted-Identity", "<sip:0212345678@pbx.example>"),
        header("Diversion", "<sip:100@pbx.example>;reason=no-answer"),
        header("User-to-User", "0100;encoding=hex"),
        header("X-Account", "4711"),
    ];
    let now = network.now;
    network.ua(a).invite(now, &invitation).unwrap();
    network.run(SHORT);
    let Event::Invited { invite, .. } = network.event(b) else { panic!("no invitation") };
    assert_eq!(invite.origin, Origin::Trunk(TrunkId(1)));
    assert_eq!(invite.number, "15881000");
    assert_eq!(
        (invite.from.user.as_str(), invite.from.display_name.as_str()),
        ("0212345678", "Kim \"K\" Minji")
    );
    assert_eq!(invite.headers, invitation.headers);
    assert_eq!((invite.body, invite.max_forwards), (invitation.body, 70));
}

#[test]
fn headers_that_could_break_a_message_are_refused() {
    let (mut network, a, b) = Network::pair(4);
    for bad in [
        header("X-Name", "a\r\nVia: b"),
        header("X Name", "a"),
        header("", "a"),
        header("Call-ID", "mine"),
        header("v", "SIP/2.0/UDP evil"),
        header("X-Nul", "a\0b"),
    ] {
        let invitation = Invitation { headers: vec![bad.clone()], ..call(b, None) };
        let now = network.now;
        assert_eq!(network.ua(a).invite(now, &invitation), Err(Refused::BadHeader(bad.name)));
    }
    assert_eq!(network.counts(a).sessions, 0);
    let invitation = Invitation {
        destination: Destination::Trunk { trunk: TrunkId(9), target: uri("sip:1@10.0.0.2") },
        ..call(b, None)
    };
    let now = network.now;
    assert_eq!(network.ua(a).invite(now, &invitation), Err(Refused::UnknownTrunk));
}

#[test]
fn a_refused_call_fails_with_the_callees_status_and_its_ack_ends_the_retransmissions() {
    let (mut network, a, b) = Network::pair(5);
    let out = dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    let now = network.now;
    network.ua(b).refuse(now, inbound, 486, &[header("Retry-After", "120 (lunch)")]).unwrap();
    network.run(SHORT);
    match network.event(a) {
        Event::Failed { session, status, reason, cause, retry_after, .. } => {
            assert_eq!((session, status, reason.as_str()), (out, 486, "Busy Here"));
            assert_eq!((cause, retry_after), (FailureCause::Response, Some(Duration::from_secs(120))));
        }
        other => panic!("{other:?}"),
    }
    network.assert_nothing_left();
    assert_eq!((network.sent("486", b, a), network.sent("ACK", a, b)), (1, 1));
}

#[test]
fn a_lost_refusal_is_retransmitted_until_its_ack() {
    let (mut network, a, b) = Network::pair(6);
    let out = dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    let mut lost = 0;
    network.lose = Box::new(move |message| {
        lost += u32::from(message.status() == 603);
        message.status() == 603 && lost <= 3
    });
    let now = network.now;
    network.ua(b).refuse(now, inbound, 603, &[]).unwrap();
    network.run(Duration::from_secs(10));
    assert_eq!(failed(&network.event(a)), (603, FailureCause::Response));
    assert_eq!(network.sent("603", b, a), 4);
    let now = network.now;
    assert_eq!(network.ua(a).cancel(now, out, Vec::new()), Err(Refused::UnknownSession));
    network.assert_nothing_left();
}

#[test]
fn a_cancelled_call_tells_both_sides() {
    let (mut network, a, b) = Network::pair(7);
    let out = dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    let now = network.now;
    let reason = vec![header("Reason", "SIP;cause=200;text=\"elsewhere\"")];
    network.ua(a).cancel(now, out, reason.clone()).unwrap();
    network.run(SHORT);
    assert_eq!(network.event(b), Event::Cancelled { session: inbound, headers: reason });
    assert_eq!(failed(&network.event(a)), (487, FailureCause::Cancelled));
    let now = network.now;
    assert_eq!(network.ua(b).accept(now, inbound, &[], None), Err(Refused::UnknownSession));
    network.assert_nothing_left();
}

#[test]
fn a_cancel_waits_for_the_first_provisional_response() {
    let (mut network, a, b) = Network::pair(8);
    network.lose = Box::new(|message| message.status() == 100);
    let out = dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    let now = network.now;
    network.ua(a).cancel(now, out, Vec::new()).unwrap();
    network.run(SHORT);
    assert_eq!(network.sent("CANCEL", a, b), 0);
    let now = network.now;
    network.ua(b).progress(now, inbound, 180, &[], None).unwrap();
    network.run(SHORT);
    assert_eq!(network.sent("CANCEL", a, b), 1);
    assert_eq!(failed(&network.event(a)), (487, FailureCause::Cancelled));
    assert!(matches!(network.event(b), Event::Cancelled { .. }));
    network.assert_nothing_left();
}

#[test]
fn a_cancel_of_a_call_that_nobody_takes_ends_with_the_invite() {
    let mut network = Network::new(9);
    let a = network.user_agent(settings(0));
    let out = dial(&mut network, a, 7);
    let now = network.now;
    network.ua(a).cancel(now, out, Vec::new()).unwrap();
    network.run(Duration::from_secs(31));
    assert_eq!(network.events(a), []);
    network.run(Duration::from_secs(2));
    assert_eq!(failed(&network.event(a)), (487, FailureCause::Cancelled));
    network.assert_nothing_left();
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_acknowledged_and_ended_and_reported_as_cancelled() {
    let (mut network, a, b) = Network::pair(10);
    let out = dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    let now = network.now;
    network.ua(b).accept(now, inbound, &[], Some(&sdp("answer"))).unwrap();
    network.ua(a).cancel(now, out, Vec::new()).unwrap();
    network.run(SHORT);
    assert_eq!(failed(&network.event(a)), (487, FailureCause::Cancelled));
    let events = network.events(b);
    assert!(
        matches!(&events[..], [Event::Established { .. }, Event::Ended { by: EndedBy::Remote, .. }]),
        "{events:?}"
    );
    assert_eq!((network.sent("CANCEL", a, b), network.sent("BYE", a, b)), (1, 1));
    network.assert_nothing_left();
}

#[test]
fn a_2xx_long_after_the_cancel_is_acknowledged_and_ended() {
    let mut network = Network::new(11);
    let (a, hand) = (network.user_agent(settings(0)), network.hand());
    let out = dial(&mut network, a, hand);
    let invite = network.received(hand).remove(0);
    answer(&mut network, hand, a, &invite, 180, "one");
    let now = network.now;
    network.ua(a).cancel(now, out, Vec::new()).unwrap();
    network.run(SHORT);
    let cancel = network.received(hand).remove(0);
    answer(&mut network, hand, a, &cancel, 200, "one");
    network.run(Duration::from_secs(20));
    answer(&mut network, hand, a, &invite, 200, "one");
    network.run(SHORT);
    let methods: Vec<Method> = network.received(hand).iter().map(Message::method).collect();
    assert_eq!(methods, [Method::Ack, Method::Bye]);
    let events = network.events(a);
    assert_eq!(failed(events.last().unwrap()), (487, FailureCause::Cancelled));
    network.assert_nothing_left();
}

/// A response of a hand-written peer, with a Contact.
fn answer(network: &mut Network, from: Node, to: Node, request: &Message, status: u16, tag: &str) {
    let contact = sip::NameAddr::new(uri(&format!("sip:hand@{}", address(from))));
    let builder = compose::response_to(request, status).unwrap().to_tag(tag).contact(&contact);
    let response = builder.body("application/sdp", "v=0\r\n".into()).build().unwrap();
    network.send(from, to, response.bytes().clone());
    network.run(Duration::from_millis(20));
}

#[test]
fn every_fork_that_answers_late_is_acknowledged_and_ended_and_its_retransmissions_too() {
    let mut network = Network::new(12);
    let (a, hand) = (network.user_agent(settings(0)), network.hand());
    let out = dial(&mut network, a, hand);
    let invite = network.received(hand).remove(0);
    for tag in ["one", "two", "three"] {
        answer(&mut network, hand, a, &invite, 183, tag);
    }
    assert_eq!(network.counts(a).dialogs, 3);
    assert_eq!(network.events(a).len(), 3);
    answer(&mut network, hand, a, &invite, 200, "two");
    assert!(matches!(network.event(a), Event::Answered { session, .. } if session == out));
    assert_eq!(network.counts(a).dialogs, 1);
    answer(&mut network, hand, a, &invite, 200, "three");
    answer(&mut network, hand, a, &invite, 200, "two");
    answer(&mut network, hand, a, &invite, 200, "three");
    let seen: Vec<(Method, String)> = network
        .received(hand)
        .iter()
        .map(|message| (message.method(), String::from_utf8_lossy(message.to_tag().unwrap()).into_owned()))
        .collect();
    let expected = [
        (Method::Ack, "two"),
        (Method::Ack, "three"),
        (Method::Bye, "three"),
        (Method::Ack, "two"),
        (Method::Ack, "three"),
    ];
    assert_eq!(seen, expected.map(|(method, tag)| (method, tag.to_owned())));
    assert_eq!(network.events(a), []);
    let now = network.now;
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    network.assert_nothing_left();
}

#[test]
fn more_forks_than_allowed_are_not_followed() {
    let mut network = Network::new(12);
    let mut own = settings(0);
    own.limits.forks = 2;
    let (a, hand) = (network.user_agent(own), network.hand());
    dial(&mut network, a, hand);
    let invite = network.received(hand).remove(0);
    for tag in ["one", "two", "three"] {
        answer(&mut network, hand, a, &invite, 183, tag);
    }
    assert_eq!(network.counts(a).dialogs, 2);
    answer(&mut network, hand, a, &invite, 200, "one");
    assert!(network.events(a).iter().any(|event| matches!(event, Event::Answered { .. })));
}

#[test]
fn a_call_that_nobody_takes_times_out() {
    let mut network = Network::new(13);
    let a = network.user_agent(settings(0));
    let out = dial(&mut network, a, 7);
    network.run(Duration::from_secs(33));
    match network.event(a) {
        Event::Failed { session, status: 408, cause: FailureCause::Timeout, .. } => assert_eq!(session, out),
        other => panic!("{other:?}"),
    }
    network.assert_nothing_left();
}

#[test]
fn requests_and_answers_are_repeated_in_the_rhythm_of_the_rfc() {
    let mut network = Network::new(29);
    let (a, hand) = (network.user_agent(settings(0)), network.hand());
    dial(&mut network, a, hand);
    network.run(Duration::from_secs(33));
    // RFC 3261 §17.1.1.2, timer A: doubles until timer B.
    assert_eq!(network.rhythm("INVITE", a), [0, 5, 15, 35, 75, 155, 315]);
    let (mut network, a, b) = Network::pair(30);
    let (out, _) = network.talk(a, b);
    network.lose = Box::new(|_| true);
    let now = network.now;
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    network.run(Duration::from_secs(33));
    // RFC 3261 §17.1.2.2, timer E: doubles up to T2.
    assert_eq!(network.rhythm("BYE", a), [0, 5, 15, 35, 75, 115, 155, 195, 235, 275, 315]);
    let (mut network, a, b) = Network::pair(31);
    dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    network.lose = Box::new(|_| true);
    let now = network.now;
    network.ua(b).refuse(now, inbound, 486, &[]).unwrap();
    network.run(Duration::from_secs(33));
    // RFC 3261 §17.2.1, timer G: the same, until timer H.
    assert_eq!(network.rhythm("486", b), [0, 5, 15, 35, 75, 115, 155, 195, 235, 275, 315]);
}

#[test]
fn a_call_that_rings_for_ever_is_taken_back() {
    let (mut network, a, b) = Network::pair(14);
    dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    network.run(Duration::from_secs(205));
    assert_eq!(failed(&network.event(a)), (408, FailureCause::Timeout));
    assert!(matches!(network.event(b), Event::Cancelled { session, .. } if session == inbound));
    network.assert_nothing_left();
}

#[test]
fn a_ringing_is_repeated_every_minute_so_that_the_caller_does_not_give_up() {
    let (mut network, a, b) = Network::pair(15);
    dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    let now = network.now;
    network.ua(b).progress(now, inbound, 180, &[], None).unwrap();
    network.run(Duration::from_secs(600));
    let events = network.events(a);
    assert_eq!(events.len(), 10);
    assert!(events.iter().all(|event| matches!(event, Event::Progress { status: 180, .. })));
    let now = network.now;
    network.ua(b).refuse(now, inbound, 480, &[]).unwrap();
    network.assert_nothing_left();
}

#[test]
fn a_retransmitted_invite_makes_no_second_call_and_is_answered_again() {
    let (mut network, a, b) = Network::pair(16);
    network.lose = Box::new(|message| message.status() == 100);
    dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    network.run(Duration::from_secs(4));
    assert_eq!(network.events(b), []);
    assert_eq!((network.sent("INVITE", a, b), network.sent("100", b, a)), (4, 4));
    let now = network.now;
    network.ua(b).accept(now, inbound, &[], Some(&sdp("answer"))).unwrap();
    network.run(SHORT);
    assert!(matches!(network.event(a), Event::Answered { .. }));
    assert!(matches!(network.event(b), Event::Established { .. }));
}

#[test]
fn a_lost_200_is_repeated_and_a_lost_ack_again() {
    let (mut network, a, b) = Network::pair(17);
    dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    let (mut answers, mut acks) = (0, 0);
    network.lose = Box::new(move |message| {
        answers += u32::from(message.status() == 200);
        acks += u32::from(message.is_request() && message.method() == Method::Ack);
        answers <= 2 || (message.is_request() && message.method() == Method::Ack && acks <= 2)
    });
    let now = network.now;
    network.ua(b).accept(now, inbound, &[], Some(&sdp("answer"))).unwrap();
    network.run(Duration::from_secs(30));
    assert!(matches!(network.event(a), Event::Answered { .. }));
    assert!(matches!(network.event(b), Event::Established { .. }));
    assert_eq!((network.sent("200", b, a), network.sent("ACK", a, b)), (5, 3));
    network.lose = Box::new(|_| false);
    let now = network.now;
    network.ua(b).bye(now, inbound, Vec::new()).unwrap();
    network.assert_nothing_left();
}

#[test]
fn an_ack_that_never_comes_ends_the_call_on_both_sides() {
    let (mut network, a, b) = Network::pair(18);
    let out = dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    network.lose = Box::new(|message| message.is_request() && message.method() == Method::Ack);
    let now = network.now;
    network.ua(b).accept(now, inbound, &[], Some(&sdp("answer"))).unwrap();
    network.run(Duration::from_secs(31));
    assert_eq!(network.events(b), []);
    network.run(Duration::from_secs(2));
    let missing = Event::Ended { session: inbound, cause: EndCause::AckMissing, by: EndedBy::UserAgent };
    assert_eq!(network.event(b), missing);
    let events = network.events(a);
    assert!(matches!(events[0], Event::Answered { session, .. } if session == out));
    assert!(matches!(events[1], Event::Ended { session, by: EndedBy::Remote, .. } if session == out));
    network.assert_nothing_left();
}

#[test]
fn a_bye_before_the_ack_waits_for_the_ack() {
    let (mut network, a, b) = Network::pair(19);
    let out = dial(&mut network, a, b);
    let inbound = invited(&mut network, b);
    let now = network.now;
    network.ua(b).accept(now, inbound, &[], Some(&sdp("answer"))).unwrap();
    network.ua(b).bye(now, inbound, Vec::new()).unwrap();
    network.run(Duration::from_millis(4));
    assert_eq!(network.sent("BYE", b, a), 0);
    network.run(SHORT);
    assert_eq!(network.events(b), []);
    let events = network.events(a);
    assert!(
        matches!(events[1], Event::Ended { session, by: EndedBy::Remote, .. } if session == out),
        "{events:?}"
    );
    network.assert_nothing_left();
}

#[test]
fn a_retransmitted_bye_is_answered_again_and_told_once() {
    let (mut network, a, b) = Network::pair(20);
    let (out, _) = network.talk(a, b);
    let mut lost = 0;
    network.lose = Box::new(move |message| {
        lost += u32::from(message.status() == 200);
        message.status() == 200 && lost <= 2
    });
    let now = network.now;
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    network.run(Duration::from_secs(10));
    assert!(matches!(network.event(b), Event::Ended { .. }));
    assert_eq!(network.sent("BYE", a, b), 3);
    network.assert_nothing_left();
}

#[test]
fn byes_that_cross_are_both_answered() {
    let (mut network, a, b) = Network::pair(21);
    let (out, inbound) = network.talk(a, b);
    let now = network.now;
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    network.ua(b).bye(now, inbound, Vec::new()).unwrap();
    network.run(SHORT);
    assert_eq!((network.events(a), network.events(b)), (Vec::new(), Vec::new()));
    assert_eq!((network.sent("481", a, b), network.sent("481", b, a)), (0, 0));
    network.assert_nothing_left();
}

#[test]
fn a_caller_may_end_an_early_dialog_with_a_bye() {
    let mut network = Network::new(22);
    let (b, hand) = (network.user_agent(settings(0)), network.hand());
    let invite = invite_by_hand(hand, b, "z9hG4bKearly");
    network.send(hand, b, invite.clone());
    network.run(SHORT);
    let inbound = invited(&mut network, b);
    let now = network.now;
    network.ua(b).progress(now, inbound, 180, &[], None).unwrap();
    network.run(SHORT);
    let ringing = network.received(hand).remove(1);
    let to = ringing.text(Name::To).unwrap();
    let bye = invite
        .replace("INVITE", "BYE")
        .replace("CSeq: 1", "CSeq: 2")
        .replace("z9hG4bKearly", "z9hG4bKbye")
        .replace("To: <sip:1@10.0.0.1>", &format!("To: {to}"));
    network.send(hand, b, bye);
    network.run(SHORT);
    assert!(matches!(network.event(b), Event::Cancelled { session, .. } if session == inbound));
    let statuses: Vec<u16> = network.received(hand).iter().map(Message::status).collect();
    assert_eq!(statuses[..2], [200, 487]);
    network.assert_nothing_left();
}

/// An INVITE of a hand-written caller without a body.
fn invite_by_hand(from: Node, to: Node, branch: &str) -> String {
    let (from, to) = (address(from), address(to));
    format!(
        "INVITE sip:1@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch={branch}\r\nMax-Forwards: 70\r\n\
         From: <sip:hand@{from}>;tag=hand\r\nTo: <sip:1@{}>\r\nCall-ID: by-hand\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:hand@{from}>\r\nContent-Length: 0\r\n\r\n",
        to.ip()
    )
}

#[test]
fn the_same_invite_by_another_way_is_refused_as_merged() {
    let mut network = Network::new(23);
    let (b, hand) = (network.user_agent(settings(0)), network.hand());
    network.send(hand, b, invite_by_hand(hand, b, "z9hG4bKone"));
    network.send(hand, b, invite_by_hand(hand, b, "z9hG4bKtwo"));
    network.run(SHORT);
    invited(&mut network, b);
    let statuses: Vec<u16> = network.received(hand).iter().map(Message::status).collect();
    assert_eq!(statuses, [100, 482]);
}

#[test]
fn an_offer_in_the_2xx_is_answered_in_the_ack() {
    let (mut network, a, b) = Network::pair(24);
    let now = network.now;
    let out = network.ua(a).invite(now, &call(b, None)).unwrap();
    network.run(SHORT);
    let inbound = invited(&mut network, b);
    let now = network.now;
    network.ua(b).accept(now, inbound, &[], Some(&sdp("offer"))).unwrap();
    network.run(Duration::from_secs(2));
    assert!(matches!(network.event(a), Event::Answered { body: Some(_), .. }));
    assert_eq!((network.events(b), network.sent("ACK", a, b)), (Vec::new(), 0));
    network.ua(a).acknowledge(out, Some(&sdp("answer"))).unwrap();
    network.run(SHORT);
    assert_eq!(network.event(b), Event::Established { session: inbound, body: Some(sdp("answer")) });
    assert_eq!(network.ua(a).acknowledge(out, None), Err(Refused::WrongState));
    let now = network.now;
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    network.assert_nothing_left();
}

#[test]
fn requests_go_through_a_proxy_that_recorded_its_route() {
    let mut network = Network::new(25);
    let mut own = settings(0);
    own.trunks.push(trunk(2));
    own.trunks[1].outbound_proxy = Some(uri(&format!("sip:{}", address(1))));
    let a = network.user_agent(own);
    let proxy = network.proxy(2);
    let b = network.user_agent(settings(2));
    let target = uri(&format!("sip:1@{}", address(b)));
    let invitation = Invitation {
        destination: Destination::Trunk { trunk: TrunkId(2), target },
        ..call(b, Some(sdp("offer")))
    };
    let now = network.now;
    network.ua(a).invite(now, &invitation).unwrap();
    network.run(SHORT);
    let inbound = invited(&mut network, b);
    let now = network.now;
    network.ua(b).accept(now, inbound, &[], Some(&sdp("answer"))).unwrap();
    network.run(SHORT);
    assert!(matches!(network.event(a), Event::Answered { .. }));
    assert!(matches!(network.event(b), Event::Established { .. }));
    let now = network.now;
    network.ua(b).request(now, inbound, Method::Info, &[], None).unwrap();
    network.run(SHORT);
    let Event::Requested { session: out, exchange, .. } = network.event(a) else { panic!("no INFO") };
    let now = network.now;
    network.ua(a).reply(now, out, exchange, &sip::user_agent::Reply::status(200)).unwrap();
    network.run(SHORT);
    assert!(matches!(network.event(b), Event::Replied { status: 200, .. }));
    let now = network.now;
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    network.assert_nothing_left();
    assert_eq!((network.sent("ACK", a, proxy), network.sent("ACK", proxy, b)), (1, 1));
    assert_eq!((network.sent("BYE", a, proxy), network.sent("INFO", b, proxy)), (1, 1));
    assert!(
        network.wire.iter().all(|(_, from, to)| *from == proxy || *to == proxy),
        "nothing goes past the proxy"
    );
}

#[test]
fn a_call_to_an_address_behind_a_trunk_goes_past_the_trunk_s_proxy() {
    let mut network = Network::new(27);
    let mut own = settings(0);
    own.trunks.push(trunk(2));
    own.trunks[1].outbound_proxy = Some(uri(&format!("sip:{}", address(1))));
    let a = network.user_agent(own);
    let proxy = network.proxy(2);
    let b = network.user_agent(settings(2));
    let target = uri(&format!("sip:1@{}", address(b)));
    let invitation = Invitation {
        destination: Destination::Behind { trunk: TrunkId(2), target },
        ..call(b, Some(sdp("offer")))
    };
    let now = network.now;
    network.ua(a).invite(now, &invitation).unwrap();
    network.run(SHORT);
    invited(&mut network, b);
    assert_eq!((network.sent("INVITE", a, proxy), network.sent("INVITE", a, b)), (0, 1));
}

#[test]
fn a_call_over_tcp_uses_one_stream_and_no_retransmissions() {
    let (mut network, a, b) = Network::pair(26);
    let mut invitation = call(b, Some(sdp("offer")));
    invitation.destination = Destination::Uri(uri(&format!("sip:1@{};transport=tcp", address(b))));
    let now = network.now;
    let out = network.ua(a).invite(now, &invitation).unwrap();
    network.run(Duration::from_secs(5));
    let inbound = invited(&mut network, b);
    let now = network.now;
    network.ua(b).accept(now, inbound, &[], Some(&sdp("answer"))).unwrap();
    network.run(SHORT);
    let now = network.now;
    network.ua(b).bye(now, inbound, Vec::new()).unwrap();
    network.run(SHORT);
    let events = network.events(a);
    assert!(matches!(events[..], [Event::Answered { .. }, Event::Ended { session, .. }] if session == out));
    assert_eq!((network.counts(a).connections, network.counts(b).connections), (1, 1));
    assert_eq!((network.sent("INVITE", a, b), network.sent("BYE", b, a)), (1, 1));
    network.assert_nothing_left();
}

#[test]
fn a_stream_that_breaks_fails_the_requests_on_it() {
    let (mut network, a, b) = Network::pair(27);
    let mut invitation = call(b, Some(sdp("offer")));
    invitation.destination = Destination::Uri(uri(&format!("sip:1@{};transport=tcp", address(b))));
    let now = network.now;
    network.ua(a).invite(now, &invitation).unwrap();
    network.run(SHORT);
    network.cut_streams();
    assert_eq!(failed(&network.event(a)), (503, FailureCause::Transport));
}

#[test]
fn a_user_agent_that_was_written_down_goes_on_as_if_nothing_had_happened() {
    let run = |restores: bool| {
        let (mut network, a, b) = Network::pair(28);
        network.faults.loss = 20;
        for number in 0..20 {
            let now = network.now;
            let out = network.ua(a).invite(now, &call(b, Some(sdp("offer")))).unwrap();
            network.run(Duration::from_millis(700));
            for event in network.events(b) {
                if let Event::Invited { session, .. } = event {
                    let now = network.now;
                    network.ua(b).accept(now, session, &[], Some(&sdp("answer"))).unwrap();
                }
            }
            if number % 3 == 0 {
                let now = network.now;
                let _ = network.ua(a).bye(now, out, Vec::new());
            }
            if restores {
                network.restore(a);
                network.restore(b);
            }
        }
        network.settle();
        let (events, rest) = (network.events(a), network.events(b));
        (events, rest, network.wire)
    };
    assert_eq!(run(false), run(true));
}
