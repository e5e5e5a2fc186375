//! The SIP side of Cordboard, without sockets and without a clock.
//!
//! Octets become a [`Message`] (an index over them), values of headers become [`Uri`], [`NameAddr`],
//! [`Via`] when somebody asks, and [`compose`] writes what we send. [`UserAgent`] makes transactions,
//! dialogs and sessions of them, knows who may call and where accounts are registered.
//!
//! The crate deliberately knows nothing of media, agents, queues or sockets: bodies are octets, a
//! datagram is a value that comes in or goes out.
//!
//! Read first: [`UserAgent`] and its [`Event`], then [`Message`], [`compose::RequestBuilder`].

pub mod compose;
mod dialog;
pub mod digest;
mod flow;
mod lexis;
pub mod locate;
mod message;
mod method;
mod name;
mod name_addr;
mod params;
pub mod registrar;
mod rsip_form;
mod syntax;
mod transaction;
mod uri;
pub mod user_agent;
pub mod values;
mod via;

pub use flow::{ConnectionId, Flow, Protocol, Transmit};
pub use message::{Fault, Field, Frame, Limits, Message, ParseError, StreamFramer};
pub use method::Method;
pub use name::Name;
pub use name_addr::NameAddr;
pub use params::{Param, Params};
pub use registrar::Contact;
pub use syntax::Syntax;
pub use transaction::Timers;
pub use uri::{Host, SipUri, TelUri, Uri, escape_header, escape_user, unescape};
pub use user_agent::{
    Body, Counts, Destination, EndCause, EndedBy, Endpoint, Event, ExchangeId, FailureCause, HeaderField,
    Identity, Invitation, Invite, Network, Origin, Party, Query, QueryId, RefusalCause, Refused,
    RefusedRequest, Reply, RequestKind, SessionId, Settings, Totals, Trunk, TrunkCredentials, TrunkId,
    UnregisteredCause, UserAgent,
};
pub use via::{MAGIC_COOKIE, Transport, Via};
