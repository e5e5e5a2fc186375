//! Who calls, as far as it was proven, and what of it the other side may know.

use b2bua::Dial;
use sip::{Destination, HeaderField, Identity};

use crate::interaction::Interaction;

const ASSERTED: &str = "P-Asserted-Identity";
const PRIVACY: &str = "Privacy";

/// Leaves the headers that say something about the caller and the call's way here. An identity is
/// asserted by a trunk and by nobody else (RFC 3325 §5: only from a peer that we trust).
pub(super) fn keep_attributes(invite: &mut sip::Invite) {
    let is_trusted = match &invite.origin {
        sip::Origin::Trunk(_) => true,
        sip::Origin::Account(_) => false,
    };
    invite.headers.retain(|header| {
        is_attribute(header) && is_plain(&header.value) && (is_trusted || !is_named(header, ASSERTED))
    });
    invite.from.display_name.retain(|letter| !letter.is_control());
}

fn is_attribute(header: &HeaderField) -> bool {
    const NAMES: [&str; 6] = [ASSERTED, "Diversion", "History-Info", "User-to-User", "Reason", PRIVACY];
    NAMES.iter().any(|name| is_named(header, name))
        || header.name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"))
}

/// Whether it can be sent on: a value with controls would make every phone unreachable for this caller.
fn is_plain(value: &str) -> bool {
    !value.contains(|letter: char| letter.is_control() && letter != '\t')
}

fn is_named(header: &HeaderField, name: &str) -> bool {
    header.name.eq_ignore_ascii_case(name)
}

/// Who calls: the asserted identity, else From.
pub(super) fn calling_party(invite: &sip::Invite) -> sip::Party {
    let asserted = invite.headers.iter().find_map(asserted_party);
    asserted.filter(|party| !party.user.is_empty()).unwrap_or_else(|| invite.from.clone())
}

/// The first identity of a P-Asserted-Identity header; it may list a `sip` and a `tel` form.
fn asserted_party(header: &HeaderField) -> Option<sip::Party> {
    if !is_named(header, ASSERTED) {
        return None;
    }
    let whole = sip::NameAddr::parse(header.value.as_bytes());
    let first = || sip::NameAddr::parse(header.value.split(',').next()?.trim().as_bytes()).ok();
    let party = whole.ok().or_else(first)?;
    let display_name = party.display.iter().flat_map(|name| name.chars());
    let display_name = display_name.filter(|letter| !letter.is_control()).collect();
    Some(sip::Party { display_name, uri: party.uri.to_string(), user: party.uri.user().unwrap_or_default() })
}

/// Whether the caller withholds its identity from the other end (RFC 3323 §4.2, RFC 3325 §9.3). What the
/// operator's own records say does not change.
fn is_withheld(headers: &[HeaderField]) -> bool {
    headers
        .iter()
        .filter(|header| is_named(header, PRIVACY))
        .flat_map(|header| header.value.split([';', ',']))
        .any(|word| ["id", "user", "header"].iter().any(|value| word.trim().eq_ignore_ascii_case(value)))
}

/// What networks write in the place of a number that they do not tell, beside names that end in `.invalid`
/// (RFC 3323 §4.1.1.3).
const NO_NUMBERS: [&str; 6] = ["anonymous", "unavailable", "restricted", "unknown", "private", "withheld"];

/// The number by which a caller is known again; `None`: there is none, or it is withheld.
pub(crate) fn known_number<'a>(party: &'a sip::Party, headers: &[HeaderField]) -> Option<&'a str> {
    let number = party.user.as_str();
    let is_no_number = number.is_empty() || NO_NUMBERS.iter().any(|word| number.eq_ignore_ascii_case(word));
    let uri = sip::Uri::parse(party.uri.as_bytes()).ok();
    let host = uri.as_ref().and_then(sip::Uri::host).map(ToString::to_string);
    let is_nowhere = host.is_some_and(|host| host.to_ascii_lowercase().ends_with(".invalid"));
    (!is_no_number && !is_nowhere && !is_withheld(headers)).then_some(number)
}

/// What those who are tried for a call are told about it. A phone is outside of the domain of trust: a
/// withheld identity does not reach it. A trunk is inside and gets the assertion with the wish for
/// privacy (RFC 3325 §7).
pub(super) fn dial(state: &Interaction, destinations: Vec<Destination>) -> Dial {
    let headers = &state.story.attributes;
    let is_trunk = |destination: &Destination| match destination {
        Destination::Trunk { .. } | Destination::Behind { .. } => true,
        Destination::Contact(_) | Destination::Uri(_) => false,
    };
    let is_withheld = is_withheld(headers);
    let is_hidden = is_withheld && !destinations.iter().all(is_trunk);
    let party = &state.caller;
    let caller = if is_withheld || party.user.is_empty() {
        Identity::anonymous()
    } else {
        Identity { display_name: party.display_name.clone(), user: party.user.clone(), host: None }
    };
    let is_told = |header: &&HeaderField| !(is_hidden && is_named(header, ASSERTED));
    Dial {
        destinations,
        caller,
        to_display_name: String::new(),
        headers: headers.iter().filter(is_told).cloned().collect(),
    }
}
