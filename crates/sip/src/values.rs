//! Values of headers that `rsip` has no type for. Each reads one value, prints itself, and compares as
//! what it says.
//!
//! P-Asserted-Identity, P-Preferred-Identity, Refer-To, Referred-By, Path and their like are plain
//! addresses: [`Message::name_addrs`](crate::Message::name_addrs).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Method, NameAddr, Params, Syntax, lexis, unescape};

#[cfg(test)]
mod tests;

/// Session-Expires (RFC 4028 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionExpires {
    /// The session interval.
    pub seconds: u32,
    /// Who refreshes; `None` where that is still open.
    pub refresher: Option<Refresher>,
}

/// Who refreshes a session. The roles are those of the transaction that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Refresher {
    /// The client of this transaction.
    Uac,
    /// Its server.
    Uas,
}

/// One value of Reason (RFC 3326 §2), such as `Q.850;cause=16;text="Terminated"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reason {
    /// `SIP`, `Q.850`, ...
    pub protocol: String,
    /// A status code for `SIP`, a cause value for `Q.850`.
    pub cause: Option<u32>,
    /// For people.
    pub text: Option<String>,
}

/// Replaces (RFC 3891 §6.1): the dialog to be taken over, as its receiver sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Replaces {
    /// Call-ID of the dialog.
    pub call_id: String,
    /// The tag of the receiver.
    pub to_tag: String,
    /// The tag of its peer.
    pub from_tag: String,
    /// Only while it is not answered.
    pub early_only: bool,
}

/// RAck (RFC 3262 §7.2): which provisional response a PRACK acknowledges.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RAck {
    /// RSeq of the response.
    pub rseq: u32,
    /// CSeq number of the response.
    pub cseq: u32,
    /// CSeq method of the response.
    pub method: Method,
}

/// One value of Diversion (RFC 5806 §9): who sent the call on, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Diversion {
    /// Who diverted.
    pub address: NameAddr,
    /// `user-busy`, `no-answer`, `unconditional`, ..., without quotes.
    pub reason: Option<String>,
    /// How many diversions this value stands for.
    pub counter: u32,
}

/// One value of History-Info (RFC 7044 §5): a station on the call's way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The target at this station.
    pub address: NameAddr,
    /// `1`, `1.1`, `1.2`, ...: the place in the tree of stations.
    pub index: Vec<u32>,
    /// Why it went on from here: the Reason in the URI's headers.
    pub reason: Option<Reason>,
}

fn utf8(text: &[u8]) -> Result<String, Syntax> {
    std::str::from_utf8(text).map(str::to_owned).map_err(|_| Syntax::Utf8)
}

fn number(text: &[u8]) -> Result<u32, Syntax> {
    lexis::number(text).and_then(|number| u32::try_from(number).ok()).ok_or(Syntax::Number)
}

/// What stands before the first `;`, and the parameters from there on.
fn head_and_params(value: &[u8]) -> Result<(&[u8], Params), Syntax> {
    let end = lexis::find_bare(value, b';').unwrap_or(value.len());
    Ok((lexis::trim(&value[..end]), Params::parse(&value[end..])?))
}

impl SessionExpires {
    /// Reads the value.
    pub fn parse(value: &[u8]) -> Result<SessionExpires, Syntax> {
        let (seconds, params) = head_and_params(value)?;
        let refresher = match params.value("refresher").map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("uac") => Some(Refresher::Uac),
            Some("uas") => Some(Refresher::Uas),
            Some(_) => return Err(Syntax::Value),
        };
        Ok(SessionExpires { seconds: number(seconds)?, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        match self.refresher {
            None => Ok(()),
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
        }
    }
}

impl Reason {
    /// A cause in the numbers of SIP, with its usual phrase: `SIP;cause=200;text="Call completed elsewhere"`.
    pub fn sip(status: u16, text: &str) -> Reason {
        Reason { protocol: "SIP".to_owned(), cause: Some(status.into()), text: Some(text.to_owned()) }
    }

    /// A cause in the numbers of ISDN.
    pub fn q850(cause: u8, text: &str) -> Reason {
        Reason { protocol: "Q.850".to_owned(), cause: Some(cause.into()), text: Some(text.to_owned()) }
    }

    /// Reads one value.
    pub fn parse(value: &[u8]) -> Result<Reason, Syntax> {
        let (protocol, params) = head_and_params(value)?;
        if !lexis::is_all_token(protocol) {
            return Err(Syntax::Value);
        }
        let cause = params.value("cause").map(|cause| number(cause.as_bytes())).transpose()?;
        Ok(Reason { protocol: utf8(protocol)?, cause, text: params.unquoted("text") })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.protocol)?;
        if let Some(cause) = self.cause {
            write!(f, ";cause={cause}")?;
        }
        match &self.text {
            Some(text) => write!(f, ";text={}", lexis::quote(text)),
            None => Ok(()),
        }
    }
}

impl Replaces {
    /// Reads the value of a header, or the decoded value of `?Replaces=` in a URI.
    pub fn parse(value: &[u8]) -> Result<Replaces, Syntax> {
        let (call_id, params) = head_and_params(value)?;
        let is_call_id = !call_id.is_empty() && call_id.iter().all(|&octet| octet > b' ' && octet != 0x7f);
        let (Some(to_tag), Some(from_tag), true) =
            (params.value("to-tag"), params.value("from-tag"), is_call_id)
        else {
            return Err(Syntax::Value);
        };
        Ok(Replaces {
            call_id: utf8(call_id)?,
            to_tag: to_tag.to_owned(),
            from_tag: from_tag.to_owned(),
            early_only: params.has("early-only"),
        })
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id, self.to_tag, self.from_tag)?;
        f.write_str(if self.early_only { ";early-only" } else { "" })
    }
}

impl RAck {
    /// Reads the value.
    pub fn parse(value: &[u8]) -> Result<RAck, Syntax> {
        let words = value.split(|&octet| lexis::is_space(octet)).filter(|word| !word.is_empty());
        let [rseq, cseq, method] = words.collect::<Vec<_>>()[..] else { return Err(Syntax::Value) };
        let method = Method::parse(method).ok_or(Syntax::Value)?;
        Ok(RAck { rseq: number(rseq)?, cseq: number(cseq)?, method })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.rseq, self.cseq, self.method)
    }
}

impl Diversion {
    /// Reads one value. Without `counter` it stands for one diversion (RFC 5806 §9.3).
    pub fn parse(value: &[u8]) -> Result<Diversion, Syntax> {
        let address = NameAddr::parse(value)?;
        let counter = address.params.value("counter").map_or(Ok(1), |counter| number(counter.as_bytes()))?;
        Ok(Diversion { reason: address.params.unquoted("reason"), counter, address })
    }
}

impl fmt::Display for Diversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl HistoryEntry {
    /// Reads one value.
    pub fn parse(value: &[u8]) -> Result<HistoryEntry, Syntax> {
        let address = NameAddr::parse(value)?;
        let index = address.params.value("index").ok_or(Syntax::Value)?;
        let index =
            index.split('.').map(|part| number(part.as_bytes())).collect::<Result<Vec<u32>, Syntax>>()?;
        let headers = address.uri.as_sip().map(|uri| uri.headers.as_slice()).unwrap_or_default();
        let reason = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("reason"));
        let reason = reason.and_then(|(_, value)| Reason::parse(&unescape(value)).ok());
        Ok(HistoryEntry { index, reason, address })
    }
}

impl fmt::Display for HistoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl FromStr for Reason {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Reason, Syntax> {
        Reason::parse(text.as_bytes())
    }
}

impl FromStr for Replaces {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Replaces, Syntax> {
        Replaces::parse(text.as_bytes())
    }
}
