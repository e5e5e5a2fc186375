//! Packets in: checked, counted, rewritten in place and passed to the listener.

use std::net::SocketAddr;

use rtp_rs::RtpReader;
use timing::Instant;

use super::latch::Admission;
use super::outgoing::{Content, Feed, Incoming, Place};
use super::reception::{Arrival, Header};
use super::reports::sender;
use super::termination::{Hears, Slot, Termination, content};
use super::{Relay, Settings};
use crate::port::LocalPort;

/// RTP's marker bit and RTCP's packet types share a byte; RFC 5761 §4 keeps these for RTCP.
const RTCP_TYPES: std::ops::RangeInclusive<u8> = 192..=223;
const MARKER: u8 = 0x80;

/// An accepted RTP packet, as far as the listener's side needs it.
#[derive(Clone, Copy, Debug)]
struct Accepted {
    /// Our number for its format on this leg.
    payload_type: u8,
    payload_bytes: usize,
    incoming: Incoming,
}

/// Why a packet ends here.
enum Stopped {
    Malformed,
    Payload,
    Source,
    Untaken,
    Direction,
    Astray,
}

impl Relay {
    pub(super) fn packet_in(&mut self, now: Instant, port: LocalPort, source: SocketAddr, packet: Vec<u8>) {
        let Some(slot) = self.slot_of_port(port) else {
            self.recycle(packet);
            return;
        };
        if packet.len() > self.settings.packet_bytes {
            self.terminations[slot]
                .as_mut()
                .expect("a port's slot is filled")
                .statistics
                .refused_malformed += 1;
            self.recycle(packet);
            return;
        }
        if port.is_rtcp() || packet.get(1).is_some_and(|kind| RTCP_TYPES.contains(kind)) {
            self.rtcp_in(now, slot, port, source, &packet);
            self.recycle(packet);
            return;
        }
        let termination = self.terminations[slot].as_mut().expect("a port's slot is filled");
        let accepted = match accept(now, termination, &self.settings, source, &packet) {
            Ok(accepted) => accepted,
            Err(stopped) => {
                count_stopped(termination, &stopped);
                self.recycle(packet);
                return;
            }
        };
        self.forward(now, slot, accepted, packet);
    }

    /// To whoever hears this termination.
    fn forward(&mut self, now: Instant, slot: Slot, accepted: Accepted, mut packet: Vec<u8>) {
        let termination = self.terminations[slot].as_mut().expect("the caller's slot is filled");
        let Hears::Far { peer, map } = &termination.hears else {
            self.recycle(packet);
            return;
        };
        let (peer, outgoing_type) = (*peer, map.outgoing(accepted.payload_type));
        if outgoing_type.is_none() {
            termination.statistics.refused_payload += 1;
        }
        let listener = self.terminations[peer].as_mut().expect("a peer's slot is filled");
        let Some(payload_type) = outgoing_type else {
            listener.outgoing.skip(accepted.incoming.feed, accepted.incoming.sequence);
            self.recycle(packet);
            return;
        };
        let Some(to) = listener.destination() else {
            self.recycle(packet);
            return;
        };
        let Some(place) = listener.outgoing.place(now, accepted.incoming) else {
            self.recycle(packet);
            return;
        };
        write_header(&mut packet, payload_type, place, listener.outgoing.ssrc);
        listener.count_sent(accepted.payload_bytes);
        let port = listener.port;
        self.transmit(port, to, packet);
    }

    fn rtcp_in(&mut self, now: Instant, slot: Slot, port: LocalPort, source: SocketAddr, packet: &[u8]) {
        let termination = self.terminations[slot].as_mut().expect("the caller's slot is filled");
        let Some(ssrc) = sender(packet) else {
            termination.statistics.refused_malformed += 1;
            return;
        };
        // Who hears the stream knows its SSRC; who guesses a port does not.
        let is_of_the_stream = termination.reception.ssrc().is_none_or(|stream| stream == ssrc);
        let is_known = is_of_the_stream
            && if port.is_rtcp() {
                termination.latch.admit_rtcp(source)
            } else {
                termination.latch.destination() == Some(source)
            };
        if !is_known {
            termination.statistics.refused_source += 1;
            return;
        }
        termination.reports.read(now, termination.outgoing.ssrc, packet);
        termination.statistics.rtcp_received += 1;
    }
}

/// All that a packet must be before anybody hears it.
fn accept(
    now: Instant,
    termination: &mut Termination,
    settings: &Settings,
    source: SocketAddr,
    packet: &[u8],
) -> Result<Accepted, Stopped> {
    let rtp = RtpReader::new(packet).map_err(|_| Stopped::Malformed)?;
    let codec = termination.arriving(rtp.payload_type()).ok_or(Stopped::Payload)?;
    let (payload_type, clock_rate, content) = (codec.payload_type, codec.clock_rate, content(codec));
    // First of all: a leg that we do not want to hear is not to be found by whoever sends to it.
    if !termination.stream.direction.receives() {
        return Err(Stopped::Direction);
    }
    match termination.latch.admit(now, source, settings.latch_window) {
        Admission::Accepted => {}
        Admission::Candidate => return Err(Stopped::Untaken),
        Admission::Refused => return Err(Stopped::Source),
    }
    let header = Header {
        ssrc: rtp.ssrc(),
        sequence: rtp.sequence_number().into(),
        timestamp: rtp.timestamp(),
        clock_rate,
        timed: content != Content::Event,
    };
    let arrival = termination.reception.record(now, header);
    termination.heard_at = now;
    termination.silence_said = false;
    termination.statistics.received_packets += 1;
    termination.statistics.received_octets += rtp.payload().len() as u64;
    match arrival {
        Arrival::Usual | Arrival::New => {}
        Arrival::Astray => return Err(Stopped::Astray),
    }
    let incoming = Incoming {
        feed: Feed::Far(termination.id, termination.reception.generation()),
        sequence: header.sequence,
        timestamp: header.timestamp,
        clock_rate,
        content,
    };
    Ok(Accepted { payload_type, payload_bytes: rtp.payload().len(), incoming })
}

fn count_stopped(termination: &mut Termination, stopped: &Stopped) {
    let statistics = &mut termination.statistics;
    match stopped {
        Stopped::Malformed => statistics.refused_malformed += 1,
        Stopped::Payload => statistics.refused_payload += 1,
        Stopped::Source => statistics.refused_source += 1,
        Stopped::Untaken => statistics.refused_untaken += 1,
        Stopped::Direction => statistics.refused_direction += 1,
        // Counted as received; reception shows it as loss or as a restart.
        Stopped::Astray => {}
    }
}

/// The fixed header is rewritten in place: its layout is that of RFC 3550 §5.1, and the reader has
/// checked that it is there.
fn write_header(packet: &mut [u8], payload_type: u8, place: Place, ssrc: u32) {
    let marker = if place.mark { MARKER } else { packet[1] & MARKER };
    packet[1] = marker | payload_type;
    packet[2..4].copy_from_slice(&place.sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&place.timestamp.to_be_bytes());
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
}
