//! The naive scan of the peers: every arrival looks at all agents, every agent who becomes free walks the line.

use std::collections::BTreeMap;

use acd::{AgentId, Command, InteractionId, QueueId, ReservationId};
use timing::Instant;

use crate::{Engine, Offer, STEP_AFTER, World};

/// Takes the same decisions as the distributor in these worlds (longest idle, first in line), without an index:
/// all agents are scanned for an arrival, all waiting interactions in the order of the line for a free agent.
/// It knows only what a load needs: no time-outs, no after-call work, no events.
#[derive(Clone, Debug)]
pub struct Naive {
    /// The first step at which an agent may serve a queue, row by agent.
    first_steps: Vec<u8>,
    queues: usize,
    /// The step that counts in place of each step of a queue: those without any agent are passed over.
    counts_as: Vec<[u8; 3]>,
    /// Since when each agent is idle; `None`: busy.
    idle_since: Vec<Option<Instant>>,
    line: BTreeMap<(Instant, InteractionId), QueueId>,
    reserved: BTreeMap<ReservationId, (InteractionId, AgentId)>,
    handled: BTreeMap<InteractionId, AgentId>,
    last_reservation: u64,
}

impl Naive {
    /// In the state in which [`World::build`] leaves the distributor.
    pub fn new(world: &World) -> Naive {
        let idle_since = |agent| (!world.begins_busy(agent)).then(|| World::log_in_at(agent));
        let busy = world.agents().filter(|&agent| world.begins_busy(agent));
        let handled: BTreeMap<InteractionId, AgentId> =
            busy.map(|agent| (world.first_interaction(agent), agent)).collect();
        let first_steps = world.first_steps();
        let queues = world.size().queues as usize;
        let first_of_anyone = |queue: usize| {
            let steps = first_steps.iter().skip(queue).step_by(queues);
            steps.copied().min().unwrap_or(u8::MAX)
        };
        let counts_as = |queue| {
            let first = first_of_anyone(queue);
            [0, 1, 2].map(|step: u8| if first == u8::MAX { step } else { step.max(first) })
        };
        Naive {
            counts_as: (0..queues).map(counts_as).collect(),
            first_steps,
            queues,
            idle_since: world.agents().map(idle_since).collect(),
            line: world.waiting().map(|(id, queue, entered)| ((entered, id), queue)).collect(),
            reserved: BTreeMap::new(),
            last_reservation: handled.len() as u64,
            handled,
        }
    }

    fn serves(&self, agent: usize, queue: QueueId, step: u8) -> bool {
        let queue = queue.0 as usize;
        self.first_steps[agent * self.queues + queue] <= self.counts_as[queue][usize::from(step)]
    }

    fn arrive(&mut self, now: Instant, interaction: InteractionId, queue: QueueId, offers: &mut Vec<Offer>) {
        let mut best: Option<(Instant, usize)> = None;
        for (agent, idle_since) in self.idle_since.iter().enumerate() {
            if let Some(since) = *idle_since
                && self.serves(agent, queue, 0)
                && best.is_none_or(|best| (since, agent) < best)
            {
                best = Some((since, agent));
            }
        }
        match best {
            Some((_, agent)) => offers.push(self.reserve(interaction, agent)),
            None => drop(self.line.insert((now, interaction), queue)),
        }
    }

    fn finish(&mut self, now: Instant, interaction: InteractionId, offers: &mut Vec<Offer>) {
        let agent = self.handled.remove(&interaction).expect("the load finishes what it has accepted").0;
        self.idle_since[agent as usize] = Some(now);
        let first = self.line.iter().find(|&(&(entered, _), &queue)| {
            let step = (now - entered).as_micros() / STEP_AFTER.as_micros();
            self.serves(agent as usize, queue, step.min(2) as u8)
        });
        if let Some((&place, _)) = first {
            self.line.remove(&place);
            offers.push(self.reserve(place.1, agent as usize));
        }
    }

    fn reserve(&mut self, interaction: InteractionId, agent: usize) -> Offer {
        self.idle_since[agent] = None;
        self.last_reservation += 1;
        let (reservation, agent) = (ReservationId(self.last_reservation), AgentId(agent as u32));
        self.reserved.insert(reservation, (interaction, agent));
        Offer { reservation, interaction, agent }
    }
}

impl Engine for Naive {
    fn give(&mut self, now: Instant, command: Command, offers: &mut Vec<Offer>) {
        if let Command::Enqueue { interaction, request } = command {
            self.arrive(now, interaction, request.queue, offers);
        } else if let Command::Finish { interaction } = command {
            self.finish(now, interaction, offers);
        } else if let Command::Accept { reservation } = command {
            let (interaction, agent) = self.reserved.remove(&reservation).expect("accepted once");
            self.handled.insert(interaction, agent);
        } else {
            panic!("a load does not say {command:?}");
        }
    }

    /// Steps are computed from the clock when the line is walked.
    fn run_due(&mut self, _: Instant, _: &mut Vec<Offer>) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{Load, Size, Vectors};

    use super::*;

    fn offers_of(engine: &mut impl Engine, mut load: Load, start: Instant) -> Vec<Offer> {
        let (mut all, mut offers) = (Vec::new(), Vec::new());
        for number in 0..20_000_u32 {
            let now = start + Duration::from_millis(u64::from(number));
            engine.run_due(now, &mut offers);
            engine.give(now, load.command().0, &mut offers);
            all.extend_from_slice(&offers);
            load.hear(&mut offers);
        }
        all
    }

    #[test]
    fn the_naive_scan_and_the_distributor_make_the_same_offers() {
        for vectors in [Vectors::Unique, Vectors::Shared(20)] {
            for (agents, queues) in [(100, 10), (400, 40), (300, 250)] {
                let world = World::new(Size { agents, queues, vectors, waiting: 2_000 });
                let (mut distributor, load) = world.build();
                let fast = offers_of(&mut distributor, load.clone(), world.start());
                let naive = offers_of(&mut Naive::new(&world), load, world.start());
                assert!(fast.len() > 5_000, "half of the commands lead to a match, {} did", fast.len());
                let first = fast.iter().zip(&naive).find(|(fast, naive)| fast != naive);
                assert_eq!((first, fast.len()), (None, naive.len()), "{}", world.size().name());
            }
        }
    }
}
