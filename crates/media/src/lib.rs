//! Everything about sound: what is agreed (SDP, offer and answer), what is carried (RTP and RTCP
//! between two terminations) and what we play ourselves (music in G.711).
//!
//! Two halves, both without sockets and clocks:
//!
//! - [`sdp`] is the description, [`negotiate`] are functions over descriptions: relay one leg's
//!   offer to the other, answer it ourselves, make our own, and read from an agreed pair what the
//!   relay needs ([`StreamDescription`]).
//! - [`Relay`] is the machine a media thread drives: [`Command`]s and packets go in; packets,
//!   [`SocketRequest`]s and [`Event`]s come out. [`PortPool`] belongs to whoever makes the
//!   commands.
//!
//! The crate deliberately does not know SIP, calls or agents, does not transcode, does not speak
//! SRTP or ICE, and forwards no RTCP: every listener gets reports of our own.
//!
//! The relay's state is not written down and restored: a process that takes over issues the
//! commands again (`Open`, `Connect`, `Play`), and every listener hears a new source. Commands,
//! events, descriptions, [`negotiate::Author`] and [`PortPool`] are serialisable.
//!
//! Read first: [`sdp::Session`], [`negotiate`], then [`Relay`].

pub mod g711;
pub mod music;
pub mod negotiate;
mod port;
mod relay;
pub mod sdp;
mod stream;
pub mod tone;

pub use g711::Law;
pub use music::{Music, MusicId};
pub use port::{LocalPort, PoolCounts, PortPool, PortPoolSettings};
pub use relay::{
    Command, Counts, Event, Latching, Refusal, Relay, Settings, SocketRequest, SourceRule, Statistics,
    TerminationId, Transmit,
};
pub use stream::{Codec, Direction, PayloadMap, StreamDescription};
