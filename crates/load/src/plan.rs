//! What a load test does.

use std::net::SocketAddr;
use std::time::Duration;

use sip::{Host, Protocol};
use whatif::Distribution;

use crate::pace::Pace;

/// The two ends that the load plays. Each has sockets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Those who call.
    Callers,
    /// Those who are called.
    Agents,
}

impl Side {
    /// Both of them, in the order of [`Side::index`].
    pub const BOTH: [Side; 2] = [Side::Callers, Side::Agents];

    /// Its place in a pair.
    pub fn index(self) -> usize {
        match self {
            Side::Callers => 0,
            Side::Agents => 1,
        }
    }

    /// The other end.
    pub fn other(self) -> Side {
        match self {
            Side::Callers => Side::Agents,
            Side::Agents => Side::Callers,
        }
    }
}

/// Everything a load test is told.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The system under test: where every first request goes.
    pub system: SocketAddr,
    /// What carries the messages.
    pub protocol: Protocol,
    /// The host in Request-URI, From and To.
    pub domain: Host,
    /// Where callers send from and listen; never a wildcard, it stands in Via and Contact.
    pub callers_at: SocketAddr,
    /// The same of the agents.
    pub agents_at: SocketAddr,
    /// What the session descriptions of callers without audio name, and of all for RTCP.
    pub callers_media: SocketAddr,
    /// The same of the agents.
    pub agents_media: SocketAddr,
    /// The ports of calls with audio, a pair for each: the caller's and the agent's. So many calls at once have audio, those
    /// beyond them none; empty: no call has.
    pub audio: Vec<[SocketAddr; 2]>,
    /// Who calls.
    pub callers: Vec<Callers>,
    /// Who answers.
    pub agents: Vec<Agents>,
    /// Calls that begin before this has passed are made and not counted.
    pub warm_up: Duration,
    /// For how long calls begin, the warm-up included.
    pub length: Duration,
    /// How long after the last beginning the calls in progress may take to end.
    pub drain: Duration,
    /// How many phones register in a second.
    pub registrations_per_second: u32,
    /// Calls in progress at once; one more is not made and counts as failed. At the agents' end so many calls are kept beyond
    /// one for each agent, and so many that are over; one more is refused with 486 and forgotten.
    pub calls_max: usize,
    /// Where all chance comes from: the same seed, the same calls at the same moments.
    pub seed: u64,
    /// A number that no other test has: Call-IDs, tags, branches and who calls first are made of it, so that a system never
    /// takes one test for the repetition of another.
    pub nonce: u64,
}

/// People who call alike.
#[derive(Clone, Debug)]
pub struct Callers {
    /// What the report calls them.
    pub name: String,
    /// The numbers that they call, by turns. Never empty.
    pub numbers: Vec<String>,
    /// What their own numbers begin with; a running number of seven digits follows.
    pub from: String,
    /// How many different people these are; after the last the first calls again. At least 1.
    pub people: u32,
    /// When calls begin.
    pub pace: Pace,
    /// How long they talk.
    pub talk: Distribution,
    /// From when on they talk.
    pub talk_from: TalkFrom,
    /// How long after the INVITE they give up, where they do not talk yet; none: never.
    pub patience: Option<Distribution>,
    /// What they answer to a challenge; none: a challenge is a refusal.
    pub credentials: Option<Credentials>,
    /// Whether a BYE that comes before the end of the talk is as it should be although no agent of this load has hung up:
    /// what answers are not this load's agents.
    pub may_be_hung_up: bool,
}

/// From when on a caller talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TalkFrom {
    /// From the 200: whatever answers is what was called.
    Answer,
    /// From the moment at which an agent of this load answers this caller's call: a queue answers, plays music and
    /// connects later. Told by the From that the agent sees.
    Agent,
}

/// A digest user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// People who answer alike.
#[derive(Clone, Debug)]
pub struct Agents {
    /// What the report calls them.
    pub name: String,
    /// The user part of each one's address, with the password it registers with.
    pub accounts: Vec<Credentials>,
    /// How long a registration is asked for; none: they do not register, the system knows where they are.
    pub expires: Option<Duration>,
    /// How long their phones ring before they do something.
    pub ring: Distribution,
    /// What they do then.
    pub answers: Answers,
    /// How long they talk before they hang up first; none: the caller does.
    pub talk: Option<Distribution>,
    /// How long the system leaves an agent in peace after a call: what comes before [`Measure::NextRing`] begins.
    ///
    /// [`Measure::NextRing`]: crate::Measure::NextRing
    pub after_call_work: Duration,
    /// Whether who is called by another name is answered by the next who is free: a proxy hands calls through as they are.
    pub take_any: bool,
}

/// What agents do when they are rung, as shares of 1; the rest picks up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Answers {
    /// 486 at once.
    pub busy: f64,
    /// 603 when they have looked at it for the time of a ring.
    pub decline: f64,
    /// Nothing: it rings until the system gives up.
    pub no_answer: f64,
}
