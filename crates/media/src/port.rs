//! Local port pairs: even for RTP, the next odd one for RTCP (RFC 3550 §11).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timing::Instant;

/// A pair for each end of a call.
const PAIRS_OF_CALL: usize = 2;

/// A local UDP port number on the media address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LocalPort(pub u16);

impl LocalPort {
    /// The RTCP port that belongs to this RTP port.
    pub const fn rtcp(self) -> LocalPort {
        LocalPort(self.0 | 1)
    }

    /// The RTP port that belongs to this port of a pair.
    pub const fn rtp(self) -> LocalPort {
        LocalPort(self.0 & !1)
    }

    /// Whether this is the RTCP port of its pair.
    pub const fn is_rtcp(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Bounds of a [`PortPool`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortPoolSettings {
    /// First port that may be used; rounded up to even.
    pub first: u16,
    /// Last port that may be used (the RTCP port of the last pair lies within).
    pub last: u16,
    /// How long a pair that the system refused stays out of use.
    pub quarantine: Duration,
}

impl Default for PortPoolSettings {
    fn default() -> PortPoolSettings {
        PortPoolSettings { first: 20_000, last: 29_999, quarantine: Duration::from_secs(60) }
    }
}

/// How the pairs of a [`PortPool`] stand. The three sum to the size of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolCounts {
    /// Pairs that can be had.
    pub free: usize,
    /// Pairs given out and not returned.
    pub in_use: usize,
    /// Pairs that the system refused not long ago.
    pub quarantined: usize,
}

/// Gives out port pairs, the least recently used first, so that late packets of an ended call do
/// not fall into a new one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PortPool {
    free: VecDeque<LocalPort>,
    in_use: BTreeSet<LocalPort>,
    /// In order of the end of the quarantine, which is the order of entry.
    quarantined: VecDeque<(Instant, LocalPort)>,
    quarantine: Duration,
}

impl PortPool {
    /// A pool with every whole pair of the range free. A range without a whole pair is an empty
    /// pool: every [`PortPool::allocate`] answers `None`.
    pub fn new(settings: &PortPoolSettings) -> PortPool {
        let first = u32::from(settings.first).next_multiple_of(2);
        let free = (first..u32::from(settings.last))
            .step_by(2)
            .map(|port| LocalPort(u16::try_from(port).expect("below the last port")))
            .collect();
        PortPool {
            free,
            in_use: BTreeSet::new(),
            quarantined: VecDeque::new(),
            quarantine: settings.quarantine,
        }
    }

    /// Whether one more call may take a pair where so many are in progress. Each is owed a second one for its other end:
    /// were those taken by callers who wait, nobody could be put through to them. A call alone may have the only pair.
    pub fn has_room_beside(&mut self, now: Instant, calls: usize) -> bool {
        self.end_quarantines(now);
        calls == 0 || self.free.len() + self.in_use.len() >= PAIRS_OF_CALL * (calls + 1)
    }

    /// The RTP port of a free pair; `None` where all are in use.
    pub fn allocate(&mut self, now: Instant) -> Option<LocalPort> {
        self.end_quarantines(now);
        let port = self.free.pop_front()?;
        self.in_use.insert(port);
        Some(port)
    }

    fn end_quarantines(&mut self, now: Instant) {
        while let Some(&(until, port)) = self.quarantined.front()
            && until <= now
        {
            self.quarantined.pop_front();
            self.free.push_back(port);
        }
    }

    /// Takes a pair back (at [`crate::Event::Closed`]). `false` where it was not given out: a
    /// pair is returned once.
    pub fn release(&mut self, port: LocalPort) -> bool {
        let was_in_use = self.in_use.remove(&port);
        if was_in_use {
            self.free.push_back(port);
        }
        was_in_use
    }

    /// Takes a pair back that the system refused ([`crate::Event::PortUnavailable`]): it is not
    /// given out again before the quarantine ends. `false` where it was not given out.
    pub fn quarantine(&mut self, now: Instant, port: LocalPort) -> bool {
        let was_in_use = self.in_use.remove(&port);
        if was_in_use {
            self.quarantined.push_back((now + self.quarantine, port));
        }
        was_in_use
    }

    /// How the pairs stand.
    pub fn counts(&self) -> PoolCounts {
        PoolCounts { free: self.free.len(), in_use: self.in_use.len(), quarantined: self.quarantined.len() }
    }
}

#[cfg(test)]
mod tests;
