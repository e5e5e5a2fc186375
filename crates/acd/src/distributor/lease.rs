//! Leases: what ends by itself unless it is renewed.
//!
//! All leases of a kind are equally long, so whoever stands in order of renewal stands in order of expiry: one alarm
//! serves them all, and to renew is to go to the end of the line.

use std::collections::BTreeSet;

use timing::Instant;

use super::waiting::Aging;
use super::{Agent, Alarm, Deadline, Distributor};
use crate::line::{Key, Node};
use crate::table::Slot;
use crate::{Activity, AgentId, Event, HandlingEnd, Lease, Refusal, Settings};

/// What a lease is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LeaseKind {
    Handling,
    Occupied,
    LogIn,
}

/// The leases of all agents, by kind, in order of expiry.
#[derive(Clone, Debug)]
pub(crate) struct Leases {
    pub(crate) handling: Aging,
    pub(crate) occupied: Aging,
    pub(crate) log_in: Aging,
}

/// Where an agent stands in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeaseNodes {
    work: Option<(LeaseKind, Node)>,
    log_in: Option<Node>,
}

/// One line as it is.
pub(crate) struct LeaseLine {
    pub(crate) kind: LeaseKind,
    /// Who stands there, and until when.
    pub(crate) standing: BTreeSet<(Instant, AgentId)>,
    /// When the alarm goes off.
    pub(crate) alarm: Option<Instant>,
}

/// What of an agent has a lease: the kind of the work in hand, whether the log-in does, and until when.
type Held = (Option<(LeaseKind, Instant)>, Option<Instant>);

impl Leases {
    pub(crate) fn new() -> Leases {
        Leases { handling: Aging::new(), occupied: Aging::new(), log_in: Aging::new() }
    }

    fn of(&mut self, kind: LeaseKind) -> &mut Aging {
        match kind {
            LeaseKind::Handling => &mut self.handling,
            LeaseKind::Occupied => &mut self.occupied,
            LeaseKind::LogIn => &mut self.log_in,
        }
    }
}

impl LeaseNodes {
    pub(crate) const NOWHERE: LeaseNodes = LeaseNodes { work: None, log_in: None };
}

impl Agent {
    /// The leases that the agent's state calls for.
    pub(super) fn leases(&self, settings: &Settings) -> Held {
        let Settings { handling_lease, occupied_lease, log_in_lease, .. } = settings;
        if handling_lease.is_none() && occupied_lease.is_none() && log_in_lease.is_none() {
            return (None, None);
        }
        let work = self.state.work_lease(self.id, settings).map(|(lease, until)| (kind_of(lease), until));
        (work, self.state.log_in_lease(settings))
    }

    /// When the lease of this kind ends.
    fn lease_end(&self, kind: LeaseKind, settings: &Settings) -> Option<Instant> {
        let (work, log_in) = self.leases(settings);
        match kind {
            LeaseKind::LogIn => log_in,
            LeaseKind::Handling | LeaseKind::Occupied => {
                work.filter(|&(held, _)| held == kind).map(|(_, until)| until)
            }
        }
    }
}

fn kind_of(lease: Lease) -> LeaseKind {
    match lease {
        Lease::Handling(_) => LeaseKind::Handling,
        Lease::Occupied(_) => LeaseKind::Occupied,
        Lease::LogIn(_) => LeaseKind::LogIn,
    }
}

impl Distributor {
    pub(super) fn renew(&mut self, lease: Lease) -> Result<(), Refusal> {
        let now = self.now;
        let slot = match lease {
            Lease::Handling(interaction) => {
                let (agent, _) = self.conversation(self.interaction(interaction)?)?;
                self.who(agent)
            }
            Lease::Occupied(agent) => {
                let slot = self.agent_slot(agent)?;
                let Activity::Occupied { .. } = self.agents[slot].state.activity else {
                    return Err(Refusal::WrongActivity(agent));
                };
                slot
            }
            Lease::LogIn(agent) => self.logged_in(agent)?,
        };
        self.stand_down_from_leases(slot);
        let state = &mut self.agents[slot].state;
        match lease {
            Lease::Handling(_) | Lease::Occupied(_) => state.work_renewed = now,
            Lease::LogIn(_) => state.log_in_renewed = now,
        }
        self.stand_for_leases(slot);
        Ok(())
    }

    /// Puts an agent into the lines of the leases that the agent has.
    pub(super) fn stand_for_leases(&mut self, slot: Slot<Agent>) {
        let agent = &self.agents[slot];
        let (id, (work, log_in)) = (agent.id, agent.leases(&self.settings));
        let mut stand = |kind: LeaseKind, until: Instant| {
            let aging = self.leases.of(kind);
            let node = self.lines.insert(&mut aging.line, key(until, id), slot.number());
            aging.wake(&mut self.deadlines, until, Alarm::Lease(kind));
            node
        };
        let nodes = LeaseNodes {
            work: work.map(|(kind, until)| (kind, stand(kind, until))),
            log_in: log_in.map(|until| stand(LeaseKind::LogIn, until)),
        };
        self.agents[slot].lease_nodes = nodes;
    }

    /// Takes an agent out of them.
    pub(super) fn stand_down_from_leases(&mut self, slot: Slot<Agent>) {
        let nodes = std::mem::replace(&mut self.agents[slot].lease_nodes, LeaseNodes::NOWHERE);
        let log_in = nodes.log_in.map(|node| (LeaseKind::LogIn, node));
        for (kind, node) in nodes.work.into_iter().chain(log_in) {
            let aging = self.leases.of(kind);
            self.lines.remove(&mut aging.line, node);
            aging.rest_if_empty(&mut self.deadlines);
        }
    }

    /// Whose lease has ended, as single deadlines; the alarm of the line is spent.
    pub(super) fn collect_expired(&mut self, kind: LeaseKind) {
        let aging = self.leases.of(kind);
        aging.alarm = None;
        for node in self.lines.iter(&aging.line) {
            let (until, agent) = lease_at(self.lines.key(node));
            if !self.deadlines.is_due(until, self.now) {
                break;
            }
            self.due.push((until, Deadline::Lease(kind, agent)));
        }
    }

    /// Sets the alarm of a line whose alarm is spent, if somebody stands there.
    pub(super) fn rearm_leases(&mut self, kind: LeaseKind) {
        let aging = self.leases.of(kind);
        if let Some(head) = aging.line.head() {
            let (until, _) = lease_at(self.lines.key(head));
            aging.wake(&mut self.deadlines, until, Alarm::Lease(kind));
        }
    }

    /// The three lines, for [`crate::invariants`].
    pub(crate) fn lease_lines(&self) -> [LeaseLine; 3] {
        let Leases { handling, occupied, log_in } = &self.leases;
        let lines =
            [(LeaseKind::Handling, handling), (LeaseKind::Occupied, occupied), (LeaseKind::LogIn, log_in)];
        lines.map(|(kind, aging)| {
            let keys = self.lines.iter(&aging.line).map(|node| lease_at(self.lines.key(node)));
            LeaseLine { kind, standing: keys.collect(), alarm: aging.alarm.map(|(at, _)| at) }
        })
    }

    /// Whether an agent's lease ends at that moment.
    pub(super) fn ends_at(&self, kind: LeaseKind, agent: AgentId, at: Instant) -> bool {
        self.agents.by_id(agent).is_some_and(|agent| agent.lease_end(kind, &self.settings) == Some(at))
    }

    /// Nobody has renewed it.
    pub(super) fn expire(&mut self, kind: LeaseKind, agent: AgentId) {
        let slot = self.who(agent);
        match (kind, self.agents[slot].state.activity) {
            (LeaseKind::LogIn, _) => {
                self.emit(Event::LeaseExpired { lease: Lease::LogIn(agent), agent });
                self.log_out_now(slot);
            }
            (LeaseKind::Handling, Activity::Handling { interaction, .. }) => {
                self.emit(Event::LeaseExpired { lease: Lease::Handling(interaction), agent });
                let ended = self.end_conversation(interaction, HandlingEnd::LeaseExpired);
                ended.expect("the agent is in conversation with it");
            }
            (LeaseKind::Occupied, _) => {
                self.emit(Event::LeaseExpired { lease: Lease::Occupied(agent), agent });
                self.make_idle(slot);
            }
            (LeaseKind::Handling, _) => unreachable!("looked at by the caller"),
        }
    }
}

fn key(until: Instant, agent: AgentId) -> Key {
    Key { major: until.as_micros(), minor: agent.0.into(), last: 0 }
}

/// When the lease of an entry ends, and whose it is.
fn lease_at(key: Key) -> (Instant, AgentId) {
    let agent = u32::try_from(key.minor).expect("the key is made of an agent's id");
    (Instant::from_micros(key.major), AgentId(agent))
}
