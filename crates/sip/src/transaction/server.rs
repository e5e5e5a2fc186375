//! The two server machines: INVITE (RFC 3261 §17.2.1 with RFC 6026 §7.1) and all other methods (§17.2.2).

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId};

use super::allowance::{Allowance, Worth};
use super::{Alarm, Deadline, Due, Key, Lower, ServerUser};
use crate::{Flow, Message, Method};

/// RFC 3261 §13.3.1.1: a provisional response that lasts is repeated every minute, so that no proxy
/// on the way gives up.
const PROVISIONAL_INTERVAL: Duration = Duration::from_secs(60);

/// Where a server transaction stands. The RFC's *Terminated* is the absence of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ServerState {
    /// No final response yet.
    Proceeding,
    /// A final response (for INVITE: 300 to 699) was sent.
    Completed,
    /// The ACK for a refusal came; its retransmissions are absorbed.
    Confirmed,
    /// A 2xx to INVITE was sent and is repeated until its ACK (RFC 3261 §13.3.1.4).
    Accepted,
    /// The ACK for the 2xx came; retransmitted INVITEs are absorbed (RFC 6026 §7.1).
    Acknowledged,
}

/// A request of somebody else that we answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) key: Key,
    /// What a merged copy of the same request would share with it (RFC 3261 §8.2.2.2).
    pub(crate) merge_key: Option<Key>,
    pub(crate) user: ServerUser,
    pub(crate) state: ServerState,
    /// Where responses go.
    pub(crate) flow: Flow,
    pub(crate) request: Message,
    is_invite: bool,
    /// What may still be sent; `None`: as much as the RFC wants.
    allowance: Option<Allowance>,
    /// The last response, for retransmission.
    response: Option<Bytes>,
    interval: Duration,
    /// Timer G, the repetition of a 2xx or of a provisional response.
    retransmit: Option<TimerId>,
    /// Timer H, I, J or L, as the state says.
    deadline: Option<TimerId>,
}

impl Server {
    pub(crate) fn new(
        key: Key,
        merge_key: Option<Key>,
        user: ServerUser,
        flow: Flow,
        request: Message,
        allowance: Option<Allowance>,
    ) -> Server {
        let is_invite = request.method() == Method::Invite;
        Server {
            key,
            merge_key,
            user,
            state: ServerState::Proceeding,
            flow,
            request,
            is_invite,
            allowance,
            response: None,
            interval: Duration::ZERO,
            retransmit: None,
            deadline: None,
        }
    }

    /// The same request again: answer it as before, or say nothing yet.
    pub(crate) fn request_again(&mut self, lower: &mut Lower) {
        if let Some(allowance) = &mut self.allowance {
            allowance.again();
        }
        match self.state {
            ServerState::Proceeding | ServerState::Completed => {
                if let Some(response) = self.response.clone() {
                    self.send(response, Worth::New, lower);
                }
            }
            // The 2xx repeats itself.
            ServerState::Confirmed | ServerState::Accepted | ServerState::Acknowledged => {}
        }
    }

    /// Sends a response; `true` where the transaction is over with it.
    pub(crate) fn respond(
        &mut self,
        now: Instant,
        alarm: Alarm,
        status: u16,
        response: Bytes,
        lower: &mut Lower,
    ) -> bool {
        debug_assert_eq!(self.state, ServerState::Proceeding, "only one final response is sent");
        self.send(response.clone(), Worth::New, lower);
        self.response = Some(response);
        let timers = lower.timers;
        match (status, self.is_invite) {
            (..=100, _) | (101..200, false) => {}
            (101..200, true) => {
                self.stop(lower);
                self.interval = PROVISIONAL_INTERVAL;
                self.schedule_repetition(now, alarm, lower);
            }
            (200..300, true) => {
                self.settle(now, alarm, ServerState::Accepted, timers.h, lower);
                self.interval = timers.t1;
                self.schedule_repetition(now, alarm, lower);
            }
            (_, true) => {
                self.settle(now, alarm, ServerState::Completed, timers.h, lower);
                if !self.flow.protocol.is_reliable() {
                    self.interval = timers.t1;
                    self.schedule_repetition(now, alarm, lower);
                }
            }
            (_, false) => {
                let linger = self.linger(timers.f);
                self.settle(now, alarm, ServerState::Completed, linger, lower);
                return linger.is_zero();
            }
        }
        false
    }

    /// The ACK for a refusal; `true` where the transaction is over with it.
    pub(crate) fn refusal_acknowledged(&mut self, now: Instant, alarm: Alarm, lower: &mut Lower) -> bool {
        if self.state != ServerState::Completed || !self.is_invite {
            return false;
        }
        let linger = self.linger(lower.timers.t4);
        self.settle(now, alarm, ServerState::Confirmed, linger, lower);
        linger.is_zero()
    }

    /// The ACK for the 2xx came: repeat it no more, absorb retransmitted INVITEs until timer L. `true`
    /// for the first one.
    pub(crate) fn acknowledged(&mut self, lower: &mut Lower) -> bool {
        if self.state != ServerState::Accepted {
            return false;
        }
        if let Some(timer) = self.retransmit.take() {
            lower.wheel.cancel(timer);
        }
        self.state = ServerState::Acknowledged;
        // It knows our tag, so it got our answer.
        self.allowance = None;
        true
    }

    /// Timer G, or the repetition of a 2xx or provisional response.
    pub(crate) fn retransmit(&mut self, now: Instant, alarm: Alarm, lower: &mut Lower) {
        self.retransmit = None;
        let response = self.response.clone();
        match self.state {
            // Once a minute, whoever it is: a proxy on the way would give the caller up (RFC 3261 §16.6, timer C).
            ServerState::Proceeding => response.into_iter().for_each(|again| lower.send(self.flow, again)),
            ServerState::Completed | ServerState::Accepted => {
                self.interval = self.interval.saturating_mul(2).min(lower.timers.t2);
                response.into_iter().for_each(|again| self.send(again, Worth::Again, lower));
            }
            ServerState::Confirmed | ServerState::Acknowledged => return,
        }
        self.schedule_repetition(now, alarm, lower);
    }

    /// Timer H, I, J or L: the transaction is over; what to tell the user.
    pub(crate) fn expire(&mut self) -> Option<Due> {
        self.deadline = None;
        match self.state {
            ServerState::Accepted => Some(Due::AckMissing(self.user, self.allowance)),
            ServerState::Proceeding
            | ServerState::Completed
            | ServerState::Confirmed
            | ServerState::Acknowledged => None,
        }
    }

    /// Takes both deadlines back.
    pub(crate) fn stop(&mut self, lower: &mut Lower) {
        for timer in [self.retransmit.take(), self.deadline.take()].into_iter().flatten() {
            lower.wheel.cancel(timer);
        }
    }

    /// Sends, unless that is more than the source may be sent.
    fn send(&mut self, response: Bytes, worth: Worth, lower: &mut Lower) {
        let is_allowed = self.allowance.as_mut().is_none_or(|left| left.take(response.len(), worth));
        if is_allowed {
            lower.send(self.flow, response);
        }
    }

    fn schedule_repetition(&mut self, now: Instant, alarm: Alarm, lower: &mut Lower) {
        self.retransmit = Some(lower.wheel.schedule(now + self.interval, Deadline::Retransmit(alarm)));
    }

    fn settle(&mut self, now: Instant, alarm: Alarm, state: ServerState, after: Duration, lower: &mut Lower) {
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
