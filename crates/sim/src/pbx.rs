//! A PBX as the product sees one: a stateless proxy that stays in the way of every dialog
//! (RFC 3261 §16.11, with Record-Route as in §16.6 step 4).
//!
//! It forwards whatever comes, keeps nothing, and edits headers as text, so that it shares no mistake
//! with our own composing.

use std::net::SocketAddr;

use bytes::Bytes;
use sip::{Host, Transport, Via};

use crate::network::Datagram;

/// A stateless proxy at one address.
#[derive(Clone, Debug)]
pub struct Pbx {
    address: SocketAddr,
    /// Where requests go whose Request-URI names a domain.
    centre: SocketAddr,
}

impl Pbx {
    /// A proxy at `address` that sends what is for the centre's domain to `centre`.
    pub fn new(address: SocketAddr, centre: SocketAddr) -> Pbx {
        Pbx { address, centre }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What becomes of a datagram; `None` for what cannot be forwarded.
    pub fn forward(&self, datagram: &Datagram) -> Option<Datagram> {
        let text = std::str::from_utf8(&datagram.bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines: Vec<String> = head.split("\r\n").map(str::to_owned).collect();
        let to = if lines[0].starts_with("SIP/2.0 ") {
            self.response(&mut lines)?
        } else {
            self.request(&mut lines, datagram.from)?
        };
        let bytes = Bytes::from(format!("{}\r\n\r\n{body}", lines.join("\r\n")));
        Some(Datagram { from: self.address, to, bytes })
    }

    /// Takes our Via off; the next one says where to.
    fn response(&self, lines: &mut Vec<String>) -> Option<SocketAddr> {
        let ours = find(lines, "Via")?;
        lines.remove(ours);
        let next = find(lines, "Via")?;
        Via::parse(value(&lines[next]).as_bytes()).ok()?.response_target().ok()
    }

    fn request(&self, lines: &mut Vec<String>, source: SocketAddr) -> Option<SocketAddr> {
        let hops = find(lines, "Max-Forwards")?;
        let left = value(&lines[hops]).parse::<u8>().ok()?.checked_sub(1)?;
        lines[hops] = format!("Max-Forwards: {left}");
        // RFC 3261 §16.4: a Route that names us has led here and is taken off.
        if let Some(route) = find(lines, "Route").filter(|&route| self.is_ours(&lines[route])) {
            lines.remove(route);
        }
        let target = match find(lines, "Route") {
            Some(route) => self.target(value(&lines[route])),
            None => self.target(lines[0].split(' ').nth(1)?),
        };
        let top = find(lines, "Via")?;
        let mut via = Via::parse(value(&lines[top]).as_bytes()).ok()?;
        via.note_source(source);
        lines[top] = format!("Via: {via}");
        let host = Host::parse(self.address.ip().to_string().as_bytes()).ok()?;
        // RFC 3261 §16.11: the branch of a stateless proxy follows from that of the request, so that
        // CANCEL and the ACK for a refusal find the transaction of their INVITE.
        let branch =
            format!("{}pbx{}", sip::MAGIC_COOKIE, via.branch()?.trim_start_matches(sip::MAGIC_COOKIE));
        let ours = Via::new(Transport::Udp, host, Some(self.address.port()), &branch);
        lines.insert(top, format!("Via: {ours}"));
        if lines[0].starts_with("INVITE ") {
            lines.insert(1, format!("Record-Route: <sip:{};lr>", self.address));
        }
        Some(target)
    }

    fn is_ours(&self, line: &str) -> bool {
        value(line).contains(&self.address.to_string())
    }

    /// The address in a URI; a name is the centre's.
    fn target(&self, uri: &str) -> SocketAddr {
        let host = uri.rsplit('@').next().unwrap_or(uri);
        let host = host.trim_start_matches('<').trim_start_matches("sip:");
        let end = host.find([';', '>']).unwrap_or(host.len());
        host[..end].parse().unwrap_or(self.centre)
    }
}

/// The first line of a header, by its long name. What we compose and answer has long names only.
fn find(lines: &[String], name: &str) -> Option<usize> {
    lines.iter().position(|line| {
        line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            && line[name.len()..].trim_start().starts_with(':')
    })
}

fn value(line: &str) -> &str {
    line.split_once(':').map_or("", |(_, value)| value.trim())
}
