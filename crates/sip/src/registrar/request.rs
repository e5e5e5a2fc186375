//! What a REGISTER asks for.

use std::net::SocketAddr;
use std::time::Duration;

use timing::Instant;

use super::{Contact, RegistrarSettings, Reply};
use crate::{Flow, Host, Message, Name, NameAddr, Params, Protocol, Uri, lexis};

/// RFC 3261 §19.1.2: the port of a SIP URI that names none.
const SIP_PORT: u16 = 5_060;

/// One binding to make, refresh or take away.
pub(super) struct Update {
    pub(super) contact: Contact,
    pub(super) params: Params,
    pub(super) is_removal: bool,
}

pub(super) enum Change {
    /// No Contact: only tell what there is.
    Query,
    /// `Contact: *`.
    RemoveAll {
        call_id: Vec<u8>,
        cseq: u32,
    },
    Updates(Vec<Update>),
}

/// RFC 3261 §10.3 steps 6 and 7, as far as they need nothing but the request.
pub(super) fn read(
    request: &Message,
    flow: Flow,
    now: Instant,
    settings: &RegistrarSettings,
) -> Result<Change, Reply> {
    let call_id = request.call_id().ok_or_else(bad_request)?.to_vec();
    let (cseq, _) = request.cseq().map_err(|_| bad_request())?;
    let values: Vec<_> = request.values(Name::Contact).collect();
    if values.is_empty() {
        return Ok(Change::Query);
    }
    if values.iter().any(|value| value.as_ref() == b"*") {
        let is_removal = values.len() == 1 && request.number(Name::Expires) == Ok(Some(0));
        return if is_removal { Ok(Change::RemoveAll { call_id, cseq }) } else { Err(bad_request()) };
    }
    let mut updates = Vec::with_capacity(values.len());
    for value in values {
        let address = NameAddr::parse(&value).map_err(|_| bad_request())?;
        let expires = expires(request, &address, settings)?;
        let mut params = address.params;
        params.remove("expires");
        let q = params.value("q").map_or(Some(1_000), thousandths).ok_or_else(bad_request)?;
        let Uri::Sip(_) = address.uri else { return Err(bad_request()) };
        let contact = Contact {
            flow: way_back(flow, &address.uri),
            uri: address.uri.without_headers(),
            q,
            expires: now + expires,
            instance: params.unquoted("+sip.instance"),
            user_agent: request.text(Name::UserAgent),
            call_id: call_id.clone(),
            cseq,
        };
        updates.push(Update { contact, params, is_removal: expires.is_zero() });
    }
    Ok(Change::Updates(updates))
}

/// The way to a phone. Where the contact names the very host that the REGISTER came from, no NAT lies
/// between us and the contact's port is where it listens; it may send from another. Everywhere else, and
/// on a stream, only the way that the REGISTER came is known to work.
fn way_back(flow: Flow, contact: &Uri) -> Flow {
    let host = contact.host().and_then(Host::ip);
    match flow.protocol {
        Protocol::Udp if host == Some(flow.remote.ip()) => {
            let port = contact.port().unwrap_or(SIP_PORT);
            Flow { remote: SocketAddr::new(flow.remote.ip(), port), ..flow }
        }
        Protocol::Udp | Protocol::Tcp => flow,
    }
}

/// The time asked for, within bounds. RFC 3261 §10.3 step 6: the parameter, else the header, else ours;
/// §10.2.8: less than an hour and less than our least is refused with 423.
fn expires(request: &Message, address: &NameAddr, settings: &RegistrarSettings) -> Result<Duration, Reply> {
    let header = || request.header(Name::Expires).and_then(|value| seconds(&value));
    let asked = match address.params.value("expires") {
        Some(value) => seconds(value.as_bytes()),
        None => header(),
    };
    let asked = asked.unwrap_or(settings.expires);
    if !asked.is_zero() && asked < settings.expires_min && asked < Duration::from_secs(3_600) {
        let least = settings.expires_min.as_secs().to_string();
        return Err(Reply { status: 423, headers: vec![(Name::MinExpires, least)] });
    }
    Ok(asked.min(settings.expires_max))
}

/// RFC 3261 §20.19: what is malformed is as if it were not there.
fn seconds(text: &[u8]) -> Option<Duration> {
    lexis::number(text).map(Duration::from_secs)
}

/// `qvalue` (RFC 3261 §25.1): 0 to 1 with up to three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(whole, "0" | "1")
        || fraction.len() > 3
        || !fraction.bytes().all(|octet| octet.is_ascii_digit())
    {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    let q = u16::from(whole == "1") * 1_000 + fraction;
    (q <= 1_000).then_some(q)
}

fn bad_request() -> Reply {
    Reply { status: 400, headers: Vec::new() }
}
