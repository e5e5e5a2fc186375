//! The sockets of media ports, some of which no call has.
//!
//! A call takes four sockets. To open, bind, poll and close them is a good part of what it costs, and its ports come round
//! again: so a port that a call gives back keeps its socket for a while.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use media::LocalPort;
use mio::net::UdpSocket;
use timing::Instant;

use super::udp::{self, Received};

/// How long a socket stays open that no call has. Ports are given out in turn: of 5,000 pairs, one comes round within this
/// time from some 40 calls a second on.
const REST: Duration = Duration::from_secs(60);
/// Sockets that are closed in one turn: all calls may have ended in the same moment, and others talk.
const CLOSED_PER_TURN: usize = 64;
/// What is added to a port's number for its IPv6 socket.
const V6: usize = 1 << 16;
/// Packets to nobody that are thrown away before the next call has the socket; with more the socket is made anew.
const LATE_PACKETS: usize = 64;

/// A socket that is open.
struct Socket {
    socket: UdpSocket,
    port: LocalPort,
    /// Until when it stays open where no call has it.
    rests_until: Option<Instant>,
}

/// The sockets that are open, by [`key`].
pub(super) struct Sockets {
    /// Whether those that no call has stay open for a while.
    may_rest: bool,
    open: BTreeMap<usize, Socket>,
    /// Those that had more to read than their share.
    unread: VecDeque<usize>,
    /// Those that rest, or rested, in the order in which that ends.
    resting: VecDeque<(Instant, usize)>,
}

/// What a poll calls the socket of a port.
pub(super) fn key(port: LocalPort, address: IpAddr) -> usize {
    usize::from(port.0) + if address.is_ipv6() { V6 } else { 0 }
}

impl Sockets {
    /// None is open. Where the process may open too few files for all media ports, none shall rest.
    pub(super) fn new(may_rest: bool) -> Sockets {
        Sockets { may_rest, open: BTreeMap::new(), unread: VecDeque::new(), resting: VecDeque::new() }
    }

    pub(super) fn get(&self, key: usize) -> Option<&UdpSocket> {
        self.open.get(&key).map(|open| &open.socket)
    }

    /// The port of a socket that a call has.
    pub(super) fn port_in_use(&self, key: usize) -> Option<LocalPort> {
        self.open.get(&key).filter(|open| open.rests_until.is_none()).map(|open| open.port)
    }

    /// A call has a new socket.
    pub(super) fn insert(&mut self, port: LocalPort, address: IpAddr, socket: UdpSocket) {
        self.open.insert(key(port, address), Socket { socket, port, rests_until: None });
    }

    /// A call has the socket that rests, if there is one. What came for whoever had it before is thrown away.
    pub(super) fn wake(&mut self, port: LocalPort, address: IpAddr) -> bool {
        let key = key(port, address);
        let Some(open) = self.open.get_mut(&key) else { return false };
        let mut nothing = [0; 1];
        for _ in 0..LATE_PACKETS {
            match udp::receive(&open.socket, &mut nothing) {
                Received::Datagram(..) => {}
                Received::Empty => {
                    open.rests_until = None;
                    return true;
                }
                Received::Trouble => break,
            }
        }
        self.open.remove(&key);
        false
    }

    /// No call has the socket any more.
    pub(super) fn rest(&mut self, now: Instant, port: LocalPort, address: IpAddr) {
        if !self.may_rest {
            return self.close(port, address);
        }
        let key = key(port, address);
        let Some(open) = self.open.get_mut(&key) else { return };
        let until = now + REST;
        open.rests_until = Some(until);
        self.resting.push_back((until, key));
    }

    /// At once; the system takes it out of the poll.
    pub(super) fn close(&mut self, port: LocalPort, address: IpAddr) {
        self.open.remove(&key(port, address));
    }

    /// Closes what has rested long enough, or some of it.
    pub(super) fn close_rested(&mut self, now: Instant) {
        for _ in 0..CLOSED_PER_TURN {
            let Some(&(until, key)) = self.resting.front().filter(|(until, _)| *until <= now) else { return };
            self.resting.pop_front();
            // Unless a call has it by now, or has had it since and it rests anew.
            if self.open.get(&key).is_some_and(|open| open.rests_until == Some(until)) {
                self.open.remove(&key);
            }
        }
    }

    /// When [`Sockets::close_rested`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.resting.front().map(|&(until, _)| until)
    }

    pub(super) fn is_unread(&mut self, key: usize) {
        self.unread.push_back(key);
    }

    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    pub(super) fn take_unread(&mut self) -> VecDeque<usize> {
        std::mem::take(&mut self.unread)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn at(secs: u64) -> Instant {
        Instant::from_secs(secs)
    }

    /// A socket that a call has, where it is, and who sends to it.
    fn in_use() -> (Sockets, LocalPort, std::net::UdpSocket) {
        let ours = udp::bind(SocketAddr::new(HOME, 0), None).expect("loopback has ports");
        let bound = ours.local_addr().expect("it is bound");
        let theirs = std::net::UdpSocket::bind((HOME, 0)).expect("loopback has ports");
        theirs.connect(bound).expect("it is there");
        let mut sockets = Sockets::new(true);
        let port = LocalPort(bound.port());
        sockets.insert(port, HOME, UdpSocket::from_std(ours));
        (sockets, port, theirs)
    }

    #[test]
    fn a_port_that_comes_round_again_has_its_socket_and_none_of_the_old_packets() {
        let (mut sockets, port, theirs) = in_use();
        sockets.rest(at(1), port, HOME);
        assert_eq!(sockets.port_in_use(key(port, HOME)), None, "no call has it");
        theirs.send(b"late").expect("somebody listens");
        assert!(sockets.wake(port, HOME));
        assert_eq!(sockets.port_in_use(key(port, HOME)), Some(port));
        let socket = sockets.get(key(port, HOME)).expect("it is open");
        assert!(matches!(udp::receive(socket, &mut [0; 8]), Received::Empty));
    }

    #[test]
    fn a_socket_that_rested_long_enough_is_closed_and_one_in_use_never() {
        let (mut sockets, port, _theirs) = in_use();
        sockets.rest(at(1), port, HOME);
        assert!(sockets.wake(port, HOME));
        sockets.close_rested(at(100));
        assert!(sockets.port_in_use(key(port, HOME)).is_some(), "a call has it again");
        sockets.rest(at(100), port, HOME);
        assert_eq!(sockets.next_deadline(), Some(at(100) + REST));
        sockets.close_rested(at(159));
        assert!(sockets.get(key(port, HOME)).is_some());
        sockets.close_rested(at(160));
        assert!(sockets.get(key(port, HOME)).is_none());
        assert_eq!(sockets.next_deadline(), None);
    }

    #[test]
    fn where_files_are_short_no_socket_rests() {
        let (mut sockets, port, _theirs) = in_use();
        sockets.may_rest = false;
        sockets.rest(at(1), port, HOME);
        assert!(sockets.get(key(port, HOME)).is_none());
    }

    #[test]
    fn many_that_rested_long_enough_are_closed_a_few_at_a_time() {
        let mut sockets = Sockets::new(true);
        for at_once in 0..=CLOSED_PER_TURN {
            let port = LocalPort(u16::try_from(2 * at_once).expect("few"));
            let socket = udp::bind(SocketAddr::new(HOME, 0), None).expect("loopback has ports");
            sockets.insert(port, HOME, UdpSocket::from_std(socket));
            sockets.rest(at(1), port, HOME);
        }
        sockets.close_rested(at(1) + REST);
        assert_eq!((sockets.open.len(), sockets.next_deadline()), (1, Some(at(1) + REST)), "that is due");
        sockets.close_rested(at(1) + REST);
        assert!(sockets.open.is_empty());
    }

    #[test]
    fn a_socket_under_a_flood_is_made_anew() {
        let (mut sockets, port, theirs) = in_use();
        sockets.rest(at(1), port, HOME);
        for _ in 0..=LATE_PACKETS {
            theirs.send(b"flood").expect("somebody listens");
        }
        assert!(!sockets.wake(port, HOME));
        assert!(sockets.get(key(port, HOME)).is_none());
    }
}
