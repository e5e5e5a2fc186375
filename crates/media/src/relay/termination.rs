//! One termination: a leg's stream on its port pair, with what it hears.

use std::net::SocketAddr;
use std::sync::Arc;

use timing::{Instant, TimerId};

use super::latch::Latch;
use super::outgoing::{Content, Outgoing};
use super::reception::Reception;
use super::reports::{Reports, Sending};
use super::{Statistics, TerminationId};
use crate::Law;
use crate::music::Music;
use crate::port::LocalPort;
use crate::stream::{Codec, PayloadMap, StreamDescription};

/// Where a termination stands in the relay's table.
pub(super) type Slot = usize;

#[derive(Debug)]
pub(super) struct Termination {
    pub(super) id: TerminationId,
    pub(super) port: LocalPort,
    pub(super) socket: Socket,
    pub(super) stream: StreamDescription,
    pub(super) latch: Latch,
    pub(super) hears: Hears,
    pub(super) outgoing: Outgoing,
    /// The next number of music here; it never starts anew, so no two packets share one.
    pub(super) music_sequence: u16,
    pub(super) reception: Reception,
    pub(super) reports: Reports,
    pub(super) statistics: Statistics,
    /// When RTP last came, or began to be expected.
    pub(super) heard_at: Instant,
    pub(super) silence_said: bool,
    pub(super) timers: [TimerId; 2],
}

/// Whether the system gave us the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Socket {
    /// Asked for and not refused.
    Open,
    /// Refused or broken.
    Failed,
}

/// What a termination hears.
#[derive(Debug)]
pub(super) enum Hears {
    Nothing,
    Music {
        music: Arc<Music>,
        play: u64,
        position: usize,
    },
    /// Another termination, which hears this one; `map` is for packets from here to there.
    Far {
        peer: Slot,
        map: PayloadMap,
    },
}

impl Termination {
    /// Where RTP can be sent now; `None` on hold, before the answer, and without a socket.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        if self.socket == Socket::Failed || !self.stream.direction.sends() {
            return None;
        }
        // A stream that names no address (hold with c=0.0.0.0) is not sent to, even if one is known.
        self.stream.remote.and_then(|_| self.latch.destination())
    }

    /// The port and address for RTCP, which flows on hold too (RFC 3264 §5.1).
    pub(super) fn rtcp_route(&self) -> Option<(LocalPort, SocketAddr)> {
        if self.socket == Socket::Failed || self.stream.remote.is_none() {
            return None;
        }
        if self.stream.mux {
            return Some((self.port, self.latch.destination()?));
        }
        Some((self.port.rtcp(), self.latch.rtcp_destination()?))
    }

    /// Whether RTP should be coming in.
    pub(super) fn expects_rtp(&self) -> bool {
        self.socket == Socket::Open && self.stream.direction.receives() && self.stream.remote.is_some()
    }

    /// The format of an arriving payload number. A far end that uses its own number instead of
    /// ours is understood (RFC 3264 §6.1 would have it use ours).
    pub(super) fn arriving(&self, payload_type: u8) -> Option<&Codec> {
        let numbered = |codec: &&Codec| codec.payload_type == payload_type;
        self.stream.receive.iter().find(numbered).or_else(|| {
            let theirs = self.stream.send.iter().find(numbered)?;
            self.stream.receive.iter().find(|ours| ours.same_format(theirs))
        })
    }

    /// The first G.711 that the far end takes, with its number.
    pub(super) fn g711(&self) -> Option<(Law, u8)> {
        self.stream.send.iter().find_map(|codec| Some((codec.law()?, codec.payload_type)))
    }

    /// The packet that left: counted for reports.
    pub(super) fn count_sent(&mut self, octets: usize) {
        self.statistics.sent_packets += 1;
        self.statistics.sent_octets += octets as u64;
    }

    /// What our report says about our stream.
    pub(super) fn sending(&self, now: Instant) -> Sending {
        Sending {
            ssrc: self.outgoing.ssrc,
            packets: self.statistics.sent_packets,
            octets: self.statistics.sent_octets,
            timestamp: self.outgoing.timestamp_at(now),
        }
    }

    /// All figures together.
    pub(super) fn statistics(&self) -> Statistics {
        let clock_rate = u64::from(self.outgoing.clock_rate.max(1));
        Statistics {
            lost: self.reception.lost(),
            gaps: self.reception.gaps,
            late: self.reception.late,
            jitter_micros: self.reception.jitter_micros(),
            far_lost: self.reports.far_lost,
            far_fraction_lost: self.reports.far_fraction_lost,
            far_jitter_micros: u64::from(self.reports.far_jitter) * 1_000_000 / clock_rate,
            round_trip: self.reports.round_trip,
            ..self.statistics.clone()
        }
    }
}

/// RTP clock of pictures, by RFC 3551 §5.
const PICTURE_CLOCK: u32 = 90_000;

/// What kind of content a format carries.
pub(super) fn content(codec: &Codec) -> Content {
    if codec.is_telephone_event() {
        Content::Event
    } else if codec.clock_rate == PICTURE_CLOCK {
        Content::Picture
    } else {
        Content::Sound
    }
}
