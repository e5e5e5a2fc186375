//! From octets to the part of the user agent that must deal with them.

use bytes::Bytes;
use timing::Instant;

use super::outside::Refusal;
use super::refusals::RefusalCause;
use super::{Connection, UserAgent};
use crate::transaction::{ClientUser, Key};
use crate::{
    ConnectionId, Fault, Flow, Frame, Message, Method, Name, ParseError, StreamFramer, Transmit, Via,
};

/// The answer to a keep-alive on a stream (RFC 5626 §4.4.1).
const PONG: &[u8] = b"\r\n";

impl UserAgent {
    pub(super) fn receive_datagram(&mut self, now: Instant, flow: Flow, datagram: Bytes) {
        match Message::parse(datagram, &self.settings.limits.message) {
            Ok(message) => self.receive(now, flow, &message),
            Err(error) => self.receive_broken(flow, &error),
        }
    }

    pub(super) fn open_connection(&mut self, now: Instant, flow: Flow) {
        let Some(connection) = flow.connection else { return };
        let is_ours = self.transactions.stream_opened(flow);
        if !is_ours && self.connections.len() >= self.settings.limits.connections {
            let Some(oldest) = self.strangers.pop_first() else {
                self.closes.push_back(connection);
                return;
            };
            self.close_connection(oldest);
            self.closes.push_back(oldest);
        }
        let framer = StreamFramer::new(self.settings.limits.message);
        let silent_until = (!is_ours).then(|| now + self.settings.limits.first_message);
        let stream = Connection { flow, framer, silent_until, deadline: silent_until };
        self.stream_deadlines.extend(silent_until.map(|due| (due, connection)));
        self.connections.insert(connection, stream);
        self.streams_to.insert(flow.remote, connection);
        if !is_ours {
            self.strangers.insert(connection);
        }
    }

    /// Something came over this way that was worth it: its stream makes room for no other.
    pub(super) fn vouch_for(&mut self, flow: &Flow) {
        if let Some(connection) = flow.connection {
            self.strangers.remove(&connection);
        }
    }

    /// Forgets a stream; the way that it was.
    pub(super) fn close_connection(&mut self, connection: ConnectionId) -> Option<Flow> {
        let closed = self.connections.remove(&connection)?;
        self.strangers.remove(&connection);
        if let Some(due) = closed.deadline {
            self.stream_deadlines.remove(&(due, connection));
        }
        if self.streams_to.get(&closed.flow.remote) == Some(&connection) {
            self.streams_to.remove(&closed.flow.remote);
        }
        Some(closed.flow)
    }

    pub(super) fn receive_octets(&mut self, now: Instant, connection: ConnectionId, octets: &[u8]) {
        let Some(stream) = self.connections.get_mut(&connection) else { return };
        stream.framer.handle_input(now, octets);
        self.drain_stream(now, connection);
    }

    /// Streams that took too long over a message, the first one above all.
    pub(super) fn expire_streams(&mut self, now: Instant) {
        while let Some(&(due, connection)) = self.stream_deadlines.first()
            && due <= now
        {
            self.stream_deadlines.pop_first();
            let Some(stream) = self.connections.get_mut(&connection) else { continue };
            stream.deadline = None;
            if stream.silent_until.is_some_and(|due| due <= now) {
                self.close_connection(connection);
                self.closes.push_back(connection);
                continue;
            }
            stream.framer.handle_timeout(now);
            self.drain_stream(now, connection);
        }
    }

    fn drain_stream(&mut self, now: Instant, connection: ConnectionId) {
        while let Some(stream) = self.connections.get_mut(&connection) {
            let flow = stream.flow;
            if self.is_watched {
                self.watched.extend(stream.framer.next_octets().map(|octets| (flow, octets.clone())));
            }
            match stream.framer.poll_output() {
                None => break,
                Some(Frame::Message(message)) => {
                    stream.silent_until = None;
                    self.receive(now, flow, &message);
                }
                Some(Frame::Ping) => {
                    let bytes = Bytes::from_static(PONG);
                    self.transactions.lower.transmits.push_back(Transmit { flow, bytes });
                }
                Some(Frame::Broken(error)) => self.receive_broken(flow, &error),
                Some(Frame::Fatal(error)) => {
                    stream.silent_until = None;
                    self.receive_broken(flow, &error);
                    self.closes.push_back(connection);
                    break;
                }
            }
        }
        let Some(stream) = self.connections.get_mut(&connection) else { return };
        let due = stream.framer.poll_timeout().into_iter().chain(stream.silent_until).min();
        let before = std::mem::replace(&mut stream.deadline, due);
        if before != due {
            if let Some(before) = before {
                self.stream_deadlines.remove(&(before, connection));
            }
            self.stream_deadlines.extend(due.map(|due| (due, connection)));
        }
    }

    /// What cannot be read is answered where RFC 3261 lets us, and forgotten.
    fn receive_broken(&mut self, flow: Flow, error: &ParseError) {
        match &error.answerable {
            Some(request) => {
                self.note_arrival(request);
                self.refuse_stateless(flow, request, &Refusal::new(error.fault.status()));
            }
            None if error.fault == Fault::Empty => {}
            None => self.totals.malformed += 1,
        }
    }

    fn receive(&mut self, now: Instant, flow: Flow, message: &Message) {
        let fault = match (message.validate(), message.top_via()) {
            (Ok(()), Ok(via)) if message.is_request() => {
                return self.receive_request(now, flow, message, &via);
            }
            (Ok(()), Ok(via)) => return self.receive_response(now, flow, message, &via),
            (Err(fault), _) | (Ok(()), Err(fault)) => fault,
        };
        // RFC 3261 §8.1.3.1, §18.1.2: a response that cannot be read is dropped.
        if !message.is_answerable() {
            self.totals.malformed += 1;
            return;
        }
        self.note_arrival(message);
        match fault {
            Fault::CSeqMethod if self.is_unknown(&message.method()) => self.refuse_method(flow, message),
            fault => self.refuse_stateless(flow, message, &Refusal::new(fault.status())),
        }
    }

    fn receive_request(&mut self, now: Instant, flow: Flow, request: &Message, via: &Via) {
        let key = Key::server(request, via);
        match request.method() {
            Method::Ack => return self.receive_ack(now, request, &key),
            Method::Cancel => return self.receive_cancel(now, flow, request, via),
            _ => {}
        }
        if self.transactions.request_again(&key) {
            return;
        }
        self.note_arrival(request);
        // A call once accepted is not the one to suffer: what belongs to one has as much room again.
        let is_inside = request.to_tag().is_some();
        let has_no_room = if is_inside { self.is_full() } else { self.is_crowded() };
        if has_no_room {
            return self.refuse_overload(flow, request, RefusalCause::Transactions);
        }
        if is_inside {
            self.receive_inside(now, flow, request, key, via);
        } else {
            self.receive_outside(now, flow, request, key, via);
        }
    }

    /// RFC 3261 §17.1.3: our branch and the method in CSeq find the transaction. A response that
    /// belongs to none is dropped, for we are no proxy, unless it makes a call of ours.
    fn receive_response(&mut self, now: Instant, flow: Flow, response: &Message, via: &Via) {
        // RFC 3261 §8.1.3.3: more than one Via went to somebody else.
        if response.values(Name::Via).count() != 1 {
            self.totals.stray += 1;
            return;
        }
        let Some(branch) = via.branch() else { return };
        let Some(client) = self.transactions.find_client(branch, &response.method()) else {
            return self.receive_stray(now, flow, response, branch);
        };
        self.vouch_for(&flow);
        let Some(answered) = self.transactions.response(now, client, response) else { return };
        match answered.user {
            ClientUser::Invite(id) => self.receive_invite_answer(now, id, &answered, response),
            ClientUser::Exchange(id, exchange) => {
                self.receive_exchange_answer(now, (id, exchange), &answered, response);
            }
            ClientUser::Bye(id) => self.receive_bye_answer(now, id, &answered.request, response),
            ClientUser::Nobody => {}
        }
        let is_forgotten = match answered.user {
            ClientUser::Exchange(id, _) => !self.sessions.contains_key(&id),
            ClientUser::Nobody => true,
            ClientUser::Invite(_) | ClientUser::Bye(_) => false,
        };
        if is_forgotten
            && answered.request.method() == Method::Invite
            && (200..300).contains(&response.status())
        {
            self.acknowledge_stray(&answered, response);
        }
    }

    /// 503 with Retry-After, before anything is remembered.
    pub(super) fn refuse_overload(&mut self, flow: Flow, request: &Message, cause: RefusalCause) {
        let refusal = self.busy(cause);
        self.refuse_stateless(flow, request, &refusal);
    }

    pub(super) fn is_unknown(&self, method: &Method) -> bool {
        matches!(method, Method::Other(_))
    }

    /// 501 for a method that nobody knows, 405 for one that we do not take here (RFC 3261 §8.2.1).
    pub(super) fn refuse_method(&mut self, flow: Flow, request: &Message) {
        let refusal = self.method_refusal(&request.method());
        self.refuse_stateless(flow, request, &refusal);
    }
}
