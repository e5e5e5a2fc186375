//! Requests that belong to something we know: ACK, CANCEL and all with a To tag (RFC 3261 §9.2,
//! §12.2.2, §13.3.1.4, §14.2, §15.1.2; the races of RFC 5407).

use timing::Instant;

use super::UserAgent;
use super::event::{EndCause, EndedBy, Event, SessionId};
use super::outside::Refusal;
use super::read;
use super::refusals::RefusalCause;
use super::session::{Exchange, Phase};
use super::write::{is_target_refresh, response_flow};
use crate::transaction::{Key, ServerId, ServerUser};
use crate::{Flow, Message, Method, Name, Via};

/// RFC 3261 §14.2: how long the other side shall wait with its overlapping re-INVITE, in seconds.
const OVERLAP_SECONDS_MAX: u64 = 10;

/// Requests a second inside of one session, a BYE not counted; more are answered 503 and forgotten, so
/// that one call cannot fill the room of all. Keys pressed in a hurry (INFO) are the most that is real.
pub(super) const REQUESTS_PER_SECOND: u32 = 50;

impl UserAgent {
    /// An ACK is never answered. One for a refusal belongs to its transaction, one for a 2xx to its
    /// session; any other means nothing.
    pub(super) fn receive_ack(&mut self, now: Instant, ack: &Message, key: &Key) {
        if self.transactions.refusal_acknowledged(now, key) {
            return;
        }
        let (Some(id), Ok((cseq, _))) = (self.session_of(ack), ack.cseq()) else { return };
        let session = self.sessions.get_mut(&id).expect("a tag names a session");
        if let Phase::Accepted { server, bye } = &mut session.phase
            && self
                .transactions
                .server(*server)
                .is_some_and(|held| held.request.cseq().map(|c| c.0) == Ok(cseq))
        {
            let (server, bye) = (*server, bye.take());
            session.phase = Phase::Confirmed;
            self.transactions.acknowledged(server);
            // Whoever forges the source of an INVITE never learns the tag of our answer.
            if let Some(held) = self.transactions.server(server) {
                self.proven.note(now, held.flow.remote.ip());
            }
            return match bye {
                Some(headers) => self.send_bye(now, id, &headers),
                None => self.events.push_back(Event::Established { session: id, body: read::body(ack) }),
            };
        }
        let found = session.exchanges.iter().find_map(|(exchange, held)| match held {
            Exchange::Accepted { server, cseq: number } if *number == cseq => Some((*exchange, *server)),
            Exchange::Accepted { .. }
            | Exchange::Asked { .. }
            | Exchange::Asking { .. }
            | Exchange::Unacknowledged { .. } => None,
        });
        if let Some((exchange, server)) = found {
            session.exchanges.remove(&exchange);
            self.transactions.acknowledged(server);
            self.events.push_back(Event::Acknowledged { session: id, exchange, body: read::body(ack) });
        }
    }

    /// RFC 3261 §9.2. The CANCEL itself needs no memory: its copies find the same INVITE.
    pub(super) fn receive_cancel(&mut self, now: Instant, flow: Flow, cancel: &Message, via: &Via) {
        let server = self.transactions.find_server(&Key::cancelled(cancel, via));
        // Only who sent the INVITE may take it back.
        let is_sender = |id: &ServerId| {
            self.transactions.server(*id).is_some_and(|held| held.flow.remote.ip() == flow.remote.ip())
        };
        let Some(server) = server.filter(is_sender) else {
            return self.refuse_stateless(flow, cancel, &Refusal::new(481));
        };
        let user = self.transactions.server(server).expect("it was found just now").user;
        let session = match user {
            ServerUser::Invite(session) | ServerUser::Exchange(session, _) => Some(session),
            ServerUser::Nobody => None,
        };
        let tag = session.and_then(|id| self.sessions.get(&id)).map(|session| session.local_tag.clone());
        let tag = tag.unwrap_or_else(|| self.stateless_tag(cancel));
        if let Some(bytes) = self.plain_response(cancel, &flow, 200, &tag) {
            self.transactions.lower.send(response_flow(flow, via), bytes);
        }
        // RFC 5407 §3.1.2: a CANCEL that crosses our final response changes nothing.
        if !self.transactions.is_unanswered(server) {
            return;
        }
        match user {
            ServerUser::Invite(id) => {
                let headers = read::headers(cancel);
                self.respond(now, server, 487, &tag, &[]);
                self.remove_session(now, id);
                self.events.push_back(Event::Cancelled { session: id, headers });
            }
            ServerUser::Exchange(id, exchange) => {
                self.respond(now, server, 487, &tag, &[]);
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.exchanges.remove(&exchange);
                }
                self.events.push_back(Event::Withdrawn { session: id, exchange });
            }
            ServerUser::Nobody => {}
        }
    }

    /// A request with a To tag.
    pub(super) fn receive_inside(
        &mut self,
        now: Instant,
        flow: Flow,
        request: &Message,
        key: Key,
        via: &Via,
    ) {
        let method = request.method();
        let Some(id) = self.session_of(request) else {
            // RFC 3261 §12.2.2; what we do not know at all is answered as outside.
            return match method {
                Method::Other(_) => self.refuse_method(flow, request),
                _ => self.refuse_stateless(flow, request, &Refusal::new(481)),
            };
        };
        self.vouch_for(&flow);
        let cseq = request.cseq().map_or(0, |(number, _)| number);
        let session = self.sessions.get_mut(&id).expect("a tag names a session");
        if method != Method::Bye && !session.rate.take(now, REQUESTS_PER_SECOND) {
            return self.refuse_overload(flow, request, RefusalCause::SessionRate);
        }
        let call_id = request.call_id().unwrap_or_default();
        let from_tag = request.from_tag().unwrap_or_default();
        let dialog = session.dialog_for(call_id, from_tag).expect("session_of looked at the dialog");
        let is_in_order = dialog.take_cseq(cseq);
        if is_in_order {
            dialog.heard_on(flow);
        }
        let tag = session.local_tag.clone();
        let reply_flow = response_flow(flow, via);
        if !is_in_order {
            // RFC 3261 §12.2.2: a number that was used before.
            return self.refuse_stateless(flow, request, &Refusal::new(500));
        }
        self.numbers += 1;
        let exchange = super::ExchangeId(self.numbers);
        let user = match method {
            Method::Bye | Method::Options => ServerUser::Nobody,
            _ => ServerUser::Exchange(id, exchange),
        };
        let server = self.transactions.accept(key, None, user, reply_flow, request.clone(), None);
        let outcome = match &method {
            method if !self.settings.allow.contains(method) => Err(self.method_refusal(method)),
            Method::Bye => return self.receive_bye(now, id, server, request, &tag),
            Method::Options => Err(Refusal { headers: self.capabilities(), ..Refusal::new(200) }),
            Method::Invite | Method::Update => self.check_offer(id, request),
            Method::Info | Method::Message | Method::Refer | Method::Notify => {
                self.check_exchange(id, request)
            }
            Method::Ack
            | Method::Cancel
            | Method::Prack
            | Method::Publish
            | Method::Register
            | Method::Subscribe
            | Method::Other(_) => Err(self.method_refusal(&method)),
        };
        match outcome {
            Ok(()) => self.ask_application(now, id, exchange, server, request),
            Err(refusal) => self.respond(now, server, refusal.status, &tag, &refusal.headers),
        }
    }

    pub(super) fn method_refusal(&self, method: &Method) -> Refusal {
        Refusal::with(if self.is_unknown(method) { 501 } else { 405 }, Name::Allow, self.allow())
    }

    /// Hands a request to the application.
    fn ask_application(
        &mut self,
        now: Instant,
        id: SessionId,
        exchange: super::ExchangeId,
        server: ServerId,
        request: &Message,
    ) {
        let method = request.method();
        let session = self.sessions.get_mut(&id).expect("the request is inside of it");
        let remote_tag = request.from_tag().unwrap_or_default().to_owned();
        if is_target_refresh(&method)
            && method != Method::Refer
            && let Some(dialog) = session.dialog_with(&remote_tag)
        {
            dialog.refresh_target(request);
        }
        let body = read::body(request);
        let is_offer = method == Method::Invite || (method == Method::Update && body.is_some());
        let asked = Exchange::Asked { server, method: method.clone(), is_offer, remote_tag };
        session.exchanges.insert(exchange, asked);
        if method == Method::Invite {
            let tag = session.local_tag.clone();
            self.respond(now, server, 100, &tag, &[]);
        }
        let headers = read::headers(request);
        self.events.push_back(Event::Requested { session: id, exchange, method, body, headers });
    }

    /// Whether an INVITE or UPDATE may change the session now (RFC 3261 §14.2, RFC 3311 §5.2).
    fn check_offer(&mut self, id: SessionId, request: &Message) -> Result<(), Refusal> {
        let is_invite = request.method() == Method::Invite;
        let session = &self.sessions[&id];
        let is_early = match session.phase {
            Phase::Ending => return Err(Refusal::new(481)),
            // Their first INVITE is not answered yet: this is one too many.
            Phase::Ringing { .. } if is_invite => return Err(self.overlap()),
            // RFC 5407 §3.1.4: our 2xx is on its way or its ACK is, so the first offer is not settled.
            Phase::Accepted { .. } if is_invite => return Err(Refusal::new(491)),
            Phase::Calling(_) | Phase::Locating { .. } | Phase::Unacknowledged { .. } if is_invite => {
                return Err(Refusal::new(491));
            }
            Phase::Ringing { .. } | Phase::Calling(_) | Phase::Locating { .. } => true,
            Phase::Accepted { .. } | Phase::Unacknowledged { .. } | Phase::Confirmed => false,
        };
        let is_offer = is_invite || !request.body().is_empty();
        if is_offer && session.has_own_offer() {
            return Err(Refusal::new(491));
        }
        if is_offer && session.has_their_offer() {
            return Err(self.overlap());
        }
        if is_early && is_invite {
            return Err(Refusal::new(491));
        }
        self.check_extensions(request)?;
        self.check_body(request)?;
        self.check_exchange(id, request)
    }

    /// Whether the application may be asked one thing more.
    fn check_exchange(&mut self, id: SessionId, request: &Message) -> Result<(), Refusal> {
        let session = &self.sessions[&id];
        match session.phase {
            Phase::Ending => return Err(Refusal::new(481)),
            Phase::Accepted { .. }
            | Phase::Calling(_)
            | Phase::Confirmed
            | Phase::Locating { .. }
            | Phase::Ringing { .. }
            | Phase::Unacknowledged { .. } => {}
        }
        if session.asked_count() >= self.settings.limits.exchanges {
            return Err(self.overlap());
        }
        self.check_extensions(request)
    }

    /// 500 with a Retry-After between 0 and 10 s (RFC 3261 §14.2).
    fn overlap(&mut self) -> Refusal {
        let seconds = self.entropy.number() % (OVERLAP_SECONDS_MAX + 1);
        Refusal::with(500, Name::RetryAfter, seconds.to_string())
    }

    /// RFC 3261 §15.1.2. Whatever else is pending gets its answer too.
    fn receive_bye(&mut self, now: Instant, id: SessionId, server: ServerId, bye: &Message, tag: &str) {
        self.respond(now, server, 200, tag, &[]);
        let headers = read::headers(bye);
        let session = &self.sessions[&id];
        match &session.phase {
            // The caller may end an early dialog so (RFC 3261 §15); it is a CANCEL in other words.
            Phase::Ringing { server } => {
                let server = *server;
                self.respond(now, server, 487, tag, &[]);
                self.remove_session(now, id);
                self.events.push_back(Event::Cancelled { session: id, headers });
            }
            // The callee must not, but a 2xx that was lost for 64*T1 ends like this (RFC 5407 §3.1.3):
            // nothing more will come, so the INVITE is taken back.
            Phase::Calling(_) | Phase::Locating { .. } => self.abandon(now, id),
            // RFC 5407 §3.2.1: both hang up; ours is answered or times out by itself.
            Phase::Ending => self.remove_session(now, id),
            Phase::Accepted { bye: Some(_), .. } => self.remove_session(now, id),
            Phase::Accepted { bye: None, .. } | Phase::Confirmed | Phase::Unacknowledged { .. } => {
                self.remove_session(now, id);
                let cause = EndCause::Bye { headers };
                self.events.push_back(Event::Ended { session: id, cause, by: EndedBy::Remote });
            }
        }
    }

    /// The session whose dialog a message of the other side belongs to.
    fn session_of(&self, message: &Message) -> Option<SessionId> {
        let local_tag = std::str::from_utf8(message.to_tag()?).ok()?;
        let id = *self.tags.get(local_tag)?;
        let session = self.sessions.get(&id)?;
        let (call_id, remote_tag) = (message.call_id()?, message.from_tag().unwrap_or_default());
        session.dialogs.iter().any(|dialog| dialog.is_for(call_id, remote_tag)).then_some(id)
    }

    /// Answers a request of a server transaction that still waits for it.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        server: ServerId,
        status: u16,
        tag: &str,
        headers: &[(Name, String)],
    ) {
        if !self.transactions.is_unanswered(server) {
            return;
        }
        let held = self.transactions.server(server).expect("it is unanswered");
        let Some(builder) = self.response(&held.request, &held.flow, status, tag) else {
            return;
        };
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value));
        if let Ok(response) = builder.build() {
            self.transactions.respond(now, server, status, response.bytes().clone());
        }
    }
}
