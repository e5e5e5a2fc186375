//! The two ends of a pair of ports, who sits there, and the conversation between them.

use std::collections::VecDeque;
use std::time::Duration;

use timing::{Instant, TimerId};

use super::ear::Ear;
use super::pattern::{Mark, Speaker};
use super::{Heard, LAST_PACKETS, Leg, Target};
use crate::plan::Side;

/// A pair of ports: see the module.
#[derive(Debug, Default)]
pub(super) struct Pair {
    pub(super) ends: [End; 2],
    /// Agents who have answered while another of the same caller has their end, in the order of their answers.
    pub(super) waiting: VecDeque<Waiting>,
    /// The last conversation.
    pub(super) talk: Option<Talk>,
    /// The one before it, of the same caller with another agent, while its last packets may be under way.
    pub(super) before: Option<Talk>,
}

/// Who sits, or sat last, at one port.
#[derive(Debug, Default)]
pub(super) struct End {
    /// None: nobody so far.
    pub(super) speaker: Option<Speaker>,
    /// None: nobody any more.
    pub(super) leg: Option<Leg>,
    pub(super) target: Option<Target>,
    /// When the next packet is due, and what waits for that.
    pub(super) next: Instant,
    pub(super) timer: Option<TimerId>,
    /// Packets so far.
    pub(super) counter: u32,
}

/// An agent who has answered and does not sit yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) leg: Leg,
    pub(super) target: Option<Target>,
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) since: Instant,
    pub(super) is_over: bool,
    /// Who talk, and how many packets each had sent before.
    pub(super) speakers: [Speaker; 2],
    pub(super) from: [u32; 2],
    pub(super) ears: [Ear; 2],
}

impl Talk {
    /// Whether this agent's it is, who has no other.
    pub(super) fn is_of(&self, agent: Speaker) -> bool {
        self.speakers[Side::Agents.index()] == agent
    }
}

impl Pair {
    /// Packets so far of each end.
    pub(super) fn sent(&self) -> [u32; 2] {
        self.ends.each_ref().map(|end| end.counter)
    }

    /// The conversation of those who sit at both ends now; none where somebody is missing.
    pub(super) fn conversation(&self, now: Instant) -> Option<Talk> {
        let [caller, agent] = self.ends.each_ref().map(|end| end.leg.and(end.speaker));
        let ears = [Ear::new(), Ear::new()];
        Some(Talk { since: now, is_over: false, speakers: [caller?, agent?], from: self.sent(), ears })
    }

    /// Ends the conversation, where there is one that is not over; its agent.
    pub(super) fn end_talk(&mut self, now: Instant, gap: Duration) -> Option<Speaker> {
        let sent = self.sent();
        let talk = self.talk.as_mut().filter(|talk| !talk.is_over)?;
        talk.is_over = true;
        for side in Side::BOTH {
            let ends = sent[side.other().index()].saturating_sub(LAST_PACKETS);
            talk.ears[side.index()].end(now, ends, gap);
        }
        Some(talk.speakers[Side::Agents.index()])
    }

    /// The agents' end is left and somebody else comes to it: what is under way of the last conversation is still awaited,
    /// and of the one before that, which is handed out, not any more.
    pub(super) fn make_room(&mut self) -> Option<Talk> {
        let talk = self.talk.take()?;
        debug_assert!(talk.is_over, "it ended when its agent left");
        self.before.replace(talk)
    }

    /// Takes the conversation of this agent where it is over.
    pub(super) fn take_done(&mut self, agent: Speaker) -> Option<Talk> {
        let is_done = |talk: &mut Talk| talk.is_over && talk.is_of(agent);
        self.talk.take_if(is_done).or_else(|| self.before.take_if(is_done))
    }

    /// The agent who has this leg, where that one waits.
    pub(super) fn find_waiting(&mut self, side: Side, leg: Leg) -> Option<&mut Waiting> {
        self.waiting.iter_mut().find(|waiting| side == Side::Agents && waiting.leg == leg)
    }

    /// At which end this speaker sits, or sat and may still be heard; none: it is a stranger here.
    pub(super) fn side_of(&self, speaker: Speaker) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| {
            let before = self.before.as_ref().map(|talk| talk.speakers[side.index()]);
            self.ends[side.index()].speaker == Some(speaker) || before == Some(speaker)
        })
    }

    /// Whether the one who sits at that end has not sent this packet: somebody else has made it.
    pub(super) fn is_invented(&self, of: Side, mark: &Mark) -> bool {
        let end = &self.ends[of.index()];
        end.speaker == Some(mark.speaker) && mark.counter >= end.counter
    }

    /// The conversation in which somebody of that end has sent this packet.
    pub(super) fn talk_of(&mut self, of: Side, mark: &Mark) -> Option<&mut Talk> {
        let (speaker, counter) = (mark.speaker, mark.counter);
        let mut talks = self.talk.iter_mut().chain(&mut self.before);
        talks.find(|talk| talk.speakers[of.index()] == speaker && talk.from[of.index()] <= counter)
    }

    /// A packet came that nobody of this load has made.
    pub(super) fn hear_other(&mut self, side: Side, heard: &mut Heard) {
        let is_there = self.ends[side.index()].leg.is_some();
        let is_in_place = self.talk.as_mut().is_some_and(|talk| talk.ears[side.index()].hear_other());
        heard.unrecognised += u64::from(is_in_place && is_there);
        heard.music += u64::from(!is_in_place && is_there);
    }
}
