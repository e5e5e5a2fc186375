//! The torture messages of RFC 4475 and RFC 5118, each with the handling its section asks for, as far
//! as a single message shows it. What the user agent then answers (405, 420, 481, ...) is tested there.

// clippy.toml allows it in test functions; here the helpers are tests too.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use bytes::Bytes;
use sip::{Frame, Limits, Message, Method, Name, StreamFramer, Uri};
use timing::Instant;

/// What a message must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handling {
    /// Read and valid.
    Accept,
    /// A request to be answered with this status.
    Reject(u16),
    /// A response to be dropped, or a request that nobody could answer.
    Drop,
}

use Handling::{Accept, Drop, Reject};

const RFC_4475: [(&str, Handling); 49] = [
    ("wsinv", Accept),
    ("intmeth", Accept),
    ("esc01", Accept),
    ("escnull", Accept),
    ("esc02", Accept),
    ("lwsdisp", Accept),
    ("longreq", Accept),
    ("dblreq", Accept),
    ("semiuri", Accept),
    ("transports", Accept),
    ("mpart01", Accept),
    ("unreason", Accept),
    ("noreason", Accept),
    // Its Via is among what is broken, so there is nowhere to send the 400.
    ("badinv01", Drop),
    ("clerr", Reject(400)),
    ("ncl", Reject(400)),
    ("scalar02", Reject(400)),
    ("scalarlg", Drop),
    ("quotbal", Reject(400)),
    ("ltgtruri", Reject(400)),
    ("lwsruri", Reject(400)),
    ("lwsstart", Reject(400)),
    ("trws", Reject(400)),
    ("escruri", Reject(400)),
    ("baddate", Accept),
    ("regbadct", Reject(400)),
    ("badaspec", Reject(400)),
    ("baddn", Reject(400)),
    ("badvers", Reject(505)),
    ("mismatch01", Reject(400)),
    ("mismatch02", Reject(400)),
    ("bigcode", Drop),
    ("badbranch", Accept),
    ("insuf", Drop),
    ("unkscm", Reject(416)),
    ("novelsc", Reject(416)),
    ("unksm2", Accept),
    ("bext01", Accept),
    ("invut", Accept),
    ("regaut01", Accept),
    ("multi01", Reject(400)),
    ("mcl01", Reject(400)),
    // Valid in itself; no transaction of ours has its Via.
    ("bcast", Accept),
    ("zeromf", Accept),
    ("cparam01", Accept),
    ("cparam02", Accept),
    ("regescrt", Accept),
    ("sdp01", Accept),
    ("inv2543", Accept),
];

const RFC_5118: [(&str, Handling); 12] = [
    ("ipv6-good", Accept),
    ("ipv6-bad", Reject(400)),
    ("port-ambiguous", Accept),
    ("port-unambiguous", Accept),
    ("via-received-param-with-delim", Accept),
    ("via-received-param-no-delim", Accept),
    ("ipv6-in-sdp", Accept),
    ("mult-ip-in-header", Accept),
    ("mult-ip-in-sdp", Accept),
    ("ipv4-mapped-ipv6", Accept),
    ("ipv6-bug-abnf-3-colons", Accept),
    ("ipv6-correct-abnf-2-colons", Accept),
];

fn octets(folder: &str, name: &str) -> Bytes {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder).join(format!("{name}.dat"));
    Bytes::from(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn handling(octets: Bytes) -> Handling {
    let (status, message) = match Message::parse(octets, &Limits::default()) {
        Err(error) => (error.fault.status(), error.answerable.map(|message| *message)),
        Ok(message) => match message.validate() {
            Ok(()) => return Accept,
            Err(fault) => (fault.status(), Some(message)),
        },
    };
    let Some(message) = message.filter(Message::is_answerable) else { return Drop };
    let answer = sip::compose::response_to(&message, status).unwrap().to_tag("ours").build().unwrap();
    assert_eq!(answer.top_via().unwrap().branch(), message.top_via().unwrap().branch(), "{answer:?}");
    Reject(answer.status())
}

fn message(name: &str) -> Message {
    let message = Message::parse(octets("rfc4475", name), &Limits::default()).unwrap();
    assert_eq!(message.validate(), Ok(()), "{name}");
    message
}

#[test]
fn each_message_of_rfc_4475_gets_the_handling_required() {
    for (name, expected) in RFC_4475 {
        assert_eq!(handling(octets("rfc4475", name)), expected, "{name}");
    }
}

#[test]
fn each_message_of_rfc_5118_gets_the_handling_required() {
    for (name, expected) in RFC_5118 {
        assert_eq!(handling(octets("rfc5118", name)), expected, "{name}");
    }
}

#[test]
fn a_stream_frames_what_a_datagram_parses() {
    for (name, _) in RFC_4475 {
        let octets = octets("rfc4475", name);
        let parsed = Message::parse(octets.clone(), &Limits::default());
        let mut framer = StreamFramer::new(Limits::default());
        framer.handle_input(Instant::ORIGIN, &octets);
        match framer.poll_output() {
            Some(Frame::Message(message)) => assert_eq!(Ok(message), parsed, "{name}"),
            Some(Frame::Broken(error)) => assert_eq!(Err(error), parsed, "{name}"),
            // Without Content-Length, or with a wrong one, a stream cannot go on.
            Some(Frame::Fatal(error)) => assert_eq!(error.fault.status(), 400, "{name}"),
            Some(Frame::Ping) => panic!("{name} holds no ping"),
            None => assert_eq!(name, "clerr", "only clerr promises more than there is"),
        }
    }
}

#[test]
fn wsinv_has_every_value_that_its_folds_and_spaces_hide() {
    let message = message("wsinv");
    assert_eq!(message.to_tag(), Some(&b"1918181833n"[..]));
    assert_eq!(message.from_tag(), Some(&b"98asjd8"[..]));
    assert_eq!(message.from().unwrap().display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(message.number(Name::MaxForwards), Ok(Some(68)));
    assert_eq!(message.cseq(), Ok((9, Method::Invite)));
    assert_eq!(message.values(Name::Via).count(), 3);
    assert_eq!(message.top_via().unwrap().branch(), Some("390skdjuw"));
    assert_eq!(message.call_id(), Some(&b"wsinv.ndaksdj@192.0.2.1"[..]));
    assert_eq!(message.body().len(), 150);
    let route = &message.name_addrs(Name::Route).unwrap()[0];
    assert!(route.uri.has_param("lr"));
    assert_eq!(route.uri.param("unknownwith"), Some("value"));
    let contact = message.contact().unwrap();
    assert_eq!(contact.display.as_deref(), Some("Quoted string \"\""));
    assert_eq!(contact.params.value("newparam"), Some("newvalue"));
    assert_eq!(contact.params.value("q"), Some("0.33"));
}

#[test]
fn intmeth_keeps_its_method_and_its_escaped_nul() {
    let message = message("intmeth");
    assert_eq!(message.method().as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(message.to().unwrap().display.as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));
    assert_eq!(message.uri().unwrap().host().unwrap().to_string(), "example.com");
}

#[test]
fn esc02_does_not_decode_the_method() {
    assert_eq!(message("esc02").method(), Method::Other("RE%47IST%45R".into()));
}

#[test]
fn escnull_keeps_contacts_with_a_nul_apart() {
    let message = message("escnull");
    let contacts = message.name_addrs(Name::Contact).unwrap();
    assert_eq!(contacts[0].uri.user().as_deref(), Some("\0"));
    assert_eq!(contacts[1].uri.user().as_deref(), Some("\0\0"));
    assert!(!contacts[0].uri.is_equivalent(&contacts[1].uri));
}

#[test]
fn semiuri_keeps_the_semicolon_in_the_user_part() {
    let uri = message("semiuri").uri().unwrap();
    assert_eq!(uri.user().as_deref(), Some("user;par=u@example.net"));
    assert_eq!(uri.param("par"), None);
}

#[test]
fn dblreq_ends_where_content_length_says() {
    let first = message("dblreq");
    assert_eq!(first.method(), Method::Register);
    assert!(first.body().is_empty());
    let mut framer = StreamFramer::new(Limits::default());
    framer.handle_input(Instant::ORIGIN, &octets("rfc4475", "dblreq"));
    assert_eq!(framer.poll_output(), Some(Frame::Message(first)));
    let Some(Frame::Message(second)) = framer.poll_output() else { panic!("there is a second message") };
    assert_eq!(second.method(), Method::Invite);
}

#[test]
fn mpart01_keeps_every_octet_of_its_body() {
    let message = message("mpart01");
    let whole = octets("rfc4475", "mpart01");
    assert!(message.body().contains(&0));
    assert!(whole.ends_with(&message.body()));
}

#[test]
fn reasons_need_be_neither_ascii_nor_there() {
    assert!(message("unreason").reason().starts_with("= 2**3 * 5**2 ".as_bytes()));
    assert_eq!(message("noreason").reason(), b"");
    assert_eq!(message("noreason").status(), 100);
}

#[test]
fn badbranch_does_not_name_a_transaction() {
    assert!(!message("badbranch").top_via().unwrap().has_magic_branch());
}

#[test]
fn parameters_of_the_header_and_of_the_uri_are_told_apart() {
    let of_header = message("cparam01").contact().unwrap();
    assert_eq!(
        (of_header.uri.has_param("unknownparam"), of_header.params.has("unknownparam")),
        (false, true)
    );
    let of_uri = message("cparam02").contact().unwrap();
    assert_eq!((of_uri.uri.has_param("unknownparam"), of_uri.params.has("unknownparam")), (true, false));
}

#[test]
fn regescrt_does_not_become_a_route() {
    let message = message("regescrt");
    assert_eq!(message.header(Name::Route), None);
    let uri = message.contact().unwrap().uri;
    assert_eq!(uri.as_sip().unwrap().headers[0].0, "Route");
    assert!(uri.without_headers().as_sip().unwrap().headers.is_empty());
}

#[test]
fn unksm2_has_addresses_of_schemes_we_do_not_know() {
    let message = message("unksm2");
    assert!(matches!(message.to().unwrap().uri, Uri::Other { ref scheme, .. } if scheme == "isbn"));
    assert_eq!(message.contact().unwrap().uri.scheme(), "name");
}

#[test]
fn addresses_of_rfc_5118_are_read_with_and_without_brackets() {
    let message = |name| Message::parse(octets("rfc5118", name), &Limits::default()).unwrap();
    let with = message("via-received-param-with-delim").top_via().unwrap();
    let without = message("via-received-param-no-delim").top_via().unwrap();
    assert_eq!(with.received(), Some("2001:db8::9:255".parse().unwrap()));
    assert_eq!(without.received(), with.received());
    let ambiguous = message("port-ambiguous").uri().unwrap();
    assert_eq!(
        (ambiguous.host().unwrap().to_string().as_str(), ambiguous.port()),
        ("[2001:db8::10:5070]", None)
    );
    let unambiguous = message("port-unambiguous").uri().unwrap();
    assert_eq!(
        (unambiguous.host().unwrap().to_string().as_str(), unambiguous.port()),
        ("[2001:db8::10]", Some(5070))
    );
    let three = message("ipv6-bug-abnf-3-colons").uri().unwrap();
    assert_eq!(three, message("ipv6-correct-abnf-2-colons").uri().unwrap());
}
