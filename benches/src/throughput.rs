//! The next command as soon as the last is done: how many matches a second a core, or several, can do.

use std::time::{Duration, Instant};

use crate::conditions::{Watch, thread_cpu};
use crate::{Engine, Load, Offer};

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
    pub(crate) fn beside(mut self, other: &Throughput) -> Throughput {
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
