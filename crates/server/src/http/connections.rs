//! Connections of HTTP: how many, for how long, and who goes when there are too many.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Sleep;
use tracing::{debug, warn};

use super::Peer;
use crate::limits::StreamFiles;

/// How long a request's head may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer may take to read before it takes the next octets of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection lives, kept alive or not; then it ends with its present request.
const CONNECTION_LIFE: Duration = Duration::from_secs(600);
/// How long an ending connection may take for its present request.
const LAST_REQUEST: Duration = Duration::from_secs(5);
/// Octets that one connection buffers of a request's head.
const HEAD_MAX: usize = 16 * 1024;
/// How long the listener rests after the system refused a connection (no files left, above all).
const REST: Duration = Duration::from_millis(100);

/// Serves until `stop` changes; then every connection ends with its present request.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    files: StreamFiles,
    stop: watch::Receiver<bool>,
) {
    let mut places = Places { most: connections_max, held: VecDeque::new() };
    let mut stopping = stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                if files.is_beyond(&stream) {
                    places.make_room();
                }
                let service = router.clone().layer(axum::Extension(Peer(peer)));
                let task = tokio::spawn(connection(stream, service, stop.clone()));
                places.take(peer, task.abort_handle());
            }
            Err(error) => {
                warn!(%error, "an HTTP connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Who holds the connections there may be, the oldest first.
///
/// A newcomer always gets one, so that whoever asks for the health of the process has an answer: where there are
/// too many, the oldest of the address that holds the most is cut.
struct Places {
    most: usize,
    held: VecDeque<(IpAddr, AbortHandle)>,
}

impl Places {
    fn take(&mut self, peer: SocketAddr, task: AbortHandle) {
        if self.held.len() >= self.most {
            self.held.retain(|(_, task)| !task.is_finished());
        }
        if self.held.len() >= self.most {
            self.make_room();
        }
        self.held.push_back((peer.ip(), task));
    }

    fn make_room(&mut self) {
        let mut holders = BTreeMap::<IpAddr, usize>::new();
        for (holder, _) in &self.held {
            *holders.entry(*holder).or_default() += 1;
        }
        let most = holders.values().copied().max().unwrap_or(0);
        if let Some(at) = self.held.iter().position(|(holder, _)| holders[holder] == most)
            && let Some((holder, task)) = self.held.remove(at)
        {
            debug!(%holder, "an HTTP connection was cut: too many");
            task.abort();
        }
    }
}

async fn connection(stream: TcpStream, service: Router, mut stop: watch::Receiver<bool>) {
    let stream = Patient { stream, limit: WRITE_TIMEOUT, stalled: None };
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(serving);
    tokio::select! {
        ended = serving.as_mut() => return log_end(ended),
        _ = stop.changed() => {}
        () = tokio::time::sleep(CONNECTION_LIFE) => {}
    }
    serving.as_mut().graceful_shutdown();
    if let Ok(ended) = tokio::time::timeout(LAST_REQUEST, serving).await {
        log_end(ended);
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        debug!(%error, "an HTTP connection ended");
    }
}

/// A stream that fails where its peer takes none of what we write for a while.
struct Patient<S> {
    stream: S,
    limit: Duration,
    /// Runs while something waits to be written.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncWrite + Unpin> Patient<S> {
    fn judge<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, octets);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, octets);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts")
    }

    #[test]
    fn a_peer_that_does_not_read_is_given_up_and_a_slow_one_is_not() {
        runtime().block_on(async {
            let (ours, mut theirs) = tokio::io::duplex(4);
            let mut patient = Patient { stream: ours, limit: Duration::from_millis(200), stalled: None };
            let reader = async {
                let mut octet = [0];
                for _ in 0..8 {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    theirs.read_exact(&mut octet).await.expect("we write");
                }
                theirs
            };
            let (written, _theirs) = tokio::join!(patient.write_all(b"twelve octet"), reader);
            written.expect("it took 400 ms, and no octet more than 200");
            let refused = patient.write_all(b"more").await.expect_err("nobody reads");
            assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn the_oldest_of_the_address_that_holds_the_most_makes_room() {
        runtime().block_on(async {
            let mut places = Places { most: 4, held: VecDeque::new() };
            let mut tasks = Vec::new();
            // B came first and holds one; A takes the rest and goes on.
            for host in [2, 1, 1, 1, 1, 1, 3] {
                let task = tokio::spawn(std::future::pending::<()>());
                places.take(SocketAddr::from(([127, 0, 0, host], 9)), task.abort_handle());
                tasks.push(task);
            }
            let cut: Vec<bool> = futures(tasks).await;
            assert_eq!(cut, [false, true, true, true, false, false, false]);
            let holders: Vec<String> = places.held.iter().map(|(holder, _)| holder.to_string()).collect();
            assert_eq!(holders, ["127.0.0.2", "127.0.0.1", "127.0.0.1", "127.0.0.3"]);
        });
    }

    /// Which of them were cut.
    async fn futures(tasks: Vec<tokio::task::JoinHandle<()>>) -> Vec<bool> {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        tasks.iter().map(tokio::task::JoinHandle::is_finished).collect()
    }
}
