//! INVITEs of ours: sent, challenged, tried elsewhere, taken back, answered (RFC 3261 §13.2, §9.1, §22).

use std::collections::BTreeMap;

use timing::Instant;

use super::entropy::Reach;
use super::event::{Body, Event, FailureCause, HeaderField, SessionId};
use super::exchange::CHALLENGES_MAX;
use super::inside::REQUESTS_PER_SECOND;
use super::invitation::{Destination, Identity, Invitation};
use super::rate::Rate;
use super::read;
use super::session::{Calling, Cancel, Phase, Session, Target};
use super::write::{add_to_request, check, check_headers};
use super::{Refused, Trunk, TrunkId, UserAgent};
use crate::compose::{self, RequestBuilder};
use crate::dialog::Dialog;
use crate::transaction::{Answered, ClientId, ClientState, ClientUser};
use crate::{Flow, Host, Message, Method, Name, NameAddr, Transmit, Uri};

impl UserAgent {
    pub(super) fn begin(&mut self, now: Instant, invitation: &Invitation) -> Result<SessionId, Refused> {
        check(&invitation.headers, invitation.body.as_ref())?;
        // What was let in needs a session of ours to be put through: at the limit of arriving calls there is one.
        let sessions_max = self.settings.limits.sessions.saturating_mul(2);
        if self.sessions.len() >= sessions_max || self.is_full() {
            return Err(Refused::Full);
        }
        let (uri, trunk, proxy) = self.destination(&invitation.destination)?;
        let reach = match &invitation.destination {
            Destination::Contact(_) => Reach::Flow,
            Destination::Trunk { .. } | Destination::Behind { .. } | Destination::Uri(_) => Reach::Target,
        };
        let call_id = self.entropy.call_id();
        let local_tag = self.seal.tag(self.entropy.number(), call_id.as_bytes(), reach);
        let builder = self.invitation(invitation, &uri, proxy.as_ref(), (&call_id, &local_tag))?;
        let id = self.next_session();
        let (phase, is_bound_to_flow) = match &invitation.destination {
            Destination::Contact(contact) => {
                let flow = self.flow_of_contact(contact).ok_or(Refused::NoEndpoint)?;
                (self.send_first(now, id, builder, flow, Vec::new()).ok_or(Refused::NoEndpoint)?, true)
            }
            Destination::Trunk { .. } | Destination::Behind { .. } | Destination::Uri(_) => {
                (self.locate(now, id, builder, proxy.as_ref().map_or(&uri, |proxy| &proxy.uri))?, false)
            }
        };
        let session = Session {
            phase,
            local_tag,
            trunk,
            is_bound_to_flow,
            dialogs: Vec::new(),
            exchanges: BTreeMap::new(),
            rate: Rate::new(now, REQUESTS_PER_SECOND),
        };
        self.add_session(id, session);
        Ok(id)
    }

    /// Request-URI, trunk and outbound proxy.
    fn destination(
        &self,
        destination: &Destination,
    ) -> Result<(Uri, Option<TrunkId>, Option<NameAddr>), Refused> {
        match destination {
            Destination::Uri(uri) => Ok((uri.clone().without_headers(), None, None)),
            Destination::Contact(contact) => Ok((contact.uri.clone().without_headers(), None, None)),
            Destination::Behind { trunk: id, target } => {
                self.known_trunk(*id)?;
                Ok((target.clone().without_headers(), Some(*id), None))
            }
            Destination::Trunk { trunk: id, target } => {
                let trunk = self.known_trunk(*id)?;
                let proxy = trunk.outbound_proxy.clone().map(|mut proxy| {
                    proxy.set_param("lr", None);
                    NameAddr::new(proxy)
                });
                Ok((target.clone().without_headers(), Some(*id), proxy))
            }
        }
    }

    fn known_trunk(&self, id: TrunkId) -> Result<&Trunk, Refused> {
        self.settings.trunks.iter().find(|trunk| trunk.id == id).ok_or(Refused::UnknownTrunk)
    }

    fn invitation(
        &self,
        invitation: &Invitation,
        uri: &Uri,
        proxy: Option<&NameAddr>,
        (call_id, local_tag): (&str, &str),
    ) -> Result<RequestBuilder, Refused> {
        let mut to = NameAddr::new(uri.clone());
        if !invitation.to_display_name.is_empty() {
            to = to.with_display(&invitation.to_display_name);
        }
        let builder = RequestBuilder::new(Method::Invite, uri)
            .from(&self.identity(&invitation.caller)?.with_tag(local_tag))
            .to(&to)
            .call_id(call_id)
            .cseq(1)
            .max_forwards(invitation.max_forwards);
        let builder = proxy.into_iter().fold(builder, RequestBuilder::route);
        Ok(add_to_request(builder, &invitation.headers, invitation.body.as_ref()))
    }

    /// The From of a caller.
    fn identity(&self, caller: &Identity) -> Result<NameAddr, Refused> {
        let bad = || Refused::BadHeader("From".to_owned());
        let name = caller.host.as_ref().or(self.settings.domains.first()).ok_or_else(bad)?;
        let host: Host = name.parse().map_err(|_| bad())?;
        let address = NameAddr::new(Uri::sip(&caller.user, host, None));
        if caller.display_name.chars().any(char::is_control) {
            return Err(bad());
        }
        if caller.display_name.is_empty() {
            return Ok(address);
        }
        Ok(address.with_display(&caller.display_name))
    }

    /// Whether there is no room for a new call of others.
    pub(super) fn is_crowded(&self) -> bool {
        self.transactions_held() >= self.settings.limits.transactions
    }

    /// Whether there is no room even for what belongs to a call that was accepted.
    pub(super) fn is_full(&self) -> bool {
        self.transactions_held() >= self.settings.limits.transactions.saturating_mul(2)
    }

    fn transactions_held(&self) -> usize {
        self.transactions.client_count() + self.transactions.server_count()
    }

    /// Sends a new INVITE on a known way.
    pub(super) fn send_first(
        &mut self,
        now: Instant,
        id: SessionId,
        builder: RequestBuilder,
        flow: Flow,
        targets: Vec<Target>,
    ) -> Option<Phase> {
        let (branch, request) = self.finish_request(builder, &Method::Invite, &flow)?;
        let client = self.send_request(now, &branch, ClientUser::Invite(id), flow, request);
        let calling = Calling { client, targets, challenges: 0, cancel: Cancel::No, takes_late: false };
        Some(Phase::Calling(Box::new(calling)))
    }

    /// The way was found and the INVITE is on it.
    pub(super) fn begin_calling(&mut self, id: SessionId, client: ClientId, targets: Vec<Target>) {
        let session = self.sessions.get_mut(&id).expect("the session has just been located");
        let calling = Calling { client, targets, challenges: 0, cancel: Cancel::No, takes_late: false };
        session.phase = Phase::Calling(Box::new(calling));
    }

    /// Sends the INVITE of a session again: to another address, or with credentials.
    pub(super) fn send_again(
        &mut self,
        now: Instant,
        id: SessionId,
        old: &Message,
        flow: Flow,
        credentials: Option<(Name, String)>,
    ) -> Option<ClientId> {
        let cseq = old.cseq().ok()?.0 + 1;
        let (branch, request) = self.request_again(old, cseq, &flow, credentials)?;
        Some(self.send_request(now, &branch, ClientUser::Invite(id), flow, request))
    }

    pub(super) fn take_back(
        &mut self,
        now: Instant,
        id: SessionId,
        headers: Vec<HeaderField>,
        takes_late: bool,
    ) -> Result<(), Refused> {
        check_headers(&headers)?;
        let session = self.sessions.get_mut(&id).ok_or(Refused::UnknownSession)?;
        if let Phase::Calling(calling) = &mut session.phase {
            calling.takes_late = takes_late;
        }
        match &mut session.phase {
            Phase::Locating { .. } => {
                self.fail(now, id, 487, FailureCause::Cancelled);
                Ok(())
            }
            Phase::Calling(calling) => match calling.cancel {
                Cancel::No => {
                    calling.cancel = Cancel::Wanted { headers };
                    self.cancel_if_possible(now, id, FailureCause::Cancelled);
                    Ok(())
                }
                Cancel::Wanted { .. } | Cancel::Sent { .. } => Err(Refused::WrongState),
            },
            Phase::Unacknowledged { .. }
            | Phase::Ringing { .. }
            | Phase::Accepted { .. }
            | Phase::Confirmed
            | Phase::Ending => Err(Refused::WrongState),
        }
    }

    /// Nothing good can come of this INVITE any more; it is taken back as if it had timed out.
    pub(super) fn abandon(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Phase::Calling(calling) = &mut session.phase
            && calling.cancel == Cancel::No
        {
            calling.cancel = Cancel::Wanted { headers: Vec::new() };
            self.cancel_if_possible(now, id, FailureCause::Timeout);
        }
    }

    /// RFC 3261 §9.1: a CANCEL goes out only after a provisional response.
    fn cancel_if_possible(&mut self, now: Instant, id: SessionId, cause: FailureCause) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Phase::Calling(calling) = &mut session.phase else { return };
        let Cancel::Wanted { headers } = &calling.cancel else { return };
        let Some(client) = self.transactions.client(calling.client) else { return };
        match client.state {
            ClientState::Proceeding => {}
            ClientState::Calling
            | ClientState::Cancelled
            | ClientState::Completed
            | ClientState::Accepted => {
                return;
            }
        }
        let Some((branch, cancel)) = cancel_with(&client.request, headers) else { return };
        let (client, flow) = (calling.client, client.flow);
        calling.cancel = Cancel::Sent { cause };
        self.transactions.cancelled(now, client);
        self.send_request(now, &branch, ClientUser::Nobody, flow, cancel);
    }

    /// A response to the INVITE that began a session.
    pub(super) fn receive_invite_answer(
        &mut self,
        now: Instant,
        id: SessionId,
        answered: &Answered,
        response: &Message,
    ) {
        let client = answered.id;
        let is_current = self.sessions.get(&id).is_some_and(|session| match &session.phase {
            Phase::Calling(calling) => calling.client == client,
            Phase::Locating { .. }
            | Phase::Unacknowledged { .. }
            | Phase::Ringing { .. }
            | Phase::Accepted { .. }
            | Phase::Confirmed
            | Phase::Ending => false,
        });
        match response.status() {
            200..300 if is_current => self.invite_accepted(now, id, answered, response),
            200..300 => self.accepted_too_late(now, id, answered, response),
            _ if !is_current => {}
            ..200 => self.invite_progressed(now, id, answered, response),
            _ => self.invite_refused(now, id, answered, response),
        }
    }

    fn invite_progressed(&mut self, now: Instant, id: SessionId, answered: &Answered, response: &Message) {
        let forks = self.settings.limits.forks;
        let session = self.sessions.get_mut(&id).expect("the session is current");
        let is_bound = session.is_bound_to_flow;
        let tag = response.to_tag().unwrap_or_default();
        if response.status() > 100 && !tag.is_empty() {
            let has_room = session.dialogs.len() < forks;
            match session.dialog_with(tag) {
                Some(dialog) => dialog.answered(response),
                None if has_room => {
                    session.dialogs.extend(Dialog::as_uac(
                        &answered.request,
                        response,
                        answered.flow,
                        is_bound,
                    ));
                }
                None => {}
            }
        }
        let Phase::Calling(calling) = &session.phase else { return };
        match &calling.cancel {
            Cancel::Wanted { .. } => self.cancel_if_possible(now, id, FailureCause::Cancelled),
            Cancel::Sent { .. } => {}
            Cancel::No if response.status() == 100 => {}
            Cancel::No => self.events.push_back(Event::Progress {
                session: id,
                status: response.status(),
                reason: read::reason(response),
                body: read::body(response),
                headers: read::headers(response),
            }),
        }
    }

    fn invite_accepted(&mut self, now: Instant, id: SessionId, answered: &Answered, response: &Message) {
        let (client, invite) = (answered.id, &answered.request);
        let session = self.sessions.get_mut(&id).expect("the session is current");
        let Phase::Calling(calling) = &session.phase else { return };
        let cause = match &calling.cancel {
            Cancel::No => None,
            Cancel::Wanted { .. } => Some(FailureCause::Cancelled),
            Cancel::Sent { cause } => Some(*cause),
        };
        if let Some(cause) = cause.filter(|_| !calling.takes_late) {
            // RFC 3261 §9.1: the 2xx was faster than the CANCEL.
            self.accepted_too_late(now, id, answered, response);
            return self.fail(now, id, 487, cause);
        }
        let tag = response.to_tag().unwrap_or_default();
        let known = session.dialogs.iter().position(|dialog| dialog.remote_tag() == tag);
        let dialog = match known {
            Some(at) => Ok(session.dialogs.swap_remove(at)),
            None => Dialog::as_uac(invite, response, answered.flow, session.is_bound_to_flow),
        };
        let Ok(mut dialog) = dialog else {
            // A 2xx whose addresses cannot be read can be neither acknowledged nor ended.
            return self.fail(now, id, 503, FailureCause::Transport);
        };
        dialog.answered(response);
        session.confirm(dialog);
        let cseq = response.cseq().map_or(0, |(number, _)| number);
        if invite.body().is_empty() {
            session.phase = Phase::Unacknowledged { client, cseq };
        } else {
            session.phase = Phase::Confirmed;
            self.send_ack(id, client, cseq, None);
        }
        self.events.push_back(Event::Answered {
            session: id,
            status: response.status(),
            body: read::body(response),
            headers: read::headers(response),
        });
    }

    /// A 2xx that nobody wants: of another fork, after a CANCEL, or after the end. It is acknowledged
    /// and, unless it belongs to the dialog that we keep, ended (RFC 3261 §13.2.2.4).
    fn accepted_too_late(&mut self, now: Instant, id: SessionId, answered: &Answered, response: &Message) {
        let client = answered.id;
        let tag = response.to_tag().unwrap_or_default();
        let kept = self.sessions.get_mut(&id).filter(|session| session.is_confirmed());
        if kept.is_some_and(|session| session.dialog_with(tag).is_some()) {
            // The application has not answered the offer of this 2xx yet.
            return;
        }
        let is_bound = self.sessions.get(&id).is_some_and(|session| session.is_bound_to_flow);
        let dialog = Dialog::as_uac(&answered.request, response, answered.flow, is_bound);
        let Ok(mut dialog) = dialog else { return };
        let cseq = response.cseq().map_or(0, |(number, _)| number);
        let Some(way) = self.flow_of(dialog.hop()) else { return };
        if let Some((_, ack)) = self.finish_request(dialog.ack(cseq), &Method::Ack, &way) {
            let transmit = Transmit { flow: way, bytes: ack.bytes().clone() };
            self.transactions.acknowledge_2xx(client, tag, transmit);
        }
        let bye = dialog.request(Method::Bye);
        if let Some((branch, bye)) = self.finish_request(bye, &Method::Bye, &way) {
            self.send_request(now, &branch, ClientUser::Nobody, way, bye);
        }
    }

    /// Sends the ACK for a 2xx in the session's dialog.
    pub(super) fn send_ack(&mut self, id: SessionId, client: ClientId, cseq: u32, body: Option<&Body>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(dialog) = session.dialog_mut() else { return };
        let (builder, tag, hop) = (dialog.ack(cseq), dialog.remote_tag().to_owned(), dialog.hop());
        let Some(way) = self.flow_of(hop) else { return };
        let mut builder = add_to_request(builder, &[], body);
        // RFC 3261 §13.2.2.4: an ACK carries the credentials of its INVITE.
        if let Some(held) = self.transactions.client(client) {
            for name in [Name::Authorization, Name::ProxyAuthorization] {
                for field in held.request.fields(name) {
                    builder = builder.raw_header(name.as_str().as_bytes(), &field.value());
                }
            }
        }
        if let Some((_, ack)) = self.finish_request(builder, &Method::Ack, &way) {
            let transmit = Transmit { flow: way, bytes: ack.bytes().clone() };
            self.transactions.acknowledge_2xx(client, &tag, transmit);
        }
    }

    fn invite_refused(&mut self, now: Instant, id: SessionId, answered: &Answered, response: &Message) {
        let (invite, flow) = (&answered.request, answered.flow);
        let status = response.status();
        let session = self.sessions.get_mut(&id).expect("the session is current");
        let Phase::Calling(calling) = &session.phase else { return };
        match &calling.cancel {
            Cancel::No => {}
            Cancel::Wanted { .. } => return self.fail(now, id, 487, FailureCause::Cancelled),
            Cancel::Sent { cause } => {
                let cause = *cause;
                return self.fail(now, id, 487, cause);
            }
        }
        let is_challenge = matches!(status, 401 | 407) && calling.challenges < CHALLENGES_MAX;
        let trunk = session.trunk.filter(|_| is_challenge);
        if let Some(credentials) = trunk.and_then(|trunk| self.answer_challenge(trunk, invite, response)) {
            return self.call_again(now, id, invite, flow, Some(credentials));
        }
        // RFC 3263 §4.3: 503 means to try the next address.
        if status == 503 && self.call_next(now, id, invite) {
            return;
        }
        self.remove_session(now, id);
        self.events.push_back(Event::Failed {
            session: id,
            status,
            reason: read::reason(response),
            cause: FailureCause::Response,
            retry_after: read::retry_after(response),
            headers: read::headers(response),
        });
    }

    fn call_again(
        &mut self,
        now: Instant,
        id: SessionId,
        invite: &Message,
        flow: Flow,
        credentials: Option<(Name, String)>,
    ) {
        let challenges = u8::from(credentials.is_some());
        let Some(client) = self.send_again(now, id, invite, flow, credentials) else {
            return self.fail(now, id, 503, FailureCause::Transport);
        };
        let session = self.sessions.get_mut(&id).expect("the session is current");
        session.dialogs.clear();
        if let Phase::Calling(calling) = &mut session.phase {
            calling.client = client;
            calling.challenges += challenges;
        }
    }

    /// Tries the next address of the destination; `false` where there is none.
    fn call_next(&mut self, now: Instant, id: SessionId, invite: &Message) -> bool {
        let session = self.sessions.get_mut(&id).expect("the session is current");
        let Phase::Calling(calling) = &mut session.phase else { return false };
        let mut targets = std::mem::take(&mut calling.targets);
        let Some(flow) = self.next_flow(&mut targets) else { return false };
        let session = self.sessions.get_mut(&id).expect("the session is current");
        if let Phase::Calling(calling) = &mut session.phase {
            calling.targets = targets;
        }
        self.call_again(now, id, invite, flow, None);
        true
    }

    /// The INVITE got no answer, or could not be sent: the next address, or the end.
    pub(super) fn invite_lost(&mut self, now: Instant, id: SessionId, lost: &Message, cause: FailureCause) {
        let Some(session) = self.sessions.get(&id) else { return };
        let Phase::Calling(calling) = &session.phase else { return };
        match &calling.cancel {
            Cancel::No => {}
            Cancel::Wanted { .. } => return self.fail(now, id, 487, FailureCause::Cancelled),
            Cancel::Sent { cause } => {
                let cause = *cause;
                return self.fail(now, id, 487, cause);
            }
        }
        if self.call_next(now, id, lost) {
            return;
        }
        let status = if cause == FailureCause::Timeout { 408 } else { 503 };
        self.fail(now, id, status, cause);
    }

    /// Ends a session of ours that was never answered, in our own words.
    pub(super) fn fail(&mut self, now: Instant, id: SessionId, status: u16, cause: FailureCause) {
        self.remove_session(now, id);
        let status = if cause == FailureCause::Timeout { 408 } else { status };
        self.events.push_back(Event::Failed {
            session: id,
            status,
            reason: compose::reason_phrase(status).to_owned(),
            cause,
            retry_after: None,
            headers: Vec::new(),
        });
    }
}

/// The CANCEL of an INVITE with headers of the application, and its branch (RFC 3261 §9.1).
pub(super) fn cancel_with(invite: &Message, headers: &[HeaderField]) -> Option<(String, Message)> {
    let via = invite.top_via().ok()?;
    let branch = via.branch()?.to_owned();
    if headers.is_empty() {
        return Some((branch, compose::cancel_of(invite).ok()?));
    }
    let builder = RequestBuilder::new(Method::Cancel, &invite.uri().ok()?)
        .via(&via)
        .from(&invite.from().ok()?)
        .to(&invite.to().ok()?)
        .call_id(std::str::from_utf8(invite.call_id()?).ok()?)
        .cseq(invite.cseq().ok()?.0);
    let builder = invite.name_addrs(Name::Route).ok()?.iter().fold(builder, RequestBuilder::route);
    Some((branch, add_to_request(builder, headers, None).build().ok()?))
}
