//! What the shell tells a [`UserAgent`](super::UserAgent) about itself, its neighbours and its limits.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::transaction::Timers;
use crate::{Method, Protocol, Uri, digest, registrar};

/// Everything a user agent is told at its start. All of it may be changed later by
/// [`UserAgent::configure`](super::UserAgent::configure); calls in progress go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The domains whose users we know, in lower case; the first is our name in From and in the
    /// digest realm. Never empty.
    pub domains: Vec<String>,
    /// Where we listen. The first of a transport and address family is the one we send from.
    pub endpoints: Vec<Endpoint>,
    /// Neighbours from whom calls come and to whom calls go.
    pub trunks: Vec<Trunk>,
    /// Timers of all transactions.
    pub timers: Timers,
    /// Every bound and with it the answer to overload.
    pub limits: Limits,
    /// Expiry and bounds of registrations; at a bound the registrar answers 503 with Retry-After.
    pub registrar: registrar::RegistrarSettings,
    /// The digest algorithms of our challenges, the best first (RFC 8760 §2.4: a challenge each). Taken at
    /// the start.
    pub digest: Vec<digest::Algorithm>,
    /// How a source that guesses passwords is slowed down: 503 with Retry-After.
    pub backoff: digest::BackoffSettings,
    /// The Server and User-Agent header; none is written where this is empty.
    pub server: String,
    /// What the Allow header says; a method that is missing here is answered 405.
    pub allow: Vec<Method>,
    /// The option tags of the Supported header. A request that requires another one is answered 420.
    pub supported: Vec<String>,
    /// The body types an INVITE may carry; another is answered 415.
    pub accept: Vec<String>,
}

impl Settings {
    /// The usual settings for a domain and its addresses: no trunks, default timers and limits.
    pub fn new(domain: &str, endpoints: Vec<Endpoint>) -> Settings {
        Settings {
            domains: vec![domain.to_ascii_lowercase()],
            endpoints,
            trunks: Vec::new(),
            timers: Timers::default(),
            limits: Limits::default(),
            registrar: registrar::RegistrarSettings::default(),
            digest: vec![digest::Algorithm::Sha256, digest::Algorithm::Md5],
            backoff: digest::BackoffSettings::default(),
            server: "Cordboard".to_owned(),
            allow: vec![
                Method::Invite,
                Method::Ack,
                Method::Cancel,
                Method::Bye,
                Method::Options,
                Method::Register,
                Method::Info,
                Method::Update,
                Method::Refer,
                Method::Notify,
                Method::Message,
            ],
            supported: Vec::new(),
            accept: vec!["application/sdp".to_owned(), "multipart/mixed".to_owned()],
        }
    }
}

/// One listening address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// UDP or TCP.
    pub protocol: Protocol,
    /// The address of the socket; `local` of everything that arrives there or leaves from there.
    pub bound: SocketAddr,
    /// The host that we write into Via and Contact: a name, an IPv4 address or an IPv6 address in
    /// brackets. `bound` may be a wildcard, this may not.
    pub host: String,
    /// The port that we write into Via and Contact.
    pub port: u16,
}

/// Names a trunk; the configuration maps names to these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TrunkId(pub u32);

/// A neighbour: a PBX or a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trunk {
    /// Its number in this configuration.
    pub id: TrunkId,
    /// Its name, for reports.
    pub name: String,
    /// Sources whose INVITEs are this trunk's. The first trunk with a fitting network wins.
    pub networks: Vec<Network>,
    /// The name and secret of this trunk: what it must answer to our challenge, and what we answer
    /// to a challenge on a call to it. They are never shown to anybody else.
    pub credentials: Option<TrunkCredentials>,
    /// Whether INVITEs from `networks` must also answer a digest challenge with `credentials`.
    pub challenge: bool,
    /// Where calls to this trunk are sent whatever their Request-URI says (RFC 3261 §8.1.2: the only
    /// entry of the pre-loaded route set, `lr` understood).
    pub outbound_proxy: Option<Uri>,
    /// New INVITEs a second from this trunk before 503; `None` is no limit of its own.
    pub calls_per_second: Option<u32>,
}

/// A digest user and secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkCredentials {
    /// The digest user name.
    pub user: String,
    /// The password in clear: digest needs it.
    pub secret: String,
}

impl std::fmt::Debug for TrunkCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrunkCredentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Any address of the block.
    pub address: IpAddr,
    /// How many leading bits are shared: up to 32 for IPv4, up to 128 for IPv6.
    pub prefix: u8,
}

impl Network {
    /// Whether `address` lies in this block. An IPv4 address written as IPv6 (`::ffff:a.b.c.d`) counts
    /// as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let shift = 32 - u32::from(self.prefix.min(32));
                (u64::from(ours.to_bits()) >> shift) == (u64::from(theirs.to_bits()) >> shift)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let shift = 128 - u32::from(self.prefix.min(128));
                let cut = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
                cut(ours.to_bits()) == cut(theirs.to_bits())
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Bounds. What happens at each is written beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Of single messages: more is answered 513, and a stream closed.
    pub message: crate::Limits,
    /// Transactions of both kinds. At the limit a request outside of a dialog is answered 503 with
    /// Retry-After; at twice the limit one inside of a dialog is too, and
    /// [`UserAgent::invite`](super::UserAgent::invite) is refused.
    pub transactions: usize,
    /// Sessions, ringing and talking. At the limit an INVITE is answered 503 with Retry-After; at twice the limit
    /// [`UserAgent::invite`](super::UserAgent::invite) is refused: whoever was let in can be put through.
    pub sessions: usize,
    /// Early dialogs of one outgoing INVITE (forks). More are not followed; their answers are
    /// acknowledged and ended.
    pub forks: usize,
    /// New INVITEs a second from everybody together. More is answered 503 with Retry-After.
    pub calls_per_second: u32,
    /// Requests of one session that the application has not answered yet. More is answered 500 with
    /// Retry-After.
    pub exchanges: usize,
    /// Open streams that we keep framing state for. At the limit the oldest one over which neither a call,
    /// a registration nor an answer came is closed, or else the new one; one that we opened ourselves always
    /// finds room. Keep it below what the shell accepts.
    pub connections: usize,
    /// How long a stream that others opened may take until its first message. Then it is closed.
    pub first_message: Duration,
    /// What Retry-After says in our 503.
    pub retry_after: Duration,
    /// Whether a caller over UDP who has not shown to be where it says is sent no more than three octets for each of
    /// its INVITE, beside the 1xx that is repeated once a minute: answers that would go beyond are not sent. A
    /// caller shows it by a digest, or by an ACK with the tag of our answer, and is believed for an hour.
    pub is_amplification_bounded: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message: crate::Limits::default(),
            transactions: 100_000,
            sessions: 20_000,
            forks: 16,
            calls_per_second: 2_000,
            exchanges: 4,
            connections: 8_000,
            first_message: Duration::from_secs(30),
            retry_after: Duration::from_secs(5),
            is_amplification_bounded: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str, prefix: u8) -> Network {
        Network { address: address.parse().expect("an address"), prefix }
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let block = network("192.0.2.0", 24);
        assert!(block.contains("192.0.2.255".parse().expect("an address")));
        assert!(block.contains("::ffff:192.0.2.1".parse().expect("an address")));
        assert!(!block.contains("192.0.3.0".parse().expect("an address")));
        assert!(!block.contains("2001:db8::1".parse().expect("an address")));
        assert!(network("0.0.0.0", 0).contains("8.8.8.8".parse().expect("an address")));
        assert!(network("2001:db8::", 32).contains("2001:db8:1::1".parse().expect("an address")));
        assert!(!network("2001:db8::1", 128).contains("2001:db8::2".parse().expect("an address")));
        assert!(network("::", 0).contains("2001:db8::2".parse().expect("an address")));
    }
}
