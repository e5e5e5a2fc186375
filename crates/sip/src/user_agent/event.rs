//! What a [`UserAgent`](super::UserAgent) tells its application.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::refusals::RefusedRequest;
use super::settings::TrunkId;
use crate::Method;

/// Names an INVITE dialog usage (RFC 5057 §3.1): one INVITE that we sent or received and everything
/// that follows from it until its BYE.
///
/// A *dialog* would be the wrong word: an INVITE that forks has several early dialogs and one that is
/// refused may have none, yet the application deals with one thing. A *call* is what `b2bua` builds
/// of two of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub u64);

/// Names one request and its answer inside a session. Numbers are never used twice in one user agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExchangeId(pub u64);

/// A header that the user agent itself does not manage: its name as spelled (or the registered
/// spelling of a known one) and its value on one line. Octets that are not UTF-8 are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderField {
    /// The name, without the colon.
    pub name: String,
    /// The value without surrounding white space.
    pub value: String,
}

impl HeaderField {
    /// A header to be sent. What cannot stand in a header (line ends, controls, a name that is no
    /// token) makes the verb that gets it answer [`Refused::BadHeader`](super::Refused::BadHeader).
    pub fn new(name: &str, value: &str) -> HeaderField {
        HeaderField { name: name.to_owned(), value: value.to_owned() }
    }
}

/// A message body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The Content-Type header, parameters included.
    pub content_type: String,
    /// The octets, never re-encoded.
    pub bytes: Bytes,
}

impl Body {
    /// A session description.
    pub fn sdp(bytes: impl Into<Bytes>) -> Body {
        Body { content_type: "application/sdp".to_owned(), bytes: bytes.into() }
    }
}

/// Who sent an INVITE, as far as it was proven.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Origin {
    /// It came from a network of this trunk (and answered the challenge where one is configured).
    Trunk(TrunkId),
    /// It carried this account's valid digest, and its From is this account.
    Account(String),
}

/// A party as a header names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The display name; empty where there was none.
    pub display_name: String,
    /// The URI as it stood.
    pub uri: String,
    /// The user part (of a `tel` URI: the number), decoded; empty where there is none.
    pub user: String,
}

/// An INVITE that passed every check of the user agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Who sent it.
    pub origin: Origin,
    /// The address it came from, for logs.
    pub remote: std::net::SocketAddr,
    /// The Request-URI as it stood.
    pub request_uri: String,
    /// The user part of the Request-URI (of a `tel` URI: the number), decoded: who is called.
    pub number: String,
    /// The From header.
    pub from: Party,
    /// The To header.
    pub to: Party,
    /// The Call-ID, for logs.
    pub call_id: String,
    /// How many hops it may still take; never 0. Whoever sends a call on because of this one writes
    /// one less, so that a loop ends (RFC 7332 §3).
    pub max_forwards: u8,
    /// Every header that the user agent does not manage itself, in order: P-Asserted-Identity,
    /// Diversion, History-Info, User-to-User, Reason, X- and all others.
    pub headers: Vec<HeaderField>,
    /// The body; absent means that the caller wants our offer in the 2xx.
    pub body: Option<Body>,
}

/// Why a session that we wanted did not come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureCause {
    /// The other side refused; the status is theirs.
    Response,
    /// Nobody answered in time; the status is 408.
    Timeout,
    /// It could not be sent; the status is 503.
    Transport,
    /// The host has no address; the status is 503.
    Resolution,
    /// We cancelled it; whatever came after that (487, another refusal, a late 2xx that was
    /// acknowledged and ended, nothing) is reported with 487.
    Cancelled,
}

/// Who ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndedBy {
    /// The other side.
    Remote,
    /// The user agent, because the protocol left no choice.
    UserAgent,
}

/// How an answered session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndCause {
    /// A BYE, with its headers (Reason, X- and others).
    Bye {
        /// Headers of the BYE that the user agent does not manage.
        headers: Vec<HeaderField>,
    },
    /// Our 2xx was never acknowledged (RFC 3261 §13.3.1.4); a BYE was sent.
    AckMissing,
    /// A request inside the session was answered 481 or 408 or not at all (RFC 3261 §12.2.1.2); a BYE
    /// was sent.
    Gone {
        /// The status; 408 where nothing came.
        status: u16,
    },
}

/// Why an account's last contact went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnregisteredCause {
    /// The phone took it back.
    Removed,
    /// It was not refreshed in time.
    Expired,
    /// The TCP connection that it lived on was closed.
    ConnectionLost,
    /// The account itself was taken away.
    AccountRemoved,
}

/// What happened. Every session that began with [`Event::Invited`] or a successful
/// [`invite`](super::UserAgent::invite) ends for the application exactly once: with
/// [`Event::Cancelled`], [`Event::Failed`] or [`Event::Ended`], or with the return of the
/// application's own [`refuse`](super::UserAgent::refuse) or [`bye`](super::UserAgent::bye). After
/// that its id is unknown and no event names it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A new authorised INVITE. 100 Trying was sent. Answer with `progress`, `accept` or `refuse`.
    Invited {
        /// The new session.
        session: SessionId,
        /// What it says.
        invite: Box<Invite>,
    },
    /// The caller took an [`Event::Invited`] back before it was answered; 487 was sent. The session is over.
    Cancelled {
        /// The session.
        session: SessionId,
        /// Headers of the CANCEL (or early BYE): Reason above all.
        headers: Vec<HeaderField>,
    },
    /// A provisional response (101 to 199) to our INVITE.
    Progress {
        /// The session.
        session: SessionId,
        /// 101 to 199.
        status: u16,
        /// The reason phrase.
        reason: String,
        /// Early media, where there is a body.
        body: Option<Body>,
        /// Headers that the user agent does not manage.
        headers: Vec<HeaderField>,
    },
    /// The first 2xx to our INVITE. It is acknowledged already, except where the INVITE had no body:
    /// then the body is the other side's offer and the application must call `acknowledge`.
    Answered {
        /// The session.
        session: SessionId,
        /// 200 to 299.
        status: u16,
        /// The answer (or offer).
        body: Option<Body>,
        /// Headers that the user agent does not manage.
        headers: Vec<HeaderField>,
    },
    /// Our INVITE came to nothing. The session is over.
    Failed {
        /// The session.
        session: SessionId,
        /// 300 to 699; 408, 503 or 487 where we speak for nobody else (see the cause).
        status: u16,
        /// The reason phrase.
        reason: String,
        /// What kind of failure.
        cause: FailureCause,
        /// When to try again, where the other side said so.
        retry_after: Option<Duration>,
        /// Headers that the user agent does not manage; Contact of a 3xx included.
        headers: Vec<HeaderField>,
    },
    /// The ACK for our 2xx arrived.
    Established {
        /// The session.
        session: SessionId,
        /// The answer, where the offer was in our 2xx.
        body: Option<Body>,
    },
    /// A request inside the session that the application must answer with `reply`: re-INVITE, UPDATE,
    /// INFO, MESSAGE, REFER, NOTIFY.
    Requested {
        /// The session.
        session: SessionId,
        /// What `reply` must name.
        exchange: ExchangeId,
        /// The method.
        method: Method,
        /// The body.
        body: Option<Body>,
        /// Headers that the user agent does not manage; Refer-To, Event and others included.
        headers: Vec<HeaderField>,
    },
    /// A re-INVITE of [`Event::Requested`] was taken back (CANCEL); 487 was sent and its exchange is
    /// over.
    Withdrawn {
        /// The session.
        session: SessionId,
        /// The exchange that needs no answer any more.
        exchange: ExchangeId,
    },
    /// The ACK for our 2xx to a re-INVITE arrived.
    Acknowledged {
        /// The session.
        session: SessionId,
        /// The exchange of the re-INVITE.
        exchange: ExchangeId,
        /// The answer, where the offer was in our 2xx.
        body: Option<Body>,
    },
    /// The final response to a request that we sent with `request`. A 2xx to a re-INVITE is
    /// acknowledged already, except where the re-INVITE had no body: then call `acknowledge`.
    Replied {
        /// The session.
        session: SessionId,
        /// The exchange that `request` returned.
        exchange: ExchangeId,
        /// 200 to 699; 408 where nothing came, 503 where it could not be sent.
        status: u16,
        /// The reason phrase.
        reason: String,
        /// The body.
        body: Option<Body>,
        /// Headers that the user agent does not manage; Retry-After included.
        headers: Vec<HeaderField>,
    },
    /// An answered session ended. A BYE was answered or sent. The session is over.
    Ended {
        /// The session.
        session: SessionId,
        /// How.
        cause: EndCause,
        /// By whom.
        by: EndedBy,
    },
    /// An account has a new, changed or refreshed set of contacts, at least one.
    Registered {
        /// The account's user name.
        account: String,
        /// How many contacts it has now; [`contacts`](super::UserAgent::contacts) tells them.
        contacts: usize,
    },
    /// A request was refused before it became a session or changed anything; of an INVITE nothing else is
    /// told. Challenges are no refusals.
    Refused(RefusedRequest),
    /// An account has no contact any more.
    Unregistered {
        /// The account's user name.
        account: String,
        /// Why the last one went.
        cause: UnregisteredCause,
    },
}
