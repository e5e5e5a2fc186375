//! A telephone that writes its messages by hand, so that nothing of ours is tested against itself.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// Longer than anything here may take; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What a telephone speaks through.
pub enum Line {
    Udp(UdpSocket, SocketAddr),
    Tcp(TcpStream, Vec<u8>),
}

/// A telephone.
pub struct Phone {
    pub line: Line,
    pub name: &'static str,
}

/// What a telephone got.
#[derive(Clone, Debug)]
pub struct Message(pub String);

impl Message {
    pub fn status(&self) -> Option<u16> {
        self.0.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
    }

    pub fn method(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        let prefix = format!("{name}:");
        let line = self.0.lines().find(|line| line.starts_with(&prefix));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.0))[prefix.len()..].trim()
    }
}

impl Phone {
    pub fn udp(name: &'static str, to: SocketAddr) -> Phone {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        Phone { line: Line::Udp(socket, to), name }
    }

    pub fn tcp(name: &'static str, to: SocketAddr) -> Phone {
        Phone::over(name, TcpStream::connect(to).expect("SIP listens"))
    }

    pub fn over(name: &'static str, stream: TcpStream) -> Phone {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        Phone { line: Line::Tcp(stream, Vec::new()), name }
    }

    pub fn address(&self) -> SocketAddr {
        match &self.line {
            Line::Udp(socket, _) => socket.local_addr(),
            Line::Tcp(stream, _) => stream.local_addr(),
        }
        .expect("a bound socket has an address")
    }

    pub fn send(&mut self, text: &str) {
        match &mut self.line {
            Line::Udp(socket, to) => drop(socket.send_to(text.as_bytes(), *to).expect("loopback takes it")),
            Line::Tcp(stream, _) => stream.write_all(text.as_bytes()).expect("the other side reads"),
        }
    }

    /// The next message; `None` where the other side closed the stream.
    pub fn receive(&mut self) -> Option<Message> {
        match &mut self.line {
            Line::Udp(socket, from) => {
                let mut buffer = [0; 65_535];
                let (length, sender) = socket.recv_from(&mut buffer).expect("a message comes in time");
                *from = sender;
                Some(Message(String::from_utf8_lossy(&buffer[..length]).into_owned()))
            }
            Line::Tcp(stream, read) => loop {
                if let Some(message) = cut(read) {
                    return Some(message);
                }
                let mut buffer = [0; 4_096];
                match stream.read(&mut buffer) {
                    Ok(0) => return None,
                    Ok(length) => read.extend_from_slice(&buffer[..length]),
                    Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                    Err(error) => panic!("no message came in time: {error}"),
                }
            },
        }
    }

    /// The next message of this method or status; everything before it is passed over.
    pub fn expect(&mut self, wanted: &str) -> Message {
        loop {
            let message =
                self.receive().unwrap_or_else(|| panic!("{wanted} was wanted, the stream was closed"));
            if message.method() == wanted
                || message.status().is_some_and(|status| status.to_string() == wanted)
            {
                return message;
            }
        }
    }

    fn transport(&self) -> &'static str {
        match self.line {
            Line::Udp(..) => "UDP",
            Line::Tcp(..) => "TCP",
        }
    }

    /// A request of this phone outside any dialog.
    pub fn request(&self, method: &str, number: &str, call: &str) -> String {
        let (address, transport, name) = (self.address(), self.transport(), self.name);
        let body = if method == "INVITE" { sdp() } else { String::new() };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} sip:{number}@cc.example.com SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {address};rport;branch=z9hG4bK-{call}-{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{name}@pbx.example.com>;tag={call}\r\n\
             To: <sip:{number}@cc.example.com>\r\nCall-ID: {call}@test\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:{name}@{address};transport={}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            transport.to_lowercase(),
            body.len()
        )
    }

    /// ACK or BYE inside the dialog that this 200 to our INVITE made.
    pub fn inside(&self, answer: &Message, method: &str, sequence: u32) -> String {
        let contact = answer.header("Contact");
        let target = contact.trim_start_matches('<').split('>').next().expect("a contact");
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/{} {};rport;branch=z9hG4bK-{method}-{sequence}-{}\r\n\
             Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {sequence} {method}\r\n\
             Content-Length: 0\r\n\r\n",
            self.transport(),
            self.address(),
            answer.header("Call-ID"),
            answer.header("From"),
            answer.header("To"),
            answer.header("Call-ID"),
        )
    }

    /// Calls a number and acknowledges the 200; the 200.
    pub fn call(&mut self, number: &str, call: &str) -> Message {
        let invite = self.request("INVITE", number, call);
        self.send(&invite);
        let answer = self.expect("200");
        let ack = self.inside(&answer, "ACK", 1);
        self.send(&ack);
        answer
    }
}

/// A response to a request that a phone got.
pub fn response(request: &Message, status: &str, contact: SocketAddr, transport: &str, body: &str) -> String {
    let via: String =
        request.0.lines().filter(|line| line.starts_with("Via:")).map(|line| format!("{line}\r\n")).collect();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {status}\r\n{via}From: {}\r\nTo: {};tag=callee\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:callee@{contact};transport={transport}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        request.header("From"),
        request.header("To"),
        request.header("Call-ID"),
        request.header("CSeq"),
        body.len()
    )
}

pub fn sdp() -> String {
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0 8\r\n"
        .to_owned()
}

/// Cuts a whole message off the front.
fn cut(read: &mut Vec<u8>) -> Option<Message> {
    let head = read.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&read[..head]).into_owned();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length:"))
        .map_or(0, |length| length.trim().parse().expect("a number"));
    (read.len() >= head + length).then(|| {
        let message: Vec<u8> = read.drain(..head + length).collect();
        Message(String::from_utf8_lossy(&message).into_owned())
    })
}
