//! URIs: `sip:`, `sips:`, `tel:` and whatever else a peer may write.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Params, Syntax, lexis};

mod compare;
mod parse;
#[cfg(test)]
mod tests;

pub(crate) use parse::host_port as parse_host_port;

/// A URI. `==` compares what was written; [`Uri::is_equivalent`] compares as RFC 3261 §19.1.4 wants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Uri {
    /// `sip:` and `sips:` (RFC 3261 §19.1).
    Sip(SipUri),
    /// `tel:` (RFC 3966).
    Tel(TelUri),
    /// Any other scheme, unread: `urn:service:sos`, `http://...`.
    Other {
        /// The scheme in lower case.
        scheme: String,
        /// All after the colon.
        rest: String,
    },
}

/// `sip:user:password@host:port;params?headers`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SipUri {
    /// `sips:`.
    pub is_secure: bool,
    /// The user part as written, escapes included; see [`Uri::user`] for the decoded one.
    pub user: Option<SmolStr>,
    /// The password as written; RFC 3261 §19.1.1 recommends against it.
    pub password: Option<SmolStr>,
    /// Where to.
    pub host: Host,
    /// `None`: the default of the transport, or what DNS says.
    pub port: Option<u16>,
    /// `;transport=tcp;lr`...
    pub params: Params,
    /// `?Subject=x&Replaces=y`, names and values as written, escapes included.
    pub headers: Vec<(String, String)>,
}

/// `tel:+1-201-555-0123;phone-context=...`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TelUri {
    /// Digits and visual separators as written; global numbers begin with `+`.
    pub number: String,
    /// `;phone-context=`, `;ext=`, ...
    pub params: Params,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Host {
    /// A domain name, as written (compared without regard to case).
    Name(SmolStr),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; printed in brackets.
    V6(Ipv6Addr),
}

impl Uri {
    /// Reads a whole URI, without angle brackets.
    pub fn parse(text: &[u8]) -> Result<Uri, Syntax> {
        parse::uri(text)
    }

    /// `sip:user@host`, the user escaped as needed; empty `user`: none.
    pub fn sip(user: &str, host: Host, port: Option<u16>) -> Uri {
        let user = (!user.is_empty()).then(|| escape_user(user).into());
        let params = Params::new();
        Uri::Sip(SipUri { is_secure: false, user, password: None, host, port, params, headers: Vec::new() })
    }

    /// `sip`, `sips`, `tel` or the other scheme, in lower case.
    pub fn scheme(&self) -> &str {
        match self {
            Uri::Sip(uri) if uri.is_secure => "sips",
            Uri::Sip(_) => "sip",
            Uri::Tel(_) => "tel",
            Uri::Other { scheme, .. } => scheme,
        }
    }

    /// The `sip:` or `sips:` URI in it.
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Uri::Sip(uri) => Some(uri),
            Uri::Tel(_) | Uri::Other { .. } => None,
        }
    }

    /// The `sip:` or `sips:` URI in it.
    pub fn as_sip_mut(&mut self) -> Option<&mut SipUri> {
        match self {
            Uri::Sip(uri) => Some(uri),
            Uri::Tel(_) | Uri::Other { .. } => None,
        }
    }

    /// The user part without escapes (octets that are not UTF-8 replaced), or the number of a `tel:` URI.
    pub fn user(&self) -> Option<String> {
        match self {
            Uri::Sip(uri) => uri.user.as_deref().map(|user| lexis::readable(unescape(user))),
            Uri::Tel(uri) => Some(uri.number.clone()),
            Uri::Other { .. } => None,
        }
    }

    /// The host of a `sip:` or `sips:` URI.
    pub fn host(&self) -> Option<&Host> {
        self.as_sip().map(|uri| &uri.host)
    }

    /// The port of a `sip:` or `sips:` URI, where it is written.
    pub fn port(&self) -> Option<u16> {
        self.as_sip().and_then(|uri| uri.port)
    }

    /// The parameters; none in other schemes.
    pub fn param(&self, name: &str) -> Option<&str> {
        match self {
            Uri::Sip(uri) => uri.params.value(name),
            Uri::Tel(uri) => uri.params.value(name),
            Uri::Other { .. } => None,
        }
    }

    /// Whether a parameter is there, with or without a value (`lr`).
    pub fn has_param(&self, name: &str) -> bool {
        match self {
            Uri::Sip(uri) => uri.params.has(name),
            Uri::Tel(uri) => uri.params.has(name),
            Uri::Other { .. } => false,
        }
    }

    /// Sets a parameter; nothing in other schemes.
    pub fn set_param(&mut self, name: &str, value: Option<&str>) {
        match self {
            Uri::Sip(uri) => uri.params.set(name, value),
            Uri::Tel(uri) => uri.params.set(name, value),
            Uri::Other { .. } => {}
        }
    }

    /// Whether both name the same resource (RFC 3261 §19.1.4, RFC 3966 §4). Not transitive, so it
    /// cannot be `==`.
    pub fn is_equivalent(&self, other: &Uri) -> bool {
        compare::is_equivalent(self, other)
    }

    /// What may stand in a Request-URI or Contact of ours: without `headers` and without the
    /// `method` parameter (RFC 3261 §19.1.1, table 1).
    pub fn without_headers(mut self) -> Uri {
        if let Some(uri) = self.as_sip_mut() {
            uri.headers.clear();
            uri.params.remove("method");
        }
        self
    }
}

impl Host {
    /// Reads a host: a name, an IPv4 address, or an IPv6 address in brackets (RFC 3261 §25.1).
    pub fn parse(text: &[u8]) -> Result<Host, Syntax> {
        parse::host(text)
    }

    /// The address, where it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::V4(address) => Some(IpAddr::V4(*address)),
            Host::V6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// Whether both are the same host; names without regard to case and to a dot at the end.
    pub fn is_same(&self, other: &Host) -> bool {
        match (self, other) {
            (Host::Name(one), Host::Name(two)) => {
                one.trim_end_matches('.').eq_ignore_ascii_case(two.trim_end_matches('.'))
            }
            (Host::V4(one), Host::V4(two)) => one == two,
            (Host::V6(one), Host::V6(two)) => one == two,
            (Host::Name(_) | Host::V4(_) | Host::V6(_), _) => false,
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Host {
        match address {
            IpAddr::V4(address) => Host::V4(address),
            IpAddr::V6(address) => Host::V6(address),
        }
    }
}

impl From<SocketAddr> for Uri {
    fn from(address: SocketAddr) -> Uri {
        Uri::sip("", address.ip().into(), Some(address.port()))
    }
}

impl FromStr for Uri {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Uri, Syntax> {
        Uri::parse(text.as_bytes())
    }
}

impl FromStr for Host {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Host, Syntax> {
        Host::parse(text.as_bytes())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::V4(address) => address.fmt(f),
            Host::V6(address) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uri::Sip(uri) => uri.fmt(f),
            Uri::Tel(uri) => write!(f, "tel:{}{}", uri.number, uri.params),
            Uri::Other { scheme, rest } => write!(f, "{scheme}:{rest}"),
        }
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)?;
        for (at, (name, value)) in self.headers.iter().enumerate() {
            write!(f, "{}{name}={value}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

/// Escapes what may not stand in a user part (RFC 3261 §25.1, user). A NUL or line end is escaped too,
/// so whatever comes in cannot leave the URI.
pub fn escape_user(user: &str) -> String {
    escape(user, b"-_.!~*'()&=+$,;?/")
}

/// Escapes what may not stand in a URI header value (RFC 3261 §25.1, hvalue), for `?Replaces=...`.
pub fn escape_header(value: &str) -> String {
    escape(value, b"-_.!~*'()[]/?:+$")
}

fn escape(text: &str, allowed: &[u8]) -> String {
    use fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for &octet in text.as_bytes() {
        if octet.is_ascii_alphanumeric() || allowed.contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            write!(escaped, "%{octet:02X}").expect("a String takes everything");
        }
    }
    escaped
}

/// Decodes `%xx`; a `%` that begins no escape stands for itself.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [octet, after @ ..] = rest {
        rest = after;
        if *octet == b'%'
            && let [high, low, after @ ..] = rest
            && let (Some(high), Some(low)) = (lexis::hex_digit(*high), lexis::hex_digit(*low))
        {
            plain.push(high << 4 | low);
            rest = after;
        } else {
            plain.push(*octet);
        }
    }
    plain
}
