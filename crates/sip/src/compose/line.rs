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

    /// Adds to the end of the value of a raw line.
    pub(super) fn append(&mut self, text: &str) {
        match self {
            Line::Raw { value, .. } => value.extend_from_slice(text.as_bytes()),
            Line::Typed(header) => *header = rsip::Header::Other(String::new(), format!("{header}{text}")),
        }
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

/// The header as rsip has it; what rsip has no type for is its `Other`.
pub(crate) fn typed(name: Name, value: String) -> rsip::Header {
    match name {
        Name::To => headers::To::new(value).into(),
        Name::Via => headers::Via::new(value).into(),
        Name::CSeq => headers::CSeq::new(value).into(),
        Name::Date => headers::Date::new(value).into(),
        Name::From => headers::From::new(value).into(),
        Name::Allow => headers::Allow::new(value).into(),
        Name::Event => headers::Event::new(value).into(),
        Name::Route => headers::Route::new(value).into(),
        Name::Accept => headers::Accept::new(value).into(),
        Name::Server => headers::Server::new(value).into(),
        Name::CallId => headers::CallId::new(value).into(),
        Name::Contact => headers::Contact::new(value).into(),
        Name::Expires => headers::Expires::new(value).into(),
        Name::Require => headers::Require::new(value).into(),
        Name::Subject => headers::Subject::new(value).into(),
        Name::Warning => headers::Warning::new(value).into(),
        Name::Priority => headers::Priority::new(value).into(),
        Name::ReplyTo => headers::ReplyTo::new(value).into(),
        Name::CallInfo => headers::CallInfo::new(value).into(),
        Name::Supported => headers::Supported::new(value).into(),
        Name::Timestamp => headers::Timestamp::new(value).into(),
        Name::AlertInfo => headers::AlertInfo::new(value).into(),
        Name::ErrorInfo => headers::ErrorInfo::new(value).into(),
        Name::UserAgent => headers::UserAgent::new(value).into(),
        Name::InReplyTo => headers::InReplyTo::new(value).into(),
        Name::MinExpires => headers::MinExpires::new(value).into(),
        Name::RetryAfter => headers::RetryAfter::new(value).into(),
        Name::Unsupported => headers::Unsupported::new(value).into(),
        Name::ContentType => headers::ContentType::new(value).into(),
        Name::MaxForwards => headers::MaxForwards::new(value).into(),
        Name::MimeVersion => headers::MimeVersion::new(value).into(),
        Name::Organization => headers::Organization::new(value).into(),
        Name::RecordRoute => headers::RecordRoute::new(value).into(),
        Name::Authorization => headers::Authorization::new(value).into(),
        Name::ProxyRequire => headers::ProxyRequire::new(value).into(),
        Name::ContentLength => headers::ContentLength::new(value).into(),
        Name::AcceptEncoding => headers::AcceptEncoding::new(value).into(),
        Name::AcceptLanguage => headers::AcceptLanguage::new(value).into(),
        Name::ContentEncoding => headers::ContentEncoding::new(value).into(),
        Name::ContentLanguage => headers::ContentLanguage::new(value).into(),
        Name::WwwAuthenticate => headers::WwwAuthenticate::new(value).into(),
        Name::ProxyAuthenticate => headers::ProxyAuthenticate::new(value).into(),
        Name::SubscriptionState => headers::SubscriptionState::new(value).into(),
        Name::AuthenticationInfo => headers::AuthenticationInfo::new(value).into(),
        Name::ContentDisposition => headers::ContentDisposition::new(value).into(),
        Name::ProxyAuthorization => headers::ProxyAuthorization::new(value).into(),
        Name::Join
        | Name::Path
        | Name::RAck
        | Name::RSeq
        | Name::MinSe
        | Name::Reason
        | Name::Privacy
        | Name::Identity
        | Name::ReferTo
        | Name::Replaces
        | Name::SipEtag
        | Name::Diversion
        | Name::ReferSub
        | Name::Geolocation
        | Name::ReferredBy
        | Name::AllowEvents
        | Name::HistoryInfo
        | Name::SipIfMatch
        | Name::UserToUser
        | Name::ServiceRoute
        | Name::TargetDialog
        | Name::AcceptContact
        | Name::RejectContact
        | Name::RemotePartyId
        | Name::SessionExpires
        | Name::PCalledPartyId
        | Name::PChargingVector
        | Name::PAssertedIdentity
        | Name::RequestDisposition
        | Name::PPreferredIdentity
        | Name::PAccessNetworkInfo
        | Name::Other => rsip::Header::Other(name.as_str().to_owned(), value),
    }
}
