//! A configuration in the machines' own words: numbers for names, settings for each machine.
//!
//! Two plans can be compared, and what differs is what a reload costs.

mod changes;
mod numbering;
mod routing;
mod signalling;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use acd::{AgentId, AgentSettings, ExitId, QueueId, QueueSettings};
use cti::TrunkNames;
use engine::Directory;
use media::MusicId;
use report::{AgentName, FormerNames, Names, QueueName, ReasonName, SupervisorName};

use crate::config::{self, Config};
use crate::doors::Hours;

pub use changes::{between, from_nothing};
pub use numbering::Numbering;

/// What a backlog may hold for each call or termination that there can be: more than any has to say at once.
const BACKLOG_PER_CALL: usize = 64;
/// What the distributor's backlog may hold for each agent, queue and waiting interaction: a single command
/// can concern all of them.
const BACKLOG_PER_PARTY: usize = 8;

/// What waiting callers hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Music {
    /// Our own tune.
    Generated,
    /// A WAV file.
    File(PathBuf),
}

/// A SIP socket as it was bound: port 0 has become a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// UDP or TCP.
    pub transport: config::Transport,
    /// The socket's address.
    pub address: SocketAddr,
}

/// Everything that the machines are told.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What all queues share.
    pub shared: acd::Settings,
    /// Queues.
    pub queues: BTreeMap<QueueId, QueueSettings>,
    /// When queues are open.
    pub hours: Hours,
    /// Agents.
    pub agents: BTreeMap<AgentId, AgentSettings>,
    /// Where the callers of a removed queue go.
    pub closed: ExitId,
    /// Numbers, agents' phones and treatments.
    pub directory: Directory,
    /// Who may register, with which password.
    pub accounts: BTreeMap<String, config::Secret>,
    /// The SIP side.
    pub sip: sip::Settings,
    /// Calls and their media ports.
    pub calls: b2bua::Settings,
    /// Of so many callers at most something is remembered, for each kind of it.
    pub callers_max: usize,
    /// How long an agent pauses who missed too many calls; `None`: until the phone registers anew.
    pub missed_pause: Option<Duration>,
    /// How long an agent whose phone is gone stays logged in.
    pub phone_grace: Duration,
    /// The relay.
    pub relay: media::Settings,
    /// What the treatments play.
    pub music: BTreeMap<MusicId, Music>,
    /// What people call all of that.
    pub names: Names,
    /// What trunks are called, or were.
    pub trunk_names: TrunkNames,
}

/// The distributor's part of a plan: who waits where, who serves it, and what a dialled number leads to.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// What all queues share.
    pub shared: acd::Settings,
    /// Queues.
    pub queues: BTreeMap<QueueId, QueueSettings>,
    /// Agents.
    pub agents: BTreeMap<AgentId, AgentSettings>,
    /// Dialled numbers, the most particular first.
    pub entries: Vec<engine::Entry>,
}

impl Distribution {
    /// That of a configuration. A simulation needs no more of it.
    pub fn new(config: &Config, numbering: &mut Numbering) -> Distribution {
        let queues = config.queues.iter();
        let queues: BTreeMap<QueueId, QueueSettings> =
            queues.map(|queue| (numbering.queue(&queue.name), routing::queue(queue, numbering))).collect();
        let agents = config.agents.iter();
        let agents: BTreeMap<AgentId, AgentSettings> = agents
            .map(|agent| (numbering.agent(&agent.id), routing::agent(agent, &config.routing, numbering)))
            .collect();
        let entries = routing::entries(config, numbering);
        let shared = routing::shared(config, numbering);
        Distribution { shared, queues, agents, entries }
    }
}

impl Plan {
    /// The plan of a configuration whose SIP sockets are `bound`. Files that it names are relative to `base`.
    pub fn new(config: &Config, base: &Path, bound: &[Bound], numbering: &mut Numbering) -> Plan {
        let (treatments, music) = routing::treatments(config, base, numbering);
        let closed = numbering.exit(numbering::Leaving::Busy);
        let mut exits = routing::exits(config, numbering);
        exits.insert(closed, engine::Leave::Busy);
        let Distribution { shared, queues, agents, entries } = Distribution::new(config, numbering);
        let trunks = signalling::trunks(config, numbering);
        let directory = Directory {
            entries,
            agents: signalling::agent_lines(config, &trunks, numbering),
            queues: treatments,
            callers: routing::callers(config, numbering),
            exits,
            outbound: signalling::outbound(&trunks),
            callbacks: signalling::callbacks(config, &trunks, numbering),
        };
        Plan {
            shared,
            queues,
            hours: routing::hours(config, numbering),
            agents,
            closed,
            directory,
            accounts: signalling::accounts(config),
            calls: signalling::calls(config, numbering),
            callers_max: usize::try_from(config.routing.callers_max).unwrap_or(usize::MAX),
            missed_pause: Some(config.routing.missed_pause).filter(|pause| !pause.is_zero()),
            phone_grace: config.routing.phone_grace,
            relay: signalling::relay(config),
            sip: signalling::sip(config, bound, trunks),
            music,
            names: names(config, numbering),
            trunk_names: numbering.trunk_names(),
        }
    }

    /// What may wait in front of each ring of the engine's thread when that is full.
    pub fn engine_backlog(&self) -> usize {
        self.calls.calls_max.saturating_mul(BACKLOG_PER_CALL).saturating_add(self.parties())
    }

    /// The same of the distributor's thread.
    pub fn distributor_backlog(&self) -> usize {
        self.parties().saturating_mul(BACKLOG_PER_PARTY)
    }

    /// The same of the media thread.
    pub fn media_backlog(&self) -> usize {
        self.relay.terminations.saturating_mul(BACKLOG_PER_CALL)
    }

    /// Everything that a single command to the distributor may concern.
    fn parties(&self) -> usize {
        let waiting = usize::try_from(self.shared.waiting_max).unwrap_or(usize::MAX);
        waiting.saturating_add(self.agents.len()).saturating_add(self.queues.len())
    }

    /// What the engine is told of SIP and media.
    pub fn engine_settings(&self) -> engine::Settings {
        engine::Settings {
            calls: self.calls.clone(),
            sip: self.sip.clone(),
            retry_after: self.sip.limits.retry_after,
            missed_pause: self.missed_pause,
            phone_grace: self.phone_grace,
            lease: self.shared.handling_lease,
            callers_max: self.callers_max,
        }
    }
}

fn names(config: &Config, numbering: &mut Numbering) -> Names {
    let queues = config.queues.iter().map(|queue| {
        let name = QueueName {
            name: queue.name.clone(),
            threshold: queue.service_level.within,
            target: queue.service_level.target,
        };
        (numbering.queue(&queue.name), name)
    });
    let queues = queues.collect();
    let agents = config.agents.iter().map(|agent| {
        (numbering.agent(&agent.id), AgentName { id: agent.id.clone(), name: agent.name.clone() })
    });
    let agents = agents.collect();
    let reasons = config.reasons.iter().map(|reason| {
        (numbering.reason(&reason.id), ReasonName { id: reason.id.clone(), name: reason.name.clone() })
    });
    let reasons = reasons.collect();
    let supervisors = config.supervisors.iter().map(|supervisor| {
        let name = SupervisorName { id: supervisor.id.clone(), name: supervisor.name.clone() };
        (numbering.supervisor(&supervisor.id), name)
    });
    let supervisors = supervisors.collect();
    let skills = config.skills().into_iter().map(|name| (numbering.skill(&name), name)).collect();
    let channels =
        config.channels.iter().map(|channel| (numbering.channel(&channel.name), channel.name.clone()));
    let channels = channels.collect();
    let mut names =
        Names { queues, agents, reasons, supervisors, channels, skills, former: FormerNames::default() };
    names.former = numbering.former(&names);
    names
}
