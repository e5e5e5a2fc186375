//! Ports for those whom a test must tell a number before they bind it.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// A loopback port that is free for UDP and TCP now, and is not handed out again by this process.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Below the usual ephemeral range, so that nobody's outgoing connection takes it meanwhile.
        let port = u16::try_from(12_000 + NEXT.fetch_add(2, Ordering::Relaxed) % 4_000).expect("below 65536");
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        if udp.is_ok() && tcp.is_ok() {
            return port;
        }
    }
}
