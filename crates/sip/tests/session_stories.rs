//! What happens inside answered calls: holds, glare, requests in flight, and the races of RFC 5407.

// clippy.toml allows it in test functions; here the helpers are tests too.
#![allow(clippy::unwrap_used)]

#[path = "support/network.rs"]
mod network;

use std::time::Duration;

use network::{Network, Node, address, call, sdp, settings, uri};
use sip::user_agent::{EndCause, EndedBy, Event, ExchangeId, HeaderField, Refused, Reply, SessionId};
use sip::{Message, Method, Name, compose};

const SHORT: Duration = Duration::from_millis(100);

fn requested(network: &mut Network, node: Node) -> (SessionId, ExchangeId, Method) {
    match network.event(node) {
        Event::Requested { session, exchange, method, .. } => (session, exchange, method),
        other => panic!("no request but {other:?}"),
    }
}

fn replied(network: &mut Network, node: Node) -> (ExchangeId, u16) {
    match network.event(node) {
        Event::Replied { exchange, status, .. } => (exchange, status),
        other => panic!("no reply but {other:?}"),
    }
}

fn ask(network: &mut Network, node: Node, session: SessionId, method: Method) -> Result<ExchangeId, Refused> {
    let now = network.now;
    network.ua(node).request(now, session, method, &[], Some(&sdp("new offer")))
}

fn reply(network: &mut Network, node: Node, session: SessionId, exchange: ExchangeId, status: u16) {
    let now = network.now;
    let body = (status < 300).then(|| sdp("new answer"));
    network.ua(node).reply(now, session, exchange, &Reply { status, headers: Vec::new(), body }).unwrap();
    network.run(SHORT);
}

#[test]
fn either_side_may_change_the_session_with_a_re_invite() {
    let (mut network, a, b) = Network::pair(1);
    let (out, inbound) = network.talk(a, b);
    for (from, session, to) in [(a, out, b), (b, inbound, a), (a, out, b)] {
        let asked = ask(&mut network, from, session, Method::Invite).unwrap();
        network.run(SHORT);
        let (theirs, exchange, method) = requested(&mut network, to);
        assert_eq!(method, Method::Invite);
        reply(&mut network, to, theirs, exchange, 200);
        assert_eq!(replied(&mut network, from), (asked, 200));
        let acknowledged = Event::Acknowledged { session: theirs, exchange, body: None };
        assert_eq!(network.event(to), acknowledged);
    }
    let now = network.now;
    network.ua(b).bye(now, inbound, Vec::new()).unwrap();
    network.assert_nothing_left();
}

#[test]
fn a_re_invite_that_is_refused_leaves_the_call_as_it_was() {
    let (mut network, a, b) = Network::pair(2);
    let (out, inbound) = network.talk(a, b);
    let asked = ask(&mut network, a, out, Method::Invite).unwrap();
    network.run(SHORT);
    let (_, exchange, _) = requested(&mut network, b);
    reply(&mut network, b, inbound, exchange, 488);
    assert_eq!(replied(&mut network, a), (asked, 488));
    network.run(Duration::from_secs(60));
    assert_eq!((network.events(a), network.events(b)), (Vec::new(), Vec::new()));
    let now = network.now;
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    network.assert_nothing_left();
}

#[test]
fn an_offer_in_the_2xx_of_a_re_invite_is_answered_in_its_ack() {
    let (mut network, a, b) = Network::pair(3);
    let (out, inbound) = network.talk(a, b);
    let now = network.now;
    network.ua(a).request(now, out, Method::Invite, &[], None).unwrap();
    network.run(SHORT);
    let (_, exchange, _) = requested(&mut network, b);
    reply(&mut network, b, inbound, exchange, 200);
    assert!(matches!(network.event(a), Event::Replied { body: Some(_), .. }));
    assert_eq!(network.events(b), []);
    network.ua(a).acknowledge(out, Some(&sdp("late answer"))).unwrap();
    network.run(SHORT);
    let body = Some(sdp("late answer"));
    assert_eq!(network.event(b), Event::Acknowledged { session: inbound, exchange, body });
}

#[test]
fn re_invites_that_cross_are_both_refused_with_491() {
    let (mut network, a, b) = Network::pair(4);
    let (out, inbound) = network.talk(a, b);
    let one = ask(&mut network, a, out, Method::Invite).unwrap();
    let two = ask(&mut network, b, inbound, Method::Invite).unwrap();
    network.run(SHORT);
    assert_eq!(replied(&mut network, a), (one, 491));
    assert_eq!(replied(&mut network, b), (two, 491));
    // RFC 3261 §14.1: who has the longer patience gets it through.
    let again = ask(&mut network, b, inbound, Method::Invite).unwrap();
    network.run(SHORT);
    let (_, exchange, _) = requested(&mut network, a);
    reply(&mut network, a, out, exchange, 200);
    assert_eq!(replied(&mut network, b), (again, 200));
}

#[test]
fn only_one_offer_is_pending_at_a_time() {
    let (mut network, a, b) = Network::pair(5);
    let (out, inbound) = network.talk(a, b);
    ask(&mut network, a, out, Method::Invite).unwrap();
    assert_eq!(ask(&mut network, a, out, Method::Invite), Err(Refused::Pending));
    assert_eq!(ask(&mut network, a, out, Method::Update), Err(Refused::Pending));
    network.run(SHORT);
    assert_eq!(ask(&mut network, b, inbound, Method::Update), Err(Refused::Pending));
    ask(&mut network, b, inbound, Method::Info).unwrap();
    for method in [Method::Bye, Method::Ack, Method::Cancel, Method::Prack, Method::Register] {
        assert_eq!(ask(&mut network, a, out, method), Err(Refused::BadMethod));
    }
}

#[test]
fn a_re_invite_that_is_taken_back_is_withdrawn() {
    let (mut network, a, b) = Network::pair(6);
    let (out, inbound) = network.talk(a, b);
    let asked = ask(&mut network, a, out, Method::Invite).unwrap();
    network.run(SHORT);
    let (_, exchange, _) = requested(&mut network, b);
    let now = network.now;
    network.ua(a).withdraw(now, out, asked).unwrap();
    network.run(SHORT);
    assert_eq!(network.event(b), Event::Withdrawn { session: inbound, exchange });
    assert_eq!(replied(&mut network, a), (asked, 487));
    let now = network.now;
    let late = network.ua(b).reply(now, inbound, exchange, &Reply::status(200));
    assert_eq!(late, Err(Refused::UnknownExchange));
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    network.assert_nothing_left();
}

#[test]
fn a_bye_ends_what_is_still_asked() {
    let (mut network, a, b) = Network::pair(7);
    let (out, inbound) = network.talk(a, b);
    ask(&mut network, a, out, Method::Invite).unwrap();
    network.run(SHORT);
    let (_, exchange, _) = requested(&mut network, b);
    let now = network.now;
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    network.run(SHORT);
    assert!(matches!(network.event(b), Event::Ended { session, .. } if session == inbound));
    assert_eq!(network.sent("487", b, a), 1);
    let now = network.now;
    assert_eq!(
        network.ua(b).reply(now, inbound, exchange, &Reply::status(200)),
        Err(Refused::UnknownSession)
    );
    network.assert_nothing_left();
    assert_eq!(network.events(a), []);
}

#[test]
fn a_callee_that_hangs_up_while_asked_refuses_the_question() {
    let (mut network, a, b) = Network::pair(8);
    let (out, inbound) = network.talk(a, b);
    ask(&mut network, a, out, Method::Invite).unwrap();
    network.run(SHORT);
    requested(&mut network, b);
    let now = network.now;
    network.ua(b).bye(now, inbound, Vec::new()).unwrap();
    network.run(SHORT);
    let events = network.events(a);
    assert!(matches!(events.last(), Some(Event::Ended { session, .. }) if *session == out), "{events:?}");
    network.assert_nothing_left();
}

#[test]
fn a_2xx_to_a_re_invite_after_the_end_is_still_acknowledged() {
    let (mut network, a, b) = Network::pair(9);
    let (out, inbound) = network.talk(a, b);
    ask(&mut network, a, out, Method::Invite).unwrap();
    network.run(SHORT);
    let (_, exchange, _) = requested(&mut network, b);
    let now = network.now;
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    network
        .ua(b)
        .reply(now, inbound, exchange, &Reply { body: Some(sdp("x")), ..Reply::status(200) })
        .unwrap();
    network.run(SHORT);
    assert_eq!(network.sent("ACK", a, b), 2);
    network.assert_nothing_left();
    assert_eq!(network.sent("200", b, a), 3);
}

#[test]
fn a_re_invite_whose_ack_never_comes_ends_the_call() {
    let (mut network, a, b) = Network::pair(10);
    let (out, inbound) = network.talk(a, b);
    ask(&mut network, a, out, Method::Invite).unwrap();
    network.run(SHORT);
    let (_, exchange, _) = requested(&mut network, b);
    network.lose = Box::new(|message| message.is_request() && message.method() == Method::Ack);
    reply(&mut network, b, inbound, exchange, 200);
    network.run(Duration::from_secs(33));
    let missing = Event::Ended { session: inbound, cause: EndCause::AckMissing, by: EndedBy::UserAgent };
    assert_eq!(network.event(b), missing);
    network.assert_nothing_left();
}

#[test]
fn requests_of_every_kind_reach_the_application_with_their_headers_and_bodies() {
    let (mut network, a, b) = Network::pair(11);
    let (out, _) = network.talk(a, b);
    let refer_to = HeaderField::new("Refer-To", "<sip:2001@pbx.example>");
    for method in [Method::Info, Method::Message, Method::Refer, Method::Notify, Method::Update] {
        let now = network.now;
        let headers = [refer_to.clone()];
        let asked = network.ua(a).request(now, out, method.clone(), &headers, Some(&sdp("x"))).unwrap();
        network.run(SHORT);
        match network.event(b) {
            Event::Requested { session, exchange, method: got, body, headers } => {
                assert_eq!((got, body, headers), (method.clone(), Some(sdp("x")), vec![refer_to.clone()]));
                reply(&mut network, b, session, exchange, 202);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(replied(&mut network, a), (asked, 202));
    }
}

#[test]
fn options_inside_a_call_is_answered_without_the_application() {
    let (mut network, a, b) = Network::pair(12);
    let (out, _) = network.talk(a, b);
    let now = network.now;
    let asked = network.ua(a).request(now, out, Method::Options, &[], None).unwrap();
    network.run(SHORT);
    assert_eq!(replied(&mut network, a), (asked, 200));
    assert_eq!(network.events(b), []);
}

#[test]
fn unknown_and_unwanted_methods_inside_a_call_are_refused_and_it_goes_on() {
    let (mut network, a, b) = Network::pair(13);
    let (out, _) = network.talk(a, b);
    for (method, status) in
        [(Method::Other("DANCE".into()), 501), (Method::Subscribe, 405), (Method::Publish, 405)]
    {
        let now = network.now;
        let asked = network.ua(a).request(now, out, method, &[], None).unwrap();
        network.run(SHORT);
        assert_eq!(replied(&mut network, a), (asked, status));
    }
    assert_eq!(network.events(b), []);
}

#[test]
fn a_call_whose_other_side_has_forgotten_it_is_over() {
    let (mut network, a, b) = Network::pair(14);
    let (out, inbound) = network.talk(a, b);
    network.lose = Box::new(|message| message.is_request() && message.method() == Method::Bye);
    let now = network.now;
    network.ua(b).bye(now, inbound, Vec::new()).unwrap();
    network.run(Duration::from_secs(40));
    network.lose = Box::new(|_| false);
    assert_eq!(network.events(a), []);
    ask(&mut network, a, out, Method::Info).unwrap();
    network.run(SHORT);
    let gone = Event::Ended { session: out, cause: EndCause::Gone { status: 481 }, by: EndedBy::UserAgent };
    assert_eq!(network.event(a), gone);
    network.assert_nothing_left();
}

#[test]
fn a_re_invite_that_nobody_answers_ends_the_call() {
    let (mut network, a, b) = Network::pair(15);
    let (out, _) = network.talk(a, b);
    network.lose = Box::new(|_| true);
    ask(&mut network, a, out, Method::Invite).unwrap();
    network.run(Duration::from_secs(33));
    let gone = Event::Ended { session: out, cause: EndCause::Gone { status: 408 }, by: EndedBy::UserAgent };
    assert_eq!(network.event(a), gone);
    network.settle();
    assert_eq!(network.counts(a).sessions, 0);
}

#[test]
fn an_update_in_an_early_dialog_reaches_the_other_side_and_back() {
    let (mut network, a, b) = Network::pair(16);
    let now = network.now;
    let out = network.ua(a).invite(now, &call(b, Some(sdp("offer")))).unwrap();
    network.run(SHORT);
    let Event::Invited { session: inbound, .. } = network.event(b) else { panic!("no invitation") };
    let now = network.now;
    network.ua(b).progress(now, inbound, 183, &[], Some(&sdp("early"))).unwrap();
    network.run(SHORT);
    assert!(matches!(network.event(a), Event::Progress { .. }));
    let asked = ask(&mut network, a, out, Method::Update).unwrap();
    network.run(SHORT);
    let (_, exchange, _) = requested(&mut network, b);
    reply(&mut network, b, inbound, exchange, 200);
    assert_eq!(replied(&mut network, a), (asked, 200));
    assert_eq!(ask(&mut network, a, out, Method::Invite), Err(Refused::WrongState));
    assert_eq!(ask(&mut network, a, out, Method::Message), Err(Refused::WrongState));
    let now = network.now;
    network.ua(b).accept(now, inbound, &[], None).unwrap();
    network.run(SHORT);
    assert!(matches!(network.event(a), Event::Answered { session, .. } if session == out));
}

/// A hand-written caller in an answered call: sends what it likes, in order or not.
struct Caller {
    network: Network,
    hand: Node,
    b: Node,
    session: SessionId,
    to: String,
}

impl Caller {
    fn answered(with_ack: bool) -> Caller {
        let mut network = Network::new(99);
        let (b, hand) = (network.user_agent(settings(0)), network.hand());
        let mut caller = Caller { network, hand, b, session: SessionId(0), to: String::new() };
        caller.to = format!("<sip:1@{}>", address(b).ip());
        caller.say("INVITE", 1, "z9hG4bK1");
        caller.network.run(SHORT);
        let Event::Invited { session, .. } = caller.network.event(b) else { panic!("no invitation") };
        let now = caller.network.now;
        caller.network.ua(b).accept(now, session, &[], Some(&sdp("answer"))).unwrap();
        caller.network.run(SHORT);
        caller.session = session;
        let accepted = caller.network.received(hand).remove(1);
        caller.to = accepted.text(Name::To).unwrap();
        if with_ack {
            caller.say("ACK", 1, "z9hG4bK1ack");
            caller.network.run(SHORT);
            assert!(matches!(caller.network.event(b), Event::Established { .. }));
        }
        caller
    }

    fn say(&mut self, method: &str, cseq: u32, branch: &str) {
        let (from, to) = (address(self.hand), address(self.b));
        let text = format!(
            "{method} sip:1@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch={branch}\r\nMax-Forwards: 70\r\n\
             From: <sip:hand@{from}>;tag=hand\r\nTo: {}\r\nCall-ID: by-hand\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:hand@{from}>\r\nContent-Length: 0\r\n\r\n",
            self.to
        );
        self.network.send(self.hand, self.b, text);
    }

    fn answers(&mut self) -> Vec<u16> {
        self.network.run(SHORT);
        let received = self.network.received(self.hand);
        received.iter().filter(|message| !message.is_request()).map(Message::status).collect()
    }
}

#[test]
fn a_number_that_was_used_before_is_refused() {
    let mut caller = Caller::answered(true);
    caller.say("INFO", 5, "z9hG4bKa");
    caller.say("INFO", 4, "z9hG4bKb");
    caller.say("INFO", 5, "z9hG4bKc");
    assert_eq!(caller.answers(), [500, 500]);
    assert_eq!(caller.network.events(caller.b).len(), 1);
}

#[test]
fn a_second_re_invite_before_the_answer_to_the_first_waits() {
    let mut caller = Caller::answered(true);
    caller.say("INVITE", 2, "z9hG4bKa");
    caller.say("INVITE", 3, "z9hG4bKb");
    caller.network.run(SHORT);
    let received = caller.network.received(caller.hand);
    let refusal = received.iter().find(|message| message.status() == 500).unwrap();
    assert!(refusal.number(Name::RetryAfter).unwrap().unwrap() <= 10);
    assert_eq!(caller.network.events(caller.b).len(), 1);
}

#[test]
fn a_re_invite_before_the_ack_is_refused_with_491() {
    let mut caller = Caller::answered(false);
    caller.say("INVITE", 2, "z9hG4bKa");
    assert!(caller.answers().contains(&491));
}

#[test]
fn a_bye_before_the_ack_ends_the_call_and_the_repetition_of_the_200() {
    let mut caller = Caller::answered(false);
    caller.say("BYE", 2, "z9hG4bKa");
    caller.network.run(SHORT);
    assert!(matches!(caller.network.event(caller.b), Event::Ended { by: EndedBy::Remote, .. }));
    caller.answers();
    caller.network.run(Duration::from_secs(40));
    assert!(caller.answers().is_empty());
    caller.network.assert_nothing_left();
}

#[test]
fn more_unanswered_requests_than_the_limit_are_put_off() {
    let mut caller = Caller::answered(true);
    for cseq in 2..8 {
        caller.say("INFO", cseq, &format!("z9hG4bKinfo{cseq}"));
    }
    assert_eq!(caller.answers(), [500, 500]);
    assert_eq!(caller.network.events(caller.b).len(), 4);
    caller.say("BYE", 9, "z9hG4bKbye");
    assert_eq!(caller.answers(), [200, 481, 481, 481, 481]);
    caller.network.assert_nothing_left();
}

#[test]
fn a_request_for_no_call_of_ours_is_answered_481_and_an_ack_not_at_all() {
    let mut caller = Caller::answered(true);
    caller.to = "<sip:1@10.0.0.1>;tag=nobody".to_owned();
    for (at, method) in ["BYE", "INVITE", "INFO", "UPDATE", "NOTIFY", "OPTIONS"].into_iter().enumerate() {
        caller.say(method, 7, &format!("z9hG4bKx{at}"));
    }
    assert_eq!(caller.answers(), [481; 6]);
    caller.say("ACK", 7, "z9hG4bKy");
    caller.say("CANCEL", 7, "z9hG4bKz");
    assert_eq!(caller.answers(), [481]);
}

#[test]
fn a_cancel_from_somewhere_else_does_nothing() {
    let mut network = Network::new(31);
    let (b, hand, thief) = (network.user_agent(settings(0)), network.hand(), network.hand());
    let target = uri(&format!("sip:1@{}", address(b)));
    let invite = compose::RequestBuilder::new(Method::Invite, &target)
        .via(&sip::Via::new(sip::Transport::Udp, "10.0.0.2".parse().unwrap(), Some(5060), "z9hG4bKvictim"))
        .from(&sip::NameAddr::new(uri("sip:hand@10.0.0.2")).with_tag("hand"))
        .to(&sip::NameAddr::new(target))
        .call_id("victim")
        .cseq(1)
        .contact(&sip::NameAddr::new(uri("sip:hand@10.0.0.2")))
        .build()
        .unwrap();
    network.send(hand, b, invite.bytes().clone());
    network.run(SHORT);
    assert!(matches!(network.event(b), Event::Invited { .. }));
    let cancel = compose::cancel_of(&invite).unwrap();
    network.send(thief, b, cancel.bytes().clone());
    network.run(SHORT);
    assert_eq!(network.events(b), []);
    network.send(hand, b, cancel.bytes().clone());
    network.run(SHORT);
    assert!(matches!(network.event(b), Event::Cancelled { .. }));
}
