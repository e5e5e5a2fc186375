//! REGISTER: who asks, may it, and what the application hears of it (RFC 3261 §10.3).

use timing::Instant;

use super::UserAgent;
use super::event::{Event, UnregisteredCause};
use super::outside::Refusal;
use super::refusals::RefusalCause;
use super::write::response_flow;
use crate::registrar::{self, Cause, Contact};
use crate::transaction::{Key, ServerUser};
use crate::{Flow, Message, Via};

impl UserAgent {
    /// Refusals are forgotten at once; what changed something is remembered for its retransmissions.
    pub(super) fn receive_register(
        &mut self,
        now: Instant,
        flow: Flow,
        request: &Message,
        key: Key,
        via: &Via,
    ) {
        match self.check_register(now, &flow, request) {
            Err(refusal) => self.refuse_stateless(flow, request, &refusal),
            Ok(account) => {
                self.vouch_for(&flow);
                let reply = self.registrar.handle_register(now, &account, flow, request);
                let cause = match reply.status {
                    503 => Some(RefusalCause::Registrations),
                    status => RefusalCause::of_status(status),
                };
                if let Some(cause) = cause {
                    self.note_refusal(&flow, request, reply.status, cause);
                }
                let tag = self.stateless_tag(request);
                let reply_flow = response_flow(flow, via);
                let server = self.transactions.accept(
                    key,
                    None,
                    ServerUser::Nobody,
                    reply_flow,
                    request.clone(),
                    None,
                );
                self.respond(now, server, reply.status, &tag, &reply.headers);
                self.tell_registrations();
            }
        }
    }

    fn check_register(&mut self, now: Instant, flow: &Flow, request: &Message) -> Result<String, Refusal> {
        let uri = request.uri().map_err(|_| Refusal::new(400))?;
        // RFC 3261 §10.3 step 1: the Request-URI names the domain.
        match uri.host() {
            Some(host) if uri.scheme() == "sip" && self.is_ours(host) => {}
            Some(_) if uri.scheme() == "sip" => {
                return Err(Refusal::new(404).because(RefusalCause::WrongDomain));
            }
            Some(_) | None => return Err(Refusal::new(416)),
        }
        self.check_extensions(request)?;
        let account = self.authenticate_account(now, flow, request)?;
        // RFC 3261 §10.3 steps 4 and 5: only an account itself registers it.
        let to = request.to().map_err(|fault| Refusal::new(fault.status()))?;
        let is_own = to.uri.user().as_deref() == Some(account.as_str());
        let is_here = to.uri.host().is_some_and(|host| self.is_ours(host));
        if is_own && is_here {
            Ok(account)
        } else {
            Err(Refusal::new(403).because(RefusalCause::WrongIdentity))
        }
    }

    /// What the registrar has done since, in the application's words.
    pub(super) fn tell_registrations(&mut self) {
        while let Some(event) = self.registrar.poll_output() {
            match event {
                registrar::Event::Registered { account, .. } => {
                    let contacts = self.registrar.contacts(&account).len();
                    if contacts > 0 {
                        self.events.push_back(Event::Registered { account, contacts });
                    }
                }
                registrar::Event::Unregistered { account, remaining: 0, cause, .. } => {
                    let cause = match cause {
                        Cause::Expired => UnregisteredCause::Expired,
                        Cause::Removed => UnregisteredCause::Removed,
                        Cause::FlowLost => UnregisteredCause::ConnectionLost,
                        Cause::AccountRemoved => UnregisteredCause::AccountRemoved,
                    };
                    self.events.push_back(Event::Unregistered { account, cause });
                }
                registrar::Event::Unregistered { account, remaining, .. } => {
                    self.events.push_back(Event::Registered { account, contacts: remaining });
                }
            }
        }
    }

    /// The way to a contact; none where its stream is gone.
    pub(super) fn flow_of_contact(&self, contact: &Contact) -> Option<Flow> {
        match contact.flow.connection {
            Some(connection) if !self.connections.contains_key(&connection) => None,
            Some(_) | None => Some(contact.flow),
        }
    }
}
