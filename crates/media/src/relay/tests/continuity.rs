use super::*;

/// One SSRC, numbers without a gap, timestamps that follow the clock.
fn assert_continuous(heard: &[Heard]) {
    for two in heard.windows(2) {
        assert_eq!(two[0].ssrc, two[1].ssrc);
        assert_eq!(two[1].sequence, two[0].sequence.wrapping_add(1));
        let passed = two[1].at.since(two[0].at).as_micros() * 8 / 1_000;
        let stamped = u128::from(two[1].timestamp.wrapping_sub(two[0].timestamp));
        assert!(stamped.abs_diff(passed) <= FRAME as u128, "{stamped} for {passed}: {two:?}");
        assert!(stamped >= FRAME as u128, "no two packets claim the same moment");
    }
}

fn to(port: LocalPort, heard: Vec<Heard>) -> Vec<Heard> {
    heard.into_iter().filter(|one| one.port == port).collect()
}

#[test]
fn from_music_to_an_agent_to_another_and_back_the_caller_hears_one_stream() {
    const SECOND: TerminationId = TerminationId(3);
    let mut world = World::new();
    world.open_both();
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_millis(507));
    world.command(Command::Connect { a: CALLER, b: AGENT });
    world.pass(Duration::from_millis(31));
    Phone::agent().talk(&mut world, 30);
    world.open(SECOND, LocalPort(20_004), stream(address("203.0.113.9:9000"), 101));
    world.command(Command::Connect { a: CALLER, b: SECOND });
    world.pass(Duration::from_secs(3));
    let mut second = Phone::agent().from(address("203.0.113.9:9000"));
    second.port = LocalPort(20_004);
    second.talk(&mut world, 10);
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_millis(200));
    let heard = to(CALLER_PORT, world.take_rtp());
    assert_eq!(heard.len(), 26 + 30 + 10 + 11);
    assert_continuous(&heard);
    let marked: Vec<usize> = (0..heard.len()).filter(|&index| heard[index].marked).collect();
    assert_eq!(marked, [0, 26, 56, 66], "the marker says where the source changes, and only there");
}

#[test]
fn a_change_right_after_a_packet_still_leaves_room_for_that_packet() {
    let mut world = World::new();
    world.open_both();
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_millis(41));
    world.command(Command::Connect { a: CALLER, b: AGENT });
    Phone::agent().speak(&mut world);
    let heard = to(CALLER_PORT, world.take_rtp());
    assert_eq!(heard.len(), 4);
    assert_eq!(heard[3].timestamp.wrapping_sub(heard[2].timestamp), FRAME as u32);
}

#[test]
fn loss_and_disorder_of_the_source_are_passed_on_as_they_are() {
    let mut world = World::connected();
    let mut agent = Phone::agent();
    agent.talk(&mut world, 3);
    agent.lose();
    let late = agent.clone();
    agent.lose();
    agent.talk(&mut world, 2);
    late.clone().speak(&mut world);
    let heard = world.take_rtp();
    let first = heard[0].sequence;
    let offsets: Vec<u16> = heard.iter().map(|one| one.sequence.wrapping_sub(first)).collect();
    assert_eq!(offsets, [0, 1, 2, 5, 6, 4]);
    let stamps: Vec<u32> =
        heard.iter().map(|one| one.timestamp.wrapping_sub(heard[0].timestamp) / FRAME as u32).collect();
    assert_eq!(stamps, [0, 1, 2, 5, 6, 4]);
    let statistics = world.statistics(AGENT);
    assert_eq!((statistics.lost, statistics.gaps, statistics.late), (1, 1, 1));
}

#[test]
fn a_packet_from_before_the_change_does_not_take_the_place_of_another() {
    let mut world = World::new();
    world.open_both();
    let mut agent = Phone::agent();
    let old = agent.clone();
    agent.lose();
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_millis(100));
    world.command(Command::Connect { a: CALLER, b: AGENT });
    agent.talk(&mut world, 2);
    world.take_rtp();
    old.clone().speak(&mut world);
    assert!(world.take_rtp().is_empty());
    agent.speak(&mut world);
    assert_eq!(world.take_rtp().len(), 1);
}

#[test]
fn a_phone_that_changes_its_ssrc_or_restarts_its_numbers_is_spliced() {
    let mut world = World::connected();
    let mut agent = Phone::agent();
    agent.talk(&mut world, 5);
    agent = Phone { ssrc: 0xBEEF, sequence: 40_000, timestamp: 5, ..agent };
    agent.talk(&mut world, 5);
    agent = Phone { sequence: 1_000, timestamp: 900_000, ..agent };
    agent.talk(&mut world, 5);
    let heard = world.take_rtp();
    assert_eq!(heard.len(), 14, "the first packet of a restart is not believed yet");
    assert_continuous(&heard);
}

#[test]
fn the_sources_numbers_may_wrap() {
    let mut world = World::connected();
    Phone::caller().talk(&mut world, 30);
    assert_continuous(&world.take_rtp());
    let statistics = world.statistics(CALLER);
    assert_eq!((statistics.received_packets, statistics.lost, statistics.gaps), (30, 0, 0));
}

#[test]
fn a_long_call_goes_around_the_numbers_without_a_seam() {
    let mut world = World::connected();
    let mut agent = Phone::agent();
    let mut last: Option<u16> = None;
    for _ in 0..140_000 {
        agent.speak(&mut world);
        let sequence = world.take_rtp()[0].sequence;
        assert!(last.is_none_or(|last| sequence == last.wrapping_add(1)));
        last = Some(sequence);
    }
    assert_eq!(world.statistics(AGENT).lost, 0);
}

#[test]
fn after_hold_the_listener_hears_no_loss() {
    let mut world = World::connected();
    let mut agent = Phone::agent();
    agent.talk(&mut world, 5);
    let mut held = stream(caller_address(), 96);
    held.direction = Direction::Inactive;
    world.update(CALLER, held);
    agent.talk(&mut world, 100);
    assert_eq!(world.statistics(CALLER).sent_packets, 5, "a held phone is not sent to");
    Phone::caller().speak(&mut world);
    assert_eq!(world.statistics(CALLER).refused_direction, 1, "and not listened to");
    world.update(CALLER, stream(caller_address(), 96));
    agent.talk(&mut world, 5);
    let heard = world.take_rtp();
    assert_eq!(heard.len(), 10);
    assert_continuous(&heard);
}

#[test]
fn payload_numbers_are_mapped_and_what_the_listener_cannot_take_leaves_no_gap() {
    let mut world = World::new();
    let mut wide = stream(agent_address(), 101);
    wide.receive.push(Codec::new(18, "G729", 8_000));
    world.open(CALLER, CALLER_PORT, stream(caller_address(), 96));
    world.open(AGENT, AGENT_PORT, wide);
    world.command(Command::Connect { a: CALLER, b: AGENT });
    let mut agent = Phone::agent();
    agent.talk(&mut world, 2);
    let packet = agent.packet(18, &[1; 20]);
    world.packet(AGENT_PORT, agent.source, packet);
    agent.lose();
    let packet = agent.packet(33, &[1; 20]);
    world.packet(AGENT_PORT, agent.source, packet);
    agent.event(&mut world, 101, [5, 0x0A, 0, 160]);
    let heard = world.take_rtp();
    let types: Vec<u8> = heard.iter().map(|one| one.payload_type).collect();
    assert_eq!(types, [0, 0, 96]);
    assert_eq!(heard[2].sequence, heard[1].sequence.wrapping_add(1));
    assert_eq!(world.statistics(AGENT).refused_payload, 2);
}

#[test]
fn a_phone_that_uses_its_own_number_instead_of_ours_is_understood() {
    let mut world = World::new();
    let mut description = stream(agent_address(), 101);
    description.send[1].payload_type = 97;
    world.open(CALLER, CALLER_PORT, stream(caller_address(), 96));
    world.open(AGENT, AGENT_PORT, description);
    world.command(Command::Connect { a: CALLER, b: AGENT });
    let mut agent = Phone::agent();
    agent.event(&mut world, 97, [5, 0x8A, 0, 160]);
    assert_eq!(world.take_rtp()[0].payload_type, 96);
}

#[test]
fn a_key_passes_with_its_number_mapped_and_its_timestamps_together_and_is_said_once() {
    let mut world = World::connected();
    let mut caller = Phone::caller();
    caller.talk(&mut world, 3);
    world.take_events();
    for duration in [160_u16, 320, 480] {
        caller.event(&mut world, 96, [11, 10, (duration >> 8) as u8, duration as u8]);
        world.pass(FRAME_TIME);
    }
    for _ in 0..3 {
        caller.event(&mut world, 96, [11, 0x8A, (640_u16 >> 8) as u8, 640_u16 as u8]);
    }
    caller.timestamp = caller.timestamp.wrapping_add(640);
    caller.talk(&mut world, 2);
    let heard = world.take_rtp();
    let key = &heard[3..9];
    assert!(key.iter().all(|one| one.payload_type == 101 && one.timestamp == key[0].timestamp));
    assert_eq!(key[0].timestamp.wrapping_sub(heard[2].timestamp), FRAME as u32);
    assert_eq!(heard[9].timestamp.wrapping_sub(key[0].timestamp), 640);
}

#[test]
fn header_extensions_and_contributing_sources_pass_untouched() {
    let mut world = World::connected();
    let mut packet = vec![0x91, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4];
    packet.extend([0x55; 10]);
    world.packet(AGENT_PORT, agent_address(), packet.clone());
    let (_, sent) = &world.sent[0];
    assert_eq!(sent.bytes[0], packet[0]);
    assert_eq!(sent.bytes[12..], packet[12..]);
}

#[test]
fn a_long_key_does_not_hold_the_listeners_clock() {
    let mut world = World::connected();
    let mut agent = Phone::agent();
    agent.talk(&mut world, 3);
    for duration in 1..100_u16 {
        let [high, low] = (duration * 160).to_be_bytes();
        agent.event(&mut world, 101, [1, 10, high, low]);
        world.pass(FRAME_TIME);
    }
    let sound_at = world.take_rtp()[2].clone();
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_millis(1));
    let music = world.take_rtp().remove(0);
    let passed = (music.at.since(sound_at.at).as_micros() * 8 / 1_000) as u32;
    assert_eq!(music.timestamp.wrapping_sub(sound_at.timestamp), passed);
}

#[test]
fn the_marker_waits_for_sound_and_is_never_added_to_pictures() {
    let mut world = World::connected();
    let mut agent = Phone::agent();
    agent.event(&mut world, 101, [1, 10, 0, 160]);
    agent.talk(&mut world, 2);
    let marks: Vec<bool> = world.take_rtp().iter().map(|one| one.marked).collect();
    assert_eq!(marks, [false, true, false]);
    let mut pictures = stream(agent_address(), 101);
    pictures.receive = vec![Codec::new(97, "H264", 90_000)];
    pictures.send = pictures.receive.clone();
    let mut other = pictures.clone();
    other.remote = Some(caller_address());
    world.update(AGENT, pictures);
    world.update(CALLER, other);
    world.command(Command::Connect { a: CALLER, b: AGENT });
    world.packet(AGENT_PORT, agent_address(), agent.packet(97, &[0; 500]));
    assert!(!world.take_rtp()[0].marked);
}

#[test]
fn what_was_said_while_disconnected_is_no_loss_to_either() {
    let mut world = World::connected();
    let (mut caller, mut agent) = (Phone::caller(), Phone::agent());
    const THIRD: TerminationId = TerminationId(3);
    world.open(THIRD, LocalPort(20_004), StreamDescription::waiting(vec![Codec::pcmu()]));
    for connected in [true, false, true] {
        world.command(Command::Connect { a: CALLER, b: if connected { AGENT } else { THIRD } });
        for _ in 0..5 {
            caller.speak(&mut world);
            agent.talk(&mut world, 1);
        }
    }
    let heard = world.take_rtp();
    assert_eq!(heard.len(), 20);
    assert_continuous(&to(CALLER_PORT, heard.clone()));
    assert_continuous(&to(AGENT_PORT, heard));
}

#[test]
fn the_sources_own_markers_pass() {
    let mut world = World::connected();
    let agent = Phone::agent();
    let marked: Vec<bool> = [0, 1, 2]
        .map(|number| {
            let mut packet = Phone { sequence: number, ..agent.clone() }.packet(0, &[0; FRAME]);
            packet[1] |= if number == 1 { 0x80 } else { 0 };
            world.packet(AGENT_PORT, agent.source, packet);
            world.take_rtp()[0].marked
        })
        .to_vec();
    assert_eq!(marked, [true, true, false]);
}
