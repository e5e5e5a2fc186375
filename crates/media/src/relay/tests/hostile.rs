use proptest::prelude::*;

use super::*;

fn sources() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![Just(caller_address()), Just(agent_address()), Just(address("192.0.2.66:6666"))]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let random = || proptest::collection::vec(any::<u8>(), 0..120);
    prop_oneof![
        random(),
        random().prop_map(|rest| [&[0x80, 0][..], &rest].concat()),
        (any::<u8>(), any::<u8>(), random()).prop_map(|(first, kind, rest)| [
            &[0x80 | first, kind][..],
            &rest
        ]
        .concat()),
        (0..32_u8, 200..205_u8, 0..30_u8, random()).prop_map(|(count, kind, words, rest)| [
            &[0x80 | count, kind, 0, words][..],
            &rest
        ]
        .concat()),
        (any::<u16>(), any::<u32>(), random()).prop_map(|(sequence, timestamp, rest)| {
            let header = [0x80, if timestamp.is_multiple_of(2) { 0 } else { 96 }];
            [&header[..], &sequence.to_be_bytes(), &timestamp.to_be_bytes(), &[0, 0, 0, 1], &rest].concat()
        }),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Packet(u16, SocketAddr, Vec<u8>),
    Pass(u64),
    Open(u64, u16, bool),
    Update(u64, bool, bool),
    Connect(u64, u64),
    Play(u64),
    Fail(u16),
    Close(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..4_u64;
    prop_oneof![
        8 => (20_000..20_008_u16, sources(), bytes()).prop_map(|(port, source, bytes)| Step::Packet(port, source, bytes)),
        3 => (0..8_000_u64).prop_map(Step::Pass),
        2 => (name(), 0..4_u16, any::<bool>()).prop_map(|(name, port, waiting)| Step::Open(name, 20_000 + 2 * port, waiting)),
        1 => (name(), any::<bool>(), any::<bool>()).prop_map(|(name, held, moved)| Step::Update(name, held, moved)),
        2 => (name(), name()).prop_map(|(a, b)| Step::Connect(a, b)),
        1 => name().prop_map(Step::Play),
        1 => (20_000..20_008_u16).prop_map(Step::Fail),
        1 => name().prop_map(Step::Close),
    ]
}

fn described(moved: bool) -> StreamDescription {
    stream(if moved { agent_address() } else { caller_address() }, 96)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever comes in whatever order: no panic, nothing to a stranger who was not taken, and
    /// nothing left when all is closed.
    #[test]
    fn random_histories_never_panic_and_leave_nothing(steps in proptest::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        let mut taken: BTreeSet<SocketAddr> = BTreeSet::new();
        for step in steps {
            match step {
                Step::Packet(port, source, bytes) => world.packet(LocalPort(port), source, bytes),
                Step::Pass(millis) => world.pass(Duration::from_millis(millis)),
                Step::Open(name, port, waiting) => {
                    let stream = if waiting { StreamDescription::waiting(vec![Codec::pcmu()]) } else { described(false) };
                    world.open(TerminationId(name), LocalPort(port), stream);
                }
                Step::Update(name, held, moved) => {
                    let mut stream = described(moved);
                    if held {
                        stream.direction = Direction::Inactive;
                    }
                    world.update(TerminationId(name), stream);
                }
                Step::Connect(a, b) => world.command(Command::Connect { a: TerminationId(a), b: TerminationId(b) }),
                Step::Play(name) => world.command(Command::Play { termination: TerminationId(name), music: TUNE }),
                Step::Fail(port) => world.relay.port_failed(LocalPort(port)),
                Step::Close(name) => world.command(Command::Close { termination: TerminationId(name) }),
            }
            taken.extend((0..4).map(TerminationId).filter(|name| world.relay.names.contains_key(name)).filter_map(|name| world.source(name)));
            let counts = world.relay.counts();
            prop_assert!(counts.connected.is_multiple_of(2) && counts.connected + counts.playing <= counts.terminations);
            prop_assert_eq!(counts.timers, 2 * counts.terminations);
        }
        let signalled = [caller_address(), agent_address()];
        for (_, sent) in world.sent.iter().filter(|(_, sent)| !is_rtcp(&sent.bytes)) {
            prop_assert!(signalled.contains(&sent.to) || taken.contains(&sent.to));
        }
        for name in 0..4 {
            world.command(Command::Close { termination: TerminationId(name) });
        }
        world.pass(Duration::from_millis(50));
        prop_assert_eq!(world.relay.counts(), Counts::default());
        let opened = world.sockets.iter().filter(|request| matches!(request, SocketRequest::Open(_))).count();
        prop_assert_eq!(2 * opened, world.sockets.len(), "every port that was opened is closed");
    }
}

#[test]
fn oversized_packets_and_packets_to_nobody_are_dropped() {
    let mut world = World::connected();
    let mut packet = Phone::caller().packet(0, &[0; 1_488]);
    world.packet(CALLER_PORT, caller_address(), packet.clone());
    packet.push(0);
    world.packet(CALLER_PORT, caller_address(), packet.clone());
    world.packet(LocalPort(40_000), caller_address(), packet);
    let statistics = world.statistics(CALLER);
    assert_eq!((statistics.received_packets, statistics.refused_malformed), (1, 1));
}
