//! The two server machines: INVITE (RFC 3261 §17.2.1 with RFC 6026 §7.1) and all other methods (§17.2.2).

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use timing::{Instant, TimerId};

use super::{Alarm, Deadline, Due, Key, Lower, ServerUser};
use crate::{Flow, Message};

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
        is_invite: bool,
    ) -> Server {
        Server {
            key,
            merge_key,
            user,
            state: ServerState::Proceeding,
            flow,
            request,
            is_invite,
            response: None,
            interval: Duration::ZERO,
            retransmit: None,
            deadline: None,
        }
    }

    /// The same request again: answer it as before, or say nothing yet.
    pub(crate) fn request_again(&self, lower: &mut Lower) {
        match self.state {
            ServerState::Proceeding | ServerState::Completed => {
                if let Some(response) = &self.response {
                    lower.send(self.flow, response.clone());
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
        lower.send(self.flow, response.clone());
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
        true
    }

    /// Timer G, or the repetition of a 2xx or provisional response.
    pub(crate) fn retransmit(&mut self, now: Instant, alarm: Alarm, lower: &mut Lower) {
        self.retransmit = None;
        match self.state {
            ServerState::Proceeding => {}
            ServerState::Completed | ServerState::Accepted => {
                self.interval = self.interval.saturating_mul(2).min(lower.timers.t2);
            }
            ServerState::Confirmed | ServerState::Acknowledged => return,
        }
        if let Some(response) = &self.response {
            lower.send(self.flow, response.clone());
        }
        self.schedule_repetition(now, alarm, lower);
    }

    /// Timer H, I, J or L: the transaction is over; what to tell the user.
    pub(crate) fn expire(&mut self) -> Option<Due> {
        self.deadline = None;
        match self.state {
            ServerState::Accepted => Some(Due::AckMissing(self.user)),
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
