use std::net::SocketAddr;

use bytes::Bytes;

use super::*;
use crate::{Host, Limits, Transport};

fn via(host: &str) -> Via {
    Via::new(Transport::Udp, host.parse().unwrap(), Some(5060), "z9hG4bKabc")
}

fn address(text: &str) -> NameAddr {
    text.parse().unwrap()
}

fn invite() -> RequestBuilder {
    RequestBuilder::new(Method::Invite, &"sip:kim@[2001:db8::1]:5070".parse().unwrap())
        .via(&via("[2001:db8::2]"))
        .from(&address("\"PBX \\\"1\\\"\" <sip:pbx@h>;tag=f"))
        .to(&address("<sip:kim@cc.example.com>"))
        .call_id("call@us")
        .cseq(7)
}

fn text(message: &Message) -> String {
    String::from_utf8(message.bytes().to_vec()).unwrap()
}

#[test]
fn a_request_is_written_with_its_body_untouched_and_its_length_right() {
    let body = Bytes::from_static(b"v=0\r\n\0\xff\r\n");
    let message = invite()
        .route(&address("<sip:proxy;lr>"))
        .contact(&address("<sip:us@[2001:db8::2]:5060>"))
        .header(Name::Allow, "INVITE, ACK")
        .raw_header(b"X-Account", b"J\xfcrgen")
        .body("application/octet-stream", body.clone())
        .build()
        .unwrap();
    assert_eq!(message.validate(), Ok(()));
    assert_eq!(message.body(), body);
    let head = message.bytes().slice(..message.bytes().len() - body.len());
    let expected = b"INVITE sip:kim@[2001:db8::1]:5070 SIP/2.0\r\n\
        Via: SIP/2.0/UDP [2001:db8::2]:5060;branch=z9hG4bKabc;rport\r\n\
        Route: <sip:proxy;lr>\r\n\
        Max-Forwards: 70\r\n\
        From: \"PBX \\\"1\\\"\" <sip:pbx@h>;tag=f\r\n\
        To: <sip:kim@cc.example.com>\r\n\
        Call-ID: call@us\r\n\
        CSeq: 7 INVITE\r\n\
        Contact: <sip:us@[2001:db8::2]:5060>\r\n\
        Allow: INVITE, ACK\r\n\
        X-Account: J\xfcrgen\r\n\
        Content-Type: application/octet-stream\r\n\
        Content-Length: 9\r\n\r\n";
    assert_eq!(head.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

#[test]
fn no_value_can_bring_a_header_or_an_end_of_its_own() {
    for value in ["a\r\nX-Evil: 1", "a\rb", "a\nb", "a\0b", "\r\n\r\n", "a\r\n folded"] {
        let refused = |built: Result<Message, ComposeError>| matches!(built, Err(ComposeError::Control(_)));
        assert!(refused(invite().header(Name::Subject, value).build()), "{value:?}");
        assert!(refused(invite().header(Name::PAssertedIdentity, value).build()), "{value:?}");
        assert!(refused(invite().raw_header(b"X-A", value.as_bytes()).build()), "{value:?}");
        assert!(refused(invite().call_id(value).build()), "{value:?}");
        assert!(refused(invite().body(value, Bytes::new()).build()), "{value:?}");
        assert!(refused(invite().from(&address("<sip:a@h>").with_display(value)).build()), "{value:?}");
        let request = invite().build().unwrap();
        assert!(refused(response_to(&request, 486).unwrap().reason(value).build()), "{value:?}");
    }
    for name in [&b""[..], b"X A", b"X:", b"X\r\nY", b"\xff"] {
        assert!(matches!(invite().raw_header(name, b"v").build(), Err(ComposeError::Name(_))), "{name:?}");
    }
}

#[test]
fn a_request_without_a_mandatory_header_is_refused() {
    let uri: Uri = "sip:h".parse().unwrap();
    let built = RequestBuilder::new(Method::Options, &uri).cseq(1).build();
    assert_eq!(built, Err(ComposeError::Missing(Name::Via)));
    assert_eq!(RequestBuilder::new(Method::Options, &uri).build(), Err(ComposeError::Missing(Name::CSeq)));
}

fn incoming() -> Message {
    let text = "INVITE sip:b@h SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bK1, SIP/2.0/TCP p;branch=z9hG4bK0\r\n\
                Record-Route: <sip:p1;lr>,\r\n <sip:p2;lr>\r\nf: <sip:a@h>;tag=\r\n 1\r\nt: \"B\" <sip:b@h>\r\ni: c\r\n\
                CSeq: 1  INVITE\r\nTimestamp: 54\r\nl: 0\r\n\r\n";
    Message::parse(Bytes::from(text), &Limits::default()).unwrap()
}

fn source() -> SocketAddr {
    "198.51.100.7:40000".parse().unwrap()
}

#[test]
fn a_response_repeats_what_it_must_and_says_where_the_request_came_from() {
    let ringing = response_to(&incoming(), 180).unwrap().source(source()).to_tag("us").build().unwrap();
    assert_eq!(
        text(&ringing),
        "SIP/2.0 180 Ringing\r\n\
         Via: SIP/2.0/UDP 10.0.0.1:5062;rport=40000;branch=z9hG4bK1;received=198.51.100.7\r\n\
         Via: SIP/2.0/TCP p;branch=z9hG4bK0\r\n\
         Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n\
         From: <sip:a@h>;tag= 1\r\n\
         Call-ID: c\r\n\
         CSeq: 1  INVITE\r\n\
         To: \"B\" <sip:b@h>;tag=us\r\n\
         Content-Length: 0\r\n\r\n"
    );
    assert_eq!(ringing.from_tag(), Some(&b"1"[..]));
}

#[test]
fn trying_has_no_tag_of_ours_but_the_timestamp_and_refusals_no_route() {
    let trying = response_to(&incoming(), 100).unwrap().to_tag("us").build().unwrap();
    assert_eq!((trying.to_tag(), trying.text(Name::Timestamp).as_deref()), (None, Some("54")));
    let busy = response_to(&incoming(), 486).unwrap().to_tag("us").to_tag("again").build().unwrap();
    assert_eq!((busy.to_tag(), busy.header(Name::RecordRoute)), (Some(&b"us"[..]), None));
    assert!(matches!(response_to(&incoming(), 700), Err(ComposeError::Status(700))));
}

#[test]
fn a_tag_that_the_request_brought_stays() {
    let request = invite().to(&address("<sip:kim@h>;tag=theirs")).build().unwrap();
    let response = response_to(&request, 200).unwrap().to_tag("ours").build().unwrap();
    assert_eq!(response.to_tag(), Some(&b"theirs"[..]));
}

#[test]
fn sent_by_an_address_that_is_not_the_source_gets_received_without_being_asked() {
    let mut plain: Via = Via::parse(b"SIP/2.0/UDP phone.example.com;branch=z9hG4bK1").unwrap();
    plain.note_source(source());
    assert_eq!(plain.received(), Some(source().ip()));
    assert_eq!(plain.response_target(), Ok("198.51.100.7:5060".parse().unwrap()));
    let mut same: Via = Via::parse(b"SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bK1").unwrap();
    same.note_source(source());
    assert_eq!((same.received(), same.response_target()), (None, Ok("198.51.100.7:5070".parse().unwrap())));
    let name = Via::parse(b"SIP/2.0/UDP phone.example.com").unwrap();
    assert_eq!(name.response_target(), Err((Host::Name("phone.example.com".into()), 5060)));
    let maddr = Via::parse(b"SIP/2.0/UDP h;maddr=192.0.2.9;received=192.0.2.1").unwrap();
    assert_eq!(maddr.response_target(), Ok("192.0.2.9:5060".parse().unwrap()));
}

#[test]
fn cancel_and_ack_are_made_of_the_invite() {
    let request = invite().route(&address("<sip:proxy;lr>")).body("a/b", Bytes::from("x")).build().unwrap();
    let cancel = cancel_of(&request).unwrap();
    assert_eq!((cancel.validate(), cancel.cseq()), (Ok(()), Ok((7, Method::Cancel))));
    assert_eq!(cancel.request_uri(), request.request_uri());
    assert_eq!(cancel.top_via(), request.top_via());
    assert_eq!(
        (cancel.call_id(), cancel.to_tag(), cancel.from_tag()),
        (request.call_id(), None, request.from_tag())
    );
    assert!(cancel.header(Name::Route).is_some() && cancel.body().is_empty());
    let busy = response_to(&request, 486).unwrap().to_tag("busy").build().unwrap();
    let ack = ack_of(&request, &busy).unwrap();
    assert_eq!((ack.cseq(), ack.to_tag()), (Ok((7, Method::Ack)), Some(&b"busy"[..])));
}

#[test]
fn a_nul_that_a_quoted_string_escapes_can_be_repeated_in_the_answer() {
    let request = incoming();
    let octets = text(&request).replace("\"B\"", "\"\\\0\"");
    let request = Message::parse(Bytes::from(octets), &Limits::default()).unwrap();
    assert!(response_to(&request, 200).unwrap().to_tag("us").build().is_ok());
}

#[test]
fn every_header_is_written_with_the_name_it_is_read_by() {
    for name in Name::all().filter(|&name| name != Name::ContentLength) {
        let message = invite().header(name, "value").build().unwrap();
        let last = message.fields(name).last().unwrap();
        assert_eq!((last.spelling, last.raw), (name.as_str().as_bytes(), &b"value"[..]), "{name}");
    }
    assert_eq!(invite().header(Name::Other, "value").build(), Err(ComposeError::Name(String::new())));
}

#[test]
fn what_is_written_is_indexed_as_it_would_be_read() {
    let message = invite().raw_header(b"X-Empty", b" ").raw_header(b"v", b"\t two  ").build().unwrap();
    assert_eq!(Message::parse(message.bytes().clone(), &Limits::default()), Ok(message));
}

#[test]
fn nothing_is_written_that_could_not_be_read() {
    for spelling in [&b"Content-Length"[..], b"l"] {
        assert_eq!(invite().raw_header(spelling, b"0").build(), Err(ComposeError::Template));
    }
    let answer = |reason| response_to(&incoming(), 200).unwrap().reason(reason).build();
    assert_eq!(answer("a \\\0"), Err(ComposeError::Template));
    assert!(matches!(answer("a\r\n"), Err(ComposeError::Control(_))));
    let start = |method| RequestBuilder::new(method, &"sip:kim@h".parse().unwrap());
    let whole = |builder: RequestBuilder| {
        builder
            .via(&via("h"))
            .from(&address("<sip:a@h>;tag=1"))
            .to(&address("<sip:b@h>"))
            .call_id("c")
            .cseq(1)
    };
    let known = whole(start(Method::Other("INVITE".to_owned()))).build().unwrap();
    assert_eq!(known.method(), Method::Invite);
    assert_eq!(whole(start(Method::Other("IN VITE".to_owned()))).build(), Err(ComposeError::Template));
}

#[test]
fn what_is_made_with_rsip_is_written_whole() {
    let message = invite().header(Name::Subject, "a: b").raw_header(b"X-Account", b"7").build().unwrap();
    let written = from_rsip(&message.to_rsip().unwrap()).unwrap();
    assert_eq!(text(&written), text(&message));
}
