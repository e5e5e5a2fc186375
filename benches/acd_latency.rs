//! How fast the distributor is under load, beside a naive scan, a mutex and compare-and-swap claims.
//!
//! `cargo bench -p cordboard-benches --bench acd_latency [-- --seconds 10 --only one-core,rings,alternatives]`: about
//! ten minutes, 4 GB, and two cores with nothing else on them. `cargo xtask performance` writes what it says into
//! `README.md` and `docs/performance.md`.
//!
//! **Open loop**: 100,000 commands a second by a schedule with exponential gaps; a latency counts from the scheduled
//! time until the last event is taken out. **Closed loop**: the next command when the last is done. A command is an
//! arrival, an acceptance or the end of a conversation; a match takes three of them. Windows in which the machine
//! took the thread's core away are shown in a row of their own and left out of the other (`benches::pace` says how
//! they are told, and that slowness of the distributor never is).

#![expect(clippy::disallowed_types, reason = "measures real time")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use benches::pace::{self, Latencies, Paced, Plan};
use benches::rings::{self, Rest};
use benches::throughput::{self, Throughput};
use benches::{Design, Engine, Load, Naive, Offer, Purpose, Size, Vectors, World, conditions, table};
use hdrhistogram::Histogram;

/// Commands a second of the open loop.
const RATE: u32 = 100_000;
/// The same for the naive scan, which needs milliseconds for some of them: only its time alone is looked at.
const NAIVE_RATE: u32 = 1_000;
const WAITING: u32 = 1_000_000;
const QUEUES: u32 = 500;
const PROFILES: Vectors = Vectors::Shared(500);
/// Commands of the distributor between two looks at its deadlines in the closed loop.
const BATCH: u32 = 256;

/// Goals, in nanoseconds and matches a second.
const UNIQUE_P50: f64 = 800.0;
const UNIQUE_P99: f64 = 5_000.0;
const SHARED_P50: f64 = 200.0;
const SUSTAINED: f64 = 1e6;
const FLAT_WITHIN: f64 = 2.0;
const CROSSING_P99: f64 = 25_000.0;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let seconds = option("--seconds").map_or(10, |text| text.parse().expect("--seconds takes a number"));
    let duration = Duration::from_secs(seconds);
    let only = option("--only");
    let wanted = |section: &str| only.as_ref().is_none_or(|only| only.split(',').any(|name| name == section));
    let mut report = Report { duration, ..Report::default() };
    conditions::pin(0);
    writeln!(
        report.conditions,
        "{}, {seconds} s a run. Before: {}.",
        floor(duration / 5),
        conditions::describe()
    )
    .expect("a String takes everything");
    if wanted("one-core") {
        report.one_core();
    }
    if wanted("rings") {
        report.rings();
    }
    if wanted("alternatives") {
        report.alternatives();
    }
    writeln!(report.conditions, "After: {}.", conditions::describe()).expect("a String takes everything");
    report.print();
}

/// What the harness itself costs: the same schedule for an engine that does nothing.
fn floor(duration: Duration) -> String {
    struct Nothing;
    impl Engine for Nothing {
        fn give(&mut self, _: timing::Instant, _: acd::Command, _: &mut Vec<Offer>) {}
        fn run_due(&mut self, _: timing::Instant, _: &mut Vec<Offer>) -> bool {
            false
        }
    }
    let world = World::new(Size { agents: 1_000, queues: 10, vectors: PROFILES, waiting: 0 });
    let plan = Plan { rate: RATE, duration };
    let paced = pace::run(&mut Nothing, &mut Load::new(&world), world.start(), plan);
    let [p50, p99] = [0.5, 0.99].map(|quantile| paced.quiet.all.value_at_quantile(quantile));
    format!(
        "The clock and the schedule alone show {p50} ns at p50 and {p99} ns at p99, which is in every latency"
    )
}

/// The tables, as they grow.
#[derive(Default)]
struct Report {
    duration: Duration,
    conditions: String,
    goals: String,
    latency: String,
    costs: String,
    throughput: String,
    rings: String,
    alternatives: String,
}

/// What a world gave.
struct Measured {
    paced: Paced,
    closed: Throughput,
    naive: Paced,
}

impl Report {
    fn one_core(&mut self) {
        let shared = [1_000, 10_000, 100_000]
            .map(|agents| self.world(Size { agents, queues: QUEUES, vectors: PROFILES, waiting: WAITING }));
        let [small, _, large] = &shared;
        let unique =
            self.world(Size { agents: 100_000, queues: QUEUES, vectors: Vectors::Unique, waiting: WAITING });
        let world = "100,000 agents, 500 queues, 1,000,000 waiting";
        self.goal_of_latency(
            &format!("match at 100,000 commands/s, p50, unique skills; {world}"),
            UNIQUE_P50,
            0.5,
            &unique,
        );
        self.goal_of_latency("the same, p99", UNIQUE_P99, 0.99, &unique);
        self.goal_of_latency("the same with 500 shared profiles, p50", SHARED_P50, 0.5, large);
        let naive = unique.naive.offers() as f64 / unique.naive.busy.as_secs_f64();
        self.goal(
            "matches sustained on one core, unique skills",
            "at least 1 M/s",
            &format!(
                "{} M/s (all windows {} M/s)",
                table::millions(unique.closed.median()),
                table::millions(unique.closed.overall())
            ),
            unique.closed.median() >= SUSTAINED,
            &format!("{}/s", table::thousands(naive)),
        );
        // The first two of the costs are the two kinds of matches.
        let ratio = |kind: usize, of: fn(&Measured) -> &Latencies| {
            quantile(&of(large).costs[kind], 0.5) / quantile(&of(small).costs[kind], 0.5)
        };
        let ours = [0, 1].map(|kind| ratio(kind, |measured| &measured.paced.quiet));
        let naive = [0, 1].map(|kind| ratio(kind, |measured| &measured.naive.quiet));
        self.goal(
            "cost from 1,000 to 100,000 agents, shared profiles: agent surplus, contact surplus",
            "within 2 times",
            &format!("{:.1} times, {:.1} times", ours[0], ours[1]),
            ours.iter().all(|&ratio| ratio <= FLAT_WITHIN),
            &format!("{:.0} times, {:.1} times", naive[0], naive[1]),
        );
    }

    /// Open loop, closed loop and the naive scan in one world.
    fn world(&mut self, size: Size) -> Measured {
        let world = World::new(size);
        let begin = Instant::now();
        let (mut distributor, mut load) = world.build();
        progress(&format!("{}: built in {} s", size.name(), table::seconds(begin.elapsed())));
        let plan = Plan { rate: RATE, duration: self.duration };
        let paced = pace::run(&mut distributor, &mut load, world.start(), plan);
        let later = world.start() + self.duration * 2;
        let closed = throughput::alone(&mut distributor, &mut load, later, BATCH, self.duration);
        drop(distributor);
        progress("the naive scan");
        let (mut naive, mut load) = (Naive::new(&world), Load::new(&world));
        let plan = Plan { rate: NAIVE_RATE, ..plan };
        let naive = pace::run(&mut naive, &mut load, world.start(), plan);
        rows(
            &mut self.latency,
            &size.name(),
            &paced,
            [("quiet windows", &paced.quiet), ("all windows", &paced.all)],
        );
        self.costs(&size.name(), "the distributor", &paced.quiet);
        self.costs(&size.name(), "the naive scan", &naive.quiet);
        let naive_rate = naive.offers() as f64 / naive.busy.as_secs_f64();
        line(
            &mut self.throughput,
            &[
                &size.name(),
                &table::millions(closed.median()),
                &table::millions(closed.overall()),
                &format!("{} of {}", closed.quiet.len(), closed.rates.len()),
                &table::thousands(closed.cpu_nanos()),
                &table::thousands(naive_rate),
            ],
        );
        Measured { paced, closed, naive }
    }

    fn costs(&mut self, world: &str, engine: &str, latencies: &Latencies) {
        let costs = Purpose::ALL.map(Purpose::name).into_iter().zip(&latencies.costs);
        for (what, histogram) in costs.chain([("what comes due between two", &latencies.due)]) {
            if !histogram.is_empty() {
                let number = table::thousands(histogram.len() as f64);
                line(&mut self.costs, &[world, engine, what, &number, &table::latencies(histogram)]);
            }
        }
    }

    fn rings(&mut self) {
        let world =
            World::new(Size { agents: 100_000, queues: QUEUES, vectors: Vectors::Unique, waiting: WAITING });
        let (mut distributor, mut load) = world.build();
        let plan = Plan { rate: RATE, duration: self.duration };
        let mut start = world.start();
        for (name, rest) in [("spins", Rest::Spins), ("sleeps", Rest::Sleeps)] {
            progress(&format!("rings, the distributor's thread {name} when idle"));
            let crossing = rings::paced(&mut distributor, &mut load, start, plan, rest);
            start += self.duration * 2;
            for (place, paced) in [("offer made", &crossing.decided), ("sender hears of it", &crossing.heard)]
            {
                for (windows, latencies) in [("quiet", &paced.quiet), ("all", &paced.all)] {
                    let share = format!("{windows}, {} of {}", paced.quiet_windows, paced.windows);
                    line(
                        &mut self.rings,
                        &[
                            name,
                            place,
                            &share,
                            &table::thousands(latencies.all.len() as f64),
                            &table::latencies(&latencies.all),
                        ],
                    );
                }
            }
            let what = match rest {
                Rest::Spins => {
                    "arrival to offer across the rings and back, two cores, 100,000 commands/s, p99"
                }
                Rest::Sleeps => {
                    "the same, where the distributor's thread sleeps when idle, as the product's does"
                }
            };
            let [quiet, all] =
                [&crossing.heard.quiet, &crossing.heard.all].map(|latencies| quantile(&latencies.all, 0.99));
            self.goal(
                what,
                &format!("at most {} µs", table::micros(CROSSING_P99)),
                &format!("{} µs (all windows {} µs)", table::micros(quiet), table::micros(all)),
                quiet <= CROSSING_P99,
                "–",
            );
        }
    }

    /// 10,000 agents, 100 queues, agent surplus only: what every design can do.
    fn alternatives(&mut self) {
        let world = World::new(Size { agents: 10_000, queues: 100, vectors: Vectors::Unique, waiting: 0 });
        let duration = self.duration;
        progress("alternatives: one owner");
        let (mut distributor, load) = world.build();
        let mut load = load.calm_only();
        let plan = Plan { rate: RATE, duration };
        let alone = pace::run(&mut distributor, &mut load, world.start(), plan);
        let start = world.start() + duration * 2;
        let closed = throughput::alone(&mut distributor, &mut load, start, BATCH, duration);
        self.alternative("one owner, no hand-off", "1", &closed, &alone);
        progress("alternatives: one owner behind rings");
        let start = start + duration * 2;
        let crossing = rings::paced(&mut distributor, &mut load, start, plan, Rest::Spins);
        let start = start + duration * 2;
        let closed = rings::closed(&mut distributor, &mut load, start, duration);
        self.alternative("A: one owner behind rings", "1 and 1 that sends", &closed, &crossing.heard);
        drop(distributor);
        for threads in [1, 2] {
            let designs = [
                ("M: the same behind one mutex", Design::mutex(&world)),
                ("B: claims", Design::claims(&world)),
            ];
            for (name, design) in designs {
                progress(&format!("alternatives: {name}, {threads}"));
                let paced = design.paced(&world, threads, plan);
                // The load begins anew, with the conversations of the beginning.
                let design = match design {
                    Design::Mutex(_) => Design::mutex(&world),
                    Design::Claims(..) => Design::claims(&world),
                };
                let closed = design.closed(&world, threads, duration);
                self.alternative(name, &threads.to_string(), &closed, &paced);
            }
        }
    }

    fn alternative(&mut self, design: &str, threads: &str, throughput: &Throughput, paced: &Paced) {
        let (quiet, all) = (&paced.quiet.agent_surplus, &paced.all.agent_surplus);
        let pair =
            |at| format!("{}, {}", table::micros(quantile(quiet, at)), table::micros(quantile(all, at)));
        line(
            &mut self.alternatives,
            &[
                design,
                threads,
                &table::millions(throughput.median()),
                &table::millions(throughput.overall()),
                &table::thousands(throughput.cpu_nanos()),
                &pair(0.5),
                &pair(0.99),
                &format!("{} of {}", paced.quiet_windows, paced.windows),
            ],
        );
    }

    fn goal_of_latency(&mut self, what: &str, goal: f64, at: f64, measured: &Measured) {
        let worse = |latencies: &Latencies| {
            quantile(&latencies.agent_surplus, at).max(quantile(&latencies.contact_surplus, at))
        };
        let (quiet, all) = (worse(&measured.paced.quiet), worse(&measured.paced.all));
        // Its time alone: at this rate its latency has no end.
        let [agent, contact, ..] = &measured.naive.quiet.costs;
        let naive = quantile(agent, at).max(quantile(contact, at));
        self.goal(
            what,
            &format!("at most {} µs", table::micros(goal)),
            &format!("{} µs (all windows {} µs)", table::micros(quiet), table::micros(all)),
            quiet <= goal,
            &format!("{} µs", table::micros(naive)),
        );
    }

    fn goal(&mut self, what: &str, goal: &str, measured: &str, is_met: bool, naive: &str) {
        line(&mut self.goals, &[what, goal, measured, table::verdict(is_met), naive]);
    }

    fn print(&self) {
        let latency_head = "| world | match | windows | matches | p50 | p90 | p99 | p99.9 | max |\n|---|---|---|---|---|---|---|---|---|\n";
        let costs_head = "| world | by | command | number | p50 | p90 | p99 | p99.9 | max |\n|---|---|---|---|---|---|---|---|---|\n";
        let throughput_head = "| world | matches a second, millions: median of quiet windows | all windows | quiet windows | CPU ns a match | naive scan, matches a second |\n|---|---|---|---|---|---|\n";
        let rings_head = "| distributor's thread when idle | until | windows | matches | p50 | p90 | p99 | p99.9 | max |\n|---|---|---|---|---|---|---|---|---|\n";
        let alternatives_head = "| design | threads | matches a second, millions: median of quiet windows | all windows | CPU ns a match | p50 at 100,000 commands/s, µs: quiet, all | p99: quiet, all | quiet windows |\n|---|---|---|---|---|---|---|---|\n";
        for (name, head, rows) in [
            ("conditions", "", &self.conditions),
            ("goals", "", &self.goals),
            ("latency", latency_head, &self.latency),
            ("costs", costs_head, &self.costs),
            ("throughput", throughput_head, &self.throughput),
            ("rings", rings_head, &self.rings),
            ("alternatives", alternatives_head, &self.alternatives),
        ] {
            if !rows.is_empty() {
                println!("<!-- block: {name} -->\n{head}{rows}");
            }
        }
    }
}

fn quantile(histogram: &Histogram<u64>, at: f64) -> f64 {
    histogram.value_at_quantile(at) as f64
}

fn rows<const N: usize>(table: &mut String, world: &str, paced: &Paced, kinds: [(&str, &Latencies); N]) {
    for (name, latencies) in kinds {
        let share = format!("{name}, {} of {}", paced.quiet_windows, paced.windows);
        let surplus =
            [("agent surplus", &latencies.agent_surplus), ("contact surplus", &latencies.contact_surplus)];
        for (what, histogram) in surplus {
            let number = table::thousands(histogram.len() as f64);
            line(table, &[world, what, &share, &number, &table::latencies(histogram)]);
        }
    }
}

fn line(table: &mut String, cells: &[&str]) {
    writeln!(table, "| {} |", cells.join(" | ")).expect("a String takes everything");
}

fn progress(what: &str) {
    eprintln!("{what}");
}
