//! The user agent: transactions, dialogs, registrar and authentication as one machine without sockets.
//!
//! The shell hands in what arrives ([`UserAgent::handle_datagram`], [`UserAgent::handle_stream`],
//! [`UserAgent::resolved`], [`UserAgent::handle_timeout`]), the application calls verbs
//! ([`UserAgent::invite`], [`UserAgent::accept`], ...). After either, drain
//! [`UserAgent::poll_event`], [`UserAgent::poll_transmit`], [`UserAgent::poll_query`] and
//! [`UserAgent::poll_close`], then ask [`UserAgent::poll_timeout`] when to come back.

mod authorise;
mod entropy;
mod event;
mod exchange;
mod incoming;
mod inside;
mod invitation;
mod locating;
mod outgoing;
mod outside;
mod proven;
mod rate;
mod read;
mod receive;
mod refusals;
mod registration;
mod session;
mod settings;
mod stray;
mod write;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use timing::Instant;

pub use event::{
    Body, EndCause, EndedBy, Event, ExchangeId, FailureCause, HeaderField, Invite, Origin, Party, SessionId,
    UnregisteredCause,
};
pub use invitation::{Counts, Destination, Identity, Invitation, Refused, Reply};
pub use locating::{Query, QueryId};
pub use refusals::{RefusalCause, RefusedRequest, RequestKind, Totals};
pub use settings::{Endpoint, Limits, Network, Settings, Trunk, TrunkCredentials, TrunkId};

use crate::digest::{Authenticator, AuthenticatorSettings, Backoff, Secret};
use crate::locate::{Records, ResolverFailed};
use crate::registrar::{Contact, Registrar};
use crate::transaction::{ClientUser, Due, Lost, ServerUser, Transactions};
use crate::{ConnectionId, Flow, Method, StreamFramer, Transmit};
use entropy::{Entropy, Seal};
use locating::Asked;
use proven::Proven;
use rate::Rate;
use session::Session;

/// A SIP endpoint without sockets: see the [module](self).
///
/// Plain data: written down and restored at any moment, it has the same future. The same inputs give
/// the same outputs, octet for octet; tags, branches and nonces come from the seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserAgent {
    settings: Settings,
    entropy: Entropy,
    /// Makes the To tags of stateless answers unpredictable.
    tag_key: u64,
    seal: Seal,
    transactions: Transactions,
    sessions: BTreeMap<SessionId, Box<Session>>,
    /// Which session a tag of ours belongs to.
    tags: BTreeMap<String, SessionId>,
    accounts: BTreeMap<String, Secret>,
    authenticator: Authenticator,
    backoff: Backoff,
    proven: Proven,
    registrar: Registrar,
    connections: BTreeMap<ConnectionId, Connection>,
    /// The stream to an address, for requests that may go on any.
    streams_to: BTreeMap<SocketAddr, ConnectionId>,
    /// Streams over which nothing came yet that was worth it.
    strangers: BTreeSet<ConnectionId>,
    /// When streams in the middle of a message, or before the first, are too slow.
    stream_deadlines: BTreeSet<(Instant, ConnectionId)>,
    call_rate: Rate,
    trunk_rates: BTreeMap<TrunkId, Rate>,
    stray_rate: Rate,
    /// Questions to the DNS without an answer.
    asked: BTreeMap<QueryId, Asked>,
    queries: VecDeque<Query>,
    events: VecDeque<Event>,
    closes: VecDeque<ConnectionId>,
    /// Somebody wants to see what streams bring.
    is_watched: bool,
    /// Messages of streams that nobody has seen yet.
    watched: VecDeque<(Flow, Bytes)>,
    totals: Totals,
    /// The last number given to a session or an exchange.
    numbers: u64,
}

/// An open stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Connection {
    flow: Flow,
    framer: StreamFramer,
    /// Until when the first message must have come.
    silent_until: Option<Instant>,
    /// What stands in the list of deadlines.
    deadline: Option<Instant>,
}

/// How it is built and told about the world.
impl UserAgent {
    /// A user agent that knows nobody yet. `seed` must come from a good source of randomness: tags,
    /// branches and nonces that nobody can guess are made of it.
    pub fn new(settings: Settings, seed: [u8; 32]) -> UserAgent {
        let mut entropy = Entropy::new(seed);
        let tag_key = entropy.number();
        let seal = Seal::new(entropy.seed());
        let realm = settings.domains.first().cloned().unwrap_or_default();
        let authentication = AuthenticatorSettings {
            algorithms: settings.digest.clone(),
            ..AuthenticatorSettings::new(&realm)
        };
        let random = ChaCha20Rng::from_seed(entropy.seed());
        UserAgent {
            entropy,
            tag_key,
            seal,
            transactions: Transactions::new(settings.timers),
            sessions: BTreeMap::new(),
            tags: BTreeMap::new(),
            accounts: BTreeMap::new(),
            authenticator: Authenticator::new(authentication, random),
            backoff: Backoff::new(settings.backoff),
            proven: Proven::default(),
            registrar: Registrar::new(settings.registrar),
            connections: BTreeMap::new(),
            streams_to: BTreeMap::new(),
            strangers: BTreeSet::new(),
            stream_deadlines: BTreeSet::new(),
            call_rate: Rate::new(Instant::ORIGIN, settings.limits.calls_per_second),
            trunk_rates: BTreeMap::new(),
            stray_rate: Rate::new(Instant::ORIGIN, stray::STRAYS_PER_SECOND),
            asked: BTreeMap::new(),
            queries: VecDeque::new(),
            events: VecDeque::new(),
            closes: VecDeque::new(),
            is_watched: false,
            watched: VecDeque::new(),
            totals: Totals::default(),
            numbers: 0,
            settings,
        }
    }

    /// New settings; sessions, registrations and transactions in progress go on. The realm, which is
    /// the first domain, and the back-off stay as they were at the start.
    pub fn configure(&mut self, settings: Settings) {
        self.transactions.lower.timers = settings.timers;
        self.registrar.configure(settings.registrar);
        self.trunk_rates.retain(|id, _| settings.trunks.iter().any(|trunk| trunk.id == *id));
        self.settings = settings;
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Adds an account (somebody who may register and call) or changes its secret.
    pub fn set_account(&mut self, user: &str, secret: Secret) {
        self.accounts.insert(user.to_owned(), secret);
    }

    /// Takes an account and its contacts away; its sessions go on. [`Event::Unregistered`] follows
    /// where it was registered.
    pub fn remove_account(&mut self, user: &str) {
        self.accounts.remove(user);
        self.registrar.remove_account(user);
        self.tell_registrations();
    }

    /// Where an account can be reached now, the best first; empty where it is not registered.
    pub fn contacts(&self, user: &str) -> Vec<Contact> {
        self.registrar.contacts(user)
    }

    /// What it holds.
    pub fn counts(&self) -> Counts {
        Counts {
            sessions: self.sessions.len(),
            dialogs: self.sessions.values().map(|session| session.dialogs.len()).sum(),
            client_transactions: self.transactions.client_count(),
            server_transactions: self.transactions.server_count(),
            timers: self.transactions.lower.wheel.len(),
            queries: self.asked.len(),
            contacts: self.registrar.len(),
            connections: self.connections.len(),
        }
    }
}

/// Inputs.
impl UserAgent {
    /// A UDP datagram arrived on `flow`.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, datagram: Bytes) {
        self.receive_datagram(now, flow, datagram);
    }

    /// A stream was opened, by the other side or because a [`Transmit`] asked for it. `flow` names the
    /// connection.
    pub fn connection_opened(&mut self, now: Instant, flow: Flow) {
        self.open_connection(now, flow);
    }

    /// Whether [`UserAgent::poll_watched`] shall say what streams bring.
    pub fn watch_streams(&mut self, is_watched: bool) {
        self.is_watched = is_watched;
    }

    /// Octets arrived on a stream. What does not belong to SIP closes it: see [`UserAgent::poll_close`].
    pub fn handle_stream(&mut self, now: Instant, connection: ConnectionId, octets: &[u8]) {
        self.receive_octets(now, connection, octets);
    }

    /// A stream is closed, by whomever. Contacts that live on it are gone, requests waiting for an
    /// answer on it have failed.
    pub fn connection_closed(&mut self, now: Instant, connection: ConnectionId) {
        let Some(closed) = self.close_connection(connection) else { return };
        self.registrar.handle_connection_closed(connection);
        self.tell_registrations();
        let is_lost = |flow: &Flow| flow.connection == Some(connection);
        let lost = self.transactions.transport_failed(closed.remote, is_lost);
        self.lose(now, lost, FailureCause::Transport);
    }

    /// A [`Transmit`] could not be sent: no stream could be opened, or the host said unreachable (ICMP).
    pub fn transmit_failed(&mut self, now: Instant, flow: Flow) {
        let lost = self.transactions.transport_failed(flow.remote, |sent| *sent == flow);
        self.lose(now, lost, FailureCause::Transport);
    }

    /// The answer to a question of [`UserAgent::poll_query`].
    pub fn resolved(&mut self, now: Instant, query: QueryId, answer: Result<Records, ResolverFailed>) {
        self.take_records(now, query, answer);
    }

    /// Deadlines up to `now` are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.transactions.handle_timeout(now) {
            match due {
                Due::TimedOut(lost) => self.lose(now, vec![lost], FailureCause::Timeout),
                Due::RangTooLong(ClientUser::Invite(id)) => self.abandon(now, id),
                Due::RangTooLong(ClientUser::Exchange(id, exchange)) => {
                    self.abandon_exchange(now, id, exchange);
                }
                Due::RangTooLong(ClientUser::Bye(_) | ClientUser::Nobody) => {}
                Due::AckMissing(ServerUser::Invite(id) | ServerUser::Exchange(id, _), left) => {
                    self.ack_missing(now, id, left);
                }
                Due::AckMissing(ServerUser::Nobody, _) => {}
            }
        }
        self.expire_streams(now);
        self.registrar.handle_timeout(now);
        self.tell_registrations();
    }

    /// Requests that will not be answered.
    fn lose(&mut self, now: Instant, lost: Vec<Lost>, cause: FailureCause) {
        let status = if cause == FailureCause::Timeout { 408 } else { 503 };
        for Lost { user, request } in lost {
            match user {
                ClientUser::Invite(id) => self.invite_lost(now, id, &request, cause),
                ClientUser::Exchange(id, exchange) => self.exchange_lost(now, id, exchange, status),
                ClientUser::Bye(id) => self.remove_session(now, id),
                ClientUser::Nobody => {}
            }
        }
    }
}

/// Outputs: call each until `None` after every input or verb.
impl UserAgent {
    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What to send. On TCP without a connection: open one to `flow.remote` (or use one that is
    /// being opened to it), tell [`UserAgent::connection_opened`], then send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let transmit = self.transactions.lower.transmits.pop_front()?;
        Some(self.over_open_stream(transmit))
    }

    /// What to ask the DNS.
    pub fn poll_query(&mut self) -> Option<Query> {
        self.queries.pop_front()
    }

    /// A whole message that came over a stream, as it came, broken ones included: for a trace. Only where
    /// [`UserAgent::watch_streams`] asked for it.
    pub fn poll_watched(&mut self) -> Option<(Flow, Bytes)> {
        self.watched.pop_front()
    }

    /// A stream to close.
    pub fn poll_close(&mut self) -> Option<ConnectionId> {
        self.closes.pop_front()
    }

    /// When to call [`UserAgent::handle_timeout`]; never after the earliest deadline.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let streams = self.stream_deadlines.first().map(|(due, _)| *due);
        let transactions = self.transactions.lower.wheel.next_deadline();
        [streams, transactions, self.registrar.poll_timeout()].into_iter().flatten().min()
    }
}

/// Verbs on sessions that we begin.
impl UserAgent {
    /// Sends an INVITE. What comes of it: [`Event::Progress`], then one of [`Event::Answered`] and
    /// [`Event::Failed`]. Several addresses of the destination are tried in turn (RFC 3263 §4.3).
    pub fn invite(&mut self, now: Instant, invitation: &Invitation) -> Result<SessionId, Refused> {
        self.begin(now, invitation)
    }

    /// Takes an unanswered INVITE back. The CANCEL waits for a provisional response (RFC 3261 §9.1);
    /// [`Event::Failed`] with [`FailureCause::Cancelled`] comes when the matter is settled, whatever
    /// the other side did meanwhile. `headers`: Reason above all.
    pub fn cancel(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: Vec<HeaderField>,
    ) -> Result<(), Refused> {
        self.take_back(now, session, headers, false)
    }

    /// The same, but whoever answers before the CANCEL is there is taken: [`Event::Answered`] comes as if nothing had
    /// been said, or [`Event::Failed`]. [`UserAgent::cancel`] may follow where that is not wanted any more.
    pub fn silence(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: Vec<HeaderField>,
    ) -> Result<(), Refused> {
        self.take_back(now, session, headers, true)
    }

    /// Answers the offer of a 2xx to an INVITE or re-INVITE of ours that had no body. In all other
    /// cases the ACK was sent already and this is [`Refused::WrongState`].
    pub fn acknowledge(&mut self, session: SessionId, body: Option<&Body>) -> Result<(), Refused> {
        self.settle_offer(session, body)
    }
}

/// Verbs on sessions that others begin.
impl UserAgent {
    /// Sends a provisional response, 101 to 199 (180 Ringing, 183 with early media). It is repeated
    /// every minute until the final one.
    pub fn progress(
        &mut self,
        now: Instant,
        session: SessionId,
        status: u16,
        headers: &[HeaderField],
        body: Option<&Body>,
    ) -> Result<(), Refused> {
        if !(101..200).contains(&status) {
            return Err(Refused::BadStatus(status));
        }
        self.answer_invite(now, session, status, headers, body)
    }

    /// Answers with 200, repeated until the ACK arrives ([`Event::Established`]). Without an ACK for
    /// 64*T1: BYE and [`Event::Ended`] with [`EndCause::AckMissing`].
    pub fn accept(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: &[HeaderField],
        body: Option<&Body>,
    ) -> Result<(), Refused> {
        self.answer_invite(now, session, 200, headers, body)
    }

    /// Refuses with 300 to 699. The session is over when this returns.
    pub fn refuse(
        &mut self,
        now: Instant,
        session: SessionId,
        status: u16,
        headers: &[HeaderField],
    ) -> Result<(), Refused> {
        if !(300..700).contains(&status) {
            return Err(Refused::BadStatus(status));
        }
        self.answer_invite(now, session, status, headers, None)
    }
}

/// Verbs on answered sessions, whoever began them.
impl UserAgent {
    /// Ends an answered session. The session is over for the application when this returns and no
    /// event follows. A BYE that may not be sent yet (our 2xx is not acknowledged, RFC 3261 §15) is
    /// sent as soon as it may.
    pub fn bye(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: Vec<HeaderField>,
    ) -> Result<(), Refused> {
        self.hang_up(now, session, headers)
    }

    /// Sends a request inside an answered session: INVITE (re-INVITE), UPDATE, INFO, MESSAGE, REFER,
    /// NOTIFY or any other but ACK, BYE, CANCEL, PRACK and REGISTER. [`Event::Replied`] brings the
    /// answer. UPDATE and INFO are possible in an early dialog too.
    ///
    /// One offer at a time: INVITE and UPDATE are [`Refused::Pending`] while another INVITE or UPDATE
    /// of either side is not finished. A 491 from the other side comes as [`Event::Replied`]; when to
    /// try again (RFC 3261 §14.1: 2.1 to 4 s for who owns the Call-ID, that is who sent the first
    /// INVITE, 0 to 2 s for the other) is for the application to decide, because in a bridge only it
    /// knows whether the offer is still wanted.
    pub fn request(
        &mut self,
        now: Instant,
        session: SessionId,
        method: Method,
        headers: &[HeaderField],
        body: Option<&Body>,
    ) -> Result<ExchangeId, Refused> {
        self.ask(now, session, method, headers, body)
    }

    /// Takes a re-INVITE of ours back (CANCEL). Its [`Event::Replied`] comes all the same.
    pub fn withdraw(
        &mut self,
        now: Instant,
        session: SessionId,
        exchange: ExchangeId,
    ) -> Result<(), Refused> {
        self.take_back_exchange(now, session, exchange)
    }

    /// Answers an [`Event::Requested`]. Provisional responses (101 to 199) may come before the final
    /// one (200 to 699). A 2xx to a re-INVITE is repeated until its ACK ([`Event::Acknowledged`]).
    pub fn reply(
        &mut self,
        now: Instant,
        session: SessionId,
        exchange: ExchangeId,
        reply: &Reply,
    ) -> Result<(), Refused> {
        self.answer_exchange(now, session, exchange, reply)
    }
}
