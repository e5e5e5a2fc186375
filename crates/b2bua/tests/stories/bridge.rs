//! What one side asks during the conversation reaches the other.

use b2bua::{Event, HangUp, Side};
use media::{Command, Direction};
use sip::{HeaderField, Method, Reply, SessionId};

use crate::world::{Peer, Talk, World, audio, description, port, text};

/// The two sides of a conversation: who asks, who is asked.
fn sides(talk: &Talk, caller_asks: bool) -> ((Peer, SessionId), (Peer, SessionId)) {
    let (caller, phone) = ((talk.caller, talk.caller_session), (talk.phone, talk.phone_session));
    if caller_asks { (caller, phone) } else { (phone, caller) }
}

fn holds(world: &mut World) -> Vec<bool> {
    std::iter::from_fn(|| world.event())
        .filter_map(|event| match event {
            Event::HoldChanged { held, .. } => Some(held),
            _ => None,
        })
        .collect()
}

/// The directions that the relay was told last for each termination that is open.
fn directions(world: &World) -> Vec<Direction> {
    let mut last = std::collections::BTreeMap::new();
    for command in &world.commands {
        match command {
            Command::Open { termination, stream, .. } | Command::Update { termination, stream } => {
                last.insert(*termination, stream.direction);
            }
            Command::Close { termination } => drop(last.remove(termination)),
            Command::Connect { .. } | Command::Play { .. } => {}
        }
    }
    last.into_values().collect()
}

#[test]
fn either_side_holds_and_resumes_with_invite_or_update() {
    for caller_asks in [true, false] {
        for (music, method) in
            [(false, Method::Invite), (true, Method::Invite), (false, Method::Update), (true, Method::Update)]
        {
            let mut world = World::new();
            let talk = world.talk(music);
            let ((asker, asker_session), (other, other_session)) = sides(&talk, caller_asks);
            let (own, others) = (audio(world.ear(asker)), audio(world.ear(other)));
            for (line, mirrored) in
                [("a=sendonly\r\n", "a=recvonly\r\n"), ("a=sendrecv\r\n", "a=sendrecv\r\n")]
            {
                world.request(asker, asker_session, method.clone(), Some(&format!("{own}{line}")));
                let (exchange, asked, offer) = world.asked(other);
                assert_eq!(asked, method);
                assert!(offer.contains(line) && offer.contains("c=IN IP4 10.0.0.1"), "{offer}");
                world.reply(other, other_session, exchange, 200, Some(&format!("{others}{mirrored}")));
                let (status, answer) = world.replied(asker);
                assert_eq!(status, 200);
                assert!(answer.contains(mirrored), "{answer}");
                let is_hold = line.contains("sendonly");
                assert_eq!(holds(&mut world), [is_hold]);
                assert_eq!(directions(&world).contains(&Direction::SendRecv), !is_hold);
                world.heard(other);
                world.run(3_000);
            }
            world.assert_audible(&talk);
            let connects = world.commands.iter().filter(|one| matches!(one, Command::Connect { .. })).count();
            assert_eq!(connects, 1, "a hold is no new connection");
            world.bye(asker, asker_session);
            world.assert_nothing_left();
            assert_eq!(world.summary(talk.call).held.as_secs(), 3);
        }
    }
}

#[test]
fn the_version_of_what_we_say_rises_with_each_change() {
    let mut world = World::new();
    let talk = world.talk(false);
    let version = |text: &str| -> u64 {
        let origin = text.lines().find(|line| line.starts_with("o=")).unwrap();
        origin.split(' ').nth(2).unwrap().parse().unwrap()
    };
    let own = audio(world.ear(talk.caller));
    let mut versions = vec![version(&talk.to_phone)];
    for line in ["a=sendonly\r\n", "a=sendrecv\r\n"] {
        world.request(talk.caller, talk.caller_session, Method::Invite, Some(&format!("{own}{line}")));
        let (exchange, _, offer) = world.asked(talk.phone);
        versions.push(version(&offer));
        world.reply(talk.phone, talk.phone_session, exchange, 488, None);
        assert_eq!(world.replied(talk.caller).0, 488);
        world.heard(talk.phone);
    }
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    world.bye(talk.caller, talk.caller_session);
    world.assert_nothing_left();
}

#[test]
fn a_refused_reinvite_leaves_everything_as_it_was() {
    for caller_asks in [true, false] {
        let mut world = World::new();
        let talk = world.talk(false);
        let ((asker, asker_session), (other, other_session)) = sides(&talk, caller_asks);
        let own = audio(world.ear(asker));
        world.request(asker, asker_session, Method::Invite, Some(&format!("{own}a=inactive\r\n")));
        let (exchange, ..) = world.asked(other);
        world.reply(other, other_session, exchange, 488, None);
        assert_eq!(world.replied(asker).0, 488);
        assert!(holds(&mut world).is_empty());
        world.assert_audible(&talk);
        world.heard(other);
        // The next one of the other side is not measured against the refused offer.
        let others = audio(world.ear(other));
        world.request(other, other_session, Method::Invite, Some(&others));
        let (exchange, _, offer) = world.asked(asker);
        assert!(!offer.contains("a=inactive"), "{offer}");
        world.reply(asker, asker_session, exchange, 200, Some(&own));
        assert_eq!(world.replied(other).0, 200);
        assert!(holds(&mut world).is_empty());
        assert_eq!(directions(&world), [Direction::SendRecv; 2]);
        world.assert_audible(&talk);
        world.bye(asker, asker_session);
        world.assert_nothing_left();
    }
}

#[test]
fn an_offerless_reinvite_goes_both_ways() {
    for caller_asks in [true, false] {
        for music in [false, true] {
            let mut world = World::new();
            let talk = world.talk(music);
            let ((asker, asker_session), (other, other_session)) = sides(&talk, caller_asks);
            world.request(asker, asker_session, Method::Invite, None);
            let (exchange, _, body) = world.asked(other);
            assert_eq!(body, "");
            let moved = std::net::SocketAddr::new(world.at(other).ip(), 4_444);
            world.reply(other, other_session, exchange, 200, Some(&audio(moved)));
            let (status, offer) = world.replied(asker);
            assert_eq!(status, 200);
            assert!(offer.contains("c=IN IP4 10.0.0.1"), "{offer}");
            let own_ear = world.ear(asker);
            let answer = sip::Body::sdp(audio(own_ear));
            world.ua(asker).acknowledge(asker_session, Some(&answer)).unwrap();
            world.run(30);
            let sip::Event::Acknowledged { body, .. } = world.hear(other) else { panic!("no ACK") };
            let answered = text(body.as_ref());
            assert!(answered.contains("c=IN IP4 10.0.0.1"), "{answered}");
            assert_eq!(world.speak(own_ear, port(&offer, 0)), [moved]);
            assert_eq!(world.speak(moved, port(&answered, 0)), [own_ear]);
            world.bye(other, other_session);
            world.assert_nothing_left();
        }
    }
}

#[test]
fn an_offerless_reinvite_that_fails_anywhere_is_still_acknowledged() {
    // The 2xx without a description; the 2xx that cannot be read; the ACK without an answer.
    for broken in 0..3 {
        let mut world = World::new();
        let talk = world.talk(false);
        world.request(talk.caller, talk.caller_session, Method::Invite, None);
        let (exchange, ..) = world.asked(talk.phone);
        let offer = audio(world.ear(talk.phone));
        let body = [None, Some("rubbish"), Some(offer.as_str())][broken];
        world.reply(talk.phone, talk.phone_session, exchange, 200, body);
        let (status, _) = world.replied(talk.caller);
        assert_eq!(status, if broken < 2 { 500 } else { 200 });
        if broken == 2 {
            world.ua(talk.caller).acknowledge(talk.caller_session, None).unwrap();
            world.run(30);
        }
        assert!(matches!(world.hear(talk.phone), sip::Event::Acknowledged { .. }), "{broken}");
        world.assert_audible(&talk);
        // And the way is free for the next one.
        let own = audio(world.ear(talk.caller));
        world.request(talk.caller, talk.caller_session, Method::Invite, Some(&own));
        let (exchange, ..) = world.asked(talk.phone);
        world.reply(talk.phone, talk.phone_session, exchange, 200, Some(&offer));
        assert_eq!(world.replied(talk.caller).0, 200);
        world.bye(talk.caller, talk.caller_session);
        world.assert_nothing_left();
    }
}

#[test]
fn offers_that_cross_are_both_told_to_wait() {
    let mut world = World::new();
    let talk = world.talk(false);
    let now = world.now;
    for (peer, session) in [(talk.caller, talk.caller_session), (talk.phone, talk.phone_session)] {
        let body = sip::Body::sdp(audio(world.ear(peer)));
        world.ua(peer).request(now, session, Method::Invite, &[], Some(&body)).unwrap();
    }
    world.run(1_000);
    let statuses: Vec<u16> =
        [talk.caller, talk.phone].into_iter().map(|peer| world.replied(peer).0).collect();
    assert_eq!(statuses, [491, 491]);
    world.assert_audible(&talk);
    let own = audio(world.ear(talk.phone));
    world.request(talk.phone, talk.phone_session, Method::Invite, Some(&own));
    let (exchange, ..) = world.asked(talk.caller);
    let answer = audio(world.ear(talk.caller));
    world.reply(talk.caller, talk.caller_session, exchange, 200, Some(&answer));
    assert_eq!(world.replied(talk.phone).0, 200);
    world.bye(talk.phone, talk.phone_session);
    world.assert_nothing_left();
}

#[test]
fn an_update_without_a_description_is_a_sign_of_life_and_goes_no_further() {
    let mut world = World::new();
    let talk = world.talk(false);
    world.request(talk.caller, talk.caller_session, Method::Update, None);
    assert_eq!(world.replied(talk.caller).0, 200);
    assert!(world.heard(talk.phone).is_empty());
    world.bye(talk.caller, talk.caller_session);
    world.assert_nothing_left();
}

#[test]
fn info_passes_with_its_body_and_its_answer_comes_back() {
    let mut world = World::new();
    let talk = world.talk(false);
    let now = world.now;
    let body = sip::Body { content_type: "application/dtmf-relay".to_owned(), bytes: "Signal=5\r\n".into() };
    let headers = [HeaderField::new("Info-Package", "dtmf"), HeaderField::new("X-Trace", "7")];
    world.ua(talk.phone).request(now, talk.phone_session, Method::Info, &headers, Some(&body)).unwrap();
    world.run(30);
    let sip::Event::Requested { exchange, method, body, headers, .. } = world.hear(talk.caller) else {
        panic!("not asked")
    };
    assert_eq!(method, Method::Info);
    assert_eq!(text(body.as_ref()), "Signal=5\r\n");
    assert_eq!(body.unwrap().content_type, "application/dtmf-relay");
    for name in ["Info-Package", "X-Trace"] {
        assert!(headers.iter().any(|header| header.name == name), "{headers:?}");
    }
    world.reply(talk.caller, talk.caller_session, exchange, 469, None);
    assert_eq!(world.replied(talk.phone).0, 469);
    world.bye(talk.phone, talk.phone_session);
    world.assert_nothing_left();
}

#[test]
fn a_transfer_is_declined_because_nobody_performs_it() {
    let mut world = World::new();
    let talk = world.talk(false);
    let now = world.now;
    let headers = [HeaderField::new("Refer-To", "<sip:premium@elsewhere.example>")];
    world.ua(talk.phone).request(now, talk.phone_session, Method::Refer, &headers, None).unwrap();
    world.run(30);
    assert_eq!(world.replied(talk.phone).0, 603);
    assert!(world.heard(talk.caller).is_empty());
    world.bye(talk.phone, talk.phone_session);
    world.assert_nothing_left();
}

#[test]
fn a_bye_while_a_reinvite_is_pending_ends_both() {
    for (caller_asks, caller_ends) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut world = World::new();
        let talk = world.talk(false);
        let ((asker, session), (other, _)) = sides(&talk, caller_asks);
        let own = audio(world.ear(asker));
        world.request(asker, session, Method::Invite, Some(&own));
        world.asked(other);
        let ((ender, session), _) = sides(&talk, caller_ends);
        world.bye(ender, session);
        let side = if caller_ends { Side::Caller } else { Side::Callee };
        assert_eq!(world.cause(talk.call), Some(HangUp::By(side)));
        world.assert_nothing_left();
    }
}

#[test]
fn a_reinvite_that_is_taken_back_changes_nothing_wherever_it_is() {
    for late in [false, true] {
        let mut world = World::new();
        let talk = world.talk(false);
        let own = audio(world.ear(talk.caller));
        let exchange = world.request(
            talk.caller,
            talk.caller_session,
            Method::Invite,
            Some(&format!("{own}a=inactive\r\n")),
        );
        let (asked, ..) = world.asked(talk.phone);
        let now = world.now;
        if late {
            // The phone's 200 crosses the CANCEL.
            let answer = sip::Body::sdp(format!("{}a=inactive\r\n", audio(world.ear(talk.phone))));
            let reply = Reply { status: 200, headers: Vec::new(), body: Some(answer) };
            world.ua(talk.caller).withdraw(now, talk.caller_session, exchange).unwrap();
            world.run(7);
            let now = world.now;
            world.ua(talk.phone).reply(now, talk.phone_session, asked, &reply).unwrap();
        } else {
            world.ua(talk.caller).withdraw(now, talk.caller_session, exchange).unwrap();
        }
        world.run(1_000);
        assert_eq!(world.replied(talk.caller).0, 487);
        let told = world.heard(talk.phone);
        assert_eq!(told.iter().any(|event| matches!(event, sip::Event::Withdrawn { .. })), !late);
        assert!(holds(&mut world).is_empty());
        if !late {
            world.assert_audible(&talk);
        }
        world.bye(talk.caller, talk.caller_session);
        world.assert_nothing_left();
    }
}

#[test]
fn a_phone_that_lost_the_dialog_ends_the_conversation() {
    let mut world = World::new();
    let talk = world.talk(false);
    let own = audio(world.ear(talk.caller));
    world.request(talk.caller, talk.caller_session, Method::Invite, Some(&own));
    let (exchange, ..) = world.asked(talk.phone);
    world.reply(talk.phone, talk.phone_session, exchange, 481, None);
    world.run(1_000);
    assert_eq!(world.cause(talk.call), Some(HangUp::Lost(Side::Callee)));
    world.assert_nothing_left();
}

#[test]
fn fax_is_refused_and_the_conversation_stays() {
    let mut world = World::new();
    let talk = world.talk(false);
    let ear = world.ear(talk.caller);
    let fax = description(ear, "RTP/AVP 0\r\n").replace("m=audio 4000 RTP/AVP 0", "m=image 4000 udptl t38");
    world.request(talk.caller, talk.caller_session, Method::Invite, Some(&fax));
    assert_eq!(world.replied(talk.caller).0, 488);
    world.assert_audible(&talk);
    world.bye(talk.caller, talk.caller_session);
    world.assert_nothing_left();
}

#[test]
fn video_is_added_and_taken_away_and_its_ports_with_it() {
    let mut world = World::new();
    let talk = world.talk(false);
    let (own, others) = (audio(world.ear(talk.caller)), audio(world.ear(talk.phone)));
    for (port, ports) in [(4_100, 4), (0, 2), (4_200, 4)] {
        let video = format!("m=video {port} RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n");
        world.request(talk.caller, talk.caller_session, Method::Invite, Some(&format!("{own}{video}")));
        let (exchange, ..) = world.asked(talk.phone);
        world.reply(talk.phone, talk.phone_session, exchange, 200, Some(&format!("{others}{video}")));
        assert_eq!(world.replied(talk.caller).0, 200);
        world.heard(talk.phone);
        assert_eq!(world.counts().ports.in_use, ports);
        assert_eq!(world.relay.counts().connected, ports);
    }
    world.assert_audible(&talk);
    world.bye(talk.caller, talk.caller_session);
    world.assert_nothing_left();
}
