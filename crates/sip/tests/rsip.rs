//! What rsip 0.4 gets wrong, case by case, and that nothing of it reaches us; and what it gets right,
//! which we use.

// clippy.toml allows it in test functions; here the helpers are tests too.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use sip::{Frame, Limits, Message, Method, Name, NameAddr, StreamFramer, Uri, Via, compose};
use timing::Instant;

fn parse(octets: impl AsRef<[u8]>) -> Message {
    let message = Message::parse(Bytes::copy_from_slice(octets.as_ref()), &Limits::default()).unwrap();
    assert_eq!(message.validate(), Ok(()));
    message
}

fn request(line: &str, headers: &str) -> String {
    let method = line.split(' ').next().unwrap();
    format!(
        "{line}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:f@h>;tag=1\r\nTo: <sip:t@h>\r\nCall-ID: c\r\n\
         CSeq: 1 {method}\r\n{headers}Content-Length: 0\r\n\r\n"
    )
}

#[test]
fn compact_names_are_the_headers_they_stand_for() {
    let message = parse(
        "OPTIONS sip:a SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: <sip:f@h>;tag=1\r\nt: <sip:t@h>\r\ni: c\r\nm: <sip:m@h>\r\nCSeq: 1 OPTIONS\r\nl: 0\r\n\r\n",
    );
    assert_eq!(message.top_via().unwrap().branch(), Some("z9hG4bK1"));
    assert_eq!((message.from_tag(), message.to_tag()), (Some(&b"1"[..]), None));
    assert_eq!(message.contact().unwrap().to_string(), "<sip:m@h>");
    assert_eq!(message.header(Name::ContentLength).as_deref(), Some(&b"0"[..]));
}

#[test]
fn folds_spaces_before_colons_lone_line_feeds_and_leading_line_ends_are_read() {
    let text = request("OPTIONS sip:a SIP/2.0", "Subject : x\r\n y\r\n");
    for text in [format!("\r\n{text}"), text.replace("\r\n", "\n")] {
        assert_eq!(parse(text).text(Name::Subject).as_deref(), Some("x y"));
    }
}

#[test]
fn a_keep_alive_is_a_ping_and_no_broken_message() {
    let mut framer = StreamFramer::new(Limits::default());
    framer.handle_input(Instant::ORIGIN, b"\r\n\r\n");
    assert_eq!((framer.poll_output(), framer.poll_output()), (Some(Frame::Ping), None));
}

#[test]
fn ipv6_hosts_are_read_and_printed_in_brackets_everywhere() {
    let message = parse(
        "INVITE sip:k@[2001:db8::1]:5070;maddr=[::1] SIP/2.0\r\nVia: SIP/2.0/TCP [2001:db8::9]:5062;branch=z9hG4bK1\r\n\
         From: <sip:f@[::2]>;tag=1\r\nTo: sip:t@[::3]\r\nContact: <sip:c@[::4]>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
    );
    assert_eq!(message.uri().unwrap().to_string(), "sip:k@[2001:db8::1]:5070;maddr=[::1]");
    assert_eq!(message.top_via().unwrap().to_string(), "SIP/2.0/TCP [2001:db8::9]:5062;branch=z9hG4bK1");
    assert_eq!(message.from().unwrap().to_string(), "<sip:f@[::2]>;tag=1");
    let through_rsip = rsip::Uri::try_from(&message.uri().unwrap()).unwrap();
    assert_eq!(through_rsip.to_string(), "sip:k@[2001:db8::1]:5070;maddr=[::1]");
    assert_eq!(Uri::try_from(&through_rsip), message.uri());
}

#[test]
fn tel_and_urn_are_uris() {
    assert_eq!(parse(request("INVITE tel:+15551234567 SIP/2.0", "")).uri().unwrap().scheme(), "tel");
    let urn = Message::parse(Bytes::from(request("INVITE urn:service:sos SIP/2.0", "")), &Limits::default())
        .unwrap();
    assert_eq!(urn.uri().unwrap().to_string(), "urn:service:sos");
    let from: NameAddr = "\"Bell\" <tel:+1-555;phone-context=x>;tag=1".parse().unwrap();
    assert_eq!((from.uri.scheme(), from.tag()), ("tel", Some("1")));
    assert!(rsip::Uri::try_from(&from.uri).is_err());
}

#[test]
fn an_unknown_method_is_read_so_that_it_can_be_refused() {
    let message = parse(request("DANCE sip:a SIP/2.0", ""));
    assert_eq!(message.method(), Method::Other("DANCE".into()));
    let answer = compose::response_to(&message, 501).unwrap().to_tag("us").build().unwrap();
    assert_eq!(answer.cseq(), Ok((1, Method::Other("DANCE".into()))));
}

#[test]
fn octets_that_are_not_utf_8_are_passed_on_as_they_are() {
    let octets = request("OPTIONS sip:a SIP/2.0", "").replace("From: ", "From: \"J?rgen\" ").into_bytes();
    let octets: Vec<u8> = octets.into_iter().map(|octet| if octet == b'?' { 0xfc } else { octet }).collect();
    let answer = compose::response_to(&parse(octets), 200).unwrap().to_tag("us").build().unwrap();
    assert_eq!(answer.header(Name::From).as_deref(), Some(&b"\"J\xfcrgen\" <sip:f@h>;tag=1"[..]));
}

#[test]
fn several_values_in_a_line_are_several_values() {
    let message = parse(
        request("REGISTER sip:a SIP/2.0", "Contact: \"a,b\" <sip:1@h;x=1>;q=1, <sip:2@h>\r\n")
            .replace("branch=z9hG4bK1", "branch=z9hG4bK1, SIP/2.0/TCP p;branch=z9hG4bK0"),
    );
    assert_eq!(message.values(Name::Via).count(), 2);
    assert_eq!(message.name_addrs(Name::Contact).unwrap().len(), 2);
    let rsip::SipMessage::Request(normalised) = message.to_rsip().unwrap() else { panic!("it is a request") };
    let vias = normalised.headers.iter().filter(|header| matches!(header, rsip::Header::Via(_))).count();
    assert_eq!(vias, 2);
}

#[test]
fn the_contact_that_is_a_star_is_no_address() {
    let message = parse(request("REGISTER sip:a SIP/2.0", "Contact: *\r\nExpires: 0\r\n"));
    assert_eq!(message.values(Name::Contact).next().as_deref(), Some(&b"*"[..]));
    assert!(message.contact().is_err());
}

#[test]
fn quoted_parameters_and_spaces_around_separators_are_read() {
    let contact: NameAddr =
        "\"<Kim>\" <sip:k@h> ; +sip.instance = \"<urn:uuid:1>\";x=\"a;b,c\"".parse().unwrap();
    assert_eq!(contact.display.as_deref(), Some("<Kim>"));
    assert_eq!(contact.params.unquoted("+sip.instance").as_deref(), Some("<urn:uuid:1>"));
    assert_eq!(contact.params.value("x"), Some("\"a;b,c\""));
    let via = Via::parse(b"SIP / 2.0 / UDP  h : 5070 ; branch = z9hG4bK1 ; received=[::1]").unwrap();
    assert_eq!((via.port, via.branch(), via.received()), (Some(5070), Some("z9hG4bK1"), "::1".parse().ok()));
}

#[test]
fn maddr_with_ipv6_and_semicolons_in_the_user_part_are_read() {
    let uri: Uri = "sip:user;par=1@h;maddr=[::1]".parse().unwrap();
    assert_eq!(
        (uri.user().as_deref(), uri.param("maddr"), uri.param("par")),
        (Some("user;par=1"), Some("[::1]"), None)
    );
}

#[test]
fn headers_of_a_uri_are_headers_and_not_part_of_the_host() {
    let uri: Uri = "sip:k@h?Subject=x&Replaces=a%40b".parse().unwrap();
    assert_eq!(uri.host().unwrap().to_string(), "h");
    let headers = &uri.as_sip().unwrap().headers;
    assert_eq!(headers[1], ("Replaces".to_owned(), "a%40b".to_owned()));
    assert!(rsip::Uri::try_from(&uri).is_err());
}

#[test]
fn sha_256_credentials_are_read() {
    let value =
        b"Digest username=\"k\", realm=\"r\", nonce=\"n\", uri=\"sip:a\", response=\"0\", algorithm=SHA-256";
    let credentials = sip::digest::Credentials::parse(value).unwrap();
    assert_eq!(credentials.algorithm, Some(sip::digest::Algorithm::Sha256));
    let challenge =
        sip::digest::Challenge::parse_all(b"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256");
    assert_eq!(challenge[0].algorithm, Some(sip::digest::Algorithm::Sha512T256));
}

#[test]
fn a_binary_body_survives_and_so_does_it_on_the_way_through_rsip() {
    let body: Vec<u8> = (0..=255).collect();
    let mut octets = request("MESSAGE sip:a SIP/2.0", "").replace("Length: 0", "Length: 256").into_bytes();
    octets.extend_from_slice(&body);
    let message = parse(octets);
    assert_eq!(message.body(), body);
    let written = compose::from_rsip(&message.to_rsip().unwrap()).unwrap();
    assert_eq!((written.body(), written.validate()), (Bytes::from(body), Ok(())));
}

#[test]
fn content_length_ends_the_body() {
    let octets = request("OPTIONS sip:a SIP/2.0", "") + "trailing";
    assert!(parse(octets).body().is_empty());
}

#[test]
fn content_length_of_a_message_made_with_rsip_is_ours() {
    let mut headers = rsip::Headers::default();
    headers.push(rsip::headers::ContentLength::from(99).into());
    headers.push(rsip::Header::Other("X-A".into(), "b".into()));
    let response = rsip::Response { headers, body: b"abc".to_vec(), ..rsip::Response::default() };
    let message = compose::from_rsip(&response.into()).unwrap();
    assert_eq!(message.number(Name::ContentLength), Ok(Some(3)));
    let mut evil = rsip::Headers::default();
    evil.push(rsip::headers::Subject::new("x\r\nX-Evil: 1").into());
    let response = rsip::Response { headers: evil, ..rsip::Response::default() };
    assert!(matches!(compose::from_rsip(&response.into()), Err(compose::ComposeError::Control(_))));
}

#[test]
fn our_addresses_and_vias_go_into_rsip_and_come_back() {
    let address: NameAddr = "\"Kim \\\"K\\\"\" <sips:k@h:5061;transport=TCP>;tag=x;q=0.5".parse().unwrap();
    let from = rsip::typed::From::try_from(&address).unwrap();
    assert_eq!(from.tag().unwrap().to_string(), "x");
    assert_eq!(NameAddr::try_from(&from), Ok(address.clone()));
    assert_eq!(NameAddr::try_from(&rsip::typed::To::try_from(&address).unwrap()), Ok(address.clone()));
    assert_eq!(NameAddr::try_from(&rsip::typed::Contact::try_from(&address).unwrap()), Ok(address));
    let via =
        Via::parse(b"SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bKx;received=192.0.2.1;rport=7").unwrap();
    let header = rsip::typed::Via::try_from(&via).unwrap();
    assert_eq!(header.branch().unwrap().to_string(), "z9hG4bKx");
    assert_eq!(Via::try_from(&header), Ok(via));
}

#[test]
fn what_rsip_reads_right_is_read_by_rsip() {
    let message = parse(request(
        "OPTIONS sip:a SIP/2.0",
        "c: Application/SDP;charset=utf-8\r\nAccept: application/sdp, text/plain;q=0.5\r\nAllow: INVITE, DANCE\r\n",
    ));
    assert!(matches!(message.content_type(), Ok(Some(rsip::typed::MediaType::Sdp(_)))));
    assert_eq!(message.accept().unwrap().unwrap().len(), 2);
    assert_eq!(message.allow(), [Method::Invite, Method::Other("DANCE".into())]);
    let rsip::SipMessage::Request(request) = message.to_rsip().unwrap() else { panic!("it is a request") };
    let cseq = request.headers.iter().find_map(|header| match header {
        rsip::Header::CSeq(cseq) => cseq.typed().ok(),
        _ => None,
    });
    assert_eq!(cseq.unwrap().seq, 1);
}
