//! The least that a relay in user space can do: for each packet a wait, a `recvfrom` and a `sendto`.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

/// The first port, below those that the system lends; each call has two, one after the other.
pub(super) const FIRST_PORT: u16 = 20_000;
/// Sockets that one poll reports, and packets of one that are read before the others have their turn: as Cordboard's relay.
const EVENTS: usize = 1_024;
const PACKETS: usize = 16;

/// What `system --forward` is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forward {
    /// How many calls.
    pub(crate) calls: u16,
    /// Where the two people of each hear.
    pub(crate) ports: [u16; 2],
}

impl std::str::FromStr for Forward {
    type Err = String;

    /// `calls,port,port`
    fn from_str(text: &str) -> Result<Forward, String> {
        let numbers: Result<Vec<u16>, _> = text.split(',').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[calls, one, other]) => Ok(Forward { calls, ports: [one, other] }),
            Ok(_) | Err(_) => Err("say `calls,port,port`".to_owned()),
        }
    }
}

/// Hands on until it is ended.
///
/// # Errors
///
/// What the system says of sockets.
pub(crate) fn forward(told: Forward) -> std::io::Result<()> {
    let mut poll = Poll::new()?;
    let mut sockets = Vec::new();
    for number in 0..usize::from(told.calls) * 2 {
        let port = FIRST_PORT + u16::try_from(number).map_err(|_| ErrorKind::InvalidInput)?;
        let mut socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port).into())?;
        poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
        sockets.push(socket);
    }
    let to = told.ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let mut events = Events::with_capacity(EVENTS);
    let mut buffer = [0; 2_048];
    let mut unread: Vec<usize> = Vec::new();
    loop {
        let wait = (!unread.is_empty()).then_some(std::time::Duration::ZERO);
        match poll.poll(&mut events, wait) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let again = std::mem::take(&mut unread);
        for number in again.into_iter().chain(events.iter().map(|event| event.token().0)) {
            // What comes from the one person leaves to the other, from the port that the other one sends to.
            let (from, out) = (&sockets[number], &sockets[number ^ 1]);
            let mut is_empty = false;
            for _ in 0..PACKETS {
                let Ok((length, _)) = from.recv_from(&mut buffer) else {
                    is_empty = true;
                    break;
                };
                // A packet that cannot be sent is lost, and is missed at the other end.
                let _: std::io::Result<usize> = out.send_to(&buffer[..length], to[(number ^ 1) % 2]);
            }
            if !is_empty {
                unread.push(number);
            }
        }
    }
}
