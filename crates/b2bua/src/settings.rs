//! What a [`B2bua`](crate::B2bua) is told about media and its limits.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Settings of a [`B2bua`](crate::B2bua); the user agent below has its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Our IPv4 address in session descriptions. An offer in a family we have no address for is
    /// refused with 488.
    pub media_v4: Option<IpAddr>,
    /// Our IPv6 address in session descriptions.
    pub media_v6: Option<IpAddr>,
    /// Local ports for RTP and RTCP. When none is left a call is refused with 503.
    pub ports: media::PortPoolSettings,
    /// Trunks whose calls are not anchored: session descriptions go from end to end untouched.
    pub direct: BTreeSet<sip::TrunkId>,
    /// How large a session description may be.
    pub sdp: media::sdp::Limits,
    /// Calls at once; one more is refused with 503 and Retry-After.
    pub calls_max: usize,
    /// Retry-After of that 503.
    pub retry_after: Duration,
    /// An attempt that rings longer has failed (the application usually ends it before).
    pub ring_max: Duration,
    /// A conversation that lasts longer is ended; `None`: never.
    pub talk_max: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            media_v4: None,
            media_v6: None,
            ports: media::PortPoolSettings::default(),
            direct: BTreeSet::new(),
            sdp: media::sdp::Limits::default(),
            calls_max: 5_000,
            retry_after: Duration::from_secs(5),
            ring_max: Duration::from_secs(180),
            talk_max: Some(Duration::from_secs(4 * 3_600)),
        }
    }
}

impl Settings {
    /// Our address in the family of `peer`.
    pub(crate) fn media_address(&self, peer: IpAddr) -> Option<IpAddr> {
        match peer.to_canonical() {
            IpAddr::V4(_) => self.media_v4,
            IpAddr::V6(_) => self.media_v6,
        }
    }
}
