//! A UDP network that loses, doubles, delays and overtakes, by chance from a seed and by rule.

mod cut;
mod rule;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use timing::Instant;

pub use cut::Cut;
pub use rule::{Action, Pattern, Rule};

use crate::chance::{Chance, Span};

/// How bad the network is. Chances are per thousand datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// The way that most datagrams need.
    pub latency: Duration,
    /// How many are lost.
    pub loss: u16,
    /// How many come twice, the second one later by `detour`.
    pub duplication: u16,
    /// How many take a detour and are overtaken.
    pub reordering: u16,
    /// How much longer the detour is.
    pub detour: Span,
}

impl Conditions {
    /// Everything arrives, once, in order, after 5 ms.
    pub const CLEAN: Conditions = Conditions {
        latency: Duration::from_millis(5),
        loss: 0,
        duplication: 0,
        reordering: 0,
        detour: Span::between_millis(1, 40),
    };

    /// 2 % of everything bad.
    pub const BAD: Conditions = Conditions { loss: 20, duplication: 20, reordering: 20, ..Conditions::CLEAN };
}

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Datagram {
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// What it says.
    pub bytes: Bytes,
}

/// What became of the datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Handed to the network.
    pub sent: u64,
    /// Lost by chance, rule or cut.
    pub lost: u64,
    /// Sent on twice.
    pub duplicated: u64,
    /// Taken out at their end.
    pub delivered: u64,
}

/// The network between all addresses of a world.
#[derive(Clone, Debug)]
pub struct Network {
    conditions: Conditions,
    rules: Vec<Rule>,
    cuts: Vec<Cut>,
    chance: Chance,
    /// By time of arrival, then by order of sending.
    under_way: BinaryHeap<Reverse<(Instant, u64, Datagram)>>,
    sequence: u64,
    counts: Counts,
}

impl Network {
    /// A network without anything under way.
    pub fn new(conditions: Conditions, chance: Chance) -> Network {
        Network {
            conditions,
            rules: Vec::new(),
            cuts: Vec::new(),
            chance,
            under_way: BinaryHeap::new(),
            sequence: 0,
            counts: Counts::default(),
        }
    }

    /// Changes the weather for all that is sent from now on.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// Adds a rule; the first that fits a datagram decides over it before chance does.
    pub fn add_rule(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Parts the network. What is on its way still arrives.
    pub fn cut(&mut self, cut: Cut) {
        self.cuts.push(cut);
    }

    /// What became of the datagrams so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How many are under way.
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Takes a datagram from its sender.
    pub fn send(&mut self, now: Instant, datagram: Datagram) {
        self.counts.sent += 1;
        self.cuts.retain(|cut| !cut.has_healed(now));
        if self.cuts.iter().any(|cut| cut.holds_back(&datagram)) {
            self.counts.lost += 1;
            return;
        }
        let arrival = now + self.conditions.latency;
        match rule::decide(&mut self.rules, &datagram) {
            Some(Action::Lose) => self.counts.lost += 1,
            Some(Action::Duplicate(later)) => {
                self.counts.duplicated += 1;
                self.carry(arrival, datagram.clone());
                self.carry(arrival + later, datagram);
            }
            Some(Action::Delay(longer)) => self.carry(arrival + longer, datagram),
            None => self.send_by_chance(arrival, datagram),
        }
    }

    fn send_by_chance(&mut self, arrival: Instant, datagram: Datagram) {
        let Conditions { loss, duplication, reordering, detour, .. } = self.conditions;
        if self.chance.happens(loss) {
            self.counts.lost += 1;
            return;
        }
        if self.chance.happens(duplication) {
            self.counts.duplicated += 1;
            let later = arrival + self.chance.length(detour);
            self.carry(later, datagram.clone());
        }
        let detour =
            if self.chance.happens(reordering) { self.chance.length(detour) } else { Duration::ZERO };
        self.carry(arrival + detour, datagram);
    }

    fn carry(&mut self, arrival: Instant, datagram: Datagram) {
        self.sequence += 1;
        self.under_way.push(Reverse((arrival, self.sequence, datagram)));
    }

    /// When the next datagram arrives.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.under_way.peek().map(|Reverse((arrival, ..))| *arrival)
    }

    /// The next datagram that has arrived by `now`.
    pub fn poll_arrival(&mut self, now: Instant) -> Option<Datagram> {
        if self.poll_timeout()? > now {
            return None;
        }
        self.counts.delivered += 1;
        self.under_way.pop().map(|Reverse((_, _, datagram))| datagram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(number: u8) -> Datagram {
        let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
        Datagram { from: address(1), to: address(2), bytes: Bytes::copy_from_slice(&[number]) }
    }

    fn arrivals(network: &mut Network) -> Vec<u8> {
        let end = Instant::from_secs(3_600);
        std::iter::from_fn(|| network.poll_arrival(end)).map(|datagram| datagram.bytes[0]).collect()
    }

    #[test]
    fn a_clean_network_delivers_everything_once_in_order_after_its_latency() {
        let mut network = Network::new(Conditions::CLEAN, Chance::new(1));
        (0..10).for_each(|number| network.send(Instant::ORIGIN, datagram(number)));
        assert_eq!(network.poll_arrival(Instant::from_millis(4)), None);
        assert_eq!(network.poll_timeout(), Some(Instant::from_millis(5)));
        assert_eq!(arrivals(&mut network), (0..10).collect::<Vec<u8>>());
    }

    #[test]
    fn a_bad_network_loses_doubles_and_reorders_about_as_often_as_it_says() {
        let mut network = Network::new(Conditions::BAD, Chance::new(7));
        for number in 0..10_000u64 {
            network.send(Instant::from_millis(number), datagram((number % 251) as u8));
        }
        let counts = network.counts();
        assert!((150..250).contains(&counts.lost), "{counts:?}");
        assert!((150..250).contains(&counts.duplicated), "{counts:?}");
        let came = arrivals(&mut network);
        assert_eq!(came.len() as u64, 10_000 - counts.lost + counts.duplicated);
        let overtaken = came.windows(2).filter(|pair| pair[1] < pair[0] && pair[0] - pair[1] < 100).count();
        assert!(overtaken > 100, "{overtaken}");
    }

    #[test]
    fn a_cut_holds_back_what_goes_its_way_until_it_heals() {
        let side = |address: [u8; 4]| sip::Network { address: address.into(), prefix: 32 };
        let cut = |from, to| Cut { from: side(from), to: side(to), until: Instant::from_secs(5) };
        let mut network = Network::new(Conditions::CLEAN, Chance::new(1));
        network.cut(cut([192, 0, 2, 1], [192, 0, 2, 9]));
        network.send(Instant::ORIGIN, datagram(0));
        network.cut(cut([192, 0, 2, 1], [192, 0, 2, 1]));
        network.send(Instant::from_secs(4), datagram(1));
        network.send(Instant::from_secs(5), datagram(2));
        assert_eq!(arrivals(&mut network), [0, 2]);
        assert_eq!(network.counts().lost, 1);
    }

    #[test]
    fn a_rule_decides_as_often_as_it_says_and_chance_does_afterwards() {
        let mut network = Network::new(Conditions::CLEAN, Chance::new(1));
        network.add_rule(Rule::new(Pattern::any(), Action::Lose).times(2));
        (0..4).for_each(|number| network.send(Instant::ORIGIN, datagram(number)));
        assert_eq!(arrivals(&mut network), [2, 3]);
    }
}
