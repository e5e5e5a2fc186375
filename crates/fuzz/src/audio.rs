//! RTP and RTCP at the ports of a conversation.

use std::net::SocketAddr;
use std::time::Duration;

use media::{
    Codec, Command, Counts, Direction, LocalPort, Relay, Settings, SourceRule, StreamDescription,
    TerminationId,
};
use timing::Instant;

/// Ports of the two sides; the odd ones above them are those of RTCP.
const PORTS: [u16; 2] = [20_000, 20_002];
/// Who sends: the two sides, another port of the first one's host, a stranger.
const SOURCES: [&str; 4] = ["192.0.2.10:4000", "192.0.2.20:4000", "192.0.2.10:4444", "198.51.100.6:6666"];

fn source(number: usize) -> SocketAddr {
    SOURCES[number % SOURCES.len()].parse().expect("an address of the list")
}

/// Packets, each with four octets before it: to which port, from whom, after how long, and its length.
pub(super) fn run(octets: &[u8]) {
    let mut relay = conversation();
    let mut now = Instant::from_secs(100);
    let mut rest = octets;
    while let [to, from, wait, length, tail @ ..] = rest {
        let (packet, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        now = pass(&mut relay, now, Duration::from_millis(u64::from(*wait)));
        let port = LocalPort(PORTS[0] + u16::from(*to) % 4);
        relay.handle_packet(now, port, source(usize::from(*from)), packet.to_vec());
        nothing_to_strangers(&mut relay);
    }
    for number in 0..PORTS.len() as u64 {
        relay.handle_command(now, Command::Close { termination: TerminationId(number) });
    }
    pass(&mut relay, now, Duration::from_secs(1));
    nothing_to_strangers(&mut relay);
    assert_eq!(relay.counts(), Counts::default(), "nothing is left of a conversation that is over");
}

fn conversation() -> Relay {
    let mut relay = Relay::new(Settings::default(), [7; 32]);
    let now = Instant::from_secs(100);
    for (number, port) in PORTS.into_iter().enumerate() {
        let codecs = vec![Codec::pcmu(), Codec::telephone_event(101)];
        let remote = source(number);
        let stream = StreamDescription {
            remote: Some(remote),
            remote_rtcp: Some(SocketAddr::new(remote.ip(), remote.port() + 1)),
            direction: Direction::SendRecv,
            send: codecs.clone(),
            ptime_ms: Some(20),
            ..StreamDescription::waiting(codecs)
        };
        let termination = TerminationId(number as u64);
        relay.handle_command(
            now,
            Command::Open { termination, port: LocalPort(port), source: SourceRule::default(), stream },
        );
    }
    relay.handle_command(now, Command::Connect { a: TerminationId(0), b: TerminationId(1) });
    relay
}

fn pass(relay: &mut Relay, now: Instant, wait: Duration) -> Instant {
    let end = now + wait;
    while let Some(deadline) = relay.poll_timeout().filter(|deadline| *deadline <= end) {
        relay.handle_timeout(deadline.max(now));
        nothing_to_strangers(relay);
    }
    end
}

/// Whatever comes, nothing goes to a host that signalling did not name.
fn nothing_to_strangers(relay: &mut Relay) {
    while let Some(sent) = relay.poll_transmit() {
        assert_ne!(sent.to.ip(), source(3).ip(), "{:?}", sent.bytes);
    }
    while relay.poll_socket().is_some() || relay.poll_event().is_some() {}
}
