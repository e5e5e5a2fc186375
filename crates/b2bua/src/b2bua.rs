//! The machine: inputs, outputs, and which part of it each event of the user agent concerns.

mod bridge;
mod dialing;
mod ending;
mod placing;
mod streams;
mod treatment;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use media::{PortPool, TerminationId};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};
use sip::{SessionId, UserAgent};
use timing::{Instant, TimerWheel};

pub use dialing::{Dial, NotConnected};
pub use treatment::Played;

use crate::call::{Call, Leg, Role, Stage};
use crate::{AttemptId, CallRef, Event, HangUp, RefusalCause, Settings, Side, Summary, body};

/// Calls over one user agent: see the [crate](crate).
///
/// One input or verb, then drain [`B2bua::poll_event`], [`B2bua::poll_transmit`],
/// [`B2bua::poll_query`], [`B2bua::poll_close`] and [`B2bua::poll_media`], then ask
/// [`B2bua::poll_timeout`] when to come back. Plain data: written down and restored at any moment it has
/// the same future.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct B2bua {
    settings: Settings,
    user_agent: UserAgent,
    calls: BTreeMap<CallRef, Box<Call>>,
    sessions: BTreeMap<SessionId, CallRef>,
    terminations: BTreeMap<TerminationId, Owner>,
    ports: PortPool,
    timers: TimerWheel<Deadline>,
    random: ChaCha12Rng,
    /// Calls whose media passes through us.
    anchored: usize,
    calls_made: u64,
    terminations_made: u64,
    events: VecDeque<Event>,
    commands: VecDeque<media::Command>,
}

/// Whose a termination is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Owner {
    call: CallRef,
    session: SessionId,
    side: Side,
    port: media::LocalPort,
    /// It carries sound, and its figures are the call's.
    is_audio: bool,
    /// The relay was told to close it.
    closing: bool,
}

/// A promise to do something about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Deadline {
    /// Nobody answered this attempt.
    Ring(CallRef, AttemptId),
    /// The call is long enough.
    Longest(CallRef),
}

/// How much a [`B2bua`] holds. When all calls are closed everything but `sip` bindings is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Calls that are not closed.
    pub calls: usize,
    /// Of these, how many are in conversation.
    pub connected: usize,
    /// Terminations that the relay has not closed.
    pub terminations: usize,
    /// Media ports.
    pub ports: media::PoolCounts,
    /// Deadlines.
    pub timers: usize,
    /// What the user agent holds.
    pub sip: sip::Counts,
}

/// How it is built and told about the world.
impl B2bua {
    /// No calls yet. `seed` must come from a good source of randomness.
    pub fn new(settings: Settings, sip: sip::Settings, seed: [u8; 32]) -> B2bua {
        let mut random = ChaCha12Rng::from_seed(seed);
        let mut sip_seed = [0; 32];
        random.fill_bytes(&mut sip_seed);
        B2bua {
            ports: PortPool::new(&settings.ports),
            settings,
            user_agent: UserAgent::new(sip, sip_seed),
            calls: BTreeMap::new(),
            sessions: BTreeMap::new(),
            terminations: BTreeMap::new(),
            timers: TimerWheel::new(),
            random,
            anchored: 0,
            calls_made: 0,
            terminations_made: 0,
            events: VecDeque::new(),
            commands: VecDeque::new(),
        }
    }

    /// New settings; calls in progress go on. The range of media ports cannot change while running.
    pub fn configure(&mut self, now: Instant, settings: Settings, sip: sip::Settings) {
        self.settings = settings;
        self.user_agent.configure(sip);
        self.settle(now);
    }

    /// Adds an account or changes its secret.
    pub fn set_account(&mut self, user: &str, secret: sip::digest::Secret) {
        self.user_agent.set_account(user, secret);
    }

    /// Takes an account and its contacts away; its calls go on.
    pub fn remove_account(&mut self, now: Instant, user: &str) {
        self.user_agent.remove_account(user);
        self.settle(now);
    }

    /// Where an account can be reached now, the best first.
    pub fn contacts(&self, user: &str) -> Vec<sip::Contact> {
        self.user_agent.contacts(user)
    }

    /// How long a call's conversation has been held so far; zero for an unknown call.
    pub fn held(&self, now: Instant, call: CallRef) -> std::time::Duration {
        self.calls.get(&call).map_or(std::time::Duration::ZERO, |call| call.held(now))
    }

    /// What passed since the start.
    pub fn totals(&self) -> sip::Totals {
        self.user_agent.totals()
    }

    /// Calls that are not over.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// What it holds; walks over every call.
    pub fn counts(&self) -> Counts {
        Counts {
            calls: self.calls.len(),
            connected: self.calls.values().filter(|call| call.stage == Stage::Connected).count(),
            terminations: self.terminations.len(),
            ports: self.ports.counts(),
            timers: self.timers.len(),
            sip: self.user_agent.counts(),
        }
    }
}

/// Inputs.
impl B2bua {
    /// A UDP datagram arrived.
    pub fn handle_datagram(&mut self, now: Instant, flow: sip::Flow, datagram: Bytes) {
        self.user_agent.handle_datagram(now, flow, datagram);
        self.settle(now);
    }

    /// A stream was opened.
    pub fn connection_opened(&mut self, now: Instant, flow: sip::Flow) {
        self.user_agent.connection_opened(now, flow);
        self.settle(now);
    }

    /// Octets arrived on a stream.
    pub fn handle_stream(&mut self, now: Instant, connection: sip::ConnectionId, octets: &[u8]) {
        self.user_agent.handle_stream(now, connection, octets);
        self.settle(now);
    }

    /// A stream is closed.
    pub fn connection_closed(&mut self, now: Instant, connection: sip::ConnectionId) {
        self.user_agent.connection_closed(now, connection);
        self.settle(now);
    }

    /// A transmit could not be sent.
    pub fn transmit_failed(&mut self, now: Instant, flow: sip::Flow) {
        self.user_agent.transmit_failed(now, flow);
        self.settle(now);
    }

    /// The DNS answered.
    pub fn resolved(
        &mut self,
        now: Instant,
        query: sip::QueryId,
        answer: Result<sip::locate::Records, sip::locate::ResolverFailed>,
    ) {
        self.user_agent.resolved(now, query, answer);
        self.settle(now);
    }

    /// The relay says something.
    pub fn handle_media(&mut self, now: Instant, event: media::Event) {
        match event {
            media::Event::Closed { termination, port, statistics } => {
                self.termination_closed(termination, port, statistics);
            }
            media::Event::Silent { termination } => self.termination_silent(now, termination),
            media::Event::PortUnavailable { termination, port } => {
                self.port_unavailable(now, termination, port);
            }
            media::Event::Refused { termination, refusal } => {
                self.command_refused(now, termination, refusal);
            }
        }
        self.settle(now);
    }

    /// Deadlines up to `now` are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.user_agent.handle_timeout(now);
        self.settle(now);
        while let Some(deadline) = self.timers.poll(now) {
            match deadline {
                Deadline::Ring(call, attempt) => self.attempt_rang_out(now, call, attempt),
                Deadline::Longest(call) => self.end_call(now, call, HangUp::TooLong),
            }
            self.settle(now);
        }
    }
}

/// Outputs: call each until `None`.
impl B2bua {
    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What to send.
    pub fn poll_transmit(&mut self) -> Option<sip::Transmit> {
        self.user_agent.poll_transmit()
    }

    /// What to ask the DNS.
    pub fn poll_query(&mut self) -> Option<sip::Query> {
        self.user_agent.poll_query()
    }

    /// Whether [`B2bua::poll_watched`] shall say what streams bring.
    pub fn watch_streams(&mut self, is_watched: bool) {
        self.user_agent.watch_streams(is_watched);
    }

    /// A whole message that came over a stream: see [`sip::UserAgent::poll_watched`].
    pub fn poll_watched(&mut self) -> Option<(sip::Flow, Bytes)> {
        self.user_agent.poll_watched()
    }

    /// A stream to close.
    pub fn poll_close(&mut self) -> Option<sip::ConnectionId> {
        self.user_agent.poll_close()
    }

    /// What to tell the relay.
    pub fn poll_media(&mut self) -> Option<media::Command> {
        self.commands.pop_front()
    }

    /// When [`B2bua::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = self.timers.next_deadline();
        let sip = self.user_agent.poll_timeout();
        own.into_iter().chain(sip).min()
    }
}

/// What the user agent reports.
impl B2bua {
    /// Takes all events of the user agent. Every input and verb ends here.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.user_agent.poll_event() {
            self.handle_sip(now, event);
        }
    }

    fn handle_sip(&mut self, now: Instant, event: sip::Event) {
        match event {
            sip::Event::Invited { session, invite } => self.invited(now, session, invite),
            sip::Event::Cancelled { session, .. } => self.leg_over(now, session, HangUp::Abandoned),
            sip::Event::Progress { session, status, .. } => self.phone_progress(session, status),
            sip::Event::Answered { session, body, .. } => self.phone_answered(now, session, body),
            sip::Event::Failed { session, status, cause, .. } => {
                self.phone_failed(now, session, status, cause);
            }
            sip::Event::Established { session, body } => self.caller_established(now, session, body.as_ref()),
            sip::Event::Requested { session, exchange, method, body, headers } => {
                self.requested(now, session, bridge::Request { exchange, method, body, headers });
            }
            sip::Event::Withdrawn { session, exchange } => self.withdrawn(now, session, exchange),
            sip::Event::Acknowledged { session, exchange, body } => {
                self.acknowledged(now, session, exchange, body.as_ref());
            }
            sip::Event::Replied { session, exchange, status, body, .. } => {
                self.replied(now, session, exchange, status, body);
            }
            sip::Event::Ended { session, cause, .. } => self.session_ended(now, session, &cause),
            sip::Event::Refused(refused) => self.events.push_back(Event::RequestRefused(refused)),
            sip::Event::Registered { account, contacts } => {
                self.events.push_back(Event::Registered { account, contacts });
            }
            sip::Event::Unregistered { account, cause } => {
                self.events.push_back(Event::Unregistered { account, cause });
            }
        }
    }

    /// A call comes in: reads its offer and refuses at once what could never be served.
    fn invited(&mut self, now: Instant, session: SessionId, invite: Box<sip::Invite>) {
        if self.calls.len() >= self.settings.calls_max {
            return self.refuse_arrival(now, session, invite, RefusalCause::Calls);
        }
        let trunk = match &invite.origin {
            sip::Origin::Trunk(trunk) => Some(*trunk),
            sip::Origin::Account(_) => None,
        };
        let anchored = trunk.is_none_or(|trunk| !self.settings.direct.contains(&trunk));
        let source = self.settings.source_rule(trunk, Some(invite.remote.ip()));
        let mut leg = Leg::new(Role::Caller, source);
        if anchored {
            let said = match self.read_description(invite.body.as_ref()) {
                Ok(said) => said,
                Err(cause) => return self.refuse_arrival(now, session, invite, cause),
            };
            let peer = said.as_ref().and_then(streams::address).unwrap_or(invite.remote.ip());
            let Some(address) = self.settings.media_address(peer) else {
                return self.refuse_arrival(now, session, invite, RefusalCause::NoMediaAddress);
            };
            if said.as_ref().is_some_and(|offer| !media::negotiate::relayable(offer).contains(&true)) {
                return self.refuse_arrival(now, session, invite, RefusalCause::NothingToRelay);
            }
            if !self.ports.has_room_beside(now, self.anchored) {
                return self.refuse_arrival(now, session, invite, RefusalCause::NoPort);
            }
            // Taken now, so that a call that is let in can be answered whatever comes after it.
            let wanted = said.as_ref().map_or_else(|| vec![true], media::negotiate::relayable);
            self.take_ports(now, CallRef(self.calls_made + 1), session, &mut leg, &wanted);
            if leg.streams.iter().all(Option::is_none) {
                return self.refuse_arrival(now, session, invite, RefusalCause::NoPort);
            }
            leg.author = Some(self.author(address));
            leg.said = said;
            self.open_ahead(&mut leg);
        } else {
            leg.raw.clone_from(&invite.body);
        }
        self.calls_made += 1;
        let reference = CallRef(self.calls_made);
        self.sessions.insert(session, reference);
        let longest = self.settings.call_max;
        let mut call = Call::new(Some((session, leg)), anchored, invite.max_forwards);
        call.deadline =
            longest.map(|longest| self.timers.schedule(now + longest, Deadline::Longest(reference)));
        self.anchored += usize::from(anchored);
        self.calls.insert(reference, Box::new(call));
        self.events.push_back(Event::Arrived { call: reference, invite });
    }

    fn refuse_arrival(
        &mut self,
        now: Instant,
        session: SessionId,
        invite: Box<sip::Invite>,
        cause: RefusalCause,
    ) {
        self.refuse_session(now, session, cause.status());
        self.events.push_back(Event::Refused { invite, cause });
    }

    /// Refuses an unanswered caller; with 503 goes when to try again (RFC 3261 §21.5.4).
    fn refuse_session(&mut self, now: Instant, session: SessionId, status: u16) {
        let seconds = self.settings.retry_after.as_secs().to_string();
        let retry = [sip::HeaderField::new("Retry-After", &seconds)];
        let headers = if status == 503 { retry.as_slice() } else { &[] };
        tolerate(self.user_agent.refuse(now, session, status, headers));
    }

    /// The description in a body, or why it cannot be taken.
    fn read_description(
        &self,
        body: Option<&sip::Body>,
    ) -> Result<Option<media::sdp::Session>, RefusalCause> {
        let Some(body) = body else { return Ok(None) };
        let Some(text) = body::sdp(body) else { return Err(RefusalCause::NoDescription) };
        match media::sdp::Session::parse(&text, &self.settings.sdp) {
            Ok(session) if self.settings.leads_to_us(&session) => Err(RefusalCause::LeadsToUs),
            Ok(session) => Ok(Some(session)),
            Err(_) => Err(RefusalCause::BadDescription),
        }
    }

    fn author(&mut self, address: std::net::IpAddr) -> media::negotiate::Author {
        media::negotiate::Author::new(self.random.next_u64(), address)
    }

    /// The call and the leg of a session.
    fn leg_mut(&mut self, session: SessionId) -> Option<(CallRef, &mut Call)> {
        let reference = *self.sessions.get(&session)?;
        let call = self.calls.get_mut(&reference).expect("a session's call is there as long as the session");
        Some((reference, call))
    }
}

/// Passes over a refusal of the user agent. A verb may come too late: the session it names is over and
/// the event that says so is already on its way; then doing nothing is right.
fn tolerate<T>(result: Result<T, sip::Refused>) {
    drop(result);
}

/// Why a verb of a [`B2bua`] did nothing: the call is over (its events say so), or is not at that point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotPossible;

impl std::fmt::Display for NotPossible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not possible at this point of the call")
    }
}

impl std::error::Error for NotPossible {}

impl Call {
    /// Of a caller, or one that we place.
    fn new(caller: Option<(SessionId, Leg)>, anchored: bool, max_forwards: u8) -> Call {
        let session = caller.as_ref().map(|&(session, _)| session);
        Call {
            caller: session,
            callee: None,
            legs: caller.into_iter().map(|(session, leg)| (session, Box::new(leg))).collect(),
            attempts: BTreeMap::new(),
            stage: if session.is_some() { Stage::Unanswered } else { Stage::Placing },
            outlived: false,
            anchored,
            max_forwards,
            exchanges: Vec::new(),
            held_since: None,
            terminations: 0,
            summary: Summary::default(),
            deadline: None,
        }
    }
}

impl Leg {
    fn new(role: Role, source: media::SourceRule) -> Leg {
        Leg {
            role,
            source,
            answered: false,
            established: false,
            ringing: false,
            author: None,
            ours: None,
            place: 0,
            pairs_refused: 0,
            rings_again: false,
            streams: Vec::new(),
            we_offered: false,
            said: None,
            raw: None,
        }
    }
}
