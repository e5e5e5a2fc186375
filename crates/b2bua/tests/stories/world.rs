//! A B2BUA between real user agents, and a real relay whose sockets are watched, under virtual time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use b2bua::{AttemptId, B2bua, CallRef, Counts, Dial, Event, HangUp, Settings};
use bytes::Bytes;
use media::{Command, LocalPort, MusicId, Relay, SocketRequest};
use sip::user_agent::Network;
use sip::{
    Body, Destination, Endpoint, ExchangeId, Flow, Identity, Invitation, Method, Protocol, Reply, SessionId,
    Transmit, Trunk, TrunkId, UserAgent,
};
use timing::Instant;

/// Names a caller or a phone.
pub(crate) type Peer = usize;

/// The trunk whose calls are not anchored.
pub(crate) const DIRECT: TrunkId = TrunkId(2);
pub(crate) const MUSIC: MusicId = MusicId(1);
pub(crate) const ATTEMPT: AttemptId = AttemptId(1);

/// Says of a message and where it goes whether it is lost.
type Loss = Box<dyn FnMut(&str, SocketAddr) -> bool>;

/// One message that was sent.
pub(crate) struct Sent {
    pub(crate) to: SocketAddr,
    pub(crate) text: String,
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) b2bua: B2bua,
    pub(crate) relay: Relay,
    sockets: BTreeSet<LocalPort>,
    /// The system refuses every socket that is asked for.
    pub(crate) sockets_fail: bool,
    /// Ports that another program holds.
    pub(crate) held: BTreeSet<LocalPort>,
    peers: Vec<(SocketAddr, UserAgent)>,
    heard: Vec<VecDeque<sip::Event>>,
    events: VecDeque<Event>,
    hung_up: BTreeMap<CallRef, Vec<HangUp>>,
    arrived: usize,
    closed: Vec<(CallRef, b2bua::Summary)>,
    packets: BTreeMap<(Instant, u64), (Flow, Bytes)>,
    sequence: u64,
    /// Messages for which this says so are lost.
    pub(crate) lose: Loss,
    pub(crate) wire: Vec<Sent>,
    pub(crate) commands: Vec<Command>,
    /// Write the B2BUA down and read it back after every step.
    pub(crate) writes_down: bool,
    rtp_sequence: u16,
}

/// A conversation.
pub(crate) struct Talk {
    pub(crate) call: CallRef,
    pub(crate) caller: Peer,
    pub(crate) caller_session: SessionId,
    pub(crate) phone: Peer,
    pub(crate) phone_session: SessionId,
    /// What the caller was told about media.
    pub(crate) to_caller: String,
    /// What the phone was offered.
    pub(crate) to_phone: String,
}

/// Our own addresses.
pub(crate) fn home(v6: bool) -> SocketAddr {
    if v6 { "[2001:db8::1]:5060" } else { "10.0.0.1:5060" }.parse().unwrap()
}

fn endpoint(bound: SocketAddr) -> Endpoint {
    let host = if bound.is_ipv6() { format!("[{}]", bound.ip()) } else { bound.ip().to_string() };
    Endpoint { protocol: Protocol::Udp, bound, host, port: bound.port() }
}

fn trunk(id: TrunkId, address: &str, prefix: u8) -> Trunk {
    Trunk {
        id,
        name: "pbx".to_owned(),
        networks: vec![Network { address: address.parse().unwrap(), prefix }],
        credentials: None,
        challenge: false,
        outbound_proxy: None,
        calls_per_second: None,
    }
}

fn sip_settings(bound: &[SocketAddr]) -> sip::Settings {
    let mut endpoints: Vec<Endpoint> = bound.iter().copied().map(endpoint).collect();
    endpoints.push(Endpoint { protocol: Protocol::Tcp, ..endpoint(bound[0]) });
    let mut settings = sip::Settings::new("cc.example.com", endpoints);
    settings.trunks = vec![
        trunk(DIRECT, "10.9.0.0", 16),
        trunk(TrunkId(1), "10.0.0.0", 8),
        trunk(TrunkId(3), "2001:db8::", 32),
    ];
    settings
}

/// What the stories begin with.
pub(crate) fn settings() -> Settings {
    Settings {
        media_v4: Some("10.0.0.1".parse().unwrap()),
        media_v6: Some("2001:db8::1".parse().unwrap()),
        direct: BTreeSet::from([DIRECT]),
        ..Settings::default()
    }
}

/// An audio description with both laws and telephone-event.
pub(crate) fn audio(at: SocketAddr) -> String {
    description(at, "RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n")
}

/// An audio description with these formats and further lines.
pub(crate) fn description(at: SocketAddr, rest: &str) -> String {
    let family = if at.is_ipv6() { "IP6" } else { "IP4" };
    let (ip, port) = (at.ip(), at.port());
    format!("v=0\r\no=- 7 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {port} {rest}")
}

/// The port of the m-line at this place in one of our descriptions.
pub(crate) fn port(text: &str, place: usize) -> u16 {
    let line =
        text.lines().filter(|line| line.starts_with("m=")).nth(place).unwrap_or_else(|| panic!("{text}"));
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

pub(crate) fn text(body: Option<&Body>) -> String {
    body.map(|body| String::from_utf8(body.bytes.to_vec()).unwrap()).unwrap_or_default()
}

/// RTP of a phone or caller arrives here.
pub(crate) fn ear(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip(), 4_000)
}

impl World {
    pub(crate) fn new() -> World {
        World::with(settings())
    }

    pub(crate) fn with(settings: Settings) -> World {
        let sip = sip_settings(&[home(false), home(true)]);
        let mut relay = Relay::new(media::Settings::default(), [3; 32]);
        relay.set_music(MUSIC, Arc::new(media::Music::from_samples(&[0; 160]).unwrap()));
        World {
            now: Instant::from_secs(1_000),
            b2bua: B2bua::new(settings, sip, [1; 32]),
            relay,
            sockets: BTreeSet::new(),
            sockets_fail: false,
            held: BTreeSet::new(),
            peers: Vec::new(),
            heard: Vec::new(),
            events: VecDeque::new(),
            hung_up: BTreeMap::new(),
            arrived: 0,
            closed: Vec::new(),
            packets: BTreeMap::new(),
            sequence: 0,
            lose: Box::new(|_, _| false),
            wire: Vec::new(),
            commands: Vec::new(),
            writes_down: false,
            rtp_sequence: 0,
        }
    }

    /// Somebody with a phone at this address.
    pub(crate) fn peer(&mut self, address: &str) -> Peer {
        let address: SocketAddr = format!("{address}:5060").parse().unwrap();
        let seed = [u8::try_from(self.peers.len() + 7).unwrap(); 32];
        self.peers.push((address, UserAgent::new(sip_settings(&[address]), seed)));
        self.heard.push(VecDeque::new());
        self.peers.len() - 1
    }

    pub(crate) fn at(&self, peer: Peer) -> SocketAddr {
        self.peers[peer].0
    }

    pub(crate) fn ear(&self, peer: Peer) -> SocketAddr {
        ear(self.at(peer))
    }

    pub(crate) fn ua(&mut self, peer: Peer) -> &mut UserAgent {
        &mut self.peers[peer].1
    }

    /// Calls us; the call has arrived when this returns.
    pub(crate) fn call(&mut self, peer: Peer, body: Option<&str>) -> (SessionId, CallRef) {
        let session = self.invite(peer, body);
        self.run(30);
        loop {
            match self.event().expect("a call arrives") {
                Event::Arrived { call, .. } => return (session, call),
                _ => continue,
            }
        }
    }

    pub(crate) fn invite(&mut self, peer: Peer, body: Option<&str>) -> SessionId {
        let uri = format!("sip:15881000@{}", home(self.at(peer).is_ipv6()));
        let invitation = Invitation {
            destination: Destination::Uri(uri.parse().unwrap()),
            caller: Identity::user("0212345678"),
            to_display_name: String::new(),
            max_forwards: 70,
            headers: Vec::new(),
            body: body.map(|text| Body::sdp(text.to_owned())),
        };
        let now = self.now;
        let session = self.ua(peer).invite(now, &invitation).unwrap();
        self.flush();
        session
    }

    /// Rings these phones and waits until they ring.
    pub(crate) fn dial(&mut self, call: CallRef, attempt: AttemptId, phones: &[Peer]) {
        self.b2bua.dial(self.now, call, attempt, &self.dialled(phones)).unwrap();
        self.run(30);
    }

    pub(crate) fn dialled(&self, phones: &[Peer]) -> Dial {
        let uri = |&phone: &Peer| Destination::Uri(format!("sip:kim@{}", self.at(phone)).parse().unwrap());
        Dial {
            destinations: phones.iter().map(uri).collect(),
            caller: Identity::user("0212345678"),
            to_display_name: String::new(),
            headers: Vec::new(),
        }
    }

    /// The INVITE that a phone got: its session and offer.
    pub(crate) fn rung(&mut self, phone: Peer) -> (SessionId, String) {
        self.flush();
        match self.heard[phone].pop_front() {
            Some(sip::Event::Invited { session, invite }) => (session, text(invite.body.as_ref())),
            other => panic!("phone {phone} was not rung: {other:?}"),
        }
    }

    /// Sends 180 from a phone.
    pub(crate) fn ring(&mut self, phone: Peer, session: SessionId) {
        let now = self.now;
        self.ua(phone).progress(now, session, 180, &[], None).unwrap();
        self.run(30);
    }

    pub(crate) fn accept(&mut self, phone: Peer, session: SessionId, body: Option<&str>) {
        let now = self.now;
        let body = body.map(|text| Body::sdp(text.to_owned()));
        self.ua(phone).accept(now, session, &[], body.as_ref()).unwrap();
        self.run(30);
    }

    pub(crate) fn refuse(&mut self, phone: Peer, session: SessionId, status: u16) {
        let now = self.now;
        self.ua(phone).refuse(now, session, status, &[]).unwrap();
        self.run(30);
    }

    pub(crate) fn bye(&mut self, peer: Peer, session: SessionId) {
        let now = self.now;
        self.ua(peer).bye(now, session, Vec::new()).unwrap();
        self.run(30);
    }

    pub(crate) fn cancel(&mut self, peer: Peer, session: SessionId) {
        let now = self.now;
        self.ua(peer).cancel(now, session, Vec::new()).unwrap();
        self.run(30);
    }

    pub(crate) fn request(
        &mut self,
        peer: Peer,
        session: SessionId,
        method: Method,
        body: Option<&str>,
    ) -> ExchangeId {
        let now = self.now;
        let body = body.map(|text| Body::sdp(text.to_owned()));
        let exchange = self.ua(peer).request(now, session, method, &[], body.as_ref()).unwrap();
        self.run(30);
        exchange
    }

    /// What a peer was asked inside a session.
    pub(crate) fn asked(&mut self, peer: Peer) -> (ExchangeId, Method, String) {
        match self.hear(peer) {
            sip::Event::Requested { exchange, method, body, .. } => (exchange, method, text(body.as_ref())),
            other => panic!("not asked: {other:?}"),
        }
    }

    /// The same, where the ACK for the peer's 2xx may have been told before.
    pub(crate) fn asked_after_established(&mut self, peer: Peer) -> (ExchangeId, Method, String) {
        self.flush();
        if matches!(self.heard[peer].front(), Some(sip::Event::Established { .. })) {
            self.heard[peer].pop_front();
        }
        self.asked(peer)
    }

    pub(crate) fn reply(
        &mut self,
        peer: Peer,
        session: SessionId,
        exchange: ExchangeId,
        status: u16,
        body: Option<&str>,
    ) {
        let body = body.map(|text| Body::sdp(text.to_owned()));
        let reply = Reply { status, headers: Vec::new(), body };
        let now = self.now;
        self.ua(peer).reply(now, session, exchange, &reply).unwrap();
        self.run(30);
    }

    /// Status and description of the answer to a request of a peer.
    pub(crate) fn replied(&mut self, peer: Peer) -> (u16, String) {
        match self.hear(peer) {
            sip::Event::Replied { status, body, .. } => (status, text(body.as_ref())),
            other => panic!("no reply: {other:?}"),
        }
    }

    /// The next thing a peer was told.
    pub(crate) fn hear(&mut self, peer: Peer) -> sip::Event {
        self.flush();
        self.heard[peer].pop_front().unwrap_or_else(|| panic!("peer {peer} was told nothing"))
    }

    pub(crate) fn heard(&mut self, peer: Peer) -> Vec<sip::Event> {
        self.flush();
        self.heard[peer].drain(..).collect()
    }

    /// The next thing that the B2BUA says.
    pub(crate) fn event(&mut self) -> Option<Event> {
        self.flush();
        self.events.pop_front()
    }

    /// A caller talks to a phone that was rung while the caller heard ringback or music.
    pub(crate) fn talk(&mut self, music: bool) -> Talk {
        let (caller, phone) = (self.peer("10.0.0.2"), self.peer("10.0.0.11"));
        self.talk_between(caller, phone, music)
    }

    pub(crate) fn talk_between(&mut self, caller: Peer, phone: Peer, music: bool) -> Talk {
        let (offer, answer) = (audio(self.ear(caller)), audio(self.ear(phone)));
        let (caller_session, call) = self.call(caller, Some(&offer));
        if music {
            self.b2bua.play(self.now, call, MUSIC).unwrap();
        } else {
            self.b2bua.ring(self.now, call).unwrap();
        }
        self.run(30);
        self.dial(call, ATTEMPT, &[phone]);
        let (phone_session, to_phone) = self.rung(phone);
        self.accept(phone, phone_session, Some(&answer));
        self.b2bua.connect(self.now, call, ATTEMPT).unwrap();
        self.run(30);
        let said: Vec<Event> = std::iter::from_fn(|| self.event()).collect();
        let expected =
            [Event::Answered { call, attempt: ATTEMPT }, Event::Connected { call, attempt: ATTEMPT }];
        assert_eq!(said, expected);
        let mut to_caller = String::new();
        for event in self.heard(caller) {
            if let sip::Event::Answered { body, .. } = event {
                to_caller = text(body.as_ref());
            }
        }
        assert!(matches!(self.hear(phone), sip::Event::Established { .. }));
        Talk { call, caller, caller_session, phone, phone_session, to_caller, to_phone }
    }

    /// Sends one packet of RTP to a port of ours and says to whom it was passed.
    pub(crate) fn speak(&mut self, from: SocketAddr, to: u16) -> Vec<SocketAddr> {
        assert!(self.sockets.contains(&LocalPort(to)), "nobody listens on {to}");
        let mut packet = vec![0x80, 0];
        self.rtp_sequence += 1;
        packet.extend(self.rtp_sequence.to_be_bytes());
        packet.extend((u32::from(self.rtp_sequence) * 160).to_be_bytes());
        packet.extend([9, 9, 9, from.port().to_be_bytes()[1]]);
        packet.extend([0xff; 160]);
        while self.relay.poll_transmit().is_some() {}
        self.relay.handle_packet(self.now, LocalPort(to), from, packet);
        let mut heard = Vec::new();
        while let Some(sent) = self.relay.poll_transmit() {
            heard.push(sent.to);
            self.relay.recycle(sent.bytes);
        }
        self.flush();
        heard
    }

    /// Whether both hear each other.
    pub(crate) fn assert_audible(&mut self, talk: &Talk) {
        let (caller, phone) = (self.ear(talk.caller), self.ear(talk.phone));
        assert_eq!(self.speak(caller, port(&talk.to_caller, 0)), [phone], "the phone hears the caller");
        assert_eq!(self.speak(phone, port(&talk.to_phone, 0)), [caller], "the caller hears the phone");
    }

    /// How often a message with this first line (or a part of it) went to an address.
    pub(crate) fn sent(&self, first_line: &str, to: SocketAddr) -> usize {
        self.sent_texts(first_line, to).len()
    }

    pub(crate) fn sent_texts(&self, first_line: &str, to: SocketAddr) -> Vec<&str> {
        let fits =
            |sent: &&Sent| sent.to == to && sent.text.lines().next().unwrap_or("").contains(first_line);
        self.wire.iter().filter(fits).map(|sent| sent.text.as_str()).collect()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.b2bua.counts()
    }

    /// Why a call was over.
    pub(crate) fn cause(&self, call: CallRef) -> Option<HangUp> {
        self.hung_up.get(&call).map(|causes| causes[0])
    }

    pub(crate) fn summary(&self, call: CallRef) -> &b2bua::Summary {
        &self.closed.iter().find(|(closed, _)| *closed == call).expect("the call is closed").1
    }

    /// Lets time pass, in milliseconds.
    pub(crate) fn run(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        loop {
            self.flush();
            let packet = self.packets.first_key_value().map(|((at, _), _)| *at);
            let peers = self.peers.iter().filter_map(|(_, ua)| ua.poll_timeout());
            let timers = peers.chain(self.b2bua.poll_timeout()).chain(self.relay.poll_timeout());
            let Some(next) = timers.chain(packet).min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            let now = self.now;
            if packet == Some(next) {
                let (_, (flow, bytes)) = self.packets.pop_first().unwrap();
                self.deliver(flow, bytes);
                continue;
            }
            self.b2bua.handle_timeout(now);
            self.relay.handle_timeout(now);
            while let Some(sent) = self.relay.poll_transmit() {
                self.relay.recycle(sent.bytes);
            }
            for (_, ua) in &mut self.peers {
                ua.handle_timeout(now);
            }
        }
        self.now = end;
    }

    /// Everybody sends RTP meanwhile, so that nobody is taken for silent.
    pub(crate) fn chat(&mut self, talk: &Talk, seconds: u64) {
        for _ in 0..seconds {
            self.run(1_000);
            let (caller, phone) = (self.ear(talk.caller), self.ear(talk.phone));
            self.speak(caller, port(&talk.to_caller, 0));
            self.speak(phone, port(&talk.to_phone, 0));
        }
    }

    /// Runs to the end and proves that nothing is left over.
    pub(crate) fn assert_nothing_left(&mut self) {
        self.run(200_000);
        let ports = media::PoolCounts { free: 0, quarantined: 0, ..self.counts().ports };
        let left = Counts { ports, ..self.counts() };
        assert_eq!(left, Counts::default());
        let relay = self.relay.counts();
        assert_eq!((relay.terminations, relay.ports, relay.timers), (0, 0, 0));
        assert!(self.sockets.is_empty());
        assert_eq!(self.closed.len(), self.arrived, "every call is closed once");
        assert_eq!(self.hung_up.len(), self.arrived, "every call was hung up");
        assert!(self.hung_up.values().all(|causes| causes.len() == 1), "{:?}", self.hung_up);
        for (at, ua) in &self.peers {
            let counts = ua.counts();
            let left = sip::Counts { contacts: 0, connections: 0, ..counts };
            assert_eq!(left, sip::Counts::default(), "{at}");
        }
    }

    pub(crate) fn flush(&mut self) {
        loop {
            if self.writes_down {
                let written = serde_json::to_string(&self.b2bua).unwrap();
                self.b2bua = serde_json::from_str(&written).unwrap();
            }
            let mut idle = true;
            while let Some(event) = self.b2bua.poll_event() {
                self.note(event);
                idle = false;
            }
            while let Some(transmit) = self.b2bua.poll_transmit() {
                self.transmit(transmit);
                idle = false;
            }
            while let Some(command) = self.b2bua.poll_media() {
                self.commands.push(command.clone());
                self.relay.handle_command(self.now, command);
                idle = false;
            }
            assert!(self.b2bua.poll_query().is_none(), "the stories need no DNS");
            self.watch_sockets();
            while let Some(event) = self.relay.poll_event() {
                self.b2bua.handle_media(self.now, event);
                idle = false;
            }
            for peer in 0..self.peers.len() {
                while let Some(event) = self.ua(peer).poll_event() {
                    self.heard[peer].push_back(event);
                }
                while let Some(transmit) = self.ua(peer).poll_transmit() {
                    self.transmit(transmit);
                    idle = false;
                }
            }
            if idle {
                return;
            }
        }
    }

    fn watch_sockets(&mut self) {
        loop {
            while let Some(sent) = self.relay.poll_transmit() {
                self.relay.recycle(sent.bytes);
            }
            match self.relay.poll_socket() {
                Some(SocketRequest::Open(port)) if self.sockets_fail || self.held.contains(&port) => {
                    self.sockets.insert(port);
                    self.relay.port_failed(port);
                }
                Some(SocketRequest::Open(port)) => {
                    assert!(self.sockets.insert(port), "{port:?} is opened twice");
                }
                Some(SocketRequest::Close(port)) => {
                    assert!(self.sockets.remove(&port), "{port:?} is closed twice");
                }
                None => return,
            }
        }
    }

    fn note(&mut self, event: Event) {
        match &event {
            Event::Arrived { .. } => self.arrived += 1,
            Event::HungUp { call, cause } => self.hung_up.entry(*call).or_default().push(*cause),
            Event::Closed { call, summary } => self.closed.push((*call, (**summary).clone())),
            Event::Ringing { .. }
            | Event::Answered { .. }
            | Event::AttemptFailed { .. }
            | Event::Connected { .. }
            | Event::HoldChanged { .. }
            | Event::Left { .. }
            | Event::Refused { .. }
            | Event::RequestRefused(_)
            | Event::Registered { .. }
            | Event::Unregistered { .. } => {}
        }
        self.events.push_back(event);
    }

    fn transmit(&mut self, Transmit { flow, bytes }: Transmit) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lost = (self.lose)(&text, flow.remote);
        self.wire.push(Sent { to: flow.remote, text });
        // Streams are the story's own to carry.
        if lost || flow.protocol == Protocol::Tcp {
            return;
        }
        self.sequence += 1;
        let flow = Flow { local: flow.remote, remote: flow.local, ..flow };
        self.packets.insert((self.now + Duration::from_millis(5), self.sequence), (flow, bytes));
    }

    fn deliver(&mut self, flow: Flow, bytes: Bytes) {
        let now = self.now;
        if flow.local == home(false) || flow.local == home(true) {
            return self.b2bua.handle_datagram(now, flow, bytes);
        }
        if let Some((_, ua)) = self.peers.iter_mut().find(|(at, _)| *at == flow.local) {
            ua.handle_datagram(now, flow, bytes);
        }
    }
}
