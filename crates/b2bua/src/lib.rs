//! Calls: two SIP legs, the bridge between them and the media they agree on.
//!
//! A [`B2bua`] owns the `sip::UserAgent` and the pool of media ports. It turns an INVITE into a call,
//! lets it ring or plays music to it, tries phones for it, connects it to the one that answered, passes
//! re-INVITE, UPDATE and INFO between the two, and ends both legs together. What media does is said to
//! the relay in `media::Command`s; no packet comes by here.
//!
//! The crate deliberately knows no queues, no agents and no numbering: *whom* to try is for the
//! application, `engine`, to say. It is the only place where SIP meets session descriptions.
//!
//! Read first: [`B2bua`], [`Event`], then `call.rs`.

mod b2bua;
mod body;
mod call;
mod event;
mod settings;

pub use b2bua::{B2bua, Counts, Dial, NotConnected, NotPossible, Played};
pub use event::{AttemptId, CallRef, Event, Failure, FailureKind, HangUp, RefusalCause, Side, Summary};
pub use settings::Settings;
