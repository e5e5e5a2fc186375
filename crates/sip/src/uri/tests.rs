use super::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_uri_is_printed_as_it_was_written() {
    for text in [
        "sip:example.com",
        "sips:alice:secret@example.com:5061;transport=tcp;lr?Subject=x&Priority=urgent",
        "sip:[2001:db8::1]:5070",
        "sip:kim@[::ffff:192.0.2.10]:19823;maddr=[2001:db8::2]",
        "sip:user;par=u%40example.net@example.com",
        "sip:+15551234567;ext=9@192.0.2.1;user=phone",
        "sip:%00%00@example.com",
        "tel:+1-201-555-0123;phone-context=example.com",
        "tel:*86",
        "urn:service:sos",
        "http://www.example.com/a?b=c",
    ] {
        assert_eq!(uri(text).to_string(), text);
    }
}

#[test]
fn the_parts_of_a_uri_are_told_apart() {
    let uri = uri("sips:al%69ce:s,e@Example.COM:5061;Transport=TCP;lr?a=b&c=");
    assert_eq!((uri.scheme(), uri.user().as_deref(), uri.port()), ("sips", Some("alice"), Some(5061)));
    assert_eq!(uri.host(), Some(&Host::Name("Example.COM".into())));
    assert_eq!((uri.param("transport"), uri.has_param("LR"), uri.param("lr")), (Some("TCP"), true, None));
    let sip = uri.as_sip().unwrap();
    assert_eq!(sip.password.as_deref(), Some("s,e"));
    assert_eq!(sip.headers, [("a".to_owned(), "b".to_owned()), ("c".to_owned(), String::new())]);
}

#[test]
fn what_is_no_uri_is_refused() {
    for text in [
        "",
        "sip:",
        "sip",
        "sip:@host",
        "sip:a b@host",
        "sip:a@",
        "sip:a@b@c",
        "sip:a@host:",
        "sip:a@host:0",
        "sip:a@host:65536",
        "sip:a@host:5060x",
        "sip:2001:db8::1",
        "sip:[2001:db8::1",
        "sip:[2001:db8::g]",
        "sip:[::1]x",
        "sip:a%4@host",
        "sip:a%zz@host",
        "sip:a@host;=x",
        "sip:a@host;p=",
        "sip:a@host?x",
        "sip:a@ho<st",
        "sip:a@host\r\nX: y",
        "sip:a@.host",
        "sip:a@ho..st",
        "tel:",
        "tel:+",
        "tel:x@y",
        "1sip:a@b",
        "<sip:a@b>",
    ] {
        assert!(Uri::parse(text.as_bytes()).is_err(), "{text:?}");
    }
}

/// The pairs of RFC 3261 §19.1.4, and RFC 5954 §4.2 for addresses.
#[test]
fn uris_are_compared_as_rfc_3261_says() {
    for (one, two) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:bob@[2001:db8::9:1]", "sip:bob@[2001:db8::9:01]"),
        ("sip:bob@[0:0:0:0:0:FFFF:C000:280]", "sip:bob@[::ffff:192.0.2.128]"),
        ("tel:+1-201-555-0123", "tel:+12015550123"),
        ("tel:7042;phone-context=Example.com", "tel:7042;phone-context=example.com"),
    ] {
        assert!(uri(one).is_equivalent(&uri(two)) && uri(two).is_equivalent(&uri(one)), "{one} = {two}");
    }
    for (one, two) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a@h", "sips:a@h"),
        ("sip:a@h", "sip:a:@h"),
        ("sip:+15551234567@h;user=phone", "tel:+15551234567"),
        ("tel:+12015550123", "tel:12015550123"),
        ("tel:7042;phone-context=a.com", "tel:7042"),
    ] {
        assert!(!uri(one).is_equivalent(&uri(two)) && !uri(two).is_equivalent(&uri(one)), "{one} != {two}");
    }
}

#[test]
fn a_user_is_escaped_so_that_it_cannot_leave_its_place() {
    let host = || Host::Name("h".into());
    let made = Uri::sip("a@b:c d\r\nX: y\0%\u{e9}", host(), None);
    assert_eq!(made.to_string(), "sip:a%40b%3Ac%20d%0D%0AX%3A%20y%00%25%C3%A9@h");
    assert_eq!(uri(&made.to_string()).user().as_deref(), Some("a@b:c d\r\nX: y\0%\u{e9}"));
    assert_eq!(Uri::sip("", host(), Some(5070)).to_string(), "sip:h:5070");
    assert_eq!(escape_header("a@b;to-tag=1"), "a%40b%3Bto-tag%3D1");
    assert_eq!(unescape("100%"), b"100%");
}

#[test]
fn what_may_not_stand_in_a_request_uri_is_taken_off() {
    assert_eq!(uri("sip:a@h;method=BYE;lr?Route=x").without_headers().to_string(), "sip:a@h;lr");
}

#[test]
fn parameters_are_bounded() {
    let many = |count: usize| format!("sip:h{}", ";a".repeat(count));
    assert!(Uri::parse(many(64).as_bytes()).is_ok());
    assert!(Uri::parse(many(65).as_bytes()).is_err());
}
