//! One call of a caller.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::digest::Answer;
use sip::{Message, Method, Via};
use timing::Instant;

use crate::audio::PairId;
use crate::figures::Outcome;
use crate::plan::TalkFrom;
use crate::sending::Sending;
use crate::wire::Dialog;

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its INVITE is sent.
    Calling,
    /// A provisional answer came.
    Ringing,
    /// Its CANCEL was sent at this moment.
    Cancelling(Instant),
    /// The 200 came.
    Answered,
    /// Its BYE is sent; what it will have been.
    Leaving(Outcome),
    /// It is over, and answers what is repeated.
    Over,
}

/// A call from its INVITE to the last repetition.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) profile: usize,
    /// The ports of its audio, until it is over.
    pub(super) pair: Option<PairId>,
    pub(super) called: String,
    /// The user part of its From.
    pub(super) from: String,
    pub(super) planned: Instant,
    /// Whether it was planned after the warm-up.
    pub(super) counts: bool,
    pub(super) talk: Duration,
    pub(super) talk_from: TalkFrom,
    pub(super) patience: Option<Duration>,
    pub(super) invite: Message,
    /// Of the last request.
    pub(super) cseq: u32,
    pub(super) stage: Stage,
    /// A 100 came.
    pub(super) is_trying: bool,
    /// A 180 or 183 came.
    pub(super) is_ringing: bool,
    /// It talks.
    pub(super) is_connected: bool,
    /// It is to end as soon as the protocol allows.
    pub(super) wants_out: bool,
    pub(super) dialog: Option<Dialog>,
    /// The ACK of its 200 and where it goes, for when that is repeated.
    pub(super) ack: Option<(SocketAddr, Bytes)>,
    pub(super) sending: Sending,
    /// What it has answered to challenges: a proxy's and its server's may both be wanted (RFC 3261 §22.3).
    pub(super) answers: Vec<Answer>,
    /// The INVITE before this one, for when its challenge is repeated.
    pub(super) challenged: Option<Message>,
    pub(super) may_be_hung_up: bool,
}

impl Call {
    pub(super) fn bye(&self, via: &Via) -> Option<(Message, SocketAddr)> {
        let dialog = self.dialog.as_ref()?;
        Some((dialog.request(Method::Bye, self.cseq, via)?, dialog.next_hop()))
    }
}
