//! Our values and messages in `rsip`'s types and back (docs/decisions/0003-rsip-at-the-edge.md).
//!
//! What comes from the network reaches `rsip` only normalised: long names, unfolded, one value per
//! header, cut out by our own index. What `rsip` cannot hold is an error here, never a wrong value.

use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::typed;
use smol_str::SmolStr;

use crate::message::Fault;
use crate::{
    Host, Message, Method, Name, NameAddr, Param, Params, SipUri, Syntax, Transport, Uri, Via, lexis,
};

impl Message {
    /// The whole message as `rsip` has it, one header for each value of a list. Fails where `rsip` has
    /// no form for the start line (unknown methods, `tel:`) or a header is not UTF-8.
    pub fn to_rsip(&self) -> Result<rsip::SipMessage, Syntax> {
        let mut headers = rsip::Headers::default();
        for field in self.headers() {
            let values =
                if is_list(field.name) { self.split(&field) } else { vec![field.value().into_owned()] };
            for value in values {
                let value = String::from_utf8(value).map_err(|_| Syntax::Utf8)?;
                headers.push(match field.name {
                    Name::Other => {
                        let name = String::from_utf8_lossy(field.spelling).into_owned();
                        rsip::Header::Other(name, value)
                    }
                    name => typed_header(name, value),
                });
            }
        }
        let (version, body) = (rsip::Version::V2, self.body().to_vec());
        if self.is_request() {
            let method = rsip::Method::try_from(&self.method())?;
            let uri = rsip::Uri::try_from(&self.uri()?)?;
            return Ok(rsip::SipMessage::Request(rsip::Request { method, uri, version, headers, body }));
        }
        let status_code = rsip::StatusCode::from(self.status());
        Ok(rsip::SipMessage::Response(rsip::Response { status_code, version, headers, body }))
    }

    /// The type of the body; `None` where the message names none.
    pub fn content_type(&self) -> Result<Option<typed::MediaType>, Fault> {
        let Some(value) = self.header(Name::ContentType) else { return Ok(None) };
        let malformed = Fault::Malformed(Name::ContentType);
        let text = std::str::from_utf8(&value).map_err(|_| malformed)?;
        let header = rsip::headers::ContentType::new(text.trim());
        header.typed().map(|header| Some(header.0)).map_err(|_| malformed)
    }

    /// The types of body that the sender takes, in order; `None` where the message does not say
    /// (RFC 3261 §20.1: then `application/sdp` for INVITE). An empty list takes none.
    pub fn accept(&self) -> Result<Option<Vec<typed::MediaType>>, Fault> {
        if self.fields(Name::Accept).next().is_none() {
            return Ok(None);
        }
        let malformed = Fault::Malformed(Name::Accept);
        let mut types = Vec::new();
        for value in self.values(Name::Accept) {
            let text = std::str::from_utf8(&value).map_err(|_| malformed)?;
            types.extend(rsip::headers::Accept::new(text).typed().map_err(|_| malformed)?.0);
        }
        Ok(Some(types))
    }

    /// The methods that the sender says it takes.
    pub fn allow(&self) -> Vec<Method> {
        self.values(Name::Allow).filter_map(|value| Method::parse(&value)).collect()
    }

    fn split(&self, field: &crate::Field<'_>) -> Vec<Vec<u8>> {
        lexis::split_bare(field.raw, b',').map(|value| lexis::unfold(value).into_owned()).collect()
    }
}

/// Headers whose lists `rsip` wants in lines of their own.
fn is_list(name: Name) -> bool {
    matches!(
        name,
        Name::Via
            | Name::Contact
            | Name::Route
            | Name::RecordRoute
            | Name::Path
            | Name::ServiceRoute
            | Name::PAssertedIdentity
            | Name::PPreferredIdentity
            | Name::Diversion
            | Name::HistoryInfo
    )
}

impl TryFrom<&Method> for rsip::Method {
    type Error = Syntax;

    fn try_from(method: &Method) -> Result<rsip::Method, Syntax> {
        match method {
            Method::Ack => Ok(rsip::Method::Ack),
            Method::Bye => Ok(rsip::Method::Bye),
            Method::Cancel => Ok(rsip::Method::Cancel),
            Method::Info => Ok(rsip::Method::Info),
            Method::Invite => Ok(rsip::Method::Invite),
            Method::Message => Ok(rsip::Method::Message),
            Method::Notify => Ok(rsip::Method::Notify),
            Method::Options => Ok(rsip::Method::Options),
            Method::Prack => Ok(rsip::Method::PRack),
            Method::Publish => Ok(rsip::Method::Publish),
            Method::Refer => Ok(rsip::Method::Refer),
            Method::Register => Ok(rsip::Method::Register),
            Method::Subscribe => Ok(rsip::Method::Subscribe),
            Method::Update => Ok(rsip::Method::Update),
            Method::Other(_) => Err(Syntax::Value),
        }
    }
}

impl From<rsip::Method> for Method {
    fn from(method: rsip::Method) -> Method {
        Method::parse(method.to_string().as_bytes()).expect("rsip's methods are tokens")
    }
}

impl From<&Host> for rsip::Host {
    /// An IPv6 address goes in as a name in brackets: `rsip` would print the address without them.
    fn from(host: &Host) -> rsip::Host {
        match host {
            Host::Name(name) => rsip::Host::Domain(name.as_str().into()),
            Host::V4(address) => rsip::Host::IpAddr((*address).into()),
            Host::V6(_) => rsip::Host::Domain(host.to_string().into()),
        }
    }
}

impl TryFrom<&rsip::Host> for Host {
    type Error = Syntax;

    fn try_from(host: &rsip::Host) -> Result<Host, Syntax> {
        match host {
            rsip::Host::Domain(name) => Host::parse(name.to_string().as_bytes()),
            rsip::Host::IpAddr(address) => Ok(Host::from(*address)),
        }
    }
}

fn host_with_port(host: &Host, port: Option<u16>) -> rsip::HostWithPort {
    rsip::HostWithPort { host: host.into(), port: port.map(rsip::Port::from) }
}

fn params_to_rsip(params: &Params) -> Result<Vec<rsip::Param>, Syntax> {
    let to_rsip = |param: &Param| {
        let pair = (param.name.as_str(), param.value.as_deref());
        rsip::Param::try_from(pair).map_err(|_| Syntax::Param)
    };
    params.iter().map(to_rsip).collect()
}

fn params_from_rsip(params: &[rsip::Param]) -> Result<Params, Syntax> {
    let text: String = params.iter().map(ToString::to_string).collect();
    Params::parse(text.as_bytes())
}

impl TryFrom<&Uri> for rsip::Uri {
    type Error = Syntax;

    /// Fails for `tel:` and other schemes, for URI headers, and for a parameter that `rsip` refuses.
    fn try_from(uri: &Uri) -> Result<rsip::Uri, Syntax> {
        let Uri::Sip(uri) = uri else { return Err(Syntax::Value) };
        if !uri.headers.is_empty() {
            return Err(Syntax::Value);
        }
        let scheme = if uri.is_secure { rsip::Scheme::Sips } else { rsip::Scheme::Sip };
        let auth = uri.user.as_ref().map(|user| rsip::Auth {
            user: user.to_string(),
            password: uri.password.as_ref().map(ToString::to_string),
        });
        Ok(rsip::Uri {
            scheme: Some(scheme),
            auth,
            host_with_port: host_with_port(&uri.host, uri.port),
            params: params_to_rsip(&uri.params)?,
            headers: Vec::new(),
        })
    }
}

impl TryFrom<&rsip::Uri> for Uri {
    type Error = Syntax;

    fn try_from(uri: &rsip::Uri) -> Result<Uri, Syntax> {
        let is_secure = match &uri.scheme {
            Some(rsip::Scheme::Sip) | None => false,
            Some(rsip::Scheme::Sips) => true,
            Some(rsip::Scheme::Other(_)) => return Err(Syntax::Value),
        };
        let made = Uri::Sip(SipUri {
            is_secure,
            user: uri.auth.as_ref().map(|auth| auth.user.as_str().into()),
            password: uri.auth.as_ref().and_then(|auth| auth.password.as_deref().map(SmolStr::from)),
            host: Host::try_from(uri.host())?,
            port: uri.port().map(|port| u16::from(*port)),
            params: params_from_rsip(&uri.params)?,
            headers: Vec::new(),
        });
        // rsip checks none of its strings; our own grammar does.
        Uri::parse(made.to_string().as_bytes())
    }
}

/// `rsip` prints a display name as it is, so that it has to be quoted before.
fn display_to_rsip(address: &NameAddr) -> Option<String> {
    address.display.as_deref().map(lexis::quote)
}

fn name_addr_from_rsip(
    display: Option<&str>,
    uri: &rsip::Uri,
    params: &[rsip::Param],
) -> Result<NameAddr, Syntax> {
    let display = display.map(str::trim).filter(|display| !display.is_empty());
    let display = display.map(|display| match lexis::unquote(display.as_bytes()) {
        Some(plain) => SmolStr::from(String::from_utf8_lossy(&plain)),
        None => display.into(),
    });
    Ok(NameAddr { display, uri: Uri::try_from(uri)?, params: params_from_rsip(params)? })
}

impl TryFrom<&NameAddr> for typed::From {
    type Error = Syntax;

    fn try_from(address: &NameAddr) -> Result<typed::From, Syntax> {
        let uri = rsip::Uri::try_from(&address.uri)?;
        Ok(typed::From {
            display_name: display_to_rsip(address),
            uri,
            params: params_to_rsip(&address.params)?,
        })
    }
}

impl TryFrom<&NameAddr> for typed::To {
    type Error = Syntax;

    fn try_from(address: &NameAddr) -> Result<typed::To, Syntax> {
        let uri = rsip::Uri::try_from(&address.uri)?;
        Ok(typed::To {
            display_name: display_to_rsip(address),
            uri,
            params: params_to_rsip(&address.params)?,
        })
    }
}

impl TryFrom<&NameAddr> for typed::Contact {
    type Error = Syntax;

    fn try_from(address: &NameAddr) -> Result<typed::Contact, Syntax> {
        let uri = rsip::Uri::try_from(&address.uri)?;
        Ok(typed::Contact {
            display_name: display_to_rsip(address),
            uri,
            params: params_to_rsip(&address.params)?,
        })
    }
}

impl TryFrom<&typed::From> for NameAddr {
    type Error = Syntax;

    fn try_from(header: &typed::From) -> Result<NameAddr, Syntax> {
        name_addr_from_rsip(header.display_name.as_deref(), &header.uri, &header.params)
    }
}

impl TryFrom<&typed::To> for NameAddr {
    type Error = Syntax;

    fn try_from(header: &typed::To) -> Result<NameAddr, Syntax> {
        name_addr_from_rsip(header.display_name.as_deref(), &header.uri, &header.params)
    }
}

impl TryFrom<&typed::Contact> for NameAddr {
    type Error = Syntax;

    fn try_from(header: &typed::Contact) -> Result<NameAddr, Syntax> {
        name_addr_from_rsip(header.display_name.as_deref(), &header.uri, &header.params)
    }
}

impl TryFrom<&Via> for typed::Via {
    type Error = Syntax;

    /// Fails for transports and versions that `rsip` does not know.
    fn try_from(via: &Via) -> Result<typed::Via, Syntax> {
        let transport = match &via.transport {
            Transport::Udp => rsip::Transport::Udp,
            Transport::Tcp => rsip::Transport::Tcp,
            Transport::Tls => rsip::Transport::Tls,
            Transport::Sctp => rsip::Transport::Sctp,
            Transport::Ws => rsip::Transport::Ws,
            Transport::Wss => rsip::Transport::Wss,
            Transport::Other(_) => return Err(Syntax::Value),
        };
        if via.protocol.is_some() {
            return Err(Syntax::Value);
        }
        let uri = rsip::Uri::from(host_with_port(&via.host, via.port));
        Ok(typed::Via { version: rsip::Version::V2, transport, uri, params: params_to_rsip(&via.params)? })
    }
}

impl TryFrom<&typed::Via> for Via {
    type Error = Syntax;

    fn try_from(header: &typed::Via) -> Result<Via, Syntax> {
        Ok(Via {
            protocol: None,
            transport: Transport::parse(header.transport.to_string().as_bytes()).ok_or(Syntax::Via)?,
            host: Host::try_from(header.uri.host())?,
            port: header.uri.port().map(|port| u16::from(*port)),
            params: params_from_rsip(&header.params)?,
        })
    }
}

/// What makes a value `rsip`'s header of that name.
type Constructor = fn(String) -> rsip::Header;

/// The headers that `rsip` has a type for.
const TYPED: [(Name, Constructor); 46] = [
    (Name::To, |value| rsip::headers::To::new(value).into()),
    (Name::Via, |value| rsip::headers::Via::new(value).into()),
    (Name::CSeq, |value| rsip::headers::CSeq::new(value).into()),
    (Name::Date, |value| rsip::headers::Date::new(value).into()),
    (Name::From, |value| rsip::headers::From::new(value).into()),
    (Name::Allow, |value| rsip::headers::Allow::new(value).into()),
    (Name::Event, |value| rsip::headers::Event::new(value).into()),
    (Name::Route, |value| rsip::headers::Route::new(value).into()),
    (Name::Accept, |value| rsip::headers::Accept::new(value).into()),
    (Name::Server, |value| rsip::headers::Server::new(value).into()),
    (Name::CallId, |value| rsip::headers::CallId::new(value).into()),
    (Name::Contact, |value| rsip::headers::Contact::new(value).into()),
    (Name::Expires, |value| rsip::headers::Expires::new(value).into()),
    (Name::Require, |value| rsip::headers::Require::new(value).into()),
    (Name::Subject, |value| rsip::headers::Subject::new(value).into()),
    (Name::Warning, |value| rsip::headers::Warning::new(value).into()),
    (Name::Priority, |value| rsip::headers::Priority::new(value).into()),
    (Name::ReplyTo, |value| rsip::headers::ReplyTo::new(value).into()),
    (Name::CallInfo, |value| rsip::headers::CallInfo::new(value).into()),
    (Name::Supported, |value| rsip::headers::Supported::new(value).into()),
    (Name::Timestamp, |value| rsip::headers::Timestamp::new(value).into()),
    (Name::AlertInfo, |value| rsip::headers::AlertInfo::new(value).into()),
    (Name::ErrorInfo, |value| rsip::headers::ErrorInfo::new(value).into()),
    (Name::UserAgent, |value| rsip::headers::UserAgent::new(value).into()),
    (Name::InReplyTo, |value| rsip::headers::InReplyTo::new(value).into()),
    (Name::MinExpires, |value| rsip::headers::MinExpires::new(value).into()),
    (Name::RetryAfter, |value| rsip::headers::RetryAfter::new(value).into()),
    (Name::Unsupported, |value| rsip::headers::Unsupported::new(value).into()),
    (Name::ContentType, |value| rsip::headers::ContentType::new(value).into()),
    (Name::MaxForwards, |value| rsip::headers::MaxForwards::new(value).into()),
    (Name::MimeVersion, |value| rsip::headers::MimeVersion::new(value).into()),
    (Name::Organization, |value| rsip::headers::Organization::new(value).into()),
    (Name::RecordRoute, |value| rsip::headers::RecordRoute::new(value).into()),
    (Name::Authorization, |value| rsip::headers::Authorization::new(value).into()),
    (Name::ProxyRequire, |value| rsip::headers::ProxyRequire::new(value).into()),
    (Name::ContentLength, |value| rsip::headers::ContentLength::new(value).into()),
    (Name::AcceptEncoding, |value| rsip::headers::AcceptEncoding::new(value).into()),
    (Name::AcceptLanguage, |value| rsip::headers::AcceptLanguage::new(value).into()),
    (Name::ContentEncoding, |value| rsip::headers::ContentEncoding::new(value).into()),
    (Name::ContentLanguage, |value| rsip::headers::ContentLanguage::new(value).into()),
    (Name::WwwAuthenticate, |value| rsip::headers::WwwAuthenticate::new(value).into()),
    (Name::ProxyAuthenticate, |value| rsip::headers::ProxyAuthenticate::new(value).into()),
    (Name::SubscriptionState, |value| rsip::headers::SubscriptionState::new(value).into()),
    (Name::AuthenticationInfo, |value| rsip::headers::AuthenticationInfo::new(value).into()),
    (Name::ContentDisposition, |value| rsip::headers::ContentDisposition::new(value).into()),
    (Name::ProxyAuthorization, |value| rsip::headers::ProxyAuthorization::new(value).into()),
];

/// The header as `rsip` has it; what it has no type for is its `Other`.
fn typed_header(name: Name, value: String) -> rsip::Header {
    match TYPED.iter().find(|(known, _)| *known == name) {
        Some((_, constructor)) => constructor(value),
        None => rsip::Header::Other(name.as_str().to_owned(), value),
    }
}
