//! SIP over TCP: the streams that tasks of the runtime hold for the engine.
//!
//! A task per stream reads octets into the engine's ring and writes what the engine sent. The user agent
//! frames messages and decides what a stream is worth, and which one goes where there are too many; here are
//! only bounds that it never meets: how many streams, how long one may be idle, how much may wait to be written
//! to a peer that does not read.

mod connection;
mod listener;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sip::{ConnectionId, Flow, Transmit};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tracing::debug;

use crate::clock::Clock;
use crate::inward::{Inward, Reply, deliver};
use crate::ring::Producer;

pub use listener::{bind, listen};

/// Bounds of the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Streams at which one more is closed as soon as it is accepted.
    pub connections_max: usize,
    /// Streams that we may open beyond, so that no stranger keeps us from calling anybody.
    pub reserve: usize,
    /// Streams from one address, of IPv6 from one /64; one more is closed as soon as it is accepted.
    pub connections_per_source_max: usize,
    /// A stream on which nothing went either way for so long is closed.
    pub idle: Duration,
    /// How long a peer may take to accept our stream.
    pub connect: Duration,
    /// Octets that wait for a peer to read; beyond, the stream is closed.
    pub write_buffer_max: usize,
    /// How long what is unwritten may take once the user agent has closed a stream; then the rest is lost.
    pub close: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            connections_max: 10_000,
            reserve: 2_500,
            connections_per_source_max: 1_000,
            idle: Duration::from_secs(3_600),
            connect: Duration::from_secs(10),
            write_buffer_max: 1 << 20,
            close: Duration::from_secs(2),
        }
    }
}

impl Settings {
    /// Bounds around a user agent that keeps `limit` streams: it closes the least worthy one for a newcomer, so
    /// the newcomer must be let in.
    pub fn around(limit: usize) -> Settings {
        let newcomers = ARRIVALS;
        Settings { connections_max: limit + newcomers, reserve: limit / 4 + newcomers, ..Settings::default() }
    }

    /// The most streams that there ever are.
    pub fn streams_max(&self) -> usize {
        self.connections_max + self.reserve
    }
}

/// How many arrivals wait for the task that keeps the streams; beyond, listeners wait.
pub const ARRIVALS: usize = 64;

/// What listeners and streams tell the keeper of the streams.
#[derive(Debug)]
pub enum Arrival {
    /// A peer opened a stream.
    Accepted {
        /// The stream.
        stream: TcpStream,
        /// The listener's address.
        local: SocketAddr,
        /// The peer.
        remote: SocketAddr,
    },
    /// The task of a stream has ended.
    Ended(ConnectionId),
}

/// All streams, owned by one task.
#[derive(Debug)]
pub struct Streams {
    settings: Settings,
    clock: Clock,
    inward: Producer<Inward>,
    replies: Producer<Reply>,
    arrivals: mpsc::Sender<Arrival>,
    lines: BTreeMap<ConnectionId, Line>,
    /// Streams that we opened, by peer: a second message to the same peer takes the same stream.
    outgoing: BTreeMap<SocketAddr, ConnectionId>,
    /// Streams that others opened, by [`source`].
    per_source: BTreeMap<IpAddr, usize>,
    next: u64,
}

/// The keeper's side of one stream.
#[derive(Debug)]
struct Line {
    /// Bounded by `queued`: what waits is never more than [`Settings::write_buffer_max`].
    messages: mpsc::UnboundedSender<Transmit>,
    queued: Arc<AtomicUsize>,
    cut: Arc<Notify>,
    remote: SocketAddr,
    is_outgoing: bool,
}

/// What a queued message costs beside its octets, so that many small ones are bounded too.
const MESSAGE_COST: usize = 128;

impl Streams {
    /// No streams yet. Each tells `arrivals` when it ends.
    pub fn new(
        settings: Settings,
        clock: Clock,
        inward: Producer<Inward>,
        replies: Producer<Reply>,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Streams {
        Streams {
            settings,
            clock,
            inward,
            replies,
            arrivals,
            lines: BTreeMap::new(),
            outgoing: BTreeMap::new(),
            per_source: BTreeMap::new(),
            next: 1,
        }
    }

    /// Whether there is no stream.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Takes a stream that a peer opened, or closes it where there are too many.
    pub fn accepted(&mut self, stream: TcpStream, local: SocketAddr, remote: SocketAddr) {
        let from_there = self.per_source.get(&source(remote)).copied().unwrap_or(0);
        if self.lines.len() >= self.settings.connections_max
            || from_there >= self.settings.connections_per_source_max
        {
            debug!(%remote, "a TCP connection was closed: too many");
            return;
        }
        let (id, start) = self.line(local, remote, false);
        tokio::spawn(start.run(connection::Opening::Accepted(stream)));
        debug!(connection = id.0, %remote, "TCP connection accepted");
    }

    /// Sends a message: on the stream it names, on one that leads to the same peer, or on a new one.
    /// What cannot be sent comes back as [`Reply::Failed`].
    pub async fn transmit(&mut self, transmit: Transmit) {
        let flow = transmit.flow;
        let id = match flow.connection.or_else(|| self.open_to(flow.remote)) {
            Some(id) => id,
            None if self.lines.len() >= self.settings.streams_max() => return self.fail(flow).await,
            None => self.open(flow),
        };
        let Some(line) = self.lines.get(&id) else { return self.fail(flow).await };
        let cost = transmit.bytes.len() + MESSAGE_COST;
        if line.queued.fetch_add(cost, Ordering::AcqRel) + cost > self.settings.write_buffer_max {
            debug!(connection = id.0, remote = %line.remote, "a TCP connection was closed: its peer does not read");
            line.cut.notify_one();
            return self.fail(flow).await;
        }
        if line.messages.send(transmit).is_err() {
            self.fail(flow).await;
        }
    }

    /// The stream that we opened to a peer, unless it is ending.
    fn open_to(&self, remote: SocketAddr) -> Option<ConnectionId> {
        let id = self.outgoing.get(&remote)?;
        self.lines.get(id).filter(|line| !line.messages.is_closed()).map(|_| *id)
    }

    /// Closes a stream: it reads no more, and ends once what waits for it has been written or has taken too
    /// long ([`Settings::close`]).
    pub fn close(&mut self, connection: ConnectionId) {
        if let Some(line) = self.lines.get_mut(&connection) {
            // A sender that nobody holds tells the task, once it has taken the rest, that it is to end.
            let (closed, _) = mpsc::unbounded_channel();
            line.messages = closed;
            if line.is_outgoing && self.outgoing.get(&line.remote) == Some(&connection) {
                self.outgoing.remove(&line.remote);
            }
        }
    }

    /// Closes every stream as [`Streams::close`] does.
    pub fn close_all(&mut self) {
        let all: Vec<ConnectionId> = self.lines.keys().copied().collect();
        all.into_iter().for_each(|connection| self.close(connection));
    }

    /// The task of a stream has ended and has told the engine.
    pub fn ended(&mut self, connection: ConnectionId) {
        let Some(line) = self.lines.remove(&connection) else { return };
        if line.is_outgoing {
            if self.outgoing.get(&line.remote) == Some(&connection) {
                self.outgoing.remove(&line.remote);
            }
            return;
        }
        let source = source(line.remote);
        if let Some(count) = self.per_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.per_source.remove(&source);
            }
        }
    }

    fn open(&mut self, flow: Flow) -> ConnectionId {
        let (id, start) = self.line(flow.local, flow.remote, true);
        self.outgoing.insert(flow.remote, id);
        tokio::spawn(start.run(connection::Opening::Connect));
        id
    }

    fn line(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
        is_outgoing: bool,
    ) -> (ConnectionId, connection::Start) {
        let id = ConnectionId(self.next);
        self.next += 1;
        let (sender, receiver) = mpsc::unbounded_channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let cut = Arc::new(Notify::new());
        if !is_outgoing {
            *self.per_source.entry(source(remote)).or_default() += 1;
        }
        let line = Line {
            messages: sender,
            queued: Arc::clone(&queued),
            cut: Arc::clone(&cut),
            remote,
            is_outgoing,
        };
        self.lines.insert(id, line);
        let start = connection::Start {
            id,
            local,
            remote,
            settings: self.settings,
            clock: self.clock,
            inward: self.inward.clone(),
            replies: self.replies.clone(),
            arrivals: self.arrivals.clone(),
            messages: receiver,
            queued,
            cut,
        };
        (id, start)
    }

    async fn fail(&self, flow: Flow) {
        deliver(&self.replies, Reply::Failed(flow)).await;
    }
}

/// What streams of others are counted by: the address, of IPv6 its /64, which is what one host is given to choose
/// its addresses from (RFC 4291 §2.5.4).
fn source(remote: SocketAddr) -> IpAddr {
    match remote.ip().to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}
