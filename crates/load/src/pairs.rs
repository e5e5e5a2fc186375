//! The pairs of ports for calls with audio, and what is said of them.

use std::collections::VecDeque;
use std::time::Duration;

use sip::Message;
use timing::Instant;

use crate::audio::{AudioChange, AudioCommand, Leg, PairId, Target};
use crate::line::Key;
use crate::plan::Side;

/// How long a pair rests that nobody has any more: what is under way to it must not come to the next call.
const REST: Duration = Duration::from_secs(2);

/// Which calls have which pair.
#[derive(Debug)]
pub(crate) struct Pairs {
    /// Those that nobody has and from when on they may be had, the earliest first.
    free: VecDeque<(Instant, PairId)>,
    /// How many ends of calls have each.
    users: Vec<u32>,
    said: VecDeque<AudioCommand>,
}

impl Pairs {
    pub(crate) fn new(count: usize) -> Pairs {
        let count = u32::try_from(count).expect("fewer than 2^32 ports");
        Pairs {
            free: (0..count).map(|pair| (Instant::ORIGIN, PairId(pair))).collect(),
            users: vec![0; count as usize],
            said: VecDeque::new(),
        }
    }

    /// Whether calls have audio at all.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.users.is_empty()
    }

    /// A pair that nobody has; none where all are in use.
    pub(crate) fn take(&mut self, now: Instant) -> Option<PairId> {
        let &(_, pair) = self.free.front().filter(|(at, _)| *at <= now)?;
        self.free.pop_front();
        self.hold(pair);
        Some(pair)
    }

    /// One more end of the call has it.
    pub(crate) fn hold(&mut self, pair: PairId) {
        self.users[pair.index()] += 1;
    }

    /// An end of the call is over.
    pub(crate) fn release(&mut self, now: Instant, pair: PairId) {
        let users = &mut self.users[pair.index()];
        *users -= 1;
        if *users == 0 {
            self.free.push_back((now + REST, pair));
        }
    }

    /// Something happens to this end's part in a call that has the pair.
    pub(crate) fn say(&mut self, pair: PairId, side: Side, key: Key, what: AudioChange) {
        self.said.push_back(AudioCommand { pair, side, leg: Leg(key), what });
    }

    pub(crate) fn poll(&mut self) -> Option<AudioCommand> {
        self.said.pop_front()
    }
}

/// Where the author of this message wants G.711; none where they want no audio, or not now (RFC 3264 §8.4).
pub(crate) fn target_of(message: &Message) -> Option<Target> {
    let session = media::sdp::Session::parse(&message.body(), &media::sdp::Limits::default()).ok()?;
    let audio = session.media.iter().find(|line| line.kind == "audio" && line.is_plain_rtp())?;
    let to = session.rtp_address(audio).filter(|_| session.direction(audio).receives())?;
    let codec = audio.codecs().into_iter().find(|codec| codec.law().is_some())?;
    Some(Target { to, payload_type: codec.payload_type })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_had_by_both_ends_of_a_call_and_rests_before_the_next_has_it() {
        let at = Instant::from_secs;
        let mut pairs = Pairs::new(2);
        assert_eq!([(); 3].map(|()| pairs.take(at(10))), [Some(PairId(0)), Some(PairId(1)), None]);
        pairs.hold(PairId(0));
        pairs.release(at(20), PairId(0));
        assert_eq!(pairs.take(at(30)), None, "the agent has it still");
        pairs.release(at(30), PairId(0));
        assert_eq!((pairs.take(at(31)), pairs.take(at(32))), (None, Some(PairId(0))));
    }
}
