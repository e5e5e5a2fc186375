//! Answering a server that asks us for a digest.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Algorithm, Challenge, Credentials, Inputs, Qop, Secret};
use crate::{Message, Name, lexis};

/// Who we are to one server.
///
/// The caller answers only a response that came from the server these were configured for: anybody
/// behind it can challenge too, and would get a digest to guess at (CVE-2021-41158). `realm` guards
/// the same from the other side.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAccount {
    /// Our user name there.
    pub user: String,
    /// Our secret there.
    pub secret: Secret,
    /// The only realm that is answered; `None` answers whichever the configured server names.
    pub realm: Option<String>,
}

impl fmt::Debug for ClientAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAccount")
            .field("user", &self.user)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

/// The header to add to the request when it is sent again with the next CSeq and a new branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Authorization or Proxy-Authorization.
    pub name: Name,
    /// Its value.
    pub value: String,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The response is neither 401 nor 407, or brings no digest challenge.
    NoChallenge,
    /// All challenges are for other realms than ours.
    OtherRealm,
    /// No challenge has an algorithm and a quality of protection that we know.
    Unsupported,
    /// The request already carried our credentials and they were not merely stale: the secret is wrong.
    Rejected,
}

/// Answers the challenge in a 401 or 407 to `request`. `cnonce` is fresh randomness (token letters),
/// `count` how often we have used this nonce, this time included.
pub fn answer(
    account: &ClientAccount,
    request: &Message,
    response: &Message,
    cnonce: &str,
    count: u32,
) -> Result<Answer, Refusal> {
    let (ask, name) = match response.status() {
        401 => (Name::WwwAuthenticate, Name::Authorization),
        407 => (Name::ProxyAuthenticate, Name::ProxyAuthorization),
        _ => return Err(Refusal::NoChallenge),
    };
    let challenges: Vec<Challenge> =
        response.fields(ask).flat_map(|field| Challenge::parse_all(&field.value())).collect();
    if challenges.is_empty() {
        return Err(Refusal::NoChallenge);
    }
    let is_ours =
        |challenge: &&Challenge| account.realm.as_ref().is_none_or(|realm| *realm == challenge.realm);
    let ours: Vec<&Challenge> = challenges.iter().filter(is_ours).collect();
    if ours.is_empty() {
        return Err(Refusal::OtherRealm);
    }
    let tried = |challenge: &&Challenge| {
        let mut sent = request.fields(name).filter_map(|field| Credentials::parse(&field.value()));
        sent.any(|credentials| credentials.realm == challenge.realm)
    };
    if ours.iter().any(|challenge| tried(challenge) && !challenge.is_stale) {
        return Err(Refusal::Rejected);
    }
    // RFC 8760 §2.4: the first that we can answer is the one the server likes best.
    let answer = ours.into_iter().find_map(|challenge| write(account, request, challenge, cnonce, count));
    answer.map(|value| Answer { name, value }).ok_or(Refusal::Unsupported)
}

fn write(
    account: &ClientAccount,
    request: &Message,
    challenge: &Challenge,
    cnonce: &str,
    count: u32,
) -> Option<String> {
    let (algorithm, qop): (Algorithm, Qop) = (challenge.algorithm?, challenge.qop?);
    let ha1 = account.secret.ha1(algorithm, &account.user, &challenge.realm)?;
    let count = format!("{count:08x}");
    let uri = std::str::from_utf8(request.request_uri()).ok()?;
    let method = request.method();
    let inputs = Inputs {
        algorithm,
        nonce: &challenge.nonce,
        qop,
        nonce_count: &count,
        cnonce,
        method: method.as_str(),
        uri: uri.as_bytes(),
        body: &request.body(),
    };
    let mut value = format!(
        "Digest username={}, realm={}, nonce={}, uri={}, response=\"{}\", algorithm={}",
        lexis::quote(&account.user),
        lexis::quote(&challenge.realm),
        lexis::quote(&challenge.nonce),
        lexis::quote(uri),
        inputs.response(&ha1),
        algorithm.as_str(),
    );
    match qop {
        Qop::None => {}
        Qop::Auth => value.push_str(&format!(", qop=auth, cnonce=\"{cnonce}\", nc={count}")),
        Qop::AuthInt => value.push_str(&format!(", qop=auth-int, cnonce=\"{cnonce}\", nc={count}")),
    }
    if let Some(opaque) = &challenge.opaque {
        value.push_str(&format!(", opaque={}", lexis::quote(opaque)));
    }
    Some(value)
}
