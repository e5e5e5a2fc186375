//! What is refused, challenged and dropped: each is counted and told with its cause, and no call that arrives
//! is in neither book.

// clippy.toml allows it in test functions; here the helpers are tests too.
#![allow(clippy::unwrap_used)]

#[path = "support/network.rs"]
mod network;

use std::time::Duration;

use network::{Network, Node, address, settings};
use sip::digest::{self, ClientAccount, Secret};
use sip::user_agent::{Event, RefusalCause, RefusedRequest, RequestKind, Settings, TrunkCredentials};
use sip::{Limits, Message};

const SHORT: Duration = Duration::from_millis(100);

/// A user agent that knows Kim, and somebody who writes by hand, from no trunk's address.
fn house(change: impl FnOnce(&mut Settings)) -> (Network, Node, Node) {
    let mut network = Network::new(7);
    let mut own = settings(0);
    own.trunks.clear();
    change(&mut own);
    let (a, hand) = (network.user_agent(own), network.hand());
    network.ua(a).set_account("kim", Secret::Password("secret".to_owned()));
    (network, a, hand)
}

fn request(method: &str, number: u32, from: &str, hand: Node, more: &str) -> String {
    let here = address(hand);
    let uri = if method == "REGISTER" { "sip:cc.example.com" } else { "sip:1@cc.example.com" };
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{method}{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:{from}>;tag=m\r\nTo: <sip:kim@cc.example.com>\r\nCall-ID: {number}\r\n\
         CSeq: {number} {method}\r\nContact: <sip:m@{here}>\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

fn invite(number: u32, from: &str, hand: Node, more: &str) -> String {
    request("INVITE", number, from, hand, more)
}

fn say(network: &mut Network, a: Node, hand: Node, text: &str) -> Vec<Message> {
    network.send(hand, a, text.as_bytes().to_vec());
    network.run(SHORT);
    network.received(hand)
}

/// What was refused, without where it came from.
fn refused(network: &mut Network, a: Node) -> Vec<(RequestKind, u16, RefusalCause)> {
    let told = |one: &RefusedRequest| (one.request, one.status, one.cause);
    network.refused(a).iter().map(told).collect()
}

/// The request with the answer to a challenge.
fn answered(text: &str, challenge: &Message, secret: &str) -> String {
    let first = Message::parse(text.as_bytes().to_vec().into(), &Limits::default()).unwrap();
    let account =
        ClientAccount { user: "kim".to_owned(), secret: Secret::Password(secret.to_owned()), realm: None };
    let answer = digest::answer(&account, &first, challenge, "0a4f113b", 1).unwrap();
    text.replace("branch=z9hG4bK", "branch=z9hG4bK-again-")
        .replace("Content-Length", &format!("{}: {}\r\nContent-Length", answer.name, answer.value))
}

#[test]
fn each_way_to_refuse_a_call_is_told_with_its_cause_and_source() {
    let (mut network, a, hand) = house(|own| own.trunks.push(network::trunk(1)));
    let odd = [
        (invite(1, "m@x", hand, "Require: 100rel\r\n"), 420, RefusalCause::Unsupported),
        (invite(2, "m@x", hand, "Accept: text/plain\r\n"), 406, RefusalCause::Unsupported),
        (invite(3, "m@x", hand, "").replace("Max-Forwards: 70", "Max-Forwards: 0"), 483, RefusalCause::Loop),
        (
            invite(4, "m@x", hand, "").replace("CSeq: 4 INVITE", "CSeq: x INVITE"),
            400,
            RefusalCause::Malformed,
        ),
        (
            invite(5, "m@x", hand, "").replace("INVITE sip:1@", "INVITE http://"),
            416,
            RefusalCause::Unsupported,
        ),
    ];
    let mut expected = Vec::new();
    for (text, status, cause) in odd {
        let answers = say(&mut network, a, hand, &text);
        assert_eq!(answers.iter().map(Message::status).collect::<Vec<u16>>(), [status], "{text}");
        expected.push((RequestKind::Call, status, cause));
    }
    assert_eq!(refused(&mut network, a), expected);
    assert!(network.refused(a).iter().all(|one| one.remote == address(hand)));
    assert_eq!(network.ua(a).totals().calls(), 5);
    network.assert_every_call_counts(a);
}

#[test]
fn the_first_challenge_is_no_refusal_and_a_wrong_password_is() {
    let (mut network, a, hand) = house(|_| {});
    for (kind, method) in [(RequestKind::Call, "INVITE"), (RequestKind::Registration, "REGISTER")] {
        let before = network.refused(a).len();
        let text = request(method, 10, "kim@cc.example.com", hand, "");
        let challenge = say(&mut network, a, hand, &text).remove(0);
        assert_eq!((challenge.status(), network.refused(a).len()), (401, before), "{method}");
        let wrong = answered(&text, &challenge, "guessed");
        assert_eq!(say(&mut network, a, hand, &wrong)[0].status(), 401);
        assert_eq!(refused(&mut network, a)[before..], [(kind, 401, RefusalCause::WrongPassword)]);
        let right = answered(&text, &challenge, "secret").replace("-again-", "-right-");
        let statuses: Vec<u16> = say(&mut network, a, hand, &right).iter().map(Message::status).collect();
        assert!(matches!(statuses[..], [100] | [200]), "{statuses:?}");
        assert_eq!(network.refused(a).len(), before + 1);
    }
    let totals = network.ua(a).totals();
    assert_eq!((totals.invites, totals.invites_challenged, totals.others_challenged), (3, 1, 1));
    network.assert_every_call_counts(a);
}

#[test]
fn who_guesses_is_told_as_slowed_down_and_never_by_name() {
    let (mut network, a, hand) = house(|own| own.backoff.failures = 1);
    let text = request("REGISTER", 20, "kim@cc.example.com", hand, "");
    let challenge = say(&mut network, a, hand, &text).remove(0);
    for _ in 0..4 {
        say(&mut network, a, hand, &answered(&text, &challenge, "guessed"));
    }
    let causes: Vec<RefusalCause> = network.refused(a).iter().map(|one| one.cause).collect();
    assert_eq!(causes[..2], [RefusalCause::WrongPassword; 2]);
    assert_eq!(causes[2..], [RefusalCause::BackOff; 2]);
    let told = serde_json::to_string(network.refused(a)).unwrap();
    assert!(!told.contains("kim") && !told.contains("guessed"), "{told}");
}

#[test]
fn strangers_and_borrowed_names_are_told_apart() {
    let (mut network, a, hand) = house(|_| {});
    network.ua(a).set_account("lee", Secret::Password("other".to_owned()));
    assert_eq!(say(&mut network, a, hand, &invite(1, "m@elsewhere.example", hand, ""))[0].status(), 403);
    let text = invite(2, "lee@cc.example.com", hand, "");
    let challenge = say(&mut network, a, hand, &text).remove(0);
    assert_eq!(say(&mut network, a, hand, &answered(&text, &challenge, "secret"))[0].status(), 403);
    let elsewhere = request("REGISTER", 3, "kim@cc.example.com", hand, "")
        .replace("REGISTER sip:cc.example.com", "REGISTER sip:elsewhere.example");
    assert_eq!(say(&mut network, a, hand, &elsewhere)[0].status(), 404);
    let expected = [
        (RequestKind::Call, 403, RefusalCause::UnknownSource),
        (RequestKind::Call, 403, RefusalCause::WrongIdentity),
        (RequestKind::Registration, 404, RefusalCause::WrongDomain),
    ];
    assert_eq!(refused(&mut network, a), expected);
    network.assert_every_call_counts(a);
}

#[test]
fn each_limit_has_its_own_cause() {
    let call = |change: fn(&mut Settings), number: u32| {
        let (mut network, a, hand) = house(|own| {
            own.trunks.push(network::trunk(1));
            change(own);
        });
        let mut statuses = Vec::new();
        for number in 0..number {
            for answer in say(&mut network, a, hand, &invite(number, "m@x", hand, "")) {
                statuses.push(answer.status());
            }
        }
        network.assert_every_call_counts(a);
        let causes: Vec<RefusalCause> = network.refused(a).iter().map(|one| one.cause).collect();
        (statuses, causes)
    };
    let expected = |cause| (vec![100, 503], vec![cause]);
    assert_eq!(call(|own| own.limits.sessions = 1, 2), expected(RefusalCause::Sessions));
    assert_eq!(call(|own| own.limits.transactions = 1, 2), expected(RefusalCause::Transactions));
    assert_eq!(call(|own| own.limits.calls_per_second = 1, 2), expected(RefusalCause::CallRate));
    assert_eq!(call(|own| own.trunks[0].calls_per_second = Some(1), 2), expected(RefusalCause::TrunkRate));
    let nothing = (vec![403], vec![RefusalCause::NoCredentials]);
    assert_eq!(call(|own| own.trunks[0].challenge = true, 1), nothing);
}

#[test]
fn a_challenged_trunk_counts_each_call_once() {
    let credentials = TrunkCredentials { user: "kim".to_owned(), secret: "s3cret".to_owned() };
    let (mut network, a, hand) = house(|own| {
        let trunk = network::trunk(1);
        own.trunks.push(sip::Trunk { challenge: true, credentials: Some(credentials), ..trunk });
    });
    for number in 0..5 {
        let text = invite(number, "m@x", hand, "");
        let challenge = say(&mut network, a, hand, &text).remove(0);
        let secret = if number < 2 { "s3cret" } else { "wrong" };
        say(&mut network, a, hand, &answered(&text, &challenge, secret));
    }
    let totals = network.ua(a).totals();
    assert_eq!((totals.invites, totals.invites_challenged, totals.calls()), (10, 5, 5));
    let told = network.events(a);
    assert_eq!(told.iter().filter(|event| matches!(event, Event::Invited { .. })).count(), 2);
    network.assert_every_call_counts(a);
}

#[test]
fn a_retransmission_counts_once_where_it_is_remembered() {
    let (mut network, a, hand) = house(|own| own.trunks.push(network::trunk(1)));
    for _ in 0..5 {
        say(&mut network, a, hand, &invite(1, "m@x", hand, ""));
    }
    assert_eq!(network.ua(a).totals().invites, 1);
    network.assert_every_call_counts(a);
}

#[test]
fn what_may_not_be_answered_is_counted_as_dropped_and_a_keep_alive_is_not() {
    let (mut network, a, hand) = house(|_| {});
    for text in ["\r\n\r\n", "", "nonsense", "SIP/2.0 200 OK\r\nVia: x\r\n\r\n"] {
        assert!(say(&mut network, a, hand, text).is_empty(), "{text:?}");
    }
    assert_eq!((network.ua(a).totals().malformed, network.ua(a).totals().stray), (2, 0));
    let foreign = format!(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKnobody\r\nFrom: <sip:1@x>;tag=1\r\n\
         To: <sip:m@x>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:m@{}>\r\nContent-Length: 0\r\n\r\n",
        address(hand)
    );
    say(&mut network, a, hand, &foreign);
    assert_eq!((network.ua(a).totals().malformed, network.ua(a).totals().stray), (2, 1));
    assert!(network.refused(a).is_empty());
}

#[test]
fn requests_inside_of_nothing_are_told_as_other() {
    let (mut network, a, hand) = house(|_| {});
    let bye =
        request("BYE", 1, "m@x", hand, "").replace("To: <sip:kim@cc.example.com>", "To: <sip:k@x>;tag=1");
    assert_eq!(say(&mut network, a, hand, &bye)[0].status(), 481);
    let reinvite = invite(2, "m@x", hand, "").replace("To: <sip:kim@cc.example.com>", "To: <sip:k@x>;tag=1");
    assert_eq!(say(&mut network, a, hand, &reinvite)[0].status(), 481);
    assert_eq!(say(&mut network, a, hand, &request("PUBLISH", 3, "m@x", hand, ""))[0].status(), 405);
    let expected = [
        (RequestKind::Other, 481, RefusalCause::NoSession),
        (RequestKind::Other, 481, RefusalCause::NoSession),
        (RequestKind::Other, 405, RefusalCause::Unsupported),
    ];
    assert_eq!(refused(&mut network, a), expected);
    assert_eq!(network.ua(a).totals().calls(), 0, "a re-INVITE is no new call");
}
