//! RTCP (RFC 3550 §6): our own reports to each far end, and what theirs say.

use std::time::Duration;

use rtcp_types::{
    Bye, CompoundBuilder, ReceiverReport, ReportBlock, RtcpPacket, RtcpPacketParser, RtcpPacketWriterExt,
    Sdes, SdesChunk, SdesItem, SenderReport,
};
use timing::Instant;

use super::reception::{Block, Reception};

/// The RTCP side of one termination.
#[derive(Clone, Debug)]
pub(super) struct Reports {
    /// Our canonical name: random, for this termination only (RFC 7022).
    cname: String,
    /// The far end's last sender report: SSRC, the middle of its NTP time, and when it came.
    last_sender_report: Option<(u32, u32, Instant)>,
    /// RTP packets that we had sent at our last report.
    sent_before: u64,
    pub(super) far_lost: i32,
    pub(super) far_fraction_lost: u8,
    /// Timestamp units of our stream.
    pub(super) far_jitter: u32,
    pub(super) round_trip: Option<Duration>,
}

/// What a report of ours says about our own stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    pub(super) ssrc: u32,
    pub(super) packets: u64,
    pub(super) octets: u64,
    /// Our timestamp at the time of the report; `None` before the first packet.
    pub(super) timestamp: Option<u32>,
}

impl Reports {
    pub(super) fn new(cname: String) -> Reports {
        Reports {
            cname,
            last_sender_report: None,
            sent_before: 0,
            far_lost: 0,
            far_fraction_lost: 0,
            far_jitter: 0,
            round_trip: None,
        }
    }

    /// Writes a compound packet: a sender report where we have sent since the last one, else a
    /// receiver report; our name; BYE at the end of our stream.
    pub(super) fn write(
        &mut self,
        now: Instant,
        sending: Sending,
        reception: &mut Reception,
        bye: bool,
        buffer: &mut Vec<u8>,
    ) {
        let block = reception.report().map(|block| self.block(now, block));
        let has_sent = sending.packets > self.sent_before;
        self.sent_before = sending.packets;
        let mut compound = CompoundBuilder::default();
        match sending.timestamp.filter(|_| has_sent) {
            Some(timestamp) => {
                let mut report = SenderReport::builder(sending.ssrc)
                    .ntp_timestamp(ntp(now))
                    .rtp_timestamp(timestamp)
                    .packet_count(sending.packets as u32)
                    .octet_count(sending.octets as u32);
                if let Some(block) = block {
                    report = report.add_report_block(block);
                }
                compound = compound.add_packet(report);
            }
            None => {
                let mut report = ReceiverReport::builder(sending.ssrc);
                if let Some(block) = block {
                    report = report.add_report_block(block);
                }
                compound = compound.add_packet(report);
            }
        }
        let name = SdesItem::builder(SdesItem::CNAME, &self.cname);
        compound =
            compound.add_packet(Sdes::builder().add_chunk(SdesChunk::builder(sending.ssrc).add_item(name)));
        if bye {
            compound = compound.add_packet(Bye::builder().add_source(sending.ssrc));
        }
        buffer.resize(LARGEST_REPORT, 0);
        let length = compound.write_into(buffer).expect("a report with one block fits");
        buffer.truncate(length);
    }

    fn block(&self, now: Instant, block: Block) -> rtcp_types::ReportBlockBuilder {
        let (last, delay) = match self.last_sender_report {
            Some((ssrc, middle, at)) if ssrc == block.ssrc => (middle, short(now.since(at))),
            Some(_) | None => (0, 0),
        };
        ReportBlock::builder(block.ssrc)
            .fraction_lost(block.fraction_lost)
            .cumulative_lost(block.cumulative_lost as u32 & 0xFF_FFFF)
            .extended_sequence_number(block.extended_sequence)
            .interarrival_jitter(block.jitter)
            .last_sender_report_timestamp(last)
            .delay_since_last_sender_report_timestamp(delay)
    }

    /// Reads a compound packet that [`sender`] knows. Only reports are looked into.
    pub(super) fn read(&mut self, now: Instant, our_ssrc: u32, packet: &[u8]) {
        for part in parts(packet) {
            match part.get(1).copied() {
                Some(SenderReport::PACKET_TYPE) => {
                    if let Ok(report) = SenderReport::parse(part) {
                        let middle = (report.ntp_timestamp() >> 16) as u32;
                        self.last_sender_report = Some((report.ssrc(), middle, now));
                        report.report_blocks().for_each(|block| self.far_block(now, our_ssrc, &block));
                    }
                }
                Some(ReceiverReport::PACKET_TYPE) => {
                    if let Ok(report) = ReceiverReport::parse(part) {
                        report.report_blocks().for_each(|block| self.far_block(now, our_ssrc, &block));
                    }
                }
                Some(_) | None => {}
            }
        }
    }

    /// What the far end says about our stream.
    fn far_block(&mut self, now: Instant, our_ssrc: u32, block: &ReportBlock<'_>) {
        if block.ssrc() != our_ssrc {
            return;
        }
        self.far_fraction_lost = block.fraction_lost();
        // 24 bits with sign (RFC 3550 §6.4.1).
        self.far_lost = ((block.cumulative_lost() << 8) as i32) >> 8;
        self.far_jitter = block.interarrival_jitter();
        let last = block.last_sender_report_timestamp();
        if last != 0 {
            let middle = (ntp(now) >> 16) as u32;
            let trip =
                middle.wrapping_sub(last).wrapping_sub(block.delay_since_last_sender_report_timestamp());
            // A far end that counts its delay too long makes the trip negative: not a figure.
            if trip as i32 >= 0 {
                self.round_trip = Some(Duration::from_micros((u64::from(trip) * 1_000_000) >> 16));
            }
        }
    }
}

/// More than a sender report with one block, a name of 24 letters and a BYE need.
const LARGEST_REPORT: usize = 256;
const HEADER_BYTES: usize = 4;

/// The parts of a compound packet, by their own lengths.
fn parts(packet: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = packet;
    std::iter::from_fn(move || {
        let header = rest.get(..HEADER_BYTES)?;
        let length = HEADER_BYTES * (usize::from(u16::from_be_bytes([header[2], header[3]])) + 1);
        let part = rest.get(..length)?;
        rest = &rest[length..];
        Some(part)
    })
}

/// Whose compound packet this is: the SSRC of its first report. `None` where it is no compound packet
/// (RFC 3550 A.2): version 2, a report first, lengths that add up.
pub(super) fn sender(packet: &[u8]) -> Option<u32> {
    let ssrc = packet.get(HEADER_BYTES..HEADER_BYTES + 4).filter(|_| is_compound(packet))?;
    Some(u32::from_be_bytes(ssrc.try_into().expect("four bytes")))
}

fn is_compound(packet: &[u8]) -> bool {
    let is_report = matches!(packet.get(1), Some(&(SenderReport::PACKET_TYPE | ReceiverReport::PACKET_TYPE)));
    is_report
        && parts(packet).all(|part| part[0] >> 6 == 2)
        && parts(packet).map(<[u8]>::len).sum::<usize>() == packet.len()
}

/// `now` as NTP time, 32.32 bits. RFC 3550 §6.4.1 allows time since an origin of one's own; only
/// differences are ever used.
fn ntp(now: Instant) -> u64 {
    let micros = now.as_micros();
    let fraction = ((micros % 1_000_000) << 32) / 1_000_000;
    ((micros / 1_000_000) << 32) | fraction
}

/// A duration in 1/65536 second.
fn short(duration: Duration) -> u32 {
    u32::try_from((duration.as_micros() << 16) / 1_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
