//! Reading a description, with limits against those that only want to be expensive.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{Attribute, Connection, Line, Media, Origin, Session};
use crate::stream::Codec;

/// How much of a description is looked at before it is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of the whole description.
    pub bytes: usize,
    /// Bytes of one line.
    pub line_bytes: usize,
    /// m-lines.
    pub media: usize,
    /// Formats of one m-line.
    pub formats: usize,
    /// Lines that are not m-lines, session level and all m-lines together.
    pub lines: usize,
}

impl Default for Limits {
    /// Wide enough for a browser's offer, narrow enough to be answered in microseconds.
    fn default() -> Limits {
        Limits { bytes: 32_768, line_bytes: 4_096, media: 16, formats: 128, lines: 1_024 }
    }
}

/// Why a description cannot be used. All are the peer's fault and none is cured by a retry; the
/// answer is 400, for the limits 413 or 488.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParseError {
    /// Nothing at all.
    Empty,
    /// More bytes than [`Limits::bytes`].
    TooLong,
    /// A line longer than [`Limits::line_bytes`] (line number from 1).
    LineTooLong(usize),
    /// More m-lines than [`Limits::media`].
    TooManyMedia,
    /// More formats in an m-line than [`Limits::formats`].
    TooManyFormats,
    /// More lines than [`Limits::lines`].
    TooManyLines,
    /// NUL, or a carriage return inside a line.
    ControlCharacter(usize),
    /// Not `letter=value`.
    NotALine(usize),
    /// `v=` is missing, not first, or not 0.
    Version,
    /// `o=` is missing, not second, or has not six words.
    Origin,
    /// A `c=` without three words.
    Connection(usize),
    /// An m-line without kind, port, protocol and format, or with a port that is no port.
    Media(usize),
    /// An attribute without a name.
    Attribute(usize),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseError::Empty => f.write_str("the description is empty"),
            ParseError::TooLong => f.write_str("the description is too long"),
            ParseError::LineTooLong(line) => write!(f, "line {line} is too long"),
            ParseError::TooManyMedia => f.write_str("too many m-lines"),
            ParseError::TooManyFormats => f.write_str("too many formats in an m-line"),
            ParseError::TooManyLines => f.write_str("too many lines"),
            ParseError::ControlCharacter(line) => write!(f, "line {line} has a control character"),
            ParseError::NotALine(line) => write!(f, "line {line} is not letter=value"),
            ParseError::Version => f.write_str("the first line is not v=0"),
            ParseError::Origin => f.write_str("the second line is not a whole o="),
            ParseError::Connection(line) => write!(f, "line {line} is not a whole c="),
            ParseError::Media(line) => write!(f, "line {line} is not a whole m="),
            ParseError::Attribute(line) => write!(f, "line {line} is an attribute without a name"),
        }
    }
}

impl std::error::Error for ParseError {}

pub(super) fn session(bytes: &[u8], limits: &Limits) -> Result<Session, ParseError> {
    if bytes.len() > limits.bytes {
        return Err(ParseError::TooLong);
    }
    // Names in other character sets survive only as replacement characters; a call is worth more.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    };
    let total = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let mut lines = numbered_lines(&text, limits);
    match lines.next().ok_or(ParseError::Empty)?? {
        (_, 'v', value) if value.trim() == "0" => {}
        (..) => return Err(ParseError::Version),
    }
    let origin = match lines.next().ok_or(ParseError::Origin)?? {
        (_, 'o', value) => origin(value)?,
        (..) => return Err(ParseError::Origin),
    };
    let mut session = Session { origin, lines: Vec::new(), media: Vec::new() };
    let mut count = 0;
    for line in lines {
        let (number, letter, value) = line?;
        if letter == 'm' {
            if session.media.len() == limits.media {
                return Err(ParseError::TooManyMedia);
            }
            let mut media = media(number, value, limits)?;
            if session.media.is_empty() {
                // Most descriptions have one m-line, and everything that follows belongs to it.
                session.media.reserve_exact(1);
                media.lines.reserve_exact(total.saturating_sub(number).min(limits.lines));
            }
            session.media.push(media);
            continue;
        }
        count += 1;
        if count > limits.lines {
            return Err(ParseError::TooManyLines);
        }
        let line = other_line(number, letter, value)?;
        match session.media.last_mut() {
            Some(media) => media.lines.push(line),
            None => session.lines.push(line),
        }
    }
    Ok(session)
}

/// Lines as (number from 1, letter, value); empty lines are passed over.
fn numbered_lines<'a>(
    text: &'a str,
    limits: &Limits,
) -> impl Iterator<Item = Result<(usize, char, &'a str), ParseError>> {
    let line_bytes = limits.line_bytes;
    text.split('\n')
        .enumerate()
        .map(|(index, line)| (index + 1, line.strip_suffix('\r').unwrap_or(line)))
        .filter(|(_, line)| !line.is_empty())
        .map(move |(number, line)| {
            if line.len() > line_bytes {
                return Err(ParseError::LineTooLong(number));
            }
            if line.bytes().any(|byte| byte == 0 || byte == b'\r') {
                return Err(ParseError::ControlCharacter(number));
            }
            let (letter, value) = line.split_once('=').ok_or(ParseError::NotALine(number))?;
            match letter.as_bytes() {
                [letter] if letter.is_ascii_alphabetic() => Ok((number, char::from(*letter), value)),
                _ => Err(ParseError::NotALine(number)),
            }
        })
}

fn origin(value: &str) -> Result<Origin, ParseError> {
    let words: Vec<&str> = value.split_ascii_whitespace().take(7).collect();
    let [username, session_id, version, network, address_type, address] = words[..] else {
        return Err(ParseError::Origin);
    };
    Ok(Origin {
        username: username.into(),
        session_id: session_id.into(),
        version: version.into(),
        address: Connection {
            network: network.into(),
            address_type: address_type.into(),
            address: address.into(),
        },
    })
}

fn media(number: usize, value: &str, limits: &Limits) -> Result<Media, ParseError> {
    let error = ParseError::Media(number);
    let mut words = value.split_ascii_whitespace();
    let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next()) else {
        return Err(error);
    };
    let (port, port_count) = match port.split_once('/') {
        Some((port, count)) => (port, Some(count.parse().map_err(|_| error.clone())?)),
        None => (port, None),
    };
    let formats: Vec<SmolStr> = words.take(limits.formats + 1).map(SmolStr::from).collect();
    if formats.len() > limits.formats {
        return Err(ParseError::TooManyFormats);
    }
    let port = port.parse().map_err(|_| error.clone())?;
    if formats.is_empty() {
        return Err(error);
    }
    Ok(Media { kind: kind.into(), port, port_count, protocol: protocol.into(), formats, lines: Vec::new() })
}

fn other_line(number: usize, letter: char, value: &str) -> Result<Line, ParseError> {
    match letter {
        'c' => {
            let words: Vec<&str> = value.split_ascii_whitespace().take(4).collect();
            let [network, address_type, address] = words[..] else {
                return Err(ParseError::Connection(number));
            };
            Ok(Line::Connection(Box::new(Connection {
                network: network.into(),
                address_type: address_type.into(),
                address: address.into(),
            })))
        }
        'a' => {
            let (name, value) = match value.split_once(':') {
                Some((name, value)) => (name, Some(value.into())),
                None => (value, None),
            };
            let name = name.trim();
            if name.is_empty() {
                return Err(ParseError::Attribute(number));
            }
            Ok(Line::Attribute(Attribute { name: name.into(), value }))
        }
        letter => Ok(Line::Other(letter, value.into())),
    }
}

/// RFC 3551 §6: audio and video formats whose number says everything.
const STATIC_FORMATS: [(u8, &str, u32, u8); 23] = [
    (0, "PCMU", 8_000, 1),
    (3, "GSM", 8_000, 1),
    (4, "G723", 8_000, 1),
    (5, "DVI4", 8_000, 1),
    (6, "DVI4", 16_000, 1),
    (7, "LPC", 8_000, 1),
    (8, "PCMA", 8_000, 1),
    (9, "G722", 8_000, 1),
    (10, "L16", 44_100, 2),
    (11, "L16", 44_100, 1),
    (12, "QCELP", 8_000, 1),
    (13, "CN", 8_000, 1),
    (14, "MPA", 90_000, 1),
    (15, "G728", 8_000, 1),
    (16, "DVI4", 11_025, 1),
    (17, "DVI4", 22_050, 1),
    (18, "G729", 8_000, 1),
    (25, "CelB", 90_000, 1),
    (26, "JPEG", 90_000, 1),
    (28, "nv", 90_000, 1),
    (31, "H261", 90_000, 1),
    (32, "MPV", 90_000, 1),
    (34, "H263", 90_000, 1),
];

impl Media {
    /// One format with what `a=rtpmap` and `a=fmtp`, or its static number, say of it. `None` where
    /// it is no payload number.
    pub(super) fn codec(&self, format: &str) -> Option<Codec> {
        let payload_type: u8 = format.parse().ok().filter(|&number| number < 128)?;
        let mut codec = self
            .mapped(format)
            .and_then(|encoding| rtpmap(payload_type, encoding))
            .unwrap_or_else(|| static_format(payload_type));
        codec.parameters = self.value_for("fmtp", format).map(SmolStr::from);
        Some(codec)
    }

    fn mapped(&self, format: &str) -> Option<&str> {
        self.value_for("rtpmap", format)
    }

    /// The rest of `a=name:format rest`.
    fn value_for(&self, name: &str, format: &str) -> Option<&str> {
        self.attributes()
            .filter(|attribute| attribute.name.eq_ignore_ascii_case(name))
            .filter_map(|attribute| attribute.value.as_deref()?.trim_start().split_once(' '))
            .find(|(number, _)| *number == format)
            .map(|(_, rest)| rest.trim())
    }
}

/// `name/clock[/channels]`.
fn rtpmap(payload_type: u8, encoding: &str) -> Option<Codec> {
    let mut parts = encoding.split('/');
    let name = parts.next().filter(|name| !name.is_empty())?;
    let clock_rate = parts.next()?.trim().parse().ok()?;
    let channels = match parts.next() {
        Some(channels) => channels.trim().parse().ok()?,
        None => 1,
    };
    Some(Codec { channels, ..Codec::new(payload_type, name, clock_rate) })
}

fn static_format(payload_type: u8) -> Codec {
    STATIC_FORMATS
        .iter()
        .find(|format| format.0 == payload_type)
        .map(|&(_, name, clock_rate, channels)| Codec {
            channels,
            ..Codec::new(payload_type, name, clock_rate)
        })
        .unwrap_or_else(|| Codec::new(payload_type, "", 0))
}
