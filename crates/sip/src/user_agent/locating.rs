//! Finding the addresses of an INVITE's destination (RFC 3263), one question at a time.

use serde::{Deserialize, Serialize};
use timing::Instant;

use super::UserAgent;
use super::event::{FailureCause, SessionId};
use super::invitation::Refused;
use super::session::{Phase, Target};
use crate::compose::RequestBuilder;
use crate::locate::{LocateSettings, Locator, Outcome, Question, Records, ResolverFailed};
use crate::{Method, Protocol, Uri};

/// Names a question to the DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueryId(pub u64);

/// A question to the DNS. Each must be answered once, a resolver's own time-out included: until then
/// its INVITE waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// What [`UserAgent::resolved`] must name.
    pub id: QueryId,
    /// What is asked.
    pub question: Question,
}

/// A question that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    session: SessionId,
    question: Question,
}

impl UserAgent {
    /// Sends an INVITE to the first address of `next`, or begins to look for one.
    pub(super) fn locate(
        &mut self,
        now: Instant,
        id: SessionId,
        builder: RequestBuilder,
        next: &Uri,
    ) -> Result<Phase, Refused> {
        let locator = Locator::new(self.locate_settings(), next, self.entropy.number());
        match locator.outcome() {
            Outcome::Found(targets) => {
                let mut targets: Vec<Target> = targets.clone();
                let flow = self.next_flow(&mut targets).ok_or(Refused::NoEndpoint)?;
                self.send_first(now, id, builder, flow, targets).ok_or(Refused::NoEndpoint)
            }
            Outcome::Failed(_) => Err(Refused::NoEndpoint),
            Outcome::Asking => {
                let endpoint = self.settings.endpoints.first().ok_or(Refused::NoEndpoint)?;
                let (protocol, local) = (endpoint.protocol, endpoint.bound);
                // Via and Contact are written anew when the way is known.
                let flow = crate::Flow { protocol, local, remote: local, connection: None };
                let written = self.finish_request(builder, &Method::Invite, &flow);
                let (_, invite) = written.ok_or(Refused::NoEndpoint)?;
                let mut locator = Box::new(locator);
                self.ask_dns(id, &mut locator);
                Ok(Phase::Locating { invite: Box::new(invite), locator })
            }
        }
    }

    fn locate_settings(&self) -> LocateSettings {
        let endpoints = &self.settings.endpoints;
        let protocols = [Protocol::Udp, Protocol::Tcp];
        let has = |protocol: &Protocol| endpoints.iter().any(|endpoint| endpoint.protocol == *protocol);
        LocateSettings {
            protocols: protocols.into_iter().filter(has).collect(),
            ipv4: endpoints.iter().any(|endpoint| endpoint.bound.is_ipv4()),
            ipv6: endpoints.iter().any(|endpoint| endpoint.bound.is_ipv6()),
            ..LocateSettings::default()
        }
    }

    fn ask_dns(&mut self, session: SessionId, locator: &mut Locator) {
        while let Some(question) = locator.poll_output() {
            self.numbers += 1;
            let id = QueryId(self.numbers);
            self.asked.insert(id, Asked { session, question: question.clone() });
            self.queries.push_back(Query { id, question });
        }
    }

    /// The first target that an endpoint of ours fits; those before it are dropped.
    pub(super) fn next_flow(&self, targets: &mut Vec<Target>) -> Option<crate::Flow> {
        while !targets.is_empty() {
            if let Some(flow) = self.flow_to(targets.remove(0)) {
                return Some(flow);
            }
        }
        None
    }

    pub(super) fn take_records(
        &mut self,
        now: Instant,
        query: QueryId,
        answer: Result<Records, ResolverFailed>,
    ) {
        let Some(Asked { session: id, question }) = self.asked.remove(&query) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Phase::Locating { locator, invite } = &mut session.phase else { return };
        locator.handle_input(&question, answer);
        let mut locator = locator.clone();
        let invite = invite.clone();
        match locator.outcome() {
            Outcome::Asking => {
                self.ask_dns(id, &mut locator);
                let session = self.sessions.get_mut(&id).expect("it was there just now");
                session.phase = Phase::Locating { locator, invite };
            }
            Outcome::Failed(_) => self.fail(now, id, 503, FailureCause::Resolution),
            Outcome::Found(targets) => {
                let mut targets = targets.clone();
                let flow = self.next_flow(&mut targets);
                match flow.and_then(|flow| self.send_again(now, id, &invite, flow, None)) {
                    Some(client) => self.begin_calling(id, client, targets),
                    None => self.fail(now, id, 503, FailureCause::Resolution),
                }
            }
        }
    }

    pub(super) fn forget_queries(&mut self, id: SessionId) {
        self.asked.retain(|_, asked| asked.session != id);
        let asked = &self.asked;
        self.queries.retain(|query| asked.contains_key(&query.id));
    }
}
