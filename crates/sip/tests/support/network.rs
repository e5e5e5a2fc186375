//! A network in memory under virtual time: user agents, hand-written peers and proxies joined by links
//! that lose, repeat and reorder datagrams as the seed says.

// Every test file uses its own part of this.
#![allow(dead_code)]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use sip::user_agent::{Body, Destination, SessionId};
use sip::user_agent::{
    Counts, Endpoint, Event, Identity, Invitation, Network as Block, RefusedRequest, RequestKind, Settings,
    Trunk, TrunkId,
};
use sip::{ConnectionId, Flow, Limits, Message, Protocol, Transmit, Uri, UserAgent};
use timing::Instant;

/// Names a node of the network.
pub(crate) type Node = usize;

/// What the links do to datagrams, in percent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    /// How many take up to 300 ms longer than the others.
    pub(crate) reordering: u64,
}

/// What stands behind an address.
enum Peer {
    UserAgent(Box<UserAgent>),
    /// A test that speaks for itself: what arrived.
    Hand(Vec<Message>),
    /// A proxy that records its route and sends what has no route of its own to this address.
    Proxy(SocketAddr),
}

struct Packet {
    flow: Flow,
    bytes: Bytes,
}

pub(crate) struct Network {
    pub(crate) now: Instant,
    pub(crate) faults: Faults,
    /// Datagrams for which this says so are lost.
    pub(crate) lose: Box<dyn FnMut(&Message) -> bool>,
    peers: Vec<Peer>,
    events: Vec<VecDeque<Event>>,
    /// Refused requests of each node, which are no news to a story about something else.
    refused: Vec<Vec<RefusedRequest>>,
    /// Calls that each node was told of.
    invited: Vec<u64>,
    packets: BTreeMap<(Instant, u64), Packet>,
    /// The two ends of streams: whose, and the other end.
    streams: BTreeMap<ConnectionId, (Node, ConnectionId)>,
    random: ChaCha8Rng,
    sequence: u64,
    /// Method or status, sender and receiver of all that was sent.
    pub(crate) wire: Vec<(String, Node, Node)>,
    /// When each of them was sent.
    pub(crate) times: Vec<Instant>,
}

pub(crate) fn address(node: Node) -> SocketAddr {
    SocketAddr::new([10, 0, 0, u8::try_from(node + 1).unwrap()].into(), 5060)
}

/// A user agent that takes calls from everybody in the network as from trunk 1.
pub(crate) fn settings(node: Node) -> Settings {
    let endpoint = |protocol| Endpoint {
        protocol,
        bound: address(node),
        host: address(node).ip().to_string(),
        port: 5060,
    };
    let mut settings =
        Settings::new("cc.example.com", vec![endpoint(Protocol::Udp), endpoint(Protocol::Tcp)]);
    settings.trunks.push(trunk(1));
    // Most stories are about what is repeated and how often; those of strangers switch it on.
    settings.limits.is_amplification_bounded = false;
    settings
}

pub(crate) fn trunk(id: u32) -> Trunk {
    Trunk {
        id: TrunkId(id),
        name: "pbx".to_owned(),
        networks: vec![Block { address: [10, 0, 0, 0].into(), prefix: 8 }],
        credentials: None,
        challenge: false,
        outbound_proxy: None,
        calls_per_second: None,
    }
}

pub(crate) fn sdp(text: &str) -> Body {
    Body::sdp(format!("v=0\r\ns={text}\r\n"))
}

pub(crate) fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

pub(crate) fn call(to: Node, body: Option<Body>) -> Invitation {
    Invitation {
        destination: Destination::Uri(uri(&format!("sip:15881000@{}", address(to)))),
        caller: Identity::user("0212345678"),
        to_display_name: String::new(),
        max_forwards: 70,
        headers: Vec::new(),
        body,
    }
}

impl Network {
    pub(crate) fn new(seed: u64) -> Network {
        Network {
            now: Instant::from_secs(1_000),
            faults: Faults::default(),
            lose: Box::new(|_| false),
            peers: Vec::new(),
            events: Vec::new(),
            refused: Vec::new(),
            invited: Vec::new(),
            packets: BTreeMap::new(),
            streams: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            sequence: 0,
            wire: Vec::new(),
            times: Vec::new(),
        }
    }

    /// Two user agents that know each other as trunks.
    pub(crate) fn pair(seed: u64) -> (Network, Node, Node) {
        let mut network = Network::new(seed);
        let (a, b) = (network.user_agent(settings(0)), network.user_agent(settings(1)));
        (network, a, b)
    }

    fn add(&mut self, peer: Peer) -> Node {
        self.peers.push(peer);
        self.events.push(VecDeque::new());
        self.refused.push(Vec::new());
        self.invited.push(0);
        self.peers.len() - 1
    }

    pub(crate) fn user_agent(&mut self, settings: Settings) -> Node {
        let mut seed = [0; 32];
        self.random.fill_bytes(&mut seed);
        self.add(Peer::UserAgent(Box::new(UserAgent::new(settings, seed))))
    }

    pub(crate) fn hand(&mut self) -> Node {
        self.add(Peer::Hand(Vec::new()))
    }

    pub(crate) fn proxy(&mut self, to: Node) -> Node {
        self.add(Peer::Proxy(address(to)))
    }

    pub(crate) fn ua(&mut self, node: Node) -> &mut UserAgent {
        match &mut self.peers[node] {
            Peer::UserAgent(ua) => ua,
            Peer::Hand(_) | Peer::Proxy(_) => panic!("node {node} is no user agent"),
        }
    }

    /// Writes a user agent down and goes on with what was read back.
    pub(crate) fn restore(&mut self, node: Node) {
        let written = serde_json::to_string(self.ua(node)).unwrap();
        *self.ua(node) = serde_json::from_str(&written).unwrap();
    }

    /// What arrived at a hand since the last look.
    pub(crate) fn received(&mut self, node: Node) -> Vec<Message> {
        match &mut self.peers[node] {
            Peer::Hand(received) => std::mem::take(received),
            Peer::UserAgent(_) | Peer::Proxy(_) => panic!("node {node} is no hand"),
        }
    }

    /// A datagram from one node to another.
    pub(crate) fn send(&mut self, from: Node, to: Node, bytes: impl Into<Bytes>) {
        self.datagram(address(from), address(to), &bytes.into());
    }

    /// Everything that a node was told since the last look.
    pub(crate) fn events(&mut self, node: Node) -> Vec<Event> {
        self.flush();
        self.events[node].drain(..).collect()
    }

    /// The only thing that a node was told since the last look.
    pub(crate) fn event(&mut self, node: Node) -> Event {
        let mut events = self.events(node);
        assert_eq!(events.len(), 1, "exactly one event: {events:#?}");
        events.remove(0)
    }

    /// What a node has refused so far.
    pub(crate) fn refused(&mut self, node: Node) -> &[RefusedRequest] {
        self.flush();
        &self.refused[node]
    }

    /// Every call that arrived was either told to the application or refused.
    pub(crate) fn assert_every_call_counts(&mut self, node: Node) {
        self.flush();
        let refused = self.refused[node].iter().filter(|one| one.request == RequestKind::Call).count() as u64;
        let totals = self.ua(node).totals();
        assert_eq!(totals.calls(), self.invited[node] + refused, "node {node}: {totals:?}");
    }

    pub(crate) fn counts(&mut self, node: Node) -> Counts {
        self.ua(node).counts()
    }

    /// How often this method or status went from one node to another.
    pub(crate) fn sent(&self, what: &str, from: Node, to: Node) -> usize {
        self.wire.iter().filter(|(line, a, b)| line == what && (*a, *b) == (from, to)).count()
    }

    /// When this method or status was sent by a node, in tenths of a second since the first time.
    pub(crate) fn rhythm(&self, what: &str, from: Node) -> Vec<u128> {
        let all = self.wire.iter().zip(&self.times).filter(|((line, a, _), _)| line == what && *a == from);
        let times: Vec<Instant> = all.map(|(_, at)| *at).collect();
        times.iter().map(|at| (at.since(times[0]).as_millis() + 50) / 100).collect()
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.flush();
            let packet = self.packets.first_key_value().map(|((at, _), _)| *at);
            let timers = self.peers.iter().filter_map(|peer| match peer {
                Peer::UserAgent(ua) => ua.poll_timeout(),
                Peer::Hand(_) | Peer::Proxy(_) => None,
            });
            let Some(next) = timers.chain(packet).min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if packet == Some(next) {
                let (_, packet) = self.packets.pop_first().unwrap();
                self.deliver(packet);
            } else {
                for peer in &mut self.peers {
                    match peer {
                        Peer::UserAgent(ua) => ua.handle_timeout(self.now),
                        Peer::Hand(_) | Peer::Proxy(_) => {}
                    }
                }
            }
        }
        self.now = end;
    }

    /// Long enough for any transaction to be over.
    pub(crate) fn settle(&mut self) {
        self.run(Duration::from_secs(150));
    }

    /// Runs to the end and proves that nothing is left over.
    pub(crate) fn assert_nothing_left(&mut self) {
        self.settle();
        for node in 0..self.peers.len() {
            if let Peer::UserAgent(ua) = &self.peers[node] {
                let counts = ua.counts();
                let left = Counts { contacts: 0, connections: 0, ..counts };
                assert_eq!(left, Counts::default(), "node {node}");
                self.assert_every_call_counts(node);
            }
        }
    }

    /// A call between two user agents that is answered and established.
    pub(crate) fn talk(&mut self, a: Node, b: Node) -> (SessionId, SessionId) {
        let now = self.now;
        let out = self.ua(a).invite(now, &call(b, Some(sdp("offer")))).unwrap();
        self.run(Duration::from_millis(100));
        let Event::Invited { session: inbound, .. } = self.event(b) else { panic!("no invitation") };
        let now = self.now;
        self.ua(b).accept(now, inbound, &[], Some(&sdp("answer"))).unwrap();
        self.run(Duration::from_millis(100));
        assert!(matches!(self.event(a), Event::Answered { session, .. } if session == out));
        assert!(matches!(self.event(b), Event::Established { session, .. } if session == inbound));
        (out, inbound)
    }

    fn flush(&mut self) {
        for node in 0..self.peers.len() {
            while let Peer::UserAgent(ua) = &mut self.peers[node] {
                while let Some(event) = ua.poll_event() {
                    self.invited[node] += u64::from(matches!(event, Event::Invited { .. }));
                    match event {
                        Event::Refused(refused) => self.refused[node].push(refused),
                        event => self.events[node].push_back(event),
                    }
                }
                let Some(transmit) = ua.poll_transmit() else { break };
                self.transmit(node, transmit);
            }
        }
    }

    fn transmit(&mut self, from: Node, Transmit { mut flow, bytes }: Transmit) {
        match flow.protocol {
            Protocol::Udp => self.datagram(flow.local, flow.remote, &bytes),
            Protocol::Tcp => {
                if flow.connection.is_none() {
                    flow.connection = Some(self.connect(from, flow));
                }
                let Some((to, there)) = flow.connection.and_then(|id| self.streams.get(&id)).copied() else {
                    return;
                };
                self.log(&bytes, from, to);
                let flow = Flow { local: flow.remote, remote: flow.local, connection: Some(there), ..flow };
                self.enqueue(Duration::from_millis(5), Packet { flow, bytes });
            }
        }
    }

    fn connect(&mut self, from: Node, flow: Flow) -> ConnectionId {
        let to = self.node(flow.remote).expect("somebody listens");
        let (here, there) = (ConnectionId(self.sequence * 2), ConnectionId(self.sequence * 2 + 1));
        self.sequence += 1;
        self.streams.insert(here, (to, there));
        self.streams.insert(there, (from, here));
        let back = Flow { local: flow.remote, remote: flow.local, connection: Some(there), ..flow };
        let now = self.now;
        self.ua(from).connection_opened(now, Flow { connection: Some(here), ..flow });
        self.ua(to).connection_opened(now, back);
        here
    }

    /// A stream from a hand to a user agent; the test plays the hand.
    pub(crate) fn accept_stream(&mut self, node: Node, hand: Node) -> ConnectionId {
        self.sequence += 1;
        let connection = ConnectionId(1_000_000 + self.sequence);
        let remote = SocketAddr::new(address(hand).ip(), 40_000);
        let flow =
            Flow { protocol: Protocol::Tcp, local: address(node), remote, connection: Some(connection) };
        let now = self.now;
        self.ua(node).connection_opened(now, flow);
        connection
    }

    pub(crate) fn say_on_stream(&mut self, node: Node, connection: ConnectionId, octets: &[u8]) {
        let now = self.now;
        self.ua(node).handle_stream(now, connection, octets);
    }

    /// What a user agent said last, where it was not sent yet.
    pub(crate) fn last_on_stream(&mut self, node: Node) -> Message {
        let sent: Vec<Transmit> = std::iter::from_fn(|| self.ua(node).poll_transmit()).collect();
        Message::parse(sent.last().unwrap().bytes.clone(), &Limits::default()).unwrap()
    }

    /// Cuts every stream.
    pub(crate) fn cut_streams(&mut self) {
        let now = self.now;
        for (id, (_, there)) in std::mem::take(&mut self.streams) {
            let _ = there;
            for node in 0..self.peers.len() {
                if let Peer::UserAgent(ua) = &mut self.peers[node] {
                    ua.connection_closed(now, id);
                }
            }
        }
    }

    fn datagram(&mut self, from: SocketAddr, to: SocketAddr, bytes: &Bytes) {
        let (Some(sender), Some(receiver)) = (self.node(from), self.node(to)) else { return };
        self.log(bytes, sender, receiver);
        let message = Message::parse(bytes.clone(), &Limits::default());
        let is_chosen = message.is_ok_and(|message| (self.lose)(&message));
        if is_chosen || self.random.next_u64() % 100 < self.faults.loss {
            return;
        }
        let copies = if self.random.next_u64() % 100 < self.faults.duplication { 2 } else { 1 };
        for _ in 0..copies {
            let late = self.random.next_u64() % 100 < self.faults.reordering;
            let extra = if late { self.random.next_u64() % 300 } else { 0 };
            let flow = Flow { protocol: Protocol::Udp, local: to, remote: from, connection: None };
            self.enqueue(Duration::from_millis(5 + extra), Packet { flow, bytes: bytes.clone() });
        }
    }

    fn enqueue(&mut self, delay: Duration, packet: Packet) {
        self.sequence += 1;
        self.packets.insert((self.now + delay, self.sequence), packet);
    }

    fn log(&mut self, bytes: &[u8], from: Node, to: Node) {
        let line = String::from_utf8_lossy(bytes);
        let mut words = line.split(' ');
        let first = words.next().unwrap_or_default();
        let what = if first == "SIP/2.0" { words.next().unwrap_or_default() } else { first };
        self.wire.push((what.to_owned(), from, to));
        self.times.push(self.now);
    }

    fn node(&self, at: SocketAddr) -> Option<Node> {
        (0..self.peers.len()).find(|node| address(*node) == at)
    }

    fn deliver(&mut self, Packet { flow, bytes }: Packet) {
        let now = self.now;
        let Some(node) = self.node(flow.local) else { return };
        match &mut self.peers[node] {
            Peer::UserAgent(ua) => match flow.connection {
                Some(connection) => ua.handle_stream(now, connection, &bytes),
                None => ua.handle_datagram(now, flow, bytes),
            },
            Peer::Hand(received) => received.push(Message::parse(bytes, &Limits::default()).unwrap()),
            Peer::Proxy(to) => {
                let (text, to) = (String::from_utf8(bytes.to_vec()).unwrap(), *to);
                let (to, text) = forward(&text, flow.local, flow.remote, to);
                self.datagram(flow.local, to, &text.into());
            }
        }
    }
}

/// What a record-routing proxy at `here` makes of a message (RFC 3261 §16, the happy half of it).
fn forward(text: &str, here: SocketAddr, source: SocketAddr, fallback: SocketAddr) -> (SocketAddr, String) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<String> = head.split("\r\n").map(str::to_owned).collect();
    if lines[0].starts_with("SIP/2.0") {
        lines.remove(1);
        let via = lines[1].clone();
        let to = via.split("x-source=").nth(1).unwrap_or_else(|| panic!("no way back in {via}"));
        let to = to.split(';').next().unwrap().parse().unwrap();
        lines[1] = via.replace(&format!(";x-source={to}"), "");
        return (to, format!("{}\r\n\r\n{body}", lines.join("\r\n")));
    }
    let own = format!("<sip:{here};lr>");
    if let Some(at) = lines.iter().position(|line| *line == format!("Route: {own}")) {
        lines.remove(at);
    }
    let route = lines
        .iter()
        .find_map(|line| line.strip_prefix("Route: <sip:")?.split([';', '>']).next()?.parse().ok());
    let target = lines[0].split(['@', ' ', ';']).find_map(|word| word.parse::<SocketAddr>().ok());
    let is_first = lines[0].starts_with("INVITE")
        && !lines.iter().any(|line| line.starts_with("To:") && line.contains("tag="));
    let to = route.or(target.filter(|to| *to != here)).unwrap_or(fallback);
    let top = lines.iter().position(|line| line.starts_with("Via: ")).unwrap();
    let branch = lines[top].split("branch=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    lines[top] = format!("{};x-source={source}", lines[top]);
    lines.insert(top, format!("Via: SIP/2.0/UDP {here};branch={branch}.proxy"));
    if is_first {
        lines.insert(top, format!("Record-Route: {own}"));
    }
    (to, format!("{}\r\n\r\n{body}", lines.join("\r\n")))
}
