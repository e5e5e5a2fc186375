//! Addresses, networks and listening sockets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::reader::Section;

/// How SIP travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// Connections.
    Tcp,
}

/// A socket that SIP listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listen {
    /// Over what.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        };
        write!(f, "{transport}:{}", self.address)
    }
}

impl Listen {
    /// Whether the system gives only one of the two: a wildcard has every address of its family.
    pub fn conflicts(&self, other: &Listen) -> bool {
        let (one, two) = (self.address.ip(), other.address.ip());
        let meet =
            one == two || (one.is_ipv4() == two.is_ipv4() && (one.is_unspecified() || two.is_unspecified()));
        self.transport == other.transport && self.address.port() == other.address.port() && meet
    }

    /// `udp:0.0.0.0:5060`, `tcp:[::]:5060`; otherwise what is wrong and the remedy.
    pub(super) fn parse(text: &str) -> Result<Listen, String> {
        let example = "write it as \"udp:0.0.0.0:5060\" or \"tcp:[::]:5060\"";
        let (transport, rest) = match text.split_once(':') {
            Some(("udp", rest)) => (Transport::Udp, rest),
            Some(("tcp", rest)) => (Transport::Tcp, rest),
            Some(("tls" | "ws" | "wss", _)) => {
                return Err(format!("\"{text}\": only udp and tcp are spoken; {example}"));
            }
            Some(_) | None => return Err(format!("\"{text}\" does not begin with udp: or tcp:; {example}")),
        };
        Ok(Listen { transport, address: socket(rest)? })
    }
}

/// An address with a port; IPv6 in brackets.
pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| {
        let without_port = text.rsplit_once(':').map_or(text, |(host, _)| host);
        if text.parse::<IpAddr>().is_ok() || without_port.parse::<Ipv6Addr>().is_ok() {
            format!("\"{text}\" has no port or no brackets; write IPv4 as 192.0.2.1:5060 and IPv6 as [2001:db8::1]:5060")
        } else {
            format!("\"{text}\" is no address with a port; write it as 192.0.2.1:5060 (a name is not resolved here)")
        }
    })?;
    if address.port() == 0 {
        return Err(format!("\"{text}\" has the port 0; choose one, SIP's is 5060"));
    }
    Ok(address)
}

/// A range of addresses: those who share the first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// Its first address.
    pub fn address(&self) -> IpAddr {
        self.base
    }

    /// How many leading bits its addresses share.
    pub fn prefix(&self) -> u8 {
        self.bits
    }

    /// Whether the address lies in it. An IPv4 address that came through an IPv6 socket counts as itself.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => mask_v4(address, self.bits) == base,
            (IpAddr::V6(base), IpAddr::V6(address)) => mask_v6(address, self.bits) == base,
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Whether some address lies in both.
    pub fn overlaps(&self, other: &Network) -> bool {
        self.contains(other.base) || other.contains(self.base)
    }

    /// Whether it is the whole internet.
    pub(super) fn is_everybody(&self) -> bool {
        self.bits == 0
    }

    /// `192.0.2.0/24`, `2001:db8::/32` or one address; otherwise what is wrong and the remedy.
    pub(super) fn parse(text: &str) -> Result<Network, String> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address
            .parse()
            .map_err(|_| format!("\"{text}\" is no network; write it as 192.0.2.0/24 or 2001:db8::/32"))?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => bits_max,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= bits_max).ok_or_else(|| {
                format!("\"{text}\": the length of the prefix is not within 0 to {bits_max}; write it as {address}/{bits_max}")
            })?,
        };
        let network = Network { base: masked(address, bits), bits };
        if network.base != address {
            return Err(format!("\"{text}\" has bits beyond its prefix; write {network}"));
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(mask_v4(address, bits)),
        IpAddr::V6(address) => IpAddr::V6(mask_v6(address, bits)),
    }
}

fn mask_v4(address: Ipv4Addr, bits: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

fn mask_v6(address: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

/// At most one address of each family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// IPv4.
    pub v4: Option<Ipv4Addr>,
    /// IPv6.
    pub v6: Option<Ipv6Addr>,
}

impl Addresses {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }

    /// The one of the same family as `other`.
    pub fn like(&self, other: IpAddr) -> Option<IpAddr> {
        match other {
            IpAddr::V4(_) => self.v4.map(IpAddr::V4),
            IpAddr::V6(_) => self.v6.map(IpAddr::V6),
        }
    }

    /// Takes from `other` the families that it lacks.
    pub(super) fn fill_from(&mut self, other: Addresses) {
        self.v4 = self.v4.or(other.v4);
        self.v6 = self.v6.or(other.v6);
    }

    /// Keeps the first address of each family; tells whether there was room.
    pub(super) fn add(&mut self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.is_none() && self.v4.insert(address) == &address,
            IpAddr::V6(address) => self.v6.is_none() && self.v6.insert(address) == &address,
        }
    }
}

/// Which addresses a setting may name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Others send to it.
    Reachable,
    /// We bind to it: `0.0.0.0` and `::` are all our own.
    Bind,
}

/// One address, or a list with at most one of each family.
pub(super) fn addresses(
    section: &mut Section<'_>,
    key: &'static str,
    default: &str,
    purpose: Use,
) -> Addresses {
    let mut found = Addresses::default();
    for (text, span) in section.one_or_more(key, default) {
        let wrong = match text.parse::<IpAddr>() {
            Err(_) => {
                Some(format!("`{key}`: \"{text}\" is no IP address; write it as 192.0.2.10 or 2001:db8::10"))
            }
            Ok(address) if purpose == Use::Reachable && !is_reachable(address) => Some(format!(
                "`{key}`: {address} cannot be reached by others; write the address that phones send to"
            )),
            Ok(address) if !found.add(address) => {
                Some(format!("`{key}` has two addresses of one family; leave one IPv4 and one IPv6"))
            }
            Ok(_) => None,
        };
        if let Some(wrong) = wrong {
            section.error(span, wrong);
        }
    }
    found
}

fn is_reachable(address: IpAddr) -> bool {
    let is_broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    !address.is_unspecified() && !address.is_multicast() && !is_broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).expect("a network")
    }

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        let net = network("192.0.2.128/25");
        assert!(net.contains("192.0.2.129".parse().expect("an address")));
        assert!(net.contains("::ffff:192.0.2.129".parse().expect("an address")));
        assert!(!net.contains("192.0.2.127".parse().expect("an address")));
        assert!(!net.contains("2001:db8::1".parse().expect("an address")));
        assert!(network("2001:db8::/32").contains("2001:db8:ffff::1".parse().expect("an address")));
        assert!(network("0.0.0.0/0").contains("203.0.113.9".parse().expect("an address")));
        assert!(network("192.0.2.7").overlaps(&network("192.0.2.0/24")));
        assert!(!network("192.0.2.0/25").overlaps(&net));
    }

    #[test]
    fn a_network_that_is_none_says_how_it_is_written() {
        let error = |text| Network::parse(text).expect_err("no network");
        assert!(error("192.0.2.5/24").ends_with("write 192.0.2.0/24"));
        assert!(error("192.0.2.0/33").contains("within 0 to 32"));
        assert!(error("pbx.example.com").contains("is no network"));
        assert!(error("::/129").contains("within 0 to 128"));
    }

    #[test]
    fn a_socket_is_read_back_as_it_was_written() {
        for text in ["udp:0.0.0.0:5060", "tcp:[2001:db8::1]:5061"] {
            assert_eq!(Listen::parse(text).expect("a socket").to_string(), text);
        }
    }

    #[test]
    fn a_socket_that_is_none_says_how_it_is_written() {
        let error = |text| Listen::parse(text).expect_err("no socket");
        assert!(error("0.0.0.0:5060").contains("does not begin with udp: or tcp:"));
        assert!(error("tls:0.0.0.0:5061").contains("only udp and tcp"));
        assert!(error("udp:2001:db8::1:5060").contains("IPv6 as [2001:db8::1]:5060"));
        assert!(error("udp:192.0.2.1").contains("has no port"));
        assert!(error("udp:192.0.2.1:0").contains("port 0"));
        assert!(error("udp:cc.example.com:5060").contains("a name is not resolved"));
    }
}
