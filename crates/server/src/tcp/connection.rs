//! One stream: reading and writing in one task.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, Bytes, BytesMut};
use sip::{ConnectionId, Flow, Protocol, Transmit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::WriteHalf;
use tokio::sync::{Notify, mpsc};
use tracing::{debug, error};

use super::{Arrival, MESSAGE_COST, Settings};
use crate::clock::Clock;
use crate::inward::{Inward, Reply, deliver};
use crate::ring::Producer;

/// Octets read at once: the largest piece that waits in the engine's ring.
const READ_SIZE: usize = 8 * 1024;

/// How a stream comes to be.
#[derive(Debug)]
pub(super) enum Opening {
    /// The peer opened it.
    Accepted(TcpStream),
    /// We open it.
    Connect,
}

/// Everything the task of a stream begins with.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) id: ConnectionId,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) inward: Producer<Inward>,
    pub(super) replies: Producer<Reply>,
    pub(super) arrivals: mpsc::Sender<Arrival>,
    pub(super) messages: mpsc::UnboundedReceiver<Transmit>,
    pub(super) queued: Arc<AtomicUsize>,
    pub(super) cut: Arc<Notify>,
}

impl Start {
    /// Opens the stream if need be, carries octets until its end, and tells the engine all of it in order.
    pub(super) async fn run(mut self, opening: Opening) {
        let flow = Flow { protocol: Protocol::Tcp, local: self.local, remote: self.remote, connection: None };
        let _obituary =
            Obituary { id: self.id, arrivals: self.arrivals.clone(), inward: self.inward.clone() };
        let stream = match opening {
            Opening::Accepted(stream) => Ok(stream),
            Opening::Connect => self.connect().await,
        };
        match stream {
            Ok(stream) => {
                let flow = Flow { connection: Some(self.id), ..flow };
                deliver(&self.inward, Inward::Opened(flow)).await;
                self.carry(stream, flow).await;
                // From here on the keeper takes another stream: what is left in this one was sent before the
                // engine knows of its end, and fails with it.
                self.messages.close();
                deliver(&self.inward, Inward::Closed(self.id)).await;
            }
            Err(error) => {
                debug!(remote = %self.remote, %error, "no TCP connection");
                while let Ok(unsent) = self.messages.try_recv() {
                    deliver(&self.replies, Reply::Failed(unsent.flow)).await;
                }
                self.messages.close();
                // What came meanwhile has the same fate; what comes from here on opens another stream.
                while let Some(unsent) = self.messages.recv().await {
                    deliver(&self.replies, Reply::Failed(unsent.flow)).await;
                }
            }
        }
        // The keeper is gone only when the whole runtime is ending.
        let _told = self.arrivals.send(Arrival::Ended(self.id)).await;
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        match tokio::time::timeout(self.settings.connect, TcpStream::connect(self.remote)).await {
            Ok(connected) => connected,
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        }
    }

    /// Reads and writes until the stream breaks, is idle for too long, is cut, or the keeper closes it.
    async fn carry(&mut self, mut stream: TcpStream, flow: Flow) {
        // Messages are written whole; waiting for more to come would only delay them.
        let _unsupported = stream.set_nodelay(true);
        let (mut reader, mut writer) = stream.split();
        let mut read = BytesMut::with_capacity(READ_SIZE);
        // What is being written, and what waits for it; `queued` bounds both.
        let mut pending = Bytes::new();
        let mut waiting = VecDeque::new();
        let mut active = self.clock.now();
        loop {
            if !pending.has_remaining() {
                pending = waiting.pop_front().unwrap_or_default();
            }
            let idle_for = self.clock.until(active + self.settings.idle);
            tokio::select! {
                // In this order, because a stream that is closed reads no more.
                biased;
                () = self.cut.notified() => return,
                written = writer.write_buf(&mut pending), if pending.has_remaining() => match written {
                    Ok(octets) if octets > 0 => {
                        active = self.clock.now();
                        let whole = if pending.has_remaining() { 0 } else { MESSAGE_COST };
                        self.queued.fetch_sub(octets + whole, Ordering::AcqRel);
                    }
                    Ok(_) | Err(_) => return,
                },
                next = self.messages.recv() => match next {
                    Some(empty) if empty.bytes.is_empty() => {
                        self.queued.fetch_sub(MESSAGE_COST, Ordering::AcqRel);
                    }
                    Some(message) => waiting.push_back(message.bytes),
                    None => break,
                },
                count = reader.read_buf(&mut read) => match count {
                    Ok(count) if count > 0 => {
                        active = self.clock.now();
                        deliver(&self.inward, Inward::Octets { flow, octets: read.split().freeze() }).await;
                        read.reserve(READ_SIZE);
                    }
                    Ok(_) | Err(_) => return,
                },
                () = tokio::time::sleep(idle_for) => return,
            }
        }
        waiting.push_front(pending);
        // A peer that has not read by then loses the end of it.
        let _all_written = tokio::time::timeout(self.settings.close, finish(writer, waiting)).await;
    }
}

/// Writes what is left, and tells the peer that no more will come.
async fn finish(mut writer: WriteHalf<'_>, rest: VecDeque<Bytes>) -> std::io::Result<()> {
    for mut octets in rest {
        writer.write_all_buf(&mut octets).await?;
    }
    writer.shutdown().await
}

/// Tells the engine and the keeper of the end of a stream whose task died by a fault of ours, so that neither
/// holds it for ever.
#[derive(Debug)]
pub(super) struct Obituary {
    pub(super) id: ConnectionId,
    pub(super) arrivals: mpsc::Sender<Arrival>,
    pub(super) inward: Producer<Inward>,
}

impl Drop for Obituary {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        error!(
            connection = self.id.0,
            "a stream ends by a fault of ours; please send the lines of the panic"
        );
        let (id, arrivals, inward) = (self.id, self.arrivals.clone(), self.inward.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                deliver(&inward, Inward::Closed(id)).await;
                // The keeper is gone only when the whole runtime is ending.
                let _told = arrivals.send(Arrival::Ended(id)).await;
            });
        }
    }
}
