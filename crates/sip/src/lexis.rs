//! The small grammar that every header shares: tokens, quoted strings, white space, lists (RFC 3261 §25.1).

use std::borrow::Cow;

/// `token` (RFC 3261 §25.1).
pub(crate) fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&octet)
}

/// A non-empty run of token octets.
pub(crate) fn is_all_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token)
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
    if !value.iter().any(|octet| matches!(octet, b'\r' | b'\n')) {
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
    let mut quoted = false;
    let mut escaped = false;
    let mut angled = false;
    for (at, &octet) in text.iter().enumerate() {
        if quoted {
            match octet {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        if octet == wanted && !angled {
            return Some(at);
        }
        match octet {
            // RFC 3261 §25.1: a URI in angle brackets holds no bare quote that could open a string.
            b'"' if !angled => quoted = true,
            b'<' => angled = true,
            b'>' => angled = false,
            _ => {}
        }
    }
    None
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
