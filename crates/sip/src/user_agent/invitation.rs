//! What an application hands to the verbs of a [`UserAgent`](super::UserAgent), and why they refuse.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::{Body, HeaderField};
use super::settings::TrunkId;
use crate::Uri;
use crate::registrar::Contact;

/// An INVITE to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Where to.
    pub destination: Destination,
    /// Who calls: the From header.
    pub caller: Identity,
    /// The display name in To; often empty.
    pub to_display_name: String,
    /// Max-Forwards: [`MAX_FORWARDS`](crate::compose::MAX_FORWARDS) for a call of our own.
    pub max_forwards: u8,
    /// Further headers in order: P-Asserted-Identity, Diversion, User-to-User, X- and others. Headers
    /// that the user agent manages itself (Via, From, Contact, CSeq, ...) are refused.
    pub headers: Vec<HeaderField>,
    /// The offer; `None` asks the other side for one.
    pub body: Option<Body>,
}

/// Where an INVITE goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// Over a trunk: through its outbound proxy if it has one, with its credentials if it asks.
    Trunk {
        /// The trunk.
        trunk: TrunkId,
        /// The Request-URI and To.
        target: Uri,
    },
    /// To an address in a trunk's own network: straight there, past the trunk's outbound proxy, with its credentials if
    /// they are asked for.
    Behind {
        /// The trunk.
        trunk: TrunkId,
        /// The Request-URI and To.
        target: Uri,
    },
    /// To one registered contact, over the flow it registered from.
    Contact(Box<Contact>),
    /// To any URI, found by DNS. No credentials are ever given.
    Uri(Uri),
}

/// A caller as we write it into From.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The display name; empty for none.
    pub display_name: String,
    /// The user part, unescaped; empty for a From without one.
    pub user: String,
    /// The host; `None` is our first domain.
    pub host: Option<String>,
}

impl Identity {
    /// A user of our own domain without display name.
    pub fn user(user: &str) -> Identity {
        Identity { display_name: String::new(), user: user.to_owned(), host: None }
    }

    /// A caller who withholds its identity (RFC 3323 §4.1).
    pub fn anonymous() -> Identity {
        Identity {
            display_name: "Anonymous".to_owned(),
            user: "anonymous".to_owned(),
            host: Some("anonymous.invalid".to_owned()),
        }
    }
}

/// An answer to an [`Event::Requested`](super::Event::Requested).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// 101 to 699.
    pub status: u16,
    /// Headers to add.
    pub headers: Vec<HeaderField>,
    /// The body.
    pub body: Option<Body>,
}

impl Reply {
    /// A status alone.
    pub fn status(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: None }
    }
}

/// Why a verb did nothing. Nothing was sent and nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    /// No such session: it is over or never was.
    UnknownSession,
    /// No such exchange, or it is answered already or withdrawn.
    UnknownExchange,
    /// No such trunk.
    UnknownTrunk,
    /// The session is not at the point where this verb makes sense.
    WrongState,
    /// Another INVITE or UPDATE of either side is not finished (RFC 3261 §14.1, RFC 3311 §5.1): wait
    /// for its `Replied`, `Requested` or `Acknowledged`, or answer the other side 491.
    Pending,
    /// A limit of the settings is reached.
    Full,
    /// No listening address fits the transport and address family.
    NoEndpoint,
    /// The status code does not fit the verb.
    BadStatus(u16),
    /// A header cannot be sent: managed by the user agent itself, or not expressible.
    BadHeader(String),
    /// The method has a verb of its own or may not be sent inside a session.
    BadMethod,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::UnknownSession => f.write_str("no such session"),
            Refused::UnknownExchange => f.write_str("no such exchange"),
            Refused::UnknownTrunk => f.write_str("no such trunk"),
            Refused::WrongState => f.write_str("not possible in this state of the session"),
            Refused::Pending => f.write_str("another offer is pending"),
            Refused::Full => f.write_str("a limit is reached"),
            Refused::NoEndpoint => f.write_str("no listening address fits"),
            Refused::BadStatus(status) => write!(f, "status {status} does not fit"),
            Refused::BadHeader(name) => write!(f, "header {name} cannot be sent"),
            Refused::BadMethod => f.write_str("method cannot be sent so"),
        }
    }
}

impl std::error::Error for Refused {}

/// How much a user agent holds. After the last call and 64*T1 all but `contacts` and
/// `connections` is zero: tests prove by it that nothing is left over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Sessions, ringing, talking or ending.
    pub sessions: usize,
    /// Dialogs of these sessions, early and confirmed.
    pub dialogs: usize,
    /// Client transactions.
    pub client_transactions: usize,
    /// Server transactions.
    pub server_transactions: usize,
    /// Deadlines of transactions; none of registrations and streams.
    pub timers: usize,
    /// DNS questions without an answer.
    pub queries: usize,
    /// Contacts that are registered.
    pub contacts: usize,
    /// Open streams.
    pub connections: usize,
}
