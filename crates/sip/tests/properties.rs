//! Whatever arrives, nothing panics, and what was read is written and read again the same.

// clippy.toml allows it in test functions; here the helpers are tests too.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use bytes::Bytes;
use proptest::prelude::*;
use sip::{Frame, Limits, Message, Name, NameAddr, Params, StreamFramer, Uri, Via, compose};
use timing::Instant;

fn torture() -> Vec<Vec<u8>> {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut paths: Vec<PathBuf> = ["rfc4475", "rfc5118"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(data.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "dat"))
        .collect();
    paths.sort();
    assert_eq!(paths.len(), 61);
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// What is inserted besides random octets: the marks that parsers stumble over.
const DICTIONARY: [&str; 28] = [
    "\r\n",
    "\r\n ",
    "\n",
    "\r",
    "\0",
    "\\\0",
    "\"",
    "\\",
    "<",
    ">",
    ";",
    ",",
    ":",
    "@",
    "=",
    "[",
    "]",
    "%",
    "%00",
    "SIP/2.0",
    "Via:",
    "v:",
    "Content-Length: 4294967296\r\n",
    "l: -1\r\n",
    ";tag=",
    "*",
    "\u{e9}",
    "::",
];

#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, usize),
    Replace(usize, u8),
    Delete(usize, usize),
    Repeat(usize, usize),
    Truncate(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<usize>(), 0..DICTIONARY.len()).prop_map(|(at, word)| Edit::Insert(at, word)),
        (any::<usize>(), any::<u8>()).prop_map(|(at, octet)| Edit::Replace(at, octet)),
        (any::<usize>(), 1_usize..40).prop_map(|(at, length)| Edit::Delete(at, length)),
        (any::<usize>(), 1_usize..80).prop_map(|(at, length)| Edit::Repeat(at, length)),
        any::<usize>().prop_map(Edit::Truncate),
    ]
}

fn mutate(mut octets: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        let size = octets.len().max(1);
        match *edit {
            Edit::Insert(at, word) => {
                let at = at % size;
                octets.splice(at..at, DICTIONARY[word].bytes());
            }
            Edit::Replace(at, octet) => octets[at % size] = octet,
            Edit::Delete(at, length) => {
                let at = at % size;
                let end = (at + length).min(octets.len());
                octets.drain(at..end);
            }
            Edit::Repeat(at, length) => {
                let at = at % size;
                let piece = octets[at..(at + length).min(octets.len())].to_vec();
                octets.splice(at..at, piece);
            }
            Edit::Truncate(at) => octets.truncate(at % size),
        }
        if octets.is_empty() {
            octets.push(b'x');
        }
    }
    octets
}

/// A torture message with a few things done to it.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let seeds = torture();
    (0..seeds.len(), prop::collection::vec(edit(), 0..6))
        .prop_map(move |(seed, edits)| mutate(seeds[seed].clone(), &edits))
}

/// Asks for everything that can be asked for.
fn look_at(message: &Message) {
    let _ = (message.uri(), message.method(), message.reason(), message.body(), message.validate());
    let _ = (message.call_id(), message.cseq(), message.from_tag(), message.to_tag(), message.top_via());
    let _ = (message.from(), message.to(), message.contact(), message.to_rsip(), message.is_answerable());
    let _ = (message.content_type(), message.accept(), message.allow());
    for field in message.headers() {
        let _ = (field.value(), message.number(field.name), message.name_addrs(field.name));
        let _ = message.values(field.name).count();
        let _ = sip::digest::Credentials::parse(&field.value());
        let _ = sip::digest::Challenge::parse_all(&field.value());
    }
}

fn frames(octets: &[u8], cuts: &[usize]) -> Vec<Frame> {
    let mut framer = StreamFramer::new(Limits::default());
    let mut frames = Vec::new();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (octets.len() + 1)).collect();
    cuts.extend([0, octets.len()]);
    cuts.sort_unstable();
    for pair in cuts.windows(2) {
        framer.handle_input(Instant::ORIGIN, &octets[pair[0]..pair[1]]);
        frames.extend(std::iter::from_fn(|| framer.poll_output()));
    }
    frames
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_mutated_message_is_read_or_refused_and_never_a_panic(octets in mutated()) {
        match Message::parse(octets.into(), &Limits::default()) {
            Ok(message) => {
                look_at(&message);
                let again = Message::parse(message.bytes().clone(), &Limits::default());
                prop_assert_eq!(again, Ok(message));
            }
            Err(error) => if let Some(message) = error.answerable {
                look_at(&message);
                let answer = compose::response_to(&message, error.fault.status()).unwrap().to_tag("us").build();
                prop_assert!(answer.is_ok(), "{answer:?}");
            },
        }
    }

    #[test]
    fn an_answer_to_whatever_was_read_is_one_message_with_the_same_identity(octets in mutated()) {
        let Ok(message) = Message::parse(octets.into(), &Limits::default()) else { return Ok(()) };
        if message.validate().is_err() || !message.is_answerable() {
            return Ok(());
        }
        let answer = compose::response_to(&message, 200).unwrap().to_tag("us").build().unwrap();
        prop_assert_eq!(answer.validate(), Ok(()));
        prop_assert_eq!(answer.call_id(), message.call_id());
        prop_assert_eq!(answer.cseq(), message.cseq());
        prop_assert_eq!(answer.from_tag(), message.from_tag());
        prop_assert_eq!(answer.top_via(), message.top_via());
        prop_assert!(answer.body().is_empty());
        let known = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq, Name::RecordRoute, Name::ContentLength];
        prop_assert!(answer.headers().all(|field| known.contains(&field.name)));
    }

    #[test]
    fn a_stream_gives_the_same_frames_however_it_is_cut(
        first in mutated(),
        second in mutated(),
        cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let stream = [&first[..], b"\r\n\r\n", &second[..]].concat();
        prop_assert_eq!(frames(&stream, &cuts), frames(&stream, &[]));
    }

    #[test]
    fn values_are_printed_so_that_they_are_read_the_same(octets in mutated()) {
        let Ok(message) = Message::parse(octets.into(), &Limits::default()) else { return Ok(()) };
        if let Ok(uri) = message.uri() {
            prop_assert_eq!(Uri::parse(uri.to_string().as_bytes()), Ok(uri.clone()));
            prop_assert!(uri.is_equivalent(&uri));
        }
        for field in message.headers() {
            for value in message.values(field.name) {
                if let Ok(address) = NameAddr::parse(&value) {
                    prop_assert_eq!(NameAddr::parse(address.to_string().as_bytes()), Ok(address));
                }
                if let Ok(via) = Via::parse(&value) {
                    prop_assert_eq!(Via::parse(via.to_string().as_bytes()), Ok(via));
                }
                if let Ok(params) = Params::parse(&value) {
                    prop_assert_eq!(Params::parse(params.to_string().as_bytes()), Ok(params));
                }
            }
        }
    }

    #[test]
    fn arbitrary_octets_never_panic(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Message::parse(Bytes::from(octets.clone()), &Limits::default());
        let _ = (Uri::parse(&octets), NameAddr::parse(&octets), Via::parse(&octets), Params::parse(&octets));
        let _ = frames(&octets, &[]);
    }

    #[test]
    fn no_text_in_a_composed_request_makes_more_than_its_own_header(text in "(\\PC|[\r\n\0\"\\\\<>;,@]){0,40}") {
        let uri = Uri::sip(&text, "h".parse().unwrap(), None);
        let from = NameAddr::new(uri.clone()).with_display(&text).with_tag("1");
        let built = compose::RequestBuilder::new(sip::Method::Invite, &uri)
            .via(&Via::new(sip::Transport::Udp, "h".parse().unwrap(), None, "z9hG4bK1"))
            .from(&from)
            .to(&NameAddr::new(uri))
            .call_id("c")
            .cseq(1)
            .header(Name::Subject, &text)
            .build();
        let has_control = text.contains(['\r', '\n', '\0']);
        match built {
            Ok(message) => {
                prop_assert_eq!(message.headers().count(), 8);
                prop_assert_eq!(message.from(), Ok(from));
            }
            Err(error) => prop_assert!(has_control, "{error}"),
        }
    }
}
