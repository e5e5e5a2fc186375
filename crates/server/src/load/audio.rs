//! The thread that carries audio: sockets, clock and ring around the machine of `load`.
//!
//! It is not the thread of the messages, whose times would have the reading of packets in them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;

use load::{Audio, AudioCommand, AudioFigures, AudioTransmit, PairId, Side};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use super::scenario::audio::Audio as Wanted;
use super::timer::Timer;
use crate::clock::Clock;
use crate::doorbell::Doorbell;
use crate::ring::{Consumer, Outbox, ring};
use crate::threads::{self, Received};

const WAKE: Token = Token(usize::MAX);
const TIMER: Token = Token(usize::MAX - 1);
/// Sockets that one poll reports.
const EVENTS: usize = 1_024;
/// Packets of one socket that are read before the others have their turn.
const PACKETS_PER_SOCKET: usize = 16;
/// Octets that are read of a packet: more than any G.711 that is ours.
const PACKET_MAX: usize = 2_048;
/// What the signalling says that waits to be heard; a call says six things.
const SAID_MAX: usize = 8_192;

/// What the thread is told.
enum Said {
    /// Something happens to a call.
    Command(AudioCommand),
    /// The test is over.
    Over,
}

/// The thread, as the thread of the messages has it.
pub(crate) struct Carrier {
    outbox: Outbox<Said>,
    thread: JoinHandle<io::Result<AudioFigures>>,
    ports: Vec<[SocketAddr; 2]>,
}

impl Carrier {
    /// Binds the ports of a test, which has this number, and begins to read them.
    ///
    /// # Errors
    /// Where the system has no ports, files or threads for us.
    pub(crate) fn start(clock: Clock, test: u64, local: IpAddr, wanted: &Wanted) -> io::Result<Carrier> {
        let poll = Poll::new()?;
        let mut sockets = Vec::new();
        let mut ports = Vec::new();
        for pair in (0..wanted.calls).map(PairId) {
            let bound = [bind(&poll, pair, Side::Callers, local)?, bind(&poll, pair, Side::Agents, local)?];
            ports.push(bound.each_ref().map(|(_, port)| *port));
            sockets.push(bound.map(|(socket, _)| socket));
        }
        let doorbell = Arc::new(Doorbell::for_poll(mio::Waker::new(poll.registry(), WAKE)?));
        let (producer, said) = ring(SAID_MAX, &doorbell);
        let timer = Timer::new(&poll, TIMER)?;
        let audio = Audio::new(test, sockets.len(), wanted.judged);
        let unread = VecDeque::new();
        let work = Work { clock, poll, timer, doorbell, said, audio, sockets, unread };
        let thread = std::thread::Builder::new().name("audio".to_owned()).spawn(|| work.run())?;
        // Nothing that is said may be lost; where so much waits the thread is gone, and its end tells why.
        let outbox = Outbox::new(producer, SAID_MAX, Arc::new(AtomicU64::new(0)));
        Ok(Carrier { outbox, thread, ports })
    }

    /// The ports of each call with audio: the caller's and the agent's.
    pub(crate) fn ports(&self) -> Vec<[SocketAddr; 2]> {
        self.ports.clone()
    }

    /// Hands on what happens to calls.
    pub(crate) fn tell(&mut self, commands: impl Iterator<Item = AudioCommand>) {
        commands.for_each(|command| self.outbox.put(Said::Command(command)));
        self.outbox.flush();
    }

    /// Whether everything was heard that was said: if not, [`Carrier::tell`] again soon.
    pub(crate) fn is_clear(&self) -> bool {
        self.outbox.is_clear()
    }

    /// Whether the thread has ended although nobody has told it to: [`Carrier::end`] says why.
    pub(crate) fn is_dead(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends the thread; what was measured.
    ///
    /// # Errors
    /// What the system said to it.
    pub(crate) fn end(mut self) -> io::Result<AudioFigures> {
        self.outbox.put(Said::Over);
        self.outbox.flush();
        while !self.outbox.is_clear() && !self.thread.is_finished() {
            std::thread::yield_now();
            self.outbox.flush();
        }
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Each socket's token says whose it is.
fn token(pair: PairId, side: Side) -> Token {
    Token(2 * pair.index() + side.index())
}

fn owner(token: usize) -> (PairId, Side) {
    let pair = u32::try_from(token / 2).expect("it was made of a pair");
    (PairId(pair), Side::BOTH[token % 2])
}

fn bind(poll: &Poll, pair: PairId, side: Side, local: IpAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let socket = threads::bind_udp(SocketAddr::new(local, 0), None)?;
    let port = socket.local_addr()?;
    let mut socket = UdpSocket::from_std(socket);
    poll.registry().register(&mut socket, token(pair, side), Interest::READABLE)?;
    Ok((socket, port))
}

/// What the thread owns.
struct Work {
    clock: Clock,
    poll: Poll,
    timer: Timer,
    doorbell: Arc<Doorbell>,
    said: Consumer<Said>,
    audio: Audio,
    sockets: Vec<[UdpSocket; 2]>,
    /// Those that had more to read than their share.
    unread: VecDeque<usize>,
}

impl Work {
    /// Turns until it is told that the test is over.
    fn run(mut self) -> io::Result<AudioFigures> {
        let mut ready = Events::with_capacity(EVENTS);
        while !self.is_told_to_end() {
            self.read(&ready);
            ready.clear();
            let now = self.clock.now();
            if self.audio.poll_timeout().is_some_and(|deadline| deadline <= now) {
                self.audio.handle_timeout(now);
            }
            self.send();
            self.sleep(&mut ready)?;
        }
        self.audio.finish(self.clock.now());
        Ok(self.audio.figures().clone())
    }

    fn is_told_to_end(&mut self) -> bool {
        while let Some(said) = self.said.pop() {
            match said {
                Said::Command(command) => self.audio.handle_command(self.clock.now(), command),
                Said::Over => return true,
            }
        }
        false
    }

    /// Reads the sockets that had more than their share, then those that the poll named.
    fn read(&mut self, ready: &Events) {
        let mut packet = [0; PACKET_MAX];
        let again = std::mem::take(&mut self.unread);
        let named = ready.iter().map(mio::event::Event::token);
        for Token(number) in again.into_iter().map(Token).chain(named) {
            match Token(number) {
                WAKE => {}
                TIMER => self.timer.has_rung(),
                Token(number) => self.read_socket(number, &mut packet),
            }
        }
    }

    fn read_socket(&mut self, number: usize, packet: &mut [u8]) {
        let (pair, side) = owner(number);
        let socket = &self.sockets[pair.index()][side.index()];
        for _ in 0..PACKETS_PER_SOCKET {
            match threads::receive_udp(socket, packet) {
                Received::Datagram(length, _) => {
                    self.audio.handle_packet(self.clock.now(), pair, side, &packet[..length]);
                }
                Received::Empty => return,
                Received::Trouble => break,
            }
        }
        self.unread.push_back(number);
    }

    fn send(&mut self) {
        // Each says when it was sent, and those before it have taken their time.
        while let Some(AudioTransmit { pair, side, to, bytes }) = self.audio.poll_transmit(self.clock.now()) {
            if self.sockets[pair.index()][side.index()].send_to(&bytes, to).is_err() {
                self.audio.transmit_failed();
            }
        }
    }

    fn sleep(&mut self, ready: &mut Events) -> io::Result<()> {
        if let Some(deadline) = self.audio.poll_timeout() {
            self.timer.ring_by(self.clock, deadline)?;
        }
        let may_sleep = self.unread.is_empty() && self.doorbell.lie_down(|| self.said.is_empty());
        let limit = (!may_sleep).then_some(std::time::Duration::ZERO);
        let polled = self.poll.poll(ready, limit);
        self.doorbell.rise();
        match polled {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
impl Carrier {
    /// One whose thread has ended with this error.
    pub(crate) fn ended(why: &'static str) -> Carrier {
        let thread = std::thread::spawn(move || Err(io::Error::other(why)));
        while !thread.is_finished() {
            std::thread::yield_now();
        }
        let (producer, _) = ring(SAID_MAX, &Arc::new(Doorbell::for_thread()));
        let outbox = Outbox::new(producer, SAID_MAX, Arc::new(AtomicU64::new(0)));
        Carrier { outbox, thread, ports: Vec::new() }
    }
}
