//! Messages that we write.
//!
//! The octets are written by our own serialiser, because rsip's loses bodies that are not UTF-8 and the
//! brackets of IPv6 (docs/decisions/0003-rsip-at-the-edge.md); [`from_rsip`] writes what was made with rsip.
//! No value can bring a line end or a NUL of its own into a message: [`ComposeError::Control`].

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::{Message, Method, Name, NameAddr, Uri, Via};

mod line;
mod reason;
#[cfg(test)]
mod tests;

use crate::message::Start;
use line::Line;
pub use reason::reason_phrase;

/// Why a message could not be composed. The fault is ours or the user's, never the network's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComposeError {
    /// A mandatory header was not given (RFC 3261 §8.1.1).
    Missing(Name),
    /// A name that is no token.
    Name(String),
    /// A value with CR, LF or NUL in it.
    Control(String),
    /// A status that is not between 100 and 699.
    Status(u16),
    /// The message to answer or to follow up lacks what that takes.
    Template,
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ComposeError::Missing(name) => write!(f, "{name} is missing"),
            ComposeError::Name(name) => write!(f, "{name:?} is no header name"),
            ComposeError::Control(line) => write!(f, "a line end or NUL in {line:?}"),
            ComposeError::Status(status) => write!(f, "{status} is no SIP status"),
            ComposeError::Template => f.write_str("the message at hand cannot be answered or followed up"),
        }
    }
}

impl std::error::Error for ComposeError {}

/// What both builders gather.
#[derive(Clone, Debug, Default)]
struct Parts {
    lines: Vec<Line>,
    content_type: Option<String>,
    body: Bytes,
}

/// A request in the making.
#[derive(Clone, Debug)]
pub struct RequestBuilder {
    method: Method,
    uri: String,
    vias: Vec<Line>,
    routes: Vec<Line>,
    max_forwards: u8,
    from: Option<Line>,
    to: Option<Line>,
    call_id: Option<Line>,
    cseq: Option<u32>,
    parts: Parts,
}

/// The usual Max-Forwards (RFC 3261 §8.1.1.6).
pub const MAX_FORWARDS: u8 = 70;

impl RequestBuilder {
    /// A request with Max-Forwards 70 and nothing else.
    pub fn new(method: Method, uri: &Uri) -> RequestBuilder {
        RequestBuilder {
            method,
            uri: uri.to_string(),
            vias: Vec::new(),
            routes: Vec::new(),
            max_forwards: MAX_FORWARDS,
            from: None,
            to: None,
            call_id: None,
            cseq: None,
            parts: Parts::default(),
        }
    }

    /// Adds a Via below those already there.
    #[must_use]
    pub fn via(mut self, via: &Via) -> RequestBuilder {
        self.vias.push(Line::new(Name::Via, via.to_string()));
        self
    }

    /// Sets From, tag included.
    #[must_use]
    pub fn from(mut self, from: &NameAddr) -> RequestBuilder {
        self.from = Some(Line::new(Name::From, from.to_string()));
        self
    }

    /// Sets To; without a tag outside a dialog.
    #[must_use]
    pub fn to(mut self, to: &NameAddr) -> RequestBuilder {
        self.to = Some(Line::new(Name::To, to.to_string()));
        self
    }

    /// Sets Call-ID.
    #[must_use]
    pub fn call_id(mut self, call_id: &str) -> RequestBuilder {
        self.call_id = Some(Line::new(Name::CallId, call_id));
        self
    }

    /// Sets the number in CSeq; the method is that of the request.
    #[must_use]
    pub fn cseq(mut self, number: u32) -> RequestBuilder {
        self.cseq = Some(number);
        self
    }

    /// Sets Max-Forwards.
    #[must_use]
    pub fn max_forwards(mut self, hops: u8) -> RequestBuilder {
        self.max_forwards = hops;
        self
    }

    /// Adds a Route below those already there.
    #[must_use]
    pub fn route(mut self, route: &NameAddr) -> RequestBuilder {
        self.routes.push(Line::new(Name::Route, route.to_string()));
        self
    }

    /// Adds a Contact.
    #[must_use]
    pub fn contact(self, contact: &NameAddr) -> RequestBuilder {
        self.header(Name::Contact, contact)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: Name, value: impl fmt::Display) -> RequestBuilder {
        self.parts.lines.push(Line::new(name, value.to_string()));
        self
    }

    /// Adds a header by its spelling, its value as octets: what is passed on from another message.
    #[must_use]
    pub fn raw_header(mut self, spelling: &[u8], value: &[u8]) -> RequestBuilder {
        self.parts.lines.push(Line::raw(spelling, value));
        self
    }

    /// Sets Content-Type and body.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: Bytes) -> RequestBuilder {
        self.parts.content_type = Some(content_type.to_owned());
        self.parts.body = body;
        self
    }

    /// Writes the request. Content-Length is always there and always right.
    pub fn build(self) -> Result<Message, ComposeError> {
        let cseq = self.cseq.ok_or(ComposeError::Missing(Name::CSeq))?;
        let mut lines = self.vias;
        if lines.is_empty() {
            return Err(ComposeError::Missing(Name::Via));
        }
        lines.extend(self.routes);
        lines.push(Line::new(Name::MaxForwards, self.max_forwards.to_string()));
        lines.push(self.from.ok_or(ComposeError::Missing(Name::From))?);
        lines.push(self.to.ok_or(ComposeError::Missing(Name::To))?);
        lines.push(self.call_id.ok_or(ComposeError::Missing(Name::CallId))?);
        lines.push(Line::new(Name::CSeq, format!("{cseq} {}", self.method)));
        line::write(Start::Request(&self.method, self.uri.as_bytes()), &lines, &self.parts)
    }
}

/// A response in the making.
#[derive(Clone, Debug)]
pub struct ResponseBuilder {
    status: u16,
    reason: Option<String>,
    head: Vec<Line>,
    /// The value of To.
    to: Vec<u8>,
    to_has_tag: bool,
    top_via: Via,
    parts: Parts,
}

/// A response to `request` (which may be the readable part of a broken one): Via, From, To, Call-ID,
/// CSeq and, for 101 to 299 (RFC 3261 §12.1.1), Record-Route are copied. Fails with
/// [`ComposeError::Template`] where the request is not answerable.
pub fn response_to(request: &Message, status: u16) -> Result<ResponseBuilder, ComposeError> {
    if !(100..700).contains(&status) {
        return Err(ComposeError::Status(status));
    }
    let top_via = request.top_via().map_err(|_| ComposeError::Template)?;
    let mut head: Vec<Line> =
        request.values(Name::Via).skip(1).map(|via| Line::new(Name::Via, via)).collect();
    if (101..300).contains(&status) {
        head.extend(request.fields(Name::RecordRoute).map(|route| Line::copy(&route)));
    }
    for name in [Name::From, Name::CallId, Name::CSeq] {
        head.push(Line::copy(&request.fields(name).next().ok_or(ComposeError::Template)?));
    }
    // RFC 3261 §8.2.6.1: a 100 repeats the Timestamp.
    if status == 100 {
        head.extend(request.fields(Name::Timestamp).next().map(|stamp| Line::copy(&stamp)));
    }
    let to = request.header(Name::To).ok_or(ComposeError::Template)?.into_owned();
    let to_has_tag = request.to_tag().is_some();
    Ok(ResponseBuilder { status, reason: None, head, to, to_has_tag, top_via, parts: Parts::default() })
}

impl ResponseBuilder {
    /// Notes in the top Via where the request came from (`received`, `rport`).
    #[must_use]
    pub fn source(mut self, source: SocketAddr) -> ResponseBuilder {
        self.top_via.note_source(source);
        self
    }

    /// A reason phrase other than the usual one.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> ResponseBuilder {
        self.reason = Some(reason.to_owned());
        self
    }

    /// Our tag. Used where the request had none and the status is not 100 (RFC 3261 §8.2.6.2).
    #[must_use]
    pub fn to_tag(mut self, tag: &str) -> ResponseBuilder {
        if !self.to_has_tag && self.status != 100 {
            self.to.extend_from_slice(b";tag=");
            self.to.extend_from_slice(tag.as_bytes());
            self.to_has_tag = true;
        }
        self
    }

    /// Adds a Contact.
    #[must_use]
    pub fn contact(self, contact: &NameAddr) -> ResponseBuilder {
        self.header(Name::Contact, contact)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: Name, value: impl fmt::Display) -> ResponseBuilder {
        self.parts.lines.push(Line::new(name, value.to_string()));
        self
    }

    /// Adds a header by its spelling, its value as octets.
    #[must_use]
    pub fn raw_header(mut self, spelling: &[u8], value: &[u8]) -> ResponseBuilder {
        self.parts.lines.push(Line::raw(spelling, value));
        self
    }

    /// Sets Content-Type and body.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: Bytes) -> ResponseBuilder {
        self.parts.content_type = Some(content_type.to_owned());
        self.parts.body = body;
        self
    }

    /// Writes the response.
    pub fn build(self) -> Result<Message, ComposeError> {
        let mut lines = vec![Line::new(Name::Via, self.top_via.to_string())];
        lines.extend(self.head);
        lines.push(Line::new(Name::To, self.to));
        let reason = self.reason.as_deref().unwrap_or_else(|| reason_phrase(self.status));
        line::write(Start::Response(self.status, reason), &lines, &self.parts)
    }
}

/// A message that was made with `rsip`, written by our serialiser: its body octet for octet, its
/// Content-Length ours, IPv6 hosts in brackets.
pub fn from_rsip(message: &rsip::SipMessage) -> Result<Message, ComposeError> {
    match message {
        rsip::SipMessage::Request(request) => {
            let uri = Uri::try_from(&request.uri).map_err(|_| ComposeError::Template)?.to_string();
            let method =
                Method::parse(request.method.to_string().as_bytes()).ok_or(ComposeError::Template)?;
            rest_of_rsip(Start::Request(&method, uri.as_bytes()), &request.headers, &request.body)
        }
        rsip::SipMessage::Response(response) => {
            let status = response.status_code.code();
            rest_of_rsip(Start::Response(status, reason_phrase(status)), &response.headers, &response.body)
        }
    }
}

fn rest_of_rsip(start: Start<'_>, headers: &rsip::Headers, body: &[u8]) -> Result<Message, ComposeError> {
    let is_kept = |header: &&rsip::Header| !matches!(header, rsip::Header::ContentLength(_));
    let lines: Vec<Line> = headers.iter().filter(is_kept).map(from_rsip_header).collect();
    let parts = Parts { body: Bytes::copy_from_slice(body), ..Parts::default() };
    line::write(start, &lines, &parts)
}

fn from_rsip_header(header: &rsip::Header) -> Line {
    match header {
        rsip::Header::Other(name, value) => Line::raw(name.as_bytes(), value.as_bytes()),
        header => {
            let text = header.to_string();
            let (name, value) = text.split_once(": ").unwrap_or((&text, ""));
            Line::raw(name.as_bytes(), value.as_bytes())
        }
    }
}

/// The CANCEL for an INVITE that we sent (RFC 3261 §9.1): its Request-URI, top Via, From, To without
/// more, Call-ID, CSeq number and Route.
pub fn cancel_of(invite: &Message) -> Result<Message, ComposeError> {
    follow_up(invite, &Method::Cancel, None)
}

/// The ACK for a final response from 300 on (RFC 3261 §17.1.1.3): like the INVITE, To from the response.
pub fn ack_of(invite: &Message, response: &Message) -> Result<Message, ComposeError> {
    follow_up(invite, &Method::Ack, Some(response))
}

fn follow_up(invite: &Message, method: &Method, response: Option<&Message>) -> Result<Message, ComposeError> {
    let (number, _) = invite.cseq().map_err(|_| ComposeError::Template)?;
    let via = invite.top_via().map_err(|_| ComposeError::Template)?;
    let copy = |message: &Message, name: Name| -> Result<Line, ComposeError> {
        Ok(Line::copy(&message.fields(name).next().ok_or(ComposeError::Template)?))
    };
    let mut lines = vec![Line::new(Name::Via, via.to_string())];
    lines.extend(invite.fields(Name::Route).map(|route| Line::copy(&route)));
    lines.push(Line::new(Name::MaxForwards, MAX_FORWARDS.to_string()));
    lines.push(copy(invite, Name::From)?);
    lines.push(copy(response.unwrap_or(invite), Name::To)?);
    lines.push(copy(invite, Name::CallId)?);
    lines.push(Line::new(Name::CSeq, format!("{number} {method}")));
    line::write(Start::Request(method, invite.request_uri()), &lines, &Parts::default())
}
