//! Sockets, clock and terminal around the machine of `load`.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use load::{AudioFigures, Figures, Load, Phase, Plan, Side, Transmit};
use mio::net::{TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Token};
use rustix::time::{ClockId, clock_gettime};
use sip::{Frame, Message, Protocol, StreamFramer};
use timing::Instant;

use super::audio::Carrier;
use super::scenario::Scenario;
use super::timer::Timer;
use crate::clock::Clock;
use crate::limits;
use crate::ring::Outbox;
use crate::threads::{self, Received};

const CALLERS: Token = Token(0);
const AGENTS: Token = Token(1);
const TIMER: Token = Token(2);
/// Octets that we ask the system to buffer for a socket.
const BUFFER: usize = 8 << 20;
/// Datagrams that are read before deadlines have their turn again.
const BATCH: usize = 64;
/// The largest UDP datagram there can be.
const DATAGRAM_MAX: usize = 65_535;
/// Octets that wait for a stream to take them; a system that reads so slowly is no system.
const UNSENT_MAX: usize = 64 << 20;
/// How often the line in the terminal changes.
const SHOWN_EVERY: Duration = Duration::from_millis(200);

/// What one test gave.
pub(crate) struct Driven {
    pub(crate) figures: Figures,
    /// None where calls have no audio.
    pub(crate) audio: Option<AudioFigures>,
    /// Processor time of this process, all threads, from the first call to the end of the last.
    pub(crate) processor: Duration,
    /// How long that took.
    pub(crate) elapsed: Duration,
    /// Somebody pressed Ctrl-C.
    pub(crate) was_stopped: bool,
    /// Why the way to the system was lost before the end, where it was.
    pub(crate) lost: Option<String>,
}

/// What waits for Ctrl-C, all tests of one call through.
pub(crate) struct Interrupt {
    pressed: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// Where the system has no thread or no signals for us.
    pub(crate) fn listen() -> io::Result<Interrupt> {
        let pressed = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let press = Arc::clone(&pressed);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                while tokio::signal::ctrl_c().await.is_ok() {
                    if press.swap(true, Ordering::AcqRel) {
                        // Pressed again: whoever has no patience for the calls to end.
                        std::process::exit(130);
                    }
                }
            });
        })?;
        Ok(Interrupt { pressed })
    }

    pub(crate) fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::Acquire)
    }
}

/// One end's way to the system.
enum End {
    Datagrams { socket: UdpSocket, unsent: VecDeque<(SocketAddr, Bytes)> },
    Stream { stream: TcpStream, framer: Box<StreamFramer>, unsent: VecDeque<u8>, remote: SocketAddr },
}

/// The sockets of one test.
pub(crate) struct Ends {
    clock: Clock,
    poll: Poll,
    timer: Timer,
    /// None where nobody calls, or nobody answers.
    callers: Option<End>,
    agents: Option<End>,
    /// Bound and never read: the addresses that session descriptions of calls without audio name.
    media: [std::net::UdpSocket; 2],
    addresses: [SocketAddr; 2],
    local: IpAddr,
    /// Carries the audio of the test that was planned last, until it is over.
    audio: Option<Carrier>,
}

impl Ends {
    /// Binds what a test needs.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(scenario: &Scenario) -> io::Result<Ends> {
        let local = match scenario.local {
            Some(local) => local,
            None => towards(scenario.system)?,
        };
        let poll = Poll::new()?;
        let timer = Timer::new(&poll, TIMER)?;
        if scenario.audio.is_some() {
            limits::raise_open_files();
        }
        let any = SocketAddr::new(local, 0);
        let open = |is_needed: bool, port, token| -> io::Result<(Option<End>, SocketAddr)> {
            if !is_needed {
                return Ok((None, any));
            }
            let (end, at) = End::open(scenario, SocketAddr::new(local, port), &poll, token)?;
            Ok((Some(end), at))
        };
        let (callers, callers_at) = open(!scenario.callers.is_empty(), scenario.ports[0], CALLERS)?;
        let (agents, agents_at) = open(!scenario.agents.is_empty(), scenario.ports[1], AGENTS)?;
        let media = [threads::bind_udp(any, None)?, threads::bind_udp(any, None)?];
        let (clock, addresses, audio) = (Clock::start(), [callers_at, agents_at], None);
        Ok(Ends { clock, poll, timer, callers, agents, media, addresses, local, audio })
    }

    /// The plan of a scenario with these sockets, and new ones for its audio; `seed` of its own for each test.
    ///
    /// # Errors
    /// Where a socket has no address, or there are not enough for audio.
    pub(crate) fn plan(&mut self, scenario: &Scenario, seed: u64) -> io::Result<Plan> {
        let [callers_at, agents_at] = self.addresses;
        let nonce = nonce()?;
        let carrier = scenario.audio.map(|audio| Carrier::start(self.clock, nonce, self.local, &audio));
        self.audio = carrier.transpose()?;
        Ok(Plan {
            system: scenario.system,
            protocol: scenario.protocol,
            domain: scenario.domain.clone(),
            callers_at,
            agents_at,
            callers_media: self.media[0].local_addr()?,
            agents_media: self.media[1].local_addr()?,
            audio: self.audio.as_ref().map(Carrier::ports).unwrap_or_default(),
            callers: scenario.callers.clone(),
            agents: scenario.agents.clone(),
            warm_up: scenario.warm_up,
            length: scenario.length,
            drain: scenario.drain,
            registrations_per_second: scenario.registrations_per_second,
            calls_max: scenario.calls_max as usize,
            seed,
            nonce,
        })
    }

    fn end(&mut self, side: Side) -> Option<&mut End> {
        match side {
            Side::Callers => self.callers.as_mut(),
            Side::Agents => self.agents.as_mut(),
        }
    }

    fn flush(&mut self, load: &mut Load) -> io::Result<()> {
        for end in self.callers.iter_mut().chain(&mut self.agents) {
            end.flush(load)?;
        }
        Ok(())
    }
}

/// A number that no other test has.
fn nonce() -> io::Result<u64> {
    let mut octets = [0; 8];
    let filled = rustix::rand::getrandom(&mut octets, rustix::rand::GetRandomFlags::empty())?;
    debug_assert_eq!(filled, octets.len(), "so few are given at once");
    Ok(u64::from_ne_bytes(octets))
}

/// Our address on the way to the system: a socket that is connected and sends nothing knows it.
fn towards(system: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = if system.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.connect(system)?;
    Ok(socket.local_addr()?.ip())
}

impl End {
    fn open(scenario: &Scenario, at: SocketAddr, poll: &Poll, token: Token) -> io::Result<(End, SocketAddr)> {
        match scenario.protocol {
            Protocol::Udp => {
                let socket = threads::bind_udp(at, Some(BUFFER))?;
                let address = socket.local_addr()?;
                let mut socket = UdpSocket::from_std(socket);
                poll.registry().register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
                Ok((End::Datagrams { socket, unsent: VecDeque::new() }, address))
            }
            Protocol::Tcp => {
                // Connected before the first message, so that a system that is not there is told at once.
                let domain = socket2::Domain::for_address(scenario.system);
                let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
                socket.bind(&SocketAddr::new(at.ip(), 0).into())?;
                socket.connect_timeout(&scenario.system.into(), Duration::from_secs(10))?;
                let stream = std::net::TcpStream::from(socket);
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                let address = stream.local_addr()?;
                let mut stream = TcpStream::from_std(stream);
                poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
                let framer = Box::new(StreamFramer::new(sip::Limits::default()));
                let remote = scenario.system;
                Ok((End::Stream { stream, framer, unsent: VecDeque::new(), remote }, address))
            }
        }
    }

    fn send(&mut self, load: &mut Load, to: SocketAddr, bytes: Bytes) -> io::Result<()> {
        match self {
            End::Datagrams { unsent, .. } => unsent.push_back((to, bytes)),
            End::Stream { unsent, .. } => {
                if unsent.len() > UNSENT_MAX {
                    return Err(io::Error::other("the system does not read what it is sent"));
                }
                unsent.extend(bytes);
            }
        }
        self.flush(load)
    }

    /// Sends what the system takes now.
    fn flush(&mut self, load: &mut Load) -> io::Result<()> {
        match self {
            End::Datagrams { socket, unsent } => {
                while let Some((to, bytes)) = unsent.front() {
                    match socket.send_to(bytes, *to) {
                        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                        Ok(_) => drop(unsent.pop_front()),
                        // Nobody listens there (ICMP), or it cannot be reached.
                        Err(_) => {
                            load.transmit_failed();
                            drop(unsent.pop_front());
                        }
                    }
                }
                Ok(())
            }
            End::Stream { stream, unsent, .. } => {
                while !unsent.is_empty() {
                    match stream.write(unsent.as_slices().0) {
                        Ok(count) => drop(unsent.drain(..count)),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
        }
    }

    /// The next that came; nothing where the system has nothing more for us.
    fn receive(&mut self, clock: Clock, buffer: &mut [u8]) -> io::Result<Option<Arrived>> {
        match self {
            // One peer's trouble (ICMP) is passed over: the call's own timers tell it.
            End::Datagrams { socket, .. } => Ok(match threads::receive_udp(socket, buffer) {
                Received::Datagram(length, from) => {
                    Some(Arrived::Datagram(from, Bytes::copy_from_slice(&buffer[..length])))
                }
                Received::Empty | Received::Trouble => None,
            }),
            End::Stream { stream, framer, unsent, remote } => loop {
                match framer.poll_output() {
                    Some(Frame::Message(message)) => return Ok(Some(Arrived::Message(*remote, message))),
                    Some(Frame::Ping) => unsent.extend(b"\r\n"),
                    // The stream goes on behind it.
                    Some(Frame::Broken(_)) => return Ok(Some(Arrived::Datagram(*remote, Bytes::new()))),
                    Some(Frame::Fatal(error)) => {
                        return Err(io::Error::other(format!("the system sends what is no SIP: {error}")));
                    }
                    None => match stream.read(buffer) {
                        Ok(0) => return Err(io::Error::other("the system has closed the connection")),
                        Ok(length) => framer.handle_input(clock.now(), &buffer[..length]),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                        Err(error) => return Err(error),
                    },
                }
            },
        }
    }
}

/// What came.
enum Arrived {
    Datagram(SocketAddr, Bytes),
    Message(SocketAddr, Message),
}

/// Plays one test to its end, or until the way to the system is lost.
pub(crate) fn drive(ends: &mut Ends, plan: Plan, interrupt: &Interrupt, shown: &mut Shown) -> Driven {
    let clock = ends.clock;
    let mut driver = Driver {
        clock,
        load: Load::new(clock.now(), plan),
        carrier: ends.audio.take(),
        usage: Usage::default(),
        was_stopped: false,
    };
    let mut lost = driver.turn(ends, interrupt, shown).err();
    shown.end();
    let audio = driver.carrier.take().and_then(|carrier| match carrier.end() {
        Ok(figures) => Some(figures),
        Err(error) => {
            lost.get_or_insert(io::Error::new(error.kind(), format!("the audio has ended: {error}")));
            None
        }
    });
    if lost.is_some() {
        driver.load.give_up(clock.now());
        driver.usage.follow(Phase::Over, clock.now());
    }
    let (processor, elapsed) = driver.usage.total();
    Driven {
        figures: driver.load.figures().clone(),
        audio,
        processor,
        elapsed,
        was_stopped: driver.was_stopped,
        lost: lost.map(|error| error.to_string()),
    }
}

/// A test under way.
struct Driver {
    clock: Clock,
    load: Load,
    /// Carries audio, where there is any.
    carrier: Option<Carrier>,
    usage: Usage,
    was_stopped: bool,
}

impl Driver {
    /// Turns until the test is over.
    fn turn(&mut self, ends: &mut Ends, interrupt: &Interrupt, shown: &mut Shown) -> io::Result<()> {
        let Driver { clock, load, carrier, usage, was_stopped } = self;
        let mut events = Events::with_capacity(16);
        let mut buffer = vec![0; DATAGRAM_MAX];
        // What the poll has told of and we have not read to the end since.
        let mut is_readable = [true; 2];
        while load.phase() != Phase::Over {
            if carrier.as_ref().is_some_and(Carrier::is_dead) {
                // What is heard no more is not measured either; the carrier's own end says why.
                return Ok(());
            }
            let is_busy = read(load, ends, carrier, &mut is_readable, &mut buffer)?;
            let now = clock.now();
            if interrupt.is_pressed() && !*was_stopped {
                *was_stopped = true;
                load.stop(now);
            }
            if load.poll_timeout().is_some_and(|deadline| deadline <= now) {
                load.handle_timeout(now);
            }
            transmit(load, ends, carrier)?;
            usage.follow(load.phase(), now);
            shown.show(load, now);
            if is_busy || load.phase() == Phase::Over {
                continue;
            }
            let retry = carrier.as_ref().filter(|carrier| !carrier.is_clear());
            let retry = retry.map(|_| now + Outbox::<()>::RETRY);
            let deadlines = [load.poll_timeout(), Some(now + SHOWN_EVERY), retry];
            let deadline = deadlines.into_iter().flatten().min().unwrap_or(now);
            ends.timer.ring_by(*clock, deadline)?;
            match ends.poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            for event in &events {
                match event.token() {
                    CALLERS => is_readable[0] |= event.is_readable() || event.is_error(),
                    AGENTS => is_readable[1] |= event.is_readable() || event.is_error(),
                    _ => ends.timer.has_rung(),
                }
                if event.is_writable() {
                    ends.flush(load)?;
                }
            }
        }
        Ok(())
    }
}

/// Takes what came, at most a batch for each side; whether there may be more.
fn read(
    load: &mut Load,
    ends: &mut Ends,
    carrier: &mut Option<Carrier>,
    is_readable: &mut [bool; 2],
    buffer: &mut [u8],
) -> io::Result<bool> {
    let (clock, mut is_busy) = (ends.clock, false);
    for (side, is_readable) in [Side::Callers, Side::Agents].into_iter().zip(is_readable) {
        let mut taken = 0;
        while *is_readable && taken < BATCH {
            let arrived = match ends.end(side) {
                Some(end) => end.receive(clock, buffer)?,
                None => None,
            };
            let Some(arrived) = arrived else {
                *is_readable = false;
                break;
            };
            match arrived {
                Arrived::Datagram(from, octets) => load.handle_datagram(clock.now(), side, from, octets),
                Arrived::Message(from, message) => load.handle_message(clock.now(), side, from, &message),
            }
            transmit(load, ends, carrier)?;
            taken += 1;
        }
        is_busy |= taken == BATCH;
    }
    // A keep-alive is answered even where nothing else is to be sent.
    ends.flush(load)?;
    Ok(is_busy)
}

fn transmit(load: &mut Load, ends: &mut Ends, carrier: &mut Option<Carrier>) -> io::Result<()> {
    let tell = |load: &mut Load| {
        if let Some(carrier) = carrier {
            carrier.tell(std::iter::from_fn(|| load.poll_audio()));
        }
    };
    hand_out(load, tell, |load, Transmit { side, to, bytes }| match ends.end(side) {
        Some(end) => end.send(load, to, bytes),
        None => Ok(()),
    })
}

/// Hands out what a test says. Whoever listens is told of the end of a call before the message goes that ends it: what the
/// system does not send any more would be missed otherwise.
fn hand_out(
    load: &mut Load,
    tell: impl FnOnce(&mut Load),
    mut send: impl FnMut(&mut Load, Transmit) -> io::Result<()>,
) -> io::Result<()> {
    tell(load);
    while let Some(transmit) = load.poll_transmit() {
        send(load, transmit)?;
    }
    Ok(())
}

/// What the processor did for us while calls were made: not while phones registered.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    /// When that began, and the processor's time then.
    from: Option<(Instant, Duration)>,
    /// The same of its end.
    to: Option<(Instant, Duration)>,
}

impl Usage {
    fn follow(&mut self, phase: Phase, now: Instant) {
        let is_over = matches!(phase, Phase::Leaving | Phase::Over);
        if phase != Phase::Registering && self.from.is_none() {
            self.from = Some((now, processor_time()));
        }
        if is_over && self.to.is_none() {
            self.to = Some((now, processor_time()));
        }
    }

    /// Processor time, and how long it took.
    fn total(self) -> (Duration, Duration) {
        let (Some((from, before)), Some((to, after))) = (self.from, self.to) else {
            return (Duration::ZERO, Duration::ZERO);
        };
        (after.saturating_sub(before), to.since(from))
    }
}

/// Processor time of all threads of this process.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

/// The line in the terminal.
pub(crate) struct Shown {
    is_shown: bool,
    title: String,
    last: Option<Instant>,
}

impl Shown {
    /// One that shows where standard error is a terminal.
    pub(crate) fn new() -> Shown {
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Shown { is_shown: io::stderr().is_terminal() && !dumb, title: String::new(), last: None }
    }

    /// What stands in front of it from now on.
    pub(crate) fn entitle(&mut self, title: String) {
        self.title = title;
    }

    fn show(&mut self, load: &Load, now: Instant) {
        if !self.is_shown || self.last.is_some_and(|last| now.since(last) < SHOWN_EVERY) {
            return;
        }
        self.last = Some(now);
        put(&format!("\r\x1b[K{}{}", self.title, line(load, now)));
    }

    fn end(&self) {
        if self.is_shown {
            put("\r\x1b[K");
        }
    }
}

fn put(text: &str) {
    // A terminal that is gone needs no progress.
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// How wide the bar is.
const WIDTH: u128 = 30;

/// `[#####.....] 00:12 of 01:00, 5 calls, 600 begun, 0 failed`
fn line(load: &Load, now: Instant) -> String {
    let figures = load.figures();
    let clock = |time: Duration| format!("{:02}:{:02}", time.as_secs() / 60, time.as_secs() % 60);
    let (begun, end) = load.calling();
    let (gone, all) = (now.since(begun), end.since(begun));
    let failed: u32 = figures.seconds.iter().map(|second| second.failed).sum();
    let all_begun: u32 = figures.seconds.iter().map(|second| second.begun).sum();
    let calls = load.in_progress();
    match load.phase() {
        Phase::Registering => format!("{} phones registered", load.registered()),
        Phase::Calling => {
            let done = gone.as_millis().min(all.as_millis()) * WIDTH / all.as_millis().max(1);
            let bar: String = (0..WIDTH).map(|place| if place < done { '#' } else { '.' }).collect();
            let (gone, all) = (clock(gone), clock(all));
            format!("[{bar}] {gone} of {all}, {calls} calls, {all_begun} begun, {failed} failed")
        }
        Phase::Draining => format!("{calls} calls to end, {all_begun} begun, {failed} failed"),
        Phase::Leaving | Phase::Over => format!("{} phones to unregister", load.registered()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::Path;

    use super::*;
    use crate::load::scenario;

    /// Fifty calls a second to a system that says nothing, for a second.
    fn calls() -> (Ends, Plan) {
        let text = "[system]\naddress = \"127.0.0.1:9\"\n[run]\nwarm_up = \"0s\"\nlength = \"1s\"\ndrain = \"0s\"\n\
                    [[callers]]\nnumber = \"100\"\nper_second = 50\n";
        let scenario = scenario::parse("calls.toml", text, Path::new("")).expect("the scenario is right");
        let mut ends = Ends::open(&scenario).expect("loopback has ports");
        let plan = ends.plan(&scenario, 1).expect("the sockets have addresses");
        (ends, plan)
    }

    #[test]
    fn who_listens_is_told_of_calls_before_the_messages_go() {
        let (_ends, mut plan) = calls();
        plan.audio = vec![[plan.callers_media; 2]; 8];
        let now = Instant::from_secs(1_000);
        let mut load = Load::new(now, plan);
        load.handle_timeout(now + Duration::from_secs(1));
        let order = RefCell::new(Vec::new());
        let tell = |load: &mut Load| {
            let told = std::iter::from_fn(|| load.poll_audio());
            order.borrow_mut().extend(told.map(|_| "told"));
        };
        let sent = hand_out(&mut load, tell, |_, _| {
            order.borrow_mut().push("sent");
            Ok(())
        });
        sent.expect("nothing refuses it");
        let order = order.into_inner();
        let told = order.iter().take_while(|what| **what == "told").count();
        assert!(told >= 8, "eight calls have ports: {order:?}");
        assert!(order.len() > told && order[told..].iter().all(|what| *what == "sent"), "{order:?}");
    }

    #[test]
    fn a_test_whose_audio_has_ended_is_over_at_once_and_says_why() {
        let (mut ends, plan) = calls();
        ends.audio = Some(Carrier::ended("no timer is left"));
        let interrupt = Interrupt { pressed: Arc::default() };
        let driven = drive(&mut ends, plan, &interrupt, &mut Shown::new());
        assert_eq!(driven.lost.as_deref(), Some("the audio has ended: no timer is left"));
        assert_eq!(driven.figures.seconds.len(), 0, "nobody was called");
    }
}
