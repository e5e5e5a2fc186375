//! Engine and distributor in one thread, and phones that say what SIPp's scenarios say: a call without sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use acd::{AgentId, AgentSettings, Command, Distributor, QueueId, QueueSettings};
use bytes::Bytes;
use engine::{AgentLine, Directory, Engine, Entry, LogIn, NumberPattern, Output, Reach, Treatment, Way};
use media::{Music, MusicId, Relay};
use sip::{Endpoint, Flow, Network, Protocol, Trunk, TrunkId};
use timing::Instant;

const QUEUE: QueueId = QueueId(1);
const SEED: [u8; 32] = [7; 32];
/// Between a call and the next: the transactions of some thirty calls are remembered at any time.
const PAUSE: Duration = Duration::from_secs(1);
const TALK: Duration = Duration::from_secs(1);
/// Longer than the engine waits for an agent before it answers with music.
const UNTREATED: Duration = Duration::from_millis(30);
const MUSIC: MusicId = MusicId(1);
const CALLERS_MAX: usize = 100_000;

/// A queue with agents at fixed addresses, and a trunk whose callers ring them one after another.
pub struct House {
    engine: Engine,
    distributor: Distributor,
    /// Where it is missing, what the engine says to it is forgotten.
    relay: Option<Relay>,
    now: Instant,
    calls: u64,
    /// What was sent and nobody has looked at.
    sent: Vec<(SocketAddr, Bytes)>,
}

/// What is left to the caller to say.
struct Begun {
    number: u64,
    target: String,
    tag: String,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Messages to us.
    pub received: u32,
    /// Messages from us.
    pub sent: u32,
}

fn home() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 5_060))
}

fn caller() -> SocketAddr {
    SocketAddr::from(([10, 2, 0, 1], 5_060))
}

fn phone() -> SocketAddr {
    SocketAddr::from(([10, 3, 0, 1], 5_070))
}

fn description(host: SocketAddr) -> String {
    let ip = host.ip();
    format!(
        "v=0\r\no=sipp 7 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0 8 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
         a=sendrecv\r\n"
    )
}

fn settings() -> engine::Settings {
    let endpoint =
        Endpoint { protocol: Protocol::Udp, bound: home(), host: home().ip().to_string(), port: 5_060 };
    let mut sip = sip::Settings::new("cc.test", vec![endpoint]);
    sip.server = "Cordboard".to_owned();
    let networks = vec![Network { address: caller().ip(), prefix: 16 }];
    sip.trunks = vec![Trunk {
        id: TrunkId(1),
        name: "pbx".to_owned(),
        networks,
        credentials: None,
        challenge: false,
        outbound_proxy: None,
        calls_per_second: None,
    }];
    engine::Settings {
        calls: b2bua::Settings { media_v4: Some(home().ip()), ..b2bua::Settings::default() },
        sip,
        retry_after: Duration::from_secs(5),
        missed_pause: None,
        phone_grace: Duration::from_secs(30),
        lease: acd::Settings::default().handling_lease,
        callers_max: CALLERS_MAX,
    }
}

/// Nobody sends it anything, which it is not to mind.
fn relay() -> Relay {
    let silence = Duration::from_secs(3_600);
    let settings = media::Settings { terminations: CALLERS_MAX, silence, ..media::Settings::default() };
    let mut relay = Relay::new(settings, SEED);
    relay.set_music(MUSIC, Arc::new(Music::generated()));
    relay
}

impl House {
    /// So many agents, all idle; callers who wait hear their own network's ringback.
    pub fn new(agents: u32) -> House {
        House::furnished(agents, Treatment::Ringback, None)
    }

    /// The same with the relay that all audio goes through.
    pub fn with_relay(agents: u32) -> House {
        House::furnished(agents, Treatment::Ringback, Some(relay()))
    }

    /// The same with music for those who wait.
    pub fn with_music(agents: u32) -> House {
        House::furnished(agents, Treatment::Music(MUSIC), Some(relay()))
    }

    fn furnished(agents: u32, treatment: Treatment, relay: Option<Relay>) -> House {
        let mut house = House {
            engine: Engine::new(settings(), SEED),
            distributor: Distributor::new(acd::Settings::default()),
            relay,
            now: Instant::from_secs(1_000),
            calls: 0,
            sent: Vec::new(),
        };
        let line = |number: u32| {
            let uri = format!("sip:a{number}@{}", phone()).parse().expect("an address");
            AgentLine { reach: Reach::Contact { uri, way: Way::Open }, log_in: LogIn::OnRegister }
        };
        let entry = Entry {
            number: NumberPattern::Any,
            queue: QUEUE,
            also: Vec::new(),
            priority: 0,
            requirement: None,
            wish: None,
        };
        let directory = Directory {
            entries: vec![entry],
            agents: (0..agents).map(|number| (AgentId(number), line(number))).collect(),
            queues: BTreeMap::from([(QUEUE, treatment)]),
            callers: BTreeMap::new(),
            exits: BTreeMap::new(),
            outbound: None,
            callbacks: BTreeMap::new(),
        };
        let queue = QueueSettings { after_call_work: Duration::ZERO, ..QueueSettings::default() };
        let queue = Command::DefineQueue { queue: QUEUE, settings: Box::new(queue) };
        let hire = |number| Command::DefineAgent {
            agent: AgentId(number),
            settings: Box::new(AgentSettings::default()),
        };
        let commands = std::iter::once(queue).chain((0..agents).map(hire)).collect();
        house.engine.reload(house.now, directory, commands);
        house.settle();
        house
    }

    /// A call that an agent answers at once and the caller ends after a second.
    ///
    /// # Panics
    /// Where anything goes another way: a call that fails costs something else.
    pub fn call(&mut self) -> Passed {
        self.pass(PAUSE);
        let mut passed = Passed::default();
        let Begun { number, target, tag } = self.begin(&mut passed);
        self.pass(TALK);
        self.say(caller(), request(number, "BYE", 2, &target, &tag, ""), &mut passed);
        let ended = self.heard(phone(), b"BYE ");
        self.heard(caller(), b"SIP/2.0 200");
        self.say(phone(), answer(&ended, "200 OK", number, ""), &mut passed);
        passed
    }

    /// A call that an agent answers at once and nobody ends.
    ///
    /// # Panics
    /// Where anything goes another way.
    pub fn talk(&mut self) {
        self.begin(&mut Passed::default());
    }

    /// A call that is answered with music and stays in line, because no agent is idle.
    ///
    /// # Panics
    /// Where anything goes another way.
    pub fn wait(&mut self) {
        let mut passed = Passed::default();
        let number = self.invite(&mut passed);
        self.pass(UNTREATED);
        self.acknowledge(number, &mut passed);
    }

    /// Lets time go by with all calls that there are.
    pub fn rest(&mut self, time: Duration) {
        self.pass(time);
        self.sent = Vec::new();
    }

    fn begin(&mut self, passed: &mut Passed) -> Begun {
        let number = self.invite(passed);
        let asked = self.heard(phone(), b"INVITE ");
        self.say(phone(), answer(&asked, "180 Ringing", number, ""), passed);
        self.say(phone(), answer(&asked, "200 OK", number, &description(phone())), passed);
        self.heard(phone(), b"ACK ");
        self.acknowledge(number, passed)
    }

    fn invite(&mut self, passed: &mut Passed) -> u64 {
        let number = self.calls;
        self.calls += 1;
        let invite = request(number, "INVITE", 1, "100@10.0.0.1:5060", "", &description(caller()));
        self.say(caller(), invite, passed);
        number
    }

    /// The caller has just heard that somebody is there.
    fn acknowledge(&mut self, number: u64, passed: &mut Passed) -> Begun {
        let answered = self.heard(caller(), b"SIP/2.0 200");
        let (tag, target) = (parameter(&line(&answered, "To:"), "tag="), contact(&answered));
        self.say(caller(), request(number, "ACK", 1, &target, &tag, ""), passed);
        Begun { number, target, tag }
    }

    fn say(&mut self, from: SocketAddr, text: String, passed: &mut Passed) {
        let flow = Flow { protocol: Protocol::Udp, local: home(), remote: from, connection: None };
        // What was said before has been looked at or is of no interest.
        self.sent.clear();
        self.engine.handle_datagram(self.now, flow, Bytes::from(text));
        self.settle();
        passed.received += 1;
        passed.sent += u32::try_from(self.sent.len()).expect("a handful");
    }

    fn heard(&self, by: SocketAddr, start: &[u8]) -> String {
        let found = self.sent.iter().find(|(to, bytes)| *to == by && bytes.starts_with(start));
        let Some((_, bytes)) = found else {
            panic!("{by} has heard no {}: {:?}", start.escape_ascii(), self.sent);
        };
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Lets time go by, and does what is due meanwhile.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let relay = self.relay.as_ref().and_then(Relay::poll_timeout);
            let due = [self.engine.poll_timeout(), self.distributor.poll_timeout(), relay];
            let Some(due) = due.into_iter().flatten().min().filter(|&due| due <= until) else { break };
            self.now = self.now.max(due);
            if self.distributor.poll_timeout().is_some_and(|due| due <= self.now) {
                self.distributor.handle_timeout(self.now);
            }
            if self.engine.poll_timeout().is_some_and(|due| due <= self.now) {
                self.engine.handle_timeout(self.now);
            }
            if let Some(relay) = &mut self.relay
                && relay.poll_timeout().is_some_and(|due| due <= self.now)
            {
                relay.handle_timeout(self.now);
            }
            self.settle();
        }
        self.now = until;
    }

    fn settle(&mut self) {
        loop {
            while let Some(output) = self.engine.poll_output() {
                match output {
                    Output::Transmit(transmit) => self.sent.push((transmit.flow.remote, transmit.bytes)),
                    Output::Distributor(command) => self.distributor.apply(self.now, command),
                    Output::Media(command) => {
                        if let Some(relay) = &mut self.relay {
                            relay.handle_command(self.now, command);
                        }
                    }
                    // Whoever writes logs has a thread of its own.
                    Output::Notice(_) => {}
                    Output::Query(_) | Output::CloseConnection(_) => {
                        panic!("{output:?}: nothing asks for this")
                    }
                }
            }
            if let Some(event) = self.distributor.poll_event() {
                self.engine.handle_distributor(self.now, event);
            } else if let Some(event) = self.relayed() {
                self.engine.handle_media(self.now, event);
            } else {
                return;
            }
        }
    }

    /// What the relay has to say, once its packets are gone: nobody hears them.
    fn relayed(&mut self) -> Option<media::Event> {
        let relay = self.relay.as_mut()?;
        while relay.poll_socket().is_some() {}
        while let Some(packet) = relay.poll_transmit() {
            relay.recycle(packet.bytes);
        }
        relay.poll_event()
    }
}

/// What `benches/scenarios/caller.xml` says.
fn request(number: u64, method: &str, cseq: u32, target: &str, to_tag: &str, body: &str) -> String {
    let local = caller();
    let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let more = if method == "INVITE" {
        format!(
            "Contact: <sip:caller@{local};transport=UDP>\r\n\
             P-Asserted-Identity: \"Caller {number}\" <sip:021234{number}@pbx.test>\r\nX-Account: {number}\r\n\
             Content-Type: application/sdp\r\n"
        )
    } else {
        String::new()
    };
    format!(
        "{method} sip:{target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-{number}-{method};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"Caller {number}\" <sip:021234{number}@pbx.test>;tag=7c{number}\r\n\
         To: <sip:100@cc.test>{to_tag}\r\nCall-ID: {number}-7@{}\r\nCSeq: {cseq} {method}\r\n{more}\
         Content-Length: {}\r\n\r\n{body}",
        local.ip(),
        body.len()
    )
}

/// What `benches/scenarios/agent.xml` says.
fn answer(request: &str, status: &str, number: u64, body: &str) -> String {
    let to = line(request, "To:");
    let to = if to.contains("tag=") { to } else { format!("{to};tag=7a{number}") };
    let more = if request.starts_with("INVITE") {
        format!("Contact: <sip:agent@{};transport=UDP>\r\n", phone())
    } else {
        String::new()
    };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let copied: String =
        ["Via:", "From:", "Call-ID:", "CSeq:"].iter().map(|name| line(request, name) + "\r\n").collect();
    format!("SIP/2.0 {status}\r\n{copied}{to}\r\n{more}{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn line(message: &str, name: &str) -> String {
    message.lines().find(|line| line.starts_with(name)).expect("we say what we must").to_owned()
}

fn parameter(line: &str, name: &str) -> String {
    let (_, value) = line.split_once(name).expect("it is there");
    value.split(';').next().unwrap_or_default().to_owned()
}

/// The address in Contact without its scheme.
fn contact(message: &str) -> String {
    let line = line(message, "Contact:");
    let (_, uri) = line.split_once("sip:").expect("an address of ours");
    uri.trim_end_matches('>').to_owned()
}
