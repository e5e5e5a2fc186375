//! `[http]`

use std::net::SocketAddr;

use super::reader::Section;
use super::{Passwords, Secret, network, secret};

/// The fewest characters of the token: it is tried without end by whoever reaches the port.
const TOKEN_MIN: usize = 16;

/// The web side: metrics, health, wallboard, API.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whoever knows it may use the API; none: nobody may.
    pub token: Option<Secret>,
    /// Connections at once; for one more the oldest of the address that holds the most is cut.
    pub connections_max: u32,
    /// How many interactions that are over the API remembers.
    pub ended_interactions: u32,
}

pub(super) fn read(section: &mut Section<'_>, passwords: Passwords) -> Http {
    let fallback = SocketAddr::from(([127, 0, 0, 1], 8080));
    let listen = section.one_or_more("listen", "127.0.0.1:8080").pop().map_or(fallback, |(text, span)| {
        network::socket(&text).unwrap_or_else(|wrong| {
            section.error(span, format!("`listen`: {wrong}"));
            fallback
        })
    });
    let token = section.text("token").map(|(token, span)| {
        let is_short = token.chars().count() < TOKEN_MIN || secret::weakness(&token, "").is_some();
        if passwords == Passwords::Strong && is_short {
            section.error(span, "`token` is easily guessed; write at least 16 characters chosen by chance");
        }
        Secret::new(token)
    });
    Http {
        listen,
        token,
        connections_max: section.integer("connections_max", 1_000, 1..=100_000),
        ended_interactions: section.integer("ended_interactions", 10_000, 0..=1_000_000),
    }
}
