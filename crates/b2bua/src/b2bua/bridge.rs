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
        let is_caller = call.caller == Some(session);
        match (&request.method, stage, peer) {
            (Method::Invite | Method::Update, Stage::Connected, Some(peer)) => {
                self.pass_offer(now, reference, session, peer, request);
            }
            (Method::Invite, Stage::Treated { .. }, _) if is_caller => {
                self.answer_while_waiting(now, reference, session, &request);
            }
            (Method::Update, Stage::Treated { .. }, _) if is_caller && request.body.is_some() => {
                self.answer_while_waiting(now, reference, session, &request);
            }
            // RFC 3311 §5.2: an offer while another is not answered.
            (Method::Update, _, _) if request.body.is_some() => {
                self.reply(now, session, request.exchange, 500, None);
            }
            (Method::Update, _, _) => self.reply(now, session, request.exchange, 200, None),
            // RFC 3261 §14.2.
            (Method::Invite, _, _) => self.reply(now, session, request.exchange, 491, None),
            // A transfer needs somebody who performs it (RFC 3515 §2.4.2), and who does not subscribe is
            // not notified (RFC 6665 §4.1.3).
            (Method::Refer, _, _) => self.reply(now, session, request.exchange, 603, None),
            (Method::Notify, _, _) => self.reply(now, session, request.exchange, 481, None),
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
        let (offer, sent, body) = if anchored {
            let offer = match self.read_description(request.body.as_ref()) {
                Ok(offer) => offer,
                Err(cause) => return self.reply(now, from, request.exchange, cause.status(), None),
            };
            let sent = match &offer {
                Some(offer) => match self.relayed_offer(now, call, to, offer) {
                    Some(sent) => Some(sent),
                    None => return self.reply(now, from, request.exchange, 488, None),
                },
                None => None,
            };
            let body = sent.as_ref().map(|sent| Body::sdp(sent.to_string()));
            (offer, sent, body)
        } else {
            (None, None, request.body)
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
                    awaited: Awaited::Reply { offer, sent },
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
    ) -> Option<media::sdp::Session> {
        let mut leg = self.calls.get_mut(&call)?.legs.remove(&to)?;
        self.take_ports(now, call, to, &mut leg, &negotiate::relayable(offer));
        let ports = streams::ports(&leg);
        let relayed =
            leg.author.as_mut().and_then(|author| negotiate::relay_offer(author, offer, &ports).ok());
        self.calls.get_mut(&call)?.legs.insert(to, leg);
        relayed
    }

    /// Passes a request without an offer on.
    fn pass(&mut self, now: Instant, call: CallRef, from: SessionId, to: SessionId, request: Request) {
        let headers = passed_headers(&request.headers);
        match self.user_agent.request(now, to, request.method.clone(), &headers, request.body.as_ref()) {
            Ok(passed) => {
                let awaited = Awaited::Reply { offer: None, sent: None };
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
        if matches!(call.exchanges[index].awaited, Awaited::Acknowledgement { .. } | Awaited::OwnOffer { .. })
        {
            // It has its reply and waits for an ACK.
            return;
        }
        let exchange = call.exchanges.swap_remove(index);
        let anchored = call.anchored;
        let is_success = (200..300).contains(&status);
        let (offer, sent) = match exchange.awaited.clone() {
            Awaited::Reply { offer, sent } => (offer, sent),
            Awaited::Acknowledgement { .. } | Awaited::OwnOffer { .. } => return,
            Awaited::Nothing if is_success => return self.acknowledge_anyway(reference, &exchange),
            Awaited::Nothing => return,
        };
        let changes_media = matches!(exchange.method, Method::Invite | Method::Update);
        if !is_success {
            // What concerns only the other dialog is not this side's mistake.
            let status = match status {
                300..=399 | 401 | 407 | 408 | 481 => 500,
                other => other,
            };
            return self.reply(now, exchange.from, exchange.asked, status, None);
        }
        if !changes_media {
            return self.reply(now, exchange.from, exchange.asked, status, body);
        }
        if !anchored {
            self.reply(now, exchange.from, exchange.asked, 200, body);
            if exchange.method == Method::Invite {
                self.await_acknowledgement(reference, exchange, None);
            }
            return;
        }
        match (self.read_description(body.as_ref()), offer) {
            (Ok(Some(answer)), Some(offer)) => {
                self.pass_answer(now, reference, &exchange, (offer, sent), answer);
            }
            (Ok(Some(offer)), None) => self.pass_late_offer(now, reference, exchange, offer),
            // A 2xx without a description, or with one that nobody can read.
            (Ok(None) | Err(_), _) => {
                self.reply(now, exchange.from, exchange.asked, 500, None);
                self.acknowledge_anyway(reference, &exchange);
            }
        }
    }

    /// Ends an exchange whose 2xx may carry an offer that nobody will answer. RFC 3261 §14.1: a failed
    /// re-INVITE leaves the session as it was; the other side still needs its ACK, with the description
    /// that stands. Where our INVITE had an offer the ACK was sent already.
    fn acknowledge_anyway(&mut self, call: CallRef, exchange: &Exchange) {
        let standing = self.standing(call, exchange.to);
        tolerate(self.user_agent.acknowledge(exchange.to, standing.as_ref()));
    }

    /// Passes an answer back.
    fn pass_answer(
        &mut self,
        now: Instant,
        call: CallRef,
        exchange: &Exchange,
        (offer, sent): (media::sdp::Session, Option<media::sdp::Session>),
        answer: media::sdp::Session,
    ) {
        let (from, to) = (exchange.from, exchange.to);
        let wanted = negotiate::relayable(&offer);
        let Some(described) = self.describe_on_leg(now, call, from, &wanted, |author, ports| {
            negotiate::relay_answer(author, &offer, &answer, ports).ok()
        }) else {
            return self.reply(now, from, exchange.asked, 488, None);
        };
        self.reply(now, from, exchange.asked, 200, Some(Body::sdp(described.to_string())));
        if let Some(call) = self.calls.get_mut(&call) {
            if let Some(leg) = call.legs.get_mut(&from) {
                (leg.said, leg.ours, leg.we_offered) = (Some(offer), Some(described), false);
            }
            if let Some(leg) = call.legs.get_mut(&to) {
                (leg.said, leg.ours, leg.we_offered) = (Some(answer), sent, true);
            }
        }
        self.media_changed(now, call, from, to);
    }

    /// Passes the offer of a 2xx back to the side that asked for one.
    fn pass_late_offer(
        &mut self,
        now: Instant,
        call: CallRef,
        exchange: Exchange,
        offer: media::sdp::Session,
    ) {
        let wanted = negotiate::relayable(&offer);
        let described = self.describe_on_leg(now, call, exchange.from, &wanted, |author, ports| {
            negotiate::relay_offer(author, &offer, ports).ok()
        });
        let Some(described) = described else {
            self.reply(now, exchange.from, exchange.asked, 488, None);
            return self.acknowledge_anyway(call, &exchange);
        };
        self.reply(now, exchange.from, exchange.asked, 200, Some(Body::sdp(described.to_string())));
        if let Some(leg) = self.calls.get_mut(&call).and_then(|call| call.legs.get_mut(&exchange.to)) {
            leg.said = Some(offer);
        }
        self.await_acknowledgement(call, exchange, Some(described));
    }

    /// Takes the ports that a description on a leg wants and writes it.
    fn describe_on_leg(
        &mut self,
        now: Instant,
        call: CallRef,
        session: SessionId,
        wanted: &[bool],
        describe: impl FnOnce(&mut negotiate::Author, &[Option<media::LocalPort>]) -> Option<media::sdp::Session>,
    ) -> Option<media::sdp::Session> {
        let mut leg = self.calls.get_mut(&call)?.legs.remove(&session)?;
        self.take_ports(now, call, session, &mut leg, wanted);
        let ports = streams::ports(&leg);
        let described = leg.author.as_mut().and_then(|author| describe(author, &ports));
        self.calls.get_mut(&call)?.legs.insert(session, leg);
        described
    }

    fn await_acknowledgement(
        &mut self,
        call: CallRef,
        exchange: Exchange,
        sent: Option<media::sdp::Session>,
    ) {
        if let Some(call) = self.calls.get_mut(&call) {
            call.exchanges.push(Exchange { awaited: Awaited::Acknowledgement { sent }, ..exchange });
        }
    }

    /// The ACK for our 2xx to a re-INVITE. Where our 2xx carried the other side's offer, it brings the
    /// answer, which the other side's ACK then carries.
    pub(super) fn acknowledged(
        &mut self,
        now: Instant,
        session: SessionId,
        asked: ExchangeId,
        body: Option<&Body>,
    ) {
        let Some((reference, call)) = self.leg_mut(session) else { return };
        let position = call.exchanges.iter().position(|one| {
            one.from == session
                && one.asked == asked
                && matches!(one.awaited, Awaited::Acknowledgement { .. } | Awaited::OwnOffer { .. })
        });
        let Some(position) = position else { return };
        let exchange = call.exchanges.swap_remove(position);
        let anchored = call.anchored;
        let answer = self.read_description(body);
        match exchange.awaited.clone() {
            Awaited::OwnOffer { sent } => {
                let Ok(Some(answer)) = answer else { return };
                if let Some((_, call)) = self.leg_mut(session)
                    && let Some(leg) = call.legs.get_mut(&session)
                {
                    (leg.said, leg.ours, leg.we_offered) = (Some(answer), Some(sent), true);
                }
                self.agreed_while_waiting(reference, session);
                self.connect_streams(reference);
                self.notice_hold(now, reference);
            }
            Awaited::Acknowledgement { .. } if !anchored => {
                tolerate(self.user_agent.acknowledge(exchange.to, body));
            }
            Awaited::Acknowledgement { sent } => match answer {
                Ok(Some(answer)) => self.pass_late_answer(now, reference, &exchange, sent, answer),
                Ok(None) | Err(_) => self.acknowledge_anyway(reference, &exchange),
            },
            Awaited::Reply { .. } | Awaited::Nothing => {}
        }
    }

    /// Passes the answer of an ACK on in the ACK for the 2xx that made the offer.
    fn pass_late_answer(
        &mut self,
        now: Instant,
        call: CallRef,
        exchange: &Exchange,
        sent: Option<media::sdp::Session>,
        answer: media::sdp::Session,
    ) {
        let (from, to) = (exchange.from, exchange.to);
        let offer =
            self.calls.get(&call).and_then(|call| call.legs.get(&to)).and_then(|leg| leg.said.clone());
        let wanted = offer.as_ref().map(negotiate::relayable).unwrap_or_default();
        let described = self.describe_on_leg(now, call, to, &wanted, |author, ports| {
            negotiate::relay_answer(author, offer.as_ref()?, &answer, ports).ok()
        });
        let body = described.as_ref().map(|described| Body::sdp(described.to_string()));
        tolerate(self.user_agent.acknowledge(to, body.as_ref()));
        if let Some(call) = self.calls.get_mut(&call) {
            if let Some(leg) = call.legs.get_mut(&from) {
                (leg.said, leg.ours, leg.we_offered) = (Some(answer), sent, true);
            }
            if let Some(leg) = call.legs.get_mut(&to) {
                (leg.ours, leg.we_offered) = (described, false);
            }
        }
        self.media_changed(now, call, from, to);
    }

    fn standing(&self, call: CallRef, session: SessionId) -> Option<Body> {
        let leg = self.calls.get(&call)?.legs.get(&session)?;
        Some(Body::sdp(leg.ours.as_ref()?.to_string()))
    }

    /// Tells the relay what both legs agreed to now, and notices holds.
    fn media_changed(&mut self, now: Instant, reference: CallRef, one: SessionId, other: SessionId) {
        self.apply(reference, one);
        self.apply(reference, other);
        self.connect_streams(reference);
        self.notice_hold(now, reference);
    }

    /// Opens or closes the books on a hold.
    pub(super) fn notice_hold(&mut self, now: Instant, reference: CallRef) {
        let Some(call) = self.calls.get_mut(&reference) else { return };
        if call.stage != Stage::Connected {
            return;
        }
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
        let position = call.exchanges.iter().position(|one| one.from == session && one.asked == asked);
        let Some(position) = position else { return };
        let exchange = &mut call.exchanges[position];
        match exchange.awaited {
            // There is no other side that could still reply: the caller waits.
            Awaited::OwnOffer { .. } => drop(call.exchanges.swap_remove(position)),
            Awaited::Reply { .. } | Awaited::Acknowledgement { .. } | Awaited::Nothing => {
                exchange.awaited = Awaited::Nothing;
                let (to, passed) = (exchange.to, exchange.passed);
                tolerate(self.user_agent.withdraw(now, to, passed));
            }
        }
    }
}
