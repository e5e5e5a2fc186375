//! Leases: what ends by itself unless it is renewed.
//!
//! All leases of a kind are equally long, so whoever stands in order of renewal stands in order of expiry: one alarm
//! serves them all, and to renew is to go to the end of the line.

use std::collections::BTreeSet;

use timing::Instant;

use super::waiting::Aging;
use super::{Agent, Alarm, Deadline, Distributor};
use crate::line::{Key, Line, Node};
use crate::state::AgentState;
use crate::table::Slot;
use crate::{AgentId, Aside, Event, HandlingEnd, InteractionId, Lease, Refusal, WorkStage};

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
#[derive(Clone, Debug, Default)]
pub(crate) struct LeaseNodes {
    /// Of the conversation or the agent's own business.
    work: Option<(LeaseKind, Node)>,
    /// The same where there is more than one.
    more: Vec<(LeaseKind, Node)>,
    log_in: Option<Node>,
}

/// When a lease ends, whose it is, and for which conversation, where it is one's.
pub(crate) type Standing = (Instant, AgentId, Option<InteractionId>);

/// One line as it is.
pub(crate) struct LeaseLine {
    pub(crate) kind: LeaseKind,
    /// Who stands there, and until when.
    pub(crate) standing: BTreeSet<Standing>,
    /// When the alarm goes off.
    pub(crate) alarm: Option<Instant>,
}

impl Leases {
    pub(crate) fn new() -> Leases {
        Leases { handling: Aging::new(), occupied: Aging::new(), log_in: Aging::new() }
    }

    /// Who stands there.
    pub(super) fn line(&self, kind: LeaseKind) -> &Line {
        match kind {
            LeaseKind::Handling => &self.handling.line,
            LeaseKind::Occupied => &self.occupied.line,
            LeaseKind::LogIn => &self.log_in.line,
        }
    }

    fn of(&mut self, kind: LeaseKind) -> &mut Aging {
        match kind {
            LeaseKind::Handling => &mut self.handling,
            LeaseKind::Occupied => &mut self.occupied,
            LeaseKind::LogIn => &mut self.log_in,
        }
    }
}

/// The line in which a lease stands, and the conversation, where it is one's.
pub(crate) fn kind_of(lease: Lease) -> (LeaseKind, Option<InteractionId>) {
    match lease {
        Lease::Handling(interaction) => (LeaseKind::Handling, Some(interaction)),
        Lease::Occupied(_) => (LeaseKind::Occupied, None),
        Lease::LogIn(_) => (LeaseKind::LogIn, None),
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
                let Aside::Occupied { .. } = self.agents[slot].state.aside else {
                    return Err(Refusal::WrongActivity(agent));
                };
                slot
            }
            Lease::LogIn(agent) => self.logged_in(agent)?,
        };
        self.stand_down_from_leases(slot);
        self.agents[slot].state.renew(lease, now);
        self.stand_for_leases(slot);
        Ok(())
    }

    /// Puts an agent into the lines of the leases that the agent has.
    pub(super) fn stand_for_leases(&mut self, slot: Slot<Agent>) {
        if !self.settings.has_leases() {
            return;
        }
        let agent = &self.agents[slot];
        let mut nodes = LeaseNodes::default();
        for (lease, until) in agent.state.leases(agent.id, &self.settings) {
            let (kind, interaction) = kind_of(lease);
            let aging = self.leases.of(kind);
            let key = key((until, agent.id, interaction));
            let node = self.lines.insert(&mut aging.line, key, slot.number());
            aging.wake(&mut self.deadlines, until, Alarm::Lease(kind));
            match kind {
                LeaseKind::LogIn => nodes.log_in = Some(node),
                LeaseKind::Handling | LeaseKind::Occupied if nodes.work.is_none() => {
                    nodes.work = Some((kind, node));
                }
                LeaseKind::Handling | LeaseKind::Occupied => nodes.more.push((kind, node)),
            }
        }
        self.agents[slot].lease_nodes = nodes;
    }

    /// Takes an agent out of them.
    pub(super) fn stand_down_from_leases(&mut self, slot: Slot<Agent>) {
        let LeaseNodes { work, more, log_in } = std::mem::take(&mut self.agents[slot].lease_nodes);
        let log_in = log_in.map(|node| (LeaseKind::LogIn, node));
        for (kind, node) in work.into_iter().chain(log_in).chain(more) {
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
            let (until, agent, interaction) = lease_at(kind, self.lines.key(node));
            if !self.deadlines.is_due(until, self.now) {
                break;
            }
            self.due.push((until, Deadline::Lease(kind, agent, interaction)));
        }
    }

    /// Sets the alarm of a line whose alarm is spent, if somebody stands there.
    pub(super) fn rearm_leases(&mut self, kind: LeaseKind) {
        let aging = self.leases.of(kind);
        if let Some(head) = aging.line.head() {
            let (until, ..) = lease_at(kind, self.lines.key(head));
            aging.wake(&mut self.deadlines, until, Alarm::Lease(kind));
        }
    }

    /// The three lines, for [`crate::invariants`].
    pub(crate) fn lease_lines(&self) -> [LeaseLine; 3] {
        let Leases { handling, occupied, log_in } = &self.leases;
        let lines =
            [(LeaseKind::Handling, handling), (LeaseKind::Occupied, occupied), (LeaseKind::LogIn, log_in)];
        lines.map(|(kind, aging)| {
            let keys = self.lines.iter(&aging.line).map(|node| lease_at(kind, self.lines.key(node)));
            LeaseLine { kind, standing: keys.collect(), alarm: aging.alarm.map(|(at, _)| at) }
        })
    }

    /// Whether an agent's lease ends at that moment.
    pub(super) fn ends_at(
        &self,
        kind: LeaseKind,
        agent: AgentId,
        interaction: Option<InteractionId>,
        at: Instant,
    ) -> bool {
        self.agents.by_id(agent).is_some_and(|agent| {
            let mut leases = agent.state.leases(agent.id, &self.settings);
            leases.any(|(lease, until)| until == at && kind_of(lease) == (kind, interaction))
        })
    }

    /// Nobody has renewed it.
    pub(super) fn expire(&mut self, kind: LeaseKind, agent: AgentId, interaction: Option<InteractionId>) {
        let slot = self.who(agent);
        match (kind, interaction) {
            (LeaseKind::LogIn, _) => {
                self.emit(Event::LeaseExpired { lease: Lease::LogIn(agent), agent });
                self.log_out_now(slot);
            }
            (LeaseKind::Handling, Some(interaction)) => {
                self.emit(Event::LeaseExpired { lease: Lease::Handling(interaction), agent });
                let ended = self.end_conversation(interaction, HandlingEnd::LeaseExpired);
                ended.expect("the agent is in conversation with it");
            }
            (LeaseKind::Occupied, _) => {
                self.emit(Event::LeaseExpired { lease: Lease::Occupied(agent), agent });
                self.end_aside(slot);
            }
            (LeaseKind::Handling, None) => unreachable!("it is the lease of a conversation"),
        }
    }
}

impl AgentState {
    /// The lease of what the agent has in hand begins anew.
    fn renew(&mut self, lease: Lease, now: Instant) {
        match lease {
            Lease::Handling(interaction) => {
                let work = self.works.find_mut(|work| work.is_handling_of(interaction));
                match &mut work.expect("the interaction is in conversation with this agent").stage {
                    WorkStage::Handling { renewed, .. } => *renewed = now,
                    WorkStage::Reserved { .. } | WorkStage::AfterCallWork { .. } => {
                        unreachable!("just found")
                    }
                }
            }
            Lease::Occupied(_) => match &mut self.aside {
                Aside::Occupied { renewed, .. } => *renewed = now,
                Aside::Nothing { .. } | Aside::BackingOff { .. } => unreachable!("looked at by the caller"),
            },
            Lease::LogIn(_) => self.log_in_renewed = now,
        }
    }
}

fn key((until, agent, interaction): Standing) -> Key {
    Key { major: until.as_micros(), minor: interaction.map_or(0, |interaction| interaction.0), last: agent.0 }
}

/// The lease of an entry.
fn lease_at(kind: LeaseKind, key: Key) -> Standing {
    let interaction = match kind {
        LeaseKind::Handling => Some(InteractionId(key.minor)),
        LeaseKind::Occupied | LeaseKind::LogIn => None,
    };
    (Instant::from_micros(key.major), AgentId(key.last), interaction)
}
