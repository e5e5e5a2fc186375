//! One header line, and how a message is written out.

use super::{ComposeError, Parts};
use crate::message::{Field, Scribe, Start};
use crate::{Message, Name, lexis};

/// One header line to be written.
#[derive(Clone, Debug)]
pub(super) struct Line {
    name: Spelling,
    /// Octets: what is passed on need not be UTF-8.
    value: Vec<u8>,
}

/// How a header is called.
#[derive(Clone, Debug)]
enum Spelling {
    /// By its long form.
    Known(Name),
    /// As somebody else spelled it.
    Own(Vec<u8>),
}

impl Line {
    pub(super) fn new(name: Name, value: impl Into<Vec<u8>>) -> Line {
        Line { name: Spelling::Known(name), value: value.into() }
    }

    pub(super) fn raw(spelling: &[u8], value: &[u8]) -> Line {
        Line { name: Spelling::Own(spelling.to_vec()), value: value.to_vec() }
    }

    /// A line of another message, unfolded, its name in the long form.
    pub(super) fn copy(field: &Field<'_>) -> Line {
        let name = match field.name {
            Name::Other => Spelling::Own(field.spelling.to_vec()),
            name => Spelling::Known(name),
        };
        // RFC 3261 §25.1 lets a quoted string hold an escaped NUL. It was read as part of one line and
        // is written as part of one line.
        Line { name, value: field.value().into_owned() }
    }

    fn spelling(&self) -> &[u8] {
        match &self.name {
            Spelling::Known(name) => name.as_str().as_bytes(),
            Spelling::Own(spelling) => spelling,
        }
    }

    /// Octets of the line with its end.
    fn octets(&self) -> usize {
        self.spelling().len() + ": ".len() + self.value.len() + "\r\n".len()
    }

    fn write(&self, scribe: &mut Scribe) -> Result<(), ComposeError> {
        let spelling = self.spelling();
        // `Name::Other` has no spelling, which is no token either.
        if !lexis::is_all_token(spelling) {
            return Err(ComposeError::Name(String::from_utf8_lossy(spelling).into_owned()));
        }
        if has_control(&self.value) {
            let (name, value) = (String::from_utf8_lossy(spelling), String::from_utf8_lossy(&self.value));
            return Err(ComposeError::Control(format!("{name}: {value}")));
        }
        scribe.header(self.name(), spelling, &self.value);
        Ok(())
    }

    fn name(&self) -> Name {
        match &self.name {
            Spelling::Known(name) => *name,
            Spelling::Own(spelling) => Name::of(spelling),
        }
    }
}

/// A line end would begin a header that nobody meant to send; a NUL may stand only where it is quoted.
fn has_control(text: &[u8]) -> bool {
    let is_bad = |at: usize| text[at] != 0 || at == 0 || text[at - 1] != b'\\';
    memchr::memchr3_iter(b'\r', b'\n', 0, text).any(is_bad)
}

/// Writes lines, Content-Type, Content-Length and body behind a start line.
pub(super) fn write(start: Start<'_>, head: &[Line], parts: &Parts) -> Result<Message, ComposeError> {
    let text = match start {
        Start::Request(_, uri) => uri,
        Start::Response(_, reason) => reason.as_bytes(),
    };
    if has_control(text) {
        return Err(ComposeError::Control(String::from_utf8_lossy(text).into_owned()));
    }
    // There is one, and it is right.
    if head.iter().chain(&parts.lines).any(|line| line.name() == Name::ContentLength) {
        return Err(ComposeError::Template);
    }
    let kind = parts.content_type.as_deref().map(|kind| Line::new(Name::ContentType, kind));
    let length = Line::new(Name::ContentLength, parts.body.len().to_string());
    let lines = || head.iter().chain(&parts.lines).chain(&kind).chain([&length]);
    let octets = lines().map(Line::octets).sum();
    let scribe = Scribe::new(start, lines().count(), octets, parts.body.len());
    let mut scribe = scribe.ok_or(ComposeError::Template)?;
    lines().try_for_each(|line| line.write(&mut scribe))?;
    Ok(scribe.finish(&parts.body))
}
