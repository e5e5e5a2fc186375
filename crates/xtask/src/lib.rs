//! The project's own checks: `cargo xtask tidy` (house style that no compiler knows) and
//! `cargo xtask test` (everything that must hold before a change is taken), with the guard of instruction
//! counts that is part of it; and `cargo xtask performance` and `system-bench`, which measure and write the figures into the pages.
//!
//! It deliberately does not build, release or change anything of the product, and no crate of the
//! product knows it. Every check is a function from a [`Tree`] (the tracked files as text) to
//! [`Violation`]s, so that each is tested with an example that it must refuse.
//!
//! Read first: [`tidy`], then [`suite`].

#![allow(clippy::disallowed_types, reason = "a tool that runs programs and says how long they took")]

pub mod accuracy;
pub mod fuzz;
pub mod instructions;
pub mod mutants;
pub mod performance;
pub mod soak;
pub mod suite;
pub mod system_bench;
pub mod tidy;
mod tree;

use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};

pub use tree::Tree;

pub use tidy::Violation;

/// Runs a program; each line that it says passes through and is shown to `each`. Whether it succeeded.
fn pass_through(command: &mut Command, mut each: impl FnMut(&str)) -> io::Result<bool> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().expect("stdout was asked for as a pipe");
    for line in BufReader::new(stdout).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        each(&line);
    }
    Ok(child.wait()?.success())
}

/// The cargo that runs us.
fn cargo_program() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
