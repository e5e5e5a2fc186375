//! Memory for each agent and each waiting interaction, and allocations for each command in the steady state.
//!
//! `cargo bench -p cordboard-benches --bench acd_memory`: about two minutes. Live bytes are what the program has
//! asked its allocator for and not given back (`stats_alloc` counts under every allocation); resident bytes are
//! the kernel's (`/proc/self/statm`), with what the allocator adds and with the growth of tables that double.

use std::alloc::System;
use std::collections::BTreeMap;
use std::process::Command;

use benches::{Engine, Load, Offer, STEP_AFTER, Size, Vectors, World, table};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PAGE: f64 = 4_096.0;
/// Commands before the steady state, and commands counted in it.
const COMMANDS: u32 = 300_000;
/// What the issue asks for: bytes for a waiting interaction, and for an agent.
const GOALS: (f64, f64) = (256.0, 4_096.0);

const WORLDS: [(&str, Vectors); 2] = [("unique", Vectors::Unique), ("shared", Vectors::Shared(500))];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--world") {
        let wanted = arguments.get(at + 1).map_or("", String::as_str);
        let (_, vectors) =
            WORLDS.into_iter().find(|(name, _)| *name == wanted).expect("--world unique or shared");
        return print_world(vectors);
    }
    let memory = "| world | a waiting interaction, bytes: live, resident | an agent, bytes: live, resident | a queue, bytes live |";
    println!("<!-- block: memory -->\n{memory}\n|---|---|---|---|");
    for (name, _) in WORLDS {
        // A process of its own, because memory that one world gives back is resident already for the next.
        let program = std::env::current_exe().expect("it runs");
        let output = Command::new(program).args(["--world", name]).output().expect("it can run again");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "the world `{name}` failed: {errors}");
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
}

fn print_world(vectors: Vectors) {
    let size = Size { agents: 100_000, queues: 500, vectors, waiting: 1_000_000 };
    let figures = weigh(size);
    println!("<!-- block: memory -->\n{}", figures.row(size));
    if vectors == Vectors::Unique {
        println!(
            "<!-- block: allocations -->\n| command | commands | allocations a command | bytes a command |\n|---|---|---|---|"
        );
        println!("{}", figures.allocations.rows());
        println!("<!-- block: goals -->\n{}{}", figures.goals(), figures.allocations.goal());
    }
}

/// Memory in hand.
#[derive(Clone, Copy)]
struct Held {
    live: f64,
    resident: f64,
}

impl Held {
    fn now() -> Held {
        let stats = ALLOCATOR.stats();
        let live = stats.bytes_allocated as f64 - stats.bytes_deallocated as f64;
        let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux with /proc mounted");
        let pages = statm.split(' ').nth(1).expect("the second figure: proc(5)");
        Held { live, resident: pages.parse::<f64>().expect("a number") * PAGE }
    }

    /// What was added since `before`, for each of so many.
    fn since(self, before: Held, each: u32) -> Held {
        let each = f64::from(each);
        Held { live: (self.live - before.live) / each, resident: (self.resident - before.resident) / each }
    }
}

struct Figures {
    waiting: Held,
    agent: Held,
    queue: f64,
    allocations: Allocations,
}

/// What is built and when: queues with twenty agents, then the other agents logged in (nine of ten in conversation),
/// then everybody who waits. The allocator gives nothing of the kind back in between, so differences are exact.
fn weigh(size: Size) -> Figures {
    let few = World::new(Size { agents: 20, waiting: 0, ..size });
    let staffed = World::new(Size { waiting: 0, ..size });
    let full = World::new(size);
    let before = Held::now();
    let with_queues = few.staffed();
    let queues = Held::now();
    let with_agents = staffed.staffed();
    let agents = Held::now();
    let (mut distributor, mut load) = full.build();
    let everything = Held::now();
    let copy_of_the_load = load_bytes(&full);
    drop((with_queues, with_agents));
    let queue = queues.since(before, size.queues);
    let agent = agents.since(queues, 1);
    let agent = Held { live: agent.live - queue.live * f64::from(size.queues), ..agent };
    let agent =
        Held { live: agent.live / f64::from(size.agents), resident: agent.resident / f64::from(size.agents) };
    let all = everything.since(agents, 1);
    let without = |total: f64, each_agent: f64| {
        (total - copy_of_the_load - queue.live * f64::from(size.queues) - each_agent * f64::from(size.agents))
            / f64::from(size.waiting)
    };
    let waiting =
        Held { live: without(all.live, agent.live), resident: without(all.resident, agent.resident) };
    let allocations = count(&mut distributor, &mut load, full.start());
    Figures { waiting, agent, queue: queue.live, allocations }
}

/// The load that comes with a built world is not the distributor's.
fn load_bytes(world: &World) -> f64 {
    let before = Held::now();
    let load = Load::new(world);
    let bytes = Held::now().live - before.live;
    drop(load);
    bytes
}

impl Figures {
    fn row(&self, size: Size) -> String {
        let pair =
            |held: Held| format!("{}, {}", table::thousands(held.live), table::thousands(held.resident));
        format!(
            "| {} | {} | {} | {} |",
            size.name(),
            pair(self.waiting),
            pair(self.agent),
            table::thousands(self.queue)
        )
    }

    fn goals(&self) -> String {
        let row = |what: &str, goal: f64, held: Held| {
            let verdict = table::verdict(held.live <= goal);
            format!(
                "| memory of {what}, live bytes | at most {} | {} ({} resident) | {verdict} | – |\n",
                table::thousands(goal),
                table::thousands(held.live),
                table::thousands(held.resident),
            )
        };
        row("a waiting interaction", GOALS.0, self.waiting) + &row("an agent", GOALS.1, self.agent)
    }
}

/// Commands, allocations and allocated bytes by kind of command.
#[derive(Default)]
struct Allocations(BTreeMap<&'static str, [u64; 3]>);

impl Allocations {
    fn rows(&self) -> String {
        let row = |(name, &[commands, allocations, bytes]): (&&str, &[u64; 3])| {
            let each = |number: u64| number as f64 / commands.max(1) as f64;
            format!(
                "| {name} | {} | {:.4} | {:.1} |\n",
                table::thousands(commands as f64),
                each(allocations),
                each(bytes)
            )
        };
        self.0.iter().map(row).collect()
    }

    fn goal(&self) -> String {
        let sum = |column: usize| self.0.values().map(|figures| figures[column]).sum::<u64>() as f64;
        let each = sum(1) / sum(0);
        let verdict = table::verdict(each < 0.0005);
        format!("| allocations a command in the steady state | 0 | {each:.3} | {verdict} | – |\n")
    }
}

fn count(engine: &mut impl Engine, load: &mut Load, start: timing::Instant) -> Allocations {
    let mut allocations = Allocations::default();
    let mut offers: Vec<Offer> = Vec::with_capacity(8);
    // A step's time passes over both halves of the run, so that a third of all who wait change their step.
    let tick = STEP_AFTER / (2 * COMMANDS);
    let mut now = start;
    for number in 0..2 * COMMANDS {
        now += tick;
        let (command, _) = load.command();
        let arrives = matches!(command, acd::Command::Enqueue { .. });
        let accepts = matches!(command, acd::Command::Accept { .. });
        let before = ALLOCATOR.stats();
        let was_due = engine.run_due(now, &mut offers);
        let due = ALLOCATOR.stats();
        engine.give(now, command, &mut offers);
        let after = ALLOCATOR.stats();
        let kind = match (arrives, accepts, offers.is_empty()) {
            (true, _, false) => "arrival that finds an agent",
            (true, _, true) => "arrival that waits",
            (false, true, _) => "acceptance",
            (false, false, false) => "agent becomes free and gets the next",
            (false, false, true) => "agent becomes free and is idle",
        };
        load.hear(&mut offers);
        if number >= COMMANDS {
            if was_due {
                note(&mut allocations, "what comes due between two commands", before, due);
            }
            note(&mut allocations, kind, due, after);
        }
    }
    allocations
}

fn note(
    allocations: &mut Allocations,
    kind: &'static str,
    before: stats_alloc::Stats,
    after: stats_alloc::Stats,
) {
    let change = after - before;
    let entry = allocations.0.entry(kind).or_default();
    entry[0] += 1;
    entry[1] += (change.allocations + change.reallocations) as u64;
    entry[2] += change.bytes_allocated as u64;
}
