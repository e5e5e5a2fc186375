//! Dialogs: what two user agents remember of each other between requests (RFC 3261 §12).

use serde::{Deserialize, Serialize};

use crate::compose::RequestBuilder;
use crate::{Fault, Flow, Host, Message, Method, Name, NameAddr, Protocol, Uri};

/// Whether the INVITE of a dialog is answered (RFC 3261 §12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DialogState {
    /// Only provisional responses so far.
    Early,
    /// A 2xx was sent or received.
    Confirmed,
}

/// One side's view of a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dialog {
    pub(crate) state: DialogState,
    pub(crate) call_id: String,
    /// We as the other side knows us, tag included: From of what we send.
    local: NameAddr,
    /// The other side, with its tag if it has one (RFC 2543 has none): To of what we send.
    remote: NameAddr,
    /// The sequence number of our last request.
    local_cseq: u32,
    /// The sequence number of the other side's last request, once it sent one.
    remote_cseq: Option<u32>,
    /// The other side's Contact: the Request-URI of what we send.
    remote_target: Uri,
    /// Proxies that want to see every request, the nearest first.
    routes: Vec<NameAddr>,
    /// The way by which the dialog came to be.
    flow: Flow,
    /// Whether requests go down `flow` whatever the Contact says: the other side is a phone, perhaps
    /// behind a NAT, and the flow is the only way to it (RFC 5626 §3.1).
    is_bound_to_flow: bool,
}

impl Dialog {
    /// Of an INVITE that arrived and that we answer with `local_tag` (RFC 3261 §12.1.1). Without a
    /// usable Contact the From URI serves (RFC 2543).
    pub(crate) fn as_uas(
        invite: &Message,
        local_tag: &str,
        flow: Flow,
        is_bound_to_flow: bool,
    ) -> Result<Dialog, Fault> {
        let remote = invite.from()?;
        let remote_target = match invite.contact() {
            Ok(contact) => contact.uri.without_headers(),
            Err(Fault::Missing(_)) => remote.uri.clone().without_headers(),
            Err(fault) => return Err(fault),
        };
        Ok(Dialog {
            state: DialogState::Early,
            call_id: call_id_of(invite),
            local: bare(invite.to()?, local_tag),
            remote,
            local_cseq: 0,
            remote_cseq: Some(invite.cseq()?.0),
            remote_target,
            routes: invite.name_addrs(Name::RecordRoute)?,
            flow,
            is_bound_to_flow,
        })
    }

    /// Of a response (101 to 299) to an INVITE of ours (RFC 3261 §12.1.2).
    pub(crate) fn as_uac(
        invite: &Message,
        response: &Message,
        flow: Flow,
        is_bound_to_flow: bool,
    ) -> Result<Dialog, Fault> {
        let uri = || invite.uri().map_err(|_| Fault::RequestUri);
        Dialog::of_response(invite, response, uri, flow, is_bound_to_flow)
    }

    /// Of a 2xx to an INVITE of ours that we have forgotten: all that ACK and BYE take stands in it.
    pub(crate) fn of_stray(response: &Message, flow: Flow, is_bound_to_flow: bool) -> Result<Dialog, Fault> {
        let uri = || response.to().map(|to| to.uri.without_headers());
        Dialog::of_response(response, response, uri, flow, is_bound_to_flow)
    }

    /// `own` has our Call-ID and From; `uri` serves where there is no usable Contact.
    fn of_response(
        own: &Message,
        response: &Message,
        uri: impl FnOnce() -> Result<Uri, Fault>,
        flow: Flow,
        is_bound_to_flow: bool,
    ) -> Result<Dialog, Fault> {
        let remote_target = match response.contact() {
            Ok(contact) => contact.uri.without_headers(),
            Err(_) => uri()?,
        };
        let mut routes = response.name_addrs(Name::RecordRoute)?;
        routes.reverse();
        Ok(Dialog {
            state: DialogState::Early,
            call_id: call_id_of(own),
            local: own.from()?,
            remote: response.to()?,
            local_cseq: response.cseq()?.0,
            remote_cseq: None,
            remote_target,
            routes,
            flow,
            is_bound_to_flow,
        })
    }

    /// Takes up what a response says anew: a 2xx confirms the dialog and its route set replaces the
    /// early one (RFC 3261 §13.2.2.4); any response with a Contact moves the target.
    pub(crate) fn answered(&mut self, response: &Message) {
        if let Ok(contact) = response.contact() {
            self.remote_target = contact.uri.without_headers();
        }
        if !(200..300).contains(&response.status()) {
            return;
        }
        self.state = DialogState::Confirmed;
        if let Ok(mut routes) = response.name_addrs(Name::RecordRoute) {
            routes.reverse();
            self.routes = routes;
        }
    }

    /// A target refresh (RFC 3261 §12.2.1.2, §12.2.2): the other side's Contact may have moved.
    pub(crate) fn refresh_target(&mut self, message: &Message) {
        if let Ok(contact) = message.contact() {
            self.remote_target = contact.uri.without_headers();
        }
    }

    pub(crate) fn remote_tag(&self) -> &[u8] {
        self.remote.tag().unwrap_or_default().as_bytes()
    }

    /// Whether a message with this Call-ID and tag of the other side belongs here. The local tag led
    /// to the session already.
    pub(crate) fn is_for(&self, call_id: &[u8], remote_tag: &[u8]) -> bool {
        self.call_id.as_bytes() == call_id && self.remote_tag() == remote_tag
    }

    /// A request came in from the other side: a phone is where it was last heard, through whatever NAT
    /// or stream.
    pub(crate) fn heard_on(&mut self, flow: Flow) {
        if self.is_bound_to_flow {
            self.flow = flow;
        }
    }

    /// Notes the sequence number of a request; `false` where it is not higher than the last one
    /// (RFC 3261 §12.2.2), so that the request came too late.
    pub(crate) fn take_cseq(&mut self, cseq: u32) -> bool {
        let is_next = self.remote_cseq.is_none_or(|last| cseq > last);
        if is_next {
            self.remote_cseq = Some(cseq);
        }
        is_next
    }

    /// A request of ours with the next sequence number.
    pub(crate) fn request(&mut self, method: Method) -> RequestBuilder {
        self.local_cseq += 1;
        self.request_numbered(method, self.local_cseq)
    }

    /// The ACK for a 2xx: it has the number of its INVITE (RFC 3261 §13.2.2.4).
    pub(crate) fn ack(&self, cseq: u32) -> RequestBuilder {
        self.request_numbered(Method::Ack, cseq)
    }

    /// The number that [`Dialog::request`] would use; for a request that is sent again.
    pub(crate) fn next_cseq(&mut self) -> u32 {
        self.local_cseq += 1;
        self.local_cseq
    }

    /// RFC 3261 §12.2.1.1. A first route without `lr` is a strict router: it wants to stand in the
    /// Request-URI, and the target goes to the end of the routes.
    fn request_numbered(&self, method: Method, cseq: u32) -> RequestBuilder {
        let mut routes = self.routes.clone();
        let uri = match self.routes.first() {
            Some(first) if !first.uri.has_param("lr") => {
                routes.remove(0);
                routes.push(NameAddr::new(self.remote_target.clone()));
                first.uri.clone().without_headers()
            }
            Some(_) | None => self.remote_target.clone(),
        };
        let builder = RequestBuilder::new(method, &uri)
            .from(&self.local)
            .to(&self.remote)
            .call_id(&self.call_id)
            .cseq(cseq);
        routes.iter().fold(builder, RequestBuilder::route)
    }

    /// The way of the next request: the first route or the target where that is an address, else the
    /// flow of the dialog. A name is not looked up again: see docs/decisions/0004-user-agent.md.
    pub(crate) fn hop(&self) -> Hop {
        let next = self.routes.first().map_or(&self.remote_target, |route| &route.uri);
        let is_direct = self.routes.is_empty() && self.is_bound_to_flow;
        let Some(uri) = next.as_sip().filter(|_| !is_direct) else { return Hop::Flow(self.flow) };
        let protocol = match uri.params.value("transport") {
            Some(name) if name.eq_ignore_ascii_case("tcp") => Protocol::Tcp,
            Some(name) if name.eq_ignore_ascii_case("udp") => Protocol::Udp,
            // RFC 3263 §4.1: an address without a transport is UDP.
            Some(_) | None => Protocol::Udp,
        };
        let port = uri.port.unwrap_or_else(|| protocol.transport().default_port());
        let host = uri.params.value("maddr").and_then(|host| host.parse::<Host>().ok());
        let Some(ip) = host.as_ref().unwrap_or(&uri.host).ip() else { return Hop::Flow(self.flow) };
        let remote = std::net::SocketAddr::new(ip, port);
        if remote == self.flow.remote && protocol == self.flow.protocol {
            return Hop::Flow(self.flow);
        }
        Hop::Address(protocol, remote)
    }
}

/// Where a request of a dialog goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    /// Down a known flow.
    Flow(Flow),
    /// To an address, from whatever endpoint of ours fits.
    Address(Protocol, std::net::SocketAddr),
}

fn call_id_of(message: &Message) -> String {
    String::from_utf8_lossy(message.call_id().unwrap_or_default()).into_owned()
}

/// To of an INVITE becomes our own address: with our tag.
fn bare(to: NameAddr, tag: &str) -> NameAddr {
    to.with_tag(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Via};

    const FLOW: &str = "10.0.0.9:5060";

    fn flow() -> Flow {
        let here = "10.0.0.1:5060".parse().unwrap();
        Flow { protocol: Protocol::Udp, local: here, remote: FLOW.parse().unwrap(), connection: None }
    }

    fn message(text: &str) -> Message {
        Message::parse(text.replace('\n', "\r\n").into_bytes().into(), &Limits::default()).unwrap()
    }

    fn invite(routes: &str, contact: &str) -> Message {
        message(&format!(
            "INVITE sip:1@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1\n{routes}\
             From: <sip:caller@a.example>;tag=theirs\nTo: <sip:1@cc.example>\nCall-ID: c\nCSeq: 7 INVITE\n\
             {contact}Content-Length: 0\n\n"
        ))
    }

    fn sent(dialog: &mut Dialog) -> Message {
        let via = Via::new(crate::Transport::Udp, "10.0.0.1".parse().unwrap(), None, "z9hG4bK2");
        dialog.request(Method::Bye).via(&via).build().unwrap()
    }

    fn routes(message: &Message) -> Vec<String> {
        message.name_addrs(Name::Route).unwrap().iter().map(ToString::to_string).collect()
    }

    fn address(hop: Hop) -> String {
        match hop {
            Hop::Flow(flow) => flow.remote.to_string(),
            Hop::Address(_, remote) => remote.to_string(),
        }
    }

    #[test]
    fn a_request_of_the_callee_takes_the_recorded_route_in_its_order() {
        let recorded = "Record-Route: <sip:10.0.0.7;lr>, <sip:10.0.0.8;lr>\n";
        let invite = invite(recorded, "Contact: <sip:caller@10.0.0.5:5070?Subject=x>\n");
        let mut dialog = Dialog::as_uas(&invite, "ours", flow(), false).unwrap();
        let bye = sent(&mut dialog);
        assert_eq!(bye.request_uri(), b"sip:caller@10.0.0.5:5070");
        assert_eq!(routes(&bye), ["<sip:10.0.0.7;lr>", "<sip:10.0.0.8;lr>"]);
        assert_eq!((bye.from_tag(), bye.to_tag()), (Some(&b"ours"[..]), Some(&b"theirs"[..])));
        assert_eq!(address(dialog.hop()), "10.0.0.7:5060");
    }

    #[test]
    fn a_strict_router_stands_in_the_request_uri_and_the_target_comes_last() {
        let recorded = "Record-Route: <sip:10.0.0.7>\nRecord-Route: <sip:10.0.0.8;lr>\n";
        let invite = invite(recorded, "Contact: <sip:caller@10.0.0.5>\n");
        let mut dialog = Dialog::as_uas(&invite, "ours", flow(), false).unwrap();
        let bye = sent(&mut dialog);
        assert_eq!(bye.request_uri(), b"sip:10.0.0.7");
        assert_eq!(routes(&bye), ["<sip:10.0.0.8;lr>", "<sip:caller@10.0.0.5>"]);
    }

    #[test]
    fn a_request_of_the_caller_takes_the_recorded_route_backwards() {
        let invite = invite("", "Contact: <sip:us@10.0.0.1>\n");
        let accepted = message(
            "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1\nRecord-Route: <sip:10.0.0.7;lr>\n\
             Record-Route: <sip:10.0.0.8;lr>\nFrom: <sip:caller@a.example>;tag=theirs\n\
             To: <sip:1@cc.example>;tag=far\nCall-ID: c\nCSeq: 7 INVITE\nContact: <sip:far@10.0.0.5>\n\
             Content-Length: 0\n\n",
        );
        let mut dialog = Dialog::as_uac(&invite, &accepted, flow(), false).unwrap();
        let bye = sent(&mut dialog);
        assert_eq!(routes(&bye), ["<sip:10.0.0.8;lr>", "<sip:10.0.0.7;lr>"]);
        assert_eq!(bye.cseq().unwrap().0, 8);
    }

    #[test]
    fn a_phone_is_reached_on_its_flow_and_a_name_by_the_way_it_came() {
        let private = invite("", "Contact: <sip:kim@192.168.1.7:5060>\n");
        let mut phone = Dialog::as_uas(&private, "ours", flow(), true).unwrap();
        assert_eq!(address(phone.hop()), FLOW);
        let moved = Flow { remote: "10.0.0.9:6000".parse().unwrap(), ..flow() };
        phone.heard_on(moved);
        assert_eq!(address(phone.hop()), "10.0.0.9:6000");
        let named = invite("", "Contact: <sip:pbx@pbx.example>\n");
        let mut trunk = Dialog::as_uas(&named, "ours", flow(), false).unwrap();
        trunk.heard_on(moved);
        assert_eq!(address(trunk.hop()), FLOW);
        trunk.refresh_target(&invite("", "Contact: <sip:pbx@10.0.0.6>\n"));
        assert_eq!(address(trunk.hop()), "10.0.0.6:5060");
    }

    #[test]
    fn numbers_must_rise() {
        let mut dialog = Dialog::as_uas(&invite("", ""), "ours", flow(), false).unwrap();
        assert_eq!([7, 6, 8, 8, 100].map(|cseq| dialog.take_cseq(cseq)), [false, false, true, false, true]);
    }
}
