//! Accepting streams.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

use super::Arrival;
use crate::limits::StreamFiles;

/// Streams that the system accepts before we have looked at them.
const BACKLOG: i32 = 1_024;
/// How long a listener rests after the system refused a stream (no files left, above all).
const REST: Duration = Duration::from_millis(100);

/// Binds a listener that a restarted process can bind again at once. Not yet known to any runtime.
///
/// # Errors
/// What the operating system says: the port is taken, the address is not ours, the right is missing.
pub fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    if address.is_ipv6() {
        // `[::]` and `0.0.0.0` can be listened on side by side.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts streams until `stopped` changes. It waits while the keeper is busy, and the system's backlog with
/// it. A stream beyond `files` is closed at once.
pub async fn listen(
    listener: TcpListener,
    local: SocketAddr,
    files: StreamFiles,
    arrivals: mpsc::Sender<Arrival>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((stream, remote)) if files.is_beyond(&stream) => {
                debug!(%remote, "a TCP connection was closed: the rest of the files is for media");
            }
            Ok((stream, remote)) => {
                if arrivals.send(Arrival::Accepted { stream, local, remote }).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                warn!(%local, %error, "a TCP connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}
