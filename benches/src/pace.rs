//! Commands on a schedule: each has its time to be sent, and its latency counts from that time. A command that has
//! to wait for the one before pays for it, so nothing is omitted where the engine is slow.
//!
//! The run is cut into windows. A window counts as quiet where the scheduler gave this thread's core to nobody
//! else and no reading of the clock came later than [`HOLE`] after the one before while the thread did nothing but
//! read the clock. What the engine itself takes long for is never filtered: only waiting is looked at.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::conditions::Watch;
use crate::load::Purpose;
use crate::{Engine, Load, Offer, Random};

/// A longer hole between two readings of the clock is an interruption: by the kernel or by the hypervisor.
pub const HOLE: Duration = Duration::from_micros(5);
/// The length of a window.
pub const WINDOW: Duration = Duration::from_millis(2);

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Commands a second on average; the gaps between them are exponential.
    pub rate: u32,
    /// In all, of which a tenth goes before and is not counted.
    pub duration: Duration,
}

/// Latencies in nanoseconds, by what the command was for.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// An arrival found an idle agent.
    pub agent_surplus: Histogram<u64>,
    /// An agent who became free got the first in line.
    pub contact_surplus: Histogram<u64>,
    /// Every command, these included.
    pub all: Histogram<u64>,
    /// Time in the engine alone, by [`Purpose::ALL`]: from the moment of sending, not from the scheduled one.
    pub costs: [Histogram<u64>; 5],
    /// Time in the engine for what became due between two commands.
    pub due: Histogram<u64>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Paced {
    /// Every command.
    pub all: Latencies,
    /// Those in quiet windows.
    pub quiet: Latencies,
    /// Windows in all.
    pub windows: u32,
    /// Quiet ones among them.
    pub quiet_windows: u32,
    /// Time in the engine for all commands together.
    pub busy: Duration,
    /// The whole counted time.
    pub wall: Duration,
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies {
            agent_surplus: histogram(),
            contact_surplus: histogram(),
            all: histogram(),
            costs: [(); 5].map(|()| histogram()),
            due: histogram(),
        }
    }
}

/// From a nanosecond to a minute with three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("these bounds are allowed")
}

impl Latencies {
    fn add(&mut self, other: &Latencies) {
        let pairs = [
            (&mut self.agent_surplus, &other.agent_surplus),
            (&mut self.contact_surplus, &other.contact_surplus),
            (&mut self.all, &other.all),
            (&mut self.due, &other.due),
        ];
        for (mine, theirs) in pairs.into_iter().chain(self.costs.iter_mut().zip(&other.costs)) {
            mine.add(theirs).expect("all histograms have the same bounds");
        }
    }

    fn note(&mut self, sample: Sample) {
        match sample {
            Sample::Due { nanos } => self.due.saturating_record(nanos),
            Sample::Command { purpose, offered, nanos, cost } => {
                self.all.saturating_record(nanos);
                self.costs[purpose as usize].saturating_record(cost);
                match purpose {
                    Purpose::AgentSurplus if offered => self.agent_surplus.saturating_record(nanos),
                    Purpose::ContactSurplus if offered => self.contact_surplus.saturating_record(nanos),
                    Purpose::AgentSurplus
                    | Purpose::ContactSurplus
                    | Purpose::Wait
                    | Purpose::Accept
                    | Purpose::BecomeIdle => {}
                }
            }
        }
    }
}

/// One thing that the engine did, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sample {
    /// A command: its latency from the scheduled time, and the engine's time alone.
    Command { purpose: Purpose, offered: bool, nanos: u64, cost: u64 },
    /// What had become due.
    Due { nanos: u64 },
}

/// Sends to an engine on this thread. `start` is the engine's time at the beginning; it goes on as real time does.
pub fn run(engine: &mut impl Engine, load: &mut Load, start: timing::Instant, plan: Plan) -> Paced {
    let watch = Watch::this_thread();
    let mut random = Random::new(5);
    let mut paced = Paced::new();
    let mut samples: Vec<Sample> = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < plan.duration {
        let counted = begin.elapsed() >= plan.duration / 10;
        let before = watch.read();
        let window = Instant::now();
        samples.clear();
        let (hole, busy) = run_window(engine, load, (begin, start), plan.rate, &mut random, &mut samples);
        if counted {
            paced.wall += window.elapsed();
            paced.busy += busy;
            paced.add(&samples, watch.read() == before && hole <= HOLE);
        }
    }
    paced
}

/// The longest hole while idle, and the time in the engine.
fn run_window(
    engine: &mut impl Engine,
    load: &mut Load,
    (begin, start): (Instant, timing::Instant),
    rate: u32,
    random: &mut Random,
    samples: &mut Vec<Sample>,
) -> (Duration, Duration) {
    let gap = 1e9 / f64::from(rate);
    let mut offers: Vec<Offer> = Vec::with_capacity(8);
    let (mut hole, mut busy) = (Duration::ZERO, Duration::ZERO);
    let opened = Instant::now();
    let mut due = opened + Duration::from_nanos(random.exponential(gap) as u64);
    // A slow rate gets longer windows rather than none.
    let end = opened + WINDOW.max(Duration::from_nanos(gap as u64 * 4));
    while due < end {
        let (command, purpose) = load.command();
        let mut now = Instant::now();
        if now < due {
            let was_due = engine.run_due(start + (now - begin), &mut offers);
            let done = Instant::now();
            if was_due {
                samples.push(Sample::Due { nanos: (done - now).as_nanos() as u64 });
                load.hear(&mut offers);
            }
            now = done;
        }
        while now < due {
            let next = Instant::now();
            hole = hole.max(next - now);
            now = next;
        }
        engine.give(start + (now - begin), command, &mut offers);
        let done = Instant::now();
        busy += done - now;
        samples.push(Sample::Command {
            purpose,
            offered: !offers.is_empty(),
            nanos: (done - due).as_nanos() as u64,
            cost: (done - now).as_nanos() as u64,
        });
        load.hear(&mut offers);
        due += Duration::from_nanos(random.exponential(gap) as u64);
    }
    (hole, busy)
}

impl Paced {
    pub(crate) fn new() -> Paced {
        Paced {
            all: Latencies::default(),
            quiet: Latencies::default(),
            windows: 0,
            quiet_windows: 0,
            busy: Duration::ZERO,
            wall: Duration::ZERO,
        }
    }

    pub(crate) fn add(&mut self, samples: &[Sample], is_quiet: bool) {
        self.windows += 1;
        self.quiet_windows += u32::from(is_quiet);
        for &sample in samples {
            self.all.note(sample);
            if is_quiet {
                self.quiet.note(sample);
            }
        }
    }

    /// Both, of threads that ran side by side.
    pub(crate) fn beside(mut self, other: &Paced) -> Paced {
        self.all.add(&other.all);
        self.quiet.add(&other.quiet);
        self.windows += other.windows;
        self.quiet_windows += other.quiet_windows;
        self.busy += other.busy;
        self.wall = self.wall.max(other.wall);
        self
    }

    /// Offers made in the counted time.
    pub fn offers(&self) -> u64 {
        self.all.agent_surplus.len() + self.all.contact_surplus.len()
    }
}

#[cfg(test)]
mod tests {
    use acd::Command;

    use crate::{Size, Vectors, World};

    use super::*;

    /// Takes long for every hundredth command.
    struct Slow(u32);

    impl Engine for Slow {
        fn give(&mut self, _: timing::Instant, _: Command, _: &mut Vec<Offer>) {
            self.0 += 1;
            let begin = Instant::now();
            while self.0.is_multiple_of(100) && begin.elapsed() < Duration::from_millis(1) {}
        }

        fn run_due(&mut self, _: timing::Instant, _: &mut Vec<Offer>) -> bool {
            false
        }
    }

    #[test]
    fn commands_that_wait_for_a_slow_one_pay_for_it() {
        let world = World::new(Size { agents: 40, queues: 4, vectors: Vectors::Unique, waiting: 0 });
        let plan = Plan { rate: 20_000, duration: Duration::from_millis(200) };
        let paced = run(&mut Slow(0), &mut Load::new(&world), world.start(), plan);
        // One in a hundred is slow itself; at this rate about twenty more are due in its millisecond. What else
        // runs on the machine only adds to them.
        let late = paced.all.all.len() - paced.all.all.count_between(0, 100_000);
        assert!(late * 100 > paced.all.all.len() * 4, "{late} of {}", paced.all.all.len());
    }
}
