//! Asking for a password and checking the answer.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use timing::Instant;

use super::nonce::{Nonces, Standing};
use super::{Algorithm, Credentials, Inputs, Qop, Secret, hex};
use crate::{Message, Name, lexis};

/// How we ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticatorSettings {
    /// Whose users we know; usually our domain.
    pub realm: String,
    /// One challenge for each, the one we like best first (RFC 8760 §2.4).
    pub algorithms: Vec<Algorithm>,
    /// How long a nonce may be used.
    pub nonce_lifetime: Duration,
    /// Nonces in use that are remembered. At the limit the oldest become stale: the client is asked again.
    pub nonces: usize,
}

impl AuthenticatorSettings {
    /// SHA-256 and MD5, nonces of five minutes, 65,536 of them.
    pub fn new(realm: &str) -> AuthenticatorSettings {
        AuthenticatorSettings {
            realm: realm.to_owned(),
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            nonce_lifetime: Duration::from_secs(300),
            nonces: 65_536,
        }
    }
}

/// What a request's credentials are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They prove that the sender knows this user's secret.
    Accepted {
        /// The user name in the credentials.
        user: String,
    },
    /// There are none for us: challenge.
    Missing,
    /// The nonce was not issued to this source, so that nothing was looked at; or the secret is right and
    /// the nonce old or already used. Challenge with `stale`. No failure.
    Stale {
        /// The user name in the credentials.
        user: String,
    },
    /// User or secret is wrong, and which of the two nobody learns: challenge, and count a failure.
    Wrong {
        /// The user name in the credentials, for the log.
        user: String,
    },
}

/// Asks for digests and checks them.
#[derive(Clone, Serialize, Deserialize)]
pub struct Authenticator {
    settings: AuthenticatorSettings,
    nonces: Nonces,
    opaque: String,
}

impl Authenticator {
    /// `random` makes the key of the nonces; seed it with something nobody can guess.
    pub fn new(settings: AuthenticatorSettings, mut random: ChaCha20Rng) -> Authenticator {
        let mut opaque = [0; 8];
        rand_core::RngCore::fill_bytes(&mut random, &mut opaque);
        let nonces = Nonces::new(random, settings.nonce_lifetime, settings.nonces);
        Authenticator { settings, nonces, opaque: hex(&opaque) }
    }

    /// The values of the WWW-Authenticate headers of a 401, in order; one header line each
    /// (RFC 3261 §7.3.1), for this source alone. `is_stale` after [`Verdict::Stale`].
    pub fn challenges(&mut self, now: Instant, source: IpAddr, is_stale: bool) -> Vec<String> {
        let nonce = self.nonces.issue(now, source);
        let realm = lexis::quote(&self.settings.realm);
        let stale = if is_stale { ", stale=true" } else { "" };
        let challenge = |algorithm: &Algorithm| {
            let (name, opaque) = (algorithm.as_str(), &self.opaque);
            format!(
                "Digest realm={realm}, nonce=\"{nonce}\", opaque=\"{opaque}\", algorithm={name}, qop=\"auth\"{stale}"
            )
        };
        self.settings.algorithms.iter().map(challenge).collect()
    }

    /// Checks the Authorization of a request that came from `source`. An unknown user (`None`) takes the
    /// same way and the same time as a known one.
    pub fn verify<'s>(
        &mut self,
        now: Instant,
        source: IpAddr,
        request: &Message,
        secret_of: impl FnOnce(&str) -> Option<&'s Secret>,
    ) -> Verdict {
        let Some(credentials) = self.credentials(request) else { return Verdict::Missing };
        let (Some(algorithm), Some(qop)) = (credentials.algorithm, credentials.qop) else {
            return Verdict::Missing;
        };
        // Whoever forges the source of a datagram never saw a nonce for it: no failure is counted against
        // a victim, and no digest is computed.
        let Some(nonce) = self.nonces.open(&credentials.nonce, source) else {
            return Verdict::Stale { user: credentials.user };
        };
        let decoy = Secret::Password(self.nonces.decoy());
        let secret = secret_of(&credentials.user);
        let is_known = secret.is_some();
        let ha1 = secret.unwrap_or(&decoy).ha1(algorithm, &credentials.user, &self.settings.realm);
        let method = request.method();
        let inputs = Inputs {
            algorithm,
            nonce: &credentials.nonce,
            qop,
            nonce_count: &credentials.nonce_count,
            cnonce: &credentials.cnonce,
            method: method.as_str(),
            uri: credentials.uri.as_bytes(),
            body: &request.body(),
        };
        let expected = inputs.response(ha1.as_deref().unwrap_or_default());
        let given = credentials.response.to_ascii_lowercase();
        let is_equal = bool::from(expected.as_bytes().ct_eq(given.as_bytes()));
        if !is_equal || !is_known || ha1.is_none() {
            return Verdict::Wrong { user: credentials.user };
        }
        match self.nonces.accept(now, nonce, count(&credentials)) {
            Standing::Fresh => Verdict::Accepted { user: credentials.user },
            Standing::Stale => Verdict::Stale { user: credentials.user },
        }
    }

    /// The credentials for our realm, in an algorithm that we asked for. A client that answered several
    /// challenges sends several headers.
    fn credentials(&self, request: &Message) -> Option<Credentials> {
        let is_ours = |credentials: &Credentials| {
            let is_asked = |algorithm| self.settings.algorithms.contains(&algorithm);
            credentials.realm == self.settings.realm && credentials.algorithm.is_some_and(is_asked)
        };
        request
            .fields(Name::Authorization)
            .filter_map(|field| Credentials::parse(&field.value()))
            .find(|credentials| is_ours(credentials))
    }
}

/// Without `qop` there is no count, so such a nonce serves once. A count that is no number is none.
fn count(credentials: &Credentials) -> u32 {
    match credentials.qop {
        Some(Qop::None) | None => 1,
        Some(Qop::Auth | Qop::AuthInt) => {
            let digits = &credentials.nonce_count;
            let is_count = digits.len() == 8 && digits.bytes().all(|octet| octet.is_ascii_hexdigit());
            u32::from_str_radix(digits, 16).ok().filter(|_| is_count).unwrap_or(0)
        }
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("settings", &self.settings).finish_non_exhaustive()
    }
}
