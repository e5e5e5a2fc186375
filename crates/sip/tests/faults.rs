//! Hundreds of calls over a network that loses, repeats and reorders a fifth of everything: every
//! INVITE has one end, every answered call one BYE on either side, and nothing is left over.

// clippy.toml allows it in test functions; here the helpers are tests too.
#![allow(clippy::unwrap_used)]

#[path = "support/network.rs"]
mod network;

use std::collections::BTreeMap;
use std::time::Duration;

use network::{Faults, Network, Node, address, call, sdp, uri};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use sip::Method;
use sip::user_agent::{Destination, Event, Refused, Reply, SessionId};

/// What an application remembers of its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Calling,
    Ringing,
    Talking,
    Over,
}

struct Application {
    node: Node,
    sessions: BTreeMap<SessionId, State>,
    /// Sessions of ours: answered and not.
    outcomes: [usize; 2],
}

impl Application {
    fn new(node: Node) -> Application {
        Application { node, sessions: BTreeMap::new(), outcomes: [0, 0] }
    }

    fn end(&mut self, session: SessionId) -> State {
        let state = self.sessions.insert(session, State::Over).expect("events name known sessions");
        assert_ne!(state, State::Over, "{session:?} ends once");
        state
    }

    fn hear(&mut self, network: &mut Network) {
        for event in network.events(self.node) {
            let now = network.now;
            match event {
                Event::Invited { session, .. } => {
                    assert_eq!(self.sessions.insert(session, State::Ringing), None);
                }
                Event::Cancelled { session, .. } => assert_eq!(self.end(session), State::Ringing),
                Event::Answered { session, .. } => {
                    assert_eq!(self.sessions.insert(session, State::Talking), Some(State::Calling));
                    self.outcomes[0] += 1;
                }
                Event::Failed { session, .. } => {
                    assert_eq!(self.end(session), State::Calling);
                    self.outcomes[1] += 1;
                }
                Event::Ended { session, .. } => assert_eq!(self.end(session), State::Talking),
                Event::Requested { session, exchange, .. } => {
                    let reply = Reply { body: Some(sdp("answer")), ..Reply::status(200) };
                    match network.ua(self.node).reply(now, session, exchange, &reply) {
                        // The next event in the row says why.
                        Ok(()) | Err(Refused::UnknownSession | Refused::UnknownExchange) => {}
                        Err(refused) => panic!("{refused}"),
                    }
                }
                Event::Progress { session, .. }
                | Event::Established { session, .. }
                | Event::Withdrawn { session, .. }
                | Event::Acknowledged { session, .. }
                | Event::Replied { session, .. } => {
                    assert!(self.sessions.get(&session).is_some_and(|state| *state != State::Over));
                }
                Event::Refused(_) => unreachable!("the network keeps them apart"),
                Event::Registered { .. } | Event::Unregistered { .. } => panic!("nobody registers"),
            }
        }
    }

    /// Does one thing to every session that is not over, as chance has it.
    fn act(&mut self, network: &mut Network, random: &mut ChaCha8Rng) {
        let now = network.now;
        let open: Vec<(SessionId, State)> = self.sessions.iter().map(|(id, state)| (*id, *state)).collect();
        for (session, state) in open {
            let chance = random.next_u64() % 100;
            let ua = network.ua(self.node);
            match (state, chance) {
                (State::Calling, 0..5) => match ua.cancel(now, session, Vec::new()) {
                    Ok(()) | Err(Refused::WrongState | Refused::UnknownSession) => {}
                    Err(refused) => panic!("{refused}"),
                },
                (State::Ringing, 0..20) => ua.progress(now, session, 180, &[], None).unwrap_or(()),
                (State::Ringing, 20..50) => {
                    if ua.accept(now, session, &[], Some(&sdp("answer"))).is_ok() {
                        self.sessions.insert(session, State::Talking);
                    }
                }
                (State::Ringing, 50..60) => {
                    if ua.refuse(now, session, 486, &[]).is_ok() {
                        self.sessions.insert(session, State::Over);
                    }
                }
                (State::Talking, 0..20) => {
                    let method = if chance < 10 { Method::Invite } else { Method::Info };
                    match ua.request(now, session, method, &[], Some(&sdp("offer"))) {
                        Ok(_) | Err(Refused::Pending | Refused::UnknownSession) => {}
                        Err(refused) => panic!("{refused}"),
                    }
                }
                (State::Talking, 20..35) => {
                    if ua.bye(now, session, Vec::new()).is_ok() {
                        self.sessions.insert(session, State::Over);
                    }
                }
                (State::Calling | State::Ringing | State::Talking | State::Over, _) => {}
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.sessions.values().all(|state| *state == State::Over)
    }
}

/// What carries the calls of a storm.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Datagrams.
    Rain,
    /// Streams that are cut now and then.
    Thunder,
}

fn storm(seed: u64, faults: Faults, calls: usize, weather: Weather) -> (Application, Network) {
    let (mut network, a, b) = Network::pair(seed);
    network.faults = faults;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut caller, mut callee) = (Application::new(a), Application::new(b));
    for _ in 0..calls {
        let now = network.now;
        let mut invitation = call(b, Some(sdp("offer")));
        if weather == Weather::Thunder {
            let target = format!("sip:15881000@{};transport=tcp", address(b));
            invitation.destination = Destination::Uri(uri(&target));
            if random.next_u64().is_multiple_of(10) {
                network.cut_streams();
            }
        }
        let session = network.ua(a).invite(now, &invitation).unwrap();
        caller.sessions.insert(session, State::Calling);
        step(&mut network, [&mut caller, &mut callee], &mut random);
    }
    let mut steps = 0;
    while !(caller.is_idle() && callee.is_idle()) {
        step(&mut network, [&mut caller, &mut callee], &mut random);
        steps += 1;
        assert!(steps < 10_000, "every call comes to an end");
    }
    network.settle();
    caller.hear(&mut network);
    callee.hear(&mut network);
    network.assert_nothing_left();
    (caller, network)
}

fn step(network: &mut Network, applications: [&mut Application; 2], random: &mut ChaCha8Rng) {
    network.run(Duration::from_millis(random.next_u64() % 400));
    for application in applications {
        application.hear(network);
        application.act(network, random);
        application.hear(network);
    }
}

#[test]
fn nothing_is_lost_or_left_over_when_a_fifth_of_everything_is_lost_repeated_and_reordered() {
    for seed in 0..8 {
        let faults = Faults { loss: 20, duplication: 20, reordering: 20 };
        let (caller, _) = storm(seed, faults, 100, Weather::Rain);
        assert_eq!(caller.outcomes.iter().sum::<usize>(), 100, "every INVITE has one end");
        assert!(caller.outcomes[0] > 30, "most calls come through: {:?}", caller.outcomes);
    }
}

#[test]
fn nothing_is_lost_or_left_over_when_streams_break() {
    for seed in 0..8 {
        let (caller, _) = storm(seed, Faults::default(), 100, Weather::Thunder);
        assert_eq!(caller.outcomes.iter().sum::<usize>(), 100, "every INVITE has one end");
        assert!(caller.outcomes[0] > 30, "most calls come through: {:?}", caller.outcomes);
    }
}

#[test]
fn the_same_seed_gives_the_same_messages() {
    let faults = Faults { loss: 10, duplication: 10, reordering: 10 };
    let (one, two) = (storm(77, faults, 40, Weather::Rain).1, storm(77, faults, 40, Weather::Rain).1);
    assert_eq!(one.wire, two.wire);
}
