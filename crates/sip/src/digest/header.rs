//! The headers of digest authentication: challenges and credentials (RFC 3261 §25.1).

use std::fmt;

use super::{Algorithm, Qop};
use crate::lexis;

/// A challenge from a WWW-Authenticate or Proxy-Authenticate header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Whose users are asked for.
    pub realm: String,
    /// To be repeated.
    pub nonce: String,
    /// To be repeated, where there is one.
    pub opaque: Option<String>,
    /// `None`: one that we do not know.
    pub algorithm: Option<Algorithm>,
    /// The best of the qualities offered that we know; `None`: only others.
    pub qop: Option<Qop>,
    /// Only the nonce was too old: the same secret may be tried again.
    pub is_stale: bool,
}

/// The content of an Authorization or Proxy-Authorization header.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who it claims to be.
    pub user: String,
    /// The realm answered.
    pub realm: String,
    /// The nonce answered.
    pub nonce: String,
    /// The URI that was hashed.
    pub uri: String,
    /// The digest.
    pub response: String,
    /// `None`: one that we do not know.
    pub algorithm: Option<Algorithm>,
    /// `None`: one that we do not know.
    pub qop: Option<Qop>,
    /// The client's nonce; empty without `qop`.
    pub cnonce: String,
    /// Eight hexadecimal digits; empty without `qop`.
    pub nonce_count: String,
}

/// Parameters of one scheme: names in lower case, values unquoted.
struct Scheme {
    name: String,
    params: Vec<(String, String)>,
}

impl Scheme {
    fn value(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.value(name).map(str::to_owned)
    }

    /// RFC 7616 §3.3: without `algorithm`, MD5.
    fn algorithm(&self) -> Option<Algorithm> {
        self.value("algorithm").map_or(Some(Algorithm::Md5), Algorithm::parse)
    }
}

impl Challenge {
    /// The digest challenges in one header line; those of other schemes and broken ones are left out.
    pub fn parse_all(value: &[u8]) -> Vec<Challenge> {
        schemes(value).iter().filter_map(Challenge::read).collect()
    }

    fn read(scheme: &Scheme) -> Option<Challenge> {
        let qop = match scheme.value("qop") {
            None => Some(Qop::None),
            Some(list) => {
                let offers = |name: &str| list.split(',').any(|qop| qop.trim().eq_ignore_ascii_case(name));
                let auth = offers("auth").then_some(Qop::Auth);
                auth.or_else(|| offers("auth-int").then_some(Qop::AuthInt))
            }
        };
        (scheme.name == "digest").then_some(())?;
        Some(Challenge {
            realm: scheme.owned("realm")?,
            nonce: scheme.owned("nonce")?,
            opaque: scheme.owned("opaque"),
            algorithm: scheme.algorithm(),
            qop,
            is_stale: scheme.value("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

impl Credentials {
    /// Reads one header value; `None` where it is another scheme or broken.
    pub fn parse(value: &[u8]) -> Option<Credentials> {
        let schemes = schemes(value);
        let [scheme] = schemes.as_slice() else { return None };
        (scheme.name == "digest").then_some(())?;
        let qop = match scheme.value("qop").map(str::to_ascii_lowercase).as_deref() {
            None => Some(Qop::None),
            Some("auth") => Some(Qop::Auth),
            Some("auth-int") => Some(Qop::AuthInt),
            Some(_) => None,
        };
        Some(Credentials {
            user: scheme.owned("username")?,
            realm: scheme.owned("realm")?,
            nonce: scheme.owned("nonce")?,
            uri: scheme.owned("uri")?,
            response: scheme.owned("response")?,
            algorithm: scheme.algorithm(),
            qop,
            cnonce: scheme.owned("cnonce").unwrap_or_default(),
            nonce_count: scheme.owned("nc").unwrap_or_default(),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

/// Several challenges may share a line, and commas also separate the parameters of each: a part that
/// begins with two words begins a challenge.
fn schemes(value: &[u8]) -> Vec<Scheme> {
    let mut schemes: Vec<Scheme> = Vec::new();
    for part in lexis::split_bare(value, b',') {
        let word =
            part.iter().position(|&octet| lexis::is_space(octet) || octet == b'=').unwrap_or(part.len());
        let after = lexis::trim(&part[word..]);
        let begins_scheme = lexis::is_all_token(&part[..word]) && !after.starts_with(b"=");
        let param = if begins_scheme {
            let name = String::from_utf8_lossy(&part[..word]).to_ascii_lowercase();
            schemes.push(Scheme { name, params: Vec::new() });
            after
        } else {
            part
        };
        if let (Some(scheme), Some(param)) = (schemes.last_mut(), parameter(param)) {
            scheme.params.push(param);
        }
    }
    schemes
}

fn parameter(text: &[u8]) -> Option<(String, String)> {
    let equals = text.iter().position(|&octet| octet == b'=')?;
    let (name, value) = (lexis::trim(&text[..equals]), lexis::trim(&text[equals + 1..]));
    let plain = lexis::unquote(value).unwrap_or_else(|| value.to_vec());
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    Some((name, String::from_utf8(plain).ok()?))
}
