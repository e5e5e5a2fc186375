//! Session descriptions (RFC 8866): a small model that keeps every line it does not know, in its
//! place, and writes back what it read.

mod parse;
mod write;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr};

pub use parse::{Limits, ParseError};

use crate::stream::{Codec, Direction};

/// A session description. `v=0` is implied; `o=` and the m-lines are typed; everything else stands
/// in `lines` in the order of writing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// `o=`: who made this description, and which version of it.
    pub origin: Origin,
    /// Session-level lines after `o=`: `s=`, `c=`, `t=`, `a=` and whatever else was there.
    pub lines: Vec<Line>,
    /// The m-lines with their own lines, in order. The position is the identity of a stream
    /// (RFC 3264 §8).
    pub media: Vec<Media>,
}

/// `o=` (RFC 8866 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// User name, `-` where there is none.
    pub username: SmolStr,
    /// Session identifier as written: some agents write more digits than 64 bits hold.
    pub session_id: SmolStr,
    /// Session version as written.
    pub version: SmolStr,
    /// The host.
    pub address: Connection,
}

/// `<nettype> <addrtype> <address>` as in `c=` and `o=`; the address as written, because it may be
/// a host name or a multicast group with a time to live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// `IN`.
    pub network: SmolStr,
    /// `IP4` or `IP6`.
    pub address_type: SmolStr,
    /// The address.
    pub address: SmolStr,
}

/// `a=name` or `a=name:value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Name, with case as written.
    pub name: SmolStr,
    /// What follows the colon.
    pub value: Option<SmolStr>,
}

/// One line below `o=` or below an m-line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    /// `c=`. There are one or two for many attributes, which are smaller.
    Connection(Box<Connection>),
    /// `a=`.
    Attribute(Attribute),
    /// Any other: letter and value.
    Other(char, SmolStr),
}

/// An m-line (RFC 8866 §5.14) and the lines below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// `audio`, `video`, `image`, `application` ...
    pub kind: SmolStr,
    /// Transport port; 0 = refused or switched off.
    pub port: u16,
    /// Number of ports where `/n` is written.
    pub port_count: Option<u16>,
    /// `RTP/AVP`, `RTP/SAVP`, `udptl` ...
    pub protocol: SmolStr,
    /// Formats in order of preference: payload numbers for RTP.
    pub formats: Vec<SmolStr>,
    /// The lines below, in order.
    pub lines: Vec<Line>,
}

impl Session {
    /// Reads a description. CRLF, LF and a missing last line end are taken; anything that cannot
    /// be answered sensibly is an error that names itself.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Session, ParseError> {
        parse::session(bytes, limits)
    }

    /// The session-level `c=`.
    pub fn connection(&self) -> Option<&Connection> {
        connection(&self.lines)
    }

    /// Session-level attributes in order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        attributes(&self.lines)
    }

    /// The direction of an m-line as its author sees it: its own attribute, else the session's,
    /// else both ways; narrowed by the old hold `c=0.0.0.0` (RFC 3264 §8.4), whose author does not
    /// want to receive. A refused m-line is inactive.
    pub fn direction(&self, media: &Media) -> Direction {
        if media.port == 0 {
            return Direction::Inactive;
        }
        let said = direction(&media.lines).or_else(|| direction(&self.lines)).unwrap_or_default();
        let nowhere = media
            .connection()
            .or_else(|| self.connection())
            .and_then(Connection::ip)
            .is_some_and(|address| address.is_unspecified());
        if nowhere { said.and(Direction::SendOnly) } else { said }
    }

    /// Whether its author holds the call: no RTP audio m-line in use wants to receive while at
    /// least one m-line is in use.
    pub fn is_hold(&self) -> bool {
        let mut audio = self.media.iter().filter(|media| media.kind == "audio" && media.port != 0).peekable();
        audio.peek().is_some() && audio.all(|media| !self.direction(media).receives())
    }

    /// The same description saying `direction` on every m-line in use, at media level, and nothing
    /// at session level.
    #[must_use]
    pub fn with_direction(mut self, direction: Direction) -> Session {
        self.lines.retain(|line| !line.is_direction());
        for media in self.media.iter_mut().filter(|media| media.port != 0) {
            media.set_direction(direction);
        }
        self
    }

    /// Where the author of this description wants RTP for an m-line. `None` for a refused m-line
    /// and for addresses nothing may be sent to: unspecified, multicast, broadcast, host names.
    pub fn rtp_address(&self, media: &Media) -> Option<SocketAddr> {
        if media.port == 0 {
            return None;
        }
        let address = media.connection().or_else(|| self.connection())?.ip()?;
        is_unicast(address).then_some(SocketAddr::new(address, media.port))
    }

    /// Where the author wants RTCP: `a=rtcp` (RFC 3605), else the RTP port + 1. `None` where it names
    /// another host than that of RTP: a call must not be made to send to a third party.
    pub fn rtcp_address(&self, media: &Media) -> Option<SocketAddr> {
        let rtp = self.rtp_address(media)?;
        let Some(value) = media.attribute("rtcp") else {
            return Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?));
        };
        let mut words = value.split_ascii_whitespace();
        let port = words.next()?.parse().ok().filter(|&port| port != 0)?;
        let is_elsewhere = words.nth(2).is_some_and(|address| address.parse() != Ok(rtp.ip()));
        (!is_elsewhere).then_some(SocketAddr::new(rtp.ip(), port))
    }
}

impl Media {
    /// The m-line's own `c=`.
    pub fn connection(&self) -> Option<&Connection> {
        connection(&self.lines)
    }

    /// The m-line's attributes in order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        attributes(&self.lines)
    }

    /// The value of the first attribute of that name; empty for a flag. `None` where absent.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes()
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
            .map(|attribute| attribute.value.as_deref().unwrap_or(""))
    }

    /// Whether this is RTP that the relay can carry: `RTP/AVP` or `RTP/AVPF`. With SRTP the header
    /// is signed with keys the relay does not hold, so nothing may be rewritten.
    pub fn is_plain_rtp(&self) -> bool {
        self.protocol.eq_ignore_ascii_case("RTP/AVP") || self.protocol.eq_ignore_ascii_case("RTP/AVPF")
    }

    /// RTP formats with their names, in the order of preference. Formats that are no payload
    /// number are left out.
    pub fn codecs(&self) -> Vec<Codec> {
        self.formats.iter().filter_map(|format| self.codec(format)).collect()
    }

    /// `a=ptime`, milliseconds.
    pub fn ptime_ms(&self) -> Option<u16> {
        self.attribute("ptime")?.trim().parse().ok().filter(|&ptime| ptime != 0)
    }

    /// Replaces whatever the m-line says about direction.
    pub fn set_direction(&mut self, direction: Direction) {
        self.lines.retain(|line| !line.is_direction());
        self.lines.push(Line::flag(direction.name()));
    }
}

impl Line {
    /// `a=name`.
    pub fn flag(name: &str) -> Line {
        Line::Attribute(Attribute { name: name.into(), value: None })
    }

    /// `a=name:value`.
    pub fn attribute(name: &str, value: impl Into<SmolStr>) -> Line {
        Line::Attribute(Attribute { name: name.into(), value: Some(value.into()) })
    }

    /// Whether this is one of the four direction attributes.
    pub fn is_direction(&self) -> bool {
        match self {
            Line::Attribute(attribute) => Direction::from_name(&attribute.name).is_some(),
            Line::Connection(_) | Line::Other(..) => false,
        }
    }
}

impl Connection {
    /// `IN IP4 …` or `IN IP6 …`.
    pub fn new(address: IpAddr) -> Connection {
        let address_type = if address.is_ipv4() { "IP4" } else { "IP6" };
        Connection {
            network: SmolStr::new_static("IN"),
            address_type: SmolStr::new_static(address_type),
            address: address.to_smolstr(),
        }
    }

    /// The address as a number; `None` for host names and for groups with a time to live.
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.parse().ok()
    }
}

impl fmt::Display for Session {
    /// The description with CRLF line ends, as it goes into a message body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write::session(self, f)
    }
}

fn connection(lines: &[Line]) -> Option<&Connection> {
    lines.iter().find_map(|line| match line {
        Line::Connection(connection) => Some(connection.as_ref()),
        Line::Attribute(_) | Line::Other(..) => None,
    })
}

fn attributes(lines: &[Line]) -> impl Iterator<Item = &Attribute> {
    lines.iter().filter_map(|line| match line {
        Line::Attribute(attribute) => Some(attribute),
        Line::Connection(_) | Line::Other(..) => None,
    })
}

fn direction(lines: &[Line]) -> Option<Direction> {
    attributes(lines).find_map(|attribute| Direction::from_name(&attribute.name))
}

fn is_unicast(address: IpAddr) -> bool {
    let broadcast = match address {
        IpAddr::V4(address) => address.is_broadcast(),
        IpAddr::V6(_) => false,
    };
    !address.is_unspecified() && !address.is_multicast() && !broadcast
}

#[cfg(test)]
mod tests;
