//! What one command costs the distributor, in worlds of 1,000 to 100,000 agents with 1,000,000 waiting.
//!
//! `cargo bench -p cordboard-benches --bench acd [-- FILTER]`, for example `-- '100000 x 500.*/match'`; all of it
//! takes about ten minutes and 3 GB. Every figure is the mean of rounds of up to 64 commands in a steady state;
//! what prepares and restores that state is not in it. `acd_latency` has the distributions.

use std::time::Duration;

use benches::{Operation, Size, Stage, Vectors, World};
use criterion::Criterion;

const WAITING: u32 = 1_000_000;
/// Agents, queues, profiles.
const SHARED: [(u32, u32, u32); 8] = [
    (1_000, 100, 50),
    (1_000, 500, 50),
    (10_000, 100, 100),
    (10_000, 500, 100),
    (10_000, 500, 500),
    (100_000, 10, 500),
    (100_000, 100, 500),
    (100_000, 500, 500),
];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for agents in [1_000, 10_000, 100_000] {
        for queues in [10, 100, 500] {
            bench(&mut criterion, Size { agents, queues, vectors: Vectors::Unique, waiting: WAITING });
        }
    }
    for (agents, queues, profiles) in SHARED {
        bench(&mut criterion, Size { agents, queues, vectors: Vectors::Shared(profiles), waiting: WAITING });
    }
    criterion.final_summary();
}

fn bench(criterion: &mut Criterion, size: Size) {
    // Built for the first operation that the filter lets through.
    let mut stage: Option<Stage> = None;
    let mut group = criterion.benchmark_group(size.name());
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for operation in Operation::ALL {
        group.bench_function(operation.name(), |bencher| {
            let stage = stage.get_or_insert_with(|| Stage::new(World::new(size)));
            bencher.iter_custom(|number| {
                let mut left = usize::try_from(number).expect("a count of iterations");
                let mut took = Duration::ZERO;
                while left > 0 {
                    let round = left.min(stage.round_max());
                    took += stage.round(operation, round);
                    left -= round;
                }
                took
            });
        });
    }
    group.finish();
}
