//! What the answers mean.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rand_chacha::ChaCha20Rng;
use rand_core::RngCore;

use super::{Endpoint, Failure, Locator, Naptr, Outcome, Question, Records, Srv, Stage, Target, srv_name};
use crate::Protocol;

impl Locator {
    /// Keeps an answer until its stage is complete. Records of another kind than asked for are none.
    pub(super) fn take(&mut self, question: &Question, records: Option<Records>) {
        match (&mut self.stage, question, records) {
            (Stage::Naptr, Question::Naptr(_), Some(Records::Naptr(records))) => self.follow_naptr(records),
            (Stage::Srv { answers, .. }, Question::Srv(name), Some(Records::Srv(records))) => {
                answers.insert(name.clone(), records);
            }
            (Stage::Address { v4, .. }, Question::A(name), Some(Records::A(addresses))) => {
                v4.insert(name.clone(), addresses);
            }
            (Stage::Address { v6, .. }, Question::Aaaa(name), Some(Records::Aaaa(addresses))) => {
                v6.insert(name.clone(), addresses);
            }
            (Stage::Naptr | Stage::Srv { .. } | Stage::Address { .. }, _, _) => {}
        }
    }

    /// All questions of a stage are answered.
    pub(super) fn advance(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Naptr) {
            // RFC 3263 §4.1: without NAPTR records for us, SRV for each transport that we have.
            Stage::Naptr => {
                let protocols = self.settings.protocols.iter();
                let names = protocols.map(|&protocol| (protocol, srv_name(protocol, &self.domain))).collect();
                self.ask_srv(names);
            }
            Stage::Srv { names, answers } => self.follow_srv(&names, answers),
            Stage::Address { hosts, v4, v6 } => {
                let targets = self.assemble(&hosts, |host| {
                    let v6 = v6.get(host).into_iter().flatten().map(|&address| address.into());
                    let v4 = v4.get(host).into_iter().flatten().map(|&address| address.into());
                    v6.chain(v4).collect()
                });
                self.outcome = match (targets.is_empty(), self.resolver_failed) {
                    (false, _) => Outcome::Found(targets),
                    (true, true) => Outcome::Failed(Failure::Resolver),
                    (true, false) => Outcome::Failed(Failure::NotFound),
                };
            }
        }
    }

    /// RFC 3263 §4.1: the domain's order, of what we have.
    fn follow_naptr(&mut self, mut records: Vec<Naptr>) {
        records.sort_by_key(|record| (record.order, record.preference));
        let usable = |record: &Naptr| {
            let protocol = match record.service.to_ascii_uppercase().as_str() {
                "SIP+D2U" => Protocol::Udp,
                "SIP+D2T" => Protocol::Tcp,
                _ => return None,
            };
            let name = record.replacement.trim_end_matches('.').to_ascii_lowercase();
            let is_usable = record.flags.eq_ignore_ascii_case("s")
                && !name.is_empty()
                && self.settings.protocols.contains(&protocol);
            is_usable.then_some((protocol, name))
        };
        let names: Vec<_> = records.iter().filter_map(usable).take(self.settings.hosts).collect();
        if !names.is_empty() {
            self.ask_srv(names);
        }
    }

    fn follow_srv(&mut self, names: &[(Protocol, String)], mut answers: BTreeMap<String, Vec<Srv>>) {
        let mut hosts = Vec::new();
        for (protocol, name) in names {
            for record in order(answers.remove(name).unwrap_or_default(), &mut self.random) {
                let host = record.target.trim_end_matches('.').to_ascii_lowercase();
                // RFC 2782: a target of "." says that there is no such service.
                if !host.is_empty() && record.port != 0 {
                    hosts.push(Endpoint { protocol: *protocol, host, port: record.port });
                }
            }
        }
        if hosts.is_empty() {
            // RFC 3263 §4.2: no SRV records, so the addresses of the domain and the usual port.
            let protocols = names.iter().map(|(protocol, _)| *protocol);
            let protocol =
                protocols.clone().find(|&protocol| protocol == Protocol::Udp).or(protocols.clone().next());
            let protocol = protocol.unwrap_or(Protocol::Udp);
            let port = protocol.transport().default_port();
            hosts.push(Endpoint { protocol, host: self.domain.clone(), port });
        }
        self.ask_addresses(hosts);
    }

    fn assemble(&self, hosts: &[Endpoint], addresses: impl Fn(&str) -> Vec<std::net::IpAddr>) -> Vec<Target> {
        let mut targets: Vec<Target> = Vec::new();
        for Endpoint { protocol, host, port } in hosts {
            for address in addresses(host) {
                let target = Target { protocol: *protocol, address: SocketAddr::new(address, *port) };
                if !targets.contains(&target) && targets.len() < self.settings.targets {
                    targets.push(target);
                }
            }
        }
        targets
    }
}

/// RFC 2782: by priority; within one priority drawn one after the other with chances by weight, those
/// of weight 0 at the front of each draw.
fn order(mut records: Vec<Srv>, random: &mut ChaCha20Rng) -> Vec<Srv> {
    records.sort_by_key(|record| (record.priority, record.weight));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(priority) = records.first().map(|record| record.priority) {
        let peers = records.iter().take_while(|record| record.priority == priority);
        let sum: u64 = peers.map(|record| u64::from(record.weight)).sum();
        // The bias of the remainder is below 2^-40: a sum of weights has far fewer bits than the draw.
        let draw = random.next_u64() % (sum + 1);
        let mut reached = 0;
        let chosen = records.iter().position(|record| {
            reached += u64::from(record.weight);
            reached >= draw
        });
        ordered.push(records.remove(chosen.expect("the draw is at most the sum of the first priority")));
    }
    ordered
}
