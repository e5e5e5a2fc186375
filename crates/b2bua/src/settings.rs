//! What a [`B2bua`](crate::B2bua) is told about media and its limits.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
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
    /// Whose RTP is taken from accounts, and from whoever is found by DNS.
    pub latching: media::Latching,
    /// The same for trunks that have a rule of their own.
    pub trunk_latching: BTreeMap<sip::TrunkId, media::Latching>,
    /// Addresses of this machine beside the two in descriptions. A description that sends our media to one
    /// of our own media ports is refused with 488.
    pub own_addresses: BTreeSet<IpAddr>,
    /// Takes descriptions that send our media to a loopback address; without it they are refused with
    /// 488, unless our own address is such a one.
    pub allow_loopback: bool,
    /// How large a session description may be.
    pub sdp: media::sdp::Limits,
    /// Calls at once; one more is refused with 503 and Retry-After.
    pub calls_max: usize,
    /// Retry-After of that 503.
    pub retry_after: Duration,
    /// An attempt that rings longer has failed (the application usually ends it before).
    pub ring_max: Duration,
    /// A call that lasts longer is ended, counted from its arrival, whether it waits, rings or talks; `None`:
    /// never. While it waits nothing else may end it: where the caller is silent, or media is direct, nobody
    /// hears of a peer that died.
    pub call_max: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            media_v4: None,
            media_v6: None,
            ports: media::PortPoolSettings::default(),
            direct: BTreeSet::new(),
            latching: media::Latching::default(),
            trunk_latching: BTreeMap::new(),
            own_addresses: BTreeSet::new(),
            allow_loopback: false,
            sdp: media::sdp::Limits::default(),
            calls_max: 5_000,
            retry_after: Duration::from_secs(5),
            ring_max: Duration::from_secs(180),
            call_max: Some(Duration::from_secs(4 * 3_600)),
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

    /// Whose RTP is taken on a leg over this trunk, or over none.
    pub(crate) fn source_rule(
        &self,
        trunk: Option<sip::TrunkId>,
        signalling_host: Option<IpAddr>,
    ) -> media::SourceRule {
        let own = trunk.and_then(|trunk| self.trunk_latching.get(&trunk));
        media::SourceRule {
            latching: own.copied().unwrap_or(self.latching),
            signalling_host: signalling_host.map(|host| host.to_canonical()),
        }
    }

    /// Whether a description sends media to ourselves: to a service of this machine, or into another call.
    pub(crate) fn leads_to_us(&self, description: &media::sdp::Session) -> bool {
        description.media.iter().any(|media| {
            let rtp = description.rtp_address(media);
            rtp.into_iter().chain(description.rtcp_address(media)).any(|address| self.is_us(address))
        })
    }

    fn is_us(&self, address: SocketAddr) -> bool {
        let host = address.ip().to_canonical();
        let announced = [self.media_v4, self.media_v6];
        let is_own = announced.contains(&Some(host)) || self.own_addresses.contains(&host);
        let is_media_port = (self.ports.first..=self.ports.last).contains(&address.port());
        let takes_loopback = self.allow_loopback || announced.iter().flatten().any(IpAddr::is_loopback);
        host.is_loopback() && !takes_loopback || (is_own || host.is_loopback()) && is_media_port
    }
}
