//! The two client machines: INVITE (RFC 3261 §17.1.1 with RFC 6026 §7.2) and all other methods (§17.1.2).

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId};

use super::{Alarm, ClientUser, Deadline, Key, Lower};
use crate::{Flow, Message, Transmit};

/// Forks of one INVITE whose 2xx is acknowledged; each gets a BYE but the first. A callee that goes on to
/// invent tags is left to its own repetitions.
const ANSWERS_MAX: usize = 32;

/// Where a client transaction stands. The RFC's *Terminated* is the absence of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientState {
    /// Nothing came back yet (*Calling* of an INVITE, *Trying* of the others).
    Calling,
    /// A provisional response came.
    Proceeding,
    /// A provisional response came and a CANCEL was sent: a last deadline runs (RFC 3261 §9.1).
    Cancelled,
    /// A final response came; its retransmissions are absorbed (and acknowledged, for INVITE).
    Completed,
    /// A 2xx to INVITE came; further ones are acknowledged or handed up (RFC 6026 §7.2).
    Accepted,
}

/// The ACK for a 2xx from one fork, kept for the retransmissions of that 2xx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct AckFor2xx {
    remote_tag: Vec<u8>,
    transmit: Transmit,
}

/// A request of ours that waits for its response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) key: Key,
    pub(crate) user: ClientUser,
    pub(crate) state: ClientState,
    /// Where it was sent.
    pub(crate) flow: Flow,
    pub(crate) request: Message,
    is_invite: bool,
    /// The ACK for a refused INVITE.
    ack: Option<Bytes>,
    acks: Vec<AckFor2xx>,
    /// The interval of the next timer A or E.
    interval: Duration,
    /// Timer A or E.
    retransmit: Option<TimerId>,
    /// Timer B, C, D, F, K or M, as the state says.
    deadline: Option<TimerId>,
}

/// What a response means for the transaction's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new: tell the user.
    Deliver,
    /// It is new and a refusal of an INVITE: tell the user; the ACK must be composed and given to
    /// [`Client::refused`].
    DeliverAndAcknowledge,
    /// It was seen before; whatever it needed has been sent.
    Absorbed,
}

/// What the end of a state means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// No final response came: the transaction is over.
    TimedOut,
    /// Timer C: it still waits, and somebody must cancel it.
    RangTooLong,
    /// Everything was said; the transaction is over.
    Over,
}

impl Client {
    pub(crate) fn new(key: Key, user: ClientUser, flow: Flow, request: Message, is_invite: bool) -> Client {
        Client {
            key,
            user,
            state: ClientState::Calling,
            flow,
            request,
            is_invite,
            ack: None,
            acks: Vec::new(),
            interval: Duration::ZERO,
            retransmit: None,
            deadline: None,
        }
    }

    /// Sends the request and starts timers A and B, or E and F. Reliable transports do not retransmit.
    pub(crate) fn start(&mut self, now: Instant, alarm: Alarm, lower: &mut Lower) {
        lower.send(self.flow, self.request.bytes().clone());
        let timers = lower.timers;
        let limit = if self.is_invite { timers.b } else { timers.f };
        self.deadline = Some(lower.wheel.schedule(now + limit, Deadline::Expire(alarm)));
        if !self.flow.protocol.is_reliable() {
            self.interval = timers.t1;
            self.retransmit = Some(lower.wheel.schedule(now + timers.t1, Deadline::Retransmit(alarm)));
        }
    }

    /// A response arrived. `true` beside the verdict says that the transaction is over.
    pub(crate) fn response(
        &mut self,
        now: Instant,
        alarm: Alarm,
        response: &Message,
        lower: &mut Lower,
    ) -> (Verdict, bool) {
        match self.state {
            ClientState::Calling | ClientState::Proceeding | ClientState::Cancelled => {
                match (response.status(), self.is_invite) {
                    (..200, _) => (self.provisional(now, alarm, response.status(), lower), false),
                    (200..300, true) => {
                        self.settle(now, alarm, ClientState::Accepted, lower.timers.h, lower);
                        (Verdict::Deliver, false)
                    }
                    (_, true) => {
                        let linger = self.linger(lower.timers.d);
                        self.settle(now, alarm, ClientState::Completed, linger, lower);
                        (Verdict::DeliverAndAcknowledge, linger.is_zero())
                    }
                    (_, false) => {
                        let linger = self.linger(lower.timers.t4);
                        self.settle(now, alarm, ClientState::Completed, linger, lower);
                        (Verdict::Deliver, linger.is_zero())
                    }
                }
            }
            ClientState::Completed => {
                if let Some(ack) = &self.ack
                    && response.status() >= 300
                {
                    lower.send(self.flow, ack.clone());
                }
                (Verdict::Absorbed, false)
            }
            ClientState::Accepted => (self.again_2xx(response, lower), false),
        }
    }

    /// Timer A or E.
    pub(crate) fn retransmit(&mut self, now: Instant, alarm: Alarm, lower: &mut Lower) {
        self.retransmit = None;
        let timers = lower.timers;
        let doubled = self.interval.saturating_mul(2);
        self.interval = match (self.state, self.is_invite) {
            (ClientState::Calling, true) => doubled,
            (ClientState::Calling, false) => doubled.min(timers.t2),
            (ClientState::Proceeding, false) => timers.t2,
            (ClientState::Proceeding, true)
            | (ClientState::Cancelled | ClientState::Completed | ClientState::Accepted, _) => return,
        };
        lower.send(self.flow, self.request.bytes().clone());
        self.retransmit = Some(lower.wheel.schedule(now + self.interval, Deadline::Retransmit(alarm)));
    }

    /// Timer B, C, D, F, K or M.
    pub(crate) fn expire(&mut self) -> Expiry {
        self.deadline = None;
        match (self.state, self.is_invite) {
            (ClientState::Proceeding, true) => Expiry::RangTooLong,
            (ClientState::Calling | ClientState::Proceeding | ClientState::Cancelled, _) => Expiry::TimedOut,
            (ClientState::Completed | ClientState::Accepted, _) => Expiry::Over,
        }
    }

    /// The ACK for a refusal: sent now and for each retransmission of the refusal (RFC 3261 §17.1.1.2).
    pub(crate) fn refused(&mut self, ack: Bytes, lower: &mut Lower) {
        lower.send(self.flow, ack.clone());
        self.ack = Some(ack);
    }

    /// The ACK for a 2xx of one fork: sent now and for each retransmission of it (RFC 3261 §13.2.2.4).
    pub(crate) fn accepted(&mut self, remote_tag: &[u8], transmit: Transmit, lower: &mut Lower) {
        lower.transmits.push_back(transmit.clone());
        self.acks.push(AckFor2xx { remote_tag: remote_tag.to_owned(), transmit });
    }

    /// A CANCEL was sent: the INVITE has 64*T1 left (RFC 3261 §9.1).
    pub(crate) fn cancelled(&mut self, now: Instant, alarm: Alarm, lower: &mut Lower) {
        self.settle(now, alarm, ClientState::Cancelled, lower.timers.h, lower);
    }

    /// Nobody waits for the answer any more: an INVITE gets no timer C, only 64*T1 for an answer that
    /// must be acknowledged.
    pub(crate) fn disown(&mut self, now: Instant, alarm: Alarm, lower: &mut Lower) {
        self.user = ClientUser::Nobody;
        if self.is_invite && self.state == ClientState::Proceeding {
            self.settle(now, alarm, ClientState::Cancelled, lower.timers.h, lower);
        }
    }

    /// Takes both deadlines back.
    pub(crate) fn stop(&mut self, lower: &mut Lower) {
        for timer in [self.retransmit.take(), self.deadline.take()].into_iter().flatten() {
            lower.wheel.cancel(timer);
        }
    }

    fn provisional(&mut self, now: Instant, alarm: Alarm, status: u16, lower: &mut Lower) -> Verdict {
        match (self.state, self.is_invite) {
            (ClientState::Cancelled, _) => return Verdict::Absorbed,
            (ClientState::Calling, true) if self.user == ClientUser::Nobody => {
                self.settle(now, alarm, ClientState::Cancelled, lower.timers.h, lower);
            }
            (ClientState::Calling, true) => {
                self.settle(now, alarm, ClientState::Proceeding, lower.timers.c, lower);
            }
            // RFC 3261 §16.7: every response but 100 starts timer C again.
            (ClientState::Proceeding, true) if status > 100 => {
                self.settle(now, alarm, ClientState::Proceeding, lower.timers.c, lower);
            }
            // Timers E and F of other methods run on.
            (ClientState::Calling | ClientState::Proceeding, _) => self.state = ClientState::Proceeding,
            (ClientState::Completed | ClientState::Accepted, _) => return Verdict::Absorbed,
        }
        Verdict::Deliver
    }

    fn again_2xx(&self, response: &Message, lower: &mut Lower) -> Verdict {
        if !(200..300).contains(&response.status()) {
            return Verdict::Absorbed;
        }
        let tag = response.to_tag().unwrap_or_default();
        match self.acks.iter().find(|ack| ack.remote_tag == tag) {
            Some(ack) => {
                lower.transmits.push_back(ack.transmit.clone());
                Verdict::Absorbed
            }
            None if self.acks.len() >= ANSWERS_MAX => Verdict::Absorbed,
            None => Verdict::Deliver,
        }
    }

    /// Enters a state that only one deadline ends.
    fn settle(&mut self, now: Instant, alarm: Alarm, state: ClientState, after: Duration, lower: &mut Lower) {
        self.stop(lower);
        self.state = state;
        if !after.is_zero() {
            self.deadline = Some(lower.wheel.schedule(now + after, Deadline::Expire(alarm)));
        }
    }

    /// Reliable transports bring no retransmissions to wait for.
    fn linger(&self, unreliable: Duration) -> Duration {
        if self.flow.protocol.is_reliable() { Duration::ZERO } else { unreliable }
    }
}
