//! Who is idle, in the order in which each queue would choose.
//!
//! Two ways side by side, because neither is fast for both (`docs/decisions/0011-data-structure.md`). An agent whose
//! skills few others have stands in a line of every queue that could choose the agent: choosing looks at one head,
//! becoming free or busy costs as many steps as queues are served. Where many agents share their skills, they stand
//! in one line of their **pool**, and a queue looks at the heads of the pools that may serve it: choosing costs as
//! many looks as there are such pools, becoming free or busy one step. Both give the same order.

use serde::{Deserialize, Serialize};

use super::profile::{Alike, Profile, Serves};
use super::{Agent, Distributor, Queue};
use crate::line::{Key, Line, Node};
use crate::requirement;
use crate::state::{AgentState, State};
use crate::table::Slot;
use crate::{AgentId, IdleClock, POOLS_MAX, QueueSettings, Strategy};

/// Words of bits, one for each pool.
const WORDS: usize = POOLS_MAX / 64;
/// Where an agent stands among the idle of a queue: the smaller, the sooner; the id comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Rank {
    pub(crate) major: u64,
    pub(crate) minor: u64,
}

impl Rank {
    pub(crate) fn key(self, agent: AgentId) -> Key {
        Key { major: self.major, minor: self.minor, last: agent.0 }
    }
}

/// What the agents of a pool are ordered by: that part of a strategy that tells agents of equal skills apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Handled,
    Ready,
    Offered,
    Count,
    Occupancy,
    TopDown,
    RoundRobin,
    Lot,
}

pub(crate) const ORDERS: [Order; 8] = [
    Order::Handled,
    Order::Ready,
    Order::Offered,
    Order::Count,
    Order::Occupancy,
    Order::TopDown,
    Order::RoundRobin,
    Order::Lot,
];

impl Order {
    pub(crate) fn of(strategy: Strategy) -> Order {
        match strategy {
            Strategy::LongestIdle(IdleClock::SinceHandled)
            | Strategy::MostSkilled
            | Strategy::LeastSkilled => Order::Handled,
            Strategy::LongestIdle(IdleClock::SinceReady) => Order::Ready,
            Strategy::LongestIdle(IdleClock::SinceOffered) => Order::Offered,
            Strategy::FewestHandled => Order::Count,
            Strategy::LeastOccupied => Order::Occupancy,
            Strategy::TopDown => Order::TopDown,
            Strategy::RoundRobin => Order::RoundRobin,
            Strategy::WeightedRandom => Order::Lot,
        }
    }

    pub(crate) fn rank(self, agent: &AgentState) -> Rank {
        let idle_since = agent.handled_at.as_micros();
        let (major, minor) = match self {
            Order::Handled => (idle_since, 0),
            Order::Ready => (agent.ready_at.as_micros(), idle_since),
            Order::Offered => (agent.offered_at.as_micros(), idle_since),
            Order::Count => (u64::from(agent.handled), idle_since),
            Order::Occupancy => (u64::from(agent.occupancy), idle_since),
            Order::TopDown => (u64::from(agent.settings.order), idle_since),
            Order::RoundRobin => (u64::from(agent.settings.order), 0),
            Order::Lot => (agent.lot.whole, agent.lot.part),
        };
        Rank { major, minor }
    }
}

/// The rank in a queue of an agent who has that rank among agents of the same skills.
pub(crate) fn rank_in_queue(strategy: Strategy, score: u32, among_equals: Rank) -> Rank {
    match strategy {
        Strategy::MostSkilled => Rank { major: u64::from(u32::MAX - score), minor: among_equals.major },
        Strategy::LeastSkilled => Rank { major: u64::from(score), minor: among_equals.major },
        Strategy::LongestIdle(_)
        | Strategy::FewestHandled
        | Strategy::LeastOccupied
        | Strategy::RoundRobin
        | Strategy::TopDown
        | Strategy::WeightedRandom => among_equals,
    }
}

impl Serves {
    /// The rank of an available agent in the queue. It stays as it is while the agent is available.
    pub(crate) fn rank(&self, agent: &AgentState) -> Rank {
        rank_in_queue(self.strategy, self.score, Order::of(self.strategy).rank(agent))
    }
}

/// The rank of an available agent in a queue with these settings; from nothing but those and the agent.
pub(crate) fn rank(settings: &QueueSettings, agent: &AgentState) -> Rank {
    let score = requirement::score(&State::wanted_skills(settings), &agent.settings.skills);
    rank_in_queue(settings.strategy, score, Order::of(settings.strategy).rank(agent))
}

/// Lines of idle agents.
#[derive(Clone, Debug)]
pub(crate) struct Idle {
    /// Of each queue, by what its agents could serve: for agents outside pools.
    groups: Vec<Line>,
    vacant_groups: Vec<u32>,
    pools: Vec<Pool>,
    /// By order, then by pool: the first in line. Beside each other, because a choice looks at many.
    heads: [Vec<Key>; ORDERS.len()],
    /// By pool: how many are idle.
    lengths: Vec<u32>,
    /// Pools with somebody idle.
    open: PoolSet,
    /// How many queues want each order.
    wanted: [u32; ORDERS.len()],
    /// Bit n: some queue wants order n.
    wanted_orders: u64,
}

#[derive(Clone, Debug)]
struct Pool {
    profile: Option<Slot<Profile>>,
    lines: [Line; ORDERS.len()],
}

/// A set of pools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PoolSet([u64; WORDS]);

impl PoolSet {
    pub(crate) fn new() -> PoolSet {
        PoolSet([0; WORDS])
    }

    fn set(&mut self, pool: u16, is_in: bool) {
        let bit = 1 << (pool % 64);
        let word = &mut self.0[usize::from(pool / 64)];
        *word = if is_in { *word | bit } else { *word & !bit };
    }

    /// Those that are in both, as words of bits with the number of the first pool in each.
    fn both<'a>(&'a self, other: &'a PoolSet) -> impl Iterator<Item = (u16, u64)> + 'a {
        let words = self.0.iter().zip(&other.0).map(|(a, b)| a & b);
        (0u16..).step_by(64).zip(words).filter(|&(_, bits)| bits != 0)
    }
}

/// What pools are to a queue; empty where there are none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pooled {
    /// By step: the pools that could serve it.
    steps: Vec<PoolSet>,
    /// By pool: score and bucket.
    standings: Vec<(u32, u8)>,
    /// By reserve: the pools of its agents. Empty where the queue has no reserves.
    reserves: Vec<PoolSet>,
}

impl Pooled {
    /// Of the 64 pools from this one on, those of reserves beyond the first `reserves`, as bits.
    fn closed(&self, first: u16, reserves: u8) -> u64 {
        let closed = self.reserves.iter().skip(usize::from(reserves));
        closed.fold(0, |bits, set| bits | set.0[usize::from(first / 64)])
    }
}

impl Queue {
    /// From now on a pool stands for agents of this standing.
    pub(crate) fn admit_pool(&mut self, pool: u16, serves: Serves) {
        let pooled = &mut self.pooled;
        let index = usize::from(pool);
        if pooled.standings.len() <= index {
            pooled.standings.resize(index + 1, (0, 0));
        }
        pooled.standings[index] = (serves.score, serves.bucket);
        let reserves = self.state.settings.reserves.len();
        pooled.reserves.resize_with(reserves, PoolSet::new);
        for (number, set) in (1u8..).zip(&mut pooled.reserves) {
            set.set(pool, serves.reserve == number);
        }
        pooled.steps.resize_with(self.state.settings.steps.len() + 1, PoolSet::new);
        for (step, set) in (0u8..).zip(&mut pooled.steps) {
            set.set(pool, serves.step(step));
        }
    }

    pub(crate) fn dismiss_pool(&mut self, pool: u16) {
        for set in self.pooled.steps.iter_mut().chain(&mut self.pooled.reserves) {
            set.set(pool, false);
        }
    }

    /// After a change of the rules everything is assessed anew.
    pub(crate) fn dismiss_all_pools(&mut self) {
        self.pooled = Pooled::default();
    }
}

/// A line of idle agents who are the same to a queue, as far as eligibility goes.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) line: &'a Line,
    pub(crate) from: From,
}

/// The first in a line of idle agents, or somebody behind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// How the queue prefers the agent.
    pub(crate) bucket: u8,
    pub(crate) rank: Rank,
    pub(crate) agent: u32,
    pub(crate) from: From,
}

impl Head {
    /// Behind everybody.
    pub(crate) const NOBODY: Head = Head {
        bucket: u8::MAX,
        rank: Rank { major: u64::MAX, minor: u64::MAX },
        agent: u32::MAX,
        from: From::Pool(0),
    };
}

/// Which line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From {
    /// And how the queue prefers all who stand there.
    Group(u32, u8),
    Pool(u16),
}

impl Queue {
    /// Somebody in a line as this queue sees it. Those in a group have their rank in the queue as key already.
    pub(crate) fn head(&self, from: From, key: Key) -> Head {
        let rank = Rank { major: key.major, minor: key.minor };
        let (bucket, rank) = match from {
            From::Group(_, bucket) => (bucket, rank),
            From::Pool(pool) => {
                let (score, bucket) = self.pooled.standings[usize::from(pool)];
                (bucket, rank_in_queue(self.state.settings.strategy, score, rank))
            }
        };
        Head { bucket, rank, agent: key.last, from }
    }
}

/// The numbers of the bits that are set.
fn bits_of(mut bits: u64) -> impl Iterator<Item = u16> {
    std::iter::from_fn(move || {
        let bit = bits.trailing_zeros() as u16;
        bits &= bits.wrapping_sub(1);
        (bit < 64).then_some(bit)
    })
}

impl Distributor {
    /// The lines in which idle agents stand who could serve a step of a queue, those of its first `reserves` reserves
    /// included; none is empty.
    pub(super) fn sources<'a>(
        &'a self,
        queue: &'a Queue,
        step: u8,
        reserves: u8,
    ) -> impl Iterator<Item = Source<'a>> {
        let is_meant = move |alike: &Alike| alike.steps >> step & 1 == 1 && alike.reserve <= reserves;
        let groups = queue.groups.iter().filter(move |(alike, _)| is_meant(alike));
        let groups = groups.map(|&(alike, group)| From::Group(group, alike.bucket));
        let set = queue.pooled.steps.get(usize::from(step));
        let words = set.into_iter().flat_map(|set| set.both(&self.idle.open));
        let words = words.map(move |(first, bits)| (first, bits & !queue.pooled.closed(first, reserves)));
        let pools = words.flat_map(|(first, bits)| bits_of(bits).map(move |bit| From::Pool(first + bit)));
        let all = groups.chain(pools).map(|from| Source { line: self.line_of_idle(queue, from), from });
        all.filter(|source| !source.line.is_empty())
    }

    pub(super) fn line_of_idle(&self, queue: &Queue, from: From) -> &Line {
        match from {
            From::Group(group, _) => &self.idle.groups[group as usize],
            From::Pool(pool) => {
                let order = Order::of(queue.state.settings.strategy) as usize;
                &self.idle.pools[usize::from(pool)].lines[order]
            }
        }
    }

    /// Shows the heads of all lines in which idle agents stand who could serve a step of a queue, with how many stand
    /// there. What [`Distributor::sources`] gives, without a look at the lines of pools.
    pub(super) fn look_at_heads(
        &self,
        queue: &Queue,
        step: u8,
        reserves: u8,
        mut show: impl FnMut(Head, u32),
    ) {
        for &(alike, group) in &queue.groups {
            let line = &self.idle.groups[group as usize];
            if alike.steps >> step & 1 == 1
                && alike.reserve <= reserves
                && let Some(node) = line.head()
            {
                show(queue.head(From::Group(group, alike.bucket), self.lines.key(node)), line.len());
            }
        }
        let Some(set) = queue.pooled.steps.get(usize::from(step)) else { return };
        let heads = &self.idle.heads[Order::of(queue.state.settings.strategy) as usize];
        for (first, bits) in set.both(&self.idle.open) {
            for bit in bits_of(bits & !queue.pooled.closed(first, reserves)) {
                let pool = first + bit;
                let index = usize::from(pool);
                show(queue.head(From::Pool(pool), heads[index]), self.idle.lengths[index]);
            }
        }
    }

    /// Idle agents of the reserves that are open now and were not when `before` were.
    pub(super) fn idle_of_reserves(&self, slot: Slot<Queue>, before: u8) -> Vec<Slot<Agent>> {
        let queue = &self.queues[slot];
        let opened = before + 1..=queue.state.reserves_open;
        let of_groups = queue.groups.iter().filter(|(alike, _)| opened.contains(&alike.reserve));
        let of_groups = of_groups.map(|&(alike, group)| From::Group(group, alike.bucket));
        let sets = (1u8..).zip(&queue.pooled.reserves).filter(|(number, _)| opened.contains(number));
        let words = sets.flat_map(|(_, set)| set.both(&self.idle.open));
        let of_pools = words.flat_map(|(first, bits)| bits_of(bits).map(move |bit| From::Pool(first + bit)));
        let lines = of_groups.chain(of_pools).map(|from| self.line_of_idle(queue, from));
        lines.flat_map(|line| self.lines.iter(line)).map(|node| Slot::new(self.lines.item(node))).collect()
    }

    /// The group of a queue for agents who are so.
    pub(super) fn group(&mut self, queue: Slot<Queue>, alike: Alike) -> u32 {
        if let Some(&(_, group)) = self.queues[queue].groups.iter().find(|&&(of, _)| of == alike) {
            return group;
        }
        let index = match self.idle.vacant_groups.pop() {
            Some(index) => {
                self.idle.groups[index as usize] = Line::new();
                index
            }
            None => {
                self.idle.groups.push(Line::new());
                u32::try_from(self.idle.groups.len() - 1).expect("queues times steps is a u32")
            }
        };
        self.queues[queue].groups.push((alike, index));
        index
    }

    /// Takes away all groups of a queue, whose agents stand in none of them any more.
    pub(super) fn dissolve_groups(&mut self, queue: Slot<Queue>) {
        for (_, group) in std::mem::take(&mut self.queues[queue].groups) {
            let line = &mut self.idle.groups[group as usize];
            self.lines.clear(line);
            self.idle.vacant_groups.push(group);
        }
    }

    /// Puts an available agent into the lines where agents of the profile stand.
    pub(super) fn stand_idle(&mut self, slot: Slot<Agent>) {
        let agent = &mut self.agents[slot];
        let profile = self.profiles.at(agent.profile);
        agent.nodes.clear();
        match profile.pool {
            None => {
                let open = agent.state.open(&self.settings.interruptions);
                for serves in &profile.serves {
                    if !open.meets(serves.channel) {
                        agent.nodes.push(Node::NOWHERE);
                        continue;
                    }
                    let key = serves.rank(&agent.state).key(agent.id);
                    let line = &mut self.idle.groups[serves.group as usize];
                    agent.nodes.push(self.lines.insert(line, key, slot.number()));
                }
            }
            Some(pool) => {
                agent.nodes.resize(ORDERS.len(), Node::NOWHERE);
                for order in bits_of(self.idle.wanted_orders) {
                    let index = usize::from(order);
                    let line = &mut self.idle.pools[usize::from(pool)].lines[index];
                    let key = ORDERS[index].rank(&agent.state).key(agent.id);
                    agent.nodes[index] = self.lines.insert(line, key, slot.number());
                }
                self.refresh_heads(pool);
            }
        }
    }

    /// Puts an agent outside pools, who stands idle, into the line of a queue that the profile has come to serve.
    pub(super) fn stand_idle_for(&mut self, slot: Slot<Agent>, serves: Serves) {
        let agent = &mut self.agents[slot];
        if !agent.state.open(&self.settings.interruptions).meets(serves.channel) {
            return agent.nodes.push(Node::NOWHERE);
        }
        let key = serves.rank(&agent.state).key(agent.id);
        let line = &mut self.idle.groups[serves.group as usize];
        agent.nodes.push(self.lines.insert(line, key, slot.number()));
    }

    /// Takes an agent out of all lines of the idle.
    pub(super) fn stand_down(&mut self, slot: Slot<Agent>) {
        let agent = &mut self.agents[slot];
        let profile = self.profiles.at(agent.profile);
        match profile.pool {
            None => {
                for (serves, &node) in profile.serves.iter().zip(&agent.nodes) {
                    if node != Node::NOWHERE {
                        let line = &mut self.idle.groups[serves.group as usize];
                        self.lines.remove(line, node);
                    }
                }
                agent.nodes.clear();
            }
            Some(pool) => {
                for order in bits_of(self.idle.wanted_orders) {
                    let index = usize::from(order);
                    let line = &mut self.idle.pools[usize::from(pool)].lines[index];
                    self.lines.remove(line, agent.nodes[index]);
                }
                agent.nodes.clear();
                self.refresh_heads(pool);
            }
        }
    }

    fn refresh_heads(&mut self, pool: u16) {
        let index = usize::from(pool);
        let mut length = 0;
        for order in bits_of(self.idle.wanted_orders) {
            let line = &self.idle.pools[index].lines[usize::from(order)];
            if let Some(head) = line.head() {
                self.idle.heads[usize::from(order)][index] = self.lines.key(head);
                length = line.len();
            }
        }
        self.idle.lengths[index] = length;
        self.idle.open.set(pool, length > 0);
    }

    /// A queue with this strategy has come (or gone): agents in pools stand in the order that it wants.
    pub(super) fn want_order(&mut self, strategy: Strategy, is_wanted: bool) {
        let order = Order::of(strategy);
        let count = &mut self.idle.wanted[order as usize];
        *count = if is_wanted { *count + 1 } else { *count - 1 };
        if *count == u32::from(is_wanted) {
            self.idle.wanted_orders ^= 1 << order as u32;
            for slot in self.pooled_idle(None) {
                self.restand(slot);
            }
            for pool in 0..self.idle.pools.len() {
                self.refresh_heads(u16::try_from(pool).expect("there are at most POOLS_MAX"));
            }
        }
    }

    /// Into the orders that are wanted now, out of the others.
    fn restand(&mut self, slot: Slot<Agent>) {
        let agent = &mut self.agents[slot];
        let pool = self.profiles.at(agent.profile).pool.expect("only agents in pools change orders");
        let lines = &mut self.idle.pools[usize::from(pool)].lines;
        for ((order, line), node) in ORDERS.into_iter().zip(lines).zip(&mut agent.nodes) {
            let is_wanted = self.idle.wanted[order as usize] > 0;
            if is_wanted && *node == Node::NOWHERE {
                let key = order.rank(&agent.state).key(agent.id);
                *node = self.lines.insert(line, key, slot.number());
            } else if !is_wanted && *node != Node::NOWHERE {
                self.lines.remove(line, std::mem::replace(node, Node::NOWHERE));
            }
        }
    }

    /// Available agents in pools, or with one profile.
    fn pooled_idle(&self, profile: Option<Slot<Profile>>) -> Vec<Slot<Agent>> {
        let is_meant = |agent: &Agent| match profile {
            Some(profile) => agent.profile == profile,
            None => self.profiles.at(agent.profile).pool.is_some(),
        };
        let listed = self.agents.iter().filter(|(_, agent)| agent.is_listed && is_meant(agent));
        listed.map(|(slot, _)| slot).collect()
    }

    /// Makes a profile a pool where it has the members for it and there is room for one more.
    pub(super) fn pool_if_shared(&mut self, slot: Slot<Profile>) {
        let profile = self.profiles.at(slot);
        if profile.pool.is_some() || profile.members < self.settings.pooled_from {
            return;
        }
        // A queue that looks at a pool sees all who stand there.
        if !self.settings.interruptions.leave_all_or_nothing(&profile.capacity) {
            return;
        }
        let vacant = self.idle.pools.iter().position(|pool| pool.profile.is_none());
        let index = vacant.unwrap_or(self.idle.pools.len());
        if index >= POOLS_MAX.min(self.settings.pools_max as usize) {
            return;
        }
        let pool = u16::try_from(index).expect("POOLS_MAX is a u16");
        let idle = self.pooled_idle(Some(slot));
        for &agent in &idle {
            self.stand_down(agent);
        }
        let lines = std::array::from_fn(|_| Line::new());
        let new = Pool { profile: Some(slot), lines };
        if index == self.idle.pools.len() {
            self.idle.pools.push(new);
            let none = Key { major: 0, minor: 0, last: 0 };
            self.idle.heads.iter_mut().for_each(|heads| heads.push(none));
            self.idle.lengths.push(0);
        } else {
            self.idle.pools[index] = new;
        }
        let profile = self.profiles.at_mut(slot);
        profile.pool = Some(pool);
        for &serves in &profile.serves {
            self.queues[serves.queue].admit_pool(pool, serves);
        }
        for agent in idle {
            self.stand_idle(agent);
        }
    }

    /// Before a member leaves. Half as many as make a pool keep it, so that one agent's coming and going is cheap.
    pub(super) fn unpool_if_small(&mut self, slot: Slot<Profile>) {
        let profile = self.profiles.at(slot);
        let is_small = profile.members <= (self.settings.pooled_from / 2).max(1);
        if is_small {
            self.dissolve_pool(slot);
        }
    }

    /// After a change of what may be offered to whom: pools of agents who might be offered a part of the channels are
    /// none any more, and others may be. Nobody stands idle whom that change concerns.
    pub(super) fn pool_anew(&mut self) {
        let profiles = self.profiles.slots();
        for &slot in &profiles {
            let capacity = self.profiles.at(slot).capacity;
            if !self.settings.interruptions.leave_all_or_nothing(&capacity) {
                self.dissolve_pool(slot);
            }
        }
        for slot in profiles {
            self.pool_if_shared(slot);
        }
    }

    /// The agents of a profile stand one by one from now on.
    fn dissolve_pool(&mut self, slot: Slot<Profile>) {
        let Some(pool) = self.profiles.at(slot).pool else { return };
        let idle = self.pooled_idle(Some(slot));
        for &agent in &idle {
            self.stand_down(agent);
        }
        let profile = self.profiles.at_mut(slot);
        profile.pool = None;
        for &serves in &profile.serves {
            self.queues[serves.queue].dismiss_pool(pool);
        }
        self.idle.pools[usize::from(pool)].profile = None;
        for agent in idle {
            self.stand_idle(agent);
        }
    }
}

impl Idle {
    pub(crate) fn new() -> Idle {
        Idle {
            groups: Vec::new(),
            vacant_groups: Vec::new(),
            pools: Vec::new(),
            heads: std::array::from_fn(|_| Vec::new()),
            lengths: Vec::new(),
            open: PoolSet::new(),
            wanted: [0; ORDERS.len()],
            wanted_orders: 0,
        }
    }
}
