//! What may be sent to a source that has not shown yet that it is where it says it is.
//!
//! Whoever forges the source of a datagram has our answers sent to somebody else. One that accepts a call is repeated
//! up to ten times, which would make us a tool for flooding others. RFC 9000 §8.1 sets the measure: three times the octets
//! that came.

use serde::{Deserialize, Serialize};

/// How many octets may be sent for one that came over UDP from a source that has shown nothing.
pub(crate) const AMPLIFICATION_MAX: usize = 3;

/// What is left for one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allowance {
    left: usize,
    /// What each copy of the request adds.
    share: usize,
}

/// Octets of a BYE, as they usually are.
const FAREWELL: usize = 600;

/// What a message is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// It is said for the first time: all that is left.
    New,
    /// A final response once more: no more than leaves room for the BYE that may have to follow.
    Again,
}

impl Allowance {
    /// That of a request of so many octets.
    pub(crate) fn of(octets: usize) -> Allowance {
        let share = octets.saturating_mul(AMPLIFICATION_MAX);
        Allowance { left: share, share }
    }

    /// The request came again.
    pub(crate) fn again(&mut self) {
        self.left = self.left.saturating_add(self.share);
    }

    /// Takes so many octets; `false` where they are not to be had.
    pub(crate) fn take(&mut self, octets: usize, worth: Worth) -> bool {
        let reserve = match worth {
            Worth::New => 0,
            Worth::Again => FAREWELL,
        };
        let is_left = self.left >= octets.saturating_add(reserve);
        if is_left {
            self.left -= octets;
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_times_the_request_are_sent_and_no_octet_more() {
        let mut allowance = Allowance::of(100);
        assert!(allowance.take(300, Worth::New));
        assert!(!allowance.take(1, Worth::New));
        allowance.again();
        assert!(!allowance.take(301, Worth::New) && allowance.take(300, Worth::New));
    }

    #[test]
    fn what_is_said_again_leaves_room_for_what_is_to_follow() {
        let mut allowance = Allowance::of(800);
        assert!(allowance.take(800, Worth::New) && allowance.take(800, Worth::Again));
        assert!(!allowance.take(800, Worth::Again), "the BYE would find no room");
        assert!(allowance.take(600, Worth::New));
    }
}
