use super::*;

fn translated() -> SocketAddr {
    address("198.51.100.77:40001")
}

fn stranger() -> SocketAddr {
    address("192.0.2.66:6666")
}

/// The caller's host on a port that was not signalled.
fn neighbour() -> SocketAddr {
    SocketAddr::new(caller_address().ip(), 6_500)
}

fn rule(latching: Latching) -> SourceRule {
    SourceRule { latching, signalling_host: None }
}

/// The caller's phone registers through a translator, which gives its media the same address.
fn behind_a_translator() -> SourceRule {
    SourceRule { latching: Latching::SameHost, signalling_host: Some(translated().ip()) }
}

fn connected(rule: SourceRule) -> World {
    let mut world = World::new();
    world.rule = rule;
    world.open_both();
    world.command(Command::Connect { a: CALLER, b: AGENT });
    world
}

/// Where what is said to the caller goes.
fn towards_the_caller(world: &mut World, agent: &mut Phone) -> SocketAddr {
    world.take_rtp();
    agent.speak(world);
    world.take_rtp()[0].to
}

#[test]
fn the_signalled_source_is_taken_with_its_first_packet() {
    let mut world = World::connected();
    Phone::caller().speak(&mut world);
    assert_eq!(world.source(CALLER), Some(caller_address()));
    assert_eq!(world.take_rtp()[0].to, agent_address());
}

#[test]
fn a_phone_behind_an_address_translator_is_taken_after_the_window_then_heard_and_spoken_to() {
    for rule in [LEARN, behind_a_translator()] {
        let mut world = connected(rule);
        let (mut caller, mut agent) = (Phone::caller().from(translated()), Phone::agent());
        caller.talk(&mut world, 13);
        assert_eq!(world.source(CALLER), None, "240 ms");
        assert!(world.take_rtp().is_empty(), "nobody is heard who was not taken");
        assert_eq!(towards_the_caller(&mut world, &mut agent), caller_address(), "nor spoken to");
        caller.talk(&mut world, 7);
        assert_eq!(world.source(CALLER), Some(translated()));
        assert_eq!(world.take_rtp().len(), 7);
        assert_eq!(towards_the_caller(&mut world, &mut agent), translated());
        let statistics = world.statistics(CALLER);
        assert_eq!((statistics.refused_untaken, statistics.refused_source), (13, 0));
        assert_eq!((statistics.received_packets, statistics.lost), (7, 0));
    }
}

#[test]
fn a_candidates_packets_are_not_played_to_the_other_side() {
    for latching in [Latching::Strict, Latching::SameHost, Latching::Learn] {
        let mut world = connected(rule(latching));
        for source in [stranger(), neighbour(), translated()] {
            let mut attacker = Phone::caller().from(source);
            for _ in 0..200 {
                attacker.speak(&mut world);
            }
        }
        assert!(world.take_rtp().is_empty(), "{latching:?}");
        assert_eq!(world.source(CALLER), None);
        assert_eq!(world.statistics(CALLER).received_packets, 0);
    }
}

#[test]
fn the_signalled_source_wins_whenever_it_first_speaks() {
    let mut world = connected(LEARN);
    let (mut attacker, mut agent) = (Phone::caller().from(stranger()), Phone::agent());
    attacker.talk(&mut world, 100);
    assert_eq!(world.source(CALLER), Some(stranger()), "nobody else spoke for two seconds");
    Phone::caller().speak(&mut world);
    assert_eq!(world.source(CALLER), Some(caller_address()));
    assert_eq!(towards_the_caller(&mut world, &mut agent), caller_address());
    attacker.talk(&mut world, 100);
    assert!(world.take_rtp().is_empty());
    assert_eq!(world.statistics(CALLER).refused_source, 100);
    assert_eq!(world.source(CALLER), Some(caller_address()));
}

#[test]
fn the_nearer_source_takes_the_place_of_one_that_was_quicker() {
    let mut world = World::new();
    world.rule = SourceRule { latching: Latching::Learn, signalling_host: Some(translated().ip()) };
    world.open_both();
    world.command(Command::Connect { a: CALLER, b: AGENT });
    for (source, next) in [
        (stranger(), Some(stranger())),
        (translated(), Some(translated())),
        (stranger(), Some(translated())),
        (neighbour(), Some(neighbour())),
        (translated(), Some(neighbour())),
        (caller_address(), Some(caller_address())),
        (neighbour(), Some(caller_address())),
    ] {
        Phone::caller().from(source).talk(&mut world, 20);
        assert_eq!(world.source(CALLER), next, "after {source}");
    }
}

#[test]
fn a_silent_leg_is_not_given_to_whoever_sprays_it() {
    let mut world = connected(rule(Latching::SameHost));
    let mut agent = Phone::agent();
    for _ in 0..250 {
        for number in 0..4_u16 {
            Phone::caller().from(address(&format!("192.0.2.66:{}", 6_000 + number))).speak(&mut world);
        }
        agent.speak(&mut world);
        world.pass(FRAME_TIME);
    }
    assert_eq!(world.source(CALLER), None);
    let heard = world.take_rtp();
    assert_eq!(heard.len(), 250);
    assert!(heard.iter().all(|one| one.to == caller_address()), "no bleed, no injection");
    assert_eq!(world.statistics(CALLER).refused_source, 1_000);
}

#[test]
fn a_leg_that_we_do_not_want_to_hear_is_not_found_by_anybody() {
    for direction in [Direction::SendOnly, Direction::Inactive] {
        let mut world = connected(LEARN);
        let mut held = stream(caller_address(), 96);
        held.direction = direction;
        world.update(CALLER, held);
        for source in [stranger(), caller_address()] {
            Phone::caller().from(source).talk(&mut world, 50);
        }
        assert_eq!(world.source(CALLER), None);
        assert_eq!(world.statistics(CALLER).refused_direction, 100);
        world.update(CALLER, stream(caller_address(), 96));
        Phone::caller().talk(&mut world, 2);
        assert_eq!(world.source(CALLER), Some(caller_address()));
        assert_eq!(world.take_rtp().len(), 2, "heard at once after the hold");
    }
}

#[test]
fn injected_packets_are_refused_counted_and_change_nothing() {
    let mut world = World::connected();
    let mut caller = Phone::caller();
    caller.talk(&mut world, 3);
    world.take_rtp();
    for _ in 0..1_000 {
        Phone { ssrc: caller.ssrc, ..caller.clone() }.from(stranger()).speak(&mut world);
        Phone::caller().from(neighbour()).speak(&mut world);
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
    assert_eq!(world.source(CALLER), Some(translated()));
}

#[test]
fn a_scan_of_two_packets_never_becomes_the_source() {
    let mut world = World::connected();
    let mut scan = Phone::caller().from(stranger());
    scan.speak(&mut world);
    world.pass(Duration::from_secs(5));
    scan.speak(&mut world);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.source(CALLER), None);
    assert_eq!(towards_the_caller(&mut world, &mut Phone::agent()), caller_address());
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
    assert_eq!(world.source(CALLER), Some(caller_address()));
    world.update(CALLER, stream(translated(), 96));
    assert_eq!(towards_the_caller(&mut world, &mut Phone::agent()), translated(), "at once");
    Phone::caller().talk(&mut world, 3);
    assert_eq!(world.source(CALLER), None, "who was taken before is one of the others now");
    Phone::caller().from(translated()).speak(&mut world);
    assert_eq!(world.source(CALLER), Some(translated()));
}

#[test]
fn a_phone_that_moves_to_another_port_is_heard_there_and_no_longer_here() {
    let mut world = connected(rule(Latching::SameHost));
    let (mut caller, mut agent) = (Phone::caller(), Phone::agent());
    caller.talk(&mut world, 10);
    world.update(CALLER, stream(neighbour(), 96));
    caller.clone().talk(&mut world, 2);
    world.take_rtp();
    let mut moved = caller.clone().from(neighbour());
    moved.talk(&mut world, 10);
    assert_eq!(world.take_rtp().len(), 10);
    assert_eq!(towards_the_caller(&mut world, &mut agent), neighbour());
    caller.talk(&mut world, 10);
    assert!(world.take_rtp().is_empty());
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
fn each_rule_takes_the_sources_that_it_names_and_no_other() {
    for (rule, taken) in [
        (rule(Latching::Strict), [true, false, false, false]),
        (rule(Latching::SameHost), [true, true, false, false]),
        (behind_a_translator(), [true, true, true, false]),
        (LEARN, [true, true, true, true]),
    ] {
        for (source, is_taken) in
            [caller_address(), neighbour(), translated(), stranger()].into_iter().zip(taken)
        {
            let mut world = connected(rule);
            Phone::caller().from(source).talk(&mut world, 30);
            assert_eq!(world.source(CALLER), is_taken.then_some(source), "{rule:?}");
            assert_eq!(world.statistics(CALLER).received_packets > 0, is_taken, "{rule:?}");
        }
    }
}

#[test]
fn an_ipv4_phone_seen_through_an_ipv6_socket_is_the_same_phone() {
    let mut world = World::connected();
    Phone::caller().from(address("[::ffff:198.51.100.1]:6000")).speak(&mut world);
    assert_eq!(world.source(CALLER), Some(caller_address()));
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
    assert_eq!(world.source(CALLER), Some(translated()));
    assert_eq!(world.statistics(CALLER).refused_source, 15);
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
