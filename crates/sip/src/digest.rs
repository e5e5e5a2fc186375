//! Digest access authentication (RFC 7616, RFC 8760; RFC 3261 §22): [`Authenticator`] asks and checks,
//! [`answer`] answers a trunk that asks us, [`Backoff`] slows down who guesses.
//!
//! No secret, digest or nonce is ever printed by `Debug`.

mod backoff;
mod client;
mod header;
mod nonce;
mod server;
#[cfg(test)]
mod tests;

use std::fmt;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512_256};

pub use backoff::{Backoff, BackoffSettings};
pub use client::{Answer, ClientAccount, Refusal, answer};
pub use header::{Challenge, Credentials};
pub use server::{Authenticator, AuthenticatorSettings, Verdict};

/// A digest algorithm. The `-sess` variants are neither offered nor answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// `MD5`: weak, and all that many phones know.
    Md5,
    /// `SHA-256`.
    Sha256,
    /// `SHA-512-256`.
    Sha512T256,
}

impl Algorithm {
    /// The algorithm of this name, whatever its case.
    pub fn parse(name: &str) -> Option<Algorithm> {
        let all = [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512T256];
        all.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
    }

    /// The name in `algorithm=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha512T256 => "SHA-512-256",
        }
    }

    /// The hash of the parts with colons between them, as lower-case hexadecimal digits.
    fn hash(self, parts: &[&[u8]]) -> String {
        match self {
            Algorithm::Md5 => hash_with::<Md5>(parts),
            Algorithm::Sha256 => hash_with::<Sha256>(parts),
            Algorithm::Sha512T256 => hash_with::<Sha512_256>(parts),
        }
    }
}

fn hash_with<D: Digest>(parts: &[&[u8]]) -> String {
    let mut hasher = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

fn hex(octets: &[u8]) -> String {
    use fmt::Write as _;
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        write!(text, "{octet:02x}").expect("a String takes everything");
        text
    })
}

/// What an account's digest is computed from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Secret {
    /// The password in clear; serves every algorithm.
    Password(String),
    /// `H(user:realm:password)` in hexadecimal, for the algorithms listed. Ask for no other algorithm
    /// than all accounts have: a client answers the first that it knows.
    Ha1(Vec<(Algorithm, String)>),
}

impl Secret {
    fn ha1(&self, algorithm: Algorithm, user: &str, realm: &str) -> Option<String> {
        match self {
            Secret::Password(password) => {
                Some(algorithm.hash(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()]))
            }
            Secret::Ha1(list) => {
                let found = list.iter().find(|(of, _)| *of == algorithm)?;
                Some(found.1.to_ascii_lowercase())
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Secret::Password(_) => f.write_str("Password(..)"),
            Secret::Ha1(_) => f.write_str("Ha1(..)"),
        }
    }
}

/// Quality of protection (RFC 7616 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Qop {
    /// None: RFC 2069 clients.
    None,
    /// `auth`.
    Auth,
    /// `auth-int`: the body is part of the digest.
    AuthInt,
}

/// All that goes into a response beside the secret (RFC 7616 §3.4.1).
struct Inputs<'a> {
    algorithm: Algorithm,
    nonce: &'a str,
    qop: Qop,
    /// Eight hexadecimal digits, as they stand in the header.
    nonce_count: &'a str,
    cnonce: &'a str,
    method: &'a str,
    uri: &'a [u8],
    body: &'a [u8],
}

impl Inputs<'_> {
    fn response(&self, ha1: &str) -> String {
        let method = self.method.as_bytes();
        let ha2 = match self.qop {
            Qop::None | Qop::Auth => self.algorithm.hash(&[method, self.uri]),
            Qop::AuthInt => {
                let body = self.algorithm.hash(&[self.body]);
                self.algorithm.hash(&[method, self.uri, body.as_bytes()])
            }
        };
        let (ha1, nonce, ha2) = (ha1.as_bytes(), self.nonce.as_bytes(), ha2.as_bytes());
        let (count, cnonce) = (self.nonce_count.as_bytes(), self.cnonce.as_bytes());
        match self.qop {
            Qop::None => self.algorithm.hash(&[ha1, nonce, ha2]),
            Qop::Auth => self.algorithm.hash(&[ha1, nonce, count, cnonce, b"auth", ha2]),
            Qop::AuthInt => self.algorithm.hash(&[ha1, nonce, count, cnonce, b"auth-int", ha2]),
        }
    }
}
