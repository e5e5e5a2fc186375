//! Two phones that call each other over the network, without the product between them: what the
//! other tests build on.

use std::net::SocketAddr;
use std::time::Duration;

use sim::network::{Conditions, Datagram};
use sim::phone::{Answer, CallPlan, End, Event, Hold, Manner, Party, Plan, Settings, Voice};
use sim::{Chance, Network, Phone, Span};
use timing::Instant;

const TONES: [f64; 2] = [500.0, 700.0];

struct Pair {
    now: Instant,
    phones: [Phone; 2],
    network: Network,
    events: [Vec<Event>; 2],
}

fn address(number: usize, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number as u8 + 1], port))
}

impl Pair {
    fn new(plan: &Plan, conditions: Conditions, seed: u64) -> Pair {
        let phone = |number: usize| {
            let settings = Settings {
                user: format!("p{number}"),
                display_name: String::new(),
                domain: "example.com".to_owned(),
                server: address(1 - number, 5060),
                address: address(number, 5060),
                media: address(number, 4000),
                voice: Some(Voice { hertz: TONES[number], listens_for: TONES.to_vec() }),
                account: None,
                plan: plan.clone(),
            };
            Phone::new(settings, seed + number as u64)
        };
        Pair {
            now: Instant::ORIGIN,
            phones: [phone(0), phone(1)],
            network: Network::new(conditions, Chance::new(seed)),
            events: [Vec::new(), Vec::new()],
        }
    }

    fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            for number in 0..2 {
                let phone = &mut self.phones[number];
                while let Some(transmit) = phone.poll_transmit() {
                    let (from, to) = (transmit.flow.local, transmit.flow.remote);
                    self.network.send(self.now, Datagram { from, to, bytes: transmit.bytes });
                }
                while let Some(packet) = phone.poll_rtp() {
                    let datagram =
                        Datagram { from: address(number, 4000), to: packet.to, bytes: packet.bytes.into() };
                    self.network.send(self.now, datagram);
                }
                self.events[number].extend(std::iter::from_fn(|| phone.poll_event()));
            }
            let due = self.phones.iter().map(Phone::poll_timeout).chain([self.network.poll_timeout()]);
            let Some(at) = due.flatten().min().filter(|&at| at <= end) else { break };
            self.now = self.now.max(at);
            while let Some(datagram) = self.network.poll_arrival(self.now) {
                let number = usize::from(datagram.to.ip() == address(1, 0).ip());
                let phone = &mut self.phones[number];
                if datagram.to.port() == 5060 {
                    phone.handle_datagram(self.now, datagram.from, datagram.bytes);
                } else {
                    phone.handle_rtp(self.now, &datagram.bytes);
                }
            }
            self.phones.iter_mut().for_each(|phone| phone.handle_timeout(self.now));
        }
        self.now = end;
    }

    fn end(&self, number: usize) -> Option<End> {
        self.events[number].iter().find_map(|event| match event {
            Event::Ended { end, .. } => Some(*end),
            _ => None,
        })
    }

    fn heard(&self, number: usize) -> Vec<f64> {
        let ended = self.events[number].iter().find_map(|event| match event {
            Event::Ended { heard, .. } => Some(heard.iter().map(|heard| heard.hertz).collect()),
            _ => None,
        });
        ended.unwrap_or_default()
    }
}

fn answering(secs: u64) -> Plan {
    Plan::Always(Manner::answers_after(Span::secs(secs)))
}

#[test]
fn two_phones_talk_and_hear_each_others_tone_and_leave_nothing_behind() {
    let mut pair = Pair::new(&answering(2), Conditions::CLEAN, 1);
    pair.phones[0].call(pair.now, "p1", CallPlan::talking(Span::secs(5))).unwrap();
    pair.run_for(Duration::from_secs(60));
    assert_eq!(pair.end(0), Some(End::HungUp), "{:?}", pair.events);
    assert_eq!(pair.end(1), Some(End::HungUpByOther), "{:?}", pair.events);
    assert_eq!(pair.heard(0), [TONES[1]], "{:?}", pair.events);
    assert_eq!(pair.heard(1), [TONES[0]], "{:?}", pair.events);
    for phone in &pair.phones {
        assert_eq!(phone.counts(), sip::Counts::default());
        assert_eq!(phone.poll_timeout(), None);
    }
}

#[test]
fn a_held_phone_hears_nothing_until_it_is_resumed() {
    let mut pair = Pair::new(&answering(1), Conditions::CLEAN, 1);
    let hold = Hold { after: Span::secs(2), lasting: Span::secs(3) };
    pair.phones[0].call(pair.now, "p1", CallPlan::talking(Span::secs(10)).holding(hold)).unwrap();
    pair.run_for(Duration::from_secs(60));
    let wanted = [
        Event::Hears { hertz: Some(TONES[0]) },
        Event::Held { by: Party::Other },
        Event::Hears { hertz: None },
        Event::Resumed { by: Party::Other },
        Event::Hears { hertz: Some(TONES[0]) },
    ];
    let interesting: Vec<&Event> = pair.events[1].iter().filter(|event| wanted.contains(event)).collect();
    assert_eq!(interesting, wanted.iter().collect::<Vec<_>>(), "{:?}", pair.events);
    assert_eq!(pair.end(0), Some(End::HungUp));
}

#[test]
fn a_caller_hears_busy_rejection_or_gives_up() {
    let ends = [
        (Answer::Busy, End::Failed { status: 486 }, End::Refused { status: 486 }),
        (Answer::RejectAfter(Span::secs(1)), End::Failed { status: 603 }, End::Refused { status: 603 }),
        (Answer::RingOut, End::GaveUp, End::Cancelled),
    ];
    for (answer, caller, callee) in ends {
        let mut pair = Pair::new(&Plan::Always(Manner::only(answer)), Conditions::CLEAN, 1);
        let plan = CallPlan::patient().giving_up_after(Span::secs(8));
        pair.phones[0].call(pair.now, "p1", plan).unwrap();
        pair.run_for(Duration::from_secs(80));
        assert_eq!((pair.end(0), pair.end(1)), (Some(caller), Some(callee)), "{:?}", pair.events);
        assert_eq!(pair.phones[0].counts(), sip::Counts::default());
    }
}

#[test]
fn over_a_bad_network_every_call_still_ends_for_both() {
    let conditions = Conditions { loss: 100, duplication: 100, reordering: 100, ..Conditions::CLEAN };
    for seed in 0..50 {
        let mut pair = Pair::new(&answering(2), conditions, seed);
        pair.phones[0].call(pair.now, "p1", CallPlan::talking(Span::secs(5))).unwrap();
        pair.run_for(Duration::from_secs(120));
        assert_eq!(pair.end(0), Some(End::HungUp), "seed {seed}: {:?}", pair.events);
        assert_eq!(pair.end(1), Some(End::HungUpByOther), "seed {seed}: {:?}", pair.events);
        assert_eq!(pair.phones[1].counts(), sip::Counts::default(), "seed {seed}");
    }
}
