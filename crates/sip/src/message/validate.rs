//! What RFC 3261 demands of the headers that every element looks at.

use super::{Fault, Message};
use crate::{Method, Name, NameAddr, Uri, Via, lexis};

/// Headers of which a message may have one line (RFC 3261 §7.3.1, table 2, and their own documents).
const SINGLE: [Name; 17] = [
    Name::From,
    Name::To,
    Name::CallId,
    Name::CSeq,
    Name::MaxForwards,
    Name::ContentLength,
    Name::ContentType,
    Name::Expires,
    Name::MinExpires,
    Name::SessionExpires,
    Name::MinSe,
    Name::ReferTo,
    Name::Replaces,
    Name::RAck,
    Name::RSeq,
    Name::Event,
    Name::RetryAfter,
];

/// [`SINGLE`] as a set.
const SINGLE_BITS: u128 = {
    let mut bits = 0;
    let mut at = 0;
    while at < SINGLE.len() {
        bits |= bit(SINGLE[at]);
        at += 1;
    }
    bits
};

const _: () = assert!((Name::Other as u8) < 128, "the last name must be an element of the set, too");

/// The element of a header in a set of headers.
const fn bit(name: Name) -> u128 {
    1 << (name as u8)
}

/// Headers that are one address or a list of them.
const ADDRESSES: [Name; 4] = [Name::Route, Name::RecordRoute, Name::Path, Name::Contact];

/// Headers that are a number below 2^32, possibly with parameters behind it (RFC 3261 §25.1, delta-seconds).
const NUMBERS: [Name; 5] =
    [Name::Expires, Name::MinExpires, Name::SessionExpires, Name::MinSe, Name::RetryAfter];

pub(super) fn validate(message: &Message) -> Result<(), Fault> {
    single(message)?;
    vias(message)?;
    address(message, Name::From)?;
    address(message, Name::To)?;
    call_id(message)?;
    cseq(message)?;
    addresses(message)?;
    max_forwards(message)?;
    numbers(message)?;
    request_uri(message)
}

fn single(message: &Message) -> Result<(), Fault> {
    let mut seen = 0u128;
    for field in message.headers() {
        let bit = bit(field.name);
        if seen & bit & SINGLE_BITS != 0 {
            return Err(Fault::Repeated(field.name));
        }
        seen |= bit;
    }
    Ok(())
}

fn vias(message: &Message) -> Result<(), Fault> {
    let mut some = false;
    for via in message.values(Name::Via) {
        Via::parse(&via).map_err(|_| Fault::Malformed(Name::Via))?;
        some = true;
    }
    if some { Ok(()) } else { Err(Fault::Missing(Name::Via)) }
}

fn address(message: &Message, name: Name) -> Result<(), Fault> {
    let value = message.header(name).ok_or(Fault::Missing(name))?;
    let address = NameAddr::parse(&value).map_err(|_| Fault::Malformed(name))?;
    let has_empty_tag = address.params.find("tag").is_some_and(|tag| tag.value.is_none());
    if has_empty_tag { Err(Fault::Malformed(name)) } else { Ok(()) }
}

fn call_id(message: &Message) -> Result<(), Fault> {
    let value = message.call_id().ok_or(Fault::Missing(Name::CallId))?;
    let is_good = !value.is_empty() && value.iter().all(|&octet| octet > b' ' && octet != 0x7f);
    if is_good { Ok(()) } else { Err(Fault::Malformed(Name::CallId)) }
}

/// RFC 3261 §8.1.1.5.
fn cseq(message: &Message) -> Result<(), Fault> {
    let (_, method) = message.cseq()?;
    let is_same = !message.is_request() || method == message.method();
    if is_same { Ok(()) } else { Err(Fault::CSeqMethod) }
}

/// RFC 3261 §10.2.2: only REGISTER may say `Contact: *`, and then nothing else.
fn addresses(message: &Message) -> Result<(), Fault> {
    for name in ADDRESSES {
        for value in message.values(name) {
            let is_star =
                name == Name::Contact && value.as_ref() == b"*" && message.method() == Method::Register;
            if !is_star && NameAddr::parse(&value).is_err() {
                return Err(Fault::Malformed(name));
            }
        }
    }
    Ok(())
}

/// RFC 3261 §20.22: 0 to 255. A request without one is taken as if it had a fresh one (§16.3).
fn max_forwards(message: &Message) -> Result<(), Fault> {
    let hops = message.number(Name::MaxForwards)?;
    if hops.is_none_or(|hops| hops <= 255) { Ok(()) } else { Err(Fault::Malformed(Name::MaxForwards)) }
}

fn numbers(message: &Message) -> Result<(), Fault> {
    for name in NUMBERS {
        let Some(field) = message.fields(name).next() else { continue };
        let end = field.raw.iter().position(|octet| b"; \t\r\n(".contains(octet)).unwrap_or(field.raw.len());
        if lexis::number(&field.raw[..end]).is_none_or(|number| u32::try_from(number).is_err()) {
            return Err(Fault::Malformed(name));
        }
    }
    Ok(())
}

/// RFC 3261 §19.1.1, table 1: a Request-URI has no headers; §8.2.2.1: 416 for a scheme not served.
fn request_uri(message: &Message) -> Result<(), Fault> {
    if !message.is_request() {
        return Ok(());
    }
    match message.uri() {
        Ok(Uri::Sip(uri)) if !uri.headers.is_empty() => Err(Fault::RequestUri),
        Ok(Uri::Sip(_) | Uri::Tel(_)) => Ok(()),
        Ok(Uri::Other { .. }) => Err(Fault::UriScheme),
        Err(_) => Err(Fault::RequestUri),
    }
}
