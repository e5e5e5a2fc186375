//! Messages out of a stream (RFC 3261 §18.3): TCP, TLS.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use timing::Instant;

use super::index::Head;
use super::{Fault, Limits, Message, ParseError};

/// What came out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message.
    Message(Message),
    /// A double CRLF between messages: answer it with a single CRLF (RFC 5626 §4.4.1).
    Ping,
    /// A message that ends where it says but cannot be read; the stream goes on.
    Broken(ParseError),
    /// The stream can no longer be cut into messages (or is too slow or too large): answer if the
    /// error is answerable, then close. Nothing comes after it.
    Fatal(ParseError),
}

/// Cuts a stream into messages. The same octets give the same frames however they were split.
///
/// Holds at most one incomplete message, which the limits bound in size and in time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StreamFramer {
    limits: Limits,
    buffer: BytesMut,
    /// The beginning of the buffer in which no head ends.
    scanned: usize,
    /// Octets of head and body of the message at the front, once its head is complete.
    needed: Option<(usize, usize)>,
    /// When the first octet of the message at the front came.
    since: Option<Instant>,
    /// Line ends seen between messages.
    blank: Blank,
    frames: VecDeque<Ready>,
    is_dead: bool,
}

/// The octets of a keep-alive so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Blank {
    None,
    Cr,
    CrLf,
    CrLfCr,
}

/// A frame as plain data.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Ready {
    Octets(Bytes),
    Ping,
    Fatal { fault: Fault, head: Bytes },
}

impl StreamFramer {
    /// A framer for a new connection.
    pub fn new(limits: Limits) -> StreamFramer {
        StreamFramer {
            limits,
            buffer: BytesMut::new(),
            scanned: 0,
            needed: None,
            since: None,
            blank: Blank::None,
            frames: VecDeque::new(),
            is_dead: false,
        }
    }

    /// Takes octets as they come from the connection. After [`Frame::Fatal`] they are ignored.
    pub fn handle_input(&mut self, now: Instant, octets: &[u8]) {
        if self.is_dead {
            return;
        }
        self.buffer.extend_from_slice(octets);
        while !self.is_dead && self.cut() {
            self.since = None;
        }
        if self.buffer.is_empty() || self.is_dead {
            self.since = None;
        } else {
            self.since.get_or_insert(now);
        }
    }

    /// Gives the connection up if the message at the front took too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.die(Fault::TooSlow);
        }
    }

    /// The next frame.
    pub fn poll_output(&mut self) -> Option<Frame> {
        Some(match self.frames.pop_front()? {
            Ready::Ping => Frame::Ping,
            Ready::Octets(octets) => match Message::parse(octets, &self.limits) {
                Ok(message) => Frame::Message(message),
                Err(error) => Frame::Broken(error),
            },
            Ready::Fatal { fault, head } => {
                let read = Head::read(&head, &self.limits);
                Frame::Fatal(read.into_error(&head, fault))
            }
        })
    }

    /// The octets of the next frame as they came, from the beginning of a message; `None` where it is a ping or
    /// there is none. For whoever shows messages to people.
    pub fn next_octets(&self) -> Option<&Bytes> {
        match self.frames.front()? {
            Ready::Octets(octets) | Ready::Fatal { head: octets, .. } => Some(octets),
            Ready::Ping => None,
        }
    }

    /// When the message at the front is too slow.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.since.map(|since| since + self.limits.message_time)
    }

    /// Cuts one thing off the front; whether there may be another.
    fn cut(&mut self) -> bool {
        if self.needed.is_none() {
            self.skip_blank();
            if !self.find_head() {
                return false;
            }
        }
        let Some((head, body)) = self.needed else { return false };
        if self.buffer.len() < head + body {
            return false;
        }
        let octets = self.buffer.split_to(head + body).freeze();
        self.frames.push_back(Ready::Octets(octets));
        self.needed = None;
        self.scanned = 0;
        true
    }

    /// RFC 5626 §4.4.1: CRLFCRLF is a ping, a single CRLF its answer; RFC 3261 §7.5: other line
    /// ends before a message mean nothing.
    fn skip_blank(&mut self) {
        while self.scanned == 0
            && let Some(&octet) = self.buffer.first()
        {
            self.blank = match (self.blank, octet) {
                (Blank::CrLf, b'\r') => Blank::CrLfCr,
                (Blank::CrLfCr, b'\n') => {
                    self.frames.push_back(Ready::Ping);
                    Blank::None
                }
                (Blank::None | Blank::Cr | Blank::CrLfCr, b'\r') => Blank::Cr,
                (Blank::Cr, b'\n') => Blank::CrLf,
                (Blank::None | Blank::CrLf, b'\n') => Blank::None,
                _ => {
                    self.blank = Blank::None;
                    return;
                }
            };
            self.buffer.advance(1);
            self.since = None;
        }
    }

    /// Looks for the empty line after the headers; whether the message's length is known.
    fn find_head(&mut self) -> bool {
        let Some(end) = self.head_end() else {
            if self.buffer.len() > self.limits.head_bytes {
                self.die(Fault::HeadTooLarge);
            }
            return false;
        };
        if end > self.limits.head_bytes {
            self.die(Fault::HeadTooLarge);
            return false;
        }
        let head = Head::read(&self.buffer[..end], &self.limits);
        // RFC 3261 §20.14: on a stream Content-Length is mandatory, for nothing else ends a message.
        let length = head.content_length(&self.buffer).and_then(|length| length.ok_or(Fault::ContentLength));
        match length.map(usize::try_from) {
            Ok(Ok(length)) if length <= self.limits.body_bytes => {
                self.needed = Some((end, length));
                true
            }
            Ok(_) => {
                self.die(Fault::BodyTooLarge);
                false
            }
            Err(fault) => {
                self.die(fault);
                false
            }
        }
    }

    /// The end of the empty line, searched for only in what is new.
    fn head_end(&mut self) -> Option<usize> {
        let mut from = self.scanned;
        while let Some(feed) =
            self.buffer[from..].iter().position(|&octet| octet == b'\n').map(|at| from + at)
        {
            match &self.buffer[feed + 1..] {
                [b'\n', ..] => return Some(feed + 2),
                [b'\r', b'\n', ..] => return Some(feed + 3),
                // Too little to tell: begin here again.
                [] | [b'\r'] => {
                    self.scanned = feed;
                    return None;
                }
                [_, ..] => from = feed + 1,
            }
        }
        self.scanned = self.buffer.len();
        None
    }

    fn die(&mut self, fault: Fault) {
        let head = std::mem::take(&mut self.buffer).freeze();
        self.frames.push_back(Ready::Fatal { fault, head });
        self.is_dead = true;
        self.since = None;
        self.needed = None;
    }
}
