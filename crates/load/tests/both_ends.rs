//! Callers and agents of one load, with a wire of our own between them: nothing else answers, so what is counted can be
//! foretold.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use load::{
    Agents, Answers, Callers, Credentials, Load, Measure, Outcome, Pace, Phase, Plan, Side, Spacing, TalkFrom,
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
