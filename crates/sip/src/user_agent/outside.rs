//! Requests outside of dialogs: the duties of RFC 3261 §8.2 in its order, as cheap as they can be.
//!
//! Every refusal here is stateless: a flood costs what one answer costs and leaves nothing behind.

use timing::Instant;

use super::UserAgent;
use super::event::{Event, Origin, SessionId};
use super::inside::REQUESTS_PER_SECOND;
use super::rate::Rate;
use super::read;
use super::refusals::RefusalCause;
use super::session::{Phase, Session};
use super::settings::TrunkId;
use super::write::response_flow;
use crate::dialog::Dialog;
use crate::transaction::{Allowance, Key, ServerUser};
use crate::{Flow, Message, Method, Name, Protocol, Uri, Via};

/// Unknown extensions named in a 420: each is compared with those before it.
const UNSUPPORTED_MAX: usize = 16;

/// An answer that ends a request here and now.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) headers: Vec<(Name, String)>,
    /// `None`: no refusal of what was asked for, as a challenge or the answer to OPTIONS.
    pub(super) cause: Option<RefusalCause>,
}

impl Refusal {
    /// The cause is what the status says.
    pub(super) fn new(status: u16) -> Refusal {
        Refusal { status, headers: Vec::new(), cause: RefusalCause::of_status(status) }
    }

    pub(super) fn with(status: u16, name: Name, value: String) -> Refusal {
        Refusal { headers: vec![(name, value)], ..Refusal::new(status) }
    }

    pub(super) fn because(self, cause: RefusalCause) -> Refusal {
        Refusal { cause: Some(cause), ..self }
    }
}

impl UserAgent {
    pub(super) fn receive_outside(
        &mut self,
        now: Instant,
        flow: Flow,
        request: &Message,
        key: Key,
        via: &Via,
    ) {
        let method = request.method();
        let outcome = match method {
            _ if !self.settings.allow.contains(&method) => return self.refuse_method(flow, request),
            Method::Options => self.receive_options(request),
            Method::Register => return self.receive_register(now, flow, request, key, via),
            Method::Invite => self.receive_invite(now, flow, request, key, via),
            // They only make sense in a dialog that we know.
            Method::Bye | Method::Info | Method::Update | Method::Prack | Method::Notify => {
                Err(Refusal::new(481))
            }
            Method::Ack
            | Method::Cancel
            | Method::Message
            | Method::Publish
            | Method::Refer
            | Method::Subscribe
            | Method::Other(_) => return self.refuse_method(flow, request),
        };
        if let Err(refusal) = outcome {
            self.refuse_stateless(flow, request, &refusal);
        }
    }

    /// RFC 3261 §11.2. Everybody may ask; nothing is remembered.
    fn receive_options(&mut self, request: &Message) -> Result<(), Refusal> {
        self.check_request_uri(request)?;
        self.check_extensions(request)?;
        Err(Refusal { headers: self.capabilities(), ..Refusal::new(200) })
    }

    /// What we can do, for OPTIONS inside and outside of dialogs.
    pub(super) fn capabilities(&self) -> Vec<(Name, String)> {
        vec![
            (Name::Allow, self.allow()),
            (Name::Accept, self.settings.accept.join(", ")),
            (Name::Supported, self.settings.supported.join(", ")),
        ]
    }

    fn receive_invite(
        &mut self,
        now: Instant,
        flow: Flow,
        request: &Message,
        key: Key,
        via: &Via,
    ) -> Result<(), Refusal> {
        let origin = self.authorise_invite(now, &flow, request)?;
        self.vouch_for(&flow);
        self.check_request_uri(request)?;
        // RFC 3261 §8.2.2.2: the same request by another way.
        let merge_key = Key::merge(request);
        if self.transactions.is_merged(&merge_key) {
            return Err(Refusal::new(482));
        }
        self.check_extensions(request)?;
        self.check_body(request)?;
        if request.number(Name::MaxForwards) == Ok(Some(0)) {
            // What we do with a call is to send it on.
            return Err(Refusal::new(483));
        }
        let invite = read::invite(request, &flow, origin).map_err(|fault| Refusal::new(fault.status()))?;
        let is_bound_to_flow = matches!(invite.origin, Origin::Account(_));
        let trunk = match invite.origin {
            Origin::Trunk(trunk) => Some(trunk),
            Origin::Account(_) => None,
        };
        let local_tag = self.entropy.tag();
        let dialog = Dialog::as_uas(request, &local_tag, flow, is_bound_to_flow)
            .map_err(|fault| Refusal::new(fault.status()))?;
        let session = self.next_session();
        let reply_flow = response_flow(flow, via);
        let user = ServerUser::Invite(session);
        let is_doubtful = flow.protocol == Protocol::Udp
            && self.settings.limits.is_amplification_bounded
            && !self.proven.holds(now, flow.remote.ip());
        let allowance = is_doubtful.then(|| Allowance::of(request.bytes().len()));
        let merge_key = Some(merge_key);
        let server = self.transactions.accept(key, merge_key, user, reply_flow, request.clone(), allowance);
        if let Some(trying) = self.plain_response(request, &flow, 100, "") {
            self.transactions.respond(now, server, 100, trying);
        }
        self.add_session(
            session,
            Session {
                phase: Phase::Ringing { server },
                local_tag,
                trunk,
                is_bound_to_flow,
                dialogs: vec![dialog],
                exchanges: std::collections::BTreeMap::new(),
                rate: Rate::new(now, REQUESTS_PER_SECOND),
            },
        );
        self.events.push_back(Event::Invited { session, invite: Box::new(invite) });
        Ok(())
    }

    /// Whose INVITE this is: never an open relay. A full house says so before any digest is computed;
    /// the rates count only calls that are somebody's.
    fn authorise_invite(&mut self, now: Instant, flow: &Flow, request: &Message) -> Result<Origin, Refusal> {
        if self.sessions.len() >= self.settings.limits.sessions {
            return Err(self.busy(RefusalCause::Sessions));
        }
        let source = flow.remote.ip();
        let fits = |network: &super::Network| network.contains(source);
        let trunk = self.settings.trunks.iter().find(|trunk| trunk.networks.iter().any(fits));
        let Some(trunk) = trunk else {
            let account = self.authenticate_account(now, flow, request)?;
            self.admit(now, None)?;
            return Ok(Origin::Account(account));
        };
        let (id, challenge) = (trunk.id, trunk.challenge);
        if challenge {
            self.authenticate_trunk(now, flow, request, id)?;
        }
        self.admit(now, Some(id))?;
        Ok(Origin::Trunk(id))
    }

    /// Whether this second has room for one more call.
    fn admit(&mut self, now: Instant, trunk: Option<TrunkId>) -> Result<(), Refusal> {
        let limits = self.settings.limits;
        let own = trunk.and_then(|id| self.settings.trunks.iter().find(|trunk| trunk.id == id));
        if let Some((id, per_second)) = own.and_then(|trunk| Some((trunk.id, trunk.calls_per_second?))) {
            let rate = self.trunk_rates.entry(id).or_insert_with(|| Rate::new(now, per_second));
            if !rate.take(now, per_second) {
                return Err(self.busy(RefusalCause::TrunkRate));
            }
        }
        if self.call_rate.take(now, limits.calls_per_second) {
            Ok(())
        } else {
            Err(self.busy(RefusalCause::CallRate))
        }
    }

    pub(super) fn busy(&self, cause: RefusalCause) -> Refusal {
        let seconds = self.settings.limits.retry_after.as_secs().to_string();
        Refusal::with(503, Name::RetryAfter, seconds).because(cause)
    }

    /// RFC 3261 §8.2.2.1. The host is not compared: a PBX writes what it likes there, and nothing is
    /// ever sent on by it.
    fn check_request_uri(&self, request: &Message) -> Result<(), Refusal> {
        match request.uri() {
            Ok(Uri::Sip(uri)) if !uri.is_secure => Ok(()),
            Ok(Uri::Tel(_)) => Ok(()),
            // There is no TLS yet, so `sips` cannot be honoured.
            Ok(Uri::Sip(_) | Uri::Other { .. }) => Err(Refusal::new(416)),
            Err(_) => Err(Refusal::new(400)),
        }
    }

    /// RFC 3261 §8.2.2.3. Proxy-Require counts too: we stand where a proxy would.
    pub(super) fn check_extensions(&self, request: &Message) -> Result<(), Refusal> {
        let mut unknown: Vec<String> = Vec::new();
        let required = [Name::Require, Name::ProxyRequire].into_iter().flat_map(|name| request.values(name));
        for value in required {
            let tag = String::from_utf8_lossy(&value).into_owned();
            let is_known = self.settings.supported.iter().any(|known| known.eq_ignore_ascii_case(&tag));
            if !is_known && !tag.is_empty() && !unknown.contains(&tag) {
                unknown.push(tag);
            }
            if unknown.len() == UNSUPPORTED_MAX {
                break;
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Refusal::with(420, Name::Unsupported, unknown.join(", ")))
    }

    /// RFC 3261 §8.2.3 and §21.4.7: a body that we understand, and an answer that they do.
    pub(super) fn check_body(&self, request: &Message) -> Result<(), Refusal> {
        let accept = || Refusal::with(415, Name::Accept, self.settings.accept.join(", "));
        if !request.body().is_empty() {
            let content_type = request.text(Name::ContentType).unwrap_or_default();
            let media_type = content_type.split(';').next().unwrap_or_default().trim();
            let is_optional = request
                .text(Name::ContentDisposition)
                .is_some_and(|disposition| disposition.to_ascii_lowercase().contains("handling=optional"));
            let is_known = self.settings.accept.iter().any(|known| known.eq_ignore_ascii_case(media_type));
            if !is_known && !is_optional {
                return Err(accept());
            }
            let encoding = request.text(Name::ContentEncoding).unwrap_or_default();
            if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
                return Err(Refusal::with(415, Name::AcceptEncoding, "identity".to_owned()));
            }
        }
        let mut ranges = request.values(Name::Accept).peekable();
        if ranges.peek().is_none() {
            return Ok(());
        }
        let is_sdp = |range: std::borrow::Cow<'_, [u8]>| {
            let text = String::from_utf8_lossy(&range).to_ascii_lowercase();
            matches!(
                text.split(';').next().unwrap_or_default().trim(),
                "application/sdp" | "application/*" | "*/*"
            )
        };
        if ranges.any(is_sdp) { Ok(()) } else { Err(Refusal::new(406)) }
    }

    pub(super) fn next_session(&mut self) -> SessionId {
        self.numbers += 1;
        SessionId(self.numbers)
    }

    pub(super) fn add_session(&mut self, id: SessionId, session: Session) {
        self.tags.insert(session.local_tag.clone(), id);
        self.sessions.insert(id, Box::new(session));
    }
}
