//! `[media]`

use std::path::PathBuf;
use std::time::Duration;

use ::media::Latching;

use super::network::{Addresses, Use, addresses};
use super::reader::Section;
use super::sip::Sip;
use super::trunk::latching;

/// Ports that one call with both of its parties takes: RTP and RTCP for each.
pub(super) const PORTS_PER_CALL: u32 = 4;

/// Where the audio goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// The addresses that others send audio to.
    pub addresses: Addresses,
    /// The addresses that its sockets are bound to.
    pub bind: Addresses,
    /// The ports of RTP (even) and RTCP (odd).
    pub ports: PortRange,
    /// Whose RTP is taken for that of phones that register, and of whoever is found by DNS.
    pub latching: Latching,
    /// Whether others may have their audio sent to a loopback address of this machine.
    pub allow_loopback: bool,
    /// A call without any audio for so long has lost a party and ends; zero: never.
    pub silence_timeout: Duration,
    /// What waiting callers hear where their queue names nothing else; none: our own tune.
    pub music: Option<PathBuf>,
}

/// A range of ports that begins even and ends odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// The first port, even.
    pub first: u16,
    /// The last port, odd.
    pub last: u16,
}

impl PortRange {
    /// How many ports it has.
    pub fn ports(&self) -> u32 {
        u32::from(self.last) + 1 - u32::from(self.first)
    }

    fn parse(text: &str) -> Result<PortRange, String> {
        let numbers = text.split_once('-').map(|(first, last)| (first.trim().parse(), last.trim().parse()));
        let Some((Ok(first), Ok(last))) = numbers else {
            return Err(format!("\"{text}\" is no range of ports; write it as \"20000-29999\""));
        };
        let range = PortRange { first, last };
        if first < 1024 {
            return Err(format!("{first} is a port of the system; begin at 1024 or above"));
        }
        if last < first || range.ports() < PORTS_PER_CALL {
            return Err(format!("\"{text}\" has no room for a call; {PORTS_PER_CALL} ports are the least"));
        }
        if !first.is_multiple_of(2) || last.is_multiple_of(2) {
            // RFC 3550 §11: RTP on the even port, RTCP on the odd one above it.
            return Err(format!(
                "\"{text}\" splits a pair of ports; begin with an even number and end with an odd one"
            ));
        }
        Ok(range)
    }
}

pub(super) fn read(section: &mut Section<'_>, sip: &mut Sip) -> Media {
    let mut own = addresses(section, "address", "", Use::Reachable);
    own.fill_from(sip.advertised);
    sip.advertised.fill_from(own);
    if own.is_empty() && !section.gives("address") {
        let remedy = "add address = \"192.0.2.10\" with the address at which phones reach this machine";
        section.error(
            section.span(),
            format!("`address` is missing and [sip] names none that can be reached; {remedy}"),
        );
    }
    let fallback = PortRange { first: 20_000, last: 29_999 };
    let ports = section.one_or_more("ports", "20000-29999").pop().map_or(fallback, |(text, span)| {
        PortRange::parse(&text).unwrap_or_else(|wrong| {
            section.error(span, format!("`ports`: {wrong}"));
            fallback
        })
    });
    Media {
        addresses: own,
        bind: addresses(section, "bind", "0.0.0.0 ::", Use::Bind),
        ports,
        latching: latching(section),
        allow_loopback: section.switch("allow_loopback", false),
        silence_timeout: section.duration("silence_timeout", "1m", "0s", "1d"),
        music: wav(section, "music"),
    }
}

/// A sound file.
pub(super) fn wav(section: &mut Section<'_>, key: &'static str) -> Option<PathBuf> {
    let (text, span) = section.text(key)?;
    if !text.to_lowercase().ends_with(".wav") {
        section.error(span, format!("`{key}`: \"{text}\" is no WAV file; convert it to 8 kHz mono WAV"));
    }
    Some(PathBuf::from(text))
}
