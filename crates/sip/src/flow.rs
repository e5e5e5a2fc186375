//! The way a message takes between two hosts.

use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Transport;

/// What carries a message between us and the next host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

impl Protocol {
    /// Whether it repeats what is lost by itself (RFC 3261 §17).
    pub fn is_reliable(self) -> bool {
        match self {
            Protocol::Udp => false,
            Protocol::Tcp => true,
        }
    }

    /// Its name in Via.
    pub fn transport(self) -> Transport {
        match self {
            Protocol::Udp => Transport::Udp,
            Protocol::Tcp => Transport::Tcp,
        }
    }
}

/// Names an open stream. The shell gives the numbers and never uses one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionId(pub u64);

/// Where a message came from or goes to. Answers go back on the flow of their request; requests to a
/// registered phone go down the flow that it registered on (RFC 5626 §3.1), through its NAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Flow {
    /// UDP or TCP.
    pub protocol: Protocol,
    /// Our end: the bound address of a UDP socket or a TCP listener (of a stream that we opened: the
    /// listener that our Via and Contact name).
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// The stream; `None` for UDP, and for a TCP message that may go on any stream to `remote`.
    pub connection: Option<ConnectionId>,
}

/// Octets to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transmit {
    /// Which way.
    pub flow: Flow,
    /// A whole message.
    pub bytes: Bytes,
}
