//! The task that does for the engine thread what needs the runtime: streams and the DNS.

use std::sync::Arc;
use std::time::Duration;

use sip::{ConnectionId, Query, Transmit};
use tokio::sync::{mpsc, watch};

use crate::dns::Dns;
use crate::doorbell::Doorbell;
use crate::ring::Consumer;
use crate::tcp::{Arrival, Streams};

/// One thing that the engine thread wants done.
#[derive(Debug)]
pub enum Outward {
    /// Send on a stream, opened where there is none.
    Transmit(Transmit),
    /// Close a stream.
    Close(ConnectionId),
    /// Ask the DNS.
    Query(Query),
}

/// How much of the ring is done before arrivals are looked at.
const BATCH: usize = 256;
/// How long the last octets may take to be written at the end.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// Runs until `stopped` changes; then what is still in the ring is sent and every stream is closed.
pub async fn serve(
    outward: Consumer<Outward>,
    doorbell: Arc<Doorbell>,
    mut streams: Streams,
    mut arrivals: mpsc::Receiver<Arrival>,
    dns: Dns,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        carry_out(&outward, &mut streams, &dns).await;
        tokio::select! {
            () = doorbell.rest(|| outward.is_empty()) => {}
            Some(arrival) = arrivals.recv() => arrived(&mut streams, arrival),
            _ = stopped.changed() => break,
        }
    }
    while !outward.is_empty() {
        carry_out(&outward, &mut streams, &dns).await;
    }
    streams.close_all();
    let last_writes = async {
        while !streams.is_empty()
            && let Some(arrival) = arrivals.recv().await
        {
            arrived(&mut streams, arrival);
        }
    };
    // Whoever does not read by then has lost the end of it.
    let _all_written = tokio::time::timeout(LAST_WRITES, last_writes).await;
}

async fn carry_out(outward: &Consumer<Outward>, streams: &mut Streams, dns: &Dns) {
    for _ in 0..BATCH {
        match outward.pop() {
            Some(Outward::Transmit(transmit)) => streams.transmit(transmit).await,
            Some(Outward::Close(connection)) => streams.close(connection),
            Some(Outward::Query(query)) => dns.ask(query),
            None => return,
        }
    }
}

fn arrived(streams: &mut Streams, arrival: Arrival) {
    match arrival {
        Arrival::Accepted { stream, local, remote } => streams.accepted(stream, local, remote),
        Arrival::Ended(connection) => streams.ended(connection),
    }
}
