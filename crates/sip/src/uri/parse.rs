//! Reading URIs (RFC 3261 §25.1, RFC 3966 §3).

use std::net::{Ipv4Addr, Ipv6Addr};

use memchr::{memchr, memrchr};
use smol_str::SmolStr;

use super::{Host, SipUri, TelUri, Uri};
use crate::lexis::{self, Octets};
use crate::{Params, Syntax};

/// What may stand anywhere in a URI.
const VISIBLE: Octets = Octets::all_but(b"<>\"");
const SCHEME: Octets = Octets::alphanumeric_and(b"+-.");
/// Beside the escapes; `#` and brackets are not in the grammar but in real dial strings.
const USER: Octets = Octets::alphanumeric_and(b"-_.!~*'()&=+$,;?/#[]");
const PASSWORD: Octets = Octets::alphanumeric_and(b"-_.!~*'()&=+$,");
const PARAM: Octets = Octets::alphanumeric_and(b"-_.!~*'()[]/:&+$");
const HEADER: Octets = Octets::alphanumeric_and(b"-_.!~*'()[]/?:+$;,@<>");
/// Underscores are not in RFC 3261 §25.1 but in many private zones.
const NAME: Octets = Octets::alphanumeric_and(b"-._");

pub(super) fn uri(text: &[u8]) -> Result<Uri, Syntax> {
    let text = std::str::from_utf8(text).map_err(|_| Syntax::Utf8)?;
    if !VISIBLE.has_all(text.as_bytes()) {
        return Err(Syntax::Uri);
    }
    let (scheme, rest) = split(text, b':').ok_or(Syntax::Uri)?;
    if !scheme.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) || !SCHEME.has_all(scheme.as_bytes()) {
        return Err(Syntax::Uri);
    }
    if scheme.eq_ignore_ascii_case("sip") {
        return sip(rest, false).map(Uri::Sip);
    }
    if scheme.eq_ignore_ascii_case("sips") {
        return sip(rest, true).map(Uri::Sip);
    }
    if scheme.eq_ignore_ascii_case("tel") {
        return tel(rest).map(Uri::Tel);
    }
    if rest.is_empty() {
        return Err(Syntax::Uri);
    }
    Ok(Uri::Other { scheme: scheme.to_ascii_lowercase(), rest: rest.to_owned() })
}

/// The parts before and behind the first of an ASCII octet.
fn split(text: &str, at: u8) -> Option<(&str, &str)> {
    let found = memchr(at, text.as_bytes())?;
    Some((&text[..found], &text[found + 1..]))
}

/// The user part may hold `;` and `?`, so the `@` is looked for first; a host cannot hold one.
fn sip(text: &str, is_secure: bool) -> Result<SipUri, Syntax> {
    let (userinfo, rest) = match split(text, b'@') {
        Some((userinfo, rest)) => (Some(userinfo), rest),
        None => (None, text),
    };
    let (user, password) = match userinfo {
        None => (None, None),
        Some(info) => match split(info, b':') {
            Some((user, password)) => (Some(user), Some(password)),
            None => (Some(info), None),
        },
    };
    if user.is_some_and(|user| !is_user(user)) || password.is_some_and(|password| !is_password(password)) {
        return Err(Syntax::Uri);
    }
    let (rest, headers) = match split(rest, b'?') {
        Some((rest, headers)) => (rest, self::headers(headers)?),
        None => (rest, Vec::new()),
    };
    let (hostport, params) = match memchr(b';', rest.as_bytes()) {
        Some(at) => (&rest[..at], params(&rest[at..])?),
        None => (rest, Params::new()),
    };
    let (host, port) = host_port(hostport.as_bytes())?;
    let own = |text: Option<&str>| text.map(SmolStr::from);
    Ok(SipUri { is_secure, user: own(user), password: own(password), host, port, params, headers })
}

fn is_user(text: &str) -> bool {
    !text.is_empty() && is_escaped(text, &USER)
}

fn is_password(text: &str) -> bool {
    is_escaped(text, &PASSWORD)
}

/// These octets, UTF-8, and well-formed escapes.
fn is_escaped(text: &str, plain: &Octets) -> bool {
    let octets = text.as_bytes();
    octets.iter().enumerate().all(|(at, &octet)| match octet {
        b'%' => octets.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)),
        _ => plain.has(octet) || octet >= 0x80,
    })
}

/// No white space stands in a URI, so this is stricter than [`Params::parse`].
fn params(text: &str) -> Result<Params, Syntax> {
    let params = Params::parse(text.as_bytes()).map_err(|_| Syntax::Uri)?;
    let is_good = |text: &str| is_escaped(text, &PARAM);
    let all_good =
        params.iter().all(|param| is_good(&param.name) && param.value.as_deref().is_none_or(is_good));
    if all_good { Ok(params) } else { Err(Syntax::Uri) }
}

fn headers(text: &str) -> Result<Vec<(String, String)>, Syntax> {
    let is_good = |text: &str| is_escaped(text, &HEADER);
    text.split('&')
        .map(|header| {
            let (name, value) = header.split_once('=').ok_or(Syntax::Uri)?;
            let is_header = !name.is_empty() && is_good(name) && is_good(&value.replace('=', ""));
            if is_header { Ok((name.to_owned(), value.to_owned())) } else { Err(Syntax::Uri) }
        })
        .collect()
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`; white space around the colon is for the callers to strip.
pub(crate) fn host_port(text: &[u8]) -> Result<(Host, Option<u16>), Syntax> {
    let (host_text, port_text) = match memrchr(b']', text) {
        Some(end) => match &text[end + 1..] {
            [] => (text, None),
            [b':', port @ ..] => (&text[..=end], Some(port)),
            _ => return Err(Syntax::Host),
        },
        None => match memchr(b':', text) {
            Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
            None => (text, None),
        },
    };
    let port = match port_text {
        None => None,
        Some(digits) => {
            let port = lexis::number(digits).and_then(|port| u16::try_from(port).ok());
            Some(port.filter(|&port| port != 0).ok_or(Syntax::Port)?)
        }
    };
    Ok((host(host_text)?, port))
}

pub(super) fn host(text: &[u8]) -> Result<Host, Syntax> {
    let text = std::str::from_utf8(text).map_err(|_| Syntax::Host)?;
    if let Some(inner) = text.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(Syntax::Host)?;
        // RFC 3261's grammar makes senders write three colons before an embedded IPv4 address; RFC 5118
        // §4.10 shows one and RFC 5954 repairs the grammar. It can mean only one thing.
        let inner = inner.replacen(":::", "::", 1);
        return inner.parse::<Ipv6Addr>().map(Host::V6).map_err(|_| Syntax::Host);
    }
    if text.as_bytes().last().is_some_and(u8::is_ascii_digit)
        && let Ok(address) = text.parse::<Ipv4Addr>()
    {
        return Ok(Host::V4(address));
    }
    let is_good = !text.is_empty()
        && NAME.has_all(text.as_bytes())
        && !text.starts_with('.')
        && !text.as_bytes().windows(2).any(|two| two == b"..");
    if is_good { Ok(Host::Name(text.into())) } else { Err(Syntax::Host) }
}

fn tel(text: &str) -> Result<TelUri, Syntax> {
    let (number, params) = match memchr(b';', text.as_bytes()) {
        Some(at) => (&text[..at], params(&text[at..])?),
        None => (text, Params::new()),
    };
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_digit = |octet: u8| octet.is_ascii_hexdigit() || b"*#-.()".contains(&octet);
    let has_digit = digits.bytes().any(|octet| octet.is_ascii_hexdigit() || b"*#".contains(&octet));
    if !has_digit || !digits.bytes().all(is_digit) {
        return Err(Syntax::Uri);
    }
    Ok(TelUri { number: number.to_owned(), params })
}
