//! Partitions: one part of the network hears nothing of another for a while.

use timing::Instant;

use super::Datagram;

/// Nothing gets from here to there until it heals. Two of them cut both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Who is not heard.
    pub from: sip::Network,
    /// By whom.
    pub to: sip::Network,
    /// When it heals.
    pub until: Instant,
}

impl Cut {
    pub(super) fn has_healed(&self, now: Instant) -> bool {
        self.until <= now
    }

    pub(super) fn holds_back(&self, datagram: &Datagram) -> bool {
        self.from.contains(datagram.from.ip()) && self.to.contains(datagram.to.ip())
    }
}
