//! Writing a message, and noting where everything stands while it is written.

use bytes::{Bytes, BytesMut};

use super::index::{Entry, Index, Span, StartLine};
use super::{Message, index};
use crate::{Method, Name, lexis};

/// How a message begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start<'a> {
    /// A request: its method and its Request-URI.
    Request(&'a Method, &'a [u8]),
    /// A response: its status, of three digits, and its reason phrase.
    Response(u16, &'a str),
}

impl Start<'_> {
    /// Octets of method and URI, or of status and reason, with all that stands around them.
    fn octets(&self) -> usize {
        let around = "SIP/2.0 200 \r\n".len();
        match self {
            Start::Request(method, uri) => method.as_str().len() + uri.len() + around,
            Start::Response(_, reason) => reason.len() + around,
        }
    }
}

/// A message in the writing. What it writes is what reading it again would find; whoever gives it values has seen to it
/// that no line end is in them.
#[derive(Debug)]
pub(crate) struct Scribe {
    out: BytesMut,
    start: StartLine,
    entries: Vec<Entry>,
}

impl Scribe {
    /// Begins a message; `None` where a method, a URI or a status is none, or where a NUL is in it. So many headers with so many octets, and so large a
    /// body, are to come: a message lives as long as its transaction, so it gets no more room than it needs.
    pub(crate) fn new(start: Start<'_>, headers: usize, octets: usize, body: usize) -> Option<Scribe> {
        let mut out = BytesMut::with_capacity(start.octets() + octets + "\r\n".len() + body);
        let start = match start {
            Start::Request(method, uri) => request_line(&mut out, method, uri)?,
            Start::Response(status, reason) => status_line(&mut out, status, reason)?,
        };
        if memchr::memchr(0, &out).is_some() {
            return None;
        }
        Some(Scribe { out, start, entries: Vec::with_capacity(headers) })
    }

    /// Writes a header; `name` is what `spelling` is called.
    pub(crate) fn header(&mut self, name: Name, spelling: &[u8], value: &[u8]) {
        let from = self.out.len();
        self.out.extend_from_slice(spelling);
        let spelling = Span::new(from..self.out.len());
        self.out.extend_from_slice(b": ");
        let trimmed = lexis::trim(value);
        let indent = value.iter().take_while(|&&octet| lexis::is_space(octet)).count();
        let from = self.out.len() + indent;
        self.out.extend_from_slice(value);
        let value = Span::new(from..from + trimmed.len());
        self.entries.push(Entry { name, spelling, value });
        self.out.extend_from_slice(b"\r\n");
    }

    /// Ends the head and adds the body.
    pub(crate) fn finish(mut self, body: &Bytes) -> Message {
        self.out.extend_from_slice(b"\r\n");
        let from = self.out.len();
        self.out.extend_from_slice(body);
        let body = Span::new(from..self.out.len());
        let index = Index { start: self.start, entries: self.entries, body };
        let message = Message { bytes: self.out.freeze(), index: index.into() };
        debug_assert_eq!(
            index::read_again(message.bytes.clone()).as_ref(),
            Ok(&message),
            "it is what would be read"
        );
        message
    }
}

fn request_line(out: &mut BytesMut, method: &Method, uri: &[u8]) -> Option<StartLine> {
    let name = method.as_str().as_bytes();
    // As it would be read: one that we know by name is no other one.
    let method = Method::parse(name)?;
    if uri.is_empty() || uri.contains(&b' ') {
        return None;
    }
    out.extend_from_slice(name);
    out.extend_from_slice(b" ");
    let from = out.len();
    out.extend_from_slice(uri);
    let uri = Span::new(from..out.len());
    out.extend_from_slice(b" SIP/2.0\r\n");
    Some(StartLine::Request { method, uri })
}

fn status_line(out: &mut BytesMut, status: u16, reason: &str) -> Option<StartLine> {
    if !(100..700).contains(&status) {
        return None;
    }
    out.extend_from_slice(b"SIP/2.0 ");
    out.extend_from_slice(status.to_string().as_bytes());
    out.extend_from_slice(b" ");
    let from = out.len();
    out.extend_from_slice(reason.as_bytes());
    let reason = Span::new(from..out.len());
    out.extend_from_slice(b"\r\n");
    Some(StartLine::Response { status, reason })
}
