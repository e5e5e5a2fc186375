//! What one end of a conversation hears of the other.

use std::ops::RangeInclusive;
use std::time::Duration;

use timing::Instant;

/// How many packets back one may come and still be told from one that comes again: 2.56 s.
const WINDOW: u32 = u128::BITS;

/// What a packet of the peer is, beside those that were heard before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The first of the conversation.
    First,
    /// One that follows those before.
    InOrder,
    /// One that was overtaken by another.
    Overtaken,
    /// One that was heard already.
    Again,
    /// One so far behind that nobody could use it: it stays lost.
    TooLate,
    /// One that is not counted: sent before what must come, or after.
    Undue,
}

/// What is known at the end of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    /// Packets of the peer that had to come.
    pub(super) due: u64,
    /// Those that did not, and nothing in their place.
    pub(super) lost: u64,
}

/// One end's ear in one conversation: see the module.
#[derive(Clone, Debug)]
pub(super) struct Ear {
    /// The first packet of the peer that must come, and the one behind the last.
    begins: Option<u32>,
    ends: Option<u32>,
    /// The highest that was heard, and which of those before it: the lowest bit is its own.
    highest: Option<u32>,
    window: u128,
    /// Those that were heard of those that must come.
    heard: u64,
    /// When the peer was heard last.
    last: Option<Instant>,
    longest: Duration,
    gaps: u64,
    /// Packets that nobody of this load has made, since the conversation began.
    others: u64,
    /// The same in the time in which the peer must be heard, since the last of the peer's.
    others_since: u64,
    /// Packets of the peer in whose place one of those came.
    replaced: u64,
}

impl Ear {
    pub(super) fn new() -> Ear {
        Ear {
            begins: None,
            ends: None,
            highest: None,
            window: 0,
            heard: 0,
            last: None,
            longest: Duration::ZERO,
            gaps: 0,
            others: 0,
            others_since: 0,
            replaced: 0,
        }
    }

    /// A packet of the peer; a silence before it longer than `gap` is counted.
    pub(super) fn hear(&mut self, now: Instant, counter: u32, gap: Duration) -> Came {
        let is_over = self.ends.is_some();
        let came = self.place(counter);
        if is_over {
            return came;
        }
        if let Some(last) = self.last.replace(now) {
            self.silence(now.since(last), gap);
        }
        came
    }

    fn place(&mut self, counter: u32) -> Came {
        let begins = *self.begins.get_or_insert(counter);
        if counter < begins || self.ends.is_some_and(|ends| counter >= ends) {
            return Came::Undue;
        }
        let came = match self.highest {
            None => Came::First,
            Some(highest) if counter > highest => Came::InOrder,
            Some(highest) if highest - counter >= WINDOW => return Came::TooLate,
            Some(_) if self.has(counter) => return Came::Again,
            Some(_) => Came::Overtaken,
        };
        if came != Came::Overtaken {
            self.replace_up_to(counter);
        }
        let highest = self.highest.unwrap_or(counter).max(counter);
        let further = highest - self.highest.unwrap_or(highest);
        self.window = self.window.checked_shl(further).unwrap_or(0) | 1 << (highest - counter);
        self.highest = Some(highest);
        self.heard += 1;
        came
    }

    /// What came since the last packet of the peer stands for those that are missing before this one, and no more of it
    /// than these: music while the peer says nothing stands for nothing that is lost later.
    fn replace_up_to(&mut self, counter: u32) {
        let Some(begins) = self.begins else { return };
        let next = self.highest.map_or(begins, |highest| highest.saturating_add(1));
        let missing = counter.saturating_sub(next);
        self.replaced += std::mem::take(&mut self.others_since).min(u64::from(missing));
    }

    /// Whether this one was heard, of those that are not too far back.
    fn has(&self, counter: u32) -> bool {
        let back = self.highest.and_then(|highest| highest.checked_sub(counter));
        back.is_some_and(|back| back < WINDOW && self.window >> back & 1 == 1)
    }

    /// A packet that nobody of this load has made; whether it came in the time in which the peer must be heard.
    pub(super) fn hear_other(&mut self) -> bool {
        let is_in_place = self.begins.is_some() && self.ends.is_none();
        self.others += u64::from(self.ends.is_none());
        self.others_since += u64::from(is_in_place);
        is_in_place
    }

    fn silence(&mut self, lasted: Duration, gap: Duration) {
        self.longest = self.longest.max(lasted);
        self.gaps += u64::from(lasted > gap);
    }

    /// The peer was heard.
    pub(super) fn has_heard(&self) -> bool {
        self.last.is_some()
    }

    /// Something else was heard.
    pub(super) fn has_heard_others(&self) -> bool {
        self.others > 0
    }

    /// Nobody may be silent any longer: from this packet of the peer on they must come.
    pub(super) fn expect_from(&mut self, counter: u32) {
        self.begins.get_or_insert(counter);
    }

    /// The conversation is over; packets of the peer from `ends` on need not come.
    pub(super) fn end(&mut self, now: Instant, ends: u32, gap: Duration) {
        self.heard -= self.remembered_from(ends).filter(|&counter| self.has(counter)).count() as u64;
        self.replace_up_to(ends);
        self.ends = Some(ends);
        if let Some(last) = self.last {
            self.silence(now.since(last), gap);
        }
    }

    /// Those from this packet of the peer on of which it is still known whether they were heard. They are few whatever number
    /// the last had: it came from the network.
    fn remembered_from(&self, counter: u32) -> RangeInclusive<u32> {
        let highest = self.highest.unwrap_or(0);
        counter.max(highest.saturating_sub(WINDOW - 1))..=highest
    }

    /// Silences that were too long, and the longest from one packet to the next.
    pub(super) fn gaps(&self) -> (u64, Duration) {
        (self.gaps, self.longest)
    }

    /// What has become of the peer's packets, when those under way have come.
    pub(super) fn sum(&self) -> Sum {
        let (Some(begins), Some(ends)) = (self.begins, self.ends) else { return Sum { due: 0, lost: 0 } };
        let due = u64::from(ends.saturating_sub(begins));
        // Where something else came in place of a packet it was not lost but changed on its way.
        Sum { due, lost: due.saturating_sub(self.heard).saturating_sub(self.replaced) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_millis(100);

    fn at(millis: u64) -> Instant {
        Instant::from_millis(1_000 + millis)
    }

    /// Hears these, one every 20 ms; what each was.
    fn hear(ear: &mut Ear, counters: &[u32]) -> Vec<Came> {
        (0..).zip(counters).map(|(number, counter)| ear.hear(at(20 * number), *counter, GAP)).collect()
    }

    #[test]
    fn each_packet_is_told_from_those_before_it() {
        use Came::{Again, First, InOrder, Overtaken, TooLate, Undue};
        let mut ear = Ear::new();
        let came = hear(&mut ear, &[5, 6, 8, 7, 7, 8, 4, 300, 172, 173, 173]);
        assert_eq!(
            came,
            [First, InOrder, InOrder, Overtaken, Again, Again, Undue, InOrder, TooLate, Overtaken, Again]
        );
        ear.end(at(220), 301, GAP);
        // 5 to 8, 173 and 300 of 5 to 300.
        assert_eq!(ear.sum(), Sum { due: 296, lost: 290 });
    }

    #[test]
    fn what_is_sent_as_the_conversation_ends_need_not_come_and_is_not_counted_where_it_does() {
        let mut ear = Ear::new();
        hear(&mut ear, &[0, 1, 2, 3, 4, 5]);
        ear.end(at(120), 4, GAP);
        assert_eq!(ear.sum(), Sum { due: 4, lost: 0 });
        assert_eq!(ear.hear(at(140), 6, GAP), Came::Undue);
        assert_eq!(ear.sum(), Sum { due: 4, lost: 0 });
        let mut ear = Ear::new();
        hear(&mut ear, &[0, 1, 3, 5]);
        ear.end(at(80), 4, GAP);
        assert_eq!(ear.sum(), Sum { due: 4, lost: 1 });
        ear.hear(at(100), 2, GAP);
        assert_eq!(ear.sum(), Sum { due: 4, lost: 0 }, "it was under way");
    }

    #[test]
    fn silences_are_measured_between_packets_and_at_the_end() {
        let mut ear = Ear::new();
        for (millis, counter) in [(0, 0), (20, 1), (150, 2), (250, 3)] {
            ear.hear(at(millis), counter, GAP);
        }
        assert_eq!(ear.gaps(), (1, Duration::from_millis(130)), "a hundred is not more than a hundred");
        ear.end(at(600), 10, GAP);
        assert_eq!(ear.gaps(), (2, Duration::from_millis(350)));
    }

    #[test]
    fn what_comes_in_place_of_the_peer_is_not_lost() {
        let mut ear = Ear::new();
        assert!(!ear.hear_other(), "music, for the peer was not heard yet");
        ear.expect_from(100);
        for _ in 0..30 {
            assert!(ear.hear_other());
        }
        ear.end(at(800), 140, GAP);
        assert_eq!(ear.sum(), Sum { due: 40, lost: 10 });
        assert!(!ear.has_heard() && ear.has_heard_others());
    }

    #[test]
    fn music_while_the_peer_says_nothing_hides_no_packet_that_is_lost_later() {
        let mut ear = Ear::new();
        hear(&mut ear, &[0, 1, 2]);
        for _ in 0..500 {
            ear.hear_other();
        }
        // The peer has sent nothing meanwhile; then 6 is lost, 4 late, and something else comes for 8 and 9.
        hear(&mut ear, &[3, 5, 7]);
        (0..2).for_each(|_| assert!(ear.hear_other()));
        // One that was overtaken says nothing of what comes behind the last.
        hear(&mut ear, &[4, 10]);
        ear.end(at(900), 13, GAP);
        assert_eq!(ear.sum(), Sum { due: 13, lost: 3 }, "6, 11 and 12");
    }

    #[test]
    fn the_end_looks_at_no_more_than_is_remembered_whatever_number_came() {
        let mut ear = Ear::new();
        hear(&mut ear, &[0, u32::MAX]);
        assert_eq!(ear.remembered_from(1), u32::MAX - 127..=u32::MAX);
        assert_eq!(ear.remembered_from(u32::MAX - 5), u32::MAX - 5..=u32::MAX);
        ear.end(at(40), 1, GAP);
        assert_eq!(ear.sum(), Sum { due: 1, lost: 0 });
    }
}
