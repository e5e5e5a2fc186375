//! What one listener hears: a single RTP stream of ours, whoever feeds it.

use std::time::Duration;

use timing::Instant;

use super::TerminationId;

/// Who feeds a listener. A change of it is spliced so that the listener's numbering goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feed {
    /// The far end of a termination, in one of its numberings.
    Far(TerminationId, u32),
    /// Our own music; the number is that of the `Play`.
    Music(u64),
}

/// One SSRC with numbers and timestamps that never jump, except as the feed's own do.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) ssrc: u32,
    /// The last number sent; before the first packet the one before the first.
    sequence: u16,
    /// The last timestamp of sampled sound and when it was sent.
    timestamp: u32,
    sent_at: Option<Instant>,
    pub(super) clock_rate: u32,
    splice: Option<Splice>,
    /// The next sound carries the marker: a talkspurt begins (RFC 3551 §4.1).
    mark: bool,
}

/// How the present feed's numbers become ours.
#[derive(Clone, Copy, Debug)]
struct Splice {
    feed: Feed,
    sequence_offset: u16,
    timestamp_offset: u32,
    /// The feed's newest number.
    newest: u16,
    /// How far it has come since the splice: what is further back belongs before it.
    advance: u32,
}

/// A packet of the feed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    pub(super) feed: Feed,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) clock_rate: u32,
    pub(super) content: Content,
}

/// What a packet carries, as far as markers and timestamps care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Sampled sound: the timestamp moves with it, the marker begins a talkspurt.
    Sound,
    /// A telephone-event: the timestamp stays at its start.
    Event,
    /// Pictures: the marker ends one, so none is added.
    Picture,
}

/// What to write into the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    /// Add the marker.
    pub(super) mark: bool,
}

impl Outgoing {
    /// `sequence` and `timestamp` are random (RFC 3550 §5.1).
    pub(super) fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Outgoing {
        Outgoing { ssrc, sequence, timestamp, sent_at: None, clock_rate: 8_000, splice: None, mark: true }
    }

    /// The feed stops for now: what comes next is spliced, wherever its numbers are by then.
    pub(super) fn pause(&mut self) {
        self.splice = None;
    }

    /// Where the packet stands in our stream. `None` for one that is older than the splice: its
    /// place is taken by another feed's packet.
    pub(super) fn place(&mut self, now: Instant, packet: Incoming) -> Option<Place> {
        let mut splice = match self.splice {
            Some(splice) if splice.feed == packet.feed => splice,
            Some(_) | None => self.splice_in(now, packet),
        };
        let ahead = packet.sequence.wrapping_sub(splice.newest) as i16;
        if ahead < 0 && u32::from(ahead.unsigned_abs()) > splice.advance {
            return None;
        }
        let sequence = packet.sequence.wrapping_add(splice.sequence_offset);
        let timestamp = packet.timestamp.wrapping_add(splice.timestamp_offset);
        if ahead >= 0 {
            splice.newest = packet.sequence;
            splice.advance = splice.advance.saturating_add(u32::from(ahead.unsigned_abs()));
            self.sequence = sequence;
            // An event's timestamp is that of its beginning: no measure of where the stream is.
            if packet.content != Content::Event || self.sent_at.is_none() {
                self.timestamp = timestamp;
                self.sent_at = Some(now);
                self.clock_rate = packet.clock_rate;
            }
        }
        self.splice = Some(splice);
        let mark = self.mark && packet.content == Content::Sound;
        self.mark &= packet.content == Content::Event;
        Some(Place { sequence, timestamp, mark })
    }

    /// The feed's packet is deliberately left out: the listener must not take it for lost.
    pub(super) fn skip(&mut self, feed: Feed, sequence: u16) {
        if let Some(splice) = self.splice.as_mut().filter(|splice| splice.feed == feed)
            && sequence == splice.newest.wrapping_add(1)
        {
            splice.newest = sequence;
            splice.sequence_offset = splice.sequence_offset.wrapping_sub(1);
        }
    }

    /// Our timestamp at `now`, for sender reports (RFC 3550 §6.4.1). `None` before the first packet.
    pub(super) fn timestamp_at(&self, now: Instant) -> Option<u32> {
        let sent_at = self.sent_at?;
        Some(self.timestamp.wrapping_add(elapsed(now.since(sent_at), self.clock_rate)))
    }

    fn splice_in(&mut self, now: Instant, packet: Incoming) -> Splice {
        self.mark = true;
        // The timestamp goes on as time has gone on, but by one packet at least: two packets must
        // not claim the same moment.
        let timestamp = match self.sent_at {
            Some(at) => {
                let passed = elapsed(now.since(at), packet.clock_rate).max(packet.clock_rate / 50);
                self.timestamp.wrapping_add(passed)
            }
            None => self.timestamp,
        };
        Splice {
            feed: packet.feed,
            sequence_offset: self.sequence.wrapping_add(1).wrapping_sub(packet.sequence),
            timestamp_offset: timestamp.wrapping_sub(packet.timestamp),
            newest: packet.sequence,
            advance: 0,
        }
    }
}

/// A duration in units of an RTP clock, as wide as a timestamp.
fn elapsed(duration: Duration, clock_rate: u32) -> u32 {
    let ticks = duration.as_micros() * u128::from(clock_rate) / 1_000_000;
    (ticks & u128::from(u32::MAX)) as u32
}
