//! The Via header: the way back (RFC 3261 §20.42, RFC 3581).

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::uri::parse_host_port;
use crate::{Host, Params, Syntax, lexis};

/// Every branch by RFC 3261 begins with this (§8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// A transport.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// RFC 3261 §18.
    Udp,
    /// RFC 3261 §18.
    Tcp,
    /// RFC 3261 §26.2.1.
    Tls,
    /// RFC 4168.
    Sctp,
    /// RFC 7118.
    Ws,
    /// RFC 7118.
    Wss,
    /// Any other, as written.
    Other(String),
}

/// One Via.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Via {
    /// Protocol and version where they are not `SIP/2.0`: such a request is answered 505, with its Via.
    pub protocol: Option<String>,
    /// What the message was sent over.
    pub transport: Transport,
    /// Host in sent-by.
    pub host: Host,
    /// Port in sent-by.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport`, `maddr`, `ttl` and all others, in order.
    pub params: Params,
}

impl Transport {
    /// The transport of this name, whatever its case; `None` where it is no token.
    pub fn parse(text: &[u8]) -> Option<Transport> {
        let known =
            [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Sctp, Transport::Ws, Transport::Wss];
        let found =
            known.into_iter().find(|transport| text.eq_ignore_ascii_case(transport.as_str().as_bytes()));
        if found.is_some() {
            return found;
        }
        let name = std::str::from_utf8(text).ok().filter(|_| lexis::is_all_token(text))?;
        Some(Transport::Other(name.to_owned()))
    }

    /// As it stands in a Via.
    pub fn as_str(&self) -> &str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Sctp => "SCTP",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
            Transport::Other(name) => name,
        }
    }

    /// Whether the transport itself repeats what is lost (RFC 3261 §17). An unknown one is assumed not to.
    pub fn is_reliable(&self) -> bool {
        match self {
            Transport::Udp | Transport::Other(_) => false,
            Transport::Tcp | Transport::Tls | Transport::Sctp | Transport::Ws | Transport::Wss => true,
        }
    }

    /// The port where none is written (RFC 3261 §19.1.2).
    pub fn default_port(&self) -> u16 {
        match self {
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
            Transport::Udp | Transport::Tcp | Transport::Sctp | Transport::Other(_) => 5060,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Via {
    /// A Via of ours, asking for `rport` (RFC 3581 §3).
    pub fn new(transport: Transport, host: Host, port: Option<u16>, branch: &str) -> Via {
        let mut params = Params::new();
        params.set("branch", Some(branch));
        params.set("rport", None);
        Via { protocol: None, transport, host, port, params }
    }

    /// Reads one value.
    pub fn parse(text: &[u8]) -> Result<Via, Syntax> {
        let text = lexis::trim(text);
        let end = lexis::find_bare(text, b';').unwrap_or(text.len());
        let mut protocol = text[..end].splitn(3, |&octet| octet == b'/');
        let mut next = || protocol.next().map(lexis::trim).ok_or(Syntax::Via);
        let (name, version, rest) = (next()?, next()?, next()?);
        if !lexis::is_all_token(name) || !lexis::is_all_token(version) {
            return Err(Syntax::Via);
        }
        let is_usual = name.eq_ignore_ascii_case(b"SIP") && version == b"2.0";
        let own = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        let protocol = (!is_usual).then(|| format!("{}/{}", own(name), own(version)));
        let space = rest.iter().position(|&octet| lexis::is_space(octet)).ok_or(Syntax::Via)?;
        let transport = Transport::parse(&rest[..space]).ok_or(Syntax::Via)?;
        let sent_by = sent_by(lexis::trim(&rest[space..]))?;
        let (host, port) = parse_host_port(&sent_by)?;
        let params = Params::parse(&text[end..])?;
        if params.find("branch").is_some_and(|param| param.value.is_none()) {
            return Err(Syntax::Via);
        }
        Ok(Via { protocol, transport, host, port, params })
    }

    /// The branch, with its cookie.
    pub fn branch(&self) -> Option<&str> {
        self.params.value("branch")
    }

    /// Whether the branch identifies the transaction (RFC 3261 §17.2.3): it begins with the cookie and
    /// goes on after it. Otherwise the sender follows RFC 2543.
    pub fn has_magic_branch(&self) -> bool {
        let is_magic = |branch: &str| {
            branch.len() > MAGIC_COOKIE.len()
                && branch.is_char_boundary(MAGIC_COOKIE.len())
                && branch[..MAGIC_COOKIE.len()].eq_ignore_ascii_case(MAGIC_COOKIE)
        };
        self.branch().is_some_and(is_magic)
    }

    /// `received`, in brackets or (as RFC 5118 §4.5 allows) without.
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.value("received")?;
        text.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// The value of `rport`; `None` also where it is only asked for.
    pub fn rport(&self) -> Option<u16> {
        self.params.value("rport")?.parse().ok()
    }

    /// `maddr`.
    pub fn maddr(&self) -> Option<Host> {
        Host::parse(self.params.value("maddr")?.as_bytes()).ok()
    }

    /// `ttl`.
    pub fn ttl(&self) -> Option<u8> {
        self.params.value("ttl")?.parse().ok()
    }

    /// The port in sent-by, or the default one.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or_else(|| self.transport.default_port())
    }

    /// Notes where a request really came from: `received` where sent-by says something else or
    /// `rport` is asked for (RFC 3261 §18.2.1, RFC 3581 §4).
    pub fn note_source(&mut self, source: SocketAddr) {
        let source_ip = source.ip().to_canonical();
        if self.params.has("rport") {
            self.params.set("rport", Some(&source.port().to_string()));
            self.params.set("received", Some(&source_ip.to_string()));
        } else if self.host.ip() != Some(source_ip) {
            self.params.set("received", Some(&source_ip.to_string()));
        }
    }

    /// Where a response goes over an unreliable transport, or when the connection is gone
    /// (RFC 3261 §18.2.2, RFC 3581 §4); `Err` is a name and port to look up.
    pub fn response_target(&self) -> Result<SocketAddr, (Host, u16)> {
        let port = self.port_or_default();
        if let Some(maddr) = self.maddr() {
            return maddr.ip().map(|ip| SocketAddr::new(ip, port)).ok_or((maddr, port));
        }
        if let Some(received) = self.received() {
            return Ok(SocketAddr::new(received, self.rport().unwrap_or(port)));
        }
        self.host.ip().map(|ip| SocketAddr::new(ip, port)).ok_or_else(|| (self.host.clone(), port))
    }
}

/// RFC 3261 §25.1: white space may stand around the colon of sent-by, and nowhere else in it.
fn sent_by(text: &[u8]) -> Result<Cow<'_, [u8]>, Syntax> {
    let has_space = |text: &[u8]| text.iter().any(|&octet| lexis::is_space(octet));
    if !has_space(text) {
        return Ok(Cow::Borrowed(text));
    }
    if text.split(|&octet| octet == b':').any(|part| has_space(lexis::trim(part))) {
        return Err(Syntax::Via);
    }
    Ok(Cow::Owned(text.iter().copied().filter(|&octet| !lexis::is_space(octet)).collect()))
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = self.protocol.as_deref().unwrap_or("SIP/2.0");
        write!(f, "{protocol}/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)
    }
}
