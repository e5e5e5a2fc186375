//! The next command as soon as the last is done: how many matches a second a core, or several, can do.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use acd::Distributor;
use parking_lot::Mutex;

use crate::conditions::{Watch, thread_cpu};
use crate::{Claims, Engine, Load, Offer, Random, World};

/// Commands between two looks at the clock.
const BATCH: u32 = 1_024;
/// Real time for one command of the engine's clock, so that steps come due at a lifelike pace.
const TICK: Duration = Duration::from_micros(1);

/// What was done, window by window.
#[derive(Clone, Debug, Default)]
pub struct Throughput {
    /// Matches a second in each window.
    pub rates: Vec<f64>,
    /// The same where the scheduler gave the core to nobody else.
    pub quiet: Vec<f64>,
    /// In all windows.
    pub matches: u64,
    /// All threads together.
    pub cpu: Duration,
    /// Of the longest thread.
    pub wall: Duration,
}

impl Throughput {
    /// Half of the quiet windows were better; of all, where none was quiet.
    pub fn median(&self) -> f64 {
        quantile(if self.quiet.is_empty() { &self.rates } else { &self.quiet }, 0.5)
    }

    /// Over the whole time, interruptions included.
    pub fn overall(&self) -> f64 {
        self.matches as f64 / self.wall.as_secs_f64()
    }

    /// CPU time for a match, whatever else ran.
    pub fn cpu_nanos(&self) -> f64 {
        self.cpu.as_nanos() as f64 / self.matches.max(1) as f64
    }

    /// Of threads that ran side by side.
    fn beside(mut self, other: &Throughput) -> Throughput {
        // Windows of two threads are not the same time; the sum of their medians is what both did together.
        let add = |mine: &[f64], theirs: &[f64]| match (mine, theirs) {
            ([], _) | (_, []) => Vec::new(),
            (mine, theirs) => vec![quantile(mine, 0.5) + quantile(theirs, 0.5)],
        };
        self.rates = add(&self.rates, &other.rates);
        self.quiet = add(&self.quiet, &other.quiet);
        self.matches += other.matches;
        self.cpu += other.cpu;
        self.wall = self.wall.max(other.wall);
        self
    }
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Calls `batch` until the time is over; it answers how many matches it made. A fifth of the time goes before.
pub fn measure(duration: Duration, mut batch: impl FnMut() -> u64) -> Throughput {
    let watch = Watch::this_thread();
    let begin = Instant::now();
    while begin.elapsed() < duration / 5 {
        batch();
    }
    let mut throughput = Throughput::default();
    let (begin, cpu) = (Instant::now(), thread_cpu());
    while begin.elapsed() < duration {
        let (before, window) = (watch.read(), Instant::now());
        let mut matches = 0;
        while window.elapsed() < Duration::from_millis(5) {
            matches += batch();
        }
        let rate = matches as f64 / window.elapsed().as_secs_f64();
        throughput.rates.push(rate);
        if watch.read() == before {
            throughput.quiet.push(rate);
        }
        throughput.matches += matches;
    }
    (throughput.wall, throughput.cpu) = (begin.elapsed(), thread_cpu() - cpu);
    throughput
}

/// An engine and its load on this thread, without a hand-off.
pub fn alone(
    engine: &mut impl Engine,
    load: &mut Load,
    start: timing::Instant,
    commands: u32,
    duration: Duration,
) -> Throughput {
    let mut now = start;
    let mut offers: Vec<Offer> = Vec::with_capacity(8);
    measure(duration, || {
        let mut matches = 0;
        engine.run_due(now, &mut offers);
        for _ in 0..commands {
            now += TICK;
            engine.give(now, load.command().0, &mut offers);
            matches += offers.len() as u64;
            load.hear(&mut offers);
        }
        matches
    })
}

/// The distributor behind one mutex, which each of `threads` takes for every command of its share of the load.
pub fn behind_a_mutex(world: &World, threads: usize, duration: Duration) -> Throughput {
    let (distributor, load) = world.build();
    let load = load.calm_only();
    let shared: Mutex<(Distributor, timing::Instant)> = Mutex::new((distributor, world.start()));
    side_by_side(threads, |part| {
        let mut load = load.share(part, threads);
        let mut offers: Vec<Offer> = Vec::with_capacity(8);
        let shared = &shared;
        move || {
            measure(duration, || {
                let mut matches = 0;
                for _ in 0..BATCH {
                    let (command, _) = load.command();
                    let mut guard = shared.lock();
                    guard.1 += TICK;
                    let now = guard.1;
                    guard.0.give(now, command, &mut offers);
                    drop(guard);
                    matches += offers.len() as u64;
                    load.hear(&mut offers);
                }
                matches
            })
        }
    })
}

/// Claims by compare-and-swap: each of `threads` arrives, accepts and releases by itself.
pub fn by_claims(world: &World, threads: usize, duration: Duration) -> Throughput {
    let (claims, busy) = Claims::new(world);
    let agents = world.size().agents as usize;
    side_by_side(threads, |part| {
        let mut busy: Vec<u32> = busy.iter().copied().skip(part).step_by(threads).collect();
        // As in the load: only the calm half ends conversations and gets arrivals.
        busy.retain(|&agent| agent as usize >= agents / 2);
        let mut random = Random::new(part as u64);
        let mut id = (part as u64) << 40;
        let claims = &claims;
        move || {
            measure(duration, || {
                let mut matches = 0;
                for _ in 0..BATCH / 3 {
                    id += 1;
                    let queue = world.home(acd::AgentId((agents / 2 + random.below(agents / 2)) as u32));
                    if let Some((_, agent)) = claims.arrive(id, queue) {
                        claims.accept(agent);
                        busy.push(agent);
                        matches += 1;
                    }
                    if busy.is_empty() {
                        continue;
                    }
                    let agent = busy.swap_remove(random.below(busy.len()));
                    if claims.release(agent).is_some() {
                        claims.accept(agent);
                        busy.push(agent);
                        matches += 1;
                    }
                }
                matches
            })
        }
    })
}

/// Runs one job on each of so many threads, each on a core of its own, begun together.
fn side_by_side<J: FnOnce() -> Throughput + Send>(
    threads: usize,
    mut job: impl FnMut(usize) -> J,
) -> Throughput {
    let barrier = Barrier::new(threads);
    let jobs: Vec<J> = (0..threads).map(&mut job).collect();
    let done = std::thread::scope(|scope| {
        let run = |(core, job): (usize, J)| {
            let barrier = &barrier;
            scope.spawn(move || {
                crate::conditions::pin(core);
                barrier.wait();
                job()
            })
        };
        let handles: Vec<_> = jobs.into_iter().enumerate().map(run).collect();
        let joined = handles.into_iter().map(|handle| handle.join().expect("a measurement does not panic"));
        joined.collect::<Vec<Throughput>>()
    });
    done.into_iter().reduce(|sum, one| sum.beside(&one)).expect("at least one thread")
}
