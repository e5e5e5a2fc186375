//! Stories of two phones at a relay, under virtual time.

mod continuity;
mod hostile;
mod latching;
mod life;
mod playing;
mod rtcp;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rtp_rs::{RtpPacketBuilder, RtpReader};
use timing::Instant;

use super::*;
use crate::music::{FRAME, Music};
use crate::stream::{Codec, Direction, StreamDescription};

const CALLER: TerminationId = TerminationId(1);
const AGENT: TerminationId = TerminationId(2);
const CALLER_PORT: LocalPort = LocalPort(20_000);
const AGENT_PORT: LocalPort = LocalPort(20_002);
const TUNE: MusicId = MusicId(7);
const FRAME_TIME: Duration = Duration::from_millis(20);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn caller_address() -> SocketAddr {
    address("198.51.100.1:6000")
}

fn agent_address() -> SocketAddr {
    address("203.0.113.5:7000")
}

fn stream(remote: SocketAddr, events: u8) -> StreamDescription {
    let codecs = vec![Codec::pcmu(), Codec::telephone_event(events)];
    StreamDescription {
        remote: Some(remote),
        remote_rtcp: Some(SocketAddr::new(remote.ip(), remote.port() + 1)),
        direction: Direction::SendRecv,
        receive: codecs.clone(),
        send: codecs,
        ptime_ms: Some(20),
        mux: false,
    }
}

/// The relay, the clock, and everything that came out.
struct World {
    relay: Relay,
    now: Instant,
    sent: Vec<(Instant, Transmit)>,
    events: Vec<Event>,
    sockets: Vec<SocketRequest>,
    /// How the next terminations find their sources.
    rule: SourceRule,
}

const LEARN: SourceRule = SourceRule { latching: Latching::Learn, signalling_host: None };

impl World {
    fn new() -> World {
        World::with(Settings::default())
    }

    fn with(settings: Settings) -> World {
        let mut relay = Relay::new(settings, [7; 32]);
        let steps: Vec<i16> = (0..5 * FRAME as i16).map(|index| index * 40).collect();
        relay.set_music(TUNE, Arc::new(Music::from_samples(&steps).unwrap()));
        World {
            relay,
            now: Instant::from_secs(100),
            sent: Vec::new(),
            events: Vec::new(),
            sockets: Vec::new(),
            rule: LEARN,
        }
    }

    /// Caller and agent open and connected; the caller numbers events 96, the agent 101.
    fn connected() -> World {
        let mut world = World::new();
        world.open_both();
        world.command(Command::Connect { a: CALLER, b: AGENT });
        world
    }

    fn open_both(&mut self) {
        self.open(CALLER, CALLER_PORT, stream(caller_address(), 96));
        self.open(AGENT, AGENT_PORT, stream(agent_address(), 101));
    }

    fn open(&mut self, termination: TerminationId, port: LocalPort, stream: StreamDescription) {
        self.command(Command::Open { termination, port, source: self.rule, stream });
    }

    fn update(&mut self, termination: TerminationId, stream: StreamDescription) {
        self.command(Command::Update { termination, stream });
    }

    fn command(&mut self, command: Command) {
        self.relay.handle_command(self.now, command);
        self.drain();
    }

    fn packet(&mut self, port: LocalPort, source: SocketAddr, bytes: Vec<u8>) {
        self.relay.handle_packet(self.now, port, source, bytes);
        self.drain();
    }

    /// Time passes, deadlines are kept on the microsecond.
    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(deadline) = self.relay.poll_timeout().filter(|&deadline| deadline <= end) {
            self.now = self.now.max(deadline);
            self.relay.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        loop {
            let before = self.sent.len() + self.events.len() + self.sockets.len();
            self.sockets.extend(std::iter::from_fn(|| self.relay.poll_socket()));
            let now = self.now;
            self.sent
                .extend(std::iter::from_fn(|| self.relay.poll_transmit()).map(|transmit| (now, transmit)));
            self.events.extend(std::iter::from_fn(|| self.relay.poll_event()));
            if before == self.sent.len() + self.events.len() + self.sockets.len() {
                return;
            }
        }
    }

    /// RTP sent since the last call, as its receivers see it.
    fn take_rtp(&mut self) -> Vec<Heard> {
        let sent = std::mem::take(&mut self.sent);
        sent.into_iter()
            .filter(|(_, one)| !is_rtcp(&one.bytes))
            .map(|(at, one)| Heard::new(at, &one))
            .collect()
    }

    fn take_rtcp(&mut self) -> Vec<(Instant, Transmit)> {
        let sent = std::mem::take(&mut self.sent);
        sent.into_iter().filter(|(_, one)| is_rtcp(&one.bytes)).collect()
    }

    fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The source that is taken.
    fn source(&self, termination: TerminationId) -> Option<SocketAddr> {
        let slot = self.relay.names[&termination];
        self.relay.terminations[slot].as_ref().unwrap().latch.taken()
    }

    fn statistics(&self, termination: TerminationId) -> Statistics {
        self.relay.statistics(termination).unwrap()
    }
}

fn is_rtcp(bytes: &[u8]) -> bool {
    (192..=223).contains(&bytes[1])
}

/// One packet as it arrived somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Heard {
    at: Instant,
    port: LocalPort,
    to: SocketAddr,
    payload_type: u8,
    marked: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    payload: Vec<u8>,
}

impl Heard {
    fn new(at: Instant, transmit: &Transmit) -> Heard {
        let rtp = RtpReader::new(&transmit.bytes).unwrap();
        Heard {
            at,
            port: transmit.port,
            to: transmit.to,
            payload_type: rtp.payload_type(),
            marked: rtp.mark(),
            sequence: rtp.sequence_number().into(),
            timestamp: rtp.timestamp(),
            ssrc: rtp.ssrc(),
            payload: rtp.payload().to_vec(),
        }
    }
}

/// A phone's sending side.
#[derive(Clone, Debug)]
struct Phone {
    port: LocalPort,
    source: SocketAddr,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

impl Phone {
    fn caller() -> Phone {
        Phone {
            port: CALLER_PORT,
            source: caller_address(),
            ssrc: 0xCA11,
            sequence: 65_530,
            timestamp: u32::MAX - 500,
        }
    }

    fn agent() -> Phone {
        Phone { port: AGENT_PORT, source: agent_address(), ssrc: 0xA6E7, sequence: 9_000, timestamp: 77_000 }
    }

    fn from(self, source: SocketAddr) -> Phone {
        Phone { source, ..self }
    }

    fn packet(&self, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        RtpPacketBuilder::new()
            .payload_type(payload_type)
            .sequence(self.sequence.into())
            .timestamp(self.timestamp)
            .ssrc(self.ssrc)
            .payload(payload)
            .build()
            .unwrap()
    }

    /// The next 20 ms of sound; the clock of the world does not move.
    fn speak(&mut self, world: &mut World) {
        let packet = self.packet(0, &[self.sequence as u8; FRAME]);
        world.packet(self.port, self.source, packet);
        self.lose();
    }

    /// The next packet gets lost on the way.
    fn lose(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
    }

    /// So many packets, one every 20 ms.
    fn talk(&mut self, world: &mut World, packets: u32) {
        for _ in 0..packets {
            self.speak(world);
            world.pass(FRAME_TIME);
        }
    }

    fn event(&mut self, world: &mut World, number: u8, payload: [u8; 4]) {
        let packet = self.packet(number, &payload);
        world.packet(self.port, self.source, packet);
        self.sequence = self.sequence.wrapping_add(1);
    }
}
