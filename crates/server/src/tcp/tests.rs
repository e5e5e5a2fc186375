use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use sip::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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

/// Octets that no system's buffers take while nobody reads.
const TOO_MUCH: usize = 64 << 20;

/// A stream that a peer opened, that was told [`TOO_MUCH`], and that is closed: the peer's end of it.
///
/// On one thread, so that the stream's task runs only where the test waits.
async fn closed_with_much_unwritten(bench: &mut Bench) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let local = listener.local_addr().expect("it is bound");
    let mut peer = TcpStream::connect(local).await.expect("it listens");
    let (stream, remote) = listener.accept().await.expect("it is accepted");
    bench.streams.accepted(stream, local, remote);
    let connection = *bench.streams.lines.keys().next().expect("it was let in");
    peer.write_all(b"before").await.expect("it is open");
    in_time("the octets before the close", heard(&bench.inward, b"before")).await;
    let flow = Flow { protocol: Protocol::Tcp, local, remote, connection: Some(connection) };
    bench.streams.transmit(Transmit { flow, bytes: Bytes::from(vec![b'.'; TOO_MUCH]) }).await;
    let queued = Arc::clone(&bench.streams.lines[&connection].queued);
    let begun = async {
        while queued.load(Ordering::Acquire) == TOO_MUCH + MESSAGE_COST {
            tokio::task::yield_now().await;
        }
    };
    in_time("the first octets written", begun).await;
    bench.streams.close(connection);
    peer
}

/// Takes what the engine is told until octets come, which are these.
async fn heard(inward: &Consumer<Inward>, expected: &[u8]) {
    loop {
        match inward.pop() {
            Some(Inward::Octets { octets, .. }) => return assert_eq!(octets, expected),
            Some(Inward::Closed(connection)) => panic!("{connection:?} is closed"),
            Some(Inward::Opened(_)) | None => tokio::task::yield_now().await,
        }
    }
}

fn one_thread() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts")
}

fn that_close_within(close: Duration) -> Settings {
    Settings { close, write_buffer_max: 2 * TOO_MUCH, ..Settings::default() }
}

#[test]
fn a_closed_stream_ends_in_time_though_its_peer_does_not_read() {
    one_thread().block_on(async {
        let mut bench = Bench::new(that_close_within(Duration::from_millis(200)), 64);
        let mut peer = closed_with_much_unwritten(&mut bench).await;
        let trickle = async {
            while peer.write_all(b"\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            ended = in_time("the end of the stream", bench.arrived.recv()) => ended,
            () = trickle => unreachable!("it goes on for ever"),
        };
        let Some(Arrival::Ended(connection)) = ended else { panic!("{ended:?}") };
        assert!(matches!(bench.inward.pop(), Some(Inward::Closed(closed)) if closed == connection));
        bench.streams.ended(connection);
        assert!(bench.streams.is_empty() && bench.streams.per_source.is_empty(), "it counts no more");
    });
}

#[test]
fn a_closed_stream_reads_no_more() {
    one_thread().block_on(async {
        let mut bench = Bench::new(that_close_within(Duration::from_millis(200)), 64);
        let mut peer = closed_with_much_unwritten(&mut bench).await;
        peer.write_all(b"after").await.expect("our end of it is still there");
        in_time("the end of the stream", bench.arrived.recv()).await.expect("the task tells");
        let told = bench.inward.pop();
        assert!(matches!(told, Some(Inward::Closed(_))), "{told:?}");
    });
}

#[test]
fn a_closed_stream_whose_peer_reads_is_written_to_its_end() {
    one_thread().block_on(async {
        let mut bench = Bench::new(that_close_within(PATIENCE), 64);
        let mut peer = closed_with_much_unwritten(&mut bench).await;
        let mut octets = Vec::new();
        in_time("the end of the stream", peer.read_to_end(&mut octets)).await.expect("it is whole");
        assert_eq!(octets.len(), TOO_MUCH);
    });
}

#[test]
fn one_network_of_ipv6_counts_as_one_source() {
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let local = listener.local_addr().expect("it is bound");
        let mut bench = Bench::new(Settings { connections_per_source_max: 2, ..Settings::default() }, 64);
        let mut peers = Vec::new();
        let mut letting_in = async |streams: &mut Streams, remote: IpAddr| {
            peers.push(TcpStream::connect(local).await.expect("it listens"));
            let (stream, _) = listener.accept().await.expect("it is accepted");
            let before = streams.lines.len();
            streams.accepted(stream, local, SocketAddr::new(remote, 5060));
            streams.lines.len() > before
        };
        let v6 = |network, host| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, network, host, 0, 0, 1));
        let v4 = |host| IpAddr::from([192, 0, 2, host]);
        let streams = &mut bench.streams;
        for (remote, is_let_in) in [
            (v6(1, 1), true),
            (v6(1, 2), true),
            (v6(1, 3), false),
            (v6(2, 1), true),
            (v4(1), true),
            (v4(1), true),
            (v4(1), false),
            (v4(2), true),
        ] {
            assert_eq!(letting_in(streams, remote).await, is_let_in, "{remote}");
        }
        streams.ended(ConnectionId(1));
        assert!(letting_in(streams, v6(1, 3)).await, "one of its network has ended");
        assert!(!letting_in(streams, v6(1, 1)).await, "and was counted once");
    });
}
