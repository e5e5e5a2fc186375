//! A call at an agent.

use std::net::SocketAddr;

use bytes::Bytes;
use sip::Message;
use timing::Instant;

use crate::audio::PairId;
use crate::plan::Answers;
use crate::sending::Sending;
use crate::wire::Dialog;

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The phone rings.
    Ringing,
    /// The 200 is sent.
    Answered,
    /// Its ACK came.
    Talking,
    /// Refused, and the ACK is still to come.
    Refused,
    /// Our BYE is sent.
    Leaving,
    /// It is over, and answers what is repeated.
    Over,
}

/// What the agent will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Will {
    PickUp,
    BeBusy,
    Decline,
    Ignore,
}

impl Will {
    /// What a uniform number between 0 and 1 says.
    pub(super) fn drawn(answers: &Answers, drawn: f64) -> Will {
        let Answers { busy, decline, no_answer } = *answers;
        if drawn < busy {
            Will::BeBusy
        } else if drawn < busy + decline {
            Will::Decline
        } else if drawn < busy + decline + no_answer {
            Will::Ignore
        } else {
            Will::PickUp
        }
    }
}

/// From an INVITE to the last repetition.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) invite: Message,
    pub(super) branch: String,
    pub(super) source: SocketAddr,
    pub(super) tag: String,
    /// Whose phone rings; none: nobody's, it is refused.
    pub(super) agent: Option<u32>,
    /// The user part of From: who calls.
    pub(super) from: String,
    /// The ports of its audio, until it is over.
    pub(super) pair: Option<PairId>,
    pub(super) profile: usize,
    pub(super) number: u32,
    /// Whether it began after the warm-up.
    pub(super) counts: bool,
    pub(super) will: Will,
    pub(super) stage: Stage,
    /// When the 200 went out.
    pub(super) since: Instant,
    /// What was said last, for an INVITE that is repeated.
    pub(super) said: Option<(SocketAddr, Bytes)>,
    /// The agent hangs up as soon as the protocol allows.
    pub(super) wants_out: bool,
    pub(super) sending: Sending,
}

impl Ring {
    /// One that rings nobody yet.
    pub(super) fn new(invite: Message, source: SocketAddr, from: String) -> Ring {
        Ring {
            invite,
            branch: String::new(),
            source,
            tag: String::new(),
            agent: None,
            from,
            pair: None,
            profile: 0,
            number: 0,
            counts: false,
            will: Will::PickUp,
            wants_out: false,
            stage: Stage::Ringing,
            since: Instant::ORIGIN,
            said: None,
            sending: Sending::default(),
        }
    }

    pub(super) fn dialog(&self) -> Option<Dialog> {
        Dialog::of_agent(&self.invite, &self.tag, self.source)
    }
}
