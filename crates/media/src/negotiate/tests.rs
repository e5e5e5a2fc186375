use std::net::IpAddr;

use super::*;
use crate::g711::Law;
use crate::sdp::Limits;
use crate::stream::{Direction, PayloadMap};

const CALLER: &str = "v=0\r\n\
    o=caller 77 5 IN IP4 198.51.100.1\r\n\
    s=call\r\n\
    c=IN IP4 198.51.100.1\r\n\
    t=0 0\r\n\
    a=group:BUNDLE 0\r\n\
    a=group:LS 0 1\r\n\
    a=ice-lite\r\n\
    a=x-keep:this\r\n\
    m=audio 6000 RTP/AVP 8 0 18 96\r\n\
    a=mid:0\r\n\
    a=rtpmap:18 G729/8000\r\n\
    a=fmtp:18 annexb=no\r\n\
    a=rtpmap:96 telephone-event/8000\r\n\
    a=fmtp:96 0-15\r\n\
    a=candidate:1 1 UDP 2130706431 198.51.100.1 6000 typ host\r\n\
    a=ice-ufrag:abcd\r\n\
    a=ssrc:1234 cname:x\r\n\
    a=rtcp:6099\r\n\
    a=ptime:20\r\n\
    a=x-vendor:stays\r\n\
    m=video 6002 RTP/AVP 97\r\n\
    a=rtpmap:97 H264/90000\r\n\
    a=rtcp-fb:97 nack\r\n";

fn ours() -> IpAddr {
    "192.0.2.10".parse().unwrap()
}

fn author() -> Author {
    Author::new(4_711, ours())
}

fn parsed(text: &str) -> Session {
    Session::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn simple(address: &str, media: &str) -> Session {
    parsed(&format!("v=0\r\no=phone 9 9 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n{media}"))
}

fn ports(numbers: &[u16]) -> Vec<Option<LocalPort>> {
    numbers.iter().map(|&number| (number != 0).then_some(LocalPort(number))).collect()
}

#[test]
fn a_relayed_offer_is_ours_in_identity_address_and_ports_and_theirs_in_everything_else() {
    let offer = relay_offer(&mut author(), &parsed(CALLER), &ports(&[20_000, 20_002])).unwrap();
    let expected = "v=0\r\n\
        o=- 4711 1 IN IP4 192.0.2.10\r\n\
        s=call\r\n\
        c=IN IP4 192.0.2.10\r\n\
        t=0 0\r\n\
        a=group:LS 0 1\r\n\
        a=x-keep:this\r\n\
        m=audio 20000 RTP/AVP 8 0 18 96\r\n\
        a=mid:0\r\n\
        a=rtpmap:18 G729/8000\r\n\
        a=fmtp:18 annexb=no\r\n\
        a=rtpmap:96 telephone-event/8000\r\n\
        a=fmtp:96 0-15\r\n\
        a=ptime:20\r\n\
        a=x-vendor:stays\r\n\
        m=video 20002 RTP/AVP 97\r\n\
        a=rtpmap:97 H264/90000\r\n";
    assert_eq!(offer.to_string(), expected);
}

#[test]
fn no_address_of_the_other_side_leaks_through_a_relay() {
    let offer = relay_offer(&mut author(), &parsed(CALLER), &ports(&[20_000, 20_002])).unwrap();
    assert!(!offer.to_string().contains("198.51.100.1"));
    let per_media = parsed(
        "v=0\r\no=a 1 1 IN IP6 2001:db8::1\r\ns=-\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n",
    );
    let text = relay_offer(&mut author(), &per_media, &ports(&[20_000])).unwrap().to_string();
    assert!(!text.contains("2001:db8"));
    assert!(text.contains("s=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"), "for the m-lines that we refuse");
    assert!(text.contains("m=audio 20000 RTP/AVP 0\r\nc=IN IP4 192.0.2.10\r\n"));
}

#[test]
fn an_m_line_without_a_port_or_with_keys_is_refused_in_its_place() {
    let offer = relay_offer(&mut author(), &parsed(CALLER), &ports(&[20_000, 0])).unwrap();
    assert_eq!(offer.media[1].port, 0);
    assert!(offer.media[1].lines.is_empty());
    let secure = simple(
        "198.51.100.1",
        "m=audio 6000 RTP/SAVP 0\r\na=crypto:1 AES inline:x\r\nm=audio 6002 RTP/AVP 0\r\n",
    );
    assert_eq!(relayable(&secure), [false, true]);
    let offer = relay_offer(&mut author(), &secure, &ports(&[20_000, 20_002])).unwrap();
    assert_eq!(offer.media.iter().map(|media| media.port).collect::<Vec<_>>(), [0, 20_002]);
    assert!(!offer.to_string().contains("inline"));
}

#[test]
fn what_cannot_be_relayed_at_all_is_said() {
    let secure = simple("198.51.100.1", "m=audio 6000 RTP/SAVP 0\r\n");
    assert_eq!(relay_offer(&mut author(), &secure, &ports(&[20_000])), Err(NegotiationError::NothingToRelay));
    let plain = simple("198.51.100.1", "m=audio 6000 RTP/AVP 0\r\n");
    assert_eq!(relay_offer(&mut author(), &plain, &[]), Err(NegotiationError::NoPort));
}

#[test]
fn a_relayed_answer_has_the_m_lines_of_the_offer_no_more_and_no_fewer() {
    let offer = parsed(CALLER);
    let answer = simple("203.0.113.5", "m=audio 7000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\na=recvonly\r\n");
    let relayed = relay_answer(&mut author(), &offer, &answer, &ports(&[20_004, 20_006])).unwrap();
    assert_eq!(relayed.media.len(), 2);
    assert_eq!(relayed.media[0].port, 20_004);
    assert_eq!(relayed.media[0].formats, ["18"]);
    assert_eq!(relayed.direction(&relayed.media[0]), Direction::RecvOnly);
    assert_eq!(relayed.media[1].port, 0);
    assert_eq!(relayed.media[1].kind, "video");
    let long = simple(
        "203.0.113.5",
        "m=audio 7000 RTP/AVP 0\r\nm=video 7002 RTP/AVP 97\r\nm=audio 7004 RTP/AVP 0\r\n",
    );
    let relayed = relay_answer(&mut author(), &offer, &long, &ports(&[20_004, 20_006, 20_008])).unwrap();
    assert_eq!(relayed.media.len(), 2);
}

#[test]
fn the_version_rises_by_one_exactly_when_something_else_is_said() {
    let mut author = author();
    let offer = simple("198.51.100.1", "m=audio 6000 RTP/AVP 0\r\n");
    let version = |session: &Session| session.origin.version.clone();
    let first = relay_offer(&mut author, &offer, &ports(&[20_000])).unwrap();
    let again = relay_offer(&mut author, &offer, &ports(&[20_000])).unwrap();
    assert_eq!(first, again);
    let held =
        relay_offer(&mut author, &offer.clone().with_direction(Direction::SendOnly), &ports(&[20_000]))
            .unwrap();
    let resumed = relay_offer(&mut author, &offer, &ports(&[20_000])).unwrap();
    assert_eq!([version(&first), version(&held), version(&resumed)], ["1", "2", "3"]);
    assert_eq!(first.origin.session_id, resumed.origin.session_id);
    assert_eq!(author.last(), Some(&resumed));
}

#[test]
fn m_lines_never_become_fewer_on_a_leg() {
    let mut author = author();
    answer_ourselves(&mut author, &parsed(CALLER), LocalPort(20_000)).unwrap();
    let agent = simple("203.0.113.5", "m=audio 7000 RTP/AVP 8\r\na=sendonly\r\n");
    let offer = relay_offer(&mut author, &agent, &ports(&[20_000])).unwrap();
    assert_eq!(offer.media.len(), 2);
    assert_eq!((offer.media[1].kind.as_str(), offer.media[1].port), ("video", 0));
}

#[test]
fn our_own_answer_takes_the_callers_first_g711_and_its_event_number_and_refuses_the_rest() {
    let answer = answer_ourselves(&mut author(), &parsed(CALLER), LocalPort(20_000)).unwrap();
    assert_eq!((answer.media, answer.law), (0, Law::A));
    let expected = "v=0\r\n\
        o=- 4711 1 IN IP4 192.0.2.10\r\n\
        s=-\r\n\
        c=IN IP4 192.0.2.10\r\n\
        t=0 0\r\n\
        m=audio 20000 RTP/AVP 8 96\r\n\
        a=rtpmap:8 PCMA/8000\r\n\
        a=rtpmap:96 telephone-event/8000\r\n\
        a=fmtp:96 0-15\r\n\
        a=ptime:20\r\n\
        a=sendrecv\r\n\
        a=mid:0\r\n\
        m=video 0 RTP/AVP 97\r\n";
    assert_eq!(answer.session.to_string(), expected);
}

#[test]
fn our_own_answer_mirrors_direction_and_accepts_mux() {
    let offer = simple("198.51.100.1", "m=audio 6000 RTP/AVP 0\r\na=sendonly\r\na=rtcp-mux\r\n");
    let answer = answer_ourselves(&mut author(), &offer, LocalPort(20_000)).unwrap().session;
    assert_eq!(answer.direction(&answer.media[0]), Direction::RecvOnly);
    assert!(answer.media[0].attribute("rtcp-mux").is_some());
}

#[test]
fn without_g711_or_without_audio_we_cannot_answer_and_say_which() {
    let opus = simple("198.51.100.1", "m=audio 6000 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\n");
    assert_eq!(
        answer_ourselves(&mut author(), &opus, LocalPort(20_000)),
        Err(NegotiationError::CodecMismatch)
    );
    let wide = simple("198.51.100.1", "m=audio 6000 RTP/AVP 97\r\na=rtpmap:97 PCMU/16000\r\n");
    assert_eq!(
        answer_ourselves(&mut author(), &wide, LocalPort(20_000)),
        Err(NegotiationError::CodecMismatch)
    );
    let video = simple("198.51.100.1", "m=video 6000 RTP/AVP 97\r\nm=audio 0 RTP/AVP 0\r\n");
    assert_eq!(answer_ourselves(&mut author(), &video, LocalPort(20_000)), Err(NegotiationError::NoAudio));
}

#[test]
fn the_agent_is_offered_what_the_caller_has_agreed_to_under_the_callers_numbers() {
    let answer = answer_ourselves(&mut author(), &parsed(CALLER), LocalPort(20_000)).unwrap();
    let offer = offer_ourselves(&mut author(), LocalPort(20_002), &answer.codecs, Direction::SendRecv);
    assert_eq!(offer.media[0].formats, ["8", "96"]);
    let all = offer_ourselves(&mut author(), LocalPort(20_002), &full_list(), Direction::SendRecv);
    assert_eq!(all.media[0].formats, ["0", "8", "101"]);
    assert_eq!(all.media[0].codecs(), full_list());
}

#[test]
fn the_relay_learns_addresses_numbers_direction_and_packet_time_of_a_leg() {
    let mut author = author();
    let offer = parsed(CALLER);
    let local = answer_ourselves(&mut author, &offer, LocalPort(20_000)).unwrap().session;
    let streams = agreed_streams(&local, &offer);
    let audio = streams[0].as_ref().unwrap();
    assert_eq!(audio.remote, Some("198.51.100.1:6000".parse().unwrap()));
    assert_eq!(audio.remote_rtcp, Some("198.51.100.1:6099".parse().unwrap()));
    assert_eq!(audio.direction, Direction::SendRecv);
    assert_eq!(audio.ptime_ms, Some(20));
    assert!(!audio.mux);
    let numbers = |codecs: &[Codec]| codecs.iter().map(|codec| codec.payload_type).collect::<Vec<_>>();
    assert_eq!(numbers(&audio.send), [8, 96], "only what both have");
    assert_eq!(numbers(&audio.receive), [8, 96]);
    assert_eq!(streams[1], None);
}

#[test]
fn mux_counts_only_when_both_say_it_and_then_rtcp_goes_to_the_rtp_port() {
    let with = simple("198.51.100.1", "m=audio 6000 RTP/AVP 0\r\na=rtcp-mux\r\n");
    let without = simple("192.0.2.10", "m=audio 20000 RTP/AVP 0\r\n");
    let both = agreed_streams(&with, &with)[0].clone().unwrap();
    assert_eq!((both.mux, both.remote_rtcp), (true, both.remote));
    let one = agreed_streams(&without, &with)[0].clone().unwrap();
    assert_eq!((one.mux, one.remote_rtcp), (false, Some("198.51.100.1:6001".parse().unwrap())));
}

#[test]
fn payload_numbers_are_mapped_between_legs_that_were_agreed_apart() {
    let caller = [Codec::pcma(), Codec::telephone_event(96)];
    let agent = [Codec::new(8, "pcma", 8_000), Codec::new(0, "PCMU", 8_000), Codec::telephone_event(101)];
    let map = PayloadMap::new(&agent, &caller);
    assert_eq!([map.outgoing(8), map.outgoing(101), map.outgoing(0)], [Some(8), Some(96), None]);
    let opus = [Codec::new(96, "opus", 48_000)];
    assert!(PayloadMap::new(&opus, &caller).is_empty(), "the same number is not the same codec");
}

#[test]
fn parameters_decide_between_two_formats_of_one_name() {
    let h264 = |number, parameters: &str| Codec {
        parameters: Some(parameters.into()),
        ..Codec::new(number, "H264", 90_000)
    };
    let map = PayloadMap::new(&[h264(97, "b"), h264(98, "a")], &[h264(100, "a"), h264(101, "b")]);
    assert_eq!([map.outgoing(97), map.outgoing(98)], [Some(101), Some(100)]);
}

/// Hold and resume by either side, as the B2BUA passes them: both descriptions of both legs.
#[test]
fn hold_and_resume_pass_from_leg_to_leg() {
    let (mut to_caller, mut to_agent) = (author(), Author::new(1_200, ours()));
    let caller = simple("198.51.100.1", "m=audio 6000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n");
    let agent = simple("203.0.113.5", "m=audio 7000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n");
    answer_ourselves(&mut to_caller, &caller, LocalPort(20_000)).unwrap();
    offer_ourselves(&mut to_agent, LocalPort(20_002), &full_list(), Direction::SendRecv);

    let agent_holds = agent.clone().with_direction(Direction::SendOnly);
    assert!(agent_holds.is_hold());
    let offered = relay_offer(&mut to_caller, &agent_holds, &ports(&[20_000])).unwrap();
    assert_eq!(offered.direction(&offered.media[0]), Direction::SendOnly);
    let caller_agrees = caller.clone().with_direction(Direction::RecvOnly);
    let answered = relay_answer(&mut to_agent, &agent_holds, &caller_agrees, &ports(&[20_002])).unwrap();
    assert_eq!(answered.direction(&answered.media[0]), Direction::RecvOnly);
    let agent_leg = agreed_streams(&answered, &agent_holds)[0].clone().unwrap();
    let caller_leg = agreed_streams(&offered, &caller_agrees)[0].clone().unwrap();
    assert_eq!(agent_leg.direction, Direction::RecvOnly, "the agent's phone may send its own music");
    assert_eq!(caller_leg.direction, Direction::SendOnly, "the caller hears and is not heard");

    let offered = relay_offer(&mut to_caller, &agent, &ports(&[20_000])).unwrap();
    let answered = relay_answer(&mut to_agent, &agent, &caller, &ports(&[20_002])).unwrap();
    assert_eq!(agreed_streams(&offered, &caller)[0].clone().unwrap().direction, Direction::SendRecv);
    assert_eq!(agreed_streams(&answered, &agent)[0].clone().unwrap().direction, Direction::SendRecv);
}

#[test]
fn the_old_hold_by_address_is_relayed_in_todays_words() {
    let held = simple("0.0.0.0", "m=audio 6000 RTP/AVP 0\r\na=sendrecv\r\n");
    let offer = relay_offer(&mut author(), &held, &ports(&[20_000])).unwrap();
    assert_eq!(offer.direction(&offer.media[0]), Direction::SendOnly);
    assert!(!offer.to_string().contains("0.0.0.0\r\n"));
    let local = answer_ourselves(&mut author(), &held, LocalPort(20_000)).unwrap().session;
    let stream = agreed_streams(&local, &held)[0].clone().unwrap();
    assert_eq!((stream.remote, stream.direction), (None, Direction::RecvOnly));
}

#[test]
fn ipv6_is_spoken_where_our_address_is_ipv6() {
    let mut author = Author::new(1, "2001:db8::10".parse().unwrap());
    let offer =
        offer_ourselves(&mut author, LocalPort(20_000), &full_list(), Direction::SendRecv).to_string();
    assert!(offer.contains("o=- 1 1 IN IP6 2001:db8::10\r\n"));
    assert!(offer.contains("\r\nc=IN IP6 2001:db8::10\r\n"));
}

#[test]
fn a_waiting_stream_knows_its_numbers_and_nothing_of_the_far_end() {
    let offer = offer_ourselves(&mut author(), LocalPort(20_000), &full_list(), Direction::SendRecv);
    let stream = waiting_streams(&offer)[0].clone().unwrap();
    assert_eq!((stream.remote, stream.receive), (None, full_list()));
    assert_eq!(local_port(&offer, 0), Some(LocalPort(20_000)));
}

#[test]
fn authors_are_written_down_and_go_on_counting() {
    let mut author = author();
    offer_ourselves(&mut author, LocalPort(20_000), &full_list(), Direction::SendRecv);
    let mut restored: Author = serde_json::from_str(&serde_json::to_string(&author).unwrap()).unwrap();
    let next =
        |author: &mut Author| offer_ourselves(author, LocalPort(20_002), &full_list(), Direction::SendRecv);
    assert_eq!(next(&mut restored), next(&mut author));
}

#[test]
fn keys_in_the_clear_are_not_passed_on() {
    let text =
        CALLER.replace("t=0 0\r\n", "t=0 0\r\nk=clear:secret\r\n").replace("a=mid:0", "k=prompt\r\na=mid:0");
    let offer = relay_offer(&mut author(), &parsed(&text), &ports(&[20_000, 20_002])).unwrap();
    assert!(!offer.to_string().contains("k="));
}

#[test]
fn answers_repeat_the_transport_of_the_offer() {
    let offer = simple("198.51.100.1", "m=audio 6000 RTP/AVPF 0\r\n");
    let answer = simple("203.0.113.5", "m=audio 7000 RTP/AVP 0\r\n");
    let relayed = relay_answer(&mut author(), &offer, &answer, &ports(&[20_000])).unwrap();
    assert_eq!(relayed.media[0].protocol, "RTP/AVPF");
    let own = answer_ourselves(&mut author(), &offer, LocalPort(20_000)).unwrap().session;
    assert_eq!(own.media[0].protocol, "RTP/AVPF");
}

#[test]
fn an_answer_that_does_not_fit_its_offer_is_refused_line_by_line() {
    let offer = simple(
        "198.51.100.1",
        "m=video 6000 RTP/AVP 97\r\nm=audio 6002 RTP/SAVP 0\r\nm=audio 6004 RTP/AVP 0\r\n",
    );
    let answer = simple(
        "203.0.113.5",
        "m=audio 7000 RTP/AVP 0\r\nm=audio 7002 RTP/AVP 0\r\nm=audio 7004 RTP/AVP 0\r\n",
    );
    let relayed = relay_answer(&mut author(), &offer, &answer, &ports(&[20_000, 20_002, 20_004])).unwrap();
    assert_eq!(relayed.media.iter().map(|media| media.port).collect::<Vec<_>>(), [0, 0, 20_004]);
    assert_eq!(relayed.media[1].protocol, "RTP/SAVP");
}

#[test]
fn events_of_another_clock_than_the_sound_are_not_agreed() {
    let offer =
        simple("198.51.100.1", "m=audio 6000 RTP/AVP 0 110\r\na=rtpmap:110 telephone-event/48000\r\n");
    assert_eq!(answer_ourselves(&mut author(), &offer, LocalPort(20_000)).unwrap().codecs, [Codec::pcmu()]);
}

#[test]
fn a_phone_that_answers_with_one_codec_is_listened_to_in_that_codec_only() {
    let local = offer_ourselves(&mut author(), LocalPort(20_000), &full_list(), Direction::SendRecv);
    let answer = simple("203.0.113.5", "m=audio 7000 RTP/AVP 8\r\n");
    let stream = agreed_streams(&local, &answer)[0].clone().unwrap();
    assert_eq!((stream.receive, stream.send), (vec![Codec::pcma()], vec![Codec::pcma()]));
}
