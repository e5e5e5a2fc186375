//! Answering a registrar's challenge (RFC 3261 §22.4, RFC 8760), by `rsip` and not by our own `sip`:
//! a mistake that both ends share would pass unseen.

use rsip::headers::auth::{Algorithm, AuthQop};
use rsip::services::DigestGenerator;
use serde::{Deserialize, Serialize};

/// `rsip` writes the nonce count in decimal, where RFC 7616 §3.4 wants hexadecimal: up to here both
/// are the same.
const COUNT_MAX: u8 = 9;

/// What a registrar asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Option<String>,
    has_qop: bool,
    used: u8,
}

impl Challenge {
    /// Reads WWW-Authenticate or Proxy-Authenticate; `None` for what we cannot answer.
    pub(super) fn parse(value: &str) -> Option<Challenge> {
        let params = value.trim().strip_prefix("Digest ")?;
        let challenge = Challenge {
            realm: parameter(params, "realm")?,
            nonce: parameter(params, "nonce")?,
            opaque: parameter(params, "opaque"),
            algorithm: parameter(params, "algorithm"),
            has_qop: parameter(params, "qop")
                .is_some_and(|qop| qop.split(',').any(|word| word.trim().eq_ignore_ascii_case("auth"))),
            used: 0,
        };
        challenge.algorithm().map(|_| challenge)
    }

    fn algorithm(&self) -> Option<Algorithm> {
        match self.algorithm.as_deref() {
            None => Some(Algorithm::Md5),
            Some(name) if name.eq_ignore_ascii_case("MD5") => Some(Algorithm::Md5),
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Some(Algorithm::Sha256),
            Some(_) => None,
        }
    }

    /// Whether its nonce may be used once more.
    pub(super) fn is_fresh(&self) -> bool {
        self.used < COUNT_MAX
    }

    /// The value of an Authorization header for a request to `uri`.
    pub(super) fn answer(&mut self, user: &str, secret: &str, uri: &str, cnonce: &str) -> Option<String> {
        self.used += 1;
        let parsed = rsip::Uri::try_from(uri).ok()?;
        let qop = AuthQop::Auth { cnonce: cnonce.to_owned(), nc: self.used };
        let generator = DigestGenerator {
            username: user,
            password: secret,
            nonce: &self.nonce,
            uri: &parsed,
            realm: &self.realm,
            method: &rsip::Method::Register,
            qop: self.has_qop.then_some(&qop),
            algorithm: self.algorithm()?,
        };
        let response = generator.compute();
        let Challenge { realm, nonce, .. } = self;
        let mut value = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\""
        );
        if let Some(algorithm) = &self.algorithm {
            value.push_str(&format!(", algorithm={algorithm}"));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque=\"{opaque}\""));
        }
        if self.has_qop {
            value.push_str(&format!(", qop=auth, cnonce=\"{cnonce}\", nc={:08x}", self.used));
        }
        Some(value)
    }
}

/// One parameter of a challenge, its quotes taken off. Escapes inside quotes do not occur in what a
/// registrar of ours says.
fn parameter(params: &str, name: &str) -> Option<String> {
    let mut rest = params;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = next.trim_start().trim_start_matches(',').trim_start();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616 §3.9.1 is HTTP; this is the same arithmetic with REGISTER, computed
    /// by hand from RFC 2617 §3.2.2.
    #[test]
    fn a_challenge_is_read_and_answered_with_every_part_that_it_gave() {
        let text = "Digest realm=\"cc.example.com\", qop=\"auth,auth-int\", nonce=\"abc\", algorithm=SHA-256, opaque=\"o\"";
        let mut challenge = Challenge::parse(text).expect("a challenge");
        let answer = challenge.answer("kim", "secret", "sip:cc.example.com", "c").expect("an answer");
        for part in [
            "username=\"kim\"",
            "nonce=\"abc\"",
            "opaque=\"o\"",
            "qop=auth,",
            "nc=00000001",
            "algorithm=SHA-256",
        ] {
            assert!(answer.contains(part), "{part} not in {answer}");
        }
        assert_eq!(parameter(&answer["Digest ".len()..], "response").map(|hash| hash.len()), Some(64));
    }

    #[test]
    fn an_unknown_algorithm_or_scheme_is_no_challenge() {
        assert_eq!(Challenge::parse("Digest realm=\"a\", nonce=\"b\", algorithm=MD4"), None);
        assert_eq!(Challenge::parse("Basic realm=\"a\""), None);
    }
}
