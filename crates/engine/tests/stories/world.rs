//! An engine and a distributor with rings of any delay between them, a relay, and real user agents as
//! callers and phones, under virtual time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use acd::{AgentId, AgentSettings, Distributor, ExitId, InteractionId, QueueId, QueueSettings};
use bytes::Bytes;
use engine::{
    AgentLine, CallRecord, CallbackLine, Directory, Engine, Entry, Leave, LogIn, Notice, NumberPattern,
    Outbound, Output, Reach, Settings, Standing, Treatment,
};
use media::{MusicId, Relay};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use sip::digest::{ClientAccount, Secret};
use sip::user_agent::Network;
use sip::{
    Body, Destination, Endpoint, Flow, HeaderField, Identity, Invitation, Message, Protocol, SessionId,
    Transmit, Trunk, TrunkId, UserAgent,
};
use timing::Instant;

/// Names a caller or a phone.
pub(crate) type Peer = usize;

pub(crate) const BILLING: QueueId = QueueId(1);
pub(crate) const OTHER: QueueId = QueueId(2);
pub(crate) const MUSIC: MusicId = MusicId(1);
pub(crate) const BUSY: ExitId = ExitId(1);
pub(crate) const HANG_UP: ExitId = ExitId(2);
pub(crate) const NUMBER: ExitId = ExitId(3);
/// Behind it is the network outside.
pub(crate) const OUTSIDE: TrunkId = TrunkId(5);
const PASSWORD: &str = "open sesame";

/// What a phone does with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// The test decides.
    ByHand,
    /// Nothing at all, not even ringing.
    Dead,
    /// Rings until the caller is tired.
    Ignores,
    /// Picks up after so many milliseconds.
    Answers(u64),
    /// Refuses with this status after so many milliseconds.
    Refuses(u16, u64),
    /// Picks up, and hangs up after so many milliseconds more.
    Leaves(u64, u64),
}

#[derive(Clone, Copy)]
enum Act {
    Accept(Peer, SessionId),
    Refuse(Peer, SessionId, u16),
    Bye(Peer, SessionId),
    /// CANCEL or BYE, as it stands.
    GiveUp(Peer, SessionId),
    Call(Peer, Option<u64>),
    /// The first who waits asks to be called back.
    CallBack,
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) engine: Engine,
    /// What the engine and the distributor were told last.
    engine_settings: Settings,
    shared: acd::Settings,
    pub(crate) distributor: Distributor,
    pub(crate) directory: Directory,
    relay: Relay,
    peers: Vec<(SocketAddr, UserAgent)>,
    pub(crate) manners: Vec<Manner>,
    heard: Vec<VecDeque<sip::Event>>,
    packets: BTreeMap<(Instant, u64), (Flow, Bytes)>,
    agenda: BTreeMap<(Instant, u64), Act>,
    commands: VecDeque<(Instant, acd::Command)>,
    events: VecDeque<(Instant, acd::Event)>,
    /// Nothing reaches the distributor, or the engine, while these say so.
    pub(crate) hold_commands: bool,
    pub(crate) hold_events: bool,
    /// What of the commands is lost on the way to the distributor.
    pub(crate) loses: fn(&acd::Command) -> bool,
    /// One of these, in milliseconds, is how long the next value is on its way through a ring.
    pub(crate) delays: Vec<u64>,
    random: ChaCha8Rng,
    sequence: u64,
    pub(crate) notices: Vec<Notice>,
    pub(crate) said: Vec<acd::Event>,
    pub(crate) wire: Vec<(SocketAddr, String)>,
    answers: Vec<(SocketAddr, Message)>,
    pub(crate) writes_down: bool,
    /// The system refuses every media socket that is asked for.
    pub(crate) sockets_fail: bool,
    registrations: u32,
}

pub(crate) fn home() -> SocketAddr {
    "10.0.0.1:5060".parse().unwrap()
}

pub(crate) fn sip_settings(bound: SocketAddr) -> sip::Settings {
    let endpoint =
        Endpoint { protocol: Protocol::Udp, bound, host: bound.ip().to_string(), port: bound.port() };
    let mut settings = sip::Settings::new("cc.example.com", vec![endpoint]);
    let trunk = |id, address: &str, prefix| Trunk {
        id,
        name: "pbx".to_owned(),
        networks: vec![Network { address: address.parse().unwrap(), prefix }],
        credentials: None,
        challenge: false,
        outbound_proxy: None,
        calls_per_second: None,
    };
    // Phones of agents live in 10.1.0.0/16, which is nobody's trunk; they take calls from us.
    settings.trunks = vec![trunk(OUTSIDE, "10.2.0.0", 16), trunk(TrunkId(1), "10.0.0.0", 16)];
    settings
}

fn directory(treatment: Treatment) -> Directory {
    let entry =
        |number, queue, also| Entry { number, queue, also, priority: 0, requirement: None, wish: None };
    Directory {
        entries: vec![
            entry(NumberPattern::Exact("100".to_owned()), BILLING, vec![]),
            entry(NumberPattern::Exact("300".to_owned()), BILLING, vec![OTHER]),
            entry(NumberPattern::Prefix("2".to_owned()), OTHER, vec![]),
        ],
        agents: BTreeMap::new(),
        queues: BTreeMap::from([(BILLING, treatment), (OTHER, Treatment::Ringback)]),
        callers: BTreeMap::new(),
        exits: BTreeMap::from([
            (BUSY, Leave::Busy),
            (HANG_UP, Leave::HangUp),
            (NUMBER, Leave::Dial("0212345678".to_owned())),
        ]),
        outbound: Some(outbound()),
        callbacks: BTreeMap::from([(
            BILLING,
            CallbackLine { outbound: outbound(), allow: vec!["02".to_owned()], deny: vec!["060".to_owned()] },
        )]),
    }
}

fn outbound() -> Outbound {
    Outbound { trunk: OUTSIDE, host: "10.2.0.1".to_owned() }
}

pub(crate) fn audio(peer: SocketAddr) -> String {
    let ip = peer.ip();
    format!(
        "v=0\r\no=- 7 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    )
}

impl World {
    /// Queues `billing` (number 100) and another (numbers beginning with 2), nobody there yet.
    pub(crate) fn new(treatment: Treatment) -> World {
        World::with(treatment, acd::Settings::default(), 1)
    }

    pub(crate) fn with(treatment: Treatment, settings: acd::Settings, seed: u64) -> World {
        let calls = b2bua::Settings {
            media_v4: Some(home().ip()),
            ports: media::PortPoolSettings { last: 20_199, ..media::PortPoolSettings::default() },
            ..b2bua::Settings::default()
        };
        let engine_settings = Settings {
            calls,
            sip: sip_settings(home()),
            retry_after: Duration::from_secs(7),
            missed_pause: Some(Duration::from_secs(120)),
            phone_grace: Duration::from_secs(30),
            lease: settings.handling_lease,
            callers_max: 3,
        };
        let shared = settings.clone();
        // Nobody here sends RTP.
        let silence = Duration::from_secs(100_000);
        let mut relay = Relay::new(media::Settings { silence, ..media::Settings::default() }, [3; 32]);
        relay.set_music(MUSIC, Arc::new(media::Music::from_samples(&[0; 160]).unwrap()));
        let directory = directory(treatment);
        let mut world = World {
            now: Instant::from_secs(1_000),
            engine: Engine::new(engine_settings.clone(), [1; 32]),
            engine_settings,
            shared,
            distributor: Distributor::new(settings),
            directory,
            relay,
            peers: Vec::new(),
            manners: Vec::new(),
            heard: Vec::new(),
            packets: BTreeMap::new(),
            agenda: BTreeMap::new(),
            commands: VecDeque::new(),
            events: VecDeque::new(),
            hold_commands: false,
            hold_events: false,
            loses: |_| false,
            delays: vec![0],
            random: ChaCha8Rng::seed_from_u64(seed),
            sequence: 0,
            notices: Vec::new(),
            said: Vec::new(),
            wire: Vec::new(),
            answers: Vec::new(),
            writes_down: false,
            sockets_fail: false,
            registrations: 0,
        };
        for queue in [BILLING, OTHER] {
            world.define(queue, QueueSettings::default());
        }
        world
    }

    pub(crate) fn define(&mut self, queue: QueueId, settings: QueueSettings) {
        let command = acd::Command::DefineQueue { queue, settings: Box::new(settings) };
        self.reload(vec![command]);
    }

    /// Tells the engine other settings, and the distributor by it what of them is the distributor's.
    pub(crate) fn configure(&mut self, change: impl FnOnce(&mut Settings, &mut acd::Settings)) {
        change(&mut self.engine_settings, &mut self.shared);
        self.engine.configure(self.now, self.engine_settings.clone());
        self.reload(vec![acd::Command::Configure { settings: Box::new(self.shared.clone()) }]);
    }

    /// Tells the engine the directory as it stands here.
    pub(crate) fn reload(&mut self, commands: Vec<acd::Command>) {
        self.engine.reload(self.now, self.directory.clone(), commands);
        self.flush();
    }

    pub(crate) fn peer(&mut self, address: &str, manner: Manner) -> Peer {
        let address: SocketAddr = format!("{address}:5060").parse().unwrap();
        let mut seed = [0; 32];
        self.random.fill_bytes(&mut seed);
        let mut settings = sip_settings(address);
        settings.trunks[1].networks[0].prefix = 8;
        settings.trunks.remove(0);
        self.peers.push((address, UserAgent::new(settings, seed)));
        self.manners.push(manner);
        self.heard.push(VecDeque::new());
        self.peers.len() - 1
    }

    /// An agent whose phone is at a fixed address, logged in from the start.
    pub(crate) fn agent(&mut self, number: u32, manner: Manner) -> Peer {
        let phone = self.peer(&format!("10.1.0.{number}"), manner);
        let uri = format!("sip:agent{number}@{}", self.at(phone)).parse().unwrap();
        let line =
            AgentLine { reach: Reach::Contact { uri, way: engine::Way::Open }, log_in: LogIn::OnRegister };
        self.hire(number, line);
        phone
    }

    /// An agent whose shift follows the registration of the account `agentN`.
    pub(crate) fn registering_agent(&mut self, number: u32, manner: Manner) -> Peer {
        let phone = self.peer(&format!("10.1.0.{number}"), manner);
        let account = format!("agent{number}");
        self.engine.set_account(&account, Secret::Password(PASSWORD.to_owned()));
        self.hire(number, AgentLine { reach: Reach::Account(account), log_in: LogIn::OnRegister });
        phone
    }

    pub(crate) fn hire(&mut self, number: u32, line: AgentLine) {
        let agent = AgentId(number);
        self.directory.agents.insert(agent, line);
        self.reload(vec![acd::Command::DefineAgent { agent, settings: Box::new(AgentSettings::default()) }]);
    }

    pub(crate) fn at(&self, peer: Peer) -> SocketAddr {
        self.peers[peer].0
    }

    pub(crate) fn ua(&mut self, peer: Peer) -> &mut UserAgent {
        &mut self.peers[peer].1
    }

    /// Registers a phone as its agent for so many seconds; 0 takes it back. Answers a challenge.
    pub(crate) fn register(&mut self, phone: Peer, account: &str, seconds: u32) {
        let mut credentials = String::new();
        for _ in 0..2 {
            self.registrations += 1;
            let (number, at) = (self.registrations, self.at(phone));
            let text = format!(
                "REGISTER sip:cc.example.com SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKr{number}\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:{account}@cc.example.com>;tag=1\r\n\
                 To: <sip:{account}@cc.example.com>\r\nCall-ID: register-{account}\r\n\
                 CSeq: {number} REGISTER\r\nContact: <sip:{account}@{at}>;expires={seconds}\r\n\
                 {credentials}Content-Length: 0\r\n\r\n"
            );
            let flow = Flow { protocol: Protocol::Udp, local: home(), remote: at, connection: None };
            let request = Message::parse(text.clone().into(), &sip::Limits::default()).unwrap();
            self.engine.handle_datagram(self.now, flow, text.into());
            self.run(20);
            let (_, answer) = self.answers.pop().expect("an answer");
            if answer.status() == 200 {
                return;
            }
            let secret = Secret::Password(PASSWORD.to_owned());
            let client = ClientAccount { user: account.to_owned(), secret, realm: None };
            let answer = sip::digest::answer(&client, &request, &answer, "0a4f113b", 1).unwrap();
            credentials = format!("{}: {}\r\n", answer.name.as_str(), answer.value);
        }
        panic!("not registered");
    }

    /// Calls a number from a phone as its account, with a challenge answered and these headers beside. The phone's own
    /// user agent answers no challenge and knows nothing of it, so the INVITE is written by hand.
    pub(crate) fn call_of_account(&mut self, phone: Peer, account: &str, number: &str, headers: &str) {
        let mut credentials = format!("Contact: <sip:{account}@{}>\r\n{headers}", self.at(phone));
        for cseq in 1..=2 {
            let request = self.send_of_account(phone, (account, number), ("INVITE", cseq), &credentials);
            if cseq == 1 {
                let at = self.at(phone);
                let is_answer = |(to, text): &&(SocketAddr, String)| *to == at && text.contains("INVITE");
                let (_, challenge) = self.wire.iter().rev().find(is_answer).expect("an answer");
                let challenge = Message::parse(challenge.clone().into(), &sip::Limits::default()).unwrap();
                let secret = Secret::Password(PASSWORD.to_owned());
                let client = ClientAccount { user: account.to_owned(), secret, realm: None };
                let answer = sip::digest::answer(&client, &request, &challenge, "0a4f113b", 1).unwrap();
                credentials.push_str(&format!("{}: {}\r\n", answer.name.as_str(), answer.value));
            }
        }
    }

    /// Gives that call up before it is answered.
    pub(crate) fn cancel_of_account(&mut self, phone: Peer, account: &str, number: &str) {
        self.send_of_account(phone, (account, number), ("CANCEL", 2), "");
    }

    fn send_of_account(
        &mut self,
        phone: Peer,
        (account, number): (&str, &str),
        (method, cseq): (&str, u32),
        headers: &str,
    ) -> Message {
        let at = self.at(phone);
        let text = format!(
            "{method} sip:{number}@cc.example.com SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKi{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{account}@cc.example.com>;tag=2\r\n\
             To: <sip:{number}@cc.example.com>\r\nCall-ID: own-{account}\r\nCSeq: {cseq} {method}\r\n\
             {headers}Content-Length: 0\r\n\r\n"
        );
        let flow = Flow { protocol: Protocol::Udp, local: home(), remote: at, connection: None };
        let request = Message::parse(text.clone().into(), &sip::Limits::default()).unwrap();
        self.engine.handle_datagram(self.now, flow, text.into());
        self.run(1);
        request
    }

    /// Calls a number.
    pub(crate) fn call(&mut self, peer: Peer, number: &str) -> SessionId {
        self.call_with(peer, number, Vec::new(), Identity::user("0311112222"))
    }

    pub(crate) fn call_with(
        &mut self,
        peer: Peer,
        number: &str,
        headers: Vec<HeaderField>,
        caller: Identity,
    ) -> SessionId {
        let invitation = Invitation {
            destination: Destination::Uri(format!("sip:{number}@{}", home()).parse().unwrap()),
            caller,
            to_display_name: String::new(),
            max_forwards: 70,
            headers,
            body: Some(Body::sdp(audio(self.at(peer)))),
        };
        let now = self.now;
        let session = self.ua(peer).invite(now, &invitation).unwrap();
        self.flush();
        session
    }

    /// Plans a call to 100 in so many milliseconds, and when its caller gives up or hangs up.
    pub(crate) fn plan_call(&mut self, peer: Peer, after: u64, patience: Option<u64>) {
        self.plan(after, Act::Call(peer, patience));
    }

    /// Plans that the first who waits then asks to be called back.
    pub(crate) fn plan_callback(&mut self, after: u64) {
        self.plan(after, Act::CallBack);
    }

    /// The first who waits asks to be called back, at the own number or at another one.
    pub(crate) fn call_back(&mut self, number: Option<&str>) -> Result<(), engine::NoCallback> {
        let all = self.engine.interactions(None, 99, None, None);
        let waits = |standing| matches!(standing, Standing::Waiting | Standing::Ringing);
        let first = all.iter().find(|one| waits(one.standing) && one.story.callback.is_none());
        let first = first.ok_or(engine::NoCallback::Unknown)?.story.interaction;
        let asked = self.engine.call_back(self.now, first, number);
        self.flush();
        asked
    }

    fn plan(&mut self, after: u64, act: Act) {
        self.sequence += 1;
        self.agenda.insert((self.now + Duration::from_millis(after), self.sequence), act);
    }

    /// The INVITE that a phone got by hand.
    pub(crate) fn rung(&mut self, phone: Peer) -> (SessionId, Box<sip::Invite>) {
        self.flush();
        match self.heard[phone].pop_front() {
            Some(sip::Event::Invited { session, invite }) => (session, invite),
            other => panic!("phone {phone} was not rung: {other:?}"),
        }
    }

    pub(crate) fn accept(&mut self, phone: Peer, session: SessionId) {
        let (now, body) = (self.now, Body::sdp(audio(self.at(phone))));
        // Where the caller was faster there is nothing to accept any more.
        let _ = self.ua(phone).accept(now, session, &[], Some(&body));
        self.run(20);
    }

    pub(crate) fn bye(&mut self, peer: Peer, session: SessionId) {
        let now = self.now;
        self.ua(peer).bye(now, session, Vec::new()).unwrap();
        self.run(20);
    }

    pub(crate) fn cancel(&mut self, peer: Peer, session: SessionId) {
        let now = self.now;
        self.ua(peer).cancel(now, session, Vec::new()).unwrap();
        self.run(20);
    }

    pub(crate) fn heard(&mut self, peer: Peer) -> Vec<sip::Event> {
        self.flush();
        self.heard[peer].drain(..).collect()
    }

    /// The status that a caller was refused with.
    pub(crate) fn refusal(&mut self, peer: Peer) -> Option<u16> {
        self.heard(peer).into_iter().find_map(|event| match event {
            sip::Event::Failed { status, .. } => Some(status),
            _ => None,
        })
    }

    pub(crate) fn sent(&self, first_line: &str, to: SocketAddr) -> usize {
        let fits = |text: &str| text.lines().next().is_some_and(|line| line.contains(first_line));
        self.wire.iter().filter(|(at, text)| *at == to && fits(text)).count()
    }

    pub(crate) fn records(&self) -> Vec<&CallRecord> {
        self.notices
            .iter()
            .filter_map(|notice| match notice {
                Notice::CallEnded(record) => Some(&**record),
                Notice::Refused(_)
                | Notice::RefusedFurther(_)
                | Notice::RegistrationChanged { .. }
                | Notice::CommandRefused { .. } => None,
            })
            .collect()
    }

    pub(crate) fn totals(&self) -> acd::Counters {
        self.distributor.snapshot(self.now).totals
    }

    pub(crate) fn activity(&self, agent: u32) -> Option<acd::Activity> {
        let snapshot = self.distributor.snapshot(self.now);
        snapshot.agents.iter().find(|one| one.agent == AgentId(agent)).map(|one| one.activity)
    }

    pub(crate) fn is_logged_in(&self, agent: u32) -> bool {
        let snapshot = self.distributor.snapshot(self.now);
        snapshot.agents.iter().any(|one| one.agent == AgentId(agent) && one.presence.is_logged_in())
    }

    /// Lets time pass, in milliseconds.
    pub(crate) fn run(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        loop {
            self.flush();
            let packet = self.packets.first_key_value().map(|((at, _), _)| *at);
            let act = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let command = self.commands.front().map(|(at, _)| *at).filter(|_| !self.hold_commands);
            let event = self.events.front().map(|(at, _)| *at).filter(|_| !self.hold_events);
            let machines =
                [self.engine.poll_timeout(), self.distributor.poll_timeout(), self.relay.poll_timeout()];
            let peers = self.peers.iter().filter_map(|(_, ua)| ua.poll_timeout());
            let next = peers.chain(machines.into_iter().flatten()).chain(packet).chain(act);
            let next = next.chain(command).chain(event).min().filter(|next| *next <= end);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            let now = self.now;
            if packet == Some(next) {
                let (_, (flow, bytes)) = self.packets.pop_first().unwrap();
                self.deliver(flow, bytes);
            } else if act == Some(next) {
                let (_, act) = self.agenda.pop_first().unwrap();
                self.act(act);
            } else if command.is_none_or(|at| at > now) && event.is_none_or(|at| at > now) {
                self.engine.handle_timeout(now);
                self.distributor.handle_timeout(now);
                self.relay.handle_timeout(now);
                self.peers.iter_mut().for_each(|(_, ua)| ua.handle_timeout(now));
            }
        }
        self.now = end;
    }

    /// Runs to the end and proves that nothing is left and that all books agree.
    pub(crate) fn assert_nothing_left(&mut self) {
        self.hold_commands = false;
        self.hold_events = false;
        self.run(400_000);
        let counts = self.engine.counts();
        let ports = media::PoolCounts { free: 0, quarantined: 0, ..counts.calls.ports };
        let sip = sip::Counts { contacts: 0, timers: 0, ..counts.calls.sip };
        let calls = b2bua::Counts { ports, sip, ..counts.calls };
        assert_eq!(engine::Counts { calls, ..counts }, engine::Counts::default());
        assert_eq!(self.relay.counts().terminations, 0);
        let snapshot = self.distributor.snapshot(self.now);
        assert_eq!(snapshot.interactions, 0, "{snapshot:#?}");
        for (at, ua) in &self.peers {
            assert_eq!(ua.counts(), sip::Counts::default(), "{at}");
        }
        self.assert_books_agree();
    }

    fn assert_books_agree(&self) {
        use engine::Outcome;
        let totals = self.totals();
        let called = totals.called_back + totals.callbacks_ended;
        let left = totals.answered + totals.abandoned + totals.overflowed + totals.dequeued + called;
        assert_eq!(totals.offered, left);
        let passed = self.engine.totals();
        let is_beside = |event: &&acd::Event| matches!(event, acd::Event::Queued { beside: true, .. });
        let beside = self.said.iter().filter(is_beside).count() as u64;
        // Who flows into a queue in which they stand already is not offered there again.
        let flows_in = |event: &&acd::Event| matches!(event, acd::Event::Queued { queue, from: Some(from), .. } if from != queue);
        let flowed_in = self.said.iter().filter(flows_in).count() as u64;
        let entered = totals.offered - flowed_in - totals.returned - beside;
        assert_eq!(passed.sip.calls(), entered + passed.refused_calls(), "{passed:?}");
        assert_eq!(totals.answered + totals.called_back, totals.finished);
        // Who was given back was answered twice, or in vain.
        let conversations = totals.finished - totals.returned;
        let records = self.records();
        let names: BTreeSet<InteractionId> = records.iter().map(|record| record.story.interaction).collect();
        assert_eq!(names.len(), records.len(), "one record each");
        let count = |outcome| records.iter().filter(|record| record.outcome == outcome).count() as u64;
        assert_eq!(count(Outcome::Answered) + count(Outcome::CalledBack), conversations);
        assert_eq!(count(Outcome::CallbackEnded), totals.callbacks_ended);
        // The distributor knows only that the caller was gone.
        assert_eq!(count(Outcome::Abandoned) + count(Outcome::Failed), totals.abandoned);
        assert_eq!(count(Outcome::Overflowed), totals.left);
        for record in records {
            let talked = matches!(record.outcome, Outcome::Answered | Outcome::CalledBack);
            assert_eq!(record.story.answered.is_some(), talked, "{record:#?}");
            assert!(record.story.attempts.len() <= record.story.attempts_total as usize);
            let answers = |one: &&engine::AttemptRecord| one.failure.is_none() && one.stopped.is_none();
            let answers = record.story.attempts.iter().filter(answers).count();
            // Each attempt to call a customer back may have an agent who answered.
            assert!(answers <= 1 || record.story.callback.is_some(), "{record:#?}");
        }
    }

    pub(crate) fn flush(&mut self) {
        loop {
            if self.writes_down {
                let written = serde_json::to_string(&self.engine).unwrap();
                self.engine = serde_json::from_str(&written).unwrap();
            }
            let mut idle = true;
            while let Some(output) = self.engine.poll_output() {
                self.perform(output);
                idle = false;
            }
            while let Some(event) = self.relay.poll_event() {
                self.engine.handle_media(self.now, event);
                idle = false;
            }
            while let Some(sent) = self.relay.poll_transmit() {
                self.relay.recycle(sent.bytes);
            }
            while let Some(request) = self.relay.poll_socket() {
                if let media::SocketRequest::Open(port) = request
                    && self.sockets_fail
                {
                    self.relay.port_failed(port);
                    idle = false;
                }
            }
            while let Some(event) = self.distributor.poll_event() {
                let at = self.through_ring(self.events.back().map(|(at, _)| *at));
                self.said.push(event.clone());
                self.events.push_back((at, event));
                idle = false;
            }
            if !self.hold_commands && self.commands.front().is_some_and(|(at, _)| *at <= self.now) {
                let (_, command) = self.commands.pop_front().unwrap();
                self.distributor.apply(self.now, command);
                idle = false;
            }
            if !self.hold_events && self.events.front().is_some_and(|(at, _)| *at <= self.now) {
                let (_, event) = self.events.pop_front().unwrap();
                self.engine.handle_distributor(self.now, event);
                idle = false;
            }
            for peer in 0..self.peers.len() {
                idle &= !self.flush_peer(peer);
            }
            if idle {
                return;
            }
        }
    }

    fn flush_peer(&mut self, peer: Peer) -> bool {
        let mut busy = false;
        while let Some(event) = self.ua(peer).poll_event() {
            self.behave(peer, &event);
            self.heard[peer].push_back(event);
            busy = true;
        }
        while let Some(transmit) = self.ua(peer).poll_transmit() {
            self.transmit(transmit);
            busy = true;
        }
        busy
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Transmit(transmit) => self.transmit(transmit),
            Output::Query(_) | Output::CloseConnection(_) => panic!("the stories need neither DNS nor TCP"),
            Output::Distributor(command) if (self.loses)(&command) => {}
            Output::Distributor(command) => {
                let at = self.through_ring(self.commands.back().map(|(at, _)| *at));
                self.commands.push_back((at, command));
            }
            Output::Media(command) => self.relay.handle_command(self.now, command),
            Output::Notice(notice) => self.notices.push(notice),
        }
    }

    /// When a value arrives that goes into a ring now, behind the last one.
    fn through_ring(&mut self, last: Option<Instant>) -> Instant {
        let delay = self.delays[self.random.next_u64() as usize % self.delays.len()];
        let at = self.now + Duration::from_millis(delay);
        last.map_or(at, |last| at.max(last))
    }

    /// A phone does what is its manner.
    fn behave(&mut self, peer: Peer, event: &sip::Event) {
        let sip::Event::Invited { session, .. } = event else { return };
        let (session, now) = (*session, self.now);
        match self.manners[peer] {
            Manner::ByHand | Manner::Dead => return,
            Manner::Ignores => {}
            Manner::Answers(after) => self.plan(after, Act::Accept(peer, session)),
            Manner::Refuses(status, after) => self.plan(after, Act::Refuse(peer, session, status)),
            Manner::Leaves(after, stays) => {
                self.plan(after, Act::Accept(peer, session));
                self.plan(after + stays, Act::Bye(peer, session));
            }
        }
        self.ua(peer).progress(now, session, 180, &[], None).unwrap();
    }

    fn act(&mut self, act: Act) {
        let now = self.now;
        // What is over already refuses; that is what people find out.
        match act {
            Act::Accept(peer, session) => {
                let body = Body::sdp(audio(self.at(peer)));
                let _ = self.ua(peer).accept(now, session, &[], Some(&body));
            }
            Act::Refuse(peer, session, status) => drop(self.ua(peer).refuse(now, session, status, &[])),
            Act::Bye(peer, session) => drop(self.ua(peer).bye(now, session, Vec::new())),
            Act::GiveUp(peer, session) => {
                if self.ua(peer).cancel(now, session, Vec::new()).is_err() {
                    let _ = self.ua(peer).bye(now, session, Vec::new());
                }
            }
            Act::CallBack => drop(self.call_back(None)),
            Act::Call(peer, patience) => {
                let session = self.call(peer, "100");
                if let Some(patience) = patience {
                    self.plan(patience, Act::GiveUp(peer, session));
                }
            }
        }
    }

    fn transmit(&mut self, Transmit { flow, bytes }: Transmit) {
        self.wire.push((flow.remote, String::from_utf8_lossy(&bytes).into_owned()));
        self.sequence += 1;
        let flow = Flow { local: flow.remote, remote: flow.local, ..flow };
        self.packets.insert((self.now + Duration::from_millis(2), self.sequence), (flow, bytes));
    }

    fn deliver(&mut self, flow: Flow, bytes: Bytes) {
        let now = self.now;
        if flow.local == home() {
            return self.engine.handle_datagram(now, flow, bytes);
        }
        let Some(peer) = self.peers.iter().position(|(at, _)| *at == flow.local) else { return };
        let message = Message::parse(bytes.clone(), &sip::Limits::default()).unwrap();
        if message.status() > 0 && message.cseq().is_ok_and(|(_, method)| method == sip::Method::Register) {
            self.answers.push((flow.local, message));
        } else if !matches!(self.manners[peer], Manner::Dead) {
            self.ua(peer).handle_datagram(now, flow, bytes);
        }
    }
}
