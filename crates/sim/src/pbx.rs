//! A PBX as the product sees one: a stateless proxy that stays in the way of every dialog
//! (RFC 3261 §16.11, with Record-Route as in §16.6 step 4).
//!
//! It forwards whatever comes and edits headers as text, so that it shares no mistake with our own composing. All
//! that it keeps are the Call-IDs that it has seen since it was started: a PBX that starts anew does not know
//! the calls of before, and says so.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use bytes::Bytes;
use sip::{Host, Transport, Via};
use timing::Instant;

use crate::network::Datagram;

/// The tag of its own answers: whoever refuses needs one (RFC 3261 §8.2.6.2), and no dialog comes of them.
const TAG: &str = "pbx";

/// What becomes of a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handled {
    /// This is sent: the datagram forwarded, or an answer to it.
    Sent(Datagram),
    /// Nothing: nobody is there to take it, or it belongs to a call that is forgotten.
    Dropped,
    /// It cannot be forwarded, which is somebody's mistake.
    Unreadable,
}

/// A stateless proxy at one address.
#[derive(Clone, Debug)]
pub struct Pbx {
    address: SocketAddr,
    /// Where requests go whose Request-URI names a domain.
    centre: SocketAddr,
    /// Calls since it was started.
    known: BTreeSet<String>,
    /// Until then it is not there.
    silent_until: Instant,
    /// Until then it takes no new calls.
    refuses_until: Instant,
}

impl Pbx {
    /// A proxy at `address` that sends what is for the centre's domain to `centre`.
    pub fn new(address: SocketAddr, centre: SocketAddr) -> Pbx {
        Pbx {
            address,
            centre,
            known: BTreeSet::new(),
            silent_until: Instant::ORIGIN,
            refuses_until: Instant::ORIGIN,
        }
    }

    /// Starts it anew: its calls are forgotten. It is silent until one moment, and then refuses new calls with 503
    /// until another.
    pub fn restart(&mut self, silent_until: Instant, refuses_until: Instant) {
        self.known.clear();
        self.silent_until = silent_until;
        self.refuses_until = refuses_until;
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A datagram arrived.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &Datagram) -> Handled {
        if now < self.silent_until {
            return Handled::Dropped;
        }
        let text = std::str::from_utf8(&datagram.bytes).ok();
        let Some((head, body)) = text.and_then(|text| text.split_once("\r\n\r\n")) else {
            return Handled::Unreadable;
        };
        let lines: Vec<String> = head.split("\r\n").map(str::to_owned).collect();
        let Some(call_id) = find(&lines, "Call-ID").map(|index| value(&lines[index]).to_owned()) else {
            return Handled::Unreadable;
        };
        if self.known.contains(&call_id) {
            return self.forward(lines, body, datagram.from);
        }
        let is_new = lines[0].starts_with("INVITE ")
            && find(&lines, "To").is_some_and(|to| !value(&lines[to]).contains(";tag="));
        if is_new && self.refuses_until <= now {
            self.known.insert(call_id);
            return self.forward(lines, body, datagram.from);
        }
        // What is no request of a call is not answered: RFC 3261 §17 has no answer to an ACK or to a response.
        if lines[0].starts_with("SIP/2.0 ") || lines[0].starts_with("ACK ") {
            return Handled::Dropped;
        }
        let status = if is_new { "503 Service Unavailable" } else { "481 Call/Transaction Does Not Exist" };
        self.answer(status, &lines, datagram.from)
    }

    /// Refuses a request where it came from.
    fn answer(&self, status: &str, lines: &[String], to: SocketAddr) -> Handled {
        let mut answer = format!("SIP/2.0 {status}\r\n");
        for line in lines.iter().filter(|line| is_copied(line)) {
            let is_to = named(line, "To");
            let tag = if is_to && !line.contains(";tag=") { format!(";tag={TAG}") } else { String::new() };
            answer.push_str(&format!("{line}{tag}\r\n"));
        }
        answer.push_str("Content-Length: 0\r\n\r\n");
        Handled::Sent(Datagram { from: self.address, to, bytes: Bytes::from(answer) })
    }

    fn forward(&self, lines: Vec<String>, body: &str, source: SocketAddr) -> Handled {
        self.forwarded(lines, body, source).map_or(Handled::Unreadable, Handled::Sent)
    }

    fn forwarded(&self, mut lines: Vec<String>, body: &str, source: SocketAddr) -> Option<Datagram> {
        let to = if lines[0].starts_with("SIP/2.0 ") {
            self.response(&mut lines)?
        } else {
            self.request(&mut lines, source)?
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
    lines.iter().position(|line| named(line, name))
}

fn named(line: &str, name: &str) -> bool {
    line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        && line[name.len()..].trim_start().starts_with(':')
}

/// Whether an answer repeats this line of its request (RFC 3261 §8.2.6.2).
fn is_copied(line: &str) -> bool {
    ["Via", "From", "To", "Call-ID", "CSeq"].iter().any(|name| named(line, name))
}

fn value(line: &str) -> &str {
    line.split_once(':').map_or("", |(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: ([u8; 4], u16) = ([10, 1, 0, 1], 5060);
    const CENTRE: ([u8; 4], u16) = ([10, 0, 0, 1], 5060);

    fn say(pbx: &mut Pbx, seconds: u64, request: &str, call_id: &str, to: &str) -> Handled {
        let bytes = format!(
            "{request} sip:100@cc.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.0.1:5060;branch=z9hG4bKa\r\n\
             Max-Forwards: 70\r\nFrom: <sip:c0@x>;tag=a\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: 1 {request}\r\n\r\n"
        );
        let datagram = Datagram { from: PHONE.into(), to: pbx.address(), bytes: Bytes::from(bytes) };
        pbx.handle_datagram(Instant::from_secs(seconds), &datagram)
    }

    fn start(handled: &Handled) -> String {
        match handled {
            Handled::Sent(datagram) => {
                let text = String::from_utf8_lossy(&datagram.bytes);
                format!("{} {}", datagram.to.ip(), text.split_whitespace().nth(1).unwrap_or_default())
            }
            Handled::Dropped => "dropped".to_owned(),
            Handled::Unreadable => "unreadable".to_owned(),
        }
    }

    #[test]
    fn after_a_restart_old_calls_are_unknown_and_new_ones_wait_for_the_service() {
        let mut pbx = Pbx::new(([10, 1, 255, 2], 5060).into(), CENTRE.into());
        let (fresh, known) = ("<sip:100@x>", "<sip:100@x>;tag=b");
        let forwarded = "10.0.0.1 sip:100@cc.example.com";
        assert_eq!(start(&say(&mut pbx, 1, "INVITE", "old", fresh)), forwarded);
        assert_eq!(start(&say(&mut pbx, 1, "BYE", "old", known)), forwarded);
        pbx.restart(Instant::from_secs(3), Instant::from_secs(5));
        assert_eq!(start(&say(&mut pbx, 2, "BYE", "old", known)), "dropped");
        assert_eq!(start(&say(&mut pbx, 3, "BYE", "old", known)), "10.1.0.1 481");
        assert_eq!(start(&say(&mut pbx, 3, "ACK", "old", known)), "dropped");
        assert_eq!(start(&say(&mut pbx, 4, "INVITE", "new", fresh)), "10.1.0.1 503");
        assert_eq!(start(&say(&mut pbx, 5, "INVITE", "new", fresh)), forwarded);
        assert_eq!(start(&say(&mut pbx, 5, "ACK", "new", known)), forwarded);
    }
}
