//! The relay: RTP and RTCP between terminations, music to those who wait.

mod vocabulary;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

use crate::music::{Music, MusicId};
use crate::port::LocalPort;

pub use vocabulary::{
    Command, Counts, Digit, Event, Refusal, SocketRequest, Statistics, TerminationId, Transmit,
};

/// Whose packets may become a termination's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Latching {
    /// The signalled address at once, another after [`Settings::latch_window`] without it: works
    /// through NAT.
    #[default]
    Learn,
    /// Only the signalled host, on any port.
    SameHost,
    /// Only the signalled address and port.
    Strict,
}

/// Bounds and habits of a [`Relay`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Most terminations at once; beyond, `Open` is refused.
    pub terminations: usize,
    /// Packets and events waiting to be fetched; beyond, packets are dropped and counted (events
    /// never are: there are as many as commands, and few per packet).
    pub queued_packets: usize,
    /// Largest packet that is looked at, bytes.
    pub packet_bytes: usize,
    /// Whose packets are taken.
    pub latching: Latching,
    /// How long the signalled address may come first before another source is taken for good.
    pub latch_window: Duration,
    /// RTP expected and none for so long: [`Event::Silent`].
    pub silence: Duration,
    /// Mean time between our reports (RFC 3550 §6.2: 5 s), varied by half either way.
    pub report_interval: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            terminations: 10_000,
            queued_packets: 65_536,
            packet_bytes: 1_500,
            latching: Latching::Learn,
            latch_window: Duration::from_millis(250),
            silence: Duration::from_secs(30),
            report_interval: Duration::from_secs(5),
        }
    }
}

/// All terminations of one media thread.
///
/// ```text
/// handle_command, handle_packet, port_failed, handle_timeout      (one input)
/// poll_socket, poll_transmit, poll_event                          (until None, in this order)
/// poll_timeout                                                    (when to come back)
/// ```
pub struct Relay;

impl Relay {
    /// A relay without terminations. The seed decides SSRCs, first sequence numbers and
    /// timestamps, CNAMEs and the spread of reports: it must be unpredictable to the outside.
    pub fn new(settings: Settings, seed: [u8; 32]) -> Relay {
        let _ = (settings, seed);
        Relay
    }

    /// Makes music known, or replaces it for those who start to hear it from now on.
    pub fn set_music(&mut self, id: MusicId, music: Arc<Music>) {
        let _ = (id, music);
    }

    /// Does what the engine says.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        let _ = (now, command);
    }

    /// Takes a datagram that arrived at one of our ports. The buffer is rewritten and sent on, so
    /// the shell gives it away; [`Relay::buffer`] has used ones.
    pub fn handle_packet(&mut self, now: Instant, port: LocalPort, source: SocketAddr, packet: Vec<u8>) {
        let _ = (now, port, source, packet);
    }

    /// The shell could not open a port, or its socket broke.
    pub fn port_failed(&mut self, now: Instant, port: LocalPort) {
        let _ = (now, port);
    }

    /// Does what is due: music, reports, silence, latching.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// The next socket to open or close.
    pub fn poll_socket(&mut self) -> Option<SocketRequest> {
        None
    }

    /// The next packet to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        None
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// When [`Relay::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// An empty buffer with room for a packet, a used one where there is one.
    pub fn buffer(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes a sent packet's buffer back.
    pub fn recycle(&mut self, buffer: Vec<u8>) {
        drop(buffer);
    }

    /// A termination's numbers so far.
    pub fn statistics(&self, termination: TerminationId) -> Option<Statistics> {
        let _ = termination;
        None
    }

    /// How many of each thing is held.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }
}
