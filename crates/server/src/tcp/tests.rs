use std::net::Ipv4Addr;

use bytes::Bytes;
use sip::Protocol;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::connection::Obituary;
use super::*;
use crate::doorbell::Doorbell;
use crate::ring::{Consumer, ring};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Streams whose engine is played by the test.
struct Bench {
    streams: Streams,
    arrived: mpsc::Receiver<Arrival>,
    inward: Consumer<Inward>,
    replies: Consumer<Reply>,
}

impl Bench {
    /// `room` for the engine's events; it takes none by itself.
    fn new(settings: Settings, room: usize) -> Bench {
        let bell = Arc::new(Doorbell::for_thread());
        let (inward, inward_end) = ring(room, &bell);
        let (replies, replies_end) = ring(64, &bell);
        let (arrivals, arrived) = mpsc::channel(ARRIVALS);
        let streams = Streams::new(settings, Clock::start(), inward, replies, arrivals);
        Bench { streams, arrived, inward: inward_end, replies: replies_end }
    }
}

fn to(remote: SocketAddr, text: &'static str) -> Transmit {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 5060));
    let flow = Flow { protocol: Protocol::Tcp, local, remote, connection: None };
    Transmit { flow, bytes: Bytes::from_static(text.as_bytes()) }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("it starts")
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("it never came to: {what}"))
}

async fn read(listener: &TcpListener, length: usize) -> (TcpStream, String) {
    let (mut stream, _) = in_time("a stream", listener.accept()).await.expect("it is accepted");
    let mut text = vec![0; length];
    in_time("a message", stream.read_exact(&mut text)).await.expect("it is read");
    (stream, String::from_utf8(text).expect("ASCII"))
}

#[test]
fn a_message_for_a_peer_whose_stream_is_ending_takes_another_stream() {
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let remote = listener.local_addr().expect("it is bound");
        // The engine is busy: it has room for the beginning of the stream, and does not hear of its end.
        let mut bench = Bench::new(Settings::default(), 1);
        bench.streams.transmit(to(remote, "first")).await;
        let (stream, text) = read(&listener, 5).await;
        assert_eq!(text, "first");
        drop(stream);
        let line = bench.streams.lines.values().next().expect("a stream").messages.clone();
        in_time("the end of the first stream", line.closed()).await;
        bench.streams.transmit(to(remote, "second")).await;
        let engine = async {
            loop {
                let _event = bench.inward.pop();
                tokio::task::yield_now().await;
            }
        };
        let (_stream, text) = tokio::select! {
            read = read(&listener, 6) => read,
            () = engine => unreachable!("it goes on for ever"),
        };
        assert_eq!(text, "second");
        assert!(bench.replies.is_empty(), "nothing has failed");
    });
}

#[test]
fn every_message_to_a_peer_that_is_not_there_fails() {
    runtime().block_on(async {
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let remote = closed.local_addr().expect("it was bound");
        drop(closed);
        let mut bench = Bench::new(Settings::default(), 8);
        bench.streams.transmit(to(remote, "one")).await;
        in_time("the end of the attempt", bench.arrived.recv()).await.expect("the task tells");
        bench.streams.transmit(to(remote, "two")).await;
        in_time("the end of the attempt", bench.arrived.recv()).await.expect("the task tells");
        let mut failed = 0;
        while let Some(reply) = bench.replies.pop() {
            assert!(matches!(reply, Reply::Failed(flow) if flow.remote == remote), "{reply:?}");
            failed += 1;
        }
        assert_eq!(failed, 2);
        assert!(bench.inward.is_empty(), "no stream was ever open");
    });
}

#[test]
fn strangers_do_not_take_the_room_of_the_streams_that_we_open() {
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let remote = listener.local_addr().expect("it is bound");
        let mut bench = Bench::new(Settings { connections_max: 2, reserve: 1, ..Settings::default() }, 64);
        let mut peers = Vec::new();
        for _ in 0..3 {
            peers.push(TcpStream::connect(remote).await.expect("it listens"));
            let (stream, peer) = listener.accept().await.expect("it is accepted");
            bench.streams.accepted(stream, remote, peer);
        }
        assert_eq!(bench.streams.lines.len(), 2, "the third is closed");
        bench.streams.transmit(to(remote, "INVITE")).await;
        assert_eq!(read(&listener, 6).await.1, "INVITE");
        let other = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        bench.streams.transmit(to(other, "INVITE")).await;
        let reply = bench.replies.pop();
        assert!(matches!(reply, Some(Reply::Failed(flow)) if flow.remote == other), "{reply:?}");
    });
}

#[test]
fn a_stream_whose_task_dies_is_forgotten_by_all() {
    runtime().block_on(async {
        let mut bench = Bench::new(Settings::default(), 8);
        let obituary = Obituary {
            id: ConnectionId(7),
            arrivals: bench.streams.arrivals.clone(),
            inward: bench.streams.inward.clone(),
        };
        let task = tokio::spawn(async move {
            let _obituary = obituary;
            panic!("on purpose");
        });
        assert!(task.await.is_err());
        let told = in_time("the keeper's news", bench.arrived.recv()).await;
        assert!(matches!(told, Some(Arrival::Ended(ConnectionId(7)))), "{told:?}");
        assert!(matches!(bench.inward.pop(), Some(Inward::Closed(ConnectionId(7)))));
    });
}
