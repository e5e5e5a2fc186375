//! What is said: 20 ms of G.711 that tell who says them, which packet of theirs it is, and when it was sent.
//!
//! All of it stands in the octets of the audio, because a relay may give a stream another SSRC and other numbers and times,
//! and passes the octets on as they are. Whoever decodes them, mixes them or cuts them otherwise leaves nothing to be read.

use timing::Instant;

/// Octets of 20 ms at 8 kHz.
pub(super) const SAMPLES: usize = 160;
/// Octets of one mark; it fills a packet by being repeated.
const MARK: usize = 40;
/// What no other audio begins with.
const MAGIC: [u8; 8] = *b"cordload";

/// Somebody who talks at one end of one call: nobody else in the test has the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Speaker(pub(super) u32);

/// What a packet says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The test: no other has the same.
    pub(super) test: u64,
    /// Whose packet it is.
    pub(super) speaker: Speaker,
    /// Which of theirs, from 0.
    pub(super) counter: u32,
    /// When it was sent, in microseconds of the test's clock.
    pub(super) sent: Instant,
}

impl Mark {
    pub(super) fn write(&self, payload: &mut [u8]) {
        let mut mark = [0; MARK];
        mark[..8].copy_from_slice(&MAGIC);
        mark[8..16].copy_from_slice(&self.test.to_be_bytes());
        mark[16..20].copy_from_slice(&self.speaker.0.to_be_bytes());
        mark[20..24].copy_from_slice(&self.counter.to_be_bytes());
        mark[24..32].copy_from_slice(&self.sent.as_micros().to_be_bytes());
        let check = check(&mark[..32]);
        mark[32..].copy_from_slice(&check.to_be_bytes());
        for place in payload.chunks_exact_mut(MARK) {
            place.copy_from_slice(&mark);
        }
    }

    /// The mark of a payload; none where any octet of it is another than was written.
    pub(super) fn read(payload: &[u8]) -> Option<Mark> {
        let (mark, rest) = payload.split_at_checked(MARK)?;
        let is_whole = payload.len() == SAMPLES && rest.chunks_exact(MARK).all(|copy| copy == mark);
        let number = |from: usize| u64::from_be_bytes(mark[from..from + 8].try_into().expect("eight octets"));
        let half = |from: usize| u32::from_be_bytes(mark[from..from + 4].try_into().expect("four octets"));
        if !is_whole || mark[..8] != MAGIC || number(32) != check(&mark[..32]) {
            return None;
        }
        let sent = Instant::from_micros(number(24));
        Some(Mark { test: number(8), speaker: Speaker(half(16)), counter: half(20), sent })
    }
}

/// FNV-1a over 64 bits: what is damaged by chance does not pass.
fn check(octets: &[u8]) -> u64 {
    let step = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3);
    octets.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_no_octet_of_it_may_be_another() {
        let mark = Mark { test: 7, speaker: Speaker(9), counter: 1_000_000, sent: Instant::from_secs(12) };
        let mut payload = [0; SAMPLES];
        mark.write(&mut payload);
        assert_eq!(Mark::read(&payload), Some(mark));
        for place in 0..SAMPLES {
            let mut damaged = payload;
            damaged[place] ^= 1;
            assert_eq!(Mark::read(&damaged), None, "octet {place}");
        }
        // Damaged alike in every copy.
        for place in 0..MARK {
            let mut damaged = payload;
            (0..4).for_each(|copy| damaged[copy * MARK + place] ^= 1);
            assert_eq!(Mark::read(&damaged), None, "octet {place} of each");
        }
    }

    #[test]
    fn silence_and_what_is_too_short_or_too_long_is_nobodys() {
        let mut payload = [0; 2 * SAMPLES];
        Mark { test: 7, speaker: Speaker(9), counter: 0, sent: Instant::ORIGIN }.write(&mut payload);
        for length in [0, 39, 40, 120, 2 * SAMPLES] {
            assert_eq!(Mark::read(&payload[..length]), None, "{length} octets");
        }
        for octet in [0x00, 0xd5, 0xff] {
            assert_eq!(Mark::read(&[octet; SAMPLES]), None);
        }
    }
}
