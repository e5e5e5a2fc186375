//! Callers and agents of one load, with a wire of our own between them: nothing else answers, so what is counted can be
//! foretold.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use load::{
    Agents, Answers, AudioChange, AudioCommand, Callers, Credentials, Leg, Load, Measure, Outcome, Pace,
    PairId, Phase, Plan, Side, Spacing, TalkFrom, Target,
};
use sip::digest::Secret;
use sip::{Endpoint, Flow, Host, Protocol, Settings, UserAgent};
use timing::Instant;
use whatif::Distribution;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn credentials(number: usize) -> Credentials {
    Credentials { user: format!("agent{number}"), password: format!("secret-{number}") }
}

/// Fifty calls a second for ten seconds straight to two hundred agents, two seconds each.
fn plan() -> Plan {
    Plan {
        system: address(7_000),
        protocol: Protocol::Udp,
        domain: Host::parse(b"centre.example").expect("a host"),
        callers_at: address(6_000),
        agents_at: address(7_000),
        callers_media: address(6_002),
        agents_media: address(7_002),
        audio: Vec::new(),
        callers: vec![Callers {
            name: "everybody".to_owned(),
            numbers: vec!["100".to_owned()],
            from: "0301".to_owned(),
            people: 1_000_000,
            pace: Pace::constant(Spacing::Even, 50.0),
            talk: Distribution::constant(2 * SECOND),
            talk_from: TalkFrom::Agent,
            patience: None,
            credentials: None,
            may_be_hung_up: false,
        }],
        agents: vec![Agents {
            name: "all".to_owned(),
            accounts: (0..200).map(credentials).collect(),
            expires: None,
            ring: Distribution::constant(500 * MS),
            answers: Answers::default(),
            talk: None,
            after_call_work: Duration::ZERO,
            take_any: true,
        }],
        warm_up: Duration::ZERO,
        length: 10 * SECOND,
        drain: 60 * SECOND,
        registrations_per_second: 100,
        calls_max: 10_000,
        seed: 1,
        nonce: 77,
    }
}

/// A wire with a delay of two milliseconds that loses so many messages of a hundred, and what stands at its ends.
struct Wire {
    load: Load,
    now: Instant,
    loses: u64,
    chance: u64,
    sent: usize,
    under_way: BTreeMap<(Instant, usize), (Side, SocketAddr, Bytes)>,
    registrar: Option<UserAgent>,
}

impl Wire {
    fn new(plan: Plan, loses: u64) -> Wire {
        let now = Instant::from_secs(1_000);
        let load = Load::new(now, plan);
        Wire { load, now, loses, chance: loses, sent: 0, under_way: BTreeMap::new(), registrar: None }
    }

    /// Plays until nothing happens any more.
    fn play(mut self) -> Load {
        while self.load.phase() != Phase::Over {
            while let Some(transmit) = self.load.poll_transmit() {
                self.carry(transmit.side, transmit.to, transmit.bytes);
            }
            let timeout = self.load.poll_timeout().expect("it is not over");
            let registrar = self.registrar.as_ref().and_then(UserAgent::poll_timeout);
            let arrival = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let next = [Some(timeout), arrival, registrar].into_iter().flatten().min().expect("one of them");
            self.now = self.now.max(next);
            if arrival.is_some_and(|at| at <= self.now) {
                let (_, (side, source, bytes)) = self.under_way.pop_first().expect("looked at");
                self.load.handle_datagram(self.now, side, source, bytes);
            }
            if timeout <= self.now {
                self.load.handle_timeout(self.now);
            }
            if let Some(registrar) = self.registrar.as_mut() {
                registrar.handle_timeout(self.now);
            }
        }
        self.load
    }

    fn carry(&mut self, from: Side, to: SocketAddr, bytes: Bytes) {
        self.sent += 1;
        // Knuth's multiplier; the high bits are the better ones.
        self.chance =
            self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if (self.chance >> 33) % 100 < self.loses {
            return;
        }
        let source = if from == Side::Callers { address(6_000) } else { address(7_000) };
        if let Some(registrar) = self.registrar.as_mut().filter(|_| to == address(5_060)) {
            let flow = Flow { protocol: Protocol::Udp, local: to, remote: source, connection: None };
            registrar.handle_datagram(self.now, flow, bytes);
            while let Some(answer) = registrar.poll_transmit() {
                self.under_way.insert((self.now + 2 * MS, self.sent), (from, to, answer.bytes));
                self.sent += 1;
            }
            return;
        }
        let side = if to == address(6_000) { Side::Callers } else { Side::Agents };
        self.under_way.insert((self.now + 2 * MS, self.sent), (side, source, bytes));
    }
}

fn p50(load: &Load, measure: Measure) -> Duration {
    Duration::from_micros(load.figures().times(measure).value_at_quantile(0.5))
}

/// Within a tick of the timers, and three digits.
fn about(found: Duration, expected: Duration) -> bool {
    found >= expected && found <= expected + 3 * MS
}

#[test]
fn calls_that_are_answered_complete_and_every_time_is_what_the_wire_took() {
    let load = Wire::new(plan(), 0).play();
    let figures = load.figures();
    assert_eq!(figures.begun, 499, "one every 20 ms, before ten seconds are over");
    assert_eq!(figures.outcomes, BTreeMap::from([(Outcome::Completed, 499)]));
    assert_eq!((figures.rung, figures.picked_up, figures.clashes, figures.unknown), (499, 499, 0, 0));
    assert_eq!((figures.sent_again, figures.came_again, figures.strays), (0, 0, 0));
    assert_eq!(figures.failure_share(), 0.0);
    assert!(about(p50(&load, Measure::Lateness), Duration::from_micros(1)));
    assert!(about(p50(&load, Measure::Agent), 2 * MS));
    assert!(about(p50(&load, Measure::Ringing), 4 * MS));
    assert!(about(p50(&load, Measure::Answered), 504 * MS));
    assert!(about(p50(&load, Measure::Acknowledged), 4 * MS));
    assert!(about(p50(&load, Measure::Bye), 4 * MS));
    assert_eq!(figures.times(Measure::Trying).len(), 0, "nobody said 100");
    let begun: u32 = figures.seconds.iter().map(|second| second.begun).sum();
    let completed: u32 = figures.seconds.iter().map(|second| second.completed).sum();
    assert_eq!((begun, completed), (499, 499));
    let most = figures.seconds.iter().map(|second| second.in_progress).max();
    assert!(most.is_some_and(|most| (120..=130).contains(&most)), "2.5 s at 50 a second: {most:?}");
    assert!(figures.seconds[11].in_progress >= 25, "they end after the last has begun");
}

#[test]
fn what_the_wire_loses_is_sent_again_and_every_call_completes() {
    for loses in [2, 5, 10] {
        let load = Wire::new(plan(), loses).play();
        let figures = load.figures();
        assert_eq!(figures.outcomes, BTreeMap::from([(Outcome::Completed, 499)]), "{loses} % are lost");
        assert!(figures.sent_again > 30, "{}", figures.sent_again);
        assert!(figures.came_again > 0);
    }
}

#[test]
fn who_is_not_answered_gives_up_and_that_is_no_failure() {
    let mut plan = plan();
    plan.agents[0].answers.no_answer = 1.0;
    plan.agents[0].accounts = (0..500).map(credentials).collect();
    plan.callers[0].patience = Some(Distribution::constant(3 * SECOND));
    let load = Wire::new(plan, 0).play();
    let figures = load.figures();
    assert_eq!(figures.outcomes, BTreeMap::from([(Outcome::Abandoned, 499)]));
    assert!(about(p50(&load, Measure::Cancel), 4 * MS));
    assert_eq!((figures.failed(), figures.picked_up), (0, 0));
}

#[test]
fn a_refusal_is_a_failure_with_its_status() {
    let mut plan = plan();
    plan.agents[0].answers = Answers { busy: 0.5, decline: 0.2, no_answer: 0.0 };
    let load = Wire::new(plan, 0).play();
    let ended = |outcome| load.figures().ended(outcome);
    let (busy, declined, completed) =
        (ended(Outcome::Refused(486)), ended(Outcome::Refused(603)), ended(Outcome::Completed));
    assert_eq!(busy + declined + completed, 499);
    assert!((210..290).contains(&busy), "half of them, four deviations at most: {busy}");
    assert!((65..135).contains(&declined), "a fifth: {declined}");
    assert_eq!(load.figures().failed(), busy + declined);
}

#[test]
fn agents_who_hang_up_first_complete_the_call() {
    let mut plan = plan();
    plan.agents[0].talk = Some(Distribution::constant(SECOND));
    let load = Wire::new(plan, 0).play();
    assert_eq!(load.figures().outcomes, BTreeMap::from([(Outcome::Completed, 499)]));
    assert_eq!(load.figures().times(Measure::Bye).len(), 499, "the agents' BYEs");
}

#[test]
fn without_a_free_agent_the_name_is_unknown() {
    let mut plan = plan();
    plan.agents[0].accounts.truncate(10);
    let load = Wire::new(plan, 0).play();
    let figures = load.figures();
    assert_eq!(figures.ended(Outcome::Refused(404)), figures.unknown);
    assert!(figures.ended(Outcome::Completed) >= 40, "ten agents, 2.5 s a call, ten seconds");
}

#[test]
fn a_system_that_says_nothing_is_told_after_the_timers_of_the_protocol() {
    let mut plan = plan();
    plan.system = address(9);
    plan.length = SECOND;
    let mut wire = Wire::new(plan, 0);
    wire.loses = 100;
    let load = wire.play();
    assert_eq!(load.figures().outcomes, BTreeMap::from([(Outcome::Unanswered, 49)]));
    assert_eq!(load.figures().sent_again, 6 * 49, "after 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s");
}

#[test]
fn calls_of_the_warm_up_are_made_and_not_counted() {
    let mut plan = plan();
    plan.warm_up = 4 * SECOND;
    let load = Wire::new(plan, 0).play();
    assert_eq!(load.figures().begun, 300, "from four seconds on");
    assert_eq!(load.figures().ended(Outcome::Completed), 300);
    assert_eq!(load.figures().seconds.iter().map(|second| second.begun).sum::<u32>(), 499);
}

#[test]
fn too_many_at_once_are_not_made() {
    let mut plan = plan();
    plan.calls_max = 20;
    let load = Wire::new(plan, 0).play();
    let ended = |outcome| load.figures().ended(outcome);
    assert_eq!(ended(Outcome::NotMade) + ended(Outcome::Completed), 499);
    assert!(ended(Outcome::Completed) >= 60);
}

#[test]
fn phones_register_with_a_digest_and_take_it_back() {
    let mut plan = plan();
    plan.system = address(5_060);
    plan.callers.clear();
    plan.agents[0].expires = Some(60 * SECOND);
    plan.agents[0].accounts.truncate(50);
    // Longer than a registration lasts: it is refreshed.
    plan.length = 100 * SECOND;
    let endpoint = Endpoint {
        protocol: Protocol::Udp,
        bound: address(5_060),
        host: "192.0.2.1".to_owned(),
        port: 5_060,
    };
    let mut settings = Settings::new("centre.example", vec![endpoint]);
    settings.registrar.expires_min = 10 * SECOND;
    let mut registrar = UserAgent::new(settings, [7; 32]);
    for number in 0..49 {
        registrar.set_account(&format!("agent{number}"), Secret::Password(format!("secret-{number}")));
    }
    registrar.set_account("agent49", Secret::Password("another".to_owned()));
    let mut wire = Wire::new(plan, 0);
    wire.registrar = Some(registrar);
    let load = wire.play();
    let figures = load.figures();
    assert_eq!(figures.registered, 49);
    assert!(figures.not_registered.values().sum::<u64>() >= 10, "agent49 tries every five seconds");
    assert!(figures.not_registered.keys().all(|status| matches!(status, 401 | 403 | 503)));
    assert_eq!(load.registered(), 0, "all taken back");
    assert_eq!(figures.times(Measure::Registered).len(), 49);
}

#[test]
fn phones_take_their_registrations_back_at_their_own_rate_however_long_that_is() {
    let mut plan = plan();
    plan.system = address(5_060);
    plan.callers.clear();
    plan.length = SECOND;
    plan.agents[0].expires = Some(3_600 * SECOND);
    plan.agents[0].accounts.truncate(60);
    plan.registrations_per_second = 2;
    let endpoint = Endpoint {
        protocol: Protocol::Udp,
        bound: address(5_060),
        host: "192.0.2.1".to_owned(),
        port: 5_060,
    };
    let mut registrar = UserAgent::new(Settings::new("centre.example", vec![endpoint]), [7; 32]);
    for number in 0..60 {
        registrar.set_account(&format!("agent{number}"), Secret::Password(format!("secret-{number}")));
    }
    let mut wire = Wire::new(plan, 0);
    wire.registrar = Some(registrar);
    let load = wire.play();
    assert_eq!((load.figures().registered, load.registered()), (60, 0), "half a minute is not too long");
}

#[test]
fn octets_that_are_no_message_are_counted_and_nothing_else() {
    let mut load = Load::new(Instant::from_secs(1), plan());
    for octets in [&b""[..], b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n", &[0xff; 900]]
    {
        load.handle_datagram(
            Instant::from_secs(1),
            Side::Callers,
            address(9),
            Bytes::copy_from_slice(octets),
        );
        load.handle_datagram(Instant::from_secs(1), Side::Agents, address(9), Bytes::copy_from_slice(octets));
    }
    assert_eq!(load.figures().strays, 10);
    assert!(load.poll_transmit().is_none());
}

#[test]
fn each_call_with_audio_has_a_pair_of_ports_and_its_ends_are_told_of_each_other() {
    let mut plan = plan();
    plan.audio = (0..20).map(|pair| [address(20_000 + pair), address(30_000 + pair)]).collect();
    let mut load = Wire::new(plan, 0).play();
    let mut by_pair: BTreeMap<PairId, Vec<(Side, AudioChange)>> = BTreeMap::new();
    for said in std::iter::from_fn(|| load.poll_audio()) {
        by_pair.entry(said.pair).or_default().push((said.side, said.what));
    }
    let (caller, agent) = (Side::Callers, Side::Agents);
    let mut calls = 0;
    for (pair, said) in &by_pair {
        let at = |first: u16| {
            let port = first + u16::try_from(pair.0).expect("few");
            Some(Target { to: address(port), payload_type: 0 })
        };
        for call in said.chunks(7) {
            calls += 1;
            let expected = [
                (caller, AudioChange::Begin),
                (agent, AudioChange::Begin),
                (agent, AudioChange::Send(at(20_000))),
                (caller, AudioChange::Send(at(30_000))),
                // The caller's BYE, what it is to the agent, and its answer.
                (caller, AudioChange::End),
                (agent, AudioChange::End),
                (caller, AudioChange::End),
            ];
            assert_eq!(call, expected);
        }
    }
    let figures = load.figures();
    assert_eq!(figures.ended(Outcome::Completed), 499, "with audio and without");
    // Half a second of ringing, two of talk and two of rest: each pair is had by every second or third call in ten seconds.
    assert!(by_pair.len() == 20 && (40..=60).contains(&calls), "{calls}");
    assert_eq!(figures.without_audio, 499 - calls);
}

#[test]
fn calls_of_the_warm_up_keep_no_ports_from_those_that_are_counted() {
    let mut plan = plan();
    plan.audio = vec![[address(20_000), address(30_000)]];
    plan.warm_up = 4 * SECOND;
    plan.callers[0].talk = Distribution::constant(60 * SECOND);
    plan.agents[0].accounts = (0..500).map(credentials).collect();
    let mut load = Wire::new(plan, 0).play();
    let begun = std::iter::from_fn(|| load.poll_audio()).filter(|said| said.what == AudioChange::Begin);
    assert_eq!(begun.map(|said| said.side).collect::<Vec<Side>>(), Side::BOTH, "one caller and its agent");
    assert_eq!((load.figures().begun, load.figures().without_audio), (300, 299));
}

/// A system made of what a test sends by hand: the other end of one machine.
struct ByHand {
    load: Load,
    now: Instant,
}

impl ByHand {
    fn new(plan: Plan) -> ByHand {
        let now = Instant::from_secs(1_000);
        ByHand { load: Load::new(now, plan), now }
    }

    /// Time passes; what was sent meanwhile, as text.
    fn after(&mut self, time: Duration) -> Vec<String> {
        let end = self.now + time;
        while let Some(at) = self.load.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.load.handle_timeout(self.now);
        }
        self.now = end;
        std::iter::from_fn(|| self.load.poll_transmit())
            .map(|sent| String::from_utf8(sent.bytes.to_vec()).expect("text"))
            .collect()
    }

    fn comes(&mut self, side: Side, text: &str) -> Vec<String> {
        let octets = Bytes::copy_from_slice(text.replace('\n', "\r\n").as_bytes());
        self.load.handle_datagram(self.now, side, address(9), octets);
        self.after(Duration::ZERO)
    }
}

/// One caller at once, no agents of ours.
fn one_caller() -> Plan {
    let mut plan = plan();
    plan.agents.clear();
    plan.callers[0].pace = Pace::constant(Spacing::Even, 1.0);
    plan.callers[0].talk = Distribution::constant(10 * SECOND);
    plan.callers[0].talk_from = TalkFrom::Answer;
    plan.length = Duration::from_millis(1_500);
    plan
}

/// The lines of a request that its answer repeats.
fn echo(request: &str) -> String {
    let is_kept =
        |line: &&str| ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name));
    let lines: Vec<&str> = request.lines().filter(is_kept).collect();
    lines.join("\n")
}

fn answer(request: &str, status: &str, further: &str) -> String {
    format!(
        "SIP/2.0 {status}\n{}\nTo: <sip:100@centre.example>;tag=x\n{further}Content-Length: 0\n\n",
        echo(request)
    )
}

const CONTACT: &str = "Contact: <sip:system@192.0.2.1:7000>\n";

/// The BYE of the system for the call of this INVITE.
fn bye(invite: &str) -> String {
    let line =
        |name: &str| invite.lines().find(|line| line.starts_with(name)).expect("it has one").to_owned();
    let (from, call_id) = (line("From:").replacen("From:", "To:", 1), line("Call-ID:"));
    format!(
        "BYE sip:x@192.0.2.1:6000 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKbye\nMax-Forwards: 70\n\
         From: <sip:100@centre.example>;tag=x\n{from}\n{call_id}\nCSeq: 1 BYE\nContent-Length: 0\n\n"
    )
}

#[test]
fn a_call_that_the_system_cuts_off_has_failed_unless_the_plan_allows_it() {
    for (allowed, outcome) in [(false, Outcome::CutOff), (true, Outcome::Completed)] {
        let mut plan = one_caller();
        plan.callers[0].may_be_hung_up = allowed;
        let mut by_hand = ByHand::new(plan);
        let invite = by_hand.after(SECOND).remove(0);
        by_hand.comes(Side::Callers, &answer(&invite, "200 OK", CONTACT));
        let sent = by_hand.comes(Side::Callers, &bye(&invite));
        assert!(sent[0].starts_with("SIP/2.0 200"), "{sent:?}");
        assert_eq!(by_hand.load.figures().ended(outcome), 1);
    }
}

/// The same message with a session description.
fn described(text: &str, direction: &str) -> String {
    let sdp = format!(
        "v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 40000 RTP/AVP 18 8\n\
         a=rtpmap:18 G729/8000\na=rtpmap:8 PCMA/8000\na={direction}\n"
    );
    let length = sdp.replace('\n', "\r\n").len();
    let length = format!("Content-Type: application/sdp\nContent-Length: {length}\n\n{sdp}");
    text.replace("Content-Length: 0\n\n", &length)
}

#[test]
fn audio_goes_where_the_description_says_and_stops_while_it_is_not_wanted() {
    let mut plan = one_caller();
    plan.audio = vec![[address(20_000), address(30_000)]];
    let mut by_hand = ByHand::new(plan);
    let invite = by_hand.after(SECOND).remove(0);
    assert!(invite.contains("m=audio 20000 ") && invite.contains("a=rtcp:6002\r\n"), "{invite}");
    by_hand.comes(Side::Callers, &described(&answer(&invite, "200 OK", CONTACT), "sendrecv"));
    let again = bye(&invite).replace("BYE", "INVITE");
    let sent = by_hand.comes(Side::Callers, &described(&again, "inactive"));
    assert!(sent[0].starts_with("SIP/2.0 200") && sent[0].contains("m=audio 20000 "), "{sent:?}");
    by_hand.comes(Side::Callers, &described(&again.replace("1 INVITE", "2 INVITE"), "recvonly"));
    // Asks for an offer: what was said before stands.
    by_hand.comes(Side::Callers, &again.replace("1 INVITE", "3 INVITE"));
    let there = Some(Target { to: SocketAddr::from(([192, 0, 2, 9], 40_000)), payload_type: 8 });
    let said: Vec<AudioChange> =
        std::iter::from_fn(|| by_hand.load.poll_audio()).map(|said| said.what).collect();
    let expected =
        [AudioChange::Begin, AudioChange::Send(there), AudioChange::Send(None), AudioChange::Send(there)];
    assert_eq!(said, expected);
}

/// What is said of audio at the agents' end: of which leg, and what.
fn said_of_agents(load: &mut Load) -> Vec<(Leg, AudioChange)> {
    let said = std::iter::from_fn(|| load.poll_audio());
    said.filter(|said| said.side == Side::Agents).map(|AudioCommand { leg, what, .. }| (leg, what)).collect()
}

#[test]
fn of_two_phones_that_are_answered_for_one_caller_each_is_said_for_itself() {
    let mut plan = plan();
    plan.audio = vec![[address(20_000), address(30_000)]];
    plan.callers[0].pace = Pace::constant(Spacing::Even, 1.0);
    plan.callers[0].talk = Distribution::constant(100 * SECOND);
    plan.length = Duration::from_millis(1_500);
    plan.agents[0].ring = Distribution::constant(Duration::ZERO);
    plan.drain = 200 * SECOND;
    let mut by_hand = ByHand::new(plan);
    let calling = by_hand.after(SECOND).remove(0);
    by_hand.comes(Side::Callers, &described(&answer(&calling, "200 OK", CONTACT), "sendrecv"));
    let from = calling.lines().find(|line| line.starts_with("From:")).expect("it has one").to_owned();
    let rings = |branch: &str| {
        let invite = invite(&format!("agent{branch}"), branch, &via(branch));
        let own = invite.lines().find(|line| line.starts_with("From:")).expect("it has one");
        described(&invite.replacen(own, &from, 1), "sendrecv")
    };
    let mut answered = Vec::new();
    for branch in ["1", "2"] {
        answered.push(by_hand.comes(Side::Agents, &rings(branch)).pop().expect("180 and 200"));
    }
    let there =
        AudioChange::Send(Some(Target { to: SocketAddr::from(([192, 0, 2, 9], 40_000)), payload_type: 8 }));
    let said = said_of_agents(&mut by_hand.load);
    let (one, other) = (said[0].0, said[2].0);
    assert_ne!(one, other);
    let begin = AudioChange::Begin;
    assert_eq!(said, [(one, begin), (one, there), (other, begin), (other, there)]);
    // The system keeps the first: it acknowledges both and hangs up on the second, then holds the first.
    for (branch, answer) in ["1", "2"].iter().zip(&answered) {
        by_hand.comes(Side::Agents, &ack(&format!("agent{branch}"), branch, answer));
    }
    let bye = ack("agent2", "2", &answered[1]).replace("ACK", "BYE").replace("CSeq: 1", "CSeq: 2");
    by_hand.comes(Side::Agents, &bye);
    let hold = ack("agent1", "1", &answered[0]).replace("ACK", "INVITE").replace("CSeq: 1", "CSeq: 2");
    by_hand.comes(Side::Agents, &described(&hold.replace(&via("1"), &via("hold")), "inactive"));
    let expected = [(other, AudioChange::End), (one, AudioChange::Send(None))];
    assert_eq!(said_of_agents(&mut by_hand.load), expected);
}

#[test]
fn challenges_are_acknowledged_each_time_and_answered_until_it_is_clear_that_nothing_helps() {
    let mut plan = one_caller();
    plan.callers[0].credentials = Some(credentials(1));
    let mut by_hand = ByHand::new(plan);
    let first = by_hand.after(SECOND).remove(0);
    let of_proxy = "Proxy-Authenticate: Digest realm=\"proxy\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\n";
    let of_server = "WWW-Authenticate: Digest realm=\"server\", nonce=\"n2\", algorithm=MD5, qop=\"auth\"\n";
    let challenge = answer(&first, "407 Proxy Authentication Required", of_proxy);
    let sent = by_hand.comes(Side::Callers, &challenge);
    assert!(sent[0].starts_with("ACK") && sent[1].contains("Proxy-Authorization: Digest"), "{sent:?}");
    let again = by_hand.comes(Side::Callers, &challenge);
    assert_eq!((again.len(), &again[0]), (1, &sent[0]), "the same ACK once more and no other INVITE");
    let sent = by_hand.comes(Side::Callers, &answer(&sent[1], "401 Unauthorized", of_server));
    assert!(sent[1].contains("Proxy-Authorization: Digest") && sent[1].contains("\nAuthorization: Digest"));
    let mut last = sent[1].clone();
    for round in 0..20 {
        let stale = format!(
            "WWW-Authenticate: Digest realm=\"server\", nonce=\"s{round}\", stale=true, algorithm=MD5\n"
        );
        let sent = by_hand.comes(Side::Callers, &answer(&last, "401 Unauthorized", &stale));
        let Some(next) = sent.get(1) else { break };
        last.clone_from(next);
    }
    assert_eq!(by_hand.load.figures().ended(Outcome::Refused(401)), 1, "it ends");
}

#[test]
fn a_challenge_that_cannot_be_answered_in_a_header_is_a_refusal_and_no_panic() {
    let mut plan = one_caller();
    plan.callers[0].credentials = Some(credentials(1));
    let mut by_hand = ByHand::new(plan);
    let invite = by_hand.after(SECOND).remove(0);
    let hostile = "WWW-Authenticate: Digest realm=\"\\\u{0}x\", nonce=\"n\", algorithm=MD5\n";
    by_hand.comes(Side::Callers, &answer(&invite, "401 Unauthorized", hostile));
    let figures = by_hand.load.figures();
    assert_eq!(figures.ended(Outcome::Refused(401)) + figures.strays, 1);
}

#[test]
fn both_hang_up_at_once_and_each_bye_is_answered() {
    let mut plan = one_caller();
    plan.callers[0].talk = Distribution::constant(SECOND);
    let mut by_hand = ByHand::new(plan);
    let invite = by_hand.after(SECOND).remove(0);
    by_hand.comes(Side::Callers, &answer(&invite, "200 OK", CONTACT));
    let own = by_hand.after(Duration::from_millis(1_005)).remove(0);
    assert!(own.starts_with("BYE"), "{own}");
    let sent = by_hand.comes(Side::Callers, &bye(&invite));
    assert!(sent[0].starts_with("SIP/2.0 200"));
    by_hand.comes(Side::Callers, &answer(&own, "481 Gone", ""));
    assert_eq!(by_hand.load.figures().ended(Outcome::Completed), 1);
    assert_eq!(by_hand.load.figures().times(Measure::Bye).len(), 1);
}

/// Agents alone, for as long as the test wants.
fn agents_alone() -> Plan {
    let mut plan = plan();
    plan.callers.clear();
    plan.agents[0].take_any = false;
    plan.agents[0].accounts.truncate(2);
    plan.agents[0].talk = Some(Distribution::constant(Duration::ZERO));
    plan.length = 1_000 * SECOND;
    plan
}

fn invite(user: &str, branch: &str, via: &str) -> String {
    format!(
        "INVITE sip:{user}@192.0.2.1:7000 SIP/2.0\n{via}Max-Forwards: 70\nFrom: <sip:0301@centre.example>;tag=f{branch}\n\
         To: <sip:{user}@centre.example>\nCall-ID: {branch}@system\nCSeq: 1 INVITE\n{CONTACT}Content-Length: 0\n\n"
    )
}

fn via(branch: &str) -> String {
    format!("Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{branch}\n")
}

#[test]
fn an_agent_hangs_up_only_when_its_answer_is_acknowledged_and_says_so_again_until_then() {
    let mut by_hand = ByHand::new(agents_alone());
    let sent = by_hand.comes(Side::Agents, &invite("agent1", "a", &via("a")));
    assert!(sent[0].starts_with("SIP/2.0 180"));
    let sent = by_hand.after(2 * SECOND);
    assert!(sent.len() >= 2 && sent.iter().all(|text| text.starts_with("SIP/2.0 200")), "{sent:?}");
    // RFC 3261 §13.2.2.4: the ACK of a 200 has a branch of its own.
    let ack = ack("agent1", "a", &sent[0]).replace(&via("a"), &via("ack"));
    let sent = by_hand.comes(Side::Agents, &ack);
    assert!(sent[0].starts_with("BYE"), "{sent:?}");
    let sent = by_hand.comes(Side::Agents, &invite("agent1", "b", &via("b")));
    assert!(sent[0].starts_with("SIP/2.0 180"), "whoever has hung up can be rung: {sent:?}");
    by_hand.after(40 * SECOND);
    let faults = &by_hand.load.figures().agent_faults;
    assert_eq!(faults[&load::AgentFault::NotEnded], 1, "the BYE was never answered");
    assert_eq!(faults[&load::AgentFault::NotAcknowledged], 1, "nor was the second 200 acknowledged");
    assert_eq!(by_hand.load.figures().failed(), 2);
}

#[test]
fn a_refusal_is_the_same_when_the_invite_is_repeated_and_answers_go_where_via_says() {
    let mut by_hand = ByHand::new(agents_alone());
    by_hand.comes(Side::Agents, &invite("agent1", "a", &via("a")));
    let first = by_hand.comes(Side::Agents, &invite("agent1", "b", &via("b")));
    assert!(first[0].starts_with("SIP/2.0 486"), "{first:?}");
    assert_eq!(by_hand.comes(Side::Agents, &invite("agent1", "b", &via("b"))), first);
    assert_eq!(by_hand.load.figures().clashes, 1, "the repetition is none");
    let octets = invite("nobody", "c", &via("c")).replace('\n', "\r\n");
    by_hand.load.handle_datagram(by_hand.now, Side::Agents, address(9), octets.into());
    let sent = by_hand.load.poll_transmit().expect("it is refused");
    assert_eq!(sent.to, address(5_060), "the port of sent-by, for there is no rport");
}

/// The ACK for what was answered to the INVITE of this user and branch (RFC 3261 §17.1.1.3), over what carried both.
fn ack(user: &str, branch: &str, answer: &str) -> String {
    let to = answer.lines().find(|line| line.starts_with("To:")).expect("it has one");
    invite(user, branch, &via(branch))
        .replacen("INVITE", "ACK", 1)
        .replace("1 INVITE", "1 ACK")
        .replace(&format!("To: <sip:{user}@centre.example>"), to)
}

#[test]
fn a_flood_of_invites_is_refused_and_nothing_is_kept_of_it() {
    let mut plan = agents_alone();
    plan.calls_max = 5;
    let mut by_hand = ByHand::new(plan);
    let comes = |by_hand: &mut ByHand, user: &str, branch: &str| {
        by_hand.comes(Side::Agents, &invite(user, branch, &via(branch))).remove(0)
    };
    let ringing = comes(&mut by_hand, "agent1", "a");
    assert!(ringing.starts_with("SIP/2.0 180"));
    // Two lines, and five calls more; the system never acknowledges what it is told.
    let refused: Vec<String> =
        (0..100).map(|number| comes(&mut by_hand, "agent1", &format!("f{number}"))).collect();
    assert!(refused.iter().all(|text| text.starts_with("SIP/2.0 486")), "{refused:#?}");
    let figures = by_hand.load.figures();
    assert_eq!((figures.rung, figures.clashes, figures.not_kept), (1, 6, 94));
    assert_eq!(comes(&mut by_hand, "agent1", "f99"), refused[99], "the same answer each time");
    assert!(comes(&mut by_hand, "agent0", "b").starts_with("SIP/2.0 486"), "nobody's line is kept for later");
    assert!(by_hand.comes(Side::Agents, &ack("agent1", "f99", &refused[99])).is_empty());
    assert_eq!(by_hand.load.figures().strays, 0, "an ACK of the flood is nobody's");
    // The call that was there before goes on, and once the six are acknowledged there is room again.
    let answered = by_hand.after(2 * SECOND).into_iter().find(|text| text.starts_with("SIP/2.0 200"));
    assert!(answered.is_some_and(|text| text.contains("CSeq: 1 INVITE")), "the agent has picked up");
    for (number, answer) in refused.iter().enumerate().take(6) {
        by_hand.comes(Side::Agents, &ack("agent1", &format!("f{number}"), answer));
    }
    assert!(comes(&mut by_hand, "agent0", "c").starts_with("SIP/2.0 180"));
}

#[test]
fn of_calls_that_are_over_the_oldest_are_forgotten_first_where_there_are_too_many() {
    let mut plan = agents_alone();
    plan.calls_max = 5;
    let mut by_hand = ByHand::new(plan);
    comes_and_is_busy(&mut by_hand);
    let repeated = |by_hand: &mut ByHand, number: usize| {
        let branch = format!("o{number}");
        by_hand.comes(Side::Agents, &invite("agent1", &branch, &via(&branch)));
        by_hand.load.figures().came_again
    };
    assert_eq!(repeated(&mut by_hand, 19), 1, "it is known that this one was refused");
    assert_eq!(repeated(&mut by_hand, 15), 2);
    assert_eq!(repeated(&mut by_hand, 14), 2, "and this one is as good as new");
}

/// An agent is rung and rung again, and each of twenty more callers acknowledges that it is busy.
fn comes_and_is_busy(by_hand: &mut ByHand) {
    by_hand.comes(Side::Agents, &invite("agent1", "a", &via("a")));
    for number in 0..20 {
        let branch = format!("o{number}");
        let refused = by_hand.comes(Side::Agents, &invite("agent1", &branch, &via(&branch))).remove(0);
        assert!(refused.starts_with("SIP/2.0 486"), "{refused}");
        by_hand.comes(Side::Agents, &ack("agent1", &branch, &refused));
    }
    assert_eq!((by_hand.load.figures().clashes, by_hand.load.figures().not_kept), (20, 0));
}

#[test]
fn an_invite_that_cannot_be_answered_takes_no_agent_away() {
    let mut by_hand = ByHand::new(agents_alone());
    assert!(by_hand.comes(Side::Agents, &invite("agent1", "a", "")).is_empty());
    let sent = by_hand.comes(Side::Agents, &invite("agent1", "b", &via("b")));
    assert!(sent[0].starts_with("SIP/2.0 180"), "{sent:?}");
    assert_eq!(by_hand.load.figures().strays, 1);
}

#[test]
fn two_tests_with_one_seed_have_no_name_in_common_and_make_the_same_calls() {
    let texts = |nonce| {
        let mut plan = one_caller();
        plan.nonce = nonce;
        ByHand::new(plan).after(SECOND).remove(0)
    };
    let (one, other) = (texts(1), texts(2));
    for name in ["Call-ID:", "Via:", "From:"] {
        let line = |text: &str| text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        assert_ne!(line(&one), line(&other), "{name}");
    }
}

#[test]
fn what_goes_wrong_at_an_agent_in_the_warm_up_is_not_counted() {
    let mut plan = agents_alone();
    plan.warm_up = 100 * SECOND;
    let mut by_hand = ByHand::new(plan);
    by_hand.after(SECOND);
    by_hand.comes(Side::Agents, &invite("agent1", "a", &via("a")));
    // Past the warm-up: neither the 200 nor the BYE of the call that began in it was heard of.
    by_hand.after(150 * SECOND);
    assert_eq!(by_hand.load.figures().agent_faults, BTreeMap::new());
    by_hand.comes(Side::Agents, &invite("agent1", "b", &via("b")));
    by_hand.after(150 * SECOND);
    assert_eq!(by_hand.load.figures().failed(), 2, "{:?}", by_hand.load.figures().agent_faults);
}

#[test]
fn a_registrar_that_wants_a_longer_time_is_asked_for_it_and_one_that_asks_for_less_is_not() {
    let mut plan = agents_alone();
    plan.agents[0].accounts.truncate(1);
    plan.agents[0].expires = Some(60 * SECOND);
    let mut by_hand = ByHand::new(plan);
    let register = by_hand.after(SECOND).remove(0);
    assert!(register.starts_with("REGISTER") && register.contains("\r\nExpires: 60\r\n"), "{register}");
    let too_brief = answer(&register, "423 Interval Too Brief", "Min-Expires: 120\n");
    let again = by_hand.comes(Side::Agents, &too_brief).remove(0);
    assert!(again.starts_with("REGISTER") && again.contains("\r\nExpires: 120\r\n"), "{again}");
    let sent = by_hand.comes(Side::Agents, &answer(&again, "423 Interval Too Brief", "Min-Expires: 90\n"));
    assert!(sent.is_empty(), "it was asked for more than that: {sent:?}");
    assert_eq!(by_hand.load.figures().not_registered, BTreeMap::from([(423, 1)]));
}
