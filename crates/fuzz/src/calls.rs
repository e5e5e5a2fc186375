//! Sequences of messages into the whole product under virtual time: engine, distributor and relay as `sim` joins them.
//!
//! The octets are a play. A line that begins with `%` names who speaks (`a` and `b` call over the trunk, `c` is the phone
//! of the only agent, which has registered, `d` is a stranger) and, by a digit, how long they wait before. What follows, up
//! to the next such line, is what they say:
//!
//! ```text
//! %a0
//! INVITE sip:100@cc.example.com SIP/2.0
//! ...
//! %c3
//! SIP/2.0 200 OK
//! {vias}From: {from}
//! ```
//!
//! Words in braces stand for what the last message to the speaker had: `{vias}` whole lines, `{from}`, `{to}`, `{id}`,
//! `{cseq}` and `{target}` (the URI of Contact) values, so that a play can go on with a dialog whose tags nobody knows
//! beforehand. What begins with `RTP` is a packet to the media port that the speaker was told last; all else goes to the SIP
//! port.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sim::centre::Happening;
use sim::network::Datagram;
use sim::phone::{Answer, Manner, Plan};
use sim::{Centre, Chance, Scenario};
use sip::digest::{self, ClientAccount, Secret};
use sip::{Fault, Limits, Message, Name};
use timing::Instant;

/// Who speaks: two callers, the agent's phone, a stranger.
const SPEAKERS: [&str; 4] = ["10.1.0.1:5060", "10.1.0.2:5060", "10.2.0.0:5060", "192.0.2.66:5060"];
/// The agent's phone among them.
const PHONE: usize = 2;
/// How long a speaker waits, by digit, in milliseconds.
const WAITS: [u64; 10] = [0, 1, 10, 100, 500, 1_000, 4_000, 8_000, 20_000, 35_000];
/// Lines of a play at most: more show nothing that fewer do not.
const LINES_MAX: usize = 40;
/// Time after which whatever was said must be over: every timer of RFC 3261 has run out twice.
const OVER: Duration = Duration::from_secs(200);
/// Steps without time going on: more is a machine that chases itself.
const STUCK: u32 = 100_000;

/// One play, to its end.
pub(super) fn run(octets: &[u8]) {
    play(octets);
}

/// One play, to its end; how many calls an agent answered in it.
pub fn play(octets: &[u8]) -> usize {
    let mut stage = Stage::new();
    stage.register();
    let text = [b"\n", octets].concat();
    for line in split(&text, b"\n%").into_iter().skip(1).take(LINES_MAX) {
        let (head, said) = match line.iter().position(|&octet| octet == b'\n') {
            Some(end) => (&line[..end], &line[end + 1..]),
            None => (line, &[][..]),
        };
        let speaker = head.first().map_or(0, |&octet| usize::from(octet.wrapping_sub(b'a')) % SPEAKERS.len());
        let wait = head.get(1).map_or(0, |&octet| WAITS[usize::from(octet.wrapping_sub(b'0')) % WAITS.len()]);
        stage.pass(Duration::from_millis(wait));
        stage.say(speaker, said);
    }
    stage.end();
    stage.answered
}

fn split<'a>(text: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        parts.push(&rest[..at]);
        rest = &rest[at + mark.len()..];
    }
    parts.push(rest);
    parts
}

/// What a speaker was told last, and all that it has said.
#[derive(Default)]
struct Ear {
    message: Option<Message>,
    media: Option<u16>,
    said: Vec<u8>,
}

struct Stage {
    centre: Centre,
    now: Instant,
    ears: [Ear; SPEAKERS.len()],
    answered: usize,
}

fn address(speaker: usize) -> SocketAddr {
    SPEAKERS[speaker].parse().expect("an address of the list")
}

impl Stage {
    /// A centre with one agent, and a queue whose callers hear music.
    fn new() -> Stage {
        // What the agent's phone does is in the play.
        let nobody = Plan::Always(Manner::only(Answer::RingOut));
        let scenario = Scenario::quiet().with_music().with_voice().with_agents(1, &nobody);
        let centre = scenario.centre(&mut Chance::new(7));
        Stage { centre, now: Instant::ORIGIN, ears: Default::default(), answered: 0 }
    }

    /// The agent's phone registers with its password, as any phone does.
    fn register(&mut self) {
        let account = ClientAccount {
            user: Scenario::user(0),
            secret: Secret::Password(Scenario::secret(&Scenario::user(0))),
            realm: None,
        };
        let request = |number: u32, credentials: &str| {
            let (user, here) = (Scenario::user(0), address(PHONE));
            let text = format!(
                "REGISTER sip:{domain} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKr{number}\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:{user}@{domain}>;tag=r\r\nTo: <sip:{user}@{domain}>\r\nCall-ID: r\r\n\
                 CSeq: {number} REGISTER\r\nContact: <sip:{user}@{here}>\r\nExpires: 3600\r\n{credentials}\
                 Content-Length: 0\r\n\r\n",
                domain = Scenario::DOMAIN
            );
            Message::parse(text.into(), &Limits::default()).expect("it is well formed")
        };
        let first = request(1, "");
        self.send(PHONE, first.bytes().clone(), self.centre.address());
        let challenge = self.ears[PHONE].message.take().expect("a challenge");
        let answer = digest::answer(&account, &first, &challenge, "0a4f113b", 1).expect("it can be answered");
        let second = request(2, &format!("{}: {}\r\n", answer.name, answer.value));
        self.send(PHONE, second.bytes().clone(), self.centre.address());
        let accepted = self.ears[PHONE].message.as_ref().map(Message::status);
        assert_eq!(accepted, Some(200), "the phone is registered");
    }

    fn say(&mut self, speaker: usize, said: &[u8]) {
        let sip = self.centre.address();
        match (said.strip_prefix(b"RTP"), self.ears[speaker].media) {
            (Some(packet), Some(port)) => {
                let to = SocketAddr::new(sip.ip(), port);
                self.send(speaker, Bytes::copy_from_slice(packet), to);
            }
            (Some(_), None) => {}
            (None, _) => {
                let text = filled(said, &self.ears[speaker]);
                self.ears[speaker].said.extend_from_slice(&text);
                self.send(speaker, text.into(), sip);
            }
        }
    }

    fn send(&mut self, speaker: usize, bytes: Bytes, to: SocketAddr) {
        self.centre.handle_datagram(self.now, Datagram { from: address(speaker), to, bytes });
        self.listen();
    }

    /// Everybody hears what was said to them.
    fn listen(&mut self) {
        while let Some(Datagram { to, bytes, .. }) = self.centre.poll_datagram() {
            let Some(speaker) = (0..SPEAKERS.len()).find(|&speaker| address(speaker) == to) else { continue };
            let message = Message::parse(bytes, &Limits::default()).expect("what we send can be read");
            if let Err(fault) = message.validate() {
                let said = &self.ears[speaker].said;
                assert!(repeats(&message, fault, said), "{fault}, and it is ours: {:?}", message.bytes());
            }
            let ear = &mut self.ears[speaker];
            ear.media = media_port(&message.body()).or(ear.media);
            ear.message = Some(message);
        }
        while let Some(happening) = self.centre.poll_happening() {
            match happening {
                Happening::Broken(violation) => panic!("{violation}"),
                Happening::Distributed(event) => {
                    self.answered += usize::from(matches!(event, acd::Event::Answered { .. }));
                }
                Happening::LetGo(_) | Happening::Noticed(_) | Happening::Relayed(_) | Happening::Asked(_) => {
                }
            }
        }
    }

    fn pass(&mut self, wait: Duration) {
        let end = self.now + wait;
        let mut steps = 0;
        while let Some(due) = self.centre.poll_timeout().filter(|due| *due <= end) {
            steps = if due > self.now { 0 } else { steps + 1 };
            assert!(steps < STUCK, "time stands still at {:?}", self.now);
            self.now = due.max(self.now);
            self.centre.handle_timeout(self.now);
            self.listen();
        }
        self.now = end;
    }

    /// Every call is ended, and nothing is left of any.
    fn end(&mut self) {
        self.centre.rewrite().expect("state is data");
        let now = self.now;
        self.centre.engine_mut().hang_up_all(now);
        self.centre.handle_timeout(now);
        self.listen();
        self.pass(OVER);
        let counts = self.centre.engine().counts();
        let left = (counts.interactions, counts.placed, counts.calls.calls, counts.calls.terminations);
        assert_eq!(left, (0, 0, 0, 0), "interactions, calls placed, calls, terminations");
        let sip = counts.calls.sip;
        let left = (sip.sessions, sip.dialogs, sip.client_transactions, sip.server_transactions);
        assert_eq!(left, (0, 0, 0, 0), "sessions, dialogs, transactions of either side");
        assert_eq!(self.centre.relay().counts().terminations, 0, "the relay");
    }
}

/// Whether a refusal repeats what was wrong with the request: these headers go back as they came (RFC 3261 §8.2.6.2).
fn repeats(message: &Message, fault: Fault, said: &[u8]) -> bool {
    let copied = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq];
    let is_about = |name: &Name| {
        [Fault::Malformed(*name), Fault::Repeated(*name)].contains(&fault)
            || (*name == Name::CSeq && fault == Fault::CSeqMethod)
    };
    let Some(name) = copied.into_iter().find(is_about) else { return false };
    // A tag of ours stands behind what was said in To.
    let theirs = |raw: &[u8]| raw.windows(5).rposition(|part| part == b";tag=").unwrap_or(raw.len());
    let was_said = |raw: &[u8]| {
        [raw, &raw[..theirs(raw)]]
            .iter()
            .any(|part| part.is_empty() || said.windows(part.len()).any(|one| one == *part))
    };
    matches!(message.status(), 400..600) && message.fields(name).all(|field| was_said(field.raw))
}

/// The port of the first stream that a description offers.
fn media_port(body: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(body).ok()?;
    text.lines().find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok())
}

/// The words in braces replaced, and every line ended as SIP ends them.
fn filled(said: &[u8], ear: &Ear) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = said;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        match octet {
            b'\n' => text.extend_from_slice(b"\r\n"),
            b'{' => match tail.iter().position(|&octet| octet == b'}') {
                Some(end) => {
                    text.extend_from_slice(&word(&tail[..end], ear));
                    rest = &tail[end + 1..];
                }
                None => text.push(b'{'),
            },
            octet => text.push(octet),
        }
    }
    text
}

/// What a word in braces stands for; nothing where there was no message, or no such header in it.
fn word(name: &[u8], ear: &Ear) -> Vec<u8> {
    let Some(message) = &ear.message else { return Vec::new() };
    let header = |name| message.header(name).unwrap_or_default().to_vec();
    match name {
        b"vias" => {
            let lines = message.fields(Name::Via).map(|field| [b"Via: ", &*field.value(), b"\r\n"].concat());
            lines.flatten().collect()
        }
        b"from" => header(Name::From),
        b"to" => header(Name::To),
        b"id" => header(Name::CallId),
        b"cseq" => header(Name::CSeq),
        b"target" => {
            message.contact().map_or_else(|_| Vec::new(), |contact| contact.uri.to_string().into_bytes())
        }
        _ => Vec::new(),
    }
}
