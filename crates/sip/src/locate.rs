//! From a URI to addresses (RFC 3263), without a resolver: questions come out, answers go in.
//!
//! With an outbound proxy, locate the proxy's URI instead of the request's.

mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::{Host, Protocol, SipUri, Transport, Uri};

/// What we can send over, and how much is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocateSettings {
    /// Our transports, the preferred first: the order in which SRV records are asked for where the
    /// domain states no order of its own by NAPTR.
    pub protocols: Vec<Protocol>,
    /// Whether we can send to IPv4 addresses.
    pub ipv4: bool,
    /// Whether we can send to IPv6 addresses; they come first where a host has both.
    pub ipv6: bool,
    /// Host names followed; further ones, which are the least preferred, are left out.
    pub hosts: usize,
    /// Targets given; further ones are left out.
    pub targets: usize,
}

impl Default for LocateSettings {
    fn default() -> LocateSettings {
        LocateSettings {
            protocols: vec![Protocol::Udp, Protocol::Tcp],
            ipv4: true,
            ipv6: true,
            hosts: 8,
            targets: 16,
        }
    }
}

/// A question to the DNS. Names are lower case, without a dot at the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Question {
    /// RFC 3403.
    Naptr(String),
    /// RFC 2782.
    Srv(String),
    /// IPv4 addresses.
    A(String),
    /// IPv6 addresses.
    Aaaa(String),
}

/// Records that answer a [`Question`], of its kind; empty where the name or the kind does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Records {
    /// Answers [`Question::Naptr`].
    Naptr(Vec<Naptr>),
    /// Answers [`Question::Srv`].
    Srv(Vec<Srv>),
    /// Answers [`Question::A`].
    A(Vec<Ipv4Addr>),
    /// Answers [`Question::Aaaa`].
    Aaaa(Vec<Ipv6Addr>),
}

/// A NAPTR record, as far as SIP uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Naptr {
    /// Lower comes first.
    pub order: u16,
    /// Within the same order, lower comes first.
    pub preference: u16,
    /// `s`: the replacement names SRV records.
    pub flags: String,
    /// `SIP+D2U`, `SIP+D2T`, `SIPS+D2T`, ...
    pub service: String,
    /// Where to go on.
    pub replacement: String,
}

/// A SRV record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Srv {
    /// Lower comes first.
    pub priority: u16,
    /// Share among those of the same priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; `.` or nothing: the service does not exist.
    pub target: String,
}

/// The resolver had no answer: timeout, server failure, refused. Not the same as an empty answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolverFailed;

/// Where a request can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// Over what.
    pub protocol: Protocol,
    /// Where to.
    pub address: SocketAddr,
}

/// Why there is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// `tel:` or another scheme that is no address. Configuration: name an outbound proxy.
    NotSip,
    /// A transport that we do not have (TLS included, so every `sips:`).
    NoTransport,
    /// The domain has no address for us. Trying again does not help.
    NotFound,
    /// The resolver failed. Trying again may help.
    Resolver,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::NotSip => "not a SIP URI",
            Failure::NoTransport => "a transport that we do not have",
            Failure::NotFound => "no address",
            Failure::Resolver => "the resolver failed",
        })
    }
}

impl std::error::Error for Failure {}

/// How far a [`Locator`] is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Questions are open.
    Asking,
    /// In the order in which to try; never empty.
    Found(Vec<Target>),
    /// There is none.
    Failed(Failure),
}

/// One search for the targets of a URI.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Locator {
    settings: LocateSettings,
    random: ChaCha20Rng,
    /// The host in the URI.
    domain: String,
    stage: Stage,
    questions: VecDeque<Question>,
    /// Asked and not answered.
    open: Vec<Question>,
    resolver_failed: bool,
    outcome: Outcome,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stage {
    /// RFC 3263 §4.1: which transports the domain prefers.
    Naptr,
    /// RFC 3263 §4.2: which hosts serve it. The names in the order of preference.
    Srv { names: Vec<(Protocol, String)>, answers: BTreeMap<String, Vec<Srv>> },
    /// Their addresses.
    Address { hosts: Vec<Endpoint>, v4: BTreeMap<String, Vec<Ipv4Addr>>, v6: BTreeMap<String, Vec<Ipv6Addr>> },
}

/// A host to be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Endpoint {
    protocol: Protocol,
    host: String,
    port: u16,
}

impl Locator {
    /// Begins a search. `seed` decides between SRV records by their weights. A numeric host is found
    /// at once: see [`Locator::outcome`].
    pub fn new(settings: LocateSettings, uri: &Uri, seed: u64) -> Locator {
        let mut locator = Locator {
            settings,
            random: ChaCha20Rng::seed_from_u64(seed),
            domain: String::new(),
            stage: Stage::Naptr,
            questions: VecDeque::new(),
            open: Vec::new(),
            resolver_failed: false,
            outcome: Outcome::Asking,
        };
        if let Err(failure) = locator.begin(uri) {
            locator.outcome = Outcome::Failed(failure);
        }
        locator
    }

    /// The next question to ask. Several may be open at once.
    pub fn poll_output(&mut self) -> Option<Question> {
        let question = self.questions.pop_front()?;
        self.open.push(question.clone());
        Some(question)
    }

    /// The answer to a question of [`Locator::poll_output`]; to any other nothing happens.
    pub fn handle_input(&mut self, question: &Question, answer: Result<Records, ResolverFailed>) {
        let Some(at) = self.open.iter().position(|open| open == question) else { return };
        self.open.swap_remove(at);
        if answer.is_err() {
            self.resolver_failed = true;
        }
        self.take(question, answer.ok());
        if self.open.is_empty() && self.questions.is_empty() && self.outcome == Outcome::Asking {
            self.advance();
        }
    }

    /// How far it is.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    fn begin(&mut self, uri: &Uri) -> Result<(), Failure> {
        let Uri::Sip(uri) = uri else { return Err(Failure::NotSip) };
        if uri.is_secure {
            return Err(Failure::NoTransport);
        }
        // RFC 3261 §19.1.1: maddr overrides the host.
        let maddr = uri.params.value("maddr").and_then(|maddr| Host::parse(maddr.as_bytes()).ok());
        let host = maddr.as_ref().unwrap_or(&uri.host);
        let asked = transport_asked(uri, &self.settings.protocols)?;
        // RFC 3263 §4.1: with a numeric host or a port, UDP unless the URI says otherwise.
        let usual = || {
            let has_udp = self.settings.protocols.contains(&Protocol::Udp);
            if has_udp { Some(Protocol::Udp) } else { self.settings.protocols.first().copied() }
        };
        let protocol = asked.or_else(usual).ok_or(Failure::NoTransport)?;
        let port = uri.port.unwrap_or(protocol.transport().default_port());
        let name = match host {
            Host::Name(name) => name.trim_end_matches('.').to_ascii_lowercase(),
            Host::V4(address) => return self.found_at_once(protocol, IpAddr::V4(*address), port),
            Host::V6(address) => return self.found_at_once(protocol, IpAddr::V6(*address), port),
        };
        self.domain = name.clone();
        if uri.port.is_some() {
            self.ask_addresses(vec![Endpoint { protocol, host: name, port }]);
        } else if let Some(protocol) = asked {
            self.ask_srv(vec![(protocol, srv_name(protocol, &name))]);
        } else {
            self.questions.push_back(Question::Naptr(name));
        }
        Ok(())
    }

    fn found_at_once(&mut self, protocol: Protocol, address: IpAddr, port: u16) -> Result<(), Failure> {
        let is_usable = match address {
            IpAddr::V4(_) => self.settings.ipv4,
            IpAddr::V6(_) => self.settings.ipv6,
        };
        if !is_usable {
            return Err(Failure::NotFound);
        }
        self.outcome = Outcome::Found(vec![Target { protocol, address: SocketAddr::new(address, port) }]);
        Ok(())
    }

    fn ask_srv(&mut self, names: Vec<(Protocol, String)>) {
        for (_, name) in &names {
            let question = Question::Srv(name.clone());
            if !self.questions.contains(&question) {
                self.questions.push_back(question);
            }
        }
        self.stage = Stage::Srv { names, answers: BTreeMap::new() };
    }

    fn ask_addresses(&mut self, mut hosts: Vec<Endpoint>) {
        hosts.truncate(self.settings.hosts);
        for Endpoint { host, .. } in &hosts {
            for (is_usable, question) in [
                (self.settings.ipv6, Question::Aaaa(host.clone())),
                (self.settings.ipv4, Question::A(host.clone())),
            ] {
                if is_usable && !self.questions.contains(&question) {
                    self.questions.push_back(question);
                }
            }
        }
        self.stage = Stage::Address { hosts, v4: BTreeMap::new(), v6: BTreeMap::new() };
        if self.questions.is_empty() {
            self.outcome = Outcome::Failed(Failure::NotFound);
        }
    }
}

/// The transport in the URI; an error where we do not have it.
fn transport_asked(uri: &SipUri, ours: &[Protocol]) -> Result<Option<Protocol>, Failure> {
    let Some(name) = uri.params.value("transport") else { return Ok(None) };
    let protocol = match Transport::parse(name.as_bytes()) {
        Some(Transport::Udp) => Protocol::Udp,
        Some(Transport::Tcp) => Protocol::Tcp,
        Some(Transport::Tls | Transport::Sctp | Transport::Ws | Transport::Wss | Transport::Other(_))
        | None => {
            return Err(Failure::NoTransport);
        }
    };
    if ours.contains(&protocol) { Ok(Some(protocol)) } else { Err(Failure::NoTransport) }
}

fn srv_name(protocol: Protocol, domain: &str) -> String {
    match protocol {
        Protocol::Udp => format!("_sip._udp.{domain}"),
        Protocol::Tcp => format!("_sip._tcp.{domain}"),
    }
}
