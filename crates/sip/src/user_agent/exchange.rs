//! Requests that we send inside a session, their answers, and its end.

use timing::Instant;

use super::UserAgent;
use super::event::{Body, EndCause, EndedBy, Event, ExchangeId, HeaderField, SessionId};
use super::invitation::{Refused, Reply};
use super::outgoing::cancel_with;
use super::read;
use super::session::{Exchange, ExchangeCancel, Phase};
use super::write::{add_to_request, check, check_headers, is_target_refresh};
use crate::compose;
use crate::dialog::Dialog;
use crate::transaction::{Allowance, Answered, ClientState, ClientUser, Worth};
use crate::{Flow, Message, Method, Name, Transmit};

/// How often the challenges of one request are answered: the first, and one stale nonce.
pub(super) const CHALLENGES_MAX: u8 = 2;

impl UserAgent {
    pub(super) fn ask(
        &mut self,
        now: Instant,
        id: SessionId,
        method: Method,
        headers: &[HeaderField],
        body: Option<&Body>,
    ) -> Result<ExchangeId, Refused> {
        check(headers, body)?;
        if self.is_full() {
            return Err(Refused::Full);
        }
        let is_offer = match method {
            Method::Ack | Method::Bye | Method::Cancel | Method::Prack | Method::Register => {
                return Err(Refused::BadMethod);
            }
            Method::Invite => true,
            Method::Update => body.is_some(),
            Method::Info
            | Method::Message
            | Method::Notify
            | Method::Options
            | Method::Publish
            | Method::Refer
            | Method::Subscribe
            | Method::Other(_) => false,
        };
        let session = self.sessions.get_mut(&id).ok_or(Refused::UnknownSession)?;
        match session.phase {
            Phase::Ending | Phase::Accepted { bye: Some(_), .. } => return Err(Refused::UnknownSession),
            Phase::Confirmed => {}
            // RFC 3261 §14.1: not before the first INVITE is settled.
            Phase::Accepted { .. } | Phase::Unacknowledged { .. } if method == Method::Invite => {
                return Err(Refused::Pending);
            }
            Phase::Accepted { .. } | Phase::Unacknowledged { .. } => {}
            Phase::Calling(_) | Phase::Ringing { .. } if matches!(method, Method::Update | Method::Info) => {}
            Phase::Locating { .. } | Phase::Calling(_) | Phase::Ringing { .. } => {
                return Err(Refused::WrongState);
            }
        }
        if is_offer && (session.has_own_offer() || session.has_their_offer()) {
            return Err(Refused::Pending);
        }
        let dialog = session.dialog_mut().ok_or(Refused::WrongState)?;
        let hop = dialog.hop();
        let way = self.flow_of(hop).ok_or(Refused::NoEndpoint)?;
        let session = self.sessions.get_mut(&id).expect("it was there just now");
        let dialog = session.dialog_mut().expect("it was there just now");
        let remote_tag = dialog.remote_tag().to_owned();
        let builder = add_to_request(dialog.request(method.clone()), headers, body);
        let bad = Refused::BadHeader("Content-Type".to_owned());
        let (branch, request) = self.finish_request(builder, &method, &way).ok_or(bad)?;
        let exchange = self.next_exchange();
        let client = self.send_request(now, &branch, ClientUser::Exchange(id, exchange), way, request);
        let asking = Exchange::Asking {
            client,
            method,
            is_offer,
            remote_tag,
            challenges: 0,
            cancel: ExchangeCancel::No,
        };
        let session = self.sessions.get_mut(&id).expect("it was there just now");
        session.exchanges.insert(exchange, asking);
        Ok(exchange)
    }

    pub(super) fn take_back_exchange(
        &mut self,
        now: Instant,
        id: SessionId,
        exchange: ExchangeId,
    ) -> Result<(), Refused> {
        let session = self.sessions.get_mut(&id).ok_or(Refused::UnknownSession)?;
        match session.exchanges.get_mut(&exchange) {
            Some(Exchange::Asking {
                method: Method::Invite, cancel: cancel @ ExchangeCancel::No, ..
            }) => {
                *cancel = ExchangeCancel::Wanted;
                self.cancel_exchange_if_possible(now, id, exchange);
                Ok(())
            }
            Some(_) => Err(Refused::WrongState),
            None => Err(Refused::UnknownExchange),
        }
    }

    fn cancel_exchange_if_possible(&mut self, now: Instant, id: SessionId, exchange: ExchangeId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(Exchange::Asking { client, cancel, .. }) = session.exchanges.get_mut(&exchange) else {
            return;
        };
        let Some(held) = self.transactions.client(*client) else { return };
        if *cancel != ExchangeCancel::Wanted || held.state != ClientState::Proceeding {
            return;
        }
        let Some((branch, request)) = cancel_with(&held.request, &[]) else { return };
        let (client, flow) = (*client, held.flow);
        *cancel = ExchangeCancel::Sent;
        self.transactions.cancelled(now, client);
        self.send_request(now, &branch, ClientUser::Nobody, flow, request);
    }

    pub(super) fn settle_offer(&mut self, id: SessionId, body: Option<&Body>) -> Result<(), Refused> {
        check(&[], body)?;
        let session = self.sessions.get_mut(&id).ok_or(Refused::UnknownSession)?;
        if let Phase::Unacknowledged { client, cseq } = session.phase {
            session.phase = Phase::Confirmed;
            self.send_ack(id, client, cseq, body);
            return Ok(());
        }
        let pending = session.exchanges.iter().find_map(|(exchange, held)| match held {
            Exchange::Unacknowledged { client, cseq } => Some((*exchange, *client, *cseq)),
            Exchange::Asked { .. } | Exchange::Accepted { .. } | Exchange::Asking { .. } => None,
        });
        let (exchange, client, cseq) = pending.ok_or(Refused::WrongState)?;
        session.exchanges.remove(&exchange);
        self.send_ack(id, client, cseq, body);
        Ok(())
    }

    pub(super) fn answer_exchange(
        &mut self,
        now: Instant,
        id: SessionId,
        exchange: ExchangeId,
        reply: &Reply,
    ) -> Result<(), Refused> {
        if !(101..700).contains(&reply.status) {
            return Err(Refused::BadStatus(reply.status));
        }
        check(&reply.headers, reply.body.as_ref())?;
        let session = self.sessions.get_mut(&id).ok_or(Refused::UnknownSession)?;
        let tag = session.local_tag.clone();
        let Some(Exchange::Asked { server, method, .. }) = session.exchanges.get(&exchange) else {
            return Err(Refused::UnknownExchange);
        };
        let (server, is_invite) = (*server, *method == Method::Invite);
        self.answer(now, server, reply.status, &tag, &reply.headers, reply.body.as_ref())?;
        if reply.status < 200 {
            return Ok(());
        }
        let cseq =
            self.transactions.server(server).and_then(|held| held.request.cseq().ok()).map(|(cseq, _)| cseq);
        let session = self.sessions.get_mut(&id).expect("it was there just now");
        match cseq {
            Some(cseq) if is_invite && reply.status < 300 => {
                session.exchanges.insert(exchange, Exchange::Accepted { server, cseq });
            }
            Some(_) | None => {
                session.exchanges.remove(&exchange);
            }
        }
        Ok(())
    }

    /// A response to a request inside a session.
    pub(super) fn receive_exchange_answer(
        &mut self,
        now: Instant,
        (id, exchange): (SessionId, ExchangeId),
        answered: &Answered,
        response: &Message,
    ) {
        let (client, request) = (answered.id, &answered.request);
        let status = response.status();
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(Exchange::Asking { method, remote_tag, challenges, cancel, .. }) =
            session.exchanges.get_mut(&exchange)
        else {
            return;
        };
        if status < 200 {
            return match cancel {
                ExchangeCancel::Wanted => self.cancel_exchange_if_possible(now, id, exchange),
                ExchangeCancel::No | ExchangeCancel::Sent => {}
            };
        }
        let (method, remote_tag, tries) = (method.clone(), remote_tag.clone(), *challenges);
        let trunk = session.trunk.filter(|_| matches!(status, 401 | 407) && tries < CHALLENGES_MAX);
        if let Some(credentials) = trunk.and_then(|trunk| self.answer_challenge(trunk, request, response)) {
            return self.ask_again(now, id, exchange, request, credentials);
        }
        let session = self.sessions.get_mut(&id).expect("it was there just now");
        // RFC 3261 §12.2.1.2, RFC 5057 §5.1: the other side knows this dialog no more.
        if status == 481 || (status == 408 && is_target_refresh(&method)) {
            return self.end_session(now, id, EndCause::Gone { status });
        }
        session.exchanges.remove(&exchange);
        if (200..300).contains(&status) {
            if is_target_refresh(&method)
                && let Some(dialog) = session.dialog_with(&remote_tag)
            {
                dialog.refresh_target(response);
            }
            if method == Method::Invite {
                let cseq = request.cseq().map_or(0, |(number, _)| number);
                if request.body().is_empty() {
                    session.exchanges.insert(exchange, Exchange::Unacknowledged { client, cseq });
                } else {
                    self.send_ack(id, client, cseq, None);
                }
            }
        }
        self.events.push_back(Event::Replied {
            session: id,
            exchange,
            status,
            reason: read::reason(response),
            body: read::body(response),
            headers: read::headers(response),
        });
    }

    fn ask_again(
        &mut self,
        now: Instant,
        id: SessionId,
        exchange: ExchangeId,
        request: &Message,
        credentials: (Name, String),
    ) {
        let session = self.sessions.get_mut(&id).expect("it was there just now");
        let Some(dialog) = session.dialog_mut() else { return };
        let (cseq, hop) = (dialog.next_cseq(), dialog.hop());
        let sent = self
            .flow_of(hop)
            .and_then(|way| Some((way, self.request_again(request, cseq, &way, Some(credentials))?)));
        let Some((way, (branch, request))) = sent else {
            return self.exchange_lost(now, id, exchange, 503);
        };
        let fresh = self.send_request(now, &branch, ClientUser::Exchange(id, exchange), way, request);
        let session = self.sessions.get_mut(&id).expect("it was there just now");
        if let Some(Exchange::Asking { client, challenges, .. }) = session.exchanges.get_mut(&exchange) {
            *client = fresh;
            *challenges += 1;
        }
    }

    /// No answer came (408) or the request could not be sent (503).
    pub(super) fn exchange_lost(&mut self, now: Instant, id: SessionId, exchange: ExchangeId, status: u16) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(held) = session.exchanges.remove(&exchange) else { return };
        let Exchange::Asking { method, .. } = held else { return };
        let is_answered = matches!(session.phase, Phase::Confirmed);
        if matches!(method, Method::Invite | Method::Update) && is_answered {
            return self.end_session(now, id, EndCause::Gone { status });
        }
        self.events.push_back(Event::Replied {
            session: id,
            exchange,
            status,
            reason: compose::reason_phrase(status).to_owned(),
            body: None,
            headers: Vec::new(),
        });
    }

    /// A re-INVITE of ours rings longer than timer C: taken back.
    pub(super) fn abandon_exchange(&mut self, now: Instant, id: SessionId, exchange: ExchangeId) {
        // Where it cannot be taken back any more, its answer is on the way.
        let _ = self.take_back_exchange(now, id, exchange);
    }

    /// Our 2xx was not acknowledged for 64*T1 (RFC 3261 §13.3.1.4). `left` is what the caller may still be sent, where
    /// it has shown nothing: the BYE goes once then, and nobody waits for its answer.
    pub(super) fn ack_missing(&mut self, now: Instant, id: SessionId, left: Option<Allowance>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let (headers, is_news) = match &mut session.phase {
            Phase::Accepted { bye: bye @ Some(_), .. } => (bye.take().unwrap_or_default(), false),
            Phase::Accepted { bye: None, .. } | Phase::Confirmed | Phase::Unacknowledged { .. } => {
                (Vec::new(), true)
            }
            Phase::Locating { .. } | Phase::Calling(_) | Phase::Ringing { .. } | Phase::Ending => return,
        };
        match left {
            None => self.send_bye(now, id, &headers),
            Some(left) => self.send_bye_once(now, id, &headers, left),
        }
        if is_news {
            let (cause, by) = (EndCause::AckMissing, EndedBy::UserAgent);
            self.events.push_back(Event::Ended { session: id, cause, by });
        }
    }

    /// The user agent itself ends an answered session.
    pub(super) fn end_session(&mut self, now: Instant, id: SessionId, cause: EndCause) {
        self.send_bye(now, id, &[]);
        self.events.push_back(Event::Ended { session: id, cause, by: EndedBy::UserAgent });
    }

    pub(super) fn hang_up(
        &mut self,
        now: Instant,
        id: SessionId,
        headers: Vec<HeaderField>,
    ) -> Result<(), Refused> {
        check_headers(&headers)?;
        let session = self.sessions.get_mut(&id).ok_or(Refused::UnknownSession)?;
        match &mut session.phase {
            Phase::Confirmed => {
                self.send_bye(now, id, &headers);
                Ok(())
            }
            Phase::Unacknowledged { client, cseq } => {
                let (client, cseq) = (*client, *cseq);
                self.send_ack(id, client, cseq, None);
                self.send_bye(now, id, &headers);
                Ok(())
            }
            // RFC 3261 §15: the callee waits for the ACK, or for its time to be over.
            Phase::Accepted { bye: bye @ None, .. } => {
                *bye = Some(headers);
                self.close_exchanges(now, id);
                Ok(())
            }
            Phase::Accepted { bye: Some(_), .. } | Phase::Ending => Err(Refused::UnknownSession),
            Phase::Locating { .. } | Phase::Calling(_) | Phase::Ringing { .. } => Err(Refused::WrongState),
        }
    }

    /// Sends the BYE; the session stays until it is answered.
    pub(super) fn send_bye(&mut self, now: Instant, id: SessionId, headers: &[HeaderField]) {
        match self.write_bye(now, id, headers) {
            Some((branch, way, bye)) => {
                self.send_request(now, &branch, ClientUser::Bye(id), way, bye);
            }
            None => self.remove_session(now, id),
        }
    }

    /// Sends the BYE to somebody of whom nothing is known, where there is room for it; the session is over.
    fn send_bye_once(&mut self, now: Instant, id: SessionId, headers: &[HeaderField], mut left: Allowance) {
        if let Some((_, flow, bye)) = self.write_bye(now, id, headers)
            && left.take(bye.bytes().len(), Worth::New)
        {
            let bytes = bye.bytes().clone();
            self.transactions.lower.transmits.push_back(Transmit { flow, bytes });
        }
        self.remove_session(now, id);
    }

    /// The BYE of a session, with its branch and its way.
    fn write_bye(
        &mut self,
        now: Instant,
        id: SessionId,
        headers: &[HeaderField],
    ) -> Option<(String, Flow, Message)> {
        self.close_exchanges(now, id);
        let session = self.sessions.get_mut(&id)?;
        session.phase = Phase::Ending;
        let dialog = session.dialog_mut()?;
        let (builder, hop) = (dialog.request(Method::Bye), dialog.hop());
        let builder = add_to_request(builder, headers, None);
        let way = self.flow_of(hop)?;
        let (branch, bye) = self.finish_request(builder, &Method::Bye, &way)?;
        Some((branch, way, bye))
    }

    /// The answer to our BYE: whatever it says, the session is over (RFC 3261 §15.1.1). Only a
    /// challenge of our own trunk is answered first.
    pub(super) fn receive_bye_answer(
        &mut self,
        now: Instant,
        id: SessionId,
        request: &Message,
        response: &Message,
    ) {
        let status = response.status();
        if status < 200 {
            return;
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        // Once: a peer that finds every answer stale would keep the BYE on its way for ever.
        let is_first = [Name::Authorization, Name::ProxyAuthorization]
            .into_iter()
            .all(|name| request.fields(name).next().is_none());
        let trunk = session.trunk.filter(|_| is_first && matches!(status, 401 | 407));
        if let Some(credentials) = trunk.and_then(|trunk| self.answer_challenge(trunk, request, response)) {
            let session = self.sessions.get_mut(&id).expect("it was there just now");
            if let Some(dialog) = session.dialog_mut() {
                let (cseq, hop) = (dialog.next_cseq(), dialog.hop());
                let sent = self
                    .flow_of(hop)
                    .and_then(|way| Some((way, self.request_again(request, cseq, &way, Some(credentials))?)));
                if let Some((way, (branch, bye))) = sent {
                    self.send_request(now, &branch, ClientUser::Bye(id), way, bye);
                    return;
                }
            }
        }
        self.remove_session(now, id);
    }

    /// A 2xx to a re-INVITE whose session is over: acknowledged, so that the other side has peace.
    pub(super) fn acknowledge_stray(&mut self, answered: &Answered, response: &Message) {
        let dialog = Dialog::as_uac(&answered.request, response, answered.flow, true);
        let Ok(dialog) = dialog else { return };
        let cseq = response.cseq().map_or(0, |(number, _)| number);
        let Some(way) = self.flow_of(dialog.hop()) else { return };
        if let Some((_, ack)) = self.finish_request(dialog.ack(cseq), &Method::Ack, &way) {
            let transmit = Transmit { flow: way, bytes: ack.bytes().clone() };
            self.transactions.acknowledge_2xx(answered.id, response.to_tag().unwrap_or_default(), transmit);
        }
    }

    /// Answers what is still asked and forgets what was asked (RFC 3261 §15.1.2).
    pub(super) fn close_exchanges(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let tag = session.local_tag.clone();
        for exchange in std::mem::take(&mut session.exchanges).into_values() {
            match exchange {
                Exchange::Asked { server, method, .. } => {
                    let status = if method == Method::Invite { 487 } else { 481 };
                    self.respond(now, server, status, &tag, &[]);
                }
                Exchange::Accepted { server, .. } => {
                    self.transactions.acknowledged(server);
                }
                Exchange::Asking { client, .. } => self.transactions.disown_client(now, client),
                Exchange::Unacknowledged { client, cseq } => {
                    self.send_ack(id, client, cseq, None);
                }
            }
        }
    }

    /// Forgets a session and what hangs on it.
    pub(super) fn remove_session(&mut self, now: Instant, id: SessionId) {
        self.close_exchanges(now, id);
        let Some(session) = self.sessions.remove(&id) else { return };
        self.tags.remove(&session.local_tag);
        match session.phase {
            // The other side has hung up: it waits for no 2xx.
            Phase::Accepted { server, .. } => {
                self.transactions.acknowledged(server);
            }
            Phase::Locating { .. } => self.forget_queries(id),
            Phase::Calling(_)
            | Phase::Unacknowledged { .. }
            | Phase::Ringing { .. }
            | Phase::Confirmed
            | Phase::Ending => {}
        }
    }

    pub(super) fn next_exchange(&mut self) -> ExchangeId {
        self.numbers += 1;
        ExchangeId(self.numbers)
    }
}
