//! The user agent: transactions, dialogs, registrar and authentication as one machine without sockets.
//!
//! The shell hands in what arrives ([`UserAgent::handle_datagram`], [`UserAgent::handle_stream`],
//! [`UserAgent::resolved`], [`UserAgent::handle_timeout`]), the application calls verbs
//! ([`UserAgent::invite`], [`UserAgent::accept`], ...). After either, drain
//! [`UserAgent::poll_event`], [`UserAgent::poll_transmit`], [`UserAgent::poll_query`] and
//! [`UserAgent::poll_close`], then ask [`UserAgent::poll_timeout`] when to come back.

mod event;
mod invitation;
mod settings;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use timing::Instant;

pub use event::{
    Body, EndCause, EndedBy, Event, ExchangeId, FailureCause, HeaderField, Invite, Origin, Party, SessionId,
    UnregisteredCause,
};
pub use invitation::{Counts, Destination, Identity, Invitation, Refused};
pub use settings::{Endpoint, Limits, Network, Settings, Trunk, TrunkCredentials, TrunkId};

use crate::registrar::Contact;
use crate::{ConnectionId, Flow, Method, Transmit};

/// A SIP endpoint without sockets: see the [module](self).
///
/// Plain data: written down and restored at any moment, it has the same future. The same inputs give
/// the same outputs, octet for octet; tags, branches and nonces come from the seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserAgent {
    settings: Settings,
    events: VecDeque<Event>,
    // (machines follow)
}

/// How it is built and told about the world.
impl UserAgent {
    /// A user agent that knows nobody yet. `seed` must come from a good source of randomness: tags,
    /// branches and nonces that nobody can guess are made of it.
    pub fn new(settings: Settings, seed: [u8; 32]) -> UserAgent;

    /// New settings; sessions, registrations and transactions in progress go on.
    pub fn configure(&mut self, now: Instant, settings: Settings);

    /// Adds an account (somebody who may register and call) or changes its secret.
    pub fn set_account(&mut self, user: &str, secret: &str);

    /// Takes an account and its contacts away; its sessions go on. [`Event::Unregistered`] follows
    /// where it was registered.
    pub fn remove_account(&mut self, now: Instant, user: &str);

    /// Where an account can be reached now, the best first; empty where it is not registered.
    pub fn contacts(&self, user: &str) -> Vec<Contact>;

    /// What it holds.
    pub fn counts(&self) -> Counts;
}

/// Inputs.
impl UserAgent {
    /// A UDP datagram arrived on `flow`.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, datagram: Bytes);

    /// A stream was opened, by the other side or because a [`Transmit`] asked for it.
    pub fn connection_opened(&mut self, now: Instant, flow: Flow);

    /// Octets arrived on a stream. What does not belong to SIP closes it: see [`UserAgent::poll_close`].
    pub fn handle_stream(&mut self, now: Instant, connection: ConnectionId, octets: Bytes);

    /// A stream is closed, by whomever. Contacts that live on it are gone, requests waiting for an
    /// answer on it have failed.
    pub fn connection_closed(&mut self, now: Instant, connection: ConnectionId);

    /// A [`Transmit`] could not be sent: no stream could be opened, or the host said unreachable (ICMP).
    pub fn transmit_failed(&mut self, now: Instant, flow: Flow);

    /// The answer to a question of [`UserAgent::poll_query`].
    pub fn resolved(&mut self, now: Instant, query: QueryId, answer: Answer);

    /// Deadlines up to `now` are due.
    pub fn handle_timeout(&mut self, now: Instant);
}

/// Outputs: call each until `None` after every input or verb.
impl UserAgent {
    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event>;

    /// What to send. On TCP without a connection: open one to `flow.remote` (or use one that is
    /// being opened to it), tell [`UserAgent::connection_opened`], then send.
    pub fn poll_transmit(&mut self) -> Option<Transmit>;

    /// What to ask the DNS.
    pub fn poll_query(&mut self) -> Option<Query>;

    /// A stream to close.
    pub fn poll_close(&mut self) -> Option<ConnectionId>;

    /// When to call [`UserAgent::handle_timeout`]; never after the earliest deadline.
    pub fn poll_timeout(&self) -> Option<Instant>;
}

/// Verbs on sessions that we begin.
impl UserAgent {
    /// Sends an INVITE. What comes of it: [`Event::Progress`], then one of [`Event::Answered`] and
    /// [`Event::Failed`]. Several addresses of the destination are tried in turn (RFC 3263 §4.3).
    pub fn invite(&mut self, now: Instant, invitation: Invitation) -> Result<SessionId, Refused>;

    /// Takes an unanswered INVITE back. The CANCEL waits for a provisional response (RFC 3261 §9.1);
    /// [`Event::Failed`] with [`FailureCause::Cancelled`] comes when the matter is settled, whatever
    /// the other side did meanwhile. `headers`: Reason above all.
    pub fn cancel(&mut self, now: Instant, session: SessionId, headers: Vec<HeaderField>) -> Result<(), Refused>;

    /// Answers the offer of a 2xx to an INVITE or re-INVITE of ours that had no body. In all other
    /// cases the ACK was sent already and this is [`Refused::WrongState`].
    pub fn acknowledge(&mut self, now: Instant, session: SessionId, body: Option<Body>) -> Result<(), Refused>;
}

/// Verbs on sessions that others begin.
impl UserAgent {
    /// Sends a provisional response, 101 to 199 (180 Ringing, 183 with early media). It is repeated
    /// every minute until the final one.
    pub fn progress(&mut self, now: Instant, session: SessionId, status: u16, headers: Vec<HeaderField>, body: Option<Body>)
        -> Result<(), Refused>;

    /// Answers with 200, repeated until the ACK arrives ([`Event::Established`]). Without an ACK for
    /// 64*T1: BYE and [`Event::Ended`] with [`EndCause::AckMissing`].
    pub fn accept(&mut self, now: Instant, session: SessionId, headers: Vec<HeaderField>, body: Option<Body>)
        -> Result<(), Refused>;

    /// Refuses with 300 to 699. The session is over when this returns.
    pub fn refuse(&mut self, now: Instant, session: SessionId, status: u16, headers: Vec<HeaderField>)
        -> Result<(), Refused>;
}

/// Verbs on answered sessions, whoever began them.
impl UserAgent {
    /// Ends an answered session. The session is over for the application when this returns and no
    /// event follows. A BYE that may not be sent yet (our 2xx is not acknowledged, RFC 3261 §15) is
    /// sent as soon as it may.
    pub fn bye(&mut self, now: Instant, session: SessionId, headers: Vec<HeaderField>) -> Result<(), Refused>;

    /// Sends a request inside an answered session: INVITE (re-INVITE), UPDATE, INFO, MESSAGE, REFER,
    /// NOTIFY or any other but ACK, BYE, CANCEL, PRACK and REGISTER. [`Event::Replied`] brings the
    /// answer. UPDATE and INFO are possible in an early dialog too.
    ///
    /// One offer at a time: INVITE and UPDATE are [`Refused::Pending`] while another INVITE or UPDATE
    /// of either side is not finished. A 491 from the other side comes as [`Event::Replied`]; when to
    /// try again (RFC 3261 §14.1: 2.1 to 4 s for who owns the Call-ID, that is who sent the first
    /// INVITE, 0 to 2 s for the other) is for the application to decide, because in a bridge only it
    /// knows whether the offer is still wanted.
    pub fn request(&mut self, now: Instant, session: SessionId, method: Method, headers: Vec<HeaderField>, body: Option<Body>)
        -> Result<ExchangeId, Refused>;

    /// Takes a re-INVITE of ours back (CANCEL). Its [`Event::Replied`] comes all the same.
    pub fn withdraw(&mut self, now: Instant, session: SessionId, exchange: ExchangeId) -> Result<(), Refused>;

    /// Answers an [`Event::Requested`]. Provisional responses (101 to 199) may come before the final
    /// one (200 to 699). A 2xx to a re-INVITE is repeated until its ACK ([`Event::Acknowledged`]).
    pub fn reply(&mut self, now: Instant, session: SessionId, exchange: ExchangeId, reply: Reply) -> Result<(), Refused>;
}
