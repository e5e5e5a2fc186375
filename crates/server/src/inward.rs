//! What tasks of the runtime tell the engine thread.

use std::time::Duration;

use bytes::Bytes;
use sip::locate::{Records, ResolverFailed};
use sip::{ConnectionId, Flow, QueryId};

use crate::ring::Producer;

/// One thing that happened on a stream, in order. Nothing of this may be lost: octets have no second chance.
/// New work from outside: the engine takes it only while it has no backlog.
#[derive(Debug)]
pub enum Inward {
    /// A stream is open.
    Opened(Flow),
    /// Octets of a stream.
    Octets {
        /// Which stream.
        flow: Flow,
        /// As they came.
        octets: Bytes,
    },
    /// A stream is closed.
    Closed(ConnectionId),
}

/// What came of something that the engine asked for. The engine always takes it, so that the task that does
/// what the engine asks never waits for an engine that waits for it.
#[derive(Debug)]
pub enum Reply {
    /// Something could not be sent on this flow.
    Failed(Flow),
    /// The DNS answered.
    Resolved(QueryId, Result<Records, ResolverFailed>),
}

/// How long a task waits before it tries a full ring again.
const RETRY: Duration = Duration::from_millis(2);

/// Puts a value into the engine's ring; while that is full the task waits, and with it whatever it reads
/// from.
pub async fn deliver<T>(ring: &Producer<T>, value: T) {
    let mut value = value;
    while let Err(back) = ring.send(value) {
        value = back;
        tokio::time::sleep(RETRY).await;
    }
}
