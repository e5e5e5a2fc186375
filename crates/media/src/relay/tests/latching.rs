use super::*;

fn translated() -> SocketAddr {
    address("198.51.100.77:40001")
}

fn stranger() -> SocketAddr {
    address("192.0.2.66:6666")
}

fn latched(events: &[Event]) -> Vec<SocketAddr> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Latched { source, .. } => Some(*source),
            _ => None,
        })
        .collect()
}

#[test]
fn the_signalled_source_is_taken_with_its_first_packet() {
    let mut world = World::connected();
    Phone::caller().speak(&mut world);
    assert_eq!(latched(&world.take_events()), [caller_address()]);
    assert_eq!(world.take_rtp()[0].to, agent_address());
}

#[test]
fn a_phone_behind_an_address_translator_is_taken_after_the_window_and_then_spoken_to() {
    let mut world = World::connected();
    let mut caller = Phone::caller().from(translated());
    caller.talk(&mut world, 5);
    assert!(latched(&world.take_events()).is_empty());
    assert_eq!(world.take_rtp().len(), 5, "it is heard from the first packet");
    Phone::agent().speak(&mut world);
    assert_eq!(world.take_rtp()[0].to, caller_address(), "but nothing goes to a source merely seen");
    caller.talk(&mut world, 15);
    assert_eq!(latched(&world.take_events()), [agent_address(), translated()]);
    world.take_rtp();
    Phone::agent().speak(&mut world);
    assert_eq!(world.take_rtp()[0].to, translated());
}

#[test]
fn the_signalled_source_wins_over_one_that_came_first() {
    let mut world = World::connected();
    Phone::agent().from(stranger()).talk(&mut world, 3);
    Phone::agent().talk(&mut world, 3);
    assert_eq!(latched(&world.take_events()), [agent_address()]);
    world.take_rtp();
    Phone::agent().from(stranger()).talk(&mut world, 50);
    assert!(world.take_rtp().is_empty());
    assert_eq!(world.statistics(AGENT).refused_source, 50);
}

#[test]
fn the_signalled_host_on_another_port_wins_over_a_stranger() {
    let mut world = World::connected();
    let neighbour = SocketAddr::new(agent_address().ip(), 7_777);
    Phone::agent().from(stranger()).talk(&mut world, 2);
    Phone::agent().from(neighbour).talk(&mut world, 20);
    assert_eq!(latched(&world.take_events()), [neighbour]);
}

#[test]
fn injected_packets_are_refused_counted_and_change_nothing() {
    let mut world = World::connected();
    let mut caller = Phone::caller();
    caller.talk(&mut world, 3);
    world.take_rtp();
    for _ in 0..1_000 {
        Phone { ssrc: caller.ssrc, ..caller.clone() }.from(stranger()).speak(&mut world);
        Phone::caller().from(SocketAddr::new(caller_address().ip(), 6_002)).speak(&mut world);
    }
    assert!(world.take_rtp().is_empty());
    Phone::agent().speak(&mut world);
    assert_eq!(world.take_rtp()[0].to, caller_address(), "no bleed");
    caller.speak(&mut world);
    assert_eq!(world.take_rtp().len(), 1);
    let statistics = world.statistics(CALLER);
    assert_eq!((statistics.refused_source, statistics.received_packets), (2_000, 4));
}

#[test]
fn one_stray_packet_does_not_keep_the_real_phone_out() {
    let mut world = World::connected();
    Phone::caller().from(stranger()).speak(&mut world);
    world.pass(Duration::from_millis(120));
    Phone::caller().from(translated()).talk(&mut world, 20);
    assert_eq!(latched(&world.take_events()), [translated()]);
}

#[test]
fn a_scan_of_two_packets_never_becomes_the_source() {
    let mut world = World::connected();
    let mut scan = Phone::caller().from(stranger());
    scan.speak(&mut world);
    world.pass(Duration::from_secs(5));
    scan.speak(&mut world);
    world.pass(Duration::from_secs(5));
    assert!(latched(&world.take_events()).is_empty());
    world.take_rtp();
    Phone::agent().speak(&mut world);
    assert_eq!(world.take_rtp()[0].to, caller_address());
}

#[test]
fn only_another_signalled_address_opens_the_latch() {
    let mut world = World::connected();
    Phone::caller().talk(&mut world, 2);
    let mut held = stream(caller_address(), 96);
    held.direction = Direction::SendOnly;
    world.update(CALLER, held.clone());
    held.remote = None;
    world.update(CALLER, held);
    world.update(CALLER, stream(caller_address(), 96));
    Phone::caller().from(stranger()).talk(&mut world, 50);
    assert_eq!(latched(&world.take_events()), [caller_address()]);
    world.update(CALLER, stream(translated(), 96));
    Phone::caller().talk(&mut world, 3);
    Phone::caller().from(translated()).speak(&mut world);
    assert_eq!(latched(&world.take_events()), [translated()]);
}

#[test]
fn nothing_is_taken_or_sent_before_signalling_names_an_address() {
    let mut world = World::new();
    world.open(CALLER, CALLER_PORT, stream(caller_address(), 96));
    world.open(AGENT, AGENT_PORT, StreamDescription::waiting(vec![Codec::pcmu()]));
    world.command(Command::Connect { a: CALLER, b: AGENT });
    Phone::agent().talk(&mut world, 20);
    Phone::caller().talk(&mut world, 20);
    assert!(world.take_rtp().is_empty());
    assert_eq!(world.statistics(AGENT).refused_source, 20);
    world.update(AGENT, stream(agent_address(), 101));
    Phone::caller().speak(&mut world);
    Phone::agent().speak(&mut world);
    assert_eq!(world.take_rtp().len(), 2);
}

#[test]
fn stricter_policies_never_learn_from_strangers() {
    for (policy, neighbour_is_taken) in [(Latching::SameHost, true), (Latching::Strict, false)] {
        let mut world = World::with(Settings { latching: policy, ..Settings::default() });
        world.open_both();
        Phone::caller().from(stranger()).talk(&mut world, 30);
        assert_eq!(world.statistics(CALLER).received_packets, 0);
        Phone::caller().from(SocketAddr::new(caller_address().ip(), 6_500)).talk(&mut world, 30);
        assert_eq!(world.statistics(CALLER).received_packets > 0, neighbour_is_taken, "{policy:?}");
        assert_eq!(latched(&world.take_events()).len(), usize::from(neighbour_is_taken));
    }
}

#[test]
fn an_ipv4_phone_seen_through_an_ipv6_socket_is_the_same_phone() {
    let mut world = World::connected();
    Phone::caller().from(address("[::ffff:198.51.100.1]:6000")).speak(&mut world);
    assert_eq!(latched(&world.take_events()), [caller_address()]);
}

#[test]
fn of_two_strangers_the_first_stays_and_the_second_is_not_heard() {
    let mut world = World::connected();
    let (mut first, mut second) = (Phone::caller().from(translated()), Phone::caller().from(stranger()));
    for _ in 0..15 {
        first.speak(&mut world);
        second.speak(&mut world);
        world.pass(FRAME_TIME);
    }
    assert_eq!(latched(&world.take_events()), [translated()]);
    assert_eq!(world.statistics(CALLER).refused_source, 15);
}

#[test]
fn a_source_that_is_taken_while_on_hold_is_said_too() {
    let mut world = World::connected();
    let mut held = stream(caller_address(), 96);
    held.direction = Direction::SendOnly;
    world.update(CALLER, held);
    Phone::caller().speak(&mut world);
    assert_eq!(latched(&world.take_events()), [caller_address()]);
}

#[test]
fn who_signals_no_address_is_sent_nothing_even_if_one_is_known() {
    let mut world = World::connected();
    Phone::caller().speak(&mut world);
    let mut nowhere = stream(caller_address(), 96);
    nowhere.remote = None;
    world.update(CALLER, nowhere);
    world.take_rtp();
    Phone::agent().talk(&mut world, 5);
    world.pass(Duration::from_secs(20));
    assert!(
        world.sent.iter().all(|(_, one)| one.port.rtp() != CALLER_PORT),
        "neither RTP nor RTCP (RFC 3264 §8.4)"
    );
}
