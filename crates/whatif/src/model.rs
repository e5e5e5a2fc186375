//! What is played: queues, customers, agents, and the limits between them.

mod fault;
mod wish;

use std::collections::BTreeMap;
use std::time::Duration;

use acd::{AgentSettings, QueueId, QueueSettings, Requirement};
use serde::{Deserialize, Serialize};

use crate::arrivals::Arrivals;
use crate::distribution::Law;
use crate::histogram::Histogram;
use crate::tally::{AgentTime, Tally};

pub use fault::ModelFault;
pub use wish::{LastAgent, Member, Wish};

/// A contact centre and one day of it. All times of day count from the start of the simulated time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// What all queues share, and the distributor's bounds.
    pub distributor: acd::Settings,
    /// The queues, as in the live configuration.
    pub queues: Vec<Queue>,
    /// Who comes.
    pub customers: Vec<CustomerType>,
    /// Who works.
    pub groups: Vec<AgentGroup>,
    /// Customers who can be here at once (waiting, rung or in conversation): lines. One more is blocked, as is one
    /// more than [`acd::Settings::waiting_max`] that wait.
    /// `None`: no limit.
    pub trunks: Option<u32>,
    /// Whether idle agents get a random order number before every arrival, so that [`acd::Strategy::TopDown`]
    /// chooses any of them with the same probability: what models in the literature often assume. It costs a
    /// command for each idle agent and arrival.
    pub shuffled: bool,
    /// How much days differ from each other.
    pub busyness: Busyness,
    /// Until when customers come for the first time. More than zero.
    pub horizon: Duration,
    /// Who comes before is served but not counted, and the time of agents is not either.
    pub warm_up: Duration,
    /// The length of the intervals of the statistics. More than zero.
    pub interval: Duration,
    /// What happens at the horizon to those who are still here.
    pub ending: Ending,
    /// Customers at once (those who think about a second try included); more is an error of the model, because
    /// it grows without end.
    pub customers_max: u32,
}

impl Model {
    /// Nobody, nowhere, for this long: intervals of half an hour, no warm-up, served to the last customer.
    pub fn new(horizon: Duration) -> Model {
        Model {
            distributor: acd::Settings::default(),
            queues: Vec::new(),
            customers: Vec::new(),
            groups: Vec::new(),
            trunks: None,
            shuffled: false,
            busyness: Busyness::Same,
            horizon,
            warm_up: Duration::ZERO,
            interval: Duration::from_secs(1_800),
            ending: Ending::Serve { at_most: Duration::from_secs(24 * 3_600) },
            customers_max: 1_000_000,
        }
    }

    /// What the figures of one day take in memory at most, in octets. Waits are taken to last no longer than the day
    /// and what comes after it.
    pub fn octets_a_day(&self) -> usize {
        let overtime = match self.ending {
            Ending::Stop => Duration::ZERO,
            Ending::Serve { at_most } => at_most,
        };
        let wait = Histogram::octets_max(self.horizon + overtime);
        // Of the intervals, of what comes after them, and of the whole day or the warm-up.
        let slots = self.intervals().saturating_add(2);
        let series = (self.queues.len() + self.customers.len()) * (size_of::<Tally>() + wait);
        let groups = self.groups.len() * size_of::<AgentTime>();
        slots.saturating_mul(series + groups)
    }

    /// How many intervals the statistics have; the last may be cut by the horizon.
    pub fn intervals(&self) -> usize {
        let intervals = self.horizon.as_micros().div_ceil(self.interval.as_micros().max(1));
        usize::try_from(intervals).unwrap_or(usize::MAX)
    }
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Its number in the distributor.
    pub id: QueueId,
    /// Its name in reports.
    pub name: String,
    /// Its routing rules, the same as in production.
    pub settings: QueueSettings,
    /// The threshold T of the service level. Who is answered after less than this is within.
    pub within: Duration,
    /// Who gives up after less than this is a short abandon, S(s).
    pub short_abandon: Duration,
    /// When it opens and closes, in order of time; open before the first. What closed means is in the rules.
    pub openings: Vec<Opening>,
    /// Customers who enter here, give up and come again within so long stand where they stood. `None`: at the end, as
    /// everybody.
    pub keep_place: Option<Duration>,
    /// Customers who entered here and were served want that agent again. `None`: whoever is chosen.
    pub last_agent: Option<LastAgent>,
}

/// A queue opens or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Since the start of the day; may lie after the horizon. Who comes at this very moment comes after it.
    pub at: Duration,
    /// Open, or closed.
    pub open: bool,
}

impl Queue {
    /// A queue with the settings that the distributor has for everybody, 20 s and 5 s, always open.
    pub fn new(id: u32, name: impl Into<String>) -> Queue {
        Queue {
            id: QueueId(id),
            name: name.into(),
            settings: QueueSettings::default(),
            within: Duration::from_secs(20),
            short_abandon: Duration::from_secs(5),
            openings: Vec::new(),
            keep_place: None,
            last_agent: None,
        }
    }
}

/// Customers who are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerType {
    /// Its name in reports.
    pub name: String,
    /// Where they enter.
    pub queue: QueueId,
    /// Further queues in which they wait at the same time, as in [`acd::Request`].
    pub also: Vec<QueueId>,
    /// Points, as in [`acd::Request`].
    pub priority: i32,
    /// What they need beside what the queue asks for.
    pub requirement: Option<Requirement>,
    /// The agents whom they want by name; only in one queue. Before the agent of the last conversation.
    pub wanted: Option<Wish>,
    /// When they come.
    pub arrivals: Arrivals,
    /// How long each waits (and lets the phone ring) before giving up. `None`: for ever.
    pub patience: Option<Law>,
    /// How long each talks.
    pub handling: Handling,
    /// How long the agent works afterwards. `None`: as the settings of queue and agent say. Needs a length of
    /// more than zero there, because the distributor starts it and the simulated agent ends or extends it.
    pub after_call_work: Option<Law>,
    /// Whether who gave up, was blocked or was served comes again.
    pub retrial: Retrial,
}

impl CustomerType {
    /// Patient customers without priority who never come back.
    pub fn new(
        name: impl Into<String>,
        queue: QueueId,
        arrivals: Arrivals,
        handling: Handling,
    ) -> CustomerType {
        CustomerType {
            name: name.into(),
            queue,
            also: Vec::new(),
            priority: 0,
            requirement: None,
            wanted: None,
            arrivals,
            patience: None,
            handling,
            after_call_work: None,
            retrial: Retrial::default(),
        }
    }
}

/// How long a conversation lasts: a property of the customer, the period of arrival, and the group of the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handling {
    /// With anybody.
    pub law: Law,
    /// With agents of these groups (by index in [`Model::groups`]) it is another.
    pub by_group: BTreeMap<usize, Law>,
}

impl Handling {
    /// The same with every agent, all day.
    pub fn same(distribution: crate::Distribution) -> Handling {
        Handling { law: Law::same(distribution), by_group: BTreeMap::new() }
    }

    /// What holds with an agent of this group.
    pub fn law(&self, group: usize) -> &Law {
        if self.by_group.is_empty() {
            return &self.law;
        }
        self.by_group.get(&group).unwrap_or(&self.law)
    }
}

/// Coming back. Whoever comes back is the same person. Who was not served comes with the same matter: patience and
/// handling time are those of the first try. Who was served comes with a new one: both are drawn anew, and the wait
/// counts from nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retrial {
    /// The probability after giving up, 0 to 1.
    pub after_abandonment: f64,
    /// The probability after having been blocked, 0 to 1.
    pub after_blocking: f64,
    /// The probability after a conversation, 0 to 1.
    pub after_answer: f64,
    /// How long after. A second try after the horizon is made as well; a new matter is not.
    pub delay: Law,
}

impl Default for Retrial {
    fn default() -> Retrial {
        Retrial {
            after_abandonment: 0.0,
            after_blocking: 0.0,
            after_answer: 0.0,
            delay: Law::same(crate::Distribution::Constant(Duration::from_secs(600))),
        }
    }
}

/// Agents who are reported together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentGroup {
    /// Its name in reports.
    pub name: String,
    /// Who they are and when they work.
    pub members: Members,
    /// How long the phone rings before an agent picks up; longer than the queue's ring timeout is a missed
    /// reservation. `None`: at once.
    pub pick_up: Option<Law>,
    /// How long an agent stays not ready who missed too many reservations. `None`: for the rest of the day.
    pub missed_pause: Option<Duration>,
}

impl AgentGroup {
    /// So many agents all day, all alike, who pick up at once.
    pub fn alike(name: impl Into<String>, settings: AgentSettings, agents: u32) -> AgentGroup {
        AgentGroup {
            name: name.into(),
            members: Members::Alike { settings, heads: vec![HeadCount { from: Duration::ZERO, agents }] },
            pick_up: None,
            missed_pause: Some(Duration::from_secs(60)),
        }
    }

    /// The most agents that are there at once.
    pub fn size(&self) -> usize {
        match &self.members {
            Members::Alike { heads, .. } => {
                heads.iter().map(|head| head.agents as usize).max().unwrap_or_default()
            }
            Members::Named(agents) => agents.len(),
        }
    }
}

/// Who the agents of a group are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Members {
    /// A number of agents who differ in nothing: a staffing plan. When the number falls, idle agents go first,
    /// then those in after-call work, then whoever ends a conversation next.
    Alike {
        /// Skills and the rest.
        settings: AgentSettings,
        /// How many; each holds until the next one's time, the last to the end. Nobody before the first.
        heads: Vec<HeadCount>,
    },
    /// People, each with shifts. Who is in conversation at the end of a shift ends it first.
    Named(Vec<Agent>),
}

/// From then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadCount {
    /// Since the start of the day.
    pub from: Duration,
    /// So many.
    pub agents: u32,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The name in reports.
    pub name: String,
    /// Skills and the rest, as in the live configuration.
    pub settings: AgentSettings,
    /// In order, not overlapping.
    pub shifts: Vec<Shift>,
}

/// From log-in to log-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// Since the start of the day.
    pub from: Duration,
    /// Later than `from`; may lie after the horizon.
    pub to: Duration,
    /// In order, not overlapping, within the shift.
    pub breaks: Vec<Break>,
}

/// Not ready. A conversation is ended first, and the break is the shorter for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// Since the start of the day.
    pub from: Duration,
    /// Later than `from`.
    pub to: Duration,
}

/// A factor on the rates of arrival, one for each replication: a gamma variable with mean 1 (the shape is also
/// the reciprocal of its variance). Avramidis, Deslauriers and L'Ecuyer, "Modeling daily arrivals to a telephone
/// call center", Management Science 50 (2004).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Busyness {
    /// No factor.
    Same,
    /// One for all types: they are busy together.
    Common {
        /// More than zero.
        shape: f64,
    },
    /// One for each type, independent.
    PerType {
        /// More than zero.
        shape: f64,
    },
}

/// What happens at the horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Time stops. Who is still here is counted as in the system.
    Stop,
    /// Nobody new comes, and it goes on until nobody is left, or for so long.
    Serve {
        /// Customers who are still here then are counted as in the system.
        at_most: Duration,
    },
}
