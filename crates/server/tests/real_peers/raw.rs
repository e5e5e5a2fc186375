//! A caller by hand, for what SIPp's scenarios cannot say: the same request twice, and a CANCEL whose
//! moment does not depend on what has arrived.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(10);
/// RFC 3261 §17.1.1.1: T1.
const REPEAT: Duration = Duration::from_millis(500);

/// One call over UDP.
pub(crate) struct Caller {
    socket: UdpSocket,
    server: SocketAddr,
    call: String,
    /// The To header of the last answer that had a tag.
    to: String,
    /// The Contact of the 200.
    target: String,
}

/// How a call ended that was cancelled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Race {
    /// 487.
    Cancelled,
    /// 200 came first; acknowledged and ended.
    Answered,
}

impl Caller {
    /// A caller of number 100 with a name of its own.
    pub(crate) fn new(server: SocketAddr, call: &str) -> Caller {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("loopback has free ports");
        socket.set_read_timeout(Some(Duration::from_millis(5))).expect("not zero");
        let target = format!("sip:100@{server}");
        Caller { socket, server, call: call.to_owned(), to: "<sip:100@cc.test>".to_owned(), target }
    }

    /// Sends a request of this call; INVITE, its ACK for a refusal and CANCEL share a branch.
    pub(crate) fn send(&self, method: &str, sequence: u32, branch: &str) {
        let local = self.socket.local_addr().expect("it is bound");
        let (call, to, target) = (&self.call, &self.to, &self.target);
        let sdp = format!(
            "v=0\r\no=raw 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n",
            local.port()
        );
        let (content_type, body) =
            if method == "INVITE" { ("Content-Type: application/sdp\r\n", sdp.as_str()) } else { ("", "") };
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{call}{branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:0215{call}@pbx.test>;tag={call}\r\nTo: {to}\r\nCall-ID: {call}\r\n\
             CSeq: {sequence} {method}\r\nContact: <sip:caller@{local}>\r\n{content_type}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send_to(text.as_bytes(), self.server).expect("loopback takes datagrams");
    }

    /// The status and method of the next response, if one comes soon.
    fn hear(&mut self) -> Option<(u16, String)> {
        let mut buffer = [0; 4_096];
        let length = self.socket.recv(&mut buffer).ok()?;
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let header = |name: &str| {
            let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let status = text.split(' ').nth(1)?.parse().ok()?;
        if let Some(to) = header("to:").filter(|to| to.contains(";tag=")) {
            self.to = to;
        }
        if let Some(contact) = header("contact:").filter(|_| (200..300).contains(&status)) {
            self.target = contact.trim_start_matches('<').split('>').next()?.to_owned();
        }
        Some((status, header("cseq:")?.split(' ').nth(1)?.to_owned()))
    }

    /// Waits for a response to a method; `again` is called when it is time to repeat the request.
    pub(crate) fn await_final(&mut self, method: &str, again: impl Fn(&Caller)) -> u16 {
        let begun = Instant::now();
        let mut repeat_at = begun + REPEAT;
        loop {
            assert!(begun.elapsed() < LIMIT, "no answer to {method} in call {}", self.call);
            if let Some((status, of)) = self.hear()
                && of == method
                && status >= 200
            {
                return status;
            }
            if Instant::now() >= repeat_at {
                again(self);
                repeat_at += REPEAT;
            }
        }
    }

    /// Calls, gives up after `patience`, and follows whatever comes of it to its end.
    pub(crate) fn give_up_after(mut self, patience: Duration) -> Race {
        self.send("INVITE", 1, "i");
        // A timeout of the socket is no finer than a tick of the kernel.
        self.socket.set_nonblocking(true).expect("a socket of ours");
        let begun = Instant::now();
        let mut answered = None;
        while begun.elapsed() < patience && answered.is_none() {
            answered = self.hear().filter(|(status, _)| *status >= 200).map(|(status, _)| status);
        }
        self.socket.set_nonblocking(false).expect("a socket of ours");
        let target = format!("sip:100@{}", self.server);
        let status = match answered {
            Some(status) => status,
            None => {
                // RFC 3261 §9.1: the CANCEL carries the To of the request, without a tag.
                let early = Caller {
                    socket: self.socket.try_clone().expect("an open socket"),
                    to: "<sip:100@cc.test>".to_owned(),
                    call: self.call.clone(),
                    target: target.clone(),
                    ..self
                };
                early.send("CANCEL", 1, "i");
                self.await_final("INVITE", |_| early.send("CANCEL", 1, "i"))
            }
        };
        if status == 487 {
            self.target = target;
            self.send("ACK", 1, "i");
            return Race::Cancelled;
        }
        assert_eq!(status, 200);
        self.send("ACK", 1, "a");
        self.send("BYE", 2, "b");
        assert_eq!(self.await_final("BYE", |caller| caller.send("BYE", 2, "b")), 200);
        Race::Answered
    }
}
