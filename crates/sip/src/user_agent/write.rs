//! From what the application wants to messages, and on their way.

use bytes::Bytes;
use timing::Instant;

use super::event::{Body, HeaderField};
use super::read::is_managed;
use super::session::Target;
use super::{Endpoint, Refused, UserAgent};
use crate::compose::{self, RequestBuilder, ResponseBuilder};
use crate::dialog::Hop;
use crate::transaction::{AMPLIFICATION_MAX, ClientId, ClientUser};
use crate::{Flow, Host, Message, Method, Name, NameAddr, Protocol, Transmit, Uri, Via};

/// The user part of our Contact: requests find their session by tags, but some phones want one.
const CONTACT_USER: &str = "cordboard";

/// Refuses what cannot stand in a message or is the user agent's own to write.
pub(super) fn check_headers(headers: &[HeaderField]) -> Result<(), Refused> {
    let is_good = |field: &HeaderField| {
        crate::lexis::is_all_token(field.name.as_bytes())
            && !is_managed(Name::of(field.name.as_bytes()))
            && !field.value.contains(|letter: char| letter.is_control() && letter != '\t')
    };
    match headers.iter().find(|field| !is_good(field)) {
        Some(bad) => Err(Refused::BadHeader(bad.name.clone())),
        None => Ok(()),
    }
}

/// As [`check_headers`], for a message with a body.
pub(super) fn check(headers: &[HeaderField], body: Option<&Body>) -> Result<(), Refused> {
    let is_bad = |body: &Body| body.content_type.contains(char::is_control) || body.content_type.is_empty();
    if body.is_some_and(is_bad) {
        return Err(Refused::BadHeader("Content-Type".to_owned()));
    }
    check_headers(headers)
}

pub(super) fn add_to_request(
    builder: RequestBuilder,
    headers: &[HeaderField],
    body: Option<&Body>,
) -> RequestBuilder {
    let builder = headers
        .iter()
        .fold(builder, |builder, field| builder.raw_header(field.name.as_bytes(), field.value.as_bytes()));
    match body {
        Some(body) => builder.body(&body.content_type, body.bytes.clone()),
        None => builder,
    }
}

pub(super) fn add_to_response(
    builder: ResponseBuilder,
    headers: &[HeaderField],
    body: Option<&Body>,
) -> ResponseBuilder {
    let builder = headers
        .iter()
        .fold(builder, |builder, field| builder.raw_header(field.name.as_bytes(), field.value.as_bytes()));
    match body {
        Some(body) => builder.body(&body.content_type, body.bytes.clone()),
        None => builder,
    }
}

/// Where responses to a request go (RFC 3261 §18.2.2, RFC 3581 §4): back to the source address, to the
/// port in Via unless `rport` asks for the source port. `maddr` is not followed: it would let anybody
/// aim our answers at a third party.
pub(super) fn response_flow(flow: Flow, via: &Via) -> Flow {
    match flow.protocol {
        Protocol::Tcp => flow,
        Protocol::Udp if via.params.has("rport") => flow,
        Protocol::Udp => {
            let remote = std::net::SocketAddr::new(flow.remote.ip(), via.port_or_default());
            Flow { remote, ..flow }
        }
    }
}

impl UserAgent {
    /// The endpoint of a flow: the one bound there, else the first that fits transport and family.
    pub(super) fn endpoint(&self, flow: &Flow) -> Option<&Endpoint> {
        let fits = |endpoint: &&Endpoint| endpoint.protocol == flow.protocol;
        let endpoints = &self.settings.endpoints;
        endpoints
            .iter()
            .filter(fits)
            .find(|endpoint| endpoint.bound == flow.local)
            .or_else(|| {
                endpoints
                    .iter()
                    .filter(fits)
                    .find(|endpoint| endpoint.bound.is_ipv4() == flow.local.is_ipv4())
            })
            .or_else(|| endpoints.iter().find(fits))
    }

    /// The way to an address: an open stream to it, or from the endpoint that fits.
    pub(super) fn flow_to(&self, target: Target) -> Option<Flow> {
        let Target { protocol, address: remote } = target;
        if protocol == Protocol::Tcp
            && let Some(open) = self.streams_to.get(&remote).and_then(|id| self.connections.get(id))
        {
            return Some(open.flow);
        }
        let mut fitting = self.settings.endpoints.iter().filter(|endpoint| endpoint.protocol == protocol);
        let endpoint = fitting.find(|endpoint| endpoint.bound.is_ipv4() == remote.is_ipv4())?;
        Some(Flow { protocol, local: endpoint.bound, remote, connection: None })
    }

    /// The way of a request in a dialog; a stream that is gone is replaced by another one.
    pub(super) fn flow_of(&self, hop: Hop) -> Option<Flow> {
        match hop {
            Hop::Flow(flow) => match (flow.protocol, flow.connection) {
                (Protocol::Udp, _) => Some(flow),
                (Protocol::Tcp, Some(open)) if self.connections.contains_key(&open) => Some(flow),
                (Protocol::Tcp, _) => self.flow_to(Target { protocol: flow.protocol, address: flow.remote }),
            },
            Hop::Address(protocol, remote) => self.flow_to(Target { protocol, address: remote }),
        }
    }

    /// Where the stream of a message is gone: a response goes to the source of its request, at the port
    /// in Via (RFC 3261 §18.2.2), anything else to where the stream led.
    pub(super) fn over_open_stream(&self, transmit: Transmit) -> Transmit {
        let Transmit { flow, bytes } = transmit;
        let is_open = flow.connection.is_none_or(|connection| self.connections.contains_key(&connection));
        if is_open {
            return Transmit { flow, bytes };
        }
        let is_response = bytes.starts_with(b"SIP/2.0 ");
        let via = is_response
            .then(|| Message::parse(bytes.clone(), &crate::Limits::default()).ok()?.top_via().ok());
        let address = match via.flatten() {
            Some(via) => std::net::SocketAddr::new(flow.remote.ip(), via.port_or_default()),
            None => flow.remote,
        };
        let way = self.flow_to(Target { protocol: flow.protocol, address });
        Transmit { flow: way.unwrap_or(Flow { connection: None, ..flow }), bytes }
    }

    /// Our Contact on a flow.
    pub(super) fn contact(&self, flow: &Flow) -> NameAddr {
        let (host, port) = self.advertised(flow);
        let mut uri = Uri::sip(CONTACT_USER, host, Some(port));
        match flow.protocol {
            Protocol::Tcp => uri.set_param("transport", Some("tcp")),
            Protocol::Udp => {}
        }
        NameAddr::new(uri)
    }

    fn advertised(&self, flow: &Flow) -> (Host, u16) {
        match self.endpoint(flow) {
            Some(endpoint) => {
                let host = endpoint.host.parse().unwrap_or_else(|_| Host::from(endpoint.bound.ip()));
                (host, endpoint.port)
            }
            None => (Host::from(flow.local.ip()), flow.local.port()),
        }
    }

    /// The Via of a request that leaves on `flow`.
    pub(super) fn via(&self, flow: &Flow, branch: &str) -> Via {
        let (host, port) = self.advertised(flow);
        Via::new(flow.protocol.transport(), host, Some(port), branch)
    }

    /// Completes a request of a dialog or a new INVITE: Via, Contact where the method wants one, and
    /// who we are.
    pub(super) fn finish_request(
        &mut self,
        builder: RequestBuilder,
        method: &Method,
        flow: &Flow,
    ) -> Option<(String, Message)> {
        let branch = self.entropy.branch();
        self.finish_request_as(builder, method, flow, &branch).map(|request| (branch, request))
    }

    /// As [`UserAgent::finish_request`], with this branch.
    pub(super) fn finish_request_as(
        &self,
        builder: RequestBuilder,
        method: &Method,
        flow: &Flow,
        branch: &str,
    ) -> Option<Message> {
        let mut builder = builder.via(&self.via(flow, branch));
        if is_target_refresh(method) {
            builder = builder.contact(&self.contact(flow));
        }
        if matches!(method, Method::Invite | Method::Update) {
            builder = builder.header(Name::Allow, self.allow());
            if !self.settings.supported.is_empty() {
                builder = builder.header(Name::Supported, self.settings.supported.join(", "));
            }
        }
        if !self.settings.server.is_empty() {
            builder = builder.header(Name::UserAgent, &self.settings.server);
        }
        builder.build().ok()
    }

    /// The same request once more: another way, another number, perhaps with credentials.
    pub(super) fn request_again(
        &mut self,
        request: &Message,
        cseq: u32,
        flow: &Flow,
        credentials: Option<(Name, String)>,
    ) -> Option<(String, Message)> {
        let method = request.method();
        let mut builder = RequestBuilder::new(method.clone(), &request.uri().ok()?)
            .from(&request.from().ok()?)
            .to(&request.to().ok()?)
            .call_id(std::str::from_utf8(request.call_id()?).ok()?)
            .cseq(cseq);
        if let Some(hops) = request.number(Name::MaxForwards).ok()? {
            builder = builder.max_forwards(u8::try_from(hops).unwrap_or(u8::MAX));
        }
        for route in request.name_addrs(Name::Route).ok()? {
            builder = builder.route(&route);
        }
        for field in request.headers().filter(|field| !is_managed(field.name)) {
            builder = builder.raw_header(field.spelling, &field.value());
        }
        if let Some((name, value)) = credentials {
            builder = builder.header(name, value);
        }
        if let Some(body) = super::read::body(request) {
            builder = builder.body(&body.content_type, body.bytes);
        }
        self.finish_request(builder, &method, flow)
    }

    /// Sends a request and waits for its answer.
    pub(super) fn send_request(
        &mut self,
        now: Instant,
        branch: &str,
        user: ClientUser,
        flow: Flow,
        request: Message,
    ) -> ClientId {
        self.transactions.request(now, branch, user, flow, request)
    }

    /// A response in the making: source noted, tag set, who we are.
    pub(super) fn response(
        &self,
        request: &Message,
        flow: &Flow,
        status: u16,
        tag: &str,
    ) -> Option<ResponseBuilder> {
        let builder = compose::response_to(request, status).ok()?.source(flow.remote).to_tag(tag);
        if self.settings.server.is_empty() || status == 100 {
            return Some(builder);
        }
        Some(builder.header(Name::Server, &self.settings.server))
    }

    /// A whole response without body and further headers.
    pub(super) fn plain_response(
        &self,
        request: &Message,
        flow: &Flow,
        status: u16,
        tag: &str,
    ) -> Option<Bytes> {
        Some(self.response(request, flow, status, tag)?.build().ok()?.bytes().clone())
    }

    /// Answers and forgets: the next copy of the request is answered again (RFC 3261 §8.2.7). Over UDP an answer that
    /// is too long for its request is not sent; no request of a real phone is short enough for that.
    pub(super) fn answer_stateless(
        &mut self,
        flow: Flow,
        request: &Message,
        status: u16,
        headers: &[(Name, String)],
    ) {
        let tag = self.stateless_tag(request);
        let Some(builder) = self.response(request, &flow, status, &tag) else { return };
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value));
        let (Ok(response), Ok(via)) = (builder.build(), request.top_via()) else { return };
        let is_too_much = response.bytes().len() > AMPLIFICATION_MAX * request.bytes().len();
        if flow.protocol == Protocol::Udp && is_too_much {
            return;
        }
        let flow = response_flow(flow, &via);
        self.transactions.lower.transmits.push_back(Transmit { flow, bytes: response.bytes().clone() });
    }

    pub(super) fn stateless_tag(&self, request: &Message) -> String {
        let branch = request.header(Name::Via).unwrap_or_default();
        let call_id = request.call_id().unwrap_or_default();
        super::entropy::stateless_tag(
            self.tag_key,
            [&branch, call_id, request.from_tag().unwrap_or_default()],
        )
    }

    /// The value of Allow.
    pub(super) fn allow(&self) -> String {
        let methods: Vec<&str> = self.settings.allow.iter().map(Method::as_str).collect();
        methods.join(", ")
    }
}

/// Whether a request of this method moves the target of a dialog (RFC 3261 §12.2, RFC 3311 §5.1,
/// RFC 3515 §2.4.1, RFC 6665 §4.4.1).
pub(super) fn is_target_refresh(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Update | Method::Refer | Method::Notify | Method::Subscribe)
}
