//! UDP sockets of the threads.

use std::io::{ErrorKind, Result};
use std::net::SocketAddr;

use mio::net::UdpSocket;

/// Binds a UDP socket that does not block. `buffer` octets are asked for in both directions; the system may
/// grant less (`net.core.rmem_max`).
///
/// # Errors
/// What the operating system says: the port is taken, the address is not ours, the right is missing, no
/// files.
pub fn bind(address: SocketAddr, buffer: Option<usize>) -> Result<std::net::UdpSocket> {
    let kind = socket2::Type::DGRAM.nonblocking();
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), kind, None)?;
    if address.is_ipv6() {
        // `[::]` and `0.0.0.0` can be bound side by side.
        socket.set_only_v6(true)?;
    }
    if let Some(buffer) = buffer {
        // Less than we asked for is still a socket.
        let _smaller = socket.set_recv_buffer_size(buffer).and_then(|()| socket.set_send_buffer_size(buffer));
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Errors of one socket that are passed over in a row.
const ERRORS: usize = 16;

/// What a socket answered.
pub(crate) enum Received {
    /// A datagram of so many octets.
    Datagram(usize, SocketAddr),
    /// Nothing is there; the poll will say when there is.
    Empty,
    /// Nothing but errors so far: there may be more to read.
    Trouble,
}

/// The next datagram. Errors that concern one datagram or one peer (ICMP) are passed over.
pub(crate) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Received {
    for _ in 0..ERRORS {
        match socket.recv_from(buffer) {
            Ok((length, peer)) => return Received::Datagram(length, peer),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Received::Empty,
            Err(_) => {}
        }
    }
    Received::Trouble
}
