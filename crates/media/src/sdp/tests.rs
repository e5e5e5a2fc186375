use proptest::prelude::*;

use super::*;

const PHONE: &str = "v=0\r\n\
    o=alice 2890844526 2890844526 IN IP4 192.0.2.7\r\n\
    s=Réunion\r\n\
    i=one line nobody knows\r\n\
    c=IN IP4 192.0.2.7\r\n\
    b=CT:128\r\n\
    t=0 0\r\n\
    z=2882844526 -1h 2898848070 0\r\n\
    a=tool:phone 7.1\r\n\
    a=x-session-flag\r\n\
    m=audio 49170 RTP/AVP 0 8 97 101\r\n\
    i=voice\r\n\
    b=AS:80\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:97 opus/48000/2\r\n\
    a=fmtp:97 useinbandfec=1; maxplaybackrate=16000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\n\
    a=X-vendor:  odd   spacing ; kept\r\n\
    a=ptime:30\r\n\
    a=sendrecv\r\n\
    m=video 49372/2 RTP/AVP 96\r\n\
    c=IN IP6 2001:db8::7\r\n\
    a=rtpmap:96 H264/90000\r\n";

fn parsed(text: &str) -> Session {
    Session::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn error(text: impl AsRef<[u8]>) -> ParseError {
    Session::parse(text.as_ref(), &Limits::default()).unwrap_err()
}

fn audio(lines: &str) -> Session {
    parsed(&format!("v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n{lines}"))
}

#[test]
fn what_was_read_is_written_back_byte_for_byte_with_unknown_lines_in_their_places() {
    assert_eq!(parsed(PHONE).to_string(), PHONE);
}

#[test]
fn line_feeds_alone_blank_lines_and_a_missing_last_line_end_are_tolerated() {
    let bare = PHONE.replace("\r\n", "\n");
    assert_eq!(parsed(&bare), parsed(PHONE));
    assert_eq!(parsed(bare.trim_end()), parsed(PHONE));
    assert_eq!(parsed(&format!("{PHONE}\r\n\r\n")), parsed(PHONE));
}

#[test]
fn formats_carry_name_clock_channels_and_parameters() {
    let session = parsed(PHONE);
    let codecs = session.media[0].codecs();
    assert_eq!(codecs[0], Codec::pcmu());
    assert_eq!(codecs[1], Codec::pcma(), "a static number needs no rtpmap");
    assert_eq!(
        codecs[2],
        Codec {
            payload_type: 97,
            name: "opus".into(),
            clock_rate: 48_000,
            channels: 2,
            parameters: Some("useinbandfec=1; maxplaybackrate=16000".into())
        }
    );
    assert!(codecs[3].is_telephone_event());
    assert_eq!(session.media[0].ptime_ms(), Some(30));
}

#[test]
fn each_m_line_has_its_own_address_or_that_of_the_session() {
    let session = parsed(PHONE);
    let [audio, video] = &session.media[..] else { panic!("two m-lines") };
    assert_eq!(session.rtp_address(audio), Some("192.0.2.7:49170".parse().unwrap()));
    assert_eq!(session.rtcp_address(audio), Some("192.0.2.7:49171".parse().unwrap()));
    assert_eq!(session.rtp_address(video), Some("[2001:db8::7]:49372".parse().unwrap()));
    assert_eq!(video.port_count, Some(2));
}

#[test]
fn rtcp_is_where_a_rtcp_says() {
    let port_only = audio("m=audio 4000 RTP/AVP 0\r\na=rtcp:4321\r\n");
    assert_eq!(port_only.rtcp_address(&port_only.media[0]), Some("192.0.2.7:4321".parse().unwrap()));
    let whole = audio("m=audio 4000 RTP/AVP 0\r\na=rtcp:4321 IN IP4 192.0.2.7\r\n");
    assert_eq!(whole.rtcp_address(&whole.media[0]), Some("192.0.2.7:4321".parse().unwrap()));
    for third in ["IN IP6 2001:db8::9", "IN IP4 192.0.2.8", "IN IP4 victim.example.com"] {
        let elsewhere = audio(&format!("m=audio 4000 RTP/AVP 0\r\na=rtcp:4321 {third}\r\n"));
        assert_eq!(
            elsewhere.rtcp_address(&elsewhere.media[0]),
            None,
            "a third party did not ask for reports"
        );
    }
    let zero = audio("m=audio 65535 RTP/AVP 0\r\n");
    assert_eq!(zero.rtcp_address(&zero.media[0]), None, "there is no port after the last");
}

#[test]
fn nothing_is_sent_to_groups_broadcasts_names_and_nowhere() {
    for address in [
        "IP4 224.2.1.1/127",
        "IP4 224.2.1.1",
        "IP4 255.255.255.255",
        "IP4 0.0.0.0",
        "IP6 ::",
        "IP6 ff02::1",
        "IP4 phone.example.com",
    ] {
        let session = parsed(&format!(
            "v=0\no=- 1 1 IN IP4 192.0.2.7\ns=-\nc=IN {address}\nt=0 0\nm=audio 4000 RTP/AVP 0\n"
        ));
        assert_eq!(session.rtp_address(&session.media[0]), None, "{address}");
    }
}

#[test]
fn direction_is_that_of_the_m_line_before_that_of_the_session() {
    let session = audio(
        "a=inactive\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\nm=audio 4002 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\na=sendrecv\r\n",
    );
    let directions: Vec<Direction> = session.media.iter().map(|media| session.direction(media)).collect();
    assert_eq!(directions, [Direction::SendOnly, Direction::Inactive, Direction::Inactive]);
}

#[test]
fn hold_is_said_by_direction_or_by_the_old_address() {
    assert!(!audio("m=audio 4000 RTP/AVP 0\r\n").is_hold());
    assert!(audio("m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n").is_hold());
    assert!(audio("m=audio 4000 RTP/AVP 0\r\na=inactive\r\n").is_hold());
    assert!(!audio("m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n").is_hold());
    assert!(!audio("m=audio 0 RTP/AVP 0\r\na=inactive\r\n").is_hold(), "no audio at all is not hold");
    let old = audio("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n");
    assert!(old.is_hold());
    assert_eq!(old.direction(&old.media[0]), Direction::SendOnly);
}

#[test]
fn with_direction_says_it_once_on_every_m_line_in_use() {
    let session =
        audio("a=sendonly\r\nm=audio 4000 RTP/AVP 0\r\na=inactive\r\na=ptime:20\r\nm=video 0 RTP/AVP 96\r\n");
    let text = session.with_direction(Direction::SendRecv).to_string();
    assert_eq!(text.matches("a=sendrecv\r\n").count(), 1);
    assert!(!text.contains("sendonly") && !text.contains("inactive"));
}

#[test]
fn broken_descriptions_name_what_is_wrong() {
    let head = "v=0\no=- 1 1 IN IP4 192.0.2.7\ns=-\n";
    assert_eq!(error(""), ParseError::Empty);
    assert_eq!(error("\r\n\r\n"), ParseError::Empty);
    assert_eq!(error("v=1\n"), ParseError::Version);
    assert_eq!(error("o=- 1 1 IN IP4 192.0.2.7\n"), ParseError::Version);
    assert_eq!(error("v=0\ns=-\n"), ParseError::Origin);
    assert_eq!(error("v=0\no=- 1 1 IN IP4\n"), ParseError::Origin);
    assert_eq!(error("v=0\no=- 1 1 IN IP4 a b\n"), ParseError::Origin);
    assert_eq!(error(format!("{head}c=IN IP4\n")), ParseError::Connection(4));
    assert_eq!(error(format!("{head}hello\n")), ParseError::NotALine(4));
    assert_eq!(error(format!("{head}ab=c\n")), ParseError::NotALine(4));
    assert_eq!(error(format!("{head}a=:x\n")), ParseError::Attribute(4));
    assert_eq!(error(format!("{head}m=audio\n")), ParseError::Media(4));
}

/// The bombs and broken offers that other engines have fallen over, each with its answer.
#[test]
fn twenty_four_kinds_of_hostile_descriptions_are_answered_at_once() {
    let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n";
    let m = "m=audio 4000 RTP/AVP 0\r\n";
    let formats: String = (0..3_000).map(|number| format!(" {}", number % 128)).collect();
    let refused: [(String, ParseError); 17] = [
        (format!("{head}{}", m.repeat(200)), ParseError::TooManyMedia),
        (format!("{head}m=audio 4000 RTP/AVP{formats}\r\n"), ParseError::LineTooLong(6)),
        (format!("{head}m=audio 4000 RTP/AVP{}\r\n", " 0".repeat(129)), ParseError::TooManyFormats),
        (format!("{head}{m}a={}\r\n", "x".repeat(60_000)), ParseError::TooLong),
        (format!("{head}{m}a={}\r\n", "x".repeat(5_000)), ParseError::LineTooLong(7)),
        (format!("{head}{m}{}", "a=x\r\n".repeat(1_100)), ParseError::TooManyLines),
        (format!("{head}{}", "b=AS:1\r\n".repeat(1_100)), ParseError::TooManyLines),
        (format!("{head}m=audio 70000 RTP/AVP 0\r\n"), ParseError::Media(6)),
        (format!("{head}m=audio -1 RTP/AVP 0\r\n"), ParseError::Media(6)),
        (format!("{head}m=audio 4000/x RTP/AVP 0\r\n"), ParseError::Media(6)),
        (format!("{head}m=audio 4000/99999999999 RTP/AVP 0\r\n"), ParseError::Media(6)),
        (format!("{head}m=audio 4000 RTP/AVP\r\n"), ParseError::Media(6)),
        (format!("{head}m=\r\n"), ParseError::Media(6)),
        (format!("{head}a=x\0y\r\n"), ParseError::ControlCharacter(6)),
        (format!("{head}a=x\ry\r\n"), ParseError::ControlCharacter(6)),
        ("v=0\r".repeat(400), ParseError::ControlCharacter(1)),
        ("=".repeat(1_000), ParseError::NotALine(1)),
    ];
    for (text, expected) in refused {
        assert_eq!(error(&text), expected, "{}", &text[..text.len().min(120)]);
    }
    let harmless: [(String, usize); 7] = [
        (format!("{head}m=audio 4000 RTP/AVP 0 0 0 0 999 -1 x\r\n"), 4),
        (format!("{head}m=audio 4000 RTP/AVP 0\r\na=rtpmap:0\r\na=rtpmap:0 \r\na=rtpmap:0 /\r\n"), 1),
        (format!("{head}m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 X/99999999999999\r\n"), 1),
        (format!("{head}m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 X/8000/99999\r\na=fmtp:96\r\n"), 1),
        (
            format!(
                "{head}m=audio 4000 RTP/AVP 0\r\na=ptime:0\r\na=ptime:-5\r\na=rtcp:\r\na=rtcp:99999 IN\r\n"
            ),
            1,
        ),
        (format!("{head}m=audio 4000 RTP/AVP 0\r\nc=IN IP4 999.1.1.1\r\n"), 1),
        (format!("{head}m=audio 4000 RTP/AVP 0\r\na=sendonly\r\na=recvonly\r\na=inactive\r\n"), 1),
    ];
    for (text, codecs) in harmless {
        let session = parsed(&text);
        let media = &session.media[0];
        assert_eq!(media.codecs().len(), codecs, "{text}");
        let _ =
            (session.rtp_address(media), session.rtcp_address(media), media.ptime_ms(), session.is_hold());
    }
}

#[test]
fn bytes_that_are_no_utf_8_do_not_cost_the_call() {
    let mut bytes = b"v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=caf\xE9\r\nt=0 0\r\n".to_vec();
    bytes.extend_from_slice(b"m=audio 4000 RTP/AVP 0\r\n");
    let session = Session::parse(&bytes, &Limits::default()).unwrap();
    assert_eq!(session.media[0].port, 4_000);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Session::parse(&bytes, &Limits::default());
    }

    /// Broken copies of a real description: what still parses is written and read back the same.
    #[test]
    fn a_mutilated_description_never_panics_and_what_parses_survives_writing(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = PHONE.as_bytes().to_vec();
        for (place, byte) in cuts {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(end.index(bytes.len()) + 1);
        if let Ok(session) = Session::parse(&bytes, &Limits::default()) {
            for media in &session.media {
                let _ = (media.codecs(), media.ptime_ms(), session.rtp_address(media), session.rtcp_address(media));
            }
            let written = session.to_string();
            prop_assert_eq!(Session::parse(written.as_bytes(), &Limits::default()).unwrap(), session);
        }
    }
}
