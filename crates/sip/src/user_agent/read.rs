//! From a message to what the application is told.

use std::time::Duration;

use super::event::{Body, HeaderField, Invite, Origin, Party};
use crate::{Fault, Field, Flow, Message, Name, NameAddr};

/// Whether the user agent itself writes and reads this header, so that the application neither gets
/// nor gives it.
pub(super) fn is_managed(name: Name) -> bool {
    matches!(
        name,
        Name::Via
            | Name::From
            | Name::To
            | Name::CallId
            | Name::CSeq
            | Name::MaxForwards
            | Name::Route
            | Name::RecordRoute
            | Name::Path
            | Name::ServiceRoute
            | Name::Contact
            | Name::ContentLength
            | Name::ContentType
            | Name::Authorization
            | Name::ProxyAuthorization
            | Name::WwwAuthenticate
            | Name::ProxyAuthenticate
            | Name::AuthenticationInfo
            | Name::Server
            | Name::UserAgent
            | Name::Allow
            | Name::Supported
            | Name::Unsupported
            | Name::Require
            | Name::ProxyRequire
            | Name::Accept
            | Name::AcceptEncoding
            | Name::AcceptLanguage
            | Name::Timestamp
            | Name::RSeq
            | Name::RAck
            | Name::MinSe
            | Name::SessionExpires
    )
}

/// The headers that the user agent does not manage, in order.
pub(super) fn headers(message: &Message) -> Vec<HeaderField> {
    // RFC 3261 §8.1.3.4: what a redirection says stands in its Contact.
    let is_redirection = (300..400).contains(&message.status());
    let is_told =
        |field: &Field<'_>| !is_managed(field.name) || (is_redirection && field.name == Name::Contact);
    message.headers().filter(is_told).map(|field| header(&field)).collect()
}

fn header(field: &Field<'_>) -> HeaderField {
    let name = match field.name {
        Name::Other => String::from_utf8_lossy(field.spelling).into_owned(),
        known => known.as_str().to_owned(),
    };
    HeaderField { name, value: clean(&String::from_utf8_lossy(&field.value())) }
}

/// For passing on: nothing may be written that has control characters in it, so each becomes a space. A
/// tab is white space as good as any (RFC 3261 §25.1, LWS).
fn clean(text: &str) -> String {
    text.replace(|letter: char| letter.is_control() && letter != '\t', " ")
}

/// The body, if there is one.
pub(super) fn body(message: &Message) -> Option<Body> {
    let bytes = message.body();
    if bytes.is_empty() {
        return None;
    }
    let content_type = message.text(Name::ContentType).unwrap_or_default();
    let content_type = match content_type.as_str() {
        "" => "application/octet-stream".to_owned(),
        told => told.replace(char::is_control, " "),
    };
    Some(Body { content_type, bytes })
}

/// The reason phrase for people.
pub(super) fn reason(message: &Message) -> String {
    clean(&String::from_utf8_lossy(message.reason()))
}

/// Retry-After without its comment and parameters (RFC 3261 §20.33).
pub(super) fn retry_after(message: &Message) -> Option<Duration> {
    let value = message.text(Name::RetryAfter)?;
    let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()))
}

/// What the application is told of a new INVITE.
pub(super) fn invite(message: &Message, flow: &Flow, origin: Origin) -> Result<Invite, Fault> {
    let uri = message.uri().map_err(|_| Fault::RequestUri)?;
    let max_forwards = message.number(Name::MaxForwards)?.unwrap_or(u32::from(crate::compose::MAX_FORWARDS));
    Ok(Invite {
        origin,
        remote: flow.remote,
        number: uri.user().unwrap_or_default(),
        request_uri: uri.to_string(),
        from: party(message.from()?),
        to: party(message.to()?),
        call_id: String::from_utf8_lossy(message.call_id().unwrap_or_default()).into_owned(),
        max_forwards: u8::try_from(max_forwards).unwrap_or(u8::MAX),
        headers: headers(message),
        body: body(message),
    })
}

fn party(address: NameAddr) -> Party {
    Party {
        display_name: clean(&address.display.unwrap_or_default()).replace('\t', " "),
        user: address.uri.user().unwrap_or_default(),
        uri: address.uri.to_string(),
    }
}
