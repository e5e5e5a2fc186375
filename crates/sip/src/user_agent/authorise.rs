//! Who may do what: digest challenges of ours, and answers to those of trunks.

use std::net::IpAddr;

use timing::Instant;

use super::UserAgent;
use super::outside::Refusal;
use super::refusals::RefusalCause;
use super::settings::TrunkId;
use crate::digest::{self, ClientAccount, Secret, Verdict};
use crate::{Flow, Host, Message, Name, NameAddr};

impl UserAgent {
    /// The account that sent a request outside of a dialog: its digest is right and its From is its own.
    pub(super) fn authenticate_account(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message,
    ) -> Result<String, Refusal> {
        let from = request.from().map_err(|fault| Refusal::new(fault.status()))?;
        // A stranger is told so at once: no challenge could make him one of ours.
        if !from.uri.host().is_some_and(|host| self.is_ours(host)) {
            return Err(Refusal::new(403).because(RefusalCause::UnknownSource));
        }
        let accounts = &self.accounts;
        let verdict = self.authenticator.verify(now, flow.remote.ip(), request, |user| accounts.get(user));
        let user = self.judge(now, flow, verdict)?;
        if is_user(&from, &user) {
            Ok(user)
        } else {
            Err(Refusal::new(403).because(RefusalCause::WrongIdentity))
        }
    }

    /// The digest of a trunk that must give one although its address is known.
    pub(super) fn authenticate_trunk(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message,
        trunk: TrunkId,
    ) -> Result<(), Refusal> {
        let trunk = self.settings.trunks.iter().find(|known| known.id == trunk);
        // A trunk that must prove itself and cannot is configured wrongly; it gets no call through.
        let Some(own) = trunk.and_then(|trunk| trunk.credentials.as_ref()) else {
            return Err(Refusal::new(403).because(RefusalCause::NoCredentials));
        };
        let secret = Secret::Password(own.secret.clone());
        let source = flow.remote.ip();
        let verdict =
            self.authenticator.verify(now, source, request, |user| (user == own.user).then_some(&secret));
        self.judge(now, flow, verdict).map(|_| ())
    }

    /// From what the digest is worth to an answer; guessing costs time (RFC 3261 §26.3.2.4).
    fn judge(&mut self, now: Instant, flow: &Flow, verdict: Verdict) -> Result<String, Refusal> {
        let source = flow.remote.ip();
        let user = match &verdict {
            Verdict::Accepted { user } | Verdict::Stale { user } | Verdict::Wrong { user } => Some(user),
            Verdict::Missing => None,
        };
        // In a pause right and wrong get the same answer, or it would be none.
        if let Some(pause) = user.and_then(|user| self.backoff.pause_of(now, source, user)) {
            let seconds = pause.as_secs().max(1).to_string();
            return Err(Refusal::with(503, Name::RetryAfter, seconds).because(RefusalCause::BackOff));
        }
        match verdict {
            Verdict::Accepted { user } => {
                self.backoff.note_success(source, &user);
                // The nonce was sent to this source and nowhere else.
                self.proven.note(now, source);
                Ok(user)
            }
            Verdict::Missing => Err(self.challenge(now, source, false)),
            Verdict::Stale { .. } => Err(self.challenge(now, source, true)),
            Verdict::Wrong { user } => {
                self.backoff.note_failure(now, source, &user);
                Err(self.challenge(now, source, false).because(RefusalCause::WrongPassword))
            }
        }
    }

    fn challenge(&mut self, now: Instant, source: IpAddr, is_stale: bool) -> Refusal {
        let challenges = self.authenticator.challenges(now, source, is_stale);
        let headers = challenges.into_iter().map(|value| (Name::WwwAuthenticate, value)).collect();
        Refusal { headers, ..Refusal::new(401) }
    }

    /// Whether a host is one of our domains or addresses.
    pub(super) fn is_ours(&self, host: &Host) -> bool {
        let names = self.settings.domains.iter().chain(self.settings.endpoints.iter().map(|own| &own.host));
        let is_named = names.filter_map(|name| name.parse::<Host>().ok()).any(|own| own.is_same(host));
        is_named || self.settings.endpoints.iter().any(|own| Some(own.bound.ip()) == host.ip())
    }

    /// The credentials of a trunk for its challenge, and for nobody else's: a session has a trunk only
    /// where the request goes over it.
    pub(super) fn answer_challenge(
        &mut self,
        trunk: TrunkId,
        request: &Message,
        response: &Message,
    ) -> Option<(Name, String)> {
        let trunk = self.settings.trunks.iter().find(|known| known.id == trunk)?;
        let own = trunk.credentials.as_ref()?;
        let secret = Secret::Password(own.secret.clone());
        let account = ClientAccount { user: own.user.clone(), secret, realm: None };
        let cnonce = self.entropy.tag();
        let answer = digest::answer(&account, request, response, &cnonce, 1).ok()?;
        Some((answer.name, answer.value))
    }
}

fn is_user(from: &NameAddr, user: &str) -> bool {
    from.uri.user().as_deref() == Some(user)
}
