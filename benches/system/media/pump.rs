//! Audio as phones send it: a packet every 20 ms in both directions of each call, and what became of it.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Between two packets of a stream.
const PACE: Duration = Duration::from_millis(20);
/// The time that a packet holds.
const SAMPLES: u32 = 160;
/// An RTP header without contributing sources or extension (RFC 3550 section 5.1).
const HEADER: usize = 12;
/// G.711, 20 ms.
const PACKET: usize = HEADER + SAMPLES as usize;
/// When nothing has come for so long after the last was sent, what is missing is lost.
const LATE: Duration = Duration::from_millis(300);

/// The two people of all calls: each has one socket for the audio of all.
pub(crate) struct Parties {
    sockets: [UdpSocket; 2],
}

/// Where the two people of one call send their audio.
pub(crate) type Ways = [SocketAddr; 2];

/// What became of the audio.
pub(crate) struct Heard {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// From the moment of sending to that of reading, in nanoseconds.
    pub(crate) delays: Histogram<u64>,
}

impl Parties {
    /// # Errors
    ///
    /// Where loopback has no ports.
    pub(crate) fn new() -> Result<Parties, String> {
        let bind = || -> std::io::Result<UdpSocket> {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)?;
            // What comes while this program does not run must wait for it: it measures the relay and not itself.
            socket.set_recv_buffer_size(8 << 20)?;
            socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
            socket.set_read_timeout(Some(LATE))?;
            Ok(socket.into())
        };
        let cannot = |error: std::io::Error| format!("no socket for audio: {error}");
        Ok(Parties { sockets: [bind().map_err(cannot)?, bind().map_err(cannot)?] })
    }

    /// What their session descriptions name.
    pub(crate) fn ports(&self) -> Result<[u16; 2], String> {
        let port = |socket: &UdpSocket| socket.local_addr().map(|address| address.port());
        let [one, other] = [&self.sockets[0], &self.sockets[1]].map(port);
        let cannot = |error: std::io::Error| format!("a socket without an address: {error}");
        Ok([one.map_err(cannot)?, other.map_err(cannot)?])
    }

    /// Both talk in all calls for so long.
    pub(crate) fn talk(&self, calls: &[Ways], length: Duration) -> Heard {
        let origin = Instant::now();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let hear = |party: usize| {
                let (socket, is_over) = (&self.sockets[party], &is_over);
                scope.spawn(move || listen(socket, 1 - party, origin, is_over))
            };
            let listeners = [hear(0), hear(1)];
            let sent = self.send(calls, length, origin);
            is_over.store(true, Ordering::Release);
            let mut heard = Heard { sent, received: 0, delays: histogram() };
            for listener in listeners {
                let delays = listener.join().expect("a listener does not panic");
                heard.received += delays.len();
                heard.delays.add(delays).expect("both have the same bounds");
            }
            heard
        })
    }

    /// Sends on a schedule in which the calls are spread evenly over 20 ms; how many packets.
    fn send(&self, calls: &[Ways], length: Duration, origin: Instant) -> u64 {
        let begun = Instant::now();
        let rounds = u32::try_from(length.as_millis() / PACE.as_millis()).expect("seconds, not years");
        let apart = PACE / u32::try_from(calls.len()).expect("some thousand calls");
        let mut packet = [0xff_u8; PACKET];
        let mut sent = 0;
        for round in 0..rounds {
            for (number, ways) in (0..).zip(calls) {
                let due = PACE * round + apart * number;
                while let Some(early) = due.checked_sub(begun.elapsed()).filter(|early| !early.is_zero()) {
                    std::thread::sleep(early);
                }
                for (party, to) in (0..).zip(ways) {
                    fill(&mut packet, round, number * 2 + party, origin);
                    sent += u64::from(self.sockets[party as usize].send_to(&packet, to).is_ok());
                }
            }
        }
        sent
    }
}

/// An RTP packet of one stream, that tells in its audio who has sent it and when.
fn fill(packet: &mut [u8; PACKET], round: u32, stream: u32, origin: Instant) {
    packet[0] = 0x80;
    // PCMU (RFC 3551 section 6); the marker begins a talk.
    packet[1] = if round == 0 { 0x80 } else { 0 };
    packet[2..4].copy_from_slice(&(round as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&(round * SAMPLES).to_be_bytes());
    packet[8..12].copy_from_slice(&(0x5eed_0000 + stream).to_be_bytes());
    let nanos = u64::try_from(origin.elapsed().as_nanos()).expect("less than centuries");
    packet[HEADER..HEADER + 4].copy_from_slice(&stream.to_be_bytes());
    packet[HEADER + 4..HEADER + 12].copy_from_slice(&nanos.to_be_bytes());
}

/// The delays of all packets of the other party, until nothing more comes.
fn listen(socket: &UdpSocket, other: usize, origin: Instant, is_over: &AtomicBool) -> Histogram<u64> {
    let mut delays = histogram();
    let mut buffer = [0; 2_048];
    loop {
        match socket.recv(&mut buffer) {
            Ok(PACKET) => {
                let now = u64::try_from(origin.elapsed().as_nanos()).expect("less than centuries");
                let stream = u32::from_be_bytes(buffer[HEADER..HEADER + 4].try_into().expect("four octets"));
                let sent =
                    u64::from_be_bytes(buffer[HEADER + 4..HEADER + 12].try_into().expect("eight octets"));
                // What was left of the run before, and an echo, are nobody's audio.
                if stream as usize % 2 == other && sent <= now {
                    delays.saturating_record(now - sent);
                }
            }
            // RTCP, or something that is longer.
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if is_over.load(Ordering::Acquire) {
                    return delays;
                }
            }
            // A port that is not open yet or no more (ICMP): the packet counts as lost.
            Err(_) => {}
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("three digits up to ten seconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_that_arrives_is_heard_once_and_audio_that_does_not_is_missed() {
        let parties = Parties::new().expect("loopback has ports");
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let [one, other] = parties.ports().expect("they are bound").map(at);
        // Bound and never read: what is sent there is lost.
        let nobody = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let nowhere = nobody.local_addr().expect("it is bound");
        let heard = parties.talk(&[[other, one], [other, nowhere], [one, one]], Duration::from_millis(100));
        assert_eq!(heard.sent, 30, "three calls, two directions, five packets");
        // The first both ways, the second one way; in the third the one hears its own echo, which is nobody's audio.
        assert_eq!(heard.received, 20);
        assert!(heard.delays.min() > 0);
    }
}
