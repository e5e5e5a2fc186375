//! The media thread: every RTP and RTCP socket, and the relay.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use media::{Command, Event, LocalPort, Music, MusicId, Relay, SocketRequest, Transmit};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use report::{MediaSeries, SocketSeries, TrafficCounts};
use timing::Instant;
use tracing::warn;

use super::BATCH;
use super::media_sockets::{self, Sockets};
use super::udp::{self, Received};
use crate::clock::Clock;
use crate::ring::{Consumer, Outbox};
use crate::worker::Link;

/// The token that means: somebody rang.
pub const WAKE: Token = Token(usize::MAX);
/// Sockets that one poll reports.
const EVENTS: usize = 1_024;
/// Packets of one socket that are read before the others have their turn.
const PACKETS_PER_SOCKET: usize = 16;

/// Music and its number, from the shell.
pub type Piece = (MusicId, Arc<Music>);

/// Everything that the thread owns.
pub struct MediaThread {
    /// The clock.
    pub clock: Clock,
    /// Where it sleeps; its waker belongs to the doorbell.
    pub poll: Poll,
    /// The machine.
    pub relay: Relay,
    /// Octets of the largest packet that the relay looks at.
    pub packet_bytes: usize,
    /// Whether sockets that no call has stay open for a while.
    pub may_rest: bool,
    /// The addresses that each port is bound to: at most one of each family.
    pub addresses: Vec<IpAddr>,
    /// From the shell: new music.
    pub music: Consumer<Piece>,
    /// From the engine.
    pub commands: Consumer<Command>,
    /// To the engine.
    pub events: Outbox<Event>,
    /// Figures of the relay.
    pub relay_series: MediaSeries,
    /// Figures of the sockets.
    pub socket_series: SocketSeries,
    /// What the sockets counted.
    pub traffic: TrafficCounts,
}

impl MediaThread {
    /// Turns until the link says stop. Its sockets close with it.
    pub fn run(mut self, link: &Link) {
        let mut sockets = Sockets::new(self.may_rest);
        let mut ready = Events::with_capacity(EVENTS);
        while !link.must_stop() {
            let question = link.question();
            let now = self.clock.now();
            self.take(now);
            self.read(now, &mut sockets, &ready);
            ready.clear();
            if self.relay.poll_timeout().is_some_and(|deadline| deadline <= now) {
                self.relay.handle_timeout(now);
            }
            self.carry_out(now, &mut sockets);
            sockets.close_rested(now);
            self.events.flush();
            if !link.has_answered(question) {
                self.relay_series.set(&self.relay.counts());
                self.socket_series.set(&self.traffic);
                link.answer(question);
            }
            self.sleep(link, &sockets, &mut ready);
        }
    }

    /// What the shell and the engine say. The engine is never kept waiting: each command makes few events.
    fn take(&mut self, now: Instant) {
        for _ in 0..BATCH {
            let command = self.commands.pop();
            // Music is given before anybody is told to play it: what this command plays is here by now.
            while let Some((id, music)) = self.music.pop() {
                self.relay.set_music(id, music);
            }
            let Some(command) = command else { break };
            self.relay.handle_command(now, command);
        }
    }

    /// Reads the sockets that had more than their share, then those that the poll named.
    fn read(&mut self, now: Instant, sockets: &mut Sockets, ready: &Events) {
        let again = sockets.take_unread();
        let named =
            ready.iter().map(mio::event::Event::token).filter(|&token| token != WAKE).map(|Token(key)| key);
        for key in again.into_iter().chain(named) {
            self.read_socket(now, sockets, key);
        }
    }

    fn read_socket(&mut self, now: Instant, sockets: &mut Sockets, key: usize) {
        for _ in 0..PACKETS_PER_SOCKET {
            // It may have been closed by what came of a packet before.
            let Some(socket) = sockets.get(key) else { return };
            let mut packet = self.relay.buffer();
            // One octet more than the largest: what fills it is too large, and the relay says so.
            packet.resize(self.packet_bytes + 1, 0);
            match udp::receive(socket, &mut packet) {
                Received::Datagram(length, source) => {
                    packet.truncate(length);
                    match sockets.port_in_use(key) {
                        Some(port) => {
                            self.traffic.received += 1;
                            self.relay.handle_packet(now, port, source, packet);
                        }
                        // No call has the port. Without a socket the system would say so to the sender (ICMP).
                        None => self.relay.recycle(packet),
                    }
                    self.carry_out(now, sockets);
                }
                Received::Empty => return self.relay.recycle(packet),
                Received::Trouble => {
                    self.relay.recycle(packet);
                    break;
                }
            }
        }
        sockets.is_unread(key);
    }

    /// Does what the relay says, in its order: a port is closed when its last packet has left.
    fn carry_out(&mut self, now: Instant, sockets: &mut Sockets) {
        self.open_and_close(now, sockets);
        while let Some(transmit) = self.relay.poll_transmit() {
            self.send(sockets, transmit);
        }
        self.open_and_close(now, sockets);
        while let Some(event) = self.relay.poll_event() {
            self.events.put(event);
        }
    }

    fn open_and_close(&mut self, now: Instant, sockets: &mut Sockets) {
        while let Some(request) = self.relay.poll_socket() {
            match request {
                SocketRequest::Open(port) => {
                    if let Err(error) = self.open(sockets, port) {
                        warn!(port = port.0, %error, "a media port cannot be opened; it rests for a while");
                        self.addresses.iter().for_each(|&address| sockets.close(port, address));
                        self.relay.port_failed(port);
                    }
                }
                SocketRequest::Close(port) => {
                    self.addresses.iter().for_each(|&address| sockets.rest(now, port, address));
                }
            }
        }
    }

    fn open(&self, sockets: &mut Sockets, port: LocalPort) -> std::io::Result<()> {
        for &address in &self.addresses {
            if sockets.wake(port, address) {
                continue;
            }
            let mut socket = UdpSocket::from_std(udp::bind(SocketAddr::new(address, port.0), None)?);
            let token = Token(media_sockets::key(port, address));
            self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
            sockets.insert(port, address, socket);
        }
        Ok(())
    }

    fn send(&mut self, sockets: &Sockets, transmit: Transmit) {
        let Transmit { port, to, bytes } = transmit;
        let socket = sockets.get(media_sockets::key(port, to.ip()));
        let sent = socket.is_some_and(|socket| socket.send_to(&bytes, to).is_ok());
        // Audio that is late is worth nothing: it is dropped and counted.
        *if sent { &mut self.traffic.sent } else { &mut self.traffic.sent_lost } += 1;
        self.relay.recycle(bytes);
    }

    fn sleep(&mut self, link: &Link, sockets: &Sockets, ready: &mut Events) {
        let deadlines = [self.relay.poll_timeout(), sockets.next_deadline()];
        let mut limit = deadlines.into_iter().flatten().min().map(|deadline| self.clock.until(deadline));
        if !self.events.is_clear() {
            limit = Some(limit.map_or(Outbox::<Event>::RETRY, |limit| limit.min(Outbox::<Event>::RETRY)));
        }
        let may_sleep = !sockets.has_unread()
            && link
                .doorbell()
                .lie_down(|| link.is_quiet() && self.music.is_empty() && self.commands.is_empty());
        let limit = if may_sleep { limit } else { Some(Duration::ZERO) };
        if let Err(error) = self.poll.poll(ready, limit)
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            panic!("the poll of the media thread is ours and valid: {error}");
        }
        link.doorbell().rise();
    }
}
