//! A SIP message as an index over the octets that came in.
//!
//! [`Message::parse`] notes where each header begins and ends and looks no further; a header is
//! parsed when somebody asks for it. Folding, compact names, several values in a line, unknown
//! methods and octets that are not UTF-8 are all ordinary here. What is broken comes back as a
//! [`ParseError`] that still holds enough of the message to answer it.

mod framer;
mod index;
mod scribe;
mod validate;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use framer::{Frame, StreamFramer};
use index::{Index, StartLine};
pub(crate) use scribe::{Scribe, Start};

use crate::{Method, Name, NameAddr, Syntax, Uri, Via, lexis};

/// The sizes at which a message is refused (513, RFC 3261 §21.5.7) and a connection given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Octets of start line and headers.
    pub head_bytes: usize,
    /// Octets of the body.
    pub body_bytes: usize,
    /// Header lines.
    pub headers: usize,
    /// How long a stream may take over one message once its first octet is here.
    pub message_time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { head_bytes: 32_768, body_bytes: 65_536, headers: 256, message_time: Duration::from_secs(10) }
    }
}

/// What is wrong with a message. It is always the peer's fault; the same message fails again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fault {
    /// Nothing but line ends: a keep-alive (RFC 5626 §4.4.1) or an empty datagram. Not an error to log.
    Empty,
    /// Neither a Request-Line nor a Status-Line (RFC 3261 §7.1, §7.2).
    StartLine,
    /// A protocol version that is not SIP/2.0.
    Version,
    /// A status code that is not three digits between 100 and 699.
    StatusCode,
    /// A header line without a name, with a name that is no token, or without a colon.
    HeaderLine,
    /// A carriage return or a NUL where the grammar has none (RFC 3261 §25.1).
    ControlOctet,
    /// No empty line after the headers.
    Unterminated,
    /// Start line and headers exceed [`Limits::head_bytes`].
    HeadTooLarge,
    /// The body exceeds [`Limits::body_bytes`].
    BodyTooLarge,
    /// More header lines than [`Limits::headers`].
    TooManyHeaders,
    /// Content-Length is no number, occurs twice, or promises more than there is (RFC 3261 §18.3, §20.14).
    ContentLength,
    /// A stream took longer than [`Limits::message_time`] over a message.
    TooSlow,
    /// A mandatory header is missing (RFC 3261 §8.1.1).
    Missing(Name),
    /// A header that may occur once occurs again.
    Repeated(Name),
    /// A header whose value does not follow its grammar.
    Malformed(Name),
    /// The method in CSeq is not that of the Request-Line (RFC 3261 §8.1.1.5).
    CSeqMethod,
    /// The Request-URI does not follow its grammar.
    RequestUri,
    /// The Request-URI has a scheme that we do not serve (RFC 3261 §8.2.2.1).
    UriScheme,
}

impl Fault {
    /// The status that a server answers a request with this fault.
    pub fn status(self) -> u16 {
        match self {
            Fault::Version => 505,
            Fault::HeadTooLarge | Fault::BodyTooLarge | Fault::TooManyHeaders => 513,
            Fault::UriScheme => 416,
            Fault::TooSlow => 408,
            Fault::Empty
            | Fault::StartLine
            | Fault::StatusCode
            | Fault::HeaderLine
            | Fault::ControlOctet
            | Fault::Unterminated
            | Fault::ContentLength
            | Fault::Missing(_)
            | Fault::Repeated(_)
            | Fault::Malformed(_)
            | Fault::CSeqMethod
            | Fault::RequestUri => 400,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Empty => f.write_str("empty message"),
            Fault::StartLine => f.write_str("malformed start line"),
            Fault::Version => f.write_str("version is not SIP/2.0"),
            Fault::StatusCode => f.write_str("status code is not between 100 and 699"),
            Fault::HeaderLine => f.write_str("malformed header line"),
            Fault::ControlOctet => f.write_str("control octet in the headers"),
            Fault::Unterminated => f.write_str("no empty line after the headers"),
            Fault::HeadTooLarge => f.write_str("headers too large"),
            Fault::BodyTooLarge => f.write_str("body too large"),
            Fault::TooManyHeaders => f.write_str("too many headers"),
            Fault::ContentLength => f.write_str("wrong Content-Length"),
            Fault::TooSlow => f.write_str("message took too long"),
            Fault::Missing(name) => write!(f, "missing {name}"),
            Fault::Repeated(name) => write!(f, "more than one {name}"),
            Fault::Malformed(name) => write!(f, "malformed {name}"),
            Fault::CSeqMethod => f.write_str("CSeq method differs from the request method"),
            Fault::RequestUri => f.write_str("malformed Request-URI"),
            Fault::UriScheme => f.write_str("unsupported Request-URI scheme"),
        }
    }
}

/// A message that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub fault: Fault,
    /// What could be read, where that is a request that can and must be answered: give it to
    /// [`crate::compose::response_to`] with [`Fault::status`]. `None`: stay silent.
    pub answerable: Option<Box<Message>>,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for ParseError {}

/// One header line of a message: name as known, name as spelled, value as it stands (folds included).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The header, where we know it by name.
    pub name: Name,
    /// The name as the sender spelled it.
    pub spelling: &'a [u8],
    /// The value without white space at its ends; folds are still in it.
    pub raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// The value on one line.
    pub fn value(&self) -> Cow<'a, [u8]> {
        lexis::unfold(self.raw)
    }
}

/// A request or a response: the octets and an index of them. A clone shares both.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    bytes: Bytes,
    index: Arc<Index>,
}

impl Message {
    /// Reads the message in a datagram. Octets after Content-Length are ignored; without
    /// Content-Length the body is all that follows (RFC 3261 §18.3).
    ///
    /// The grammar of the single headers is not looked at: see [`Message::validate`].
    pub fn parse(datagram: Bytes, limits: &Limits) -> Result<Message, ParseError> {
        index::read_datagram(datagram, limits)
    }

    /// The octets of the message, exactly as they came or go.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Whether this is a request.
    pub fn is_request(&self) -> bool {
        match self.index.start {
            StartLine::Request { .. } => true,
            StartLine::Response { .. } => false,
        }
    }

    /// The method of a request; of a response, the method in its CSeq (an empty
    /// [`Method::Other`] where that cannot be read).
    pub fn method(&self) -> Method {
        match &self.index.start {
            StartLine::Request { method, .. } => method.clone(),
            StartLine::Response { .. } => {
                self.cseq().map_or(Method::Other(String::new()), |(_, method)| method)
            }
        }
    }

    /// The Request-URI as it stands; empty in a response.
    pub fn request_uri(&self) -> &[u8] {
        match &self.index.start {
            StartLine::Request { uri, .. } => uri.of(&self.bytes),
            StartLine::Response { .. } => &[],
        }
    }

    /// The Request-URI parsed.
    pub fn uri(&self) -> Result<Uri, Syntax> {
        Uri::parse(self.request_uri())
    }

    /// The status code of a response (100 to 699); 0 in a request.
    pub fn status(&self) -> u16 {
        match self.index.start {
            StartLine::Request { .. } => 0,
            StartLine::Response { status, .. } => status,
        }
    }

    /// The reason phrase of a response as it stands, possibly not UTF-8; empty in a request.
    pub fn reason(&self) -> &[u8] {
        match &self.index.start {
            StartLine::Request { .. } => &[],
            StartLine::Response { reason, .. } => reason.of(&self.bytes),
        }
    }

    /// Every header line in order, for passing on what we do not know.
    pub fn headers(&self) -> impl DoubleEndedIterator<Item = Field<'_>> {
        self.index.entries.iter().map(|entry| Field {
            name: entry.name,
            spelling: entry.spelling.of(&self.bytes),
            raw: entry.value.of(&self.bytes),
        })
    }

    /// The lines of one header.
    pub fn fields(&self, name: Name) -> impl Iterator<Item = Field<'_>> {
        self.headers().filter(move |field| field.name == name)
    }

    /// The whole value of the first line of a header, unfolded.
    pub fn header(&self, name: Name) -> Option<Cow<'_, [u8]>> {
        self.fields(name).next().map(|field| field.value())
    }

    /// Like [`Message::header`] for a header without a [`Name`], such as `X-Account`; any case.
    pub fn header_named(&self, spelling: &str) -> Option<Cow<'_, [u8]>> {
        let mut fields = self.headers();
        fields
            .find(|field| field.spelling.eq_ignore_ascii_case(spelling.as_bytes()))
            .map(|field| field.value())
    }

    /// Like [`Message::header`], with octets that are not UTF-8 replaced: for people, not for machines.
    pub fn text(&self, name: Name) -> Option<String> {
        self.header(name).map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    /// The values of a header that is a comma-separated list, over all its lines, unfolded; commas in
    /// quotes and angle brackets do not separate. Not for credentials and challenges, whose own
    /// parameters have commas between them.
    pub fn values(&self, name: Name) -> impl Iterator<Item = Cow<'_, [u8]>> {
        self.fields(name)
            .filter(|field| !field.raw.is_empty())
            .flat_map(|field| lexis::split_bare(field.raw, b','))
            .map(lexis::unfold)
    }

    /// Whether a list of tokens (Supported, Require, Allow, ...) has this one, whatever its case.
    pub fn has_token(&self, name: Name, token: &str) -> bool {
        self.values(name).any(|value| value.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Call-ID, compared octet by octet (RFC 3261 §20.8).
    pub fn call_id(&self) -> Option<&[u8]> {
        self.fields(Name::CallId).next().map(|field| field.raw)
    }

    /// The sequence number (below 2^31, RFC 3261 §8.1.1.5) and method of CSeq.
    pub fn cseq(&self) -> Result<(u32, Method), Fault> {
        let value = self.fields(Name::CSeq).next().ok_or(Fault::Missing(Name::CSeq))?.raw;
        parse_cseq(value).ok_or(Fault::Malformed(Name::CSeq))
    }

    /// The tag in From; `None` also where there is none (RFC 2543).
    pub fn from_tag(&self) -> Option<&[u8]> {
        self.tag(Name::From)
    }

    /// The tag in To.
    pub fn to_tag(&self) -> Option<&[u8]> {
        self.tag(Name::To)
    }

    /// From, parsed.
    pub fn from(&self) -> Result<NameAddr, Fault> {
        self.name_addr(Name::From)
    }

    /// To, parsed.
    pub fn to(&self) -> Result<NameAddr, Fault> {
        self.name_addr(Name::To)
    }

    /// The first Contact, parsed. `Contact: *` is an error here.
    pub fn contact(&self) -> Result<NameAddr, Fault> {
        self.name_addr(Name::Contact)
    }

    /// Every value of a header of addresses (Route, Record-Route, Contact, P-Asserted-Identity,
    /// Diversion, History-Info, ...), parsed.
    pub fn name_addrs(&self, name: Name) -> Result<Vec<NameAddr>, Fault> {
        self.values(name).map(|value| NameAddr::parse(&value).map_err(|_| Fault::Malformed(name))).collect()
    }

    /// The topmost Via.
    pub fn top_via(&self) -> Result<Via, Fault> {
        let value = self.values(Name::Via).next().ok_or(Fault::Missing(Name::Via))?;
        Via::parse(&value).map_err(|_| Fault::Malformed(Name::Via))
    }

    /// A header that is a plain number (Expires, Max-Forwards, Min-SE, RSeq, ...), without parameters.
    pub fn number(&self, name: Name) -> Result<Option<u32>, Fault> {
        let Some(field) = self.fields(name).next() else { return Ok(None) };
        let number = lexis::number(field.raw).and_then(|number| u32::try_from(number).ok());
        number.map(Some).ok_or(Fault::Malformed(name))
    }

    /// The body; empty where there is none.
    pub fn body(&self) -> Bytes {
        self.bytes.slice(self.index.body.range())
    }

    /// Checks what RFC 3261 demands of the headers that every element looks at: mandatory headers
    /// present and well formed, single headers single, scalars in range, CSeq fitting the method, a
    /// Request-URI that can be one. The error names the first fault; answer a request with
    /// [`Fault::status`] if it is [`Message::is_answerable`], drop a response.
    pub fn validate(&self) -> Result<(), Fault> {
        validate::validate(self)
    }

    /// Whether this is a request that may be answered (not ACK) and carries the headers that every
    /// response repeats (RFC 3261 §8.2.6.2).
    pub fn is_answerable(&self) -> bool {
        let repeated = [Name::From, Name::To, Name::CallId, Name::CSeq];
        self.is_request()
            && self.method() != Method::Ack
            && self.top_via().is_ok()
            && repeated.into_iter().all(|name| self.fields(name).next().is_some())
    }

    fn tag(&self, name: Name) -> Option<&[u8]> {
        let value = self.fields(name).next()?.raw;
        lexis::split_bare(value, b';').skip(1).find_map(|param| {
            let equals = param.iter().position(|&octet| octet == b'=')?;
            let (key, value) = (lexis::trim(&param[..equals]), lexis::trim(&param[equals + 1..]));
            (key.eq_ignore_ascii_case(b"tag") && !value.is_empty()).then_some(value)
        })
    }

    fn name_addr(&self, name: Name) -> Result<NameAddr, Fault> {
        let field = self.fields(name).next().ok_or(Fault::Missing(name))?;
        let first = lexis::split_bare(field.raw, b',').next().unwrap_or(field.raw);
        NameAddr::parse(&lexis::unfold(first)).map_err(|_| Fault::Malformed(name))
    }
}

/// RFC 3261 §8.1.1.5: the number must be less than 2^31.
fn parse_cseq(value: &[u8]) -> Option<(u32, Method)> {
    let end = value.iter().position(|&octet| lexis::is_space(octet))?;
    let number = lexis::number(&value[..end]).filter(|&number| number < 1 << 31)?;
    let method = Method::parse(lexis::trim(&value[end..]))?;
    Some((u32::try_from(number).ok()?, method))
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({})", self.bytes.escape_ascii())
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Message, D::Error> {
        let bytes = Bytes::deserialize(deserializer)?;
        index::read_again(bytes).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
