//! One header line, and how a message is written out.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use rsip::headers::{self, UntypedHeader};

use super::{ComposeError, Parts};
use crate::message::{Field, from_our_octets};
use crate::{Message, Name, lexis};

/// One header line to be written.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// What we compose.
    Typed(rsip::Header),
    /// What is passed on, which need not be UTF-8.
    Raw { spelling: Vec<u8>, value: Vec<u8> },
}

impl Line {
    pub(super) fn new(name: Name, value: String) -> Line {
        Line::Typed(typed(name, value))
    }

    pub(super) fn raw(spelling: &[u8], value: &[u8]) -> Line {
        Line::Raw { spelling: spelling.to_vec(), value: value.to_vec() }
    }

    /// A line of another message, unfolded, its name in the long form.
    pub(super) fn copy(field: &Field<'_>) -> Line {
        let spelling = match field.name {
            Name::Other => field.spelling,
            name => name.as_str().as_bytes(),
        };
        // RFC 3261 §25.1 lets a quoted string hold an escaped NUL. It was read as part of one line and
        // is written as part of one line.
        Line::Raw { spelling: spelling.to_vec(), value: field.value().into_owned() }
    }

    fn write(&self, out: &mut BytesMut) -> Result<(), ComposeError> {
        let start = out.len();
        match self {
            Line::Typed(rsip::Header::Other(name, _)) if !lexis::is_all_token(name.as_bytes()) => {
                return Err(ComposeError::Name(name.clone()));
            }
            Line::Typed(header) => write!(out, "{header}").expect("a buffer takes everything"),
            Line::Raw { spelling, value } => {
                if !lexis::is_all_token(spelling) {
                    return Err(ComposeError::Name(String::from_utf8_lossy(spelling).into_owned()));
                }
                out.extend_from_slice(spelling);
                out.extend_from_slice(b": ");
                out.extend_from_slice(value);
            }
        }
        refuse_control(&out[start..])?;
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// A line end would begin a header that nobody meant to send; a NUL may stand only where it is quoted.
fn refuse_control(line: &[u8]) -> Result<(), ComposeError> {
    let is_bad = |(at, &octet): (usize, &u8)| match octet {
        b'\r' | b'\n' => true,
        0 => at == 0 || line[at - 1] != b'\\',
        _ => false,
    };
    if line.iter().enumerate().any(is_bad) {
        return Err(ComposeError::Control(String::from_utf8_lossy(line).into_owned()));
    }
    Ok(())
}

/// Writes start line, lines, Content-Type, Content-Length and body, and indexes the result.
pub(super) fn write(start: &[u8], head: &[Line], parts: &Parts) -> Result<Message, ComposeError> {
    let mut out = BytesMut::with_capacity(1_024 + parts.body.len());
    out.extend_from_slice(start);
    refuse_control(&out)?;
    out.extend_from_slice(b"\r\n");
    for line in head.iter().chain(&parts.lines) {
        line.write(&mut out)?;
    }
    if let Some(content_type) = &parts.content_type {
        Line::new(Name::ContentType, content_type.clone()).write(&mut out)?;
    }
    let length = parts.body.len().to_string();
    Line::new(Name::ContentLength, length).write(&mut out)?;
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&parts.body);
    let written: Bytes = out.freeze();
    from_our_octets(written).map_err(|_| ComposeError::Template)
}

/// What makes a value `rsip`'s header of that name.
type Constructor = fn(String) -> rsip::Header;

/// The headers that `rsip` has a type for.
const TYPED: [(Name, Constructor); 46] = [
    (Name::To, |value| headers::To::new(value).into()),
    (Name::Via, |value| headers::Via::new(value).into()),
    (Name::CSeq, |value| headers::CSeq::new(value).into()),
    (Name::Date, |value| headers::Date::new(value).into()),
    (Name::From, |value| headers::From::new(value).into()),
    (Name::Allow, |value| headers::Allow::new(value).into()),
    (Name::Event, |value| headers::Event::new(value).into()),
    (Name::Route, |value| headers::Route::new(value).into()),
    (Name::Accept, |value| headers::Accept::new(value).into()),
    (Name::Server, |value| headers::Server::new(value).into()),
    (Name::CallId, |value| headers::CallId::new(value).into()),
    (Name::Contact, |value| headers::Contact::new(value).into()),
    (Name::Expires, |value| headers::Expires::new(value).into()),
    (Name::Require, |value| headers::Require::new(value).into()),
    (Name::Subject, |value| headers::Subject::new(value).into()),
    (Name::Warning, |value| headers::Warning::new(value).into()),
    (Name::Priority, |value| headers::Priority::new(value).into()),
    (Name::ReplyTo, |value| headers::ReplyTo::new(value).into()),
    (Name::CallInfo, |value| headers::CallInfo::new(value).into()),
    (Name::Supported, |value| headers::Supported::new(value).into()),
    (Name::Timestamp, |value| headers::Timestamp::new(value).into()),
    (Name::AlertInfo, |value| headers::AlertInfo::new(value).into()),
    (Name::ErrorInfo, |value| headers::ErrorInfo::new(value).into()),
    (Name::UserAgent, |value| headers::UserAgent::new(value).into()),
    (Name::InReplyTo, |value| headers::InReplyTo::new(value).into()),
    (Name::MinExpires, |value| headers::MinExpires::new(value).into()),
    (Name::RetryAfter, |value| headers::RetryAfter::new(value).into()),
    (Name::Unsupported, |value| headers::Unsupported::new(value).into()),
    (Name::ContentType, |value| headers::ContentType::new(value).into()),
    (Name::MaxForwards, |value| headers::MaxForwards::new(value).into()),
    (Name::MimeVersion, |value| headers::MimeVersion::new(value).into()),
    (Name::Organization, |value| headers::Organization::new(value).into()),
    (Name::RecordRoute, |value| headers::RecordRoute::new(value).into()),
    (Name::Authorization, |value| headers::Authorization::new(value).into()),
    (Name::ProxyRequire, |value| headers::ProxyRequire::new(value).into()),
    (Name::ContentLength, |value| headers::ContentLength::new(value).into()),
    (Name::AcceptEncoding, |value| headers::AcceptEncoding::new(value).into()),
    (Name::AcceptLanguage, |value| headers::AcceptLanguage::new(value).into()),
    (Name::ContentEncoding, |value| headers::ContentEncoding::new(value).into()),
    (Name::ContentLanguage, |value| headers::ContentLanguage::new(value).into()),
    (Name::WwwAuthenticate, |value| headers::WwwAuthenticate::new(value).into()),
    (Name::ProxyAuthenticate, |value| headers::ProxyAuthenticate::new(value).into()),
    (Name::SubscriptionState, |value| headers::SubscriptionState::new(value).into()),
    (Name::AuthenticationInfo, |value| headers::AuthenticationInfo::new(value).into()),
    (Name::ContentDisposition, |value| headers::ContentDisposition::new(value).into()),
    (Name::ProxyAuthorization, |value| headers::ProxyAuthorization::new(value).into()),
];

/// The header as `rsip` has it; what it has no type for is its `Other`.
pub(crate) fn typed(name: Name, value: String) -> rsip::Header {
    match TYPED.iter().find(|(known, _)| *known == name) {
        Some((_, constructor)) => constructor(value),
        None => rsip::Header::Other(name.as_str().to_owned(), value),
    }
}
