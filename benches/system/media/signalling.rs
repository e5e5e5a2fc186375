//! Calls through Cordboard, one after the other, each with a caller and an agent who describe their own audio.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use super::description::{audio_port, description};
use super::pump::Ways;
use crate::systems::{AGENT_PORT, CALLER_PORT, SERVER_PORT};

/// The two ends; nothing is repeated, because loopback loses nothing that is read at once.
pub(super) struct Signalling {
    caller: UdpSocket,
    agent: UdpSocket,
}

impl Signalling {
    pub(super) fn new() -> Result<Signalling, String> {
        let bind = |port| -> std::io::Result<UdpSocket> {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
            socket.connect((Ipv4Addr::LOCALHOST, SERVER_PORT))?;
            socket.set_read_timeout(Some(Duration::from_secs(5)))?;
            Ok(socket)
        };
        let cannot = |error: std::io::Error| format!("no socket for signalling: {error}");
        Ok(Signalling {
            caller: bind(CALLER_PORT).map_err(cannot)?,
            agent: bind(AGENT_PORT).map_err(cannot)?,
        })
    }

    /// Makes a call whose people have these ports; where they send their audio.
    pub(super) fn call(&self, number: usize, ports: [u16; 2]) -> Result<Ways, String> {
        let invite = request("INVITE", number, "", &description(ports[0]));
        send(&self.caller, &invite)?;
        let offer = next(&self.agent, "INVITE ")?;
        send(&self.agent, &answer(&offer, number, &description(ports[1])))?;
        let accepted = next(&self.caller, "SIP/2.0 200")?;
        let tag = header(&accepted, "To").split_once(";tag=").map(|(_, tag)| format!(";tag={tag}"));
        send(&self.caller, &request("ACK", number, &tag.unwrap_or_default(), ""))?;
        next(&self.agent, "ACK ")?;
        let port = |text: &str| audio_port(text).ok_or_else(|| format!("no audio in: {text}"));
        Ok([port(&accepted)?, port(&offer)?].map(|port| (Ipv4Addr::LOCALHOST, port).into()))
    }
}

fn send(socket: &UdpSocket, message: &str) -> Result<(), String> {
    socket.send(message.as_bytes()).map(drop).map_err(|error| format!("a message cannot be sent: {error}"))
}

/// The next message that begins so; what comes before it is passed over, unless it refuses the call.
fn next(socket: &UdpSocket, begin: &str) -> Result<String, String> {
    let mut buffer = [0; 8_192];
    loop {
        let length = socket.recv(&mut buffer).map_err(|error| format!("no `{begin}` came: {error}"))?;
        let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if message.starts_with(begin) {
            return Ok(message);
        }
        let status = message.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
        if let Some(status) = status.filter(|status| *status >= 300) {
            return Err(format!("a call was refused with {status}"));
        }
    }
}

fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let line = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_default()
}

fn request(method: &str, number: usize, tag: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:100@127.0.0.1:{SERVER_PORT} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:{CALLER_PORT};branch=z9hG4bK{method}{number};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:c{number}@cc.test>;tag=c{number}\r\nTo: <sip:100@cc.test>{tag}\r\nCall-ID: media{number}\r\n\
         CSeq: 1 {method}\r\nContact: <sip:c{number}@127.0.0.1:{CALLER_PORT}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn answer(invite: &str, number: usize, body: &str) -> String {
    let vias = invite.lines().filter(|line| line.starts_with("Via: "));
    let vias: String = vias.map(|via| format!("{via}\r\n")).collect();
    let of = |name| header(invite, name);
    format!(
        "SIP/2.0 200 OK\r\n{vias}From: {}\r\nTo: {};tag=a{number}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:a@127.0.0.1:{AGENT_PORT}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        of("From"),
        of("To"),
        of("Call-ID"),
        of("CSeq"),
        body.len()
    )
}
