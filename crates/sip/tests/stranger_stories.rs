//! Who may do what: trunks, accounts, strangers; registrations; load; and the torture messages of
//! RFC 4475 given to a whole user agent.

// clippy.toml allows it in test functions; here the helpers are tests too.
#![allow(clippy::unwrap_used)]

#[path = "support/network.rs"]
mod network;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use network::{Network, Node, address, call, sdp, settings, trunk, uri};
use sip::digest::{self, ClientAccount, Secret};
use sip::locate::{Naptr, Question, Records, ResolverFailed, Srv};
use sip::user_agent::{
    Destination, Event, FailureCause, Invitation, Origin, Query, Refused, Settings, TrunkCredentials,
    TrunkId, UnregisteredCause,
};
use sip::{Flow, Limits, Message, Method, Name, Protocol, UserAgent};
use timing::Instant;

const SHORT: Duration = Duration::from_millis(100);

/// A user agent that knows Kim and no trunk, and somebody who writes by hand.
fn house(seed: u64) -> (Network, Node, Node) {
    let mut network = Network::new(seed);
    let mut own = settings(0);
    own.trunks.clear();
    let (a, hand) = (network.user_agent(own), network.hand());
    network.ua(a).set_account("kim", Secret::Password("secret".to_owned()));
    (network, a, hand)
}

struct Script {
    method: &'static str,
    from: &'static str,
    to: &'static str,
    cseq: u32,
    call_id: &'static str,
    more: String,
}

impl Script {
    fn new(method: &'static str, from: &'static str, cseq: u32) -> Script {
        Script { method, from, to: "kim", cseq, call_id: "by-hand", more: String::new() }
    }

    fn with(mut self, line: &str) -> Script {
        self.more.push_str(&format!("{line}\r\n"));
        self
    }

    fn message(&self, node: Node, hand: Node) -> Message {
        let (method, from, to, cseq) = (self.method, self.from, self.to, self.cseq);
        let uri = if method == "REGISTER" {
            "sip:cc.example.com".to_owned()
        } else {
            format!("sip:1@{}", address(node))
        };
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{method}{cseq}{}{}\r\nMax-Forwards: 70\r\n\
             From: <sip:{from}>;tag=hand\r\nTo: <sip:{to}@cc.example.com>\r\nCall-ID: {}\r\n\
             CSeq: {cseq} {method}\r\n{}Content-Length: 0\r\n\r\n",
            address(hand),
            self.more.len(),
            self.call_id,
            self.call_id,
            self.more,
        );
        Message::parse(text.into_bytes().into(), &Limits::default()).unwrap()
    }
}

fn statuses(network: &mut Network, hand: Node) -> Vec<u16> {
    network.run(SHORT);
    network.received(hand).iter().map(Message::status).collect()
}

fn say(network: &mut Network, node: Node, hand: Node, script: &Script) -> Vec<u16> {
    network.send(hand, node, script.message(node, hand).bytes().clone());
    statuses(network, hand)
}

/// Says it, and again with the answer to the challenge.
fn say_with_password(
    network: &mut Network,
    node: Node,
    hand: Node,
    script: Script,
    user: &str,
    secret: &str,
) -> Vec<u16> {
    let first = script.message(node, hand);
    network.send(hand, node, first.bytes().clone());
    network.run(SHORT);
    let challenge = network.received(hand).remove(0);
    assert_eq!(challenge.status(), 401);
    let account =
        ClientAccount { user: user.to_owned(), secret: Secret::Password(secret.to_owned()), realm: None };
    let answer = digest::answer(&account, &first, &challenge, "0a4f113b", 1).unwrap();
    let script =
        Script { cseq: script.cseq + 1, ..script }.with(&format!("{}: {}", answer.name, answer.value));
    say(network, node, hand, &script)
}

fn register(cseq: u32) -> Script {
    Script::new("REGISTER", "kim@cc.example.com", cseq)
        .with("Contact: <sip:kim@10.0.0.2:5060>")
        .with("Expires: 600")
}

#[test]
fn a_stranger_gets_no_call_through_and_leaves_nothing_behind() {
    let (mut network, a, hand) = house(1);
    let stranger = Script::new("INVITE", "mallory@elsewhere.example", 1).with("Contact: <sip:m@10.0.0.2>");
    assert_eq!(say(&mut network, a, hand, &stranger), [403]);
    let pretender = Script::new("INVITE", "kim@cc.example.com", 2).with("Contact: <sip:m@10.0.0.2>");
    assert_eq!(say(&mut network, a, hand, &pretender), [401]);
    for method in ["MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER"] {
        assert_eq!(say(&mut network, a, hand, &Script::new(method, "kim@cc.example.com", 3)), [405]);
    }
    for method in ["BYE", "INFO", "UPDATE", "NOTIFY"] {
        assert_eq!(say(&mut network, a, hand, &Script::new(method, "kim@cc.example.com", 4)), [481]);
    }
    assert_eq!(say(&mut network, a, hand, &Script::new("DANCE", "kim@cc.example.com", 5)), [501]);
    assert_eq!(network.events(a), []);
    assert_eq!((network.counts(a).server_transactions, network.counts(a).timers), (0, 0));
}

#[test]
fn a_route_or_a_foreign_request_uri_makes_no_relay_of_us() {
    let (mut network, a, hand) = house(2);
    let victim = network.hand();
    let mut settings = settings(0);
    settings.trunks[0].networks[0].prefix = 8;
    network.ua(a).configure(settings);
    let script = Script::new("INVITE", "mallory@elsewhere.example", 1)
        .with("Contact: <sip:m@10.0.0.2>")
        .with(&format!("Route: <sip:{};lr>", address(victim)));
    say(&mut network, a, hand, &script);
    network.run(Duration::from_secs(60));
    assert!(network.received(victim).is_empty());
}

#[test]
fn an_account_calls_with_its_password_and_its_own_name_only() {
    let (mut network, a, hand) = house(3);
    let contact = "Contact: <sip:kim@10.0.0.2>";
    let own = Script::new("INVITE", "kim@cc.example.com", 1).with(contact);
    assert_eq!(say_with_password(&mut network, a, hand, own, "kim", "secret"), [100]);
    let Event::Invited { invite, .. } = network.event(a) else { panic!("no invitation") };
    assert_eq!(invite.origin, Origin::Account("kim".to_owned()));
    network.ua(a).set_account("lee", Secret::Password("other".to_owned()));
    let spoofed = Script { call_id: "2", ..Script::new("INVITE", "kim@cc.example.com", 1).with(contact) };
    assert_eq!(say_with_password(&mut network, a, hand, spoofed, "lee", "other"), [403]);
    assert_eq!(network.events(a), []);
}

#[test]
fn known_and_unknown_users_are_answered_alike() {
    let (mut network, a, hand) = house(4);
    let known = say_with_password(&mut network, a, hand, register(1), "kim", "wrong");
    let unknown = Script::new("REGISTER", "nobody@cc.example.com", 5).with("Contact: <sip:x@10.0.0.2>");
    assert_eq!(say_with_password(&mut network, a, hand, unknown, "nobody", "wrong"), known);
    assert_eq!(known, [401]);
}

#[test]
fn who_guesses_passwords_is_slowed_down_and_a_phone_elsewhere_is_not() {
    let (mut network, a, hand) = house(5);
    let other = network.hand();
    let mut last = Vec::new();
    for cseq in 0..10 {
        last = say_with_password(&mut network, a, hand, register(cseq * 2 + 1), "kim", "wrong");
    }
    assert_eq!(last, [503]);
    network.restore(a);
    assert_eq!(say_with_password(&mut network, a, other, register(1), "kim", "secret"), [200]);
}

/// Whoever forges the source of a datagram never sees the challenge that goes there.
#[test]
fn guesses_in_the_name_of_another_source_do_not_lock_it_out() {
    let (mut network, a, office) = house(20);
    let attacker = network.hand();
    let first = register(1).message(a, attacker);
    network.send(attacker, a, first.bytes().clone());
    network.run(SHORT);
    let challenge = network.received(attacker).remove(0);
    let account =
        ClientAccount { user: "kim".to_owned(), secret: Secret::Password("guess".to_owned()), realm: None };
    for count in 1..30 {
        let answer = digest::answer(&account, &first, &challenge, "0a4f113b", count).unwrap();
        let forged = register(count + 1).with(&format!("{}: {}", answer.name, answer.value));
        assert_eq!(say(&mut network, a, office, &forged), [401]);
    }
    assert_eq!(say_with_password(&mut network, a, office, register(100), "kim", "secret"), [200]);
}

#[test]
fn a_phone_registers_is_called_on_its_flow_and_is_gone_when_its_time_is_over() {
    let (mut network, a, hand) = house(6);
    let behind_nat = Script::new("REGISTER", "kim@cc.example.com", 1)
        .with("Contact: <sip:kim@192.168.1.7:5060>")
        .with("Expires: 600");
    assert_eq!(say_with_password(&mut network, a, hand, behind_nat, "kim", "secret"), [200]);
    assert_eq!(network.event(a), Event::Registered { account: "kim".to_owned(), contacts: 1 });
    let contact = network.ua(a).contacts("kim").remove(0);
    let invitation = Invitation { destination: Destination::Contact(Box::new(contact)), ..call(hand, None) };
    let now = network.now;
    network.ua(a).invite(now, &invitation).unwrap();
    network.run(SHORT);
    let invite = network.received(hand).remove(0);
    assert_eq!(invite.request_uri(), b"sip:kim@192.168.1.7:5060");
    network.run(Duration::from_secs(700));
    let events = network.events(a);
    let cause = UnregisteredCause::Expired;
    assert_eq!(events.last(), Some(&Event::Unregistered { account: "kim".to_owned(), cause }));
    network.assert_nothing_left();
}

#[test]
fn a_retransmitted_registration_is_answered_again_and_a_replayed_one_is_not_believed() {
    let (mut network, a, hand) = house(7);
    let first = register(1).message(a, hand);
    network.send(hand, a, first.bytes().clone());
    network.run(SHORT);
    let challenge = network.received(hand).remove(0);
    let account =
        ClientAccount { user: "kim".to_owned(), secret: Secret::Password("secret".to_owned()), realm: None };
    let answer = digest::answer(&account, &first, &challenge, "0a4f113b", 1).unwrap();
    let authorised = register(2).with(&format!("{}: {}", answer.name, answer.value));
    assert_eq!(say(&mut network, a, hand, &authorised), [200]);
    assert_eq!(say(&mut network, a, hand, &authorised), [200]);
    let replay = Script { cseq: 3, call_id: "thief", ..authorised };
    assert_eq!(say(&mut network, a, hand, &replay), [401]);
    network.ua(a).remove_account("kim");
    let events = network.events(a);
    let cause = UnregisteredCause::AccountRemoved;
    assert_eq!(events.last(), Some(&Event::Unregistered { account: "kim".to_owned(), cause }));
}

#[test]
fn a_phone_that_registers_over_tcp_is_called_down_its_stream_and_gone_with_it() {
    let (mut network, a, hand) = house(17);
    let script = register(1);
    let there = network.accept_stream(a, hand);
    let first = script.message(a, hand);
    network.say_on_stream(a, there, first.bytes());
    let challenge = network.last_on_stream(a);
    let account =
        ClientAccount { user: "kim".to_owned(), secret: Secret::Password("secret".to_owned()), realm: None };
    let answer = digest::answer(&account, &first, &challenge, "0a4f113b", 1).unwrap();
    let second = Script { cseq: 2, ..script }.with(&format!("{}: {}", answer.name, answer.value));
    network.say_on_stream(a, there, second.message(a, hand).bytes());
    assert_eq!(network.last_on_stream(a).status(), 200);
    network.restore(a);
    let contact = network.ua(a).contacts("kim").remove(0);
    assert_eq!(contact.flow.connection, Some(there));
    let invitation =
        Invitation { destination: Destination::Contact(Box::new(contact.clone())), ..call(hand, None) };
    let now = network.now;
    network.ua(a).invite(now, &invitation).unwrap();
    assert_eq!(network.last_on_stream(a).method(), Method::Invite);
    network.ua(a).connection_closed(now, there);
    let events = network.events(a);
    let cause = UnregisteredCause::ConnectionLost;
    assert!(events.contains(&Event::Unregistered { account: "kim".to_owned(), cause }));
    assert!(matches!(events.last(), Some(Event::Failed { cause: FailureCause::Transport, .. })));
    assert!(network.ua(a).invite(now, &invitation).is_err());
    network.assert_nothing_left();
}

#[test]
fn an_answer_whose_stream_is_gone_goes_to_the_port_in_via() {
    let mut network = Network::new(19);
    let (a, hand) = (network.user_agent(settings(0)), network.hand());
    let there = network.accept_stream(a, hand);
    let invite = Script::new("INVITE", "x@y", 1).message(a, hand);
    let text = String::from_utf8(invite.bytes().to_vec()).unwrap().replace("SIP/2.0/UDP", "SIP/2.0/TCP");
    network.say_on_stream(a, there, text.as_bytes());
    let Event::Invited { session, .. } = network.event(a) else { panic!("no invitation") };
    let now = network.now;
    network.ua(a).connection_closed(now, there);
    network.ua(a).refuse(now, session, 486, &[]).unwrap();
    let sent = network.ua(a).poll_transmit().unwrap();
    assert_eq!((sent.flow.protocol, sent.flow.connection), (Protocol::Tcp, None));
    assert_eq!(sent.flow.remote, address(hand));
}

#[test]
fn a_stream_that_is_no_sip_is_closed() {
    let (mut network, a, hand) = house(18);
    let there = network.accept_stream(a, hand);
    let request = "OPTIONS sip:a SIP/2.0\r\nContent-Length: -3\r\n\r\n";
    network.say_on_stream(a, there, request.as_bytes());
    assert_eq!(network.ua(a).poll_close(), Some(there));
}

#[test]
fn streams_of_strangers_make_room_and_that_of_a_phone_does_not() {
    let (mut network, a, hand) = house(21);
    let mut own = network.ua(a).settings().clone();
    own.limits.connections = 2;
    network.ua(a).configure(own);
    let phone = network.accept_stream(a, hand);
    let first = register(1).message(a, hand);
    network.say_on_stream(a, phone, first.bytes());
    let challenge = network.last_on_stream(a);
    let account =
        ClientAccount { user: "kim".to_owned(), secret: Secret::Password("secret".to_owned()), realm: None };
    let answer = digest::answer(&account, &first, &challenge, "0a4f113b", 1).unwrap();
    let second = register(2).with(&format!("{}: {}", answer.name, answer.value));
    network.say_on_stream(a, phone, second.message(a, hand).bytes());
    assert_eq!(network.last_on_stream(a).status(), 200);
    let idle = network.accept_stream(a, hand);
    let asking = network.accept_stream(a, hand);
    assert_eq!(network.ua(a).poll_close(), Some(idle));
    network.say_on_stream(a, asking, Script::new("OPTIONS", "x@y", 1).message(a, hand).bytes());
    assert_eq!(network.last_on_stream(a).status(), 200);
    network.restore(a);
    let last = network.accept_stream(a, hand);
    assert_eq!(network.ua(a).poll_close(), Some(asking));
    assert_eq!((network.ua(a).poll_close(), network.counts(a).contacts), (None, 1));
    // Where everybody is known there is no room.
    let mut own = network.ua(a).settings().clone();
    own.limits.connections = 1;
    network.ua(a).configure(own);
    let now = network.now;
    network.ua(a).connection_closed(now, last);
    let one_more = network.accept_stream(a, hand);
    assert_eq!(network.ua(a).poll_close(), Some(one_more));
    assert_eq!((network.ua(a).poll_close(), network.counts(a).connections), (None, 1));
}

#[test]
fn a_stream_that_says_nothing_is_closed_soon_and_one_that_spoke_is_not() {
    let (mut network, a, hand) = house(23);
    let silent = network.accept_stream(a, hand);
    let pinging = network.accept_stream(a, hand);
    let speaking = network.accept_stream(a, hand);
    network.say_on_stream(a, speaking, Script::new("OPTIONS", "x@y", 1).message(a, hand).bytes());
    network.restore(a);
    network.say_on_stream(a, pinging, b"\r\n\r\n");
    let begun = network.now;
    network.ua(a).handle_timeout(begun + Duration::from_millis(29_999));
    assert_eq!(network.ua(a).poll_close(), None);
    let due = begun + Duration::from_secs(30);
    assert!(network.ua(a).poll_timeout().is_some_and(|deadline| deadline <= due));
    network.ua(a).handle_timeout(due);
    let closed = [network.ua(a).poll_close(), network.ua(a).poll_close(), network.ua(a).poll_close()];
    assert_eq!(closed, [Some(silent), Some(pinging), None]);
    assert_eq!(network.counts(a).connections, 1);
}

#[test]
fn who_watches_streams_sees_whole_messages_however_they_were_cut() {
    let (mut network, a, hand) = house(24);
    let stream = network.accept_stream(a, hand);
    let secret = Script::new("REGISTER", "kim@cc.example.com", 1)
        .with("Authorization: Digest username=\"kim\", response=\"d41d8cd98f00b204e9800998ecf8427e\"");
    let secret = secret.message(a, hand);
    let options = Script::new("OPTIONS", "x@y", 2).message(a, hand);
    let broken = b"OPTIONS sip:a SIP/2.0\r\nno colon\r\nContent-Length: 0\r\n\r\n";
    let octets =
        [b"\r\n\r\n".as_slice(), secret.bytes(), b"\r\n\r\n", options.bytes(), broken, secret.bytes()]
            .concat();
    network.say_on_stream(a, stream, &octets);
    assert_eq!(network.ua(a).poll_watched(), None, "nobody watches");
    network.ua(a).watch_streams(true);
    for piece in octets.chunks(7) {
        network.say_on_stream(a, stream, piece);
    }
    let seen: Vec<Vec<u8>> =
        std::iter::from_fn(|| network.ua(a).poll_watched()).map(|(_, octets)| octets.to_vec()).collect();
    assert_eq!(
        seen,
        [secret.bytes().to_vec(), options.bytes().to_vec(), broken.to_vec(), secret.bytes().to_vec()]
    );
}

#[test]
fn registering_somebody_else_or_elsewhere_is_refused() {
    let (mut network, a, hand) = house(8);
    let other = Script { to: "boss", ..register(1) };
    assert_eq!(say_with_password(&mut network, a, hand, other, "kim", "secret"), [403]);
    let stranger = Script::new("REGISTER", "mallory@elsewhere.example", 3);
    assert_eq!(say(&mut network, a, hand, &stranger), [403]);
}

#[test]
fn a_trunk_with_a_challenge_must_answer_it_and_we_answer_theirs() {
    let mut network = Network::new(9);
    let credentials = TrunkCredentials { user: "pbx".to_owned(), secret: "s3cret".to_owned() };
    let (mut ours, mut theirs) = (settings(0), settings(1));
    ours.trunks[0].credentials = Some(credentials.clone());
    theirs.trunks[0].credentials = Some(credentials);
    theirs.trunks[0].challenge = true;
    let (a, b) = (network.user_agent(ours), network.user_agent(theirs));
    let target = uri(&format!("sip:1@{}", address(b)));
    let over_trunk = Invitation {
        destination: Destination::Trunk { trunk: TrunkId(1), target: target.clone() },
        ..call(b, Some(sdp("offer")))
    };
    let now = network.now;
    network.ua(a).invite(now, &over_trunk).unwrap();
    network.run(SHORT);
    assert!(matches!(network.event(b), Event::Invited { .. }));
    assert_eq!((network.sent("401", b, a), network.sent("INVITE", a, b)), (1, 2));
    // The same host without the trunk's name gets nothing of its password.
    let now = network.now;
    network.ua(a).invite(now, &call(b, Some(sdp("offer")))).unwrap();
    network.run(SHORT);
    assert_eq!(network.events(b), []);
    match network.event(a) {
        Event::Failed { status: 401, cause: FailureCause::Response, .. } => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wrong_trunk_password_is_tried_once_and_then_fails() {
    let mut network = Network::new(10);
    let credentials =
        |secret: &str| Some(TrunkCredentials { user: "pbx".to_owned(), secret: secret.to_owned() });
    let (mut ours, mut theirs) = (settings(0), settings(1));
    ours.trunks[0].credentials = credentials("wrong");
    theirs.trunks[0].credentials = credentials("right");
    theirs.trunks[0].challenge = true;
    let (a, b) = (network.user_agent(ours), network.user_agent(theirs));
    let target = uri(&format!("sip:1@{}", address(b)));
    let destination = Destination::Trunk { trunk: TrunkId(1), target };
    let now = network.now;
    network.ua(a).invite(now, &Invitation { destination, ..call(b, None) }).unwrap();
    network.run(SHORT);
    assert!(matches!(network.event(a), Event::Failed { status: 401, .. }));
    assert_eq!(network.sent("INVITE", a, b), 2);
    network.assert_nothing_left();
}

#[test]
fn a_trunk_gets_its_rate_and_more_is_told_to_come_back() {
    let mut network = Network::new(11);
    let mut own = settings(0);
    own.trunks[0].calls_per_second = Some(3);
    let (a, hand) = (network.user_agent(own), network.hand());
    let mut answers = Vec::new();
    for cseq in 1..6 {
        let script = Script {
            call_id: ["a", "b", "c", "d", "e", "f"][cseq as usize],
            ..Script::new("INVITE", "x@y", cseq)
        };
        network.send(hand, a, script.message(a, hand).bytes().clone());
    }
    network.run(SHORT);
    for message in network.received(hand) {
        answers.push(message.status());
        assert_eq!(message.status() == 503, message.number(Name::RetryAfter) == Ok(Some(5)));
    }
    assert_eq!(answers, [100, 100, 100, 503, 503]);
    assert_eq!(network.counts(a).sessions, 3);
}

#[test]
fn a_full_house_refuses_the_next_call_and_keeps_the_present_ones() {
    let mut network = Network::new(12);
    let mut own = settings(1);
    own.limits.sessions = 1;
    let (a, b) = (network.user_agent(settings(0)), network.user_agent(own));
    let (out, _) = network.talk(a, b);
    let now = network.now;
    network.ua(a).invite(now, &call(b, None)).unwrap();
    network.run(SHORT);
    match network.event(a) {
        Event::Failed { status: 503, retry_after, .. } => {
            assert_eq!(retry_after, Some(Duration::from_secs(5)));
        }
        other => panic!("{other:?}"),
    }
    let now = network.now;
    network.ua(a).request(now, out, Method::Info, &[], None).unwrap();
    network.run(SHORT);
    assert!(matches!(network.event(b), Event::Requested { .. }));
}

#[test]
fn a_full_house_calls_for_those_whom_it_let_in_up_to_twice_its_limits() {
    let sessions: fn(&mut Settings) = |own| own.limits.sessions = 1;
    let transactions: fn(&mut Settings) = |own| own.limits.transactions = 1;
    for limit in [sessions, transactions] {
        let mut network = Network::new(12);
        let mut own = settings(1);
        limit(&mut own);
        let (a, b) = (network.user_agent(settings(0)), network.user_agent(own));
        let now = network.now;
        network.ua(a).invite(now, &call(b, None)).unwrap();
        network.run(SHORT);
        assert!(network.ua(b).invite(now, &call(a, None)).is_ok(), "one came in, and one may go out for it");
        assert_eq!(network.ua(b).invite(now, &call(a, None)), Err(Refused::Full));
    }
}

#[test]
fn a_user_agent_full_of_transactions_refuses_without_remembering() {
    let mut network = Network::new(13);
    let mut own = settings(0);
    own.limits.transactions = 2;
    let (a, hand) = (network.user_agent(own), network.hand());
    let mut answers = Vec::new();
    for call_id in ["a", "b", "c"] {
        answers.extend(say(&mut network, a, hand, &Script { call_id, cseq: 7, ..invite_numbered(call_id) }));
    }
    assert_eq!(answers, [100, 100, 503]);
    assert_eq!(network.counts(a).server_transactions, 2);
}

fn invite_numbered(call_id: &'static str) -> Script {
    Script::new("INVITE", "x@y", 1)
        .with(&format!("X-{call_id}: {}", call_id.repeat(usize::from(call_id.as_bytes()[0]))))
}

/// Answers the questions of a user agent from a list.
fn resolve(
    network: &mut Network,
    node: Node,
    zone: &[(Question, Result<Records, ResolverFailed>)],
) -> Vec<Question> {
    let mut asked = Vec::new();
    while let Some(Query { id, question }) = network.ua(node).poll_query() {
        let answer = zone.iter().find(|(known, _)| *known == question).map(|(_, answer)| answer.clone());
        let empty = match &question {
            Question::Naptr(_) => Records::Naptr(Vec::new()),
            Question::Srv(_) => Records::Srv(Vec::new()),
            Question::A(_) => Records::A(Vec::new()),
            Question::Aaaa(_) => Records::Aaaa(Vec::new()),
        };
        asked.push(question);
        let now = network.now;
        network.ua(node).resolved(now, id, answer.unwrap_or(Ok(empty)));
    }
    asked
}

#[test]
fn a_name_is_looked_up_and_the_next_address_tried_where_the_first_is_dead() {
    let (mut network, a, b) = Network::pair(14);
    let invitation = Invitation { destination: Destination::Uri(uri("sip:1@pbx.example")), ..call(b, None) };
    let now = network.now;
    let out = network.ua(a).invite(now, &invitation).unwrap();
    let srv = |priority, target: &str| Srv { priority, weight: 0, port: 5060, target: target.to_owned() };
    let naptr = Naptr {
        order: 1,
        preference: 1,
        flags: "s".to_owned(),
        service: "SIP+D2U".to_owned(),
        replacement: "_sip._udp.pbx.example".to_owned(),
    };
    let zone = [
        (Question::Naptr("pbx.example".to_owned()), Ok(Records::Naptr(vec![naptr]))),
        (
            Question::Srv("_sip._udp.pbx.example".to_owned()),
            Ok(Records::Srv(vec![srv(1, "dead.pbx.example"), srv(2, "live.pbx.example")])),
        ),
        (Question::A("dead.pbx.example".to_owned()), Ok(Records::A(vec![[10, 0, 0, 99].into()]))),
        (Question::A("live.pbx.example".to_owned()), Ok(Records::A(vec![[10, 0, 0, 2].into()]))),
    ];
    assert!(!resolve(&mut network, a, &zone).is_empty());
    network.run(Duration::from_secs(40));
    let Event::Invited { session, .. } = network.event(b) else { panic!("no invitation") };
    let now = network.now;
    network.ua(b).refuse(now, session, 486, &[]).unwrap();
    network.run(SHORT);
    assert!(matches!(network.event(a), Event::Failed { session, status: 486, .. } if session == out));
    network.assert_nothing_left();
}

#[test]
fn a_name_without_an_address_fails_and_a_cancelled_look_up_is_forgotten() {
    let (mut network, a, b) = Network::pair(15);
    let invitation =
        Invitation { destination: Destination::Uri(uri("sip:1@pbx.example:5060")), ..call(b, None) };
    let now = network.now;
    network.ua(a).invite(now, &invitation).unwrap();
    resolve(&mut network, a, &[(Question::A("pbx.example".to_owned()), Err(ResolverFailed))]);
    match network.event(a) {
        Event::Failed { status: 503, cause: FailureCause::Resolution, .. } => {}
        other => panic!("{other:?}"),
    }
    let now = network.now;
    let out = network.ua(a).invite(now, &invitation).unwrap();
    let waiting = network.ua(a).poll_query().unwrap();
    network.ua(a).cancel(now, out, Vec::new()).unwrap();
    assert!(matches!(network.event(a), Event::Failed { cause: FailureCause::Cancelled, .. }));
    network.ua(a).resolved(now, waiting.id, Ok(Records::A(vec![[10, 0, 0, 2].into()])));
    network.assert_nothing_left();
    assert_eq!(network.sent("INVITE", a, b), 0);
}

#[test]
fn trunks_are_told_apart_by_their_networks() {
    let mut network = Network::new(16);
    let mut own = settings(0);
    own.trunks = vec![trunk(7), trunk(8)];
    own.trunks[0].networks[0] = sip::user_agent::Network { address: [10, 0, 0, 3].into(), prefix: 32 };
    let a = network.user_agent(own);
    let (second, third) = (network.hand(), network.hand());
    for (hand, expected, call_id) in [(second, TrunkId(8), "one"), (third, TrunkId(7), "two")] {
        say(&mut network, a, hand, &Script { call_id, ..Script::new("INVITE", "x@y", 1) });
        let Event::Invited { invite, .. } = network.event(a) else { panic!("no invitation") };
        assert_eq!(invite.origin, Origin::Trunk(expected));
    }
}

/// What a user agent sends when a datagram comes from a trunk.
fn answers(ua: &mut UserAgent, datagram: Bytes) -> Vec<u16> {
    let remote: SocketAddr = "10.0.0.9:5060".parse().unwrap();
    let flow = Flow { protocol: Protocol::Udp, local: address(0), remote, connection: None };
    ua.handle_datagram(Instant::from_secs(1_000), flow, datagram);
    let sent = std::iter::from_fn(|| ua.poll_transmit());
    sent.map(|transmit| Message::parse(transmit.bytes, &Limits::default()).unwrap().status()).collect()
}

fn torture_settings() -> Settings {
    let mut own = settings(0);
    own.domains = vec!["example.com".to_owned()];
    own
}

/// The message and which answers to it are right, of each row of the table.
fn table() -> Vec<(String, Vec<Option<u16>>)> {
    let text = std::fs::read_to_string(messages().join("answers.txt")).unwrap();
    let status = |word: &str| (word != "silence").then(|| word.parse().unwrap());
    let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split_whitespace();
        let name = columns.next().unwrap().to_owned();
        (name, columns.next().unwrap().split('|').map(status).collect())
    });
    rows.collect()
}

#[test]
fn the_torture_messages_get_the_answers_that_rfc_4475_and_rfc_5118_ask_for() {
    let table = table();
    assert_eq!(table.len(), seeds("rfc4475").len() + seeds("rfc5118").len(), "a row for each");
    for (name, allowed) in table {
        let mut ua = UserAgent::new(torture_settings(), [7; 32]);
        let got = answers(&mut ua, std::fs::read(messages().join(format!("{name}.dat"))).unwrap().into());
        assert!(
            got.len() <= 1 && allowed.contains(&got.first().copied()),
            "{name}: {got:?}, not {allowed:?}"
        );
    }
}

#[test]
fn mutated_messages_never_panic_and_never_get_more_than_one_answer_each() {
    use rand_core::{RngCore, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(4475);
    let seeds = seeds("rfc4475");
    let mut ua = UserAgent::new(torture_settings(), [7; 32]);
    for _ in 0..3_000 {
        let mut octets = seeds[random.next_u64() as usize % seeds.len()].clone();
        for _ in 0..1 + random.next_u64() % 4 {
            let at = random.next_u64() as usize % octets.len();
            match random.next_u64() % 3 {
                0 => octets[at] = random.next_u64() as u8,
                1 => octets.truncate(at.max(1)),
                _ => octets.insert(at, b"\r\n;,<>\"@: 0"[random.next_u64() as usize % 11]),
            }
        }
        let got = answers(&mut ua, octets.into());
        // A CANCEL that finds its INVITE brings the 487 with its own 200.
        assert!(got.len() <= 2, "{got:?}");
    }
}

fn messages() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The messages of an RFC.
fn seeds(rfc: &str) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(messages().join(rfc)).unwrap().map(|entry| entry.unwrap().path());
    let messages = files.filter(|path| path.extension().is_some_and(|extension| extension == "dat"));
    let mut seeds: Vec<Vec<u8>> = messages.map(|path| std::fs::read(path).unwrap()).collect();
    seeds.sort();
    seeds
}
