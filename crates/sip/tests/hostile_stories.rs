//! Strangers and peers that mean harm: what they send costs us little, costs others nothing and stays with
//! them.

// clippy.toml allows it in test functions; here the helpers are tests too.
#![allow(clippy::unwrap_used)]

#[path = "support/network.rs"]
mod network;

use std::time::Duration;

use network::{Network, Node, address, call, sdp, settings, uri};
use sip::user_agent::{Destination, Event, Invitation, TrunkCredentials, TrunkId};
use sip::{Message, Method, Name, NameAddr, compose};

const SHORT: Duration = Duration::from_millis(100);

/// A user agent and somebody who writes by hand.
fn house(seed: u64) -> (Network, Node, Node) {
    let mut network = Network::new(seed);
    let mut own = settings(0);
    own.limits.is_amplification_bounded = true;
    let (a, hand) = (network.user_agent(own), network.hand());
    (network, a, hand)
}

/// A request outside of dialogs with these lines beside the mandatory ones.
fn request(method: &str, number: usize, hand: Node, more: &str) -> String {
    let here = address(hand);
    format!(
        "{method} sip:1@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{number}\r\n\
         From: <sip:m@{here}>;tag=m\r\nTo: <sip:1@10.0.0.1>\r\nCall-ID: {number}\r\nCSeq: {number} {method}\r\n\
         Contact: <sip:m@{here}>\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

fn say(network: &mut Network, a: Node, hand: Node, text: impl Into<Vec<u8>>) -> Vec<Message> {
    network.send(hand, a, text.into());
    network.run(SHORT);
    network.received(hand)
}

/// The INVITE of a call of ours to a hand.
fn dial(network: &mut Network, a: Node, hand: Node) -> Message {
    let now = network.now;
    network.ua(a).invite(now, &call(hand, Some(sdp("offer")))).unwrap();
    network.run(SHORT);
    network.received(hand).remove(0)
}

fn picked_up(invite: &Message, tag: &str, hand: Node) -> Message {
    let contact = NameAddr::new(uri(&format!("sip:m@{}", address(hand))));
    compose::response_to(invite, 200).unwrap().to_tag(tag).contact(&contact).build().unwrap()
}

#[test]
fn ten_thousand_unknown_extensions_are_refused_by_the_first_of_them() {
    let (mut network, a, hand) = house(1);
    let tags: Vec<String> = (0..6_000).map(|number| format!("{number:x}")).collect();
    let more = format!("Require: {}\r\n", tags.join(","));
    let answers = say(&mut network, a, hand, request("OPTIONS", 1, hand, &more));
    assert_eq!(answers[0].status(), 420);
    let named = answers[0].values(Name::Unsupported).count();
    assert!((1..=16).contains(&named), "{named} extensions were compared with each other");
}

#[test]
fn streams_that_stop_in_the_middle_are_closed_each_in_its_time() {
    let (mut network, a, hand) = house(2);
    let started = network.now;
    let mut streams = Vec::new();
    for second in 0..3 {
        let stream = network.accept_stream(a, hand);
        network.say_on_stream(a, stream, b"OPTIONS sip:a SIP/2.0\r\nVia: ");
        streams.push(stream);
        assert_eq!(network.ua(a).poll_timeout(), Some(started + Duration::from_secs(10)), "{second}");
        network.run(Duration::from_secs(1));
    }
    // The second goes on and is in time; the third is closed by its peer.
    let rest = request("OPTIONS", 1, hand, "").split_once("Via: ").unwrap().1.to_owned();
    network.say_on_stream(a, streams[1], rest.as_bytes());
    let now = network.now;
    network.ua(a).connection_closed(now, streams[2]);
    network.run(Duration::from_secs(60));
    assert_eq!(network.ua(a).poll_close(), Some(streams[0]));
    assert_eq!((network.ua(a).poll_close(), network.ua(a).poll_timeout()), (None, None));
}

#[test]
fn nobody_gets_more_than_three_octets_for_one_to_throw_at_others() {
    let (mut network, a, hand) = house(3);
    let mut own = settings(0);
    own.trunks.clear();
    network.ua(a).configure(own);
    let mut answered = 0;
    for method in ["OPTIONS", "REGISTER", "INVITE", "BYE", "MESSAGE", "X"] {
        for padding in [0, 50, 100, 200, 400] {
            let text = format!(
                "{method} sip:cc.example.com SIP/2.0\r\nv:SIP/2.0/UDP x;branch=z9hG4bK{padding}\r\n\
                 f:sip:x@cc.example.com\r\nt:sip:x@cc.example.com\r\ni:1\r\nCSeq:1 {method}\r\n\
                 p:{}\r\n\r\n",
                "x".repeat(padding)
            );
            for answer in say(&mut network, a, hand, text.clone()) {
                answered += 1;
                let (sent, got) = (text.len(), answer.bytes().len());
                assert!(got <= 3 * sent, "{method}: {got} for {sent}");
            }
        }
    }
    assert!(answered > 15, "{answered} of 30 were answered");
}

#[test]
fn a_callee_that_answers_with_a_thousand_tags_gets_a_handful_of_byes() {
    let (mut network, a, hand) = house(4);
    let invite = dial(&mut network, a, hand);
    for fork in 0..1_000 {
        network.send(hand, a, picked_up(&invite, &format!("fork-{fork}"), hand).bytes().clone());
    }
    network.run(SHORT);
    assert!(matches!(network.event(a), Event::Answered { .. }));
    let byes = network.received(hand).iter().filter(|message| message.method() == Method::Bye).count();
    assert!((1..=31).contains(&byes), "{byes}");
    assert!(network.counts(a).client_transactions <= 32);
}

#[test]
fn a_trunk_that_challenges_every_bye_is_answered_once() {
    let mut network = Network::new(5);
    let mut own = settings(0);
    own.trunks[0].credentials = Some(TrunkCredentials { user: "us".to_owned(), secret: "s3cret".to_owned() });
    let (a, hand) = (network.user_agent(own), network.hand());
    let target = uri(&format!("sip:1@{}", address(hand)));
    let destination = Destination::Trunk { trunk: TrunkId(1), target };
    let now = network.now;
    let out =
        network.ua(a).invite(now, &Invitation { destination, ..call(hand, Some(sdp("offer"))) }).unwrap();
    network.run(SHORT);
    let invite = network.received(hand).remove(0);
    network.send(hand, a, picked_up(&invite, "far", hand).bytes().clone());
    network.run(SHORT);
    network.received(hand);
    let now = network.now;
    network.ua(a).bye(now, out, Vec::new()).unwrap();
    let mut byes = 0;
    for round in 0..10 {
        network.run(SHORT);
        for bye in network.received(hand) {
            byes += 1;
            let challenge = format!("Digest realm=\"x\", nonce=\"{round}\", stale=true");
            let answer = compose::response_to(&bye, 401).unwrap();
            let answer = answer.header(Name::WwwAuthenticate, challenge).build().unwrap();
            network.send(hand, a, answer.bytes().clone());
        }
    }
    assert_eq!((byes, network.counts(a).sessions), (2, 0));
}

/// CVE-2021-41158: a phone that is called asks for a password, and gets what a trunk would be proved by.
#[test]
fn a_phone_that_challenges_what_we_send_learns_nothing_of_any_password() {
    let mut network = Network::new(8);
    let mut own = settings(0);
    own.trunks[0].credentials = Some(TrunkCredentials { user: "us".to_owned(), secret: "s3cret".to_owned() });
    let (a, hand) = (network.user_agent(own), network.hand());
    let challenge = |network: &mut Network, request: &Message| {
        for (status, name) in [(401, Name::WwwAuthenticate), (407, Name::ProxyAuthenticate)] {
            let answer = compose::response_to(request, status).unwrap().to_tag("far");
            let answer =
                answer.header(name, "Digest realm=\"x\", nonce=\"n\", qop=\"auth\"").build().unwrap();
            network.send(hand, a, answer.bytes().clone());
        }
        network.run(Duration::from_secs(60));
        let heard = network.received(hand);
        let tells = |message: &Message| {
            message.header(Name::Authorization).or_else(|| message.header(Name::ProxyAuthorization)).is_some()
        };
        assert!(!heard.iter().any(tells), "{heard:?}");
    };
    let invite = dial(&mut network, a, hand);
    challenge(&mut network, &invite);
    assert!(matches!(network.event(a), Event::Failed { status: 401, .. }));
    let invite = dial(&mut network, a, hand);
    network.send(hand, a, picked_up(&invite, "far", hand).bytes().clone());
    network.run(SHORT);
    let Event::Answered { session, .. } = network.event(a) else { panic!("not answered") };
    network.received(hand);
    let now = network.now;
    network.ua(a).bye(now, session, Vec::new()).unwrap();
    network.run(SHORT);
    let bye = network.received(hand).remove(0);
    assert_eq!(bye.method(), Method::Bye);
    challenge(&mut network, &bye);
}

/// A forged source never learns the tag of our answer: until somebody shows it, three octets are sent for one.
#[test]
fn an_invite_in_the_name_of_another_brings_that_other_no_more_than_three_octets_for_one() {
    let (mut network, a, hand) = house(9);
    let call = |number: usize| request("INVITE", number, hand, &format!("Subject: {}\r\n", "x".repeat(400)));
    let first = call(1);
    network.send(hand, a, first.clone());
    network.run(SHORT);
    let Event::Invited { session, .. } = network.event(a) else { panic!("no invitation") };
    let now = network.now;
    network.ua(a).accept(now, session, &[], Some(&sdp(&"y".repeat(200)))).unwrap();
    network.run(Duration::from_secs(200));
    let heard = network.received(hand);
    assert!(heard.iter().any(|message| message.status() == 200), "the answer itself comes");
    let octets: usize = heard.iter().map(|message| message.bytes().len()).sum();
    assert!(octets <= 3 * first.len(), "{octets} for {}", first.len());
    assert!(matches!(network.event(a), Event::Ended { .. }));
    network.assert_nothing_left();
    // Refusals are repeated too.
    let second = call(2);
    network.send(hand, a, second.clone());
    network.run(SHORT);
    let Event::Invited { session, .. } = network.event(a) else { panic!("no invitation") };
    let now = network.now;
    network.ua(a).refuse(now, session, 486, &[]).unwrap();
    network.run(Duration::from_secs(200));
    let octets: usize = network.received(hand).iter().map(|message| message.bytes().len()).sum();
    assert!(octets <= 3 * second.len(), "{octets} for {}", second.len());
}

#[test]
fn who_has_acknowledged_an_answer_of_ours_has_the_next_one_repeated_as_often_as_it_takes() {
    let (mut network, a, hand) = house(10);
    let answers = |network: &mut Network, number: usize, acknowledges: bool| {
        network.send(hand, a, request("INVITE", number, hand, ""));
        network.run(SHORT);
        let invited = network.events(a).into_iter().find_map(|event| match event {
            Event::Invited { session, .. } => Some(session),
            _ => None,
        });
        let (now, session) = (network.now, invited.expect("an invitation"));
        network.ua(a).accept(now, session, &[], None).unwrap();
        network.run(SHORT);
        let heard = network.received(hand);
        let answer = heard.iter().find(|message| message.status() == 200).unwrap().clone();
        if acknowledges {
            let to = String::from_utf8_lossy(&answer.header(Name::To).unwrap()).into_owned();
            let ack = request("ACK", number, hand, "").replace("To: <sip:1@10.0.0.1>", &format!("To: {to}"));
            network.send(hand, a, ack);
        }
        network.run(Duration::from_secs(31));
        1 + network.received(hand).iter().filter(|message| message.status() == 200).count()
    };
    assert_eq!(answers(&mut network, 1, true), 1);
    assert_eq!(
        answers(&mut network, 2, false),
        10,
        "RFC 3261 §13.3.1.4: at 0, 0.5, 1.5, 3.5, 7.5, ... 27.5 s"
    );
}

#[test]
fn a_call_full_of_requests_takes_no_room_from_the_others() {
    let (mut network, a, hand) = house(6);
    let invite = dial(&mut network, a, hand);
    network.send(hand, a, picked_up(&invite, "far", hand).bytes().clone());
    network.run(SHORT);
    assert!(matches!(network.event(a), Event::Answered { .. }));
    network.received(hand);
    let (ours, call_id) = (invite.from().unwrap(), invite.call_id().unwrap().to_vec());
    let inside = |method: &str, number: usize| {
        request(method, number, hand, "")
            .replace("<sip:1@10.0.0.1>\r\nCall-ID", &format!("{ours}\r\nCall-ID"))
            .replace(
                &format!("<sip:m@{}>;tag=m", address(hand)),
                &format!("<sip:1@{}>;tag=far", address(hand)),
            )
            .replace(
                &format!("Call-ID: {number}"),
                &format!("Call-ID: {}", String::from_utf8_lossy(&call_id)),
            )
    };
    for number in 1..=500 {
        network.send(hand, a, inside("OPTIONS", number));
    }
    network.run(SHORT);
    let answers: Vec<u16> = network.received(hand).iter().map(Message::status).collect();
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 50);
    assert_eq!(answers.iter().filter(|status| **status == 503).count(), 450);
    assert!(network.counts(a).server_transactions <= 50);
    let last = say(&mut network, a, hand, inside("BYE", 501));
    assert_eq!(last[0].status(), 200);
}

/// What is passed on must be possible to pass on: the verbs refuse control characters.
#[test]
fn control_characters_in_a_call_do_not_keep_it_from_being_passed_on() {
    let (mut network, a, hand) = house(7);
    let more = "X-Account: a\u{1}b\r\nSubject: \"x\\\0y\u{7f}\"\r\nX-Fold: a\r\n\tb\tc\r\n";
    let text = request("INVITE", 1, hand, more).replace("From: <", "From: \"Kim\u{1b}[2J\" <");
    assert_eq!(say(&mut network, a, hand, text)[0].status(), 100);
    let Event::Invited { invite, .. } = network.event(a) else { panic!("no invitation") };
    let values: Vec<&str> = invite.headers.iter().map(|header| header.value.as_str()).collect();
    assert_eq!(values, ["a b", "\"x\\ y \"", "a b\tc"]);
    assert_eq!(invite.from.display_name, "Kim [2J");
    let onward = Invitation { headers: invite.headers.clone(), ..call(hand, None) };
    let now = network.now;
    network.ua(a).invite(now, &onward).unwrap();
}
