//! What arrives from one far end: loss, order and jitter (RFC 3550 appendix A).

use timing::Instant;

/// A jump of this many numbers is still a loss (RFC 3550 A.1, MAX_DROPOUT).
const LARGEST_GAP: u16 = 3_000;
/// This many numbers back is still a late packet (RFC 3550 A.1, MAX_MISORDER).
const LATEST: u16 = 100;

/// Everything received from a far end, over all the SSRCs it has used.
#[derive(Clone, Debug, Default)]
pub(super) struct Reception {
    stream: Option<Stream>,
    /// How many numberings there have been: names the present one.
    generation: u32,
    /// Lost in streams that ended.
    lost_before: i64,
    /// Times that numbers were missing.
    pub(super) gaps: u64,
    /// Packets that came twice or after a later one.
    pub(super) late: u64,
}

#[derive(Clone, Debug)]
struct Stream {
    ssrc: u32,
    clock_rate: u32,
    /// The first number, extended.
    base: u32,
    newest: u16,
    cycles: u32,
    /// The number after one that jumped too far: if it comes, the sender has started anew.
    restart_at: Option<u16>,
    received: u32,
    expected_prior: u32,
    received_prior: u32,
    transit: Option<u32>,
    /// Sixteen times the jitter in timestamp units.
    jitter: u32,
}

/// A packet's header, as far as reception cares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) clock_rate: u32,
    /// Whether the timestamp is the time of sampling; RFC 4733 events repeat that of their start.
    pub(super) timed: bool,
}

/// How a packet stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The next one, or one after a gap, or an earlier one that comes late.
    Usual,
    /// The first of a new numbering: a new SSRC or a restart.
    New,
    /// Far from the numbering: perhaps a restart, perhaps nonsense. Not to be passed on.
    Astray,
}

/// What a receiver report says (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) ssrc: u32,
    pub(super) fraction_lost: u8,
    pub(super) cumulative_lost: i32,
    pub(super) extended_sequence: u32,
    /// Timestamp units.
    pub(super) jitter: u32,
}

impl Reception {
    pub(super) fn record(&mut self, now: Instant, header: Header) -> Arrival {
        let stream = match &mut self.stream {
            Some(stream) if stream.ssrc == header.ssrc => stream,
            Some(_) | None => {
                self.begin(now, header);
                return Arrival::New;
            }
        };
        let ahead = header.sequence.wrapping_sub(stream.newest);
        if ahead == 0 || ahead >= LATEST.wrapping_neg() {
            self.late += 1;
            stream.received += 1;
            return Arrival::Usual;
        }
        if ahead >= LARGEST_GAP {
            if stream.restart_at == Some(header.sequence) {
                self.begin(now, header);
                return Arrival::New;
            }
            stream.restart_at = Some(header.sequence.wrapping_add(1));
            return Arrival::Astray;
        }
        if ahead > 1 {
            self.gaps += 1;
        }
        if header.sequence < stream.newest {
            stream.cycles = stream.cycles.wrapping_add(1 << 16);
        }
        stream.newest = header.sequence;
        stream.restart_at = None;
        stream.received += 1;
        stream.measure(now, header);
        Arrival::Usual
    }

    /// The SSRC of the present stream.
    pub(super) fn ssrc(&self) -> Option<u32> {
        self.stream.as_ref().map(|stream| stream.ssrc)
    }

    /// Expected minus received over all streams.
    pub(super) fn lost(&self) -> i64 {
        self.lost_before + self.stream.as_ref().map_or(0, Stream::lost)
    }

    /// Jitter of the present stream in microseconds.
    pub(super) fn jitter_micros(&self) -> u64 {
        self.stream.as_ref().map_or(0, |stream| {
            u64::from(stream.jitter >> 4) * 1_000_000 / u64::from(stream.clock_rate.max(1))
        })
    }

    /// Names the present numbering: another SSRC or a restart is another one.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The report about the present stream since the last one (RFC 3550 A.3).
    pub(super) fn report(&mut self) -> Option<Block> {
        let stream = self.stream.as_mut()?;
        let expected = stream.expected();
        let expected_interval = expected.wrapping_sub(stream.expected_prior);
        let received_interval = stream.received.wrapping_sub(stream.received_prior);
        stream.expected_prior = expected;
        stream.received_prior = stream.received;
        let lost = i64::from(expected_interval) - i64::from(received_interval);
        let fraction_lost = if expected_interval == 0 || lost <= 0 {
            0
        } else {
            u8::try_from((lost << 8) / i64::from(expected_interval)).unwrap_or(u8::MAX)
        };
        Some(Block {
            ssrc: stream.ssrc,
            fraction_lost,
            cumulative_lost: i32::try_from(stream.lost().clamp(-0x80_0000, 0x7F_FFFF)).expect("24 bits"),
            extended_sequence: stream.extended(),
            jitter: stream.jitter >> 4,
        })
    }

    fn begin(&mut self, now: Instant, header: Header) {
        self.lost_before = self.lost();
        self.generation = self.generation.wrapping_add(1);
        let mut stream = Stream {
            ssrc: header.ssrc,
            clock_rate: header.clock_rate,
            base: u32::from(header.sequence),
            newest: header.sequence,
            cycles: 0,
            restart_at: None,
            received: 1,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter: 0,
        };
        stream.measure(now, header);
        self.stream = Some(stream);
    }
}

impl Stream {
    fn extended(&self) -> u32 {
        self.cycles.wrapping_add(u32::from(self.newest))
    }

    fn expected(&self) -> u32 {
        self.extended().wrapping_sub(self.base).wrapping_add(1)
    }

    fn lost(&self) -> i64 {
        i64::from(self.expected()) - i64::from(self.received)
    }

    /// RFC 3550 A.8 in integers: J += (|D| - J) / 16.
    fn measure(&mut self, now: Instant, header: Header) {
        if !header.timed || header.clock_rate == 0 {
            return;
        }
        if header.clock_rate != self.clock_rate {
            self.clock_rate = header.clock_rate;
            self.transit = None;
        }
        let transit = ticks(now, header.clock_rate).wrapping_sub(header.timestamp);
        if let Some(before) = self.transit {
            // A sender's clock that jumps would drown the figure for minutes; four seconds is
            // further than any network delays a packet that still counts.
            let difference = (transit.wrapping_sub(before) as i32).unsigned_abs();
            if difference < header.clock_rate.saturating_mul(4) {
                self.jitter = self.jitter.saturating_add(difference) - ((self.jitter + 8) >> 4);
            }
        }
        self.transit = Some(transit);
    }
}

/// `now` in units of an RTP clock, as wide as a timestamp.
pub(super) fn ticks(now: Instant, clock_rate: u32) -> u32 {
    let ticks = u128::from(now.as_micros()) * u128::from(clock_rate) / 1_000_000;
    (ticks & u128::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests;
