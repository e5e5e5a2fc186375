//! A call as data: its legs, the attempts to reach somebody, what is agreed about media.

use std::collections::BTreeMap;
use std::time::Duration;

use media::negotiate::{Author, agreed_streams};
use media::{LocalPort, MusicId, SourceRule, TerminationId, sdp};
use serde::{Deserialize, Serialize};
use sip::{Body, ExchangeId, Method, SessionId};
use timing::{Instant, TimerId};

use crate::{AttemptId, Dial, Failure, Side, Summary};

/// Everything about one call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    /// Who called us; of a call that we place, whoever answered first and was kept. `None`: nobody has.
    pub(crate) caller: Option<SessionId>,
    /// The connected leg.
    pub(crate) callee: Option<SessionId>,
    /// Legs that are not over.
    pub(crate) legs: BTreeMap<SessionId, Box<Leg>>,
    pub(crate) attempts: BTreeMap<AttemptId, Box<Attempt>>,
    pub(crate) stage: Stage,
    /// When the caller hangs up whoever is dialled for it is still wanted.
    pub(crate) outlived: bool,
    /// Media passes through us.
    pub(crate) anchored: bool,
    /// Max-Forwards of the caller's INVITE; ours carry one less, so that a loop ends (RFC 7332 §3).
    pub(crate) max_forwards: u8,
    /// Requests of one leg that we passed to the other.
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) held_since: Option<Instant>,
    /// Terminations that are not closed yet.
    pub(crate) terminations: usize,
    pub(crate) summary: Summary,
    /// End of the longest call allowed.
    pub(crate) deadline: Option<TimerId>,
}

/// How far a call is, seen from the caller, or from whom we called first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// We place it, and nobody has been kept who answered.
    Placing,
    /// The caller's INVITE has no final answer.
    Unanswered,
    /// We answered, or were answered, and play music, if any.
    Treated { music: Option<MusicId> },
    /// The caller talks to the callee.
    Connected,
    /// Hung up; legs and terminations are being ended.
    Over,
}

/// One side's signalling and media.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Leg {
    pub(crate) role: Role,
    /// Whose RTP is taken.
    pub(crate) source: SourceRule,
    /// It has a 2xx (ours or theirs).
    pub(crate) answered: bool,
    /// It has shown that it is there: by its ACK, or by a 2xx of its own.
    pub(crate) established: bool,
    pub(crate) ringing: bool,
    /// Our own identity in descriptions; `None` where media is direct.
    pub(crate) author: Option<Author>,
    /// Our last description that stands: the author's last one, unless that offer was refused.
    pub(crate) ours: Option<sdp::Session>,
    /// Which of the attempt's destinations this phone is; 0 for the caller.
    pub(crate) place: usize,
    /// Port pairs that the system has refused for this leg, or for its phone.
    pub(crate) pairs_refused: u8,
    /// It was cancelled because the system refused its port, and rings again with another.
    pub(crate) rings_again: bool,
    /// By position of the m-line.
    pub(crate) streams: Vec<Option<Stream>>,
    /// The last offer on this leg was ours, so what they said is the narrower list.
    pub(crate) we_offered: bool,
    /// The other side's last description, parsed; anchored calls only.
    pub(crate) said: Option<sdp::Session>,
    /// The other side's last body as it came; direct calls only.
    pub(crate) raw: Option<Body>,
}

/// What a leg is to its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Caller,
    Callee(AttemptId),
}

impl Role {
    pub(crate) fn side(self) -> Side {
        match self {
            Role::Caller => Side::Caller,
            Role::Callee(_) => Side::Callee,
        }
    }
}

/// One media stream of a leg at the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) termination: TerminationId,
    pub(crate) port: LocalPort,
    /// The relay was told; until then only the port is taken.
    pub(crate) open: bool,
    /// Whom it hears and who hears it.
    pub(crate) joined: Option<TerminationId>,
}

/// The phones of one agent, or one number, being tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// Whom to try, for a phone that has to be rung again.
    pub(crate) dial: Box<Dial>,
    /// Phones that have not failed.
    pub(crate) phones: usize,
    /// Who picked up first.
    pub(crate) answered: Option<SessionId>,
    /// Its phones were told to stop; whoever has picked up by then is taken.
    pub(crate) silenced: bool,
    /// `Ringing` was said.
    pub(crate) ringing: bool,
    /// The most human of the failures so far.
    pub(crate) failure: Option<Failure>,
    pub(crate) deadline: TimerId,
}

/// A request of one leg that we passed to the other and whose answer is awaited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    /// Who asked, and under which name.
    pub(crate) from: SessionId,
    pub(crate) asked: ExchangeId,
    /// Whom we asked, and under which name.
    pub(crate) to: SessionId,
    pub(crate) passed: ExchangeId,
    pub(crate) awaited: Awaited,
}

/// What an exchange waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Awaited {
    /// The final response; the asker's offer, where it made one, and what we made of it.
    Reply { offer: Option<sdp::Session>, sent: Option<sdp::Session> },
    /// The asker's ACK with its answer to the other side's offer in our 2xx, which we sent so.
    Acknowledgement { sent: Option<sdp::Session> },
    /// The asker's ACK with its answer to an offer of our own in our 2xx; nobody else was asked.
    OwnOffer { sent: sdp::Session },
    /// The final response, which nobody wants any more: the asker took its request back.
    Nothing,
}

impl Leg {
    /// Whether offer and answer left anything to be heard or seen.
    pub(crate) fn agrees(&self) -> bool {
        match (&self.ours, &self.said) {
            (Some(ours), Some(said)) => agreed_streams(ours, said).iter().any(Option::is_some),
            (None, _) | (_, None) => false,
        }
    }
}

impl Call {
    /// The other of the two who talk.
    pub(crate) fn peer(&self, session: SessionId) -> Option<SessionId> {
        let (callee, caller) = (self.callee?, self.caller?);
        let peer = if session == caller { callee } else { caller };
        (session == callee || session == caller).then_some(peer).filter(|peer| self.legs.contains_key(peer))
    }

    /// Whether either of the two who talk holds the other.
    pub(crate) fn is_held(&self) -> bool {
        let holds = |session: &SessionId| {
            self.legs.get(session).and_then(|leg| leg.said.as_ref()).is_some_and(sdp::Session::is_hold)
        };
        self.caller.as_ref().is_some_and(holds) || self.callee.as_ref().is_some_and(holds)
    }

    /// Closes the books on a hold that still lasts.
    pub(crate) fn end_hold(&mut self, now: Instant) {
        if let Some(since) = self.held_since.take() {
            self.summary.held += now.since(since);
        }
    }

    /// Sessions of an attempt that are still there.
    pub(crate) fn phones(&self, attempt: AttemptId) -> Vec<SessionId> {
        self.legs
            .iter()
            .filter(|(_, leg)| leg.role == Role::Callee(attempt))
            .map(|(&session, _)| session)
            .collect()
    }

    /// How long the conversation has been held so far.
    pub(crate) fn held(&self, now: Instant) -> Duration {
        self.summary.held + self.held_since.map_or(Duration::ZERO, |since| now.since(since))
    }
}
