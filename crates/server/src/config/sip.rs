//! `[sip]`

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::network::{Addresses, Listen, Use, addresses};
use super::reader::Section;

/// Where name servers listen.
const DNS_PORT: u16 = 53;

/// How this system appears to phones and trunks.
#[derive(Clone, Debug, PartialEq)]
pub struct Sip {
    /// The domain of the agents' addresses and the realm of their passwords.
    pub domain: String,
    /// Sockets, in order of the file, each once.
    pub listen: Vec<Listen>,
    /// The addresses that others send SIP to: one of each family in `listen`.
    pub advertised: Addresses,
    /// Name servers; none: those of the system.
    pub dns: Vec<SocketAddr>,
    /// Where requests for agents and trunks go first, as a SIP URI.
    pub outbound_proxy: Option<String>,
    /// Calls in progress may go on so long after the order to end.
    pub drain_timeout: Duration,
    /// `[sip.timers]`
    pub timers: SipTimers,
    /// `[sip.registrar]`
    pub registrar: Registrar,
    /// `[sip.limits]`
    pub limits: SipLimits,
}

/// RFC 3261 §17 and what else SIP waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipTimers {
    /// T1: the round trip that retransmissions start from.
    pub t1: Duration,
    /// T2: the longest pause between retransmissions.
    pub t2: Duration,
    /// T4: how long a message may stay in the network.
    pub t4: Duration,
    /// How long a number that a call overflowed to may ring.
    pub ring_max: Duration,
    /// A call ends after this, however busy it is.
    pub call_max: Duration,
}

/// Registrations of agents' phones and their passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registrar {
    /// Granted where the phone asks for none.
    pub expires_default: Duration,
    /// Less is refused with 423.
    pub expires_min: Duration,
    /// More is shortened to this.
    pub expires_max: Duration,
    /// Phones of one agent at once.
    pub contacts_max: u32,
    /// Wrong passwords from one address before it has to wait.
    pub failures_max: u32,
    /// How long it has to wait; doubled with each further failure, up to five minutes.
    pub failure_back_off: Duration,
    /// The digest algorithms of challenges.
    pub digest: Digest,
}

/// Which digest algorithms a phone may choose from (RFC 8760).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256 first, MD5 for phones that know nothing better.
    Both,
    /// SHA-256 alone.
    Sha256,
    /// MD5 alone: for phones that give up at a challenge they do not know.
    Md5,
}

/// Bounds, each with its answer in `docs/configuration.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipLimits {
    /// Bytes of a message.
    pub message_bytes_max: u32,
    /// Header lines of a message.
    pub headers_max: u32,
    /// Transactions at once.
    pub transactions_max: u32,
    /// Dialogs at once.
    pub dialogs_max: u32,
    /// Calls at once.
    pub calls_max: u32,
    /// New calls in a second, from everywhere together.
    pub calls_per_second: u32,
    /// Registered phones.
    pub registrations_max: u32,
    /// TCP connections at once.
    pub tcp_connections_max: u32,
    /// A TCP connection without a message is closed after this.
    pub tcp_idle_timeout: Duration,
    /// What `Retry-After` says where a bound is reached.
    pub retry_after: Duration,
}

pub(super) fn read(section: &mut Section<'_>) -> Sip {
    let domain = section.required("domain", "cc.example.com").map(|(domain, span)| {
        if domain.contains(['@', ':', '/', ' ', ';']) {
            section.error(span, "`domain` is no host name; write it without sip: and without a port, as in \"cc.example.com\"");
        }
        domain
    });
    let listen = read_listen(section);
    let mut advertised = addresses(section, "advertised", "", Use::Reachable);
    let mut bound = Addresses::default();
    for Listen { address, .. } in listen.iter().filter(|listen| !listen.address.ip().is_unspecified()) {
        bound.add(address.ip());
    }
    advertised.fill_from(bound);
    Sip {
        domain: domain.unwrap_or_default(),
        listen,
        advertised,
        dns: read_dns(section),
        outbound_proxy: uri(section, "outbound_proxy", "sip:proxy.example.com;lr"),
        drain_timeout: section.duration("drain_timeout", "10m", "0s", "1d"),
        timers: read_timers(section.table("timers")),
        registrar: read_registrar(section.table("registrar")),
        limits: read_limits(section.table("limits")),
    }
}

fn read_dns(section: &mut Section<'_>) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for (text, span) in section.one_or_more("dns", "") {
        let address = text.parse::<SocketAddr>();
        match address.or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::new(address, DNS_PORT))) {
            Ok(server) => servers.push(server),
            Err(_) => section.error(
                span,
                format!("`dns`: \"{text}\" is no address; write it as 192.0.2.53 or 192.0.2.53:5353"),
            ),
        }
    }
    servers
}

fn read_listen(section: &mut Section<'_>) -> Vec<Listen> {
    let mut listen = Vec::new();
    for (text, span) in section.one_or_more("listen", "udp:0.0.0.0:5060 tcp:0.0.0.0:5060") {
        match Listen::parse(&text) {
            Ok(socket) if listen.contains(&socket) => {
                section.error(span, format!("`listen` names {socket} twice; leave one out"));
            }
            Ok(socket) => listen.push(socket),
            Err(wrong) => section.error(span, format!("`listen`: {wrong}")),
        }
    }
    listen
}

fn read_timers(mut section: Section<'_>) -> SipTimers {
    let timers = SipTimers {
        t1: section.duration("t1", "500ms", "50ms", "5s"),
        t2: section.duration("t2", "4s", "500ms", "1m"),
        t4: section.duration("t4", "5s", "500ms", "1m"),
        ring_max: section.duration("ring_max", "3m", "5s", "10m"),
        call_max: section.duration("call_max", "12h", "1m", "7d"),
    };
    if timers.t2 < timers.t1 {
        section.error(section.span(), "`t2` is shorter than `t1`; RFC 3261 §17 has 500ms and 4s");
    }
    timers
}

fn read_registrar(mut section: Section<'_>) -> Registrar {
    let registrar = Registrar {
        expires_default: section.duration("expires_default", "10m", "10s", "1d"),
        expires_min: section.duration("expires_min", "1m", "1s", "1h"),
        expires_max: section.duration("expires_max", "1h", "10s", "7d"),
        contacts_max: section.integer("contacts_max", 4, 1..=32),
        failures_max: section.integer("failures_max", 5, 1..=1000),
        failure_back_off: section.duration("failure_back_off", "10s", "1s", "5m"),
        digest: section.word(
            "digest",
            "md5",
            &[("both", Digest::Both), ("sha-256", Digest::Sha256), ("md5", Digest::Md5)],
        ),
    };
    let Registrar { expires_min, expires_default, expires_max, .. } = registrar;
    if expires_min > expires_default || expires_default > expires_max {
        section.error(
            section.span(),
            "`expires_default` does not lie between `expires_min` and `expires_max`; put the three in order",
        );
    }
    registrar
}

fn read_limits(mut section: Section<'_>) -> SipLimits {
    SipLimits {
        message_bytes_max: section.integer("message_bytes_max", 65_535, 1_500..=1_048_576),
        headers_max: section.integer("headers_max", 256, 32..=4096),
        transactions_max: section.integer("transactions_max", 100_000, 16..=10_000_000),
        dialogs_max: section.integer("dialogs_max", 20_000, 4..=1_000_000),
        calls_max: section.integer("calls_max", 2_500, 1..=250_000),
        calls_per_second: section.integer("calls_per_second", 1_000, 1..=100_000),
        registrations_max: section.integer("registrations_max", 50_000, 1..=1_000_000),
        tcp_connections_max: section.integer("tcp_connections_max", 10_000, 1..=1_000_000),
        tcp_idle_timeout: section.duration("tcp_idle_timeout", "30m", "10s", "1d"),
        retry_after: section.duration("retry_after", "5s", "1s", "10m"),
    }
}

/// A SIP URI, read by the reader of the SIP side.
pub(super) fn uri(section: &mut Section<'_>, key: &'static str, example: &str) -> Option<String> {
    let (text, span) = section.text(key)?;
    let read = sip::Uri::parse(text.as_bytes());
    if text.starts_with("sips:") {
        section.error(
            span,
            format!("`{key}`: \"{text}\" asks for TLS, which is not spoken; write sip: instead"),
        );
    } else if !read.is_ok_and(|uri| uri.as_sip().is_some()) {
        section.error(span, format!("`{key}`: \"{text}\" is no SIP address; write it as \"{example}\""));
    }
    Some(text)
}
