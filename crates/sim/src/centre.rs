//! The product in one thread: engine, distributor and relay, with the rings between them.
//!
//! In the server these are three threads. Here a ring is a queue whose entries take a while, so that what
//! crosses on its way between threads crosses here too, and again in the same way for the same seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use acd::watch::{Input, Step, Watch};
use bytes::Bytes;
use engine::{Engine, Notice, Output};
use media::{LocalPort, Relay, SocketRequest};
use sip::locate::{Question, Records, ResolverFailed};
use sip::{Flow, Protocol, QueryId};
use timing::Instant;

use crate::chance::{Chance, Span};
use crate::network::Datagram;

/// Values on their way from one machine to another, in order.
#[derive(Clone, Debug)]
struct Ring<T> {
    entries: VecDeque<(Instant, T)>,
}

impl<T> Ring<T> {
    fn new() -> Ring<T> {
        Ring { entries: VecDeque::new() }
    }

    fn push(&mut self, arrival: Instant, value: T) {
        // What was pushed later never arrives earlier.
        let arrival = self.entries.back().map_or(arrival, |&(last, _)| last.max(arrival));
        self.entries.push_back((arrival, value));
    }

    fn pop(&mut self, now: Instant) -> Option<T> {
        self.next_arrival().filter(|&arrival| arrival <= now)?;
        self.entries.pop_front().map(|(_, value)| value)
    }

    fn next_arrival(&self) -> Option<Instant> {
        self.entries.front().map(|&(arrival, _)| arrival)
    }
}

/// What happened inside, for checkers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The distributor said so.
    Distributed(acd::Event),
    /// The distributor let an interaction go by a rule; out of the centre, where its caller is named.
    LetGo(Option<String>),
    /// The engine told whoever logs and reports.
    Noticed(Notice),
    /// An invariant of the distributor is broken.
    Broken(String),
    /// The relay said so.
    Relayed(media::Event),
    /// The engine asked the DNS, and was told that there is none: no [`Resolver`] was given.
    Asked(sip::Query),
}

/// A DNS that knows one name.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// The name.
    pub host: String,
    /// Its only address.
    pub address: Ipv4Addr,
    /// How long answers take.
    pub latency: Duration,
}

impl Resolver {
    fn answer(&self, question: &Question) -> Records {
        match question {
            Question::Naptr(_) => Records::Naptr(Vec::new()),
            Question::Srv(_) => Records::Srv(Vec::new()),
            Question::A(name) if *name == self.host => Records::A(vec![self.address]),
            Question::A(_) => Records::A(Vec::new()),
            Question::Aaaa(_) => Records::Aaaa(Vec::new()),
        }
    }
}

/// When the DNS fails, and how.
#[derive(Clone, Copy, Debug, Default)]
struct Outage {
    until: Instant,
    /// How long after it was asked.
    after: Duration,
}

/// Engine, distributor and relay.
pub struct Centre {
    engine: Engine,
    distributor: acd::Distributor,
    /// Follows the distributor's events until an invariant over time breaks.
    watch: Option<Watch>,
    /// What the distributor has said and nobody has taken yet.
    said: VecDeque<acd::Event>,
    relay: Relay,
    sip: SocketAddr,
    media: IpAddr,
    ring_latency: Span,
    chance: Chance,
    to_distributor: Ring<acd::Command>,
    from_distributor: Ring<acd::Event>,
    to_relay: Ring<media::Command>,
    from_relay: Ring<media::Event>,
    resolver: Option<Resolver>,
    outage: Outage,
    /// Answers of the DNS, by when they come.
    answers: BTreeMap<(Instant, QueryId), Result<Records, ResolverFailed>>,
    ports: BTreeSet<LocalPort>,
    datagrams: VecDeque<Datagram>,
    happenings: VecDeque<Happening>,
    /// The distributor is checked at every so many steps.
    check_every: u32,
    steps: u32,
}

impl Centre {
    /// Joins machines that have done nothing yet. `sip` is where the engine listens.
    pub fn new(
        engine: Engine,
        distributor: acd::Distributor,
        relay: Relay,
        sip: SocketAddr,
        chance: Chance,
    ) -> Centre {
        Centre {
            engine,
            watch: Some(Watch::new(distributor.settings().clone())),
            said: VecDeque::new(),
            distributor,
            relay,
            sip,
            media: sip.ip(),
            ring_latency: Span::millis(0),
            chance,
            to_distributor: Ring::new(),
            from_distributor: Ring::new(),
            to_relay: Ring::new(),
            from_relay: Ring::new(),
            resolver: None,
            outage: Outage::default(),
            answers: BTreeMap::new(),
            ports: BTreeSet::new(),
            datagrams: VecDeque::new(),
            happenings: VecDeque::new(),
            check_every: 1,
            steps: 0,
        }
    }

    /// How long values are on their way between the machines.
    pub fn set_ring_latency(&mut self, latency: Span) {
        self.ring_latency = latency;
    }

    /// Gives it a DNS. Without one every question fails, and is told as [`Happening::Asked`].
    pub fn set_resolver(&mut self, resolver: Resolver) {
        self.resolver = Some(resolver);
    }

    /// Until then every question fails so long after it was asked.
    pub fn fail_dns(&mut self, until: Instant, after: Duration) {
        self.outage = Outage { until, after };
    }

    /// Checks the distributor's invariants at every so many of its steps only: each check looks at all
    /// agents and interactions. 0 is never.
    pub fn check_every(&mut self, steps: u32) {
        self.check_every = steps;
    }

    /// The engine, to be told about accounts and directories.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The distributor.
    pub fn distributor(&self) -> &acd::Distributor {
        &self.distributor
    }

    /// Where the engine listens.
    pub fn address(&self) -> SocketAddr {
        self.sip
    }

    /// The relay.
    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Tells the distributor something from outside, as an API would.
    pub fn command(&mut self, now: Instant, command: acd::Command) {
        self.to_distributor.push(now, command);
        self.settle(now);
    }

    /// Writes engine and distributor down, and goes on with what is read back.
    pub fn rewrite(&mut self) -> Result<usize, serde_json::Error> {
        let engine = serde_json::to_vec(&self.engine)?;
        let distributor = serde_json::to_vec(&self.distributor)?;
        self.engine = serde_json::from_slice(&engine)?;
        self.distributor = serde_json::from_slice(&distributor)?;
        Ok(engine.len() + distributor.len())
    }

    /// Whether an address is one of ours.
    pub fn owns(&self, address: SocketAddr) -> bool {
        address == self.sip || address.ip() == self.media
    }

    /// A datagram arrived, SIP or RTP.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram) {
        if datagram.to == self.sip {
            let flow =
                Flow { protocol: Protocol::Udp, local: self.sip, remote: datagram.from, connection: None };
            self.engine.handle_datagram(now, flow, datagram.bytes);
        } else {
            let port = LocalPort(datagram.to.port());
            // A socket that is closed takes nothing.
            if self.ports.contains(&port) {
                self.relay.handle_packet(now, port, datagram.from, datagram.bytes.to_vec());
            }
        }
        self.settle(now);
    }

    /// Deadlines up to `now` are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.distributor.poll_timeout()) {
            self.tell(now, None);
        }
        if is_due(self.engine.poll_timeout()) {
            self.engine.handle_timeout(now);
        }
        if is_due(self.relay.poll_timeout()) {
            self.relay.handle_timeout(now);
        }
        self.settle(now);
    }

    /// The next datagram to send.
    pub fn poll_datagram(&mut self) -> Option<Datagram> {
        self.datagrams.pop_front()
    }

    /// What happened inside.
    pub fn poll_happening(&mut self) -> Option<Happening> {
        self.happenings.pop_front()
    }

    /// When [`Centre::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [
            self.engine.poll_timeout(),
            self.distributor.poll_timeout(),
            self.relay.poll_timeout(),
            self.to_distributor.next_arrival(),
            self.from_distributor.next_arrival(),
            self.to_relay.next_arrival(),
            self.from_relay.next_arrival(),
            self.answers.first_key_value().map(|(&(arrival, _), _)| arrival),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Moves values between the machines until nothing is left that has arrived by `now`.
    fn settle(&mut self, now: Instant) {
        loop {
            self.drain(now);
            if let Some(command) = self.to_distributor.pop(now) {
                self.tell(now, Some(&command));
            } else if let Some(event) = self.from_distributor.pop(now) {
                self.engine.handle_distributor(now, event);
            } else if let Some(command) = self.to_relay.pop(now) {
                self.relay.handle_command(now, command);
            } else if let Some(event) = self.from_relay.pop(now) {
                self.engine.handle_media(now, event);
            } else if let Some(entry) = self.answers.first_entry().filter(|entry| entry.key().0 <= now) {
                let ((_, query), answer) = entry.remove_entry();
                self.engine.resolved(now, query, answer);
            } else {
                return;
            }
        }
    }

    /// Takes what the machines have to say.
    fn drain(&mut self, now: Instant) {
        while let Some(output) = self.engine.poll_output() {
            self.perform(now, output);
        }
        while let Some(event) = self.said.pop_front() {
            if let acd::Event::Overflowed { interaction, exit, .. } = event {
                // Asked now: when the engine has heard of it, it may have forgotten the caller.
                let leaves = matches!(exit, acd::Exit::Leave(_));
                let caller = self.engine.caller(interaction).filter(|_| leaves);
                self.happenings.push_back(Happening::LetGo(caller.map(|(caller, _)| caller)));
            }
            self.happenings.push_back(Happening::Distributed(event.clone()));
            let arrival = now + self.chance.length(self.ring_latency);
            self.from_distributor.push(arrival, event);
        }
        while let Some(request) = self.relay.poll_socket() {
            match request {
                SocketRequest::Open(port) => self.ports.insert(port),
                SocketRequest::Close(port) => self.ports.remove(&port),
            };
        }
        while let Some(packet) = self.relay.poll_transmit() {
            let from = SocketAddr::new(self.media, packet.port.0);
            let bytes = Bytes::copy_from_slice(&packet.bytes);
            self.datagrams.push_back(Datagram { from, to: packet.to, bytes });
            self.relay.recycle(packet.bytes);
        }
        while let Some(event) = self.relay.poll_event() {
            self.happenings.push_back(Happening::Relayed(event.clone()));
            let arrival = now + self.chance.length(self.ring_latency);
            self.from_relay.push(arrival, event);
        }
    }

    fn perform(&mut self, now: Instant, output: Output) {
        match output {
            Output::Transmit(transmit) => {
                let sip::Transmit { flow, bytes } = transmit;
                self.datagrams.push_back(Datagram { from: self.sip, to: flow.remote, bytes });
            }
            Output::Query(query) => self.ask(now, query),
            Output::CloseConnection(_) => {}
            Output::Distributor(command) => {
                let arrival = now + self.chance.length(self.ring_latency);
                self.to_distributor.push(arrival, command);
            }
            Output::Media(command) => {
                let arrival = now + self.chance.length(self.ring_latency);
                self.to_relay.push(arrival, command);
            }
            Output::Notice(notice) => self.happenings.push_back(Happening::Noticed(notice)),
        }
    }

    fn ask(&mut self, now: Instant, query: sip::Query) {
        let Some(resolver) = &self.resolver else {
            // Nobody here has a name: what asks for one fails as it would without DNS.
            self.engine.resolved(now, query.id, Err(ResolverFailed));
            self.happenings.push_back(Happening::Asked(query));
            return;
        };
        let (after, answer) = if now < self.outage.until {
            (self.outage.after, Err(ResolverFailed))
        } else {
            (resolver.latency, Ok(resolver.answer(&query.question)))
        };
        self.answers.insert((now + after, query.id), answer);
    }

    /// Tells the distributor a command, or the time, and looks whether all went right.
    fn tell(&mut self, now: Instant, command: Option<&acd::Command>) {
        match command {
            Some(command) => self.distributor.apply(now, command.clone()),
            None => self.distributor.handle_timeout(now),
        }
        let events: Vec<acd::Event> = std::iter::from_fn(|| self.distributor.poll_event()).collect();
        let input = command.map_or(Input::Timeout, |command| Input::applied(command, &events));
        let step = Step { now, input, events: &events, wakes: self.distributor.poll_timeout() };
        if let Some(violation) = self.watch.as_mut().and_then(|watch| watch.step(&step).err()) {
            self.happenings.push_back(Happening::Broken(violation.to_string()));
            self.watch = None;
        }
        self.said.extend(events);
        self.check();
    }

    fn check(&mut self) {
        self.steps = self.steps.wrapping_add(1);
        if self.check_every == 0 || !self.steps.is_multiple_of(self.check_every) {
            return;
        }
        if let Err(violation) = acd::invariants::check(&self.distributor) {
            self.happenings.push_back(Happening::Broken(violation.to_string()));
        }
    }
}
