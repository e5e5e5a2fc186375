//! The design without a single writer: any thread matches, and claims agents and interactions by compare-and-swap.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use acd::QueueId;
use crossbeam::queue::SegQueue;
use crossbeam::utils::CachePadded;
use crossbeam_skiplist::SkipMap;

use crate::World;

/// State in the two low bits of an agent's word; the rest counts how often the agent became idle.
const IDLE: u64 = 0;
const RESERVED: u64 = 1;
const BUSY: u64 = 2;
const STATES: u64 = 4;

/// The matching of research prototypes and of what is usually called lock-free: a word for each agent, idle
/// lists that keep stale entries until somebody meets them, ordered waiting lists. Interactions stay at their
/// queue's first requirement, order over several queues is only nearly kept, and there are no time-outs, no
/// events and no explanation: it is the least that this design has to do.
#[derive(Debug)]
pub struct Claims {
    agents: Vec<CachePadded<AtomicU64>>,
    /// The queues that each agent serves at the first step.
    serves: Vec<Vec<u32>>,
    /// By queue: agent and the count at which the entry was made.
    idle: Vec<SegQueue<(u32, u64)>>,
    /// By queue: order in line, interaction, and whether somebody has taken it. That word decides, not who takes the
    /// entry out.
    waiting: Vec<SkipMap<(u64, u64), AtomicBool>>,
    line: AtomicU64,
}

impl Claims {
    /// The agents of a world in their initial activity; nobody waits. Gives the agents who are busy too.
    pub fn new(world: &World) -> (Claims, Vec<u32>) {
        let queues = world.size().queues as usize;
        let first_steps = world.first_steps();
        let served = |steps: &[u8]| {
            (0_u32..).zip(steps).filter(|&(_, &step)| step == 0).map(|(queue, _)| queue).collect()
        };
        let claims = Claims {
            agents: world.agents().map(|_| CachePadded::new(AtomicU64::new(BUSY))).collect(),
            serves: first_steps.chunks(queues).map(served).collect(),
            idle: (0..queues).map(|_| SegQueue::new()).collect(),
            waiting: (0..queues).map(|_| SkipMap::new()).collect(),
            line: AtomicU64::new(0),
        };
        let (busy, idle): (Vec<_>, Vec<_>) = world.agents().partition(|&agent| world.begins_busy(agent));
        for agent in idle {
            let nobody = claims.release(agent.0);
            assert_eq!(nobody, None, "nobody waits yet");
        }
        (claims, busy.into_iter().map(|agent| agent.0).collect())
    }

    /// An interaction arrives: an agent is held for it, or it waits. Where another thread takes it from the line
    /// in that moment, the agent who was found is held for the next in line instead.
    pub fn arrive(&self, interaction: u64, queue: QueueId) -> Option<(u64, u32)> {
        let queue = queue.0 as usize;
        if let Some(agent) = self.claim_idle(queue) {
            return Some((interaction, agent));
        }
        let place = (self.line.fetch_add(1, Ordering::Relaxed), interaction);
        let entry = self.waiting[queue].insert(place, AtomicBool::new(false));
        // Whoever became idle before this fence is seen below; whoever does so after it sees the interaction.
        fence(Ordering::SeqCst);
        let agent = self.claim_idle(queue)?;
        if !entry.value().swap(true, Ordering::SeqCst) {
            entry.remove();
            return Some((interaction, agent));
        }
        self.release(agent).map(|next| (next, agent))
    }

    /// The agent of an offer takes the conversation.
    pub fn accept(&self, agent: u32) {
        let word = &self.agents[agent as usize];
        let reserved = word.load(Ordering::Relaxed);
        debug_assert_eq!(reserved % STATES, RESERVED, "accepted once, by whoever claimed the agent");
        word.store(reserved - RESERVED + BUSY, Ordering::Release);
    }

    /// An agent becomes free: the interaction that the agent is held for, or the agent is idle.
    pub fn release(&self, agent: u32) -> Option<u64> {
        loop {
            if let Some(interaction) = self.claim_waiting(agent) {
                self.set(agent, RESERVED);
                return Some(interaction);
            }
            let idle = self.become_idle(agent);
            fence(Ordering::SeqCst);
            if !self.serves[agent as usize].iter().any(|&queue| !self.waiting[queue as usize].is_empty()) {
                return None;
            }
            if !self.claim(agent, idle) {
                return None;
            }
        }
    }

    fn become_idle(&self, agent: u32) -> u64 {
        let idle = self.set(agent, IDLE);
        for &queue in &self.serves[agent as usize] {
            self.idle[queue as usize].push((agent, idle));
        }
        idle
    }

    /// By the owner of a claimed agent: the next count, with this state.
    fn set(&self, agent: u32, state: u64) -> u64 {
        let word = &self.agents[agent as usize];
        let next = (word.load(Ordering::Relaxed) / STATES + 1) * STATES + state;
        word.store(next, Ordering::SeqCst);
        next
    }

    fn claim(&self, agent: u32, idle: u64) -> bool {
        let word = &self.agents[agent as usize];
        word.compare_exchange(idle, idle + RESERVED, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    fn claim_idle(&self, queue: usize) -> Option<u32> {
        while let Some((agent, idle)) = self.idle[queue].pop() {
            if self.claim(agent, idle) {
                return Some(agent);
            }
        }
        None
    }

    /// The first in line over the agent's queues, as far as that stands still while it is looked at.
    fn claim_waiting(&self, agent: u32) -> Option<u64> {
        loop {
            let fronts =
                self.serves[agent as usize].iter().filter_map(|&queue| self.waiting[queue as usize].front());
            let first = fronts.min_by_key(|entry| *entry.key())?;
            let is_ours = !first.value().swap(true, Ordering::SeqCst);
            // Whoever took it takes it out as well; helping makes the line move on.
            first.remove();
            if is_ours {
                return Some(first.key().1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::{Random, Size, Vectors};

    use super::*;

    #[test]
    fn two_threads_give_no_interaction_to_two_agents_and_none_is_lost() {
        let world = World::new(Size { agents: 200, queues: 10, vectors: Vectors::Unique, waiting: 0 });
        let (claims, busy) = Claims::new(&world);
        let (claims, world) = (&claims, &world);
        let runs = std::thread::scope(|scope| {
            let threads: Vec<_> = busy
                .chunks(busy.len().div_ceil(2))
                .zip(0_u64..)
                .map(|(busy, part)| scope.spawn(move || contend(claims, world, busy.to_vec(), part)))
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
        });
        let matched: Vec<u64> = runs.into_iter().flatten().collect();
        let once: BTreeSet<u64> = matched.iter().copied().collect();
        assert_eq!(once.len(), matched.len(), "no interaction is given to two agents");
        let left: usize = claims.waiting.iter().map(SkipMap::len).sum();
        assert_eq!(matched.len() + left, 2 * ARRIVALS as usize, "none is lost");
        assert!(matched.len() > ARRIVALS as usize, "{} were matched", matched.len());
    }

    const ARRIVALS: u64 = 20_000;

    /// Arrivals and ends; answers the interactions that were matched.
    fn contend(claims: &Claims, world: &World, mut busy: Vec<u32>, part: u64) -> Vec<u64> {
        let mut random = Random::new(part);
        let mut matched = Vec::new();
        for number in 0..ARRIVALS {
            let queue = world.home(acd::AgentId(random.below(200) as u32));
            let mut offers = Vec::from_iter(claims.arrive(2 * number + part, queue));
            if !busy.is_empty() {
                let agent = busy.swap_remove(random.below(busy.len()));
                offers.extend(claims.release(agent).map(|interaction| (interaction, agent)));
            }
            for (interaction, agent) in offers {
                claims.accept(agent);
                busy.push(agent);
                matched.push(interaction);
            }
        }
        matched
    }
}
