//! Values of headers with a type: what was read is written so that it reads the same.

use std::fmt::{Debug, Display};

use sip::values::{Diversion, HistoryEntry, RAck, Reason, Replaces, SessionExpires};
use sip::{Host, NameAddr, Params, Syntax, Uri, Via};

/// One value in every type.
pub(super) fn run(octets: &[u8]) {
    same(octets, "URI", Uri::parse);
    same(octets, "host", Host::parse);
    same(octets, "address", NameAddr::parse);
    same(octets, "Via", Via::parse);
    same(octets, "Reason", Reason::parse);
    same(octets, "Session-Expires", SessionExpires::parse);
    same(octets, "Replaces", Replaces::parse);
    same(octets, "Diversion", Diversion::parse);
    same(octets, "History-Info", HistoryEntry::parse);
    // These are written by nobody here.
    let _read = (RAck::parse(octets), Params::parse(octets));
    if let Ok(text) = std::str::from_utf8(octets) {
        let _unescaped = sip::unescape(text);
        let escaped = sip::escape_user(text);
        assert_eq!(sip::unescape(&escaped), octets, "an escaped user is the same user: {escaped}");
    }
}

fn same<T: Debug + Display + PartialEq>(octets: &[u8], kind: &str, parse: fn(&[u8]) -> Result<T, Syntax>) {
    let Ok(read) = parse(octets) else { return };
    let written = read.to_string();
    let again = parse(written.as_bytes());
    assert!(again.as_ref() == Ok(&read), "{kind} {read:?} is written {written:?} and read {again:?}");
}
