//! Music: one tick every 20 ms for all who hear any.

use std::ops::Bound;
use std::time::Duration;

use rtp_rs::RtpPacketBuilder;
use timing::Instant;

use super::Relay;
use super::outgoing::{Content, Feed, Incoming};
use super::termination::{Hears, Slot};
use crate::g711::SAMPLE_RATE;
use crate::music::FRAME;

/// Time between packets, and the sound in one.
const TICK: Duration = Duration::from_millis(20);
/// Ticks that are made up for in a burst when the thread comes late; more are left out, and the
/// listeners' timestamps show it.
const LARGEST_BURST: u32 = 3;

/// Listeners that are served before the shell has to fetch their packets: what waits to be fetched holds memory.
const LISTENERS_AT_ONCE: usize = 256;

/// The common beat of all music.
#[derive(Clone, Debug, Default)]
pub(super) struct Beat {
    /// When the next packets are due; `None` while nobody hears music.
    next: Option<Instant>,
    /// Beats since the beginning, left out ones too: music's own clock.
    number: u64,
    /// Who had the last packet of a beat that is not done.
    reached: Option<Slot>,
    /// Beats that were made up for without a pause.
    burst: u32,
}

impl Beat {
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Somebody begins to listen.
    pub(super) fn start(&mut self, now: Instant) {
        self.next.get_or_insert(now);
    }

    fn advance(&mut self, beats: u64) {
        self.number += beats;
        let passed = Duration::from_micros((TICK.as_micros() as u64).saturating_mul(beats));
        self.next = self.next.map(|next| next + passed);
    }

    fn is_due(&self, now: Instant) -> bool {
        self.next.is_some_and(|next| next <= now)
    }

    /// Leaves out what cannot be made up for; whether it did.
    fn leave_out(&mut self, now: Instant) -> bool {
        let Some(next) = self.next.filter(|_| self.burst == LARGEST_BURST) else { return false };
        let missed = now.since(next).as_micros() / TICK.as_micros() + 1;
        self.advance(missed as u64);
        self.burst = 0;
        true
    }
}

impl Relay {
    /// Sends what is due to the listeners, or to as many as are served at once: then it is still due.
    pub(super) fn play_due(&mut self, now: Instant) {
        if self.playing.is_empty() {
            self.beat = Beat { number: self.beat.number, ..Beat::default() };
            return;
        }
        let mut left = LISTENERS_AT_ONCE;
        while self.beat.is_due(now) {
            if left == 0 || self.beat.leave_out(now) {
                return;
            }
            let listeners = std::mem::take(&mut self.playing);
            let behind = self.beat.reached.map_or(Bound::Unbounded, Bound::Excluded);
            for &slot in listeners.range((behind, Bound::Unbounded)).take(left) {
                self.play_frame(now, slot);
                self.beat.reached = Some(slot);
                left -= 1;
            }
            let is_done = self.beat.reached.as_ref() >= listeners.last();
            self.playing = listeners;
            if is_done {
                self.beat.reached = None;
                self.beat.burst += 1;
                self.beat.advance(1);
            }
        }
        self.beat.burst = 0;
    }

    fn play_frame(&mut self, now: Instant, slot: Slot) {
        let mut buffer = self.buffer();
        let termination = self.terminations[slot].as_mut().expect("a listener's slot is filled");
        let (destination, g711) = (termination.destination(), termination.g711());
        let Hears::Music { music, play, position } = &mut termination.hears else {
            unreachable!("only those who hear music are on the list");
        };
        let number = *position;
        *position = (number + 1) % music.frames();
        let (Some(to), Some((law, payload_type))) = (destination, g711) else {
            self.recycle(buffer);
            return;
        };
        let incoming = Incoming {
            feed: Feed::Music(*play),
            sequence: termination.music_sequence,
            timestamp: (self.beat.number as u32).wrapping_mul(FRAME as u32),
            clock_rate: SAMPLE_RATE,
            content: Content::Sound,
        };
        termination.music_sequence = termination.music_sequence.wrapping_add(1);
        let place = termination.outgoing.place(now, incoming).expect("our own music is never late");
        buffer.resize(RTP_HEADER + FRAME, 0);
        RtpPacketBuilder::new()
            .payload_type(payload_type)
            .marked(place.mark)
            .sequence(place.sequence.into())
            .timestamp(place.timestamp)
            .ssrc(termination.outgoing.ssrc)
            .payload(music.frame(law, number))
            .build_into(&mut buffer)
            .expect("header and frame fit");
        termination.count_sent(FRAME);
        let port = termination.port;
        self.transmit(port, to, buffer);
    }
}

const RTP_HEADER: usize = 12;
