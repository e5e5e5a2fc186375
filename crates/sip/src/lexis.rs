//! The small grammar that every header shares: tokens, quoted strings, white space, lists (RFC 3261 §25.1).

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};

/// Octets that may stand somewhere, as a table: one look an octet.
pub(crate) struct Octets([bool; 256]);

impl Octets {
    /// ASCII letters and digits, and these.
    pub(crate) const fn alphanumeric_and(more: &[u8]) -> Octets {
        let mut table = [false; 256];
        let mut octet = 0;
        while octet < table.len() {
            table[octet] = (octet as u8).is_ascii_alphanumeric();
            octet += 1;
        }
        let mut at = 0;
        while at < more.len() {
            table[more[at] as usize] = true;
            at += 1;
        }
        Octets(table)
    }

    /// All above the space but DEL and these.
    pub(crate) const fn all_but(these: &[u8]) -> Octets {
        let mut table = [true; 256];
        let mut octet = 0;
        while octet <= b' ' {
            table[octet as usize] = false;
            octet += 1;
        }
        table[0x7f] = false;
        let mut at = 0;
        while at < these.len() {
            table[these[at] as usize] = false;
            at += 1;
        }
        Octets(table)
    }

    pub(crate) const fn has(&self, octet: u8) -> bool {
        self.0[octet as usize]
    }

    /// Whether `text` has no other octets; an empty one has none.
    pub(crate) fn has_all(&self, text: &[u8]) -> bool {
        text.iter().all(|&octet| self.has(octet))
    }
}

/// `token` (RFC 3261 §25.1).
const TOKEN: Octets = Octets::alphanumeric_and(b"-.!%*_+`'~");

/// A non-empty run of token octets.
pub(crate) fn is_all_token(text: &[u8]) -> bool {
    !text.is_empty() && TOKEN.has_all(text)
}

pub(crate) fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without white space (folds included) at either end.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

/// The value on one line: a line end and the white space around it become one space (RFC 3261 §7.3.1).
pub(crate) fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut line = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(end) = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n')) {
        let before = &rest[..end];
        let kept = before.iter().rposition(|&octet| !is_space(octet)).map_or(0, |last| last + 1);
        line.extend_from_slice(&before[..kept]);
        line.push(b' ');
        rest = &rest[end..];
        let skipped = rest.iter().position(|&octet| !is_space(octet)).unwrap_or(rest.len());
        rest = &rest[skipped..];
    }
    line.extend_from_slice(rest);
    Cow::Owned(line)
}

/// Where `wanted` first stands outside quotes and angle brackets.
pub(crate) fn find_bare(text: &[u8], wanted: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr3(wanted, b'"', b'<', &text[at..])?;
        match text[at] {
            found if found == wanted => return Some(at),
            // RFC 3261 §25.1: a URI in angle brackets holds no bare quote that could open a string.
            b'<' => at += memchr(b'>', &text[at..])? + 1,
            _ => at += quoted_length(&text[at..])?,
        }
    }
}

/// Octets of the quoted string at the beginning of `text`, both quotes included; `None` where it does not end.
fn quoted_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', &text[at..])?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        // What the backslash quotes; where nothing is left the string does not end.
        at += 2;
        text.get(at..)?;
    }
}

/// The parts of `text` between occurrences of `separator` outside quotes and angle brackets, trimmed;
/// empty parts included.
pub(crate) fn split_bare(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let (part, next) = match find_bare(current, separator) {
            Some(at) => (&current[..at], Some(&current[at + 1..])),
            None => (current, None),
        };
        rest = next;
        Some(trim(part))
    })
}

/// The text of a quoted string without quotes and escapes; `None` where the quotes do not balance.
pub(crate) fn unquote(text: &[u8]) -> Option<Vec<u8>> {
    let inner = text.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut plain = Vec::with_capacity(inner.len());
    let mut octets = inner.iter();
    while let Some(&octet) = octets.next() {
        match octet {
            b'\\' => plain.push(*octets.next()?),
            b'"' => return None,
            _ => plain.push(octet),
        }
    }
    Some(plain)
}

/// Text for people: octets that are not UTF-8 replaced.
pub(crate) fn readable(text: Vec<u8>) -> String {
    // Nearly everything is UTF-8, and checking that costs a fraction of replacing.
    String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// `text` as a quoted string.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// Digits only, within `u64`.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The value of a hexadecimal digit of either case.
pub(crate) fn hex_digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
