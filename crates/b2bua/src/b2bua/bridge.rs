//! Passing what one side asks to the other: hold and resume, codec changes, INFO.
//!
//! An offer is never answered for somebody else: it travels to the other side, and the answer travels
//! back (RFC 3264 through a B2BUA, RFC 7092 §3.1.2). Two offers that cross are answered 491.

use media::negotiate;
use sip::{Body, ExchangeId, HeaderField, Method, Reply, SessionId};
use timing::Instant;

use super::{B2bua, streams, tolerate};
use crate::call::{Awaited, Exchange, Stage};
use crate::{CallRef, Event};

/// A request inside a session that waits for our answer.
pub(super) struct Request {
    pub(super) exchange: ExchangeId,
    pub(super) method: Method,
    pub(super) body: Option<Body>,
    pub(super) headers: Vec<HeaderField>,
}

/// Headers of a request inside a dialog that mean something to the other side.
fn passed_headers(headers: &[HeaderField]) -> Vec<HeaderField> {
    const PASSED: [&str; 6] =
        ["Info-Package", "Content-Disposition", "Reason", "User-to-User", "Subject", "P-Asserted-Identity"];
    headers
        .iter()
        .filter(|header| {
            PASSED.iter().any(|name| header.name.eq_ignore_ascii_case(name))
                || header.name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"))
        })
        .cloned()
        .collect()
}

impl B2bua {
    /// One side asks something.
    pub(super) fn requested(&mut self, now: Instant, session: SessionId, request: Request) {
        let Some((reference, call)) = self.leg_mut(session) else {
            return self.reply(now, session, request.exchange, 481, None);
        };
        let stage = call.stage;
        let peer = call.peer(session);
        let is_caller = call.caller == session;
        match (&request.method, stage, peer) {
            (Method::Invite | Method::Update, Stage::Connected, Some(peer)) => {
                self.pass_offer(now, reference, session, peer, request);
            }
            (Method::Invite, Stage::Treated { .. }, _) if is_caller => {
                self.answer_while_waiting(now, reference, session, request);
            }
            (Method::Update, Stage::Treated { .. }, _) if is_caller && request.body.is_some() => {
                self.answer_while_waiting(now, reference, session, request);
            }
            // RFC 3311 §5.2: an offer while another is not answered.
            (Method::Update, _, _) if request.body.is_some() => {
                self.reply(now, session, request.exchange, 500, None);
            }
            (Method::Update, _, _) => self.reply(now, session, request.exchange, 200, None),
            // RFC 3261 §14.2.
            (Method::Invite, _, _) => self.reply(now, session, request.exchange, 491, None),
            (_, Stage::Connected, Some(peer)) => self.pass(now, reference, session, peer, request),
            // Nobody there who could understand it: taken note of.
            (_, _, _) => self.reply(now, session, request.exchange, 200, None),
        }
    }

    pub(super) fn reply(
        &mut self,
        now: Instant,
        session: SessionId,
        exchange: ExchangeId,
        status: u16,
        body: Option<Body>,
    ) {
        // RFC 3261 §14.2: whoever may not offer now is told when to try again.
        let headers = match status {
            500 => vec![HeaderField::new("Retry-After", "2")],
            _ => Vec::new(),
        };
        tolerate(self.user_agent.reply(now, session, exchange, &Reply { status, headers, body }));
    }

    /// Passes a re-INVITE or UPDATE on, its offer rewritten for the other leg.
    fn pass_offer(&mut self, now: Instant, call: CallRef, from: SessionId, to: SessionId, request: Request) {
        let refresh = request.method == Method::Update && request.body.is_none();
        if refresh {
            return self.reply(now, from, request.exchange, 200, None);
        }
        let anchored = self.calls.get(&call).is_some_and(|call| call.anchored);
        let (offer, body) = if anchored {
            let offer = match self.read_description(request.body.as_ref()) {
                Ok(offer) => offer,
                Err(status) => return self.reply(now, from, request.exchange, status, None),
            };
            let body = match &offer {
                Some(offer) => match self.relayed_offer(now, call, to, offer) {
                    Some(body) => Some(body),
                    None => return self.reply(now, from, request.exchange, 488, None),
                },
                None => None,
            };
            (offer, body)
        } else {
            (None, request.body)
        };
        let headers = passed_headers(&request.headers);
        match self.user_agent.request(now, to, request.method.clone(), &headers, body.as_ref()) {
            Ok(passed) => {
                let exchange = Exchange {
                    method: request.method,
                    from,
                    asked: request.exchange,
                    to,
                    passed,
                    awaited: Awaited::Reply { offer },
                };
                if let Some(call) = self.calls.get_mut(&call) {
                    call.exchanges.push(exchange);
                }
            }
            Err(sip::Refused::Pending) => self.reply(now, from, request.exchange, 491, None),
            Err(_) => self.reply(now, from, request.exchange, 500, None),
        }
    }

    /// An offer of one leg as our offer on the other.
    fn relayed_offer(
        &mut self,
        now: Instant,
        call: CallRef,
        to: SessionId,
        offer: &media::sdp::Session,
    ) -> Option<Body> {
        let mut leg = self.calls.get_mut(&call)?.legs.remove(&to)?;
        self.take_ports(now, call, to, &mut leg, &negotiate::relayable(offer));
        let ports = streams::ports(&leg);
        let relayed =
            leg.author.as_mut().and_then(|author| negotiate::relay_offer(author, offer, &ports).ok());
        self.calls.get_mut(&call)?.legs.insert(to, leg);
        relayed.map(|session| Body::sdp(session.to_string()))
    }

    /// Passes a request without an offer on.
    fn pass(&mut self, now: Instant, call: CallRef, from: SessionId, to: SessionId, request: Request) {
        let headers = passed_headers(&request.headers);
        match self.user_agent.request(now, to, request.method.clone(), &headers, request.body.as_ref()) {
            Ok(passed) => {
                let awaited = Awaited::Reply { offer: None };
                let asked = request.exchange;
                let exchange = Exchange { method: request.method, from, asked, to, passed, awaited };
                if let Some(call) = self.calls.get_mut(&call) {
                    call.exchanges.push(exchange);
                }
            }
            Err(_) => self.reply(now, from, request.exchange, 500, None),
        }
    }

    /// The other side answered what was passed to it.
    pub(super) fn replied(
        &mut self,
        now: Instant,
        session: SessionId,
        passed: ExchangeId,
        status: u16,
        body: Option<Body>,
    ) {
        let Some((reference, call)) = self.leg_mut(session) else { return };
        let Some(index) = call.exchanges.iter().position(|one| one.to == session && one.passed == passed)
        else {
            return;
        };
        let exchange = call.exchanges.swap_remove(index);
        let anchored = call.anchored;
        let offer = match exchange.awaited.clone() {
            Awaited::Reply { offer } => offer,
            Awaited::Acknowledgement | Awaited::Nothing => return,
        };
        let changes_media = matches!(exchange.method, Method::Invite | Method::Update);
        if !(200..300).contains(&status) {
            // What concerns only the other dialog is not this side's mistake.
            let status = match status {
                401 | 407 | 408 | 481 => 500,
                other => other,
            };
            return self.reply(now, exchange.from, exchange.asked, status, None);
        }
        if !changes_media {
            return self.reply(now, exchange.from, exchange.asked, status, body);
        }
        if !anchored {
            let wants_answer = exchange.method == Method::Invite && offer.is_none();
            self.reply(now, exchange.from, exchange.asked, 200, body);
            if wants_answer {
                self.await_acknowledgement(reference, exchange);
            }
            return;
        }
        self.pass_answer(now, reference, exchange, offer, body.as_ref());
    }

    /// Passes an answer back; where the asker made no offer, the "answer" is one.
    fn pass_answer(
        &mut self,
        now: Instant,
        call: CallRef,
        exchange: Exchange,
        offer: Option<media::sdp::Session>,
        body: Option<&Body>,
    ) {
        let Ok(Some(answer)) = self.read_description(body) else {
            return self.reply(now, exchange.from, exchange.asked, 500, None);
        };
        let Some(mut leg) = self.calls.get_mut(&call).and_then(|call| call.legs.remove(&exchange.from))
        else {
            return;
        };
        let wanted = negotiate::relayable(offer.as_ref().unwrap_or(&answer));
        self.take_ports(now, call, exchange.from, &mut leg, &wanted);
        let ports = streams::ports(&leg);
        let described = leg.author.as_mut().and_then(|author| match &offer {
            Some(offer) => negotiate::relay_answer(author, offer, &answer, &ports).ok(),
            None => negotiate::relay_offer(author, &answer, &ports).ok(),
        });
        if offer.is_some() {
            leg.said.clone_from(&offer);
        }
        let (from, to) = (exchange.from, exchange.to);
        if let Some(call) = self.calls.get_mut(&call) {
            call.legs.insert(from, leg);
            if let Some(leg) = call.legs.get_mut(&to) {
                leg.said = Some(answer);
            }
        }
        let Some(described) = described else {
            return self.reply(now, from, exchange.asked, 488, None);
        };
        self.reply(now, from, exchange.asked, 200, Some(Body::sdp(described.to_string())));
        if offer.is_none() {
            return self.await_acknowledgement(call, exchange);
        }
        self.media_changed(now, call, from, to);
    }

    fn await_acknowledgement(&mut self, call: CallRef, exchange: Exchange) {
        if let Some(call) = self.calls.get_mut(&call) {
            call.exchanges.push(Exchange { awaited: Awaited::Acknowledgement, ..exchange });
        }
    }

    /// The ACK for our 2xx to a re-INVITE. Where our 2xx carried the other side's offer, it brings the
    /// answer, which the other side's ACK then carries.
    pub(super) fn acknowledged(
        &mut self,
        now: Instant,
        session: SessionId,
        asked: ExchangeId,
        body: Option<Body>,
    ) {
        let Some((reference, call)) = self.leg_mut(session) else { return };
        let position = call.exchanges.iter().position(|one| {
            one.from == session && one.asked == asked && one.awaited == Awaited::Acknowledgement
        });
        let Some(position) = position else {
            // A re-INVITE that we answered ourselves while the caller waits.
            if matches!(call.stage, Stage::Treated { .. }) {
                self.caller_established(now, session, body);
            }
            return;
        };
        let exchange = call.exchanges.swap_remove(position);
        if !call.anchored {
            tolerate(self.user_agent.acknowledge(exchange.to, body.as_ref()));
            return;
        }
        let Ok(Some(answer)) = self.read_description(body.as_ref()) else {
            // RFC 3261 §14.1: a failed re-INVITE leaves the session as it was; the other side still
            // needs its ACK, with the description that stands.
            let standing = self.standing(reference, exchange.to);
            tolerate(self.user_agent.acknowledge(exchange.to, standing.as_ref()));
            return;
        };
        let answered = self.relayed_answer(reference, exchange.to, &answer);
        if let Some(leg) = self.calls.get_mut(&reference).and_then(|call| call.legs.get_mut(&session)) {
            leg.said = Some(answer);
        }
        tolerate(self.user_agent.acknowledge(exchange.to, answered.as_ref()));
        self.media_changed(now, reference, session, exchange.to);
    }

    /// An answer of one leg to the offer that the other leg made in its 2xx.
    fn relayed_answer(&mut self, call: CallRef, to: SessionId, answer: &media::sdp::Session) -> Option<Body> {
        let leg = self.calls.get_mut(&call)?.legs.get_mut(&to)?;
        let offer = leg.said.clone()?;
        let ports = streams::ports(leg);
        let described = negotiate::relay_answer(leg.author.as_mut()?, &offer, answer, &ports).ok()?;
        Some(Body::sdp(described.to_string()))
    }

    fn standing(&self, call: CallRef, session: SessionId) -> Option<Body> {
        let leg = self.calls.get(&call)?.legs.get(&session)?;
        let last = leg.author.as_ref()?.last()?;
        Some(Body::sdp(last.to_string()))
    }

    /// Tells the relay what both legs agreed to now, and notices holds.
    fn media_changed(&mut self, now: Instant, reference: CallRef, one: SessionId, other: SessionId) {
        self.apply(reference, one);
        self.apply(reference, other);
        self.connect_streams(reference);
        let Some(call) = self.calls.get_mut(&reference) else { return };
        let held = call.is_held();
        if held == call.held_since.is_some() {
            return;
        }
        if held {
            call.held_since = Some(now);
        } else {
            call.end_hold(now);
        }
        self.events.push_back(Event::HoldChanged { call: reference, held });
    }

    /// The asker took its re-INVITE back (487 was sent): whatever comes is not passed on.
    pub(super) fn withdrawn(&mut self, now: Instant, session: SessionId, asked: ExchangeId) {
        let Some((_, call)) = self.leg_mut(session) else { return };
        let Some(exchange) = call.exchanges.iter_mut().find(|one| one.from == session && one.asked == asked)
        else {
            return;
        };
        exchange.awaited = Awaited::Nothing;
        let (to, passed) = (exchange.to, exchange.passed);
        tolerate(self.user_agent.withdraw(now, to, passed));
    }
}
