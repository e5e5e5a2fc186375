use rtcp_types::{Bye, Compound, Packet, ReceiverReport, ReportBlock, RtcpPacketWriter, SenderReport};

use super::*;

fn written(packet: &impl RtcpPacketWriter) -> Vec<u8> {
    let mut bytes = vec![0; packet.calculate_size().unwrap()];
    packet.write_into_unchecked(&mut bytes);
    bytes
}

fn caller_rtcp() -> SocketAddr {
    SocketAddr::new(caller_address().ip(), caller_address().port() + 1)
}

/// The SSRC under which we send to the caller.
fn ssrc_to_caller(world: &mut World) -> u32 {
    Phone::agent().speak(world);
    world.take_rtp()[0].ssrc
}

#[test]
fn reports_go_out_about_every_five_seconds_to_the_rtcp_address() {
    let mut world = World::connected();
    world.pass(Duration::from_secs(600));
    let sent = world.take_rtcp();
    let to_caller: Vec<Instant> =
        sent.iter().filter(|(_, one)| one.to == caller_rtcp()).map(|(at, _)| *at).collect();
    assert!(
        sent.iter().filter(|(_, one)| one.to == caller_rtcp()).all(|(_, one)| one.port == CALLER_PORT.rtcp())
    );
    assert!((100..150).contains(&to_caller.len()), "{}", to_caller.len());
    let gaps: Vec<Duration> = to_caller.windows(2).map(|two| two[1] - two[0]).collect();
    // 2.5 s to 7.5 s over e - 3/2 (RFC 3550 §6.3.1), and a tick of the timing wheel.
    assert!(gaps.iter().all(|gap| (2_050..6_160).contains(&gap.as_millis())), "{gaps:?}");
    assert!(gaps.iter().any(|gap| gap.as_millis() < 3_000) && gaps.iter().any(|gap| gap.as_millis() > 5_000));
}

#[test]
fn a_report_says_what_we_sent_and_what_we_heard() {
    let mut world = World::connected();
    let mut caller = Phone::caller();
    caller.talk(&mut world, 10);
    caller.lose();
    caller.talk(&mut world, 9);
    let mut agent = Phone::agent();
    agent.talk(&mut world, 12);
    let last = world.take_rtp().into_iter().rfind(|one| one.port == CALLER_PORT).unwrap();
    world.pass(Duration::from_secs(7));
    let (at, first) = world.take_rtcp().into_iter().find(|(_, one)| one.to == caller_rtcp()).unwrap();
    let packets: Vec<Packet<'_>> = Compound::parse(&first.bytes).unwrap().map(Result::unwrap).collect();
    let [Packet::Sr(report), Packet::Sdes(names)] = &packets[..] else { panic!("{packets:?}") };
    assert_eq!((report.ssrc(), report.packet_count(), report.octet_count()), (last.ssrc, 12, 12 * 160));
    assert_eq!(report.ntp_timestamp() >> 32, at.as_micros() / 1_000_000);
    let passed = (at.since(last.at).as_micros() * 8 / 1_000) as u32;
    assert_eq!(report.rtp_timestamp(), last.timestamp.wrapping_add(passed));
    let block = report.report_blocks().next().unwrap();
    assert_eq!(
        (block.ssrc(), block.cumulative_lost(), block.fraction_lost()),
        (0xCA11, 1, 12),
        "1/20 of 256"
    );
    // 65530 was the first of twenty numbers: one turn and 13.
    assert_eq!(block.extended_sequence_number(), (1 << 16) + 13);
    let chunk = names.chunks().next().unwrap();
    assert_eq!(chunk.ssrc(), last.ssrc);
    assert_eq!(chunk.items().next().unwrap().value().len(), 24);
}

#[test]
fn who_has_sent_nothing_since_the_last_report_writes_a_receiver_report() {
    let mut world = World::connected();
    Phone::agent().speak(&mut world);
    world.pass(Duration::from_secs(30));
    let kinds: Vec<u8> = world
        .take_rtcp()
        .iter()
        .filter(|(_, one)| one.to == caller_rtcp())
        .map(|(_, one)| one.bytes[1])
        .collect();
    assert_eq!(kinds[0], 200);
    assert!(kinds.len() > 2 && kinds[1..].iter().all(|&kind| kind == 201), "{kinds:?}");
}

#[test]
fn the_far_ends_report_tells_loss_jitter_and_round_trip() {
    let mut world = World::connected();
    let ssrc = ssrc_to_caller(&mut world);
    world.pass(Duration::from_secs(7));
    let (sent_at, report) = world.take_rtcp().into_iter().find(|(_, one)| one.to == caller_rtcp()).unwrap();
    let packets: Vec<Packet<'_>> = Compound::parse(&report.bytes).unwrap().map(Result::unwrap).collect();
    let Packet::Sr(sender) = &packets[0] else { panic!("{packets:?}") };
    let middle = (sender.ntp_timestamp() >> 16) as u32;
    // The far end answers 1.5 s after it got it, and 80 ms went by on the way there and back.
    world.now = sent_at + Duration::from_millis(1_580);
    let answer = ReceiverReport::builder(0xCA11).add_report_block(
        ReportBlock::builder(ssrc)
            .fraction_lost(64)
            .cumulative_lost(0xFF_FFFE)
            .interarrival_jitter(240)
            .last_sender_report_timestamp(middle)
            .delay_since_last_sender_report_timestamp(98_304),
    );
    world.packet(CALLER_PORT.rtcp(), caller_rtcp(), written(&answer));
    let statistics = world.statistics(CALLER);
    assert_eq!((statistics.far_fraction_lost, statistics.far_lost), (64, -2), "24 bits with a sign");
    assert_eq!(statistics.far_jitter_micros, 30_000);
    let trip = statistics.round_trip.unwrap();
    assert!(trip.abs_diff(Duration::from_millis(80)) < Duration::from_millis(1), "{trip:?}");
    assert_eq!(statistics.rtcp_received, 1);
}

#[test]
fn a_report_about_somebody_else_or_with_an_impossible_delay_tells_nothing() {
    let mut world = World::connected();
    let ssrc = ssrc_to_caller(&mut world);
    let block =
        |ssrc| ReportBlock::builder(ssrc).cumulative_lost(9).last_sender_report_timestamp(u32::MAX / 2);
    let other = ReceiverReport::builder(1).add_report_block(block(ssrc ^ 1));
    world.packet(CALLER_PORT.rtcp(), caller_rtcp(), written(&other));
    assert_eq!(world.statistics(CALLER).far_lost, 0);
    let late = ReceiverReport::builder(1).add_report_block(
        block(ssrc).delay_since_last_sender_report_timestamp(0).last_sender_report_timestamp(u32::MAX / 2),
    );
    world.packet(CALLER_PORT.rtcp(), caller_rtcp(), written(&late));
    let statistics = world.statistics(CALLER);
    assert_eq!((statistics.far_lost, statistics.round_trip), (9, None));
}

#[test]
fn our_report_echoes_the_far_ends_sender_report_and_the_delay_since() {
    let mut world = World::connected();
    let mut caller = Phone::caller();
    caller.talk(&mut world, 2);
    let theirs = SenderReport::builder(0xCA11).ntp_timestamp(0x1122_3344_5566_7788);
    world.packet(CALLER_PORT.rtcp(), caller_rtcp(), written(&theirs));
    let received_at = world.now;
    world.take_rtcp();
    world.pass(Duration::from_secs(7));
    let (at, report) = world.take_rtcp().into_iter().find(|(_, one)| one.to == caller_rtcp()).unwrap();
    let packets: Vec<Packet<'_>> = Compound::parse(&report.bytes).unwrap().map(Result::unwrap).collect();
    let Packet::Rr(receiver) = &packets[0] else { panic!("{packets:?}") };
    let block = receiver.report_blocks().next().unwrap();
    assert_eq!(block.last_sender_report_timestamp(), 0x3344_5566);
    let delay = (at.since(received_at).as_micros() << 16) / 1_000_000;
    assert_eq!(u128::from(block.delay_since_last_sender_report_timestamp()), delay);
}

#[test]
fn rtcp_from_strangers_and_what_is_no_report_is_refused() {
    let mut world = World::connected();
    Phone::caller().speak(&mut world);
    let report = written(&ReceiverReport::builder(0xCA11));
    world.packet(CALLER_PORT.rtcp(), address("192.0.2.66:6001"), report.clone());
    assert_eq!(world.statistics(CALLER).refused_source, 1);
    world.packet(CALLER_PORT, address("192.0.2.66:6001"), report.clone());
    assert_eq!(world.statistics(CALLER).refused_source, 2);
    world.packet(CALLER_PORT.rtcp(), caller_rtcp(), written(&Bye::builder().add_source(1)));
    world.packet(CALLER_PORT.rtcp(), caller_rtcp(), report[..7].to_vec());
    world.packet(CALLER_PORT.rtcp(), caller_rtcp(), Vec::new());
    let statistics = world.statistics(CALLER);
    assert_eq!((statistics.refused_malformed, statistics.rtcp_received), (3, 0));
}

#[test]
fn with_mux_both_directions_use_the_rtp_port() {
    let mut world = World::new();
    let mut description = stream(caller_address(), 96);
    description.mux = true;
    description.remote_rtcp = description.remote;
    world.open(CALLER, CALLER_PORT, description);
    world.pass(Duration::from_secs(10));
    let sent = world.take_rtcp();
    assert!(
        sent.len() > 1 && sent.iter().all(|(_, one)| one.port == CALLER_PORT && one.to == caller_address())
    );
    world.packet(CALLER_PORT, caller_address(), written(&ReceiverReport::builder(1)));
    assert_eq!(world.statistics(CALLER).rtcp_received, 1);
}

#[test]
fn behind_an_address_translator_rtcp_goes_where_it_comes_from_and_not_to_a_guess() {
    let mut world = World::connected();
    let translated = address("198.51.100.77:40001");
    Phone::caller().from(translated).talk(&mut world, 20);
    world.take_rtcp();
    world.pass(Duration::from_secs(20));
    assert!(world.take_rtcp().iter().all(|(_, one)| one.port != CALLER_PORT.rtcp()), "nowhere that is known");
    let rtcp = address("198.51.100.77:40009");
    world.packet(CALLER_PORT.rtcp(), rtcp, written(&ReceiverReport::builder(0xCA11)));
    world.pass(Duration::from_secs(20));
    assert!(world.take_rtcp().iter().any(|(_, one)| one.to == rtcp));
}

#[test]
fn the_end_is_said_with_bye_and_only_by_who_has_said_anything() {
    let mut world = World::connected();
    let ssrc = ssrc_to_caller(&mut world);
    world.command(Command::Close { termination: CALLER });
    let sent = world.take_rtcp();
    assert_eq!(sent.len(), 1);
    let packets: Vec<Packet<'_>> = Compound::parse(&sent[0].1.bytes).unwrap().map(Result::unwrap).collect();
    let Some(Packet::Bye(bye)) = packets.last() else { panic!("{packets:?}") };
    assert_eq!(bye.ssrcs().collect::<Vec<_>>(), [ssrc]);
    world.command(Command::Close { termination: AGENT });
    assert!(world.take_rtcp().is_empty());
}

#[test]
fn a_sender_report_of_another_stream_is_not_echoed() {
    let mut world = World::connected();
    world.packet(
        CALLER_PORT.rtcp(),
        caller_rtcp(),
        written(&SenderReport::builder(0xD00D).ntp_timestamp(u64::MAX)),
    );
    assert_eq!(world.statistics(CALLER).rtcp_received, 1, "its stream is not known yet");
    Phone::caller().speak(&mut world);
    world.pass(Duration::from_secs(7));
    let (_, report) = world.take_rtcp().into_iter().find(|(_, one)| one.to == caller_rtcp()).unwrap();
    let packets: Vec<Packet<'_>> = Compound::parse(&report.bytes).unwrap().map(Result::unwrap).collect();
    let Packet::Rr(receiver) = &packets[0] else { panic!("{packets:?}") };
    let block = receiver.report_blocks().next().unwrap();
    assert_eq!((block.ssrc(), block.last_sender_report_timestamp()), (0xCA11, 0));
    assert_eq!(block.delay_since_last_sender_report_timestamp(), 0);
}

/// Where our reports to the caller go within the next twenty seconds.
fn reports_to_the_caller(world: &mut World) -> BTreeSet<SocketAddr> {
    world.take_rtcp();
    world.pass(Duration::from_secs(20));
    let sent = world.take_rtcp();
    sent.iter().filter(|(_, one)| one.port == CALLER_PORT.rtcp()).map(|(_, one)| one.to).collect()
}

#[test]
fn rtcp_of_another_port_of_the_same_host_does_not_lead_our_reports_away() {
    let mut world = World::connected();
    Phone::caller().talk(&mut world, 3);
    let port = |port| SocketAddr::new(caller_address().ip(), port);
    let report = written(&ReceiverReport::builder(0xCA11));
    // The first one, from a port that was not signalled, as some gateways do.
    world.packet(CALLER_PORT.rtcp(), port(6_101), report.clone());
    for other in 7_000..7_100 {
        world.packet(CALLER_PORT.rtcp(), port(other), report.clone());
    }
    let statistics = world.statistics(CALLER);
    assert_eq!((statistics.rtcp_received, statistics.refused_source), (1, 100));
    assert_eq!(reports_to_the_caller(&mut world), BTreeSet::from([port(6_101)]));
    // The signalled one wins whenever it speaks.
    world.packet(CALLER_PORT.rtcp(), caller_rtcp(), report.clone());
    world.packet(CALLER_PORT.rtcp(), port(6_101), report);
    assert_eq!(world.statistics(CALLER).rtcp_received, 2);
    assert_eq!(reports_to_the_caller(&mut world), BTreeSet::from([caller_rtcp()]));
}

#[test]
fn rtcp_of_somebody_who_does_not_know_the_stream_is_refused_whatever_its_port() {
    let mut world = World::connected();
    let ssrc = ssrc_to_caller(&mut world);
    Phone::caller().talk(&mut world, 3);
    let lies = ReceiverReport::builder(0xBAD)
        .add_report_block(ReportBlock::builder(ssrc).fraction_lost(255).cumulative_lost(9_999));
    let port = SocketAddr::new(caller_address().ip(), 6_101);
    for source in [port, caller_rtcp()] {
        world.packet(CALLER_PORT.rtcp(), source, written(&lies));
    }
    let statistics = world.statistics(CALLER);
    assert_eq!((statistics.far_lost, statistics.far_fraction_lost), (0, 0));
    assert_eq!((statistics.rtcp_received, statistics.refused_source), (0, 2));
    assert_eq!(reports_to_the_caller(&mut world), BTreeSet::from([caller_rtcp()]));
}

#[test]
fn rtcp_alone_finds_nobody() {
    for latching in [Latching::Strict, Latching::SameHost, Latching::Learn] {
        let mut world = World::new();
        world.rule = SourceRule { latching, signalling_host: None };
        world.open_both();
        let port = SocketAddr::new(caller_address().ip(), 6_101);
        world.packet(CALLER_PORT.rtcp(), port, written(&ReceiverReport::builder(1)));
        assert_eq!(world.statistics(CALLER).refused_source, 1, "its RTP was not heard yet");
        assert_eq!(reports_to_the_caller(&mut world), BTreeSet::from([caller_rtcp()]));
        Phone::caller().speak(&mut world);
        world.packet(CALLER_PORT.rtcp(), port, written(&ReceiverReport::builder(0xCA11)));
        let is_strict = latching == Latching::Strict;
        assert_eq!(world.statistics(CALLER).rtcp_received, u64::from(!is_strict), "{latching:?}");
    }
}
