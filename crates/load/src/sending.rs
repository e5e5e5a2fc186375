//! A message that is sent until it is answered (RFC 3261 §17.1, and §13.3.1.4 for the 200 to an INVITE).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use timing::{Instant, TimerId, TimerWheel};

use crate::line::Key;

/// T1, T2 and 64*T1 of RFC 3261 §17.1.1.1.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
pub(crate) const GIVE_UP: Duration = Duration::from_secs(32);

/// How a message is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// Not at all: the transport sees to it.
    Never,
    /// Each time after twice as long: an INVITE.
    Doubling,
    /// The same, and at last every four seconds: everything else.
    Capped,
}

/// What falls due while it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due<W> {
    /// It is to be sent again.
    pub(crate) again: W,
    /// No answer has come for as long as the protocol waits.
    pub(crate) give_up: W,
}

/// The message of one call, or of one account, that waits for its answer.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    pending: Option<Pending>,
    again: Option<TimerId>,
    give_up: Option<TimerId>,
}

#[derive(Debug)]
struct Pending {
    bytes: Bytes,
    to: SocketAddr,
    since: Instant,
    interval: Duration,
    repeated: Repeated,
}

impl Sending {
    /// It was just sent for the first time; what was sent before needs no answer any more.
    pub(crate) fn begin<W>(
        &mut self,
        timers: &mut TimerWheel<(Key, W)>,
        now: Instant,
        key: Key,
        (to, bytes): (SocketAddr, Bytes),
        (repeated, due): (Repeated, Due<W>),
    ) {
        self.settle(timers);
        if repeated != Repeated::Never {
            self.again = Some(timers.schedule(now + T1, (key, due.again)));
        }
        self.give_up = Some(timers.schedule(now + GIVE_UP, (key, due.give_up)));
        self.pending = Some(Pending { bytes, to, since: now, interval: T1, repeated });
    }

    /// It is time to send it again: the message, and where it goes.
    pub(crate) fn again<W>(
        &mut self,
        timers: &mut TimerWheel<(Key, W)>,
        now: Instant,
        key: Key,
        again: W,
    ) -> Option<(SocketAddr, Bytes)> {
        let pending = self.pending.as_mut()?;
        pending.interval *= 2;
        if pending.repeated == Repeated::Capped {
            pending.interval = pending.interval.min(T2);
        }
        self.again = Some(timers.schedule(now + pending.interval, (key, again)));
        Some((pending.to, pending.bytes.clone()))
    }

    /// Something came, and the final answer may take this much longer.
    pub(crate) fn wait<W>(
        &mut self,
        timers: &mut TimerWheel<(Key, W)>,
        until: Instant,
        key: Key,
        give_up: W,
    ) {
        self.settle(timers);
        self.give_up = Some(timers.schedule(until, (key, give_up)));
    }

    /// It need not be sent again; the answer is still due.
    pub(crate) fn arrived<W>(&mut self, timers: &mut TimerWheel<(Key, W)>) {
        if let Some(timer) = self.again.take() {
            timers.cancel(timer);
        }
    }

    /// Nothing needs to be sent again, and no answer is due.
    pub(crate) fn settle<W>(&mut self, timers: &mut TimerWheel<(Key, W)>) {
        self.pending = None;
        for timer in [self.again.take(), self.give_up.take()].into_iter().flatten() {
            timers.cancel(timer);
        }
    }

    /// When it was sent first.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.since)
    }
}
