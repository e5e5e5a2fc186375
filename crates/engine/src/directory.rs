//! What the configuration says about calls, in numbers: the names stay outside.

use std::collections::BTreeMap;
use std::time::Duration;

use acd::{AgentId, ExitId, QueueId, Request, Requirement, Wanted};
use media::MusicId;
use serde::{Deserialize, Serialize};

/// Who is called by which number, where agents are, and what waiting callers hear. Replaced as a
/// whole by [`Engine::reload`](crate::Engine::reload); calls in progress go on by what they were told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Dialled numbers, the first that fits wins.
    pub entries: Vec<Entry>,
    /// Every agent.
    pub agents: BTreeMap<AgentId, AgentLine>,
    /// Every queue.
    pub queues: BTreeMap<QueueId, Treatment>,
    /// What queues remember of their callers; those that remember nothing are missing.
    pub callers: BTreeMap<QueueId, CallerRules>,
    /// What an interaction does that leaves the distributor.
    pub exits: BTreeMap<ExitId, Leave>,
    /// How numbers outside are called, where they can be.
    pub outbound: Option<Outbound>,
    /// How customers are called back of those queues that do so.
    pub callbacks: BTreeMap<QueueId, CallbackLine>,
}

/// How the customers of a queue are called back, and which of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackLine {
    /// The way to them.
    pub outbound: Outbound,
    /// Other numbers than the caller's own must begin with one of these.
    pub allow: Vec<String>,
    /// No number may begin with one of these, not even the caller's own, which may be forged.
    pub deny: Vec<String>,
}

/// How numbers outside are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbound {
    /// Over this trunk.
    pub trunk: sip::TrunkId,
    /// As `sip:NUMBER@host`: the trunk's name or address, with a port where it needs one.
    pub host: String,
}

/// A dialled number and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which numbers.
    pub number: NumberPattern,
    /// The queue; where there are several, the first of them.
    pub queue: QueueId,
    /// Further queues in which its interactions wait at the same time.
    pub also: Vec<QueueId>,
    /// Priority points of its interactions.
    pub priority: i32,
    /// Their own requirement, beside that of the queue.
    pub requirement: Option<Requirement>,
    /// The agents whom they want by name; before the agent who served them last. Only with one queue.
    pub wish: Option<Wish>,
}

impl Entry {
    /// What its interactions ask for.
    pub fn request(&self) -> Request {
        Request {
            also: self.also.clone(),
            priority: self.priority,
            requirement: self.requirement.clone(),
            wanted: self.wish.map(|wish| wish.wanted),
            ..Request::new(self.queue)
        }
    }
}

/// Agents whom a call wants by name, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Where it comes from.
    pub cause: WishCause,
    /// What the distributor is told.
    pub wanted: Wanted,
}

/// Why a call wants agents by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WishCause {
    /// The number dialled is the agent's own.
    DirectNumber,
    /// The number dialled names agents to be preferred.
    Preferred,
    /// The agent served the caller last.
    LastAgent,
}

/// Which dialled numbers an entry serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NumberPattern {
    /// This one.
    Exact(String),
    /// All that begin so.
    Prefix(String),
    /// All.
    Any,
}

impl NumberPattern {
    /// Whether a dialled number fits.
    pub fn matches(&self, number: &str) -> bool {
        match self {
            NumberPattern::Exact(exact) => exact == number,
            NumberPattern::Prefix(prefix) => number.starts_with(prefix.as_str()),
            NumberPattern::Any => true,
        }
    }
}

/// How an agent is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentLine {
    /// Where the agent's phones are.
    pub reach: Reach,
    /// What begins and ends a shift.
    pub log_in: LogIn,
}

/// Where an agent's phones are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// At the contacts that this account has registered.
    Account(String),
    /// At this address.
    Contact {
        /// The address.
        uri: sip::Uri,
        /// How one comes there.
        way: Way,
    },
}

/// The way to an agent's fixed address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// Found by DNS, without anybody's credentials.
    Open,
    /// Through a trunk: by its outbound proxy where it has one.
    Through(sip::TrunkId),
    /// Straight to an address in a trunk's network, past its outbound proxy.
    Behind(sip::TrunkId),
}

impl Way {
    /// What is called to reach `target` on this way.
    pub fn to(self, target: sip::Uri) -> sip::Destination {
        match self {
            Way::Open => sip::Destination::Uri(target),
            Way::Through(trunk) => sip::Destination::Trunk { trunk, target },
            Way::Behind(trunk) => sip::Destination::Behind { trunk, target },
        }
    }
}

/// What begins and ends an agent's shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogIn {
    /// A phone that registers begins it, and a fixed contact does so at the start; not again after a log-out by the API,
    /// unless the phone was gone for the grace meanwhile.
    OnRegister,
    /// Only the API or a page. A phone that is gone for the grace ends it all the same.
    Desktop,
}

/// What a waiting caller hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Treatment {
    /// The call stays unanswered; the caller's own network plays ringback (180).
    Ringback,
    /// The call is answered and hears this.
    Music(MusicId),
}

/// What a queue remembers of its callers, by their numbers: of those whose number leads to this queue first. Who
/// withholds the number is not remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerRules {
    /// Who served a caller last is wanted by name the next time.
    pub last_agent: Option<LastAgent>,
    /// Who gives up and calls again within so long has the place in line as if nothing had happened.
    pub keep_place: Option<Duration>,
}

/// How a queue wants the agent again who served a caller last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAgent {
    /// For so long after the conversation the agent is remembered.
    pub remember: Duration,
    /// For so long nobody else is offered the call; zero: only at the moment in which it comes.
    pub wait: Duration,
}

/// What an interaction does that leaves the distributor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leave {
    /// It goes to this number over [`Directory::outbound`].
    Dial(String),
    /// It is refused as busy (486), or ended where it was answered.
    Busy,
    /// It is declined (603), or ended where it was answered.
    HangUp,
}

impl Directory {
    /// Where a dialled number leads.
    pub fn entry(&self, number: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.number.matches(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_that_fits_wins() {
        let entry = |number, queue| Entry {
            number,
            queue: QueueId(queue),
            also: Vec::new(),
            priority: 0,
            requirement: None,
            wish: None,
        };
        let directory = Directory {
            entries: vec![
                entry(NumberPattern::Exact("100".to_owned()), 1),
                entry(NumberPattern::Prefix("10".to_owned()), 2),
                entry(NumberPattern::Any, 3),
            ],
            ..Directory::default()
        };
        let queue = |number| directory.entry(number).map(|entry| entry.queue.0);
        assert_eq!(queue("100"), Some(1));
        assert_eq!(queue("101"), Some(2));
        assert_eq!(queue("200"), Some(3));
    }
}
