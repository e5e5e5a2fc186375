//! How messages are written and recognised.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sip::compose::{self, RequestBuilder};
use sip::{Host, Message, Method, Name, NameAddr, Protocol, Uri, Via};

use crate::audio::PairId;
use crate::line::Key;
use crate::sending::{GIVE_UP, Repeated};

/// How long what is over answers repetitions: for as long as the other side sends them (Timers H and J).
pub(crate) const LINGER: Duration = GIVE_UP;

/// One end of the load: where it is and how it writes itself.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) at: SocketAddr,
    pub(crate) system: SocketAddr,
    pub(crate) protocol: Protocol,
    pub(crate) domain: Host,
    host: Host,
    /// The description of a call without audio, and that of a call with each of the pairs of ports.
    sdp: Bytes,
    with_audio: Arc<[Bytes]>,
    /// Makes what we write unlike that of another run.
    nonce: u64,
}

impl Place {
    pub(crate) fn new(
        at: SocketAddr,
        system: SocketAddr,
        protocol: Protocol,
        domain: &Host,
        media: SocketAddr,
        nonce: u64,
    ) -> Place {
        Place {
            at,
            system,
            protocol,
            domain: domain.clone(),
            host: Host::from(at.ip()),
            sdp: description(nonce, media, ""),
            with_audio: Arc::default(),
            nonce,
        }
    }

    /// The same, with these ports for calls with audio.
    pub(crate) fn with_audio(self, media: SocketAddr, ports: impl Iterator<Item = SocketAddr>) -> Place {
        // RFC 3605: there is one port for the RTCP of all, which nobody reads; the port beside that of a call is another's.
        let rtcp = format!("a=rtcp:{}\r\n", media.port());
        let with_audio = ports.map(|port| description(self.nonce, port, &rtcp)).collect();
        Place { with_audio, ..self }
    }

    /// What no other test has.
    pub(crate) fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Whether nothing needs to be sent again.
    pub(crate) fn is_reliable(&self) -> bool {
        self.protocol.is_reliable()
    }

    /// How a message is repeated that `otherwise` says it of, where the transport may lose it.
    pub(crate) fn repeated(&self, otherwise: Repeated) -> Repeated {
        if self.is_reliable() { Repeated::Never } else { otherwise }
    }

    /// The description of a call that has this pair of ports, or none.
    pub(crate) fn sdp(&self, pair: Option<PairId>) -> Bytes {
        pair.map_or(&self.sdp, |pair| &self.with_audio[pair.index()]).clone()
    }

    /// `sip:user@domain`
    pub(crate) fn address(&self, user: &str) -> Uri {
        Uri::sip(user, self.domain.clone(), None)
    }

    /// `sip:user@` this place.
    pub(crate) fn contact(&self, user: &str) -> NameAddr {
        let mut uri = Uri::sip(user, self.host.clone(), Some(self.at.port()));
        if self.protocol == Protocol::Tcp {
            uri.set_param("transport", Some("tcp"));
        }
        NameAddr::new(uri)
    }

    /// A Via with a branch of this call and request.
    pub(crate) fn via(&self, key: Key, request: u32) -> Via {
        let Key { index, generation } = key;
        let branch = format!("{}{:x}.{index:x}.{generation:x}.{request:x}", sip::MAGIC_COOKIE, self.nonce);
        Via::new(self.protocol.transport(), self.host.clone(), Some(self.at.port()), &branch)
    }

    /// The tag of a call: [`key_of`] reads it.
    pub(crate) fn tag(&self, key: Key) -> String {
        format!("{:x}.{:x}.{:x}", key.index, key.generation, self.nonce)
    }

    pub(crate) fn call_id(&self, key: Key) -> String {
        format!("{:x}.{:x}.{:x}@{}", key.index, key.generation, self.nonce, self.at.ip())
    }

    /// The call that a tag of ours names.
    pub(crate) fn key_of(&self, tag: &[u8]) -> Option<Key> {
        let text = std::str::from_utf8(tag).ok()?;
        let mut parts = text.split('.').map(|part| u64::from_str_radix(part, 16));
        let mut next = || parts.next()?.ok();
        let (index, generation, nonce) = (next()?, next()?, next()?);
        let key = Key { index: u32::try_from(index).ok()?, generation: u32::try_from(generation).ok()? };
        (nonce == self.nonce).then_some(key)
    }
}

impl Place {
    /// An answer to a request and where it goes (RFC 3261 §18.2.2, RFC 3581 §4), with a session description where there is one.
    pub(crate) fn respond(
        &self,
        request: &Message,
        source: SocketAddr,
        status: u16,
        tag: &str,
        user: &str,
        sdp: Option<Bytes>,
    ) -> Option<(SocketAddr, Bytes)> {
        let mut response = compose::response_to(request, status).ok()?.source(source);
        if !tag.is_empty() {
            response = response.to_tag(tag);
        }
        if (101..300).contains(&status) {
            response = response.contact(&self.contact(user));
        }
        if let Some(sdp) = sdp {
            response = response.body("application/sdp", sdp);
        }
        let mut via = request.top_via().ok()?;
        via.note_source(source);
        let to = if self.is_reliable() { source } else { via.response_target().unwrap_or(source) };
        Some((to, response.build().ok()?.bytes().clone()))
    }
}

/// G.711 and DTMF at this address.
fn description(nonce: u64, media: SocketAddr, rtcp: &str) -> Bytes {
    let family = if media.is_ipv4() { "IP4" } else { "IP6" };
    let (ip, port) = (media.ip(), media.port());
    let sdp = format!(
        "v=0\r\no=load {nonce} 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n{rtcp}a=sendrecv\r\n"
    );
    sdp.into()
}

/// A call that was answered, from one of its ends (RFC 3261 §12).
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    target: Uri,
    routes: Vec<NameAddr>,
    ours: NameAddr,
    theirs: NameAddr,
    call_id: String,
    next_hop: SocketAddr,
}

impl Dialog {
    /// Of the end that called, by the 2xx to its INVITE.
    pub(crate) fn of_caller(response: &Message, place: &Place) -> Option<Dialog> {
        let mut routes = response.name_addrs(Name::RecordRoute).ok()?;
        routes.reverse();
        Dialog::new(response, response.from().ok()?, response.to().ok()?, routes, place.system)
    }

    /// Of the end that was called, by the INVITE and the tag it answers with.
    pub(crate) fn of_agent(invite: &Message, tag: &str, source: SocketAddr) -> Option<Dialog> {
        let routes = invite.name_addrs(Name::RecordRoute).ok()?;
        Dialog::new(invite, invite.to().ok()?.with_tag(tag), invite.from().ok()?, routes, source)
    }

    fn new(
        message: &Message,
        ours: NameAddr,
        theirs: NameAddr,
        routes: Vec<NameAddr>,
        otherwise: SocketAddr,
    ) -> Option<Dialog> {
        let target = message.contact().ok()?.uri;
        let call_id = String::from_utf8_lossy(message.call_id()?).into_owned();
        let first = routes.first().map_or(&target, |route| &route.uri);
        let address = first.host().and_then(Host::ip);
        let next_hop = address.map_or(otherwise, |ip| SocketAddr::new(ip, first.port().unwrap_or(5060)));
        Some(Dialog { target, routes, ours, theirs, call_id, next_hop })
    }

    pub(crate) fn next_hop(&self) -> SocketAddr {
        self.next_hop
    }

    /// A request inside of it.
    pub(crate) fn request(&self, method: Method, cseq: u32, via: &Via) -> Option<Message> {
        let mut request = RequestBuilder::new(method, &self.target)
            .via(via)
            .from(&self.ours)
            .to(&self.theirs)
            .call_id(&self.call_id)
            .cseq(cseq);
        for route in &self.routes {
            request = request.route(route);
        }
        request.build().ok()
    }
}
