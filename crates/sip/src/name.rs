//! Names of headers, long and compact (RFC 3261 §7.3.3 and the IANA registry of header fields).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A header we know by name. Every other one is [`Name::Other`] and is found by its spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Name {
    /// `To`, RFC 3261 §20.
    To,
    /// `Via`, RFC 3261 §20.
    Via,
    /// `CSeq`, RFC 3261 §20.
    CSeq,
    /// `Date`, RFC 3261 §20.
    Date,
    /// `From`, RFC 3261 §20.
    From,
    /// `Join`, RFC 3911 §7.
    Join,
    /// `Path`, RFC 3327 §4.
    Path,
    /// `RAck`, RFC 3262 §7.2.
    RAck,
    /// `RSeq`, RFC 3262 §7.1.
    RSeq,
    /// `Allow`, RFC 3261 §20.
    Allow,
    /// `Event`, RFC 6665 §8.2.1.
    Event,
    /// `Route`, RFC 3261 §20.
    Route,
    /// `Accept`, RFC 3261 §20.
    Accept,
    /// `Min-SE`, RFC 4028 §5.
    MinSe,
    /// `Reason`, RFC 3326 §2.
    Reason,
    /// `Server`, RFC 3261 §20.
    Server,
    /// `Call-ID`, RFC 3261 §20.
    CallId,
    /// `Contact`, RFC 3261 §20.
    Contact,
    /// `Expires`, RFC 3261 §20.
    Expires,
    /// `Privacy`, RFC 3323 §4.2.
    Privacy,
    /// `Require`, RFC 3261 §20.
    Require,
    /// `Subject`, RFC 3261 §20.
    Subject,
    /// `Warning`, RFC 3261 §20.
    Warning,
    /// `Identity`, RFC 8224 §4.
    Identity,
    /// `Priority`, RFC 3261 §20.
    Priority,
    /// `Refer-To`, RFC 3515 §2.1.
    ReferTo,
    /// `Replaces`, RFC 3891 §6.1.
    Replaces,
    /// `Reply-To`, RFC 3261 §20.
    ReplyTo,
    /// `SIP-ETag`, RFC 3903 §11.3.
    SipEtag,
    /// `Call-Info`, RFC 3261 §20.
    CallInfo,
    /// `Diversion`, RFC 5806 §9.
    Diversion,
    /// `Refer-Sub`, RFC 4488 §4.
    ReferSub,
    /// `Supported`, RFC 3261 §20.
    Supported,
    /// `Timestamp`, RFC 3261 §20.
    Timestamp,
    /// `Alert-Info`, RFC 3261 §20.
    AlertInfo,
    /// `Error-Info`, RFC 3261 §20.
    ErrorInfo,
    /// `User-Agent`, RFC 3261 §20.
    UserAgent,
    /// `Geolocation`, RFC 6442 §4.1.
    Geolocation,
    /// `In-Reply-To`, RFC 3261 §20.
    InReplyTo,
    /// `Min-Expires`, RFC 3261 §20.
    MinExpires,
    /// `Referred-By`, RFC 3892 §3.
    ReferredBy,
    /// `Retry-After`, RFC 3261 §20.
    RetryAfter,
    /// `Unsupported`, RFC 3261 §20.
    Unsupported,
    /// `Allow-Events`, RFC 6665 §8.2.2.
    AllowEvents,
    /// `Content-Type`, RFC 3261 §20.
    ContentType,
    /// `History-Info`, RFC 7044 §5.
    HistoryInfo,
    /// `Max-Forwards`, RFC 3261 §20.
    MaxForwards,
    /// `MIME-Version`, RFC 3261 §20.
    MimeVersion,
    /// `Organization`, RFC 3261 §20.
    Organization,
    /// `Record-Route`, RFC 3261 §20.
    RecordRoute,
    /// `SIP-If-Match`, RFC 3903 §11.3.
    SipIfMatch,
    /// `User-to-User`, RFC 7433 §4.
    UserToUser,
    /// `Authorization`, RFC 3261 §20.
    Authorization,
    /// `Proxy-Require`, RFC 3261 §20.
    ProxyRequire,
    /// `Service-Route`, RFC 3608 §5.
    ServiceRoute,
    /// `Target-Dialog`, RFC 4538 §7.
    TargetDialog,
    /// `Accept-Contact`, RFC 3841 §9.2.
    AcceptContact,
    /// `Content-Length`, RFC 3261 §20.
    ContentLength,
    /// `Reject-Contact`, RFC 3841 §9.2.
    RejectContact,
    /// `Accept-Encoding`, RFC 3261 §20.
    AcceptEncoding,
    /// `Accept-Language`, RFC 3261 §20.
    AcceptLanguage,
    /// `Remote-Party-ID`, no RFC; older than P-Asserted-Identity.
    RemotePartyId,
    /// `Session-Expires`, RFC 4028 §4.
    SessionExpires,
    /// `Content-Encoding`, RFC 3261 §20.
    ContentEncoding,
    /// `Content-Language`, RFC 3261 §20.
    ContentLanguage,
    /// `WWW-Authenticate`, RFC 3261 §20.
    WwwAuthenticate,
    /// `P-Called-Party-ID`, RFC 7315 §4.2.
    PCalledPartyId,
    /// `P-Charging-Vector`, RFC 7315 §4.6.
    PChargingVector,
    /// `Proxy-Authenticate`, RFC 3261 §20.
    ProxyAuthenticate,
    /// `Subscription-State`, RFC 6665 §8.2.3.
    SubscriptionState,
    /// `Authentication-Info`, RFC 3261 §20.
    AuthenticationInfo,
    /// `Content-Disposition`, RFC 3261 §20.
    ContentDisposition,
    /// `P-Asserted-Identity`, RFC 3325 §9.1.
    PAssertedIdentity,
    /// `Proxy-Authorization`, RFC 3261 §20.
    ProxyAuthorization,
    /// `Request-Disposition`, RFC 3841 §9.1.
    RequestDisposition,
    /// `P-Preferred-Identity`, RFC 3325 §9.2.
    PPreferredIdentity,
    /// `P-Access-Network-Info`, RFC 7315 §4.4.
    PAccessNetworkInfo,
    /// A header without a name of its own here, such as `X-Account`; it passes through untouched.
    Other,
}

/// Long form and compact form, shortest name first, in the order of the variants of [`Name`].
const TABLE: [(Name, &str, Option<u8>); 77] = [
    (Name::To, "To", Some(b't')),
    (Name::Via, "Via", Some(b'v')),
    (Name::CSeq, "CSeq", None),
    (Name::Date, "Date", None),
    (Name::From, "From", Some(b'f')),
    (Name::Join, "Join", None),
    (Name::Path, "Path", None),
    (Name::RAck, "RAck", None),
    (Name::RSeq, "RSeq", None),
    (Name::Allow, "Allow", None),
    (Name::Event, "Event", Some(b'o')),
    (Name::Route, "Route", None),
    (Name::Accept, "Accept", None),
    (Name::MinSe, "Min-SE", None),
    (Name::Reason, "Reason", None),
    (Name::Server, "Server", None),
    (Name::CallId, "Call-ID", Some(b'i')),
    (Name::Contact, "Contact", Some(b'm')),
    (Name::Expires, "Expires", None),
    (Name::Privacy, "Privacy", None),
    (Name::Require, "Require", None),
    (Name::Subject, "Subject", Some(b's')),
    (Name::Warning, "Warning", None),
    (Name::Identity, "Identity", Some(b'y')),
    (Name::Priority, "Priority", None),
    (Name::ReferTo, "Refer-To", Some(b'r')),
    (Name::Replaces, "Replaces", None),
    (Name::ReplyTo, "Reply-To", None),
    (Name::SipEtag, "SIP-ETag", None),
    (Name::CallInfo, "Call-Info", None),
    (Name::Diversion, "Diversion", None),
    (Name::ReferSub, "Refer-Sub", None),
    (Name::Supported, "Supported", Some(b'k')),
    (Name::Timestamp, "Timestamp", None),
    (Name::AlertInfo, "Alert-Info", None),
    (Name::ErrorInfo, "Error-Info", None),
    (Name::UserAgent, "User-Agent", None),
    (Name::Geolocation, "Geolocation", None),
    (Name::InReplyTo, "In-Reply-To", None),
    (Name::MinExpires, "Min-Expires", None),
    (Name::ReferredBy, "Referred-By", Some(b'b')),
    (Name::RetryAfter, "Retry-After", None),
    (Name::Unsupported, "Unsupported", None),
    (Name::AllowEvents, "Allow-Events", Some(b'u')),
    (Name::ContentType, "Content-Type", Some(b'c')),
    (Name::HistoryInfo, "History-Info", None),
    (Name::MaxForwards, "Max-Forwards", None),
    (Name::MimeVersion, "MIME-Version", None),
    (Name::Organization, "Organization", None),
    (Name::RecordRoute, "Record-Route", None),
    (Name::SipIfMatch, "SIP-If-Match", None),
    (Name::UserToUser, "User-to-User", None),
    (Name::Authorization, "Authorization", None),
    (Name::ProxyRequire, "Proxy-Require", None),
    (Name::ServiceRoute, "Service-Route", None),
    (Name::TargetDialog, "Target-Dialog", None),
    (Name::AcceptContact, "Accept-Contact", Some(b'a')),
    (Name::ContentLength, "Content-Length", Some(b'l')),
    (Name::RejectContact, "Reject-Contact", Some(b'j')),
    (Name::AcceptEncoding, "Accept-Encoding", None),
    (Name::AcceptLanguage, "Accept-Language", None),
    (Name::RemotePartyId, "Remote-Party-ID", None),
    (Name::SessionExpires, "Session-Expires", Some(b'x')),
    (Name::ContentEncoding, "Content-Encoding", Some(b'e')),
    (Name::ContentLanguage, "Content-Language", None),
    (Name::WwwAuthenticate, "WWW-Authenticate", None),
    (Name::PCalledPartyId, "P-Called-Party-ID", None),
    (Name::PChargingVector, "P-Charging-Vector", None),
    (Name::ProxyAuthenticate, "Proxy-Authenticate", None),
    (Name::SubscriptionState, "Subscription-State", None),
    (Name::AuthenticationInfo, "Authentication-Info", None),
    (Name::ContentDisposition, "Content-Disposition", None),
    (Name::PAssertedIdentity, "P-Asserted-Identity", None),
    (Name::ProxyAuthorization, "Proxy-Authorization", None),
    (Name::RequestDisposition, "Request-Disposition", Some(b'd')),
    (Name::PPreferredIdentity, "P-Preferred-Identity", None),
    (Name::PAccessNetworkInfo, "P-Access-Network-Info", None),
];

const LONGEST: usize = TABLE[TABLE.len() - 1].1.len();

/// `STARTS[n]` is the first row whose name has at least `n` octets, so that a look-up compares only
/// names of the right length.
const STARTS: [u8; LONGEST + 2] = starts();

const fn starts() -> [u8; LONGEST + 2] {
    let mut starts = [0; LONGEST + 2];
    let mut length = 0;
    while length < starts.len() {
        let mut row = 0;
        while row < TABLE.len() && TABLE[row].1.len() < length {
            row += 1;
        }
        starts[length] = row as u8;
        length += 1;
    }
    starts
}

impl Name {
    /// The header spelled so, in long or compact form, whatever the case.
    pub fn of(spelling: &[u8]) -> Name {
        if let [letter] = spelling {
            let letter = letter.to_ascii_lowercase();
            let row = TABLE.iter().find(|(_, _, compact)| *compact == Some(letter));
            return row.map_or(Name::Other, |(name, _, _)| *name);
        }
        if spelling.len() > LONGEST {
            return Name::Other;
        }
        let rows = usize::from(STARTS[spelling.len()])..usize::from(STARTS[spelling.len() + 1]);
        // The first letters differ more often than not, and cost less to compare than whole names.
        let is_first = |long: &str| {
            spelling.first().map(u8::to_ascii_lowercase)
                == long.bytes().next().map(|letter| letter.to_ascii_lowercase())
        };
        let row = TABLE[rows]
            .iter()
            .find(|(_, long, _)| is_first(long) && spelling.eq_ignore_ascii_case(long.as_bytes()));
        row.map_or(Name::Other, |(name, _, _)| *name)
    }

    /// Every header we know by name, [`Name::Other`] left out.
    pub fn all() -> impl Iterator<Item = Name> {
        TABLE.iter().map(|(name, _, _)| *name)
    }

    /// The long form as the registry spells it; empty for [`Name::Other`].
    pub fn as_str(self) -> &'static str {
        TABLE.get(self as usize).map_or("", |(_, long, _)| long)
    }

    /// The compact form, where there is one.
    pub fn compact(self) -> Option<char> {
        TABLE.get(self as usize).and_then(|(_, _, compact)| compact.map(char::from))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_its_long_and_its_compact_form_in_any_case() {
        for (name, long, compact) in TABLE {
            assert_eq!(Name::of(long.as_bytes()), name);
            assert_eq!(Name::of(long.to_ascii_uppercase().as_bytes()), name);
            assert_eq!(name.as_str(), long);
            if let Some(letter) = compact {
                assert_eq!(Name::of(&[letter]), name);
                assert_eq!(Name::of(&[letter.to_ascii_uppercase()]), name);
                assert_eq!(name.compact(), Some(char::from(letter)));
            }
        }
    }

    #[test]
    fn unknown_names_are_other() {
        for spelling in ["X-Account", "Vi", "z", "", "Content-Lengthy", "WWW-Authenticate-And-Much-More"] {
            assert_eq!(Name::of(spelling.as_bytes()), Name::Other);
        }
        assert_eq!(Name::Other.as_str(), "");
    }
}
