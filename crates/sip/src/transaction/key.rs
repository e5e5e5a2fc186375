//! What makes two messages belong to one transaction (RFC 3261 §17.1.3, §17.2.3).

use serde::{Deserialize, Serialize};

use crate::{Message, Method, Via};

/// The identity of a transaction, comparable and ordered; the text is ours alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key(String);

/// Stands between the parts: it can be no octet of a branch, host, Call-ID, tag or method, because
/// the parser refuses NUL.
const SEPARATOR: char = '\0';

impl Key {
    /// Of a transaction that we began: RFC 3261 §17.1.3. Our branches are unique by themselves; the
    /// method keeps a CANCEL apart from its INVITE.
    pub(crate) fn client(branch: &str, method: &Method) -> Key {
        join([branch, method.as_str()])
    }

    /// Of a request that arrived. An ACK has the key of its INVITE.
    pub(crate) fn server(request: &Message, via: &Via) -> Key {
        match request.method() {
            Method::Ack => server_as(request, via, &Method::Invite),
            method => server_as(request, via, &method),
        }
    }

    /// Of the INVITE that a CANCEL means (RFC 3261 §9.2).
    pub(crate) fn cancelled(cancel: &Message, via: &Via) -> Key {
        server_as(cancel, via, &Method::Invite)
    }

    /// What all copies of one request share that reached us by different ways (RFC 3261 §8.2.2.2).
    pub(crate) fn merge(request: &Message) -> Key {
        let cseq = request.cseq().map_or(0, |(number, _)| number).to_string();
        let from_tag = String::from_utf8_lossy(request.from_tag().unwrap_or_default());
        let call_id = String::from_utf8_lossy(request.call_id().unwrap_or_default());
        join([&from_tag, &call_id, &cseq, request.method().as_str()])
    }
}

fn server_as(request: &Message, via: &Via, method: &Method) -> Key {
    let sent_by = format!("{}:{}", via.host, via.port_or_default()).to_ascii_lowercase();
    if via.has_magic_branch() {
        return join([via.branch().unwrap_or_default(), &sent_by, method.as_str()]);
    }
    // RFC 3261 §17.2.3: without the cookie the transaction is what RFC 2543 compares. The To tag is
    // left out because that of an ACK is our own.
    let cseq = request.cseq().map_or(0, |(number, _)| number).to_string();
    let uri = String::from_utf8_lossy(request.request_uri());
    let from_tag = String::from_utf8_lossy(request.from_tag().unwrap_or_default());
    let call_id = String::from_utf8_lossy(request.call_id().unwrap_or_default());
    join([&via.to_string(), &sent_by, &uri, &from_tag, &call_id, &cseq, method.as_str()])
}

fn join<const N: usize>(parts: [&str; N]) -> Key {
    let mut text = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts {
        text.push_str(part);
        text.push(SEPARATOR);
    }
    Key(text)
}
