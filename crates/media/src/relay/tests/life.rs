use super::*;

fn refusals(world: &mut World) -> Vec<Refusal> {
    world
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Refused { refusal, .. } => Some(refusal),
            _ => None,
        })
        .collect()
}

#[test]
fn a_termination_opens_its_pair_and_closes_it_after_its_last_packet() {
    let mut world = World::connected();
    Phone::agent().speak(&mut world);
    assert_eq!(
        world.sockets[..2],
        [SocketRequest::Open(CALLER_PORT), SocketRequest::Open(CALLER_PORT.rtcp())]
    );
    world.sockets.clear();
    world.relay.handle_command(world.now, Command::Close { termination: CALLER });
    assert_eq!(world.relay.poll_socket(), None, "BYE has not left yet");
    assert!(world.relay.poll_transmit().is_some());
    world.drain();
    assert_eq!(world.sockets, [SocketRequest::Close(CALLER_PORT), SocketRequest::Close(CALLER_PORT.rtcp())]);
    let Some(Event::Closed { termination, port, statistics }) = world.events.pop() else { panic!("closed") };
    assert_eq!((termination, port, statistics.sent_packets), (CALLER, CALLER_PORT, 1));
}

#[test]
fn when_all_is_closed_nothing_is_left() {
    let mut world = World::connected();
    Phone::agent().talk(&mut world, 50);
    Phone::caller().talk(&mut world, 50);
    world.command(Command::Play { termination: AGENT, music: TUNE });
    world.pass(Duration::from_secs(20));
    world.command(Command::Close { termination: CALLER });
    world.command(Command::Close { termination: AGENT });
    world.pass(Duration::from_secs(1));
    assert_eq!(world.relay.counts(), Counts::default());
    assert_eq!(world.relay.poll_timeout(), None);
}

#[test]
fn commands_that_cannot_be_done_are_refused_and_change_nothing() {
    let mut world = World::with(Settings { terminations: 2, ..Settings::default() });
    world.open(CALLER, CALLER_PORT, stream(caller_address(), 96));
    world.open(CALLER, AGENT_PORT, stream(caller_address(), 96));
    world.open(AGENT, CALLER_PORT, stream(caller_address(), 96));
    world.open(AGENT, LocalPort(20_003), stream(caller_address(), 96));
    world.open(AGENT, LocalPort(0), stream(caller_address(), 96));
    let mut opus = stream(agent_address(), 101);
    opus.receive = vec![Codec::new(97, "opus", 48_000)];
    opus.send = opus.receive.clone();
    world.open(AGENT, AGENT_PORT, opus);
    world.open(TerminationId(3), LocalPort(20_004), stream(caller_address(), 96));
    world.command(Command::Connect { a: CALLER, b: CALLER });
    world.command(Command::Connect { a: CALLER, b: AGENT });
    world.command(Command::Close { termination: TerminationId(3) });
    world.command(Command::Update { termination: TerminationId(3), stream: stream(caller_address(), 96) });
    assert_eq!(
        refusals(&mut world),
        [
            Refusal::TerminationInUse,
            Refusal::PortInUse,
            Refusal::PortInUse,
            Refusal::PortInUse,
            Refusal::TooManyTerminations,
            Refusal::SameTermination,
            Refusal::NoSharedCodec,
            Refusal::UnknownTermination,
            Refusal::UnknownTermination,
        ]
    );
    assert_eq!(world.relay.counts().terminations, 2);
    assert_eq!(world.relay.counts().ports, 4);
}

#[test]
fn connecting_one_elsewhere_leaves_its_partner_in_silence() {
    const THIRD: TerminationId = TerminationId(3);
    let mut world = World::connected();
    world.open(THIRD, LocalPort(20_004), stream(address("203.0.113.9:9000"), 101));
    world.command(Command::Connect { a: CALLER, b: THIRD });
    Phone::agent().talk(&mut world, 3);
    assert!(world.take_rtp().is_empty());
    Phone::caller().speak(&mut world);
    assert_eq!(world.take_rtp()[0].port, LocalPort(20_004));
    world.command(Command::Close { termination: THIRD });
    Phone::caller().talk(&mut world, 3);
    assert!(world.take_rtp().is_empty());
}

#[test]
fn a_refused_port_is_said_once_and_the_termination_stays_dumb_until_closed() {
    let mut world = World::connected();
    Phone::caller().speak(&mut world);
    world.take_rtp();
    world.take_events();
    world.sockets.clear();
    world.relay.port_failed(CALLER_PORT.rtcp());
    world.relay.port_failed(CALLER_PORT);
    world.relay.port_failed(LocalPort(5));
    world.drain();
    assert_eq!(world.take_events(), [Event::PortUnavailable { termination: CALLER, port: CALLER_PORT }]);
    assert_eq!(world.sockets.len(), 2);
    Phone::agent().talk(&mut world, 5);
    world.command(Command::Play { termination: CALLER, music: TUNE });
    world.pass(Duration::from_secs(60));
    assert!(world.sent.iter().all(|(_, one)| one.port.rtp() != CALLER_PORT));
    world.command(Command::Close { termination: CALLER });
    assert_eq!(world.sockets.len(), 2, "closed once");
    assert_eq!(world.relay.counts().ports, 2);
}

#[test]
fn silence_is_said_once_and_again_only_after_sound() {
    let mut world = World::connected();
    let silent = |world: &mut World| {
        let events = world.take_events();
        events.iter().filter(|event| **event == Event::Silent { termination: CALLER }).count()
    };
    Phone::caller().talk(&mut world, 10);
    world.pass(Duration::from_millis(29_700));
    assert_eq!(silent(&mut world), 0);
    world.pass(Duration::from_millis(400));
    assert_eq!(silent(&mut world), 1);
    world.pass(Duration::from_secs(300));
    assert_eq!(silent(&mut world), 0);
    Phone::caller().talk(&mut world, 10);
    world.pass(Duration::from_secs(61));
    assert_eq!(silent(&mut world), 1);
}

#[test]
fn on_hold_and_before_the_answer_silence_is_as_it_should_be() {
    let mut world = World::new();
    let mut held = stream(caller_address(), 96);
    held.direction = Direction::SendOnly;
    world.open(CALLER, CALLER_PORT, held);
    world.open(AGENT, AGENT_PORT, StreamDescription::waiting(vec![Codec::pcmu()]));
    world.pass(Duration::from_secs(600));
    assert!(world.take_events().is_empty());
    world.update(CALLER, stream(caller_address(), 96));
    world.pass(Duration::from_secs(29));
    assert!(world.take_events().is_empty(), "the time begins with the resume");
    world.pass(Duration::from_secs(31));
    assert_eq!(world.take_events(), [Event::Silent { termination: CALLER }]);
}

#[test]
fn figures_count_what_was_heard_and_what_was_sent() {
    let mut world = World::connected();
    let mut caller = Phone::caller();
    caller.talk(&mut world, 10);
    caller.lose();
    caller.lose();
    caller.talk(&mut world, 8);
    Phone::agent().talk(&mut world, 5);
    let statistics = world.statistics(CALLER);
    assert_eq!((statistics.received_packets, statistics.received_octets), (18, 18 * 160));
    assert_eq!((statistics.sent_packets, statistics.sent_octets), (5, 5 * 160));
    assert_eq!((statistics.lost, statistics.gaps), (2, 1));
    // The two lost packets made the way 40 ms shorter: 320 units, which seven packets bring from 320
    // over 300, 281, 263, 247, 232, 217 to 203 sixteenths.
    assert_eq!(statistics.jitter_micros, 1_500);
}

#[test]
fn unfetched_packets_are_bounded_and_counted() {
    let mut world = World::with(Settings { queued_packets: 10, ..Settings::default() });
    world.open_both();
    world.command(Command::Connect { a: CALLER, b: AGENT });
    let agent = Phone::agent();
    for number in 0..25 {
        let packet = Phone { sequence: number, ..agent.clone() }.packet(0, &[0; FRAME]);
        world.relay.handle_packet(world.now, AGENT_PORT, agent.source, packet);
    }
    assert_eq!(world.relay.counts().overflowed, 15);
    world.drain();
    assert_eq!(world.take_rtp().len(), 10);
}

#[test]
fn the_same_inputs_give_the_same_outputs_byte_for_byte() {
    let story = || {
        let mut world = World::connected();
        Phone::agent().talk(&mut world, 20);
        world.command(Command::Play { termination: CALLER, music: TUNE });
        world.pass(Duration::from_secs(30));
        world.command(Command::Close { termination: CALLER });
        (world.sent, world.events, world.sockets)
    };
    assert_eq!(story(), story());
}
