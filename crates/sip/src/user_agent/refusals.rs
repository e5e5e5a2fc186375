//! What is refused, challenged or dropped before it becomes a call, a registration or anything else.
//!
//! Each costs a number and a small event without any text, so that a flood is told as cheaply as it is refused.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::UserAgent;
use super::event::Event;
use super::outside::Refusal;
use crate::{Flow, Message, Method};

/// What was asked for by a request outside of everything known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RequestKind {
    /// An INVITE without a To tag: a new call.
    Call,
    /// REGISTER.
    Registration,
    /// Anything else, requests inside of sessions included.
    Other,
}

impl RequestKind {
    /// All of them, in order.
    pub const ALL: [RequestKind; 3] = [RequestKind::Call, RequestKind::Registration, RequestKind::Other];

    fn of(request: &Message) -> RequestKind {
        match request.method() {
            Method::Invite if request.to_tag().is_none() => RequestKind::Call,
            Method::Register => RequestKind::Registration,
            _ => RequestKind::Other,
        }
    }

    /// One word for labels and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            RequestKind::Call => "call",
            RequestKind::Registration => "registration",
            RequestKind::Other => "other",
        }
    }
}

/// Why a request was refused before it became anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RefusalCause {
    /// It breaks the grammar or the order of the protocol, or is too large: 400, 408, 500, 505, 513.
    Malformed,
    /// It wants a method, scheme, extension, body or answer that we do not have: 405, 406, 415, 416, 420,
    /// 423, 501.
    Unsupported,
    /// It was here before, or has gone through too many hops: 482, 483.
    Loop,
    /// It belongs to a session that is over or never was: 481.
    NoSession,
    /// Its address is no trunk's and its From is no account of ours: 403.
    UnknownSource,
    /// The digest is right, and From or To names somebody else: 403.
    WrongIdentity,
    /// REGISTER for a domain that is not ours: 404.
    WrongDomain,
    /// The trunk must prove itself, and no credentials are configured for it: 403.
    NoCredentials,
    /// A wrong user or password: challenged anew with 401.
    WrongPassword,
    /// Too many wrong passwords, so that the next is not looked at for a while: 503.
    BackOff,
    /// More calls a second than [`Limits::calls_per_second`](super::Limits::calls_per_second): 503.
    CallRate,
    /// More calls a second than [`Trunk::calls_per_second`](super::Trunk::calls_per_second): 503.
    TrunkRate,
    /// More requests a second in one session than anybody needs: 503.
    SessionRate,
    /// [`Limits::sessions`](super::Limits::sessions) is reached: 503.
    Sessions,
    /// [`Limits::transactions`](super::Limits::transactions) is reached: 503.
    Transactions,
    /// The registrar, or this account in it, has no room: 503.
    Registrations,
}

impl RefusalCause {
    /// All of them, in order.
    pub const ALL: [RefusalCause; 16] = [
        RefusalCause::Malformed,
        RefusalCause::Unsupported,
        RefusalCause::Loop,
        RefusalCause::NoSession,
        RefusalCause::UnknownSource,
        RefusalCause::WrongIdentity,
        RefusalCause::WrongDomain,
        RefusalCause::NoCredentials,
        RefusalCause::WrongPassword,
        RefusalCause::BackOff,
        RefusalCause::CallRate,
        RefusalCause::TrunkRate,
        RefusalCause::SessionRate,
        RefusalCause::Sessions,
        RefusalCause::Transactions,
        RefusalCause::Registrations,
    ];

    /// One word for labels and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalCause::Malformed => "malformed",
            RefusalCause::Unsupported => "unsupported",
            RefusalCause::Loop => "loop",
            RefusalCause::NoSession => "no_session",
            RefusalCause::UnknownSource => "unknown_source",
            RefusalCause::WrongIdentity => "wrong_identity",
            RefusalCause::WrongDomain => "wrong_domain",
            RefusalCause::NoCredentials => "no_credentials",
            RefusalCause::WrongPassword => "wrong_password",
            RefusalCause::BackOff => "back_off",
            RefusalCause::CallRate => "call_rate",
            RefusalCause::TrunkRate => "trunk_rate",
            RefusalCause::SessionRate => "session_rate",
            RefusalCause::Sessions => "sessions",
            RefusalCause::Transactions => "transactions",
            RefusalCause::Registrations => "registrations",
        }
    }

    /// What a status says by itself; `None` where it is no refusal, or where its cause must be named.
    pub(super) fn of_status(status: u16) -> Option<RefusalCause> {
        match status {
            400 | 408 | 500 | 505 | 513 => Some(RefusalCause::Malformed),
            405 | 406 | 415 | 416 | 420 | 423 | 501 => Some(RefusalCause::Unsupported),
            481 => Some(RefusalCause::NoSession),
            482 | 483 => Some(RefusalCause::Loop),
            _ => None,
        }
    }
}

/// A request that was refused: [`Event::Refused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRequest {
    /// What was asked for.
    pub request: RequestKind,
    /// Whence.
    pub remote: SocketAddr,
    /// What we answered. A datagram so short that any answer would be an amplification got none.
    pub status: u16,
    /// Why.
    pub cause: RefusalCause,
}

/// What passed since the start; never falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// INVITEs for a new call, retransmissions not counted. As nothing is remembered of a refused one, one
    /// that is sent again because our answer was lost counts again.
    pub invites: u64,
    /// Of these, how many were answered with the first challenge of a digest and nothing else: the caller
    /// sends them again with credentials.
    pub invites_challenged: u64,
    /// Other requests that were challenged so.
    pub others_challenged: u64,
    /// Messages that could not be read and may not be answered.
    pub malformed: u64,
    /// Responses that belong to no request of ours.
    pub stray: u64,
}

impl Totals {
    /// Calls that arrived: each is either refused or an [`Event::Invited`].
    pub fn calls(&self) -> u64 {
        self.invites - self.invites_challenged
    }
}

impl UserAgent {
    /// What passed since the start.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// A request that is no retransmission.
    pub(super) fn note_arrival(&mut self, request: &Message) {
        match RequestKind::of(request) {
            RequestKind::Call => self.totals.invites += 1,
            RequestKind::Registration | RequestKind::Other => {}
        }
    }

    /// Says no and forgets; a challenge and what is no refusal at all (200 to OPTIONS) go the same way.
    pub(super) fn refuse_stateless(&mut self, flow: Flow, request: &Message, refusal: &Refusal) {
        match refusal.cause {
            Some(cause) => self.note_refusal(&flow, request, refusal.status, cause),
            None if refusal.status == 401 => match RequestKind::of(request) {
                RequestKind::Call => self.totals.invites_challenged += 1,
                RequestKind::Registration | RequestKind::Other => self.totals.others_challenged += 1,
            },
            None => {}
        }
        self.answer_stateless(flow, request, refusal.status, &refusal.headers);
    }

    pub(super) fn note_refusal(&mut self, flow: &Flow, request: &Message, status: u16, cause: RefusalCause) {
        let request = RequestKind::of(request);
        self.events.push_back(Event::Refused(RefusedRequest { request, remote: flow.remote, status, cause }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_listed_once_each_in_order_and_have_words_of_their_own() {
        let words: std::collections::BTreeSet<&str> =
            RefusalCause::ALL.iter().map(|cause| cause.as_str()).collect();
        assert_eq!(words.len(), RefusalCause::ALL.len());
        assert!(RefusalCause::ALL.is_sorted());
        assert_eq!(RefusalCause::ALL.len(), RefusalCause::Registrations as usize + 1);
        assert_eq!(RequestKind::ALL.len(), RequestKind::Other as usize + 1);
    }

    #[test]
    fn neither_a_success_nor_a_challenge_is_a_refusal() {
        for status in [100, 180, 200, 202, 401, 407, 487, 491] {
            assert_eq!(RefusalCause::of_status(status), None, "{status}");
        }
    }
}
