//! The threads on the path of a call. Each owns one machine (that of the engine the distributor as well, where the agents are
//! not very many), sleeps when there is nothing to do, and speaks to the others through rings only.
//!
//! A turn of each is the same: read the clock once, take what the rings hold in a fixed order and up to a
//! bound, take what the sockets hold, do what is due, carry out what the machine says, wake whom it concerns,
//! sleep. While a ring in front of a thread is full, its backlog is not empty, and then it takes nothing new
//! from outside; what the other threads tell it, it always takes, so that two threads never wait for each
//! other.

pub mod distributor;
pub mod engine;
mod look;
pub mod media;
mod media_sockets;
mod udp;

pub use look::Look;
pub use udp::bind as bind_udp;
pub(crate) use udp::{Received, receive as receive_udp};

/// Values that a ring between two of the threads holds.
pub const RING: usize = 8_192;
/// Values that the ring from the streams holds: each may carry eight thousand octets.
pub const INWARD_RING: usize = 1_024;
/// Values of one ring that are taken in a turn.
const BATCH: usize = 256;
