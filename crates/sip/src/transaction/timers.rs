//! How long things take: the timer table of RFC 3261 §17 (its table 4) with RFC 6026.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The timers of all transactions. [`Timers::default`] is what the RFC says; [`Timers::from_t1`]
/// scales everything that the RFC derives from T1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timers {
    /// T1, the estimate of a round trip: the first interval between retransmissions (timers A, E, G).
    pub t1: Duration,
    /// T2: the longest interval between retransmissions of responses to INVITE and of other requests.
    pub t2: Duration,
    /// T4: how long a message may live in the network (timers I and K over UDP).
    pub t4: Duration,
    /// Timer B: how long an INVITE waits for any response.
    pub b: Duration,
    /// Timer C: how long an INVITE may ring, counted from its last provisional response, before it
    /// is cancelled (RFC 3261 §16.6 step 11 asks for more than three minutes).
    pub c: Duration,
    /// Timer D: how long a refused INVITE answers retransmitted refusals over UDP.
    pub d: Duration,
    /// Timers F and J: how long any other request waits for its final response, and how long its
    /// answer is kept for retransmissions.
    pub f: Duration,
    /// Timers H, L and M: how long an answer to INVITE waits for its ACK and keeps absorbing
    /// retransmissions (RFC 6026 §7.1, §7.2).
    pub h: Duration,
}

impl Timers {
    /// The RFC's figures for a given T1.
    pub fn from_t1(t1: Duration) -> Timers {
        let long = t1.saturating_mul(64);
        Timers {
            t1,
            t2: t1.saturating_mul(8),
            t4: t1.saturating_mul(10),
            b: long,
            c: Duration::from_secs(200),
            d: long.max(Duration::from_secs(32)),
            f: long,
            h: long,
        }
    }
}

impl Default for Timers {
    fn default() -> Timers {
        Timers::from_t1(Duration::from_millis(500))
    }
}
