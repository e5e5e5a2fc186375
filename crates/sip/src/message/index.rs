//! Where everything stands in a message: one pass over the head, no copies.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use memchr::{memchr, memchr2, memchr2_iter};

use super::{Fault, Limits, Message, ParseError};
use crate::{Method, Name, lexis};

/// A stretch of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) fn new(range: Range<usize>) -> Span {
        let offset = |at: usize| u32::try_from(at).expect("the limits keep a message below 4 GiB");
        Span { start: offset(range.start), end: offset(range.end) }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.range()]
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StartLine {
    Request { method: Method, uri: Span },
    Response { status: u16, reason: Span },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) spelling: Span,
    pub(super) value: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) start: StartLine,
    pub(super) entries: Vec<Entry>,
    pub(super) body: Span,
}

/// The start line and headers of a message, and the first fault in them.
pub(super) struct Head {
    start: Option<StartLine>,
    entries: Vec<Entry>,
    /// Where the body begins.
    pub(super) end: usize,
    pub(super) fault: Option<Fault>,
}

const TYPICAL_HEADERS: usize = 16;

/// No limits: for octets that were within them before.
const UNLIMITED: Limits = Limits {
    head_bytes: u32::MAX as usize,
    body_bytes: u32::MAX as usize,
    headers: usize::MAX,
    message_time: Duration::MAX,
};

pub(super) fn read_again(bytes: Bytes) -> Result<Message, ParseError> {
    read_datagram(bytes, &UNLIMITED)
}

pub(super) fn read_datagram(mut datagram: Bytes, limits: &Limits) -> Result<Message, ParseError> {
    // Offsets are 32 bits wide; no datagram comes near that.
    if u32::try_from(datagram.len()).is_err() {
        return Err(ParseError { fault: Fault::BodyTooLarge, answerable: None });
    }
    let blank = datagram.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    // RFC 3261 §7.5: line ends before the start line are ignored.
    datagram.advance(blank);
    if datagram.is_empty() {
        return Err(ParseError { fault: Fault::Empty, answerable: None });
    }
    let head = Head::read(&datagram, limits);
    let length = head.content_length(&datagram);
    let rest = datagram.len() - head.end;
    let body = match length {
        Ok(Some(length)) if length > rest as u64 => Err(Fault::ContentLength),
        Ok(Some(length)) => Ok(usize::try_from(length).unwrap_or(rest)),
        Ok(None) => Ok(rest),
        Err(fault) => Err(fault),
    };
    let body = body
        .and_then(|length| if length > limits.body_bytes { Err(Fault::BodyTooLarge) } else { Ok(length) });
    match (head.fault, body) {
        (None, Ok(length)) => head.into_message(&datagram, length),
        (Some(fault), _) | (None, Err(fault)) => Err(head.into_error(&datagram, fault)),
    }
}

impl Head {
    /// Reads as far as it makes sense; the first fault is noted and the rest still indexed, so that
    /// a broken request can be answered.
    pub(super) fn read(bytes: &[u8], limits: &Limits) -> Head {
        let mut head =
            Head { start: None, entries: Vec::with_capacity(TYPICAL_HEADERS), end: bytes.len(), fault: None };
        let window = &bytes[..bytes.len().min(limits.head_bytes)];
        let Some((line, mut at)) = next_line(window, 0) else {
            head.note(if window.len() < bytes.len() { Fault::HeadTooLarge } else { Fault::Unterminated });
            return head;
        };
        head.read_start_line(bytes, line);
        loop {
            let Some((line, after)) = next_logical_line(window, at) else {
                head.note(if window.len() < bytes.len() { Fault::HeadTooLarge } else { Fault::Unterminated });
                return head;
            };
            if line.is_empty() {
                head.end = after;
                return head;
            }
            if head.entries.len() >= limits.headers {
                head.note(Fault::TooManyHeaders);
                return head;
            }
            head.read_header(bytes, line);
            at = after;
        }
    }

    fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn read_start_line(&mut self, bytes: &[u8], line: Range<usize>) {
        let text = &bytes[line.clone()];
        if memchr2(b'\r', 0, text).is_some() {
            self.note(Fault::ControlOctet);
        }
        if text.len() >= 4 && text[..4].eq_ignore_ascii_case(b"SIP/") {
            match status_line(text) {
                Ok((status, reason)) => {
                    let reason = Span::new(line.start + reason..line.end);
                    self.start = Some(StartLine::Response { status, reason });
                }
                Err(fault) => self.note(fault),
            }
            return;
        }
        let (start, fault) = request_line(text, line.start);
        self.start = start;
        if let Some(fault) = fault {
            self.note(fault);
        }
    }

    /// RFC 3261 §7.3.1: white space may stand on both sides of the colon.
    fn read_header(&mut self, bytes: &[u8], line: Range<usize>) {
        let text = &bytes[line.clone()];
        let Some(colon) = memchr(b':', text) else {
            return self.note(Fault::HeaderLine);
        };
        let blanks = text[..colon].iter().rev().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        let spelling = &text[..colon - blanks];
        if !lexis::is_all_token(spelling) {
            return self.note(Fault::HeaderLine);
        }
        let value = lexis::trim(&text[colon + 1..]);
        let indent = text[colon + 1..].iter().take_while(|&&octet| lexis::is_space(octet)).count();
        let from = if value.is_empty() { line.end } else { line.start + colon + 1 + indent };
        if has_stray_control(value) {
            self.note(Fault::ControlOctet);
        }
        self.entries.push(Entry {
            name: Name::of(spelling),
            spelling: Span::new(line.start..line.start + spelling.len()),
            value: Span::new(from..from + value.len()),
        });
    }

    /// The declared length of the body; `None` where there is no Content-Length.
    pub(super) fn content_length(&self, bytes: &[u8]) -> Result<Option<u64>, Fault> {
        let mut lengths = self.entries.iter().filter(|entry| entry.name == Name::ContentLength);
        let Some(first) = lengths.next() else { return Ok(None) };
        if lengths.next().is_some() {
            return Err(Fault::ContentLength);
        }
        lexis::number(first.value.of(bytes)).map(Some).ok_or(Fault::ContentLength)
    }

    fn into_message(self, bytes: &Bytes, body: usize) -> Result<Message, ParseError> {
        let Some(start) = self.start else {
            return Err(ParseError { fault: Fault::StartLine, answerable: None });
        };
        let end = (self.end + body).min(bytes.len());
        let index = Index { start, entries: self.entries, body: Span::new(self.end..end) };
        Ok(Message { bytes: bytes.slice(..end), index: Arc::new(index) })
    }

    /// The fault, with what could be read where that can be answered. The body is left out.
    pub(super) fn into_error(self, bytes: &Bytes, fault: Fault) -> ParseError {
        let read = self.into_message(bytes, 0).ok();
        let answerable = read.filter(|message| message.is_answerable() && can_repeat(message)).map(Box::new);
        ParseError { fault, answerable }
    }
}

/// The line that begins at `at`, without its end, and where the next one begins. A lone LF ends a
/// line too: RFC 3261 §7 asks senders for CRLF and forbids nobody to understand less.
fn next_line(bytes: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let feed = at + memchr(b'\n', &bytes[at..])?;
    let end = if feed > at && bytes[feed - 1] == b'\r' { feed - 1 } else { feed };
    Some((at..end, feed + 1))
}

/// A line with its folds: a line that begins with white space continues the one before (RFC 3261 §7.3.1).
fn next_logical_line(bytes: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let (mut line, mut after) = next_line(bytes, at)?;
    while !line.is_empty() && matches!(bytes.get(after), Some(b' ' | b'\t')) {
        let (fold, next) = next_line(bytes, after)?;
        line.end = fold.end;
        after = next;
    }
    Some((line, after))
}

/// Whether the headers that every response repeats can be written again.
fn can_repeat(message: &Message) -> bool {
    [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq]
        .into_iter()
        .flat_map(|name| message.fields(name))
        .all(|field| !has_stray_control(field.raw))
}

/// A CR that ends no line, or a NUL that no backslash quotes (RFC 3261 §25.1, quoted-pair).
fn has_stray_control(value: &[u8]) -> bool {
    memchr2_iter(b'\r', 0, value).any(|at| match value[at] {
        0 => at == 0 || value[at - 1] != b'\\',
        _ => value.get(at + 1) != Some(&b'\n'),
    })
}

/// The status and where in the line the reason phrase begins.
fn status_line(text: &[u8]) -> Result<(u16, usize), Fault> {
    let end = text.iter().position(|&octet| octet == b' ').ok_or(Fault::StartLine)?;
    check_version(&text[..end])?;
    let rest = &text[end + 1..];
    let digits = rest.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let status = lexis::number(&rest[..digits]).and_then(|status| u16::try_from(status).ok());
    let status =
        status.filter(|status| digits == 3 && (100..700).contains(status)).ok_or(Fault::StatusCode)?;
    match rest.get(digits) {
        // RFC 3261 §25.1 wants a space even before an empty reason; nothing is lost without it.
        None => Ok((status, text.len())),
        Some(b' ') => Ok((status, end + 1 + digits + 1)),
        Some(_) => Err(Fault::StatusCode),
    }
}

/// RFC 3261 §7.1: the version is compared without regard to case.
fn check_version(text: &[u8]) -> Result<(), Fault> {
    if text.eq_ignore_ascii_case(b"SIP/2.0") {
        return Ok(());
    }
    let is_version = text.len() > 4
        && text[..4].eq_ignore_ascii_case(b"SIP/")
        && text[4..].split(|&octet| octet == b'.').count() == 2
        && text[4..].split(|&octet| octet == b'.').all(|part| lexis::number(part).is_some());
    Err(if is_version { Fault::Version } else { Fault::StartLine })
}

/// RFC 3261 §7.1: single spaces between method, Request-URI and version and none elsewhere. A line
/// that breaks this still says which method and URI were meant, for the answer.
fn request_line(text: &[u8], offset: usize) -> (Option<StartLine>, Option<Fault>) {
    let mut words = text.split(|&octet| octet == b' ');
    let method = words.next().and_then(Method::parse);
    let (uri, version, more) = (words.next(), words.next(), words.next());
    if let (Some(method), Some(uri), Some(version), None) = (&method, uri, version, more)
        && !uri.is_empty()
    {
        let from = method.as_str().len() + 1;
        let uri = Span::new(offset + from..offset + from + uri.len());
        return (Some(StartLine::Request { method: method.clone(), uri }), check_version(version).err());
    }
    let last = text.iter().rposition(|&octet| octet == b' ').unwrap_or(text.len());
    let first = text.iter().position(|&octet| octet == b' ').map_or(last, |at| (at + 1).min(last));
    let guess =
        method.map(|method| StartLine::Request { method, uri: Span::new(offset + first..offset + last) });
    (guess, Some(Fault::StartLine))
}
