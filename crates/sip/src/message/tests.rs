use std::time::Duration;

use timing::Instant;

use super::*;

const HEAD: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:f@h>;tag=1\r\n\
                    To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n";

fn parse(text: &str) -> Result<Message, ParseError> {
    Message::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
}

fn with(headers: &str) -> Message {
    parse(&format!("{HEAD}{headers}\r\n")).unwrap()
}

fn fault(text: &str) -> (Fault, bool) {
    let error = parse(text).unwrap_err();
    (error.fault, error.answerable.is_some())
}

#[test]
fn a_header_is_found_by_either_name_and_its_value_is_unfolded() {
    let message = with("s : one \r\n\t two\r\n  three\r\nX-Account:  7 \r\nSubject: second\r\n");
    assert_eq!(message.header(Name::Subject).as_deref(), Some(&b"one two three"[..]));
    assert_eq!(message.header_named("x-account").as_deref(), Some(&b"7"[..]));
    assert_eq!(message.fields(Name::Subject).count(), 2);
    assert_eq!(message.header(Name::Event), None);
}

#[test]
fn lists_are_split_at_bare_commas_only_and_over_all_their_lines() {
    let message = with(
        "m: \"Doe, \\\"J\\\" <x>\" <sip:a@h;p=1,2>;q=1, <sip:b@h>\r\nContact: sip:c@h\r\nSupported:\r\nk: 100rel , timer\r\n",
    );
    let contacts: Vec<String> =
        message.values(Name::Contact).map(|value| String::from_utf8(value.into_owned()).unwrap()).collect();
    assert_eq!(contacts, ["\"Doe, \\\"J\\\" <x>\" <sip:a@h;p=1,2>;q=1", "<sip:b@h>", "sip:c@h"]);
    assert!(message.has_token(Name::Supported, "TIMER") && !message.has_token(Name::Supported, "replaces"));
    assert_eq!(message.values(Name::Supported).count(), 2);
}

#[test]
fn unknown_headers_pass_in_their_order_with_their_spelling() {
    let message = with("X-b: 1\r\nx-A: \u{e9}\r\n");
    let others: Vec<(&[u8], &[u8])> = message
        .headers()
        .filter(|field| field.name == Name::Other)
        .map(|field| (field.spelling, field.raw))
        .collect();
    assert_eq!(others, [(&b"X-b"[..], &b"1"[..]), (b"x-A", "\u{e9}".as_bytes())]);
}

#[test]
fn octets_that_are_not_utf_8_do_no_harm() {
    let mut octets = HEAD.replace("<sip:f@h>", "\"J\u{1}\" <sip:f@h>").into_bytes();
    let at = octets.iter().position(|&octet| octet == 1).unwrap();
    octets[at] = 0xfc;
    octets.extend_from_slice(b"\r\n");
    let message = Message::parse(octets.into(), &Limits::default()).unwrap();
    assert_eq!(message.validate(), Ok(()));
    assert_eq!(message.from().unwrap().display.as_deref(), Some("J\u{fffd}"));
    assert_eq!(message.from_tag(), Some(&b"1"[..]));
}

#[test]
fn lone_line_feeds_and_line_ends_before_the_message_are_understood() {
    let message = parse(&format!("\r\n\r\n{HEAD}\r\nbody").replace("\r\n", "\n")).unwrap();
    assert_eq!((message.validate(), message.body().as_ref()), (Ok(()), &b"body"[..]));
}

#[test]
fn the_body_ends_where_content_length_says_or_with_the_datagram() {
    assert_eq!(with("").body(), Bytes::new());
    assert_eq!(parse(&format!("{HEAD}\r\n123456")).unwrap().body(), Bytes::from("123456"));
    let cut = parse(&format!("{HEAD}l: 3\r\n\r\n123456")).unwrap();
    assert_eq!(cut.body(), Bytes::from("123"));
    assert!(cut.bytes().ends_with(b"\r\n\r\n123"));
    assert_eq!(fault(&format!("{HEAD}Content-Length: 7\r\n\r\n123456")), (Fault::ContentLength, true));
}

#[test]
fn two_content_lengths_are_a_fault_even_if_they_agree() {
    assert_eq!(fault(&format!("{HEAD}Content-Length: 0\r\nl: 0\r\n\r\n")), (Fault::ContentLength, true));
    for length in ["-1", "+1", "1 ", "0x1", "", "1,1", "99999999999999999999999"] {
        let text = format!("{HEAD}Content-Length: {length}\r\n\r\n1");
        let is_refused = parse(&text).is_err();
        assert_eq!(is_refused, length != "1 ", "{length:?}");
    }
}

#[test]
fn a_broken_request_says_what_is_wrong_and_can_be_answered() {
    let long = format!("{HEAD}Subject: {}\r\n\r\n", "x".repeat(40_000));
    let many = format!("{HEAD}{}\r\n", "A: b\r\n".repeat(300));
    for (text, expected) in [
        (HEAD.replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia") + "\r\n", Fault::Version),
        (HEAD.replace("SIP/2.0\r\nVia", "SIPS/2.0\r\nVia") + "\r\n", Fault::StartLine),
        (HEAD.replace("a@b SIP", "a@b  SIP") + "\r\n", Fault::StartLine),
        (format!("{HEAD}No colon here\r\n\r\n"), Fault::HeaderLine),
        (format!("{HEAD}: no name\r\n\r\n"), Fault::HeaderLine),
        (format!("{HEAD}Bad(name: x\r\n\r\n"), Fault::HeaderLine),
        (format!("{HEAD}Subject: a\rb\r\n\r\n"), Fault::ControlOctet),
        (format!("{HEAD}Subject: a\0b\r\n\r\n"), Fault::ControlOctet),
        (HEAD.to_owned(), Fault::Unterminated),
        (long, Fault::HeadTooLarge),
        (many, Fault::TooManyHeaders),
        (format!("{HEAD}\r\n{}", "x".repeat(70_000)), Fault::BodyTooLarge),
    ] {
        assert_eq!(fault(&text), (expected, true), "{expected}");
    }
}

#[test]
fn what_nobody_could_answer_is_dropped() {
    for text in [
        "",
        "\r\n\r\n",
        "hello",
        "SIP/2.0 99 Too small\r\n\r\n",
        "SIP/2.0 700 Too large\r\n\r\n",
        "SIP/2.0 2000 OK\r\n\r\n",
        "SIP/2.0 20 OK\r\n\r\n",
        "SIP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &HEAD.replace("OPTIONS", "ACK"),
        &HEAD.replace("Call-ID: c\r\n", ""),
    ] {
        assert!(!fault(text).1, "{text}");
    }
    assert_eq!(fault("\r\n").0, Fault::Empty);
}

#[test]
fn a_status_line_is_read_with_and_without_reason() {
    for (line, status, reason) in [
        ("SIP/2.0 200 OK", 200, "OK"),
        ("sip/2.0 183 ", 183, ""),
        ("SIP/2.0 699", 699, ""),
        ("SIP/2.0 603 \u{2020} x", 603, "\u{2020} x"),
    ] {
        let message = parse(&format!("{line}\r\nCSeq: 7 INVITE\r\n\r\n")).unwrap();
        assert_eq!((message.status(), message.reason()), (status, reason.as_bytes()), "{line}");
        assert_eq!((message.is_request(), message.method()), (false, Method::Invite));
    }
}

#[test]
fn validation_names_the_first_fault() {
    let edit = |from: &str, to: &str| parse(&(HEAD.replace(from, to) + "\r\n")).unwrap().validate();
    assert_eq!(edit("", ""), Ok(()));
    assert_eq!(edit("Call-ID: c\r\n", ""), Err(Fault::Missing(Name::CallId)));
    assert_eq!(edit("Call-ID: c\r\n", "Call-ID: c d\r\n"), Err(Fault::Malformed(Name::CallId)));
    assert_eq!(edit("Call-ID: c\r\n", "i: c\r\nCall-ID: c\r\n"), Err(Fault::Repeated(Name::CallId)));
    assert_eq!(edit("1 OPTIONS", "1 INVITE"), Err(Fault::CSeqMethod));
    assert_eq!(edit("1 OPTIONS", "2147483648 OPTIONS"), Err(Fault::Malformed(Name::CSeq)));
    assert_eq!(edit("1 OPTIONS", "2147483647 OPTIONS"), Ok(()));
    assert_eq!(edit("sip:a@b SIP", "sip:a@b?x=y SIP"), Err(Fault::RequestUri));
    assert_eq!(edit("sip:a@b SIP", "urn:service:sos SIP"), Err(Fault::UriScheme));
    assert_eq!(edit("sip:a@b SIP", "tel:+15551234567 SIP"), Ok(()));
    assert_eq!(edit("UDP h;", "UDP h h;"), Err(Fault::Malformed(Name::Via)));
    assert_eq!(edit("<sip:a@b>\r\n", "<sip:a@b>, <sip:c@d>\r\n"), Err(Fault::Malformed(Name::To)));
    let add = |header: &str| with(&format!("{header}\r\n")).validate();
    assert_eq!(add("Max-Forwards: 256"), Err(Fault::Malformed(Name::MaxForwards)));
    assert_eq!(add("Expires: 4294967296"), Err(Fault::Malformed(Name::Expires)));
    assert_eq!(add("Session-Expires: 1800;refresher=uac"), Ok(()));
    assert_eq!(add("Retry-After: 18 (busy);duration=3"), Ok(()));
    assert_eq!(add("Route: sip:x?y"), Err(Fault::Malformed(Name::Route)));
    assert_eq!(add("Contact: *"), Err(Fault::Malformed(Name::Contact)));
}

#[test]
fn every_fault_of_a_request_has_a_status() {
    assert_eq!(Fault::Version.status(), 505);
    assert_eq!(Fault::BodyTooLarge.status(), 513);
    assert_eq!(Fault::UriScheme.status(), 416);
    assert_eq!(Fault::Malformed(Name::To).status(), 400);
}

#[test]
fn a_message_is_written_down_and_read_back() {
    let message = with("X-A: b\r\nContent-Length: 0\r\n");
    let copy: Message = serde_json::from_str(&serde_json::to_string(&message).unwrap()).unwrap();
    assert_eq!(copy, message);
    assert_eq!(copy.header_named("X-A"), message.header_named("X-A"));
}

fn frames(framer: &mut StreamFramer) -> Vec<Frame> {
    std::iter::from_fn(|| framer.poll_output()).collect()
}

#[test]
fn a_stream_gives_messages_and_pings_however_it_is_cut() {
    let one = format!("{HEAD}Content-Length: 4\r\n\r\n\r\n\r\n");
    let two = format!("{HEAD}l:0\r\n\r\n");
    let stream = format!("\r\n\r\n{one}\r\n{two}\r\n\r\n\r\n\r\n{two}");
    let whole = {
        let mut framer = StreamFramer::new(Limits::default());
        framer.handle_input(Instant::ORIGIN, stream.as_bytes());
        frames(&mut framer)
    };
    let kinds: Vec<bool> = whole.iter().map(|frame| *frame == Frame::Ping).collect();
    assert_eq!(kinds, [true, false, false, true, true, false]);
    for size in 1..40 {
        let mut framer = StreamFramer::new(Limits::default());
        let mut got = Vec::new();
        for piece in stream.as_bytes().chunks(size) {
            framer.handle_input(Instant::ORIGIN, piece);
            got.extend(frames(&mut framer));
        }
        assert_eq!(got, whole, "in pieces of {size}");
    }
}

#[test]
fn a_stream_without_content_length_is_answered_and_given_up() {
    let mut framer = StreamFramer::new(Limits::default());
    framer.handle_input(Instant::ORIGIN, format!("{HEAD}\r\n").as_bytes());
    framer.handle_input(Instant::ORIGIN, format!("{HEAD}l: 0\r\n\r\n").as_bytes());
    let got = frames(&mut framer);
    let [Frame::Fatal(error)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!(error.fault, Fault::ContentLength);
    assert!(error.answerable.is_some());
}

#[test]
fn a_broken_message_does_not_end_the_stream() {
    let mut framer = StreamFramer::new(Limits::default());
    let broken = format!("{HEAD}No colon\r\nl: 1\r\n\r\nx{HEAD}l: 0\r\n\r\n");
    framer.handle_input(Instant::ORIGIN, broken.as_bytes());
    assert!(matches!(frames(&mut framer).as_slice(), [Frame::Broken(_), Frame::Message(_)]));
}

#[test]
fn a_stream_of_garbage_is_bounded_in_size() {
    let mut framer = StreamFramer::new(Limits::default());
    for _ in 0..1_000 {
        framer.handle_input(Instant::ORIGIN, &[b'x'; 1_000]);
    }
    let got = frames(&mut framer);
    let [Frame::Fatal(error)] = got.as_slice() else { panic!("{} frames", got.len()) };
    assert_eq!((error.fault, &error.answerable), (Fault::HeadTooLarge, &None));
    let mut framer = StreamFramer::new(Limits::default());
    framer.handle_input(Instant::ORIGIN, format!("{HEAD}l: 70000\r\n\r\n").as_bytes());
    let got = frames(&mut framer);
    let [Frame::Fatal(error)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!((error.fault, error.answerable.is_some()), (Fault::BodyTooLarge, true));
}

#[test]
fn a_slow_sender_is_given_up_and_an_idle_one_is_not() {
    let limits = Limits::default();
    let mut framer = StreamFramer::new(limits);
    framer.handle_input(Instant::ORIGIN, format!("{HEAD}l: 0\r\n\r\n\r\n").as_bytes());
    assert_eq!(framer.poll_timeout(), None);
    let began = Instant::from_secs(100);
    for (second, octet) in b"OPTIONS".iter().enumerate() {
        framer.handle_input(began + Duration::from_secs(second as u64), &[*octet]);
    }
    assert_eq!(framer.poll_timeout(), Some(began + limits.message_time));
    frames(&mut framer);
    framer.handle_timeout(began + limits.message_time);
    let got = frames(&mut framer);
    let [Frame::Fatal(error)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!((error.fault, framer.poll_timeout()), (Fault::TooSlow, None));
}
