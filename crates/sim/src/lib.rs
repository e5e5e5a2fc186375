//! The whole system under virtual time.
//!
//! [`Phone`] is a softphone without sockets with a person at it who behaves by a plan: an agent, a
//! caller, or both. [`Network`] carries datagrams and loses, doubles and reorders some.
//!
//! [`World`] puts the product ([`Centre`]: engine, distributor and relay), phones and a network together;
//! a [`witness`] watches the wire and says afterwards whether all was right. A [`Story`] is a world with all that will
//! happen in it, faults included, as a list; one that fails is made smaller.
//!
//! Everything happens in one thread, by chance from one seed: the same seed gives the same history,
//! octet for octet.
//!
//! The crate deliberately knows no clock, no socket and no `server`: `cordboard demo` puts the same
//! phones behind real sockets.
//!
//! Read first: [`World`], [`phone`], [`network`].

pub mod centre;
pub mod chance;
mod ladder;
pub mod network;
pub mod pbx;
pub mod phone;
pub mod story;
pub mod witness;
pub mod world;

pub use centre::Centre;
pub use chance::{Chance, Span};
pub use network::Network;
pub use phone::Phone;
pub use story::Story;
pub use world::{PhoneId, Scenario, World};
