//! An agent's registration (RFC 3261 §10.2): asked for, proven by digest, refreshed, taken back.

use std::time::Duration;

use bytes::Bytes;
use sip::compose::RequestBuilder;
use sip::digest::{Answer, ClientAccount, Secret};
use sip::{Message, Method, Name, NameAddr};
use timing::Instant;

use crate::line::Key;
use crate::plan::Credentials;
use crate::sending::Sending;
use crate::wire::Place;

/// Challenges answered in a row before the password counts as wrong.
const CHALLENGES_MAX: u8 = 2;
/// Longer times asked for in a row before the registrar counts as not to be pleased.
const ASKED_FOR_MORE_MAX: u8 = 2;
/// A registrar that grants less is asked no oftener than this wants.
const LASTS_MIN: Duration = Duration::from_secs(10);

/// One registration.
#[derive(Debug)]
pub(crate) struct Account {
    key: Key,
    credentials: Credentials,
    expires: Duration,
    cseq: u32,
    challenges: u8,
    /// Times that the registrar wanted a longer time.
    asked_for_more: u8,
    request: Option<Message>,
    /// When the first request of this attempt went out.
    since: Option<Instant>,
    pub(crate) is_registered: bool,
    /// It was registered or refused at least once.
    pub(crate) is_settled: bool,
    /// It was registered at least once.
    was_registered: bool,
    pub(crate) sending: Sending,
}

/// What came of an answer.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing yet.
    Nothing,
    /// This goes out.
    Ask(Bytes),
    /// It is registered, for so long; how long it took.
    Registered { lasts: Duration, took: Duration, is_first: bool },
    /// It is not any more.
    Gone,
    /// It was refused with this status.
    Refused(u16),
}

impl Account {
    pub(crate) fn new(key: Key, credentials: Credentials, expires: Duration) -> Account {
        Account {
            key,
            credentials,
            expires,
            cseq: 0,
            challenges: 0,
            asked_for_more: 0,
            request: None,
            since: None,
            is_registered: false,
            is_settled: false,
            was_registered: false,
            sending: Sending::default(),
        }
    }

    /// Asks to be registered for as long as planned, or for nothing. None where its name cannot be written.
    pub(crate) fn ask(&mut self, now: Instant, place: &Place, is_wanted: bool) -> Option<Bytes> {
        (self.challenges, self.asked_for_more) = (0, 0);
        self.since = Some(now);
        let expires = if is_wanted { self.expires } else { Duration::ZERO };
        self.compose(place, expires, None)
    }

    fn compose(&mut self, place: &Place, expires: Duration, answer: Option<&Answer>) -> Option<Bytes> {
        self.cseq += 1;
        let registrar = sip::Uri::sip("", place.domain.clone(), None);
        let name = NameAddr::new(place.address(&self.credentials.user));
        let mut request = RequestBuilder::new(Method::Register, &registrar)
            .via(&place.via(self.key, self.cseq))
            .from(&name.clone().with_tag(&place.tag(self.key)))
            .to(&name)
            .call_id(&place.call_id(self.key))
            .cseq(self.cseq)
            .contact(&place.contact(&self.credentials.user))
            .header(Name::Expires, expires.as_secs());
        if let Some(answer) = answer {
            request = request.header(answer.name, &answer.value);
        }
        // What cannot be written came from the challenge, or from the plan.
        self.request = request.build().ok();
        self.request.as_ref().map(|request| request.bytes().clone())
    }

    /// An answer came.
    pub(crate) fn handle_response(&mut self, now: Instant, place: &Place, response: &Message) -> Outcome {
        let Some(request) = self.request.clone() else { return Outcome::Nothing };
        let is_ours = matches!(response.cseq(), Ok((number, Method::Register)) if number == self.cseq);
        if !is_ours || response.status() < 200 {
            return Outcome::Nothing;
        }
        let wanted = request.number(Name::Expires).ok().flatten().unwrap_or(0);
        match response.status() {
            200..=299 => {
                self.request = None;
                let is_first = wanted > 0 && !self.was_registered;
                self.was_registered |= is_first;
                (self.is_registered, self.is_settled) = (wanted > 0, true);
                if wanted == 0 {
                    return Outcome::Gone;
                }
                let took = now.since(self.since.unwrap_or(now));
                Outcome::Registered { lasts: self.granted(place, response, wanted), took, is_first }
            }
            401 | 407 if self.challenges < CHALLENGES_MAX => {
                self.challenges += 1;
                let secret = Secret::Password(self.credentials.password.clone());
                let account = ClientAccount { user: self.credentials.user.clone(), secret, realm: None };
                let cnonce = place.tag(self.key).replace('.', "");
                let answer = sip::digest::answer(&account, &request, response, &cnonce, 1).ok();
                let expires = Duration::from_secs(u64::from(wanted));
                match answer.and_then(|answer| self.compose(place, expires, Some(&answer))) {
                    Some(bytes) => Outcome::Ask(bytes),
                    None => self.refused(response.status()),
                }
            }
            // RFC 3261 §10.2.8: asked again for no less than the registrar wants; refreshes then ask for that at once.
            423 if self.asked_for_more < ASKED_FOR_MORE_MAX => {
                let least = response.number(Name::MinExpires).ok().flatten().filter(|least| *least > wanted);
                self.asked_for_more += 1;
                let Some(least) = least.filter(|_| wanted > 0) else { return self.refused(423) };
                self.expires = Duration::from_secs(u64::from(least));
                match self.compose(place, self.expires, None) {
                    Some(bytes) => Outcome::Ask(bytes),
                    None => self.refused(423),
                }
            }
            status => self.refused(status),
        }
    }

    /// No answer came, or one that ends it.
    pub(crate) fn refused(&mut self, status: u16) -> Outcome {
        self.request = None;
        (self.is_registered, self.is_settled) = (false, true);
        Outcome::Refused(status)
    }

    /// For how long the registrar keeps our contact: its `expires`, or the Expires header.
    fn granted(&self, place: &Place, response: &Message, wanted: u32) -> Duration {
        let ours = place.contact(&self.credentials.user).uri;
        let contacts = response.name_addrs(Name::Contact).unwrap_or_default();
        let own = contacts.iter().find(|contact| contact.uri.is_equivalent(&ours));
        let said = own.and_then(|contact| contact.params.value("expires")?.parse().ok());
        let header = || response.number(Name::Expires).ok().flatten();
        Duration::from_secs(u64::from(said.or_else(header).unwrap_or(wanted))).max(LASTS_MIN)
    }
}
