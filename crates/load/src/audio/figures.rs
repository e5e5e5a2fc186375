//! What was measured of audio.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::figures::{histogram, record};
use crate::plan::Side;

/// What all who sit at one end heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Conversations in which somebody here listened.
    pub conversations: u64,
    /// Packets of the peer that had to come: from the first that was heard (or, where none was,
    /// [`AudioSettings::heard_within`](super::AudioSettings::heard_within) after the conversation began) to shortly before its end.
    pub due: u64,
    /// Those that did not, nor anything else in their place.
    pub lost: u64,
    /// Packets of the peer that came again.
    pub doubled: u64,
    /// Packets of the peer that came behind a later one.
    pub overtaken: u64,
    /// Packets of the peer that came so late that they count as lost: 128 packets behind.
    pub too_late: u64,
    /// Packets of somebody else: another call's, or another test's.
    pub foreign: u64,
    /// Packets of one's own that came back.
    pub echoed: u64,
    /// Packets in the middle of a conversation that nobody of this load has made, or that were changed on their way.
    pub unrecognised: u64,
    /// The same before the peer was heard: music, ringing, announcements.
    pub music: u64,
    /// Conversations in which nothing was heard in time.
    pub one_way: u64,
    /// Conversations in which something was heard in time, and nothing of the peer.
    pub not_recognised: u64,
    /// Silences between two packets, or to the end, that were too long.
    pub gaps: u64,
    /// From the sending of a packet to its arrival, in microseconds.
    pub delay: Histogram<u64>,
    /// From the beginning of a conversation to the first packet of the peer, in microseconds.
    pub first: Histogram<u64>,
    /// The longest silence of each conversation, in microseconds.
    pub silence: Histogram<u64>,
}

/// All that is known of audio. Calls of the warm-up have none.
#[derive(Clone, Debug)]
pub struct AudioFigures {
    /// Packets sent.
    pub sent: u64,
    /// Packets that were not sent because this load was too late for them.
    pub left_out: u64,
    /// Packets that our own system did not take.
    pub not_sent: u64,
    /// From the planned moment of a packet to its sending, in microseconds: the load's own delay, which is not in
    /// [`Heard::delay`].
    pub lateness: Histogram<u64>,
    heard: [Heard; 2],
}

impl Heard {
    fn new() -> Heard {
        Heard {
            conversations: 0,
            due: 0,
            lost: 0,
            doubled: 0,
            overtaken: 0,
            too_late: 0,
            foreign: 0,
            echoed: 0,
            unrecognised: 0,
            music: 0,
            one_way: 0,
            not_recognised: 0,
            gaps: 0,
            delay: histogram(),
            first: histogram(),
            silence: histogram(),
        }
    }

    /// What was lost of what had to come, 0 to 1; 0 where nothing had to.
    pub fn loss(&self) -> f64 {
        share(self.lost, self.due)
    }

    /// Conversations in which the peer was not heard in time, 0 to 1; 0 where there was none.
    pub fn unheard_share(&self) -> f64 {
        share(self.one_way + self.not_recognised, self.conversations)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl AudioFigures {
    pub(super) fn new() -> AudioFigures {
        AudioFigures {
            sent: 0,
            left_out: 0,
            not_sent: 0,
            lateness: histogram(),
            heard: [Heard::new(), Heard::new()],
        }
    }

    /// What was heard at this end.
    pub fn heard(&self, side: Side) -> &Heard {
        &self.heard[side.index()]
    }

    pub(super) fn heard_mut(&mut self, side: Side) -> &mut Heard {
        &mut self.heard[side.index()]
    }

    pub(super) fn late(&mut self, late: Duration) {
        record(&mut self.lateness, late);
    }
}
