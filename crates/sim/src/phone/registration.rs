//! A phone's registration (RFC 3261 §10.2): asked for, proven by digest, refreshed, taken back.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sip::compose::RequestBuilder;
use sip::{Host, Message, Method, Name, NameAddr, Transport, Uri, Via};
use timing::Instant;

use super::digest::Challenge;
use crate::chance::Chance;

/// T1 and T2 of RFC 3261 §17.1.2.2, and 64*T1.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const GIVE_UP: Duration = Duration::from_secs(32);
/// How long a phone waits before it tries again what failed.
const RETRY: Duration = Duration::from_secs(5);
/// Challenges answered in a row before the password counts as wrong.
const CHALLENGES_MAX: u8 = 3;

/// Where and as whom a phone registers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The password.
    pub secret: String,
    /// How long a registration shall last.
    pub expires: Duration,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Registered,
    Unregistered,
    Failed { status: u16 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Off,
    Asking(Asking),
    Registered { refresh_at: Instant },
    Failed { retry_at: Instant },
}

/// A REGISTER under way: its client transaction (RFC 3261 §17.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asking {
    branch: String,
    request: Bytes,
    repeat_at: Instant,
    interval: Duration,
    give_up_at: Instant,
    wanted: u64,
    challenges: u8,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Registration {
    account: Account,
    user: String,
    domain: String,
    address: SocketAddr,
    call_id: String,
    tag: String,
    cseq: u32,
    challenge: Option<Challenge>,
    state: State,
    /// Whether the registrar holds our contact, as far as we know.
    is_held: bool,
    chance: Chance,
}

impl Registration {
    pub(super) fn new(
        account: Account,
        user: &str,
        domain: &str,
        address: SocketAddr,
        mut chance: Chance,
    ) -> Self {
        Registration {
            account,
            user: user.to_owned(),
            domain: domain.to_owned(),
            address,
            call_id: format!("{:016x}@{}", chance.number(), address.ip()),
            tag: format!("{:08x}", chance.below(1 << 32)),
            cseq: 0,
            challenge: None,
            state: State::Off,
            is_held: false,
            chance,
        }
    }

    pub(super) fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking(_))
    }

    pub(super) fn is_registered(&self) -> bool {
        self.is_held
    }

    /// Registers; the request to send.
    pub(super) fn register(&mut self, now: Instant) -> Option<Bytes> {
        self.ask(now, self.account.expires.as_secs(), 0)
    }

    /// Takes the registration back; the request to send.
    pub(super) fn unregister(&mut self, now: Instant) -> Option<Bytes> {
        self.ask(now, 0, 0)
    }

    /// Nothing is held any more, and nothing asked.
    fn stop(&mut self) {
        self.is_held = false;
        self.state = State::Off;
    }

    fn ask(&mut self, now: Instant, wanted: u64, challenges: u8) -> Option<Bytes> {
        self.cseq += 1;
        let branch = format!("{}{:016x}", sip::MAGIC_COOKIE, self.chance.number());
        let request = self.compose(&branch, wanted)?;
        self.state = State::Asking(Asking {
            branch,
            request: request.clone(),
            repeat_at: now + T1,
            interval: T1,
            give_up_at: now + GIVE_UP,
            wanted,
            challenges,
        });
        Some(request)
    }

    fn compose(&mut self, branch: &str, wanted: u64) -> Option<Bytes> {
        let host = Host::parse(self.domain.as_bytes()).ok()?;
        let own = Host::parse(bracketed(self.address).as_bytes()).ok()?;
        let registrar = Uri::sip("", host.clone(), None);
        let name = NameAddr::new(Uri::sip(&self.user, host, None));
        let contact = NameAddr::new(Uri::sip(&self.user, own.clone(), Some(self.address.port())));
        let via = Via::new(Transport::Udp, own, Some(self.address.port()), branch);
        let mut request = RequestBuilder::new(Method::Register, &registrar)
            .via(&via)
            .from(&name.clone().with_tag(&self.tag))
            .to(&name)
            .call_id(&self.call_id)
            .cseq(self.cseq)
            .contact(&contact)
            .header(Name::Expires, wanted);
        let cnonce = format!("{:08x}", self.chance.below(1 << 32));
        if let Some(challenge) = self.challenge.as_mut().filter(|challenge| challenge.is_fresh()) {
            let answer =
                challenge.answer(&self.user, &self.account.secret, &registrar.to_string(), &cnonce)?;
            request = request.header(Name::Authorization, answer);
        }
        request.build().ok().map(|message| message.bytes().clone())
    }

    /// A response to a REGISTER arrived. What came of it, and what to send.
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        response: &Message,
    ) -> (Option<Outcome>, Option<Bytes>) {
        let State::Asking(asking) = &self.state else { return (None, None) };
        let branch = response.top_via().ok().and_then(|via| via.branch().map(str::to_owned));
        if branch.as_deref() != Some(asking.branch.as_str()) {
            return (None, None);
        }
        let (wanted, challenges) = (asking.wanted, asking.challenges);
        match response.status() {
            100..=199 => (None, None),
            200..=299 if wanted == 0 => {
                self.stop();
                (Some(Outcome::Unregistered), None)
            }
            200..=299 => {
                let granted = self.granted(response).unwrap_or(wanted);
                // Early enough that a refresh that is lost twice still comes in time.
                let refresh_at = now + Duration::from_millis(granted.saturating_mul(700));
                self.is_held = true;
                self.state = State::Registered { refresh_at };
                (Some(Outcome::Registered), None)
            }
            401 | 407 if challenges < CHALLENGES_MAX => {
                self.challenge = challenge(response);
                if self.challenge.is_none() {
                    return (Some(self.fail(now, response.status())), None);
                }
                (None, self.ask(now, wanted, challenges + 1))
            }
            status => (Some(self.fail(now, status)), None),
        }
    }

    fn granted(&self, response: &Message) -> Option<u64> {
        let own = self.address.to_string();
        let contacts = response.name_addrs(Name::Contact).ok()?;
        let ours = contacts.iter().find(|contact| contact.uri.to_string().contains(&own))?;
        ours.params.value("expires")?.parse().ok()
    }

    fn fail(&mut self, now: Instant, status: u16) -> Outcome {
        self.challenge = None;
        self.is_held = false;
        self.state = State::Failed { retry_at: now + RETRY };
        Outcome::Failed { status }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Off => None,
            State::Asking(asking) => Some(asking.repeat_at.min(asking.give_up_at)),
            State::Registered { refresh_at } => Some(*refresh_at),
            State::Failed { retry_at } => Some(*retry_at),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> (Option<Outcome>, Option<Bytes>) {
        if self.poll_timeout().is_none_or(|due| due > now) {
            return (None, None);
        }
        match &mut self.state {
            State::Off => (None, None),
            State::Registered { .. } | State::Failed { .. } => (None, self.register(now)),
            State::Asking(asking) if asking.give_up_at <= now => (Some(self.fail(now, 408)), None),
            State::Asking(asking) => {
                asking.interval = (asking.interval * 2).min(T2);
                asking.repeat_at = now + asking.interval;
                (None, Some(asking.request.clone()))
            }
        }
    }
}

/// The first challenge that we can answer.
fn challenge(response: &Message) -> Option<Challenge> {
    [Name::WwwAuthenticate, Name::ProxyAuthenticate]
        .into_iter()
        .flat_map(|name| response.fields(name))
        .find_map(|field| Challenge::parse(&String::from_utf8_lossy(&field.value())))
}

/// The host of an address as it stands in a URI.
pub(super) fn bracketed(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}
