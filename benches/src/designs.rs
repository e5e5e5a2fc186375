//! The designs that were not chosen, under the same load: one mutex around the distributor, and claims by
//! compare-and-swap. Both decide on the thread that has the command.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use acd::{AgentId, Command, Distributor, InteractionId, ReservationId};
use parking_lot::Mutex;
use timing::Instant;

use crate::conditions::pin;
use crate::pace::{self, Paced, Plan};
use crate::throughput::{self, Throughput};
use crate::{Claims, Engine, Load, Offer, World};

/// Commands between two looks at what is due.
const BATCH: u32 = 256;
/// More than the interactions that can be in hand at once; a power of two.
const SLOTS: usize = 1 << 22;

/// What stands in a world's calm half, and how its threads reach it.
#[derive(Debug)]
pub enum Design {
    /// Every command takes the mutex.
    Mutex(Box<Mutex<Distributor>>),
    /// Every command claims what it needs; the agent of each interaction in hand, by its id.
    Claims(Claims, Vec<AtomicU32>),
}

impl Design {
    /// The distributor behind a mutex.
    pub fn mutex(world: &World) -> Design {
        Design::Mutex(Box::new(Mutex::new(world.build().0)))
    }

    /// Claims by compare-and-swap, without steps, deadlines, events and explanation.
    pub fn claims(world: &World) -> Design {
        let (claims, busy) = Claims::new(world);
        let agents: Vec<AtomicU32> = (0..SLOTS).map(|_| AtomicU32::new(0)).collect();
        for agent in busy {
            agents[slot(world.first_interaction(AgentId(agent)).0)].store(agent, Ordering::Relaxed);
        }
        Design::Claims(claims, agents)
    }

    /// Closed loop on so many threads.
    pub fn closed(&self, world: &World, threads: usize, duration: Duration) -> Throughput {
        let runs = side_by_side(threads, |part| {
            let mut load = Load::new(world).calm_only().share(part, threads);
            throughput::alone(&mut Access(self), &mut load, world.start(), BATCH, duration)
        });
        runs.into_iter().reduce(|sum, one| sum.beside(&one)).expect("at least one thread")
    }

    /// Open loop on so many threads, each with its share of the rate.
    pub fn paced(&self, world: &World, threads: usize, plan: Plan) -> Paced {
        let share = Plan { rate: plan.rate / threads as u32, ..plan };
        let runs = side_by_side(threads, |part| {
            let mut load = Load::new(world).calm_only().share(part, threads);
            pace::run(&mut Access(self), &mut load, world.start(), share)
        });
        runs.into_iter().reduce(|sum, one| sum.beside(&one)).expect("at least one thread")
    }
}

/// One thread's way to a design.
struct Access<'a>(&'a Design);

impl Engine for Access<'_> {
    fn give(&mut self, now: Instant, command: Command, offers: &mut Vec<Offer>) {
        match self.0 {
            Design::Mutex(distributor) => distributor.lock().give(now, command, offers),
            Design::Claims(claims, agents) => claim(claims, agents, &command, offers),
        }
    }

    fn run_due(&mut self, now: Instant, offers: &mut Vec<Offer>) -> bool {
        match self.0 {
            Design::Mutex(distributor) => distributor.lock().run_due(now, offers),
            Design::Claims(..) => false,
        }
    }
}

/// A reservation has the number of its interaction here.
fn claim(claims: &Claims, agents: &[AtomicU32], command: &Command, offers: &mut Vec<Offer>) {
    let agent_of = |interaction: u64| agents[slot(interaction)].load(Ordering::Relaxed);
    let matched = if let Command::Enqueue { interaction, request } = command {
        claims.arrive(interaction.0, request.queue)
    } else if let Command::Accept { reservation } = command {
        claims.accept(agent_of(reservation.0));
        None
    } else if let Command::Finish { interaction } = command {
        let agent = agent_of(interaction.0);
        claims.release(agent).map(|next| (next, agent))
    } else {
        panic!("a load does not say {command:?}")
    };
    if let Some((interaction, agent)) = matched {
        agents[slot(interaction)].store(agent, Ordering::Relaxed);
        let (reservation, interaction) = (ReservationId(interaction), InteractionId(interaction));
        offers.push(Offer { reservation, interaction, agent: AgentId(agent) });
    }
}

/// Ids of the calm half are even.
fn slot(interaction: u64) -> usize {
    (interaction / 2) as usize % SLOTS
}

/// Runs one job on each of so many threads, each on a core of its own, begun together.
fn side_by_side<R: Send>(threads: usize, job: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let barrier = Barrier::new(threads);
    let (barrier, job) = (&barrier, &job);
    std::thread::scope(|scope| {
        let run = |part: usize| {
            scope.spawn(move || {
                pin(part);
                barrier.wait();
                job(part)
            })
        };
        let handles: Vec<_> = (0..threads).map(run).collect();
        handles.into_iter().map(|handle| handle.join().expect("a measurement does not panic")).collect()
    })
}

#[cfg(test)]
mod tests {
    use crate::{Size, Vectors};

    use super::*;

    #[test]
    fn every_design_matches_nearly_every_arrival_of_the_calm_half() {
        let world = World::new(Size { agents: 2_000, queues: 20, vectors: Vectors::Unique, waiting: 0 });
        for design in [Design::mutex(&world), Design::claims(&world)] {
            let mut load = Load::new(&world).calm_only();
            let (mut offers, mut matches) = (Vec::new(), 0);
            for _ in 0..30_000 {
                Access(&design).give(world.start(), load.command().0, &mut offers);
                matches += offers.len();
                load.hear(&mut offers);
            }
            // An arrival, an acceptance and an end for each.
            assert!((9_900..=10_001).contains(&matches), "{matches} matches");
        }
    }
}
