//! `[[trunk]]`

use ::media::Latching;

use super::network::Network;
use super::reader::Section;
use super::report::{Kind, Span};
use super::sip::uri;
use super::{Passwords, Secret, secret};

/// A PBX or a carrier that hands calls over.
#[derive(Clone, Debug, PartialEq)]
pub struct Trunk {
    /// Its name in metrics and logs.
    pub name: String,
    /// Who may send its calls. Networks of different trunks do not overlap.
    pub from: Vec<Network>,
    /// Which way the audio goes.
    pub media: MediaPath,
    /// Whose RTP is taken for that of its calls.
    pub latching: Latching,
    /// What it proves itself with beside its address, and we to it.
    pub credentials: Option<Credentials>,
    /// Where calls to it are sent, as a SIP URI; none: it only hands calls over.
    pub outbound_proxy: Option<String>,
    /// New calls in a second; more are refused with 503.
    pub calls_per_second: u32,
}

/// Which way the audio goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaPath {
    /// Through us: music while waiting, statistics, any network.
    Anchored,
    /// Between caller and agent directly: whoever is in front anchors.
    Direct,
}

/// Digest authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Its name.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

pub(super) fn read(sections: Vec<Section<'_>>, passwords: Passwords) -> Vec<Trunk> {
    let mut taken: Vec<(Network, String)> = Vec::new();
    sections.into_iter().map(|mut section| read_one(&mut section, passwords, &mut taken)).collect()
}

fn read_one(section: &mut Section<'_>, passwords: Passwords, taken: &mut Vec<(Network, String)>) -> Trunk {
    let name = section.name("name", Kind::Trunk, "pbx");
    if name.starts_with('(') {
        let place = section.report().place_of(Kind::Trunk, &name);
        section.error(place, "names in parentheses are ours; begin with a letter or a digit");
    }
    let networks = read_networks(section, &name, taken);
    let credentials = read_credentials(section, passwords);
    if credentials.is_none() {
        for (network, span) in networks.iter().filter(|(network, _)| network.is_everybody()) {
            let remedy = "name the networks of the PBX, or add username and password";
            section.error(
                span.clone(),
                format!("`from`: {network} lets everybody call without a password; {remedy}"),
            );
        }
    }
    let trunk = Trunk {
        name,
        from: networks.into_iter().map(|(network, _)| network).collect(),
        media: section.word(
            "media",
            "anchored",
            &[("anchored", MediaPath::Anchored), ("direct", MediaPath::Direct)],
        ),
        latching: latching(section),
        credentials,
        outbound_proxy: uri(section, "outbound_proxy", "sip:192.0.2.20:5060;lr"),
        calls_per_second: section.integer("calls_per_second", 100, 1..=100_000),
    };
    if !section.gives("from") && trunk.outbound_proxy.is_none() {
        let remedy = "add from = [\"192.0.2.0/24\"], or outbound_proxy where calls only go out";
        section.error(section.span(), format!("no call can come from it or go to it; {remedy}"));
    }
    trunk
}

/// The setting `latching`, of a trunk and of `[media]`.
pub(super) fn latching(section: &mut Section<'_>) -> Latching {
    section.word(
        "latching",
        "same-host",
        &[("strict", Latching::Strict), ("same-host", Latching::SameHost), ("learn", Latching::Learn)],
    )
}

fn read_networks(
    section: &mut Section<'_>,
    name: &str,
    taken: &mut Vec<(Network, String)>,
) -> Vec<(Network, Span)> {
    let mut networks = Vec::new();
    for (text, span) in section.one_or_more("from", "") {
        match Network::parse(&text) {
            Err(wrong) => section.error(span, format!("`from`: {wrong}")),
            Ok(network) => {
                if let Some((other, owner)) = taken.iter().find(|(other, _)| other.overlaps(&network)) {
                    let remedy = "an address must belong to one trunk: narrow one of the two";
                    section.error(
                        span.clone(),
                        format!("`from`: {network} overlaps {other} of trunk \"{owner}\"; {remedy}"),
                    );
                }
                taken.push((network, name.to_owned()));
                networks.push((network, span));
            }
        }
    }
    networks
}

fn read_credentials(section: &mut Section<'_>, passwords: Passwords) -> Option<Credentials> {
    let username = section.text("username");
    let password = section.text("password");
    match (username, password) {
        (None, None) => None,
        (Some((username, _)), Some((password, span))) => {
            check_password(section, &password, &username, span, passwords);
            Some(Credentials { username, password: Secret::new(password) })
        }
        (Some((_, span)), None) => {
            section.error(span, "`username` stands alone; add `password` or leave both out");
            None
        }
        (None, Some((_, span))) => {
            section.error(span, "`password` stands alone; add `username` or leave both out");
            None
        }
    }
}

/// Refuses what anybody would guess, without showing it.
pub(super) fn check_password(
    section: &Section<'_>,
    password: &str,
    owner: &str,
    span: Span,
    passwords: Passwords,
) {
    if passwords == Passwords::Any {
        return;
    }
    if let Some(weakness) = secret::weakness(password, owner) {
        section.error(
            span,
            format!("the password {weakness}; choose at least 8 characters that nobody can guess"),
        );
    }
}
