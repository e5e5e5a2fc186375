//! What callgrind counts of whole calls: `call_instructions WORLD OPERATION ROUNDS`, as
//! [`acd_instructions`](../acd_instructions/index.html) does of the distributor's operations; `cargo xtask instructions` runs
//! both.
//!
//! A round is ten calls that an agent answers at once, through engine and distributor: what the phones say is composed in
//! here too and counted with the rest. Sockets, threads and the relay are not in it.

use std::process::ExitCode;

use benches::House;

/// That of the binary `cordboard`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Calls in a round.
const ROUND: u32 = 10;
/// Enough that none is called twice in the time that a transaction is remembered.
const AGENTS: u32 = 100;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list"] => {
            println!("call answered\noperations in a round: {ROUND}");
            ExitCode::SUCCESS
        }
        ["call", "answered", rounds] if let Ok(rounds) = rounds.parse::<u32>() => {
            let mut house = House::new(AGENTS);
            for _ in 0..rounds * ROUND {
                house.call();
            }
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: call_instructions --list | call answered ROUNDS");
            ExitCode::FAILURE
        }
    }
}
