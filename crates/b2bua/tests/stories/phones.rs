//! Phones that are tried: who wins, who is told, what their failures mean.

use b2bua::{AttemptId, CallRef, Event, Failure, FailureKind, HangUp, Side};

use crate::world::{ATTEMPT, Peer, World, audio, port, text};

/// A caller who waits, and as many phones.
fn waiting(phones: usize) -> (World, Peer, sip::SessionId, CallRef, Vec<Peer>) {
    let mut world = World::new();
    let caller = world.peer("10.0.0.2");
    let phones = (0..phones).map(|number| world.peer(&format!("10.0.0.{}", 11 + number))).collect();
    let offer = audio(world.ear(caller));
    let (session, call) = world.call(caller, Some(&offer));
    world.b2bua.ring(world.now, call).unwrap();
    (world, caller, session, call, phones)
}

fn failure(world: &mut World) -> Failure {
    loop {
        match world.event().expect("a failure") {
            Event::AttemptFailed { failure, .. } => return failure,
            _ => continue,
        }
    }
}

#[test]
fn the_first_phone_to_answer_wins_and_the_others_hear_that_it_was_taken() {
    let (mut world, caller, session, call, phones) = waiting(3);
    world.dial(call, ATTEMPT, &phones);
    let rung: Vec<_> = phones.iter().map(|&phone| world.rung(phone)).collect();
    world.ring(phones[0], rung[0].0);
    world.ring(phones[1], rung[1].0);
    let answer = audio(world.ear(phones[2]));
    world.accept(phones[2], rung[2].0, Some(&answer));
    for &phone in &phones[..2] {
        let cancels = world.sent_texts("CANCEL", world.at(phone));
        assert_eq!(cancels.len(), 1);
        assert!(cancels[0].contains("Reason: SIP;cause=200;"), "{}", cancels[0]);
    }
    let said: Vec<Event> = std::iter::from_fn(|| world.event()).collect();
    assert_eq!(said, [Event::Ringing { call, attempt: ATTEMPT }, Event::Answered { call, attempt: ATTEMPT }]);
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(1_000);
    assert_eq!(world.counts().ports.in_use, 2);
    world.bye(caller, session);
    world.assert_nothing_left();
}

#[test]
fn two_phones_that_answer_at_once_leave_one_conversation() {
    let (mut world, caller, session, call, phones) = waiting(2);
    world.dial(call, ATTEMPT, &phones);
    let (first, second) = (world.rung(phones[0]), world.rung(phones[1]));
    let now = world.now;
    for (phone, (session, _)) in [(phones[0], first), (phones[1], second)] {
        let body = sip::Body::sdp(audio(world.ear(phone)));
        world.ua(phone).accept(now, session, &[], Some(&body)).unwrap();
    }
    world.run(1_000);
    assert_eq!(world.sent("BYE", world.at(phones[0])) + world.sent("BYE", world.at(phones[1])), 1);
    world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
    world.run(1_000);
    assert_eq!(world.counts().connected, 1);
    world.bye(caller, session);
    world.assert_nothing_left();
}

/// The response of a phone that is written by hand to the INVITE that it got.
fn response(invite: &str, status: &str, tag: &str, body: &str) -> String {
    let line = |name: &str| invite.lines().find(|line| line.starts_with(name)).expect("a header");
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {status}\r\n{}\r\n{}\r\n{};tag={tag}\r\n{}\r\n{}\r\n\
         Contact: <sip:kim@10.0.0.50;transport=tcp>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        line("Via:"),
        line("From:"),
        line("To:"),
        line("Call-ID:"),
        line("CSeq:"),
        body.len()
    )
}

#[test]
fn what_two_phones_say_in_one_segment_of_a_stream_is_heard_in_order() {
    for second in ["200 OK", "603 Decline"] {
        let (mut world, caller, session, call, _) = waiting(0);
        let uri: sip::Uri = "sip:kim@10.0.0.50;transport=tcp".parse().unwrap();
        let mut dial = world.dialled(&[]);
        dial.destinations = vec![sip::Destination::Uri(uri); 2];
        world.b2bua.dial(world.now, call, ATTEMPT, &dial).unwrap();
        world.run(10);
        let far = "10.0.0.50:5060".parse().unwrap();
        let connection = sip::ConnectionId(1);
        let flow = sip::Flow {
            protocol: sip::Protocol::Tcp,
            local: crate::world::home(false),
            remote: far,
            connection: Some(connection),
        };
        world.b2bua.connection_opened(world.now, flow);
        let invites: Vec<String> = world.sent_texts("INVITE", far).into_iter().map(str::to_owned).collect();
        let answer = audio("10.0.0.50:4000".parse().unwrap());
        let segment = response(&invites[0], "200 OK", "one", &answer)
            + &response(&invites[1], second, "two", if second == "200 OK" { &answer } else { "" });
        world.b2bua.handle_stream(world.now, connection, segment.as_bytes());
        world.run(10);
        assert_eq!(world.event(), Some(Event::Answered { call, attempt: ATTEMPT }));
        assert_eq!(world.event(), None);
        world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
        world.run(10);
        assert_eq!(world.counts().connected, 1);
        let byes = world.sent_texts("BYE", far);
        assert_eq!(byes.len(), usize::from(second == "200 OK"));
        assert!(byes.iter().all(|bye| bye.contains(";tag=two")), "{byes:?}");
        world.bye(caller, session);
        world.b2bua.connection_closed(world.now, connection);
        world.assert_nothing_left();
    }
}

#[test]
fn what_a_phone_says_is_what_the_attempt_came_to() {
    for (status, kind) in [
        (486, FailureKind::Busy),
        (600, FailureKind::Busy),
        (603, FailureKind::Rejected),
        (403, FailureKind::Rejected),
        (480, FailureKind::NoAnswer),
        (408, FailureKind::NoAnswer),
        (404, FailureKind::Unreachable),
        (503, FailureKind::Unreachable),
        (302, FailureKind::Unreachable),
    ] {
        let (mut world, caller, session, call, phones) = waiting(1);
        world.dial(call, ATTEMPT, &phones);
        let (phone, _) = world.rung(phones[0]);
        world.refuse(phones[0], phone, status);
        assert_eq!(failure(&mut world), Failure { kind, status });
        assert_eq!(world.counts().ports.in_use, 1, "the caller's");
        world.cancel(caller, session);
        assert_eq!(world.cause(call), Some(HangUp::Abandoned));
        world.assert_nothing_left();
    }
}

#[test]
fn of_several_failures_the_most_human_is_told_when_the_last_phone_has_failed() {
    let (mut world, caller, session, call, phones) = waiting(3);
    world.dial(call, ATTEMPT, &phones);
    for (&phone, status) in phones.iter().zip([486, 480, 404]) {
        assert!(
            std::iter::from_fn(|| world.event()).all(|event| !matches!(event, Event::AttemptFailed { .. }))
        );
        let (session, _) = world.rung(phone);
        world.refuse(phone, session, status);
    }
    assert_eq!(failure(&mut world), Failure { kind: FailureKind::Busy, status: 486 });
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_person_who_declines_on_one_phone_silences_all() {
    let (mut world, caller, session, call, phones) = waiting(2);
    world.dial(call, ATTEMPT, &phones);
    let (first, _) = world.rung(phones[0]);
    let (second, _) = world.rung(phones[1]);
    world.ring(phones[1], second);
    world.refuse(phones[0], first, 603);
    assert_eq!(failure(&mut world), Failure { kind: FailureKind::Rejected, status: 603 });
    assert_eq!(world.sent("CANCEL", world.at(phones[1])), 1);
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_dead_phone_is_unreachable_and_one_that_rings_for_ever_does_not_answer() {
    let (mut world, caller, session, call, phones) = waiting(2);
    let dead = world.at(phones[0]);
    world.lose = Box::new(move |_, to| to == dead);
    world.dial(call, ATTEMPT, &phones[..1]);
    world.run(40_000);
    assert_eq!(failure(&mut world), Failure { kind: FailureKind::Unreachable, status: 408 });
    let second = AttemptId(2);
    world.dial(call, second, &phones[1..]);
    let (phone, _) = world.rung(phones[1]);
    world.ring(phones[1], phone);
    world.run(181_000);
    assert_eq!(failure(&mut world), Failure { kind: FailureKind::NoAnswer, status: 408 });
    let cancels = world.sent_texts("CANCEL", world.at(phones[1]));
    assert!(cancels[0].contains("Reason: SIP;cause=408;"), "{}", cancels[0]);
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn an_answer_that_cannot_be_used_is_ended_and_the_other_phone_goes_on_ringing() {
    for broken in [
        None,
        Some("v=0\r\nrubbish".to_owned()),
        Some(audio("10.0.0.11:4000".parse().unwrap()).replace("m=audio 4000", "m=audio 0")),
    ] {
        let (mut world, caller, session, call, phones) = waiting(2);
        world.dial(call, ATTEMPT, &phones);
        let (first, _) = world.rung(phones[0]);
        let (second, to_phone) = world.rung(phones[1]);
        world.accept(phones[0], first, broken.as_deref());
        let byes = world.sent_texts("BYE", world.at(phones[0]));
        assert_eq!(byes.len(), 1);
        assert!(byes[0].contains("Reason: SIP;cause=488;"), "{}", byes[0]);
        assert_eq!(world.event(), None);
        let answer = audio(world.ear(phones[1]));
        world.accept(phones[1], second, Some(&answer));
        assert_eq!(world.event(), Some(Event::Answered { call, attempt: ATTEMPT }));
        world.b2bua.connect(world.now, call, ATTEMPT).unwrap();
        world.run(30);
        let (ear, phone) = (world.ear(caller), world.ear(phones[1]));
        assert_eq!(world.speak(phone, port(&to_phone, 0)), [ear]);
        world.bye(caller, session);
        world.assert_nothing_left();
    }
}

#[test]
fn a_phone_picked_up_and_hung_up_before_the_connection_has_declined() {
    let (mut world, caller, session, call, phones) = waiting(1);
    world.dial(call, ATTEMPT, &phones);
    let (phone, _) = world.rung(phones[0]);
    let answer = audio(world.ear(phones[0]));
    world.accept(phones[0], phone, Some(&answer));
    assert_eq!(world.event(), Some(Event::Answered { call, attempt: ATTEMPT }));
    world.bye(phones[0], phone);
    assert_eq!(failure(&mut world), Failure { kind: FailureKind::Rejected, status: 480 });
    assert!(world.b2bua.connect(world.now, call, ATTEMPT).is_err());
    assert_eq!(world.cause(call), None, "the caller goes on waiting");
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_phone_that_is_dropped_after_picking_up_is_sent_away() {
    let (mut world, caller, session, call, phones) = waiting(1);
    world.dial(call, ATTEMPT, &phones);
    let (phone, _) = world.rung(phones[0]);
    let answer = audio(world.ear(phones[0]));
    world.accept(phones[0], phone, Some(&answer));
    world.b2bua.drop_attempt(world.now, call, ATTEMPT);
    world.run(30);
    assert_eq!(world.sent("BYE", world.at(phones[0])), 1);
    assert_eq!(world.counts().timers, 1, "the longest call; nothing of the attempt");
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_pick_up_that_crosses_the_end_of_its_attempt_is_ended() {
    let (mut world, caller, session, call, phones) = waiting(1);
    world.dial(call, ATTEMPT, &phones);
    let (phone, _) = world.rung(phones[0]);
    world.ring(phones[0], phone);
    let now = world.now;
    let body = sip::Body::sdp(audio(world.ear(phones[0])));
    world.ua(phones[0]).accept(now, phone, &[], Some(&body)).unwrap();
    world.b2bua.drop_attempt(now, call, ATTEMPT);
    world.run(1_000);
    assert_eq!(world.sent("BYE", world.at(phones[0])), 1);
    assert!(std::iter::from_fn(|| world.event()).all(|event| matches!(event, Event::Ringing { .. })));
    world.cancel(caller, session);
    world.assert_nothing_left();
}

#[test]
fn a_caller_who_gives_up_takes_every_phone_along_in_whatever_state() {
    for state in 0..5 {
        let (mut world, caller, session, call, phones) = waiting(2);
        let ear = world.ear(phones[0]);
        if state > 0 {
            world.b2bua.dial(world.now, call, ATTEMPT, &world.dialled(&phones)).unwrap();
        }
        if state > 1 {
            world.run(30);
            let (phone, _) = world.rung(phones[0]);
            if state > 2 {
                world.ring(phones[0], phone);
            }
            if state > 3 {
                world.accept(phones[0], phone, Some(&audio(ear)));
            }
        }
        world.cancel(caller, session);
        world.run(100);
        assert_eq!(world.cause(call), Some(HangUp::Abandoned), "state {state}");
        let failed = world
            .heard(caller)
            .into_iter()
            .any(|event| matches!(event, sip::Event::Failed { status: 487, .. }));
        assert!(failed, "state {state}");
        world.assert_nothing_left();
    }
}

#[test]
fn an_early_bye_is_a_cancel_in_other_words() {
    let (mut world, caller, session, call, _) = waiting(0);
    world.run(50);
    // A dialog exists by our 180; its BYE is written by hand.
    let ringing = world.sent_texts("180", world.at(caller))[0].to_owned();
    let header = |name: &str| {
        let line = ringing.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    let bye = format!(
        "BYE sip:cordboard@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKearly\r\n\
         Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n",
        header("From"),
        header("To"),
        header("Call-ID")
    );
    let flow = sip::Flow {
        protocol: sip::Protocol::Udp,
        local: crate::world::home(false),
        remote: world.at(caller),
        connection: None,
    };
    world.b2bua.handle_datagram(world.now, flow, bye.into());
    world.run(100);
    assert_eq!(world.cause(call), Some(HangUp::Abandoned));
    assert!(world.heard(caller).iter().any(|event| matches!(event, sip::Event::Failed { .. })));
    let _ = session;
    world.assert_nothing_left();
}

#[test]
fn a_second_attempt_begins_where_the_first_failed() {
    let (mut world, caller, session, call, phones) = waiting(2);
    world.dial(call, ATTEMPT, &phones[..1]);
    let (first, _) = world.rung(phones[0]);
    world.refuse(phones[0], first, 486);
    assert_eq!(failure(&mut world).kind, FailureKind::Busy);
    world.dial(call, AttemptId(2), &phones[1..]);
    let (second, to_phone) = world.rung(phones[1]);
    let answer = audio(world.ear(phones[1]));
    world.accept(phones[1], second, Some(&answer));
    world.b2bua.connect(world.now, call, AttemptId(2)).unwrap();
    world.run(30);
    let answered = world.heard(caller).into_iter().find_map(|event| match event {
        sip::Event::Answered { body, .. } => Some(text(body.as_ref())),
        _ => None,
    });
    let (ear, phone) = (world.ear(caller), world.ear(phones[1]));
    assert_eq!(world.speak(ear, port(&answered.unwrap(), 0)), [phone]);
    assert_eq!(world.speak(phone, port(&to_phone, 0)), [ear]);
    world.bye(phones[1], second);
    assert_eq!(world.cause(call), Some(HangUp::By(Side::Callee)));
    let _ = session;
    world.assert_nothing_left();
}
