//! What callgrind counts: `acd_instructions WORLD OPERATION ROUNDS`. Nothing is measured in here; `cargo xtask
//! instructions` runs it twice, with one number of rounds and with twice as many, and takes the difference, so that
//! building the world and ending the process do not count.
//!
//! A round prepares, does and undoes an operation ten times, and all of that is counted: `match` is an arrival that
//! finds an agent, the acceptance and the end; `wait` an arrival and its cancellation. `--list` names the cases.

use std::process::ExitCode;

use benches::{Operation, Size, Stage, Vectors, World};

/// Operations in a round.
const ROUND: usize = 10;
/// Enough of everything that lists, trees and levels of the timer wheel are really used; built in a second under
/// callgrind.
const WORLDS: [(&str, Size); 2] = [
    ("unique", Size { agents: 2_000, queues: 50, vectors: Vectors::Unique, waiting: 5_000 }),
    ("shared", Size { agents: 2_000, queues: 50, vectors: Vectors::Shared(40), waiting: 5_000 }),
];

/// Those whose rounds differ: accepting and becoming idle are in `match`, giving up in `wait`, logging in in
/// `log-out`.
const OPERATIONS: [Operation; 11] = [
    Operation::Match,
    Operation::TakeNext,
    Operation::Wait,
    Operation::StepEntry,
    Operation::LogOut,
    Operation::SkillChange,
    Operation::RuleChange,
    Operation::QueueChange,
    Operation::HeadStart,
    Operation::MissesMax,
    Operation::Snapshot,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list"] => {
            for (world, _) in WORLDS {
                OPERATIONS.iter().for_each(|operation| println!("{world} {}", operation.name()));
            }
            println!("operations in a round: {ROUND}");
            ExitCode::SUCCESS
        }
        [world, operation, rounds] => run(world, operation, rounds),
        _ => {
            eprintln!("usage: acd_instructions --list | WORLD OPERATION ROUNDS");
            ExitCode::FAILURE
        }
    }
}

fn run(world: &str, operation: &str, rounds: &str) -> ExitCode {
    let size = WORLDS.iter().find(|(name, _)| *name == world).map(|&(_, size)| size);
    let operation = OPERATIONS.into_iter().find(|known| known.name() == operation);
    let (Some(size), Some(operation), Ok(rounds)) = (size, operation, rounds.parse::<u32>()) else {
        eprintln!("no such case: `acd_instructions --list` names them");
        return ExitCode::FAILURE;
    };
    let mut stage = Stage::new(World::new(size));
    for _ in 0..rounds {
        stage.round(operation, ROUND);
    }
    ExitCode::SUCCESS
}
